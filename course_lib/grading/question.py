"""Hold questions: the right function, as a learner would write it, and its slips, which are edits of it.

    vgg = Chapter("vgg", title="VGG", about="...", offers=("output_size",))

    @vgg.question(
        "Dense layers that slide",
        points=2,
        returns="a list `[side, macs]` of whole numbers",
        visible=([224], [256]),
        draw=lambda rng: [rng.randint(290, 1200)],
        slips={" - 6 -> ": "That is pool5; fc6 is a window of 7x7 that slides over it."},
        hints=("Five pools halve the side.", "`size // 32` places remain."),
    )
    def class_map(size):
        \"\"\"The task, in the words that the exercise shows.\"\"\"
        side = size // 32 - 6
        return [side, side**2 * 123_633_664]

The function stays what it was, so that later ones can call it. Its source is read when a wrong answer is to
be named, not before: to import a chapter's questions takes milliseconds.
"""

import ast
import functools
import inspect
import json
import random
import textwrap
import warnings
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from types import FunctionType

__all__ = ["CHECK_SEED", "Chapter", "Question", "SlipError", "copy", "show", "sources"]

CHECK_SEED = 0  # draws the cases of `check` in a notebook, which everybody can read
MOST = 120  # characters of a value in a sentence
ATTEMPTS = 200  # to draw a case that is not there yet; where there are too few, fewer are asked
ARROW = " -> "  # of a slip, between what stands in the function and what a learner wrote instead


class SlipError(ValueError):
    """A slip is no edit of its reference."""


@dataclass(eq=False)
class Chapter:
    """Hold the questions of one chapter, in order, and what its exercise says around them.

    Args:
        stem: of the chapter's files, such as `vgg`.
        title: in the exercise's heading.
        about: what the functions are about, after their number and points; plain text with Markdown.
        offers: names of `course_lib.arithmetic` that the exercise imports; the question file does, too.
        given: how the exercise introduces them.
        enough: the sentence on what an answer needs.
        imports: further lines of imports that the answers need.
        data: names of constants of the question file that the exercise shows, such as a paper's table.
    """

    stem: str
    _: KW_ONLY
    title: str = ""
    about: str = ""
    offers: tuple[str, ...] = ()
    given: str = ""
    enough: str = "Plain Python is enough."
    imports: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    questions: list = field(default_factory=list, init=False)

    def __post_init__(self):
        self.title = self.title or self.stem

    def question(self, title, **options):
        """Return a decorator that adds the function below it as a `Question`, and hands it on unchanged."""

        def add(function):
            self.questions.append(
                Question(
                    name=function.__name__,
                    chapter=self.stem,
                    title=title,
                    reference=function,
                    **options,
                )
            )
            return function

        return add


@dataclass(frozen=True, kw_only=True)
class Question:
    """Hold what is asked, the reference, and the slips that learners make.

    Arguments and results are JSON data (numbers, strings, booleans, lists), so that they can travel to
    another process. A question without arguments asks for a value: its answer is a function that returns it,
    or the value.

    Args:
        name: of the function that the learner writes; no two questions share one.
        chapter: stem of the chapter's files.
        title: of the exercise.
        points: for a right answer; a partly right one earns its share of the cases.
        returns: what the function returns, in words.
        visible: argument lists that the exercise shows with their results.
        draw: takes a `random.Random` and returns the arguments of one more case; or several such functions,
            which take turns in an order that the seed decides, where each kind of case must come.
        reference: the right function; its docstring is the task.
        slips: maps an edit of the reference to the sentence that names it. An edit is `old -> new`, where
            `old` stands once in the body of the reference; or a tuple of such edits, made together; or, where
            no edit can say it, a function. Several may share a sentence.
        hints: sentences, each of which gives away more.
        tolerance: relative error up to which a float is right.
        floats: whether a float will do where the reference has a whole number: activities and weights may
            be floats, sizes and counts may not.
        needs: "keras" if the answer is a Keras model; the class grader then forks from a parent that has
            imported it. The reference returns the rows into which `attempt` turns a model.
        answer: the body of the solution, if it is not that of the reference: a Keras model's builder.
    """

    name: str
    chapter: str
    title: str
    points: int
    returns: str
    reference: Callable
    slips: Mapping
    hints: tuple[str, ...]
    visible: tuple = ()
    draw: Callable | tuple[Callable, ...] | None = None
    tolerance: float = 1e-6
    floats: bool = False
    needs: str = ""
    answer: str = ""
    slipped: dict = field(default_factory=dict, repr=False, compare=False)  # memory of `mistakes`

    def cases(self, seed=CHECK_SEED, drawn=12):
        """Return the visible argument lists, then `drawn` others, or all there are; the seed decides.

        Another seed than that of `check` draws what `check` does not ask, as long as there is such a case:
        a table of the answers that `check` accepts then knows none of a class's cases but the visible ones.
        """
        if self.draw is None:
            return copy(self.visible or [[]])
        generator = random.Random(f"{self.name} {seed}")
        order = [] if isinstance(self.draw, tuple | list) else [self.draw] * drawn
        while len(order) < drawn:  # no place in the order tells the kind of a case
            order += generator.sample(self.draw, len(self.draw))
        cases = copy(self.visible)
        checked = [] if seed == CHECK_SEED else self.cases()
        for draw in order[:drawn]:
            case = _other_than(cases + checked, draw, generator)
            if case is None:
                case = _other_than(cases, draw, generator)
            if case is not None:
                cases.append(case)
        return cases

    def call(self, case):
        """Write the call of one case, with the names of the arguments."""
        named = zip(self.parameters, case, strict=True)
        return f"{self.name}({', '.join(f'{name}={show(value)}' for name, value in named)})"

    @property
    def parameters(self):
        """Return the names of the arguments."""
        return list(inspect.signature(self.reference).parameters)

    @property
    def mistakes(self):
        """Return pairs (sentence, wrong function), one for each slip.

        Raises:
            ValueError: if an edit does not fit the reference.
        """
        if "mistakes" not in self.slipped:
            self.slipped["mistakes"] = tuple(
                (sentence, edited(self.reference, slip)) for slip, sentence in self.slips.items()
            )
        return self.slipped["mistakes"]


def _other_than(cases, draw, generator):
    """Draw a case that is none of `cases`; return None after too many attempts."""
    attempts = (copy(draw(generator)) for _ in range(ATTEMPTS))
    return next((case for case in attempts if case not in cases), None)


# Slips


def edited(reference, slip, replaced=None):
    """Return the function that a slip makes of a reference, in a namespace of its own.

    Args:
        reference: a function of a question file.
        slip: an edit, a tuple of edits, or a function, which is returned.
        replaced: functions by name, which it calls in the place of its neighbours.

    Raises:
        ValueError: if an edit is not `old -> new`, or its `old` does not stand once in the body.
    """
    if callable(slip):
        return slip
    head, body = sources(reference)
    body = apply(body, edits(slip), reference.__name__)
    return compiled(reference, f"{head}\n{body}", replaced)


def edits(slip):
    """Return the edits of a slip as a list of strings."""
    return [slip] if isinstance(slip, str) else list(slip)


def apply(body, changes, name):
    """Return the body after each of the `changes`, `old -> new`, whose `old` stands in it once."""
    for change in changes:
        old, arrow, new = change.partition(ARROW)
        if not arrow or not old:
            raise SlipError(f"A slip of `{name}` must be written `old -> new`. Received: {change!r}")
        count = body.count(old)
        if count != 1:
            raise SlipError(
                f"What a slip changes must stand once in the body of `{name}`. Received: {old!r}, "
                f"which stands there {count} times"
            )
        body = body.replace(old, new)
    return body


def compiled(reference, source, replaced=None):
    """Return the function of the `source`, in a copy of the namespace in which the reference lives.

    All functions of that namespace call each other there, or what is `replaced`, a dict of functions by name.
    """
    namespace = neighbours(reference, replaced)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # `1[0]`, of a change by rule
        exec(compile(source, f"<slip of {reference.__name__}>", "exec"), namespace)
    return namespace[reference.__name__]


def neighbours(reference, replaced=None):
    """Return a copy of the reference's namespace whose functions call each other, or what is `replaced`."""
    home = reference.__globals__
    namespace = dict(home)
    for name, value in home.items():
        if type(value) is FunctionType and value.__globals__ is home:
            moved = FunctionType(
                value.__code__, namespace, value.__name__, value.__defaults__, value.__closure__
            )
            moved.__kwdefaults__ = value.__kwdefaults__
            namespace[name] = moved
    namespace.update(replaced or {})
    return namespace


@functools.cache
def sources(reference):
    """Return the head `def name(...):` and the body of a function as text, without decorators and docstring.

    The body keeps its indent of four.
    """
    source = textwrap.dedent(inspect.getsource(reference))
    node = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    first = node.body[0]
    start = first.lineno - 1
    if ast.get_docstring(node) is not None:
        start = first.end_lineno
    lines = source.split("\n")[start : node.end_lineno]
    if not lines:
        raise ValueError(f"`{node.name}` must have a body. Received: a docstring alone")
    return f"def {node.name}({ast.unparse(node.args)}):", "\n".join(lines)


def task(reference):
    """Return the docstring of a reference as its file has it, also where Python left it out (`-OO`)."""
    node = ast.parse(textwrap.dedent(inspect.getsource(reference))).body[0]
    return ast.get_docstring(node) or ""


# Plain data


def show(value, most=MOST):
    """Write plain data in at most `most` characters, floats to six digits."""
    text = repr(rounded(value))
    return text if len(text) <= most else f"{text[: most - 30]} … {text[-25:]}"


def copy(plain):
    """Return plain data that shares nothing with `plain`."""
    return json.loads(json.dumps(plain))


def rounded(value, form=".6g"):
    """Return plain data with every float rounded as the format `form` writes it."""
    if isinstance(value, list):
        return [rounded(entry, form) for entry in value]
    return float(format(value, form)) if isinstance(value, float) else value
