"""Databases to begin a test with: made once in a process, then copied, which is a tenth of the work."""

from __future__ import annotations

import contextlib
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
"""Has the root key of databases that only tests know."""
_COMPILED: LRUCache[Any, Any] = LRUCache(5000)
"""Statements as SQL. What one test compiled serves the next, which is a fifth of the work of one with many calls."""


def made(path: Path, networks_of: str | None = None) -> Database:
    """Open a database file with every table, which is made where there is none.

    For an account a new one also has the networks of a first start: its default VPC, and the service's own. Their ids
    are the same in every file of a run.
    """
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(image(networks_of))
    opened = Database.open(path, sealer=SEALER)
    # No test takes the machine's power away, so none needs to wait for its disk. Connections made so far wait for it.
    event.listen(opened.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    opened.engine.dispose()
    # A compiled statement is good for its dialect alone, and each engine makes one of its own.
    opened.engine.dialect = _dialect()
    return Database(opened.engine.execution_options(compiled_cache=_COMPILED), sealer=SEALER)


def image(networks_of: str | None = None) -> bytes:
    """Return the bytes of such a file."""
    # Tables come with the modules that declare them, and a test imported later may declare more.
    return _image(networks_of, frozenset(Base.metadata.tables))


@cache
def _dialect() -> Any:
    return Database.open(None).engine.dialect


@cache
def _image(networks_of: str | None, tables: frozenset[str]) -> bytes:
    database = Database.open(None, sealer=SEALER)
    database.create_tables()
    if networks_of is not None:
        with database.transaction() as session:
            bootstrap.default_vpc(session, networks_of, REGION)
            service_network.ensure(session, REGION)
    with contextlib.closing(database.engine.raw_connection()) as connection:
        content = bytes(connection.driver_connection.serialize())  # type: ignore[union-attr]
    database.close()
    return content
