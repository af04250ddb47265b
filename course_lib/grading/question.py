"""Judge an answer to a question from plain data, and name the mistake behind a wrong one.

An answer is asked by `course_lib.grading.answer.attempt`, where the learner's code runs; what comes back is
JSON data, and `judge` sees nothing else. The two can live in different processes, and every way of checking
says the same sentence.
"""

import inspect
import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Question", "Verdict", "judge", "show"]

# What a report names of the exceptions that a hidden case raised; a choice of many could carry the case out.
COMMON = (
    "TypeError",
    "ValueError",
    "IndexError",
    "KeyError",
    "NameError",
    "ZeroDivisionError",
    "MemoryError",
)
MOST = 120  # characters of a value in a sentence
FLOAT = (
    "The value is right, but it is a float, and a whole number is required: divide with `//` rather than "
    "`/`, and give NumPy's arrays `dtype=int`."
)
ROUNDED = (
    "The value is right, but it is rounded: return it as it is computed; only the text shows fewer digits."
)
ATTEMPTS = 200  # to draw a case that is not there yet; where there are too few, fewer are asked


@dataclass(frozen=True, kw_only=True)
class Question:
    """Hold what is asked, the reference, and the mistakes that learners make.

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
        draw: takes a `random.Random` and returns the arguments of one more case.
        reference: the right function.
        mistakes: maps a sentence to the wrong function that it names.
        hints: sentences, each of which gives away more.
        tolerance: relative error up to which a float is right.
        floats: whether a float will do where the reference has a whole number: activities and weights may
            be floats, sizes and counts may not.
        needs: "keras" if the answer is a Keras model; the class grader then forks from a parent that has
            imported it. The reference returns the rows into which `attempt` turns a model.
    """

    name: str
    chapter: str
    title: str
    points: int
    returns: str
    reference: Callable
    mistakes: dict[str, Callable]
    hints: tuple[str, ...]
    visible: tuple = ()
    draw: Callable | None = None
    tolerance: float = 1e-6
    floats: bool = False
    needs: str = ""

    def cases(self, seed=0, drawn=12):
        """Return the visible argument lists, then `drawn` others, or all there are; the seed decides."""
        if self.draw is None:
            return copy(self.visible or [[]])
        generator, cases = random.Random(f"{self.name} {seed}"), copy(self.visible)
        for _ in range(drawn):
            attempts = (copy(self.draw(generator)) for _ in range(ATTEMPTS))
            new = next((case for case in attempts if case not in cases), None)
            cases += [new] * (new is not None)
        return cases

    def call(self, case):
        """Write the call of one case, with the names of the arguments."""
        named = zip(inspect.signature(self.reference).parameters, case, strict=True)
        return f"{self.name}({', '.join(f'{name}={show(value)}' for name, value in named)})"


@dataclass(frozen=True)
class Verdict:
    """Say how an answer did; `status` is right, partly, wrong, error, timeout, crashed or not attempted.

    `mistake` is the known mistake that explains the answer, if one does.
    """

    question: str
    status: str
    points: float
    possible: int
    sentence: str
    mistake: str = ""


def judge(question, cases, outcomes, *, private=False):
    """Return the `Verdict` on the `outcomes` that `attempt` returned for the argument lists `cases`.

    An outcome may also be {"ended": "timeout" or "crashed", "why": words}: the answer's process ended. If
    `private`, the sentence repeats nothing that the answer made of a case that is not visible, because it
    could carry that case out.
    """
    expected = [question.reference(*copy(case)) for case in cases]
    values = [outcome.get("value") for outcome in outcomes]
    right = [_right(question, e, v) for e, v in zip(expected, values, strict=True)]
    points = math.floor(10 * question.points * sum(right) / len(cases)) / 10

    def verdict(status, sentence, mistake=""):
        return Verdict(question.name, status, points, question.points, sentence, mistake)

    if all(right):
        return verdict("right", f"All {len(cases)} cases are right." if len(cases) > 1 else "That is right.")
    if all(outcome.get("raised") == "NotImplementedError" and not outcome["within"] for outcome in outcomes):
        return verdict("not attempted", f"`{question.name}` is still to be written.")
    mistake = _named(question, cases, expected, values) or ""
    sentence = mistake or _described(question, cases, expected, outcomes, right, private)
    ended = outcomes[-1].get("ended")
    if points:
        sentence = f"{sentence} ({sum(right)} of {len(cases)} cases are right.)"
        return verdict(ended or "partly", sentence, mistake)
    failed = all("raised" in outcome for outcome in outcomes)
    return verdict(ended or ("error" if failed else "wrong"), sentence, mistake)


def show(value, most=MOST):
    """Write plain data in at most `most` characters, floats to six digits."""
    text = repr(_rounded(value))
    return text if len(text) <= most else f"{text[: most - 30]} … {text[-25:]}"


def copy(plain):
    """Return plain data that shares nothing with `plain`."""
    return json.loads(json.dumps(plain))


def _named(question, cases, expected, values):
    """Return the sentence of the known mistake that explains every value, if there is one."""
    if _all_same(expected, values, question.tolerance):
        return FLOAT
    for sentence, wrong in question.mistakes.items():
        if _all_same([wrong(*copy(case)) for case in cases], values, question.tolerance):
            return sentence
    rounded = (_rounded(expected, f".{digits}{kind}") for digits in range(1, 7) for kind in "fg")
    return ROUNDED if any(_all_same(each, values, question.tolerance) for each in rounded) else None


def _described(question, cases, expected, outcomes, right, private):
    """Describe the first wrong case; of a case that is not visible, neither its arguments nor its result."""
    index = right.index(False)
    outcome, wanted = outcomes[index], expected[index]
    shown = index < len(question.visible)
    where = f"`{question.call(cases[index])}`" if shown or not cases[index] else "A case that is not shown"
    if outcome.get("failed"):  # before any case was asked
        where = f"The code that defines `{question.name}`"
    elif private and cases[index] and not shown:
        outcome = _without_words(outcome, wanted)
    if "ended" in outcome:
        return f"{where} {outcome['why']}"
    if "uncallable" in outcome:
        kind = _article(outcome["uncallable"])
        return f"A function is required, and this is {kind}: check `{question.name}` itself."
    if outcome.get("raised") == "NotImplementedError" and outcome["within"]:
        return f"{where} calls `{outcome['within']}`, which is still to be written."
    if outcome.get("raised") == "KeyboardInterrupt":
        return f"{where} was interrupted. Does a loop never end?"
    if outcome.get("raised") == "RecursionError":
        return f"{where} calls itself without end."
    if "raised" in outcome:
        return f"{where} raised {outcome['raised']}{': ' * bool(outcome['message'])}{outcome['message']}."
    if "type" in outcome:
        return f"{where} returned {_article(outcome['type'])}; {question.returns} is required."
    value = outcome["value"]
    if value is None:
        return f"{where} returned None. Is the `return` missing? Or did a search find no match?"
    both_lists = isinstance(value, list) and isinstance(wanted, list)
    rows = both_lists and question.needs == "keras"
    if shown and (rows or (both_lists and _hides(wanted, value))):
        return f"{where}: {_first_difference(question, wanted, value)}"
    if _form(value) != _form(wanted) and not rows and not (shown and both_lists):
        return f"{where} returned `{show(value)}`; {question.returns} is required."
    if shown:
        required, yours = _texts(wanted, value)
        return f"{where} is `{required}`; your function returned `{yours}`."
    if not cases[index]:
        return f"{where} returned `{show(value)}`: the form is right, the value is not."
    return (
        "The cases that are shown are right, others are not. Is every argument used, and every step general?"
    )


def _without_words(outcome, wanted):
    """Return the outcome less all that the answer could have put a hidden case into."""
    if outcome.get("ended") == "crashed":
        return {"ended": "crashed", "why": "ended its process."}
    if "raised" in outcome:
        name = outcome["raised"] if outcome["raised"] in COMMON else "an error"
        return {"raised": name, "message": "", "within": ""}
    if "value" in outcome and outcome["value"] is not None and _form(outcome["value"]) != _form(wanted):
        return {"type": type(outcome["value"]).__name__}
    for key in ("type", "uncallable"):
        if key in outcome:
            return {key: "value of another type"}
    return outcome


def _first_difference(question, wanted, value, place=""):
    """Say where a list first differs from the one that is required; it does somewhere."""
    index = next(
        (i for i, (w, v) in enumerate(zip(wanted, value, strict=False)) if not _right(question, w, v)),
        min(len(value), len(wanted)),
    )
    kind = "row" if any(isinstance(entry, list) for entry in wanted) else "entry"
    place += f"{kind} {index + 1}"
    if index == len(value):
        return f"{place} is missing; it must be `{show(wanted[index])}`."
    if index == len(wanted):
        return f"{place} is `{show(value[index])}`; the {kind} before it must be the last."
    if _hides(wanted[index], value[index]):
        return _first_difference(question, wanted[index], value[index], f"{place}, ")
    required, yours = _texts(wanted[index], value[index])
    return f"{place} must be `{required}`; yours is `{yours}`."


def _hides(wanted, value):
    """Say whether two lists, as they are shown, leave out where they differ."""
    if not (isinstance(wanted, list) and isinstance(value, list)):
        return False
    texts = show(wanted, math.inf), show(value, math.inf)
    return texts[0] == texts[1] or max(map(len, texts)) > MOST


def _texts(wanted, value):
    """Show what is required and what came; with all digits, if fewer don't tell them apart."""
    texts = show(wanted), show(value)
    return texts if texts[0] != texts[1] else (repr(wanted), repr(value))


def _right(question, expected, value):
    return _same(expected, value, question.tolerance) and (question.floats or _whole(expected, value))


def _same(expected, value, tolerance):
    """Compare plain data; a float that equals an integer counts as the same."""
    if isinstance(expected, list):
        return (
            isinstance(value, list)
            and len(value) == len(expected)
            and all(_same(e, v, tolerance) for e, v in zip(expected, value, strict=True))
        )
    if not _is_number(expected):
        return type(value) is type(expected) and value == expected
    if not _is_number(value):
        return False
    if isinstance(expected, int):
        return value == expected
    try:
        return math.isclose(value, expected, rel_tol=tolerance, abs_tol=1e-9)
    except OverflowError:  # an integer beyond the range of floats
        return False


def _all_same(expected, values, tolerance):
    return all(_same(e, v, tolerance) for e, v in zip(expected, values, strict=True))


def _whole(expected, value):
    """Say whether every integer of `expected` is an integer in `value`, which has the same form."""
    if isinstance(expected, list):
        return all(_whole(e, v) for e, v in zip(expected, value, strict=True))
    return not (isinstance(expected, int) and isinstance(value, float))


def _form(value):
    """Reduce plain data to its form: nested lists and types, where every number is a number."""
    if isinstance(value, list):
        return [_form(entry) for entry in value]
    return "number" if _is_number(value) else type(value).__name__


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _rounded(value, form=".6g"):
    if isinstance(value, list):
        return [_rounded(entry, form) for entry in value]
    return float(format(value, form)) if isinstance(value, float) else value


def _article(noun):
    return noun if noun == "NoneType" else f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
