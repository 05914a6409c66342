"""The result archive: ``output.tar.gz`` with one member, written as a stream.

A tar header comes first and holds the member's size, which is known last. So the header is a gzip member of its own,
stored uncompressed and therefore always equally long: its place is kept free and filled at the end. Several gzip
members in a row are one gzip file to every reader of the format.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from reading_room.analysis.documents import Document
from reading_room.analysis.engine import Members, Result

MEMBER = "output"


def result_line(document: Document, member: str, result: Result | Members) -> str:
    """Return one line of results: members in alphabetical order, or the error members in place of a result.

    ``member`` names a result that is a list; members stand for themselves.
    """
    values: dict[str, Any] = {"File": document.file}
    if document.line is not None:
        values["Line"] = document.line
    if document.error is not None:
        values |= {"ErrorCode": document.error.code, "ErrorMessage": document.error.message}
    else:
        values |= result if isinstance(result, dict) else {member: result}
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


class ResultArchive:
    """Collects lines into a file at ``path``; ``finish`` completes the archive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w+b")
        self._file.write(bytes(len(_header(0))))
        self._lines = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=6, mtime=0)
        self._size = 0

    def write(self, line: str) -> None:
        """Add one line. Raises ``OSError`` when the container's disk is full."""
        data = line.encode() + b"\n"
        self._size += len(data)
        self._lines.write(data)

    def finish(self) -> tuple[int, str]:
        """Complete the archive and return its size in bytes and its SHA-256 in hexadecimal."""
        self._lines.close()
        padding = -self._size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE
        self._file.write(gzip.compress(bytes(padding), mtime=0))
        self._file.seek(0)
        self._file.write(_header(self._size))
        self._file.flush()
        self._file.seek(0)
        digest = hashlib.file_digest(self._file, "sha256").hexdigest()
        size = self._file.seek(0, io.SEEK_END)
        self._file.close()
        return size, digest


def _header(size: int) -> bytes:
    info = tarfile.TarInfo(MEMBER)
    info.size = size
    info.mode = 0o644
    # Level 0 stores: the same number of bytes whatever the header says.
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT), compresslevel=0, mtime=0)
