"""Run learners' code: a template process, without references and seeds, forks a child a question.

The grader (`course_lib.grading.grader`) starts a template and sends it descriptors over a socket. For each
set it forks a child, ends it when its time is up, and reports how it ended. The child confines itself, then
reads its task from its own pipe: nothing of a learner's ever passes through the memory of the next one's
parent.
"""

import __future__

import ast
import builtins
import contextlib
import gc
import importlib
import itertools
import json
import os
import re
import select
import signal
import socket
import struct
import symtable
import sys
import time
from types import ModuleType, SimpleNamespace

from course_lib.grading import sandbox
from course_lib.grading.answer import attempt

__all__ = ["BY_THE_CLOCK", "LARGEST", "ORDER", "OUT_OF_MEMORY", "main", "program", "statements"]

ORDER = struct.Struct("=dQ")  # of a task: its seconds and its bytes of memory; three descriptors come with it
LARGEST = 4_000_000  # bytes of one line from a child
BY_THE_CLOCK = 3  # times the seconds of computing: who waits for a processor is not cut off
THREADS = {False: 32, True: 512}  # of an answer without and with TensorFlow
OUT_OF_MEMORY = 77  # a child's exit status
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
    gc.freeze()  # a fork then copies fewer pages
    commands.sendall(b"+")
    running = {}  # by the descriptor that tells when a child is gone
    while True:
        due = min((child.due for child in running.values()), default=None)
        wait = None if due is None else max(0.0, due - time.monotonic())
        watched = [each for each, child in running.items() if not child.has_let_go]
        ready, _, _ = select.select([commands, *watched], [], [], wait)
        for descriptor in [
            each for each in running if each in ready or running[each].due <= time.monotonic()
        ]:
            if running[descriptor].look(unsafe):
                os.close(descriptor)
                del running[descriptor]
        if commands in ready:
            message, descriptors, _, _ = socket.recv_fds(commands, ORDER.size, 3)
            if len(message) < ORDER.size:
                return
            ended, child = _start(
                *ORDER.unpack(message), *descriptors, None if unsafe else allowed, THREADS[heavy]
            )
            running[ended] = child


def _start(seconds, memory, task, answers, ending, allowed, threads):
    """Fork a child for a task; return the descriptor that tells when it is gone, and a `_Running`."""
    ended, alive = os.pipe()  # the child alone holds `alive`
    pid = os.fork()
    if pid == 0:
        _child(seconds, memory, task, answers, alive, allowed, threads)
    for descriptor in (task, answers, alive):
        os.close(descriptor)
    return ended, _Running(pid, ending, seconds)


class _Running:
    """A child, until it is gone; then how it ended is written to the descriptor `ending`, as JSON."""

    def __init__(self, pid, ending, seconds):
        self.pid, self.ending, self.seconds = pid, ending, seconds
        self.deadline = time.monotonic() + BY_THE_CLOCK * seconds
        # When to look at it again, and whether it closed its end of the pipe and goes on.
        self.due, self.has_let_go = self.deadline, False

    def look(self, unsafe):
        """Say whether it is gone: {"exit": status}, {"signal": number} or {"timeout": True}."""
        pid, status, used = os.wait4(self.pid, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if pid else None
        report = {"signal": -code} if pid and code < 0 else {"exit": code}
        computed = used.ru_utime + used.ru_stime  # which the kernel's limit takes less exactly
        if code == -signal.SIGXCPU or (code == -signal.SIGKILL and computed > self.seconds / 2):
            report = {"timeout": True}
        if not pid:
            if time.monotonic() < self.deadline:
                self.due, self.has_let_go = min(self.deadline, time.monotonic() + 0.01), True
                return False
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            report = {"timeout": True}
        if unsafe:  # in a sandbox it can start no process
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):  # the grader may not want to know any more
            os.write(self.ending, json.dumps(report).encode())
        os.close(self.ending)
        return True


def _child(seconds, memory, task, answers, alive, allowed, threads):
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
            sandbox.confine(allowed, threads)
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
    scope.update(display=_ignored, get_ipython=lambda: _SHELL)
    flags = 0
    for source, must_work in order["program"]:
        try:
            code = compile(source, "answer", "exec", flags=flags, dont_inherit=True)
            flags |= code.co_flags & __future__.annotations.compiler_flag
            exec(code, scope)
        except BaseException as error:
            if must_work:
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


def _ignored(*_, **__):
    """Do nothing: in the place of checks, magics and displays."""


_SHELL = SimpleNamespace(run_line_magic=_ignored, system=_ignored, getoutput=lambda *_: [])


def _stand_in():
    """Put modules without references in the place of `course_lib`'s."""
    for name in [name for name in sys.modules if name.split(".")[0] == "course_lib"]:
        del sys.modules[name]

    parts = {
        "course_lib": {"__path__": []},
        "course_lib.arithmetic": {},
        "course_lib.grading": dict.fromkeys(("check", "hint", "points", "progress"), _ignored),
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
        definitions = [each for each in written if name in each.binds and not each.is_import]
        if definitions:
            needed = program(name, written)
            found[name] = {
                "program": [[each.source, each.must_work] for each in needed],
                "uses": [
                    other
                    for other in order["names"]
                    if other != name and any(other in each.binds and each.is_definition for each in needed)
                ],
                "heavy": any(each.needs_any(order["heavy"]) for each in needed),
                "definitions": sum(not each.is_stub for each in definitions),
            }
        pattern = re.compile(rf"^\s*(?:def\s+{name}\b|{name}\s*=)", re.MULTILINE)
        failures = [why for source, why in broken if pattern.search(source)]
        if failures and all(each.is_stub for each in definitions):
            found[name] = {"broken": failures[-1]}
    _say(answers, {"found": found, "said_right": _said_right(cells, order["names"], order["sign"])})


def statements(source):
    """Return the statements at the top of a cell or module. Raises SyntaxError if it is no Python."""
    tree, source = _parse(source.replace("\r\n", "\n").replace("\r", "\n"))
    lines = source.split("\n")
    found = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):  # a name at a time, so that one can be left out
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                name = alias.name + (f" as {alias.asname}" if alias.asname else "")
                found.append(_Statement(f"from {module} import {name}", node))
        else:
            first = [*getattr(node, "decorator_list", ()), node][0]
            sign = "@" if first is not node else ""
            found.append(_Statement(sign + _segment(lines, first, node), node))
    return found


def _segment(lines, first, last):
    """Return the source from the beginning of one node to the end of another; columns count bytes."""
    chosen = [line.encode() for line in lines[first.lineno - 1 : last.end_lineno]]
    chosen[-1] = chosen[-1][: last.end_col_offset]
    chosen[0] = chosen[0][first.col_offset :]
    return b"\n".join(chosen).decode()


def _described(error):
    if isinstance(error, SyntaxError):
        text = " ".join(str(error.text or "").split())[:80]
        return f"{error.msg}: `{text}`" if text else f"{error.msg}"
    return "it is nested too deeply"


def _parse(source):
    """Return the tree and the source of a cell; where it is no Python as it stands, as IPython reads it."""
    try:
        return ast.parse(source), source
    except SyntaxError:
        first, _, rest = source.lstrip().partition("\n")
        if first.startswith("%%"):  # of another language, as a rule
            return _parse(rest if first.split()[0] in KEPT_CELL_MAGICS else "")
        from IPython.core.inputtransformer2 import TransformerManager  # few notebooks need it

        source = re.sub(r"^(\s*)%time\s+(?=\S)", r"\1", source, flags=re.MULTILINE)
        source = TransformerManager().transform_cell(source)
        return ast.parse(source), source


class _Statement:
    """A statement at the top of a cell: its source, and which names of the notebook's it has to do with.

    It binds names, changes what they hold, passes them to a call, and uses them, itself or in a function. A
    name that a function keeps to itself is none of these.
    """

    def __init__(self, source, node):
        self.source = source
        self.is_stub = _is_stub(node)
        self.is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        self.is_assignment = isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
        self.is_import = isinstance(node, ast.Import | ast.ImportFrom)
        self.is_of_course = source.startswith("from course_lib.arithmetic import ")
        self.name = node.name if self.is_definition else None
        self.must_work = self.is_definition or self.is_assignment or self.is_import
        self.is_future = source.startswith("from __future__ ")
        self.binds_any = source.endswith(" import *")
        self.binds, self.uses, self.changes, self.passes = set(), set(), set(), set()
        self.calls, self.imports = set(), set()
        tables = [symtable.symtable(source, "cell", "exec")]
        while tables:
            table = tables.pop()
            tables += table.get_children()
            for symbol in table.get_symbols():
                own = table.get_type() == "module"
                if symbol.is_referenced() and (own or symbol.is_global()):
                    self.uses.add(symbol.get_name())
                if (symbol.is_assigned() or symbol.is_imported()) and (own or symbol.is_declared_global()):
                    self.binds.add(symbol.get_name())
        self.is_limit = "setrecursionlimit" in source
        outside = list(_outside_functions(node))
        for each in ast.walk(node):
            if isinstance(each, ast.Import):
                self.imports.update(alias.name for alias in each.names)
            elif isinstance(each, ast.ImportFrom):
                self.imports.update(f"{each.module}.{alias.name}" for alias in each.names)
        # What a function changes, it changes when it is called.
        for each in ast.walk(node) if self.is_definition else outside:
            if isinstance(each, ast.Subscript | ast.Attribute) and not isinstance(each.ctx, ast.Load):
                self.changes.add(_root(each))
            elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
                self.changes.add(_root(each.func))
        if self.is_definition:
            self.calls = {_root(each) for each in getattr(node, "decorator_list", ())}
        elif not self.is_import:
            called = [each for each in outside if isinstance(each, ast.Call)]
            self.calls = {each.func.id for each in called if isinstance(each.func, ast.Name)}
            if isinstance(node, ast.Expr):
                arguments = (each for call in called for each in [*call.args, *call.keywords])
                self.passes = {
                    each.id for one in arguments for each in ast.walk(one) if isinstance(each, ast.Name)
                }

    def needs_any(self, modules):
        """Say whether it imports one of these modules or a part of one."""
        return any(f"{name}.".startswith(f"{module}.") for name in self.imports for module in modules)


def _outside_functions(node):
    """Yield the nodes that run when the statement does, not when a function of it is called."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*each.decorator_list, *each.args.defaults, *filter(None, each.args.kw_defaults)]
        elif not isinstance(each, ast.Lambda):
            waiting += ast.iter_child_nodes(each)


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
    defined = set().union(*(each.binds for each in usable if each.is_definition))
    # Their own function counts, not the course's of the same name.
    usable = [each for each in usable if not (each.is_of_course and each.binds & defined)]
    assigned = set().union(*(each.binds for each in usable if each.is_assignment))
    known = set(dir(builtins)).union(*(each.binds for each in usable))
    last = {bound: index for index, each in enumerate(usable) if each.is_definition for bound in each.binds}

    def is_replaced(bound, index):
        """Say whether a later definition of the name makes this one void: nothing between kept its value."""
        between = usable[index + 1 : last.get(bound, 0)]
        kept = any(bound in each.uses and each.binds and not each.is_definition for each in between)
        return index < last.get(bound, -1) and not kept

    def is_needed(index, each):
        void = each.is_definition or each.is_import
        binds = {bound for bound in each.binds if not (void and is_replaced(bound, index))}
        if binds & wanted or each.is_limit or each.is_future or (each.binds_any and wanted - known):
            return True
        changes = set() if each.is_definition else each.changes | each.passes & assigned
        return bool(changes & wanted or each.calls & changers)

    wanted, chosen = {name}, set()
    while True:
        # Functions that fill or bind what is wanted: to call one changes it.
        changers = {
            each.name
            for each in usable
            if each.is_definition and (each.changes | (each.binds - {each.name})) & wanted
        }
        more = {i for i, each in enumerate(usable) if i not in chosen and is_needed(i, each)}
        if not more:
            return sorted((usable[index] for index in sorted(chosen)), key=lambda each: not each.is_future)
        chosen |= more
        wanted = wanted.union(*(usable[index].uses for index in more))


def _said_right(cells, names, sign):
    """Return the names whose check in the notebook shows, in its stored output, that they were right."""
    shown = []
    for cell in cells:
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            data = output.get("data") if isinstance(output, dict) else None
            markup = data.get("text/html") if isinstance(data, dict) else None
            shown.append("".join(map(str, markup)) if isinstance(markup, list) else str(markup))
    return [name for name in names if any(sign in each and f"· {name} ·" in each for each in shown)]
