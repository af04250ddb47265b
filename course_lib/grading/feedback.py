"""Say something to a learner: as a box in a notebook, and as a sentence everywhere else."""

import html
import re
import sys

__all__ = ["LOOKS", "Feedback", "box", "marked", "note", "number", "table", "titled"]

# Each status has a word and a sign beside its colour, and the colours read on white as on black.
LOOKS = {
    "right": ("✔", "Right", "46, 139, 87"),
    "partly": ("◐", "Partly right", "199, 119, 0"),
    "wrong": ("✘", "Not yet", "204, 78, 60"),
    "error": ("✘", "Not yet", "204, 78, 60"),
    "timeout": ("✘", "Took too long", "204, 78, 60"),
    "crashed": ("✘", "Crashed", "204, 78, 60"),
    "not attempted": ("○", "Not attempted", "128, 128, 128"),
    "not judged": ("○", "Not judged", "128, 128, 128"),
    "unreadable": ("?", "Unreadable", "204, 78, 60"),
    "note": ("○", "", "70, 130, 180"),
}


class Feedback:
    """Show as a box in a notebook and as a sentence elsewhere.

    In a notebook's kernel the plain form of a check is its points: nbgrader reads partial credit from there.

    Args:
        text: the plain form.
        markup: the same as HTML, see `box`.
        points: of a check; None for everything else.
    """

    def __init__(self, text, markup, points=None):
        self.text, self.markup, self.points = text, markup, points

    def __repr__(self):
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None):
        plain = self.text if self.points is None or not _in_kernel() else number(self.points)
        return {"text/plain": plain, "text/html": self.markup}


def note(sentence, status="note", points=None):
    """Return a sentence as `Feedback`; `code` in it becomes code, and its status chooses the colour."""
    return Feedback(sentence, box(status, marked(sentence)), points)


def titled(status, title, facts, sentence, points=None):
    """Return `Feedback` with a title, a few short facts beside it, and a sentence below."""
    head = " · ".join([f"<b>{html.escape(title)}</b>", *map(html.escape, facts)])
    text = f"{title}: {', '.join(facts)}. {sentence}"
    return Feedback(text, box(status, f"{head}<br>{marked(sentence)}"), points)


def table(title, rows):
    """Return rows of strings, all of the same length, as `Feedback`: a table below a title."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [title]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    markup = []
    for row in rows:
        cells = "".join(f'<td style="text-align: left">{html.escape(cell)}</td>' for cell in row)
        markup.append(f'<tr style="background: none">{cells}</tr>')
    head = f"<b>{html.escape(title)}</b>"
    return Feedback("\n".join(lines), box("note", f"{head}<table>{''.join(markup)}</table>"))


def box(status, markup):
    """Put HTML, escaped by the caller (see `marked`), into a box of the colour of `status`."""
    colour = LOOKS[status][2]
    border, background = f"border-left: 5px solid rgb({colour})", f"background: rgba({colour}, 0.1)"
    style = f"{border}; {background}; padding: 6px 12px; margin: 4px 0"
    return f'<div style="{style}">{markup}</div>'


def marked(sentence):
    """Escape the sentence for HTML; `code` becomes code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(sentence))


def number(points):
    """Write points, which come in tenths: 2 rather than 2.0."""
    return f"{points:.1f}".removesuffix(".0")


def _in_kernel():
    """Say whether a notebook's kernel, which shows the box, is running this."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
