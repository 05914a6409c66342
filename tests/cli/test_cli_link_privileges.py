"""What the link of a joined host can still do, tried by a program that gives up the same privileges."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reading_room import landlock

pytestmark = [pytest.mark.network, pytest.mark.costs(3, reason="a process that gives up everything is started")]
needs_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")

LINK = r"""
import ctypes, json, mmap, os, socket, sys, threading
from functools import partial
from pathlib import Path
from reading_room.cli.claiming import claim
from reading_room.cli.privileges import confine_link
from reading_room.settings import Settings

told = json.loads(sys.argv[1])
settings = Settings.from_environment(data=Path(told["data"]))
claim(settings)
authority = settings.data / "authority"
confine_link(settings, authority, [told["serve"]])
number = ("x86_64", "aarch64").index(os.uname().machine)
libc = ctypes.CDLL(None, use_errno=True)

def call(*numbers):
    if libc.syscall(numbers[number], 0, 0, 0, 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "refused")

def connect(port):
    socket.create_connection(("127.0.0.1", port), 5).close()

attempts = {
    "its authority": partial((authority / "new").write_text, "PEM"),
    "serve": partial(connect, told["serve"]),
    "a thread": partial(threading.Thread(target=int).start),
    "a pair of sockets": lambda: [each.close() for each in socket.socketpair()],
    "a process": os.fork,
    "a program": partial(os.execv, "/bin/true", ["true"]),
    "listening": lambda: socket.socket().bind(("127.0.0.1", 0)),
    "netlink": lambda: socket.socket(16, socket.SOCK_RAW),
    "packets": lambda: socket.socket(17, socket.SOCK_RAW),
    "another user": partial(os.setuid, 0),
    "written and executed": lambda: mmap.mmap(-1, 4096, prot=7),
    "io_uring": partial(call, 425, 425),
    "clone3": partial(call, 435, 435),
    "another port": partial(connect, told["other"]),
    "a file that everybody may read": partial(Path("/proc/version").read_bytes),
    "the host's key": partial(Path(told["key"]).read_bytes),
    "a file beside its folder": partial((settings.data / "new").write_text, "x"),
    "links": partial(os.symlink, "/etc/passwd", authority / "link"),
}

def outcome(action):
    try:
        action()
    except OSError as error:
        return error.errno
    return 0

if told["fatal"]:
    libc.ptrace(0, 0, 0, 0)
print(json.dumps({name: outcome(action) for name, action in attempts.items()}))
"""
ALLOWED = ("its authority", "serve", "a thread", "a pair of sockets")
REFUSED = {
    "a process": errno.EPERM,
    "a program": errno.EPERM,
    "listening": errno.EPERM,
    "netlink": errno.EAFNOSUPPORT,
    "packets": errno.EAFNOSUPPORT,
    "another user": errno.EPERM,
    "written and executed": errno.EPERM,
    "io_uring": errno.ENOSYS,
    "clone3": errno.ENOSYS,
    "links": errno.EPERM,
}
BY_LANDLOCK = ("a file that everybody may read", "a file beside its folder")


def link(folder: Path, *, fatal: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the program in a folder, with a port that it may connect to and one that it may not."""
    (folder / "key").write_text("of the host")
    (folder / "key").chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as serve, socket.create_server(("127.0.0.1", 0)) as other:
        options = {
            "data": str(folder / "data"),
            "key": str(folder / "key"),
            "serve": serve.getsockname()[1],
            "other": other.getsockname()[1],
            "fatal": fatal,
        }
        return subprocess.run(
            [sys.executable, "-c", LINK, json.dumps(options)],
            env=os.environ | {"READING_ROOM_STATE": str(folder / "state")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The errno of each attempt, 0 for one that succeeded."""
    run = link(tmp_path_factory.mktemp("link"))
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_the_link_has_the_calls_the_folder_and_the_port_that_it_works_with(tried: dict[str, Any]) -> None:
    assert {name: tried[name] for name in ALLOWED} == dict.fromkeys(ALLOWED, 0)


def test_the_link_cannot_do_what_is_not_its_work(tried: dict[str, Any]) -> None:
    assert {name: tried[name] for name in REFUSED} == REFUSED


@needs_landlock
def test_the_link_reads_no_key_and_writes_to_one_folder_only(tried: dict[str, Any]) -> None:
    assert {name: tried[name] for name in BY_LANDLOCK} == dict.fromkeys(BY_LANDLOCK, errno.EACCES)
    # In a folder of root's own, such as that of this test, it does not even see it.
    assert tried["the host's key"] in (errno.EACCES, errno.ENOENT)


@pytest.mark.skipif(landlock.version() < 4, reason="this kernel's Landlock knows no ports")
def test_the_link_connects_to_the_ports_of_serve_only(tried: dict[str, Any]) -> None:
    assert tried["another port"] == errno.EACCES


def test_calls_that_attack_kernels_kill_the_link(tmp_path: Path) -> None:
    assert link(tmp_path, fatal=True).returncode == -signal.SIGSYS
