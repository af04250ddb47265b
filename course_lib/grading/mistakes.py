"""Name the mistake behind a wrong answer: what a learner did, where the values say it.

First come the question's own slips. Then what needs no sentence of its own: an entry in another's place, a
slip of a function that the answer builds on, an argument that is fixed, shifted or exchanged, a slip for each
entry, a constant factor, another nesting, a change in one place, two slips at once. A rule speaks
only where it explains every case that was answered, so a sentence describes what is there; where two of
the question's mistakes explain it equally, it names both.
"""

import itertools
import re

from course_lib.grading import candidates
from course_lib.grading.answer import attempt
from course_lib.grading.candidates import NOTHING, Budget
from course_lib.grading.compare import all_same, flat, form_of, is_number, same
from course_lib.grading.question import copy, rounded, show
from course_lib.grading.questions import CHAPTERS
from course_lib.grading.relations import relation

__all__ = ["named"]

FLOAT = (
    "The value is right, but it is a float, and a whole number is required: divide with `//` rather than "
    "`/`, write powers with `**` rather than `math.pow`, and give NumPy's arrays `dtype=int`."
)
TRUTHS = "The value is right, but it is a number: write True and False rather than 1 and 0."
FEW = 3  # different right results in wrong cases, without which truth values fit many a rule by chance
ROUNDED = (
    "The value is right, but it is rounded: return it as it is computed; only the text shows fewer digits."
)


class _Answer:
    """What an answer made of its cases, beside what was required."""

    def __init__(self, question, cases, expected, outcomes, private):
        values = [outcome.get("value", NOTHING) for outcome in outcomes]
        self.answered = [i for i, value in enumerate(values) if value is not NOTHING and value is not None]
        self.question, self.cases, self.expected, self.values = question, cases, expected, values
        self.tolerance = question.tolerance
        self.silent = [i for i, value in enumerate(values) if value is None]
        self.wrong = [i for i in self.answered if not same(expected[i], values[i], self.tolerance)]
        # The places of what was answered, the wrong ones first: they tell the most.
        self.order = sorted(self.answered, key=lambda index: index not in self.wrong)
        self.budget = Budget()
        self.private = private

    def may_generalize(self):
        """Say whether general rules may speak: where a class is graded, only if each shown case has a value.

        A relation that holds in hidden cases alone could carry one of them out: right answers, plus a number
        made of its digits. The answers to shown cases are given before the hidden ones are known.
        """
        shown = range(len(self.question.visible))
        return not self.private or all(index in self.answered for index in shown)

    def pairs(self):
        """Return what is required and what came, for each case that was answered."""
        return [(self.expected[index], self.values[index]) for index in self.answered]

    def result(self, candidate, index):
        """Return what a candidate makes of the case in a place."""
        return candidate.result(self.cases[index], self.budget)

    def is_explained(self, candidate):
        """Say whether a candidate returns all that the answer returned."""
        return all(
            same(self.result(candidate, index), self.values[index], self.tolerance) for index in self.order
        )

    def is_silent_with(self, candidate):
        """Say whether a candidate returns None where the answer did, in one case at least."""
        return bool(self.silent) and all(self.result(candidate, index) is None for index in self.silent)

    def is_telling(self):
        """Say whether there are values enough to tell a mistake by: two wrong ones, if others are missing."""
        least = 1 if len(self.answered) == len(self.values) else 2
        return len(self.wrong) >= least

    def first_explained(self, candidates):
        """Return the sentence of the first candidate that explains the answer, or None."""
        for candidate in candidates:
            if self.budget.is_spent():
                return None
            if self.is_explained(candidate):
                return candidate.sentence
        return None


def named(question, cases, expected, outcomes, *, private=False):
    """Return the sentence that names the mistake in the outcomes of an answer, or None.

    Cases in which the answer failed, or returned None, are left out where at least two wrong ones remain. If
    `private`, the sentence carries nothing that the answer made of hidden cases, see `judge`.
    """
    answer = _Answer(question, cases, expected, outcomes, private)
    if len(answer.answered) == len(cases) and not answer.wrong:
        return FLOAT
    if not answer.answered:
        return _failing_alike(question, cases, outcomes)
    sentence = _own(answer)
    if sentence or not answer.is_telling() or not answer.may_generalize():
        return sentence
    rules = (
        _truths,
        _constant,
        _constant_entries,
        _rounded,
        _order,
        _first_of(candidates.helpers),
        _first_of(candidates.single_edits),
        _arguments,
        _parts,
        _relations,
        _ends,
        _nesting,
        _first_of(candidates.changes),
        _first_of(candidates.pairs),
    )
    for rule in rules:
        sentence = rule(answer)
        if sentence:
            return sentence
    return None


def _own(answer):
    """Name a slip of the question; one that returns None in the same cases explains more than another."""
    fitting = [candidate for candidate in candidates.slips(answer.question) if answer.is_explained(candidate)]
    silent = [candidate for candidate in fitting if answer.is_silent_with(candidate)]
    if not silent and not answer.is_telling():
        return None
    return " Or: ".join(dict.fromkeys(candidate.sentence for candidate in silent or fitting)) or None


def _failing_alike(question, cases, outcomes):
    """Name a slip that fails in every case as the answer does, with an error that says what it received.

    Only the course's own errors do; `list index out of range` has too many causes. And only slips of the
    course's own chapters, which are known to end.
    """
    errors = [_error(outcome) for outcome in outcomes]
    if question.chapter not in CHAPTERS or not all("Received: " in message for _, message in errors):
        return None
    for sentence, function in question.mistakes:
        if all(_error(attempt(function, copy(c))) == e for c, e in zip(cases, errors, strict=True)):
            return sentence
    return None


def _error(outcome):
    """Return the type and the message of an error; an empty message where there is none."""
    return outcome.get("raised"), outcome.get("message") or ""


def _constant(answer):
    """Name an answer that is the same everywhere, in a form that is right, where what is required is not."""
    first = answer.values[answer.answered[0]]
    if all(form_of(answer.expected[index]) != form_of(first) for index in answer.answered):
        return None
    if any(answer.values[index] != first for index in answer.answered):
        return None
    if all(answer.expected[index] == answer.expected[answer.answered[0]] for index in answer.answered):
        return None
    names = " and ".join(f"`{name}`" for name in answer.question.parameters)
    return f"The result is the same in every case, whatever {names} may be."


def _constant_entries(answer):
    """Name entries that are the same in every case, and right elsewhere, where what is required is not."""
    parts = _columns(answer)
    if parts is None or len(answer.answered) < FEW:
        return None
    expected, values = parts
    wrong = _wrong_parts(answer, expected, values)
    if not wrong:
        return None
    for p in wrong:
        if any(value != values[p][0] for value in values[p]):
            return None
        if form_of(list(values[p])) != form_of(list(expected[p])):
            return None
        if all(e == expected[p][0] for e in expected[p]):
            return None
    places = _places(answer, len(expected))
    names = " and ".join(places[p] for p in wrong)
    return f"{_capital(names)} {'is' if len(wrong) == 1 else 'are'} the same in every case."


def _truths(answer):
    """Name numbers that stand for truth values."""

    def numbers(value):
        if isinstance(value, list):
            return [numbers(entry) for entry in value]
        return int(value) if isinstance(value, bool) else value

    pairs = answer.pairs()
    if all(same(e, v, answer.tolerance) for e, v in pairs):
        return None
    return TRUTHS if all(same(numbers(e), v, answer.tolerance) for e, v in pairs) else None


def _is_told_by_few(answer):
    """Say whether what is required is truth values alone, of which the wrong cases have too few."""
    if not all(isinstance(part, bool) for index in answer.answered for part in flat(answer.expected[index])):
        return False
    return len({str(answer.expected[index]) for index in answer.wrong}) < FEW


def _first_of(kind):
    """Return the rule that names the first candidate of a kind that explains the answer."""

    def rule(answer):
        return None if _is_told_by_few(answer) else answer.first_explained(kind(answer.question))

    return rule


def _arguments(answer):
    """Name an argument; one that is shifted or exchanged shows in most cases, and not in a few by chance."""
    if _is_told_by_few(answer):
        return None
    if 2 * len(answer.wrong) > len(answer.answered):
        return answer.first_explained(candidates.arguments(answer.question))
    if len(answer.wrong) >= 3:
        return answer.first_explained(candidates.fixed_arguments(answer.question))
    return None


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
    pairs = answer.pairs()
    if not all(isinstance(e, list) and isinstance(v, list) and len(e) == len(v) for e, v in pairs):
        return None
    expected = [e for e, _ in pairs]
    values = [v for _, v in pairs]
    rows = [row for value in (*expected, *values) for row in value]
    widths = {len(row) if isinstance(row, list) else 0 for row in rows}
    if _has_columns(answer) and len(widths) == 1 and max(widths) > 1:
        return _turned(expected), _turned(values)
    if len({len(value) for value in expected}) == 1:
        return list(zip(*expected, strict=True)), list(zip(*values, strict=True))
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
    pairs = answer.pairs()
    if not all(isinstance(e, list) and isinstance(v, list) for e, v in pairs):
        return None
    parts = _columns(answer)
    if parts:
        sentence = _exchanged(answer, *parts) or _added(answer, *parts)
        if sentence:
            return sentence

    def explains(change):
        try:
            return all(same(change(e), v, answer.tolerance) for e, v in pairs)
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


def _added(answer, expected, values):
    """Name an entry to which another one was added, or from which it was taken."""
    wrong = _wrong_parts(answer, expected, values)
    if len(wrong) != 1 or not all(is_number(x) for part in (*expected, *values) for x in part):
        return None
    (p,) = wrong
    places = _places(answer, len(expected))
    for q, place in enumerate(places):
        if q == p:
            continue
        for sign, words in ((1, "is added to"), (-1, "is taken from")):
            changed = [a + sign * b for a, b in zip(expected[p], expected[q], strict=True)]
            if all_same(changed, values[p], answer.tolerance):
                return f"{_capital(place)} {words} {places[p]}; they are asked for apart."
    return None


def _exchanged(answer, expected, values):
    """Name entries that hold what belongs into another one."""
    wrong = _wrong_parts(answer, expected, values)
    holds = {}
    for p in wrong:
        others = [q for q, e in enumerate(expected) if q != p and all_same(e, values[p], answer.tolerance)]
        if not others:
            return None
        holds[p] = next((q for q in others if q in wrong), others[0])
    places = _places(answer, len(expected))
    if set(holds.values()) != set(wrong):
        return " ".join(
            f"{_capital(places[p])} holds what belongs into {places[q]}." for p, q in holds.items()
        )
    if len(wrong) == 2:
        first, second = wrong
        return f"{_capital(places[first])} and {places[second]} are exchanged."
    return "The entries are right, and not in their places: their order is that of the task."


def _wrong_parts(answer, expected, values):
    """Return the places of the parts that are wrong in some case."""
    return [p for p, e in enumerate(expected) if not all_same(e, values[p], answer.tolerance)]


def _relations(answer):
    """Name a relation between what is required and what came that holds in every case."""
    parts = _columns(answer)
    if parts is None:
        words = _related(answer, *zip(*answer.pairs(), strict=True))
        subject = "Every number" if isinstance(answer.expected[0], list) else "The result"
        return f"{subject} is {words}." if words else None
    expected, values = parts
    places = _places(answer, len(expected))
    held = {}  # by the words of a relation, the places in which it holds
    for p in _wrong_parts(answer, expected, values):
        words = _related(answer, expected[p], values[p])
        held.setdefault(words, []).append(places[p])
    if None in held or len(held) > 2:
        return None
    if [len(expected)] == [len(of_relation) for of_relation in held.values()]:
        return f"Every number is {next(iter(held))}."
    return " ".join(
        f"{_capital(' and '.join(held[words]))} {'is' if len(held[words]) == 1 else 'are'} {words}."
        for words in sorted(held)
    )


def _related(answer, expected, values):
    """Return the words for the relation between two lists with an entry a case that was answered.

    There are none where the first case, which is shown, was not answered or has no numbers: a distance could
    carry a case that is not shown into a report.
    """
    if answer.answered[0] > 0 or not flat(expected[0]):
        return None
    names = answer.question.parameters
    arguments, required, came = [], [], []
    for index, e, v in zip(answer.answered, expected, values, strict=True):
        if len(flat(e)) != len(flat(v)):
            return None
        required += flat(e)
        came += flat(v)
        arguments += [dict(zip(names, answer.cases[index], strict=True))] * len(flat(e))
    return relation(arguments, required, came, answer.tolerance)


def _ends(answer):
    """Name lists that lack an end or have one too many."""
    pairs = answer.pairs()
    if not all(isinstance(e, list) and isinstance(v, list) and e for e, v in pairs):
        return None
    if answer.question.needs:  # a learner has built no list; the first row that differs says more
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
    pairs = answer.pairs()
    if all(same(flat(e), flat(v), answer.tolerance) for e, v in pairs):
        return (
            f"The values are right, and not nested as they should be: {answer.question.returns} is required."
        )
    if all(str(v) == str(e) or (isinstance(v, str) and v == show(e)) for e, v in pairs):
        return f"The value is right, but it is text: {answer.question.returns} is required."
    return None


# Entry by entry, and two at once


def _parts(answer):
    """Name a mistake for each wrong entry, two at most, where each entry has one."""
    parts = _columns(answer)
    if parts is None or len(parts[0]) < 2:
        return None
    expected, values = parts
    wrong = set(_wrong_parts(answer, expected, values))
    places = _places(answer, len(expected))
    explained = []  # pairs of a sentence and the wrong parts that it explains
    question = answer.question
    possible = [candidates.slips(question)]
    if not _is_told_by_few(answer):
        possible += [candidates.helpers(question), candidates.arguments(question)]
    for candidate in itertools.chain.from_iterable(possible):
        if answer.budget.is_spent():
            break
        every = _held_parts(answer, candidate, len(expected))
        held = every & wrong
        if not held:
            continue
        sentence = candidate.sentence
        if len(every) < len(expected):  # it would change an entry that is right
            if candidate.key[0] == "helper":
                continue
            sentence = f"In {' and '.join(places[p] for p in sorted(held))}: {sentence}"
        if held == wrong:
            return sentence
        explained.append((sentence, held))
    for p in sorted(wrong):
        words = _related(answer, expected[p], values[p])
        if words:
            explained.append((f"{_capital(places[p])} is {words}.", {p}))
    for (one, first), (other, second) in itertools.combinations(explained, 2):
        if first | second == wrong and one != other:
            return f"{one} {other}"
    return None


def _held_parts(answer, candidate, count):
    """Return those of `count` parts in which a candidate returns all that the answer returned."""
    kept = set(range(count))
    for index in answer.order:
        result = answer.result(candidate, index)
        value = answer.values[index]
        if not isinstance(result, list) or len(result) != len(value):
            return set()
        if value and isinstance(value[0], list) and _has_columns(answer):
            if not all(isinstance(row, list) and len(row) == count for row in (*result, *value)):
                return set()
            result = list(zip(*result, strict=True))
            value = list(zip(*value, strict=True))
            kept = {p for p in kept if all_same(result[p], value[p], answer.tolerance)}
        elif len(result) == count:
            kept = {p for p in kept if same(result[p], value[p], answer.tolerance)}
        elif value:
            return set()
        if not kept:
            break
    return kept


def _capital(words):
    return words[:1].upper() + words[1:]
