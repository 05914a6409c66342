"""Verifying a backup, and restoring it into an empty folder.

Everything is written into a folder inside the data folder, with each digest compared while it is copied, and moved to
its place at the end. As long as that inner folder is there, the product refuses to start on the data folder.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reading_room.backup import keys
from reading_room.backup.archive import opened_archive
from reading_room.backup.copying import Copier, Truncated
from reading_room.backup.errors import BackupError, DamagedBackup
from reading_room.backup.folder import read_folder, sync_file_system
from reading_room.backup.manifest import DATABASE, KEYS, Stored
from reading_room.backup.store import Backup, content_name
from reading_room.database.disk import free_bytes
from reading_room.database.engine import SCHEMA_VERSION
from reading_room.full_disk import is_full
from reading_room.installation import RESTORING
from reading_room.jobs.restored import MARK
from reading_room.versions import VERSION, is_older

_SPARE = 16 << 20
"""Bytes that stay free beside what is restored, which the first start needs."""
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(path: Path) -> Iterator[Backup]:
    """Open a backup, a folder or an archive. Raises ``BackupError``."""
    if path.is_dir():
        yield read_folder(path)
    else:
        with opened_archive(path) as found:
            yield found


def verify(backup: Backup) -> None:
    """Compare every content of a backup with its digest. Raises ``DamagedBackup`` naming the first wrong one."""
    copier = Copier()
    for path, stored in backup.manifest.files.items():
        _copy(backup, copier, path, stored, None)


def read_keys(backup: Backup) -> bytes:
    """Return the encrypted key material of a backup. Raises ``DamagedBackup``."""
    stored = backup.manifest.files[KEYS]
    with backup.open(KEYS, stored) as content:
        if content.size > 2 * keys.DOCUMENT_LIMIT:
            raise DamagedBackup(KEYS, "is too large")
        return os.pread(content.file, content.size, content.start)


def check_version(backup: Backup) -> None:
    """Raise ``BackupError`` for a backup that a newer program made, or with a newer database than this one knows."""
    found = backup.manifest.description
    if found.database_schema > SCHEMA_VERSION or is_older(VERSION, found.program):
        raise BackupError(
            f"the backup has schema {found.database_schema} of version {found.program}, and this program has schema "
            f"{SCHEMA_VERSION} and is version {VERSION}: restore it with version {found.program}, or a newer one"
        )


class Folder:
    """An empty folder that a backup is restored into. As root, the folder is root's until everything is there."""

    def __init__(self, path: Path, descriptor: int, owner: int) -> None:
        """Use ``empty_folder``."""
        self._path = path
        self._descriptor = descriptor
        self._owner = owner
        self._moved: list[str] = []

    def restore(self, backup: Backup, material: Mapping[str, bytes]) -> None:
        """Restore a backup, and the given key material. Raises ``BackupError``; the folder is then empty again."""
        needed = sum(stored.size for stored in backup.manifest.files.values()) + _SPARE
        if (free := free_bytes(self._descriptor)) < needed:
            raise BackupError(
                f"the backup needs {needed:,} bytes, but {free:,} are free on the disk of {self._path}: make room, or "
                "restore elsewhere"
            )
        for path, stored in backup.manifest.files.items():
            with backup.open(path, stored):
                pass  # A missing or truncated file is found before anything is written.
        try:
            os.mkdir(RESTORING, 0o700, dir_fd=self._descriptor)
            self._fill(backup, material)
            self._move()
        except BaseException as error:
            self._empty()
            if isinstance(error, OSError):
                what = "the disk is full" if is_full(error) else f"{error.filename or self._path}: {error.strerror}"
                raise BackupError(f"nothing was restored: {what}") from error
            raise

    def _fill(self, backup: Backup, material: Mapping[str, bytes]) -> None:
        inner = self._path / RESTORING
        copier = Copier()
        for path, stored in backup.manifest.files.items():
            if path != KEYS:
                with self._created(inner / path) as file:
                    _copy(backup, copier, path, stored, file)
                    os.utime(file, ns=(stored.modified, stored.modified))
        for name, content in {**material, MARK: backup.manifest.description.at.encode()}.items():
            with self._created(inner / name) as file:
                os.write(file, content)
        sync_file_system(self._descriptor)

    @contextmanager
    def _created(self, path: Path) -> Iterator[int]:
        for folder in reversed(path.relative_to(self._path / RESTORING).parents[:-1]):
            made = self._path / RESTORING / folder
            if not made.exists():
                made.mkdir(mode=0o700)
                self._give(made)
        file = os.open(path, _FLAGS, 0o600)
        try:
            if os.geteuid() == 0:
                os.fchown(file, self._owner, self._owner)
            yield file
        finally:
            os.close(file)

    def _give(self, folder: Path) -> None:
        if os.geteuid() == 0:
            os.chown(folder, self._owner, self._owner, follow_symlinks=False)

    def _move(self) -> None:
        names = set(os.listdir(self._path / RESTORING))
        for name in (*sorted(names - {DATABASE}), DATABASE):
            self._moved.append(name)
            os.rename(f"{RESTORING}/{name}", name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        os.fsync(self._descriptor)
        os.rmdir(RESTORING, dir_fd=self._descriptor)
        os.fsync(self._descriptor)

    def _empty(self) -> None:
        """Delete everything that was restored."""
        for name in (*reversed(self._moved), RESTORING):
            path = self._path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


@contextmanager
def empty_folder(path: Path, owner: int, check: Callable[[], None]) -> Iterator[Folder]:
    """Yield an empty folder of this user, made if missing, and at the end give it to ``owner`` if this is root.

    ``check`` is called before anything is made. A folder that was made is removed if the block raises. Raises
    ``BackupError``.
    """
    try:
        existing = path.lstat()
    except FileNotFoundError:
        existing = None
    if existing is not None:
        _refuse_used(path, existing, owner)
    check()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=existing is not None)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise BackupError(f"{path} cannot be made or read ({error.strerror}): choose another folder") from None
    try:
        if os.geteuid() == 0:
            os.fchown(descriptor, 0, 0)  # Nobody else can put anything into it meanwhile.
        os.fchmod(descriptor, 0o700)
        yield Folder(path, descriptor, owner)
        if os.geteuid() == 0:
            os.fchown(descriptor, owner, owner)
    except BaseException:
        if existing is None:
            os.rmdir(path)
        elif os.geteuid() == 0:
            os.fchown(descriptor, existing.st_uid, existing.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(existing.st_mode))
        raise
    finally:
        os.close(descriptor)


def _refuse_used(path: Path, found: os.stat_result, owner: int) -> None:
    if not stat.S_ISDIR(found.st_mode):
        raise BackupError(f"{path} is not a folder: choose an empty or a new folder with --data")
    if found.st_uid not in (os.geteuid(), owner):
        raise BackupError(
            f"{path} belongs to user {found.st_uid}, not to {owner}: choose another folder with --data, or make that "
            "user its owner"
        )
    try:
        names = os.listdir(path)
    except OSError as error:
        raise BackupError(f"{path} cannot be read ({error.strerror})") from None
    if RESTORING in names:
        raise BackupError(f"a restore into {path} was interrupted: delete what is in it, and restore again")
    if names:
        raise BackupError(f"{path} is not empty, it has {min(names)}: choose an empty or a new folder with --data")


def _copy(backup: Backup, copier: Copier, path: str, stored: Stored, target: int | None) -> None:
    with backup.open(path, stored) as content:
        try:
            digest = copier.copy(content.file, target, content.size, content.start)
        except Truncated:
            raise DamagedBackup(content_name(stored.sha256), f"({path}) is truncated") from None
    if digest != stored.sha256:
        raise DamagedBackup(content_name(stored.sha256), f"({path}) was altered")


def facts(backup: Backup) -> str:
    """Return what a backup is, in words."""
    found = backup.manifest.description
    return (
        f"{backup.manifest.end.files:,} files with {backup.manifest.end.bytes:,} bytes, taken at {found.at} by version "
        f"{found.program}, schema {found.database_schema}, keys: {found.keys}"
    )
