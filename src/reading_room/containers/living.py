"""A container that the driver knows: its folder and record, its process, and the descriptors that belong to it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass

from reading_room.containers.messages import WorkerWords
from reading_room.containers.processes import ProcessHandle
from reading_room.containers.record import Folder, Record

RETRY_FIRST, RETRY_LAST = 1.0, 60.0
"""Seconds until a container that died early is tried again: at first, and at most."""


@dataclass(slots=True)
class LivingContainer:
    """A container from its start, or its adoption, until it is tidied away.

    ``handle`` and ``child`` are its launcher; ``child`` only where this process started it. ``network`` is its
    namespace and ``stdin`` the writing end of the pipe by which its job comes, while they are open.
    """

    folder: Folder
    record: Record
    words: WorkerWords
    handle: ProcessHandle | None = None
    child: subprocess.Popen[bytes] | None = None
    network: int | None = None
    stdin: int | None = None
    told_to_stop: bool = False

    def alive(self) -> bool:
        """Return whether its launcher lives; a child that has ended is reaped."""
        if self.child is not None:
            self.child.poll()
        return self.handle is not None and self.handle.alive()

    def kill(self) -> None:
        """Kill it, if it lives."""
        if not self.alive() or self.handle is None:
            return
        # bubblewrap dies with its launcher; in the instant before it has asked for that, the group is what reaches it.
        try:
            os.killpg(self.handle.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def end(self, code: int) -> None:
        """Kill it, and let this be the exit code that is reported."""
        self.record.exit_code = code
        self.folder.write(self.record)
        self.kill()

    def exit_code(self) -> int | None:
        """Return how it ended; ``None`` where nobody recorded that."""
        return self.record.exit_code if self.record.exit_code is not None else self.folder.exit_code()

    def close(self) -> None:
        """Close what belongs to it; it lives on or not."""
        for descriptor in (self.network, self.stdin):
            if descriptor is not None:
                os.close(descriptor)
        if self.handle is not None:
            self.handle.close()
        self.network = self.stdin = self.handle = None


@dataclass(slots=True)
class Retry:
    """When containers that were started without a job may be started again after one died early, and why it did."""

    delay: float = RETRY_FIRST
    at: float = 0.0
    problem: str = ""

    def failed(self, problem: str) -> None:
        """Wait longer than the last time."""
        self.at = time.monotonic() + self.delay
        self.delay = min(2 * self.delay, RETRY_LAST)
        self.problem = problem


def network_of(pid: int) -> int | None:
    """Return an open descriptor of the process's network namespace; ``None`` if it is gone."""
    try:
        return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return None


def same_mounts(pid: int) -> bool:
    """Return whether a container's launcher is in this process's mount namespace, which is the holder's."""
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    except OSError:
        return False
