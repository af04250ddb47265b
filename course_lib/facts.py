"""Keep the claims that lecture notes make, and what running code says of them.

`facts.csv` beside this file has one row a claim: id, chapter, claim, claimed, found, verdict, how, source.
A chapter computes a value and hands it to `record`, which refuses one that differs from the row; the last
cell calls `report`, which refuses a chapter that left a claim out. So neither the file nor the prose can
drift from the code.

Evidence that needs data which does not ship is computed once in the full profile and kept by `store` in
`results.json`, with the command, the date and the versions that made it.
"""

import csv
import datetime
import json
import platform
from collections import Counter
from dataclasses import dataclass, fields
from decimal import Decimal
from html import escape
from importlib import metadata
from numbers import Integral, Real
from pathlib import Path

import numpy as np

__all__ = ["VERDICTS", "Fact", "Report", "band", "facts", "record", "report", "store", "stored", "text"]

FACTS_FILE = Path(__file__).with_name("facts.csv")
RESULTS_FILE = Path(__file__).with_name("results.json")

CORRECTED = ("wrong", "imprecise", "typo")
VERDICTS = (*CORRECTED, "rounded", "right", "history")

_recorded = set()  # the ids that this session's cells have computed


@dataclass(frozen=True, repr=False)
class Fact:
    """Hold one claim: what lecture notes say, what running code found, and the verdict."""

    id: str
    chapter: str
    claim: str
    claimed: str
    found: str
    verdict: str
    how: str
    source: str

    @property
    def cited(self):
        """Return whether a source, not a cell, confirms or refutes the claim: history cannot be computed."""
        return self.how == "cited"

    def __repr__(self):
        return f"{self.id}: {self.claim.rstrip('.')}. Found: {self.found}. Verdict: {self.verdict}."


def facts():
    """Return every claim of facts.csv as a dict from id to `Fact`, in the file's order.

    Raises:
        ValueError: if the columns are not the fields of `Fact`, a row is too short or too long, an id appears
            twice or a verdict is unknown.
    """
    with FACTS_FILE.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    names = [field.name for field in fields(Fact)]
    if header != names:
        raise ValueError(f"facts.csv must have the columns {', '.join(names)}. Received: {', '.join(header)}")
    known = {}
    for row in rows:
        if len(row) != len(names) or row[0] in known:
            raise ValueError(f"Each row must have {len(names)} values and an id of its own. Received: {row}")
        fact = known[row[0]] = Fact(*row)
        if fact.verdict not in VERDICTS:
            raise ValueError(f"The verdict must be one of {', '.join(VERDICTS)}. Received: {row}")
    return known


def text(found):
    """Return the one way in which a value is written in facts.csv.

    A boolean is `yes` or `no`, an integer `60,000`, a shape (tuple or list of integers) `28 x 28 x 6`; a
    string is itself.

    Raises:
        ValueError: for anything else. The digits of a float differ between machines: state it with `band`, or
            format it where it is exact.
    """
    if isinstance(found, str):
        return found
    if isinstance(found, bool | np.bool_):
        return "yes" if found else "no"
    if isinstance(found, Integral):
        return f"{int(found):,}"
    if isinstance(found, tuple | list) and found and all(isinstance(size, Integral) for size in found):
        return " x ".join(text(size) for size in found)
    raise ValueError(
        "A found value must be a string, a boolean, an integer or a shape of integers; state a measured one "
        f"with facts.band(value, low, high). Received: found={found!r}"
    )


def record(id, found):
    """Say that a cell has computed the value of a claim, and return its `Fact`.

    Args:
        id: the claim's id in facts.csv, such as `LENET-50`.
        found: the value that the cell computed, written as `text` writes it.

    Raises:
        ValueError: if there is no such claim, or if the value differs from the one stored.
    """
    fact = facts().get(id) if isinstance(id, str) else None
    if fact is None:
        raise ValueError(f"The id must be one of facts.csv. Received: id={id!r}")
    _recorded.discard(id)  # a cell that is run again and now fails must not count
    if text(found) != fact.found:
        raise ValueError(f"{id} must be found as facts.csv has it, {fact.found!r}. Received: {text(found)!r}")
    _recorded.add(id)
    return fact


def band(value, low, high, unit="", *, digits=None):
    """Return `low to high unit`, the way to state a measured result whose digits differ between machines.

    Args:
        value: the measured number.
        low, high: the band that it must lie in, both ends included (minimum and maximum over seeds).
        unit: what follows the numbers, such as `%`.
        digits: decimal places; by default as many as `low` and `high` need.

    Raises:
        ValueError: if the value lies outside the band or is not a number.
    """
    bounds = (low, high)
    if not all(isinstance(bound, Real) and np.isfinite(bound) for bound in bounds) or low >= high:
        raise ValueError(f"A band must be two numbers, low < high. Received: low={low!r}, high={high!r}")
    if digits is None:
        digits = max(0, *(-Decimal(str(bound)).normalize().as_tuple().exponent for bound in bounds))
    words = f"{low:,.{digits}f} to {high:,.{digits}f} {unit}".rstrip()
    try:
        value = float(value)
        inside = low <= value <= high
    except (TypeError, ValueError):  # no number
        inside = False
    if not inside:
        raise ValueError(f"The value must lie within {words}. Received: value={value!r}")
    return words


class Report:
    """Show a chapter's claims: the corrected ones in full first, then those that hold."""

    def __init__(self, rows):
        rows = sorted(rows, key=lambda fact: VERDICTS.index(fact.verdict))
        self.corrected = [fact for fact in rows if fact.verdict in CORRECTED]
        self.holding = [fact for fact in rows if fact.verdict not in CORRECTED]

    def _headings(self):
        """Return the headings of the two parts, such as `2 of 69 claims corrected: 1 wrong, 1 typo`."""
        total = len(self.corrected) + len(self.holding)
        for word, rows in (("corrected", self.corrected), ("confirmed", self.holding)):
            counts = Counter(fact.verdict for fact in rows)
            detail = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
            yield f"{len(rows)} of {total} claims {word}: {detail or 'none'}"

    def __repr__(self):
        corrected, confirmed = self._headings()
        lines = [corrected, ""]
        for fact in self.corrected:
            lines += [f"{fact.id}: {fact.verdict}"]
            lines += [
                f"  {name:8}{getattr(fact, name)}" for name in ("claim", "claimed", "found", "how", "source")
            ]
        lines += ["", confirmed, ""]
        lines += [f"{fact.id:10}{fact.verdict:8}  {fact.claim}: {fact.found}" for fact in self.holding]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self):
        corrected, confirmed = self._headings()
        return (
            f"<p><b>{corrected}</b></p>\n{_html_table(self.corrected)}\n"
            f"<details>\n<summary><b>{confirmed}</b></summary>\n{_html_table(self.holding)}\n</details>"
        )


def _html_table(rows):
    """Return the claims as an HTML table without colours of its own: it suits light and dark pages."""
    names = ("id", "claim", "claimed", "found", "verdict", "how", "source")
    left = 'style="text-align: left; vertical-align: top"'
    lines = ["<tr>" + "".join(f'<th scope="col" {left}>{name}</th>' for name in names) + "</tr>"]
    for fact in rows:
        cells = (escape(getattr(fact, name)) for name in names)
        lines.append("<tr>" + "".join(f"<td {left}>{cell}</td>" for cell in cells) + "</tr>")
    return "\n".join(["<table>", *lines, "</table>"])


def report(chapter):
    """Return the `Report` of a chapter whose claims have all been shown.

    A claim of history, whose `how` is `cited`, needs no cell: its row is shown, with its source.

    Raises:
        ValueError: if no claim belongs to the chapter, a claim was not recorded in this session, or one that
            is cited names no source; every such claim is named.
    """
    rows = [fact for fact in facts().values() if fact.chapter == chapter]
    if not rows:
        raise ValueError(f"The chapter must have claims in facts.csv. Received: chapter={chapter!r}")
    unrecorded = [fact.id for fact in rows if not fact.cited and fact.id not in _recorded]
    if unrecorded:
        raise ValueError(f"Every claim must be recorded by a cell above. Received nothing for: {unrecorded}")
    unsourced = [fact.id for fact in rows if fact.cited and not fact.source]
    if unsourced:
        raise ValueError(f"A claim that is cited must name its source. Received none for: {unsourced}")
    return Report(rows)


def _results():
    """Return results.json as a dict, empty before the first result."""
    return json.loads(RESULTS_FILE.read_text(encoding="utf-8")) if RESULTS_FILE.exists() else {}


def store(name, result, *, command):
    """Keep a result of the full profile in results.json, and return its entry as `stored` does.

    Args:
        name: the result's name; an earlier result of that name is replaced.
        result: finite numbers, strings, lists and dicts; arrays become lists.
        command: the command line that makes it again.

    Raises:
        ValueError: if the name or the command is empty, or a number is not finite.
        TypeError: if JSON cannot hold the result.
    """
    if not name or not command:
        raise ValueError(f"A name and a command are required. Received: name={name!r}, command={command!r}")
    packages = {dist.name: dist.version for dist in metadata.distributions()}
    versions = {name.replace("-", "_"): packages.get(name) for name in ("course-lib", "keras", "tensorflow")}
    entry = {
        "result": result,
        "command": command,
        "date": datetime.date.today().isoformat(),
        "versions": versions | {"python": platform.python_version()},
    }
    results = _results() | {name: entry}
    content = json.dumps(
        results, default=_array_as_list, allow_nan=False, ensure_ascii=False, indent=2, sort_keys=True
    )
    # Written beside it, then renamed: a reader never sees half a file.
    part = RESULTS_FILE.with_suffix(".part")
    part.write_text(content + "\n", encoding="utf-8")
    part.replace(RESULTS_FILE)
    return stored(name)


def _array_as_list(value):
    """Return an array or a scalar of one as plain lists and numbers, for JSON."""
    if hasattr(value, "__array__"):
        return np.asarray(value).tolist()
    raise TypeError(f"A result must be numbers, strings, lists and dicts. Received: {value!r}")


def stored(name):
    """Return a stored result as a dict with its `result`, `command`, `date` and `versions`.

    Raises:
        ValueError: if nothing is stored under the name.
    """
    results = _results()
    if name not in results:
        known = ", ".join(results) or "nothing"
        raise ValueError(f"The name must be one of results.json ({known}). Received: name={name!r}")
    return results[name]
