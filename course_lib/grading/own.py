"""Take in questions of one's own, from a Python file, after looking at all that could fail later."""

import importlib.util
import json
from pathlib import Path

from course_lib.grading.candidates import NOTHING, Budget, slips
from course_lib.grading.question import Chapter, copy
from course_lib.grading.questions import CHAPTERS, add, all_questions

__all__ = ["include", "problems"]


def include(file):
    """Load the `Chapter` of a Python file, and let `check` know its questions; return it.

    Raises:
        ValueError: if the file does not define one chapter, with a stem and names that the course does not
            use; or if a question would fail a learner. All that is wrong is named.
    """
    file = Path(file)
    if not file.is_file():
        raise ValueError(f"A Python file with questions is required. Received: {str(file)!r}, which is none")
    specification = importlib.util.spec_from_file_location(f"questions_of_{file.stem}", file)
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise ValueError(
            f"{file} must be Python that can be run. Received: {type(error).__name__}: {error}"
        ) from error
    chapters = [value for value in vars(module).values() if isinstance(value, Chapter)]
    if len(chapters) != 1 or not chapters[0].questions:
        raise ValueError(f"{file} must define one Chapter with questions. Received: {len(chapters)}")
    (chapter,) = chapters
    if chapter.stem in CHAPTERS:
        raise ValueError(f"{file} must have a stem of its own. Received: {chapter.stem!r}, the course's")
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
    add(chapter)
    return chapter


def problems(question):
    """Return sentences on what would fail when the question is asked; none if it can be asked."""
    name = question.name
    if not isinstance(question.points, int) or question.points < 1:
        return [f"`{name}` must have whole points, 1 or more. Received: points={question.points!r}"]
    if not question.visible and question.draw is not None:
        return [f"`{name}` draws cases, and must show at least one: visible=([...],)."]
    if not question.hints:
        return [f"`{name}` must have at least one hint."]
    try:
        cases = question.cases()
    except Exception as error:
        return [f"`{name}` cannot draw its cases: {type(error).__name__}: {error}"]
    for case in cases:
        if len(case) != len(question.parameters):
            return [f"A case of `{name}` must have a value for each argument. Received: {case}"]
        try:
            result = question.reference(*copy(case))
            if json.loads(json.dumps(result, allow_nan=False)) != result:
                return [f"`{name}` must return numbers, strings, booleans or lists. Received: {result!r}"]
        except Exception as error:
            return [f"`{name}` fails for the arguments {case}: {type(error).__name__}: {error}"]
    return _slips_that_fail(question, cases)


def _slips_that_fail(question, cases):
    try:
        found = list(slips(question))
    except ValueError as error:
        return [str(error)]
    right = [question.reference(*copy(case)) for case in cases]
    wrong = []
    for candidate in found:
        results = [candidate.result(case, Budget()) for case in cases]
        if all(result is NOTHING for result in results):
            wrong.append(f"A slip of `{question.name}` fails in every case: {candidate.sentence}")
        elif results == right:
            wrong.append(f"A slip of `{question.name}` is right in every case: {candidate.sentence}")
    return wrong
