"""Folders of backups that are made before a newer version of the program uses what is kept.

There is one in the data folder (``database/upgrade_backup.py``) and one in the installation's folder
(``cli/state_versions.py``). A backup is a folder. Its name says when it was made, by which version of the program the
data were used until then, and by which from then on. It is made under another name, and renamed once it is complete.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reading_room.durable import sync_folder
from reading_room.versions import EARLIER, VERSION, VERSION_PATTERN, is_older

FOLDER = "backups"
"""The name of the folder of backups."""
KEPT = 3
"""How many backups are kept."""
PIECE = 1 << 20
"""The number of bytes that are copied at once."""
SEALED = ".sealed"
"""The suffix of files that are sealed with the root key."""
_UNFINISHED = ".unfinished-"
_NAME = re.compile(
    rf"([0-9]{{8}}T[0-9]{{6}}Z)-from-({EARLIER}|{VERSION_PATTERN})-to-({VERSION_PATTERN})(?:-schema-([0-9]{{1,6}}))?"
)


@dataclass(frozen=True, slots=True)
class Backup:
    """A complete backup: its folder, the versions of the program before and after, and the database's schema."""

    path: Path
    origin: str
    target: str
    schema: int | None
    """``None`` without a database."""


def backups(folder: Path) -> list[Backup]:
    """Return the complete backups of a data folder or an installation, the oldest first."""
    try:
        names = sorted(os.listdir(folder / FOLDER))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    found = ((name, _NAME.fullmatch(name)) for name in names)
    return [
        Backup(folder / FOLDER / name, parts[2], parts[3], None if parts[4] is None else int(parts[4]))
        for name, parts in found
        if parts is not None
    ]


def usable_by(folder: Path, version: str) -> Backup | None:
    """Return the newest backup of data that a version of the program can use, ``None`` if there is none."""
    return next((each for each in reversed(backups(folder)) if not is_older(version, each.origin)), None)


def remedy(data: Path) -> str:
    """Return what to do about a data folder that a newer program has opened, other than to run that program."""
    backup = usable_by(data, VERSION)
    if backup is None:
        return "; there is no backup that this version can use"
    words = f"reading-room rollback --data {shlex.quote(str(data))} {backup.path.name}"
    return f", or put back the backup {backup.path} with `{words}`"


@contextmanager
def draft(of: Path) -> Iterator[Path]:
    """Yield a new private folder to make a backup of a folder in. ``keep`` completes it; else it is deleted."""
    folder = of / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    discard_unfinished(of)
    made = folder / f"{_UNFINISHED}{secrets.token_hex(8)}"
    made.mkdir(mode=0o700)
    try:
        yield made
    finally:
        discard_unfinished(of)


def keep(
    made: Path, origin: str, target: str = VERSION, schema: int | None = None, needed: Backup | None = None
) -> Path:
    """Complete a backup, and delete the oldest ones, except one that is ``needed``. Returns its folder."""
    folder = made.parent
    for below in (*(path for path in made.rglob("*") if path.is_dir()), made):
        sync_folder(below)
    words = f"-from-{origin}-to-{target}" + ("" if schema is None else f"-schema-{schema}")
    before = backups(folder.parent)
    while (place := folder / f"{_now()}{words}").exists():  # Made in the same second.
        time.sleep(0.1)
    made.rename(place)
    sync_folder(folder)
    # After the same upgrade was begun and not completed, the last backup has the same content as this one.
    same = [each for each in before[-1:] if each.path.name.endswith(words)]
    others = [each for each in before if each not in same]
    for each in (*same, *others[: max(0, len(others) - KEPT + 1)]):
        if each != needed:
            shutil.rmtree(each.path)
    return place


def _now() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def discard_unfinished(of: Path) -> None:
    """Delete unfinished backups, which a killed program left."""
    for left in (of / FOLDER).glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)


def files(folder: Path) -> list[Path]:
    """Return the plain files in a folder and those below it."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def copy_files(source: Path, names: Iterable[str], target: Path) -> None:
    """Copy plain files to new private ones below another folder. Raises ``OSError``, also for a symbolic link."""
    for name in names:
        (target / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy_file(source / name, target / name)


def copy_file(source: Path, target: Path) -> None:
    """Copy a plain file to a new private one (0600), on the disk. Raises ``OSError``, also for a symbolic link."""
    with (
        open(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as content,
        open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file,
    ):
        shutil.copyfileobj(content, file, PIECE)
        file.flush()
        os.fsync(file.fileno())
