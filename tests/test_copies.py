"""The learner's copies in work/: what an update renews, what it keeps, and that tracked files stay clean."""

import json
import re
import subprocess

import nbformat
import pytest

from course_lib import notebooks
from course_lib.grading import submission

GUESS = 'predict("How many?", ...)'


def write(path, *sources, outputs=()):
    """Write a notebook with a code cell for each source; the outputs are texts of the first one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{at}") for at, source in enumerate(sources)]
    cells[0].outputs = [nbformat.v4.new_output("stream", text=text) for text in outputs]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


@pytest.fixture
def course(tmp_path):
    """A course with one chapter and one exercise, before anything is copied."""
    write(tmp_path / "notebooks" / "00_a.ipynb", GUESS)
    write(tmp_path / "exercises" / "00_a.ipynb", "answer = None")
    return tmp_path


@pytest.fixture
def copied(course):
    """The same course with its chapter copied; the fixture is the copy's path."""
    notebooks.copy_chapters(course)
    return course / "work" / "notebooks" / "00_a.ipynb"


def test_a_new_exercise_is_copied_and_an_answer_is_never_touched(course):
    notebooks.copy_exercises(course)
    write(course / "work" / "00_a.ipynb", "answer = 42")
    write(course / "exercises" / "00_a.ipynb", "answer = None  # newer")
    write(course / "exercises" / "01_b.ipynb", "answer = None")
    assert [path.name for path in notebooks.copy_exercises(course)] == ["01_b.ipynb"]
    assert sources(course / "work" / "00_a.ipynb") == ["answer = 42"]
    assert sorted(path.name for path in (course / "work").iterdir()) == ["00_a.ipynb", "01_b.ipynb"]


def test_a_copy_that_is_cut_short_leaves_no_exercise(course, monkeypatch):
    def cut_short(part, path):
        raise OSError("No space left")

    monkeypatch.setattr(notebooks.os, "replace", cut_short)
    with pytest.raises(OSError, match="No space left"):
        notebooks.copy_exercises(course)
    monkeypatch.undo()
    assert not (course / "work" / "00_a.ipynb").exists()
    notebooks.copy_exercises(course)
    assert sources(course / "work" / "00_a.ipynb") == ["answer = None"]


def test_an_update_renews_a_chapter_that_was_opened_and_run(course, copied):
    notebook = nbformat.read(copied, as_version=4)
    notebook.metadata["kernelspec"] = {"display_name": "My Python", "name": "mine"}
    notebook.cells[0].metadata["scrolled"] = True
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="run")]
    nbformat.write(notebook, copied)
    write(course / "notebooks" / "00_a.ipynb", GUESS, "the_update")
    assert notebooks.copy_chapters(course) == ([copied], {})
    assert sources(copied) == [GUESS, "the_update"]


def test_an_update_of_the_outputs_alone_arrives_too(course, copied):
    write(course / "notebooks" / "00_a.ipynb", GUESS, outputs=["a new picture"])
    assert notebooks.copy_chapters(course) == ([copied], {})
    assert "a new picture" in copied.read_text()


def test_without_an_update_a_run_and_a_guess_stay_where_they_are(course, copied):
    write(copied, GUESS, outputs=["run"])
    assert notebooks.copy_chapters(course) == ([], {})
    assert "run" in copied.read_text()
    write(copied, GUESS.replace("...", "42"))
    assert notebooks.copy_chapters(course) == ([], {})
    assert "42" in copied.read_text()


def test_an_update_keeps_each_chapter_that_the_learner_wrote_into_beside_the_new_one(course, copied):
    for round in ("first", "second"):
        write(copied, f"my {round}")
        write(course / "notebooks" / "00_a.ipynb", f"the {round} update")
        _, kept = notebooks.copy_chapters(course)
        assert sources(copied) == [f"the {round} update"]
        assert sources(copied.with_name(kept["00_a.ipynb"])) == [f"my {round}"]
    assert sorted(path.name for path in copied.parent.glob("*.ipynb")) == [
        "00_a (yours 2).ipynb",
        "00_a (yours).ipynb",
        "00_a.ipynb",
    ]


@pytest.mark.parametrize("content", ["", "no notebook", '{"cells": 3}'])
def test_a_copy_and_a_record_that_cannot_be_read_lose_nothing(course, copied, content):
    copied.write_text(content)
    (copied.parent / ".copied.json").write_text("{")
    _, kept = notebooks.copy_chapters(course)
    assert copied.with_name(kept["00_a.ipynb"]).read_text() == content
    assert sources(copied) == [GUESS]


def test_a_deleted_copy_comes_again(course, copied):
    copied.unlink()
    assert notebooks.copy_chapters(course) == ([copied], {})


def test_links_lead_from_a_copy_where_they_lead_from_the_original(course):
    write(
        course / "notebooks" / "00_a.ipynb",
        "[exercises](../exercises/00_a.ipynb) [next](01_b.ipynb) [contents](../README.md)",
        'Path("../runs") / "a"',
    )
    write(course / "exercises" / "00_a.ipynb", "[chapter](../notebooks/00_a.ipynb) [all](../README.md)")
    notebooks.copy_exercises(course)
    notebooks.copy_chapters(course)
    assert sources(course / "work" / "notebooks" / "00_a.ipynb") == [
        "[exercises](../00_a.ipynb) [next](01_b.ipynb) [contents](../../README.md)",
        'Path("../../runs") / "a"',
    ]
    assert sources(course / "work" / "00_a.ipynb") == ["[chapter](notebooks/00_a.ipynb) [all](../README.md)"]


def test_every_local_link_of_the_copies_leads_somewhere(tmp_path):
    for name in ("notebooks", "exercises", "README.md", "docs", "benchmarks"):
        (tmp_path / name).symlink_to(notebooks.ROOT / name)
    paths = [*notebooks.copy_exercises(tmp_path), *notebooks.copy_chapters(tmp_path)[0]]
    assert len(paths) > 10
    for path in paths:
        for source in sources(path):
            for link in re.findall(r"\]\(([^)#: ]*\.(?:ipynb|md|png))[)#]", source):
                assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_a_work_folder_that_is_handed_in_has_its_exercises_graded_and_no_chapter(course):
    notebooks.copy_exercises(course)
    notebooks.copy_chapters(course)
    found, _ = submission.notebooks(course / "work")
    assert found == [course / "work" / "00_a.ipynb"]


def test_tracked_files_stay_clean_after_reading_running_and_guessing(course):
    def git(*arguments):
        return subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            cwd=course,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    (course / ".gitignore").write_text((notebooks.ROOT / ".gitignore").read_text())
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "course")
    notebooks.copy_exercises(course)
    (path,) = notebooks.copy_chapters(course)[0]
    write(path, "guess = 42", "guess")
    notebooks.execute(path)
    assert "42" in json.dumps(nbformat.read(path, as_version=4).cells[1].outputs)
    assert git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    "content",
    ["[]", "3", "null", '{"00_a.ipynb": 3}', '{"00_a.ipynb": []}', '{"00_a.ipynb": {"a": 1, "b": 2}}'],
)
def test_a_record_of_another_form_counts_as_none(course, copied, content):
    record = copied.with_name(".copied.json")
    record.write_text(content)
    paths, kept = notebooks.copy_chapters(course)
    assert (paths, kept) == ([copied], {})
    assert notebooks.copy_chapters(course) == ([], {})
