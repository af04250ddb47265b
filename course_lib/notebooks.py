"""Keep the notebooks: copy the exercises to work on, run and store the outputs, write the public address.

    python -m course_lib.notebooks copy             # exercises you don't have yet, into work/
    python -m course_lib.notebooks execute [FILE…]  # run from top to bottom, store the outputs
    python -m course_lib.notebooks publish [URL]    # badges and install lines, from one address

The address of the repository is kept in one place, `[tool.course] repository` in pyproject.toml; while it is
empty, no badge and no install line is written.
"""

import argparse
import os
import re
import shutil
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETUP_WITHOUT_ADDRESS = """\
try:
    import course_lib
except ModuleNotFoundError:
    raise ModuleNotFoundError("course_lib is required. In the course's folder, run: make lab") from None"""
SETUP = """\
try:
    import course_lib
except ModuleNotFoundError:  # in Colab: course_lib alone; elsewhere, run: make lab
    %pip install --quiet --no-deps git+{address}"""
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({link})"


def copy(source=ROOT / "exercises", target=ROOT / "work"):
    """Copy each exercise that `target` does not have yet; an answer is never overwritten.

    Returns the list of paths that were copied.
    """
    target.mkdir(exist_ok=True)
    copied = []
    for exercise in sorted(source.glob("*.ipynb")):
        if not (target / exercise.name).exists():
            part = shutil.copy(exercise, target / f"{exercise.name}.part")
            os.replace(part, target / exercise.name)  # in one step: a kill leaves no half of an exercise
            copied.append(target / exercise.name)
    return copied


def execute(path):
    """Run the notebook at `path` in its own folder and store its outputs, without time stamps.

    Raises `nbclient.exceptions.CellExecutionError` at the first cell that fails; the file is then left as it
    was.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    here = {"metadata": {"path": path.parent}}
    NotebookClient(notebook, timeout=None, record_timing=False, resources=here).execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    _write(notebook, path)


def publish(address, root=ROOT):
    """Write the Colab badge and the install line of `address` into every notebook and document.

    An empty `address` takes them out again. Raises ValueError unless it is a repository on GitHub, which is
    what Colab opens, without `.git` at the end.
    """
    import nbformat

    known = isinstance(address, str) and re.fullmatch(
        r"(https://github\.com/[\w.-]+/[\w.-]+(?<!\.git))?", address
    )
    if not known:
        raise ValueError(f"An address like https://github.com/OWNER/NAME is required. Received: {address!r}")
    settings = root / "pyproject.toml"
    _replace(settings, r'(?m)^repository = ".*"', f'repository = "{address}"')
    for path in sorted(root.glob("notebooks/*.ipynb")):  # release writes the exercises and solutions
        notebook = nbformat.read(path, as_version=4)
        title, first = notebook.cells[0], next(cell for cell in notebook.cells if cell.cell_type == "code")
        title.source = re.sub(r"\n\n\[!\[Open in Colab\].*", "", title.source)
        if address:
            title.source += f"\n\n{badge(address, f'notebooks/{path.name}')}"
        first.source = setup(address)
        _write(notebook, path)
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
    if not count:
        raise ValueError(f"{path.name} must have a place for the address. Received: no match for {pattern!r}")
    path.write_text(text, encoding="utf-8")


def _write(notebook, path):
    import nbformat

    part = path.with_suffix(".part")
    nbformat.write(notebook, part)
    os.replace(part, path)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m course_lib.notebooks", description="Keep the notebooks.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("copy", help="copy the exercises that work/ does not have yet")
    run = commands.add_parser("execute", help="run notebooks and store their outputs (all, unless named)")
    run.add_argument("files", nargs="*", type=Path)
    address = commands.add_parser("publish", help="write badges and install lines from the address")
    address.add_argument("url", nargs="?", help="https://github.com/OWNER/NAME, or '' to take them out")
    options = parser.parse_args(arguments)
    if options.command == "copy":
        copied = copy()
        print(f"work/ has your exercises: {len(copied)} new, every other one as you left it.")
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
