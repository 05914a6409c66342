"""Keeping SQLite's write-ahead log short while readers overlap.

SQLite copies the log into the database every thousand pages, and then begins at the log's start again, but only at a
moment at which nobody reads from the log. Under load the next reader begins before the last one ends, that moment never
comes, and the log grows for as long as the load lasts. So a log beyond its length is begun anew on purpose: what is in
it is copied while all go on, then this process's writers wait for their turn until the readers of that moment have
ended. Whoever begins to read meanwhile reads the database itself, and need not be waited for.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from reading_room.database.turns import Turns, busy_for

log = logging.getLogger(__name__)

LENGTH = 8_000_000
"""Bytes that a log may have, and that it is cut to when it begins anew: twice what SQLite needs where none overlap."""
LEAST_PATIENCE, MOST_PATIENCE = 0.1, 2.0
"""Seconds that writers wait for readers: the more, the longer the log is."""
REST = 1.0
"""Seconds between two attempts."""


class LogLength:
    """Begins the log of one database anew when it is too long. Thread-safe."""

    def __init__(self, engine: Engine, turns: Turns, database: Path, length: int = LENGTH) -> None:
        """``length`` is that beyond which a log is begun anew, in bytes."""
        self._engine = engine
        self._turns = turns
        self._log = database.with_name(f"{database.name}-wal")
        self._length = length
        self._lock = threading.Lock()
        self._working = False
        self._next = 0.0

    def look(self) -> None:
        """Take note that something was committed. Costs a look at the file; what takes time is done in a thread."""
        try:
            size = self._log.stat().st_size
        except OSError:
            return  # SQLite makes it at the first write, and removes it with the last connection.
        if size <= self._length or time.monotonic() < self._next:
            return
        with self._lock:
            if self._working:
                return
            self._working = True
        threading.Thread(target=self._work, args=(size,), name="log-length", daemon=True).start()

    def _work(self, size: int) -> None:
        try:
            self._begin_anew(min(MOST_PATIENCE, LEAST_PATIENCE * size / self._length))
        except sqlite3.Error as error:
            log.warning("the database's log of %d bytes cannot be begun anew, and is tried again: %s", size, error)
        finally:
            self._next = time.monotonic() + REST
            with self._lock:
                self._working = False

    def _begin_anew(self, patience: float) -> None:
        with closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            # Most is copied before anybody has to wait.
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            with busy_for(cursor, patience), self._turns.one(patience):
                cursor.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
