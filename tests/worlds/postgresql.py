"""A PostgreSQL server for the tests of one process: an ordinary user's, on a Unix socket, without syncs."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, QueuePool, make_url

from reading_room.database.address import Address, address_of
from reading_room.database.base import Base
from reading_room.database.engine import Database
from tests.worlds import databases
from tests.worlds.waiting import eventually

USER = "reading_room"
_VERSION = "17"
_PLACES = (
    Path(sys.prefix, "postgresql", "usr", "lib", "postgresql", _VERSION, "bin"),  # Where scripts/setup unpacks it.
    Path("/usr/lib/postgresql", _VERSION, "bin"),
)
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "log_min_messages": "fatal",
}
_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Template:
    """A database to copy, and how to make a used copy of it like a new one, in a tenth of the time."""

    name: str
    emptying: bytes
    """The statements that delete every row and start every sequence again."""
    rows: dict[str, bytes]
    """The rows of each table that has any, as ``COPY`` writes them."""


@dataclass
class Made:
    """A database of ``made``. A later test gets it when nobody has connections to it any more."""

    name: str
    template: Template
    test: str = ""
    """The test that asked for it last."""
    users: list[weakref.ref[Engine]] = field(default_factory=list)

    @property
    def closed(self) -> bool:
        """Whether every engine that used it is gone or has closed its connections."""
        return not any(_connections(user()) for user in self.users)


class Server:
    """A running server. Its databases are copies of templates."""

    def __init__(self, programs: Path, replica_of: Server | None = None, **settings: str) -> None:
        """``settings`` replace or add to those of the server. A replica is made of a server that does not run."""
        # A socket's path has at most 107 bytes, so it is not in pytest's folder.
        self.folder = Path(tempfile.mkdtemp(prefix="rr-postgresql-"))
        self.programs = programs
        self.settings = settings
        self._port = int(settings.get("port", 5432))
        self._numbers = itertools.count()
        self.templates: dict[object, Template] = {}
        self.made: dict[str, Made] = {}
        data = self.folder / "data"
        if replica_of is None:
            self._call(
                "initdb", "-D", str(data), "-U", USER, "-A", "trust", "-N", "--locale=C", "-E", "UTF8", "-c", "jit=off"
            )
        else:
            shutil.copytree(replica_of.folder / "data", data)
            (data / "standby.signal").touch()
        options = [f"-c{name}={value}" for name, value in (SETTINGS | settings).items()]
        self._command = self._argv("postgres", "-D", str(data), "-k", str(self.folder), *options)
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self._command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._answers, _START_SECONDS, f"PostgreSQL in {self.folder}")

    def _answers(self) -> bool:
        try:
            self.connected("postgres").close()
        except psycopg.OperationalError:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            return False
        return True

    def connected(self, name: str) -> psycopg.Connection:
        """Return a connection of the administrator to a database."""
        return psycopg.connect(host=str(self.folder), port=self._port, user=USER, dbname=name, autocommit=True)

    def run(self, statement: str, *names: str, database: str = "postgres") -> None:
        """Run a statement of an administrator, with these identifiers in the place of its braces."""
        with closing(self.connected(database)) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def address(self, name: str, **parameters: str) -> Address:
        """Return the address of a database."""
        more = "".join(f"&{key}={value}" for key, value in parameters.items())
        return address_of(f"postgresql+psycopg://{USER}@/{name}?host={self.folder}{more}")

    def new(self, template: str = "template0") -> str:
        """Make a database, and return its name."""
        name = f"test_{next(self._numbers)}"
        self.run("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
        return name

    def drop(self, name: str) -> None:
        """Delete a database, whoever uses it."""
        self.run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def replica(self, port: int) -> Server:
        """Restart the server, with a replica at another TCP port that has every commit before it is acknowledged."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        source = f"host={self.folder} port={self._port} user={USER}"
        settings = self.settings | {"port": str(port), "primary_conninfo": source}
        replica = Server(self.programs, replica_of=self, **settings)
        self.start()
        eventually(lambda: self._value("SELECT state FROM pg_stat_replication") == "streaming", _START_SECONDS)
        self.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.run("SELECT pg_reload_conf()")
        eventually(lambda: self._value("SELECT sync_state FROM pg_stat_replication") == "sync", _START_SECONDS)
        return replica

    def promote(self) -> None:
        """Let a replica accept writes, and wait until it does."""
        self.run("SELECT pg_promote()")

    def _value(self, query: LiteralString) -> object:
        with closing(self.connected("postgres")) as connection:
            row = connection.execute(query).fetchone()
        return None if row is None else row[0]

    def stop(self) -> None:
        """End the server at once, as in a crash."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def close(self) -> None:
        """End the server at once, and delete its files."""
        self.stop()
        shutil.rmtree(self.folder)

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._argv(program, *arguments), env=self._environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def _argv(self, program: str, *arguments: str) -> list[str]:
        # PostgreSQL refuses to run as root. In a namespace root is somebody else, who still owns these files.
        other = ["unshare", "--user", "--map-user=nobody", "--map-group=nogroup"] if os.geteuid() == 0 else []
        return [*other, "setpriv", "--pdeathsig", "QUIT", str(self.programs / program), *arguments]

    def _environment(self) -> dict[str, str]:
        libraries = self.programs.parents[3] / "lib" / f"{os.uname().machine}-linux-gnu"
        return {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(libraries), "LC_ALL": "C", "TZ": "UTC"}


class Rows:
    """A connection that is asked as one of SQLite is."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def execute(self, query: str, parameters: Sequence[object] = ()) -> Any:
        """Run a query with question marks in the places of its parameters."""
        return self._connection.execute(query.replace("?", "%s").encode(), parameters)


@contextmanager
def rows(url: str) -> Iterator[Rows]:
    """Connect to the database of a URL as the product has it in its settings."""
    parsed = make_url(url)
    _, parameters = parsed.get_dialect()().create_connect_args(parsed)
    with closing(psycopg.connect(**parameters, target_session_attrs="read-write", autocommit=True)) as connection:
        yield Rows(connection)


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, or ``None`` if they are not installed."""
    return next((place for place in _PLACES if (place / "postgres").exists()), None)


@cache
def server() -> Server:
    """Return the server of this process; skip the test if PostgreSQL is not installed."""
    found = programs()
    if found is None:
        pytest.skip(f"PostgreSQL {_VERSION} is not installed: as root, scripts/setup unpacks it into .venv")
    started = Server(found)
    atexit.register(started.close)
    return started


@contextmanager
def database(template: str = "template0") -> Iterator[Address]:
    """Yield the address of a new database, and delete it afterwards."""
    name = server().new(template)
    try:
        yield server().address(name)
    finally:
        server().drop(name)


@contextmanager
def filled() -> Iterator[str]:
    """Yield the name of a new database with every table, and delete it afterwards."""
    name = server().new(_template(None).name)
    try:
        yield name
    finally:
        server().drop(name)


def made(key: str, networks_of: str | None) -> Database:
    """Connect to the database of a key, which is filled like a file of ``databases.made`` if it does not exist yet."""
    of, test = server(), os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    if key not in of.made:
        of.made[key] = _of_earlier_test(test, _template(networks_of)) or _new(networks_of)
    found = of.made[key]
    database = connected(found.name)
    found.test = test
    found.users.append(weakref.ref(database.engine))
    return database


def _new(networks_of: str | None) -> Made:
    template = _template(networks_of)
    return Made(server().new(template.name), template)


def _of_earlier_test(test: str, template: Template) -> Made | None:
    """Return a database that an earlier test has closed, as if it were new."""
    # This test may open again what it has closed.
    databases = server().made
    for key, each in databases.items():
        if each.template is template and each.test != test and each.closed:
            del databases[key]
            _restore(each)
            return Made(each.name, template)
    return None


def _restore(made: Made) -> None:
    with closing(server().connected(made.name)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        cursor.execute(made.template.emptying)
        for table, rows in made.template.rows.items():
            with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                copy.write(rows)


def _connections(engine: Engine | None) -> int:
    if engine is None:
        return 0
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedin() + engine.pool.checkedout()


def connected(name: str) -> Database:
    """Connect to a database, as tests use it."""
    return Database.connect(server().address(name), sealer=databases.SEALER)


def _template(networks_of: str | None) -> Template:
    # Modules declare tables when they are imported, so a test that is imported later may add some.
    kind, of = (networks_of, frozenset(Base.metadata.tables)), server()
    if kind not in of.templates:
        name = of.new()
        with closing(connected(name)) as database:
            databases.fill(database, networks_of)
        of.templates[kind] = _described(name)
    return of.templates[kind]


def _described(name: str) -> Template:
    rows = {}
    with closing(server().connected(name)) as connection, connection.cursor() as cursor:
        tables = [row[0] for row in cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for table in tables:
            with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
                if content := b"".join(copy):
                    rows[table] = content
        # Without triggers, which check foreign keys, the tables may be emptied and filled in any order.
        emptying: list[sql.Composable] = [sql.SQL("SET session_replication_role = replica")]
        emptying += [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in tables]
        cursor.execute("SELECT sequencename, coalesce(last_value, 1), last_value IS NOT NULL FROM pg_sequences")
        emptying += [sql.SQL("SELECT setval({}, {}, {})").format(*row) for row in cursor.fetchall()]
        return Template(name, sql.SQL("; ").join(emptying).as_bytes(connection), rows)
