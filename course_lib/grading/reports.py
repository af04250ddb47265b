"""Write what a class earned: tables for a gradebook, a page a learner, and one page for the instructor.

`write` takes plain data and reads no submission. Names and sentences in it come from learners: every form
escapes them, and no file is named after a learner but by `slug`.
"""

import csv
import functools
import hashlib
import io
import json
import math
import os
import re
import statistics
import unicodedata
import zipfile
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from course_lib.grading.feedback import LOOKS, box, marked, number

__all__ = ["slug", "write", "write_whole"]

COLUMNS = ("submission", "chapter", "question", "points", "possible", "status", "feedback")
ARCHIVE = "learners.zip"
UNSAFE = "Graded without a sandbox"
# What the class summary says of answers whose mistake is not in the catalogue.
UNNAMED = {
    "partly": "Partly right: some cases are, the mistake behind the others has no name.",
    "wrong": "Wrong, by a mistake without a name.",
    "error": "Raised an error.",
    "timeout": "Took too long.",
    "crashed": "Ended its process.",
    "not attempted": "Not attempted.",
    "not judged": "Not judged: the learner's time was spent.",
    "unreadable": "The notebook could not be read.",
}
# A spreadsheet runs a cell that begins with one of these (the last four are wide forms), and one that takes
# a semicolon for a comma begins a cell after it.
FORMULA = re.compile(r'(?:^|(?<=[;\t\r\n]))(?="*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])')
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,63}")
HASHED = re.compile(r".*-[0-9a-f]{20}")
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


def write(directory, batch):
    """Write every report on `batch` into `directory`; each file appears whole, and the same each time.

    report.csv, report.json and gradebook.csv hold the class, index.html shows it to the instructor;
    learners/SLUG.html and SLUG.csv are what one learner may see, learners.zip all these pages to hand back,
    gradescope/SLUG.json the same for Gradescope. How the class was graded, the seed's hash, the warnings and
    the flags are for the instructor, and stand in none of these. Where no sandbox held the learners' code,
    every file says so. The files of a learner of the report that was there before, and not of this one, are
    removed.

    Args:
        directory: a `Path`; it is made.
        batch: plain data, {"sandbox": sentence, "safe": bool, "facts": {what: which}, "warnings": sentences,
            "skipped": [{"path", "why"}], "chapters": {name: {"possible", "number"}},
            "learners": [{"learner", "notes", "skipped", "chapters": [{"chapter", "notebook", "notes",
            "questions": [{"question", "title", "points", "possible", "status", "feedback", "mistake",
            "hint", "flags"}]}]}]}. What was skipped is a path in the folder of the class, and words that go
            on from it; a flag says what the instructor should look at.
            A chapter that was not handed in has the notebook None or is absent; the chapter of a notebook
            that could not be read may be "", with one question "".

    Raises:
        OSError: a file cannot be written.
    """
    batch = _prepared(batch)
    learners, chapters = batch["learners"], batch["chapters"]
    for folder in ("learners", "gradescope"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    for name in _slugs_of(directory / "report.json") - {learner["slug"] for learner in learners}:
        for path in (f"learners/{name}.csv", f"learners/{name}.html", f"gradescope/{name}.json"):
            (directory / path).unlink(missing_ok=True)
    pages = {}
    for learner in learners:
        name = learner["slug"]
        write_whole(directory / "learners" / f"{name}.csv", _csv(batch, COLUMNS, _rows(learner)))
        pages[f"{name}.html"] = _learner_page(batch, learner)
        write_whole(directory / "learners" / f"{name}.html", pages[f"{name}.html"])
        write_whole(directory / "gradescope" / f"{name}.json", _json(_gradescope(batch, learner)))
    write_whole(directory / ARCHIVE, _zip(pages))
    write_whole(directory / "report.csv", _csv(batch, (*COLUMNS, "flags"), _class_rows(batch)))
    write_whole(directory / "report.json", _json(batch))
    grades = [_grades(batch, learner) for learner in learners]
    write_whole(directory / "gradebook.csv", _csv(batch, ("learner", *chapters, "total", "possible"), grades))
    write_whole(directory / "index.html", _class_page(batch))


def _slugs_of(report):
    """Return the slugs of the learners of a report, none if there is no such report."""
    try:
        learners = json.loads(report.read_text(encoding="utf-8"))["learners"]
        return {slug(learner["learner"]) for learner in learners}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def slug(name):
    """Return a file name (without its ending) for `name`: ASCII letters, digits, `-`, `_` and `.`.

    A plain name of small letters stays as it is. Any other keeps what it can and ends in 80 bits of the
    hash of the true name, and so does a name that looks as if it ended in one. So two names differ in their
    slugs, also where a file system sees no capitals: no plain slug looks hashed, and hashes differ.
    """
    reserved = name.split(".")[0] in RESERVED  # on Windows, whatever follows the dot
    if PLAIN.fullmatch(name) and not HASHED.fullmatch(name) and not reserved:
        return name
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    kept = re.sub("[^A-Za-z0-9_]+", "-", letters).strip("-")[:40]
    digest = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=10).hexdigest()
    return f"{kept or 'learner'}-{digest}"


def _prepared(batch):
    """Return the batch sorted and fit to be written, with each learner's slug, points and possible points."""
    chapters = dict(sorted(batch["chapters"].items(), key=_place))
    places = {name: place for place, name in enumerate(chapters)}
    possible = sum(chapter["possible"] for chapter in chapters.values())
    learners = []
    for learner in sorted(batch["learners"], key=_name_without_capitals):
        entries = [entry for chapter in learner["chapters"] for entry in chapter["questions"]]
        learners.append(
            {
                **learner,
                "slug": slug(learner["learner"]),
                "points": _points(entries),
                "possible": possible,
                "chapters": sorted(
                    learner["chapters"],
                    key=lambda chapter: (places.get(chapter["chapter"], -1), chapter["notebook"] or ""),
                ),
            }
        )
    batch = {**batch, "chapters": chapters, "learners": learners}
    if not batch["safe"]:
        begins = batch["sandbox"].startswith(UNSAFE)
        batch["note"] = batch["sandbox"] if begins else f"{UNSAFE}. {batch['sandbox']}"
    return _clean(batch)


def _name_without_capitals(learner):
    return learner["learner"].casefold(), learner["learner"]


def _place(chapter):
    """Return what sorts a chapter's item: those of the course by their numbers, then an instructor's own."""
    name, facts = chapter
    return not facts["number"], facts["number"], name


def _clean(value):
    """Write out what no text file should hold: undecodable bytes, escape sequences of a terminal."""
    if isinstance(value, dict):
        return {_clean(key): _clean(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_clean(entry) for entry in value]
    if isinstance(value, str):
        text = value.encode(errors="backslashreplace").decode()
        return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return value


def write_whole(path, text):
    """Write a file in one step: a reader finds the old one or the new one. Raises OSError."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(text if isinstance(text, bytes) else text.encode(errors="backslashreplace"))
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _zip(pages):
    """Return an archive of texts by their names, which is the same each time."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in pages.items():
            member = zipfile.ZipInfo(name)  # dated 1980
            member.external_attr = 0o644 << 16
            archive.writestr(member, text.encode(errors="backslashreplace"), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _json(data):
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _csv(batch, header, rows):
    """Return the table; without a sandbox, one more column says so by its name."""
    table = io.StringIO()
    writer = csv.writer(table)  # RFC 4180
    writer.writerow(header if batch["safe"] else [*header, UNSAFE.lower()])
    for row in rows:
        cells = row if batch["safe"] else [*row, "yes"]
        writer.writerow([FORMULA.sub("'", cell) for cell in cells])
    return table.getvalue()


def _rows(learner):
    for chapter in learner["chapters"]:
        for entry in chapter["questions"]:
            where = learner["learner"], chapter["chapter"], entry["question"]
            amounts = number(entry["points"]), number(entry["possible"])
            yield (*where, *amounts, entry["status"], entry["feedback"])


def _class_rows(batch):
    """Yield the rows of the answers, each with its flags; then what was left aside, and notes."""

    def about(learner, status, sentence):
        return learner, "", "", "0", "0", status, sentence, ""

    for learner in batch["learners"]:
        entries = [entry for chapter in learner["chapters"] for entry in chapter["questions"]]
        for row, entry in zip(_rows(learner), entries, strict=True):
            yield (*row, "; ".join(entry["flags"]))
    for name, skipped in _skipped(batch):
        yield about(name, "left aside", f"{skipped['path']} {skipped['why']}")
    for learner in batch["learners"]:
        for note in _notes(learner):
            yield about(learner["learner"], "note", note)
    for sentence in (*batch["warnings"], *(f"{what}: {which}" for what, which in batch["facts"].items())):
        yield about("", "note", sentence)


def _skipped(batch):
    """Return pairs of what was left aside: the learner's name, "" if it is nobody's, and {"path", "why"}."""
    of_learners = [
        (learner["learner"], skipped) for learner in batch["learners"] for skipped in learner["skipped"]
    ]
    return [*(("", skipped) for skipped in batch["skipped"]), *of_learners]


def _grades(batch, learner):
    """Return the learner's line in the gradebook; a chapter that was not handed in stays empty."""
    earned = [_earned(learner, chapter) for chapter in batch["chapters"]]
    cells = ["" if points is None else number(points) for points in earned]
    return [learner["learner"], *cells, number(learner["points"]), number(learner["possible"])]


def _gradescope(batch, learner):
    """Return the learner's results.json: https://gradescope-autograders.readthedocs.io/en/latest/specs/"""
    tests = []
    for chapter in learner["chapters"]:
        label = _label(batch, chapter["chapter"])
        for entry in chapter["questions"]:
            sign, word, _ = LOOKS[entry["status"]]
            tests.append(
                {
                    "name": f"{label}: {entry['title'] or chapter['notebook']}",
                    "score": entry["points"],
                    "max_score": entry["possible"],
                    "status": "passed" if entry["status"] == "right" else "failed",
                    "output": f"{sign} {word}. {entry['feedback']}",
                    "output_format": "text",
                    "visibility": "visible",
                }
            )
    lines = [] if batch["safe"] else [batch["note"]]
    lines += _notes(learner)
    for title, sentences in _steps(batch, learner):
        end = "" if title.endswith((".", "?", "!")) else "."
        lines.append(" ".join([f"Next: {title}{end}", *sentences]))
    return {"score": learner["points"], "output": "\n".join(lines), "output_format": "text", "tests": tests}


# What the tables and the pages say of a learner


def _label(batch, chapter):
    place = batch["chapters"].get(chapter, {}).get("number", "")
    return f"{place} {chapter}".strip() or "Unknown chapter"


def _handed_in(learner):
    return [chapter for chapter in learner["chapters"] if chapter["notebook"] or not chapter["chapter"]]


def _earned(learner, name):
    """Return the learner's points in the chapter called `name`, or None where nothing was handed in."""
    found = [chapter["questions"] for chapter in _handed_in(learner) if chapter["chapter"] == name]
    return _points(entry for questions in found for entry in questions) if found else None


def _points(questions):
    return round(math.fsum(entry["points"] for entry in questions), 1)  # points come in tenths


def _notes(learner):
    return learner["notes"] + [note for chapter in learner["chapters"] for note in chapter["notes"]]


def _next(learner, most=3):
    """Return what to do next, most useful first: the entry of the chapter and the question.

    A notebook that nobody could read comes before everything, then mistakes that have a name, then other
    answers, then what was not attempted; each in the order of the course, since later exercises use earlier
    ones. A notebook that is unreadable or missing is a single step.
    """
    steps = []
    for chapter in learner["chapters"]:
        left = [entry for entry in chapter["questions"] if entry["status"] != "right"]
        unreadable = [entry for entry in left if entry["status"] == "unreadable"]
        if unreadable:
            left = unreadable[:1]
        elif chapter not in _handed_in(learner):
            left = left[:1]
        steps += [(_rank(entry), chapter, entry) for entry in left]
    steps.sort(key=lambda step: step[0])
    return [(chapter, entry) for _, chapter, entry in steps[:most]]


def _rank(entry):
    if entry["status"] == "unreadable":
        return 0
    if entry["status"] in ("not attempted", "not judged"):
        return 3
    return 1 if entry["mistake"] else 2


def _steps(batch, learner):
    """Return what to do next as titles, each with its sentences."""
    steps = []
    for chapter, entry in _next(learner):
        label, sentences = _label(batch, chapter["chapter"]), [entry["feedback"]]
        if entry["status"] == "unreadable":
            title = f"Hand in {chapter['notebook'] or 'the notebook'} again"
        elif chapter["notebook"] is None:
            title = f"Hand in {label}"
        else:
            title = f"{entry['title']} (`{entry['question']}`, {label})"
            if entry["hint"]:
                sentences.append(f"Hint: {entry['hint']}")
        steps.append((title, sentences))
    return steps


# The pages, whose look is in templates/


def _learner_page(batch, learner):
    steps = _steps(batch, learner)
    return _rendered("learner.html", batch, title=learner["learner"], learner=learner, steps=steps)


def _class_page(batch):
    learners = batch["learners"]
    answers = _answers(batch)
    named, unnamed = _mistakes(batch, answers)
    shares = [0 for _ in range(10)]
    for learner in learners:
        share = learner["points"] / learner["possible"] if learner["possible"] else 0
        shares[min(int(10 * share), 9)] += 1
    totals = [learner["points"] for learner in learners] or [0]
    handed_in = [chapter["notebook"] for learner in learners for chapter in learner["chapters"]]
    return _rendered(
        "class.html",
        batch,
        title="Class report",
        labels=[_label(batch, chapter) for chapter in batch["chapters"]],
        learners=sorted(learners, key=lambda learner: not _is_unreadable(learner)),
        notebooks=len(handed_in) - handed_in.count(None),
        mean=statistics.fmean(totals),
        median=statistics.median(totals),
        shares=shares,
        exercises=_exercises(batch, answers),
        named=named,
        unnamed=unnamed,
        flagged=_flagged(batch),
        skipped=_skipped(batch),
    )


def _flagged(batch):
    """Return the answers that the instructor should look at: [(learner, label of the chapter, entry)]."""
    return [
        (learner, _label(batch, chapter["chapter"]), entry)
        for learner in batch["learners"]
        for chapter in learner["chapters"]
        for entry in chapter["questions"]
        if entry["flags"]
    ]


def _answers(batch):
    """Return the entries of a question from all who handed in its chapter: {(chapter, question): entries}."""
    answers = {}
    for learner in batch["learners"]:
        for chapter in _handed_in(learner):
            for entry in chapter["questions"]:
                answers.setdefault((chapter["chapter"], entry["question"]), []).append(entry)
    places = {name: place for place, name in enumerate(batch["chapters"])}
    return dict(sorted(answers.items(), key=lambda item: places.get(item[0][0], -1)))


def _mistakes(batch, answers):
    """Count the answers that share a mistake, the most frequent first.

    Returns a list of those that have a name, by their sentence, and one of the others, by their status.
    """
    named, unnamed = [], []
    for (chapter, _), entries in answers.items():
        groups = {}
        for entry in entries:
            if entry["status"] != "right":
                sentence = entry["mistake"] or UNNAMED[entry["status"]]
                groups.setdefault((bool(entry["mistake"]), sentence), []).append(entry)
        for (has_name, sentence), group in sorted(groups.items(), key=lambda item: item[0]):
            row = {"count": len(group), "answers": len(entries), "entry": group[0], "sentence": sentence}
            (named if has_name else unnamed).append({**row, "label": _label(batch, chapter)})
    for rows in (named, unnamed):
        rows.sort(key=lambda row: -row["count"])
    return named, unnamed


def _exercises(batch, answers):
    """Return how the exercises went, chapter by chapter: [(label, rows)]."""
    groups = {}
    for (chapter, question), entries in answers.items():
        if not question:  # of an unreadable notebook
            continue
        statuses = [entry["status"] for entry in entries]
        counts = {}  # by word, which several statuses share
        for status, (_, word, colour) in LOOKS.items():
            if status in statuses:
                before = counts.get(word, (0, colour))[0]
                counts[word] = before + statuses.count(status), colour
        row = {
            "entry": entries[0],
            "answers": len(entries),
            "mean": statistics.fmean(entry["points"] for entry in entries),
            "right": statuses.count("right") / len(entries),
            "outcomes": [(word, count, colour) for word, (count, colour) in counts.items()],
        }
        groups.setdefault(_label(batch, chapter), []).append(row)
    return list(groups.items())


def _is_unreadable(learner):
    return any(
        entry["status"] == "unreadable" for chapter in learner["chapters"] for entry in chapter["questions"]
    )


def _rendered(template, batch, **values):
    label = functools.partial(_label, batch)
    return _environment().get_template(template).render(batch=batch, label=label, **values)


@functools.cache
def _environment():
    """Return what renders the templates: every value is escaped, and one that is missing is an error."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["looks"] = LOOKS
    environment.filters.update(
        number=number,
        marked=lambda sentence: Markup(marked(sentence)),
        boxed=lambda markup, status: Markup(box(status, markup)),
        visible=lambda name: name if name.strip() else repr(name),
        earned=_earned,
        notes=_notes,
    )
    environment.tests["unreadable"] = _is_unreadable
    return environment
