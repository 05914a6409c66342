"""The data folder as a backup reads it: by descriptors and without following links.

The folder belongs to the user of ``serve``, who could put a link into it while root reads. So each folder on the way to
a file is opened by itself, and only regular files of the folder's owner with a single name are read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reading_room.backup.errors import BackupError
from reading_room.database.disk import free_bytes

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class DataFolder:
    """A data folder that is read."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Use ``opened``."""
        self.path = path
        self._descriptor = descriptor
        self.owner = os.fstat(descriptor).st_uid
        """The user id of the folder's owner."""
        self._last: tuple[str, int] | None = None
        """The folder that was opened last, as a thousand blobs in turn are in the same one."""

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[DataFolder]:
        """Open a data folder. Raises ``BackupError``."""
        try:
            descriptor = os.open(path, _FOLDER & ~os.O_NOFOLLOW)
        except OSError as error:
            raise BackupError(f"the data folder {path} cannot be read ({error.strerror})") from None
        found = cls(path, descriptor)
        try:
            yield found
        finally:
            if found._last is not None:
                os.close(found._last[1])
            os.close(descriptor)

    def folder(self, name: str) -> int:
        """Return a descriptor of a folder below, which is valid until another one is opened. Raises ``OSError``."""
        if self._last is not None:
            if self._last[0] == name:
                return self._last[1]
            os.close(self._last[1])
            self._last = None
        current = os.dup(self._descriptor)
        for part in name.split("/") if name else ():
            try:
                below = os.open(part, _FOLDER, dir_fd=current)
            finally:
                os.close(current)
            current = below
        self._last = (name, current)
        return current

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder below, in order; none if there is no such folder."""
        try:
            return sorted(os.listdir(self.folder(folder)))
        except FileNotFoundError:
            return []

    @contextmanager
    def file(self, path: str) -> Iterator[tuple[int, os.stat_result]]:
        """Open a regular file of the owner, and yield its descriptor and what it is. Raises ``OSError``."""
        folder, _, name = path.rpartition("/")
        descriptor = os.open(name, _FILE, dir_fd=self.folder(folder))
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid not in (self.owner, os.geteuid()):
                raise BackupError(
                    f"{self.path / path} is not a file of the data folder's owner with a single name: the data folder "
                    "was changed by hand; replace it by a copy of its own"
                )
            yield descriptor, found
        finally:
            os.close(descriptor)

    def unlink(self, path: str) -> None:
        """Delete a file, if it is there. Raises ``OSError``."""
        folder, _, name = path.rpartition("/")
        try:
            os.unlink(name, dir_fd=self.folder(folder))
        except FileNotFoundError:
            pass

    def free(self) -> int:
        """Return the free bytes of the folder's file system."""
        return free_bytes(self._descriptor)
