"""What ``serve`` can still do, tried by a program that gives up the same privileges by the same function."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reading_room import landlock
from reading_room.cli.running import free_port

pytestmark = [pytest.mark.network, pytest.mark.costs(3, reason="a process that gives up everything is started")]

LIST = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
SERVER = r"""
import ctypes, json, os, socket, subprocess, sys, threading
from functools import partial
from pathlib import Path
from reading_room.cli.claiming import claim
from reading_room.cli.privileges import drop_privileges
from reading_room.flowlogs.parquet_file import from_text
from reading_room.settings import Settings

told = json.loads(sys.argv[1])
settings = Settings.from_environment(data=Path(told["data"]), port=told["port"], console_port=0)
claim(settings)
drop_privileges(settings, bytes(32))
os.chdir(settings.data)
number = ("x86_64", "aarch64").index(os.uname().machine)
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p

def made(name, *arguments):
    return ctypes.get_errno() if getattr(libc, name)(*arguments) == -1 else 0

def mapped():
    found = libc.mmap(None, ctypes.c_size_t(4096), 7, 0x22, -1, ctypes.c_long(0))
    return ctypes.get_errno() if found == ctypes.c_void_p(-1).value else 0

def in_child(action):
    child = os.fork()
    if child == 0:
        try:
            ctypes.set_errno(0)
            os._exit(action() or 0)
        except OSError as error:
            os._exit(error.errno)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def read(path):
    Path(path).read_bytes()

def call(*numbers):
    return partial(made, "syscall", numbers[number], 0, 0, 0, 0, 0)

attempts = {
    "ptrace": partial(made, "ptrace", 0, 0, 0, 0),
    "mount": partial(made, "mount", b"none", b"/usr", b"tmpfs", 0, None),
    "unshare": partial(made, "unshare", 0x10000000),
    "setns": partial(made, "setns", 0, 0),
    "bpf": call(321, 280),
    "keyctl": call(250, 219),
    "userfaultfd": call(323, 282),
    "perf": call(298, 241),
    "clone": partial(made, "syscall", (56, 220)[number], 0x10000011, 0, 0, 0, 0),
    "clone3": call(435, 435),
    "io_uring": call(425, 425),
    "written and executed": mapped,
    "terminal": partial(made, "ioctl", 0, 0x5412, b"x"),
    "netlink": lambda: socket.socket(16, socket.SOCK_RAW).close(),
    "packet": lambda: socket.socket(17, socket.SOCK_RAW).close(),
    "shadow": partial(read, "/etc/shadow" if os.path.exists("/etc/shadow") else "/etc/passwd-"),
    "beside": partial(read, told["beside"]),
}

def database():
    import sqlite3  # When it is loaded it looks where temporary files go.
    connection = sqlite3.connect("db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE numbers AS WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n "
                       "WHERE i < 20000) SELECT i, hex(randomblob(50)) AS text FROM n")
    connection.execute("PRAGMA cache_size = 10")
    count = len(connection.execute("SELECT text FROM numbers ORDER BY text").fetchall())
    connection.commit()
    connection.execute("VACUUM")
    return count

def listens():
    with socket.create_server(("127.0.0.1", told["port"])) as door:
        return door.getsockname()[1]

done = []
thread = threading.Thread(target=partial(done.append, True))
thread.start()
thread.join()
print(json.dumps({
    "attempts": {name: in_child(action) for name, action in attempts.items()},
    "database": database(),
    "parquet": from_text(b"version srcport\n2 443\n")[:4].decode(),
    "port": listens(),
    "thread": done,
}))
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results of all attempts."""
    folder = tmp_path_factory.mktemp("privileges")
    (folder / "beside").write_text("of the person who started it")
    port = free_port()
    options = {"data": str(folder / "data"), "port": port, "beside": str(folder / "beside")}
    run = subprocess.run(
        [sys.executable, "-c", SERVER, json.dumps(options)],
        env=os.environ | {"READING_ROOM_STATE": str(folder / "state")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found | {"wanted port": port}


def test_serve_has_the_calls_files_and_port_that_it_works_with(tried: dict[str, Any]) -> None:
    assert tried["database"] == 20_000
    assert tried["parquet"] == "PAR1"
    assert tried["port"] == tried["wanted port"]
    assert tried["thread"] == [True]


FATAL = ("ptrace", "mount", "unshare", "setns", "bpf", "keyctl", "userfaultfd", "perf")
REFUSED = {
    "clone": errno.EPERM,
    "clone3": errno.ENOSYS,
    "io_uring": errno.ENOSYS,
    "written and executed": errno.EPERM,
    "terminal": errno.EPERM,
    "netlink": errno.EAFNOSUPPORT,
    "packet": errno.EAFNOSUPPORT,
}
FILES = ("shadow", "beside")
LISTED = {
    "calls-that-attack-kernels": FATAL,
    "namespaces-by-clone": ("clone", "clone3"),
    "io-uring": ("io_uring",),
    "memory-that-is-written-and-executed": ("written and executed",),
    "typing-at-a-terminal": ("terminal",),
    "other-socket-families": ("netlink", "packet"),
    "files-beside-the-data": FILES,
}
"""The lines of docs/attacks.md, with what is tried for each."""


def test_calls_that_attack_kernels_kill_serve(tried: dict[str, Any]) -> None:
    assert {name: tried["attempts"][name] for name in FATAL} == dict.fromkeys(FATAL, -signal.SIGSYS)


def test_serve_cannot_do_what_is_not_its_work(tried: dict[str, Any]) -> None:
    assert {name: tried["attempts"][name] for name in REFUSED} == REFUSED


@pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
def test_serve_reads_nothing_beside_its_data_and_the_program(tried: dict[str, Any]) -> None:
    # As an ordinary user it does not even see them.
    assert {tried["attempts"][name] for name in FILES} <= {errno.EACCES, errno.ENOENT}


def test_attempts_and_list_agree(tried: dict[str, Any]) -> None:
    text = LIST.read_text().partition("## From `serve` of root or a user")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE) == list(LISTED)
    assert {name for names in LISTED.values() for name in names} == set(tried["attempts"])


def test_the_processes_of_the_product_have_a_filter_that_no_program_can_leave() -> None:
    program = (
        "import ctypes, os, sys\n"
        "from reading_room.cli.privileges import refuse_fatal_calls\n"
        "refuse_fatal_calls()\n"
        "os.execv('/bin/sh', ['sh', '-c', sys.argv[1]])\n"
    )
    attempt = (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True); print(libc.ptrace(0, 0, 0, 0), libc.unshare(0x20000))"
    )
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            program,
            f'grep -E "NoNewPrivs|Seccomp:" /proc/self/status; {sys.executable} -c "{attempt}"',
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.split() == ["NoNewPrivs:", "1", "Seccomp:", "2", "-1", "0"], run.stderr
