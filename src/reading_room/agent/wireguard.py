"""WireGuard for the agent: its private key, and the process of wireguard-go where the kernel has no WireGuard.

The process gets its device and the socket for its configuration as open descriptors. So it needs no privilege: it has a
user id of its own, no capability, and a filter of system calls. Like containers, it outlives the agent.
"""

from __future__ import annotations

import logging
import select
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from reading_room.codec import DocumentError, read_file, write_file
from reading_room.containers import become, seccomp
from reading_room.containers.calls import WIREGUARD
from reading_room.containers.errors import ProgramMissing
from reading_room.containers.processes import ProcessHandle, start_time
from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.linux.wireguard import new_private_key, public_key_of
from reading_room.dataplane.rules.encryption import DEVICE, WireGuardError, key_text, raw_key

PROGRAM = "wireguard-go"
END_SECONDS = 5.0
"""How long an ended process may take to go away."""
_KEY, _RECORD = "wireguard-key.json", "wireguard.json"
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WireGuardKey:
    """A private key in base64."""

    private: str = field(repr=False)


def private_key(folder: Path) -> bytes:
    """Return the host's private key, which is made at the first call; only its owner can read the file."""
    path = folder / _KEY
    try:
        return raw_key(read_file(WireGuardKey, path).private)
    except FileNotFoundError:
        raw = new_private_key()
        write_file(path, WireGuardKey(key_text(raw)))
        return raw
    except (DocumentError, ValueError):
        raise WireGuardError(f"{path} is not a private key: delete it, and the host gets another one") from None


def public_key(folder: Path) -> str:
    """Return the public key, in base64, that belongs to the private one in the agent's folder."""
    return key_text(public_key_of(private_key(folder)))


@dataclass(frozen=True, slots=True)
class WireGuardProcess:
    """The id and start time of the process, for the next agent."""

    pid: int
    start_time: int


class WireGuardProgram:
    """Implements ``encrypted_underlay.Program``. ``user`` is the process's user id; ``None`` keeps the agent's own."""

    def __init__(self, folder: Path, user: int | None, program: str = PROGRAM) -> None:
        """Take over the process of an earlier agent that used ``folder``, which is for the agent alone."""
        self._record = folder / _RECORD
        self._user = user
        self._program = program
        self._child: subprocess.Popen[bytes] | None = None
        self._process: ProcessHandle | None = None
        try:
            found = read_file(WireGuardProcess, self._record)
            self._process = ProcessHandle.open(found.pid, found.start_time)
        except (FileNotFoundError, DocumentError):
            return

    def start(self, device: int, control: int, outside: int) -> None:
        """Start the process. Raises ``OSError``."""
        self.end()
        path = shutil.which(self._program, path=_PATH)
        if path is None:
            raise WireGuardError(
                f"the kernel has no WireGuard, and the program {self._program} is missing: install the Debian package "
                f"{PROGRAM}"
            )
        try:
            filtered = [sys.executable, "-I", "-S", become.__file__, seccomp.program(WIREGUARD).hex()]
            with namespaces.inside(outside):
                child = subprocess.Popen(
                    [*filtered, path, "-f", DEVICE],
                    env={"WG_TUN_FD": str(device), "WG_UAPI_FD": str(control), "LOG_LEVEL": "silent"},
                    pass_fds=(device, control),
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    umask=0o077,
                    user=self._user,
                    group=self._user,
                    extra_groups=None if self._user is None else [],
                )
        except (ProgramMissing, RuntimeError, subprocess.SubprocessError) as error:
            raise WireGuardError(f"{self._program} cannot be started: {error}") from error
        assert child.stdout is not None
        with child.stdout:
            ready = child.stdout.readline() == b"ready\n"
        started = start_time(child.pid)
        self._child, self._process = child, ProcessHandle.open(child.pid, started)
        if not ready or started is None or self._process is None:
            self.end()
            raise WireGuardError(f"{self._program} ended when it was started")
        write_file(self._record, WireGuardProcess(child.pid, started))
        _log.info("%s runs as process %d", self._program, child.pid)

    def running(self) -> bool:
        """Return whether the process still runs."""
        return self._process is not None and not select.select([self._process.pidfd], [], [], 0)[0]

    def descriptors(self) -> list[int]:
        """Return descriptors that become readable when the process ends."""
        return [self._process.pidfd] if self.running() and self._process is not None else []

    def end(self) -> None:
        """End the process, if it runs, and wait until its device is gone."""
        if self._process is None:
            return
        self._process.signal(signal.SIGKILL)
        if not select.select([self._process.pidfd], [], [], END_SECONDS)[0]:
            raise WireGuardError(f"{self._program} does not end")
        self.close()
        if self._child is not None:
            self._child.wait()
            self._child = None

    def close(self) -> None:
        """Close what is open; the process stays."""
        if self._process is not None:
            self._process.close()
            self._process = None
