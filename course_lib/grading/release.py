"""Write `solutions/` and `exercises/` from the questions, which are the only source of both.

    python -m course_lib.grading.release                           # write them
    python -m course_lib.grading.release --check                   # say which are out of step; fail if any is
    python -m course_lib.grading.release mine/pooling.py --out work # an exercise of questions of one's own

A solution keeps the stored outputs of its cells that have not changed; `course_lib.notebooks execute` makes
new ones. An exercise is byte for byte what `nbgrader generate_assignment` makes of the solution, so nbgrader
can collect and grade it: solution regions become stubs, check cells are locked, and every cell with a part in
grading has its checksum.
"""

import argparse
import ast
import hashlib
import inspect
import json
import os
import re
import sys
import textwrap
from pathlib import Path

from course_lib import arithmetic
from course_lib.grading import own
from course_lib.grading.question import copy, show, sources, task
from course_lib.grading.questions import CHAPTERS, chapter_of
from course_lib.notebooks import badge, repository, setup

__all__ = ["exercise", "main", "solution"]

ROOT = Path(__file__).resolve().parents[2]
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")
WIDTH = 88  # of prose, and of an example's line
PLACE = "EXAMPLES"  # the line of a task where its examples stand, if not behind the first paragraph
NUMBERS = (
    "No",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
)
OFFERED = {  # what an exercise says of a function that it imports, as it can be called
    "output_size(size, kernel, stride=1, *, padding='valid')": (
        "how many windows fit along a side. Name the padding: `padding=1`."
    ),
    "conv2d_parameters(kernel, in_channels, filters)": "the weights and biases together.",
    "dense_parameters(inputs, units)": (
        "the weights and biases together: a weight for each pair, a bias for each unit."
    ),
    "receptive_field(stack)": (
        "three numbers: `.size`, `.jump` and `.offset`. `stack` is a list of layers `(kernel, stride)`."
    ),
}
WORKING = (
    "Replace each `raise NotImplementedError()` by your answer and run the check below it. A check tries the "
    "cases that you see and others that you don't, and names the mistake if it knows it. Stuck? Run "
    '`hint("{first}")` in a cell of your own; each call says a little more.'
)
CLOSING = (
    "## Points\n\nThe points of the checks above, in this session. `progress()` shows your best so far, over "
    "all chapters."
)


# From questions to a solution


def solution(chapter, *, number=None, address="", stored=None, source=None):
    """Return the text of the solved notebook of a chapter.

    Args:
        chapter: a `Chapter`.
        number: of the chapter in the course; None for a chapter of one's own.
        address: of the public repository, for badge and setup cell; empty if there is none.
        stored: the text of the notebook as it is; what its unchanged cells put out is kept.
        source: the file of a chapter of one's own, as the notebook's folder sees it.
    """
    stem = chapter.stem if number is None else f"{number:02}_{chapter.stem}"
    cells = [
        _markdown("title", _title(chapter, number, address, stem)),
        _code("setup", setup(address), tags=["setup"]),
        _code("imports", _imports(chapter, source)),
    ]
    for place, question in enumerate(chapter.questions, start=1):
        dashed = question.name.replace("_", "-")
        cells += [
            _markdown(f"{dashed}-text", _task_text(chapter, question, place)),
            _code(dashed, _answer(question), nbgrader=_role(question.name, solution=True)),
            _code(
                f"{dashed}-check",
                f'check("{question.name}", {question.name})',
                nbgrader=_role(f"check_{question.name}", points=question.points),
            ),
        ]
    cells += [
        _markdown("points-text", _filled(CLOSING)),
        _code("points", f'points("{chapter.stem}")'),
    ]
    if stored is not None:
        _keep_outputs(cells, json.loads(stored)["cells"])
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return _text(notebook)


def _markdown(name, text):
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(name, text, **metadata):
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": metadata,
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }


def _role(name, *, solution=False, points=None):
    """Return nbgrader's metadata of an answer's cell or, with points, of a check's."""
    role = {"grade": points is not None, "grade_id": name, "locked": points is not None, "schema_version": 3}
    return role | {"solution": solution, "task": False} | ({} if points is None else {"points": points})


def _title(chapter, number, address, stem):
    count = len(chapter.questions)
    total = sum(question.points for question in chapter.questions)
    words = f"{NUMBERS[count] if count < len(NUMBERS) else count} function{'s' * (count > 1)}, {total} points"
    if number is None:
        heading = f"# Exercises: {chapter.title}"
    else:
        heading = f"# Exercises {number:02}: {chapter.title}"
        words += f", on the chapter [{chapter.title}](../notebooks/{stem}.ipynb)"
    working = WORKING.format(first=chapter.questions[0].name)
    paragraphs = [
        heading,
        _filled(f"{words}. {chapter.about}"),
        _filled(f"{working} {chapter.enough} {chapter.given}"),
    ]
    if chapter.offers:
        paragraphs.append("\n".join(_offered(name) for name in chapter.offers))
    if address:
        paragraphs.append(badge(address, f"exercises/{stem}.ipynb"))
    return "\n\n".join(paragraphs)


def _offered(name):
    call = next((call for call in OFFERED if call.startswith(f"{name}(")), None)
    if call is not None:
        return _filled(f"- `{call}` returns {OFFERED[call]}", after="  ")
    function = getattr(arithmetic, name)  # which only a chapter of one's own offers
    purpose = (inspect.getdoc(function) or "").split("\n\n")[0]
    return _filled(f"- `{name}{inspect.signature(function)}`: {purpose}", after="  ")


def _imports(chapter, source):
    """Return the cell of imports: the standard library's, the course's, and the data that the paper gives."""
    outer = sorted(chapter.imports, key=lambda line: (not line.startswith("import "), line))
    course = [line for line in outer if "course_lib" in line]
    names = ["check", "hint", "points", "progress"]
    if source is not None:
        names.insert(2, "include")
    if chapter.offers:
        course.append(f"from course_lib.arithmetic import {', '.join(sorted(chapter.offers))}")
    course.append(f"from course_lib.grading import {', '.join(names)}")
    parts = ["\n".join(line for line in outer if line not in course), "\n".join(sorted(course))]
    parts += [_constant(chapter, name) for name in chapter.data]
    if source is not None:
        parts.append(f"include({source!r})")
    return "\n\n".join(part for part in parts if part)


def _constant(chapter, name):
    """Return the lines that define a constant of the question file, with the comment above them."""
    text = Path(inspect.getsourcefile(chapter.questions[0].reference)).read_text(encoding="utf-8")
    lines = text.split("\n")
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == name:
            first = node.lineno - 1
            while first and lines[first - 1].startswith("#"):
                first -= 1
            return "\n".join(lines[first : node.end_lineno])
    raise ValueError(f"The data of a chapter must be constants of its file. Received: {name!r}")


def _task_text(chapter, question, place):
    unit = "point" if question.points == 1 else "points"
    paragraphs = task(question.reference).split("\n\n")
    if question.visible:
        examples = f"```text\n{_examples(chapter, question)}\n```"
        if PLACE in paragraphs:
            paragraphs[paragraphs.index(PLACE)] = examples
        else:
            paragraphs.insert(1, examples)
    return "\n\n".join([f"## {place}. {question.title} ({question.points} {unit})", *paragraphs])


def _examples(chapter, question):
    """Write the visible cases with their results, a case a line where it fits."""
    home = question.reference.__globals__
    lines = []
    for case in question.visible:
        call = question.call(copy(case))
        for name in chapter.data:
            call = call.replace(show(home[name]), name)
        result = question.reference(*copy(case))
        if question.needs == "keras":
            result = f"{sum(parameters for *_, parameters in result):,} parameters"
        else:
            result = show(result, sys.maxsize)
        if len(call) + len(result) + 3 <= WIDTH - 2:
            lines.append(f"{call} → {result}")
        else:
            lines += [_folded(call, "", "    "), _folded(f"→ {result}", "    ", "       ")]
    return "\n".join(lines)


def _folded(text, first, after):
    """Fold a line at commas; what has none stays whole."""
    lines, line = [], first
    for part in re.split(r"(?<=,) ", text):
        if len(line) + len(part) + 1 > WIDTH - 2 and line.strip():
            lines.append(line.rstrip())
            line = after
        line += f"{part} "
    return "\n".join([*lines, line.rstrip()])


def _answer(question):
    head, body = sources(question.reference)
    if question.answer:
        body = textwrap.indent(textwrap.dedent(question.answer).strip("\n"), "    ")
    return f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"


def _filled(text, after=""):
    """Fill each paragraph to the width."""
    return "\n\n".join(
        textwrap.fill(
            " ".join(part.split()),
            WIDTH,
            subsequent_indent=after,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for part in text.split("\n\n")
    )


def _keep_outputs(cells, stored):
    """Give each code cell the output that is stored for it, if it is what it was."""
    before = {cell.get("id"): cell for cell in stored if cell["cell_type"] == "code"}
    for cell in cells:
        old = before.get(cell["id"])
        if old and cell["cell_type"] == "code" and "".join(old["source"]) == "".join(cell["source"]):
            cell.update(outputs=old["outputs"], execution_count=old["execution_count"])


def _text(notebook):
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


# From a solution to an exercise


def exercise(text):
    """Return the exercise notebook for a solution notebook; both are the text of the file.

    Raises:
        ValueError: a solution region is nested or not closed, or its cell is not marked as a solution.
    """
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        role = cell["metadata"].get("nbgrader", {})
        grade, solution = role.get("grade", False), role.get("solution", False)
        source = _without_solution("".join(cell["source"]), solution)
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
            for field in ("collapsed", "scrolled"):
                cell["metadata"].pop(field, None)
        locked = not solution and (grade or role.get("locked", False))
        if grade or solution or locked:
            cell["metadata"]["deletable"] = False
            role["checksum"] = _checksum(source, cell["cell_type"], grade, solution, locked, role)
            role["cell_type"] = cell["cell_type"]
        if locked:
            cell["metadata"]["editable"] = False
        cell["source"] = source.splitlines(keepends=True)
    return _text(notebook)


def _without_solution(source, is_solution):
    """Return the source with each solution region replaced by the stub, at the indent of its first marker."""
    lines, inside, replaced = [], False, False
    for line in source.split("\n"):
        if "BEGIN SOLUTION" in line:
            if inside:
                raise ValueError(
                    f"A solution region must be closed before the next begins. Received: {line!r}"
                )
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + stub for stub in STUB]
            inside = replaced = True
        elif "END SOLUTION" in line:
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError(f"A solution region must be closed. Received: {source!r}")
    if replaced and not is_solution:
        raise ValueError(f"A cell with a solution region must be marked as a solution. Received: {source!r}")
    if is_solution and not replaced:
        lines = STUB
    return "\n".join(lines)


def _checksum(source, cell_type, grade, solution, locked, role):
    """Return nbgrader's checksum of a cell: its source and its part in grading."""
    parts = [source, cell_type, str(grade), str(solution), str(locked), role["grade_id"]]
    if grade:
        parts.append(str(float(role["points"])))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


# The command


def main(arguments=None):
    """Write or check the notebooks; see the module. Exits with a sentence if something is not as required."""
    parser = argparse.ArgumentParser(
        prog="python -m course_lib.grading.release", description="Make solutions/ and exercises/."
    )
    parser.add_argument("file", nargs="?", type=Path, help="a Python file with questions of your own")
    parser.add_argument("--out", type=Path, help="the folder for the exercise of your own questions")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if one is out of step")
    options = parser.parse_args(arguments)
    if (options.file is None) != (options.out is None) or (options.file and options.check):
        parser.error("A file and --out belong together, and --check takes neither.")
    if options.file is not None:
        return _write_own(options.file, options.out)
    if not (ROOT / "pyproject.toml").is_file():
        sys.exit("The course's own exercises are written in its repository: clone it, and run this there.")
    misfits = [
        misfit
        for stem in CHAPTERS
        for question in chapter_of(stem).questions
        for misfit in own.misfits(question)
    ]
    if misfits:
        sys.exit("\n".join(misfits))
    wanted = _wanted()
    folders = (ROOT / "solutions", ROOT / "exercises")
    found = {path for folder in folders for path in folder.glob("*.ipynb")}
    stale = [
        path
        for path in sorted(wanted.keys() | found)
        if path not in found or path.read_text(encoding="utf-8") != wanted.get(path)
    ]
    if options.check:
        if stale:
            names = ", ".join(f"{path.parent.name}/{path.name}" for path in stale)
            sys.exit(f"Out of step: {names}. Run: python -m course_lib.grading.release")
        print(f"{len(CHAPTERS)} exercises and their solutions are in step with the questions.")
        return None
    for path in stale:
        if path in wanted:
            _write(path, wanted[path])
        else:
            path.unlink()
    print(f"{len(CHAPTERS)} exercises and their solutions; {len(stale)} files changed.")
    return None


def _wanted():
    """Return what `solutions/` and `exercises/` must hold: a dict from path to text."""
    wanted, address = {}, repository(ROOT)
    for stem, number in CHAPTERS.items():
        path = ROOT / "solutions" / f"{number:02}_{stem}.ipynb"
        stored = path.read_text(encoding="utf-8") if path.exists() else None
        text = solution(chapter_of(stem), number=number, address=address, stored=stored)
        wanted[path] = text
        wanted[ROOT / "exercises" / path.name] = exercise(text)
    return wanted


def _write_own(file, folder):
    """Write the exercise of a file of one's own; one that is there is not overwritten."""
    try:
        chapter = own.include(file)
    except ValueError as error:
        sys.exit(str(error))
    path = folder / f"{chapter.stem}.ipynb"
    if path.exists():
        sys.exit(f"An exercise must be new, as this one may hold answers. Received: {path}")
    source = Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()
    folder.mkdir(parents=True, exist_ok=True)
    _write(path, exercise(solution(chapter, source=source)))
    count = len(chapter.questions)
    print(f"{path}: {count} exercise{'s' if count > 1 else ''}.")


def _write(path, text):
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)  # in one step: a kill leaves no half of a notebook


if __name__ == "__main__":
    main()
