"""What the program that encrypts between hosts can still do: it reads packets from anybody in the machine's network."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.network, pytest.mark.costs(1, reason="a process is started")]

UNDER_FILTER = """
import ctypes, fcntl, os, socket
from reading_room.containers.become import take_on
from reading_room.containers import seccomp
from reading_room.containers.calls import WIREGUARD

libc, device = ctypes.CDLL(None, use_errno=True), os.open("/dev/null", os.O_RDWR)
datagrams, stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
target = ("127.0.0.1", datagrams.bind(("127.0.0.1", 0)) or datagrams.getsockname()[1])
def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
take_on(seccomp.program(WIREGUARD))
try:
    WHAT
except OSError as error:
    os._exit(error.errno)
os._exit(0)
"""


def outcome(what: str) -> int:
    """Return the errno of a statement in a process with the program's filter, 0 if it succeeds, or minus a signal."""
    return subprocess.run([sys.executable, "-c", UNDER_FILTER.replace("WHAT", what)], check=False).returncode


def test_it_sends_and_receives_datagrams() -> None:
    assert outcome("datagrams.sendto(b'x', target); datagrams.recvfrom(1)") == 0


@pytest.mark.parametrize(
    ("what", "refused"),
    [
        ("os.fork()", errno.EPERM),
        ("stream.connect(target)", errno.EPERM),
        ("stream.listen()", errno.EPERM),
        ("socket.socket(socket.AF_UNIX)", errno.EAFNOSUPPORT),
        ("socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", errno.EAFNOSUPPORT),
        ("os.kill(os.getppid(), 0)", errno.EPERM),
        ("os.setuid(0)", errno.EPERM),
        ("os.mkdir('/tmp/made-by-wireguard')", errno.EPERM),
        ("os.unlink('/tmp/nothing-there')", errno.EPERM),
        ("os.symlink('/etc/passwd', '/tmp/made-by-wireguard')", errno.EPERM),
        ("os.chmod('/tmp', 0o1777)", errno.EPERM),
        ("fcntl.ioctl(device, 0x5412, b'x')", errno.EPERM),
        ("call('ptrace', 0, 0, 0, 0)", -signal.SIGSYS),
        ("call('mount', b'none', b'/tmp', b'tmpfs', 0, None)", -signal.SIGSYS),
        ("call('unshare', 0x10000000)", -signal.SIGSYS),
        ("call('setns', 0, 0)", -signal.SIGSYS),
    ],
)
def test_calls_that_it_does_not_need_are_refused(what: str, refused: int) -> None:
    assert outcome(what) == refused
