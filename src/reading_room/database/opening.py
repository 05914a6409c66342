"""The database of a data folder as the server opens it: migrated, with all secrets sealed, and prepared for speed."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from reading_room import versions
from reading_room.database.address import Address, address_of, check_mark, mark
from reading_room.database.disk import free_bytes
from reading_room.database.engine import BUSY_SECONDS, SCHEMA_VERSION, Database
from reading_room.database.migrate import BASELINE, SchemaError
from reading_room.database.tables import Sealing
from reading_room.database.upgrade_backup import KEY_FILES, back_up
from reading_room.full_disk import is_full
from reading_room.sealing import SealedFile, Sealer
from reading_room.upgrades import discard_unfinished, remedy

log = logging.getLogger(__name__)

FILE = "db.sqlite"
"""The name of the database in the data folder."""
START_BYTES = 8_000_000
"""The free space that a start needs: the full length of the write-ahead log, and as much again."""
LOOK_SECONDS = 0.5
_UNSEALED = 5
"""The last schema with secrets in plain text."""
_ROOM = 3
"""Free space needed to rewrite a database, relative to its size: a copy, and the copy's log."""


def open_database(
    data: Path,
    sealer: Sealer,
    working: Callable[[], None] = lambda: None,
    busy_seconds: float = BUSY_SECONDS,
    *,
    url: str = "",
) -> Database:
    """Open or create the database of a data folder. Secrets that an earlier version left in plain text are sealed.

    With a ``url`` it is one in PostgreSQL. A file that an earlier version used is backed up first
    (``upgrade_backup.py``). ``working`` is called before anything that may take minutes. While the disk is full, this
    waits, so that a restarted product continues by itself once there is room. Raises ``SchemaError``, ``WrongRootKey``
    and ``VersionsError``.
    """
    await_room(data)
    address = address_of(url) if url else None
    check_mark(data, address, FILE)
    if address is not None:
        return _connect(data, address, sealer, working, busy_seconds)
    try:
        return _open(data, sealer, working, busy_seconds)
    except (OSError, DBAPIError, sqlite3.Error) as error:
        if not is_full(error):
            raise
        raise SchemaError(f"{data / FILE} cannot be opened, as the disk is full: make room, and start again") from error


def await_room(
    data: Path, free: Callable[[Path], int] = free_bytes, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until the disk of a data folder has room for a start; log once while waiting."""
    waiting = False
    while (left := free(data)) < START_BYTES:
        if not waiting:
            log.error("the disk of %s is full (%d bytes are free): waiting until there is room", data, left)
        waiting = True
        sleep(LOOK_SECONDS)


def _connect(
    data: Path, address: Address, sealer: Sealer, working: Callable[[], None], busy_seconds: float
) -> Database:
    versions.check(data, versions.DATA_FORMATS, remedy(data))
    working()
    database = Database.connect(address, busy_seconds, sealer=sealer, migrating=True)
    database.create_tables()
    mark(data, address)
    versions.record(data, versions.DATA_FORMATS)
    return database


def _open(data: Path, sealer: Sealer, working: Callable[[], None], busy_seconds: float) -> Database:
    path = data / FILE
    recorded = versions.check(data, versions.DATA_FORMATS, remedy(data))
    schema, plain = schema_of(path)
    # A program that recorded no version had the same one as long as the schema is the same.
    origin = recorded.program if recorded is not None else versions.EARLIER if schema < SCHEMA_VERSION else None
    unsealed = 0 < schema <= _UNSEALED
    if unsealed:
        _check_room(path)
    discard_unfinished(data)
    if BASELINE <= schema < SCHEMA_VERSION or (schema == SCHEMA_VERSION and origin not in (None, versions.VERSION)):
        working()
        place = back_up(
            data,
            origin or versions.EARLIER,
            schema,
            plain=sealer if plain else None,
            busy_seconds=busy_seconds,
        )
        log.info("the database is backed up in %s before version %s uses it", place, versions.VERSION)
    database = Database.open(path, busy_seconds, sealer=sealer, migrating=True)
    database.create_tables()
    if not _is_clean(database):
        if not unsealed:  # The start that migrated it was killed before it was done.
            _check_room(path)
            working()
        log.info("the secrets that an earlier version stored in plain text are sealed, and wiped from %s", data)
        for name in KEY_FILES:
            SealedFile(sealer, data / name, name).seal_what_is_plain()
        _wipe(database, data)
        with database.transaction() as session:
            session.query(Sealing).one().clean = True
    versions.record(data, versions.DATA_FORMATS)
    database.prepare_log()
    return database


def schema_of(path: Path) -> tuple[int, bool]:
    """Return a database's schema version, 0 if there is none, and whether it may hold secrets in plain text."""
    if not path.exists():
        return 0, False
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if schema <= _UNSEALED:
            return schema, schema > 0
        if schema > SCHEMA_VERSION:
            return schema, False
        return schema, connection.execute("SELECT clean FROM sealing").fetchone() == (0,)
    finally:
        connection.close()


def _is_clean(database: Database) -> bool:
    with database.reading() as session:
        return session.query(Sealing).one().clean


def _check_room(path: Path) -> None:
    needed, free = _ROOM * path.stat().st_size, shutil.disk_usage(path.parent).free
    if free < needed:
        raise SchemaError(
            f"{path} must be rewritten without the secrets that an earlier version stored in plain text, which needs "
            f"{needed:,} bytes on its disk, but {free:,} are free: make room, and start again"
        )


def _wipe(database: Database, data: Path) -> None:
    """Remove all old pages from the file and its log. Raises ``SchemaError`` while another process reads it."""
    connection = database.engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM")
        busy = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        connection.close()
    if busy:
        raise SchemaError(f"{data / FILE} is read by another process, so old secrets cannot be wiped: end that process")
