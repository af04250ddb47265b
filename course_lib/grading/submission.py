"""Grade what one learner handed in: find the notebooks, ask their answers, and judge what comes back.

A submission is read here alone, and nothing in it raises: what cannot be read is named, with the reason.
"""

import contextlib
import functools
import hashlib
import json
import os
import re
import stat
import time
from pathlib import Path

from course_lib.grading import slicer
from course_lib.grading.grader import LARGEST_NOTEBOOK
from course_lib.grading.judge import judge
from course_lib.grading.question import CHECK_SEED
from course_lib.grading.questions import chapter_of

__all__ = [
    "CHECK_SEED", "digest", "entry", "grade_learner", "is_ignored", "is_notebook", "notebooks", "unreadable",
]  # fmt: skip

PACKAGE = Path(__file__).resolve().parents[1]
DEEPEST = 20  # folders within folders
MOST_READ = 100  # notebooks of a learner
MOST_JUDGED = 2  # notebooks of a learner for a chapter: more would be more tries
MOST_NAMED = 20  # notebooks in a sentence
CHAPTERS_COPIED = ".copied.json"  # stands beside the copies that `make lab` makes of the chapters
CHECKS_ALONE = "right for the cases of the check alone"  # a flag
LINKED = "is a link, which is not followed: hand in the file itself."
DAMAGED = "The notebook cannot be read: {} Hand it in again, as Jupyter saved it."


def grade_learner(grader, questions, chosen, folder, name, *, seed, budget):
    """Grade what one learner handed in, a folder or a notebook.

    Args:
        grader: a `Grader`.
        questions: all that a notebook may answer, {chapter: {name: question}}.
        chosen: the chapters that are graded.
        folder: of the class.
        name: of the learner's folder or notebook in it.
        seed: draws cases beside those of `check`.
        budget: seconds by the clock for all that is read and asked.

    Returns:
        Plain data of one learner, see `reports.write`.
    """
    left = _Budget(budget)
    paths, skipped = notebooks(folder / name)
    notes = [f"`{Path(path).name}` {why}" for path, why in skipped]
    handed_in = {}  # by chapter, one a notebook
    for path in paths:
        for chapter, content in _read(grader, questions, path, left).items():
            if chapter in chosen or not chapter:
                handed_in.setdefault(chapter, []).append((path, content))
    chapters = []
    for path, content in handed_in.pop("", []):
        why = content["unreadable"]
        skipped.append((path, _unread(why)))
        attempt = {"notebook": _shown(folder, path), "questions": unreadable(why, {})}
        chapters.append({"chapter": "", "notes": [], **attempt})
    for chapter, of_chapter in sorted(handed_in.items()):
        judged, passed_over = _ranked(chapter, questions[chapter], of_chapter)
        skipped += passed_over
        skipped += [
            (path, _unread(content["unreadable"])) for path, content in judged if "unreadable" in content
        ]
        attempts = [
            {
                "notebook": _shown(folder, path),
                "questions": _grade_chapter(grader, questions[chapter], content, seed, left),
            }
            for path, content in judged
        ]
        others = [_shown(folder, path) for path, _ in passed_over]
        chapters.append({"chapter": chapter, **_best(attempts, others)})
    if not paths:
        notes.append("No notebook was found.")
    elif not chapters:
        notes.append("The notebook answers no question that is graded.")
    skipped = [{"path": _shown(folder, path), "why": why} for path, why in skipped]
    return {"learner": name, "notes": notes, "skipped": skipped, "chapters": chapters}


class _Budget:
    """The seconds that are left for a learner's notebooks; only reading and asking take from them."""

    def __init__(self, seconds):
        self.seconds = self.left = seconds

    @contextlib.contextmanager
    def spent(self):
        began = time.monotonic()
        try:
            yield
        finally:
            self.left -= time.monotonic() - began


def _ranked(chapter, questions, handed_in):
    """Return the notebooks of a chapter that are judged, and the others as pairs (path, why).

    What cannot be read comes last, before it what answers nothing. Then a notebook that bears the name under
    which it was handed out is first, and of the others the one that was changed last.
    """

    def rank(notebook):
        path, content = notebook
        answers = [answer for name, answer in content.get("found", {}).items() if name in questions]
        is_untouched = all(answer.get("definitions") == 0 for answer in answers)
        return "unreadable" in content, is_untouched, not _is_handed_out_as(path, chapter)

    ranked = sorted(handed_in, key=rank)  # equal ones stay in their order, newest first
    readable = [notebook for notebook in ranked if "unreadable" not in notebook[1]]
    judged = readable[:MOST_JUDGED] or ranked[:1]
    why = f"was passed over: of the notebooks for {chapter}, {len(judged)} are judged."
    passed_over = []
    for path, content in ranked[len(judged) :]:
        passed_over.append((path, _unread(content["unreadable"]) if "unreadable" in content else why))
    return judged, passed_over


def _is_handed_out_as(path, chapter):
    return re.sub(r"^[0-9]+_", "", path.stem) == chapter


def _best(attempts, passed_over):
    """Return the attempt with the most points; where there are several notebooks, a note says which it is."""
    best = max(attempts, key=lambda attempt: sum(row["points"] for row in attempt["questions"]))
    count = len(attempts) + len(passed_over)
    if count == 1:
        return {**best, "notes": []}
    note = f"There are {count} notebooks for this chapter; `{best['notebook']}` counts."
    if len(attempts) > 1:
        other = next(attempt["notebook"] for attempt in attempts if attempt is not best)
        note += f" It has the most points, or as many as `{other}`."
    if passed_over:
        note += f" Passed over: {_listed(passed_over)}"
    return {**best, "notes": [note]}


def _read(grader, questions, path, budget):
    """Return what the notebook holds, by the chapters that it answers; by "" if nobody can tell which."""
    if budget.left <= 0:
        why = f"It was not read: what came before it took the {budget.seconds:g} seconds of a learner."
        return {"": {"unreadable": why}}
    with budget.spent():
        content = grader.read(path, [name for of_chapter in questions.values() for name in of_chapter])
    if "unreadable" in content:
        return {next((chapter for chapter in questions if chapter in path.stem), ""): content}
    return dict.fromkeys(_answered(content["found"], questions), content)


def _answered(answers, questions):
    """Return the chapters half of whose questions the notebook answers, or the one that it answers most."""
    counts = {chapter: len(of_chapter.keys() & answers.keys()) for chapter, of_chapter in questions.items()}
    halves = [chapter for chapter in questions if 2 * counts[chapter] >= len(questions[chapter])]
    if halves:
        return halves
    most = max(counts, key=counts.get)
    return [most] if counts[most] else []


def _grade_chapter(grader, questions, content, seed, budget):
    """Return the entries of a chapter's questions; one that uses a wrong answer to another says so."""
    if "unreadable" in content:
        return unreadable(content["unreadable"], questions)
    entries = {name: _grade_question(grader, questions[name], content, seed, budget) for name in questions}
    for name, row in entries.items():
        if row["status"] in ("right", "not attempted", "not judged"):
            continue
        for other in (content["found"].get(name) or {}).get("uses", ()):
            if other in entries and entries[other]["status"] != "right":
                row["feedback"] += f" It uses `{other}`, which is not right: mend that first."
                break
    return list(entries.values())


def _grade_question(grader, question, content, seed, budget):
    """Return the entry of one question; one that is not what a check in the notebook said is flagged."""
    answer = content["found"].get(question.name)
    row = _judged(grader, question, answer, seed, budget)
    if row["status"] in ("right", "not judged") or question.name not in content.get("said_right", ()):
        return row
    row["flags"].append("right in the notebook, not here")
    if CHECKS_ALONE not in row["flags"]:
        more = ", or have had more time and memory" if row["status"] in ("timeout", "crashed") else ""
        row["feedback"] += (
            " The notebook shows a check that said Right: that may belong to an earlier state of the answer, "
            f"or of what the answer uses{more}."
        )
    return row


def _judged(grader, question, answer, seed, budget):
    """Ask an answer, if there is one, and return its entry."""
    name = question.name
    if not isinstance(answer, dict):
        return entry(question, "not attempted", 0, f"The notebook defines no `{name}` of its own.")
    if "broken" in answer:
        sentence = f"The cell that defines `{name}` is no valid Python: {_closed(answer['broken'])}"
        return entry(question, "error", 0, sentence)
    definitions = answer.get("definitions")
    if definitions == 0:
        return entry(question, "not attempted", 0, f"`{name}` is still to be written.")
    if budget.left <= 0:
        sentence = (
            f"It was not judged: the answers before it took the {budget.seconds:g} seconds of a learner."
        )
        return {**entry(question, "not judged", 0, sentence), "flags": ["not judged"]}

    def asked(cases):
        with budget.spent():
            outcomes = grader.ask(
                answer.get("program", ""),
                name,
                cases,
                shown=len(question.visible),
                heavy=question.needs == "keras" or bool(answer.get("heavy")),
                offered=_offered(question.chapter),
            )
        return outcomes, judge(question, cases, outcomes, private=True)

    outcomes, verdict = asked(question.cases(seed))
    row = entry(question, verdict.status, verdict.points, verdict.sentence, verdict.mistake)
    if any(outcome.get("ended") == "crashed" for outcome in outcomes):
        is_forged = any(outcome.get("forged") for outcome in outcomes)
        row["flags"].append("sent something else than an answer" if is_forged else "crashed")
    if verdict.status in ("right", "not attempted"):
        return row
    has_drawn = seed != CHECK_SEED and question.draw is not None
    may_ask = verdict.status != "timeout" and budget.left > 0
    if has_drawn and may_ask and asked(question.cases(CHECK_SEED))[1].status == "right":
        row["flags"].append(CHECKS_ALONE)
        row["feedback"] += " The check in the notebook finds its cases right; the grade has drawn others."
    if definitions is not None and definitions > 1:
        row["feedback"] += f" `{name}` is defined {definitions} times; the last one counts."
    row["feedback"] += slicer.standing(answer)
    return row


@functools.cache
def _offered(chapter):
    """Return what the chapter's exercises import from `course_lib.arithmetic`, as source text by module."""
    statements = slicer.statements((PACKAGE / "arithmetic.py").read_text(encoding="utf-8"))
    sources = {}  # each once, in order
    for name in chapter_of(chapter).offers:
        sources.update(dict.fromkeys(statement.source for statement in slicer.program(name, statements)))
    return {"course_lib.arithmetic": "\n".join(sources)}


def entry(question, status, points, feedback, mistake=""):
    """Return what the reports hold of a question."""
    return {
        "question": question.name,
        "title": question.title,
        "points": points,
        "possible": question.points,
        "status": status,
        "feedback": feedback,
        "mistake": mistake,
        "hint": question.hints[0],
        "flags": [],
    }


def unreadable(why, questions):
    """Return the entries of a notebook that could not be read; one without a name if it has no questions.

    Args:
        why: a sentence with a capital, or words that continue "The notebook cannot be read:".
        questions: of its chapter, by name.
    """
    sentence = why if why[0].isupper() else DAMAGED.format(_closed(why))
    if questions:
        return [entry(question, "unreadable", 0, sentence) for question in questions.values()]
    nothing = {
        "question": "",
        "title": "",
        "points": 0,
        "possible": 0,
        "mistake": "",
        "hint": "",
        "flags": [],
    }
    return [{**nothing, "status": "unreadable", "feedback": sentence}]


def _unread(why):
    """Return what continues the path of a notebook that could not be read; see `unreadable` for `why`."""
    return why if why[0].isupper() else f"cannot be read: {_closed(why)}"


def _closed(words):
    """Return words as the end of a sentence: with one mark at their end."""
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _shown(folder, path):
    """Return a path below the folder of the class, as a report shows it; of a very long one its ends."""
    text = str(Path(path).relative_to(folder))
    return text if len(text) <= 160 else f"{text[:80]}...{text[-80:]}"


def notebooks(path):
    """Return the notebooks of a learner, the last changed first, and pairs (path, why) of what is left aside.

    No link is followed. A folder that cannot be listed counts as a notebook, which cannot be read either.
    """
    if os.path.islink(path):
        return [], [(path, LINKED)]
    if not os.path.isdir(path):
        return [path], []
    paths, skipped = [], []

    def unlisted(error):
        paths.append(Path(error.filename))

    for folder, folders, files in os.walk(path, onerror=unlisted):
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        if len(Path(folder).parts) - len(path.parts) >= DEEPEST and folders:
            skipped += [
                (Path(folder, name), f"lies more than {DEEPEST} folders deep, and was left aside.")
                for name in folders
            ]
            folders.clear()
        if CHAPTERS_COPIED in files:  # the course's own chapters, in which nothing is answered
            continue
        for name in sorted(folders + files):
            if os.path.islink(Path(folder, name)):
                skipped.append((Path(folder, name), LINKED))
            elif is_notebook(name):
                paths.append(Path(folder, name))
    paths.sort(key=lambda path: (-_changed(path), path))
    if len(paths) > MOST_READ:
        names = [path.name for path in paths[MOST_READ:]]
        why = f"holds {len(paths)} notebooks; the {MOST_READ} that were changed last are read, and not "
        skipped.append((path, why + _listed(names)))
    return paths[:MOST_READ], skipped


def _changed(path):
    """Return when the file was changed, in nanoseconds; 0 if nobody can tell."""
    with contextlib.suppress(OSError):
        return os.lstat(path).st_mtime_ns
    return 0


def _listed(names):
    """Return the first of the names, and how many more there are, as the end of a sentence."""
    shown = ", ".join(f"`{name}`" for name in names[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more." if len(names) > MOST_NAMED else f"{shown}."


def digest(path, context):
    """Return a digest of what a learner handed in, and of the bytes `context`."""
    found = hashlib.sha256(context)
    paths, skipped = notebooks(path)
    for notebook in paths:  # in their order, which decides what is judged
        found.update(os.fsencode(notebook.relative_to(path.parent)))
        with contextlib.suppress(OSError), open(notebook, "rb", opener=_opened_at_once) as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_NOTEBOOK:
                found.update(hashlib.file_digest(file, "sha256").digest())
    found.update(json.dumps([(str(path), why) for path, why in skipped]).encode())
    return found.hexdigest()


def _opened_at_once(path, flags):
    """Open what may have become a link or a pipe: follow nothing, wait for nobody."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def is_notebook(name):
    """Say whether a file of this name is a notebook that a learner hands in."""
    return name.lower().endswith(".ipynb") and not is_ignored(name)


def is_ignored(name):
    """Say whether a file or folder of this name is none of a learner's."""
    return name.startswith(".") or name == "__MACOSX"
