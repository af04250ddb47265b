"""Make the wrong functions that may be a learner's: slips of a question, of what it calls, of its arguments.

A candidate is compared with an answer case by case, and runs on our side: it is the reference's code, never
the learner's. Its lines are counted, since a slip, or two at once, may never end; who counts lines, and no
seconds, says the same sentence on a busy machine.
"""

import itertools
import json
import sys
from types import FunctionType, SimpleNamespace

from course_lib.grading.mutants import mutants
from course_lib.grading.question import (
    apply,
    compiled,
    copy,
    edited,
    edits,
    neighbours,
    show,
    sources,
)
from course_lib.grading.questions import find

__all__ = ["NOTHING", "Budget", "Candidate", "arguments", "changes", "halves", "helpers", "pairs", "slips"]

STEPS = 1_000_000  # lines of code after which no further candidate is tried: about a quarter of a second
MOST_STEPS = 200_000  # of one candidate in one case
REMEMBERED = 20_000  # results of candidates that a question keeps
NOTHING = object()  # in the place of a value that did not come


class Budget:
    """Count the lines of code that candidates run, for one answer."""

    def __init__(self):
        self.steps = STEPS

    def is_spent(self):
        """Say whether no further candidate may run."""
        return self.steps <= 0


class _TooLongError(Exception):
    """A candidate ran too many steps."""


class Candidate:
    """A wrong function that may be the learner's, with the sentence that names what is wrong with it."""

    def __init__(self, question, key, sentence, make, *, ends=False):
        self.question, self.key, self.sentence, self.make = question, key, sentence, make
        self.ends = ends

    def result(self, case, budget):
        """Return what it makes of a case, as JSON data; NOTHING if it fails there or may not run any more.

        What it costs is taken from the budget, also if the result is remembered.
        """
        memory = self.question.slipped.setdefault("results", {})
        key = (self.key, json.dumps(case))
        if key not in memory:
            if budget.is_spent():
                return NOTHING
            if len(memory) >= REMEMBERED:
                memory.clear()
            memory[key] = _run(self._made(), copy(case), counted=not self.ends)
        value, steps = memory[key]
        budget.steps -= steps
        return value

    def _made(self):
        """Return the function, made once a question; None if its edits do not go together."""
        made = self.question.slipped.setdefault("made", {})
        if self.key not in made:
            try:
                made[self.key] = self.make()
            except (ValueError, SyntaxError, TypeError):
                made[self.key] = None
        return made[self.key]


def _run(function, case, counted):
    """Return the result of a function as JSON data, NOTHING if it fails, and how many lines it ran.

    Lines are not counted where it is known that the function ends: it then runs four times as fast.
    """
    if function is None:
        return NOTHING, 1
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
    except Exception:
        value = NOTHING
    finally:
        sys.settrace(before)
    try:
        return (value if value is NOTHING else copy(value)), steps
    except (TypeError, ValueError, RecursionError):
        return NOTHING, steps


# The question's own slips, and what follows from them


def slips(question):
    """Yield a candidate for each slip of the question; tests show that these end."""
    for number, (sentence, function) in enumerate(question.mistakes):
        key = ("slip", number)
        yield Candidate(question, key, sentence, lambda function=function: function, ends=True)


def halves(question):
    """Yield the edits of which a slip has several, each alone: the answer is right in the other places."""
    for number, (slip, sentence) in enumerate(question.slips.items()):
        for place, change in enumerate(slip if isinstance(slip, tuple) else ()):
            yield Candidate(
                question,
                ("half", number, place),
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
                lambda one=one, other=other: edited(question.reference, one, also=(other,)),
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
        made["mutants"] = list(mutants(*sources(question.reference), question.parameters))
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
    head, body = sources(reference)
    body = apply(body, edits(own_slip), reference.__name__)
    return compiled(reference, f"{head}\n{body}", {name: wrong})


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
    names = question.parameters
    shown = [list(case) for case in question.visible]

    def candidate(key, sentence, change):
        def make():
            def wrong(*case):
                return question.reference(*change(list(case)))

            return wrong

        return Candidate(question, ("argument", *key), sentence, make)

    def replaced(place, value):
        return lambda case: [*case[:place], value(case[place]), *case[place + 1 :]]

    for place, name in enumerate(names):
        values = {json.dumps(case[place]): case[place] for case in shown}
        kinds = {type(value) for value in values.values()}
        for text, value in values.items():
            sentence = f"`{name}` seems to be fixed at {show(value)}, as in a case that is shown: use it."
            yield candidate((place, text, "fixed"), sentence, replaced(place, lambda _, value=value: value))
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
    for first, second in itertools.combinations(range(len(names)), 2):
        sentence = f"`{names[first]}` and `{names[second]}` seem to be fixed, as in a case that is shown."
        for case in {json.dumps([case[first], case[second]]): case for case in shown}.values():
            key = (first, second, json.dumps(case), "fixed")
            yield candidate(key, sentence, _fixed(case, first, second))


def _fixed(shown, first, second):
    def change(case):
        case[first], case[second] = shown[first], shown[second]
        return case

    return change


def _swap(first, second):
    def change(case):
        case[first], case[second] = case[second], case[first]
        return case

    return change
