"""Turns of the threads of one process to write to the database."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine.interfaces import DBAPICursor


@contextmanager
def busy_for(cursor: DBAPICursor, seconds: float) -> Iterator[None]:
    """Limit how long a connection waits for writers of other processes while the block runs."""
    cursor.execute("PRAGMA busy_timeout")
    ((before,),) = cursor.fetchall()
    cursor.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
    try:
        yield
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {before}")


class Turns:
    """Hands a single turn from thread to thread, in the order of their requests.

    SQLite allows one writer at a time and lets the others retry after sleeps of up to a tenth of a second; the first to
    retry at the right moment is next. Several writers in one process would spend most of their time in such sleeps.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def one(self, patience: float) -> Iterator[None]:
        """Run the block in a turn, or without one after ``patience`` seconds; it then waits for SQLite's lock."""
        mine = self._take(patience)
        try:
            yield
        finally:
            if mine:
                self._pass_on()

    def _take(self, patience: float) -> bool:
        with self._mutex:
            if not self._taken:
                self._taken = True
                return True
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        if called.acquire(timeout=patience):
            return True
        with self._mutex:
            if called in self._waiting:
                self._waiting.remove(called)
                return False
        # The turn was handed over just after the timeout.
        return True

    def _pass_on(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
