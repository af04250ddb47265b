"""A check meets whatever it is handed: it answers in a sentence, raises nothing, and keeps the answer."""

import ast
import asyncio
import dataclasses
import functools
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from course_lib import grading
from course_lib.grading import check, hint, learner, points, progress
from course_lib.grading import feedback as feedback_module
from course_lib.grading.questions import CHAPTERS
from course_lib.grading.questions.foundations import output_size

QUESTION = grading.all_questions()["output_size"]
ALL = 20 * len(CHAPTERS)  # points


class AlwaysEqual:
    def __eq__(self, other):
        return True

    __hash__ = None


class LyingInt(int):
    def __eq__(self, other):
        return True

    __hash__ = None


class Hostile:
    def __getattribute__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError("repr")


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("str")


class Endless:
    def tolist(self):
        return self


def stub(*arguments):
    raise NotImplementedError()


def calls_a_stub(*arguments):
    return stub(*arguments)


def raising(error):
    def answer(*arguments):
        raise error

    return answer


def recursive(*arguments):
    return recursive(*arguments)


def generator(*arguments):
    yield 1


def self_containing(*arguments):
    nested = []
    nested.append(nested)
    return nested


def returning(value):
    return lambda *arguments: value


ODD = {
    "an untouched stub": (stub, "not attempted", "`output_size` is still to be written."),
    "a call of another stub": (calls_a_stub, "error", "calls `stub`, which is still to be written."),
    "a missing return": (
        returning(None),
        "wrong",
        "Is the `return` missing? What is printed is not returned.",
    ),
    "no function but a number": (28, "wrong", "A function is required, and this is an int"),
    "no function but None": (None, "wrong", "A function is required, and this is NoneType"),
    "too few arguments": (lambda size: size, "error", "raised TypeError: "),
    "a string": (returning("28"), "wrong", "returned `'28'`; a whole number is required."),
    "not a number": (returning(float("nan")), "wrong", "is `28`; your function returned `nan`."),
    "infinity": (lambda size, *_: size * float("inf"), "wrong", "The result is the same in every case"),
    "a truth value": (returning(True), "wrong", "returned `True`; a whole number is required."),
    "a list": (returning([28]), "wrong", "returned `[28]`; a whole number is required."),
    "a list in itself": (self_containing, "wrong", "returned a list; a whole number is required."),
    "a list beyond all bounds": (
        returning([0] * 10**6),
        "wrong",
        "returned a list that is too large to be looked at; a whole number is required.",
    ),
    "an integer beyond all bounds": (
        returning(10**5000),
        "wrong",
        "returned an int that is too large to be looked at; a whole number is required.",
    ),
    "a generator": (generator, "wrong", "returned a generator; a whole number is required."),
    "an object that equals everything": (returning(AlwaysEqual()), "wrong", "returned an AlwaysEqual;"),
    "an integer that equals everything": (
        lambda size, *_: LyingInt(size),
        "wrong",
        "is `28`; your function returned `32`.",
    ),
    "an object that raises when looked at": (returning(Hostile()), "wrong", "returned a Hostile;"),
    "a conversion without end": (returning(Endless()), "wrong", "returned an Endless;"),
    "a class": (AlwaysEqual, "error", "raised TypeError"),
    "a hostile callable": (functools.partial(getattr, Hostile()), "error", "raised "),
    "a division by zero": (lambda *arguments: 1 // 0, "error", "raised ZeroDivisionError: "),
    "recursion": (recursive, "error", "calls itself without end."),
    "an exit": (lambda *arguments: sys.exit(3), "error", "raised SystemExit: 3."),
    "an interrupt": (raising(KeyboardInterrupt()), "error", "was interrupted. Does a loop never end?"),
    "a stop of iterations": (raising(StopIteration()), "error", "raised StopIteration."),
    "an exception that cannot be printed": (raising(UnprintableError()), "error", "raised UnprintableError."),
    "an exception with a broken character": (
        raising(ValueError("\ud800")),
        "error",
        "raised ValueError: \\ud800.",
    ),
    "an exception with markup": (raising(ValueError("<b>\n\nx")), "error", "raised ValueError: <b> x."),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_answer_gets_a_calm_sentence(name):
    answer, status, sentence = ODD[name]
    feedback = check("output_size", answer)
    verdict = learner._verdicts["output_size"]
    assert (verdict.status, verdict.points) == (status, 0)
    assert sentence in str(feedback)
    assert feedback.points == 0
    json.dumps(feedback._repr_mimebundle_()).encode()


def test_a_coroutine_is_no_answer():
    async def answer(*arguments):
        return 28

    with pytest.warns(RuntimeWarning, match="never awaited"):
        feedback = check("output_size", answer)
    assert "returned a coroutine" in str(feedback)
    assert asyncio.run(answer()) == 28


@pytest.mark.parametrize("kind", [np.int64, np.array, lambda value: np.array(value, "uint16"), LyingInt])
def test_a_right_value_of_another_integer_type_is_right(kind):
    assert check("output_size", lambda *case: kind(output_size(*case))).points == 2


def test_a_tensor_is_right_too():
    import tensorflow as tf

    assert check("output_size", lambda *case: tf.constant(output_size(*case))).points == 2


def test_a_tuple_or_an_array_stands_for_a_list():
    padding = grading.all_questions()["same_padding"].reference
    assert check("same_padding", lambda *case: tuple(padding(*case))).points == 2
    assert check("same_padding", lambda *case: np.array(padding(*case))).points == 2


def test_a_float_where_a_count_is_asked_is_told_from_a_wrong_value():
    feedback = check("output_size", lambda *case: float(output_size(*case)))
    assert "The value is right, but it is a float" in str(feedback)
    assert feedback.points == 0


def test_an_integer_stands_for_a_float_of_its_value():
    assert "is `0.999997`; your function returned `1`." in str(check("scaled_tanh", lambda x: round(x != 0)))


def test_an_integer_beyond_the_range_of_floats_is_only_wrong():
    for answer in (lambda x: 10**400, lambda x: 10 ** (400 + round(abs(x)))):
        feedback = check("scaled_tanh", answer)
        assert feedback.points == 0
        assert "could not be judged" not in str(feedback)


def test_a_question_without_arguments_takes_the_value_itself():
    assert check("c3_groups", [456, 606, 303, 151]).points == 2
    assert "The biases are missing" in str(check("c3_groups", [450, 600, 300, 150]))


def test_a_value_that_is_asked_for_is_not_shown():
    for answer in ([1, 2, 3, 4], [456, 606, 303], None, "456", 1516):
        feedback = check("c3_groups", answer)
        assert feedback.points == 0
        assert not any(value in feedback.text for value in ("606", "303", "151") if value not in str(answer))


def test_an_answer_that_knows_only_the_visible_cases_learns_nothing_of_the_others():
    shown = {tuple(case): output_size(*case) for case in QUESTION.visible}
    feedback = check("output_size", lambda *case: shown.get(case, -1))
    assert "The cases that are shown are right, others are not." in str(feedback)
    assert "(3 of 15 cases are right.)" in str(feedback)
    assert feedback.points == 0.4
    feedback = check("output_size", lambda *case: shown[case])
    assert "A case that is not shown raised KeyError" in str(feedback)


def test_an_answer_that_changes_its_arguments_harms_only_itself():
    def greedy(image, kernel):
        result = grading.all_questions()["correlate"].reference(image, kernel)
        image.clear()
        kernel[0].clear()
        return result

    assert check("correlate", greedy).points == 3
    assert check("correlate", greedy).points == 3


def test_a_learner_s_text_cannot_become_markup():
    markup = check("output_size", raising(ValueError("<script>alert(1)</script>"))).markup
    assert "<script>" not in markup
    assert "&lt;script&gt;" in markup


def test_feedback_is_the_same_every_time():
    wrong = returning(3)
    assert str(check("output_size", wrong)) == str(check("output_size", wrong))


def test_an_unknown_name_is_answered_with_the_nearest():
    assert "Did you mean `output_size`?" in str(check("output_sise", stub))
    assert "Did you mean `output_size`?" in str(hint("outputsize"))
    assert "Did you mean `lenet5`?" in str(points("lenet"))


def test_what_is_no_name_is_answered_with_what_is_required():
    for name in (None, 3, output_size, ["output_size"]):
        assert str(check(name, stub)).startswith("The name of a question is required, as a string: `check(")
        assert str(hint(name)) == 'The name of a question is required, as a string: `hint("output_size")`.'
        assert str(points(name)) == 'The name of a chapter is required, as a string: `points("lenet5")`.'


def test_a_call_that_lacks_something_is_answered_with_the_whole_call():
    same_padding = grading.all_questions()["same_padding"].reference
    assert '`check("output_size", output_size)`' in str(check())
    assert '`check("same_padding", same_padding)`' in str(check(same_padding))
    assert 'Your answer is required too, without a call: `check("correlate", correlate)`' in str(
        check("correlate")
    )
    assert "Did you mean `correlate`?" in str(check("corelate"))
    assert str(hint()) == str(hint(None))
    assert str(points()) == str(points(None))


def test_what_an_answer_prints_is_shown_once_with_its_case(capsys):
    def answer(*case):
        print("between", case)
        return 28

    feedback = check("output_size", answer)
    assert capsys.readouterr().out == (
        "output_size(size=32, kernel=5, stride=1, padding=0) prints:\nbetween (32, 5, 1, 0)\n"
    )
    assert "between" not in feedback.text
    visible = [tuple(case) for case in QUESTION.visible]
    check("output_size", lambda *case: case in visible or print("hidden", case))
    assert capsys.readouterr().out == ""


def test_of_what_an_answer_prints_without_end_the_beginning_is_shown(capsys):
    check("output_size", lambda *case: print("\ud800", "x" * 10**6))
    shown = capsys.readouterr().out
    assert len(shown) < 2 * learner.MOST_PRINTED
    assert shown.endswith("x …\n")


def test_an_answer_that_does_not_end_is_stopped(monkeypatch, capsys):
    def answer(*case):
        print("Here.")
        while True:
            pass

    monkeypatch.setattr(learner, "SECONDS", 0.3)
    start = time.monotonic()
    feedback = check("output_size", answer)
    assert time.monotonic() - start < 5
    assert str(feedback) == (
        "✘ Took too long: output_size, 0 of 2 points. `output_size(size=32, kernel=5, stride=1, padding=0)` "
        "did not end within 0.3 seconds of computing. Does a loop never end?"
    )
    assert capsys.readouterr().out.endswith("prints:\nHere.\n")
    assert check("output_size", output_size).points == 2


def test_a_line_of_the_exercise_that_is_left_over_below_an_answer_is_named():
    def answer(size, kernel, stride, padding):
        room = size - kernel + 2 * padding
        raise NotImplementedError()
        return room // stride + 1

    feedback = check("output_size", answer)
    assert learner._verdicts["output_size"].status == "error"
    assert "take that line out of your answer" in str(feedback)


def test_a_check_inside_an_answer_returns_at_once():
    inside = []

    def answer(*case):
        inside.append(check("output_size", answer))
        return output_size(*case)

    assert check("output_size", answer).points == 2
    assert "A check runs already: take `check` out of your answer." in str(inside[0])
    assert check("output_size", output_size).points == 2


def test_a_slip_that_no_longer_fits_is_not_the_learner_s_fault(monkeypatch):
    question = dataclasses.replace(QUESTION, slips={"nowhere -> there": "It is nowhere."}, slipped={})
    monkeypatch.setattr(learner, "_find", lambda name: question)
    feedback = check("output_size", returning(3))
    assert "The file of the question is broken, not your answer." in str(feedback)
    assert "nowhere" not in str(feedback)
    assert feedback.points == 0


def test_hints_come_one_by_one_and_only_when_asked():
    assert not any(text in str(check("output_size", stub)) for text in QUESTION.hints)
    for count, text in enumerate((*QUESTION.hints, QUESTION.hints[-1]), start=1):
        shown = str(hint("output_size"))
        assert f"Hint {min(count, 3)} of 3" in shown
        assert text in shown


def test_in_plain_python_a_check_reads_as_a_sentence():
    assert (
        repr(check("output_size", output_size))
        == "✔ Right: output_size, 2 of 2 points. All 15 cases are right."
    )


def test_in_a_notebook_s_kernel_the_plain_form_is_the_points_for_nbgrader(monkeypatch):
    feedback = check("output_size", lambda *case: output_size(*case) + (case[0] % 2))
    assert feedback._repr_mimebundle_()["text/plain"] == str(feedback)
    monkeypatch.setattr(feedback_module, "_in_kernel", lambda: True)
    bundle = feedback._repr_mimebundle_()
    assert 0 < float(bundle["text/plain"]) < 2
    assert "Partly right" in bundle["text/html"]
    assert check("output_size", stub)._repr_mimebundle_()["text/plain"] == "0"
    assert "of 20 points" in points("foundations")._repr_mimebundle_()["text/plain"]


def test_points_are_those_of_this_session():
    assert str(points("foundations")).startswith("foundations: 0 of 20 points")
    assert "Not checked in this session" in str(points("foundations"))
    check("output_size", output_size)
    assert str(points("foundations")).startswith("foundations: 2 of 20 points")
    check("output_size", stub)
    assert str(points("foundations")).startswith("foundations: 0 of 20 points")


def test_progress_keeps_the_best_of_every_chapter():
    check("output_size", output_size)
    check("output_size", stub)
    check("c3_groups", [456, 606, 303, 151])
    assert f"Your best so far: 4 of {ALL} points" in str(progress())
    assert json.loads(learner.RECORD.read_text()) == {"c3_groups": 2, "output_size": 2}


@pytest.mark.parametrize(
    "content", ["{", "[1]", "3", '{"output_size": []}', '{"output_size": "2"}', "\x00", "[" * 10**5]
)
def test_a_record_that_cannot_be_read_is_set_aside_and_begun_anew(content):
    learner.RECORD.write_text(content)
    assert f"0 of {ALL}" in str(progress())
    assert learner.RECORD.with_name(".progress.json.unreadable").read_text() == content
    check("output_size", output_size)
    assert f"2 of {ALL}" in str(progress())


@pytest.mark.parametrize("content", ['{"output_size": 99}', '{"output_size": Infinity}'])
def test_a_record_cannot_hold_more_than_the_points_of_a_question(content):
    learner.RECORD.write_text(content)
    assert f"2 of {ALL}" in str(progress())


def test_a_record_that_cannot_be_written_stops_no_check(monkeypatch):
    def refuse(*arguments):
        raise PermissionError

    monkeypatch.setattr(os, "replace", refuse)
    assert check("output_size", output_size).points == 2
    assert f"0 of {ALL}" in str(progress())
    assert os.listdir() == []


@pytest.mark.parametrize(
    "patched", ["len", "sum", "zip", "isinstance", "all", "repr", "json.dumps", "math.floor"]
)
def test_an_answer_that_breaks_a_builtin_earns_nothing_and_is_told_to_restart(patched):
    module, _, name = patched.rpartition(".")
    module = sys.modules[module or "builtins"]
    whole = getattr(module, name)

    def broken(*arguments, **options):
        raise TypeError("not callable")

    def answer(*arguments):
        setattr(module, name, broken)
        return 0

    try:
        feedback = check("output_size", answer)
        plain = feedback._repr_mimebundle_()["text/plain"]
    finally:
        setattr(module, name, whole)
    assert "could not be judged: restart the kernel" in feedback.text
    assert feedback.points == 0
    assert plain == feedback.text
    assert points("foundations").text.startswith("foundations: 0 of")


def test_no_room_imports_the_face_behind_which_it_lies():
    rooms = {
        path.stem: path for path in Path(grading.__file__).parent.glob("*.py") if path.stem != "__init__"
    }
    assert {"learner", "grade", "reports"} <= set(rooms)
    for room, path in rooms.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "course_lib.grading":
                assert {alias.name for alias in node.names} <= set(rooms), room
            if isinstance(node, ast.Import):
                assert "course_lib.grading" not in {alias.name for alias in node.names}, room
