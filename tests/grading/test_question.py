"""A question is a right function; its slips are edits of it, read from its source when they are needed."""

import re
import sys

import pytest

from course_lib.grading.question import Chapter, Question, edited, neighbours, show, sources, task

chapter = Chapter("pooling", title="Pooling")
OPTIONS = {
    "points": 1,
    "returns": "a whole number",
    "visible": ([7, 2],),
    "hints": ("How many fit?",),
}


@chapter.question("Half", slips={"// 2 -> / 2": "Round down."}, **OPTIONS | {"visible": ([7],)})
def half(size):
    """How many pairs are there?"""
    return size // 2


@chapter.question(
    "Size after pooling",
    slips={
        "size // window -> -(-size // window)": "That is ceil, not floor.",
        (
            "size // window -> window // size",
            "return count -> return count + 1",
        ): "Upside down, and 1 more.",
        max: "That is the larger of the two.",
    },
    **OPTIONS,
)
def pooled_size(size, window):
    """
    How many windows fit?

    They do not overlap.
    """
    # A window must fit.
    count = size // window
    return count


def twice_pooled(size, window):
    return pooled_size(pooled_size(size, window), window)


def test_the_decorator_hands_the_function_on_unchanged_and_adds_a_question():
    assert [question.name for question in chapter.questions] == ["half", "pooled_size"]
    assert chapter.questions[1].reference is pooled_size
    assert chapter.questions[1].chapter == "pooling"
    assert pooled_size(7, 2) == 3


def drawn(draw, seed):
    question = Question(name="half", chapter="", title="", reference=half, slips={}, draw=draw, **OPTIONS)
    return [case[0] for case in question.cases(seed)[1:]]


def test_several_draws_take_turns():
    draw = (lambda rng: [rng.randint(0, 99)], lambda rng: [rng.randint(100, 199)])
    orders = [[case >= 100 for case in drawn(draw, seed)] for seed in range(9)]
    assert all(sum(order[place : place + 2]) == 1 for order in orders for place in range(0, 12, 2))
    assert len({tuple(order) for order in orders}) > 4  # the place doesn't tell the kind


def test_a_class_is_asked_what_check_does_not_ask_as_long_as_there_is_any():
    many, few = (lambda rng: [rng.randint(1, 24)]), (lambda rng: [rng.randint(1, 15)])
    assert sorted(drawn(many, seed=0) + drawn(many, seed=5)) == list(range(1, 25))
    checked, others = set(drawn(few, seed=0)), drawn(few, seed=5)
    assert set(others[:3]) == set(range(1, 16)) - checked
    assert len(set(others)) == 12


def test_a_slip_is_one_edit_or_several_or_a_function():
    sentences, functions = zip(*chapter.questions[1].mistakes, strict=True)
    assert [function(7, 2) for function in functions] == [4, 1, 7]
    assert sentences[0] == "That is ceil, not floor."
    assert chapter.questions[1].parameters == ["size", "window"]


@pytest.mark.parametrize(
    ("slip", "message"),
    [
        ("count", "must be written `old -> new`. Received: 'count'"),
        (" -> 1", "must be written `old -> new`"),
        ("window -> size", "Received: 'window', which stands there 2 times"),
        ("height -> width", "Received: 'height', which stands there 0 times"),
        (("size // window -> 1", "size // window -> 2"), "which stands there 0 times"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused_in_words(slip, message):
    with pytest.raises(ValueError, match=rf"`pooled_size`.*{re.escape(message)}|{re.escape(message)}.*"):
        edited(pooled_size, slip)


def test_the_source_of_a_function_is_its_head_and_its_body_with_comments_and_without_the_task():
    assert sources(pooled_size) == (
        "def pooled_size(size, window):",
        "    # A window must fit.\n    count = size // window\n    return count",
    )
    assert task(pooled_size) == "How many windows fit?\n\nThey do not overlap."


def test_callers_meet_a_slipped_function_in_a_namespace_of_its_own():
    slipped = edited(pooled_size, "size // window -> -(-size // window)")
    caller = neighbours(twice_pooled, {"pooled_size": slipped})["twice_pooled"]
    assert (caller(7, 2), twice_pooled(7, 2)) == (2, 1)


def test_a_value_is_shown_shortened_and_to_six_digits():
    assert show([1 / 3]) == "[0.333333]"
    assert len(show(list(range(1000)))) <= 120


def test_a_question_whose_source_was_compiled_without_docstrings_still_has_its_task():
    import subprocess

    code = (
        "from course_lib.grading.questions import find; from course_lib.grading.question import task;"
        "question = find('vgg_rows'); print(question.reference.__doc__, task(question.reference)[:9],"
        "len(question.mistakes) == len(question.slips))"
    )
    printed = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.split() == ["None", "Write", "the", "True"]
