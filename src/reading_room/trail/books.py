"""A book of the trail: one append-only, chained file per day, with a maximum age and total size."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Collection
from pathlib import Path

from reading_room.durable import sync_folder
from reading_room.trail.chain import FIRST, beginning_of, digest_of, files_of, line_of, newest_digest, path_of
from reading_room.trail.kept_heads import Heads

logger = logging.getLogger(__name__)


class BookFull(Exception):
    """Today's file alone has reached the book's maximum size, so nothing is added until tomorrow."""

    def __init__(self, name: str, most: int) -> None:
        setting = f"READING_ROOM_TRAIL_{'UNIDENTIFIED_' if name == 'unidentified' else ''}BYTES"
        super().__init__(
            f"the trail's book {name} has {most:,} bytes from today alone, and older files are deleted: "
            f"raise {setting}, or find out who makes so many calls"
        )


class Book:
    """Appends to the file of the day. Not thread-safe. No file is created before the first line."""

    def __init__(self, folder: Path, name: str, days: int, most: int, heads: Heads) -> None:
        """``days`` is how long files are kept, ``most`` is their maximum total size in bytes."""
        self._heads = heads
        self._folder = folder
        self._name = name
        self._days = days
        self._most = most
        self._file: int | None = None
        self._day = dt.date.min
        self._last = FIRST
        self._older = 0
        self._size = 0

    def append(self, today: dt.date, texts: list[str]) -> None:
        """Append a line for each event (JSON text).

        Raises ``BookFull``, and ``OSError``, which leaves the book unchanged.
        """
        self._open(today)
        assert self._file is not None
        last, lines = self._last, []
        for text in texts:
            line = line_of(last, text)
            last = digest_of(line)
            lines.append(line)
        data = memoryview(b"\n".join([*lines, b""]))
        self._make_room(len(data))
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._last = last
        self._size = os.fstat(self._file).st_size

    @property
    def last(self) -> str:
        """The digest of the newest line."""
        return self._last

    def sync(self) -> None:
        """Flush the file to the disk. Raises ``OSError``."""
        if self._file is not None:
            os.fdatasync(self._file)

    def close(self) -> None:
        """Close the file of the day."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self, today: dt.date) -> None:
        if self._file is not None and today <= self._day:
            return  # If the clock was set back, keep the file: the chain follows the order of the file names.
        files = files_of(self._folder, self._name)
        if self._file is None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._last = self._heads.opened(self._name, _last_digest(self._folder, self._name))
            today = max([today, *(day for day, _ in files)])
        else:
            self.sync()
            self.close()
        old = [path for day, path in files if day < today - dt.timedelta(days=self._days)]
        self._begin_after(old)
        for path in old:
            path.unlink()
            logger.info("deleted %s: it is older than %d days", path.name, self._days)
        path = path_of(self._folder, self._name, today)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._day = today
        self._size = os.fstat(self._file).st_size
        self._older = sum(path.stat().st_size for day, path in files_of(self._folder, self._name) if day != today)
        sync_folder(self._folder)

    def _begin_after(self, old: Collection[Path]) -> None:
        """Before the oldest files are deleted, record the line after which the book then begins."""
        if not old:
            return
        kept = (beginning_of(path) for _, path in files_of(self._folder, self._name) if path not in old)
        self._heads.begins(self._name, next((each for each in kept if each is not None), self._last))

    def _make_room(self, more: int) -> None:
        """Delete the oldest files until there is room for ``more`` bytes. Raises ``BookFull``."""
        for day, path in files_of(self._folder, self._name) if self._older + self._size + more > self._most else ():
            if day == self._day or self._older + self._size + more <= self._most:
                break
            self._begin_after([path])
            self._older -= path.stat().st_size
            path.unlink()
            logger.warning("deleted %s: the trail's book %s reached %d bytes", path.name, self._name, self._most)
        if self._older + self._size + more > self._most:
            raise BookFull(self._name, self._size)


def _last_digest(folder: Path, name: str) -> str:
    """Return the digest of a book's last line, or ``FIRST`` if it is empty; terminate a truncated line."""
    for _, path in reversed(files_of(folder, name)):
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if size and (file.seek(size - 1), file.read(1))[1] != b"\n":
                file.write(b"\n")
        if size:
            break
    return newest_digest(folder, name)
