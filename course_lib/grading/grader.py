"""Ask learners' code from outside: a process for each question, pipes to it, and nothing but plain data back.

`course_lib.grading.runner` is the other end. Nothing that comes from there is trusted.
"""

import contextlib
import itertools
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

from course_lib.grading import runner, sandbox
from course_lib.grading.answer import attempt
from course_lib.grading.feedback import LOOKS
from course_lib.grading.limit import out_of_time

__all__ = ["LARGEST_NOTEBOOK", "Grader", "UnusableError"]

ROOT = Path(__file__).resolve().parents[2]
LARGEST_NOTEBOOK = 500_000_000  # bytes
TO_END = 60  # seconds that a template has to end what it runs
PAUSE = 0.001  # seconds for more of a line to come: who sends byte by byte then costs little here
BATCH = 32_000  # bytes of cases sent at once; a pipe takes 65,536
HEAVY = ("tensorflow", "keras", "course_lib.backend")  # whoever imports one of these starts with all of them
# The learners' code sees this environment: one thread a question, as many questions as there are cores.
VARIABLES = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
# What must fail in a sandbox: `probe` returns what did not. No call that is refused looks at its arguments,
# and with these none would do anything.
TRIAL = """
import ctypes, os, socket, threading

def probe(path, folder, calls, threads):
    done = []

    def tried(what, action):
        try:
            action()
        except OSError:
            return
        done.append(what)

    tried("read a reference", lambda: open(path).read())
    tried("list a folder", lambda: os.listdir("/"))
    tried("write a file", lambda: open(os.path.join(folder, "probe"), "w"))
    tried("start a process", lambda: os.fork() or os._exit(0))
    tried("open a socket", socket.socket)
    tried("signal another process", lambda: os.kill(os.getppid() or -1, 0))
    library = ctypes.CDLL(None, use_errno=True)
    for name, number in calls:
        if library.syscall(number, *[-1] * 6) != -1 or ctypes.get_errno() != 1:
            done.append("call " + name)
    end = threading.Event()
    try:
        for _ in range(threads):
            threading.Thread(target=end.wait).start()
        done.append(f"start {threads} threads")
    except RuntimeError:
        pass
    end.set()
    return done
"""
FORKS = ("fork", "vfork")  # of which the trial could not come back
REFUSED = (
    "The sandbox in which a class is graded allows no files but Python's libraries, no network, no other "
    "processes and few threads: compute from the arguments alone."
)


class UnusableError(Exception):
    """A sandbox, or the process in it, cannot be used; the sentence says why."""


class Grader:
    """Ask learners' code, each question in a process of its own.

    Args:
        seconds: for each question, by the clock.
        memory: bytes for each question.
        unsafe: run without a sandbox.
        hidden: further folders that learners' code must not see.

    Raises:
        UnusableError: if no sandbox is possible and `unsafe` is False.
    """

    def __init__(self, *, seconds=10.0, memory=2 * 10**9, unsafe=False, hidden=()):
        if not hasattr(os, "fork"):
            raise UnusableError("Grading needs Linux or macOS. On Windows, run it in WSL 2, which is Linux.")
        problem = sandbox.problem()
        if problem and not unsafe:
            raise UnusableError(
                f"{problem} Use a Linux machine, a virtual machine or a container that has it."
            )
        self.seconds, self.memory, self.unsafe = seconds, memory, unsafe
        package = Path(__file__).resolve().parents[1]
        self.hidden = [package, *(Path(path).resolve() for path in hidden)]
        self._templates = {}  # by whether it is heavy, as the locks
        self._locks = (threading.Lock(), threading.Lock())
        if not unsafe:
            reference = package / "grading" / "questions" / "foundations.py"
            calls = [call for call in sandbox.refused_calls() if call[0] not in FORKS]
            case = [str(reference), str(ROOT), calls, 2 * runner.THREADS[False] + 1]
            outcome = self.ask([[TRIAL, True]], "probe", [case])[0]
            if outcome != {"value": []}:
                self.close()
                raise UnusableError(f"The sandbox does not hold on this machine; a trial came to {outcome}.")

    def close(self):
        """End the templates, and with them whatever still runs: they end it when their socket is closed."""
        for _, commands in self._templates.values():
            commands.close()
        for process, _ in self._templates.values():
            try:
                process.wait(TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._templates.clear()

    def read(self, path, names):
        """Return what a notebook holds for the questions `names`.

        That is {"unreadable": why} or {"found": {name: its program}, "said_right": names}.
        """
        sign = f"{LOOKS['right'][0]} {LOOKS['right'][1]}</b>"
        order = {"do": "read", "names": names, "heavy": HEAVY, "sign": sign}
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            return {"unreadable": (error.strerror or "it cannot be opened").lower()}
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            return {"unreadable": "it is not a file"}
        with open(descriptor, "rb") as file:
            if status.st_size > LARGEST_NOTEBOOK:
                return {"unreadable": f"it has more than {LARGEST_NOTEBOOK // 10**6} MB"}
            with self._child(heavy=False, seconds=max(60, self.seconds)) as child:
                child.send(order)
                child.copy(file)
                line = child.line()
                if line is None or not {"unreadable", "found"} & line.keys():
                    why = child.ended()["why"].partition(". ")[0]  # without a question about a loop
                    return {"unreadable": f"the process that read it {why.rstrip('.')}"}
                return line

    def ask(self, program, name, cases, *, shown=0, heavy=False, offered=None):
        """Run `program`, call what it names `name` with each of `cases`, and return an outcome a case.

        A program is a list of pairs: a statement, and whether all is lost if it fails.

        The child gets the first `shown` cases alone, and the others when it has answered these: so what it
        says of a case that the learner knows cannot carry another one out.
        """
        with self._child(heavy, self.seconds) as child:
            child.send({"do": "ask", "program": program, "name": name, "offered": offered or {}})
            first = child.line()
            if first and isinstance(first.get("failed"), dict):
                failed = {**self._outcome(first["failed"]), "failed": True}
                return [failed for _ in cases]
            outcomes = []
            for batch in _batches(cases, shown) if first else ():
                child.send(*batch)
                answers = list(itertools.islice(iter(child.line, None), len(batch)))
                outcomes += map(self._outcome, answers)
                if len(answers) < len(batch):
                    break
            if len(outcomes) < len(cases):
                ended = child.ended()
                outcomes += [ended for _ in cases[len(outcomes) :]]
            return outcomes

    def _outcome(self, data):
        """Return what the child sent as an outcome, with a word on the sandbox where it refused something."""
        outcome = _outcome(data)
        if data.get("system") is True and "raised" in outcome and not self.unsafe:
            outcome["why"] = REFUSED
        elif outcome.get("raised") == "MemoryError":
            outcome["why"] = f"A question has {self.memory / 10**9:g} GB of memory."
        return outcome

    def _child(self, heavy, seconds):
        task, send = os.pipe()
        receive, answers = os.pipe()
        ending, end = os.pipe()  # how it ended
        order = runner.ORDER.pack(seconds, self.memory)
        try:
            with self._locks[heavy]:
                socket.send_fds(self._template(heavy), [order], [task, answers, end])
        finally:
            for descriptor in (task, answers, end):
                os.close(descriptor)
        child = _Child(send, receive, ending, seconds, self.memory)
        first = child.line()  # said before any code of a learner's runs
        if first != {"confined": not self.unsafe}:
            child.close()
            why = (first or {}).get("problem", "it ended at once")
            raise UnusableError(f"A process could not be confined: {why}.")
        return child

    def _template(self, heavy):
        """Return the socket of the template, which is started when it is first needed."""
        if heavy not in self._templates:
            commands, theirs = socket.socketpair()
            allowed = None if self.unsafe else sandbox.libraries(self.hidden)
            start = (
                f"import sys; sys.path.insert(0, {str(ROOT)!r}); from course_lib.grading import runner; "
                f"runner.main({theirs.fileno()}, {heavy})"
            )
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", start],
                pass_fds=[theirs.fileno()],
                env=VARIABLES,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            theirs.close()
            with contextlib.suppress(OSError):  # it ended at once
                commands.sendall(json.dumps(allowed).encode() + b"\n")
            if commands.recv(1) != b"+":
                message = process.communicate()[1].decode(errors="replace").strip().split("\n")[-1]
                raise UnusableError(f"The process that runs the answers could not start: {message}")
            process.stderr.close()
            self._templates[heavy] = process, commands
        return self._templates[heavy][1]


class _Child:
    """The ends of the pipes to a child that runs a learner's code; nothing that it sends is trusted."""

    def __init__(self, send, receive, ending, seconds, memory):
        self._send, self._receive, self._ending = send, receive, ending
        self._seconds, self._memory = seconds, memory
        self._until = time.monotonic() + runner.BY_THE_CLOCK * seconds + 5  # the template ends it before
        self._read = bytearray()  # and not yet returned
        self._problem = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, *lines):
        self._write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))

    def copy(self, file):
        while piece := file.read(1 << 20):
            if not self._write(piece):
                break
        os.close(self._send)
        self._send = None

    def line(self):
        """Return the next line from the child, a dict; None if no more comes, or something else does."""
        end = self._read.find(b"\n")
        while end < 0:
            if not select.select([self._receive], [], [], max(0, self._until - time.monotonic()))[0]:
                return None
            piece = os.read(self._receive, 1 << 16)
            if not piece:
                return None
            looked_at = len(self._read)
            self._read += piece
            end = self._read.find(b"\n", looked_at)
            if len(self._read) > runner.LARGEST:
                self._problem = f"sent more than {runner.LARGEST // 10**6} MB"
                return None
            if end < 0:
                time.sleep(PAUSE)
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        with contextlib.suppress(ValueError, RecursionError):
            data = json.loads(line)
            if isinstance(data, dict):
                return data
        self._problem = "sent something else than an answer"
        return None

    def ended(self):
        """Return the outcome of what is left after the child ended, or after it misbehaved."""
        if self._problem:
            return {"ended": "crashed", "why": f"{self._problem}.", "forged": True}
        report = b""
        while select.select([self._ending], [], [], max(0, self._until - time.monotonic()))[0]:
            piece = os.read(self._ending, 4096)
            if not piece:
                break
            report += piece
        report = json.loads(report or '{"timeout": true}')
        if report.get("timeout"):
            return out_of_time(self._seconds)
        if "signal" in report:
            why = f"crashed its process (signal {report['signal']}, {signal.strsignal(report['signal'])})"
        elif report["exit"] == runner.OUT_OF_MEMORY:
            why = f"needed more than {self._memory / 10**9:g} GB of memory"
        else:
            why = f"ended its process with status {report['exit']}"
        return {"ended": "crashed", "why": f"{why}."}

    def _write(self, data):
        try:
            while data:
                data = data[os.write(self._send, data) :]
        except BrokenPipeError:
            return False
        return True

    def close(self):
        for descriptor in (self._send, self._receive, self._ending):
            if descriptor is not None:
                os.close(descriptor)
        self._send = self._receive = self._ending = None


def _batches(cases, shown):
    """Yield lists of cases: those shown, then the others, none larger than a pipe takes at once."""
    for part in (cases[:shown], cases[shown:]):
        batch, size = [], 0
        for case in part:
            length = len(json.dumps(case))
            if batch and size + length > BATCH:
                yield batch
                batch, size = [], 0
            batch.append(case)
            size += length
        if batch:
            yield batch


def _outcome(data):
    """Return an outcome in the form of `attempt`'s, whatever the child sent."""
    if "value" in data:
        return attempt(data["value"], [])
    outcome = {}
    for key in ("type", "holds", "uncallable", "raised"):
        if key in data:
            is_name = isinstance(data[key], str) and data[key].isidentifier()
            outcome[key] = data[key][:80] if is_name else "object"
    for key in ("large", "written"):
        if key in data:
            outcome[key] = data[key] is True
    if "raised" in outcome:
        for key in ("message", "within"):
            outcome[key] = _printable(str(data.get(key) or "")[:200])
    return outcome if {"type", "uncallable", "raised"} & outcome.keys() else {"type": "object"}


def _printable(text):
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
