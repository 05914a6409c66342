"""This host's capacity for containers: memory as the kernel reports it, and the cores that this process may use."""

from __future__ import annotations

import os
from pathlib import Path

from reading_room.agent.spec import Capacity

MEMINFO = Path("/proc/meminfo")


def read_capacity(meminfo: Path = MEMINFO) -> Capacity | None:
    """Return the host's capacity; ``None`` if the kernel does not report memory as Linux does.

    Free memory is the kernel's estimate of what programs can still get without swapping.
    """
    try:
        found = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        total, free = (_bytes(found[name]) for name in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError, ValueError):
        return None
    return Capacity(len(os.sched_getaffinity(0)), total, min(free, total))


def _bytes(text: str) -> int:
    number, unit = text.split()
    if unit != "kB":
        raise ValueError(f"{text!r} is not in kB")
    return int(number) * 1024
