"""Backups in a folder. A further backup to the same folder stores only what is new."""

from __future__ import annotations

import ctypes
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reading_room.backup import manifest
from reading_room.backup.copying import Copier
from reading_room.backup.errors import BackupError, DamagedBackup
from reading_room.backup.manifest import Manifest, Stored
from reading_room.backup.store import Content, content_name
from reading_room.database.disk import free_bytes

LOCK = "lock"
_INCOMING = "incoming"
_CONTENT = "content"
_SYNCED_ALONE = 100
"""With more new files than this, the whole file system is synced instead, which takes a fraction of the time."""
_OURS = frozenset({LOCK, _INCOMING, _CONTENT, manifest.NAME, f"{manifest.NAME}.new"})


class FolderTarget:
    """A folder that a backup is written to."""

    def __init__(self, folder: Path) -> None:
        """Use ``opened``."""
        self._folder = folder
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._new: set[str] = set()
        self.previous: Mapping[str, Stored] = {}
        path = folder / manifest.NAME
        if path.exists():
            self.previous = read_folder(folder).manifest.files
        self._clear()

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Iterator[FolderTarget]:
        """Open a folder of backups, or make a new one (0700). Raises ``BackupError`` and ``OSError``."""
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            _check(folder)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(f"another backup to {folder} runs: wait for its end") from None
            found = cls(folder)
            try:
                yield found
            finally:
                found._clear()
                os.close(found._descriptor)
        finally:
            os.close(lock)

    def has(self, stored: Stored) -> bool:
        """Return whether a content is there in its whole length."""
        try:
            found = os.stat(content_name(stored.sha256), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == stored.size

    def add(self, copier: Copier, source: int, size: int) -> bytes:
        """Copy a content, and move it to its name."""
        draft = f"{_INCOMING}/content"
        file = os.open(
            draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self._descriptor
        )
        try:
            digest = copier.copy(source, file, size)
        finally:
            os.close(file)
        name = content_name(digest)
        os.rename(draft, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        self._new.add(name)
        return digest

    def free(self) -> int:
        """Return the free bytes of the folder's file system."""
        return free_bytes(self._descriptor)

    def finish(self, lines: Iterable[bytes]) -> None:
        """Sync the new contents, replace the manifest, and delete the contents that it does not name."""
        self._sync()
        new = self._folder / f"{manifest.NAME}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._folder / manifest.NAME)
        os.fsync(self._descriptor)
        named = {stored.sha256.hex() for stored in read_folder(self._folder).manifest.files.values()}
        for part in os.scandir(self._folder / _CONTENT):
            for each in os.scandir(part.path):
                if each.name not in named:
                    os.unlink(each.path)

    def _sync(self) -> None:
        if len(self._new) > _SYNCED_ALONE:
            sync_file_system(self._descriptor)
            return
        for name in (*self._new, *{os.path.dirname(name) for name in self._new}):
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._descriptor)
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def _clear(self) -> None:
        """Make the folders, and delete what an interrupted backup was writing."""
        for name in (_INCOMING, _CONTENT, *(f"{_CONTENT}/{number:02x}" for number in range(256))):
            (self._folder / name).mkdir(mode=0o700, exist_ok=True)
        for each in os.scandir(self._folder / _INCOMING):
            os.unlink(each.path)


class FolderBackup:
    """A complete backup in a folder."""

    def __init__(self, folder: Path, found: Manifest) -> None:
        """Use ``read_folder``."""
        self._folder = folder
        self.manifest = found

    @contextmanager
    def open(self, path: str, stored: Stored) -> Iterator[Content]:
        """Open the content of a file. Raises ``DamagedBackup``."""
        name = self._folder / content_name(stored.sha256)
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise DamagedBackup(str(name), f"({path}) cannot be read ({error.strerror})") from None
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or found.st_size != stored.size:
                raise DamagedBackup(str(name), f"({path}) does not have the {stored.size:,} bytes of the manifest")
            yield Content(file, 0, stored.size)
        finally:
            os.close(file)


def read_folder(folder: Path) -> FolderBackup:
    """Read the manifest of a folder. Raises ``DamagedBackup`` and ``BackupError``."""
    path = folder / manifest.NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise BackupError(
            f"{folder} has no {manifest.NAME}: it is not a backup, or its first backup was interrupted"
        ) from None
    except OSError as error:
        raise BackupError(f"{path} cannot be read ({error.strerror})") from None
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DamagedBackup(str(path), "is not a regular file")
        return FolderBackup(folder, manifest.read(file, str(path)))


def _check(folder: Path) -> None:
    """Raise ``BackupError`` unless a folder is empty or has backups, and is only ours."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise BackupError(f"{folder} exists and is not a folder: give a folder, or a new file whose name ends in .tar")
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise BackupError(
            f"{folder} belongs to user {found.st_uid} and has mode {stat.S_IMODE(found.st_mode):04o}, so others could "
            "change a backup in it: choose a folder that only this user can write to"
        )
    if foreign := set(os.listdir(folder)) - _OURS:
        raise BackupError(f"{folder} holds other files, such as {min(foreign)}: choose an empty or a new folder")
    folder.chmod(0o700)


def sync_file_system(descriptor: int) -> None:
    """Write everything of a descriptor's file system to the disk. Raises ``OSError``."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
