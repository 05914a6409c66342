"""What wakes a process when another one has written: PostgreSQL's notifications, backed by a poll.

Every commit sends the names of its tables (NOTIFY). A notification is never lost while the listening connection works,
which is tested every second. If the connection was lost, everything may have been written meanwhile, so that is what is
announced once it is back; and it is announced from time to time in any case.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)

CHANNEL = "reading_room"
BEAT_SECONDS = 1.0
"""How often the connection is tested."""
TOLD = "!"
"""Precedes a text that a process tells the others, where otherwise the names of tables are."""
MOST_TOLD = 7_900
"""Bytes of such a text; PostgreSQL refuses notifications of 8,000."""
POLL_SECONDS = 30.0
"""How often everything is announced as written, for what no notification told."""


class Wakeups:
    """Listens in a thread of its own, on a connection of its own."""

    def __init__(
        self,
        engine: Engine,
        own: str,
        announce: Callable[[frozenset[str] | None], None],
        told: Callable[[str], None] = lambda text: None,
        beat_seconds: float = BEAT_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """``own`` is the name in this process's notifications, whose commits it knows already.

        ``told`` is called with each text that another process tells.
        """
        self._told = told
        self._engine = engine
        self._own = own
        self._announce = announce
        self._beat_seconds, self._poll_seconds = beat_seconds, poll_seconds
        self._ended = threading.Event()
        self.listening = threading.Event()
        """Set while the connection works."""
        threading.Thread(target=self._run, name="wakeups", daemon=True).start()

    def close(self) -> None:
        """End within a beat."""
        self._ended.set()

    def _run(self) -> None:
        import psycopg

        said = False
        while not self._ended.is_set():
            try:
                self._listen()
            except (psycopg.Error, DBAPIError) as error:
                # One line for each loss of the connection, not for each attempt.
                if (self.listening.is_set() or not said) and not self._ended.is_set():
                    log.warning("no notifications from the database, which is retried: %s", error)
                    said = True
                # The other connections are probably lost, too.
                self._engine.dispose()
            finally:
                self.listening.clear()
            self._ended.wait(self._beat_seconds)

    def _listen(self) -> None:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        with connection:
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
            self.listening.set()
            polled = float("-inf")
            while not self._ended.is_set():
                if time.monotonic() - polled >= self._poll_seconds:
                    self._announce(None)
                    polled = time.monotonic()
                for note in connection.notifies(timeout=self._beat_seconds):
                    sender, _, tables = note.payload.partition(" ")
                    if sender == self._own:
                        continue
                    if tables.startswith(TOLD):
                        self._told(tables.removeprefix(TOLD))
                    else:
                        self._announce(frozenset(tables.split(",")))
                # Fails if the server no longer answers.
                connection.execute("SELECT 1")
