"""Migration of a database from an earlier schema: Alembic's revisions, in one transaction.

A revision is a module ``migrations/schema_N.py`` whose revision id is the resulting schema version. The version is
written in the same transaction, so it always matches the tables: as ``PRAGMA user_version`` in SQLite, and in a row in
PostgreSQL (``postgresql.py``). If the process is killed in the middle, the database is unchanged.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

from reading_room.database.errors import SchemaError as SchemaError

BASELINE = 5
"""The oldest schema version that can be migrated; there was no release before it."""
FOLDER = Path(__file__).parent / "migrations"


class MigrationError(SchemaError):
    """A migration left the database inconsistent, and was rolled back."""


def migrate(
    path: Path, newest: int, busy_seconds: float, given: Mapping[str, Any] | None = None, folder: Path = FOLDER
) -> None:
    """Migrate a database file to the version ``newest``. Does nothing if it has that version already.

    Revisions find ``given`` in ``op.get_context().opts``. Raises ``MigrationError``.
    """
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"timeout": busy_seconds}, poolclass=NullPool, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        found = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        run_revisions(connection, found, newest, given, folder)
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise MigrationError(f"after the migration to schema {newest}, rows of {broken[0]} refer to missing rows")
        connection.exec_driver_sql(f"PRAGMA user_version = {newest:d}")


def run_revisions(
    connection: Connection, found: int, newest: int, given: Mapping[str, Any] | None = None, folder: Path = FOLDER
) -> None:
    """Run the revisions that lead from schema ``found`` to ``newest`` in the transaction of a connection."""
    # Imported here because most starts have nothing to migrate, and Alembic takes 0.2 s to load.
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(folder), version_locations=[str(folder)])
    context = MigrationContext.configure(connection, opts=dict(given or {}))
    with Operations.context(context):
        for script in reversed(list(scripts.iterate_revisions(str(newest), str(found)))):
            script.module.upgrade()


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    # The driver's own transactions would not include the creation of tables.
    connection.isolation_level = None
    for pragma in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        # SQLite changes a table by replacing it with a copy, which would delete the rows that refer to it.
        "PRAGMA foreign_keys = OFF",
    ):
        connection.execute(pragma)
