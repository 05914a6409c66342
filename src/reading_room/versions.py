"""The version of the program and of each kind of file it keeps, and the record of them in a folder.

A folder has a file ``versions.json`` with the newest version of the program that has opened it, and the format of each
kind of file in it. A program refuses a folder that a newer one has opened: it was never tested with such data. The
version of the database's schema is in the database itself (``database/migrate.py``).
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reading_room.durable import sync_folder

VERSION = "0.1.0"
"""The version of this program. The build of packages reads it here."""
FILE = "versions.json"
DATA_FORMATS: Mapping[str, int] = {"objects": 1, "trail": 1, "models": 1, "flow-log windows": 1, "keys": 1}
"""The formats of the files in a data folder: ``objects/``, ``trail/``, artifacts of models, ``flow-windows.json``, and
sealed files. Raised when an earlier program could not read what this one writes."""
STATE_FORMATS: Mapping[str, int] = {"agent": 1}
"""The formats of the files in an installation's folder: the records of the holder, of containers and of the folder."""
DOCUMENTS = 1
"""The number of the form of the documents between processes. Raised when a member or a value is added to one, because
an upgrade restarts one process after the other, and meanwhile two versions read each other's documents."""
LIMIT = 65_536
"""The maximum size of the file in bytes."""
EARLIER = "earlier"
"""Stands for the version of a program that did not record it."""
VERSION_PATTERN = r"[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}(?:[a-z.+][0-9a-z.+]{0,30})?"


class VersionsError(Exception):
    """A folder cannot be used by this program; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The content of the file: the newest program, and the format of each kind of file."""

    program: str
    formats: Mapping[str, int]


def parse(content: bytes) -> Versions:
    """Read the file's content. Raises ``ValueError``.

    Members that this program does not know are left out, since a newer program may have added them.
    """
    try:
        members = json.loads(content)
    except RecursionError as error:
        raise ValueError("the document is nested too deeply") from error
    program, formats = (members.get("program"), members.get("formats")) if isinstance(members, dict) else (None, None)
    if not isinstance(program, str) or not re.fullmatch(VERSION_PATTERN, program):
        raise ValueError("program is not a version such as 0.1.0")
    if not isinstance(formats, dict) or not all(_is_format(*item) for item in formats.items()):
        raise ValueError("formats are not positive numbers by kind of file")
    return Versions(program, formats)


def _is_format(kind: str, number: Any) -> bool:
    return re.fullmatch(r"[a-z -]{1,40}", kind) is not None and type(number) is int and 0 < number < 1 << 31


def read(folder: Path) -> Versions | None:
    """Return the versions of a folder, ``None`` if none are recorded yet. Raises ``VersionsError`` and ``OSError``."""
    path = folder / FILE
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return parse(file.read(LIMIT))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise VersionsError(
            f"{path} cannot be read ({error}): put it back from a backup, or delete it if no program newer than "
            f"{VERSION} has opened {folder}"
        ) from error


def check(folder: Path, formats: Mapping[str, int], remedy: str = "") -> Versions | None:
    """Return the versions of a folder that this program can use, ``None`` if none are recorded yet.

    Raises ``VersionsError`` if a newer program has opened it, or wrote a file in a newer format. ``remedy`` says what
    else can be done than to run that program.
    """
    found = read(folder)
    if found is None:
        return None
    newer = sorted(kind for kind, number in found.formats.items() if number > formats.get(kind, 0))
    if newer or is_older(VERSION, found.program):
        what = f" and has {' and '.join(newer)} in newer formats" if newer else ""
        raise VersionsError(
            f"{folder} was opened by version {found.program}{what}, and this program is version {VERSION}: "
            f"run version {found.program} or a newer one{remedy}"
        )
    return found


def record(folder: Path, formats: Mapping[str, int]) -> None:
    """Record that this program has opened a folder; nothing is written if the record says so already."""
    wanted = Versions(VERSION, dict(formats))
    if read(folder) != wanted:
        write(folder, wanted)


def write(folder: Path, versions: Versions) -> None:
    """Replace the record of a folder (0600) so that it survives a loss of power."""
    draft = folder / f".{FILE}.{secrets.token_hex(8)}"
    content = json.dumps({"program": versions.program, "formats": dict(versions.formats)}, indent=1)
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(f"{content}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / FILE)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(folder)


def is_older(one: str, other: str) -> bool:
    """Return whether a version of the program is older than another. ``EARLIER`` is older than every other."""
    return _numbers(one) < _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    return () if version == EARLIER else tuple(map(int, re.findall("[0-9]+", version)[:3]))
