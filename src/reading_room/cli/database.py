"""``reading-room database``: moves the product's rows from SQLite to PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from reading_room import versions
from reading_room.cli.claiming import check_folder
from reading_room.cli.folder import StartError, only_one
from reading_room.cli.opened_database import FILE
from reading_room.cli.options import DataOption, command, read_settings
from reading_room.cli.privileges import drop_privileges
from reading_room.cli.root_key import read_root_key, source_of, wrong_key_message
from reading_room.cli.screen import fail, say
from reading_room.cli.screen import output as console
from reading_room.database.address import VARIABLE, address_of
from reading_room.database.errors import SchemaError
from reading_room.database.moving import KEPT
from reading_room.database.moving import move as move_rows
from reading_room.database.sealed import WrongRootKey
from reading_room.sealing import Sealer

app = typer.Typer(help="Move the rows from SQLite to PostgreSQL.", no_args_is_help=True)


@app.callback()
def _commands() -> None:
    """Have subcommands, although there is only one."""


@app.command("move")
def move(
    url: Annotated[str, typer.Argument(metavar="URL", help="An empty database: postgresql+psycopg://USER@HOST/NAME.")],
    data: DataOption = None,
) -> None:
    """Move all rows to an empty PostgreSQL database while the product is stopped, and compare them."""
    settings = replace(read_settings(data), database=url)
    try:
        address = address_of(url)
        check_folder(settings)
        if not (settings.data.is_dir() and settings.installation.record.exists()):
            raise StartError(f"{settings.data} is not a data folder of this machine: start the product once first")
        with only_one(settings.installation, settings.data):
            key, source = read_root_key(settings), source_of(settings)
            drop_privileges(settings, key)
            # The tables of every package.
            import reading_room.wiring.server

            assert reading_room.wiring.server
            versions.check(settings.data, versions.DATA_FORMATS)
            moved = move_rows(settings.data, FILE, address, Sealer(key))
    except WrongRootKey as error:
        raise fail(wrong_key_message(settings, source, error)) from None
    except (StartError, SchemaError, versions.VersionsError) as error:
        raise fail(str(error)) from None
    except SQLAlchemyError as error:
        raise fail(f"{settings.data / FILE} cannot be read: {getattr(error, 'orig', error)}") from None
    except OSError as error:
        raise fail(f"{error.filename or settings.data} cannot be used: {error.strerror}") from None
    table = Table("table", "rows", "SHA-256 of the rows", box=None, padding=(0, 2, 0, 0))
    for name, content in moved.items():
        if content.rows:
            table.add_row(name, f"{content.rows:,}", content.digest[:16])
    console.print(table)
    say(f"Every table is the same in {address}.")
    say(f"{settings.data / FILE} is kept as {KEPT.format(FILE)}; delete it when you no longer need it.")
    say(f"Set {VARIABLE}={address} from now on, and start the product: {command(settings, 'up')}")
