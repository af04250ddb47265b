"""Check the learner's answers in a notebook: `check`, `hint`, `points`, `progress`.

A check runs the answer on cases, compares what comes back with the reference, and names the mistake; it
raises nothing and shows no answer. The best points of each question are kept in `.progress.json` beside the
learner's notebooks.
"""

import contextlib
import difflib
import html
import json
import os
import re
import sys
from pathlib import Path

from course_lib.grading.answer import attempt
from course_lib.grading.judge import judge
from course_lib.grading.questions import CHAPTERS, all_questions, of_chapter

__all__ = ["Feedback", "chapter_questions", "check", "hint", "points", "progress", "questions"]

RECORD = Path(".progress.json")
# Each status has a word and a sign beside its colour, and the colours read on white as on black.
LOOKS = {
    "right": ("✔", "Right", "46, 139, 87"),
    "partly": ("◐", "Partly right", "199, 119, 0"),
    "wrong": ("✘", "Not yet", "204, 78, 60"),
    "error": ("✘", "Not yet", "204, 78, 60"),
    "timeout": ("✘", "Took too long", "204, 78, 60"),
    "crashed": ("✘", "Crashed", "204, 78, 60"),
    "not attempted": ("○", "Not attempted", "128, 128, 128"),
    "unreadable": ("?", "Unreadable", "204, 78, 60"),
    "note": ("○", "", "70, 130, 180"),
}
_verdicts = {}  # of this session, by question
_hints_shown = {}


class Feedback:
    """Show as a box in a notebook and as a sentence elsewhere.

    In a notebook's kernel the plain form of a check is its points: nbgrader reads partial credit from there.
    """

    def __init__(self, text, markup, points=None):
        self.text, self.markup, self.points = text, markup, points

    def __repr__(self):
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None):
        plain = self.text if self.points is None or not _in_kernel() else _number(self.points)
        return {"text/plain": plain, "text/html": self.markup}


def check(question, answer):
    """Run `answer` on the cases of the question called `question`, visible and seeded, and say how it did."""
    try:
        return _check(question, answer)
    except Exception:  # the answer replaced what the check needs, too: nothing here calls a builtin
        sentence = (
            "The answer could not be judged: restart the kernel and run the cells again from the top. "
            "A function of Python itself, such as len or sum, was replaced."
        )
        sign = LOOKS["error"][0]
        return Feedback(f"{sign} {sentence}", _box("error", f"{sign} {sentence}"), 0)


def _check(question, answer):
    asked, refusal = _find(question)
    if refusal:
        return refusal
    cases, outcomes = asked.cases(), []
    for case in asked.cases():
        outcomes.append(attempt(answer, case))
        if outcomes[-1].get("raised") == "KeyboardInterrupt":
            outcomes += [outcomes[-1]] * (len(cases) - len(outcomes))
            break
    verdict = judge(asked, cases, outcomes)
    _verdicts[verdict.question] = verdict
    _remember(verdict)
    sentence = verdict.sentence
    if verdict.status in ("partly", "wrong", "error"):
        sentence += f' For a hint: `hint("{asked.name}")`.'
    amount = f"{_number(verdict.points)} of {verdict.possible} point{'s' * (verdict.possible != 1)}"
    sign, word, _ = LOOKS[verdict.status]
    text = f"{sign} {word}: {asked.name}, {amount}. {sentence}"
    markup = f"<b>{sign} {word}</b> · {asked.name} · {amount}<br>{_markup(sentence)}"
    return Feedback(text, _box(verdict.status, markup), verdict.points)


def hint(question):
    """Show the next hint of the question called `question`; the last one says the most."""
    asked, refusal = _find(question)
    if refusal:
        return refusal
    count = _hints_shown[asked.name] = min(_hints_shown.get(asked.name, 0) + 1, len(asked.hints))
    title = f"Hint {count} of {len(asked.hints)}"
    sentence = asked.hints[count - 1]
    return Feedback(
        f"{title}: {asked.name}. {sentence}",
        _box("note", f"<b>{title}</b> · {asked.name}<br>{_markup(sentence)}"),
    )


def points(chapter):
    """Add up the points of the checks of `chapter` that ran in this session."""
    if chapter not in tuple(CHAPTERS):  # also when it is no string
        return _unknown("chapter", chapter, CHAPTERS)
    asked = chapter_questions(chapter)
    found = [_verdicts.get(question.name) for question in asked]
    earned = sum(verdict.points for verdict in found if verdict)
    possible = sum(question.points for question in asked)
    rows = []
    for question, verdict in zip(asked, found, strict=True):
        sign, word, _ = LOOKS[verdict.status if verdict else "not attempted"]
        amount = f"{_number(verdict.points if verdict else 0)} of {question.points}"
        rows.append((sign, question.title, amount, word if verdict else "Not checked in this session"))
    title = f"{chapter}: {_number(earned)} of {possible} points"
    return Feedback(_text_table(title, rows), _box("note", f"<b>{title}</b>{_table(rows)}"))


def progress():
    """Show the learner's best points, chapter by chapter."""
    best, rows, total, out_of = _recorded(), [], 0, 0
    for chapter, number in CHAPTERS.items():
        asked = chapter_questions(chapter)
        earned = sum(min(best.get(question.name, 0), question.points) for question in asked)
        possible = sum(question.points for question in asked)
        total, out_of = total + earned, out_of + possible
        bar = "█" * int(10 * earned / possible)
        rows.append((f"{number:02}", chapter, f"{_number(earned)} of {possible}", bar.ljust(10, "░")))
    title = f"Your best so far: {_number(total)} of {out_of} points"
    return Feedback(_text_table(title, rows), _box("note", f"<b>{title}</b>{_table(rows)}"))


def chapter_questions(chapter):
    """Return the questions of one chapter, in order."""
    return of_chapter(chapter)


def questions():
    """Return every question by its name."""
    return all_questions()


def _find(name):
    """Return the question called `name`, or the feedback that says that there is none."""
    found = questions().get(name) if isinstance(name, str) else None
    return found, None if found else _unknown("question", name, questions())


def _unknown(kind, name, known):
    near = difflib.get_close_matches(name, known, n=1) if isinstance(name, str) else []
    called = f"`{name}`" if isinstance(name, str) else "that: its name is required, as a string"
    sentence = f"There is no {kind} called {called}." + (f" Did you mean `{near[0]}`?" if near else "")
    return Feedback(sentence, _box("note", _markup(sentence)))


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


def _in_kernel():
    """Say whether a notebook's kernel, which shows the box, is running this."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _number(points):
    return f"{points:.1f}".removesuffix(".0")


def _markup(sentence):
    """Escape the sentence for HTML; `code` becomes code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(sentence))


def _box(status, markup):
    colour = LOOKS[status][2]
    border, background = f"border-left: 5px solid rgb({colour})", f"background: rgba({colour}, 0.1)"
    style = f"{border}; {background}; padding: 6px 12px; margin: 4px 0"
    return f'<div style="{style}">{markup}</div>'


def _table(rows):
    cells = "".join(
        '<tr style="background: none">'
        + "".join(f'<td style="text-align: left">{html.escape(cell)}</td>' for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table>{cells}</table>"


def _text_table(title, rows):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([title, *lines])
