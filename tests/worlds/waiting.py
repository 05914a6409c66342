"""Waiting for events: each test waits for the event itself, so that none depends on the speed of the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

DEADLINE = 60.0
"""Seconds after which something will not happen any more: many times what the slowest machine needs."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.005, 0.3

T = TypeVar("T")


def eventually(look: Callable[[], T | None], seconds: float = DEADLINE, what: str = "") -> T:
    """Call ``look`` until its result is true, and return it; after ``seconds``, fail with the last result."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.thread_time()
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what or look} (last: {found!r})"
        _pause(began)


async def eventually_in_loop(look: Callable[[], T | None]) -> T:
    """Call ``look`` until its result is true, and let the event loop run meanwhile."""
    deadline = time.monotonic() + DEADLINE
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {DEADLINE:.0f} s: {look} (last: {found!r})"
        await asyncio.sleep(SHORTEST_PAUSE)
    return found


def settled(look: Callable[[], Mapping[str, Any]], seconds: float = DEADLINE) -> None:
    """Wait until nothing is left; fail with what is left."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.thread_time()
        left = {name: value for name, value in look().items() if value}
        if not left:
            return
        assert time.monotonic() < deadline, f"still there after {seconds:.0f} s: {left}"
        _pause(began)


def _pause(began: float) -> None:
    """Wait four times the processor time of the look: many read all of /proc, and others need the processor."""
    time.sleep(min(max(SHORTEST_PAUSE, 4 * (time.thread_time() - began)), LONGEST_PAUSE))
