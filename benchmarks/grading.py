"""Time the class grader and nbgrader on the same submissions, side by side.

    python -m venv V
    V/bin/pip install -r requirements.txt nbgrader
    .venv/bin/python benchmarks/grading.py --nbgrader V/bin/python --submissions 100 --write

nbgrader is no dependency of the course, so it has an environment of its own, which can import the course too.
Both grade the same folder of submissions, each with its own command in a new process, start-up included;
they take turns, and the medians of the rounds are printed as a table, which `--write` puts into README.md.
nbgrader has fewer rounds, because it takes minutes for one. Their points must be the same, answer by answer:
the time of other work would say nothing. 100 submissions of each exercise take about a quarter of an hour.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "benchmarks" / "README.md"
BEGIN, END = "<!-- grading -->", "<!-- /grading -->"
# Pure Python; with a Keras model. How many times as fast as nbgrader the class grader shall be, on all cores.
EXERCISES = {"00_foundations": 20, "01_lenet5": 8}
KINDS = ("right", "untouched", "partly right", "wrong", "half done")  # the learners take turns
NBGRADER_POINTS = """\
import json, sys
from nbgrader.api import Gradebook
found = []
with Gradebook(sys.argv[1]) as book:
    for handed_in in book.assignment_submissions(sys.argv[2]):
        for notebook in handed_in.notebooks:
            for grade in notebook.grades:
                found.append([handed_in.student.id, grade.name.removeprefix("check_"), grade.score])
print(json.dumps(found))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nbgrader", required=True, metavar="PYTHON", help="the Python that has nbgrader")
    parser.add_argument("--submissions", type=int, default=10, help="of each exercise (10)")
    parser.add_argument("--rounds", type=int, default=3, help="of the class grader (3)")
    parser.add_argument(
        "--nbgrader-rounds", type=int, default=1, help="of nbgrader, after the first of ours (1)"
    )
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    other = run(options.nbgrader, "-c", "import nbgrader; print(nbgrader.__version__)").strip()
    load = os.getloadavg()[0]
    lines = [
        "| exercise | jobs | class grader, s/submission | nbgrader, s/submission | ratio | goal |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    different = []
    for exercise, goal in EXERCISES.items():
        with tempfile.TemporaryDirectory() as folder:
            course = Course(Path(folder), exercise, options.submissions, options.nbgrader)
            times = {jobs: [] for jobs in sorted({1, cores})}
            theirs = []
            for number in range(options.rounds):
                for jobs, seconds in times.items():
                    seconds.append(course.grade(jobs))
                if number < options.nbgrader_rounds:
                    theirs.append(course.autograde())
            different += course.differences()
        theirs = statistics.median(theirs) / options.submissions
        for jobs, seconds in times.items():
            ours = statistics.median(seconds) / options.submissions
            ratio = theirs / ours
            lines.append(f"| {exercise} | {jobs} | {ours:.3f} | {theirs:.2f} | {ratio:.1f} | {goal} |")
            print(lines[-1], file=sys.stderr)
    if different:
        sys.exit("\n".join(["The points are not the same, so the times cannot be compared:", *different]))
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{name} {version(name)}" for name in ("tensorflow", "keras")]
    lines += [
        "",
        f"{datetime.date.today()}, {options.submissions} submissions of each exercise, start-up included; "
        f"medians of {options.rounds} rounds of the class grader and {options.nbgrader_rounds} of nbgrader, "
        "in turns; the points are the same, answer by answer. "
        f"{', '.join(versions)}, nbgrader {other}; {cores} cores, {platform.machine()}; load {load:.1f} "
        f"before and {os.getloadavg()[0]:.1f} after, of which this command makes up to {cores}.",
    ]
    table = "\n".join(lines)
    print(table)
    if options.write:
        text = README.read_text(encoding="utf-8")
        head, rest = text.split(BEGIN)
        README.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


class Course:
    """Hold a course of one exercise as nbgrader wants it, which the class grader reads as it is."""

    def __init__(self, folder, exercise, submissions, python):
        self.folder, self.exercise, self.python = folder, exercise, python
        source = folder / "source" / exercise
        source.mkdir(parents=True)
        shutil.copy(ROOT / "solutions" / f"{exercise}.ipynb", source)
        self._nbgrader("generate_assignment")
        shutil.copy(folder / "gradebook.db", folder / "released.db")
        for number in range(submissions):
            own = folder / "submitted" / f"learner{number:03}" / exercise
            own.mkdir(parents=True)
            text = submission(exercise, KINDS[number % len(KINDS)])
            (own / f"{exercise}.ipynb").write_text(text, encoding="utf-8")

    def grade(self, jobs):
        """Return the seconds that the class grader takes."""
        self.out = Path(tempfile.mkdtemp(dir=self.folder))
        command = [sys.executable, "-m", "course_lib.grading.grade", self.folder / "submitted"]
        return timed(*command, "--out", self.out, "--jobs", str(jobs), "--timeout", "600", "--seed", "0")

    def autograde(self):
        """Return the seconds that nbgrader takes, which begins with nothing but the released exercise."""
        shutil.rmtree(self.folder / "autograded", ignore_errors=True)
        shutil.copy(self.folder / "released.db", self.folder / "gradebook.db")
        return self._nbgrader("autograde", "--create", "--ExecutePreprocessor.timeout=600")

    def differences(self):
        """Return a sentence for each answer whose points are not the same."""
        report = json.loads((self.out / "report.json").read_text(encoding="utf-8"))
        ours = {
            (learner["learner"], question["question"]): question["points"]
            for learner in report["learners"]
            for chapter in learner["chapters"]
            for question in chapter["questions"]
        }
        database = f"sqlite:///{self.folder / 'gradebook.db'}"
        found = json.loads(run(self.python, "-c", NBGRADER_POINTS, database, self.exercise))
        theirs = {(learner, question): points for learner, question, points in found}
        return [
            f"{' '.join(key)}: {ours.get(key)} by the class grader, {theirs.get(key)} by nbgrader"
            for key in sorted(ours.keys() | theirs.keys())
            if ours.get(key) != theirs.get(key)
        ]

    def _nbgrader(self, command, *flags):
        course = ["--course-dir", str(self.folder)]
        return timed(self.python, "-m", "nbgrader", command, self.exercise, *course, *flags)


def submission(exercise, kind):
    """Return the notebook of a learner whose answers are of this kind, one of `KINDS`."""
    notebook, solved = (
        json.loads((ROOT / folder / f"{exercise}.ipynb").read_text(encoding="utf-8"))
        for folder in ("exercises", "solutions")
    )
    for position, (cell, solution) in enumerate(zip(notebook["cells"], solved["cells"], strict=True)):
        role = cell["metadata"].get("nbgrader", {})
        if not role.get("solution") or kind == "untouched" or (kind == "half done" and position % 2):
            continue
        head, body = solution["source"][0], "".join(solution["source"][1:])
        first = {
            "partly right": "    if sum(map(ord, str(locals()))) % 2:\n        return 0\n",
            "wrong": "    return 0\n",
        }
        cell["source"] = head + first.get(kind, "") + body
    return json.dumps(notebook)


def timed(*command):
    start = time.perf_counter()
    run(*command)
    return time.perf_counter() - start


def run(*command):
    """Return what the command prints. Exits with its errors if it fails."""
    own = os.path.dirname(os.path.abspath(command[0]))  # nbgrader calls a command of its environment
    path = os.pathsep.join([own, os.environ["PATH"]])
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PATH": path})
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-3000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
