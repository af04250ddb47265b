"""Make `exercises/` from `solutions/`: the same notebooks without solutions and outputs.

    python -m course_lib.grading.release            # write them
    python -m course_lib.grading.release --check    # say which are out of step, and fail if any is

The result is byte for byte what `nbgrader generate_assignment` makes, so nbgrader can collect and grade it:
solution regions become stubs, check cells are locked, and every cell with a part in grading has its checksum.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")


def release(text):
    """Return the exercise notebook for a solution notebook; both are the text of the file.

    Raises:
        ValueError: a solution region is nested or not closed, or its cell is not marked as a solution.
    """
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        role = cell["metadata"].get("nbgrader", {})
        source = _without_solution("".join(cell["source"]), role.get("solution", False))
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
            for field in ("collapsed", "scrolled"):
                cell["metadata"].pop(field, None)
        grade, solution = role.get("grade", False), role.get("solution", False)
        locked = not solution and (grade or role.get("locked", False))
        if grade or solution or locked:
            cell["metadata"]["deletable"] = False
            role["checksum"] = _checksum(source, cell["cell_type"], grade, solution, locked, role)
            role["cell_type"] = cell["cell_type"]
        if locked:
            cell["metadata"]["editable"] = False
        cell["source"] = source.splitlines(keepends=True)
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m course_lib.grading.release", description="Make exercises/ from solutions/."
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if an exercise is out of step"
    )
    options = parser.parse_args(arguments)
    solutions, exercises = ROOT / "solutions", ROOT / "exercises"
    wanted = {
        path.name: release(path.read_text(encoding="utf-8")) for path in sorted(solutions.glob("*.ipynb"))
    }
    found = {path.name: path.read_text(encoding="utf-8") for path in exercises.glob("*.ipynb")}
    stale = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    if options.check:
        if stale:
            sys.exit(f"Out of step: {', '.join(stale)}. Run: python -m course_lib.grading.release")
        print(f"{len(found)} exercises are in step with their solutions.")
        return
    exercises.mkdir(exist_ok=True)
    for name in stale:
        if name in wanted:
            (exercises / name).write_text(wanted[name], encoding="utf-8", newline="\n")
        else:
            (exercises / name).unlink()
    print(f"{len(wanted)} exercises, {len(stale)} of them changed.")


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


if __name__ == "__main__":
    main()
