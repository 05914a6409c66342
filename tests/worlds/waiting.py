"""Waiting for events: each test waits for the event itself, so that none depends on the speed of the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

DEADLINE = 60.0
"""Seconds after which something will not happen any more: many times what the slowest machine needs."""
SHORTEST_PAUSE, USUAL_PAUSE, LONGEST_PAUSE = 0.005, 0.1, 0.3
"""How many seconds pass between two looks: at least, at most while a look is cheap, and at most in any case."""

T = TypeVar("T")


def eventually(look: Callable[[], T | None], seconds: float = DEADLINE, what: str = "", *, passing: bool = False) -> T:
    """Call ``look`` until its result is true, and return it; after ``seconds``, fail with the last result.

    What is ``passing`` may soon be over, and is looked for more often, which takes more of the processor.
    """
    start = time.monotonic()
    deadline = start + seconds
    while True:
        began = time.thread_time()
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what or look} (last: {found!r})"
        _pause(began, 0.0 if passing else time.monotonic() - start)


async def eventually_in_loop(look: Callable[[], T | None]) -> T:
    """Call ``look`` until its result is true, and let the event loop run meanwhile."""
    deadline = time.monotonic() + DEADLINE
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {DEADLINE:.0f} s: {look} (last: {found!r})"
        await asyncio.sleep(SHORTEST_PAUSE)
    return found


def settled(look: Callable[[], Mapping[str, Any]], seconds: float = DEADLINE) -> None:
    """Wait until nothing is left; fail with what is left."""
    start = time.monotonic()
    deadline = start + seconds
    while True:
        began = time.thread_time()
        left = {name: value for name, value in look().items() if value}
        if not left:
            return
        assert time.monotonic() < deadline, f"still there after {seconds:.0f} s: {left}"
        _pause(began, time.monotonic() - start)


def _pause(began: float, waited: float) -> None:
    """Leave the processor to others: many looks read all of /proc, and what takes seconds is not looked at in between.

    The pause is a tenth of what was ``waited`` so far, or four times the processor time of the look if that is more.
    """
    often = min(waited / 10, USUAL_PAUSE)
    time.sleep(min(max(SHORTEST_PAUSE, often, 4 * (time.thread_time() - began)), LONGEST_PAUSE))
