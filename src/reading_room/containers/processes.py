"""Handles of processes that are safe against reused process ids, and the descendants of a process."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path


def start_time(pid: int) -> int | None:
    """Return when the process started, in clock ticks since boot; ``None`` if it is gone or only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def boot_id() -> str:
    """Return the identifier of this boot, because start times of another boot mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@dataclass(slots=True)
class ProcessHandle:
    """A living process, held by a pidfd."""

    pid: int
    started: int
    pidfd: int = field(repr=False)

    @classmethod
    def open(cls, pid: int, started: int | None = None) -> ProcessHandle | None:
        """Return a handle; ``None`` if there is no such process, or if it started at another time."""
        if pid <= 0:
            return None
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return None
        # Read after the pidfd is open: from here on, reuse of the number for another process would be noticed.
        now = start_time(pid)
        if now is None or (started is not None and now != started):
            os.close(pidfd)
            return None
        return cls(pid, now, pidfd)

    def alive(self) -> bool:
        """Return whether the process still runs."""
        return start_time(self.pid) == self.started

    def signal(self, number: int) -> None:
        """Send a signal; do nothing if the process has ended."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return

    def close(self) -> None:
        """Close the pidfd."""
        os.close(self.pidfd)


def descendants(pid: int) -> list[int]:
    """Return the process's descendants, parents before children."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path(f"/proc/{entry}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children[int(stat[stat.rindex(")") + 2 :].split()[1])].append(int(entry))
    found: list[int] = []
    pending = [pid]
    while pending:
        for child in children[pending.pop()]:
            found.append(child)
            pending.append(child)
    return found


def worker_of(launcher: int) -> int | None:
    """Return the worker below a container's launcher: process 2 of its own pid namespace, 1 being the reaper.

    ``None`` while the container is still being set up.
    """
    for pid in descendants(launcher):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
        if len(numbers) >= 2 and numbers[-1] == "2":
            return pid
    return None
