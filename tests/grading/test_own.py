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
        (("(size, window):", "(size, window, stride=1):"), "must have a value for each argument. Received"),
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
    file.write_text(POOLING.replace(*change))
    with pytest.raises(ValueError, match=re.escape(message)):
        own.include(file)
    assert message in str(grading.include(file))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="which is none"):
        own.include(tmp_path / "none.py")
