"""The backup that ``serve`` makes of a data folder's database and keys before a newer version uses them.

A backup of a database that holds secrets in plain text is sealed with the root key, piece by piece.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from reading_room import versions
from reading_room.database.migrate import SchemaError
from reading_room.durable import sync_folder
from reading_room.sealing import Sealer
from reading_room.upgrades import PIECE, SEALED, Backup, copy_file, copy_files, draft, files, keep

DATABASE = "db.sqlite"
KEY_FILES = (
    "authorization-messages.key",
    "authority/authority.key",
    "authority/services.pem",
    "doors/authority.key",
    "doors/services.pem",
    "doors/given.pem",
)
"""Files in the data folder that are sealed, and that versions with schema 5 wrote in plain text."""
WINDOWS, CALLS = "flow-windows.json", "usage-calls.log"
OTHER_FILES = (WINDOWS, CALLS)
"""Further files that belong to the database's state."""
_HEAD = 4
"""The bytes before each sealed piece that say how long it is."""


def back_up(
    data: Path,
    origin: str,
    schema: int,
    *,
    plain: Sealer | None,
    busy_seconds: float,
    target: str = versions.VERSION,
    needed: Backup | None = None,
) -> Path:
    """Make a backup of a data folder's database and keys, and return its folder.

    ``plain`` is the sealer for a database that holds secrets in plain text. The database may be in use. An older backup
    is deleted if there are too many, unless it is ``needed``. Raises ``SchemaError`` if the disk has no room.
    """
    with draft(data) as made:
        _check_room(data, sealed=plain is not None)
        others = [name for name in (*KEY_FILES, *OTHER_FILES) if (data / name).is_file()]
        if plain is None:
            copy_database(data / DATABASE, made / DATABASE, busy_seconds)
            with (made / DATABASE).open("rb+") as file:
                os.fsync(file.fileno())
            copy_files(data, others, made)
        else:
            with _unchanged(data / DATABASE, busy_seconds) as content:
                _seal(plain, content, made, DATABASE)
            for name in others:
                with (data / name).open("rb") as content:
                    _seal(plain, content, made, name)
        return keep(made, origin, target, schema, needed)


def put_back(backup: Backup, data: Path, sealer: Sealer) -> None:
    """Replace the database and keys of a data folder that nobody uses by those of a backup.

    Everything is written beside its place first. Raises ``SealBroken``, ``SchemaError`` and ``OSError``.
    """
    drafts: dict[Path, Path] = {}
    try:
        for path in files(backup.path):
            name = str(path.relative_to(backup.path)).removesuffix(SEALED)
            if name in (DATABASE, *KEY_FILES, *OTHER_FILES):
                place = data / name
                new = drafts[place] = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
                if path.name.endswith(SEALED):
                    _unseal(sealer, path, new, name)
                else:
                    copy_file(path, new)
        if data / DATABASE not in drafts:
            raise SchemaError(f"{backup.path} has no database: choose another backup")
        _end_log(data / DATABASE)
        for place, new in drafts.items():
            new.rename(place)
        for folder in {place.parent for place in drafts}:
            sync_folder(folder)
    finally:
        for new in drafts.values():
            new.unlink(missing_ok=True)


def _end_log(path: Path) -> None:
    """Delete the write-ahead log of a database, whose content must never be applied to another one."""
    try:
        with closing(sqlite3.connect(path, timeout=1)) as connection:
            ended = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete"
    except sqlite3.OperationalError as error:
        raise SchemaError(f"{path} is used by another process ({error}): end it first") from error
    except sqlite3.DatabaseError:
        ended = True  # It is damaged, and its log with it.
        for suffix in ("-wal", "-shm"):
            path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    if not ended:
        raise SchemaError(f"{path} is used by another process: end it first")


def _check_room(data: Path, *, sealed: bool) -> None:
    size = sum((data / name).stat().st_size for name in (DATABASE, f"{DATABASE}-wal") if (data / name).exists())
    # The migration writes the tables that it changes once more. A database to be sealed is also rewritten afterwards,
    # which needs three times its size.
    needed, free = (4 if sealed else 2) * size, shutil.disk_usage(data).free
    if free < needed:
        raise SchemaError(
            f"{data / DATABASE} must be copied before version {versions.VERSION} uses it, which needs {needed:,} bytes "
            f"on its disk, but {free:,} are free: make room, and start again"
        )


def copy_database(source: Path, target: Path, busy_seconds: float) -> int:
    """Copy a database, which may be in use, to a new file (0600), with what is still in its log. Return its schema.

    The copy is of one moment, and is not synced.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with (
        closing(sqlite3.connect(source, timeout=busy_seconds)) as reader,
        closing(sqlite3.connect(target, isolation_level=None)) as writer,
    ):
        # Nobody reads the copy before it is complete, so it needs no journal.
        writer.execute("PRAGMA journal_mode = OFF").fetchone()
        writer.execute("PRAGMA synchronous = OFF")
        reader.backup(writer)
        return int(writer.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _unchanged(path: Path, busy_seconds: float) -> Iterator[BinaryIO]:
    """Yield the file of a database, which holds all of it and does not change during the block.

    It is read as it is, so that no copy of plain text is written. Raises ``SchemaError`` if another process reads it.
    """
    # Closing a file gives up the locks that this process has on it, so it stays open for longer than the connection.
    with path.open("rb") as file, closing(sqlite3.connect(path, timeout=busy_seconds)) as lock:
        lock.isolation_level = None
        log = path.with_name(f"{path.name}-wal")
        while True:
            if lock.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise SchemaError(f"{path} is used by another process, so it cannot be backed up: end that process")
            lock.execute("BEGIN IMMEDIATE")
            if not log.exists() or not log.stat().st_size:
                break
            lock.execute("ROLLBACK")  # Another process wrote in between.
        yield file


def _seal(sealer: Sealer, content: BinaryIO, folder: Path, name: str) -> None:
    """Write a sealed copy of a file, in pieces that can be neither exchanged nor left out."""
    target = folder / f"{name}{SEALED}"
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        number, piece = 0, content.read(PIECE)
        while True:
            following = content.read(PIECE)
            sealed = sealer.seal(piece, *_place(name, number, last=not following))
            file.write(len(sealed).to_bytes(_HEAD) + sealed)
            if not following:
                break
            number, piece = number + 1, following
        file.flush()
        os.fsync(file.fileno())


def _unseal(sealer: Sealer, path: Path, target: Path, name: str) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with path.open("rb") as content, open(descriptor, "wb") as file:
        number, head = 0, content.read(_HEAD)
        while head or not number:
            sealed = content.read(min(int.from_bytes(head), 2 * PIECE))
            head = content.read(_HEAD)
            file.write(sealer.unseal(sealed, *_place(name, number, last=not head)))
            number += 1
        file.flush()
        os.fsync(file.fileno())


def _place(name: str, number: int, *, last: bool) -> tuple[str, ...]:
    return ("the backup of", name, f"piece {number}", "the last" if last else "not the last")
