"""The judge and what brings it data survive whatever comes, and say in words what is wrong."""

import json
import os

import pytest

from course_lib.grading import grader
from course_lib.grading.answer import attempt
from course_lib.grading.grader import _outcome
from course_lib.grading.judge import judge
from course_lib.grading.limit import out_of_time
from course_lib.grading.questions import all_questions


def nested(value, depth):
    for _ in range(depth):
        value = [value]
    return value


ODD = {
    "an empty list": [],
    "a deep list": nested(1, 99),
    "a deeper one than is looked at": nested(1, 492),
    "one that JSON cannot read": nested(1, 100_000),
    "a long list": [1] * 9_000,
    "a list of a million": [1] * 10**6,
    "no number": float("nan"),
    "infinity": [float("inf"), -float("inf")],
    "a number of 3,000 digits": [10**3_000, -(10**3_000)],
    "more digits than Python reads": 10**5_000,
    "half a letter": "\ud800",
    "truth values": [True, False],
    "a dict": [{"a": 1}],
    "None": [None, None],
}


def outcome_of(value):
    """Return the outcome of an answer that returns the value, as it comes from another process."""
    return _outcome(json.loads(json.dumps(attempt(lambda: value, []))))


@pytest.mark.parametrize("name", ["receptive_field", "map_loss", "impostor", "output_size"])
def test_odd_data_is_judged_wrong_in_a_sentence(name):
    question = all_questions()[name]
    cases = question.cases(5)[:4]
    for what, value in ODD.items():
        for private in (True, False):
            verdict = judge(question, cases, [outcome_of(value)] * len(cases), private=private)
            assert (verdict.status, verdict.points) == ("wrong", 0), what
            assert 20 < len(verdict.sentence) < 600, what
            json.dumps(verdict.sentence)


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ('{"value": NaN}', None),
        ('{"value": 1e999}', {"value": float("inf")}),
        ('{"value": 1, "value": 2}', {"value": 2}),
        ('{"value": true}', {"value": True}),
        (f'{{"value": {"[" * 900}{"]" * 900}}}', {"type": "list"}),
        (f'{{"value": [{"0," * 30_000}0]}}', {"type": "list", "large": True}),
        ('{"value": {"a": 1}}', {"type": "dict"}),
        ('{"value": [{}]}', {"type": "list", "holds": "dict"}),
        (
            '{"type": {"a": 1}, "large": 1, "holds": "<b>"}',
            {"type": "object", "holds": "object", "large": False},
        ),
        ("{}", {"type": "object"}),
    ],
)
def test_a_line_from_a_process_becomes_an_outcome(line, outcome):
    found = _outcome(json.loads(line))
    if outcome is None:  # what equals nothing
        assert found["value"] != found["value"]
    else:
        assert found == outcome
        assert type(found.get("value")) is type(outcome.get("value"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([{5}, 1], "returned a list that holds a set; a list"),
        (nested(1, 492), "returned a list, but of another form; a list"),
        ([1] * 10**5, "returned a list that is too large to be looked at; a list"),
        ([10**3_000] * 100, "returned a list that is too large to be looked at; a list"),
        (["a" * 400] * 5_000, "returned a list that is too large to be looked at; a list"),
        ({5}, "returned a set; a list"),
        (None, "returned None. Is the `return` missing?"),
    ],
)
def test_the_sentence_says_what_of_a_value_is_wrong(value, words):
    question = all_questions()["receptive_field"]
    cases = question.cases()
    assert words in judge(question, cases, [outcome_of(value)] * len(cases)).sentence


def test_a_question_that_took_too_long_says_so_whatever_else_is_wrong():
    question = all_questions()["receptive_field"]
    cases = question.cases()
    late = out_of_time(7)
    for first in ([outcome_of([0, 0])], [outcome_of(question.reference(*cases[0]))], []):
        verdict = judge(question, cases, first + [late] * (len(cases) - len(first)), private=True)
        assert verdict.status == "timeout"
        assert verdict.sentence.count("did not end within 7 seconds of computing") == 1


def test_what_is_long_only_by_its_parts_is_looked_at():
    for value in ([2**62] * 9_999, [10**3_000] * 63, ["a" * 63] * 9_999, "a" * 10_000):
        assert attempt(lambda value=value: value, []) == {"value": value}


def test_who_sends_a_line_byte_by_byte_is_waited_for_and_each_byte_looked_at_once(monkeypatch):
    class Read(bytearray):
        def find(self, part, start=0):
            looked_at.append(len(self) - start)
            return super().find(part, start)

    looked_at, pauses = [], []
    receive, send = os.pipe()
    ending, end = os.pipe()
    child = grader._Child(send, receive, ending, 60, 10**9)
    child._read = Read()
    sent = b'{"value": 1}\n{"value": 2}\n'
    os.write(send, sent)
    one_byte, read = 1, os.read
    monkeypatch.setattr(os, "read", lambda descriptor, _: read(descriptor, one_byte))
    monkeypatch.setattr(grader.time, "sleep", pauses.append)
    assert [child.line(), child.line()] == [{"value": 1}, {"value": 2}]
    assert sum(looked_at) == len(sent)
    assert pauses == [grader.PAUSE] * (len(sent) - 2)
    os.close(end)
    child.close()
