"""Grade what one learner handed in: find the notebooks, ask their answers, and judge what comes back."""

import functools
import os
from pathlib import Path

from course_lib.grading import slicer
from course_lib.grading.judge import judge
from course_lib.grading.question import CHECK_SEED
from course_lib.grading.questions import chapter_of

__all__ = ["CHECK_SEED", "entry", "grade_learner", "is_ignored", "is_notebook", "notebooks", "unreadable"]

PACKAGE = Path(__file__).resolve().parents[1]
DEEPEST = 20  # folders within folders
CHAPTERS_COPIED = ".copied.json"  # stands beside the copies that `make lab` makes of the chapters
DAMAGED = "The notebook cannot be read: {}. Hand it in again, as Jupyter saved it."


def grade_learner(grader, questions, chosen, folder, name, *, seed):
    """Grade what one learner handed in, a folder or a notebook.

    Args:
        grader: a `Grader`.
        questions: all that a notebook may answer, {chapter: {name: question}}.
        chosen: the chapters that are graded.
        folder: of the class.
        name: of the learner's folder or notebook in it.
        seed: draws cases beside those of `check`.

    Returns:
        Plain data of one learner, see `reports.write`.
    """
    paths, notes = notebooks(folder / name)
    attempts = {}  # by chapter, one a notebook
    for path in paths:
        for chapter, entries in _grade_notebook(grader, questions, chosen, path, seed).items():
            attempt = {"notebook": str(path.relative_to(folder)), "questions": entries}
            attempts.setdefault(chapter, []).append(attempt)
    chapters = []
    for chapter, of_chapter in sorted(attempts.items()):
        if chapter:
            chapters.append({"chapter": chapter, **_best(of_chapter)})
        else:  # notebooks that could not be read
            chapters += [{"chapter": "", **attempt, "notes": []} for attempt in of_chapter]
    if not paths:
        notes.append("No notebook was found.")
    elif not attempts:
        notes.append("The notebook answers no question that is graded.")
    return {"learner": name, "notes": notes, "chapters": chapters}


def _best(attempts):
    """Return the attempt with the most points; of several, a note says which it is."""
    best = max(attempts, key=lambda attempt: sum(row["points"] for row in attempt["questions"]))
    if len(attempts) == 1:
        return {**best, "notes": []}
    note = f"There are {len(attempts)} notebooks for this chapter; `{best['notebook']}` has the most points."
    return {**best, "notes": [note]}


def _grade_notebook(grader, questions, chosen, path, seed):
    """Return the entries of the questions of each chapter that the notebook answers, if it is chosen."""
    content = grader.read(path, [name for of_chapter in questions.values() for name in of_chapter])
    if "unreadable" in content:
        chapter = next((chapter for chapter in questions if chapter in path.stem), "")
        if chapter and chapter not in chosen:
            return {}
        return {chapter: unreadable(content["unreadable"], questions.get(chapter, {}))}
    return {
        chapter: _grade_chapter(grader, questions[chapter], content, seed)
        for chapter in _answered(content["found"], questions)
        if chapter in chosen
    }


def _answered(answers, questions):
    """Return the chapters half of whose questions the notebook answers, or the one that it answers most."""
    counts = {chapter: len(of_chapter.keys() & answers.keys()) for chapter, of_chapter in questions.items()}
    halves = [chapter for chapter in questions if 2 * counts[chapter] >= len(questions[chapter])]
    if halves:
        return halves
    most = max(counts, key=counts.get)
    return [most] if counts[most] else []


def _grade_chapter(grader, questions, content, seed):
    """Return the entries of a chapter's questions; one that uses a wrong answer to another says so."""
    entries = {name: _grade_question(grader, questions[name], content, seed) for name in questions}
    for name, row in entries.items():
        if row["status"] in ("right", "not attempted"):
            continue
        for other in (content["found"].get(name) or {}).get("uses", ()):
            if other in entries and entries[other]["status"] != "right":
                row["feedback"] += f" It uses `{other}`, which is not right: mend that first."
                break
    return list(entries.values())


def _grade_question(grader, question, content, seed):
    """Return the entry of one question in the report."""
    name, answer = question.name, content["found"].get(question.name)
    if not isinstance(answer, dict):
        return entry(question, "not attempted", 0, f"The notebook defines no `{name}` of its own.")
    if "broken" in answer:
        sentence = f"The cell that defines `{name}` is no valid Python: {answer['broken']}."
        return entry(question, "error", 0, sentence)
    definitions = answer.get("definitions")
    if definitions == 0:
        return entry(question, "not attempted", 0, f"`{name}` is still to be written.")
    shown = len(question.visible)
    checked, drawn = question.cases(CHECK_SEED), []
    if seed != CHECK_SEED and question.draw is not None:
        drawn = question.cases(seed)[shown:]
    outcomes = grader.ask(
        answer.get("program", ""),
        name,
        checked + drawn,
        shown=shown,
        heavy=question.needs == "keras" or bool(answer.get("heavy")),
        offered=_offered(question.chapter),
    )
    in_notebook = judge(question, checked, outcomes[: len(checked)], private=True)
    verdict = in_notebook
    if drawn:
        cases = checked[:shown] + drawn
        verdict = judge(question, cases, outcomes[:shown] + outcomes[len(checked) :], private=True)
    sentence = verdict.sentence
    if verdict.status != "right":
        if in_notebook.status == "right":
            sentence += " The check in the notebook finds its cases right; the grade has drawn others."
        elif name in content.get("said_right", ()) and verdict.status in ("partly", "wrong"):
            sentence += (
                " The notebook shows a check that said Right: that may belong to an earlier state of the "
                "answer, or of what the answer uses."
            )
        if definitions is not None and definitions > 1:
            sentence += f" `{name}` is defined {definitions} times; the last one counts."
    return entry(question, verdict.status, verdict.points, sentence, verdict.mistake)


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
    }


def unreadable(why, questions):
    """Return the entries of a notebook that could not be read; one without a name if it has no questions.

    Args:
        why: a sentence with a capital, or words that continue "The notebook cannot be read:".
        questions: of its chapter, by name.
    """
    sentence = why if why[0].isupper() else DAMAGED.format(why)
    if questions:
        return [entry(question, "unreadable", 0, sentence) for question in questions.values()]
    nothing = {"question": "", "title": "", "points": 0, "possible": 0, "mistake": "", "hint": ""}
    return [{**nothing, "status": "unreadable", "feedback": sentence}]


def notebooks(path):
    """Return the notebooks of a learner, and notes on what was left aside; no link is followed."""
    linked = "`{}` is a link, which is not followed: hand in the file itself."
    if path.is_symlink():
        return [], [linked.format(path.name)]
    if not path.is_dir():
        return [path], []
    paths, notes = [], []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        if len(Path(folder).parts) - len(path.parts) >= DEEPEST and folders:
            notes.append(f"Folders more than {DEEPEST} deep were left aside.")
            folders.clear()
        if CHAPTERS_COPIED in files:  # the course's own chapters, in which nothing is answered
            continue
        for name in sorted(folders + files):
            if Path(folder, name).is_symlink():
                notes.append(linked.format(name))
            elif is_notebook(name):
                paths.append(Path(folder, name))
    return paths, notes


def is_notebook(name):
    """Say whether a file of this name is a notebook that a learner hands in."""
    return name.lower().endswith(".ipynb") and not is_ignored(name)


def is_ignored(name):
    """Say whether a file or folder of this name is none of a learner's."""
    return name.startswith(".") or name == "__MACOSX"
