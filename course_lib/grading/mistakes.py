"""Name the mistake behind a wrong answer: what a learner did, where the values say it.

First come the question's own slips. Then what needs no sentence of its own: a slip of a function that the answer
builds on, a constant factor, an entry in another's place, an argument that is fixed, shifted or exchanged, a slip
for each entry, two slips at once, another nesting. A rule speaks only where it explains every case that the
answer answered, so a sentence describes what is there; where two of the question's mistakes explain it equally,
it names both.
"""

import itertools
import json
import re
import sys
import time
from types import FunctionType, SimpleNamespace

from course_lib.grading.compare import all_same, flat, is_number, same
from course_lib.grading.question import (
    apply,
    compiled,
    copy,
    edited,
    edits,
    neighbours,
    rounded,
    show,
    sources,
)
from course_lib.grading.questions import find

__all__ = ["named"]

FLOAT = (
    "The value is right, but it is a float, and a whole number is required: divide with `//` rather than "
    "`/`, write powers with `**` rather than `math.pow`, and give NumPy's arrays `dtype=int`."
)
ROUNDED = (
    "The value is right, but it is rounded: return it as it is computed; only the text shows fewer digits."
)
STEPS = 400_000  # lines of code after which no further candidate is tried, and
SECONDS = 0.6  # the time after which none is: two slips at once may never end
MOST_STEPS = 50_000  # of one candidate in one case
REMEMBERED = 20_000  # results of candidates that a question keeps
FACTORS = {
    2: "twice what is required",
    1 / 2: "half of what is required",
    3: "three times what is required",
    1 / 3: "a third of what is required",
    4: "four times what is required",
    1 / 4: "a quarter of what is required",
    8: "eight times what is required",
    1 / 8: "an eighth of what is required",
    -1: "of the wrong sign",
    100: "a hundred times what is required: a fraction is asked for, not per cent",
    1 / 100: "a hundredth of what is required: per cent are asked for, not a fraction",
    1e3: "a thousand times what is required: another unit",
    1e-3: "a thousandth of what is required: another unit",
    1024: "1,024 times what is required: another unit",
    1 / 1024: "the right number divided by 1,024: another unit",
    1e6: "a million times what is required: another unit",
    1e-6: "a millionth of what is required: another unit",
    1 / 2**20: "the right number divided by 1,024 twice: another unit",
    1e-9: "a billionth of what is required: another unit",
}
UNITS = (1e-3, 1 / 1024, 1e-6, 1 / 2**20, 1e-9)  # who converts to these often rounds, too
NOTHING = object()  # in the place of a value that did not come


class _Budget:
    """Count the lines of code that candidates run, and stop one that runs too many."""

    def __init__(self):
        self.steps = STEPS
        self.until = time.monotonic() + SECONDS

    def spent(self):
        return self.steps <= 0 or time.monotonic() > self.until

    def run(self, function, case):
        """Return the result of a function, NOTHING if it raises or takes more than its part of the steps."""
        arguments = copy(case)
        before = sys.gettrace()
        used = 0

        def trace(frame, event, argument):
            nonlocal used
            used += 1
            if used > MOST_STEPS:
                raise _TooLongError
            return trace

        sys.settrace(trace)
        try:
            value = function(*arguments)
        except Exception:
            value = NOTHING
        finally:
            sys.settrace(before)
            self.steps -= used
        return _plain(value)


class _TooLongError(Exception):
    """A candidate ran too many steps."""


class _Candidate:
    """A wrong function that may be the learner's, with the sentence that names what is wrong with it."""

    def __init__(self, key, sentence, make):
        self.key, self.sentence, self.make = key, sentence, make

    def result(self, answer, index):
        """Return what it makes of a case; NOTHING if it fails there."""
        memory = answer.memory
        key = (self.key, answer.texts[index])
        if key not in memory:
            function = self._made(answer)
            if function is None or answer.budget.spent():
                return NOTHING
            if len(memory) >= REMEMBERED:
                memory.clear()
            memory[key] = answer.budget.run(function, answer.cases[index])
        return memory[key]

    def _made(self, answer):
        """Return the function, made once a question; None if its edits do not go together."""
        made = answer.question.slipped.setdefault("made", {})
        if self.key not in made:
            try:
                made[self.key] = self.make()
            except (ValueError, SyntaxError, TypeError):
                made[self.key] = None
        return made[self.key]


class _Answer:
    """What an answer made of its cases, beside what was required."""

    def __init__(self, question, cases, expected, outcomes):
        values = [outcome.get("value", NOTHING) for outcome in outcomes]
        self.answered = [i for i, value in enumerate(values) if value is not NOTHING and value is not None]
        self.question, self.cases, self.expected, self.values = question, cases, expected, values
        self.tolerance = question.tolerance
        self.wrong = [i for i in self.answered if not same(expected[i], values[i], self.tolerance)]
        self.texts = [json.dumps(case) for case in cases]
        self.memory = question.slipped.setdefault("results", {})
        self.budget = _Budget()

    def is_explained(self, candidate):
        """Say whether a candidate returns all that the answer returned; a wrong case is looked at first."""
        order = [*self.wrong, *(index for index in self.answered if index not in self.wrong)]
        return all(same(candidate.result(self, index), self.values[index], self.tolerance) for index in order)

    def first_explained(self, candidates):
        """Return the sentence of the first candidate that explains the answer, or None."""
        for candidate in candidates:
            if self.budget.spent():
                return None
            if self.is_explained(candidate):
                return candidate.sentence
        return None


def named(question, cases, expected, outcomes):
    """Return the sentence that names the mistake in the outcomes of an answer, or None.

    Cases in which the answer failed, or returned None, are left out where at least two wrong ones remain.
    """
    answer = _Answer(question, cases, expected, outcomes)
    if len(answer.answered) == len(cases) and not answer.wrong:
        return FLOAT
    if not answer.wrong or (len(answer.answered) < len(cases) and len(answer.wrong) < 2):
        return None
    single = list(_singles(question))
    fitting = dict.fromkeys(candidate.sentence for candidate in single if answer.is_explained(candidate))
    if fitting:
        return " Or: ".join(fitting)
    rules = (_rounded, _order, _factors, _helped, _arguments, _parts, _ends, _pairs, _nesting)
    for rule in rules:
        sentence = rule(answer)
        if sentence:
            return sentence
    return None


# The question's own slips, and those of what it builds on


def _singles(question):
    for number, (sentence, function) in enumerate(question.mistakes):
        yield _Candidate(("slip", number), sentence, lambda function=function: function)


def _helped(answer):
    return answer.first_explained(_helpers(answer.question))


def _helpers(question):
    """Yield the reference with a function that it calls replaced by one of that function's slips."""
    for name in _called(question.reference):
        helper = find(name)
        if helper is None or helper.name == question.name or helper.needs:
            continue
        for number, (slip, sentence) in enumerate(helper.slips.items()):
            yield _Candidate(
                ("helper", name, number),
                f"As in `{name}`: {sentence}",
                lambda helper=helper, slip=slip: _with_helper(question.reference, helper, slip),
            )


def _called(reference):
    """Return the names of the functions of its file that a reference calls, itself or through others."""
    home = reference.__globals__
    names, waiting = [], [reference]
    while waiting:
        for name in _names(waiting.pop().__code__):
            value = home.get(name)
            if name not in names and name != reference.__name__ and callable(value):
                names.append(name)
                if type(value) is FunctionType and value.__globals__ is home:
                    waiting.append(value)
    return names


def _names(code):
    """Return the global names that code uses, also in the functions inside it."""
    inner = (constant for constant in code.co_consts if hasattr(constant, "co_names"))
    return [*code.co_names, *(name for part in inner for name in _names(part))]


def _with_helper(reference, helper, slip, source=None):
    """Return the reference, or what `source` makes of it, calling the helper with a slip."""
    name = helper.name
    if helper.reference.__globals__ is reference.__globals__:
        wrong = edited(helper.reference, slip)
    else:
        wrong = _adapted(edited(helper.reference, slip))
    if source is None:
        return neighbours(reference, {name: wrong})[reference.__name__]
    return compiled(reference, source, {name: wrong})


def _adapted(function):
    """Return a function of the foundations' exercises that can be called like that of `arithmetic`."""
    count = function.__code__.co_argcount
    names = function.__code__.co_varnames[:count]
    defaults = {"stride": 1, "padding": 0, "bias": True, "groups": 1}

    def call(*values, **named):
        given = dict(zip(names, values, strict=False)) | named
        if given.get("padding") == "valid":
            given["padding"] = 0
        arguments = {name: defaults.get(name) for name in names} | given
        result = function(**arguments)
        return SimpleNamespace(size=result[0], jump=result[1]) if names == ("layers",) else result

    return call


# Where the numbers are right, and not in their form or place


def _rounded(answer):
    if len(answer.answered) < len(answer.values):
        return None
    forms = (f".{digits}{kind}" for digits in range(1, 7) for kind in "fg")
    texts = (rounded(answer.expected, form) for form in forms)
    if any(all_same(text, answer.values, answer.tolerance) for text in texts):
        return ROUNDED
    return None


def _columns(answer):
    """Return what is expected and what came as parts, a list of values a part, or None.

    The parts of lists of one length are their entries; those of rows of one length are their columns.
    """
    expected = [answer.expected[index] for index in answer.answered]
    values = [answer.values[index] for index in answer.answered]
    if not all(isinstance(value, list) for value in (*expected, *values)):
        return None
    lengths = {len(value) for value in expected}
    if all(len(e) == len(v) for e, v in zip(expected, values, strict=True)):
        rows = [row for value in (*expected, *values) for row in value]
        if rows and all(isinstance(row, list) for row in rows) and len({len(row) for row in rows}) == 1:
            if len(rows[0]) > 1 and _has_columns(answer):
                return _turned(expected), _turned(values)
        if len(lengths) == 1:
            return [list(part) for part in zip(*expected, strict=True)], [
                list(part) for part in zip(*values, strict=True)
            ]
    return None


def _has_columns(answer):
    """Say whether what is returned is a table whose columns have names; others are pixels or pairs."""
    return "rows `[" in answer.question.returns


def _turned(tables):
    """Return the columns of tables with one number of columns: a column holds a list a table."""
    width = len(next(row for table in tables for row in table))
    return [[[row[place] for row in table] for table in tables] for place in range(width)]


def _places(answer, count):
    """Return what to call the parts: the names that the question gives them, or their numbers."""
    listed = re.search(r"`\[([\w, ]+)\]`", answer.question.returns)
    names = listed.group(1).split(", ") if listed else []
    if len(names) == count:
        return [f"`{name}`" for name in names]
    return [f"entry {place + 1}" for place in range(count)]


def _order(answer):
    """Name entries that stand in another's place, and lists that run backwards or are turned."""
    lists = [
        (answer.expected[index], answer.values[index])
        for index in answer.answered
        if isinstance(answer.expected[index], list) and isinstance(answer.values[index], list)
    ]
    if len(lists) != len(answer.answered):
        return None
    parts = _columns(answer)
    if parts:
        sentence = _exchanged(answer, *parts)
        if sentence:
            return sentence

    def explains(change):
        try:
            return all(same(change(e), v, answer.tolerance) for e, v in lists)
        except (TypeError, IndexError, ValueError):
            return False

    if explains(lambda e: e[::-1]):
        return "The list runs backwards: its entries are right, their order is not."
    if explains(lambda e: [row[::-1] for row in e]):
        return "Each row runs backwards: its entries are right, their order is not."
    if explains(lambda e: [list(row) for row in zip(*e, strict=True)]):
        return "Rows and columns are exchanged."
    if explains(sorted):
        return "The entries are sorted; their order is that of the task."
    return None


def _exchanged(answer, expected, values):
    count = len(expected)
    places = _places(answer, count)
    wrong = [p for p in range(count) if not all_same(expected[p], values[p], answer.tolerance)]
    holds = {}
    for p in wrong:
        others = [q for q in range(count) if q != p and all_same(expected[q], values[p], answer.tolerance)]
        if not others:
            return None
        holds[p] = next((q for q in others if q in wrong), others[0])
    if len(wrong) == 2 and all(holds[holds[p]] == p for p in wrong if holds[p] in holds):
        first, second = wrong
        if holds[first] == second and holds[second] == first:
            return f"{_capital(places[first])} and {places[second]} are exchanged."
    if set(holds.values()) == set(wrong):
        return "The entries are right, and not in their places: their order is that of the task."
    return " ".join(f"{_capital(places[p])} holds what belongs into {places[q]}." for p, q in holds.items())


def _factors(answer):
    """Name a factor or a distance of 1 that is the same in every case."""
    parts = _columns(answer)
    if parts is None:
        expected = [answer.expected[index] for index in answer.answered]
        values = [answer.values[index] for index in answer.answered]
        words = _multiple(expected, values, answer.tolerance)
        return f"The result is {words}." if words else None
    words = [
        None if all_same(e, v, answer.tolerance) else _multiple(e, v, answer.tolerance) or "?"
        for e, v in zip(*parts, strict=True)
    ]
    wrong = {word for word in words if word}
    if not wrong or "?" in wrong:
        return None
    if len(wrong) == 1 and None not in words:
        return f"Every number is {wrong.pop()}."
    places = _places(answer, len(words))
    if len(wrong) > 2:
        return None
    return " ".join(
        f"{_capital(' and '.join(place for place, w in zip(places, words, strict=True) if w == word))} "
        f"{'is' if words.count(word) == 1 else 'are'} {word}."
        for word in sorted(wrong)
    )


def _multiple(expected, values, tolerance):
    """Return the words for the factor between what is expected and what came, or None."""
    pairs = list(zip(flat(expected), flat(values), strict=False))
    if len(flat(expected)) != len(flat(values)) or not all(is_number(e) and is_number(v) for e, v in pairs):
        return None
    changed = [(e, v) for e, v in pairs if e != 0]
    if any(v != 0 for e, v in pairs if e == 0):
        changed = []
    if changed:
        for factor, words in FACTORS.items():
            if all(_is_close(e * factor, v, max(tolerance, 1e-9)) for e, v in changed):
                return words
        for factor in UNITS:
            for digits in range(4):
                if all(v == round(e * factor, digits) for e, v in changed) and any(v for _, v in changed):
                    return f"{FACTORS[factor]}, and rounded"
    for distance, word in ((1, "large"), (-1, "small")):
        if all(isinstance(e, int) and v == e + distance for e, v in pairs):
            return f"1 too {word} in every case"
    return None


def _is_close(wanted, value, tolerance):
    try:
        return abs(value - wanted) <= tolerance * abs(wanted)
    except OverflowError:
        return False


def _ends(answer):
    """Name lists that lack an end or have one too many."""
    pairs = [(answer.expected[index], answer.values[index]) for index in answer.answered]
    if not all(isinstance(e, list) and isinstance(v, list) and e for e, v in pairs):
        return None
    tolerance = answer.tolerance
    kinds = {
        "The first entry is missing.": lambda e, v: same(e[1:], v, tolerance),
        "The last entry is missing.": lambda e, v: same(e[:-1], v, tolerance),
        "The first and the last entry are missing.": lambda e, v: same(e[1:-1], v, tolerance),
        "The list begins with an entry too many.": lambda e, v: same(e, v[1:], tolerance),
        "The list ends with an entry too many.": lambda e, v: same(e, v[:-1], tolerance),
    }
    for sentence, fits in kinds.items():
        if all(fits(e, v) for e, v in pairs):
            return sentence
    return None


def _nesting(answer):
    """Name values that are right and nested otherwise."""
    pairs = [(answer.expected[index], answer.values[index]) for index in answer.answered]
    if all(same(flat(e), flat(v), answer.tolerance) for e, v in pairs):
        return (
            f"The values are right, and not nested as they should be: {answer.question.returns} is required."
        )
    if all(str(v) == str(e) or (isinstance(v, str) and v == show(e)) for e, v in pairs):
        return f"The value is right, but it is text: {answer.question.returns} is required."
    return None


# Arguments


def _arguments(answer):
    return answer.first_explained(_argument_candidates(answer.question))


def _argument_candidates(question):
    """Yield the reference with an argument fixed, left out, shifted, turned or exchanged for another."""
    names = question.parameters
    shown = [list(case) for case in question.visible]

    def candidate(key, sentence, change):
        def make():
            def wrong(*case):
                return question.reference(*change(list(case)))

            return wrong

        return _Candidate(("argument", *key), sentence, make)

    def replaced(place, value):
        return lambda case: [*case[:place], value(case[place]), *case[place + 1 :]]

    for place, name in enumerate(names):
        values = {json.dumps(case[place]): case[place] for case in shown}
        kinds = {type(value) for value in values.values()}
        for text, value in values.items():
            sentence = f"`{name}` seems to be fixed at {show(value)}, as in a case that is shown: use it."
            yield candidate((place, text), sentence, replaced(place, lambda _, value=value: value))
        if kinds == {int}:
            for step, word in ((1, "large"), (-1, "small")):
                sentence = f"`{name}` is taken 1 too {word}."
                yield candidate((place, step), sentence, replaced(place, lambda old, s=step: old + s))
            for value in (0, 1, 2, 3):
                if str(value) not in values:
                    sentence = f"`{name}` is left out, as if it were {value} in every case."
                    yield candidate((place, "is", value), sentence, replaced(place, lambda _, v=value: v))
        elif kinds == {float}:
            for value in (0.0, 1.0):
                sentence = f"`{name}` is left out, as if it were {value:g} in every case."
                yield candidate((place, "is", value), sentence, replaced(place, lambda _, v=value: v))
        elif kinds == {bool}:
            sentence = f"`{name}` is taken the other way round."
            yield candidate((place, "not"), sentence, replaced(place, lambda old: not old))
        elif kinds <= {list, str}:
            changes = {
                f"`{name}` is read from its end.": lambda old: old[::-1],
                f"The first entry of `{name}` is left out.": lambda old: old[1:],
                f"The last entry of `{name}` is left out.": lambda old: old[:-1],
            }
            for number, (sentence, change) in enumerate(changes.items()):
                yield candidate((place, "part", number), sentence, replaced(place, change))
    for first, second in itertools.combinations(range(len(names)), 2):
        if {type(case[first]) for case in shown} == {type(case[second]) for case in shown}:
            sentence = f"`{names[first]}` and `{names[second]}` are exchanged."
            yield candidate((first, second, "exchanged"), sentence, _swap(first, second))


def _swap(first, second):
    def change(case):
        case[first], case[second] = case[second], case[first]
        return case

    return change


# Entry by entry, and two at once


def _parts(answer):
    """Name a mistake for each wrong entry, two at most, where each entry has one."""
    parts = _columns(answer)
    if parts is None or len(parts[0]) < 2:
        return None
    expected, values = parts
    missing = {p for p in range(len(expected)) if not all_same(expected[p], values[p], answer.tolerance)}
    places = _places(answer, len(expected))
    chosen = {}
    for p in sorted(missing):
        words = _multiple(expected[p], values[p], answer.tolerance)
        if words:
            chosen.setdefault(f"{_capital(places[p])} is {words}.", set()).add(p)
    explained = []
    question = answer.question
    for candidate in itertools.chain(_singles(question), _helpers(question), _argument_candidates(question)):
        if answer.budget.spent():
            break
        held = _held_parts(answer, candidate, set(missing))
        sentence = candidate.sentence
        if candidate.key[0] == "argument" and held:
            sentence = f"In {' and '.join(places[p] for p in sorted(held))}, {sentence}"
        if held == missing:
            return sentence
        if held:
            explained.append((sentence, held))
    explained += list(chosen.items())
    for (one, first), (other, second) in itertools.combinations(explained, 2):
        if first | second == missing and one != other:
            return f"{one} {other}"
    return None


def _held_parts(answer, candidate, parts):
    """Return those of the `parts` in which a candidate returns all that the answer returned."""
    kept = parts
    for index in [*answer.wrong, *(i for i in answer.answered if i not in answer.wrong)]:
        result = candidate.result(answer, index)
        value = answer.values[index]
        if not isinstance(result, list) or len(result) != len(value):
            return set()
        rows = bool(value) and isinstance(value[0], list) and _has_columns(answer)
        try:
            kept = {
                p
                for p in kept
                if same(
                    [row[p] for row in result] if rows else result[p],
                    [row[p] for row in value] if rows else value[p],
                    answer.tolerance,
                )
            }
        except (IndexError, TypeError):
            return set()
        if not kept:
            break
    return kept


def _pairs(answer):
    return answer.first_explained(_pair_candidates(answer.question))


def _pair_candidates(question):
    """Yield the reference with two slips at once: two of its own, or one and one of what it calls."""
    own = [(slip, sentence) for slip, sentence in question.slips.items() if not callable(slip)]
    for (a, (one, first)), (b, (other, second)) in itertools.combinations(enumerate(own), 2):
        if first != second:
            yield _Candidate(
                ("pair", a, b),
                _both(first, second),
                lambda one=one, other=other: edited(question.reference, one, also=(other,)),
            )
    head, body = sources(question.reference)
    for candidate in _helpers(question):
        _, name, number = candidate.key
        for a, (slip, sentence) in enumerate(own):
            yield _Candidate(
                ("pair", a, name, number),
                _both(sentence, candidate.sentence),
                lambda name=name, number=number, slip=slip: _slipped_with_helper(
                    question.reference, head, body, slip, name, number
                ),
            )


def _slipped_with_helper(reference, head, body, slip, name, number):
    helper = find(name)
    source = f"{head}\n{apply(body, edits(slip), reference.__name__)}"
    return _with_helper(reference, helper, list(helper.slips)[number], source)


def _both(first, second):
    return f"Two things. {first} {second}"


def _capital(words):
    return words[:1].upper() + words[1:]


def _plain(value):
    """Return what JSON makes of a result, NOTHING if it is no data."""
    if value is NOTHING:
        return NOTHING
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError, RecursionError):
        return NOTHING
