"""How a job's input is cut into parts: by bytes, at the ends of lines, the same for one container and for many.

Pure: what was listed and where its lines end goes in, parts come out. Each part is analysed by a call of its own of the
engine, whose batches so never depend on who does which part: any number of containers gives the same bytes.
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
"""Of one part where a file is a document: each costs a request, however small it is."""

TAPER = 8
"""The last parts are smaller: of what is left when one begins, it gets an eighth, and no less than a quarter of a whole
part. Containers then come to their end together although their paces differ."""
LEAST_SHARE = 4
LEAST_BYTES = 100_000
"""A smaller part is not worth its requests; where a whole one is no larger, all are alike."""

_LINE_END = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes ``begin`` to ``end`` of one object: a run of whole lines, or the whole of it.

    ``source`` numbers the objects of the input from 0 and ``file`` is the name that result lines carry. ``line`` is the
    number of the first line, ``None`` where the object is one document. ``end`` is exclusive, ``None`` for the
    object's own end. ``etag`` is of the object whose line ends were found: of no other are they true.
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
    """What is analysed in one go. ``documents`` is ``None`` where nobody has counted them; ``bytes`` are of input."""

    number: int
    segments: tuple[Segment, ...]
    bytes: int
    documents: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All parts of a job, in the order of its results.

    ``input`` is the SHA-256 of what was listed. A plan that is not ``complete`` has no parts: the job was asked to end
    before they were known.
    """

    parts: tuple[Part, ...]
    documents: int | None
    input: str = ""
    complete: bool = True

    def digest(self) -> str:
        """Return a SHA-256 in hexadecimal that another plan shares only if it cuts the same input the same way."""
        found = hashlib.sha256(self.input.encode())
        for part in self.parts:
            found.update(json.dumps([part.number, part.bytes, part.documents]).encode())
            for each in part.segments:
                place = [each.source, each.key, each.begin, each.end, each.line, each.etag]
                found.update(json.dumps(place).encode())
        return found.hexdigest()


def whole_part(objects: Sequence[InputObject]) -> Part:
    """Return one part of all objects, whose lines nobody has counted."""
    segments = tuple(Segment(source, entry.file, entry.key, 0, None, 0) for source, entry in enumerate(objects))
    return Part(0, segments, sum(entry.size for entry in objects), None)


def cut_files(objects: Iterable[InputObject], part_bytes: int, total: int | None = None) -> Iterator[Part]:
    """Yield the parts of an input whose objects are one document each: runs of objects, in their order.

    ``total`` is the input's size; without it the last parts are as large as all.
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
    """Yield the parts of an input whose lines are one document each.

    ``files`` are the objects with the offsets behind each of their lines (``document_ends``), read as they come. A part
    is closed by the line with which it has ``part_bytes``, or less towards the end of ``total`` bytes, but no less than
    ``least_bytes``; a line that has so many alone is a part of its own. A file without a line is in no part.
    """
    parts = _Growing(part_bytes, total, least_bytes=least_bytes)
    for source, (entry, ends) in enumerate(files):
        begin = 0
        for line, end in enumerate(ends):
            yield from parts.take(source, entry, begin, end, line, end - begin)
            begin = end
    yield from parts.rest()


def document_ends(size: int, chunks: Iterable[bytes]) -> Iterator[int]:
    """Yield the offset behind each line of a file of ``size`` bytes that is a document.

    They are those of ``documents.documents_of_lines``: a byte order mark belongs to the first line and is none alone,
    and a file that is no text is one document, of which no more than the beginning is read.
    """
    head, whole = peeked(chunks)
    if foreign(head):
        yield size
    elif head != UTF8_BOM:
        yield from line_ends(whole)


def line_ends(chunks: Iterable[bytes]) -> Iterator[int]:
    """Yield the offset behind each line end, LF, CR or CRLF, and behind a last line that has none."""
    read = end = 0
    held = b""
    for chunk in chunks:
        buffer = held + chunk
        # A CR at the very end may be half of a CRLF: it waits for the next chunk.
        held = b"\r" if buffer.endswith(b"\r") else b""
        sure = len(buffer) - len(held)
        for found in _LINE_END.finditer(buffer, 0, sure):
            end = read + found.end()
            yield end
        read += sure
    if read + len(held) > end:
        yield read + len(held)


class _Growing:
    """Collects documents until they are a part."""

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
        # The last segment while it grows: a million lines need not be a million objects.
        self._source = -1
        self._entry = InputObject("", 0)
        self._begin = 0
        self._end: int | None = None
        self._line: int | None = None

    def take(
        self, source: int, entry: InputObject, begin: int, end: int | None, line: int | None, size: int
    ) -> Iterator[Part]:
        """Add a document and yield the parts that are full now."""
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
        """Yield what is no full part."""
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
        """Return the bytes with which the part that begins now is full."""
        if self._left is None:
            return self._part_bytes
        return min(self._part_bytes, max(self._left // TAPER, self._part_bytes // LEAST_SHARE, self._least_bytes))

    def _end_segment(self) -> None:
        if self._source < 0:
            return
        # Only where lines were found would other bytes be other documents.
        etag = "" if self._end is None else self._entry.etag
        self._segments.append(
            Segment(self._source, self._entry.file, self._entry.key, self._begin, self._end, self._line, etag)
        )
        self._source = -1
