"""``reading-room rollback``: put the database back as it was before an upgrade, so that the earlier version can start.

What was used last is backed up first, so a rollback can be undone by another one. As root, the command becomes the user
of ``serve`` before it touches anything in the data folder. Rows in PostgreSQL are put back by pg_restore; this command
then only records that the earlier version may use the folders.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.exc import OperationalError

from reading_room import versions
from reading_room.cli.claiming import check_folder
from reading_room.cli.folder import StartError, only_one
from reading_room.cli.options import DataOption, command, read_settings
from reading_room.cli.privileges import become_user_of_serve, drop_privileges
from reading_room.cli.root_key import read_root_key
from reading_room.cli.screen import fail, plain, say
from reading_room.cli.screen import output as console
from reading_room.database.address import check_mark
from reading_room.database.engine import BUSY_SECONDS
from reading_room.database.migrate import SchemaError
from reading_room.database.opening import FILE, schema_of
from reading_room.database.upgrade_backup import back_up, put_back
from reading_room.sealing import SealBroken, Sealer
from reading_room.settings import Settings
from reading_room.upgrades import Backup, backups


def rollback(
    backup: Annotated[
        str | None,
        typer.Argument(
            help="Name of a backup; without one, they are listed. With PostgreSQL, the version whose dump was restored."
        ),
    ] = None,
    data: DataOption = None,
) -> None:
    """Put back the database that was backed up before an upgrade; or list these backups."""
    settings = read_settings(data)
    if settings.database:
        _allow(settings, backup)
        return
    found = {each.path.name: each for each in backups(settings.data) if each.schema is not None}
    if backup is None:
        _list(settings, found)
        return
    if backup not in found:
        known = ", ".join(found) or "there are none"
        raise fail(f"{settings.data} has no backup {backup}: choose one of those made before upgrades ({known})")
    try:
        check_folder(settings)
        if not (settings.data.is_dir() and settings.installation.record.exists()):
            raise StartError(f"{settings.data} is not a data folder of this machine: start the product once first")
        check_mark(settings.data, None, FILE)
        with only_one(settings.installation, settings.data):
            key = read_root_key(settings)
            origin = found[backup].origin
            # The installation's folder can be written only now. Until the other is done, the data folder's versions
            # keep an earlier program from starting.
            _return_to(settings.installation.folder, origin)
            drop_privileges(settings, key)
            kept = _replace(settings, found[backup], Sealer(key))
    except (StartError, SchemaError, SealBroken, versions.VersionsError, OperationalError) as error:
        raise fail(str(error)) from None
    except OSError as error:
        raise fail(f"{error.filename or settings.data} cannot be used: {error.strerror}") from None
    earlier = "the earlier version" if origin == versions.EARLIER else f"version {origin}"
    say(f"The database is as it was before the upgrade; {earlier} can start now.")
    say(f"What was there until now is kept: {kept.name}")


def _allow(settings: Settings, version: str | None) -> None:
    """Record that an earlier version may use the folders of an installation whose rows are in PostgreSQL."""
    if version is None or not re.fullmatch(versions.VERSION_PATTERN, version):
        raise fail(
            "the rows are in PostgreSQL: put back with pg_restore what pg_dump wrote before the upgrade, and then give "
            f"that version, such as {versions.VERSION}, so that it may use the data folder again"
        )
    try:
        check_folder(settings)
        recorded = versions.read(settings.data)
        if recorded is None or not versions.is_older(version, recorded.program):
            raise StartError(f"no version after {version} has used {settings.data}, so {version} can start already")
        with only_one(settings.installation, settings.data):
            _return_to(settings.installation.folder, version)
            become_user_of_serve(settings)
            _return_to(settings.data, version)
    except (StartError, versions.VersionsError) as error:
        raise fail(str(error)) from None
    except OSError as error:
        raise fail(f"{error.filename or settings.data} cannot be used: {error.strerror}") from None
    say(f"Version {version} can use {settings.data} now; it checks the schema of the database itself.")


def _list(settings: Settings, found: dict[str, Backup]) -> None:
    if not found:
        say(f"{settings.data} has no backups that were made before upgrades.")
        return
    table = Table("backup", "of version", "before version", "schema")
    for name, each in found.items():
        table.add_row(plain(name), each.origin, each.target, str(each.schema))
    console.print(table)
    say(f"To put one back, end the product, and run {command(settings, 'rollback', 'BACKUP')}")


def _replace(settings: Settings, backup: Backup, sealer: Sealer) -> Path:
    """Back up the database that is in use, put the other back, and return the first one's backup."""
    recorded = versions.read(settings.data)
    used_by = versions.EARLIER if recorded is None else recorded.program
    schema, plain_secrets = schema_of(settings.data / FILE)
    target = versions.VERSION if backup.origin == versions.EARLIER else backup.origin
    kept = back_up(
        settings.data,
        used_by,
        schema,
        plain=sealer if plain_secrets else None,
        target=target,
        busy_seconds=BUSY_SECONDS,
        needed=backup,
    )
    put_back(backup, settings.data, sealer)
    _return_to(settings.data, backup.origin)
    return kept


def _return_to(folder: Path, origin: str) -> None:
    """Record that an earlier version may open a folder if it knows the formats of all files."""
    recorded = versions.read(folder)
    if origin == versions.EARLIER:
        # It reads no such record, and the next start of this version adopts what it finds.
        (folder / versions.FILE).unlink(missing_ok=True)
    elif recorded is not None:
        versions.write(folder, versions.Versions(origin, recorded.formats))
