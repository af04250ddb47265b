"""Keep the claims that lecture notes make, and what running code says of them.

`facts.csv` beside this file has one row a claim: id, chapter, claim, claimed, found, values, verdict, how,
source. `found` is a template, `centre to corner {} to {}`, and `values`, separated by semicolons, fill it; a
`found` without `{}` is a sentence, and its value is `yes`. `how` says where the values are computed: under a
heading of the chapter, whose last cell hands all of them to `report`; or in a test, which hands them to
`require`. Both refuse a value that differs from the row, so neither the file nor the prose can drift from the
code. A claim of history is `cited`.

Evidence that needs data which does not ship is computed once in the full profile and kept by `store` in
`results.json`, with the command, the date and the versions that made it.
"""

import csv
import datetime
import json
import platform
from collections import Counter
from dataclasses import dataclass, fields
from html import escape
from importlib import metadata
from pathlib import Path

import numpy as np

from course_lib import checks
from course_lib.lesson import Band, text, within

__all__ = ["VERDICTS", "Fact", "Report", "band", "facts", "report", "require", "store", "stored", "text"]

FACTS_FILE = Path(__file__).with_name("facts.csv")
RESULTS_FILE = Path(__file__).with_name("results.json")

CORRECTED = ("wrong", "imprecise", "typo")
VERDICTS = (*CORRECTED, "rounded", "right", "history")

COLUMNS = ("id", "claim", "claimed", "found", "verdict", "how", "source")  # of a report
SEPARATOR = "; "  # between values


@dataclass(frozen=True, repr=False)
class Fact:
    """Hold one claim: what lecture notes say, what running code found, and the verdict.

    `found` is a template and `values`, a tuple of strings, fills it: `words` is the sentence that they make.
    """

    id: str
    chapter: str
    claim: str
    claimed: str
    found: str
    values: tuple
    verdict: str
    how: str
    source: str

    @property
    def words(self):
        """Return what was found, in words."""
        return self.found.format(*self.values) if self.values else self.found

    @property
    def cited(self):
        """Return whether a source, not a cell, confirms or refutes the claim: history cannot be computed."""
        return self.how == "cited"

    @property
    def tested(self):
        """Return whether a test, not a cell of the chapter, computes the values."""
        return self.how.startswith("tests/")

    def __repr__(self):
        return f"{self.id}: {self.claim.rstrip('.')}. Found: {self.words}. Verdict: {self.verdict}."


def facts():
    """Return every claim of facts.csv as a dict from id to `Fact`, in the file's order.

    Raises:
        ValueError: if the columns are not the fields of `Fact`, a row is too short or too long, an id appears
            twice, a verdict is unknown or the values do not fill the template.
    """
    with FACTS_FILE.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    names = [field.name for field in fields(Fact)]
    required = f"facts.csv must have the columns {', '.join(names)}."
    checks.require(header == names, required, ", ".join(header))
    known = {}
    for row in rows:
        is_new = len(row) == len(names) and row[0] not in known
        checks.require(is_new, f"Each row must have {len(names)} values and an id of its own.", row)
        columns = dict(zip(names, row, strict=True))
        columns["values"] = tuple(columns["values"].split(SEPARATOR)) if columns["values"] else ()
        fact = known[row[0]] = Fact(**columns)
        required = f"The verdict must be one of {', '.join(VERDICTS)}."
        checks.require(fact.verdict in VERDICTS, required, row)
        places = fact.found.count("{}")
        fills = len(fact.values) == places or (not places and fact.values == ("yes",))
        required = f"The values must fill the {places} places of found, or be `yes` at none."
        checks.require(fills, required, row)
    return known


def require(id, found):
    """Compare what a test has found with the claim, and return its `Fact`.

    Args:
        id: the claim's id in facts.csv.
        found: the value, or a tuple of values if the template has several places.

    Raises:
        ValueError: if there is no such claim, or if a value differs from the one stored.
    """
    fact = facts().get(id) if isinstance(id, str) else None
    checks.require(fact is not None, "The id must be one of facts.csv.", f"{id=}")
    if problem := _difference(fact, found):
        raise ValueError(problem)
    return fact


def _difference(fact, found):
    """Return in words how the values found differ from those of the claim, or None if they don't."""
    several = len(fact.values) > 1 and isinstance(found, tuple)
    try:
        received = SEPARATOR.join(text(value) for value in (found if several else (found,)))
    except ValueError as error:
        return f"{fact.id}: {error}"
    required = SEPARATOR.join(fact.values)
    if received == required:
        return None
    return f"{fact.id} must be found as facts.csv has it, {required!r}. Received: {received!r}"


def band(value, low, high, unit="", *, digits=None):
    """Return the words of a band, `low to high unit`; `course_lib.lesson.band` shows the value beside them.

    Raises:
        ValueError: if the value lies outside the band or is not a number.
    """
    return within(Band(value, low, high, unit, digits)).words


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
            columns = _columns(fact)
            lines += [f"  {name:8}{columns[name]}" for name in ("claim", "claimed", "found", "how", "source")]
        lines += ["", confirmed, ""]
        lines += [f"{fact.id:10}{fact.verdict:8}  {fact.claim}: {fact.words}" for fact in self.holding]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self):
        corrected, confirmed = self._headings()
        return (
            f"<p><b>{corrected}</b></p>\n{_html_table(self.corrected)}\n"
            f"<details>\n<summary><b>{confirmed}</b></summary>\n{_html_table(self.holding)}\n</details>"
        )


def _columns(fact):
    """Return what a report shows of a claim, by the name of its column."""
    return {name: getattr(fact, name) for name in COLUMNS} | {"found": fact.words}


def _html_table(rows):
    """Return the claims as an HTML table without colours of its own: it suits light and dark pages."""
    left = 'style="text-align: left; vertical-align: top"'
    lines = ["<tr>" + "".join(f'<th scope="col" {left}>{name}</th>' for name in COLUMNS) + "</tr>"]
    for fact in rows:
        cells = "".join(f"<td {left}>{escape(value)}</td>" for value in _columns(fact).values())
        lines.append(f"<tr>{cells}</tr>")
    return "\n".join(["<table>", *lines, "</table>"])


def report(chapter, values):
    """Compare the values of all claims of a chapter with facts.csv, and return the `Report` of its claims.

    A claim whose `how` is a test, or `cited`, needs no value.

    Args:
        chapter: the stem of the chapter, such as `lenet5`.
        values: the value of each claim by its id, or a tuple of values where the template has several places,
            each written as `text` does.

    Raises:
        ValueError: if no claim belongs to the chapter, a value is missing, differs from facts.csv or
            belongs to no claim of it, or one that is cited names no source; every such claim is named.
    """
    rows = {id: fact for id, fact in facts().items() if fact.chapter == chapter}
    checks.require(rows, "The chapter must have claims in facts.csv.", f"{chapter=}")
    computed = {id for id, fact in rows.items() if not fact.cited and not fact.tested}
    problems = [f"{id} is missing" for id in rows if id in computed and id not in values]
    problems += [f"{id} must name its source" for id, fact in rows.items() if fact.cited and not fact.source]
    for id, found in values.items():
        if id in computed:
            problems += filter(None, [_difference(rows[id], found)])
        else:
            problems.append(f"{id} is no claim that a cell of this chapter computes")
    if problems:
        raise ValueError(f"Each claim of chapter {chapter} must be found. Received:\n" + "\n".join(problems))
    return Report(rows.values())


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
    checks.require(name and command, "A name and a command are required.", f"{name=}, {command=}")
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
    known = ", ".join(results) or "nothing"
    checks.require(name in results, f"The name must be one of results.json ({known}).", f"{name=}")
    return results[name]
