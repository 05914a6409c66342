"""The product's database, for commands that only look at it: with the product running, or without."""

from __future__ import annotations

import os
from pathlib import Path

from reading_room.cli.options import fail
from reading_room.database.engine import Database


def open_to_read(file: Path) -> Database:
    """Open a product's database without a right to write. Exits with what to look at where that cannot be."""
    if not os.access(file, os.R_OK):
        raise fail(f"{file} cannot be read: is --data the folder of the product, and is it this user's?")
    return Database.open_read_only(file)
