"""A reconciliation loop: woken by a signal or a timer, it runs one turn at a time, without input.

Each turn reads everything that it needs, so it does not matter why the loop woke or how often it was signalled, and the
next turn retries whatever failed.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from reading_room.full_disk import is_full
from reading_room.shortage import is_shortage

logger = logging.getLogger(__name__)
LONG_SECONDS = 0.05
"""A longer turn is followed by a rest, in a loop with ``rest``."""


Guard = Callable[[], AbstractContextManager[bool]]
"""Returns the context that a turn runs in, which says whether there may be a turn now."""


def always() -> AbstractContextManager[bool]:
    """Return a context in which every turn may run: the ``Guard`` of a loop that runs in each process."""
    return nullcontext(True)


class Loop:
    """Runs ``turn`` in a separate thread: at the start, after each ``wake()``, and every ``every`` seconds.

    Signals that arrive during a turn are merged into one further turn, which begins after them, so no signal is lost.
    A turn that raises is logged and retried after ``retry`` seconds; the delay doubles each time up to ``every``, so
    that a lasting fault does not keep a core busy. With ``settle``, a turn begins that many seconds after the signal,
    and covers the signals until then. With ``rest``, a long turn is followed by a pause of that many times its
    duration, so that a loop that is woken constantly leaves the processor to others. With ``apart``, turns begin at
    least that many seconds apart. ``hurry()`` skips these delays. ``clock`` returns seconds, and ``wait`` waits for an
    event with a timeout in seconds.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], None],
        *,
        every: float,
        retry: float = 0.1,
        settle: float = 0.0,
        rest: float = 0.0,
        apart: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self.name = name
        self._turn = turn
        self._every = every
        self._retry = retry
        self._settle = settle
        self._rest = rest
        self._apart = apart
        self._clock = clock
        self._wait = wait
        self._signal = threading.Event()
        self._urgent = threading.Event()
        self._thread_id: int | None = None
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._guard: Guard = always

    def start(self, guard: Guard = always) -> None:
        """Start the thread; the first turn begins at once. Raises ``RuntimeError`` if it was started already.

        A turn that ``guard`` does not allow is left out. Wake the loop when it allows turns again.
        """
        if self._thread is not None:
            raise RuntimeError(f"the loop {self.name} was started already")
        self._guard = guard
        self._signal.set()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Request a turn that begins after this call. Callable from any thread, even before ``start``; never blocks."""
        self._signal.set()

    def hurry(self) -> None:
        """Request a turn that begins at once, without any delay. Callable from any thread; never blocks."""
        self._urgent.set()
        self._signal.set()

    def turning_here(self) -> bool:
        """Return whether the caller runs in a turn of this loop."""
        return threading.get_ident() == self._thread_id

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop the loop after the current turn; return whether its thread ended within ``timeout`` seconds."""
        self._stopping = True
        self.hurry()
        if self._thread is None or self._thread is threading.current_thread():
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._thread_id = threading.get_ident()
        failures = 0
        wait = self._every
        rested_at = 0.0
        while True:
            self._wait(self._signal, wait)
            self._wait(self._urgent, max(self._settle, rested_at - self._clock(), 0.0))
            self._urgent.clear()
            if self._stopping:
                return
            # Clear it before the turn: a signal during the turn must cause another one.
            self._signal.clear()
            began = self._clock()
            try:
                with self._guard() as allowed:
                    if allowed:
                        self._turn()
            except Exception as error:
                if is_full(error):  # A traceback every second would add nothing.
                    logger.error("a turn of the loop %s found the disk full and will be retried: %s", self.name, error)
                elif is_shortage(error):
                    logger.error("a turn of the loop %s lacked resources and will be retried: %s", self.name, error)
                else:
                    logger.exception("a turn of the loop %s failed and will be retried", self.name)
                wait = min(self._retry * 2**failures, self._every)
                failures = min(failures + 1, 16)
            else:
                failures, wait = 0, self._every
            ended = self._clock()
            rested_at = began + self._apart
            if ended - began > LONG_SECONDS:
                rested_at = max(rested_at, ended + self._rest * (ended - began))


class PeriodicWork(ABC):
    """Work whose ``turn`` runs in a loop of its own, every ``every`` seconds. The rest is as for ``Loop``."""

    def __init__(self, name: str, *, every: float, settle: float = 0.0, rest: float = 0.0, apart: float = 0.0) -> None:
        self._loop = Loop(name, self.turn, every=every, settle=settle, rest=rest, apart=apart)

    def start(self, guard: Guard = always) -> None:
        """Start the loop; ``guard`` is as for ``Loop.start``."""
        self._loop.start(guard)

    def wake(self) -> None:
        """Request a turn. Never blocks."""
        self._loop.wake()

    def stop(self) -> bool:
        """Stop the loop after the current turn; return whether it ended."""
        return self._loop.stop()

    @abstractmethod
    def turn(self) -> None:
        """Do everything that is due."""
