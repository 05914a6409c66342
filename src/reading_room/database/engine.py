"""Transactions on SQLite, and the signals that wake loops after a commit."""

from __future__ import annotations

import logging
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from reading_room.database.base import Base
from reading_room.database.log_length import LENGTH, LogLength
from reading_room.database.migrate import BASELINE, SchemaError, migrate
from reading_room.database.sealed import SEALER, check_key, need, note_key, seal_new
from reading_room.database.turns import Turns, busy_for
from reading_room.full_disk import is_full
from reading_room.sealing import Sealer

log = logging.getLogger(__name__)

SCHEMA_VERSION = 10
"""Increased with every migration (``migrations/``), without which no table changes. New databases start with it."""


BUSY_SECONDS = 30
"""How long a writer waits for those of its own process, and then for those of others, before it fails."""

_WRITTEN = "tables written"
"""The key in a session's ``info`` for the names of the tables that its transaction wrote."""


class SchemaVersionError(SchemaError):
    """The database file has another schema version."""

    def __init__(self, path: str, found: int) -> None:
        if found > SCHEMA_VERSION:
            remedy = "a newer version created it: run that version, or a newer one"
        elif found >= BASELINE:
            up = f"reading-room up --data {shlex.quote(str(Path(path).parent))}"
            remedy = f"start the product with this version once (`{up}`), which migrates it"
        else:
            remedy = "start with an empty --data folder, or run the version that created it"
        super().__init__(f"{path} has schema version {found}, this program needs {SCHEMA_VERSION}: {remedy}")


class Database:
    """One database: short transactions for writers, snapshots for readers.

    SQLite allows one writer at a time, so a writing transaction takes the write lock when it begins
    (``BEGIN IMMEDIATE``): two writers queue instead of failing halfway. Writers of one process queue in order.
    """

    def __init__(
        self,
        engine: Engine,
        busy_seconds: float = BUSY_SECONDS,
        sealer: Sealer | None = None,
        log_length: int = LENGTH,
    ) -> None:
        """``busy_seconds`` is how long a writer waits for those of its own process.

        ``log_length`` is the size in bytes beyond which the write-ahead log is restarted.
        """
        self.engine = engine
        self._sealer = sealer
        self._busy_seconds = busy_seconds
        self._sessions = sessionmaker(engine, expire_on_commit=False, info={SEALER: sealer})
        event.listen(self._sessions, "before_flush", seal_new)
        event.listen(self._sessions, "before_flush", _record_flush)
        event.listen(self._sessions, "do_orm_execute", _record_statement)
        self._turns = Turns()
        file = engine.url.database
        self._log = LogLength(engine, self._turns, Path(file), log_length) if file not in (None, ":memory:") else None
        self._listeners: list[Callable[[frozenset[str]], None]] = []

    @classmethod
    def open(
        cls,
        path: Path | None,
        busy_seconds: float = BUSY_SECONDS,
        *,
        sealer: Sealer | None = None,
        migrating: bool = False,
    ) -> Database:
        """Open or create the database file at ``path``; ``None`` means one in memory, for tests.

        A writer waits ``busy_seconds`` for those of its own process, and then as long for those of others. With
        ``migrating``, a database with an earlier schema is migrated. Only the server does that, since a server of the
        earlier version may run beside any other process. ``sealer`` has the root key, without which secrets cannot be
        read; a database in memory has a temporary one by default. Raises ``SchemaVersionError`` for any other schema,
        ``MigrationError`` and ``WrongRootKey``.
        """
        # Parameters may be secrets, and exceptions are logged.
        options: dict[str, Any] = {
            "connect_args": {"timeout": busy_seconds, "check_same_thread": False},
            "hide_parameters": True,
        }
        if path is None:
            options["poolclass"] = StaticPool
            sealer = sealer or Sealer.of_the_moment()
        else:
            path.touch(mode=0o600, exist_ok=True)
            options["pool_size"] = 16
        engine = create_engine(f"sqlite:///{path or ':memory:'}", **options)
        event.listen(engine, "connect", _prepare_connection)
        event.listen(engine, "begin", _begin)
        with engine.connect() as connection:
            found = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        if path is not None and migrating and BASELINE <= found < SCHEMA_VERSION:
            migrate(path, SCHEMA_VERSION, busy_seconds, {SEALER: sealer})
        elif found not in (0, SCHEMA_VERSION):
            engine.dispose()
            raise SchemaVersionError(str(path), found)
        database = cls(engine, busy_seconds, sealer)
        if found and sealer is not None:
            with database.reading() as session:
                check_key(session, sealer)
        return database

    @classmethod
    def open_read_only(cls, path: Path) -> Database:
        """Open an existing database read-only: nothing is written, and no file is created."""
        engine = create_engine(
            f"sqlite:///file:{path}?mode=ro&uri=true",
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            hide_parameters=True,
        )
        event.listen(engine, "begin", _begin)
        return cls(engine)

    @property
    def sealer(self) -> Sealer:
        """The sealer for the secrets of rows. Raises ``NoRootKey`` if the database was opened without one."""
        return need(self._sealer)

    def create_tables(self) -> None:
        """Create every table of the imported ``tables`` modules that does not exist yet."""
        with self.engine.begin() as connection:
            Base.metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if self._sealer is not None:
            with self.transaction() as session:
                if check_key(session, self._sealer) is None:
                    note_key(session, self._sealer)

    def leave_syncs_out(self) -> None:
        """Leave writes to the operating system from now on: they survive every process, but not a power failure."""
        event.listen(self.engine, "connect", _leave_syncs_out)
        self.engine.dispose()

    def prepare_log(self) -> None:
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

    def on_commit(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call ``listener`` after each commit that wrote tables, with their names."""
        self._listeners.append(listener)

    @contextmanager
    def transaction(self, *, announced: bool = True) -> Iterator[Session]:
        """Yield a session that commits at the end of the block, or rolls back if it raises.

        The tables that it wrote are announced after the commit, unless nobody can have read what it changed.
        """
        written: set[str] = set()
        with self._turns.one(self._busy_seconds), self._sessions() as session:
            session.connection(execution_options={"immediate": True})
            session.info[_WRITTEN] = written
            with session.begin_nested() if session.in_nested_transaction() else _committing(session):
                yield session
        if self._log is not None:
            self._log.look()
        if written and announced:
            self.announce(frozenset(written))

    def announce(self, tables: frozenset[str]) -> None:
        """Call the listeners as if a commit had written these tables."""
        for listener in self._listeners:
            listener(tables)

    def write_nothing(self, seconds: float) -> None:
        """Commit a write that changes nothing, which proves that the database accepts writes.

        Waits at most ``seconds`` for this process's writers, and as long for others. Raises ``sqlite3.Error``.
        """
        with self._turns.one(seconds), closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            with busy_for(cursor, seconds):
                try:
                    cursor.execute("BEGIN IMMEDIATE")
                    cursor.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                    cursor.execute("COMMIT")
                finally:
                    connection.rollback()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that sees one snapshot and never commits."""
        with self._sessions() as session:
            try:
                yield session
            finally:
                # Otherwise the rollback would expire the objects, although they are still valid.
                session.expunge_all()
                session.rollback()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def _committing(session: Session) -> Iterator[None]:
    try:
        yield
    except BaseException:
        session.rollback()
        raise
    session.commit()


def _record_flush(session: Session, *_: object) -> None:
    written: set[str] = session.info.get(_WRITTEN, set())
    for instance in (*session.new, *session.dirty, *session.deleted):
        written.add(instance.__tablename__)


def _record_statement(state: Any) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        mapper = state.bind_mapper
        # A statement on a table, rather than a class, has no mapper.
        table = mapper.local_table if mapper is not None else state.statement.table
        state.session.info.get(_WRITTEN, set()).add(str(table.name))


def _prepare_connection(connection: sqlite3.Connection, _: object) -> None:
    # The driver's own transaction handling would begin transactions lazily and without IMMEDIATE.
    connection.isolation_level = None
    for pragma in (
        "PRAGMA journal_mode = WAL",
        # FULL: an acknowledged write survives a power failure, too.
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        # When the log restarts, it is truncated to this size.
        f"PRAGMA journal_size_limit = {LENGTH}",
    ):
        connection.execute(pragma)


def _leave_syncs_out(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def _begin(connection: Any) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
