"""The exercises are the solutions without solutions, in nbgrader's form, and in step."""

import json

import pytest

from course_lib.grading import release as release_module
from course_lib.grading.release import main, release

ROOT = release_module.ROOT


def notebook(source, cell_type="code", **role):
    role = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **role}
    cell = {
        "cell_type": cell_type,
        "id": "a",
        "metadata": {"nbgrader": role, "collapsed": True},
        "source": source,
    }
    if cell_type == "code":
        cell |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "28"}], "execution_count": 4}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def released(*arguments, **role):
    return json.loads(release(notebook(*arguments, **role)))["cells"][0]


SOLUTION = "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"


def test_a_solution_region_becomes_a_stub_at_its_indent():
    cell = released(SOLUTION, solution=True, grade_id="f")
    assert "".join(cell["source"]) == "def f(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


def test_a_solution_without_markers_becomes_a_stub_as_a_whole():
    cell = released("secret = 28", solution=True, grade_id="f")
    assert "".join(cell["source"]) == "# YOUR CODE HERE\nraise NotImplementedError()"


def test_outputs_and_counts_are_cleared():
    cell = released("check('f', f)", grade=True, locked=True, points=2, grade_id="check_f")
    assert (cell["outputs"], cell["execution_count"]) == ([], None)
    assert "collapsed" not in cell["metadata"]


def test_a_check_is_locked_and_a_solution_only_kept():
    check = released("check('f', f)", grade=True, locked=True, points=2, grade_id="check_f")["metadata"]
    solution = released(SOLUTION, solution=True, grade_id="f")["metadata"]
    assert (check["deletable"], check["editable"]) == (False, False)
    assert solution["deletable"] is False
    assert "editable" not in solution


def test_the_checksums_are_nbgrader_s():
    # As written by nbgrader 0.9.6, `nbgrader generate_assignment`, for these two cells.
    check = released(
        'check("impostor", impostor)', grade=True, locked=True, points=3, grade_id="check_impostor"
    )
    solution = released(SOLUTION, solution=True, grade_id="f")
    assert check["metadata"]["nbgrader"]["checksum"] == "e00c8902dda39cb6a9b114986f732b1c"
    assert solution["metadata"]["nbgrader"]["checksum"] == "442797c933e68e2367f4db0c9917a254"


@pytest.mark.parametrize(
    ("source", "role", "message"),
    [
        (
            "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
            {"solution": True},
            "before the next begins",
        ),
        ("### BEGIN SOLUTION\nx = 1", {"solution": True}, "must be closed"),
        (SOLUTION, {}, "must be marked as a solution"),
    ],
)
def test_a_broken_solution_region_is_refused(source, role, message):
    with pytest.raises(ValueError, match=message):
        released(source, grade_id="f", **role)


def test_the_exercises_are_in_step(capsys):
    main(["--check"])
    assert "in step" in capsys.readouterr().out


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setattr(release_module, "ROOT", tmp_path)
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "00_a.ipynb").write_text(notebook(SOLUTION, solution=True, grade_id="f"))
    main([])
    return tmp_path


def test_an_exercise_that_is_edited_missing_or_left_over_is_named(course):
    exercise = course / "exercises" / "00_a.ipynb"
    main(["--check"])
    text = exercise.read_text()
    exercise.write_text(text.replace("NotImplementedError", "ValueError"))
    with pytest.raises(SystemExit, match=r"Out of step: 00_a\.ipynb"):
        main(["--check"])
    exercise.unlink()
    with pytest.raises(SystemExit, match=r"Out of step: 00_a\.ipynb"):
        main(["--check"])
    (course / "exercises" / "99_old.ipynb").write_text("{}")
    with pytest.raises(SystemExit, match=r"Out of step: 00_a\.ipynb, 99_old\.ipynb"):
        main(["--check"])
    main([])
    main(["--check"])
    assert exercise.read_text() == text


def test_a_check_changes_nothing(course):
    exercise = course / "exercises" / "00_a.ipynb"
    exercise.write_text("{}")
    with pytest.raises(SystemExit):
        main(["--check"])
    assert exercise.read_text() == "{}"
