"""Look questions up, by chapter and by name; a chapter's file is imported when it is first needed."""

import functools
import importlib

from course_lib.grading.questions import CHAPTERS

__all__ = ["chapter_questions", "questions"]


def chapter_questions(chapter):
    """Return the questions of one chapter, in order."""
    return importlib.import_module(f"course_lib.grading.questions.{chapter}").QUESTIONS


@functools.cache
def questions():
    """Return every question by its name."""
    return {question.name: question for chapter in CHAPTERS for question in chapter_questions(chapter)}
