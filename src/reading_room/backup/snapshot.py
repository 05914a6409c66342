"""A copy of the database at one moment, and the blobs that it names.

A child process makes the copy, with the rights of ``serve``, because the file belongs to ``serve`` and its parser must
not run with the rights of root. SQLite's online backup reads one snapshot in a single step: writers continue, and
none of their later commits is in the copy. The child reports on a pipe, line by line.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import create_engine, select

from reading_room.backup.errors import BackupError
from reading_room.backup.manifest import DATABASE
from reading_room.backup.source import DataFolder
from reading_room.database.engine import BUSY_SECONDS, SchemaVersionError
from reading_room.database.engine import SCHEMA_VERSION as NEWEST
from reading_room.database.upgrade_backup import copy_database
from reading_room.s3.storage import named_blobs
from reading_room.s3.tables import S3Store

SCRATCH = "scratch"
"""The folder for temporary files in the data folder, which ``serve`` may write to."""
COPY = f"{SCRATCH}/backup.sqlite"
_LINE = re.compile(r"schema ([0-9]{1,9})|blob ([0-9a-f]{32}) ([0-9]{1,15})|moved")
_LINE_LIMIT = 4_096


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of the database: its path in the data folder, its schema, and the sizes in bytes of the named blobs."""

    path: str
    schema: int
    blobs: dict[str, int]
    moved: bool
    """Whether ``READING_ROOM_OBJECTS`` has named another place for blobs than the data folder, now or earlier."""


@contextmanager
def snapshot(data: DataFolder, drop: Callable[[], None]) -> Iterator[Snapshot]:
    """Copy the database into the folder for temporary files, and delete the copy after the block.

    ``drop`` gives the child process the rights of ``serve``. Raises ``BackupError`` and ``OSError``.
    """
    try:
        with data.file(DATABASE) as (_, found):
            needed, free = found.st_size, data.free()
    except FileNotFoundError:
        raise BackupError(f"{data.path} has no {DATABASE}: is --data the folder of the product?") from None
    if free < needed:
        raise BackupError(
            f"a copy of the database needs {needed:,} bytes on the disk of {data.path}, but {free:,} are free: make "
            "room"
        )
    try:
        yield _made(data, drop)
    finally:
        data.unlink(COPY)


def _made(data: DataFolder, drop: Callable[[], None]) -> Snapshot:
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        os.close(read_end)
        _run(data.path, drop, write_end)
    os.close(write_end)
    try:
        with open(read_end, encoding="utf-8", errors="replace") as pipe:
            return read_report(pipe)
    finally:
        os.waitpid(child, 0)


def read_report(pipe: IO[str]) -> Snapshot:
    """Read what the child process says. Raises ``BackupError``, also if it ends early."""
    schema, blobs, moved = None, {}, False
    while line := pipe.readline(_LINE_LIMIT):
        text = line.rstrip("\n")
        if text == "done" and schema is not None:
            return Snapshot(COPY, schema, blobs, moved)
        if text.startswith("error "):
            raise BackupError(text.removeprefix("error "))
        found = _LINE.fullmatch(text)
        if found is None:
            break
        if found[1] is not None:
            schema = int(found[1])
        elif found[2] is None:
            moved = True
        else:
            blobs[found[2]] = int(found[3])
    raise BackupError("the process that copies the database ended unexpectedly: see its messages above")


def _run(data: Path, drop: Callable[[], None], write_end: int) -> None:
    """Copy and report, as the child process, and never return."""
    code = 1
    try:
        drop()
        with open(write_end, "w", encoding="utf-8") as pipe:
            try:
                _copy(data, pipe)
                pipe.write("done\n")
                code = 0
            except (OSError, sqlite3.Error, SchemaVersionError) as error:
                pipe.write(f"error {data / DATABASE} cannot be copied: {' '.join(str(error).split())[:1000]}\n")
    except BaseException as error:
        sys.stderr.write(f"reading-room: the copy of the database failed: {type(error).__name__}: {error}\n")
    finally:
        # The parent's cleaning up is not the child's.
        os._exit(code)


def _copy(data: Path, pipe: IO[str]) -> None:
    target = data / COPY
    target.parent.mkdir(mode=0o700, exist_ok=True)
    for path in (target, *(target.with_name(f"{target.name}{end}") for end in ("-wal", "-shm", "-journal"))):
        path.unlink(missing_ok=True)
    schema = copy_database(data / DATABASE, target, BUSY_SECONDS)
    if schema > NEWEST:
        raise SchemaVersionError(str(data / DATABASE), schema)
    pipe.write(f"schema {schema}\n")
    engine = create_engine(f"sqlite:///file:{target}?mode=ro&immutable=1&uri=true", hide_parameters=True)
    with engine.connect() as connection:
        if connection.scalar(select(S3Store.store)) is not None:
            pipe.write("moved\n")
        for blob, size in named_blobs(connection):
            pipe.write(f"blob {blob} {size}\n")
    engine.dispose()
