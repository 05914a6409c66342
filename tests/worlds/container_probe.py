"""Runs inside a container in place of a worker, tries what a job must not be able to do, and reports the results.

It writes messages as a worker does. Its results, by name, are the ``metadata`` of its last message, as JSON. The job's
``input.key`` says what to do: ``look``, ``wait``, ``exit:N``, ``flood``, ``memory``, ``fork``, ``filters``, ``files``
or ``say:LINE``.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any, get_args

FOUND: dict[str, Any] = {}
DONE = {"type": "Done", "documents": 1, "errors": 0, "size": 1, "sha256": "ab" * 32}


def say(name: str, value: Any) -> None:
    FOUND[name] = value


def tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def error_of(action: Any) -> int:
    try:
        action()
    except OSError as error:
        return error.errno or -1
    return 0


def connects(address: str, port: int) -> int:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((address, port))


def writable(root: str) -> list[str]:
    """Return the files below ``root``, except those of processes, that this process may open for writing; open none."""
    found = []
    for folder, folders, files in os.walk(root):
        if folder == "/proc":
            folders[:] = [name for name in folders if not name.isdigit() and name not in ("self", "thread-self")]
        found += [path for name in files + folders if os.access(path := os.path.join(folder, name), os.W_OK)]
    return found


def readable(path: str) -> str:
    try:
        return Path(path).read_bytes()[:200].decode(errors="replace")
    except OSError as error:
        return f"errno {error.errno}"


def readable_lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def in_child(action: Any) -> int:
    """Return an errno, 0, or minus the number of the signal that ended the attempt."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(action() or 0)
        except OSError as error:
            os._exit(error.errno or 255)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def made(name: str, *arguments: Any) -> int:
    """Call a function of the C library and return its errno, or 0."""
    libc = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    return ctypes.get_errno() if getattr(libc, name)(*arguments) == -1 else 0


def system_call(name: str) -> int:
    arguments: dict[str, tuple[Any, ...]] = {
        "mount": (b"none", b"/tmp", b"tmpfs", 0, None),
        "umount2": (b"/tmp", 0),
        "unshare": (0x10000000,),
        "setns": (0, 0),
        "ptrace": (0, 0, 0, 0),
        "chroot": (b"/tmp",),
        "sethostname": (b"x", 1),
        "personality": (0,),
    }
    return in_child(lambda: made(name, *arguments[name]))


def filters() -> None:
    """Try each attempt in a child process, under each program's filter, applied as the worker applies it."""
    from reading_room.analysis.confinement import confine
    from reading_room.analysis.job_file import Confined

    number = {"x86_64": 0, "aarch64": 1}[os.uname().machine]
    anonymous, both = 0x22, 7
    attempts: dict[str, Any] = {
        "mount": partial(made, "mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "ptrace": partial(made, "ptrace", 0, 0, 0, 0),
        "bpf": partial(made, "syscall", (321, 280)[number], 0, 0, 0),
        "io_uring": partial(made, "syscall", 425, 1, 0),
        "user namespace": partial(made, "unshare", 0x10000000),
        "clone into a user namespace": partial(made, "syscall", (56, 220)[number], 0x10000011, 0, 0, 0, 0),
        "clone3": partial(made, "syscall", 435, 0, 0),
        "process": partial(made, "fork"),
        "program": partial(os.execv, "/bin/true", ["true"]),
        "internet": lambda: socket.socket().close(),
        "listen": lambda: socket.socket().bind(("127.0.0.1", 0)),
        "unix": lambda: socket.socket(socket.AF_UNIX).close(),
        "netlink": lambda: socket.socket(16, socket.SOCK_RAW).close(),
        "type at a terminal": partial(made, "ioctl", 0, 0x5412, b"x"),
        "move own memory": partial(made, "prctl", 35, 1, 0, 0, 0),
        "written and executed": lambda: 0 if map_memory(both, anonymous) else ctypes.get_errno(),
        "memory": lambda: 0 if map_memory(3, anonymous) else ctypes.get_errno(),
        "thread": lambda: threading.Thread(target=print).start(),
        "signal": partial(os.kill, 1, 0),
        "link": partial(os.symlink, "/etc/passwd", "/tmp/link"),
        "another filter": partial(made, "syscall", (317, 277)[number], 2, 0, b"....."),
        "a file": lambda: Path("/tmp/file").write_text("x") and None,
    }

    def under(program: Confined, action: Any) -> Any:
        confine(program)
        return action()

    for program in get_args(Confined):
        say(program, {name: in_child(partial(under, program, action)) for name, action in attempts.items()})


def files() -> None:
    """Try each attempt in a child process, with the files that a worker keeps, and with every system call allowed."""
    from reading_room.analysis.confinement import keep_files

    program = Path("/tmp/program")
    program.write_bytes(Path("/bin/true").read_bytes())
    program.chmod(0o755)
    Path("/tmp/old").write_text("x")

    def move() -> None:
        folder = tempfile.mkdtemp(dir="/tmp")
        os.rename("/tmp/old", f"{folder}/old")

    listening = socket.socket(socket.AF_UNIX)
    listening.bind("\0reading-room-probe")
    listening.listen()
    attempts: dict[str, Any] = {
        "a file in memory": lambda: Path("/dev/shm/file").write_text("x") and None,
        "a folder and a file moved into it": move,
        "nothing": lambda: Path("/dev/null").write_text("x") and None,
        "a program of the system": partial(os.execv, "/bin/true", ["true"]),
        "what is installed": lambda: Path(os.__file__).read_bytes() and None,
        "a program of its own": partial(os.execv, str(program), ["program"]),
        "a socket": lambda: socket.socket(socket.AF_UNIX).bind("/tmp/socket"),
        "another's socket": lambda: socket.socket(socket.AF_UNIX).connect("\0reading-room-probe"),
        "another process": partial(os.kill, os.getpid(), 0),
        "its own memory's marks": lambda: Path("/proc/self/clear_refs").write_text("1") and None,
    }

    def confined(action: Any) -> Any:
        keep_files()
        return action()

    say("files", {name: in_child(partial(confined, action)) for name, action in attempts.items()})
    say("without", {name: in_child(action) for name, action in attempts.items() if name.startswith("a ")})


def map_memory(protection: int, flags: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    mapped = libc.mmap(None, ctypes.c_size_t(4096), protection, flags, -1, ctypes.c_long(0))
    return bool(mapped != ctypes.c_void_p(-1).value)


def look() -> None:
    say("environment", dict(os.environ))
    say("first environment", Path("/proc/1/environ").read_text())
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    wanted = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    say("status", {name: status[name].strip() for name in wanted})
    say("processes", sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
    say("descriptors", [os.readlink(f"/proc/self/fd/{number}") for number in (0, 1, 2)])
    say("open", [int(name) for name in os.listdir("/proc/self/fd")][:-1])
    say("devices", [line.split(":")[0].strip() for line in readable_lines("/proc/net/dev")[2:]])
    say("mounts", readable_lines("/proc/self/mountinfo"))
    say("writable", writable("/proc") + writable("/sys"))
    roots = ("/", "/usr", "/etc", "/dev", "/dev/shm", "/tmp", "/proc", sys.prefix, sys.base_prefix)
    say("places", {path: error_of(partial(Path(path, "probe").write_text, "x")) for path in roots})
    say("root", sorted(os.listdir("/")))
    covered = ("sys", "kcore", "kmsg", "cmdline", "interrupts", "sysrq-trigger", "keys", "timer_list", "kallsyms")
    say("covered", {name: readable(f"/proc/{name}") for name in covered if os.path.isfile(f"/proc/{name}")})
    say("sysctls", os.listdir("/proc/sys"))
    families = ("AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_ALG", "AF_KEY", "AF_BLUETOOTH", "AF_CAN", "AF_TIPC")
    numbers = {name: getattr(socket, name, 15) for name in families}
    say("families", {name: error_of(partial(socket.socket, n, socket.SOCK_RAW)) for name, n in numbers.items()})
    say("raw", error_of(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close()))
    say("internet", [error_of(partial(socket.socket, f)) for f in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)])
    calls = ("mount", "umount2", "unshare", "setns", "ptrace", "chroot", "sethostname", "personality")
    say("calls", {name: system_call(name) for name in calls})
    say("connections", {"loopback": connects("127.0.0.1", 4566), "address": connects("10.0.0.1", 80)})
    say("abstract", error_of(lambda: socket.socket(socket.AF_UNIX).connect("\0reading-room-probe")))
    say("hostname", socket.gethostname())
    say("user", [os.getuid(), os.getgid()])
    say("modules", [name for name in ("aws", "iam", "app", "settings") if importable(f"reading_room.{name}")])
    say("authority", readable(os.environ["AWS_CA_BUNDLE"]))
    say("resolver", readable("/etc/resolv.conf"))


def importable(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def memory() -> None:
    held = []
    for _ in range(80):
        held.append(bytearray(8 << 20))
    say("allocated", len(held))


def fork() -> None:
    children = 0
    try:
        while children < 200:
            if os.fork() == 0:
                time.sleep(30)
                os._exit(0)
            children += 1
    except OSError as error:
        say("forks", [children, error.errno])


def main() -> int:
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    tell({"type": "Ready"})
    line = sys.stdin.readline()
    if not line:
        return 0
    handed = json.loads(line)
    os.environ.update(handed["environment"])
    Path("/tmp/resolv.conf").write_text(handed["resolver"])
    task = handed["job"]["input"]["key"]
    if task == "look":
        look()
    elif task == "wait":
        tell({"type": "Progress", "documents": 1})
        while not stop:
            time.sleep(0.01)
        tell({**DONE, "stopped": True})
    elif task == "flood":
        for number in range(40_000):
            tell({"type": "Progress", "documents": number})
            sys.stderr.write(f"on standard error {number}\n")
        sys.stderr.write("the very last line \x1b[31m\n")
    elif task == "memory":
        memory()
    elif task == "fork":
        fork()
    elif task == "filters":
        filters()
    elif task == "files":
        files()
    elif task.startswith("say:"):
        sys.stdout.write(task.removeprefix("say:") + "\n")
        sys.stdout.flush()
        signal.pause()
    elif task.startswith("exit:"):
        return int(task.removeprefix("exit:"))
    if FOUND:
        tell({**DONE, "metadata": json.dumps(FOUND)})
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
