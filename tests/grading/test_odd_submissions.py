"""One odd folder, notebook or answer costs nobody else anything, and the reports name what was left aside."""

import contextlib
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest

from course_lib.grading import grade, questions, sandbox, submission
from course_lib.grading.own import include

LACKS = sandbox.problem()
confined = pytest.mark.skipif(LACKS is not None, reason=f"Nothing can be confined here. {LACKS}")

OWN = '''
    """Ask for products."""

    from course_lib.grading.question import Chapter

    products = Chapter("products")


    @products.question(
        "Doubled",
        points=2,
        returns="a whole number",
        visible=([3],),
        draw=lambda rng: [rng.randint(4, 10**6)],
        slips={"2 * x -> x * x": "That is the square."},
        hints=("Multiply.",),
    )
    def double(x):
        """Return twice the number."""
        return 2 * x


    @products.question(
        "Is that three times?",
        points=2,
        returns="a whole number",
        visible=([3],),
        draw=lambda rng: [rng.randint(4, 10**6)],
        slips={"3 * x -> 2 * x": "That is twice the number."},
        hints=("Multiply.",),
    )
    def triple(x):
        """Return three times the number."""
        return 3 * x
'''
DOUBLE = "def double(x):\n    return 2 * x"
TRIPLE = "def triple(x):\n    return 3 * x"
FORGED = """
def triple(x):
    import os
    for descriptor in range(3, 99) if x != 3 else ():
        try:
            os.write(descriptor, b"[1]\\n")
        except OSError:
            pass
    return 9
"""
RIGHT = "<div><b>✔ Right</b> · {} · 2 of 2 points</div>"
STORED = (
    " The notebook shows a check that said Right: that may belong to an earlier state of the answer, or of"
)


def notebook(*sources, said_right=()):
    outputs = [{"data": {"text/html": [RIGHT.format(name)]}} for name in said_right]
    cells = [{"cell_type": "code", "source": source, "outputs": []} for source in sources]
    return json.dumps({"cells": [*cells, {"cell_type": "code", "source": "", "outputs": outputs}]})


def hand_in(folder):
    """Fill the folder of a class with what is odd, and with Zoe, who comes last and has two right answers."""
    whole = notebook(DOUBLE, TRIPLE)

    def save(path, text=whole):
        path = folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    for path in ("zoe/products.ipynb", "no_x/products.ipynb", "within/products.ipynb", "within/no_x/a.ipynb"):
        save(path)
    for path in ("caf\u00e9/products.ipynb", "cafe\u0301/products.ipynb", "Zoe/products.ipynb"):
        save(path)
    save(os.fsdecode(b"caf\xe9/products.ipynb"))
    save("no_r/products.ipynb")
    (folder / "no_r" / "products.ipynb").chmod(0)
    for path in ("no_x", "within/no_x"):
        (folder / path).chmod(0o400)
    top = os.open(folder, os.O_RDONLY)
    for name in ("deep", *("d" * 250 for _ in range(18))):  # which has no path that the kernel takes
        os.mkdir(name, dir_fd=top)
        top, above = os.open(name, os.O_RDONLY, dir_fd=top), top
        os.close(above)
    os.close(top)
    (folder / "pipes").mkdir()
    os.mkfifo(folder / "pipes" / "products.ipynb")
    os.mkfifo(folder / "pipe.ipynb")
    save("links/products.ipynb")
    for name, target in (("loop", "."), ("itself.ipynb", "itself.ipynb"), ("broken.ipynb", "nowhere")):
        os.symlink(target, folder / "links" / name)
    for number in range(submission.MOST_READ + 21):
        save(f"many/{number:03}.ipynb", notebook())
    save("notes.txt")
    save(".hidden/products.ipynb")
    # answers that are odd
    said = ("double", "triple")
    save(
        "changed.ipynb",
        notebook("def double(x):\n    return 7", "def triple(x):\n    return y", said_right=said),
    )
    save("empty.ipynb", notebook("def triple(x):\n    raise NotImplementedError()", said_right=said))
    save("torn.ipynb", notebook(DOUBLE, "def triple(x):\n    return 3 x", said_right=said))
    save("slow.ipynb", notebook(DOUBLE, "def triple(x):\n    while True:\n        pass", said_right=said))
    save("crashed.ipynb", notebook(DOUBLE, "def triple(x):\n    import os\n    os._exit(3)"))
    save("forged.ipynb", notebook(DOUBLE, FORGED))
    table = {case[0]: 2 * case[0] for case in questions.all_questions()["double"].cases()}
    save("knows.ipynb", notebook(f"def double(x):\n    return {table}.get(x, 0)", TRIPLE))
    return whole


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Grade the odd class once, as somebody whom permissions stop, and give what came of it."""
    base = tmp_path_factory.mktemp("odd")
    own = base / "own"
    own.mkdir()
    (own / "products.py").write_text(textwrap.dedent(OWN))
    before = dict(questions._own)
    include(own / "products.py")
    folder, out = base / "class", base / "out"
    folder.mkdir()
    hand_in(folder)
    bare = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    command = [sys.executable, "-m", "course_lib.grading.grade", folder, "--out", out, "--questions", own]
    command += ["--chapters", "products", "--timeout", "1", "--jobs", "2"]
    process = subprocess.run([*bare, *map(str, command)], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    with open(out / "report.csv", encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    yield SimpleNamespace(folder=folder, out=out, own=own, table=table, report=report, errors=process.stderr)
    questions._own.clear()
    questions._own.update(before)
    for path in ("no_x", "within/no_x"):
        (folder / path).chmod(0o700)
    subprocess.run(["rm", "-r", folder], check=True)  # shutil fails on the longest path


def answers(graded, learner):
    """Return {question: (points, status, feedback, flags)} of a learner."""
    return {
        row["question"]: (float(row["points"]), row["status"], row["feedback"], row["flags"])
        for row in graded.table
        if row["submission"] == learner and row["status"] not in ("left aside", "note")
    }


def left_aside(graded):
    return [row["feedback"] for row in graded.table if row["status"] == "left aside"]


@confined
@pytest.mark.parametrize(
    "learner", ["zoe", "Zoe", "caf\u00e9", "cafe\u0301", r"caf\udce9", "within", "links"]
)
def test_who_handed_in_right_answers_beside_odd_ones_has_all_points(graded, learner):
    for question in ("double", "triple"):
        assert answers(graded, learner)[question] == (2, "right", "All 13 cases are right.", "")
    pages = [one["slug"].lower() for one in graded.report["learners"]]
    assert len(set(pages)) == len(pages) == 20


@confined
@pytest.mark.parametrize(
    ("learner", "question", "why"),
    [
        ("no_x", "double", "permission denied"),
        ("no_r", "double", "permission denied"),
        ("within", "", "permission denied"),
        ("deep", "", "file name too long"),
        ("pipes", "double", "it is not a file"),
        ("pipe.ipynb", "", "it is not a file"),
    ],
)
def test_what_could_not_be_read_has_a_row_that_says_why(graded, learner, question, why):
    sentence = f"The notebook cannot be read: {why}. Hand it in again, as Jupyter saved it."
    assert answers(graded, learner)[question] == (0, "unreadable", sentence, "")


@confined
def test_all_that_was_left_aside_is_named_in_the_table_and_in_the_summary(graded):
    found, index = left_aside(graded), (graded.out / "index.html").read_text(encoding="utf-8")
    for text in (
        "notes.txt is neither a folder nor a notebook.",
        ".hidden is hidden, or made by a computer.",
        "links/loop is a link, which is not followed: hand in the file itself.",
        "links/itself.ipynb is a link, which is not followed: hand in the file itself.",
        "links/broken.ipynb is a link, which is not followed: hand in the file itself.",
        "within/no_x/a.ipynb cannot be read: permission denied.",
        "no_x/products.ipynb cannot be read: permission denied.",
        "pipe.ipynb cannot be read: it is not a file.",
    ):
        assert text in found
        path, _, why = text.partition(" ")
        assert f"<bdi>{path}</bdi></th><td>{why}</td>" in index
    (deep,) = [text for text in found if text.startswith("deep/")]
    assert "cannot be read: file name too long." in deep
    assert len(deep) < 250
    (many,) = [text for text in found if text.startswith("many ")]
    assert many.startswith("many holds 121 notebooks; the 100 that were changed last are read, and not `")
    assert many.count("`") == 40
    assert many.endswith("` and 1 more.")
    assert len(found) == 12


@confined
@pytest.mark.parametrize(
    ("learner", "question", "status", "says"),
    [
        ("changed", "double", "partly wrong", STORED),
        ("changed", "triple", "error", "NameError"),
        ("changed", "triple", "error", STORED),
        ("empty", "double", "not attempted", STORED),
        ("empty", "triple", "not attempted", "`triple` is still to be written." + STORED),
        ("torn", "triple", "error", "is no valid Python: invalid syntax"),
        ("torn", "triple", "error", STORED),
        ("slow", "triple", "timeout", ", or have had more time and memory."),
    ],
)
def test_an_answer_that_the_notebook_shows_as_right_and_is_not_says_so_and_is_flagged(
    graded, learner, question, status, says
):
    points, found, feedback, flags = answers(graded, f"{learner}.ipynb")[question]
    assert (points, flags) == (0, "right in the notebook, not here")
    assert found in status
    assert says in feedback


@confined
@pytest.mark.parametrize(
    ("learner", "question", "flag"),
    [
        ("crashed", "triple", "crashed"),
        ("forged", "triple", "sent something else than an answer"),
        ("knows", "double", "right for the cases of the check alone"),
    ],
)
def test_a_crash_a_forgery_and_a_table_of_the_check_s_cases_are_flagged(graded, learner, question, flag):
    assert answers(graded, f"{learner}.ipynb")[question][3] == flag
    index = (graded.out / "index.html").read_text(encoding="utf-8")
    flagged = index.split("Answers to look at</caption>")[1].split("</table>")[0]
    assert re.search(f"{learner}.ipynb.*?{question}.*?<td>{flag}</td>", flagged, re.DOTALL)
    assert "zoe" not in flagged


@confined
def test_no_sentence_ends_in_two_marks(graded):
    for path in [graded.out / "report.csv", *(graded.out / "gradescope").iterdir()]:
        assert not re.search(r"[.?!:]\.(\s|\"|$)", path.read_text(encoding="utf-8")), path


@confined
def test_a_random_seed_is_kept_to_oneself_and_its_hash_is_reported(graded):
    kept = graded.out / grade.KEPT / "seed"
    assert kept.stat().st_mode & 0o777 == 0o600
    seed = kept.read_text()
    digest = hashlib.sha256(seed.encode()).hexdigest()[:12]
    assert f"drawn at random; its SHA-256 begins with {digest}" == graded.report["facts"]["Seed"]
    for path in [path for path in graded.out.rglob("*") if path.is_file() and path != kept]:
        text = path.read_bytes().decode(errors="replace")
        assert seed not in text, path
        of_the_class = path.name in ("index.html", "report.csv", "report.json")
        assert (digest in text) == of_the_class, path


@confined
def test_date_limits_versions_and_what_weakens_the_sandbox_are_reported(graded):
    facts = graded.report["facts"]
    assert facts["Limits"] == "1 seconds and 2 GB a question, 12 seconds a learner, 2 at once"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d [+-]\d{4}", facts["Date"])
    assert facts["Versions"].startswith(f"Python {sys.version.split()[0]}, course_lib ")
    index = (graded.out / "index.html").read_text(encoding="utf-8")
    said = [row["feedback"] for row in graded.table if row["status"] == "note"]
    for what, which in facts.items():
        assert f"{what}: {which}" in said
        assert f"{what}</th><td>{which.replace('+', '&#43;')}</td>" in index.replace("+", "&#43;")
    is_root = os.geteuid() == 0
    assert (grade.AS_ROOT in said) == (grade.AS_ROOT in index) == (grade.AS_ROOT in graded.errors) == is_root


@pytest.mark.parametrize(("why", "end"), [("it broke", "broke."), ("it broke.", "broke."), ("why?", "why?")])
def test_a_reason_ends_with_one_mark_whatever_its_own(why, end):
    (row,) = submission.unreadable(why, {})
    assert row["feedback"].endswith(f"{end} Hand it in again, as Jupyter saved it.")


# Runs of their own, of one learner or two


@pytest.fixture
def pair(tmp_path, graded):
    """Return a folder with Ada and Zoe, who are right, and a function that grades it."""
    folder = tmp_path / "class"
    for learner in ("ada", "zoe"):
        (folder / learner).mkdir(parents=True)
        (folder / learner / "products.ipynb").write_text(notebook(DOUBLE, TRIPLE))

    def run(*arguments, out="out"):
        own = ["--questions", graded.own, "--chapters", "products"]
        grade.main([str(each) for each in (folder, "--out", tmp_path / out, *own, *arguments)])
        report = json.loads((tmp_path / out / "report.json").read_text(encoding="utf-8"))
        return {one["learner"]: one for one in report["learners"]}, report

    return folder, run


@confined
def test_the_same_command_keeps_its_seed_another_folder_has_another_and_a_given_one_goes_first(
    pair, tmp_path, capsys
):
    _, run = pair
    seeds = [run(*options)[1]["facts"]["Seed"] for options in ((), (), ("--seed", 7), ())]
    assert "2 of 2 were graded before" in capsys.readouterr().out  # by the second
    assert seeds[0] == seeds[1] == seeds[3]
    assert seeds[2] == "given; its SHA-256 begins with 7902699be42c"
    assert run(out="other")[1]["facts"]["Seed"] != seeds[0]
    (tmp_path / "out" / grade.KEPT / "seed").write_text("")  # by a full disk
    assert run()[1]["facts"]["Seed"] not in seeds


@confined
@pytest.mark.parametrize("vanishing", ["ada", "ada/products.ipynb"])
def test_what_vanishes_while_a_class_is_graded_costs_nobody_else_anything(pair, monkeypatch, vanishing):
    folder, run = pair

    def kept(*_):
        with contextlib.suppress(OSError):
            os.remove(folder / vanishing)
        shutil.rmtree(folder / "ada" if vanishing == "ada" else folder / "nothing", ignore_errors=True)

    monkeypatch.setattr(grade, "_kept", kept)
    found, _ = run()
    assert (found["zoe"]["points"], found["ada"]["points"]) == (4, 0)
    assert found["ada"]["notes"] or found["ada"]["chapters"][0]["questions"][0]["status"] == "unreadable"


@confined
def test_a_full_disk_is_said_in_one_line(pair, tmp_path, monkeypatch):
    _, run = pair

    def full(*_):
        raise OSError(28, "No space left on device")

    run("--seed", 7)
    before = (tmp_path / "out" / "index.html").read_bytes()
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SystemExit) as ended:
        run("--seed", 8)
    assert ended.value.code.startswith(
        f"The reports could not be written to {tmp_path / 'out'}: No space left"
    )
    assert (tmp_path / "out" / "index.html").read_bytes() == before
    assert not list((tmp_path / "out").rglob("*.part"))


@confined
def test_a_folder_of_an_earlier_version_is_graded_anew(pair, tmp_path):
    _, run = pair
    kept = tmp_path / "out" / grade.KEPT
    kept.mkdir(parents=True)
    rows = [{"question": "double", "points": 0, "status": "wrong"}]
    result = {"learner": "ada", "notes": [], "chapters": [{"chapter": "products", "questions": rows}]}
    (kept / "ada.json").write_text(json.dumps({"digest": "0" * 64, "result": result}))
    (tmp_path / "out" / "report.json").write_text(json.dumps({"safe": True, "learners": [result]}))
    assert run()[0]["ada"]["points"] == 4


class Answers:
    """Stand in the place of a grader: a notebook is {question: how many cases are right}, by its name."""

    def __init__(self, notebooks, clock, seconds=0):
        self.notebooks, self.clock, self.seconds = notebooks, clock, seconds
        self.asked, self.cases = [], []

    def read(self, path, names):
        found = self.notebooks[path.name]
        if found is None:
            return {"unreadable": "it is not JSON"}
        programs = {
            name: {"program": (path.name, count), "definitions": count and 1} for name, count in found.items()
        }
        return {"found": programs, "said_right": []}

    def ask(self, program, name, cases, **_):
        path, count = program
        self.asked.append((path, name))
        self.cases.append(len(cases))
        self.clock.now += self.seconds
        factor = {"double": 2, "triple": 3}[name]
        return [{"value": factor * case[0] if place < count else -1} for place, case in enumerate(cases)]


@pytest.fixture
def grade_one(tmp_path, graded, monkeypatch):
    """Return a function that grades the notebooks of a learner, given oldest first, and runs nothing."""
    clock = SimpleNamespace(now=0)
    monkeypatch.setattr(submission, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def grade_one(notebooks, seconds=0, budget=120, seed=1):
        (tmp_path / "class" / "ada").mkdir(parents=True, exist_ok=True)
        for when, path in enumerate(notebooks):
            (tmp_path / "class" / "ada" / path).write_text("")
            os.utime(tmp_path / "class" / "ada" / path, (when, when))
        grader = Answers(notebooks, clock, seconds)
        known = {"products": {name: questions.all_questions()[name] for name in ("double", "triple")}}
        options = {"seed": seed, "budget": budget}
        result = submission.grade_learner(grader, known, known, tmp_path / "class", "ada", **options)
        return result, grader

    return grade_one


ALL = {"double": 13, "triple": 13}
HALF = {"double": 13, "triple": 1}
NONE = {"double": 0, "triple": 0}


@pytest.mark.parametrize(
    ("notebooks", "judged", "counts"),
    [
        ({"a.ipynb": ALL, "b.ipynb": HALF, "c.ipynb": HALF}, "cb", "c"),
        ({"a.ipynb": HALF, "b.ipynb": ALL, "c.ipynb": HALF}, "cb", "b"),
        ({"01_products.ipynb": ALL, "b.ipynb": HALF, "c.ipynb": HALF}, "0c", "0"),
        ({"products.ipynb": NONE, "b.ipynb": ALL, "c.ipynb": HALF}, "cb", "b"),
        ({"a.ipynb": HALF, "b.ipynb": ALL, "products.ipynb": None, "d.ipynb": None}, "ba", "b"),
        ({"a.ipynb": {"double": 13}, "b.ipynb": {"triple": 13}}, "ba", "b"),
    ],
)
def test_of_several_notebooks_two_are_judged_and_the_better_counts_as_a_whole(
    grade_one, notebooks, judged, counts
):
    result, grader = grade_one(notebooks)
    assert list(dict.fromkeys(path[0] for path, _ in grader.asked)) == list(judged)
    (chapter,) = [chapter for chapter in result["chapters"] if chapter["chapter"]]
    assert chapter["notebook"][len("ada/")] == counts
    aside = {one["path"] for one in result["skipped"]}
    assert aside == {f"ada/{path}" for path in notebooks if path[0] not in judged}
    assert all(f"`{path}`" in chapter["notes"][0] for path in aside - {"ada/d.ipynb"})  # of no chapter


def test_a_budget_that_is_spent_ends_with_the_answer_that_spent_it(grade_one):
    result, grader = grade_one({"a.ipynb": ALL, "b.ipynb": ALL, "c.ipynb": ALL}, seconds=50, budget=120)
    assert [path for path, _ in grader.asked] == ["c.ipynb", "c.ipynb", "b.ipynb"]
    assert sum(row["points"] for row in result["chapters"][0]["questions"]) == 4


def test_an_answer_that_was_not_judged_has_no_points_and_a_flag(grade_one):
    result, grader = grade_one({"a.ipynb": ALL}, seconds=50, budget=20)
    assert len(grader.asked) == 1
    double, triple = result["chapters"][0]["questions"]
    assert (double["status"], double["points"]) == ("right", 2)
    assert (triple["status"], triple["points"], triple["flags"]) == ("not judged", 0, ["not judged"])
    assert triple["feedback"] == "It was not judged: the answers before it took the 20 seconds of a learner."


def test_a_right_answer_is_asked_as_many_cases_with_a_seed_as_by_the_check(grade_one):
    (checked, drawn) = (
        grade_one({"a.ipynb": ALL}, seed=seed)[1].cases for seed in (submission.CHECK_SEED, 2**63)
    )
    assert checked == drawn == [13, 13]
