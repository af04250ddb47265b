"""Make the wrong functions that may be a learner's: slips of a question, of what it calls, of its arguments.

A candidate is compared with an answer case by case, and runs on our side: it is the reference's code, never
the learner's. Its lines are counted, since a slip, or two at once, may never end; who counts lines, and no
seconds, says the same sentence on a busy machine.
"""

import itertools
import json
import sys
from types import FunctionType, SimpleNamespace

from course_lib.grading.answer import plain
from course_lib.grading.mutants import mutants
from course_lib.grading.question import compiled, copy, edited, edits, neighbours, show, sources
from course_lib.grading.questions import CHAPTERS, find

__all__ = [
    "NOTHING",
    "Budget",
    "arguments",
    "changes",
    "fixed_arguments",
    "helpers",
    "pairs",
    "single_edits",
    "slips",
]

STEPS = 1_000_000  # lines of code after which no further candidate is tried: about a quarter of a second
MOST_STEPS = 200_000  # of one candidate in one case
REMEMBERED = 200_000  # parts of results that a question keeps: those of its cases, of every candidate
NOTHING = object()  # in the place of a value that did not come


class Budget:
    """Count the lines of code that candidates run, for one answer."""

    def __init__(self):
        self.steps = STEPS

    def is_spent(self):
        """Say whether no further candidate may run."""
        return self.steps <= 0


class _TooLongError(BaseException):
    """A candidate ran too many steps. No `except Exception` of a question's catches this."""


class Candidate:
    """A wrong function that may be the learner's, with the sentence that names what is wrong with it.

    Args:
        question: whose answer it may be; what the candidate returns is remembered there.
        key: tells it from the question's other candidates.
        sentence: names what is wrong.
        make: returns the function.
        ends: whether it is known to end. Its lines are then not counted, and it runs four times as fast.
    """

    def __init__(self, question, key, sentence, make, *, ends=False):
        self.question, self.key, self.sentence = question, key, sentence
        self._make, self._ends = make, ends

    def result(self, case, budget):
        """Return what it makes of a case, as JSON data; NOTHING if it fails there or may not run any more.

        What it costs is taken from the budget, also if the result is remembered: what is said of an answer
        does not depend on those before it. Threads may ask at once; at worst a result is computed twice.
        """
        if budget.is_spent():
            return NOTHING
        memory = self.question.slipped.setdefault("results", {})
        key = (self.key, json.dumps(case))
        remembered = memory.get(key)
        if remembered is None:
            remembered = _run(self._function(), copy(case), counted=not self._ends)
            parts = self.question.slipped.get("parts", 0) + remembered[2]
            if parts > REMEMBERED:
                memory.clear()
                parts = remembered[2]
            self.question.slipped["parts"] = parts
            memory[key] = remembered
        value, steps, _ = remembered
        budget.steps -= steps
        return value

    def _function(self):
        """Return the function, made once a question; None if its edits do not go together."""
        made = self.question.slipped.setdefault("made", {})
        if self.key not in made:
            try:
                made[self.key] = self._make()
            except (ValueError, SyntaxError, TypeError):
                made[self.key] = None
        return made[self.key]


def _run(function, case, counted):
    """Return the result of a function as JSON data, how many lines it ran, and how many parts it has.

    The result is NOTHING if it fails, or is larger than any that an answer may have.

    A debugger's or coverage's own trace is put back afterwards. Only this thread is traced.
    """
    if function is None:
        return NOTHING, 1, 1
    before = sys.gettrace()
    steps = 1

    def trace(frame, event, argument):
        nonlocal steps
        steps += 1
        if steps > MOST_STEPS:
            raise _TooLongError
        return trace

    if counted:
        sys.settrace(trace)
    try:
        value = function(*case)
    except (Exception, _TooLongError):
        value = NOTHING
    finally:
        if counted:
            sys.settrace(before)
    if value is NOTHING:
        return NOTHING, steps, 1
    try:
        result, parts = plain(value)
    except Exception:  # whatever a value of a wrong function does when it is looked at
        return NOTHING, steps, 1
    return result, steps, parts


# The question's own slips, and what follows from them


def slips(question):
    """Yield a candidate for each slip of the question; tests show that those of the course end."""
    ends = question.chapter in CHAPTERS
    for number, (sentence, function) in enumerate(question.mistakes):
        key = ("slip", number)
        yield Candidate(question, key, sentence, lambda function=function: function, ends=ends)


def single_edits(question):
    """Yield the edits of which a slip has several, each alone: the answer is right in the other places."""
    for number, (slip, sentence) in enumerate(question.slips.items()):
        for place, change in enumerate(slip if isinstance(slip, tuple) else ()):
            yield Candidate(
                question,
                ("edit", number, place),
                sentence,
                lambda change=change: edited(question.reference, change),
            )


def pairs(question):
    """Yield two slips at once: two of the question's own, or one and one of what it calls."""
    own = [(slip, sentence) for slip, sentence in question.slips.items() if not callable(slip)]
    for (a, (one, first)), (b, (other, second)) in itertools.combinations(enumerate(own), 2):
        if first != second:
            yield Candidate(
                question,
                ("pair", a, b),
                _both(first, second),
                lambda one=one, other=other: edited(question.reference, [*edits(one), *edits(other)]),
            )
    for helped in helpers(question):
        for a, (slip, sentence) in enumerate(own):
            yield Candidate(
                question,
                ("pair", a, *helped.key),
                _both(sentence, helped.sentence),
                lambda key=helped.key, slip=slip: _with_helper(question.reference, *key[1:], slip),
            )


def _both(first, second):
    return f"Two things. {first} {second}"


def changes(question):
    """Yield the reference with a change in one place that no slip of the question has."""
    made = question.slipped
    if "mutants" not in made:
        made["mutants"] = list(mutants(*sources(question.reference), _kinds(question)))
    for number, (sentence, source) in enumerate(made["mutants"]):
        yield Candidate(
            question,
            ("change", number),
            sentence,
            lambda source=source: compiled(question.reference, source),
        )


# What the reference calls


def helpers(question):
    """Yield the reference with a function that it calls replaced by one of that function's slips."""
    for name in _called(question.reference):
        helper = find(name)
        if helper is None or helper.name == question.name or helper.needs:
            continue
        for number, sentence in enumerate(helper.slips.values()):
            yield Candidate(
                question,
                ("helper", name, number),
                f"As in `{name}`: {sentence}",
                lambda name=name, number=number: _with_helper(question.reference, name, number),
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


def _with_helper(reference, name, number, own_slip=None):
    """Return the reference, with a slip of its own or none, calling a helper with its slip of that number."""
    helper = find(name)
    wrong = edited(helper.reference, list(helper.slips)[number])
    if helper.reference.__globals__ is not reference.__globals__:
        wrong = _adapted(wrong)
    if own_slip is None:
        return neighbours(reference, {name: wrong})[reference.__name__]
    return edited(reference, own_slip, {name: wrong})


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


# Arguments


def arguments(question):
    """Yield the reference with an argument fixed, left out, shifted, turned or exchanged for another."""
    yield from _fixed(question)
    yield from _changed(question)
    yield from _exchanged(question)
    yield from _fixed_pairs(question)


def fixed_arguments(question):
    """Yield the reference with one argument fixed, or two, as in a case that is shown."""
    yield from _fixed(question)
    yield from _fixed_pairs(question)


def _fixed(question):
    for place, name in enumerate(question.parameters):
        for text, value in _shown(question, place).items():
            sentence = f"`{name}` seems to be fixed at {show(value)}, as in a case that is shown: use it."
            yield _argument(question, ("fixed", place, text), sentence, _put({place: value}))


def _fixed_pairs(question):
    for first, second in itertools.combinations(range(len(question.parameters)), 2):
        one, other = question.parameters[first], question.parameters[second]
        sentence = f"`{one}` and `{other}` seem to be fixed, as in a case that is shown."
        pairs = {json.dumps([case[first], case[second]]): case for case in question.visible}
        for text, case in pairs.items():
            change = _put({first: case[first], second: case[second]})
            yield _argument(question, ("fixed", first, second, text), sentence, change)


def _changed(question):
    for place, name in enumerate(question.parameters):
        for number, (sentence, change) in enumerate(_changes(name, _shown(question, place))):
            yield _argument(question, ("changed", place, number), sentence, _at(place, change))


def _changes(name, shown):
    """Yield pairs (sentence, change) for an argument, by the type of the values that are shown of it."""
    kinds = {type(value) for value in shown.values()}
    if kinds == {int}:
        yield f"`{name}` is taken 1 too large.", lambda value: value + 1
        yield f"`{name}` is taken 1 too small.", lambda value: value - 1
    if kinds == {bool}:
        yield f"`{name}` is taken the other way round.", lambda value: not value
    if kinds <= {list, str}:
        yield f"`{name}` is read from its end.", lambda value: value[::-1]
        yield f"The first entry of `{name}` is left out.", lambda value: value[1:]
        yield f"The last entry of `{name}` is left out.", lambda value: value[:-1]
    for constant in {int: (0, 1, 2, 3), float: (0.0, 1.0)}.get(next(iter(kinds), None), ()):
        if len(kinds) == 1 and json.dumps(constant) not in shown:
            sentence = f"`{name}` is left out, as if it were {constant:g} in every case."
            yield sentence, lambda _, constant=constant: constant


def _exchanged(question):
    kinds = _kinds(question)
    for (first, one), (second, other) in itertools.combinations(enumerate(kinds), 2):
        if kinds[one] == kinds[other]:
            sentence = f"`{one}` and `{other}` are exchanged."
            yield _argument(question, ("exchanged", first, second), sentence, _exchange(first, second))


def _kinds(question):
    """Return the types of the values that are shown of each argument, by its name; a number is a number."""
    kinds = {}
    for place, name in enumerate(question.parameters):
        shown = _shown(question, place).values()
        kinds[name] = {float if type(value) is int else type(value) for value in shown}
    return kinds


def _shown(question, place):
    """Return the values of an argument in the visible cases, each once, by their text."""
    return {json.dumps(case[place]): case[place] for case in question.visible}


def _argument(question, key, sentence, change):
    """Return the candidate that calls the reference with the list that `change` makes of a case."""

    def make():
        return lambda *case: question.reference(*change(list(case)))

    return Candidate(question, ("argument", *key), sentence, make)


def _put(values):
    """Return a change that puts a value into each of some places, a dict."""
    return lambda case: [copy(values[place]) if place in values else old for place, old in enumerate(case)]


def _at(place, change):
    return lambda case: [*case[:place], change(case[place]), *case[place + 1 :]]


def _exchange(first, second):
    def change(case):
        case[first], case[second] = case[second], case[first]
        return case

    return change
