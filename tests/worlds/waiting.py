"""Waiting for what others do: each test waits for the event itself, so none depends on the speed of the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

DEADLINE = 60.0
"""Seconds after which something will not come any more: many times what the slowest machine needs."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.005, 0.3

T = TypeVar("T")


def eventually(look: Callable[[], T | None], seconds: float = DEADLINE, what: str = "") -> T:
    """Look again and again until the answer is true, and return it; fail with the last answer after so long."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.thread_time()
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what or look} (last: {found!r})"
        _pause(began)


async def eventually_in_loop(look: Callable[[], T | None]) -> T:
    """Look again and again until the answer is true, and let the event loop go on meanwhile."""
    deadline = time.monotonic() + DEADLINE
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {DEADLINE:.0f} s: {look} (last: {found!r})"
        await asyncio.sleep(SHORTEST_PAUSE)
    return found


def settled(look: Callable[[], Mapping[str, Any]], seconds: float = DEADLINE) -> None:
    """Wait until nothing is left; fail with what is."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.thread_time()
        left = {name: value for name, value in look().items() if value}
        if not left:
            return
        assert time.monotonic() < deadline, f"still there after {seconds:.0f} s: {left}"
        _pause(began)


def _pause(began: float) -> None:
    """Wait four times what the look took of the processor: many a look reads all of /proc, and others need it."""
    time.sleep(min(max(SHORTEST_PAUSE, 4 * (time.thread_time() - began)), LONGEST_PAUSE))
