"""How a job's input is cut into parts: by bytes, at line ends, and identically for one container or many.

The code is pure: listed objects and the positions of their line ends go in, parts come out. The engine is called once
for each part, so its batches do not depend on which container does which part, and any number of containers produces
the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reading_room.analysis.documents import UTF8_BOM
from reading_room.analysis.signatures import foreign, peeked
from reading_room.analysis.storage import InputObject

MOST_FILES = 4_000
"""Documents in one part when each file is a document: each costs a request, however small it is."""

TAPER = 8
"""The last parts are smaller: each gets an eighth of what is left, but at least a quarter of a full part. Containers of
different speeds then finish at about the same time."""
LEAST_SHARE = 4
LEAST_BYTES = 100_000
"""A smaller part is not worth its requests. If a full part is not larger than this, all parts have the same size."""

_LINE_END = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes ``begin`` to ``end`` of one object: consecutive whole lines, or the whole object.

    ``source`` is the object's number in the input, from 0, and ``file`` the name that result lines carry. ``line`` is
    the number of the first line, or ``None`` if the object is one document. ``end`` is exclusive; ``None`` means the
    end of the object. ``etag`` identifies the content that was listed, in which the line ends were found.
    """

    source: int
    file: str
    key: str
    begin: int
    end: int | None
    line: int | None
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What is analysed in one go: ``bytes`` of input, with ``documents`` documents (``None`` if not counted)."""

    number: int
    segments: tuple[Segment, ...]
    bytes: int
    documents: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All parts of a job, in the order of its results.

    ``input`` is the SHA-256 of the listing. A plan that is not ``complete`` has no parts: the job was stopped
    before they were known.
    """

    parts: tuple[Part, ...]
    documents: int | None
    input: str = ""
    complete: bool = True

    def digest(self) -> str:
        """Return a SHA-256 in hexadecimal. Two plans have the same one only if they cut the same input the same way."""
        found = hashlib.sha256(self.input.encode())
        for part in self.parts:
            found.update(json.dumps([part.number, part.bytes, part.documents]).encode())
            for each in part.segments:
                place = [each.source, each.key, each.begin, each.end, each.line, each.etag]
                found.update(json.dumps(place).encode())
        return found.hexdigest()


def whole_part(objects: Sequence[InputObject]) -> Part:
    """Return a single part with all objects, whose lines have not been counted."""
    segments = tuple(
        Segment(source, entry.file, entry.key, 0, None, 0, entry.etag) for source, entry in enumerate(objects)
    )
    return Part(0, segments, sum(entry.size for entry in objects), None)


def cut_files(objects: Iterable[InputObject], part_bytes: int, total: int | None = None) -> Iterator[Part]:
    """Yield the parts of an input in which each object is a document: consecutive objects, in order.

    ``total`` is the size of the input; without it, the last parts are as large as the others.
    """
    parts = _Growing(part_bytes, total, MOST_FILES)
    for source, entry in enumerate(objects):
        yield from parts.take(source, entry, 0, None, None, entry.size)
    yield from parts.rest()


def cut_lines(
    files: Iterable[tuple[InputObject, Iterable[int]]],
    part_bytes: int,
    total: int | None = None,
    least_bytes: int = LEAST_BYTES,
) -> Iterator[Part]:
    """Yield the parts of an input in which each line is a document.

    ``files`` yields each object with the end offsets of its lines (``document_ends``). A part ends with the line that
    brings it to ``part_bytes`` or, towards the end of ``total`` bytes, to less, but at least to ``least_bytes``. A line
    of that many bytes is a part of its own. A file without lines is in no part.
    """
    parts = _Growing(part_bytes, total, least_bytes=least_bytes)
    for source, (entry, ends) in enumerate(files):
        begin = 0
        for line, end in enumerate(ends):
            yield from parts.take(source, entry, begin, end, line, end - begin)
            begin = end
    yield from parts.rest()


def document_ends(size: int, chunks: Iterable[bytes]) -> Iterator[int]:
    """Yield the end offset of each document of a file of ``size`` bytes in which lines are documents.

    The documents are those of ``documents.documents_of_lines``: a byte order mark belongs to the first line and is not
    a line by itself, and a file that is not text is one document; only its beginning is read.
    """
    head, whole = peeked(chunks)
    if foreign(head):
        yield size
    elif head != UTF8_BOM:
        yield from line_ends(whole)


def line_ends(chunks: Iterable[bytes]) -> Iterator[int]:
    """Yield the offset after each line end (LF, CR or CRLF), and after a last line that has none."""
    read = end = 0
    held = b""
    for chunk in chunks:
        buffer = held + chunk
        # A CR at the very end may be half of a CRLF: wait for the next chunk.
        held = b"\r" if buffer.endswith(b"\r") else b""
        sure = len(buffer) - len(held)
        for found in _LINE_END.finditer(buffer, 0, sure):
            end = read + found.end()
            yield end
        read += sure
    if read + len(held) > end:
        yield read + len(held)


class _Growing:
    """Collects documents into parts."""

    def __init__(
        self, part_bytes: int, total: int | None = None, most: int | None = None, least_bytes: int = LEAST_BYTES
    ) -> None:
        self._part_bytes = part_bytes
        self._least_bytes = least_bytes
        self._left = total
        self._most = most
        self._enough = self._next()
        self._number = 0
        self._segments: list[Segment] = []
        self._bytes = self._documents = 0
        # The last segment, still growing: a million lines must not become a million objects.
        self._source = -1
        self._entry = InputObject("", 0)
        self._begin = 0
        self._end: int | None = None
        self._line: int | None = None

    def take(
        self, source: int, entry: InputObject, begin: int, end: int | None, line: int | None, size: int
    ) -> Iterator[Part]:
        """Add a document and yield the parts that are now full."""
        if size >= self._enough and self._documents:
            yield self._close()
        if source != self._source:
            self._end_segment()
            self._source, self._entry, self._begin, self._line = source, entry, begin, line
        self._end = end
        self._bytes += size
        self._documents += 1
        if self._bytes >= self._enough or self._documents == self._most:
            yield self._close()

    def rest(self) -> Iterator[Part]:
        """Yield the last part, if it has documents."""
        if self._documents:
            yield self._close()

    def _close(self) -> Part:
        self._end_segment()
        part = Part(self._number, tuple(self._segments), self._bytes, self._documents)
        self._number += 1
        self._segments = []
        if self._left is not None:
            self._left -= self._bytes
        self._bytes = self._documents = 0
        self._enough = self._next()
        return part

    def _next(self) -> int:
        """Return how many bytes fill the part that begins now."""
        if self._left is None:
            return self._part_bytes
        return min(self._part_bytes, max(self._left // TAPER, self._part_bytes // LEAST_SHARE, self._least_bytes))

    def _end_segment(self) -> None:
        if self._source < 0:
            return
        entry = self._entry
        self._segments.append(
            Segment(self._source, entry.file, entry.key, self._begin, self._end, self._line, entry.etag)
        )
        self._source = -1
