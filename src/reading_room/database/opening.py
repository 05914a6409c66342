"""The database of a data folder as the server opens it: of the newest schema, with every table, and fast."""

from __future__ import annotations

from pathlib import Path

from reading_room.database.engine import Database

FILE = "db.sqlite"
"""The name of the database in the data folder."""


def open_database(data: Path) -> Database:
    """Open the database of a data folder, or make it. Raises ``SchemaError``."""
    database = Database.open(data / FILE, migrating=True)
    database.create_tables()
    database.prepare_log()
    return database
