"""Compare plain data: numbers within a tolerance, whole numbers exactly, lists entry by entry."""

import math

__all__ = ["all_same", "flat", "form_of", "is_number", "is_right", "same"]


def is_right(question, expected, value):
    """Say whether a value is what the question expects, whole where it must be whole."""
    return same(expected, value, question.tolerance) and (question.floats or _is_whole(expected, value))


def same(expected, value, tolerance):
    """Compare plain data; a float that equals an integer counts as the same."""
    if isinstance(expected, list):
        return (
            isinstance(value, list)
            and len(value) == len(expected)
            and all(same(e, v, tolerance) for e, v in zip(expected, value, strict=True))
        )
    if not is_number(expected):
        return type(value) is type(expected) and value == expected
    if not is_number(value):
        return False
    if isinstance(expected, int):
        return value == expected
    try:
        return math.isclose(value, expected, rel_tol=tolerance, abs_tol=1e-15)
    except OverflowError:  # an integer beyond the range of floats
        return False


def all_same(expected, values, tolerance):
    """Say whether two lists of values are the same, one by one."""
    return all(same(e, v, tolerance) for e, v in zip(expected, values, strict=True))


def form_of(value):
    """Reduce plain data to its form: nested lists and types, where every number is a number."""
    if isinstance(value, list):
        return [form_of(entry) for entry in value]
    return "number" if is_number(value) else type(value).__name__


def is_number(value):
    """Say whether it is a number; a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def flat(value):
    """Return the entries of nested lists in one list."""
    if isinstance(value, list):
        return [entry for part in value for entry in flat(part)]
    return [value]


def _is_whole(expected, value):
    """Say whether every integer of `expected` is an integer in `value`, which has the same form."""
    if isinstance(expected, list):
        return all(_is_whole(e, v) for e, v in zip(expected, value, strict=True))
    return not (isinstance(expected, int) and isinstance(value, float))
