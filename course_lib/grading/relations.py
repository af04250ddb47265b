"""Say how the numbers of a wrong answer relate to the right ones, where one relation holds in every case.

A relation is a factor, a distance, a power, a rounding, or one of these times an argument: words for what a
learner left out or counted twice, which no question has to write.
"""

import itertools
import math

from course_lib.grading.compare import is_number

__all__ = ["relation"]

FACTORS = {
    2: "twice what is required",
    1 / 2: "half of what is required",
    3: "three times what is required",
    1 / 3: "a third of what is required",
    4: "four times what is required",
    1 / 4: "a quarter of what is required",
    8: "eight times what is required",
    1 / 8: "an eighth of what is required",
    9: "nine times what is required",
    1 / 9: "a ninth of what is required",
    -1: "of the wrong sign",
    100: "a hundred times what is required: a fraction is asked for, not per cent",
    1 / 100: "a hundredth of what is required: per cent are asked for, not a fraction",
    1e3: "a thousand times what is required: another unit",
    1e-3: "a thousandth of what is required: another unit",
    1024: "1,024 times what is required: another unit",
    1 / 1024: "what is required divided by 1,024: another unit",
    1e6: "a million times what is required: another unit",
    1e-6: "a millionth of what is required: another unit",
    1 / 2**20: "what is required divided by 1,024 twice: another unit",
    1e-9: "a billionth of what is required: another unit",
}
UNITS = (1e-3, 1 / 1024, 1e-6, 1 / 2**20, 1e-9)  # who converts to these often rounds, too
CHANGES = {
    "the square of what is required": lambda x: x * x,
    "the square root of what is required": lambda x: math.sqrt(x),
    "one divided by what is required": lambda x: 1 / x,
    "1 minus what is required": lambda x: 1 - x,
    "the logarithm of what is required": lambda x: math.log(x),
    "what is required without its sign": lambda x: abs(x),
    "what is required, rounded down": lambda x: math.floor(x),
    "what is required, rounded up": lambda x: math.ceil(x),
}
LARGEST = 1e15  # of a number whose distance from the right one is named
MOST = 9_999  # of a whole number that a sentence repeats: four digits carry little out
LEAST = 3  # different numbers that a relation with an argument must explain


def relation(cases, expected, values, tolerance):
    """Return words such as `twice what is required`, or None.

    Args:
        cases: a dict of the numeric arguments by name, for each pair of numbers below.
        expected, values: what is required and what came: numbers, in one order.
        tolerance: relative.
    """
    pairs = list(zip(expected, values, strict=True))
    if not pairs or not all(is_number(e) and is_number(v) for e, v in pairs):
        return None
    close = _closeness(tolerance)
    if all(close(e, v) for e, v in pairs):
        return None
    try:
        return (
            _factor(pairs, close)
            or _distance(pairs, close)
            or _change(pairs, close)
            or _by_arguments(cases, pairs, close)
        )
    except OverflowError:  # an integer beyond the range of floats
        return None


def _factor(pairs, close):
    changed = [(e, v) for e, v in pairs if e != 0]
    if not changed or any(v != 0 for e, v in pairs if e == 0):
        return None
    for factor, words in FACTORS.items():
        if all(close(e * factor, v) for e, v in changed):
            return words
    for factor in UNITS:
        for digits in range(4):
            if any(v for _, v in changed) and all(v == round(e * factor, digits) for e, v in changed):
                return f"{FACTORS[factor]}, and rounded"
    return None


def _distance(pairs, close):
    expected, value = pairs[0]
    if not abs(value) <= LARGEST:  # nor is it NaN
        return None
    distance = value - expected
    if len(set(pairs)) < 2 or not all(close(e + distance, v) and not close(e, v) for e, v in pairs):
        return None
    if isinstance(distance, int) and abs(distance) > MOST:
        return f"too {'large' if distance > 0 else 'small'} by the same amount in every case"
    size = f"{abs(distance):,}" if isinstance(distance, int) else f"{abs(distance):.4g}"
    return f"{size} too {'large' if distance > 0 else 'small'} in every case"


def _change(pairs, close):
    for words, change in CHANGES.items():
        try:
            if all(close(change(e), v) for e, v in pairs):
                return words
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
    return None


def _by_arguments(cases, pairs, close):
    """Look for a factor or a distance that is an argument, its square, or a product of two."""
    if len({pair for pair in pairs if not close(*pair)}) < LEAST:
        return None
    for words, amounts in _amounts(cases):
        if len(set(amounts)) < 2:
            continue
        try:
            if all(close(e * a, v) for (e, v), a in zip(pairs, amounts, strict=True)):
                return f"what is required times {words}: that factor is too much"
            if all(close(e, v * a) for (e, v), a in zip(pairs, amounts, strict=True)):
                return f"what is required without a factor {words}"
            distances = {_ratio(v - e, a) for (e, v), a in zip(pairs, amounts, strict=True)}
        except OverflowError:
            continue
        if len(distances) == 1:
            times = distances.pop()
            if times and abs(times) <= 16:
                count = "" if abs(times) == 1 else f"{abs(times)} times "
                return f"too {'large' if times > 0 else 'small'} by {count}{words}"
    return None


def _ratio(distance, amount):
    """Return a distance as a whole multiple of an amount, or None."""
    if amount == 0 or distance % amount:
        return None
    return distance // amount


def _amounts(cases):
    """Yield words and one amount a pair, for each argument, each square and each product of two."""
    names = [name for name in cases[0] if all(is_number(case[name]) for case in cases)]
    for name in names:
        yield f"`{name}`", [case[name] for case in cases]
    for name in names:
        yield f"`{name}` squared", [case[name] ** 2 for case in cases]
    for first, second in itertools.combinations(names, 2):
        yield f"`{first}` times `{second}`", [case[first] * case[second] for case in cases]


def _closeness(tolerance):
    def close(wanted, value):
        try:
            return wanted == value or abs(value - wanted) <= max(tolerance, 1e-9) * abs(wanted)
        except OverflowError:
            return False

    return close
