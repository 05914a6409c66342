"""Backups in one file, a tar archive: the contents first, the manifest last.

``tar`` can list and unpack an archive, and what it unpacks is a backup in a folder. An archive is written beside its
name, and gets the name when it is complete.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from reading_room.backup import manifest
from reading_room.backup.copying import Copier
from reading_room.backup.errors import BackupError, DamagedBackup
from reading_room.backup.manifest import Manifest, Stored
from reading_room.backup.store import Content, content_name
from reading_room.database.disk import free_bytes
from reading_room.durable import sync_folder

SUFFIX = ".tar"
_BLOCK = 512
_CONTENT = re.compile(r"content/([0-9a-f]{2})/(\1[0-9a-f]{62})")


class ArchiveTarget:
    """An archive that a backup is written to."""

    previous: Mapping[str, Stored] = {}

    def __init__(self, path: Path, draft: int) -> None:
        """Use ``opened``."""
        self._path = path
        self._draft = draft
        self._written: set[bytes] = set()

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[ArchiveTarget]:
        """Begin an archive of a new name. Raises ``BackupError`` and ``OSError``."""
        if os.path.lexists(path):
            raise BackupError(f"{path} exists: choose a new name; only a backup to a folder can be repeated there")
        name = path.with_name(f".{path.name}.partial")
        draft = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(draft, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(f"another backup to {path} runs: wait for its end") from None
            try:
                os.ftruncate(draft, 0)
                yield cls(path, draft)
            finally:
                name.unlink(missing_ok=True)
        finally:
            os.close(draft)

    def has(self, stored: Stored) -> bool:
        """Return false: an archive has no previous backup."""
        return False

    def add(self, copier: Copier, source: int, size: int) -> bytes:
        """Append a content. Its digest, and so its name, is known only at its end, when its header is written."""
        start = os.lseek(self._draft, 0, os.SEEK_CUR)
        os.write(self._draft, bytes(_BLOCK))
        digest = copier.copy(source, self._draft, size)
        if digest in self._written:
            os.ftruncate(self._draft, start)
            os.lseek(self._draft, start, os.SEEK_SET)
            return digest
        self._written.add(digest)
        os.write(self._draft, bytes(-size % _BLOCK))
        os.pwrite(self._draft, _header(content_name(digest), size), start)
        return digest

    def free(self) -> int:
        """Return the free bytes of the archive's file system."""
        return free_bytes(self._draft)

    def finish(self, lines: Iterable[bytes]) -> None:
        """Append the manifest and the archive's end, sync, and give the archive its name."""
        start = os.lseek(self._draft, 0, os.SEEK_CUR)
        with open(os.dup(self._draft), "wb") as file:
            file.write(bytes(_BLOCK))
            file.writelines(lines)
            size = file.tell() - start - _BLOCK
            file.write(bytes(-size % _BLOCK + 2 * _BLOCK))
        os.pwrite(self._draft, _header(manifest.NAME, size), start)
        os.fsync(self._draft)
        os.link(self._path.with_name(f".{self._path.name}.partial"), self._path)
        sync_folder(self._path.parent)


class ArchiveBackup:
    """A complete backup in an archive."""

    def __init__(self, file: BinaryIO, name: str, contents: Mapping[bytes, tuple[int, int]], found: Manifest) -> None:
        """Use ``read_archive``. ``contents`` has the start and the size of each content."""
        self._file = file
        self._name = name
        self._contents = contents
        self.manifest = found

    @contextmanager
    def open(self, path: str, stored: Stored) -> Iterator[Content]:
        """Open the content of a file. Raises ``DamagedBackup``."""
        start, size = self._contents.get(stored.sha256, (0, -1))
        name = f"{content_name(stored.sha256)} of {self._name}"
        if size != stored.size:
            raise DamagedBackup(name, f"({path}) does not have the {stored.size:,} bytes of the manifest")
        yield Content(self._file.fileno(), start, size)


@contextmanager
def opened_archive(path: Path) -> Iterator[ArchiveBackup]:
    """Open an archive. Raises ``DamagedBackup`` and ``BackupError``."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BackupError(f"{path} cannot be read ({error.strerror})") from None
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BackupError(f"{path} is neither a folder nor a file: give a backup")
        yield read_archive(file, str(path))


def read_archive(file: BinaryIO, name: str) -> ArchiveBackup:
    """Read the headers and the manifest of an archive. Raises ``DamagedBackup`` and ``BackupError``."""
    whole = file.seek(0, os.SEEK_END)
    contents: dict[bytes, tuple[int, int]] = {}
    place = 0
    while True:
        file.seek(place)
        header = file.read(_BLOCK)
        if len(header) < _BLOCK:
            raise DamagedBackup(name, "is truncated")
        try:
            info = tarfile.TarInfo.frombuf(header, "ascii", "strict")
        except (tarfile.HeaderError, ValueError):
            raise DamagedBackup(name, f"is not an archive of a backup, from byte {place:,} on") from None
        start, place = place + _BLOCK, place + _BLOCK + info.size + -info.size % _BLOCK
        if info.type != tarfile.REGTYPE or info.size < 0:
            raise DamagedBackup(name, f"has an entry that is not a file, at byte {start - _BLOCK:,}")
        if place > whole:
            raise DamagedBackup(name, "is truncated")
        if info.name == manifest.NAME:
            section = io.BufferedReader(_Section(file.fileno(), start, info.size))
            found = manifest.read(section, f"{manifest.NAME} of {name}")
            return ArchiveBackup(file, name, contents, found)
        known = _CONTENT.fullmatch(info.name)
        if known is None or len(contents) >= manifest.FILES_LIMIT:
            raise DamagedBackup(name, f"has an entry that no backup has, at byte {start - _BLOCK:,}")
        contents[bytes.fromhex(known[2])] = (start, info.size)


class _Section(io.RawIOBase):
    """A range of a file, read without moving the file's position."""

    def __init__(self, file: int, start: int, size: int) -> None:
        self._file, self._place, self._end = file, start, start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)[: self._end - self._place]
        count = os.preadv(self._file, [view], self._place) if view else 0
        self._place += count
        return count


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    # GNU's form has sizes beyond 8 GB in the same block.
    return info.tobuf(tarfile.GNU_FORMAT, "ascii", "strict")
