"""Write what a class earned: tables for a gradebook, a page a learner, and one page for the instructor.

`write` takes plain data and reads no submission. Names and sentences in it come from learners: every form
escapes them, and no file is named after a learner but by `slug`.
"""

import csv
import hashlib
import html
import io
import json
import math
import os
import re
import statistics
import unicodedata

from course_lib.grading.feedback import LOOKS
from course_lib.grading.feedback import box as _box
from course_lib.grading.feedback import marked as _markup
from course_lib.grading.feedback import number as _number

__all__ = ["slug", "write"]

COLUMNS = ("submission", "chapter", "question", "points", "possible", "status", "feedback")
UNSAFE = "Graded without a sandbox"
MOST = {"named": 12, "unnamed": 6}  # rows of mistakes in the class summary; report.json holds all
# What the class summary says of answers whose mistake is not in the catalogue.
UNNAMED = {
    "partly": "Partly right: some cases are, the mistake behind the others has no name.",
    "wrong": "Wrong, by a mistake without a name.",
    "error": "Raised an error.",
    "timeout": "Took too long.",
    "crashed": "Ended its process.",
    "not attempted": "Not attempted.",
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
    learners/SLUG.html and SLUG.csv are what one learner may see, gradescope/SLUG.json the same for
    Gradescope. Where no sandbox held the learners' code, every file says so. The files of a learner of the
    report that was there before, and not of this one, are removed.

    Args:
        directory: a `Path`; it is made.
        batch: plain data, {"sandbox": sentence, "safe": bool, "chapters": {name: {"possible", "number"}},
            "learners": [{"learner", "notes", "chapters": [{"chapter", "notebook", "notes", "questions":
            [{"question", "title", "points", "possible", "status", "feedback", "mistake", "hint"}]}]}]}.
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
    for learner in learners:
        name, rows = learner["slug"], _rows(learner)
        _write(directory / "learners" / f"{name}.csv", _csv(batch, COLUMNS, rows))
        _write(directory / "learners" / f"{name}.html", _learner_page(batch, learner))
        _write(directory / "gradescope" / f"{name}.json", _json(_gradescope(batch, learner)))
    everything = (row for learner in learners for row in _rows(learner))
    _write(directory / "report.csv", _csv(batch, COLUMNS, everything))
    _write(directory / "report.json", _json(batch))
    header = ("learner", *chapters, "total", "possible")
    _write(directory / "gradebook.csv", _csv(batch, header, (_grades(batch, one) for one in learners)))
    _write(directory / "index.html", _index(batch))


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
    for one in sorted(batch["learners"], key=lambda one: (one["learner"].casefold(), one["learner"])):
        handed_in = sorted(one["chapters"], key=lambda c: (places.get(c["chapter"], -1), c["notebook"] or ""))
        earned = _points(question for chapter in handed_in for question in chapter["questions"])
        more = {"slug": slug(one["learner"]), "points": earned, "possible": possible, "chapters": handed_in}
        learners.append({**one, **more})
    said = "" if batch["sandbox"].startswith(UNSAFE) else f"{UNSAFE}. "
    note = {} if batch["safe"] else {"note": said + batch["sandbox"]}
    return _clean({**batch, **note, "chapters": chapters, "learners": learners})


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


def _write(path, text):
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(text.encode(errors="backslashreplace"))
    os.replace(part, path)  # in one step: a reader finds the old report or the new one


def _json(data):
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _csv(batch, header, rows):
    """Return the table; without a sandbox, one more column says so by its name."""
    name, entry = ([], []) if batch["safe"] else ([UNSAFE.lower()], ["yes"])
    table = io.StringIO()
    writer = csv.writer(table)  # RFC 4180
    for row in [[*header, *name], *([*row, *entry] for row in rows)]:
        writer.writerow([FORMULA.sub("'", cell) for cell in row])
    return table.getvalue()


def _rows(learner):
    for chapter in learner["chapters"]:
        for asked in chapter["questions"]:
            where = learner["learner"], chapter["chapter"], asked["question"]
            amounts = _number(asked["points"]), _number(asked["possible"])
            yield (*where, *amounts, asked["status"], asked["feedback"])


def _grades(batch, learner):
    """Return the learner's line in the gradebook; a chapter that was not handed in stays empty."""
    earned = [_earned(learner, chapter) for chapter in batch["chapters"]]
    cells = ["" if points is None else _number(points) for points in earned]
    return [learner["learner"], *cells, _number(learner["points"]), _number(learner["possible"])]


def _earned(learner, chapter):
    """Return the learner's points in the chapter, or None where nothing was handed in."""
    found = [entry["questions"] for entry in _handed_in(learner) if entry["chapter"] == chapter]
    return _points(asked for questions in found for asked in questions) if found else None


def _handed_in(learner):
    return [entry for entry in learner["chapters"] if entry["notebook"] or not entry["chapter"]]


def _points(questions):
    return round(math.fsum(asked["points"] for asked in questions), 1)  # points come in tenths


def _steps(learner, most=3):
    """Return what to do next, most useful first: the entry of the chapter and the question.

    A notebook that nobody could read comes before everything, then mistakes that have a name, then other
    answers, then what was not attempted; each in the order of the course, since later exercises use earlier
    ones. A notebook that is unreadable or missing is a single step.
    """
    found = []
    for chapter in learner["chapters"]:
        left = [asked for asked in chapter["questions"] if asked["status"] != "right"]
        lost = [asked for asked in left if asked["status"] == "unreadable"]
        found += [(0, chapter, asked) for asked in lost[:1]]
        if chapter not in _handed_in(learner):
            left = left[:1]
        for asked in left if not lost else ():
            rank = 3 if asked["status"] == "not attempted" else 1 if asked["mistake"] else 2
            found.append((rank, chapter, asked))
    return [step[1:] for step in sorted(found, key=lambda step: step[0])[:most]]


def _step(batch, chapter, asked):
    """Return a step as its title and its sentences."""
    if asked["status"] == "unreadable":
        return f"Hand in {chapter['notebook'] or 'the notebook'} again", [asked["feedback"]]
    if chapter["notebook"] is None:
        return f"Hand in {_label(batch, chapter['chapter'])}", [asked["feedback"]]
    title = f"{asked['title']} (`{asked['question']}`, {_label(batch, chapter['chapter'])})"
    return title, [asked["feedback"], *([f"Hint: {asked['hint']}"] if asked["hint"] else [])]


def _label(batch, chapter):
    number = batch["chapters"].get(chapter, {}).get("number", "")
    return f"{number} {chapter}".strip() or "Unknown chapter"


def _amount(points, possible):
    return f"{_number(points)} of {_number(possible)}"


def _gradescope(batch, learner):
    """Return the learner's results.json: https://gradescope-autograders.readthedocs.io/en/latest/specs/"""
    tests = []
    for chapter in learner["chapters"]:
        for asked in chapter["questions"]:
            sign, word, _ = LOOKS[asked["status"]]
            tests.append(
                {
                    "name": f"{_label(batch, chapter['chapter'])}: {asked['title'] or chapter['notebook']}",
                    "score": asked["points"],
                    "max_score": asked["possible"],
                    "status": "passed" if asked["status"] == "right" else "failed",
                    "output": f"{sign} {word}. {asked['feedback']}",
                    "output_format": "text",
                    "visibility": "visible",
                }
            )
    notes = learner["notes"] + [note for chapter in learner["chapters"] for note in chapter["notes"]]
    steps = [" ".join([f"{title}.", *lines]) for title, lines in _named_steps(batch, learner)]
    lines = [*([] if batch["safe"] else [batch["note"]]), *notes, *(f"Next: {step}" for step in steps)]
    return {"score": learner["points"], "output": "\n".join(lines), "output_format": "text", "tests": tests}


def _named_steps(batch, learner):
    return [_step(batch, chapter, asked) for chapter, asked in _steps(learner)]


# The learner's page


def _learner_page(batch, learner):
    rows = []
    for chapter, facts in batch["chapters"].items():
        earned = _earned(learner, chapter)
        amount = "not handed in" if earned is None else _amount(earned, facts["possible"])
        label = html.escape(_label(batch, chapter))
        bar = f'<td class="wide">{_bar(_share(earned or 0, facts["possible"]))}</td>'
        rows.append(f'<tr><th scope="row">{label}</th><td class="number">{amount}</td>{bar}</tr>')
    steps = "".join(
        f"<li><b>{_markup(title)}</b>{''.join(f'<p>{_markup(line)}</p>' for line in lines)}</li>"
        for title, lines in _named_steps(batch, learner)
    )
    asked_chapters = "".join(_learner_chapter(batch, chapter) for chapter in learner["chapters"])
    return _page(
        batch,
        learner["learner"],
        f"""<header><h1>{_name(learner)}</h1>
<p class="total"><b>{_number(learner["points"])}</b> of {_number(learner["possible"])} points</p></header>
{_notes(learner["notes"])}
<section><h2>Points</h2>
{_table("Points a chapter", ("Chapter", "Points", ""), rows)}</section>
<section><h2>What to do next</h2>
{f'<ol class="steps">{steps}</ol>' if steps else f"<p>{_nothing_left(learner)}</p>"}</section>
{asked_chapters}""",
    )


def _nothing_left(learner):
    done = any(chapter["questions"] for chapter in learner["chapters"])
    return "Nothing is left: every exercise is right." if done else "No notebook was handed in."


def _learner_chapter(batch, chapter):
    boxes = []
    for asked in chapter["questions"]:
        sign, word, _ = LOOKS[asked["status"]]
        name = f" <code>{html.escape(asked['question'])}</code>" if asked["question"] else ""
        amount = f"{_amount(asked['points'], asked['possible'])} points"
        title = f"<h3>{html.escape(asked['title'] or 'A notebook')}{name}</h3>"
        verdict = f"<p><b>{sign} {word}</b> · {amount} · {_markup(asked['feedback'])}</p>"
        boxes.append(_box(asked["status"], title + verdict))
    handed_in = f'<p class="muted">{html.escape(chapter["notebook"])}</p>' if chapter["notebook"] else ""
    heading = f"<h2>{html.escape(_label(batch, chapter['chapter']))}</h2>"
    return (
        f'<section class="answers">{heading}{handed_in}{_notes(chapter["notes"])}{"".join(boxes)}</section>'
    )


# The class summary


def _index(batch):
    learners = batch["learners"]
    answers = {}
    for learner in learners:
        for chapter in _handed_in(learner):
            for asked in chapter["questions"]:
                answers.setdefault((chapter["chapter"], asked["question"]), []).append(asked)
    places = {name: place for place, name in enumerate(batch["chapters"])}
    answers = dict(sorted(answers.items(), key=lambda item: places.get(item[0][0], -1)))
    named, unnamed = _mistakes(answers)
    labels = ", ".join(_label(batch, chapter) for chapter in batch["chapters"])
    return _page(
        batch,
        "Class report",
        f"""<header><h1>Class report</h1>
<p class="muted">{html.escape(labels)}. {_markup(batch["sandbox"]) if batch["safe"] else ""}</p></header>
{_tiles(batch)}
<section><h2>Totals</h2>
<p class="muted">Learners by their share of all points, in steps of 10 %.</p>
{_histogram([_share(one["points"], one["possible"]) for one in learners])}</section>
<section><h2>Exercises</h2>
<p class="muted">Of those who handed in the chapter.</p>
{_exercises(batch, answers)}</section>
<section><h2>Most frequent mistakes</h2>
{_mistake_table(batch, "Mistakes that have a name", named, MOST["named"])}
<h3>Without a name</h3>
{_mistake_table(batch, "Answers whose mistake has no name", unnamed, MOST["unnamed"])}</section>
<section><h2>Learners</h2>
<details><summary>Show names and points</summary>
{_learner_table(batch)}</details></section>""",
    )


def _mistakes(answers):
    """Count the answers that share a mistake: a list by its sentence, and a list by status where it has none.

    Each entry is (count, of how many answers, chapter, the question's entry, sentence), most frequent first.
    """
    named, unnamed = [], []
    for (chapter, _), entries in answers.items():
        groups = {}
        for asked in entries:
            if asked["status"] != "right":
                sentence = asked["mistake"] or UNNAMED[asked["status"]]
                groups.setdefault((bool(asked["mistake"]), sentence), []).append(asked)
        for (has_name, sentence), group in sorted(groups.items()):
            found = (len(group), len(entries), chapter, group[0], sentence)
            (named if has_name else unnamed).append(found)
    return sorted(named, key=lambda one: -one[0]), sorted(unnamed, key=lambda one: -one[0])


def _tiles(batch):
    learners = batch["learners"]
    totals = [learner["points"] for learner in learners] or [0]
    possible = sum(chapter["possible"] for chapter in batch["chapters"].values())
    handed_in = [chapter["notebook"] for learner in learners for chapter in learner["chapters"]]
    notebooks = [notebook for notebook in handed_in if notebook is not None]
    tiles = [
        (len(learners), "learner" + "s" * (len(learners) != 1)),
        (len(notebooks), "notebook" + "s" * (len(notebooks) != 1)),
        (_number(statistics.fmean(totals)), f"mean of {_number(possible)} points"),
        (_number(statistics.median(totals)), "median"),
        (sum(_unreadable(learner) for learner in learners), "unreadable"),
    ]
    cells = "".join(f"<div><dd>{value}</dd><dt>{word}</dt></div>" for value, word in tiles)
    return f'<dl class="tiles">{cells}</dl>'


def _histogram(shares):
    counts = [0] * 10
    for share in shares:
        counts[min(int(10 * share), 9)] += 1
    columns = "".join(
        f'<li><span class="count">{count}<span class="unseen"> learners, from </span></span>'
        f'<span class="column" style="height: {9 * count / (max(counts) or 1):.3g}rem"></span>'
        f"<span>{10 * place} %</span></li>"
        for place, count in enumerate(counts)
    )
    return f'<ol class="histogram">{columns}</ol>'


def _exercises(batch, answers):
    rows, group = [], None
    for (chapter, question), entries in answers.items():
        if not question:  # of an unreadable notebook
            continue
        if chapter != group:
            label = html.escape(_label(batch, chapter))
            begin = "</tbody><tbody>" if rows else ""
            rows.append(f'{begin}<tr class="group"><th scope="rowgroup" colspan="4">{label}</th></tr>')
            group = chapter
        mean = _amount(statistics.fmean(asked["points"] for asked in entries), entries[0]["possible"])
        words = {}
        for status, (_, word, colour) in LOOKS.items():
            count = sum(asked["status"] == status for asked in entries)
            if count:
                words[word] = words.get(word, (0, ""))[0] + count, colour
        parts = [(100 * count / len(entries), colour) for count, colour in words.values()]
        said = " · ".join(f"{count} {word.lower()}" for word, (count, _) in words.items())
        share = sum(asked["status"] == "right" for asked in entries) / len(entries)
        rows.append(
            f'<tr><th scope="row">{_exercise(entries[0])}</th>'
            f'<td class="number">{mean}</td><td class="number">{100 * share:.0f} %</td>'
            f'<td class="wide">{_stack(parts)}<small>{said}</small></td></tr>'
        )
    return _table("Exercises", ("Exercise", "Mean points", "Right", "How it went"), rows, "stacked")


def _mistake_table(batch, caption, found, most):
    if not found:
        return "<p>None.</p>"
    largest = found[0][0]
    rows = [
        f'<tr><td class="number">{count} of {out_of}</td><td class="narrow">{_bar(count / largest)}</td>'
        f'<th scope="row">{_markup(sentence)}</th>'
        f'<td class="where">{_exercise(asked, _label(batch, chapter))}</td></tr>'
        for count, out_of, chapter, asked, sentence in found[:most]
    ]
    more = f'<p class="muted">{len(found) - most} more are rarer.</p>' if len(found) > most else ""
    return _table(caption, ("Learners", "", "Mistake", "Exercise"), rows, "mistakes") + more


def _learner_table(batch):
    rows = []
    for learner in sorted(batch["learners"], key=lambda learner: not _unreadable(learner)):
        earned = [_earned(learner, chapter) for chapter in batch["chapters"]]
        cells = "".join(
            f'<td class="number">{"&ndash;" if points is None else _number(points)}</td>' for points in earned
        )
        notes = learner["notes"] + [note for chapter in learner["chapters"] for note in chapter["notes"]]
        if _unreadable(learner):
            notes = ["A notebook could not be read.", *notes]
        said = "".join(f"<small>{_markup(note)}</small>" for note in notes)
        rows.append(
            f'<tr><th scope="row"><a href="learners/{learner["slug"]}.html">{_name(learner)}</a>{said}</th>'
            f'{cells}<td class="number"><b>{_number(learner["points"])}</b></td>'
            f'<td class="narrow">{_bar(_share(learner["points"], learner["possible"]))}</td></tr>'
        )
    labels = [_label(batch, chapter) for chapter in batch["chapters"]]
    return _table("Learners and their points", ("Learner", *labels, "Total", ""), rows)


def _unreadable(learner):
    return any(
        asked["status"] == "unreadable" for chapter in learner["chapters"] for asked in chapter["questions"]
    )


# The parts of a page


def _page(batch, title, body):
    banner = "" if batch["safe"] else f'<p class="banner" role="note">{_markup(batch["note"])}</p>'
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{banner}
{body}
</main>
</body>
</html>
"""


def _name(learner):
    name = learner["learner"]
    return f"<bdi>{html.escape(name if name.strip() else repr(name))}</bdi>"


def _notes(notes):
    return f'<ul class="notes">{"".join(f"<li>{_markup(note)}</li>" for note in notes)}</ul>' if notes else ""


def _exercise(asked, *more):
    name = [f"<code>{html.escape(asked['question'])}</code>"] if asked["question"] else []
    small = ", ".join([*name, *map(html.escape, more)])
    return f"{html.escape(asked['title'] or 'A notebook')}<small>{small}</small>"


def _table(caption, header, rows, kind=""):
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' if cell else "<td></td>" for cell in header)
    return (
        f'<div class="scroll" role="region" aria-label="{html.escape(caption)}" tabindex="0">'
        f'<table class="{kind}"><caption class="unseen">{html.escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _share(points, possible):
    return points / possible if possible else 0


def _bar(share):
    return f'<span class="bar"><span style="width: {100 * share:.3g}%"></span></span>'


def _stack(parts):
    spans = "".join(
        f'<span style="width: {width:.4g}%; background: rgb({colour})"></span>' for width, colour in parts
    )
    return f'<span class="bar">{spans}</span>'


STYLE = """
:root { color-scheme: light dark; --ink: #1d232b; --muted: #58616d; --page: #f5f4ef; --card: #fff;
  --line: #dfddd4; --blue: #2f6ea5; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e9ea; --muted: #a3abb5; --page: #14171b; --card: #1d2126; --line: #343a42;
    --blue: #6fb0e6; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: clamp(1.8rem, 5vw, 2.6rem); line-height: 1.15; margin: 0 0 .4rem; }
h2 { font-size: 1.35rem; margin: 0 0 .5rem; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .4rem; }
p { margin: .3rem 0; }
a { color: var(--blue); }
code { font-family: ui-monospace, Consolas, "Liberation Mono", Menlo, monospace; font-size: .92em; }
small { display: block; color: var(--muted); font-size: .82rem; font-weight: normal; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem;
  margin: 1.25rem 0; }
.muted { color: var(--muted); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.banner { background: #b3261e; color: #fff; font-weight: 600; border-radius: 10px; padding: .8rem 1.25rem;
  margin: 0 0 1.5rem; }
.banner code { font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem;
  margin: 1.25rem 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .9rem 1.1rem; display: flex; flex-direction: column; }
.tiles dd { margin: 0; font-size: 2rem; font-weight: 650; line-height: 1.2; }
.tiles dt { color: var(--muted); }
.histogram { display: flex; align-items: flex-end; gap: 3px; list-style: none; margin: 1rem 0 0;
  padding: 0; }
.histogram li { flex: 1; min-width: 0; display: flex; flex-direction: column; color: var(--muted);
  font-size: .82rem; white-space: nowrap; }
.histogram .count { color: var(--ink); font-weight: 600; font-size: 1.1rem; text-align: center; }
.histogram .column { width: 100%; background: var(--blue); border-radius: 4px 4px 0 0; margin-bottom: .3rem;
  min-height: 2px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .5rem .9rem .5rem 0; font-weight: normal;
  border-top: 1px solid var(--line); }
thead th { color: var(--muted); font-size: .82rem; border-top: 0; padding-top: 0; overflow-wrap: normal; }
thead td { border-top: 0; }
tbody th { min-width: 7rem; }
.group th { font-weight: 650; padding-top: 1.2rem; }
.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
.wide { width: 45%; min-width: 4rem; padding-right: 0; }
.narrow { width: 16%; min-width: 5rem; }
.where { width: 30%; }
.bar { display: flex; gap: 2px; height: .8rem; margin: .35rem 0; border-radius: 4px; overflow: hidden;
  background: var(--line); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.bar span { background: var(--blue); }
.mistakes .number { width: 5rem; }
.mistakes .bar { background: none; }
.total { font-size: 1.25rem; }
.total b { font-size: 2rem; }
.steps { padding-left: 1.4rem; margin: .5rem 0 0; }
.steps li { margin: .8rem 0; }
.notes { margin: .5rem 0; padding-left: 1.2rem; }
.answers h3 { margin: 0; }
.answers h3 code { font-weight: normal; color: var(--muted); }
summary { cursor: pointer; padding: .3rem 0; }
@media (max-width: 40rem) {
  main { padding: 1.25rem .8rem 3rem; }
  section { padding: 1rem; }
  .histogram li { font-size: .68rem; }
  th, td { padding-right: .6rem; }
  .stacked tr, .mistakes tr { display: grid; border-top: 1px solid var(--line); padding: .4rem 0; }
  .stacked tr { grid-template-columns: 1fr 5rem 3rem; }
  .mistakes tr { grid-template-columns: 5rem 1fr; }
  .mistakes .narrow { width: auto; }
  .stacked .wide, .stacked .group th, .mistakes tbody th, .where { grid-column: 1 / -1; width: auto; }
  .stacked th, .stacked td, .mistakes th, .mistakes td { border: 0; padding: .1rem .6rem .1rem 0; }
  .stacked thead th:last-child, .mistakes thead { display: none; }
  .group { border: 0 !important; padding-top: 1rem !important; }
}
@media print {
  :root { color-scheme: light; --ink: #000; --muted: #444; --page: #fff; --card: #fff; --line: #ccc;
    --blue: #2f6ea5; }
  main { max-width: none; padding: 0; }
  section { border: 0; padding: 0; }
  tr, li, .answers > div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .banner, .column, .bar span { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
