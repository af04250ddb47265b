"""Keep the notebooks: copy them to work on, run and store the outputs, write the public address.

    python -m course_lib.notebooks copy             # chapters and exercises, into work/
    python -m course_lib.notebooks execute [FILE…]  # run from top to bottom, store the outputs
    python -m course_lib.notebooks publish [URL]    # badges and install lines, from one address

The address of the repository is kept in one place, `[tool.course] repository` in pyproject.toml; while it is
empty, no badge and no install line is written.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import time
import tomllib
from pathlib import Path

from course_lib import checks

ROOT = Path(__file__).resolve().parent.parent
SETUP_WITHOUT_ADDRESS = """\
try:
    import course_lib
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "course_lib is required. In the course's folder, run: make lab"
    ) from None"""
SETUP = """\
try:
    import course_lib
except ModuleNotFoundError:  # in Colab: course_lib alone; elsewhere, run: make lab
    %pip install --quiet --no-deps git+{address}"""
LINK = re.compile(r'(\]\(|\\")\.\./(exercises/)?')  # in a chapter's JSON: `](../`, or `"../` in code
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({link})"


def copy_exercises(root=ROOT):
    """Copy each exercise that `work/` does not have yet; an answer is never overwritten.

    Returns the list of paths that were copied.
    """
    work = root / "work"
    work.mkdir(exist_ok=True)
    copied = []
    for exercise in sorted(root.glob("exercises/*.ipynb")):
        path = work / exercise.name
        if not path.exists():
            content = exercise.read_text(encoding="utf-8")
            _replace_file(path, content.replace("](../notebooks/", "](notebooks/"))
            copied.append(path)
    return copied


def copy_chapters(root=ROOT):
    """Copy the chapters into `work/notebooks/`, and renew a copy where the learner changed nothing.

    A learner who wrote into a cell has changed the copy; opening and running it has not. Such a copy is kept,
    under the name `NAME (yours).ipynb`, and the new chapter takes its place, so that its links lead on.

    Returns:
        The list of paths that were written, and a dict from the name of each chapter whose copy was kept to
        the name under which it is now.
    """
    work = root / "work" / "notebooks"
    work.mkdir(parents=True, exist_ok=True)
    record = work / ".copied.json"  # by name, digests of the copy as it came: of the file, and of its cells
    try:
        known = _pairs(json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):  # none yet, or unreadable: a copy that differs was changed
        known = {}
    copied = []
    kept = {}
    for chapter in sorted(root.glob("notebooks/*.ipynb")):
        path = work / chapter.name
        content = LINK.sub(_link_from_work, chapter.read_text(encoding="utf-8"))
        digests = [_digest(content), _digest(_sources(content))]
        last = known.get(chapter.name, [None, None])
        if path.exists():
            if digests[0] == last[0]:
                continue
            sources = _digest(_sources(path.read_text(encoding="utf-8", errors="replace")))
            if sources not in (last[1], digests[1]):
                kept[chapter.name] = _set_aside(path).name
        _replace_file(path, content)
        copied.append(path)
        known[chapter.name] = digests
        _replace_file(record, json.dumps(known, indent=1))
    return copied, kept


def _pairs(known):
    """Return those entries of a record of copies that are pairs; of anything but a dict, none."""
    if not isinstance(known, dict):
        return {}
    return {name: pair for name, pair in known.items() if isinstance(pair, list) and len(pair) == 2}


def _set_aside(path):
    """Rename a learner's copy to `NAME (yours).ipynb`, or `(yours 2)` and so on, and return the new path."""
    number = 1
    yours = path.with_name(f"{path.stem} (yours).ipynb")
    while yours.exists():
        number += 1
        yours = path.with_name(f"{path.stem} (yours {number}).ipynb")
    path.rename(yours)
    return yours


def _link_from_work(link):
    """Return how a link of a chapter begins in its copy: an exercise is one folder up, the rest is two."""
    start, exercises = link.groups()
    return f"{start}../" if exercises else f"{start}../../"


def _sources(content):
    """Return what the cells of a notebook say, without outputs, metadata and the order of its keys."""
    try:
        cells = [[cell["cell_type"], "".join(cell["source"])] for cell in json.loads(content)["cells"]]
    except (ValueError, TypeError, KeyError):  # no notebook: what it says is all of it
        return content
    return json.dumps(cells)


def _digest(content):
    return hashlib.sha256(content.encode()).hexdigest()


def _replace_file(path, content):
    """Write a text file in one step: a kill leaves the old one or the new one."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(content, encoding="utf-8")
    os.replace(part, path)


def execute(path):
    """Run the notebook at `path` in its own folder and store its outputs, without time stamps.

    Raises `nbclient.exceptions.CellExecutionError` at the first cell that fails, also at a value outside its
    band; the file is then left as it was.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    here = {"metadata": {"path": path.parent}}
    strict = {**os.environ, "COURSE_STRICT": "1"}
    NotebookClient(notebook, timeout=None, record_timing=False, resources=here).execute(env=strict)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    _replace_file(path, f"{nbformat.writes(notebook)}\n")


def publish(address, root=ROOT):
    """Write the Colab badge and the install line of `address` into every notebook and document.

    An empty `address` takes them out again. Raises ValueError unless it is a repository on GitHub, which is
    what Colab opens, without `.git` at the end.
    """
    import nbformat

    pattern = r"(https://github\.com/[\w.-]+/[\w.-]+(?<!\.git))?"
    known = isinstance(address, str) and re.fullmatch(pattern, address)
    checks.require(known, "An address like https://github.com/OWNER/NAME is required.", f"{address!r}")
    settings = root / "pyproject.toml"
    _replace(settings, r'(?m)^repository = ".*"', f'repository = "{address}"')
    for path in sorted(root.glob("notebooks/*.ipynb")):  # release writes the exercises and solutions
        notebook = nbformat.read(path, as_version=4)
        title, first = notebook.cells[0], next(cell for cell in notebook.cells if cell.cell_type == "code")
        title.source = re.sub(r"\n\n\[!\[Open in Colab\].*", "", title.source)
        if address:
            title.source += f"\n\n{badge(address, f'notebooks/{path.name}')}"
        first.source = setup(address)
        _replace_file(path, f"{nbformat.writes(notebook)}\n")
    first = badge(address, "notebooks/00_foundations.ipynb") if address else ""
    marked = f"<!-- badge -->{first}<!-- /badge -->"
    _replace(root / "README.md", r"(?s)<!-- badge -->.*?<!-- /badge -->", marked)
    line = f"\nrepository-code: {address}" if address else ""
    _replace(root / "CITATION.cff", r"(?m)^(license: .*)(\nrepository-code: .*)?", rf"\1{line}")


def stored(root=ROOT):
    """Return the paths of the notebooks whose outputs are stored: the chapters and the solutions."""
    return [*sorted(root.glob("notebooks/*.ipynb")), *sorted(root.glob("solutions/*.ipynb"))]


def repository(root=ROOT):
    """Return the public address of the repository, or an empty string while there is none."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["course"]["repository"]


def badge(address, file):
    """Return the badge that opens a file of the public repository in Colab, as Markdown."""
    colab = address.replace("https://github.com", "https://colab.research.google.com/github")
    return BADGE.format(link=f"{colab}/blob/main/{file}")


def setup(address):
    """Return the first code cell of a notebook: it looks whether the course is installed."""
    return SETUP.format(address=address) if address else SETUP_WITHOUT_ADDRESS


def _replace(path, pattern, replacement):
    text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), count=1)
    required = f"{path.name} must have a place for the address."
    checks.require(count, required, f"no match for {pattern!r}")
    _replace_file(path, text)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m course_lib.notebooks", description="Keep the notebooks.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("copy", help="copy chapters and exercises into work/")
    run = commands.add_parser("execute", help="run notebooks and store their outputs (all, unless named)")
    run.add_argument("files", nargs="*", type=Path)
    address = commands.add_parser("publish", help="write badges and install lines from the address")
    address.add_argument("url", nargs="?", help="https://github.com/OWNER/NAME, or '' to take them out")
    options = parser.parse_args(arguments)
    if options.command == "copy":
        new = len(copy_exercises())
        copied, kept = copy_chapters()
        print(f"work/ has your exercises: {new} new, every other one as you left it.")
        print(f"work/notebooks/ has the chapters to write into: {len(copied)} new or renewed.")
        for name, yours in kept.items():
            print(f"  You had changed {name}. Yours is kept as {yours}, beside the new one.")
    elif options.command == "execute":
        for file in options.files or stored():
            start = time.monotonic()
            print(f"{file.name} ...", end=" ", flush=True)
            execute(file)
            print(f"{time.monotonic() - start:.0f} s")
    else:
        try:
            publish(repository() if options.url is None else options.url.rstrip("/").removesuffix(".git"))
        except ValueError as error:
            sys.exit(str(error))
        from course_lib.grading import release

        release.main([])


if __name__ == "__main__":
    main()
