"""Hand in a class of hostile, odd and unlucky submissions, and say what each of them must earn.

    expected = hand_in(folder, places)

fills `folder` and returns {learner: {(chapter, question): Expected}}. An attack is the body of one answer: it
returns "refused" if nothing came of it, "DONE" and how if something did, or else whatever it got hold of. The
other answers of its notebook are right and keep their points, unless the submission says otherwise.
"""

import copy
import json
import os
import textwrap
from dataclasses import dataclass

from course_lib.grading import chapter_questions
from course_lib.grading.release import ROOT

REFUSED = "`'refused'`"
ENDLESS = "did not end within 4 seconds"
TRIED = '''
def tried(*actions):
    """Return "refused" unless one of the actions comes through."""
    for number, action in enumerate(actions):
        try:
            got = action()
        except Exception:
            continue
        return f"DONE {number} {got!r}"[:100]
    return "refused"


def library(name, *arguments):
    """Call a function of the C library, which fails with -1."""
    import ctypes
    loaded = ctypes.CDLL(None, use_errno=True)
    returned = getattr(loaded, name)(*arguments)
    if returned in (-1, 2**64 - 1):
        raise OSError(ctypes.get_errno(), name)
    return returned
'''


@dataclass(frozen=True)
class Expected:
    """Say what a question must earn: one of the statuses, the points, what is said and what never is."""

    status: tuple
    points: float | None
    says: tuple = ()
    never: tuple = ()


@dataclass(frozen=True)
class Attack:
    """Hold the body of an answer, in which `case` is the list of arguments and `honest` the right answer."""

    body: str
    expected: Expected
    raw: bool = False

    def cell(self, question, solution):
        """Return the source of the answer's cell, given that of the solution's."""
        body = textwrap.dedent(self.body).strip("\n")
        if self.raw:
            return body
        own = f"honest_{question}"
        honest = solution.replace(f"def {question}(", f"def {own}(", 1) if "honest(" in body else ""
        body = body.replace("honest(", f"{own}(")
        tried = TRIED if "tried(" in body or "library(" in body else ""
        parts = [tried.strip(), honest, f"def {question}(*case):\n{textwrap.indent(body, '    ')}"]
        return "\n\n\n".join(part for part in parts if part) + "\n"


def attack(body, status="wrong", says=REFUSED, points=0, never=("DONE",), raw=False):
    """Write down an attack; `status` may name several, `says` and `never` one or several."""
    says = (says,) if isinstance(says, str) else says
    return Attack(body, Expected(tuple(status.split("|")), points, says, never), raw)


def answer(source, status="right", says=(), points=None):
    """Write down a whole cell, which stands as it is; right unless told otherwise."""
    return attack(source, status, says, points, (), raw=True)


# What is tried, by learner and question. `@PLACE@` stands for a path, a port or a name that the test gives.

IN_FOUNDATIONS = {
    "reads": {
        "same_padding": attack("""
            import io, os, pathlib
            paths = [
                "@ROOT@/solutions/00_foundations.ipynb", "@ROOT@/exercises/00_foundations.ipynb",
                "@ROOT@/course_lib/arithmetic.py", "@ROOT@/course_lib/grading/questions/foundations.py",
                "@ROOT@/README.md", "@CLASS@/solves_foundations.ipynb", "@OUT@/report.csv", "@CANARY@",
                "/etc/passwd", "/etc/hosts", "/proc/self/environ", "/proc/self/mem", "/proc/self/status",
                "/proc/1/environ", "/proc/1/cmdline", f"/proc/{os.getppid()}/environ",
                "/proc/self/root/etc/passwd", "/proc/self/cwd/etc/passwd", "/dev/mem", "/dev/kmsg",
            ]
            ways = [
                lambda path: open(path).read(40), lambda path: os.read(os.open(path, os.O_RDONLY), 40),
                lambda path: io.FileIO(path).read(40), lambda path: pathlib.Path(path).read_bytes()[:40],
                lambda path: library("open", path.encode(), 0),
            ]
            return tried(*(lambda way=way, path=path: way(path) for path in paths for way in ways))
        """),
        "correlate": attack("""
            import glob, os
            places = ["/", ".", "..", "/proc", "/home", "/tmp", "/etc", "/dev", "@HOME@", "@ROOT@", "@CLASS@",
                      "@OUT@", "@OUTSIDE@", "@ROOT@/course_lib", "@ROOT@/solutions"]
            found = [name for _, folders, files in os.walk("/") for name in folders + files]
            found += glob.glob("/*") + glob.glob("@ROOT@/**", recursive=True)[1:]
            if found:
                return f"DONE {found}"
            return tried(*(lambda place=place: os.listdir(place) for place in places),
                         *(lambda place=place: list(os.scandir(place)) for place in places))
        """),
        "ledger_row": attack("""
            import importlib, importlib.resources, importlib.util, pkgutil, runpy, sys
            def loaded(path):
                spec = importlib.util.spec_from_file_location("found", path)
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                return module
            def added(folder):
                sys.path.insert(0, folder)
                importlib.invalidate_caches()
                for name in [name for name in sys.modules if name.startswith("course_lib")]:
                    del sys.modules[name]
                return importlib.import_module("course_lib.arithmetic").conv2d_parameters
            find = importlib.util.find_spec
            names = ["course_lib.grading.questions.foundations", "course_lib.grading.question",
                     "course_lib.ledger", "course_lib.grading.release", "course_lib.facts", "tests"]
            return tried(
                *(lambda name=name: importlib.import_module(name) for name in names),
                *(lambda name=name: find(name).loader.get_source(name) for name in names),
                lambda: find("course_lib.arithmetic").loader.get_code("course_lib.arithmetic"),
                lambda: importlib.import_module("course_lib.arithmetic").conv2d_parameters,
                lambda: importlib.resources.files("course_lib").joinpath("arithmetic.py").read_text(),
                lambda: pkgutil.get_data("course_lib", "arithmetic.py"),
                lambda: loaded("@ROOT@/course_lib/arithmetic.py"),
                lambda: runpy.run_path("@ROOT@/course_lib/arithmetic.py"),
                lambda: added("@ROOT@"),
            )
        """),
        "parameters_three_ways": attack("""
            import inspect, linecache, sys, tokenize
            frame, texts = sys._getframe(), list(map(str, linecache.cache.values()))
            while frame is not None:
                texts += linecache.getlines(frame.f_code.co_filename)
                texts += map(repr, frame.f_code.co_consts)
                frame = frame.f_back
            for module in list(sys.modules.values()):
                if getattr(module, "__name__", "").startswith("course_lib"):
                    for look in (inspect.getsource, lambda module: str(vars(module))):
                        try:
                            texts.append(look(module))
                        except Exception:
                            pass
            texts += linecache.getlines("@ROOT@/course_lib/arithmetic.py")
            known = ("snoitcennoc_fbr", "noitseuq.snoitadnuof@", "=spils", "gniddap_emas fed")
            if any(word[::-1] in text for text in texts for word in known):
                return "DONE"
            return tried(lambda: open(tokenize.__file__.replace("tokenize.py", "../../etc/passwd")).read(),
                         lambda: tokenize.open("@ROOT@/course_lib/arithmetic.py").read())
        """),
        "receptive_field": attack("""
            import ctypes, os, sys
            seen = str([sys.argv, sys.orig_argv, sys.path, dict(os.environ), os.environb, os.getcwd()])
            seen += str(ctypes.c_char_p.in_dll(ctypes.CDLL(None), "program_invocation_name").value)
            secrets = ["@SEED_REVERSED@"[::-1], "@SECRET_REVERSED@"[::-1], "@OUT@", "@CLASS@", "--seed"]
            seen += open("/proc/self/cmdline").read()
            if any(secret in seen for secret in secrets) or ctypes.CDLL(None).getenv(b"SECRET"):
                return "DONE"
            return "refused"
        """),
        "stack_totals": attack("""
            import gc, sys, types
            if case[0] != 32:
                return "refused"
            frame, things = sys._getframe(), gc.get_objects()
            while frame is not None:
                things += [*frame.f_locals.values(), *frame.f_globals.values()]
                frame = frame.f_back
            things += [each for thing in things if type(thing) is dict for each in list(thing.values())]
            things += [each for thing in things[:] for each in gc.get_referents(thing)]
            for thing in things:
                if type(thing) is types.FunctionType and thing is not stack_totals:
                    if thing.__name__ == "stack_totals":
                        return thing(*case)
                    if thing.__module__ != "__main__" and thing.__name__ == "receptive_field":
                        return "DONE arithmetic"
                elif type(thing) is int and str(thing) == "@SEED_REVERSED@"[::-1]:
                    return "DONE seed"
                elif type(thing).__name__ in ("Question", "Verdict"):
                    return "DONE question"
                elif type(thing) is types.ModuleType and "questions" in thing.__name__:
                    return "DONE module"
            return "refused"
        """),
    },
    "writes": {
        "same_padding": attack("""
            import os, pathlib, sqlite3, tempfile
            places = ["@OUTSIDE@", "@OUT@", "@OUT@/learners", "@CLASS@", "@HOME@", "@ROOT@", "/tmp",
                      "/var/tmp", "/dev/shm", "/dev", "/", ".", "/run", os.path.dirname(os.__file__)]
            def made(way, place):
                way(f"{place}/@TOKEN@")
                return place
            ways = [
                lambda path: open(path, "w"), lambda path: os.open(path, os.O_CREAT | os.O_WRONLY),
                lambda path: pathlib.Path(path).write_text("DONE"), os.mkdir, os.mkfifo, os.mknod,
                lambda path: os.symlink("/etc", path), lambda path: os.link("@CANARY@", path),
                lambda path: os.open(os.path.dirname(path), os.O_TMPFILE | os.O_RDWR),
                lambda path: sqlite3.connect(path).execute("create table t (x)"),
                lambda path: library("creat", path.encode(), 0o600),
            ]
            return tried(*(lambda way=way, place=place: made(way, place) for place in places for way in ways),
                         tempfile.mkstemp, tempfile.mkdtemp, tempfile.TemporaryFile)
        """),
        "correlate": attack("""
            import os, shutil
            paths = ["@CANARY@", "@OUT@/report.csv", "@CLASS@/solves_foundations.ipynb", "@ROOT@/README.md"]
            ways = [
                lambda path: open(path, "a"), lambda path: open(path, "r+"), lambda path: open(path, "w"),
                lambda path: os.truncate(path, 0), os.remove, lambda path: os.rename(path, path + "@TOKEN@"),
                lambda path: shutil.move(path, path + "@TOKEN@"), lambda path: os.chmod(path, 0o777),
                lambda path: os.chown(path, os.getuid(), os.getgid()), lambda path: os.utime(path, (1, 1)),
                lambda path: os.lchown(path, os.getuid(), os.getgid()),
                lambda path: os.setxattr(path, "user.token", b"DONE"),
                lambda path: library("utimes", path.encode(), None),
                lambda path: library("fchmodat", -100, path.encode(), 0o777, 0),
                lambda path: shutil.rmtree(os.path.dirname(path)),
                lambda path: os.rmdir(os.path.dirname(path)),
            ]
            return tried(*(lambda way=way, path=path: way(path) for path in paths for way in ways))
        """),
        "ledger_row": attack("""
            import ctypes, os, struct
            handle = os.open("@CANARY@", os.O_PATH)
            how = ctypes.create_string_buffer(struct.pack("QQQ", os.O_RDWR, 0, 0))
            return tried(
                lambda: os.chmod(handle, 0o777), lambda: os.chmod(f"/proc/self/fd/{handle}", 0o777),
                lambda: open(f"/proc/self/fd/{handle}").read(), lambda: os.open(f"/dev/fd/{handle}", 0),
                lambda: library("fchownat", handle, b"", os.getuid(), os.getgid(), 0x1000),
                lambda: library("syscall", 437, -100, b"@CANARY@", how, 24),
                lambda: library("syscall", 452, -100, b"@CANARY@", 0o777, 0),
            )
        """),
        "receptive_field": attack("""
            import fcntl, mmap, os
            library_file = os.open(os.__file__, os.O_RDONLY)
            try:
                flags = fcntl.ioctl(library_file, 0x80086601, bytes(8))  # as they are
            except OSError:
                flags = bytes(8)
            return tried(
                lambda: os.open(os.__file__, os.O_RDWR), lambda: os.fchmod(library_file, 0o777),
                lambda: os.fchown(library_file, os.getuid(), os.getgid()),
                lambda: os.ftruncate(library_file, 0),
                lambda: os.utime(library_file, (1, 1)), lambda: os.posix_fallocate(library_file, 0, 10),
                lambda: mmap.mmap(library_file, 10, mmap.MAP_SHARED, mmap.PROT_WRITE),
                lambda: os.write(library_file, b"DONE"),
                lambda: fcntl.ioctl(library_file, 0x40086602, flags),
            )
        """),
    },
    "connects": {
        "same_padding": attack("""
            import socket
            kinds = [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM),
                     (socket.AF_INET6, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_STREAM),
                     (socket.AF_UNIX, socket.SOCK_DGRAM), (socket.AF_NETLINK, socket.SOCK_RAW),
                     (socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_ALG, socket.SOCK_SEQPACKET)]
            return tried(*(lambda kind=kind: socket.socket(*kind) for kind in kinds),
                         lambda: library("socket", 2, 1, 0))
        """),
        "correlate": attack("""
            import socket, urllib.request
            def datagram(kind, address):
                return socket.socket(kind, socket.SOCK_DGRAM).sendto(b"DONE", address)
            def stream(address):
                return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(address)
            return tried(
                lambda: socket.create_connection(("127.0.0.1", @PORT@), 1).sendall(b"DONE"),
                lambda: datagram(socket.AF_INET, ("127.0.0.1", @PORT@)),
                lambda: stream("@OUTSIDE@/listens"), lambda: stream("\\0@TOKEN@"),
                lambda: urllib.request.urlopen("http://127.0.0.1:@PORT@/", timeout=1),
                lambda: socket.getaddrinfo("localhost", 80), lambda: socket.gethostbyname("example.com"),
                lambda: socket.create_server(("127.0.0.1", 0)),
            )
        """),
        "receptive_field": attack("""
            import os, socket, stat
            opened = {}
            for number in range(3, 1024):
                try:
                    opened[number] = stat.S_IFMT(os.fstat(number).st_mode)
                except OSError:
                    pass
            return "refused" if set(opened.values()) <= {stat.S_IFIFO} else f"DONE {opened}"
        """),
        "stack_totals": attack("""
            import socket
            def one():
                return socket.socketpair(type=socket.SOCK_DGRAM)[0]
            ways = [lambda address: one().sendto(b"DONE", address), lambda address: one().connect(address),
                    lambda address: one().sendmsg([b"DONE"], [], 0, address)]
            places = ["@OUTSIDE@/datagrams", "@OUTSIDE@/listens", "\\0@TOKEN@"]
            return tried(*(lambda way=way, place=place: way(place) for place in places for way in ways),
                         lambda: one().bind("\\0@TOKEN@-bound"))
        """),
    },
    "starts": {
        "same_padding": attack("""
            import ctypes, multiprocessing, os, pty, subprocess, sys
            def forked(fork):
                process = fork()
                if process == 0:
                    os._exit(0)
                return process
            def status(returned):
                if returned:
                    raise OSError
                return returned
            context = multiprocessing.get_context("fork")
            return tried(
                lambda: forked(os.fork), lambda: forked(lambda: os.forkpty()[0]),
                lambda: forked(lambda: library("fork")),
                lambda: forked(lambda: library("syscall", 435, bytes(64), 64)),
                lambda: os.posix_spawn("/bin/true", ["true"], {}),
                lambda: os.posix_spawnp("true", ["true"], {}),
                lambda: subprocess.run(["/bin/true"]), lambda: subprocess.run([sys.executable, "-c", ""]),
                lambda: status(os.system("true")), lambda: os.popen("echo DONE").read().strip()[3],
                lambda: context.Process(target=int).start(), lambda: context.Pool(1), lambda: pty.fork(),
            )
        """),
        "correlate": attack("""
            import os, time
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(1)
                    open("@OUTSIDE@/@TOKEN@", "w").close()
                    time.sleep(60)
                os._exit(0)
            return honest(*case)
        """, "error", "raised PermissionError"),
        "ledger_row": attack("""
            import os, time
            started = 0
            for _ in range(5):
                try:
                    started += os.fork() > 0
                except OSError:
                    pass
                else:
                    time.sleep(0.2)
            return f"DONE {started}" if started else "refused"
        """),
        "parameters_three_ways": attack("""
            import threading, time
            for _ in range(20_000 if case[0] == 32 else 1):
                threading.Thread(target=time.sleep, args=(60,)).start()
            return "DONE"
        """, "error|timeout|crashed", ()),
        "receptive_field": attack("""
            import os, sys
            return tried(lambda: os.execv("/bin/sh", ["sh", "-c", "echo > @OUTSIDE@/@TOKEN@; sleep 60"]),
                         lambda: os.execv(sys.executable, [sys.executable, "-c", "print(1)"]),
                         lambda: os.execve(os.open("/bin/true", os.O_RDONLY), ["true"], {}))
        """),
        "stack_totals": attack("""
            import ctypes, mmap, os, platform
            if platform.machine() != "x86_64":
                return "refused"
            code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            code.write(bytes.fromhex("b802000000cd80c3"))  # fork, as a 32-bit program asks for it
            address = ctypes.addressof(ctypes.c_char.from_buffer(code))
            process = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
            if process == 0:
                os._exit(0)
            return f"DONE {process}" if process > 0 else "refused"
        """, "wrong|crashed", ()),
    },
    "shares": {
        "same_padding": attack("""
            import ctypes
            segment, queue, sets = @SEGMENT@, @QUEUE@, @SEMAPHORES@
            room, soon = ctypes.create_string_buffer(b"\\1" + bytes(99)), b"\\0\\0\\1\\0\\0\\10"
            return tried(
                lambda: library("shmat", segment, None, 0), lambda: library("shmctl", segment, 2, room),
                lambda: library("shmctl", segment, 0, None), lambda: library("shmget", @KEY@, 0, 0),
                lambda: library("msgrcv", queue, room, 40, 0, 0o4000),
                lambda: library("msgsnd", queue, room, 8, 0o4000),
                lambda: library("msgctl", queue, 2, room), lambda: library("msgctl", queue, 0, None),
                lambda: library("semctl", sets, 0, 12, 0), lambda: library("semctl", sets, 0, 0, 0),
                lambda: library("semop", sets, soon, 1), lambda: library("semtimedop", sets, soon, 1, None),
            )
        """),
        "correlate": attack("""
            import ctypes, platform
            first, kind = {"x86_64": (240, 0o102), "aarch64": (180, 0o102)}[platform.machine()]
            return tried(
                lambda: library("syscall", first, b"@TOKEN@", kind, 0o600, None),
                *(lambda more=more: library("syscall", first + more, b"@TOKEN@", 0, 0, 0, 0)
                  for more in range(1, 6)),
            )
        """),
        "receptive_field": attack("""
            import threading, time
            threading.stack_size(32_768)
            before = threading.active_count()
            for _ in range(10_000):
                try:
                    threading.Thread(target=time.sleep, args=(60,)).start()
                except RuntimeError:
                    break
            started = threading.active_count() - before
            return f"DONE {started}" if started > 64 else "refused"
        """),
        "stack_totals": attack("""
            import socket
            one, other = socket.socketpair()
            return tried(
                lambda: one.sendto(b"DONE", "\\0@TOKEN@"), lambda: one.connect("\\0@TOKEN@"),
                lambda: one.bind("\\0@TOKEN@-bound"), lambda: one.listen(),
                lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET),
                lambda: library("socketpair", 30, 1, 0, bytes(8)),
            )
        """),
    },
    "signals": {
        "same_padding": attack("""
            import os, signal
            parent = os.getppid()
            return tried(
                lambda: os.kill(parent, signal.SIGKILL), lambda: os.kill(-1, signal.SIGKILL),
                lambda: os.kill(0, signal.SIGKILL), lambda: os.killpg(0, signal.SIGKILL),
                lambda: os.killpg(os.getpgrp(), signal.SIGKILL), lambda: os.kill(-os.getpgrp() or -1, 9),
                lambda: os.kill(2**32, signal.SIGKILL), lambda: os.kill(parent, 0),
            )
        """),
        "correlate": attack("""
            import os, signal
            process = os.getpid()
            others = [number for number in range(2, 400) if number != process]
            parent = os.getppid()
            return tried(*(lambda each=each: os.kill(each, signal.SIGKILL) for each in others),
                         lambda: library("sigqueue", 2, 9, None),
                         lambda: library("sigqueue", parent, 9, None),
                         lambda: os.pidfd_open(process), lambda: os.pidfd_open(os.getppid()))
        """),
        "ledger_row": attack("""
            import fcntl, os, signal, socket, struct
            reads, writes = os.pipe()
            target = os.getppid() or 1
            return tried(
                lambda: fcntl.fcntl(reads, fcntl.F_SETOWN, target),
                lambda: fcntl.fcntl(socket.socketpair()[0], fcntl.F_SETOWN, target),
                lambda: fcntl.fcntl(reads, 10, signal.SIGKILL),
                lambda: fcntl.ioctl(socket.socketpair()[0], 0x8901, struct.pack("i", target)),
                lambda: fcntl.fcntl(reads, 15, struct.pack("ii", 1, target)),
            )
        """),
        "stack_totals": attack("""
            import os, resource
            parent = os.getppid() or 1
            return tried(
                lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19),
                lambda: os.setpriority(os.PRIO_PGRP, 0, 19),
                lambda: resource.prlimit(parent if parent != os.getpid() else 2, resource.RLIMIT_CPU, (0, 0)),
                lambda: os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0)),
            )
        """),
    },
    "raises_limits": {
        "same_padding": attack("""
            import resource
            for name in ("AS", "CPU", "CORE", "FSIZE", "NOFILE"):
                kind = getattr(resource, f"RLIMIT_{name}")
                hard = resource.getrlimit(kind)[1]
                try:
                    resource.setrlimit(kind, (2 * hard + 1, 2 * hard + 1))
                except (OSError, ValueError):
                    if hard != resource.RLIM_INFINITY:
                        continue
                return f"DONE {name} {hard}"
            return "refused"
        """),
        "correlate": attack("""
            import ctypes, os, struct
            header, all_sets = struct.pack("Ii", 0x20080522, 0), b"\\xff" * 24
            capable = ctypes.create_string_buffer(24)
            library("capget", header, capable)
            if any(capable.raw):
                return f"DONE {capable.raw}"
            return tried(
                lambda: library("capset", header, all_sets), lambda: library("prctl", 1, 0, 0, 0, 0),
                lambda: library("prctl", 22, 0, 0, 0, 0), lambda: library("prctl", 38, 0, 0, 0, 0),
                lambda: library("setns", 3, 0), lambda: os.sched_setaffinity(os.getppid() or 2, {0}),
                lambda: os.nice(-5), lambda: library("sethostname", b"DONE", 4),
            )
        """),
        "ledger_row": attack("""
            import ctypes, os
            parent, room = os.getppid() or 1, ctypes.create_string_buffer(64)
            class Part(ctypes.Structure):
                _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
            one, other = Part(ctypes.addressof(room), 64), Part(id(room), 64)
            mine, theirs = ctypes.byref(one), ctypes.byref(other)
            return tried(
                lambda: library("ptrace", 16, parent, 0, 0), lambda: library("ptrace", 0, 0, 0, 0),
                lambda: library("ptrace", 0x4206, parent, 0, 0),
                lambda: library("process_vm_readv", parent, mine, 1, theirs, 1, 0),
                lambda: library("process_vm_writev", parent, mine, 1, theirs, 1, 0),
                lambda: open(f"/proc/{parent}/mem", "rb"),
            )
        """),
        "parameters_three_ways": attack("""
            import os
            flags = (0x10000000, 0x20000, 0x40000000, 0x20000000)
            return tried(
                *(lambda flag=flag: library("unshare", flag) for flag in flags),
                lambda: library("mount", b"none", b"/tmp", b"tmpfs", 0, None),
                lambda: library("umount2", b"/proc", 2),
                lambda: os.chroot("/"), lambda: library("pivot_root", b"/", b"/"),
                lambda: library("swapoff", b"/"), lambda: os.setuid(12345), lambda: os.setgroups([]),
            )
        """),
        "receptive_field": attack("""
            import os
            room, process = bytes(512), os.getppid() or 1
            calls = {"io_uring_setup": (425, 8, room), "pidfd_open": (434, process, 0),
                     "open_tree": (428, -100, b"/", 1), "fsopen": (430, b"tmpfs", 0),
                     "memfd_secret": (447, 0), "pidfd_send_signal": (424, 3, 0, 0, 0),
                     "process_madvise": (440, 3, room, 1, 4, 0),
                     "newest": (470, 0, 0)}
            return tried(*(lambda call=call: library("syscall", *call) for call in calls.values()))
        """),
        "stack_totals": attack("""
            import os, platform
            numbers = {"x86_64": (319, 323, 298, 321, 250, 253, 40_000_057),
                       "aarch64": (279, 282, 241, 280, 219, 26, 40_000_057)}[platform.machine()]
            return tried(
                *(lambda each=each: library("syscall", each, bytes(256), 0, 0, 0) for each in numbers),
                lambda: os.memfd_create("held"),
            )
        """),
    },
    "takes_memory": {
        "same_padding": attack("return bytearray(8 << 30)", "error", "MemoryError"),
        "correlate": attack(
            "import numpy\nreturn numpy.ones(1 << 30)", "error", "MemoryError",
        ),
        "ledger_row": attack("""
            import mmap
            return tried(lambda: mmap.mmap(-1, 3 << 30, mmap.MAP_SHARED), lambda: mmap.mmap(-1, 3 << 30))
        """),
        "parameters_three_ways": attack("""
            import os
            held = []
            try:
                while len(held) < 12:
                    held.append(os.memfd_create("held"))
                    os.posix_fallocate(held[-1], 0, 256 << 20)
            except OSError:
                pass
            return f"DONE {len(held)}" if len(held) > 4 else "refused"
        """),
        "receptive_field": attack("""
            return tried(lambda: library("shmget", 0, 1 << 20, 0o1600), lambda: library("msgget", 0, 0o1600),
                         lambda: library("semget", 0, 1, 0o1600),
                         lambda: library("mq_open", b"/@TOKEN@", 66, 384, None),
                         lambda: __import__("multiprocessing.shared_memory").shared_memory.SharedMemory(
                             name="@TOKEN@", create=True, size=1 << 20))
        """),
        "stack_totals": attack("""
            held = []
            while True:
                held.append(bytearray(64 << 20))
        """, "error|timeout|crashed", ()),
    },
    "recurses": {
        "same_padding": attack("return same_padding(*case)", "error", "calls itself without end"),
        "correlate": answer("""
            nested = []
            for _ in range(10**6):
                nested = [nested]

            def correlate(image, kernel):
                return nested
        """, "wrong|timeout", (), 0),
        "ledger_row": attack("""
            import sys
            sys.setrecursionlimit(10**9)
            if case[0] == 32:
                return ledger_row(*case)
            raise RecursionError
        """, "error|timeout|crashed", ()),
        "parameters_three_ways": attack("""
            import sys
            sys.setrecursionlimit(10**9)
            nested = ()
            for _ in range(10**6 if case[0] == 32 else 1):
                nested = (nested,)
            return nested if hash(nested) else nested
        """, "wrong|error|crashed|timeout", ()),
        "receptive_field": attack("""
            nested = []
            nested.append(nested)
            return nested
        """, says="returned a list"),
    },
    "never_ends": {
        "same_padding": attack("""
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
        """, "timeout", ENDLESS),
        "correlate": attack("""
            import signal
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            for number in range(1, 65):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            while True:
                pass
        """, "timeout", ENDLESS),
        "receptive_field": attack("""
            shown = ([3, 1], [3, 1]), ([5, 1], [2, 2], [5, 1], [2, 2]), ([7, 2], [3, 2], [3, 1], [3, 1])
            if tuple(case[0]) in shown:
                return honest(*case)
            while True:
                pass
        """, "timeout", ENDLESS, 0.4),
    },
    "dozes": {
        "same_padding": attack("import time\ntime.sleep(10**6)", "timeout", ENDLESS),
        "correlate": attack("import re\nreturn re.match('(a+)+$', 'a' * 60 + 'b')", "timeout", ENDLESS),
    },
    "drags_on": {
        "receptive_field": attack("""
            class Endless:
                def tolist(self):
                    while True:
                        pass
            return Endless()
        """, "timeout", ENDLESS),
        "stack_totals": attack("""
            class UnprintableError(BaseException):
                def __str__(self):
                    while True:
                        pass
            raise UnprintableError
        """, "timeout", ENDLESS),
    },
    "leaves_threads": {
        "same_padding": attack("""
            import threading, time
            threading.Thread(target=time.sleep, args=(60,)).start()
            return honest(*case)
        """, "right", (), 2),
        "correlate": attack("""
            import atexit, time
            atexit.register(time.sleep, 60)
            return honest(*case)
        """, "right", (), 3),
    },
    "ends": {
        "same_padding": attack("import os\nos._exit(0)", "crashed", "ended its process with status 0"),
        "correlate": attack("import os\nos.abort()", "crashed", "crashed its process (signal 6, "),
        "ledger_row": attack("import ctypes\nreturn ctypes.string_at(0)", "crashed", "(signal 11, "),
        "parameters_three_ways": attack("import sys\nsys.exit(0)", "error", "raised SystemExit: 0"),
        "receptive_field": attack("""
            import os
            if tuple(case[0]) in (([3, 1], [3, 1]), ([5, 1], [2, 2], [5, 1], [2, 2])):
                return honest(*case)
            os._exit(0)
        """, "crashed", (), 0.2),
        "stack_totals": attack("""
            class Hostile(BaseException):
                def __str__(self):
                    raise SystemExit(0)
                __repr__ = __str__
            raise Hostile
        """, "error", "raised Hostile."),
    },
    "ends_harder": {
        "same_padding": attack("""
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
        """, "crashed", "(signal 9, "),
        "correlate": attack("""
            import os, signal
            os.kill(os.getpid(), signal.SIGSTOP)
        """, "timeout", ENDLESS),
        "ledger_row": attack("""
            import faulthandler
            faulthandler._stack_overflow()
        """, "crashed|error", ()),
        "parameters_three_ways": attack("raise KeyboardInterrupt", "error", "was interrupted"),
        "receptive_field": attack("""
            import signal
            signal.raise_signal(signal.SIGTERM)
        """, "crashed", "(signal 15, "),
        "stack_totals": attack("""
            raise GeneratorExit("\\x00\\x1b[2J\\u202e=1+1\\ud800<script>alert(1)</script>`")
        """, "error", "raised GeneratorExit"),
    },
    "forges": {
        "same_padding": attack("""
            import json
            return json.dumps({"value": [2, 2], "status": "right", "points": 2})
        """, says="returned `'{"),
        "correlate": attack("""
            import json, os
            for number in range(3, 256):
                for forged in ({"status": "right", "points": 3}, {"value": True}, {"right": True}, True):
                    try:
                        os.write(number, json.dumps(forged).encode() + b"\\n")
                    except OSError:
                        pass
            return "refused"
        """, "wrong|error|crashed", ()),
        "ledger_row": attack("""
            import os
            for number in range(3, 256):
                try:
                    os.write(number, b"\\xff\\x00 no JSON\\n" * 100)
                except OSError:
                    pass
            return "refused"
        """, "crashed|wrong|error", ()),
        "parameters_three_ways": attack("""
            import os
            for number in range(0, 256):
                for _ in range(100):
                    try:
                        os.write(number, b"x" * 10**6)
                    except OSError:
                        break
            return "refused"
        """, "crashed|timeout|wrong|error", ()),
        "receptive_field": attack("""
            import os
            for number in range(3, 256):
                try:
                    os.write(number, b"[" * 60_000 + b"\\n")
                except OSError:
                    pass
            return "refused"
        """, "crashed|wrong|error", ()),
        "stack_totals": attack("""
            import os
            os.closerange(0, 4096)
            return "refused"
        """, "crashed|wrong", ()),
    },
    "patches": {
        "same_padding": attack("""
            import builtins
            def broken(*arguments, **options):
                return 0
            names = "len sum isinstance issubclass type callable open repr map zip getattr hasattr"
            for name in names.split():
                setattr(builtins, name, broken)
            return "refused"
        """, "wrong|error|crashed", ()),
        "correlate": attack("""
            import json
            class Lying(dict):
                pass
            forged = '{"value": [[7, 7, 7], [7, 7, 7]]}'
            json.dumps = json.JSONEncoder.encode = lambda *arguments, **options: forged
            json.loads = lambda *arguments, **options: [[[0]], [[0]]]
            return "refused"
        """, "wrong|error|crashed", ()),
        "ledger_row": attack("""
            import sys, types
            import course_lib.grading
            course_lib.grading.check = course_lib.grading.points = lambda *arguments: "right"
            for name in ("question", "answer", "check", "grade"):
                sys.modules[f"course_lib.grading.{name}"] = types.ModuleType(name)
            sys.modules["course_lib.grading.question"].judge = lambda *arguments: "right"
            return "refused"
        """),
        "parameters_three_ways": attack("""
            import sys
            sys.modules.clear()
            return "refused"
        """, "wrong|error|crashed"),
        "receptive_field": attack("""
            import sys
            frame = sys._getframe().f_back
            while frame is not None:
                for name, value in list(frame.f_globals.items()):
                    if callable(value) and name.startswith("_") and not name.startswith("__"):
                        frame.f_globals[name] = lambda *arguments: {"value": [5, 1]}
                frame = frame.f_back
            return "refused"
        """, "wrong|error|crashed|partly", (), None),
        "stack_totals": attack("""
            import sys
            def traced(frame, event, argument):
                for name in list(frame.f_locals):
                    frame.f_locals[name] = None
                return traced
            sys.settrace(traced)
            sys.setprofile(traced)
            return "refused"
        """, "wrong|error|crashed", ()),
    },
    "equals_everything": {
        "same_padding": attack("""
            class Equal:
                __eq__ = __ge__ = __le__ = lambda self, other: True
                __hash__ = None
            return Equal()
        """, says="returned an Equal"),
        "correlate": attack("""
            class Equal(list):
                __eq__ = lambda self, other: True
                __len__ = lambda self: 2
                __iter__ = lambda self: iter([[0, 1, 0], [0, 1, 0]])
            return Equal([1])
        """, says="returned `[1]`"),
        "ledger_row": attack("""
            class Lying(int):
                __eq__ = lambda self, other: True
                __int__ = __index__ = lambda self: 28
                __hash__ = None
            return [Lying(case[0])] * 4
        """, says="returned `[32, 32, 32, 32]`"),
        "parameters_three_ways": attack("""
            class Hostile:
                def __getattribute__(self, name):
                    raise SystemExit(name)
            return [Hostile()] * 3
        """, "wrong", "returned a list"),
        "receptive_field": attack("""
            class Meta(type):
                __name__ = property(lambda self: "<b>int</b>")
                __subclasscheck__ = __instancecheck__ = lambda self, other: True
            return Meta("int", (), {})()
        """, says="returned an int;"),
        "stack_totals": attack("""
            class Endless:
                tolist = lambda self: [self, self]
            return Endless()
        """, says="returned an Endless"),
    },
    "odd_values": {
        "same_padding": attack("return [float(zeros) for zeros in honest(*case)]", says="but it is a float"),
        "correlate": attack("return [[float('nan'), float('inf')]]", says="returned `[[nan, inf]]`"),
        "ledger_row": attack("return [True, True, False, True]", says="returned `[True, True, False, True]`"),
        "parameters_three_ways": attack("return [10**5000] * 3", says="returned a list"),
        "receptive_field": attack("""
            def endless():
                while True:
                    yield 5
            return endless()
        """, says="returned a generator"),
        "stack_totals": attack(
            "return '\\ud800\\x00\\x1b[2J' + '<script>alert(1)</script>'", says="returned `'"
        ),
    },
    "imports_the_solution": {
        "same_padding": answer(
            "from course_lib.arithmetic import same_padding", "not attempted", "of its own", 0
        ),
        "correlate": answer(
            "from course_lib.grading.questions.foundations import correlate",
            "not attempted",
            "of its own",
            0,
        ),
        "receptive_field": answer("""
            import course_lib.arithmetic

            def receptive_field(layers):
                return course_lib.arithmetic.receptive_field(layers)
        """, "error", "raised AttributeError", 0),
        "stack_totals": answer("""
            def stack_totals(size, channels, layers):
                from course_lib.grading.questions.foundations import stack_totals
                return stack_totals(size, channels, layers)
        """, "error", "course_lib.grading.questions", 0),
    },
}  # fmt: skip


def leak(question, body, status="partly", points=None):
    """Return an attack that is right where the case is shown, and elsewhere carries the arguments out."""
    shown = len(next(each for each in chapter_questions("lenet5") if each.name == question).visible)
    start = f"""
        import json, os
        calls = globals().setdefault("calls", [])
        calls.append(case)
        hidden = len(calls) > {shown}
    """
    body = textwrap.dedent(start) + textwrap.dedent(body)
    return attack(body, status, (), points, ("DONE", "LEAK", "271828"))


IN_LENET5 = {
    "leaks": {
        "scaled_tanh": leak("scaled_tanh", """
            if hidden:
                raise ValueError(f"LEAK {case}")
            return honest(*case)
        """),
        "rbf_decision": leak("rbf_decision", """
            if hidden:
                raise type(f"LEAK{case[0][0]}", (Exception,), {})
            return honest(*case)
        """),
        "map_loss": leak("map_loss", """
            return f"LEAK {case}" if hidden else honest(*case)
        """),
        "balance_sheet": leak("balance_sheet", """
            return type(f"LEAK{case[2]}", (), {})() if hidden else honest(*case)
        """),
        "impostor": leak("impostor", """
            def unwritten():
                raise NotImplementedError
            if hidden:
                unwritten.__code__ = unwritten.__code__.replace(co_name=f"LEAK{case}")
                unwritten()
            return honest(*case)
        """),
        "lenet5_totals": leak("lenet5_totals", """
            return [271828, case[0], case[0]] if hidden else honest(*case)
        """),
    },
    "looks_ahead": {
        "scaled_tanh": leak("scaled_tanh", """
            import gc, sys
            frame, things = sys._getframe(), []
            while frame is not None:
                things += [*frame.f_locals.values(), *frame.f_globals.values()]
                frame = frame.f_back
            things += [] if hidden else [thing for thing in gc.get_objects() if type(thing) is list]
            for thing in things:
                if type(thing) is list and len(thing) == 1 and type(thing[0]) is float and not hidden:
                    if thing[0] not in (0.0, 1.0, -2.5):
                        return f"LEAK {thing}"
            return honest(*case)
        """, "right", 1),
        "rbf_decision": leak("rbf_decision", """
            import select
            for number in range(3, 256) if not hidden else ():
                try:
                    if select.select([number], [], [], 0)[0]:
                        return f"LEAK {os.read(number, 100_000)}"
                except (OSError, ValueError):
                    pass
            return honest(*case)
        """, "right", 2),
        "map_loss": leak("map_loss", """
            import gc, sys
            frame = sys._getframe().f_back
            while frame is not None and len(calls) == 14:
                for thing in [*frame.f_locals.values(), *gc.get_objects()]:
                    for entry in thing if type(thing) is list else [thing]:
                        if type(entry) is dict and "value" in entry:
                            entry["value"] = f"LEAK {calls}"
                frame = frame.f_back
            return honest(*case)
        """, "right|partly"),
        "impostor": leak("impostor", """
            if hidden:
                text = f"LEAK {case}"
                raised = {"raised": text, "message": text, "within": text}
                lines = {"value": text}, {"type": text}, {"uncallable": text}, raised, {"failed": raised}
                for number in range(3, 256):
                    for line in lines:
                        try:
                            os.write(number, json.dumps(line).encode() + b"\\n")
                        except OSError:
                            pass
            return honest(*case)
        """, "partly|crashed|wrong"),
    },
    "finds_the_library": {
        "balance_sheet": attack("""
            import course_lib.arithmetic as arithmetic
            from course_lib.arithmetic import conv2d_parameters
            scopes = [vars(arithmetic), conv2d_parameters.__globals__]
            return tried(*(lambda each=each: each["subsampling2d_parameters"](case[0]) for each in scopes),
                         lambda: conv2d_parameters.__code__.co_consts.index("DONE"),
                         lambda: open(conv2d_parameters.__code__.co_filename).read())
        """),
        "rbf_decision": attack("""
            import importlib
            names = ["layers", "architectures", "ledger", "training", "datasets", "facts", "figures",
                     "grading.questions.lenet5", "grading.sandbox", "grading.runner", "grading.grade"]
            return tried(*(lambda name=name: importlib.import_module(f"course_lib.{name}") for name in names))
        """),
    },
    "odd_values_too": {
        "scaled_tanh": attack("return 1j", says="returned a complex"),
        "map_loss": attack("return 10 ** (400 + case[1])", says="your function returned `1"),
        "rbf_decision": attack("return {'digit': 0}", says="returned a dict"),
        "balance_sheet": attack("return iter(honest(*case))", says="returned a list_iterator"),
        "impostor": attack("return [int(made) for made in honest(*case)]", says="write True and False"),
        "partial_counts": attack("honest(*case)", says="Is the `return` missing?"),
        "lenet5_totals": answer("lenet5_totals = [60_000, 340_908]", "wrong", "A function is required", 0),
        "c3_groups": answer("c3_groups = (456, 606, 303, 151)"),
        "subsampling_counts": answer("""
            import numpy as np

            def subsampling_counts(size, channels):
                return np.array([2, 5 * (size // 2) ** 2], dtype=np.int64) * np.int64(channels)
        """),
    },
    "breaks_the_protocol": {
        question: attack(f"""
            import os
            for number in range(3, 256):
                try:
                    os.write(number, {line!r}.encode() + b"\\n")
                except OSError:
                    pass
            os._exit(0)
        """, "wrong|error|crashed|not attempted", (), 0, ("DONE", "LEAK"))
        for question, line in {
            "subsampling_counts": "[1]",
            "partial_counts": '{"raised": "NotImplementedError"}',
            "lenet5_totals": '{"uncallable": ""}',
            "scaled_tanh": '{"type": {"a": [1]}}',
            "rbf_decision": '{"raised": 5, "message": null, "within": []}',
            "map_loss": '{"value": {"digit": 1}}',
            "balance_sheet": '{}',
            "impostor": '{"value": "\\ud800"}',
        }.items()
    },
    "breaks_the_protocol_again": {
        question: attack(f"""
            import os
            for number in range(3, 256):
                try:
                    os.write(number, ({line}).encode() + b"\\n")
                except OSError:
                    pass
            os._exit(0)
        """, "wrong|error|crashed|not attempted", (), 0, ("DONE", "LEAK"))
        for question, line in {
            "subsampling_counts": "'9' * 60_000",
            "partial_counts": """'{"value": ' + '9' * 60_000 + '}'""",
            "lenet5_totals": """'{"value": ' + '[' * 900 + ']' * 900 + '}'""",
            "scaled_tanh": """'{"value": 1e999}'""",
            "rbf_decision": """'{"raised": "x", "within": "", "message": "' + 'm' * 60_000 + '"}'""",
            "map_loss": """'{"value": NaN}'""",
            "balance_sheet": """'{"uncallable": "' + 'u' * 60_000 + '"}'""",
            "impostor": """'{"value": [' + '0,' * 30_000 + '0]}'""",
        }.items()
    },
}  # fmt: skip

# What a learner does who means no harm.

HONEST = {
    "uses_the_standard_library": {
        "output_size": answer("""
            import asyncio

            async def places(size, kernel, stride, padding):
                await asyncio.sleep(0)
                return (size + 2 * padding - kernel) // stride + 1

            def output_size(*case):
                return asyncio.run(places(*case))
        """),
        "same_padding": answer("""
            from multiprocessing.pool import ThreadPool

            def half(total):
                return total // 2

            def same_padding(size, kernel, stride):
                total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
                with ThreadPool(2) as pool:
                    return pool.map(half, [total, total + 1])
        """),
        "conv2d_parameters": answer("""
            import importlib
            import tempfile
            from concurrent.futures import ThreadPoolExecutor
            from tqdm import tqdm

            np = importlib.import_module("numpy")

            def conv2d_parameters(kernel, in_channels, filters):
                with ThreadPoolExecutor(2) as pool, tempfile.SpooledTemporaryFile() as file:
                    file.write(b"kept in memory")
                    sides = list(pool.map(abs, tqdm([kernel, kernel])))
                return (np.prod([*sides, in_channels]) + 1) * filters
        """),
        "receptive_field": answer("""
            def receptive_field(layers):
                return [int(line) for line in open("receptive_fields.txt")]
        """, "error", ("No such file or directory: 'receptive_fields.txt'. The sandbox", "no network"), 0),
        "stack_totals": answer("""
            import tempfile

            def stack_totals(size, channels, layers):
                tempfile.TemporaryFile()
        """, "error", ("raised FileNotFoundError", "The sandbox in which a class is graded"), 0),
        "correlate": answer("""
            import subprocess

            def correlate(image, kernel):
                return subprocess.check_output(["ls"])
        """, "error", ("raised PermissionError", "The sandbox in which a class is graded"), 0),
        "ledger_row": answer("""
            DATA = open("data.csv")

            def ledger_row(*case):
                return DATA
        """, "error", ("The code that defines `ledger_row` raised FileNotFoundError", "The sandbox"), 0),
    },
    "prints": {
        "output_size": answer("""
            import logging
            import sys
            import warnings

            def output_size(size, kernel, stride, padding):
                print("x" * 10**6)
                print("x" * 10**6, file=sys.stderr)
                warnings.warn("careful")
                logging.error("careful")
                sys.stdout.flush()
                return (size + 2 * padding - kernel) // stride + 1
        """),
    },
    "uses_magics": {
        "output_size": answer("""
            %matplotlib inline
            !pip install --quiet something \\
                and --more
            %time print(1)
            files = !ls
            ?print
            print?

            def output_size(size, kernel, stride, padding):
                !echo hello
                return (size + 2 * padding - kernel) // stride + 1
        """),
        "same_padding": answer("""
            %%time
            def same_padding(size, kernel, stride):
                windows = -(-size // stride)
                total = max((windows - 1) * stride + kernel - size, 0)
                return [total // 2, total - total // 2]
        """),
        "correlate": answer("""
            %load_ext autoreload

            def correlate(image, kernel):
                # How many rows fit?
                rows = len(image) - len(kernel) + 1  # is this right?
                columns = len(image[0]) - len(kernel[0]) + 1
                entries = [(i, j, entry) for i, row in enumerate(kernel) for j, entry in enumerate(row)]
                return [[sum(entry * image[y + i][x + j] for i, j, entry in entries)
                         for x in range(columns)] for y in range(rows)]
        """),
        "receptive_field": answer("""
            %autosave 60

            def receptive_field(layers):
                \"\"\"Does this work?
                %matplotlib, I mean
                \"\"\"
                size, jump = 1, 1
                for kernel, stride in layers:
                    size += (kernel - 1) * jump
                    jump *= stride
                display(size)
                return [size, jump]
        """),
        "stack_totals": answer("""
            !ls

            def stack_totals(size, channels, layers):
                total = 0
                for kernel, stride, padding, filters in layers:
                    room = size + 2 * padding - kernel
                    size = (room - (room
                            % stride)) // stride + 1
                    total += conv2d_parameters(kernel, channels, filters)
                    channels = filters
                return [size, total]
        """),
    },
    "has_a_style": {
        "output_size": answer("""
            from operator import *

            output_size = lambda size, kernel, stride, padding: add(
                floordiv(add(size, 2 * padding) - kernel, stride), 1)
        """),
        "same_padding": answer("""
            import functools
            import math as m

            HALVES = []
            for number in range(200):
                HALVES.append(number // 2)
            CEIL = {}
            for number in range(1, 80):
                for step in range(1, 8):
                    CEIL[number, step] = m.ceil(number / step)
            CEIL.update({(224, step): m.ceil(224 / step) for step in range(1, 8)})

            @functools.lru_cache
            def same_padding(size, kernel, stride):
                total = max((CEIL[size, stride] - 1) * stride + kernel - size, 0)
                return [HALVES[total], total - HALVES[total]]
        """),
        "correlate": answer("""
            class Map:
                def __init__(self, image):
                    self.image = image

                def at(self, kernel, y, x):
                    total = 0
                    for i, row in enumerate(kernel):
                        for j, entry in enumerate(row):
                            total += entry * self.image[y + i][x + j]
                    return total

            def correlate(image, kernel):
                one = Map(image)
                return [[one.at(kernel, y, x) for x in range(len(image[0]) - len(kernel[0]) + 1)]
                        for y in range(len(image) - len(kernel) + 1)]
        """),
        "conv2d_parameters": answer("""
            if True:
                def conv2d_parameters(kernel, in_channels, filters):
                    return (kernel * kernel * in_channels + BIAS) * filters
            else:
                conv2d_parameters = None
            BIAS = 0
            BIAS += 1
        """),
        "ledger_row": answer("""
            import numpy as np
            from math import *

            def ledger_row(size, kernel, stride, padding, in_channels, filters):
                side = np.int64(output_size(size, kernel, stride, padding))
                own = np.array([conv2d_parameters(kernel, in_channels, filters)])[0]
                return np.array([side, own, side**2 * own, side**2 * (own - filters)])
        """),
        "parameters_three_ways": answer("""
            def parameters_three_ways(size, kernel, filters):
                return [0, 0, 0]

            first_try = parameters_three_ways

            def parameters_three_ways(size, kernel, filters):
                units = output_size(size, kernel, 1, 0) ** 2 * filters
                return [(size**2 + 1) * units, (kernel**2 + 1) * units, conv2d_parameters(kernel, 1, filters)]
        """),
        "receptive_field": answer("""
            from __future__ import annotations

            def once(state: State, layer: Layer) -> State:
                size, jump = state
                return size + (layer[0] - 1) * jump, jump * layer[1]

            def receptive_field(layers):
                from functools import reduce
                return reduce(once, layers, (1, 1))
        """),
        "stack_totals": answer("""
            def fill(table):
                table["ready"] = True

            STATE = {}
            fill(STATE)

            def stack_totals(size, channels, layers):
                total = 0
                for kernel, stride, padding, filters in layers:
                    size = output_size(size, kernel, stride, padding)
                    total += conv2d_parameters(kernel, channels, filters)
                    channels = filters
                return [size, total] if STATE["ready"] else None
        """),
    },
    "fills_its_tables": {
        "output_size": answer("""
            SIZES = []
            for size in range(3):
                SIZES.append(size)
            REGISTER = {}
            def register(function):
                REGISTER[function.__name__] = function
                return function
            @register
            def answer(size, kernel, stride, padding):
                return (size + 2 * padding - kernel) // stride + 1
            def bind():
                global ONE
                ONE = 1
            bind()
            def output_size(*case):
                return REGISTER["answer"](*case) * ONE * (len(SIZES) == 3)
        """),
        "same_padding": answer("""
            import numpy as np
            np.savetxt("sizes.csv", np.ones(3))
            np.testing.assert_equal(1, 2)
            %time ALL = np.arange(1000)
            def same_padding(size, kernel, stride):
                windows = -(-size // stride)
                total = ALL[max((windows - 1) * stride + kernel - size, 0)]
                return [int(total // 2), int(total - total // 2)]
        """),
    },
    "has_a_past": {
        "output_size": answer("""
            from course_lib.arithmetic import output_size

            def output_size(size, kernel, stride, padding):
                return (size + 2 * padding - kernel) // stride + 1
        """),
        "conv2d_parameters": answer("""
                def conv2d_parameters(kernel, in_channels, filters):
                    return (kernel * kernel * in_channels + 1) * filters
        """),
        "same_padding": answer("""
            def halves(total):
                return [total // 2, total - total // 2]

            def same_padding(size, kernel, stride):
                return halves(max((-(-size // stride) - 1) * stride + kernel - size, 0))

            print(halves(4), same_padding(32, 5, 1))
            del halves
        """, "error", "halves", 0),
    },
    "breaks_one_cell": {
        "correlate": answer("def correlate(image, kernel):\n    return [", "error", "no valid Python", 0),
    },
    "breaks_cells": {
        "same_padding": answer("def same_padding(size):\n    x = '\\0'\n    return \0\n", "error", (), 0),
        "correlate": answer(f"def correlate(*case):\n    return {'(' * 500}1{')' * 500}", "error", (), 0),
        "receptive_field": answer(
            f"def receptive_field(*case):\n    return {'1 + ' * 50_000}1", "error", (), 0
        ),
        "stack_totals": answer(f"def stack_totals(*case):\n    return {'9' * 5000}", "error", (), 0),
    },
    "leaves_stubs": {
        "correlate": answer("""
            def correlate(image, kernel):
                # YOUR CODE HERE
                raise NotImplementedError()
        """, "not attempted", "still to be written", 0),
        "receptive_field": answer("""
            def receptive_field(layers):
                return helper(layers)

            def helper(layers):
                raise NotImplementedError()
        """, "error", "calls `helper`, which is still to be written", 0),
        "stack_totals": answer("""
            def stack_totals(size, channels, layers):
                return undefined_name + size
        """, "error", "raised NameError: name 'undefined_name' is not defined", 0),
        "same_padding": answer("""
            SIZES = 1 / 0

            def same_padding(size, kernel, stride):
                return SIZES
        """, "error", "ZeroDivisionError", 0),
    },
}  # fmt: skip

HEAVY = (
    "tutorial_lenet5",
)  # its answer is a Keras model, which takes seconds: in no submission of the class

# Cells that no answer needs.
UNRELATED = [
    "while True:\n    pass",
    "raise RuntimeError('stop')",
    "import sys\nsys.exit()",
    "import os\nos._exit(1)",
    "import time\ntime.sleep(10**6)",
    "for epoch in range(10**12):\n    loss = output_size(32, 5, 1, 0) - epoch",
    "import tensorflow as tf\nmodel = tf.keras.Sequential()\nmodel.fit([1], [2], epochs=10**6)",
    "results = [output_size(n, 5, 1, 0) for n in range(10**9)]",
    "size = 1 / 0",
    "for layers in iter(int, 1):\n    kernel = image = padding = layers",
    "print(",
    "%%bash\nrm -rf everything; do",
    "%%html\n<p>It's here</p>",
    "await something()",
    "return 5",
    "\u2028\ufeff\x0c",
]


# Building notebooks

NOTHING = Expected(("not attempted",), 0)
UNREADABLE = {("", ""): Expected(("unreadable",), 0, ("cannot be read",))}


def notebook(chapter, answers=None, folder="solutions", without=()):
    """Return the chapter's notebook, as data, with the cells of `answers` {question: source} replaced."""
    path = next((ROOT / folder).glob(f"*_{chapter}.ipynb"))
    data = json.loads(path.read_text(encoding="utf-8"))
    data["cells"] = [cell for cell in data["cells"] if name(cell) not in without]
    for cell in data["cells"]:
        if answers and name(cell) in answers:
            cell["source"] = answers[name(cell)].splitlines(keepends=True)
    return data


def name(cell):
    """Return the question that the cell answers, or None."""
    role = cell["metadata"].get("nbgrader", {})
    return role["grade_id"] if role.get("solution") else False


def code(source):
    """Return a code cell."""
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def questions(chapter):
    """Return the names of the chapter's questions."""
    return [question.name for question in chapter_questions(chapter)]


def marks(chapter, but=None):
    """Return full marks for every question of the chapter, `but` for some: {question: Expected}."""
    full = {each.name: Expected(("right",), each.points) for each in chapter_questions(chapter)}
    for question, expected in (but or {}).items():
        full[question] = full[question] if expected.status == ("right",) else expected
    return {(chapter, question): expected for question, expected in full.items()}


def hand_in(folder, places):
    """Fill `folder` with the class and return what each learner must earn.

    Args:
        folder: an empty directory, as a `Path`.
        places: what stands for `@NAME@` in the attacks: {"ROOT": ..., "CLASS": ..., "OUT": ..., ...}.
    """
    expected = {}

    def save(path, data, earns):
        path = folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        expected.setdefault(path.relative_to(folder).parts[0], {}).update(earns)

    for chapter, group in (("foundations", IN_FOUNDATIONS | HONEST), ("lenet5", IN_LENET5)):
        solutions = {name(cell): "".join(cell["source"]) for cell in notebook(chapter)["cells"]}
        for learner, attacks in group.items():
            cells = {question: each.cell(question, solutions[question]) for question, each in attacks.items()}
            for place, value in places.items():
                cells = {question: text.replace(f"@{place}@", value) for question, text in cells.items()}
            earns = dict.fromkeys(HEAVY, NOTHING) if chapter == "lenet5" else {}
            earns |= {question: each.expected for question, each in attacks.items()}
            save(f"{learner}.ipynb", notebook(chapter, cells, without=HEAVY), marks(chapter, earns))
    for chapter in ("foundations", "lenet5"):
        but = dict.fromkeys(HEAVY, NOTHING) if chapter == "lenet5" else {}
        save(f"solves_{chapter}.ipynb", notebook(chapter, without=but), marks(chapter, but))
        nothing = marks(chapter, dict.fromkeys(questions(chapter), NOTHING))
        save(f"untouched_{chapter}.ipynb", notebook(chapter, folder="exercises"), nothing)
    data = notebook("foundations", without=questions("foundations")[1:])
    little = data, marks("foundations", dict.fromkeys(questions("foundations")[1:], NOTHING))
    _handle_clumsily(save, little)
    _break_files(folder, save, little)
    _choose_names(folder, save, little)
    expected |= {link: {} for link in ("links.ipynb", "links_a_folder", "links_itself")}
    expected["caf\udce9"] = little[1]
    return expected


def _handle_clumsily(save, little):
    """Hand in right answers in notebooks to which something happened."""
    later = questions("foundations")[4:]
    full = marks("foundations", dict.fromkeys(later, NOTHING))
    solved = notebook("foundations", without=later)
    stubs = notebook("foundations", folder="exercises")

    def changed(change):
        data = copy.deepcopy(solved)
        data["cells"] = change(data["cells"]) or data["cells"]
        return data

    save("renames/Kopie von Aufgabe (1).ipynb", solved, full)
    save("renames/notes.txt", "no notebook", {})
    save("nests/course/work/00_foundations.ipynb", solved, full)
    save("copies_cells.ipynb", changed(lambda cells: cells + stubs["cells"] + cells[:9]), full)
    save("stubs_at_the_end.ipynb", changed(lambda cells: cells + stubs["cells"]), full)
    save("moves_cells.ipynb", changed(lambda cells: cells[::-1]), full)
    save("answers_alone.ipynb", changed(lambda cells: [cell for cell in cells if name(cell)]), full)

    def bare(cells):
        for cell in cells:
            cell["metadata"] = {}
            cell.pop("id", None)

    save("loses_metadata.ipynb", {**changed(bare), "metadata": {}, "nbformat_minor": 0}, full)

    def checks_edited(cells):
        for cell in cells:
            source = "".join(cell["source"])
            if source.startswith("check("):
                cell["source"] = source.replace(")", ", points=99)") if "output" in source else "check(("

    save("edits_checks.ipynb", changed(checks_edited), full)

    def colab(cells):
        for number, cell in enumerate(cells):
            cell["metadata"] = {"id": f"Xy{number}", "colab": {"base_uri": "https://localhost:8080/"}}
            cell["source"] = "".join(cell["source"])
            cell.pop("id", None)

    data = {**changed(colab), "metadata": {"colab": {"provenance": []}, "accelerator": "GPU"}}
    save("comes_from_colab.ipynb", {**data, "nbformat_minor": 0}, full)
    unrelated = [code(source) for source in UNRELATED]
    save("adds_cells.ipynb", changed(lambda cells: [*unrelated, *cells, *unrelated]), full)
    save("marks_bytes.ipynb", "\ufeff" + json.dumps(solved), full)
    output = {"output_type": "stream", "name": "stdout", "text": ["x" * 10**8]}
    save("stores_much.ipynb", changed(lambda cells: [*cells, {**code("1"), "outputs": [output]}]), full)
    long = "numbers = []\n" + "numbers.append(1)\n" * 10_000
    save("has_a_long_cell.ipynb", changed(lambda cells: [*cells, code(long)]), full)
    save("hands_in_both/00.ipynb", *little)
    but = dict.fromkeys(HEAVY, NOTHING)
    save("hands_in_both/01.ipynb", notebook("lenet5", without=HEAVY), marks("lenet5", but))
    save("hands_in_twice/a.ipynb", little[0], {})
    save("hands_in_twice/b.ipynb", solved, full)
    save("hands_in_twice/c.ipynb", stubs, {})
    save("has_checkpoints/00.ipynb", *little)
    for place in (".ipynb_checkpoints/00-checkpoint", "__MACOSX/._00", "__MACOSX/00", "._00"):
        save(f"has_checkpoints/{place}.ipynb", solved, {})
    odd_cells = [None, 5, "x", [], {}, {"cell_type": "code"}, {"cell_type": "code", "source": 5},
                 {**code([1, None, {}]), "outputs": 5, "metadata": []},
                 {**code("1"), "outputs": [{"data": 5}, None, {"data": {"text/html": [5]}}]}]  # fmt: skip
    save("odd_cells.ipynb", {"cells": odd_cells + little[0]["cells"]}, little[1])


def _break_files(folder, save, little):
    """Hand in what is no notebook, or leads elsewhere."""
    for learner, text in {
        "no_json": "{",
        "a_list": "[]",
        "a_number": "5",
        "no_cells": '{"cells": 5}',
        "cells_missing": '{"nbformat": 4}',
        "empty": "",
        "too_deep": "[" * 10**6,
        "old_format": '{"worksheets": [{"cells": []}], "nbformat": 3}',
        "constant": "NaN",
        "not_utf8": "",
        "too_large": "",
    }.items():
        save(f"{learner}.ipynb", text, UNREADABLE)
    (folder / "not_utf8.ipynb").write_bytes(b'{"cells": ["\xff\xfe"]}')
    os.truncate(folder / "too_large.ipynb", 5 << 30)  # which takes no room on the disk
    save("no_answers.ipynb", {"cells": [code("print(1)")]}, {})
    broken = {each: Expected(("unreadable",), 0, ("cannot be read",)) for each in questions("foundations")}
    save("breaks_its_file/00_foundations.ipynb", "{", marks("foundations", broken))
    save("has_a_pipe/00.ipynb", little[0], little[1] | UNREADABLE)
    os.mkfifo(folder / "has_a_pipe" / "pipe.ipynb")
    save("has_a_folder/00.ipynb", little[0], little[1] | UNREADABLE)
    (folder / "has_a_folder" / "folder.ipynb").mkdir()
    save("has_links/00.ipynb", *little)
    for link, target in {
        "has_links/01.ipynb": ROOT / "solutions" / "00_foundations.ipynb",
        "has_links/more": ROOT / "solutions",
        "has_links/loop": "..",
        "links.ipynb": ROOT / "solutions" / "00_foundations.ipynb",
        "links_a_folder": ROOT / "solutions",
        "links_itself": "links_itself",
    }.items():
        os.symlink(target, folder / link)


def _choose_names(folder, save, little):
    """Hand in one right answer under names that are hard to write down."""
    for learner in (
        "two\nlines", "=cmd()", "@SUM(1)", "<script>alert(1)</script>", "l" * 200, "-rf", "a b", "a_b", "Ann",
        "ann", "x<y", "x>y", "con", "%2e%2e", "ends with a dot.", "nürnberg", "\u202eright to left",
        "`code`", "comma, \"quoted\"; and\ttab", "folder.ipynb",
    ):  # fmt: skip
        save(f"{learner}/00.ipynb", *little)
    undecodable = os.fsencode(folder) + b"/caf\xe9"
    os.mkdir(undecodable)
    (folder / "caf\udce9" / "00.ipynb").write_text(json.dumps(little[0]))
