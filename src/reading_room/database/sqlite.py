"""SQLite: one file, one writer at a time."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from reading_room.database.dialect import Level, Value
from reading_room.database.log_length import LENGTH, LogLength
from reading_room.database.turns import Turns, busy_for
from reading_room.full_disk import is_full

log = logging.getLogger(__name__)


class Sqlite:
    """SQLite's side of a ``Database``.

    SQLite allows one writer at a time, so a writing transaction takes the write lock when it begins
    (``BEGIN IMMEDIATE``): two writers queue instead of failing halfway. Writers of one process queue in order. No
    transaction needs to be repeated, and other processes are noticed by ``outside.py``.
    """

    tells = False

    def __init__(self, engine: Engine, turns: Turns, log_length: int) -> None:
        self.engine = self.readers = engine
        self._turns = turns
        file = engine.url.database
        self._log = LogLength(engine, self._turns, Path(file), log_length) if file not in (None, ":memory:") else None

    def begin(self, session: Session, level: Level) -> None:
        """Begin a session's writing transaction, which has no other writer beside it."""
        session.connection(execution_options={"immediate": True})

    def before_commit(self, session: Session, tables: frozenset[str]) -> None:
        """Do nothing."""

    def after_commit(self) -> None:
        """Restart the write-ahead log if it is too long."""
        if self._log is not None:
            self._log.look()

    def retried(self, attempt: Callable[[Level], Value], level: Level) -> Value:
        """Return what ``attempt`` returns: nothing conflicts with the only writer."""
        return attempt("alone")

    def before_tables(self, connection: Connection) -> None:
        """Do nothing."""

    def note_schema(self, connection: Connection, version: int) -> None:
        """Store the schema version."""
        connection.exec_driver_sql(f"PRAGMA user_version = {version:d}")

    def note_place(self, session: Session) -> bool:
        """Return ``False``: ``reading-room restore``, which copies a file, leaves a mark beside it."""
        return False

    def size(self, session: Session) -> int:
        """Return the bytes of the file and its log."""
        path = Path(self.engine.url.database or "")
        return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))

    def write_nothing(self, seconds: float) -> None:
        """Commit a write that changes nothing. Raises ``sqlite3.Error`` after waiting ``seconds``."""
        with self._turns.one(seconds), closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            with busy_for(cursor, seconds):
                try:
                    cursor.execute("BEGIN IMMEDIATE")
                    cursor.execute("PRAGMA user_version")
                    ((version,),) = cursor.fetchall()
                    cursor.execute(f"PRAGMA user_version = {version:d}")
                    cursor.execute("COMMIT")
                finally:
                    connection.rollback()

    def leave_syncs_out(self) -> None:
        """Leave writes to the operating system from now on: they survive every process, but not a power failure."""
        event.listen(self.engine, "connect", _leave_syncs_out)
        self.engine.dispose()

    def prepare(self) -> None:
        """Extend the write-ahead log to its full length.

        Syncing a file that has grown involves the file system's own journal and takes some milliseconds; syncing one
        that was overwritten takes a fraction of that. SQLite keeps the log's length and restarts it after each
        checkpoint, so without this the first thousand pages written after a start are slow.
        """
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            pages = cursor.execute("PRAGMA wal_autocheckpoint").fetchone()[0]
            size = cursor.execute("PRAGMA page_size").fetchone()[0]
            try:
                cursor.execute("BEGIN IMMEDIATE")
                cursor.execute("CREATE TABLE log_length (bytes BLOB)")
                cursor.execute("INSERT INTO log_length VALUES (zeroblob(?))", (pages * size,))
                cursor.execute("DROP TABLE log_length")
                cursor.execute("COMMIT")
            except sqlite3.Error as error:
                connection.rollback()
                if not is_full(error):
                    raise
                log.warning("the database's log cannot be extended to its full length, as the disk is full: %s", error)
                return
            cursor.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        finally:
            connection.close()

    def listen(self, announce: Callable[[frozenset[str] | None], None], told: Callable[[str], None]) -> None:
        """Do nothing: ``outside.py`` reads the row in which other processes count their transactions."""

    def tell(self, text: str) -> None:
        """Do nothing: no other process serves the file."""

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def engine_of(path: Path | None, busy_seconds: float) -> Engine:
    """Return the engine for a database file, which is created, or for a database in memory."""
    # Parameters may be secrets, and exceptions are logged.
    options: dict[str, Any] = {
        "connect_args": {"timeout": busy_seconds, "check_same_thread": False},
        "hide_parameters": True,
    }
    if path is None:
        options["poolclass"] = StaticPool
    else:
        path.touch(mode=0o600, exist_ok=True)
        options["pool_size"] = 16
    engine = create_engine(f"sqlite:///{path or ':memory:'}", **options)
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def reading_engine_of(path: Path, busy_seconds: float) -> Engine:
    """Return the engine for an existing database file that is only read; no file is created."""
    engine = create_engine(
        f"sqlite:///file:{path}?mode=ro&uri=true",
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    return engine


def schema_of(engine: Engine) -> int:
    """Return a database's schema version, 0 if it has none."""
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _prepare_connection(connection: sqlite3.Connection, _: object) -> None:
    # The driver's own transaction handling would begin transactions lazily and without IMMEDIATE.
    connection.isolation_level = None
    for pragma in (
        "PRAGMA journal_mode = WAL",
        # FULL: an acknowledged write survives a power failure, too.
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        # What is deleted is overwritten, as docs/operations/retention.md says. Not every build does so by default.
        "PRAGMA secure_delete = ON",
        # When the log restarts, it is truncated to this size.
        f"PRAGMA journal_size_limit = {LENGTH}",
    ):
        connection.execute(pragma)


def _leave_syncs_out(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def _begin(connection: Any) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
