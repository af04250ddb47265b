"""Solutions and exercises come from the questions, in nbgrader's form, and are in step with them."""

import dataclasses
import json

import pytest

from course_lib.grading import release as release_module
from course_lib.grading.questions import CHAPTERS, chapter_of
from course_lib.grading.release import exercise, main, solution

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
    return json.loads(exercise(notebook(*arguments, **role)))["cells"][0]


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
    """A course of one chapter, released into an empty folder."""
    monkeypatch.setattr(release_module, "ROOT", tmp_path)
    monkeypatch.setattr(release_module, "CHAPTERS", {"vgg": CHAPTERS["vgg"]})
    (tmp_path / "pyproject.toml").write_text('[tool.course]\nrepository = ""\n')
    main([])
    return tmp_path


def test_a_notebook_that_is_edited_missing_or_left_over_is_named_and_written_anew(course):
    path = course / "exercises" / "05_vgg.ipynb"
    main(["--check"])
    text = path.read_text()
    path.write_text(text.replace("NotImplementedError", "ValueError"))
    with pytest.raises(SystemExit, match=r"Out of step: exercises/05_vgg\.ipynb"):
        main(["--check"])
    path.unlink()
    (course / "solutions" / "99_old.ipynb").write_text("{}")
    with pytest.raises(SystemExit, match=r"Out of step: exercises/05_vgg\.ipynb, solutions/99_old\.ipynb"):
        main(["--check"])
    main([])
    main(["--check"])
    assert path.read_text() == text
    assert not (course / "solutions" / "99_old.ipynb").exists()


def test_a_check_changes_nothing(course):
    path = course / "exercises" / "05_vgg.ipynb"
    path.write_text("{}")
    with pytest.raises(SystemExit):
        main(["--check"])
    assert path.read_text() == "{}"


def test_outputs_are_kept_for_cells_that_have_not_changed(course):
    path = course / "solutions" / "05_vgg.ipynb"
    stored = json.loads(path.read_text())
    for cell in stored["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [cell["id"]]}]
            cell["execution_count"] = 7
    changed = next(cell for cell in stored["cells"] if cell["id"] == "class-map")
    changed["source"] = ["an older answer"]
    path.write_text(json.dumps(stored))
    main([])
    cells = {cell["id"]: cell for cell in json.loads(path.read_text())["cells"]}
    assert cells["class-map"]["outputs"] == []
    assert cells["class-map-check"]["outputs"][0]["text"] == ["class-map-check"]
    assert cells["vgg-rows"]["execution_count"] == 7


def test_an_address_gives_badge_and_install_line_to_solution_and_exercise():
    address = "https://github.com/someone/course"
    cells = json.loads(exercise(solution(chapter_of("vgg"), number=5, address=address)))["cells"]
    title, setup = ("".join(cell["source"]) for cell in cells[:2])
    assert title.endswith("/github/someone/course/blob/main/exercises/05_vgg.ipynb)")
    assert f"git+{address}" in setup


def test_tasks_of_every_chapter_are_shown_with_examples_that_are_computed():
    for stem, number in CHAPTERS.items():
        chapter = chapter_of(stem)
        cells = json.loads(solution(chapter, number=number))["cells"]
        texts = {cell["id"]: "".join(cell["source"]) for cell in cells}
        for question in chapter.questions:
            text = texts[f"{question.name.replace('_', '-')}-text"]
            assert text.count(" → ") + text.count("→ ") >= len(question.visible)
            assert "EXAMPLES" not in text


def test_a_slip_that_no_longer_fits_stops_a_release_and_its_check(course, monkeypatch):
    question = chapter_of("vgg").questions[0]
    broken = dataclasses.replace(question, slips={"nowhere -> there": "It is nowhere."}, slipped={})
    monkeypatch.setattr(chapter_of("vgg"), "questions", [broken, *chapter_of("vgg").questions[1:]])
    for arguments in ([], ["--check"]):
        with pytest.raises(SystemExit, match=f"the body of `{question.name}`. Received: 'nowhere'"):
            main(arguments)


def test_a_release_without_the_repository_says_what_it_needs(course):
    (course / "pyproject.toml").unlink()
    for arguments in ([], ["--check"]):
        with pytest.raises(SystemExit, match="clone it, and run this there"):
            main(arguments)
