"""What a process can still do that kept only some files and ports, tried by such a process."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from typing import Any

import pytest

from reading_room import landlock

pytestmark = [
    pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock"),
    pytest.mark.costs(1, reason="an interpreter is started"),
]

CONFINED = """
import ctypes, encodings.idna, json, os, socket, sys  # idna is needed to connect, and cannot be loaded later
from pathlib import Path
from reading_room.landlock import Allowed, restrict_to
folder, port, other, remote = Path(sys.argv[1]), *map(int, sys.argv[2:])
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
system = [Path(path) for path in ("/usr", "/lib", "/lib64")]
read, run, write = ([folder / name] for name in ("read", "run", "write"))
files = {"read": [*read, folder / "missing"], "run": [*run, *system], "write": write}
restrict_to(Allowed(**files, ports=[port], remote_ports=[remote]))

def error_of(action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        return error.errno
    return 0

def bind(number):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", number))

def execute(name):
    child = os.fork()
    if child == 0:
        os._exit(error_of(os.execv, folder / name / "program", ["program"]))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

print(json.dumps({
    "read": {name: error_of((folder / name / "file").read_bytes) for name in ("read", "run", "write", "closed")},
    "write": {name: error_of((folder / name / "new").write_text, "x") for name in ("read", "run", "write", "closed")},
    "moved": error_of(os.rename, folder / "write" / "file", folder / "write" / "below" / "file"),
    "link": error_of(os.symlink, "file", folder / "write" / "link"),
    "pipe": error_of(os.mkfifo, folder / "write" / "pipe"),
    "execute": {name: execute(name) for name in ("read", "run", "write")},
    "bind": error_of(bind, port),
    "bind another": error_of(bind, other),
    "connect": error_of(socket.create_connection, ("127.0.0.1", other)),
    "connect remote": error_of(socket.create_connection, ("127.0.0.1", remote)),
    "signal": error_of(os.kill, os.getppid(), 0),
}))
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results of a process that has three folders, the last of them writable, and a port of each kind."""
    tmp_path = tmp_path_factory.mktemp("confined")
    for name in ("read", "run", "write", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
        shutil.copy("/bin/true", tmp_path / name / "program")
    (tmp_path / "write" / "below").mkdir()
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
        socket.create_server(("127.0.0.1", 0)) as remote,
    ):
        ports = [str(each.getsockname()[1]) for each in (one, other, remote)]
        one.close()
        arguments = [str(tmp_path), *ports]
        run = subprocess.run([sys.executable, "-c", CONFINED, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_it_has_only_what_it_kept(tried: dict[str, Any]) -> None:
    assert tried["read"] == {"read": 0, "run": 0, "write": 0, "closed": errno.EACCES}
    assert tried["write"] == {"read": errno.EACCES, "run": errno.EACCES, "write": 0, "closed": errno.EACCES}
    assert (tried["link"], tried["pipe"]) == (errno.EACCES, errno.EACCES)
    assert tried["execute"] == {"read": errno.EACCES, "run": 0, "write": errno.EACCES}
    # Until version 2 nothing could be moved to another folder.
    assert tried["moved"] == (0 if landlock.version() >= 2 else errno.EXDEV)
    closed = errno.EACCES if landlock.version() >= 4 else 0
    assert (tried["bind"], tried["connect"]) == (0, closed)
    assert tried["bind another"] == (closed or errno.EADDRINUSE)
    assert tried["signal"] == (errno.EPERM if landlock.version() >= 6 else 0)


def test_only_the_named_remote_ports_can_be_connected_to(tried: dict[str, Any]) -> None:
    assert tried["connect remote"] == 0
    assert tried["connect"] == (errno.EACCES if landlock.version() >= 4 else 0)


def test_a_ruleset_that_the_kernel_refuses_is_an_error_and_not_less_protection() -> None:
    """Without ``no_new_privs``, and without root's rights, a process may not restrict itself."""
    program = "from reading_room.landlock import *; restrict_to(Allowed())"
    as_nobody = ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    run = subprocess.run([*as_nobody, sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "PermissionError: [Errno 1] Landlock: Operation not permitted" in run.stderr
