"""A class of hostile and odd submissions earns just what it should, and leaves nothing behind."""

import contextlib
import csv
import ctypes
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import hostile
import orders
import pytest

from course_lib import grading
from course_lib.grading import check, grade, questions, sandbox
from course_lib.grading import learner as learner_side
from course_lib.grading.release import ROOT
from course_lib.grading.reports import ARCHIVE

SEED = 918_273_645_546_372_819
SECRET = "sesame-of-the-instructor"
SUBREAPER = 36  # prctl: what loses its parent becomes a child of this process
LACKS = sandbox.problem()
confined = pytest.mark.skipif(LACKS is not None, reason=f"Nothing can be confined here. {LACKS}")


def grade_in_process_of_its_own(*arguments, **options):
    """Start the command. It can be interrupted, even if these tests run in the background and cannot."""
    command = [sys.executable, "-m", "course_lib.grading.grade", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what is ignored is so in a child, too
    try:
        return subprocess.Popen(command, **pipes, **options)
    finally:
        signal.signal(signal.SIGINT, before)


def children():
    """Return the processes whose parent is this one."""
    found = set()
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
        if parent == os.getpid():
            found.add(int(name))
    return found


def left_over(before, seconds=5):
    """End the processes that a grader left behind and return them; what is just ending has some seconds."""
    until = time.monotonic() + seconds
    while left := {each for each in children() - before if os.waitpid(each, os.WNOHANG) == (0, 0)}:
        if time.monotonic() > until:
            for each in left:
                os.kill(each, signal.SIGKILL)
                os.waitpid(each, 0)
            return left
        time.sleep(0.01)
    return set()


@pytest.fixture(scope="module")
def adopting():
    """Make this process the parent of whatever a grader leaves behind, and return those before it."""
    library = ctypes.CDLL(None)
    library.prctl(SUBREAPER, 1, 0, 0, 0)
    yield children()
    library.prctl(SUBREAPER, 0, 0, 0, 0)


def shared_memory():
    with open("/proc/sysvipc/shm") as segments, open("/proc/sysvipc/msg") as queues:
        return segments.read() + queues.read() + Path("/proc/sysvipc/sem").read_text()


@pytest.fixture(scope="module")
def system_v():
    """Make what System V shares between the processes of a user: a segment, a queue with a message, a set."""
    library = ctypes.CDLL(None)
    key = time.time_ns() % 2**31
    segment = library.shmget(key, 4096, 0o1600)
    queue, sets = library.msgget(0, 0o1600), library.semget(0, 1, 0o1600)
    message = ctypes.create_string_buffer(b"\x01\0\0\0\0\0\0\0canary", 40)
    assert min(segment, queue, sets) >= 0
    assert library.msgsnd(queue, message, 8, 0) == 0
    yield {"KEY": str(key), "SEGMENT": str(segment), "QUEUE": str(queue), "SEMAPHORES": str(sets)}
    library.shmctl(segment, 0, None)
    library.msgctl(queue, 0, None)
    library.semctl(sets, 0, 0)


@pytest.fixture(scope="module")
def graded(tmp_path_factory, adopting, system_v):
    """Grade the whole class once, and remember what else happened meanwhile."""
    base = tmp_path_factory.mktemp("grade")
    folder, out, outside, home = (base / name for name in ("class", "reports", "outside", "home"))
    for each in (folder, outside, home):
        each.mkdir()
    canary = outside / "canary"
    canary.write_text("sings")
    token = f"escaped-{os.getpid()}-{time.time_ns()}"
    stream, datagram = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    stream.bind(("127.0.0.1", 0))
    datagram.bind(stream.getsockname())
    local, messages = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    abstract = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    local.bind(str(outside / "listens"))
    messages.bind(str(outside / "datagrams"))
    abstract.bind(f"\0{token}")
    listeners = (stream, datagram, local, messages, abstract)
    for listener in (stream, local):
        listener.listen()
    places = {
        "ROOT": str(ROOT),
        "CLASS": str(folder),
        "OUT": str(out),
        "OUTSIDE": str(outside),
        "CANARY": str(canary),
        "HOME": str(home),
        "PORT": str(stream.getsockname()[1]),
        "TOKEN": token,
        "SEED_REVERSED": str(SEED)[::-1],
        "SECRET_REVERSED": SECRET[::-1],
        **system_v,
    }
    expected = hostile.hand_in(folder, places)
    before = canary.stat(), shared_memory(), {path for path in base.rglob("*") if path.parent != out}
    process = grade_in_process_of_its_own(
        *(folder, "--out", out, "--jobs", 2, "--timeout", 4, "--memory", "1G", "--seed", SEED),
        env={**os.environ, "SECRET": SECRET, "HOME": str(home)},
        cwd=outside,
    )
    _, errors = process.communicate(timeout=600)
    left = left_over(adopting)
    reached = []
    for listener in listeners:
        listener.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            reached.append(listener.accept() if listener in (stream, local) else listener.recv(100))
        listener.close()
    assert process.returncode == 0, errors
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    yield SimpleNamespace(
        base=base,
        out=out,
        expected=expected,
        report=report,
        errors=errors,
        before=before,
        left=left,
        reached=reached,
        canary=canary,
        token=token,
        places=[folder, out, outside, home, ROOT],
    )
    shutil.rmtree(base)  # more than 100 MB


def rows(report):
    """Return the entry of each question: {(learner, chapter, question): entry}."""
    return {
        (learner["learner"], chapter["chapter"], entry["question"]): entry
        for learner in report["learners"]
        for chapter in learner["chapters"]
        for entry in chapter["questions"]
    }


def written(name):
    """Return a learner's name as a text file can hold it."""
    return name.encode(errors="backslashreplace").decode()


def differences(graded, learner):
    """Say, answer by answer, how what the learner earned differs from what was expected."""
    found = {key[1:]: entry for key, entry in rows(graded.report).items() if key[0] == written(learner)}
    for key, expected in graded.expected[learner].items():
        entry = found.pop(key, {"status": "no row", "points": None, "feedback": ""})
        feedback = entry["feedback"]
        wrong = entry["status"] not in expected.status
        wrong |= expected.points is not None and entry["points"] != expected.points
        wrong |= not all(word in feedback for word in expected.says)
        if wrong or any(word in feedback for word in expected.never):
            yield f"{key}: {entry['status']}, {entry['points']}, {feedback!r}; expected: {expected}"
    for key, entry in found.items():
        if entry["points"] or entry["status"] != "not attempted":
            yield f"{key}: {entry['status']}, {entry['points']}, {entry['feedback']!r}; expected no such row"


@confined
@pytest.mark.parametrize("learner", hostile.IN_FOUNDATIONS | hostile.IN_LENET5)
def test_an_attack_earns_what_it_is_worth_and_costs_the_other_answers_nothing(graded, learner):
    assert list(differences(graded, f"{learner}.ipynb")) == []


@confined
@pytest.mark.parametrize("learner", hostile.HONEST)
def test_an_answer_that_a_notebook_accepts_is_accepted_whatever_its_style(graded, learner):
    assert list(differences(graded, f"{learner}.ipynb")) == []


@confined
def test_every_other_submission_earns_what_it_should(graded):
    attacks = {f"{learner}.ipynb" for learner in hostile.IN_FOUNDATIONS | hostile.IN_LENET5 | hostile.HONEST}
    others = graded.expected.keys() - attacks
    assert len(others) > 50
    assert {learner: found for learner in others if (found := list(differences(graded, learner)))} == {}


@confined
def test_every_submission_is_in_the_report_once(graded):
    names = [learner["learner"] for learner in graded.report["learners"]]
    assert sorted(names) == sorted(map(written, graded.expected))


@confined
def test_no_process_is_left(graded):
    assert graded.left == set()


@confined
def test_no_file_was_made_changed_or_removed(graded):
    state, memory, files = graded.before
    found = {path for path in graded.base.rglob("*") if path.parent != graded.out}
    outside = {path for path in found ^ files if graded.out not in path.parents}
    assert outside == {graded.out}
    for place in (*graded.places, "/", "/tmp", "/var/tmp", "/dev/shm", "/dev", os.path.dirname(os.__file__)):
        assert not [name for name in os.listdir(place) if graded.token in name]
    for field in ("st_mode", "st_uid", "st_gid", "st_nlink", "st_size", "st_mtime_ns", "st_ctime_ns"):
        assert getattr(graded.canary.stat(), field) == getattr(state, field)
    assert os.listxattr(graded.canary) == []
    assert shared_memory() == memory


@confined
def test_no_message_reached_a_listener(graded):
    assert graded.reached == []


@confined
def test_no_report_holds_anything_of_a_hidden_case(graded):
    marks = {"LEAK", "271828"}
    for question in grading.chapter_questions("lenet5"):
        for case in question.cases(SEED)[len(question.visible) :] + question.cases()[len(question.visible) :]:
            marks |= {f"{value:.7g}" for value in floats(case)}
    marks = {mark for mark in marks if len(mark) > 5}
    assert len(marks) > 300
    for path in reports(graded.out):
        text = path.read_text(encoding="utf-8")
        assert not [mark for mark in marks if mark in text], path


def floats(value):
    """Yield the floats in nested lists."""
    if isinstance(value, list):
        for entry in value:
            yield from floats(entry)
    elif isinstance(value, float):
        yield value


def reports(out):
    """Return every file in the folder of the reports but the archive of the pages, what is kept included."""
    found = [path for path in out.rglob("*") if path.is_file() and path.name != ARCHIVE]
    assert len(found) > 4
    return found


@confined
def test_no_report_holds_the_seed_or_a_secret_of_the_instructor(graded):
    for path in reports(graded.out):
        text = path.read_text(encoding="utf-8")
        assert str(SEED) not in text
        assert SECRET not in text


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.attributes = set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.add(tag)
        self.attributes += [name for name, _ in attributes]


@confined
def test_no_name_and_no_answer_can_run_anything_in_a_reader_of_the_reports(graded):
    for path in reports(graded.out):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text), path
        if path.suffix == ".html":
            tags = Tags(text)
            assert not tags.found & {"script", "img", "iframe", "object", "svg", "form"}
            assert not [name for name in tags.attributes if name.startswith("on")]
        elif path.suffix == ".csv":
            cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
            assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@confined
def test_the_reports_are_whole_and_agree(graded):
    entries = rows(graded.report)
    with open(graded.out / "report.csv", encoding="utf-8", newline="") as file:
        table = [row for row in csv.DictReader(file) if row["status"] not in ("left aside", "note")]
    assert [
        (row["chapter"], row["question"], float(row["points"]), row["status"], row["feedback"])
        for row in table
    ] == [(*key[1:], entry["points"], entry["status"], entry["feedback"]) for key, entry in entries.items()]
    for folder, suffix in (("learners", ".html"), ("gradescope", ".json")):
        names = {path.name.lower() for path in (graded.out / folder).glob(f"*{suffix}")}
        assert len(names) == len(graded.expected)
    totals = {learner["learner"]: learner["points"] for learner in graded.report["learners"]}
    for path in (graded.out / "gradescope").iterdir():
        result = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
        assert result["score"] in totals.values()
    with open(graded.out / "gradebook.csv", encoding="utf-8", newline="") as file:
        book = list(csv.DictReader(file))
    assert [float(row["total"]) for row in book] == list(totals.values())
    assert not [entry for entry in entries.values() if re.search(r"\w\.\.(\s|$)", entry["feedback"])]
    assert "Traceback" not in graded.errors
    assert not list(graded.out.rglob("*.part"))


@confined
def test_what_was_left_aside_is_said(graded):
    notes = {learner["learner"]: " ".join(learner["notes"]) for learner in graded.report["learners"]}
    for learner in ("links.ipynb", "links_a_folder", "links_itself", "has_links"):
        assert "is a link, which is not followed" in notes[learner]
    assert "answers no question" in notes["no_answers.ipynb"]
    twice = next(each for each in graded.report["learners"] if each["learner"] == "hands_in_twice")
    assert "3 notebooks for this chapter" in twice["chapters"][0]["notes"][0]
    assert twice["chapters"][0]["notebook"] == "hands_in_twice/b.ipynb"
    left_aside = {skipped["path"] for learner in graded.report["learners"] for skipped in learner["skipped"]}
    assert {
        "hands_in_twice/c.ipynb",
        "has_links/01.ipynb",
        "has_a_pipe/pipe.ipynb",
        "empty.ipynb",
    } < left_aside


# Small classes

WRONG = {
    "output_size": "def output_size(size, kernel, stride, padding):\n    return size - kernel + 1",
    "same_padding": "def same_padding(size, kernel, stride):\n    return [kernel // 2, kernel // 2]",
    "correlate": "def correlate(image, kernel):\n    return [[0]]",
    "conv2d_parameters": "def conv2d_parameters(kernel, in_channels, filters):\n    return '156'",
    "ledger_row": "def ledger_row(*case):\n    raise ValueError('no idea')",
    "parameters_three_ways": "def parameters_three_ways(size, kernel, filters):\n    pass",
    "receptive_field": "def receptive_field(layers):\n    return [5.0, 1.0] if len(layers) == 2 else [1]",
    "stack_totals": "def stack_totals(size, channels):\n    return [24, 2572]",
}


BUILD = """
units = 84
def build(image, classes):
    x = image
    for filters in (6, 16):
        x = keras.layers.AveragePooling2D(2)(keras.layers.Conv2D(filters, 5, activation="tanh")(x))
    x = keras.layers.Flatten()(x)
    for width in (120, units):
        x = keras.layers.Dense(width, activation="tanh")(x)
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax")(x))
def tutorial_lenet5(size, classes):
    return build(keras.Input((size, size, 1)), classes)
"""


@pytest.fixture
def small(tmp_path):
    """Return a folder with two submissions of one answer each, one of them wrong."""
    folder = tmp_path / "class"
    folder.mkdir()
    hand_in(folder / "ada.ipynb", "def output_size(size, kernel, stride, padding):\n    return 28")
    hand_in(
        folder / "bob.ipynb",
        "def receptive_field(layers):\n    return [len(layers) * 2 + 1, len(layers) - 1]",
    )
    return folder


def hand_in(path, *sources):
    path.write_text(json.dumps({"cells": [hostile.code(source) for source in sources]}))


def run(folder, out, *arguments):
    """Grade the folder in this process and return report.json."""
    grade.main([str(folder), "--out", str(out), "--jobs", "2", *map(str, arguments)])
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def grades(out):
    """Return the text of every report but what says how and when the class was graded."""
    found = every_report(out)
    del found["index.html"]
    report, table = json.loads(found.pop("report.json")), found.pop("report.csv").splitlines()
    del report["facts"]
    return found, report, [line for line in table if not re.search(',note,"?(Date|Seed|Limits): ', line)]


def every_report(out):
    """Return the text of every report by its name."""
    return {
        str(path.relative_to(out)): path.read_text() for path in reports(out) if grade.KEPT not in path.parts
    }


@confined
def test_the_solutions_earn_full_marks_and_the_exercises_none(tmp_path):
    folder = tmp_path / "class"
    shutil.copytree(ROOT / "solutions", folder)
    order = {"tutorial_lenet5": BUILD, "end": "units, build, keras = 10, None, None"}
    hand_in(folder / "builds_a_model.ipynb", *orders.cells(order, "01_lenet5"))
    report = run(folder, tmp_path / "solutions", "--timeout", 100)
    assert len(report["learners"]) == len(report["chapters"]) + 1
    for learner in report["learners"]:
        assert [chapter["questions"][0]["status"] for chapter in learner["chapters"]].count("right") == 1
        assert learner["points"] == 20
    report = run(ROOT / "exercises", tmp_path / "exercises")
    assert {entry["status"] for entry in rows(report).values()} == {"not attempted"}


@confined
def test_a_wrong_answer_is_told_in_the_words_of_the_notebook_s_check(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    hand_in(folder / "ada.ipynb", *WRONG.values())
    report = run(folder, tmp_path / "out", "--seed", 0)
    for question, source in WRONG.items():
        scope = {}
        exec(source, scope)
        check(question, scope[question])
        verdict = learner_side._verdicts[question]
        entry = rows(report)["ada.ipynb", "foundations", question]
        assert (entry["status"], entry["points"]) == (verdict.status, verdict.points)
        assert entry["feedback"] == verdict.sentence


@confined
def test_the_reports_do_not_depend_on_the_number_of_jobs(small, tmp_path):
    run(small, tmp_path / "one", "--jobs", 1, "--seed", 0)
    run(small, tmp_path / "two", "--jobs", 3, "--seed", 0)
    assert grades(tmp_path / "one") == grades(tmp_path / "two")


@confined
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_grade_goes_on_where_it_stopped(tmp_path, adopting, capsys, end):
    folder, out = tmp_path / "class", tmp_path / "out"
    folder.mkdir()
    source = """
        import time

        def output_size(*case):
            time.sleep(0.04)
            return 28
    """
    for learner in range(3):
        hand_in(folder / f"{learner}.ipynb", textwrap.dedent(source))
    process = grade_in_process_of_its_own(folder, "--out", out, "--jobs", 1)
    kept = out / grade.KEPT
    while not list(kept.glob("*.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(end)
    _, errors = process.communicate()
    done = {path.name: path.stat().st_mtime_ns for path in kept.glob("*.json")}
    assert 1 <= len(done) < 3
    assert not (out / "report.csv").exists()
    if end == signal.SIGINT:
        assert process.returncode == 130
        assert f"Interrupted: {len(done)} of 3 are graded. The same command goes on." in errors
        assert "Traceback" not in errors
    assert left_over(adopting) == set()
    run(folder, out)
    assert f"{len(done)} of 3 were graded before and have not changed." in capsys.readouterr().out
    assert {name: (kept / name).stat().st_mtime_ns for name in done} == done
    run(folder, tmp_path / "undisturbed", "--seed", (kept / "seed").read_text())
    assert grades(out) == grades(tmp_path / "undisturbed")


@confined
def test_what_has_changed_is_graded_again_and_nothing_else(small, tmp_path, capsys):
    def graded_again(*arguments):
        before = {path.name: path.stat().st_mtime_ns for path in kept.glob("*.json")}
        report = run(small, tmp_path / "out", *arguments)
        return report, {name for name in before if (kept / name).stat().st_mtime_ns != before[name]}

    kept = tmp_path / "out" / grade.KEPT
    first, _ = graded_again()
    second, again = graded_again()
    assert (again, second["learners"]) == (set(), first["learners"])
    hand_in(small / "ada.ipynb", "def output_size(size, kernel, stride, padding):\n    return 'x'")
    report, again = graded_again()
    assert again == {"ada.ipynb.json"}
    before, after = (rows(each)["ada.ipynb", "foundations", "output_size"] for each in (first, report))
    assert before["feedback"] != after["feedback"]
    for change in (("--seed", 5), ("--timeout", 7), ("--budget", 9), ("--memory", "3G"), ("--unsafe",)):
        assert graded_again(*change)[1] == {"ada.ipynb.json", "bob.ipynb.json"}, change


@confined
def test_no_report_is_left_of_a_submission_that_was_withdrawn(small, tmp_path):
    run(small, tmp_path / "out")
    (small / "ada.ipynb").unlink()
    report = run(small, tmp_path / "out")
    assert [learner["learner"] for learner in report["learners"]] == ["bob.ipynb"]
    assert "ada" not in " ".join(every_report(tmp_path / "out"))


@confined
def test_a_damaged_record_of_what_was_graded_is_made_anew(small, tmp_path):
    first = run(small, tmp_path / "out")
    for path, damage in zip((tmp_path / "out" / grade.KEPT).glob("*.json"), ("{", "[1]"), strict=True):
        path.write_text(damage)
    assert run(small, tmp_path / "out")["learners"] == first["learners"]


@confined
def test_an_instructor_s_own_questions_make_a_chapter(small, tmp_path, monkeypatch):
    monkeypatch.setattr(questions, "_own", {})
    own = tmp_path / "own"
    own.mkdir()
    (own / "squares.py").write_text(
        textwrap.dedent('''
            """Ask for squares."""

            from course_lib.grading.question import Chapter

            squares = Chapter("squares")


            @squares.question(
                "Squares",
                points=5,
                returns="a whole number",
                visible=([3],),
                draw=lambda rng: [rng.randint(3, 99)],
                slips={"x * x -> 2 * x": "That is twice the number."},
                hints=("Multiply.",),
            )
            def square(x):
                """Return the square of a number."""
                return x * x
        ''')
    )
    hand_in(small / "cleo.ipynb", "def square(x):\n    return x * x")
    hand_in(small / "dora.ipynb", "def square(x):\n    return 2 * x")
    report = run(small, tmp_path / "out", "--questions", own)
    found = rows(report)
    assert found["cleo.ipynb", "squares", "square"]["points"] == 5
    assert found["dora.ipynb", "squares", "square"]["feedback"].startswith("That is twice the number.")
    assert found["ada.ipynb", "squares", "square"]["status"] == "not attempted"
    assert found["ada.ipynb", "foundations", "output_size"]["status"] == "partly"
    only = run(small, tmp_path / "squares", "--questions", own, "--chapters", "squares")
    assert list(only["chapters"]) == ["squares"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing", "--out", "out"], "SUBMISSIONS must be a folder"),
        (["empty", "--out", "out"], "SUBMISSIONS must hold"),
        (["class/ada.ipynb", "--out", "out"], "SUBMISSIONS must be a folder"),
        (["class", "--out", "class/out"], "--out must neither lie in the submissions nor hold them"),
        (["class", "--out", "class"], "--out must neither"),
        (["class", "--out", "."], "--out must neither"),
        (["class", "--out", "file"], "--out must be a folder"),
        (["class", "--out", "file/out"], "--out must be a folder"),
        (["class", "--out", "out", "--memory", "lots"], "must be such as 500M or 2G"),
        (["class", "--out", "out", "--memory", "1M"], "at least 50M. Received: 1M"),
        (["class", "--out", "out", "--jobs", "0"], "--jobs must be 1 or more. Received: --jobs 0"),
        (["class", "--out", "out", "--timeout", "0"], "--timeout must be a number of seconds above 0"),
        (["class", "--out", "out", "--timeout", "nan"], "--timeout must be a number of seconds above 0"),
        (["class", "--out", "out", "--chapters", "alexnett"], "Received: --chapters alexnett"),
        (["class", "--out", "out", "--budget", "0"], "--budget must be a number of seconds above 0"),
        (["class", "--out", "out", "--seed", "x"], "--seed"),
        (["class", "--out", "out", "--questions", "missing"], "--questions must be a folder"),
        (
            ["class", "--out", "out", "--questions", "broken"],
            "must be Python that can be run. Received: ModuleNotFoundError",
        ),
        (
            ["class", "--out", "out", "--questions", "twice"],
            "is the name of a question of the chapter foundations",
        ),
        (["class"], "--out"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(small, tmp_path, capsys, arguments, message):
    for name, text in (("broken", "import nothing_of_that_name"), ("twice", TWICE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.py").write_text(text)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        grade.main(arguments)
    assert ended.value.code == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert message in errors.rstrip().splitlines()[-1]
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()


TWICE = """
from course_lib.grading.question import Chapter
from course_lib.grading.questions.foundations import foundations

again = Chapter("again")
again.questions = foundations.questions
del foundations
"""


def test_grading_without_a_sandbox_is_said_in_every_report(small, tmp_path):
    run(small, tmp_path / "out", "--unsafe")
    for name, text in every_report(tmp_path / "out").items():
        assert "graded without a sandbox" in text.lower(), name


def test_without_a_sandbox_the_points_are_the_same(small, tmp_path):
    unsafe = run(small, tmp_path / "unsafe", "--unsafe", "--seed", 0)
    assert [learner["points"] for learner in unsafe["learners"]] == [0.1, 0.1]


def test_where_no_sandbox_is_possible_grading_is_refused(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "problem", lambda: "A sandbox needs Landlock, which this kernel lacks.")
    with pytest.raises(SystemExit) as ended:
        run(small, tmp_path / "out")
    assert ended.value.code == 2
    errors = capsys.readouterr().err
    assert "A sandbox needs Landlock, which this kernel lacks." in errors
    assert "--unsafe" in errors
    assert not (tmp_path / "out" / "report.csv").exists()


@confined
def test_a_sandbox_that_does_not_hold_is_refused(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "libraries", lambda hidden: {"/": 0b1100})
    with pytest.raises(SystemExit) as ended:
        run(small, tmp_path / "out")
    assert ended.value.code == 2
    assert "The sandbox does not hold on this machine" in capsys.readouterr().err
    assert not (tmp_path / "out" / "report.csv").exists()


@confined
@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("for _, number in refused_calls():", "for _, number in refused_calls()[:-90]:", "call msgrcv"),
        ("st_nlink - 2 < threads", "st_nlink - 2 < 10**6", "start 65 threads"),
    ],
)
def test_the_trial_notices_a_hole(small, tmp_path, old, new, what):
    shutil.copytree(ROOT / "course_lib", tmp_path / "course_lib", ignore=shutil.ignore_patterns("*.json"))
    path = tmp_path / "course_lib" / "grading" / "sandbox.py"
    source = path.read_text()
    assert source.count(old) == 1
    path.write_text(source.replace(old, new))
    variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = grade_in_process_of_its_own(small, "--out", tmp_path / "out", env=variables, cwd=tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 2
    assert "The sandbox does not hold on this machine" in errors
    assert what in errors


def refuse_namespaces():
    """Let this process make no further namespaces, as in most containers."""
    user = os.getuid()
    if ctypes.CDLL(None).unshare(sandbox.NEW_USER) == 0:
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/sys/user/max_user_namespaces").write_text("0")


@confined
def test_without_namespaces_the_sandbox_holds_as_well(tmp_path, system_v):
    base = tmp_path / "class"
    base.mkdir()
    places = {"ROOT": str(ROOT), "TOKEN": f"escaped-{time.time_ns()}", **system_v}
    for learner in ("shares", "starts", "takes_memory"):
        cells = []
        for question, attack in hostile.IN_FOUNDATIONS[learner].items():
            if attack.expected.says == (hostile.REFUSED,):
                cells.append(attack.cell(question, ""))
        for place, value in places.items():
            cells = [cell.replace(f"@{place}@", value) for cell in cells]
        hand_in(base / f"{learner}.ipynb", *cells)
    before = shared_memory()
    process = grade_in_process_of_its_own(
        *(base, "--out", tmp_path / "out", "--timeout", 4, "--memory", "1G"), preexec_fn=refuse_namespaces
    )
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    report = rows(json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8")))
    tried = {key: row for key, row in report.items() if row["status"] != "not attempted"}
    assert len(tried) == 10
    assert {key: row["feedback"] for key, row in tried.items() if "`'refused'`" not in row["feedback"]} == {}
    assert shared_memory() == before


@confined
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_grade_without_a_sandbox_leaves_nothing_running(tmp_path, adopting, end):
    folder = tmp_path / "class"
    folder.mkdir()
    source = f"""
        import os, time

        def output_size(*case):
            for _ in range(2):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        open("{tmp_path}/" + str(os.getpid()), "w").close()
                    time.sleep(600)
            time.sleep(600)
    """
    hand_in(folder / "ada.ipynb", textwrap.dedent(source))
    process = grade_in_process_of_its_own(folder, "--out", tmp_path / "out", "--unsafe")
    while len(list(tmp_path.glob("[0-9]*"))) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(end)
    process.communicate()
    assert left_over(adopting, seconds=60) == set()
    for path in tmp_path.glob("[0-9]*"):
        assert not Path("/proc", path.name).exists()


@confined
def test_a_course_that_is_installed_among_python_s_libraries_is_hidden_too(tmp_path, small):
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    libraries = next(environment.glob("lib/python3*/site-packages"))
    (libraries / "others.pth").write_text(os.path.dirname(os.path.dirname(pytest.__file__)))
    shutil.copytree(ROOT / "course_lib", libraries / "course_lib")
    (libraries / "beside.py").write_text("ONE = 1")
    others = [libraries / "course_lib-0.1-py3.egg", libraries / "checkout" / "course_lib" / "arithmetic.py"]
    shutil.make_archive(others[0], "zip", ROOT, "course_lib/grading")
    os.rename(f"{others[0]}.zip", others[0])
    others[1].parent.mkdir(parents=True)
    shutil.copy(ROOT / "course_lib" / "arithmetic.py", others[1])
    (libraries / "course_lib-0.2.dist-info").mkdir()
    source = json.dumps({"url": (libraries / "checkout").as_uri(), "dir_info": {"editable": True}})
    (libraries / "course_lib-0.2.dist-info" / "direct_url.json").write_text(source)
    places = {"ROOT": str(libraries), "CLASS": str(small), "OUT": str(tmp_path / "out")}
    places["CANARY"] = str(libraries / "course_lib" / "arithmetic.py")
    question = "same_padding"
    source = hostile.IN_FOUNDATIONS["reads"][question].cell(question, "")
    for place, value in places.items():
        source = source.replace(f"@{place}@", value)
    body = f"return tried(*(lambda path=path: open(path, 'rb').read() for path in {list(map(str, others))}))"
    imports = """
        import beside

        def output_size(size, kernel, stride, padding):
            return (size + 2 * padding - kernel) // stride + beside.ONE
    """
    hand_in(
        small / "eve.ipynb",
        source,
        hostile.attack(body).cell("correlate", ""),
        hostile.answer(imports).cell("output_size", ""),
    )
    command = [
        environment / "bin" / "python",
        "-m",
        "course_lib.grading.grade",
        *(small, "--out", tmp_path / "out", "--seed", "0"),
    ]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.run(command, capture_output=True, text=True, env=variables)
    assert process.returncode == 0, process.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    for question in ("same_padding", "correlate"):
        assert hostile.REFUSED in rows(report)["eve.ipynb", "foundations", question]["feedback"]
    assert rows(report)["eve.ipynb", "foundations", "output_size"]["status"] == "right"
    assert rows(report)["ada.ipynb", "foundations", "output_size"]["points"] == 0.1
