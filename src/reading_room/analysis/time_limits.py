"""How much of the processor an engine may use for the documents that it has, by their size.

A text can be made so that an engine takes ever longer for it. What is of our own making is linear; but engines are
large libraries, so time is bounded as well: for the documents that an engine was given and has not answered yet it has
``FLOOR_SECONDS`` and so much for each code point, many times what the slowest engine takes for the oddest text that we
know. It is the processor's time of this process: a busy machine takes none of it.

It is looked at when the engine asks for a text or answers one, and, in the main thread, once in every second of
processor time: an engine is interrupted there as soon as its library comes back to Python. In a container of several
an engine works in another thread, and is told at the end of its batch.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FLOOR_SECONDS = 30.0
SECONDS_A_CODE_POINT = 0.002
"""Twenty times what the slowest engine takes for the oddest text of our measurements (0.1 ms), and a hundred times what
it takes for prose."""


class TookTooLong(Exception):
    """An engine used up the time that the documents before it are worth."""

    def __init__(self, used: float, limit: float) -> None:
        super().__init__(
            f"used {used:.0f} s of processor, more than the {limit:.0f} s that a text of its size may take"
        )


class Watch:
    """Bounds the time of one engine. ``used`` tells the seconds of processor that this process has used."""

    def __init__(
        self,
        used: Callable[[], float] = time.process_time,
        floor: float = FLOOR_SECONDS,
        a_code_point: float = SECONDS_A_CODE_POINT,
    ) -> None:
        self._used = used
        self._floor = floor
        self._a_code_point = a_code_point
        self._began: float | None = None
        self._limit = 0.0

    def begin(self, code_points: int) -> None:
        """Begin to count, for an engine that goes on with documents of so many code points together."""
        self._limit = self._floor + self._a_code_point * code_points
        self._began = self._used()

    def end(self) -> None:
        """Count no longer. Raises ``TookTooLong``."""
        try:
            self.look()
        finally:
            self._began = None

    def look(self) -> None:
        """Raise ``TookTooLong`` if the engine has used more than it may."""
        if self._began is not None and (used := self._used() - self._began) > self._limit:
            self._began = None
            raise TookTooLong(used, self._limit)

    @contextmanager
    def interrupting(self, every: float = 1.0) -> Iterator[None]:
        """Look in every so many seconds of processor time, whatever runs then; only in the main thread can that be."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGPROF, lambda *_: self.look())
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, every, every)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            signal.signal(signal.SIGPROF, before)
