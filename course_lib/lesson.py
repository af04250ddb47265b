"""Ask the reader for a guess, and show a measured result beside the band that it lies in.

    guess = predict("Training error of plain-32", ..., unit="%")  # the reader writes a number for the `...`
    guess.reveal(error)
    band(error, 20, 30, "%")  # measured 23.4 %, band 20 to 30 %

All of these show as a box. No guess, and no value outside its band, stops a chapter; with `COURSE_STRICT=1`
in the environment, as tests and `python -m course_lib.notebooks execute` set it, a value outside its band
does. A test of the notebooks takes what follows the word "measured" out of the outputs before it compares
them (nbval.cfg), since the digits of a training differ between machines.
"""

import html
import math
import os
import re
from decimal import Decimal
from numbers import Integral, Real

import numpy as np

from course_lib.grading.feedback import Feedback, box, marked

__all__ = ["Band", "Prediction", "band", "predict", "show", "text"]

DECIMALS = 6  # a band whose ends need more is written as 1.5e-11
LONGEST = 60  # characters of a guess that are shown


def text(found):
    """Return the one way in which a value is written in facts.csv and in the verdict of a guess.

    A boolean is `yes` or `no`, an integer `60,000`, a shape (tuple or list of integers) `28 x 28 x 6`, a set
    of strings or integers its members in order, `C1, C3, C5`; a band is its words, a string is itself.

    Raises:
        ValueError: for anything else. The digits of a float differ between machines: state it with `band`, or
            format it where it is exact.
    """
    if isinstance(found, str):
        return found
    if isinstance(found, Band):
        return found.words
    if isinstance(found, bool | np.bool_):
        return "yes" if found else "no"
    if isinstance(found, Integral):
        return f"{int(found):,}"
    if isinstance(found, tuple | list) and found and all(isinstance(size, Integral) for size in found):
        return " x ".join(text(size) for size in found)
    if isinstance(found, set | frozenset) and found:
        return ", ".join(text(member) for member in sorted(found))
    raise ValueError(
        "A found value must be a string, a boolean, an integer, a shape of integers or a set of these; state "
        f"a measured one with band(value, low, high). Received: found={found!r}"
    )


class Band(Feedback):
    """Show a measured value beside the band that it lies in.

    Attributes:
        value: the measured number.
        words: the band, such as `20 to 30 %`.
        inside: whether the value lies in it.
    """

    def __init__(self, value, low, high, unit, digits):
        bounds = (low, high)
        if not all(isinstance(bound, Real) and math.isfinite(bound) for bound in bounds) or low >= high:
            raise ValueError(f"A band must be two numbers, low < high. Received: low={low!r}, high={high!r}")
        if digits is None:
            digits = max(0, *(-Decimal(str(bound)).normalize().as_tuple().exponent for bound in bounds))
        self.value = _plain(value)
        self.words = f"{_decimal(low, digits)} to {_decimal(high, digits)} {unit}".rstrip()
        self.inside = _is_number(self.value) and low <= self.value <= high
        measured = self.value
        if _is_number(measured) and not isinstance(measured, Integral):
            measured = _decimal(measured, digits + 1)
        sentence = f"measured {_shown(measured)} {unit}".rstrip() + f", band {self.words}"
        if not self.inside:
            sentence += ": outside the band, which holds for the chapter as it came"
        super().__init__(sentence, box("note" if self.inside else "partly", marked(sentence)))


def band(value, low, high, unit="", *, digits=None):
    """Return the `Band` of a measured result, whose digits differ between machines.

    Args:
        value: the measured number.
        low, high: the band that it must lie in, both ends included (minimum and maximum over seeds and
            thread counts).
        unit: what follows the numbers, such as `%`.
        digits: decimal places of the ends; by default as many as they need. The value has one more.

    Raises:
        ValueError: if the band is none, or, where COURSE_STRICT is 1, if the value lies outside of it.
    """
    measured = Band(value, low, high, unit, digits)
    if os.environ.get("COURSE_STRICT") == "1":
        within(measured)
    return measured


def within(measured):
    """Return the `Band`; a ValueError says so if its value lies outside of it."""
    if not measured.inside:
        raise ValueError(f"The value must lie within {measured.words}. Received: value={measured.value!r}")
    return measured


def predict(question, guess=..., *, unit=""):
    """Return a `Prediction`: the question, and the place where the reader writes a guess.

    Args:
        question: what is measured next, in words.
        guess: `...`, in whose place the reader writes a number, a shape or a string.
        unit: of the number, such as `%`.
    """
    return Prediction(question, guess, unit)


class Prediction(Feedback):
    """Show a question with the reader's guess; `reveal` says afterwards how far off it was."""

    def __init__(self, question, guess, unit):
        self.question, self.guess, self.unit = question, guess, unit
        if guess is ...:
            sentence = "Write your guess in place of `...`, and run the cell."
        else:
            sentence = f"You say {_with_unit(_shown(guess), unit)}."
        super().__init__(*_boxed("note", question, sentence))

    def reveal(self, value):
        """Return the box that says what was measured, and how far off the guess was.

        Args:
            value: a float ("Measured 23.4 %"), a `Band` ("Measured 23.4 %, band 20 to 30 %"), or an exact
                value ("It is 28 x 28 x 6"): an integer, a boolean, a string or a shape.
        """
        if isinstance(value, Band):
            sentence, value = f"M{value.text[1:]}.", value.value
        else:
            value = _plain(value)
            sentence = self._sentence(value)
        status = "note"
        if self.guess is not ...:
            status, verdict = self._verdict(value)
            sentence += f" You said {_with_unit(_shown(self.guess), self.unit)}: {verdict}"
        return Feedback(*_boxed(status, self.question, sentence))

    def _sentence(self, value):
        """Return what is said of a value that came without a band."""
        if not _is_number(value) or isinstance(value, Integral):
            return f"It is {_with_unit(_shown(value), self.unit)}."
        return f"Measured {_with_unit(_rounded(value), self.unit)}."

    def _verdict(self, value):
        """Return the status and the words for the guess, whatever it is."""
        if _same(self.guess, value):
            return "right", "right."
        if not _is_number(value):
            return "wrong", "not quite."
        number = _number(self.guess, self.unit)
        if number is None:
            return "wrong", "a number was asked for."
        off = number - value
        if off == 0:
            return "right", "right."
        far = f"{_rounded(abs(off))} too {'high' if off > 0 else 'low'}"
        if value:
            far += f", {_rounded(100 * abs(off / value))} % of the value"
        return "note", f"{far}."


def show(*parts):
    """Show boxes, or anything that a notebook shows, one below the other.

    A dict from names to bands shows as one box with a line for each.
    """
    from IPython.display import display

    for part in parts:
        display(_listed(part) if isinstance(part, dict) else part)


def _listed(bands):
    """Return `name: measured ...` of each band of a dict as one box."""
    lines = [f"{name}: {value!r}" for name, value in bands.items()]
    outside = any(isinstance(value, Band) and not value.inside for value in bands.values())
    return Feedback("\n".join(lines), box("partly" if outside else "note", "<br>\n".join(map(marked, lines))))


def _boxed(status, question, sentence):
    """Return the text and the markup of a question with a sentence below it."""
    return f"{question}: {sentence}", box(status, f"<b>{html.escape(question)}</b><br>{marked(sentence)}")


def _plain(value):
    """Return numpy's and TensorFlow's numbers and arrays as Python's own."""
    return np.asarray(value).tolist() if hasattr(value, "__array__") else value


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def _number(guess, unit):
    """Return a guess, also one written as "20 %" or "1,516", as a finite number, or None if it is none."""
    if isinstance(guess, bool):
        return None
    if isinstance(guess, str):
        guess = guess.strip().removesuffix(unit).replace(",", "").replace(" ", "")
    try:
        number = float(_plain(guess))
    except Exception:  # a reader's own object may fail in any way
        return None
    return number if math.isfinite(number) else None


def _same(guess, value):
    """Return whether a guess is the exact value: `[28, 28, 6]` and "28x28x6" are the same shape."""
    if isinstance(value, float):
        return False
    plain = (re.sub(r"\s", "", _shown(one)).lower() for one in (guess, value))
    return len(set(plain)) == 1


def _shown(value):
    """Return a value in words, whatever it is: a reader's own object may fail in any way."""
    for write in (text, repr):
        try:
            words = write(_plain(value))
            return words if len(words) <= LONGEST else f"{words[:LONGEST]}..."
        except Exception:
            continue
    return f"a {type(value).__name__}"


def _with_unit(words, unit):
    return words if words.endswith(unit) else f"{words} {unit}"


def _decimal(number, digits):
    """Return a number with `digits` decimal places, or as 1.5e-11 where it would have too many."""
    return f"{number:,.{digits}f}" if digits <= DECIMALS + 1 else f"{number:.2g}"


def _rounded(number):
    """Return a measured number with three digits, and all of those before its point."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"
