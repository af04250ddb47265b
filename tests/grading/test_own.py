"""Questions of one's own are taken in from a file, after all that could fail later has been looked at."""

import json
import re
import subprocess
import sys

import pytest

from course_lib import grading
from course_lib.grading import own, questions, release

POOLING = '''
from course_lib.grading.question import Chapter

pooling = Chapter("pooling", title="Pooling", about="They count windows.")


@pooling.question(
    "Size after pooling",
    points=2,
    returns="a whole number",
    visible=([28, 2], [7, 2]),
    draw=lambda rng: [rng.randint(8, 64), rng.randint(2, 5)],
    slips={"size // window -> -(-size // window)": "That is ceil, not floor: a window must fit."},
    hints=("How many whole windows lie side by side?",),
)
def pooled_size(size, window):
    """
    How many windows, side by side, fit into a map of `size` by `size` pixels?

    What is left over is dropped.
    """
    return size // window
'''


PREAMBLE = """
import functools

CALLS = []


def wrapping(function):
    return functools.wraps(function)(lambda *case: function(*case))

"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(questions, "_own", {})
    path = tmp_path / "pooling.py"
    path.write_text(POOLING)
    return path


def test_a_check_knows_the_questions_of_an_included_file(file):
    assert "1 question of your own" in str(grading.include(file))
    assert "Right" in str(grading.check("pooled_size", lambda size, window: size // window))
    assert "ceil, not floor" in str(grading.check("pooled_size", lambda size, window: -(-size // window)))
    assert str(grading.points("pooling")).startswith("pooling: ")
    assert "1 question of your own" in str(grading.include(file))  # again, after a change


def test_a_command_makes_an_exercise_whose_check_knows_it(file, tmp_path):
    release.main([str(file), "--out", str(tmp_path / "work")])
    path = tmp_path / "work" / "pooling.ipynb"
    cells = json.loads(path.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert "include('../pooling.py')" in code[1]
    assert "raise NotImplementedError()" in code[2]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "pooled_size(size=7, window=2) → 3" in text
    program = "\n".join([*code[:2], "def pooled_size(size, window):\n    return size // window", code[3]])
    run = subprocess.run(
        [sys.executable, "-c", f"{program.rstrip()}\nprint(points('pooling'))"],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pooling: 2 of 2 points" in run.stdout
    with pytest.raises(SystemExit, match="may hold answers"):
        release.main([str(file), "--out", str(tmp_path / "work")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("    return size // window", "    return size / 0"),
            "`pooled_size` fails for the arguments [28, 2]",
        ),
        (("(size, window):", "(size):"), "must have a value for each argument. Received: [28, 2]"),
        (
            ("(size, window):", "(size, window, stride=1):"),
            "without defaults and stars. Received: `stride=1`",
        ),
        (("(size, window):", "(size, *, window):"), "without defaults and stars. Received: `window`"),
        (("(size, window):", "(*size):"), "without defaults and stars. Received: `*size`"),
        (("pooled_size(", "sum("), "must have a name that nothing else has. Received: `sum`"),
        (("pooled_size(", "hint("), "must have a name that nothing else has. Received: `hint`"),
        (("    return size // window\n", ""), "must have a body"),
        (('    """\n    How many', '    f"""\n    How many'), "must have a docstring"),
        (("points=2", "points=True"), "must have whole points, 1 or more. Received: points=True"),
        (("points=2", 'points=2, tolerance="1"'), "must have a tolerance of 0 or more. Received"),
        (("points=2", 'points=2, needs="numpy"'), "must need \"keras\" or nothing. Received: needs='numpy'"),
        (('lie side by side?",)', 'lie side by side?")'), "must have a tuple of hints, strings. Received"),
        (("visible=([28, 2], [7, 2])", "visible=([28, 2])"), "must show lists of arguments. Received"),
        (
            ("[rng.randint(8, 64), rng.randint(2, 5)]", "8"),
            "must have a value for each argument. Received: 8",
        ),
        (('slips={"size', 'slips={3: "A number.", "size'), "must be `old -> new`, a tuple of these or"),
        (("-> -(-size // window)", "-> (size"), "must leave Python that can be run. Received"),
        (('a window must fit."},', 'a window must fit."}.items(),'), "must have a dict of slips. Received"),
        (
            ("    return size // window", "    return {'size': size // window}"),
            "must return numbers, strings",
        ),
        (
            ("    return size // window", "    CALLS.append(size)\n    return len(CALLS)"),
            "must return the same each time. Received for [28, 2]: 1, then 2",
        ),
        (("    return size // window", "    # END SOLUTION\n    return size // window"), "must not contain"),
        (("@pooling", "import sys\n\nsys.exit(3)\n\n\n@pooling"), "be run. Received: SystemExit: 3"),
        (('Chapter("pooling"', 'Chapter("max pooling"'), "A stem must be a word of letters"),
        (('Chapter("pooling"', "Chapter(3"), "A stem must be a word of letters"),
        (('title="Pooling"', 'offers=("no_formula",)'), "be a function of course_lib.arithmetic. Received"),
        (('title="Pooling"', 'data=("TABLE",)'), "must be constants of its file. Received: 'TABLE'"),
        (('title="Pooling"', 'data="TABLE"'), "must be a tuple of strings. Received: 'TABLE'"),
        (("def pooled_size", "@functools.cache\ndef pooled_size"), "must be a function that `def` defines"),
        (
            ("def pooled_size", "@wrapping\ndef pooled_size"),
            "must have no decorator but that of the question",
        ),
        (("size // window -> -(", "sizes -> -("), "Received: 'sizes', which stands there 0 times"),
        (("-> -(-size // window)", "-> (size) // window"), "is right in every case: That is ceil"),
        (("-> -(-size // window)", "-> size // 0"), "fails in every case: That is ceil"),
        (("points=2", "points=0"), "must have whole points, 1 or more. Received: points=0"),
        (("visible=([28, 2], [7, 2]),", ""), "must show at least one"),
        (
            ('hints=("How many whole windows lie side by side?",),', "hints=(),"),
            "must have at least one hint",
        ),
        (("pooled_size(", "output_size("), "is the name of a question of the chapter foundations"),
        (('Chapter("pooling"', 'Chapter("vgg"'), "must have a stem of its own. Received: 'vgg'"),
        (
            ("from course_lib", "from no_library"),
            "must be Python that can be run. Received: Module",
        ),
        (("    return size // window", "    return (size,)"), "must return numbers, strings"),
        (("pooling = Chapter", "first = Chapter('a')\npooling = Chapter"), "must define one Chapter"),
    ],
)
def test_what_would_fail_a_learner_is_said_when_the_file_is_taken_in(file, change, message):
    file.write_text(PREAMBLE + POOLING.replace(*change))
    with pytest.raises(ValueError, match=re.escape(message)):
        own.include(file)
    assert message in str(grading.include(file))


def test_a_lambda_is_refused(file):
    options = POOLING[POOLING.index("@pooling") + 1 : POOLING.index("def pooled_size")].rstrip()
    file.write_text(f"{POOLING[: POOLING.index('@pooling')]}{options}(lambda size, window: size // window)\n")
    with pytest.raises(ValueError, match="must be a function that `def` defines"):
        own.include(file)


def test_what_is_no_python_file_is_refused(tmp_path):
    (tmp_path / "questions.txt").write_text(POOLING)
    for path in (tmp_path / "none.py", tmp_path / "questions.txt", tmp_path, 3, None):
        with pytest.raises(ValueError, match="A Python file with questions is required"):
            own.include(path)
        assert "A Python file with questions is required" in str(grading.include(path))


def test_two_files_do_not_share_a_stem(file, tmp_path):
    own.include(file)
    other = tmp_path / "other.py"
    other.write_text(POOLING)
    with pytest.raises(ValueError, match=r"must have a stem of its own\. Received: 'pooling', that of"):
        own.include(other)
    own.include(file)


@pytest.mark.parametrize(
    "change",
    [
        ("@pooling", "while True:\n    pass\n\n\n@pooling"),
        ("lambda rng: [", "lambda rng: [endless()] + ["),
        ("    return size // window", "    while True:\n        pass\n    return size // window"),
    ],
)
def test_a_file_that_never_ends_is_given_up(file, monkeypatch, change):
    monkeypatch.setattr(own, "SECONDS", 0.3)
    file.write_text(f"def endless():\n    while True:\n        pass\n\n{POOLING.replace(*change)}")
    with pytest.raises(ValueError, match=r"must be looked at within 0\.3 seconds of computing"):
        own.include(file)


def test_an_exercise_says_what_it_offers_of_the_arithmetic(file, tmp_path):
    file.write_text(POOLING.replace('title="Pooling"', 'title="Pooling", offers=("dense_macs",)'))
    release.main([str(file), "--out", str(tmp_path / "work")])
    assert "- `dense_macs(" in (tmp_path / "work" / "pooling.ipynb").read_text()
