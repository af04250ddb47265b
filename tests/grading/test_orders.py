"""What is right in a notebook that is run from top to bottom is right in the class."""

import json
import subprocess
import sys
from types import SimpleNamespace

import orders
import pytest
from test_grade import confined

from course_lib.grading import chapter_questions, grade

NAMES = [question.name for question in chapter_questions("foundations")]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Run all notebooks from top to bottom, and grade them as a class."""
    base = tmp_path_factory.mktemp("orders")
    folder, out, said = base / "class", base / "out", base / "said.json"
    folder.mkdir()
    for learner, order in orders.ORDERS.items():
        (folder / f"{learner}.ipynb").write_text(orders.notebook(orders.cells(order)))
    subprocess.run([sys.executable, orders.__file__, folder, said], check=True, capture_output=True, cwd=base)
    grade.main([str(folder), "--out", str(out), "--jobs", "2", "--seed", "20261130"])
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    statuses = {
        learner["learner"].removesuffix(".ipynb"): {
            row["question"]: (row["status"], row["feedback"]) for row in learner["chapters"][0]["questions"]
        }
        for learner in report["learners"]
    }
    return SimpleNamespace(said=json.loads(said.read_text()), statuses=statuses)


@confined
@pytest.mark.parametrize("learner", orders.ORDERS)
def test_what_is_right_from_top_to_bottom_is_right_in_the_class(graded, learner):
    assert graded.said[learner] == dict.fromkeys(NAMES, "right")
    wrong = {name: found for name, found in graded.statuses[learner].items() if found[0] != "right"}
    assert wrong == {}
