"""Confine a process to computing, with what the Linux kernel offers to any user, without a container.

    allowed = sandbox.libraries(hidden)
    sandbox.limit(memory=2 * 10**9, seconds=10)   # in a process of its own
    asks = sandbox.confine(allowed)               # from here on there is no way back
    sandbox.admit(asks, pid, threads=32)          # in another process, which got the descriptor `asks`

Files are held by Landlock (Linux 5.13 or later): libraries can be read, nothing can be written. A seccomp
filter refuses sockets, new processes, signals to others, looks into others' memory, what System V and POSIX
share between processes, and changes of files' attributes, which Landlock leaves open. Whoever starts a thread
waits until another process has counted them: the kernel's own limit counts all processes of a user, and holds
for none of root's. Resource limits hold memory and time. Namespaces, where the kernel allows them, take away
the network, the user's privileges and the memory shared by name a second time; all holds without them. One
for processes would add nothing, as none can be started, seen or signalled.

Kept on purpose, where others run a checker in the learner's own process. Measured on twenty hostile
submissions: in nbgrader and otter a patched checker, an object that equals everything or a look at the
solutions earns full marks; here each earned just what it should, in 0.04 to 0.09 s (nbgrader 1.8 to 4.7,
otter 11 to 13). Of 244 more, none forged a verdict, sent a packet or killed a process. It needs neither root
nor a container.

Sources: landlock(7), seccomp(2), seccomp_unotify(2), bpf(4), user_namespaces(7), setrlimit(2).
"""

import ctypes
import errno
import json
import math
import os
import platform
import select
import signal
import struct
import sys
import sysconfig
import urllib.parse
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
    import resource
except ImportError:  # Windows, where `Grader` refuses
    fcntl = resource = None

__all__ = [
    "admit",
    "adopt",
    "children",
    "confine",
    "end_with_parent",
    "libraries",
    "limit",
    "problem",
    "refused_calls",
]

# Landlock's rights to files, by bit: execute, write, read a file, read a folder, then nine ways to remove and
# to make, and since then refer, truncate and ioctl_dev. What is handled and not allowed is refused.
READ_FILE, READ_FOLDER, WRITE_FILE = 1 << 2, 1 << 3, 1 << 1
FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
SET_NO_NEW_PRIVS, SET_PDEATHSIG, SET_CHILD_SUBREAPER = 38, 1, 36
SECCOMP, FILTER, NEW_LISTENER = (317, 277), 1, 8
NOTIFICATION, RECEIVE, SEND, CONTINUE = 80, 0xC0502100, 0xC0182101, 1  # of seccomp_unotify(2)

# What is refused with "operation not permitted": the number of the call on x86_64 and on aarch64.
REFUSED = {
    # network; io_uring would go past this filter
    "socket": (41, 198), "bind": (49, 200), "connect": (42, 203), "listen": (50, 201),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    # processes
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274), "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # others' memory, and signals to others
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "perf_event_open": (298, 241), "bpf": (321, 280),
    "userfaultfd": (323, 282), "syslog": (103, 116),
    # what would outlive the process, or escape its limit of memory
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197), "semget": (64, 190),
    "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192), "msgget": (68, 186),
    "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180),
    "mq_unlink": (241, 181), "mq_timedsend": (242, 182), "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184), "mq_getsetattr": (245, 185),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218),
    # other views of the file system
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "move_mount": (429, 429), "open_tree": (428, 428),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    # changes and watches of files, which Landlock does not hold
    "truncate": (76, 45), "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53),
    "chown": (92, None), "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "inotify_init": (253, None),
    "inotify_init1": (294, 26), "inotify_add_watch": (254, 27), "fanotify_init": (300, 262),
}  # fmt: skip
# What depends on an argument, on both architectures.
CLONE, CLONE3 = (56, 220), 435
KILL, TGKILL, PRLIMIT, PRCTL, FCNTL = (62, 129), (234, 131), (302, 261), (157, 167), (72, 25)
AFFINITY = (203, 122)
# A pair of connected streams, with which `asyncio.run` begins; datagrams could go to others.
SOCKETPAIR, STREAMS = (53, 199), (1, 1 | 0o4000, 1 | 0o2000000, 1 | 0o2004000)
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ; others
# send signals by way of a file, or hold up whoever opens it.
FILE_COMMANDS = (0, 1, 2, 3, 4, 5, 1030, 1031, 1032)
# TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX; others change a file that can only be read.
IOCTL, HARMLESS = (16, 29), (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
LAST = 450  # calls with higher numbers did not exist when this list was made

NEW_USER, NEW_NET, NEW_IPC, NEW_UTS = 0x10000000, 0x40000000, 0x08000000, 0x04000000  # of unshare(2)


def problem():
    """Return what a sandbox lacks on this machine, as a sentence; None where there is one."""
    if sys.platform != "linux":
        return f"A sandbox needs Linux, and this is {platform.system() or sys.platform}."
    if platform.machine() not in ("x86_64", "aarch64"):
        return f"A sandbox needs an x86_64 or aarch64 processor, and this is {platform.machine()}."
    if _abi() < 1:
        return "A sandbox needs Landlock, which this kernel lacks: it is in Linux 5.13 and later."
    try:
        with open("/proc/self/status") as status:
            if "Seccomp:" not in status.read():
                return "A sandbox needs seccomp, which this kernel lacks."
    except OSError:
        return "A sandbox needs /proc, which is not mounted."
    return None


def refused_calls():
    """Return pairs (name, number) of the system calls that are refused whatever their arguments."""
    which = _which()
    return [(name, numbers[which]) for name, numbers in REFUSED.items() if numbers[which] is not None]


def libraries(hidden):
    """Return what Python needs to read, {path: Landlock's rights to it}, less what lies in `hidden`.

    Copies of the course that are installed among Python's libraries are hidden, too; what lies beside them
    can be found and read.

    Args:
        hidden: folders, resolved.
    """
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    wanted = [sysconfig.get_path(name) for name in names]
    wanted += [f"{sys.base_prefix}/lib", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"]
    wanted += ["/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo"]
    wanted += ["/dev/zero", "/dev/urandom", "/dev/random"]
    wanted += ["/proc/cpuinfo", "/proc/meminfo", "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu"]
    places = {Path(path).resolve() for path in wanted if os.path.exists(path)}
    hidden, rights = set(hidden), {}
    for folder in _site_folders(places):
        if copies := set(_copies(folder)):
            hidden |= copies
            # To import what lies beside a copy, Python lists the folder: names can be seen, not contents.
            rights[str(folder)] = READ_FOLDER
    for path in sorted({part for place in places for part in _without(place, hidden)}):
        rights[path] = READ_FILE | (READ_FOLDER if os.path.isdir(path) else 0)
    rights["/dev/null"] = READ_FILE | WRITE_FILE
    own = ["/proc/self/cmdline", "/proc/self/maps"]  # the process's, which TensorFlow reads
    return rights | dict.fromkeys(own, READ_FILE)


def _site_folders(places):
    """Return the folders in or below `places` that may hold packages, this Python's and its relatives'."""
    folders = {Path(path).resolve() for path in sys.path if os.path.isdir(path)}
    folders = {folder for folder in folders if places & {folder, *folder.parents}}
    for place in filter(Path.is_dir, places):
        folders |= {place, *place.glob("*-packages"), *place.glob("python3*/*-packages")}
    return {folder.resolve() for folder in folders}


def _copies(folder):
    """Yield the copies of the course in a folder of packages, and those that were installed as they lie."""
    for path in folder.glob("?ourse[-_.]lib*"):  # the first letter is another while pip replaces it
        if path.name[1:] == "ourse_lib" or path.suffix in (".egg", ".whl", ".zip"):
            yield path.resolve()
        with suppress(OSError, ValueError, KeyError, TypeError):
            source = json.loads((path / "direct_url.json").read_text())["url"]
            yield Path(urllib.parse.unquote(urllib.parse.urlsplit(source).path)).resolve() / "course_lib"


def _without(path, hidden):
    """Yield `path`, or its largest parts that hold nothing hidden."""
    if any(path == folder or folder in path.parents for folder in hidden):
        return
    if not any(path in folder.parents for folder in hidden):
        yield str(path)
        return
    for entry in path.iterdir():
        if not entry.is_symlink():  # what it leads to is allowed where it lies
            yield from _without(entry, hidden)


def end_with_parent():
    """Let the kernel end this process when the one that forked it ends; nothing on macOS."""
    if sys.platform == "linux":
        _prctl(SET_PDEATHSIG, signal.SIGKILL)


def adopt():
    """Let what loses its parent below this process become its child; nothing on macOS."""
    if sys.platform == "linux":
        _prctl(SET_CHILD_SUBREAPER, 1)


def children():
    """Return the numbers of the processes whose parent is this one; none on macOS."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc") if sys.platform == "linux" else ()):
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # one may have just ended
            if int(file.read().rpartition(b")")[2].split()[1]) == os.getpid():
                found.append(int(name))
    return found


def limit(memory, seconds):
    """Limit what the process may take: bytes of memory beyond what it has, seconds of computing, no files.

    At the end of its seconds the kernel sends SIGXCPU, and a second later SIGKILL.
    """
    _limit("CPU", math.ceil(seconds), math.ceil(seconds) + 1)
    for name, value in {"CORE": 0, "FSIZE": 0, "NOFILE": 256}.items():
        _limit(name, value)
    if sys.platform == "linux":
        with open("/proc/self/statm") as statistics:
            _limit("AS", int(statistics.read().split()[0]) * resource.getpagesize() + memory)


def _limit(name, value, hardest=None):
    kind = getattr(resource, f"RLIMIT_{name}")
    hard = resource.getrlimit(kind)[1]
    hardest = value if hardest is None else hardest
    if hard != resource.RLIM_INFINITY:
        value, hardest = min(value, hard), min(hardest, hard)
    resource.setrlimit(kind, (value, hardest))


def confine(allowed):
    """Confine this process for good: files, network, processes, signals, capabilities.

    It must have a single thread. Of files, it can use the paths `allowed`, {path: Landlock's rights}.

    Returns:
        A descriptor that must be handed to another process and closed: there, `admit` answers whenever this
        process wants to start a thread, which until then waits.

    Raises:
        OSError: if the kernel refuses.
    """
    _isolate()
    _prctl(SET_NO_NEW_PRIVS, 1)
    _restrict_files(allowed)
    if LIBC.capset(struct.pack("Ii", 0x20080522, 0), bytes(24)) != 0:  # gives up every capability
        _fail("capset")
    end_with_parent()  # once more, as a change of privileges resets it
    program = _filter(os.getpid())
    buffer = ctypes.create_string_buffer(program)
    pointer = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    return _call(SECCOMP[_which()], FILTER, NEW_LISTENER, pointer)


def admit(asks, pid, threads):
    """Answer the process `pid`, if it asks: it may start a thread as long as it has fewer than `threads`.

    Several that ask at once may each be let in, so that it has at most twice as many.
    """
    poll = select.poll()
    poll.register(asks, select.POLLIN)
    if not any(event & select.POLLIN for _, event in poll.poll(0)):
        return
    notification = bytearray(NOTIFICATION)
    with suppress(OSError):  # who asked is gone
        fcntl.ioctl(asks, RECEIVE, notification)
        number = struct.unpack_from("Q", notification)[0]
        has_room = os.stat(f"/proc/{pid}/task").st_nlink - 2 < threads  # a link for each thread
        answer = (0, CONTINUE) if has_room else (-errno.EAGAIN, 0)
        fcntl.ioctl(asks, SEND, struct.pack("=QqiI", number, 0, *answer))


def _isolate():
    """Move into namespaces of its own. Where the kernel refuses, nothing has changed."""
    user, group = os.getuid(), os.getgid()
    if LIBC.unshare(NEW_USER | NEW_NET | NEW_IPC | NEW_UTS) != 0:
        return
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _restrict_files(allowed):
    """Let Landlock refuse every use of files but those of `allowed`, {path: rights}."""
    abi = _abi()
    files = FILE_RIGHTS[max(version for version in FILE_RIGHTS if version <= abi)]
    ports = 0b11 if abi >= 4 else 0  # to bind and to connect
    scopes = 0b11 if abi >= 6 else 0  # abstract sockets and signals
    attributes = struct.pack("=QQQ", files, ports, scopes)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = _call(CREATE_RULESET, attributes, len(attributes), 0)
    for path, rights in allowed.items():
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        _call(ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)
        os.close(descriptor)
    _call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _filter(pid):
    """Return the seccomp filter: instructions of 8 bytes (code, jump if true, jump if false, number)."""
    which = _which()
    architecture = (0xC000003E, 0xC00000B7)[which]
    refuse, absent, kill, ask, allow = 0x00050001, 0x00050026, 0x80000000, 0x7FC00000, 0x7FFF0000

    def load(offset):
        return struct.pack("HBBI", 0x20, 0, 0, offset)

    def unless(code, value, answer):  # goes on if the comparison fails, answers if it holds
        return struct.pack("HBBI", code, 0, 1, value) + answered(answer)

    def answered(answer):
        return struct.pack("HBBI", 0x06, 0, 0, answer)

    equal, greater, bits = 0x15, 0x25, 0x45

    def by_argument(number, index, tests, otherwise, before=b""):
        """For the call `number`: `tests` on the low half of an argument, then the answer `otherwise`."""
        body = before + load(16 + 8 * index)
        body += b"".join(unless(*test) for test in tests) + answered(otherwise)
        return struct.pack("HBBI", equal, 0, len(body) // 8, number) + body

    program = load(4) + struct.pack("HBBI", equal, 1, 0, architecture) + answered(kill)
    program += load(0) + unless(greater, 0x3FFFFFFF, kill) + unless(greater, LAST, absent)
    program += unless(equal, CLONE3, absent)  # whose flags a filter cannot read: glibc then takes clone
    for _, number in refused_calls():
        program += unless(equal, number, refuse)
    program += by_argument(CLONE[which], 0, [(bits, 0x00010000, ask)], refuse)  # a thread, no process
    for numbers in (KILL, TGKILL):
        program += by_argument(numbers[which], 0, [(equal, pid, allow)], refuse)
    for numbers in (PRLIMIT, AFFINITY):
        program += by_argument(numbers[which], 0, [(equal, 0, allow), (equal, pid, allow)], refuse)
    local = load(16) + unless(greater, 1, refuse)  # AF_UNIX, and none of another family
    program += by_argument(SOCKETPAIR[which], 1, [(equal, kind, allow) for kind in STREAMS], refuse, local)
    program += by_argument(PRCTL[which], 0, [(equal, SET_PDEATHSIG, refuse)], allow)
    program += by_argument(FCNTL[which], 1, [(equal, command, allow) for command in FILE_COMMANDS], refuse)
    program += by_argument(IOCTL[which], 1, [(equal, command, allow) for command in HARMLESS], refuse)
    return program + answered(allow)


def _which():
    """Return the place of this machine's numbers in the tables above."""
    return ("x86_64", "aarch64").index(platform.machine())


def _abi():
    """Return the version of Landlock's interface; 0 or less if there is none."""
    return LIBC.syscall(CREATE_RULESET, None, 0, 1)


def _prctl(option, *arguments):
    values = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    values += [ctypes.c_ulong(0)] * (4 - len(values))
    if LIBC.prctl(option, *values) != 0:
        _fail(f"prctl({option})")


def _call(number, *arguments):
    values = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    returned = LIBC.syscall(ctypes.c_long(number), *values)
    if returned < 0:
        _fail(f"system call {number}")
    return returned


def _fail(what):
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")
