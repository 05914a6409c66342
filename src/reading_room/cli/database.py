"""The product's database, for commands that only read it, whether or not the product is running."""

from __future__ import annotations

import os
from pathlib import Path

from reading_room.cli.screen import fail
from reading_room.database.engine import Database


def open_to_read(file: Path) -> Database:
    """Open the product's database read-only, or end the program and say what to check."""
    if not os.access(file, os.R_OK):
        raise fail(f"{file} cannot be read: is --data the product's folder, and is this user its owner?")
    return Database.open_read_only(file)
