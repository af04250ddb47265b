"""Take in questions of one's own, from a Python file, after looking at all that could fail later."""

import ast
import builtins
import contextlib
import inspect
import io
import json
import math
from collections.abc import Mapping
from importlib.util import decode_source
from pathlib import Path
from types import FunctionType, ModuleType

from course_lib import arithmetic
from course_lib.grading.candidates import NOTHING, Budget, slips
from course_lib.grading.compare import is_number
from course_lib.grading.limit import Limit, OutOfTimeError
from course_lib.grading.question import Chapter, copy, sources, task
from course_lib.grading.questions import CHAPTERS, add, all_questions, chapter_of, chapter_stems

__all__ = ["include", "misfits", "problems"]

SECONDS = 10  # of computing, for all that is looked at in a file
FACE = ("all_questions", "chapter_questions", "check", "hint", "include", "points", "progress")
MARKERS = ("BEGIN SOLUTION", "END SOLUTION")  # between which an exercise hides the answer


def include(file):
    """Load the `Chapter` of a Python file, and let `check` know its questions; return it.

    Raises:
        ValueError: if the file does not define one chapter, with a stem and names that the course does not
            use; or if a question would fail a learner. All that is wrong is named.
    """
    if not isinstance(file, str | Path) or Path(file).suffix != ".py" or not Path(file).is_file():
        text = str(file) if isinstance(file, Path) else file
        raise ValueError(f"A Python file with questions is required. Received: {text!r}, which is none")
    file = Path(file)
    try:
        with Limit(SECONDS) as limit:
            chapter = limit.call(_looked_at, file)
    except OutOfTimeError:
        raise ValueError(
            f"{file} must be looked at within {SECONDS} seconds of computing. Does a loop in it, in a `draw` "
            "or in a slip never end?"
        ) from None
    add(chapter)
    return chapter


def _looked_at(file):
    """Return the chapter of a file in which nothing would fail a learner; raise ValueError otherwise."""
    chapters = {id(value): value for value in _run(file).values() if isinstance(value, Chapter)}
    if len(chapters) != 1 or not next(iter(chapters.values())).questions:
        raise ValueError(f"{file} must define one Chapter with questions. Received: {len(chapters)}")
    (chapter,) = chapters.values()
    wrong = _problems_of_chapter(chapter, file)
    if not wrong:
        wrong = [problem for question in chapter.questions for problem in problems(question)]
    names = [question.name for question in chapter.questions]
    others = all_questions(without=chapter.stem)
    wrong += [
        f"`{name}` is the name of a question of the chapter {others[name].chapter}."
        for name in names
        if name in others
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    wrong += [f"`{name}` is the name of two questions." for name in twice]
    if wrong:
        raise ValueError(f"{file} must have questions that can be asked. Received:\n" + "\n".join(wrong))
    return chapter


def _run(file):
    """Return the names that a Python file defines; raise ValueError if it cannot be run.

    It is not imported: an import is not stopped when its time is up.
    """
    module = ModuleType(f"questions_of_{file.stem}")
    module.__file__ = str(file)
    try:
        source = decode_source(file.read_bytes())
        exec(compile(source, str(file.resolve()), "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"{file} must be Python that can be run. Received: {type(error).__name__}: {error}"
        ) from error
    return module.__dict__


def _problems_of_chapter(chapter, file):
    """Return sentences on what is wrong with a chapter apart from its questions."""
    stem = chapter.stem
    if stem in CHAPTERS:
        return [f"{file} must have a stem of its own. Received: {stem!r}, the course's"]
    if not isinstance(stem, str) or not stem.isidentifier():
        return [f"A stem must be a word of letters, digits and `_`. Received: {stem!r}"]
    if stem in chapter_stems():
        other = Path(chapter_of(stem).questions[0].reference.__code__.co_filename)
        if other != file.resolve():
            return [f"{file} must have a stem of its own. Received: {stem!r}, that of {other}"]
    wrong = [
        f"`{field}` of a chapter must be a tuple of strings. Received: {getattr(chapter, field)!r}"
        for field in ("offers", "imports", "data")
        if not _are_strings(getattr(chapter, field))
    ]
    if wrong:
        return wrong
    constants = _constants(file)
    wrong = [
        f"What a chapter offers must be a function of course_lib.arithmetic. Received: {name!r}"
        for name in chapter.offers
        if name not in arithmetic.__all__
    ]
    wrong += [
        f"The data of a chapter must be constants of its file. Received: {name!r}"
        for name in chapter.data
        if name not in constants
    ]
    return wrong


def _constants(file):
    """Return the names to which a file assigns values, each in a line of its own."""
    statements = [node for node in ast.parse(file.read_bytes()).body if isinstance(node, ast.Assign)]
    return {getattr(node.targets[0], "id", None) for node in statements}


def _are_strings(value):
    return isinstance(value, tuple | list) and all(isinstance(entry, str) for entry in value)


def problems(question):
    """Return sentences on what would fail when the question is asked; none if it can be asked."""
    for look in (_problems_of_options, _problems_of_reference, _problems_of_cases, _problems_of_slips):
        wrong = look(question)
        if wrong:
            return wrong
    return []


def _problems_of_options(question):
    """Return a sentence on the first option that is not as required."""
    name, points = question.name, question.points
    if isinstance(points, bool) or not isinstance(points, int) or points < 1:
        return [f"`{name}` must have whole points, 1 or more. Received: points={points!r}"]
    if not question.visible and question.draw is not None:
        return [f"`{name}` draws cases, and must show at least one: visible=([...],)."]
    if not isinstance(question.visible, tuple | list) or any(
        not isinstance(case, list | tuple) for case in question.visible
    ):
        return [f"`{name}` must show lists of arguments. Received: visible={question.visible!r}"]
    if not question.hints:
        return [f"`{name}` must have at least one hint."]
    if not _are_strings(question.hints):
        return [f"`{name}` must have a tuple of hints, strings. Received: hints={question.hints!r}"]
    if not isinstance(question.title, str) or not isinstance(question.returns, str):
        return [f"`{name}` must have a title, and say in words what it returns."]
    if not is_number(question.tolerance) or not 0 <= question.tolerance < math.inf:
        return [f"`{name}` must have a tolerance of 0 or more. Received: tolerance={question.tolerance!r}"]
    if question.needs not in ("", "keras"):
        return [f'`{name}` must need "keras" or nothing. Received: needs={question.needs!r}']
    if not isinstance(question.slips, Mapping):
        return [f"`{name}` must have a dict of slips. Received: slips={question.slips!r}"]
    for slip, sentence in question.slips.items():
        is_edit = isinstance(slip, str) or (isinstance(slip, tuple) and _are_strings(slip)) or callable(slip)
        if not is_edit or not isinstance(sentence, str):
            return [
                f"A slip of `{name}` must be `old -> new`, a tuple of these or a function, each with a "
                f"sentence. Received: {slip!r}: {sentence!r}"
            ]
    return []


def _problems_of_reference(question):
    """Return a sentence on what is wrong with the right function as it is written."""
    name, reference = question.name, question.reference
    if hasattr(builtins, name) or name in FACE:
        return [f"A question must have a name that nothing else has. Received: `{name}`"]
    if type(reference) is not FunctionType or not name.isidentifier():
        return [f"`{name}` must be a function that `def` defines. Received: {type(reference).__name__}"]
    if hasattr(reference, "__wrapped__"):
        return [f"`{name}` must have no decorator but that of the question."]
    try:
        _, body = sources(reference)
        text = task(reference)
    except (OSError, TypeError, StopIteration, AttributeError, SyntaxError):
        return [f"`{name}` must stand in the file as a function that `def` defines."]
    except ValueError as error:
        return [str(error)]
    if not text:
        return [f"`{name}` must have a docstring: it is the task."]
    if any(marker in f"{body}\n{question.answer}" for marker in MARKERS):
        return [f"`{name}` must not contain BEGIN SOLUTION or END SOLUTION; release writes them."]
    for parameter in inspect.signature(reference).parameters.values():
        is_plain = parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.default is parameter.empty
        if not is_plain:
            return [f"`{name}` must have arguments without defaults and stars. Received: `{parameter}`"]
    return []


def _problems_of_cases(question):
    """Return a sentence on the first case that cannot be drawn or answered."""
    name = question.name
    try:
        cases = question.cases()
    except Exception as error:
        return [f"`{name}` cannot draw its cases: {type(error).__name__}: {error}"]
    for case in cases:
        if not isinstance(case, list) or len(case) != len(question.parameters):
            return [f"A case of `{name}` must have a value for each argument. Received: {case}"]
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                results = [question.reference(*copy(case)) for _ in range(2)]
            text = json.dumps(results[0], allow_nan=False)
        except Exception as error:
            return [f"`{name}` fails for the arguments {case}: {type(error).__name__}: {error}"]
        if results[0] is None or not _is_plain(results[0]) or json.loads(text) != results[0]:
            return [f"`{name}` must return numbers, strings, booleans or lists. Received: {results[0]!r}"]
        if results[1] != results[0]:
            return [
                f"`{name}` must return the same each time. Received for {case}: {results[0]!r}, then "
                f"{results[1]!r}"
            ]
    return []


def _is_plain(value):
    """Say whether it is made of numbers, strings, booleans, None and lists."""
    if type(value) is list:
        return all(_is_plain(entry) for entry in value)
    return value is None or type(value) in (bool, int, float, str)


def misfits(question):
    """Return sentences on slips that are no edits of their reference; none if all fit."""
    try:
        list(slips(question))
    except ValueError as error:
        return [str(error)]
    except SyntaxError as error:
        return [f"A slip of `{question.name}` must leave Python that can be run. Received: {error}"]
    return []


def _problems_of_slips(question):
    """Return sentences on slips that do not fit, fail in every case, or are never wrong."""
    wrong = misfits(question)
    if wrong:
        return wrong
    cases = question.cases()
    right = [question.reference(*copy(case)) for case in cases]
    for candidate in slips(question):
        results = [candidate.result(case, Budget()) for case in cases]
        if all(result is NOTHING for result in results):
            wrong.append(f"A slip of `{question.name}` fails in every case: {candidate.sentence}")
        elif results == right:
            wrong.append(f"A slip of `{question.name}` is right in every case: {candidate.sentence}")
    return wrong
