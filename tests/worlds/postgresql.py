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
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine

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
KEPT = 16
"""How many databases of ``made`` may exist before those that no test uses any more are deleted."""


class Server:
    """A running server. Its databases are copies of templates."""

    def __init__(self, programs: Path, **settings: str) -> None:
        """``settings`` replace or add to those of the server."""
        # A socket's path has at most 107 bytes, so it is not in pytest's folder.
        self.folder = Path(tempfile.mkdtemp(prefix="rr-postgresql-"))
        self.programs = programs
        self._port = int(settings.get("port", 5432))
        self._numbers = itertools.count()
        self.templates: dict[object, str] = {}
        self.made: dict[str, tuple[str, list[weakref.ref[Engine]]]] = {}
        data = self.folder / "data"
        self._call(
            "initdb", "-D", str(data), "-U", USER, "-A", "trust", "-N", "--locale=C", "-E", "UTF8", "-c", "jit=off"
        )
        options = [f"-c{name}={value}" for name, value in (SETTINGS | settings).items()]
        self.process = subprocess.Popen(
            self._argv("postgres", "-D", str(data), "-k", str(self.folder), *options),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=(self.folder / "log").open("wb"),
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

    def close(self) -> None:
        """End the server at once, and delete its files."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
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
    name = server().new(_template(None))
    try:
        yield name
    finally:
        server().drop(name)


def made(key: str, networks_of: str | None) -> Database:
    """Connect to the database of a key, which is filled like a file of ``databases.made`` if it does not exist yet."""
    of = server()
    if key in of.made:
        name, users = of.made[key]
    else:
        if len(of.made) >= KEPT:
            for unused in [each for each, (_, users) in of.made.items() if all(user() is None for user in users)]:
                of.drop(of.made.pop(unused)[0])
        name, users = of.new(_template(networks_of)), []
    database = connected(name)
    of.made[key] = name, [*users, weakref.ref(database.engine)]
    return database


def connected(name: str) -> Database:
    """Connect to a database, as tests use it."""
    return Database.connect(server().address(name), sealer=databases.SEALER)


def _template(networks_of: str | None) -> str:
    # Modules declare tables when they are imported, so a test that is imported later may add some.
    kind, of = (networks_of, frozenset(Base.metadata.tables)), server()
    if kind not in of.templates:
        name = of.new()
        with closing(connected(name)) as database:
            databases.fill(database, networks_of)
        of.templates[kind] = name
    return of.templates[kind]
