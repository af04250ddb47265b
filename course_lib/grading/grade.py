"""Grade a class: run every submission in a sandbox, judge the answers here, and write the reports.

    python -m course_lib.grading.grade SUBMISSIONS --out DIR

SUBMISSIONS holds a folder or a notebook a learner. What the learners' code does happens in other processes
(`course_lib.grading.runner`), which get arguments and send back plain data; the references, the seed and the
verdict stay in this one. What has been graded is kept in DIR: the same command goes on where it stopped.
"""

import argparse
import contextlib
import functools
import hashlib
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from course_lib.grading import reports, slicer
from course_lib.grading.grader import LARGEST_NOTEBOOK, Grader, UnusableError
from course_lib.grading.judge import judge
from course_lib.grading.own import include
from course_lib.grading.questions import CHAPTERS, chapter_of, chapter_questions
from course_lib.grading.sandbox import resource

__all__ = ["grade_learner", "main"]

ROOT = Path(__file__).resolve().parents[2]
DEEPEST = 20  # folders within folders
KEPT = ".graded"  # the folder in DIR for what has been graded
CHECK_SEED = 0  # of `check` in a notebook, and of a grade without another
DAMAGED = "The notebook cannot be read: {}. Hand it in again, as Jupyter saved it."


def grade_learner(grader, questions, asked, folder, name, *, seed):
    """Grade what one learner handed in, a folder or a notebook, in the chapters `asked`.

    Returns plain data (see `reports.write`).
    """
    notebooks, notes = _notebooks(folder / name)
    names = [each for of_chapter in questions.values() for each in of_chapter]
    graded = {}
    for path in notebooks:
        content = grader.read(path, names)
        if "unreadable" in content:
            chapter = next((each for each in questions if each in path.stem), "")
            chapters = {chapter: _unreadable(content["unreadable"], questions.get(chapter, {}))}
        else:
            chapters = {
                chapter: _graded_questions(grader, questions[chapter], content, seed)
                for chapter in _answered(content["found"], questions)
                if chapter in asked
            }
        for chapter, entries in chapters.items():
            if chapter in asked or not chapter:
                attempt = {"notebook": str(path.relative_to(folder)), "questions": entries}
                graded.setdefault(chapter, []).append(attempt)
    chapters = []
    for chapter, attempts in sorted(graded.items()):
        best = max(attempts, key=lambda each: sum(question["points"] for question in each["questions"]))
        said = (
            f"There are {len(attempts)} notebooks for this chapter; `{best['notebook']}` has the most points."
        )
        for each in attempts if not chapter else [best]:
            several = chapter and len(attempts) > 1
            chapters.append({"chapter": chapter, **each, "notes": [said] if several else []})
    if not notebooks:
        notes.append("No notebook was found.")
    elif not graded:
        notes.append("The notebook answers no question that is graded.")
    return {"learner": name, "notes": notes, "chapters": chapters}


def _graded_questions(grader, questions, content, seed):
    """Return the entries of a chapter's questions; one that uses a wrong answer to another says so."""
    entries = {name: _grade_question(grader, each, content, seed) for name, each in questions.items()}
    for name, entry in entries.items():
        uses = (content["found"].get(name) or {}).get("uses", ())
        wrong = [each for each in uses if each in entries and entries[each]["status"] != "right"]
        if wrong and entry["status"] not in ("right", "not attempted"):
            entry["feedback"] += f" It uses `{wrong[0]}`, which is not right: mend that first."
    return list(entries.values())


def _answered(found, questions):
    """Return the chapters half of whose questions the notebook answers, or the one that it answers most."""
    counts = {chapter: len(asked.keys() & found.keys()) for chapter, asked in questions.items()}
    best = max(counts, key=counts.get)
    halves = [chapter for chapter, asked in questions.items() if 2 * counts[chapter] >= len(asked)]
    return halves or [best] * bool(counts[best])


def _grade_question(grader, question, content, seed):
    """Return the entry of one question in the report."""
    found, name = content["found"].get(question.name), question.name
    if not isinstance(found, dict):
        return _entry(question, "not attempted", 0, f"The notebook defines no `{name}` of its own.")
    if "broken" in found:
        sentence = f"The cell that defines `{name}` is no valid Python: {found['broken']}."
        return _entry(question, "error", 0, sentence)
    if found.get("definitions") == 0:
        return _entry(question, "not attempted", 0, f"`{name}` is still to be written.")
    own = seed != CHECK_SEED and question.draw is not None
    checked = question.cases(CHECK_SEED)
    drawn = question.cases(seed)[len(question.visible) :] if own else []
    heavy = question.needs == "keras" or bool(found.get("heavy"))
    program, offered = found.get("program", ""), _offered(question.chapter)
    shown = len(question.visible)
    outcomes = grader.ask(program, name, checked + drawn, shown=shown, heavy=heavy, offered=offered)
    verdict = judge(question, checked, outcomes[: len(checked)], private=True)
    before = verdict.status
    if own:
        cases, kept = checked[:shown] + drawn, outcomes[:shown] + outcomes[len(checked) :]
        verdict = judge(question, cases, kept, private=True)
    sentence = verdict.sentence
    if verdict.status != "right":
        if before == "right":
            sentence += " The check in the notebook finds its cases right; the grade has drawn others."
        elif name in content.get("said_right", ()) and verdict.status in ("partly", "wrong"):
            sentence += (
                " The notebook shows a check that said Right: that may belong to an earlier state of the "
                "answer, or of what the answer uses."
            )
        if found.get("definitions", 0) > 1:
            sentence += f" `{name}` is defined {found['definitions']} times; the last one counts."
    return _entry(question, verdict.status, verdict.points, sentence, verdict.mistake)


def _entry(question, status, points, feedback, mistake=""):
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


def _unreadable(why, asked):
    sentence = why if why[0].isupper() else DAMAGED.format(why)
    if asked:
        return [_entry(question, "unreadable", 0, sentence) for question in asked.values()]
    nothing = {"question": "", "title": "", "points": 0, "possible": 0, "mistake": "", "hint": ""}
    return [{**nothing, "status": "unreadable", "feedback": sentence}]


def _notebooks(path):
    """Return the notebooks of a learner, and notes on what was left aside; no link is followed."""
    notes = []
    if path.is_symlink():
        return [], [f"`{path.name}` is a link, which is not followed: hand in the file itself."]
    if not path.is_dir():
        return [path], notes
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(each for each in folders if not _ignored(each))
        if len(Path(folder).parts) - len(path.parts) >= DEEPEST and folders:
            notes.append(f"Folders more than {DEEPEST} deep were left aside.")
            folders.clear()
        for each in sorted(folders + files):
            full = Path(folder, each)
            if full.is_symlink():
                notes.append(f"`{each}` is a link, which is not followed: hand in the file itself.")
            elif _is_notebook(each):
                found.append(full)
    return found, notes


def _is_notebook(name):
    return name.lower().endswith(".ipynb") and not _ignored(name)


def _ignored(name):
    return name.startswith(".") or name == "__MACOSX"


@functools.cache
def _offered(chapter):
    """Return what the chapter's exercises import from `course_lib.arithmetic`, as source text by module."""
    names = chapter_of(chapter).offers
    text = (ROOT / "course_lib" / "arithmetic.py").read_text(encoding="utf-8")
    statements = slicer.statements(text)
    chosen = {each.source: None for name in names for each in slicer.program(name, statements)}
    return {"course_lib.arithmetic": "\n".join(chosen)}


def main(arguments=None):
    """Grade a folder of submissions; see the module. Exits with 2 if something is not as required."""
    options, parser = _options(arguments)
    folder, out = options.submissions, options.out
    try:
        found = _questions(options.questions)
        names = _learners(folder, out)
    except ValueError as error:
        parser.error(str(error))
    questions = {chapter: {each.name: each for each in of_chapter} for chapter, of_chapter in found.items()}
    if unknown := [each for each in options.chapters or () if each not in questions]:
        parser.error(
            f"--chapters must name some of {', '.join(questions)}. Received: --chapters {','.join(unknown)}"
        )
    asked = {
        chapter: questions[chapter] for chapter in questions if chapter in (options.chapters or questions)
    }
    passed_over = sorted(path.name for path in folder.iterdir() if path.name not in names)
    if passed_over:
        print(f"Passed over, as they are neither folders nor notebooks: {', '.join(map(repr, passed_over))}")
    kept = out / KEPT
    try:
        kept.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out must be a folder that can be made. Received: --out {out}: {error.strerror}")
    context = _digest_of_grading(options, questions)
    digests = {name: _digest(folder / name, context) for name in names}
    results = {name: _kept(kept, name, digests[name]) for name in names}
    waiting = [name for name in names if results[name] is None]
    if len(waiting) < len(names):
        print(f"{len(names) - len(waiting)} of {len(names)} were graded before and have not changed.")
    try:
        for result in _graded(waiting, questions, asked, options):
            results[result["learner"]] = result
            if "failed" not in result:
                _keep(kept, result["learner"], digests[result["learner"]], result)
    except UnusableError as error:
        parser.error(
            f"{error} --unsafe grades without a sandbox: the learners' code can then read your files."
        )
    except KeyboardInterrupt:
        done = sum(result is not None for result in results.values())
        print(f"Interrupted: {done} of {len(names)} are graded. The same command goes on.", file=sys.stderr)
        sys.stdout.flush()
        os._exit(130)  # without waiting for the questions that are being asked
    batch = _batch([results[name] for name in names], asked, options)
    reports.write(out, batch)
    total = [sum(question["points"] for question in _entries(each)) for each in batch["learners"]]
    possible = sum(chapter["possible"] for chapter in batch["chapters"].values())
    average = sum(total) / len(total)
    failed = sum("failed" in result for result in results.values())
    print(
        f"{len(names)} submissions, {average:.1f} of {possible} points on average. See {out / 'index.html'}"
    )
    if failed:
        sys.exit(
            f"The grader failed on {failed} of them: the reports say why. The same command tries them again."
        )


def _graded(names, questions, asked, options):
    """Yield the result of each of these learners, as it comes, under a bar of progress."""
    if not names:
        return
    hidden = [options.submissions, options.out, *filter(None, [options.questions])]
    grader = Grader(seconds=options.timeout, memory=options.memory, unsafe=options.unsafe, hidden=hidden)

    def graded(name):
        try:
            return grade_learner(grader, questions, asked, options.submissions, name, seed=options.seed)
        except UnusableError:
            raise
        except Exception as error:  # of one, which must not cost the others
            failed = f"The grader itself failed on this submission: {type(error).__name__}: {error}."
            entry = {"chapter": "", "notebook": None, "notes": [], "questions": _unreadable(failed, {})}
            return {"learner": name, "notes": [], "chapters": [entry], "failed": failed}

    pool = ThreadPoolExecutor(min(options.jobs, _descriptors() // 8))
    try:
        with tqdm(total=len(names), unit=" submissions") as bar:
            for future in as_completed([pool.submit(graded, name) for name in names]):
                yield future.result()
                bar.update()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        grader.close()


def _options(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m course_lib.grading.grade",
        usage="%(prog)s SUBMISSIONS --out DIR [options]",
        description="Grade a class.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "submissions", metavar="SUBMISSIONS", type=Path, help="a folder with a folder or a notebook a learner"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the reports go")
    parser.add_argument(
        "--jobs", type=int, default=_cores(), metavar="N", help="how many at once (all cores)"
    )
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S", help="seconds a question (10)")
    parser.add_argument("--memory", type=_bytes, default="2G", help="a question, such as 500M or 2G (2G)")
    parser.add_argument("--seed", type=int, default=CHECK_SEED, metavar="N", help="draws cases of your own")
    parser.add_argument("--questions", type=Path, metavar="DIR", help="a folder with questions of your own")
    parser.add_argument("--chapters", type=_names, metavar="A,B", help="grade these alone (all that come)")
    parser.add_argument("--unsafe", action="store_true", help="grade without a sandbox")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs must be 1 or more. Received: --jobs {options.jobs}")
    if not 0 < options.timeout < 86_400:
        parser.error(
            f"--timeout must be a number of seconds above 0. Received: --timeout {options.timeout:g}"
        )
    return options, parser


def _descriptors():
    """Return how many files can be open at once; a job takes about six."""
    if resource is None:
        return 512
    return min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1024)  # `select` takes no more


def _names(text):
    return text.split(",")


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bytes(text):
    match = re.fullmatch(r"([0-9]+)([MG])B?", text.upper())
    if not match or int(match[1]) * {"M": 1, "G": 1000}[match[2]] < 50:
        raise argparse.ArgumentTypeError(f"must be such as 500M or 2G, and at least 50M. Received: {text}")
    return int(match[1]) * {"M": 10**6, "G": 10**9}[match[2]]


def _learners(folder, out):
    """Return the names of what lies in the folder, one a learner. Raise ValueError if it cannot be graded."""
    if not folder.is_dir():
        raise ValueError(
            f"SUBMISSIONS must be a folder with a folder or notebook a learner. Received: {folder}"
        )
    one, other = folder.resolve(), out.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise ValueError(f"--out must neither lie in the submissions nor hold them. Received: --out {out}")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out must be a folder, or a path for a new one. Received: --out {out}")
    names = [
        path.name
        for path in sorted(folder.iterdir())
        if not _ignored(path.name) and (path.is_symlink() or path.is_dir() or _is_notebook(path.name))
    ]
    if not names:
        raise ValueError(
            f"SUBMISSIONS must hold a folder or a notebook for each learner. Received: {folder}, with none"
        )
    return names


@functools.cache
def _questions(folder):
    """Return the questions by chapter, an instructor's own included."""
    found = {chapter: chapter_questions(chapter) for chapter in CHAPTERS}
    if folder is None:
        return found
    files = sorted(folder.glob("[!_]*.py")) if folder.is_dir() else []
    if not files:
        raise ValueError(
            f"--questions must be a folder with Python files of questions. Received: --questions {folder}"
        )
    for path in files:
        chapter = include(path)
        if chapter.stem in found:
            raise ValueError(f"--questions must not use a stem twice. Received: {chapter.stem}")
        found[chapter.stem] = tuple(chapter.questions)
    return found


def _digest_of_grading(options, questions):
    """Return a digest of all that a grade depends on, apart from the submission."""
    digest = hashlib.sha256()
    parts = [*Path(__file__).parent.rglob("*.py"), ROOT / "course_lib" / "arithmetic.py"]
    parts += options.questions.glob("*.py") if options.questions else []
    for path in sorted(parts):
        digest.update(path.read_bytes())
    chosen = sorted(options.chapters or questions)
    settings = [options.seed, options.timeout, options.memory, options.unsafe, chosen]
    digest.update(json.dumps(settings).encode())
    return digest.hexdigest()


def _digest(path, context):
    """Return a digest of what a learner handed in."""
    digest = hashlib.sha256(context.encode())
    notebooks, notes = _notebooks(path)
    for notebook in notebooks:
        digest.update(os.fsencode(notebook.relative_to(path.parent)))
        with contextlib.suppress(OSError):  # what cannot be read has no content
            if notebook.is_file() and notebook.stat().st_size <= LARGEST_NOTEBOOK:
                with open(notebook, "rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    digest.update(json.dumps(notes).encode())
    return digest.hexdigest()


def _kept(kept, name, digest):
    """Return the kept result of a learner, unless something has changed since."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        data = json.loads((kept / f"{reports.slug(name)}.json").read_text(encoding="utf-8"))
        return data["result"] if data["digest"] == digest and data["result"]["learner"] == name else None
    return None


def _keep(kept, name, digest, result):
    path = kept / f"{reports.slug(name)}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"digest": digest, "result": result}), encoding="utf-8")
    os.replace(part, path)  # in one step, so that a kill leaves a whole result or none


def _entries(learner):
    return [question for chapter in learner["chapters"] for question in chapter["questions"]]


def _batch(learners, asked, options):
    """Put the learners together; one without a notebook for a chapter of the others attempted nothing."""
    handed_in = {chapter["chapter"] for learner in learners for chapter in learner["chapters"]}
    chosen = [chapter for chapter in asked if options.chapters or chapter in handed_in]
    for learner in learners:
        own = {chapter["chapter"] for chapter in learner["chapters"]}
        for chapter in chosen:
            if chapter not in own:
                sentence = "No notebook for this chapter was found."
                entries = [_entry(each, "not attempted", 0, sentence) for each in asked[chapter].values()]
                missing = {"chapter": chapter, "notebook": None, "notes": [], "questions": entries}
                learner["chapters"].append(missing)
        learner["chapters"].sort(key=lambda each: [*asked, ""].index(each["chapter"]))
    return {
        "safe": not options.unsafe,
        "sandbox": "Graded without a sandbox: the learners' code could read files and use the network."
        if options.unsafe
        else "Graded in a sandbox: no network, no files, no other processes.",
        "chapters": {
            chapter: {
                "number": f"{CHAPTERS[chapter]:02}" if chapter in CHAPTERS else "",
                "possible": sum(question.points for question in asked[chapter].values()),
            }
            for chapter in chosen
        },
        "learners": learners,
    }


if __name__ == "__main__":
    main()
