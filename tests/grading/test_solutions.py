"""Every solution earns full marks, every untouched exercise none, and the text shows what is checked."""

import ast
import inspect
import json
import math
import re

import pytest

from course_lib import arithmetic, grading
from course_lib.grading import learner
from course_lib.grading.question import show
from course_lib.grading.questions import CHAPTERS, chapter_of, lenet5
from course_lib.grading.release import ROOT

each_chapter = pytest.mark.parametrize(("chapter", "number"), list(CHAPTERS.items()))


def cells(folder, number, chapter, kind):
    notebook = json.loads((ROOT / folder / f"{number:02}_{chapter}.ipynb").read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def run(folder, number, chapter):
    """Execute the code cells, except the first, which only looks whether the course is installed."""
    namespace = {}
    for cell in cells(folder, number, chapter, "code"):
        if "setup" not in cell["metadata"].get("tags", []):
            exec("".join(cell["source"]), namespace)
    return namespace


@each_chapter
def test_the_solutions_earn_full_marks(chapter, number):
    run("solutions", number, chapter)
    assert str(grading.points(chapter)).startswith(f"{chapter}: 20 of 20 points")


@each_chapter
def test_untouched_exercises_earn_nothing_and_count_as_not_attempted(chapter, number):
    run("exercises", number, chapter)
    verdicts = [learner._verdicts[question.name] for question in grading.chapter_questions(chapter)]
    assert [(verdict.status, verdict.points) for verdict in verdicts] == [("not attempted", 0)] * len(
        verdicts
    )


@each_chapter
def test_every_question_has_its_cell_and_its_check_in_order(chapter, number):
    roles = [cell["metadata"]["nbgrader"] for cell in cells("solutions", number, chapter, "code")[2:-1]]
    asked = grading.chapter_questions(chapter)
    assert [role["grade_id"] for role in roles] == [
        name for question in asked for name in (question.name, f"check_{question.name}")
    ]
    assert [role["points"] for role in roles if role["grade"]] == [question.points for question in asked]


@each_chapter
def test_every_exercise_shows_its_visible_cases_and_points(chapter, number):
    text = "\n".join("".join(cell["source"]) for cell in cells("exercises", number, chapter, "markdown"))
    for position, question in enumerate(grading.chapter_questions(chapter), start=1):
        unit = "point" if question.points == 1 else "points"
        assert f"## {position}. {question.title} ({question.points} {unit})" in text
        for case in question.visible:
            result = question.reference(*case)
            if question.needs == "keras":
                result = f"{sum(parameters for *_, parameters in result):,} parameters"
            else:
                result = show(result, math.inf)
            line = f"{question.call(case)} → {result}"
            for name in chapter_of(chapter).data:
                line = line.replace(show(question.reference.__globals__[name]), name)
            assert line in " ".join(text.split())


@each_chapter
def test_no_line_of_an_example_is_too_wide_for_a_notebook(chapter, number):
    for cell in cells("exercises", number, chapter, "markdown"):
        for block in re.findall(r"```text\n(.*?)```", "".join(cell["source"]), flags=re.S):
            assert max(map(len, block.splitlines())) <= 86


@each_chapter
def test_the_head_of_an_exercise_says_how_to_call_what_it_imports(chapter, number):
    head = "".join(cells("exercises", number, chapter, "markdown")[0]["source"])
    for name in chapter_of(chapter).offers:
        (shown,) = re.findall(rf"^- `({name}\(.*\))` returns .*$", head, flags=re.M)
        signature = inspect.signature(getattr(arithmetic, name))
        needed = [  # options that no answer needs may be left out
            parameter
            for parameter in signature.parameters.values()
            if parameter.kind is not parameter.KEYWORD_ONLY or f"{parameter.name}=" in shown
        ]
        assert shown == f"{name}{signature.replace(parameters=needed)}"


@each_chapter
def test_hints_call_what_is_imported_as_it_can_be_called(chapter, number):
    for question in chapter_of(chapter).questions:
        for code in re.findall("`([^`]+)`", " ".join(question.hints)):
            try:
                calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
            except SyntaxError:  # a formula or a fragment
                continue
            for call in calls:
                if getattr(call.func, "id", "") in chapter_of(chapter).offers:
                    options = {option.arg: option for option in call.keywords}
                    inspect.signature(getattr(arithmetic, call.func.id)).bind(*call.args, **options)


@each_chapter
def test_no_exercise_shows_the_value_of_a_question_without_visible_cases(chapter, number):
    text = "\n".join("".join(cell["source"]) for cell in cells("exercises", number, chapter, "markdown"))
    for question in grading.chapter_questions(chapter):
        if not question.visible:
            assert show(question.reference()) not in text


@each_chapter
def test_every_prose_cell_before_an_answer_is_short(chapter, number):
    for cell in cells("solutions", number, chapter, "markdown")[1:-1]:
        _, task, *_ = "".join(cell["source"]).split("\n\n")
        assert 20 <= len(task.split()) <= 60


def test_the_exercise_gives_the_table_of_the_paper():
    imports = "".join(cells("exercises", 1, "lenet5", "code")[1]["source"])
    namespace = {}
    exec(imports, namespace)
    assert namespace["TABLE_I"] == lenet5.TABLE_I


@each_chapter
def test_the_grader_offers_what_the_exercises_import(chapter, number):
    code = "\n".join("".join(cell["source"]) for cell in cells("exercises", number, chapter, "code"))
    lines = re.findall(r"^from course_lib\.arithmetic import (.*)$", code, flags=re.M)
    assert {name for line in lines for name in line.split(", ")} == set(chapter_of(chapter).offers)
