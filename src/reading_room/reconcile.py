"""One loop: woken by a signal or a timer, given no input, one turn at a time.

A turn reads everything it needs again, so nothing depends on why the loop woke, a signal may come any number of
times, and what failed is simply tried again by the next turn.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from reading_room.full_disk import is_full

logger = logging.getLogger(__name__)
LONG_SECONDS = 0.05
"""A turn that takes longer is followed by a rest, in a loop that has one."""


class Loop:
    """Runs ``turn`` in a thread of its own: at start, after each ``wake()``, and every ``every`` seconds.

    Signals that arrive while a turn runs are merged into one more turn, which begins after they came: no signal is
    lost. A turn that raises is logged and tried again after ``retry`` seconds, twice as long each time up to
    ``every``, so that a lasting fault does not keep a core busy. With ``settle`` a turn begins so many seconds after
    the signal, and takes in what else comes meanwhile. With ``rest`` no turn begins until so many times as long as the
    last one took have passed, if that was long: a loop that is woken again and again leaves the processor to others.
    With ``apart`` turns begin at least so many seconds one after the other. ``hurry()`` waits for none of these.
    ``clock`` tells seconds, and ``wait`` waits for an event or so many of them.
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

    def start(self) -> None:
        """Start the thread; the first turn begins at once. Raises ``RuntimeError`` when it runs already."""
        if self._thread is not None:
            raise RuntimeError(f"the loop {self.name} was started already")
        self._signal.set()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Ask for a turn that begins after now. Callable from any thread, also before ``start``; never waits."""
        self._signal.set()

    def hurry(self) -> None:
        """Ask for a turn that begins at once, without settling or rest. Callable from any thread; never waits."""
        self._urgent.set()
        self._signal.set()

    def turning_here(self) -> bool:
        """Say whether the caller is a turn of this loop itself."""
        return threading.get_ident() == self._thread_id

    def stop(self, timeout: float = 5.0) -> bool:
        """End the loop after the turn in progress; return whether its thread ended within ``timeout`` seconds."""
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
            # Cleared before the turn: a signal that comes while it reads must cause another.
            self._signal.clear()
            began = self._clock()
            try:
                self._turn()
            except Exception as error:
                if is_full(error):  # A traceback each second would tell nothing more.
                    logger.error("a turn of the loop %s found no room and will be tried again: %s", self.name, error)
                else:
                    logger.exception("a turn of the loop %s failed and will be tried again", self.name)
                wait = min(self._retry * 2**failures, self._every)
                failures = min(failures + 1, 16)
            else:
                failures, wait = 0, self._every
            ended = self._clock()
            rested_at = began + self._apart
            if ended - began > LONG_SECONDS:
                rested_at = max(rested_at, ended + self._rest * (ended - began))
