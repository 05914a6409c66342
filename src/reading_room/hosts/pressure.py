"""Warnings of ``/_reading_room/ready`` about pressure on the machine. None of them makes the service unready.

The service goes on under pressure, and recovers when it ends. These say that something outside is wrong.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

from reading_room.agent.spec import Capacity
from reading_room.aws.probes import Check, Fault
from reading_room.clock import ClockSteps
from reading_room.shortage import is_shortage, lacking

LEAST_MEMORY = 256 << 20
"""Bytes of free memory below which the kernel may soon end processes."""
MOST_DESCRIPTORS = 0.8
"""The part of the limit of open descriptors beyond which connections may soon be refused."""
PAUSE_SECONDS = 30.0
"""A process that has not run for this long was stopped, or the machine was suspended or overloaded."""
BEAT_SECONDS = 5.0
"""How often ``Pulse.beat`` is called."""
REMEMBERED_SECONDS = 300.0
"""How long a jump of the clock or a pause is reported."""
_MEMORY = Fault(
    "less than 256 MB of this host's memory is free: the kernel may end containers, whose jobs then begin again",
    "end other programs, or lower READING_ROOM_JOBS_AT_ONCE, READING_ROOM_STANDBY or READING_ROOM_CONTAINER_MEMORY",
    stops=False,
)
_DESCRIPTORS = Fault(
    "more than 80 % of the descriptors that serve may open are in use: more connections may be refused",
    "find out who has so many connections, or raise the limit (LimitNOFILE of the unit, or ulimit -n)",
    stops=False,
)
_LACKING = "end what else takes it, or raise the limits of serve (LimitNOFILE and MemoryMax of its unit, or ulimit)"
_JUMPED = Fault(
    "the clock of this host jumped in the last five minutes: signatures and time limits depend on it",
    "let a time service correct it in small steps, and compare the clocks of clients",
    stops=False,
)
_PAUSED = Fault(
    "serve did not run for half a minute or more in the last five minutes",
    "find out what stopped it (SIGSTOP, a suspended machine) or what else takes this host's cores and memory",
    stops=False,
)


def memory_check(capacity: Callable[[], Capacity | None]) -> Check:
    """Return the check that the host has free memory, as far as its agent has reported."""

    def look() -> Fault | None:
        found = capacity()
        return _MEMORY if found is not None and found.memory_free < LEAST_MEMORY else None

    return Check("memory", look)


def descriptors_check(used: Callable[[], int] | None = None, limit: Callable[[], int] | None = None) -> Check:
    """Return the check that this process can open more descriptors."""
    used = used or _open_descriptors
    limit = limit or _descriptor_limit

    def look() -> Fault | None:
        try:
            return _DESCRIPTORS if used() > MOST_DESCRIPTORS * limit() else None
        except OSError as error:
            if not is_shortage(error):
                raise
            return _DESCRIPTORS  # Looking takes one.

    return Check("descriptors", look)


def resources_check(lacks: Callable[[], str] = lacking) -> Check:
    """Return the check that this process can get descriptors and memory; ``lacks`` says what it cannot get."""

    def look() -> Fault | None:
        found = lacks()
        says = f"serve is short of {found}: calls that need more get 503, and clients repeat them"
        return Fault(says, _LACKING, stops=False) if found else None

    return Check("resources", look)


def _open_descriptors() -> int:
    return len(os.listdir(Path("/proc/self/fd")))


def _descriptor_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Pulse:
    """Notices jumps of the wall clock, and times in which this process did not run, from one beat to the next."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._steps = ClockSteps(wall=wall, monotonic=monotonic)
        self._monotonic = monotonic
        self._last = monotonic()
        self._jumped_until = self._paused_until = float("-inf")
        self.checks = (Check("clock", self._clock), Check("running", self._running))

    def beat(self) -> None:
        """Compare the clocks with the beat before. Call it every ``BEAT_SECONDS``."""
        before, now = self._last, self._monotonic()
        self._last = now
        if self._steps.take():
            self._jumped_until = now + REMEMBERED_SECONDS
        if now - before > PAUSE_SECONDS:
            self._paused_until = now + REMEMBERED_SECONDS

    def _clock(self) -> Fault | None:
        return _JUMPED if self._monotonic() < self._jumped_until else None

    def _running(self) -> Fault | None:
        return _PAUSED if self._monotonic() < self._paused_until else None
