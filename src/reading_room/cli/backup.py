"""``reading-room backup``: back up a data folder, or verify a backup."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reading_room.cli.folder import StartError
from reading_room.cli.options import DataOption, read_settings
from reading_room.cli.screen import fail, say
from reading_room.database.errors import SchemaError
from reading_room.settings import Settings
from reading_room.versions import VERSION

if TYPE_CHECKING:
    from reading_room.backup.keys import Passphrase, Recipients
    from reading_room.backup.store import Target
    from reading_room.backup.taking import Taken

NICENESS = 5
"""Added to the niceness of a backup, so that jobs and calls come first."""


def backup(
    to: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|FILE", help="A folder, where a further backup stores only what is new, or a new .tar file."
        ),
    ],
    data: DataOption = None,
    verify: Annotated[bool, typer.Option("--verify", help="Only compare the backup there with its digests.")] = False,
    without_keys: Annotated[bool, typer.Option("--without-keys", help="Leave out all key material.")] = False,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            "--passphrase-file", help="Encrypt the keys, the root key among them, with the passphrase in this file."
        ),
    ] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option(
            "--recipient", help="Encrypt the keys, the root key among them, to this public key of age; repeatable."
        ),
    ] = None,
) -> None:
    """Back up the data folder, also while the product runs, or verify a backup."""
    from reading_room.backup.errors import BackupError

    chosen = [name for name, given in _means(without_keys, passphrase_file, recipient) if given]
    if len(chosen) > 1 or (verify and chosen):
        raise fail(f"{' and '.join([*chosen, *(['--verify'] if verify else [])])} exclude each other: give one of them")
    settings = read_settings(data)
    if settings.database and not verify:
        raise fail(
            "the rows are in PostgreSQL, which this command does not back up: use pg_dump for them, then copy the data "
            "folder and the root key (docs/operations/postgresql.md)"
        )
    try:
        if verify:
            _verify(to)
        else:
            _take(settings, to.absolute(), without_keys, passphrase_file, recipient or [])
    except (BackupError, StartError, SchemaError) as error:
        raise fail(str(error)) from None


def _means(without_keys: bool, passphrase_file: Path | None, recipient: list[str] | None) -> list[tuple[str, bool]]:
    return [
        ("--without-keys", without_keys),
        ("--passphrase-file", passphrase_file is not None),
        ("--recipient", bool(recipient)),
    ]


def _verify(path: Path) -> None:
    from reading_room.backup import restoring

    with restoring.opened(path) as found:
        restoring.verify(found)
        say(f"{path} is complete: {restoring.facts(found)}")


def _take(
    settings: Settings, path: Path, without_keys: bool, passphrase_file: Path | None, recipients: list[str]
) -> None:
    from reading_room.backup import keys
    from reading_room.backup.errors import BackupError
    from reading_room.backup.manifest import DATABASE
    from reading_room.backup.taking import take
    from reading_room.cli.privileges import drop_privileges
    from reading_room.cli.root_key import read_root_key
    from reading_room.clock import system_clock
    from reading_room.database.address import check_mark

    if path.resolve().is_relative_to(settings.data.resolve()):
        raise BackupError(
            f"{path} is in the data folder {settings.data}: choose a place elsewhere, best on another disk"
        )
    if settings.objects:
        raise BackupError(
            f"READING_ROOM_OBJECTS={settings.objects}: a backup copies objects from the data folder only; copy the "
            "database first and then that place, each with its own tools (docs/operations/objects.md)"
        )
    means: Passphrase | Recipients | None = None
    if passphrase_file is not None:
        means = keys.Passphrase(keys.read_secret(passphrase_file, "--passphrase-file"))
    elif recipients:
        keys.recipients(recipients)
        means = keys.Recipients(tuple(recipients))
    if not settings.data.is_dir():
        raise BackupError(f"there is no data folder {settings.data}: name that of the product with --data")
    check_mark(settings.data, None, DATABASE)
    root_key = read_root_key(settings)

    def drop() -> None:
        drop_privileges(settings, root_key)

    os.nice(NICENESS)
    os.umask(0o077)
    try:
        place = _opened(path)
        with place as target:
            taken = take(
                settings.data,
                target,
                root_key,
                program=VERSION,
                now=system_clock(),
                drop=drop,
                means=means,
                with_keys=not without_keys,
            )
    except OSError as error:
        raise BackupError(f"the backup cannot be written to {path}: {error.filename or ''} {error.strerror}") from None
    _report(path, taken)


def _opened(path: Path) -> AbstractContextManager[Target]:
    from reading_room.backup.archive import SUFFIX, ArchiveTarget
    from reading_room.backup.folder import FolderTarget

    if path.suffix == SUFFIX and not path.is_dir():
        return ArchiveTarget.opened(path)
    return FolderTarget.opened(path)


def _report(path: Path, taken: Taken) -> None:
    kept = len(taken.files) - taken.new_files
    say(
        f"{path}: {len(taken.files):,} files with {taken.bytes:,} bytes, of which {taken.new_files:,} with "
        f"{taken.new_bytes:,} bytes are new{f' and {kept:,} were there already' if kept else ''}"
    )
    says = {
        "none": "It has no keys: keep the root key, and after a restore give the administrators new keys.",
        "sealed": "Its keys are sealed with the root key, which is not in it: keep a copy of the root key elsewhere.",
        "age": "Its keys and the root key are encrypted: keep what decrypts them elsewhere.",
    }
    say(says[taken.description.keys])
    if taken.lost:
        raise fail(
            f"{len(taken.lost)} blobs are damaged or missing in the data folder, so the backup lacks their objects: "
            f"{', '.join(taken.lost[:3])}{' …' if len(taken.lost) > 3 else ''}; read or write these objects again"
        )
