"""Check the learner's answers in a notebook: `check`, `hint`, `points`, `progress`.

The rooms behind this face: `learner` checks, `feedback` shows, `questions` holds and finds the questions.
They, and those of the class's side (`grade`), import from each other, never from here.
"""

from course_lib.grading.feedback import Feedback
from course_lib.grading.learner import check, hint, include, points, progress
from course_lib.grading.questions import all_questions, chapter_questions

__all__ = ["Feedback", "all_questions", "chapter_questions", "check", "hint", "include", "points", "progress"]
