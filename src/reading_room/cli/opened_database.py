"""The product's database, for commands that read it, whether or not the product is running."""

from __future__ import annotations

import os

from reading_room.cli.data_owner import become_owner_of_data
from reading_room.cli.options import command
from reading_room.cli.screen import fail
from reading_room.database.address import address_of, check_mark
from reading_room.database.engine import Database
from reading_room.database.errors import SchemaError
from reading_room.fleet.identity import identity_of
from reading_room.settings import Settings

FILE = "db.sqlite"
"""The name of SQLite's file in the data folder."""


def open_to_read(settings: Settings) -> Database:
    """Open the product's database for reading, or end the program and say what to check.

    From here on, a process of root's is one of the data folder's owner.
    """
    become_owner_of_data(settings)
    file = settings.data / FILE
    try:
        address = address_of(settings.database) if settings.database else None
        check_mark(settings.data, address, FILE)
        if address is not None:
            return Database.connect(address, up=command(settings, "up"))
    except SchemaError as error:
        raise fail(str(error)) from None
    if not os.access(file, os.R_OK):
        raise fail(f"{file} cannot be read: is --data the product's folder, and is this user its owner?")
    return Database.open_read_only(file)


def server_of(settings: Settings) -> str:
    """Return how rows in the database name this folder's ``serve``: empty if no other one shares the database."""
    return identity_of(settings.data) if settings.database else ""
