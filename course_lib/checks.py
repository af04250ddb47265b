"""Refuse a bad argument: say what is required, then what was received.

    steps = whole("steps", steps)    ValueError: steps must be a whole number, 1 or more. Received: steps=0

A name may stand in backticks, "`steps`"; they are left out after "Received". Only the
standard library is imported: NumPy's numbers register themselves with `numbers`. (`arithmetic`, the ground
floor, imports nothing and keeps the checks of its own formulas.)
"""

import math
from numbers import Integral, Real

__all__ = [
    "between",
    "is_number",
    "is_ordered",
    "is_whole",
    "one_of",
    "pair",
    "positive",
    "probability",
    "require",
    "whole",
]


def require(condition, requirement, received):
    """Raise a ValueError of the two sentences unless the condition holds."""
    if not condition:
        raise ValueError(f"{requirement} Received: {received}")


def is_whole(value, least=None):
    """Return whether `value` is a whole number of Python or NumPy, `least` or more. A boolean is none."""
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    return is_integer and (least is None or value >= least)


def is_number(value):
    """Return whether `value` is a finite real number. A boolean is none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def is_ordered(value, low, high):
    """Return whether `value` is a pair of finite numbers with low <= first <= second <= high."""
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2 and all(map(is_number, value))
    return is_pair and low <= value[0] <= value[1] <= high


def whole(name, value, least=1, *, words=None):
    """Return `value` as an int of at least `least`; `words` say in another way what it must be."""
    words = words or f"a whole number, {least} or more"
    require(is_whole(value, least), f"{name} must be {words}.", _received(name, value))
    return int(value)


def pair(name, value, *, words="a positive integer or a pair of them"):
    """Return `value`, one positive integer or a pair `(height, width)` of them, as a pair of ints."""
    sides = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    is_pair = len(sides) == 2 and all(is_whole(side, 1) for side in sides)
    require(is_pair, f"{name} must be {words}.", _received(name, value))
    return int(sides[0]), int(sides[1])


def positive(name, value):
    """Return `value`, a number above 0."""
    is_positive = isinstance(value, Real) and not isinstance(value, bool) and value > 0
    require(is_positive, f"{name} must be a positive number.", _received(name, value))
    return value


def probability(name, value):
    """Return `value`, a number from 0 to 1."""
    is_probability = isinstance(value, Real) and 0 <= value <= 1
    require(is_probability, f"{name} must be a probability from 0 to 1.", _received(name, value))
    return value


def between(name, value, low, high):
    """Return `value`, a finite number from `low` to `high`."""
    is_inside = is_number(value) and low <= value <= high
    require(is_inside, f"{name} must be in [{low}, {high}].", _received(name, value))
    return value


def one_of(name, value, options):
    """Return `value`, one of the options."""
    require(value in options, f"{name} must be one of {options}.", _received(name, value))
    return value


def _received(name, value):
    return f"{name.strip('`')}={value!r}"
