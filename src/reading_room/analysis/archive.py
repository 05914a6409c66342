"""The result archive: ``output.tar.gz``, written as a stream, one member after the other.

A tar header precedes its member but holds the member's size, which is known only at the end. So each header is a gzip
member of its own, stored without compression and therefore of constant length: its space is reserved, and filled in
when the member ends. Every reader of the format takes consecutive gzip members as one file. The same lines always give
the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from contextlib import suppress
from pathlib import Path

_LEVEL = 6


class ResultArchive:
    """Writes lines to an archive at ``path``; ``finish`` completes it.

    ``begin`` starts a member and ends the previous one. Every method raises ``OSError`` when the container's disk is
    full.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w+b")
        self._lines: gzip.GzipFile | None = None
        self._name = ""
        self._start = 0
        self._size = 0

    def begin(self, member: str) -> None:
        """Start a member. The caller makes sure that names are unique."""
        self._end()
        self._name = member
        self._start = self._file.tell()
        self._size = 0
        self._file.write(bytes(len(_header(member, 0))))
        self._lines = gzip.GzipFile(filename="", fileobj=self._file, mode="wb", compresslevel=_LEVEL, mtime=0)

    def write(self, line: str | bytes) -> None:
        """Add one line (UTF-8) to the current member. Raise ``ValueError`` if no member was begun."""
        if self._lines is None:
            raise ValueError("no member was begun")
        data = (line.encode() if isinstance(line, str) else line) + b"\n"
        self._size += len(data)
        self._lines.write(data)

    def finish(self) -> tuple[int, str]:
        """Complete the archive and return its size in bytes and its SHA-256 in hexadecimal."""
        self._end()
        # Two empty blocks end a tar archive.
        self._file.write(gzip.compress(bytes(2 * tarfile.BLOCKSIZE), mtime=0))
        self._file.flush()
        self._file.seek(0)
        digest = hashlib.file_digest(self._file, "sha256").hexdigest()
        size = self._file.seek(0, io.SEEK_END)
        self._file.close()
        return size, digest

    def close(self) -> None:
        """Close the file. If the archive was not finished, the file is not a valid one."""
        # On a full disk, closing fails to flush what is no longer needed.
        with suppress(OSError):
            if self._lines is not None:
                self._lines.close()
        with suppress(OSError):
            self._file.close()

    def _end(self) -> None:
        if self._lines is None:
            return
        self._lines.write(bytes(-self._size % tarfile.BLOCKSIZE))
        self._lines.close()
        self._lines = None
        self._file.seek(self._start)
        self._file.write(_header(self._name, self._size))
        self._file.seek(0, io.SEEK_END)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    # Level 0 stores, so the length does not depend on the size. A long name takes extra blocks, always the same number.
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"), compresslevel=0, mtime=0)
