"""The identity of the ``serve`` process of a data folder, and the lock that makes it the only one."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from pathlib import Path

FILE = "server"
"""The file in the data folder with the identity. Its ``serve`` holds a lock on it until it ends, however it ends."""
_PATTERN = re.compile(rb"[0-9a-f]{16}")
WAIT_SECONDS = 5.0
"""How long a process that is ending may still have the lock."""


def identity_of(data: Path) -> str:
    """Return the identity of a data folder; empty if its ``serve`` has not run yet."""
    try:
        found = (data / FILE).read_bytes().strip()
    except FileNotFoundError:
        return ""
    return found.decode() if _PATTERN.fullmatch(found) else ""


class FolderInUse(Exception):
    """Another ``serve`` process works on the data folder."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"another `reading-room serve` works on {data}: end it, or give this one a data folder of its own (--data)"
        )


class ServerIdentity:
    """The identity of a data folder, and the lock on it.

    Whoever holds the lock knows that no other process has this identity: the kernel gives up the lock of a process that
    was killed, but not of one that is suspended. So a new process may take over what the former one held.
    """

    def __init__(self, data: Path, wait_seconds: float = WAIT_SECONDS) -> None:
        """Take the lock, and make the identity if there is none. Raises ``FolderInUse``, ``OSError``."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(data / FILE, flags, 0o600)
        try:
            deadline = time.monotonic() + wait_seconds
            while not self._locked():
                if time.monotonic() > deadline:
                    raise FolderInUse(data)
                time.sleep(0.02)
            self.id = self._read_or_make()
        except BaseException:
            os.close(self._file)
            raise

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _read_or_make(self) -> str:
        found = os.pread(self._file, 64, 0)
        if _PATTERN.fullmatch(found.strip()):
            return found.strip().decode()
        made = secrets.token_hex(8)
        # A process that was killed in the middle has used no identity yet, so its file is written anew.
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{made}\n".encode(), 0)
        os.fsync(self._file)
        return made

    def close(self) -> None:
        """Give up the lock."""
        os.close(self._file)
