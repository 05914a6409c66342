"""Transactions, and the signals that wake loops after a commit. ``dialect.py`` has what differs between databases."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker

from reading_room.database import sqlite
from reading_room.database.address import Address, AddressError
from reading_room.database.base import Base
from reading_room.database.dialect import Dialect, Level, Value
from reading_room.database.fences import check_fence
from reading_room.database.log_length import LENGTH
from reading_room.database.migrate import BASELINE, SchemaError, migrate, run_revisions
from reading_room.database.sealed import SEALER, WrongRootKey, check_key, need, note_key, seal_new
from reading_room.database.turns import Turns
from reading_room.sealing import Sealer

SCHEMA_VERSION = 21
"""Increased with every migration (``migrations/``), without which no table changes. New databases start with it."""


BUSY_SECONDS = 30
"""How long a writer waits for those of its own process, and then for those of others, before it fails."""

_WRITTEN = "tables written"
"""The key in a session's ``info`` for the names of the tables that its transaction wrote."""


class SchemaVersionError(SchemaError):
    """The database has another schema version."""

    def __init__(self, path: str, found: int, up: str | None = None) -> None:
        """``up`` is the command that starts the product; by default the one for a file's data folder."""
        if found > SCHEMA_VERSION:
            remedy = "a newer version created it: run that version, or a newer one"
        elif found >= BASELINE:
            up = up or f"reading-room up --data {shlex.quote(str(Path(path).parent))}"
            remedy = f"start the product with this version once (`{up}`), which migrates it"
        else:
            remedy = "start with an empty --data folder, or run the version that created it"
        super().__init__(f"{path} has schema version {found}, this program needs {SCHEMA_VERSION}: {remedy}")


class Database:
    """One database, SQLite or PostgreSQL: short transactions for writers, snapshots for readers.

    A block that writes (``transaction``) has no other writer beside it, in this process or another one. Blocks of one
    process queue in order, so that only one of them waits for other processes. A function that writes (``write``) may
    run beside others on PostgreSQL, and is called again if it conflicts with one.
    """

    def __init__(
        self,
        engine: Engine,
        busy_seconds: float = BUSY_SECONDS,
        sealer: Sealer | None = None,
        log_length: int = LENGTH,
    ) -> None:
        """``busy_seconds`` is how long a writer waits for those of its own process.

        ``log_length`` is the size in bytes beyond which SQLite's write-ahead log is restarted.
        """
        self.engine = engine
        self._sealer = sealer
        self._busy_seconds = busy_seconds
        self._turns = Turns()
        self._dialect = _dialect_of(engine, self._turns, log_length)
        self._sessions = sessionmaker(engine, expire_on_commit=False, info={SEALER: sealer})
        self._reading = sessionmaker(self._dialect.readers, expire_on_commit=False, info={SEALER: sealer})
        event.listen(self._sessions, "before_flush", seal_new)
        event.listen(self._sessions, "before_flush", _record_flush)
        event.listen(self._sessions, "do_orm_execute", _record_statement)
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        self._told: list[Callable[[str], None]] = []

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
        if path is None:
            sealer = sealer or Sealer.of_the_moment()
        engine = sqlite.engine_of(path, busy_seconds)
        found = sqlite.schema_of(engine)
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
        return cls(sqlite.reading_engine_of(path, BUSY_SECONDS))

    @classmethod
    def connect(
        cls,
        address: Address,
        busy_seconds: float = BUSY_SECONDS,
        *,
        sealer: Sealer | None = None,
        migrating: bool = False,
        up: str = "reading-room up",
    ) -> Database:
        """Connect to a PostgreSQL database, which may be empty; the parameters mean the same as those of ``open``.

        ``up`` is the command that starts the product, for messages. Raises ``AddressError`` if the server or the
        database cannot be used, and ``SchemaVersionError``.
        """
        from reading_room.database import postgresql  # SQLite needs nothing of it.

        engine = postgresql.engine_of(address, busy_seconds)
        try:
            with postgresql.refusals(address):
                with engine.begin() as connection:
                    postgresql.check_server(connection, address)
                    found = postgresql.schema_of(connection, address)
                database = cls(engine, busy_seconds, sealer)
                if migrating and 0 < found < SCHEMA_VERSION:
                    database._migrate(address, sealer)
                elif found not in (0, SCHEMA_VERSION):
                    raise SchemaVersionError(str(address), found, up)
                if found and sealer is not None:
                    with database.reading() as session:
                        check_key(session, sealer)
        except WrongRootKey as error:
            engine.dispose()
            raise AddressError(
                f"the database {address} belongs to another installation: its secrets are sealed with the root key "
                f"{error.found.hex()}, and the one of this installation is {error.given.hex()}"
            ) from error
        except BaseException:
            engine.dispose()
            raise
        return database

    def _migrate(self, address: Address, sealer: Sealer | None) -> None:
        from reading_room.database import postgresql

        with self.engine.begin() as connection:
            postgresql.lock_schema(connection)
            # Another process may have migrated it while this one waited.
            found = postgresql.schema_of(connection, address)
            if found < SCHEMA_VERSION:
                postgresql.await_others(connection, address, self._busy_seconds)
                run_revisions(connection, found, SCHEMA_VERSION, {SEALER: sealer})
                self._dialect.note_schema(connection, SCHEMA_VERSION)

    @property
    def shared(self) -> bool:
        """Whether several ``serve`` processes may use it, as only those of PostgreSQL can tell each other of writes."""
        return self._dialect.tells

    @property
    def sealer(self) -> Sealer:
        """The sealer for the secrets of rows. Raises ``NoRootKey`` if the database was opened without one."""
        return need(self._sealer)

    def create_tables(self) -> None:
        """Create every table of the imported ``tables`` modules that does not exist yet."""
        with self.engine.begin() as connection:
            self._dialect.before_tables(connection)
            Base.metadata.create_all(connection)
            self._dialect.note_schema(connection, SCHEMA_VERSION)
        if self._sealer is not None:
            with self.transaction() as session:
                if check_key(session, self._sealer) is None:
                    note_key(session, self._sealer)

    def leave_syncs_out(self) -> None:
        """Leave writes to the operating system from now on: they survive every process, but not a power failure."""
        self._dialect.leave_syncs_out()

    def prepare_log(self) -> None:
        """Make the first writes as fast as later ones."""
        self._dialect.prepare()

    def on_commit(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call ``listener`` after each commit that wrote tables, with their names."""
        self._listeners.append(listener)

    def listen(self) -> None:
        """Call the listeners also after commits of other processes, if the database tells of them."""
        self._dialect.listen(
            lambda tables: self.announce(frozenset(Base.metadata.tables) if tables is None else tables), self._hear
        )

    def on_told(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with each text that another process tells, once ``listen`` was called."""
        self._told.append(listener)

    def tell(self, text: str) -> None:
        """Tell the other processes a text of at most 7,900 bytes, which may be lost. Raises ``DBAPIError``."""
        self._dialect.tell(text)

    def _hear(self, text: str) -> None:
        for listener in self._told:
            listener(text)

    @contextmanager
    def transaction(self, *, announced: bool = True, remark: str | None = None) -> Iterator[Session]:
        """Yield a session that commits at the end of the block, or rolls back if it raises.

        No other transaction writes during the block. The tables that it wrote are announced after the commit, unless
        nobody can have read what it changed. ``remark`` is a word to announce with them if there are any.
        """
        written: set[str] = set()
        with self._turns.one(self._busy_seconds), self._writing("alone", written, announced, remark) as session:
            yield session
        self._after(written, announced)

    def write(self, function: Callable[[Session], Value], *, by_row_locks: bool = False) -> Value:
        """Call ``function`` with a session, commit, and return what it returned; roll back if it raises.

        On PostgreSQL other functions may write at the same time, but no block does. The function is called again, with
        another session, if its transaction conflicts with another one, so it must have no other effects. The result is
        as if the functions had run one after the other. With ``by_row_locks`` it is not: the function itself locks, in
        each statement, the rows that it decides on.
        """

        def attempt(level: Level) -> tuple[Value, set[str]]:
            written: set[str] = set()
            turn = self._turns.one(self._busy_seconds) if level == "alone" else nullcontext()
            with turn, self._writing(level, written) as session:
                value = function(session)
            return value, written

        value, written = self._dialect.retried(attempt, "by row locks" if by_row_locks else "together")
        self._after(written)
        return value

    @contextmanager
    def _writing(
        self, level: Level, written: set[str], announced: bool = True, remark: str | None = None
    ) -> Iterator[Session]:
        with self._sessions() as session:
            self._dialect.begin(session, level)
            session.info[_WRITTEN] = written
            try:
                check_fence(session)
                yield session
                session.flush()
                if written and remark is not None:
                    written.add(remark)
                if written and announced and self._dialect.tells:
                    self._dialect.before_commit(session, frozenset(written))
            except BaseException:
                session.rollback()
                raise
            session.commit()

    def _after(self, written: set[str], announced: bool = True) -> None:
        self._dialect.after_commit()
        if written and announced:
            self.announce(frozenset(written))

    def announce(self, tables: frozenset[str]) -> None:
        """Call the listeners as if a commit had written these tables."""
        for listener in self._listeners:
            listener(tables)

    def note_place(self, session: Session) -> bool:
        """Store with PostgreSQL's rows, in a writing transaction, in which database they are.

        Return whether they were copied there from another one since the last call, as by pg_restore.
        """
        return self._dialect.note_place(session)

    def size(self, session: Session) -> int:
        """Return the bytes that the database takes on its disk."""
        return self._dialect.size(session)

    def write_nothing(self, seconds: float) -> None:
        """Commit a write that changes nothing, which proves that the database accepts writes.

        Waits at most ``seconds`` for this process's writers, and as long for others. Raises ``sqlite3.Error`` or
        ``DBAPIError``.
        """
        self._dialect.write_nothing(seconds)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that sees one snapshot and never commits."""
        with self._reading() as session:
            try:
                yield session
            finally:
                # Otherwise the rollback would expire the objects, although they are still valid.
                session.expunge_all()
                session.rollback()

    def close(self) -> None:
        """Close every connection."""
        self._dialect.close()


def _dialect_of(engine: Engine, turns: Turns, log_length: int) -> Dialect:
    if engine.dialect.name == "sqlite":
        return sqlite.Sqlite(engine, turns, log_length)
    from reading_room.database.postgresql import Postgresql

    return Postgresql(engine, turns)


def note_write(session: Session, table: type[Base]) -> None:
    """Note that a transaction wrote a table by its connection, which the session does not see."""
    session.info.get(_WRITTEN, set()).add(table.__tablename__)


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
