"""PostgreSQL: one database of a server, which any number of processes may use.

A transaction begins with a lock on an empty table, which is what the write lock is in SQLite. A block (``alone``)
locks out all other writers, so that it never conflicts with one and need not be repeated. Functions (``together``)
share the lock: they run serializably beside each other, or rely on row locks of their own, and are repeated after a
conflict.
``LOCK TABLE`` comes before the transaction's snapshot, which therefore has everything that was committed before.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Engine,
    MetaData,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session

from reading_room.database.address import Address, AddressError
from reading_room.database.dialect import Level, Value
from reading_room.database.turns import Turns
from reading_room.database.wakeups import CHANNEL, TOLD, Wakeups

OLDEST_SERVER = 17
POOL = 16
"""Connections that are kept open, and as many more when they are needed."""
_OWN = MetaData()
_FACTS = Table(
    "reading_room",
    _OWN,
    Column("one", Boolean, CheckConstraint("one"), primary_key=True),
    Column("schema", BigInteger, nullable=False),
)
"""The schema version, in a single row."""
_WRITERS = Table("reading_room_writers", _OWN, Column("nothing", Boolean))
"""The table that writers lock. It is never written, so no cleaning of PostgreSQL's ever locks it."""
_LOCKS: Mapping[Level, str] = {
    "alone": f"LOCK TABLE {_WRITERS.name} IN EXCLUSIVE MODE",
    "together": f"LOCK TABLE {_WRITERS.name} IN ROW SHARE MODE",
    "by row locks": f"LOCK TABLE {_WRITERS.name} IN ROW SHARE MODE",
}
_OPTIONS: Mapping[Level, Mapping[str, Any]] = {
    "alone": {},
    "together": {"isolation_level": "SERIALIZABLE"},
    "by row locks": {"isolation_level": "READ COMMITTED"},
}
_CONFLICTS = frozenset({"40001", "40P01"})
"""Serialization failure, and deadlock."""
_FORBIDDEN = "42501"
"""The user lacks a privilege."""
TRIES = 5
"""How often a function is called at most. The last time it is alone, so that it ends."""
_PAUSE = 0.02
"""The longest pause before the second call, in seconds; each later one may be twice as long as the one before."""
_NULL, _ESCAPE = "\0", "\ufffe"
"""A character that PostgreSQL cannot store, and the one that stands for it: no text should have it."""
_PLACE = text(
    "SELECT obj_description(CAST(:facts AS regclass), 'pg_class'), system_identifier, oid"
    " FROM pg_control_system(), pg_database WHERE datname = current_database()"
)
"""The comment on a table, and what differs between servers, except for standbys, and between their databases."""
_BY_BYTES = frozenset({"C", "POSIX", "C.UTF-8", "C.utf8"})
_PROGRAM = "reading-room"
"""How the product's connections are named in the server."""
_LOOK_SECONDS = 0.1
_SCHEMA_LOCK = 0x52656164526F6F6D
"""The number of the advisory lock under which tables are made and changed."""


class Postgresql:
    """PostgreSQL's side of a ``Database``."""

    tells = True

    def __init__(self, engine: Engine, turns: Turns) -> None:
        self.engine = engine
        self.readers: Engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._turns = turns
        self._name = secrets.token_hex(8)
        self._wakeups: Wakeups | None = None

    def begin(self, session: Session, level: Level) -> None:
        """Begin a session's writing transaction. With ``alone`` it waits for all other writers."""
        session.connection(execution_options=_OPTIONS[level]).exec_driver_sql(_LOCKS[level])

    def before_commit(self, session: Session, tables: frozenset[str]) -> None:
        """Tell the other processes which tables were written, when the transaction commits."""
        session.execute(select(func.pg_notify(CHANNEL, f"{self._name} {','.join(sorted(tables))}")))

    def after_commit(self) -> None:
        """Do nothing."""

    def retried(self, attempt: Callable[[Level], Value], level: Level) -> Value:
        """Return what ``attempt`` returns, calling it again if its transaction conflicts with another one."""
        for number in range(TRIES - 1):
            try:
                return attempt(level)
            except DBAPIError as error:
                if sqlstate_of(error) not in _CONFLICTS:
                    raise
            time.sleep(random.uniform(0, _PAUSE * 2**number))  # nosec B311 # no secret depends on it
        return attempt("alone")

    def before_tables(self, connection: Connection) -> None:
        """Keep other processes from making or changing tables until the transaction ends."""
        lock_schema(connection)

    def note_schema(self, connection: Connection, version: int) -> None:
        """Store the schema version."""
        note_schema(connection, version)

    def note_place(self, session: Session) -> bool:
        """Name this database in the comment on a table, which a dump has. Return whether it named another one."""
        noted, server, database = session.execute(_PLACE, {"facts": _FACTS.name}).one()
        here = f"in database {int(database)} of {int(server)}"
        if noted != here:
            session.execute(text(f"COMMENT ON TABLE {_FACTS.name} IS '{here}'"))
        return noted is not None and noted != here

    def size(self, session: Session) -> int:
        """Return the bytes of the database on the server's disk."""
        return int(session.scalar(select(func.pg_database_size(func.current_database()))) or 0)

    def write_nothing(self, seconds: float) -> None:
        """Commit a write that changes nothing. Raises ``DBAPIError`` after waiting ``seconds``."""
        with self._turns.one(seconds), self.engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(seconds * 1000)}")
            connection.exec_driver_sql(_LOCKS["alone"])
            connection.execute(update(_FACTS).values(schema=_FACTS.c.schema))

    def prepare(self) -> None:
        """Do nothing."""

    def leave_syncs_out(self) -> None:
        """Do not wait for the disk from now on: the last writes may be lost with the server, but none halfway."""
        event.listen(self.engine, "connect", _leave_syncs_out)
        self.engine.dispose()

    def listen(self, announce: Callable[[frozenset[str] | None], None], told: Callable[[str], None]) -> None:
        """Call ``announce`` with the tables that other processes write, or with ``None`` when that is not known.

        Call ``told`` with what they ``tell``.
        """
        if self._wakeups is None:
            self._wakeups = Wakeups(self.engine, self._name, announce, told)

    def tell(self, text: str) -> None:
        """Tell other processes a text of at most ``MOST_TOLD`` bytes, which may be lost. Raises ``DBAPIError``."""
        with self.engine.begin() as connection:
            connection.execute(select(func.pg_notify(CHANNEL, f"{self._name} {TOLD}{text}")))

    def close(self) -> None:
        """End what ``listen`` began, and close every connection."""
        if self._wakeups is not None:
            self._wakeups.close()
        self.engine.dispose()


@compiles(UniqueConstraint, "postgresql")
def _unique(constraint: UniqueConstraint, compiler: Any, **options: Any) -> str:
    # In SQLite, constraints of several tables may have the same name. Here it is also the name of an index.
    columns = [column.name for column in constraint.columns]
    quote = compiler.preparer.quote
    name = "_".join(("uq", constraint.table.name, *columns))
    return f"CONSTRAINT {quote(name)} UNIQUE ({', '.join(map(quote, columns))})"


def engine_of(address: Address, busy_seconds: float) -> Engine:
    """Return the engine for a database. Raises ``AddressError`` if the driver is not installed."""
    url = make_url(address.url)
    wait = int(busy_seconds * 1000)
    options = {
        "application_name": _PROGRAM,
        "connect_timeout": 5,
        # A host that is gone is noticed, and so is a process that stopped in the middle of a transaction.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "target_session_attrs": "read-write",
        "options": f"-c timezone=UTC -c lock_timeout={wait} -c idle_in_transaction_session_timeout={max(wait, 30_000)}",
    }
    try:
        engine = create_engine(
            url,
            connect_args={name: value for name, value in options.items() if name not in url.query},
            hide_parameters=True,
            pool_size=POOL,
            max_overflow=POOL,
            pool_timeout=busy_seconds,
        )
    except ModuleNotFoundError as error:
        raise AddressError(
            f"PostgreSQL needs the package {error.name}: install the extra, pip install 'reading-room[postgres]'"
        ) from error
    event.listen(engine, "connect", _prepare_connection)
    return engine


@contextmanager
def refusals(address: Address) -> Iterator[None]:
    """Raise ``AddressError`` with the server's own words if it cannot be used in the block."""
    try:
        yield
    except DBAPIError as error:
        of_server = isinstance(error, OperationalError | InterfaceError | InternalError)
        if not of_server and sqlstate_of(error) != _FORBIDDEN:
            raise
        says = " ".join(str(error.orig).split())
        raise AddressError(
            f"the database {address} cannot be used ({says}): check that the server runs, lets this user in, has "
            "connections left and can be written, then start again"
        ) from error


def check_server(connection: Connection, address: Address, oldest: int = OLDEST_SERVER) -> None:
    """Check that a server and its database have what the product relies on. Raises ``AddressError``."""
    row = connection.execute(_SERVER).one()
    if row.version < oldest:
        raise AddressError(
            f"the server of {address} is PostgreSQL {row.version}, and {oldest} is the oldest that is "
            "supported: upgrade it, or name another one"
        )
    if row.standby or row.read_only == "on":
        raise AddressError(
            f"the server of {address} can only be read, as a standby or by its settings: name the server that accepts "
            "writes"
        )
    by_bytes = row.provider == "b" or (row.provider == "c" and row.locale in _BY_BYTES)
    if row.encoding != "UTF8" or not by_bytes:
        raise AddressError(
            f"the database {address} has the encoding {row.encoding} and sorts by {row.locale}, but texts must "
            "sort by their bytes: make it with CREATE DATABASE name ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"
        )


_SERVER = text(
    "SELECT current_setting('server_version_num')::int / 10000 AS version, pg_is_in_recovery() AS standby,"
    " current_setting('default_transaction_read_only') AS read_only, datlocprovider::text AS provider,"
    " COALESCE(datlocale, datcollate::text) AS locale,"
    " pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()"
)


def lock_schema(connection: Connection) -> None:
    """Keep other processes from making or changing tables until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))


def await_others(connection: Connection, address: Address, seconds: float) -> None:
    """Wait until no other process of the product uses the database, except to wait for ``lock_schema``.

    Tables must not change under a ``serve`` of an earlier version. Raises ``AddressError`` after ``seconds``.
    """
    until = time.monotonic() + seconds
    while True:
        # Within a transaction, the server answers from what it saw first.
        connection.execute(select(func.pg_stat_clear_snapshot()))
        others = connection.scalar(_OTHERS, {"program": _PROGRAM})
        if not others:
            return
        if time.monotonic() >= until:
            raise AddressError(
                f"the tables of {address} are of an earlier version, and {others} connections of Reading Room use "
                "them: end every `reading-room serve` of that version, and start again"
            )
        time.sleep(_LOOK_SECONDS)


_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND application_name = :program AND wait_event IS DISTINCT FROM 'advisory'"
)


def schema_of(connection: Connection, address: Address) -> int:
    """Return the schema version of a database, 0 if it has no tables. Raises ``AddressError`` if others use it."""
    found = inspect(connection).get_table_names()
    if _FACTS.name in found:
        return int(connection.execute(select(_FACTS.c.schema)).scalar_one())
    if found:
        raise AddressError(
            f"the database {address} has tables of something else, such as {found[0]}: name an empty one"
        )
    return 0


def note_schema(connection: Connection, version: int) -> None:
    """Store the schema version; make the tables for it if they do not exist."""
    _OWN.create_all(connection)
    if not connection.execute(update(_FACTS).values(schema=version)).rowcount:
        connection.execute(_FACTS.insert().values(one=True, schema=version))


def sqlstate_of(error: DBAPIError) -> str | None:
    """Return the server's code for an error, or ``None`` if the connection failed."""
    code: str | None = getattr(error.orig, "sqlstate", None)
    return code


def _prepare_connection(connection: Any, _: object) -> None:
    from psycopg.adapt import Loader
    from psycopg.types.string import StrDumperUnknown, TextLoader

    class Whole(Loader):
        """Loads ``numeric``, which here is always the sum of whole numbers, as the integer that SQLite returns."""

        def load(self, data: Any) -> int:
            return int(bytes(data))

    class Escaped(StrDumperUnknown):
        """Sends a text with what PostgreSQL cannot store in an escaped form."""

        def dump(self, obj: str) -> Any:
            return super().dump(escaped(obj) if _NULL in obj or _ESCAPE in obj else obj)

    class Unescaped(TextLoader):
        """Loads a text as it was before it was escaped."""

        def load(self, data: Any) -> Any:
            found = super().load(data)
            return unescaped(found) if isinstance(found, str) and _ESCAPE in found else found

    adapters = connection.adapters
    adapters.register_loader("numeric", Whole)
    adapters.register_dumper(str, Escaped)
    for name in ("text", "varchar"):
        adapters.register_loader(name, Unescaped)


def escaped(text: str) -> str:
    """Return a text without U+0000, which PostgreSQL cannot store. Other texts stay as they are."""
    return text.replace(_ESCAPE, f"{_ESCAPE}1").replace(_NULL, f"{_ESCAPE}0")


def unescaped(text: str) -> str:
    """Return the text that ``escaped`` was given."""
    return text.replace(f"{_ESCAPE}0", _NULL).replace(f"{_ESCAPE}1", _ESCAPE)


def _leave_syncs_out(connection: Any, _: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    connection.commit()
