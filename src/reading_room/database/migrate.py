"""Bringing a database of an earlier schema up to date: Alembic's revisions, in one transaction.

A revision is a module ``migrations/schema_N.py`` whose revision id is the schema version that it leads to. The version
of a database is its ``PRAGMA user_version`` and nothing else: SQLite keeps it within the transaction, so it can never
say more than was done. A process that is killed in the middle leaves the database as it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

BASELINE = 5
"""The oldest schema version that is migrated; before it there was no release."""
FOLDER = Path(__file__).parent / "migrations"


class SchemaError(Exception):
    """A database cannot be used as it is; the message says what to do."""


class MigrationError(SchemaError):
    """A migration did not leave the database as it should be; nothing of it was kept."""


def migrate(
    path: Path, newest: int, busy_seconds: float, given: Mapping[str, Any] | None = None, folder: Path = FOLDER
) -> None:
    """Lead the database in a file from its version to ``newest``. Does nothing if it is that already.

    ``given`` is what revisions find in ``op.get_context().opts``. Raises ``MigrationError``.
    """
    # Most starts have nothing to migrate, and Alembic takes 0.2 s to load.
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(folder), version_locations=[str(folder)])
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"timeout": busy_seconds}, poolclass=NullPool, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        found = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        context = MigrationContext.configure(connection, opts=dict(given or {}))
        with Operations.context(context):
            for script in reversed(list(scripts.iterate_revisions(str(newest), str(found)))):
                script.module.upgrade()
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise MigrationError(f"after the migration to schema {newest}, rows of {broken[0]} refer to none")
        connection.exec_driver_sql(f"PRAGMA user_version = {newest:d}")


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    # The driver's own transactions would leave out what makes tables.
    connection.isolation_level = None
    for pragma in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        # SQLite makes a table another by a copy of its name, and would take the rows that refer to it along.
        "PRAGMA foreign_keys = OFF",
    ):
        connection.execute(pragma)
