"""Run learners' code: a template process, without references and seeds, forks a child a question.

The grader (`course_lib.grading.grader`) starts a template and sends it descriptors over a socket. For each
set it forks a supervisor, which isolates itself, forks the confined child, ends it when its time is up, and
reports how it ended. The child reads its task from its own pipe, so that nothing of a learner's ever passes
through the memory of the next one's parent.
"""

import ast
import builtins
import contextlib
import importlib
import itertools
import json
import os
import re
import select
import signal
import socket
import struct
import sys
import time
from types import ModuleType

from course_lib.grading import sandbox
from course_lib.grading.answer import attempt

__all__ = ["LARGEST", "ORDER", "OUT_OF_MEMORY", "main", "program", "statements"]

ORDER = struct.Struct("=dQ")  # of a task: its seconds and its bytes of memory; three descriptors come with it
LARGEST = 4_000_000  # bytes of one line from a child
OUT_OF_MEMORY = 77  # a child's exit status
MAGIC = re.compile(r"\s*(?:[%!?]|.*\?\s*$)")
ASSIGNED_MAGIC = re.compile(r"(\s*[\w\s,.]+=\s*)[%!].*")
KEPT_CELL_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")


def main(order, heavy=False, unsafe=False, allowed=()):
    """Serve the socket with the descriptor `order` until its other end is closed."""
    commands = socket.socket(fileno=order)
    for name in ("numpy", "course_lib.backend") if heavy else ("numpy",):
        with contextlib.suppress(ImportError):  # the standard library is enough for most answers
            importlib.import_module(name)
    sys.path[:] = [path for path in sys.path if not os.path.exists(os.path.join(path, "course_lib"))]
    _stand_in()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the grader is interrupted, and then closes the socket
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    commands.sendall(b"+")
    while True:
        message, descriptors, _, _ = socket.recv_fds(commands, ORDER.size, 3)
        if len(message) < ORDER.size:
            return
        if os.fork() == 0:
            commands.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _supervise(*ORDER.unpack(message), *descriptors, None if unsafe else allowed)
        for descriptor in descriptors:
            os.close(descriptor)


def _supervise(seconds, memory, task, answers, ending, allowed):
    """Fork the child, wait for it, end it when its time is up, and write how it ended as JSON to `ending`."""
    report = {"exit": 1}
    try:
        sandbox.end_with_parent()
        ended, alive = os.pipe()  # the child alone holds `alive`, so `ended` is readable when it is gone
        child = os.fork()
        if child == 0:
            _child(seconds, memory, task, answers, alive, allowed)
        for descriptor in (task, answers, alive):
            os.close(descriptor)
        report = _wait(child, seconds, ended)
        if allowed is None:  # in a sandbox it can start no process
            with contextlib.suppress(OSError):
                os.killpg(child, signal.SIGKILL)
    finally:
        os.write(ending, json.dumps(report).encode())
        os._exit(0)


def _wait(child, seconds, ended):
    """Return how the child ended: {"exit": status}, {"signal": number} or {"timeout": True}."""
    deadline = time.monotonic() + seconds
    select.select([ended], [], [], seconds)
    while True:  # once, as a rule; a child that closed its end of the pipe may still run
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            return {"signal": -code} if code < 0 else {"exit": code}
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return {"timeout": True}
        time.sleep(0.001)


def _child(seconds, memory, task, answers, alive, allowed):
    """Confine this process, then do what the first line of the task asks for. Never returns."""
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.chdir("/")
        kept = sorted({2, task, answers, alive})
        for low, high in itertools.pairwise([*kept, 4096]):
            os.closerange(low + 1, high)
        sandbox.limit(memory, seconds)
        if allowed is not None:
            sandbox.confine(allowed)
    except BaseException as error:
        _say(answers, {"problem": f"{type(error).__name__}: {error}"})
        os._exit(1)
    try:
        _say(answers, {"confined": allowed is not None})
        lines = os.fdopen(task, "rb")
        order = json.loads(lines.readline())
        {"read": _read, "ask": _ask}[order["do"]](order, lines, answers)
        os._exit(0)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BaseException as error:
        try:
            _say(answers, {"failed": _failure(error)})
        finally:
            os._exit(1)


def _say(answers, data):
    line = memoryview(json.dumps(data).encode() + b"\n")
    while line:
        line = line[os.write(answers, line) :]


# To ask an answer


def _ask(order, lines, answers):
    """Run the program, then call what it calls `order["name"]` with each line of arguments that comes."""
    _offer(order["offered"])
    say, name, failure, read = _say, order["name"], _failure, lines.readline
    loads, attempted = json.loads, attempt  # whatever the program does to these modules
    module = sys.modules["__main__"] = ModuleType("__main__")
    scope = module.__dict__
    scope["display"] = lambda *_, **__: None
    try:
        exec(compile(order["program"], "answer", "exec", dont_inherit=True), scope)
    except BaseException as error:
        say(answers, {"failed": failure(error)})
        return
    if name not in scope:
        say(answers, {"failed": {"raised": "NameError", "message": f"name '{name}' is not defined"}})
        return
    say(answers, {"ready": True})
    while line := read():
        say(answers, attempted(scope[name], loads(line)))


def _failure(error):
    """Return the outcome of a program that failed, in the form of `attempt`'s."""

    def answer():
        raise error

    outcome = {**attempt(answer, []), "within": ""}
    if isinstance(error, ImportError) and str(error.name).startswith("course_lib"):
        outcome["message"] += "; the grader does not offer the course's own solution: write it yourself"
    return outcome


def _stand_in():
    """Put modules without references in the place of `course_lib`'s."""
    for name in [name for name in sys.modules if name.split(".")[0] == "course_lib"]:
        del sys.modules[name]

    def ignored(*_, **__):
        return None

    parts = {
        "course_lib": {"__path__": []},
        "course_lib.arithmetic": {},
        "course_lib.grading": dict.fromkeys(("check", "hint", "points", "progress"), ignored),
        "course_lib.backend": {"keras": sys.modules.get("keras")},
    }
    for name, contents in parts.items():
        module = sys.modules[name] = ModuleType(name)
        module.__dict__.update(contents)
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], own, module)


def _offer(offered):
    """Give the stand-in of a module what the chapter's exercises import from it: {module: source text}."""
    for name, source in offered.items():
        exec(compile(source, name, "exec", dont_inherit=True), sys.modules[name].__dict__)


# To read a notebook


def _read(order, lines, answers):
    """Find in the notebook that follows the program that defines each of `order["names"]`."""
    try:
        notebook = json.loads(lines.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        what = "too deeply nested" if isinstance(error, RecursionError) else "not JSON"
        return _say(answers, {"unreadable": f"it is {what}"})
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return _say(answers, {"unreadable": "it is JSON, but has no list of cells"})
    cells = [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    written, broken = [], []
    for cell in cells:
        source = cell.get("source")
        source = "".join(map(str, source)) if isinstance(source, list) else str(source)
        try:
            written += statements(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            broken.append((source, _described(error)))
    found = {}
    for name in order["names"]:
        definitions = [each for each in written if name in each.binds]
        if definitions:
            needed = program(name, written)
            found[name] = {
                "program": "\n".join(each.source for each in needed),
                "heavy": any(each.imports & set(order["heavy"]) for each in needed),
                "definitions": sum(not each.is_stub for each in definitions),
            }
        pattern = re.compile(rf"^\s*(?:def\s+{name}\b|{name}\s*=)", re.MULTILINE)
        failures = [why for source, why in broken if pattern.search(source)]
        if failures and all(each.is_stub for each in definitions):
            found[name] = {"broken": failures[-1]}
    _say(answers, {"found": found, "said_right": _said_right(cells, order["names"], order["sign"])})


def statements(source):
    """Return the statements at the top of a cell or module. Raises SyntaxError if it is no Python."""
    return [_Statement(source, node) for node in _parse(source).body]


def _described(error):
    if isinstance(error, SyntaxError):
        text = " ".join(str(error.text or "").split())[:80]
        return f"{error.msg}: `{text}`" if text else f"{error.msg}"
    return "it is nested too deeply"


def _parse(source):
    """Parse a cell; where it is no Python as it stands, without the lines that only IPython understands."""
    try:
        return ast.parse(source)
    except SyntaxError:
        lines = source.split("\n")
        first = next((line for line in lines if line.strip()), "")
        if first.startswith("%%") and first.split()[0] not in KEPT_CELL_MAGICS:
            return ast.parse("")
        return ast.parse("\n".join(map(_without_magic, lines)))


def _without_magic(line):
    if assigned := ASSIGNED_MAGIC.fullmatch(line):
        return f"{assigned[1]}None"
    if MAGIC.match(line) and not line.lstrip().startswith("#"):
        return f"{line[: len(line) - len(line.lstrip())]}pass"
    return line


class _Statement:
    """A statement at the top of a cell: its source; the names it binds, changes, uses and imports."""

    def __init__(self, source, node):
        decorators = getattr(node, "decorator_list", ())
        pieces = [f"@{ast.get_source_segment(source, each)}" for each in decorators]
        self.source = "\n".join([*pieces, ast.get_source_segment(source, node)])
        self.is_stub = _is_stub(node)
        self.binds, self.changes, self.uses, self.imports = set(), set(), set(), set()
        self.binds_any = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                (self.uses if isinstance(each.ctx, ast.Load) else self.binds).add(each.id)
            elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.binds.add(each.name)
            elif isinstance(each, ast.Import):
                self.imports.update(alias.name.split(".")[0] for alias in each.names)
                self.imports.update(alias.name for alias in each.names)
                self.binds.update(alias.asname or alias.name.split(".")[0] for alias in each.names)
            elif isinstance(each, ast.ImportFrom):
                self.imports.update({each.module or "", (each.module or "").split(".")[0]})
                self.imports.update(f"{each.module}.{alias.name}" for alias in each.names)
                self.binds.update(alias.asname or alias.name for alias in each.names)
            elif isinstance(each, ast.Subscript | ast.Attribute) and not isinstance(each.ctx, ast.Load):
                self.changes.add(_root(each))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.binds = {node.name}  # what is bound inside is the function's own
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self.changes.add(_root(node.value.func) if isinstance(node.value.func, ast.Attribute) else None)


def _root(node):
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_stub(node):
    """Say whether this is a function that was never written: all it does is raise NotImplementedError."""
    if not isinstance(node, ast.FunctionDef):
        return False
    body = [
        each
        for each in node.body
        if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
    ]
    raised = body[0].exc if len(body) == 1 and isinstance(body[0], ast.Raise) else None
    name = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(name, ast.Name) and name.id == "NotImplementedError"


def program(name, statements):
    """Return the statements that `name` needs, in the order of the notebook: all others need not run."""
    written = set().union(*(each.binds for each in statements if not each.is_stub))
    usable = [each for each in statements if not (each.is_stub and each.binds & written)]
    wanted, chosen = {name}, set()
    known = set(dir(builtins)).union(*(each.binds for each in usable))
    while True:
        more = {
            index
            for index, each in enumerate(usable)
            if index not in chosen
            and ((each.binds | each.changes) & wanted or (each.binds_any and wanted - known))
        }
        if not more:
            return [usable[index] for index in sorted(chosen)]
        chosen |= more
        wanted = wanted.union(*(usable[index].uses for index in more))


def _said_right(cells, names, sign):
    """Return the names whose check in the notebook shows, in its stored output, that they were right."""
    shown = []
    for cell in cells:
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            markup = output.get("data", {}).get("text/html", "") if isinstance(output, dict) else ""
            shown.append("".join(markup) if isinstance(markup, list) else str(markup))
    return [name for name in names if any(sign in each and f"· {name} ·" in each for each in shown)]
