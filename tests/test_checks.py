"""Arguments that are refused, and the sentences that say why."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from course_lib import checks


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (lambda: checks.whole("epochs", 0), "epochs must be a whole number, 1 or more. Received: epochs=0"),
        (lambda: checks.whole("pad", -1, 0), "pad must be a whole number, 0 or more. Received: pad=-1"),
        (lambda: checks.whole("n", True), "n must be a whole number, 1 or more. Received: n=True"),
        (lambda: checks.whole("n", 2.0), "n must be a whole number, 1 or more. Received: n=2.0"),
        (lambda: checks.whole("n", "2"), "n must be a whole number, 1 or more. Received: n='2'"),
        (
            lambda: checks.whole("`steps`", None),
            "`steps` must be a whole number, 1 or more. Received: steps=None",
        ),
        (
            lambda: checks.whole("columns", 1, 2, words="an integer from 2 on"),
            "columns must be an integer from 2 on. Received: columns=1",
        ),
        (
            lambda: checks.pair("kernel", (3, 0)),
            "kernel must be a positive integer or a pair of them. Received: kernel=(3, 0)",
        ),
        (
            lambda: checks.pair("kernel", [3, 3, 3]),
            "kernel must be a positive integer or a pair of them. Received: kernel=[3, 3, 3]",
        ),
        (
            lambda: checks.pair("`size`", 0, words="pixels or (height, width)"),
            "`size` must be pixels or (height, width). Received: size=0",
        ),
        (lambda: checks.between("`angle`", 181, 0, 180), "`angle` must be in [0, 180]. Received: angle=181"),
        (lambda: checks.between("share", True, 0, 1), "share must be in [0, 1]. Received: share=True"),
        (lambda: checks.one_of("fill", 3, ("a", None)), "fill must be one of ('a', None). Received: fill=3"),
        (
            lambda: checks.positive("scale", float("nan")),
            "scale must be a positive number. Received: scale=nan",
        ),
        (lambda: checks.positive("scale", "1"), "scale must be a positive number. Received: scale='1'"),
        (
            lambda: checks.probability("survival", 1.5),
            "survival must be a probability from 0 to 1. Received: survival=1.5",
        ),
        (
            lambda: checks.probability("survival", "half"),
            "survival must be a probability from 0 to 1. Received: survival='half'",
        ),
        (
            lambda: checks.require(False, "It must be so.", "no"),
            "It must be so. Received: no",
        ),
    ],
)
def test_a_bad_argument_is_refused_by_what_is_required_and_what_was_received(check, sentence):
    with pytest.raises(ValueError, match="must be") as refusal:
        check()
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("number", [7, np.int64(7), np.uint8(7)])
def test_a_whole_number_of_numpy_becomes_pythons_own(number):
    assert [type(n) for n in (checks.whole("n", number), *checks.pair("n", number))] == [int] * 3
    assert checks.whole("n", number) == 7
    assert checks.pair("n", (number, 2)) == (7, 2)


def test_a_number_that_will_do_comes_back_as_it_is():
    assert [checks.probability("p", p) for p in (0, 0.5, np.float32(1))] == [0, 0.5, 1]
    assert checks.positive("x", 1e-9) == 1e-9
    assert checks.between("angle", 180, 0, 180) == 180
    assert checks.one_of("fill", None, ("a", None)) is None
    assert checks.require(True, "Anything will do.", "this") is None


@pytest.mark.parametrize("value", [True, np.True_, 2.5, "2", None, [2], np.array([1, 2])])
def test_what_is_no_whole_number_is_none(value):
    assert not checks.is_whole(value)


@pytest.mark.parametrize("value", [True, "2", None, float("inf"), float("nan"), 1j, np.array([1.0])])
def test_what_is_no_finite_number_is_none(value):
    assert not checks.is_number(value)


def test_numbers_are_whole_from_the_least_one_on_and_real_if_they_are_finite():
    assert [checks.is_whole(n, 3) for n in (2, 3)] == [False, True]
    assert checks.is_whole(-5)
    assert all(map(checks.is_number, (0, -2.5, np.float16(1), Fraction(1, 3))))


@pytest.mark.parametrize("pair", [0.5, (0.5,), (0.6, 0.5), (0.1, 0.5), (0.5, 1.1), ("0.5", 1), (0.5, None)])
def test_what_is_no_ordered_pair_within_the_bounds_is_none(pair):
    assert not checks.is_ordered(pair, 0.2, 1)
    assert checks.is_ordered((0.2, 1), 0.2, 1)
    assert checks.is_ordered([0.5, 0.5], 0.2, 1)


def test_only_the_standard_library_is_imported():
    code = "import sys, course_lib.checks; print({'numpy', 'keras'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "set()\n"
