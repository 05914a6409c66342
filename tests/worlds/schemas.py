"""Databases of earlier schemas, and what two schemas have in common."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "database" / "data"


def of_before(path: Path, version: int = 5) -> None:
    """Make an empty database as a product of an earlier schema made it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_FOLDER.joinpath(f"schema_{version}.sql").read_text())
        connection.execute(f"PRAGMA user_version = {version}")


def version_of(path: Path) -> int:
    """Return the schema version that a file says it has."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def schema_of(path: Path) -> dict[str, str]:
    """Return the statements that make a database's tables and indexes, but for how they are spaced and quoted."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: "".join(sql.replace('"', "").split()) for name, sql in rows}
