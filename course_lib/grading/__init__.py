"""Check the learner's answers in a notebook: `check`, `hint`, `points`, `progress`.

The rooms behind this face: `learner` checks, `feedback` shows, `catalogue` finds the questions. They, and
those of the class's side (`grade`), import from each other, never from here.
"""

from course_lib.grading.catalogue import chapter_questions, questions
from course_lib.grading.feedback import Feedback
from course_lib.grading.learner import check, hint, points, progress

__all__ = ["Feedback", "chapter_questions", "check", "hint", "points", "progress", "questions"]
