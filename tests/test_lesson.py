"""Test what guesses and bands say, that a reader's guess stops nothing, and what nbval still notices."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course_lib import lesson, notebooks
from course_lib.lesson import band, predict, show


class Broken:
    """Fail whatever is asked of it."""

    def __repr__(self):
        raise RuntimeError("no words")

    __float__ = __str__ = __eq__ = __array__ = __repr__
    __hash__ = None


@pytest.fixture
def lenient(monkeypatch):
    """Run as in a learner's kernel, where nobody set COURSE_STRICT."""
    monkeypatch.delenv("COURSE_STRICT")


def test_a_prediction_without_a_guess_shows_where_to_write_one_and_then_the_value():
    guess = predict("Training error", ..., unit="%")
    assert repr(guess) == "Training error: Write your guess in place of `...`, and run the cell."
    assert "<code>...</code>" in guess._repr_mimebundle_()["text/html"]
    assert repr(guess.reveal(np.float32(23.44))) == "Training error: Measured 23.4 %."
    assert repr(guess.reveal(23)) == "Training error: It is 23 %."
    banded = guess.reveal(band(23.44, 20, 30, "%"))
    assert repr(banded) == "Training error: Measured 23.4 %, band 20 to 30 %."


def test_a_guess_hears_how_far_off_it_is():
    guess = predict("Training error", 20, unit="%")
    assert repr(guess) == "Training error: You say 20 %."
    assert repr(guess.reveal(25.0)).endswith("You said 20 %: 5 too low, 20 % of the value.")
    assert repr(guess.reveal(band(25, 20, 30, "%"))).endswith("20 %: 5 too low, 20 % of the value.")
    assert repr(guess.reveal(16)).endswith("You said 20 %: 4 too high, 25 % of the value.")
    assert repr(guess.reveal(0)).endswith("You said 20 %: 20 too high.")
    assert repr(guess.reveal(20)).endswith("You said 20 %: right.")
    assert repr(predict("Parameters", "61,706").reveal(60_000)).endswith(
        "1,706 too high, 2.84 % of the value."
    )
    assert repr(predict("Error", "20 %", unit="%").reveal(25.0)).endswith(
        "20 %: 5 too low, 20 % of the value."
    )


@pytest.mark.parametrize(
    ("guess", "value", "verdict"),
    [
        ((28, 28, 6), (28, 28, 6), "right."),
        ([28, 28, 6], (28, 28, 6), "right."),
        ("28x28x6", (28, 28, 6), "right."),
        ((28, 28, 6), (None, 28, 28), "not quite."),
        ("Conv1", "conv1", "right."),
        ("conv2", "conv1", "not quite."),
        (True, True, "right."),
        (True, 1, "a number was asked for."),
        (np.array(3), 3, "right."),
    ],
)
def test_a_guess_of_a_shape_or_a_word_is_right_or_not(guess, value, verdict):
    assert repr(predict("Which", guess).reveal(value)).endswith(f": {verdict}")


@pytest.mark.parametrize("value", [23.4, 23, (28, 28), "conv1", True, None, float("nan"), np.ones(3), [0.5]])
@pytest.mark.parametrize(
    "guess",
    ["many", (1, 2), {"a": 1}, float("nan"), 10**400, 1j, "", b"x", print, Broken(), np.ones(9), "<b>"],
)
def test_no_guess_stops_a_chapter(guess, value):
    answer = predict("How many", guess, unit="%").reveal(value)
    assert "You said" in repr(answer)
    assert "right." not in repr(answer)
    assert "<b>:" not in answer._repr_mimebundle_()["text/html"]


def test_a_band_shows_the_value_and_is_its_words_in_a_sentence():
    error = band(np.float32(23.44), 20, 30, "%")
    assert repr(error) == "measured 23.4 %, band 20 to 30 %"
    assert "measured 23.4 %, band 20 to 30 %" in error._repr_mimebundle_()["text/html"]
    assert error.words == lesson.text(error) == "20 to 30 %"
    assert repr(band(1234.5, 1000, 2000)) == "measured 1,234.5, band 1,000 to 2,000"
    assert repr(band(12, 10, 15, "epochs")) == "measured 12 epochs, band 10 to 15 epochs"
    assert repr(band(2.44e-11, 2e-11, 3e-11)) == "measured 2.4e-11, band 2e-11 to 3e-11"
    assert band(1.5, 0.9, 2.1, "%", digits=2).words == "0.90 to 2.10 %"


def test_both_ends_belong_to_the_band():
    assert band(0.9, 0.9, 2.1).inside
    assert band(2.1, 0.9, 2.1).inside


@pytest.mark.parametrize("value", [0.89, 2.11, float("nan"), float("inf"), None, "many", True, np.ones(3)])
def test_a_value_outside_its_band_is_an_error_in_a_test_and_a_note_for_a_learner(value, monkeypatch):
    with pytest.raises(ValueError, match=r"within 0\.9 to 2\.1 %\. Received: value="):
        band(value, 0.9, 2.1, "%")
    monkeypatch.delenv("COURSE_STRICT")
    outside = band(value, 0.9, 2.1, "%")
    assert not outside.inside
    assert ", band 0.9 to 2.1 %: outside the band, which holds" in repr(outside)
    assert outside.words == "0.9 to 2.1 %"


@pytest.mark.parametrize(("low", "high"), [(2, 1), (1, 1), (0, float("inf")), (float("nan"), 1), ("0", 1)])
def test_a_band_without_two_finite_ends_in_order_is_refused(low, high, lenient):
    with pytest.raises(ValueError, match="Received: low="):
        band(1, low, high)


def test_several_verdicts_show_one_below_the_other_and_a_dict_in_one_box(capsys):
    show(band(1.5, 1, 2), predict("Depth", 3).reveal(3), {"A": band(1.5, 1, 2), "B": band(2.5, 2, 3)})
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "measured 1.5, band 1 to 2",
        "Depth: It is 3. You said 3: right.",
        "A: measured 1.5, band 1 to 2",
        "B: measured 2.5, band 2 to 3",
    ]


CELL = """from course_lib.lesson import band, predict, show
show({"zones": band(84.2, 80, 90, "%")}, predict("Error", ..., unit="%").reveal(1.5e-7))
band(23.4, 20, 30, "%")"""


def stored(path, old="", new=""):
    """Execute the cell into a notebook at `path`, and replace `old` in its stored outputs."""
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)]), path)
    notebooks.execute(path)
    notebook = nbformat.read(path, as_version=4)
    places = 0
    for output in notebook.cells[0].outputs:
        for kind, words in output.data.items():
            places += words.count(old)
            output.data[kind] = words.replace(old, new)
    assert places
    nbformat.write(notebook, path)


def nbval(folder):
    """Run nbval from `folder`, not from the repository, and return what it printed."""
    root = str(notebooks.ROOT)
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "conftest", "-c", f"{root}/pyproject.toml"]
    command += ["--rootdir", root, "-p", "no:cacheprovider", "-rA", str(folder)]
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True).stdout


def test_nbval_passes_another_measured_value_and_notices_every_other_change(tmp_path):
    stored(tmp_path / "same.ipynb")
    stored(tmp_path / "value.ipynb", "measured 23.4 %", "measured 1,023.9 %")
    stored(tmp_path / "listed.ipynb", "measured 84.2 %", "measured 85.0 %")
    stored(tmp_path / "revealed.ipynb", "Measured 1.5e-07 %", "Measured 2 %")
    stored(tmp_path / "unit.ipynb", "measured 23.4 %", "measured 23.4 MB")
    stored(tmp_path / "words.ipynb", "band 80 to 90 %", "band 80 to 91 %")
    stored(tmp_path / "question.ipynb", "Error", "Terror")
    outcomes = re.findall(r"^(PASSED|FAILED) \S*?(\w+)\.ipynb", nbval(tmp_path), flags=re.M)
    assert {name: outcome for outcome, name in outcomes} == {
        "same": "PASSED",
        "value": "PASSED",
        "listed": "PASSED",
        "revealed": "PASSED",
        "unit": "FAILED",
        "words": "FAILED",
        "question": "FAILED",
    }


def test_execute_refuses_a_value_outside_its_band(tmp_path, lenient):
    path = Path(tmp_path) / "outside.ipynb"
    source = "from course_lib.lesson import band\nband(5, 1, 2)"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)
    with pytest.raises(Exception, match="must lie within 1 to 2"):
        notebooks.execute(path)
