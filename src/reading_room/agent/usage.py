"""What the agent measures for the metrics: its turns, its containers' memory and processor time, dropped packets."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reading_room.agent.spec import ContainerUsage, HostUsage, PacketDrops
from reading_room.analysis.kind import EngineName
from reading_room.containers.living import LivingContainer

MEASURE_SECONDS = 0.5
"""How often processes are measured, if there are turns. What a container uses after the last time is known only to its
control group."""
ENDING_SECONDS = 60.0
"""How long the last figure of a container that has ended is waited for."""
PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

Role = Literal["job", "ahead", "realtime"]
Sort = tuple[Role, EngineName]


@dataclass(frozen=True, slots=True)
class Used:
    """What a process and its descendants use. Its processor time includes that of children that were waited for."""

    cpu_seconds: float
    memory_bytes: int


def read_tree(pid: int, proc: Path = PROC) -> Used:
    """Return what a process and its descendants use now. Those that end meanwhile are left out."""
    ticks = pages = 0
    pending = [str(pid)]
    while pending:
        folder = proc / pending.pop()
        try:
            stat = (folder / "stat").read_text(errors="replace")
            for task in os.listdir(folder / "task"):
                pending += (folder / "task" / task / "children").read_text().split()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        fields = stat[stat.rindex(")") + 2 :].split()
        ticks += sum(map(int, fields[11:15]))
        pages += int(fields[21])
    return Used(ticks / _TICKS, pages * _PAGE)


@dataclass(slots=True)
class _Measured:
    container: LivingContainer
    sort: Sort
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    gone_at: float | None = None


class Meter:
    """Measures one agent. Not thread-safe. ``living`` returns its containers, ``drops`` dropped packets by reason."""

    def __init__(
        self,
        living: Callable[[], Sequence[LivingContainer]],
        drops: Callable[[], Mapping[str, int]],
        read: Callable[[int], Used] = read_tree,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._living = living
        self._drops = drops
        self._read = read
        self._clock = clock
        self._turns = 0
        self._turn_seconds = 0.0
        self._measured: dict[int, _Measured] = {}
        """By the identity of the container, which is kept until its processor time is known."""
        self._cpu: defaultdict[Sort, float] = defaultdict(float)
        self._due = 0.0

    def turned(self, seconds: float) -> None:
        """Count a turn of the agent, and measure the containers that there are now."""
        self._turns += 1
        self._turn_seconds += seconds
        living = {id(container): container for container in self._living()}
        for key, container in living.items():
            measured = self._measured.setdefault(key, _Measured(container, _sort(container)))
            measured.sort = _sort(container)
        now = self._clock()
        for key in [key for key in self._measured if key not in living]:
            measured = self._measured[key]
            measured.gone_at = now if measured.gone_at is None else measured.gone_at
            used = measured.container.cpu_seconds
            if used is not None:
                self._add(measured, used)
            if used is not None or now - measured.gone_at > ENDING_SECONDS:
                del self._measured[key]
        if now >= self._due:
            self._due = now + MEASURE_SECONDS
            self._measure()

    def usage(self) -> HostUsage:
        """Return what was measured since the agent's start."""
        counts: defaultdict[Sort, int] = defaultdict(int)
        memory: defaultdict[Sort, int] = defaultdict(int)
        for measured in self._measured.values():
            if measured.gone_at is None:
                counts[measured.sort] += 1
                memory[measured.sort] += measured.memory_bytes
        return HostUsage(
            self._turns,
            self._turn_seconds,
            tuple(
                ContainerUsage(*sort, counts[sort], memory[sort], self._cpu[sort])
                for sort in sorted(self._cpu.keys() | counts.keys())
            ),
            tuple(PacketDrops(reason, packets) for reason, packets in sorted(self._drops().items())),
        )

    def _measure(self) -> None:
        for measured in self._measured.values():
            handle = measured.container.handle
            if measured.gone_at is None and handle is not None:
                used = self._read(handle.pid)
                measured.memory_bytes = used.memory_bytes
                self._add(measured, used.cpu_seconds)

    def _add(self, measured: _Measured, cpu_seconds: float) -> None:
        self._cpu[measured.sort] += max(0.0, cpu_seconds - measured.cpu_seconds)
        measured.cpu_seconds = max(measured.cpu_seconds, cpu_seconds)


def _sort(container: LivingContainer) -> Sort:
    record = container.record
    role: Role = "realtime" if record.kind == "realtime" else "ahead" if record.phase == "waiting" else "job"
    return role, record.engine
