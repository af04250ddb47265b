"""Judge an answer to a question from plain data, and name the mistake behind a wrong one.

An answer is asked by `course_lib.grading.answer.attempt`, where the learner's code runs; what comes back is
JSON data, and `judge` sees nothing else. The two can live in different processes, and every way of checking
says the same sentence.
"""

import math
from dataclasses import dataclass

from course_lib.grading.compare import form_of, is_right
from course_lib.grading.mistakes import named
from course_lib.grading.question import MOST, copy, show

__all__ = ["Verdict", "judge"]

# What a report names of the exceptions that a hidden case raised; a choice of many could carry the case out.
COMMON = (
    "TypeError",
    "ValueError",
    "IndexError",
    "KeyError",
    "NameError",
    "ZeroDivisionError",
    "MemoryError",
)


@dataclass(frozen=True)
class Verdict:
    """Say how an answer did; `status` is right, partly, wrong, error, timeout, crashed or not attempted.

    `mistake` is the known mistake that explains the answer, if one does.
    """

    question: str
    status: str
    points: float
    possible: int
    sentence: str
    mistake: str = ""


def judge(question, cases, outcomes, *, private=False):
    """Return the `Verdict` on the `outcomes` that `attempt` returned for the argument lists `cases`.

    An outcome may also be {"ended": "timeout" or "crashed", "why": words}: the answer's process ended. If
    `private`, the sentence repeats nothing that the answer made of a case that is not visible, because it
    could carry that case out.
    """
    expected = [question.reference(*copy(case)) for case in cases]
    values = [outcome.get("value") for outcome in outcomes]
    right = [is_right(question, e, v) for e, v in zip(expected, values, strict=True)]
    points = math.floor(10 * question.points * sum(right) / len(cases)) / 10

    def verdict(status, sentence, mistake=""):
        return Verdict(question.name, status, points, question.points, sentence, mistake)

    if all(right):
        return verdict("right", f"All {len(cases)} cases are right." if len(cases) > 1 else "That is right.")
    if all(_is_untouched(outcome) for outcome in outcomes):
        return verdict("not attempted", f"`{question.name}` is still to be written.")
    mistake = named(question, cases, expected, outcomes, private=private) or ""
    sentence = mistake or _described(question, cases, expected, outcomes, right, private)
    ended = outcomes[-1].get("ended")
    if ended == "timeout" and outcomes[-1]["why"] not in sentence:
        sentence += f" Another case {outcomes[-1]['why']}"
    if points:
        sentence = f"{sentence} ({sum(right)} of {len(cases)} cases are right.)"
        return verdict(ended or "partly", sentence, mistake)
    failed = all("raised" in outcome for outcome in outcomes)
    return verdict(ended or ("error" if failed else "wrong"), sentence, mistake)


def _is_untouched(outcome):
    """Say whether an answer is as it was handed out: all it does is raise NotImplementedError."""
    return outcome.get("raised") == "NotImplementedError" and not (
        outcome["within"] or outcome.get("written")
    )


def _described(question, cases, expected, outcomes, right, private):
    """Describe the first wrong case; of a case that is not visible, neither its arguments nor its result."""
    index = right.index(False)
    outcome, wanted = outcomes[index], expected[index]
    shown = index < len(question.visible)
    where = f"`{question.call(cases[index])}`" if shown or not cases[index] else "A case that is not shown"
    if outcome.get("failed"):  # before any case was asked
        where = f"The code that defines `{question.name}`"
    elif private and cases[index] and not shown:
        outcome = _without_words(outcome, wanted)
    if "value" not in outcome:
        return _failed(question, where, outcome, wanted)
    value = outcome["value"]
    if value is None:
        everywhere = all(other.get("value", 0) is None for other in outcomes)
        if everywhere:
            return f"{where} returned None. Is the `return` missing? What is printed is not returned."
        return f"{where} returned None. Does a search find no match there, or is there no `return`?"
    both_lists = isinstance(value, list) and isinstance(wanted, list)
    rows = both_lists and question.needs == "keras"
    if shown and (rows or (both_lists and _hides(wanted, value))):
        return f"{where}: {_first_difference(question, wanted, value)}"
    if form_of(value) != form_of(wanted) and not rows and not (shown and both_lists):
        return f"{where} returned `{show(value)}`; {question.returns} is required."
    if shown:
        required, yours = _texts(wanted, value)
        return f"{where} is `{required}`; your function returned `{yours}`."
    if not cases[index]:
        return f"{where} returned `{show(value)}`: the form is right, the value is not."
    return (
        "The cases that are shown are right, others are not. Is every argument used, and every step general?"
    )


def _failed(question, where, outcome, wanted):
    """Describe an outcome that has no value, where `wanted` was required."""
    if "ended" in outcome:
        return f"{where} {outcome['why']}"
    if "uncallable" in outcome:
        kind = _article(outcome["uncallable"])
        return f"A function is required, and this is {kind}: check `{question.name}` itself."
    if "type" in outcome:
        kind = _article(outcome["type"])
        if outcome.get("large"):
            kind += " that is too large to be looked at"
        elif "holds" in outcome:
            kind += f" that holds {_article(outcome['holds'])}"
        elif outcome["type"] in ("list", "tuple") and isinstance(wanted, list) and not question.needs:
            kind += ", but of another form"
        return f"{where} returned {kind}; {question.returns} is required."
    if outcome["raised"] == "NotImplementedError":
        if outcome["within"]:
            return f"{where} calls `{outcome['within']}`, which is still to be written."
        return f"{where} comes to `raise NotImplementedError()`: take that line out of your answer."
    if outcome["raised"] == "KeyboardInterrupt":
        return f"{where} was interrupted. Does a loop never end?"
    if outcome["raised"] == "RecursionError":
        return f"{where} calls itself without end."
    message = f": {outcome['message']}" if outcome["message"] else ""
    why = f" {outcome['why']}" if "why" in outcome else ""
    return f"{where} raised {outcome['raised']}{message}.{why}"


def _without_words(outcome, wanted):
    """Return the outcome less all that the answer could have put a hidden case into."""
    if outcome.get("ended") == "crashed":
        return {"ended": "crashed", "why": "ended its process."}
    if "raised" in outcome:
        name = outcome["raised"] if outcome["raised"] in COMMON else "an error"
        return {"raised": name, "message": "", "within": ""}
    if "value" in outcome and outcome["value"] is not None and form_of(outcome["value"]) != form_of(wanted):
        return {"type": type(outcome["value"]).__name__}
    for key in ("type", "uncallable"):
        if key in outcome:
            return {key: "value of another type"}
    return outcome


def _first_difference(question, wanted, value, place=""):
    """Say where a list first differs from the one that is required; it does somewhere."""
    index = next(
        (i for i, (w, v) in enumerate(zip(wanted, value, strict=False)) if not is_right(question, w, v)),
        min(len(value), len(wanted)),
    )
    kind = "row" if any(isinstance(entry, list) for entry in wanted) else "entry"
    place += f"{kind} {index + 1}"
    if index == len(value):
        return f"{place} is missing; it must be `{show(wanted[index])}`."
    if index == len(wanted):
        return f"{place} is `{show(value[index])}`; the {kind} before it must be the last."
    if _hides(wanted[index], value[index]):
        return _first_difference(question, wanted[index], value[index], f"{place}, ")
    required, yours = _texts(wanted[index], value[index])
    return f"{place} must be `{required}`; yours is `{yours}`."


def _hides(wanted, value):
    """Say whether two lists, as they are shown, leave out where they differ."""
    if not (isinstance(wanted, list) and isinstance(value, list)):
        return False
    texts = show(wanted, math.inf), show(value, math.inf)
    return texts[0] == texts[1] or max(map(len, texts)) > MOST


def _texts(wanted, value):
    """Show what is required and what came; with all digits, if fewer don't tell them apart."""
    texts = show(wanted), show(value)
    return texts if texts[0] != texts[1] else (repr(wanted), repr(value))


def _article(noun):
    return noun if noun == "NoneType" else f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
