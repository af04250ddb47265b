"""Run learners' code: a template process, without references and seeds, forks a child a question.

The grader (`course_lib.grading.grader`) starts a template and sends it descriptors over a socket. For each
set it forks a child, ends it when its time is up, and reports how it ended. The child confines itself, then
reads its task from its own pipe: nothing of a learner's ever passes through the memory of the next one's
parent.
"""

import __future__

import ast
import contextlib
import gc
import importlib
import itertools
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from multiprocessing import context
from types import ModuleType, SimpleNamespace

from course_lib.grading import sandbox, slicer
from course_lib.grading.answer import attempt

__all__ = ["BY_THE_CLOCK", "LARGEST", "ORDER", "OUT_OF_MEMORY", "main"]

ORDER = struct.Struct("=dQ")  # of a task: its seconds and its bytes of memory; three descriptors come with it
LARGEST = 4_000_000  # bytes of one line from a child
BY_THE_CLOCK = 3  # times the seconds of computing: who waits for a processor is not cut off
THREADS = {False: 32, True: 512}  # of an answer without and with TensorFlow
AWAITS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # as notebooks do
OUT_OF_MEMORY = 77  # a child's exit status


def main(order, heavy=False):
    """Serve the socket with the descriptor `order` until its other end is closed, and leave nothing running.

    Its first line is what learners' code may read, see `sandbox.libraries`; None confines nothing.
    """
    commands = socket.socket(fileno=order)
    with commands.makefile("rb") as lines:
        allowed = json.loads(lines.readline())
    if allowed is None:
        sandbox.adopt()
    for name in ("numpy", "course_lib.backend") if heavy else ("numpy",):
        with contextlib.suppress(ImportError):  # the standard library is enough for most answers
            importlib.import_module(name)
    # Among Python's libraries lies what answers import; there, a copy of the course cannot be read.
    sys.path[:] = [path for path in sys.path if path.endswith("-packages") or not _holds_course(path)]
    _stand_in()
    if allowed is not None:
        # Locks between processes need a file; where no process can be started, those of threads do.
        context.BaseContext.Lock = staticmethod(threading.Lock)
        context.BaseContext.RLock = staticmethod(threading.RLock)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the grader is interrupted, and then closes the socket
    gc.freeze()  # a fork then copies fewer pages
    commands.sendall(b"+")
    running = {}  # by the descriptor that tells when a child is gone
    while True:
        due = min((child.due for child in running.values()), default=None)
        wait = None if due is None else max(0.0, due - time.monotonic())
        watched = [descriptor for descriptor, child in running.items() if not child.has_let_go]
        asking = {child.asks: child for child in running.values() if child.asks is not None}
        ready, _, _ = select.select([commands, *watched, *asking], [], [], wait)
        for asks in asking.keys() & ready:
            asking[asks].admit(THREADS[heavy])
        for descriptor, child in list(running.items()):
            is_due = descriptor in ready or child.due <= time.monotonic()
            if is_due and child.look(unsafe=allowed is None):
                os.close(descriptor)
                del running[descriptor]
        if commands in ready:
            message, descriptors, _, _ = socket.recv_fds(commands, ORDER.size, 3)
            if len(message) < ORDER.size:
                break
            ended, child = _start(*ORDER.unpack(message), *descriptors, allowed)
            running[ended] = child
    _end([child.pid for child in running.values()])
    os._exit(0)


def _holds_course(path):
    return os.path.exists(os.path.join(path, "course_lib"))


def _end(pids):
    """End these processes and what they started; who left their group has become a child of this one."""
    while pids:
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.killpg(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)
        pids = sandbox.children()


def _start(seconds, memory, task, answers, ending, allowed):
    """Fork a child for a task; return the descriptor that tells when it is gone, and a `_Running`."""
    ended, alive = os.pipe()  # the child alone holds `alive`
    receives, hands_over = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        _child(seconds, memory, task, answers, alive, hands_over, allowed)
    for descriptor in (task, answers, alive):
        os.close(descriptor)
    hands_over.close()
    return ended, _Running(pid, ending, seconds, receives)


class _Running:
    """A child, until it is gone; then how it ended is written to the descriptor `ending`, as JSON."""

    def __init__(self, pid, ending, seconds, receives):
        self.pid, self.ending, self.seconds = pid, ending, seconds
        self.asks = receives  # a socket, until the descriptor by which it asks for threads has come from it
        self.deadline = time.monotonic() + BY_THE_CLOCK * seconds
        self.due = self.deadline  # when to look at it again
        self.has_let_go = False  # it closed its end of the pipe and goes on

    def admit(self, threads):
        """Take the descriptor by which it asks for threads, or answer what it asks."""
        if isinstance(self.asks, int):
            sandbox.admit(self.asks, self.pid, threads)
            return
        _, descriptors, _, _ = socket.recv_fds(self.asks, 1, 1)
        self.asks.close()
        self.asks = descriptors[0] if descriptors else None

    def look(self, unsafe):
        """Say whether it is gone, and report {"exit": status}, {"signal": number} or {"timeout": True}."""
        pid, status, used = os.wait4(self.pid, os.WNOHANG)
        if pid:
            report = self._report(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime)
        elif time.monotonic() < self.deadline:
            self.due = min(self.deadline, time.monotonic() + 0.01)
            self.has_let_go = True
            return False
        else:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            report = {"timeout": True}
        if unsafe:  # in a sandbox it can start no process
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):  # the grader may not want to know any more
            os.write(self.ending, json.dumps(report).encode())
        os.close(self.ending)
        if isinstance(self.asks, int):
            os.close(self.asks)
        elif self.asks is not None:
            self.asks.close()
        return True

    def _report(self, code, computed):
        """Return what an exit code says; the kernel's limit takes the seconds of computing less exactly."""
        if code == -signal.SIGXCPU or (code == -signal.SIGKILL and computed > self.seconds / 2):
            return {"timeout": True}
        return {"exit": code} if code >= 0 else {"signal": -code}


def _child(seconds, memory, task, answers, alive, hands_over, allowed):
    """Confine this process, then do what the first line of the task asks for. Never returns."""
    try:
        os.setsid()
        sandbox.end_with_parent()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.chdir("/")
        kept = sorted({2, task, answers, alive, hands_over.fileno()})
        for low, high in itertools.pairwise([*kept, 4096]):
            os.closerange(low + 1, high)
        sandbox.limit(memory, seconds)
        if allowed is not None:
            asks = sandbox.confine(allowed)
            socket.send_fds(hands_over, [b"+"], [asks])
            os.close(asks)
        hands_over.close()
    except BaseException as error:
        _say(answers, {"problem": f"{type(error).__name__}: {error}"})
        os._exit(1)
    try:
        _say(answers, {"confined": allowed is not None})
        lines = os.fdopen(task, "rb")
        order = json.loads(lines.readline())
        if order["do"] == "read":
            _say(answers, slicer.read(lines.read(), order["names"], order["heavy"], order["sign"]))
        else:
            _ask(order, lines, answers)
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
            code = compile(source, "answer", "exec", flags=flags | AWAITS, dont_inherit=True)
            flags |= code.co_flags & __future__.annotations.compiler_flag
            for _ in getattr(eval(code, scope), "__await__", tuple)():  # of a statement that awaits something
                pass
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

    outcome = {**attempt(answer, []), "within": "", "written": False}
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
        "course_lib.grading": dict.fromkeys(("check", "hint", "include", "points", "progress"), _ignored),
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
