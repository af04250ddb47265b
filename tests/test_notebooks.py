"""The notebook commands, and what holds for every notebook of the course."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest

from course_lib import notebooks

ROOT = Path(__file__).resolve().parent.parent
every_notebook = pytest.mark.parametrize(
    "path", notebooks.stored(), ids=lambda path: f"{path.parent.name}/{path.stem}"
)


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.fixture
def course(tmp_path):
    """A copy of what `publish` writes to."""
    for name in ("pyproject.toml", "README.md", "CITATION.cff"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    return tmp_path  # `release` writes the address into solutions and exercises


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_execute_stores_outputs_without_time_stamps_and_leaves_a_failing_notebook_alone(tmp_path):
    path = tmp_path / "a.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("6 * 7")]), path)
    notebooks.execute(path)
    (cell,) = code_cells(path)
    assert cell.outputs[0].data["text/plain"] == "42"
    assert cell.execution_count == 1
    assert "execution" not in cell.metadata
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        notebooks.execute(path)
    assert path.read_bytes() == before


def test_publish_writes_the_address_everywhere_and_takes_it_out_again(course):
    before = contents(course)
    notebooks.publish("https://github.com/someone/course", course)
    assert notebooks.repository(course) == "https://github.com/someone/course"
    for path in sorted(course.glob("notebooks/*.ipynb")):
        text = path.read_text()
        assert f"colab.research.google.com/github/someone/course/blob/main/notebooks/{path.name}" in text
        assert "%pip install --quiet --no-deps git+https://github.com/someone/course" in text
    assert "github/someone/course" in (course / "README.md").read_text()
    assert "repository-code: https://github.com/someone/course" in (course / "CITATION.cff").read_text()
    notebooks.publish("", course)
    assert contents(course) == before


@pytest.mark.parametrize(
    "address",
    [
        "someone/course",
        "https://example.org/a/b",
        "https://github.com/a/b; ls",
        "https://github.com/a/b.git",
        None,
    ],
)
def test_publish_refuses_what_colab_cannot_open_and_changes_nothing(course, address):
    before = contents(course)
    with pytest.raises(ValueError, match=r"Received: "):
        notebooks.publish(address, course)
    assert contents(course) == before


@every_notebook
def test_a_notebook_is_executed_once_from_top_to_bottom(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


@every_notebook
def test_a_notebook_starts_with_the_setup_cell_of_the_published_address(path):
    address = notebooks.repository()
    setup = notebooks.SETUP.format(address=address) if address else notebooks.SETUP_WITHOUT_ADDRESS
    assert code_cells(path)[0].source == setup


@every_notebook
def test_a_stored_output_names_no_machine_and_holds_no_warning(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            data = {kind: text for kind, text in output.get("data", {}).items() if kind != "image/png"}
            text = str(data) + output.get("text", "")
            assert not re.search(r"/(root|home|tmp|work|Users)/|0x[0-9a-f]{8,}", text), cell.source
            assert output.get("name") != "stderr", cell.source


@every_notebook
def test_a_picture_has_alt_text(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=)", cell.source)
            continue
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert len(output.data["text/plain"]) > 30, cell.source
                assert not output.data["text/plain"].startswith("<"), cell.source


@every_notebook
def test_no_cell_is_skipped_and_one_with_an_ignored_output_still_asserts(path):
    for cell in code_cells(path):
        marks = cell.source.upper() + " ".join(cell.metadata.get("tags", [])).upper()
        assert "NBVAL_SKIP" not in marks.replace("-", "_")
        if "NBVAL_IGNORE_OUTPUT" in marks.replace("-", "_"):
            assert re.search(r"\bassert\b|\bband\(", cell.source), cell.source


@every_notebook
def test_a_code_cell_fits_on_a_screen(path):
    cells = [cell for cell in code_cells(path) if "facts" not in cell.metadata.get("tags", [])]
    assert not [cell.source for cell in cells if cell.source.count("\n") >= 25]
