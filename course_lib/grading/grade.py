"""Grade a class: run every submission in a sandbox, judge the answers here, and write the reports.

    python -m course_lib.grading.grade SUBMISSIONS --out DIR

SUBMISSIONS holds a folder or a notebook a learner. What the learners' code does happens in other processes
(`course_lib.grading.runner`), which get arguments and send back plain data; the references, the seed and the
verdict stay in this one. What has been graded is kept in DIR, with the seed: the same command goes on where
it stopped.
"""

import argparse
import contextlib
import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from course_lib.grading import reports, submission
from course_lib.grading.grader import Grader, UnusableError
from course_lib.grading.own import include
from course_lib.grading.questions import CHAPTERS, chapter_of
from course_lib.grading.sandbox import resource

__all__ = ["main"]

KEPT = ".graded"  # the folder in DIR for what has been graded
SEED = "seed"  # the file in it for the seed that was drawn
ANSWERS = 12  # that may use all of their time before the budget of a learner is spent
AS_ROOT = (
    "Graded as root, whom no permission of a file stops: the sandbox is weaker than for an ordinary user, "
    "and a flaw in it would give away everything."
)


def main(arguments=None):
    """Grade a folder of submissions; see the module. Exits with 2 if something is not as required."""
    options, parser = _options(arguments)
    folder, out = options.submissions, options.out
    try:
        questions = _questions(options.questions)
        names = _learners(folder, out)
        chosen = _chosen(questions, options.chapters)
    except ValueError as error:
        parser.error(str(error))
    skipped = _skipped(folder, names)
    if skipped:
        print(f"Passed over: {', '.join(repr(entry['path']) for entry in skipped)}")
    warnings = [AS_ROOT] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    for warning in warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    try:
        (out / KEPT).mkdir(parents=True, exist_ok=True)
        seed = _seed(out / KEPT / SEED) if options.seed is None else options.seed
    except OSError as error:
        parser.error(f"--out must be a folder that can be written. Received: --out {out}: {error.strerror}")
    context = _digest_of_grading(options, seed, questions)
    digests = {name: submission.digest(folder / name, context) for name in names}
    results = {name: _kept(out / KEPT, name, digests[name]) for name in names}
    waiting = [name for name in names if results[name] is None]
    if len(waiting) < len(names):
        print(f"{len(names) - len(waiting)} of {len(names)} were graded before and have not changed.")
    try:
        for result in _graded(waiting, questions, chosen, seed, options):
            results[result["learner"]] = result
            if "failed" not in result:
                with contextlib.suppress(OSError):  # it is graded all the same; the reports will say it
                    _keep(out / KEPT, result["learner"], digests[result["learner"]], result)
    except UnusableError as error:
        parser.error(
            f"{error} --unsafe grades without a sandbox: the learners' code can then read your files."
        )
    except KeyboardInterrupt:
        done = sum(result is not None for result in results.values())
        print(f"Interrupted: {done} of {len(names)} are graded. The same command goes on.", file=sys.stderr)
        sys.stdout.flush()
        os._exit(130)  # without waiting for the questions that are being asked
    batch = _batch([results[name] for name in names], chosen, options)
    batch |= {"facts": _facts(options, seed, batch, chosen), "warnings": warnings, "skipped": skipped}
    try:
        reports.write(out, batch)
    except OSError as error:
        sys.exit(
            f"The reports could not be written to {out}: {error.strerror}. Make room, or choose another "
            "--out; the same command goes on with what could be kept."
        )
    print(f"{_summary(batch)} See {out / 'index.html'}")
    failed = sum("failed" in result for result in results.values())
    if failed:
        sys.exit(
            f"The grader failed on {failed} of them: the reports say why. The same command tries them again."
        )


def _graded(names, questions, chosen, seed, options):
    """Yield the result of each of these learners, as it comes, under a bar of progress."""
    if not names:
        return
    hidden = [options.submissions, options.out]
    if options.questions:
        hidden.append(options.questions)
    grader = Grader(seconds=options.timeout, memory=options.memory, unsafe=options.unsafe, hidden=hidden)

    def graded(name):
        try:
            return submission.grade_learner(
                *(grader, questions, chosen, options.submissions, name), seed=seed, budget=options.budget
            )
        except UnusableError:
            raise
        except Exception as error:  # of one, which must not cost the others
            failed = f"The grader itself failed on this submission ({type(error).__name__}: {error})."
            rows = submission.unreadable(failed, {})
            chapter = {"chapter": "", "notebook": None, "notes": [], "questions": rows}
            return {"learner": name, "notes": [], "skipped": [], "chapters": [chapter], "failed": failed}

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
    parser.add_argument(
        "--budget", type=float, metavar="S", help=f"seconds a learner ({ANSWERS} times those of a question)"
    )
    parser.add_argument("--memory", type=_bytes, default="2G", help="a question, such as 500M or 2G (2G)")
    parser.add_argument("--seed", type=int, metavar="N", help="draws the cases (random, and kept in DIR)")
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
    if options.budget is None:
        options.budget = ANSWERS * options.timeout
    if not options.budget > 0:
        parser.error(f"--budget must be a number of seconds above 0. Received: --budget {options.budget:g}")
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
    try:
        entries = sorted(os.listdir(folder))
    except OSError as error:
        raise ValueError(
            f"SUBMISSIONS must be a folder that can be read. Received: {folder}: {error.strerror}"
        ) from error
    names = [
        name
        for name in entries
        if not submission.is_ignored(name)
        and (submission.is_notebook(name) or os.path.islink(folder / name) or os.path.isdir(folder / name))
    ]
    if not names:
        raise ValueError(
            f"SUBMISSIONS must hold a folder or a notebook for each learner. Received: {folder}, with none"
        )
    return names


def _skipped(folder, names):
    """Return what lies in the folder of the class and is no learner's, see `reports.write`."""
    skipped = []
    for name in sorted(set(os.listdir(folder)) - set(names)):
        is_hidden = submission.is_ignored(name)
        why = "is hidden, or made by a computer." if is_hidden else "is neither a folder nor a notebook."
        skipped.append({"path": name, "why": why})
    return skipped


def _seed(path):
    """Return the seed that is kept at `path`; if there is none, draw one that nobody can guess, and keep it.

    Raises:
        OSError: it cannot be written.
    """
    with contextlib.suppress(FileNotFoundError, ValueError):
        return int(path.read_text(encoding="ascii"))
    seed = secrets.randbits(64)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(str(seed))
    os.replace(part, path)
    return seed


def _questions(folder):
    """Return the questions, {chapter: {name: question}}, with those of the files in `folder`, if any.

    Raises:
        ValueError: the folder or a question is not as required.
    """
    chapters = [chapter_of(stem) for stem in CHAPTERS]
    if folder is not None:
        paths = sorted(folder.glob("[!_]*.py")) if folder.is_dir() else []
        if not paths:
            raise ValueError(
                f"--questions must be a folder with Python files of questions. Received: --questions {folder}"
            )
        chapters += [include(path) for path in paths]
    return {chapter.stem: {question.name: question for question in chapter.questions} for chapter in chapters}


def _chosen(questions, chapters):
    """Return the questions of `chapters`, in the order of the course; all, if it is None."""
    if chapters is None:
        return questions
    unknown = [chapter for chapter in chapters if chapter not in questions]
    if unknown:
        known = ", ".join(questions)
        raise ValueError(f"--chapters must name some of {known}. Received: --chapters {','.join(unknown)}")
    return {chapter: questions[chapter] for chapter in questions if chapter in chapters}


def _digest_of_grading(options, seed, questions):
    """Return a digest of all that a grade depends on, apart from the submission."""
    digest = hashlib.sha256()
    paths = [*Path(__file__).parents[1].rglob("*.py")]  # answers and questions stand on the others
    if options.questions:
        paths += options.questions.glob("*.py")
    for path in sorted(paths):
        digest.update(path.read_bytes())
    chapters = sorted(options.chapters or questions)
    settings = [seed, options.timeout, options.budget, options.memory, options.unsafe, chapters]
    digest.update(json.dumps(settings).encode())
    return digest.digest()


def _kept(folder, name, digest):
    """Return the kept result of a learner, unless something has changed since."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        data = json.loads((folder / f"{reports.slug(name)}.json").read_text(encoding="utf-8"))
        return data["result"] if data["digest"] == digest and data["result"]["learner"] == name else None
    return None


def _keep(folder, name, digest, result):
    path = folder / f"{reports.slug(name)}.json"
    reports.write_whole(path, json.dumps({"digest": digest, "result": result}))


def _batch(learners, chosen, options):
    """Put the learners together; one without a notebook for a chapter of the others attempted nothing."""
    chapters = list(chosen)
    if not options.chapters:
        handed_in = {chapter["chapter"] for learner in learners for chapter in learner["chapters"]}
        chapters = [chapter for chapter in chosen if chapter in handed_in]
    places = {chapter: place for place, chapter in enumerate([*chosen, ""])}
    for learner in learners:
        own = {chapter["chapter"] for chapter in learner["chapters"]}
        for chapter in chapters:
            if chapter not in own:
                learner["chapters"].append(_not_handed_in(chapter, chosen[chapter]))
        learner["chapters"].sort(key=lambda chapter: places[chapter["chapter"]])
    facts = {}
    for chapter in chapters:
        number = f"{CHAPTERS[chapter]:02}" if chapter in CHAPTERS else ""
        possible = sum(question.points for question in chosen[chapter].values())
        facts[chapter] = {"number": number, "possible": possible}
    sandbox = "Graded in a sandbox: no network, no files, no other processes."
    if options.unsafe:
        sandbox = "Graded without a sandbox: the learners' code could read files and use the network."
    return {"safe": not options.unsafe, "sandbox": sandbox, "chapters": facts, "learners": learners}


def _facts(options, seed, batch, chosen):
    """Return how the class was graded, in words: {what: which}."""
    now = datetime.datetime.now().astimezone()
    origin = "drawn at random" if options.seed is None else "given"
    digest = hashlib.sha256(str(seed).encode()).hexdigest()[:12]
    limits = [
        f"{options.timeout:g} seconds and {options.memory / 10**9:g} GB a question",
        f"{options.budget:g} seconds a learner",
        f"{options.jobs} at once",
    ]
    versions = {"Python": platform.python_version(), "course_lib": _version("course_lib")}
    if any(question.needs == "keras" for name in batch["chapters"] for question in chosen[name].values()):
        versions |= {name: _version(name) for name in ("keras", "tensorflow")}
    return {
        "Date": f"{now:%Y-%m-%d %H:%M %z}",
        "Seed": f"{origin}; its SHA-256 begins with {digest}",
        "Limits": ", ".join(limits),
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "of an unknown version"


def _not_handed_in(chapter, questions):
    sentence = "No notebook for this chapter was found."
    rows = [submission.entry(question, "not attempted", 0, sentence) for question in questions.values()]
    return {"chapter": chapter, "notebook": None, "notes": [], "questions": rows}


def _summary(batch):
    learners = batch["learners"]
    earned = sum(
        row["points"]
        for learner in learners
        for chapter in learner["chapters"]
        for row in chapter["questions"]
    )
    possible = sum(chapter["possible"] for chapter in batch["chapters"].values())
    return f"{len(learners)} submissions, {earned / len(learners):.1f} of {possible} points on average."


if __name__ == "__main__":
    main()
