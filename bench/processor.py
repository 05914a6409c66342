"""Processor time of a product's processes, which depends less than seconds do on what else the machine does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENTS = (Path("/sys/fs/cgroup/cpuacct"), Path("/sys/fs/cgroup"))


class Group:
    """A control group with this process and every process that it starts from now on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def seconds(self) -> float:
        """Return the processor time of all its processes, ended ones included."""
        if (usage := self._folder / "cpuacct.usage").exists():
            return int(usage.read_text()) / 1e9
        return int((self._folder / "cpu.stat").read_text().partition("usage_usec ")[2].split()[0]) / 1e6


@contextmanager
def counted() -> Iterator[Group]:
    """Count the processor time of this process and those that it starts. Needs root. Raises ``OSError``."""
    parent = next(folder for folder in _PARENTS if (folder / "cgroup.procs").exists())
    folder = parent / f"reading-room-bench-{os.getpid()}"
    folder.mkdir()
    (folder / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield Group(folder)
    finally:
        _remove(folder, parent)


def _remove(folder: Path, parent: Path) -> None:
    for _ in range(100):
        for process in (folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                (parent / "cgroup.procs").write_text(process)
        try:
            folder.rmdir()
        except OSError:  # The last processes are still ending.
            time.sleep(0.1)
        else:
            return


def used(data: Path) -> dict[str, float]:
    """Return the processor time so far of ``up``, ``serve`` and the agent of a data folder, in seconds."""
    found: dict[str, float] = {}
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        kind = next((name for name in ("up", "serve", "agent") if name in command), None)
        if kind is not None and str(data) in command:
            found[kind] = found.get(kind, 0.0) + (int(fields[11]) + int(fields[12])) / _TICKS
    return found
