"""Databases for tests, made once per process and then copied, which takes a tenth of the time."""

from __future__ import annotations

import contextlib
import os
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.util import LRUCache

from reading_room.database.base import Base
from reading_room.database.engine import Database
from reading_room.sealing import KEY_BYTES, Sealer
from reading_room.vpc.vpcs import bootstrap, service_network

REGION = "us-east-1"
SEALER = Sealer(bytes(KEY_BYTES))
"""A folder with the root key of databases that exist only in tests."""
_COMPILED: LRUCache[Any, Any] = LRUCache(5000)
"""A cache of statements as SQL. Tests share it, which saves a fifth of the work of tests with many calls."""


def made(path: Path, networks_of: str | None = None) -> Database:
    """Open a database file with every table; make it if it does not exist.

    For an account, a new one also has the networks of a first start: its default VPC, and the service's own. Their ids
    are the same in every file of a run. With ``READING_ROOM_TEST_DATABASE=postgresql`` it is a database in PostgreSQL,
    another one for each path.
    """
    if os.environ.get("READING_ROOM_TEST_DATABASE") == "postgresql":
        from tests.worlds import postgresql

        return postgresql.made(str(path), networks_of)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(image(networks_of))
    opened = Database.open(path, sealer=SEALER)
    # No test cuts the machine's power, so none needs to wait for its disk. Connections opened so far do wait for it.
    event.listen(opened.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    opened.engine.dispose()
    # A compiled statement is valid for its dialect only, and each engine makes one of its own.
    opened.engine.dialect = _dialect()
    return Database(opened.engine.execution_options(compiled_cache=_COMPILED), sealer=SEALER)


def image(networks_of: str | None = None) -> bytes:
    """Return the bytes of such a file."""
    # Modules declare tables when they are imported, so a test that is imported later may add some.
    return _image(networks_of, frozenset(Base.metadata.tables))


@cache
def _dialect() -> Any:
    return Database.open(None).engine.dialect


def fill(database: Database, networks_of: str | None) -> None:
    """Create every table, and the networks of an account's first start."""
    database.create_tables()
    if networks_of is not None:
        with database.transaction() as session:
            bootstrap.default_vpc(session, networks_of, REGION)
            service_network.ensure(session, REGION)


@cache
def _image(networks_of: str | None, tables: frozenset[str]) -> bytes:
    database = Database.open(None, sealer=SEALER)
    fill(database, networks_of)
    with contextlib.closing(database.engine.raw_connection()) as connection:
        content = bytes(connection.driver_connection.serialize())  # type: ignore[union-attr]
    database.close()
    return content
