"""Hold the questions, one file a chapter, and find them: `chapter_questions`, `all_questions`, `find`."""

import importlib

__all__ = ["CHAPTERS", "add", "all_questions", "chapter_of", "chapter_questions", "chapter_stems", "find"]

CHAPTERS = {  # in the order of the course, each with its number
    "foundations": 0,
    "lenet5": 1,
    "alexnet": 2,
    "zfnet": 3,
    "nin": 4,
    "vgg": 5,
    "googlenet": 6,
    "resnet": 7,
    "preact_resnet": 8,
    "stochastic_depth": 9,
    "wide_resnet": 10,
    "squeezenet": 14,
}
_own = {}  # chapters of one's own, by stem


def chapter_of(stem):
    """Return the `Chapter` whose files have the stem."""
    if stem in _own:
        return _own[stem]
    return getattr(importlib.import_module(f"course_lib.grading.questions.{stem}"), stem)


def chapter_questions(stem):
    """Return the questions of one chapter, in order."""
    return tuple(chapter_of(stem).questions)


def chapter_stems():
    """Return the stems of all chapters, those of one's own last."""
    return (*CHAPTERS, *_own)


def all_questions(without=None):
    """Return every question by its name, those of one's own too, but for those of the chapter `without`."""
    stems = [stem for stem in chapter_stems() if stem != without]
    return {question.name: question for stem in stems for question in chapter_questions(stem)}


def add(chapter):
    """Take in a `Chapter` of one's own, or take it in anew."""
    _own[chapter.stem] = chapter


def find(name):
    """Return the question called `name`, or None."""
    return all_questions().get(name)
