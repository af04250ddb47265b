"""Wrong answers that learners would plausibly hand in: none passes as right, and a named one stays named.

`wrong_answers/` has a file a chapter: answers written from the exercises' text alone, without a look at the
questions' files. Those with `"seen": true` were at hand when the catalogues of slips were filled, the others were
written to measure them. `python tests/grading/test_wrong_answers.py` prints the shares.
"""

import json
from pathlib import Path

import pytest

from course_lib.grading.answer import attempt
from course_lib.grading.judge import judge
from course_lib.grading.questions import CHAPTERS, chapter_of

FOLDER = Path(__file__).with_name("wrong_answers")
SEEDS = (0, 7)


def wrong_answers(chapter):
    return json.loads((FOLDER / f"{chapter}.json").read_text(encoding="utf-8"))


def notebook_of(chapter):
    """Return what an answer can use: the right answers before it, and what the exercise imports."""
    names = dict(chapter.questions[0].reference.__globals__)
    exec("\n".join(chapter.imports), names)
    return names


def verdicts(stem, wrong):
    """Return the verdict on a wrong answer for the cases of each seed."""
    chapter = chapter_of(stem)
    (question,) = (question for question in chapter.questions if question.name == wrong["question"])
    names = notebook_of(chapter)
    exec(wrong["code"], names)
    for seed in SEEDS:
        cases = question.cases(seed)
        outcomes = [attempt(names[question.name], case) for case in question.cases(seed)]
        yield judge(question, cases, outcomes)


@pytest.mark.parametrize("stem", CHAPTERS)
def test_no_wrong_answer_passes_and_what_was_named_is_named(stem):
    for number, wrong in enumerate(wrong_answers(stem)):
        for verdict in verdicts(stem, wrong):
            assert verdict.status != "right", (number, wrong["misconception"])
            assert verdict.mistake or not wrong["named"], (number, wrong["misconception"], verdict.sentence)


@pytest.mark.parametrize("stem", CHAPTERS)
def test_four_in_five_of_a_chapter_s_wrong_answers_are_named(stem):
    answers = wrong_answers(stem)
    assert len(answers) >= 50
    assert sum(wrong["named"] for wrong in answers) >= 0.8 * len(answers)


def main():
    """Print how many of the answers are named, chapter by chapter."""
    for stem in CHAPTERS:
        counts = {True: [0, 0], False: [0, 0]}
        for wrong in wrong_answers(stem):
            count = counts[wrong["seen"]]
            count[0] += all(verdict.mistake for verdict in verdicts(stem, wrong))
            count[1] += 1
        seen, unseen = (f"{named} of {total}" for named, total in (counts[True], counts[False]))
        print(f"{stem:12} seen {seen}, unseen {unseen}")


if __name__ == "__main__":
    main()
