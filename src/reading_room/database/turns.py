"""Whose turn it is to write, among the threads of one process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine.interfaces import DBAPICursor


@contextmanager
def busy_for(cursor: DBAPICursor, seconds: float) -> Iterator[None]:
    """Have a connection wait at most so long for writers of other processes, while the block runs."""
    cursor.execute("PRAGMA busy_timeout")
    ((before,),) = cursor.fetchall()
    cursor.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
    try:
        yield
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {before}")


class Turns:
    """Hands one turn from thread to thread in the order in which they asked.

    SQLite lets one writer in at a time and has the others look again after sleeps of up to a tenth of a second; whoever
    looks at the right moment is next. With some writers in one process most of their time goes by in such sleeps.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def one(self, patience: float) -> Iterator[None]:
        """Run the block in a turn, or after ``patience`` seconds without: what it does then has to wait by itself."""
        mine = self._taken_by(patience)
        try:
            yield
        finally:
            if mine:
                self._hand_on()

    def _taken_by(self, patience: float) -> bool:
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
        # It was called between the two.
        return True

    def _hand_on(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
