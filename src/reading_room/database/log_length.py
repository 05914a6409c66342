"""The length of SQLite's write-ahead log, which stays short even while readers overlap.

SQLite copies the log into the database every thousand pages, and then restarts the log, but only when no reader uses
it. Under load, the next reader begins before the last one ends, so this never happens, and the log grows as long as the
load lasts. So a log that is too long is restarted explicitly: it is copied while readers and writers continue, and then
this process's writers wait until the current readers have ended. Readers that begin in the meantime read the database
itself, and need not be waited for.
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
"""The log's maximum size in bytes, to which a restart truncates it: twice what SQLite needs without overlap."""
LEAST_PATIENCE, MOST_PATIENCE = 0.1, 2.0
"""Seconds that writers wait for readers; longer logs wait longer."""
REST = 1.0
"""Seconds between two attempts."""


class LogLength:
    """Restarts the log of one database when it is too long. Thread-safe."""

    def __init__(self, engine: Engine, turns: Turns, database: Path, length: int = LENGTH) -> None:
        """``length`` is the size in bytes beyond which the log is restarted."""
        self._engine = engine
        self._turns = turns
        self._log = database.with_name(f"{database.name}-wal")
        self._length = length
        self._lock = threading.Lock()
        self._working = False
        self._next = 0.0

    def look(self) -> None:
        """Check the log after a commit. This only looks at the file's size; a restart runs in a thread."""
        try:
            size = self._log.stat().st_size
        except OSError:
            return  # SQLite creates it at the first write, and removes it with the last connection.
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
            log.warning("the database's log of %d bytes cannot be restarted, which will be retried: %s", size, error)
        finally:
            self._next = time.monotonic() + REST
            with self._lock:
                self._working = False

    def _begin_anew(self, patience: float) -> None:
        with closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            # Copy most of it before anyone has to wait.
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            with busy_for(cursor, patience), self._turns.one(patience):
                cursor.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
