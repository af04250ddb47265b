"""Check a learner's answers in a notebook, give hints, and keep the best points.

A check runs the answer on cases, compares what comes back with the reference, and names the mistake; it
raises nothing and shows no answer. The best points of each question are kept in `.progress.json` beside the
learner's notebooks.
"""

import contextlib
import difflib
import io
import json
import os
from pathlib import Path
from types import FunctionType

from course_lib.grading import own
from course_lib.grading.answer import attempt
from course_lib.grading.feedback import LOOKS, note, number, table, titled
from course_lib.grading.judge import judge
from course_lib.grading.limit import Limit, OutOfTimeError, out_of_time
from course_lib.grading.question import SlipError
from course_lib.grading.questions import CHAPTERS, all_questions, chapter_questions, chapter_stems

__all__ = ["check", "hint", "include", "points", "progress"]

RECORD = Path(".progress.json")
SECONDS = 10  # of computing for the cases of a question, as the grader of a class gives
MOST_PRINTED = 2_000  # characters
MISSING = object()
# Made before any answer runs: an answer may replace the builtins that making it takes.
UNJUDGED = note(
    f"{LOOKS['error'][0]} The answer could not be judged: restart the kernel and run the cells again from "
    "the top. A function of Python itself, such as len or sum, was replaced.",
    "error",
    points=0,
)
_verdicts = {}  # of this session, by question
_hints_shown = {}
_running = []  # the name in the check that runs


def check(question=None, answer=MISSING):
    """Run `answer` on the cases of the question called `question`, visible and seeded, and say how it did.

    An answer that computes for over ten seconds is stopped. What it prints for one visible case is shown.
    """
    if _running:
        return note("A check runs already: take `check` out of your answer.")
    _running.append(question)
    try:
        return _check(question, answer)
    except (SlipError, OSError) as error:
        return note(f"The file of the question is broken, not your answer. {_why(error)}", "error", points=0)
    except Exception:
        return UNJUDGED
    finally:
        _running.clear()


def _why(error):
    """Say what is broken in a file of questions; a slip that no longer fits would show the right function."""
    if isinstance(error, SlipError):
        return "A slip in it does not fit: tell who wrote it."
    return f"Its source cannot be read: {error}."


def _check(name, answer):
    question = _find(name)
    if question is None:
        names = all_questions()
        known = name.__name__ if type(name) is FunctionType and name.__name__ in names else "output_size"
        return _unknown("question", name, names, f'check("{known}", {known})')
    if answer is MISSING:
        return note(f'Your answer is required too, without a call: `check("{name}", {name})`.')
    cases = question.cases()
    verdict = judge(question, cases, _outcomes(question, answer))
    _verdicts[verdict.question] = verdict
    _remember(verdict)
    sentence = verdict.sentence
    if verdict.status in ("partly", "wrong", "error"):
        sentence += f' For a hint: `hint("{question.name}")`.'
    sign, word, _ = LOOKS[verdict.status]
    amount = f"{number(verdict.points)} of {verdict.possible} {_plural('point', verdict.possible)}"
    return titled(verdict.status, f"{sign} {word}", [question.name, amount], sentence, points=verdict.points)


def _outcomes(question, answer):
    """Return the outcome of each case; after one that was interrupted or stopped, no other is tried."""
    cases, outcomes = question.cases(), []
    may_print = max(1, len(question.visible))  # cases, until one has
    with Limit(SECONDS) as limit:
        for case in cases:
            call, printed = question.call(case), _Printed()
            try:
                with contextlib.redirect_stdout(printed):
                    outcomes.append(limit.call(attempt, answer, case))
            except OutOfTimeError:
                outcomes.append(out_of_time(SECONDS))
            if printed.getvalue() and len(outcomes) <= may_print:
                may_print = 0
                _show(call, printed.getvalue())
            if "ended" in outcomes[-1] or outcomes[-1].get("raised") == "KeyboardInterrupt":
                break
    return outcomes + outcomes[-1:] * (len(cases) - len(outcomes))


class _Printed(io.StringIO):
    """Keep the beginning of what is printed: a loop that never ends would fill the notebook."""

    def write(self, text):
        super().write(text[: max(0, MOST_PRINTED - self.tell())])
        return len(text)


def _show(call, text):
    more = " …" if len(text) == MOST_PRINTED else ""
    text = text.encode(errors="backslashreplace").decode().rstrip()
    with contextlib.suppress(UnicodeError, OSError):
        print(f"{call} prints:\n{text}{more}")


def hint(question=None):
    """Show the next hint of the question called `question`; the last one says the most."""
    found = _find(question)
    if found is None:
        return _unknown("question", question, all_questions(), 'hint("output_size")')
    count = min(_hints_shown.get(found.name, 0) + 1, len(found.hints))
    _hints_shown[found.name] = count
    return titled("note", f"Hint {count} of {len(found.hints)}", [found.name], found.hints[count - 1])


def include(file):
    """Let `check` know the questions of a Python file of one's own, or say what is wrong with it."""
    try:
        chapter = own.include(file)
    except ValueError as error:
        return note(str(error), "error")
    count = len(chapter.questions)
    return note(f"{chapter.title}: {count} {_plural('question', count)} of your own.")


def points(chapter=None):
    """Add up the points of the checks of `chapter` that ran in this session."""
    if chapter not in chapter_stems():  # also when it is no string
        return _unknown("chapter", chapter, chapter_stems(), 'points("lenet5")')
    earned, possible, rows = 0, 0, []
    for question in chapter_questions(chapter):
        verdict = _verdicts.get(question.name)
        sign, word, _ = LOOKS[verdict.status if verdict else "not attempted"]
        own = verdict.points if verdict else 0
        earned += own
        possible += question.points
        amount = f"{number(own)} of {question.points}"
        rows.append((sign, question.title, amount, word if verdict else "Not checked in this session"))
    return table(f"{chapter}: {number(earned)} of {possible} points", rows)


def progress():
    """Show the learner's best points, chapter by chapter."""
    best, rows = _recorded(), []
    total, total_possible = 0, 0
    for chapter, place in CHAPTERS.items():
        earned, possible = 0, 0
        for question in chapter_questions(chapter):
            earned += min(best.get(question.name, 0), question.points)
            possible += question.points
        total += earned
        total_possible += possible
        bar = "█" * int(10 * earned / possible)
        rows.append((f"{place:02}", chapter, f"{number(earned)} of {possible}", bar.ljust(10, "░")))
    return table(f"Your best so far: {number(total)} of {total_possible} points", rows)


def _find(name):
    return all_questions().get(name) if isinstance(name, str) else None


def _unknown(kind, name, known, usage):
    if not isinstance(name, str):
        return note(f"The name of a {kind} is required, as a string: `{usage}`.")
    near = difflib.get_close_matches(name, known, n=1)
    guess = f" Did you mean `{near[0]}`?" if near else ""
    return note(f"There is no {kind} called `{name}`.{guess}")


def _plural(noun, count):
    return noun if count == 1 else f"{noun}s"


def _remember(verdict):
    """Keep the best points of the question; where nothing can be written, only the record is lost."""
    best = _recorded()
    if verdict.points <= best.get(verdict.question, 0):
        return
    part = RECORD.with_name(f"{RECORD.name}.{os.getpid()}")
    try:
        part.write_text(json.dumps({**best, verdict.question: verdict.points}, indent=1, sort_keys=True))
        os.replace(part, RECORD)  # in one step, so that a kill leaves the old record or the new one
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()


def _recorded():
    """Return the best points by question; a record that cannot be read is set aside and begun anew."""
    try:
        return {name: best for name, best in json.loads(RECORD.read_text()).items() if best >= 0}
    except OSError:
        return {}
    except (ValueError, TypeError, AttributeError, RecursionError):
        with contextlib.suppress(OSError):
            os.replace(RECORD, RECORD.with_name(f"{RECORD.name}.unreadable"))
        return {}
