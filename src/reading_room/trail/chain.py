"""The lines of the trail's files: each holds the digest of the line before it, so that a change in the middle shows.

A line is ``{"previous":"<SHA-256 of the line before>","event":{…}}``. The chain of a book goes on from one day's file
to the next. What a chain cannot show is that its newest lines are missing: for that, somebody must have noted a digest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = "trail"
"""The name of the trail's folder in the data folder."""
BOOKS = ("management", "data", "denials", "unidentified")
"""The last has what was refused to requests that proved nobody: events, decisions, and how many more there were."""
FIRST = "0" * 64
"""What the first line of a book names as the line before it."""
_START = re.compile(rb'\{"previous":"([0-9a-f]{64})","event":')
_BLOCK = 1 << 16


class ChainBroken(Exception):
    """A file of the trail is not as it was written; says which, where, and how that shows."""

    def __init__(self, path: Path, line: int, fault: str) -> None:
        super().__init__(f"{path}, line {line}: {fault}")
        self.path = path
        self.line = line


@dataclass(frozen=True, slots=True)
class Verified:
    """A book whose chain holds."""

    book: str
    lines: int
    first_day: dt.date | None
    """The day of the oldest file that is kept; ``None`` for an empty book."""
    last_digest: str
    torn: int
    """Lines that a crash cut off while they were written; what came after them holds."""
    found: frozenset[str]
    """Those of the digests that were asked for which a line has, or the one before the oldest that is kept."""


def digest_of(line: bytes) -> str:
    """Return the digest of a line without its end."""
    return hashlib.sha256(line).hexdigest()


def line_of(previous: str, event: str) -> bytes:
    """Return the line of an event (JSON text), without its end."""
    return b'{"previous":"%b","event":%b}' % (previous.encode(), event.encode())


def event_in(line: bytes) -> dict[str, Any] | None:
    """Return the event of a line; ``None`` for one that a crash cut off."""
    try:
        found = json.loads(line)
        event = found["event"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def path_of(folder: Path, book: str, day: dt.date) -> Path:
    """Return the file of a book for the lines written on a day (UTC)."""
    return folder / f"{book}-{day.isoformat()}.jsonl"


def files_of(folder: Path, book: str) -> list[tuple[dt.date, Path]]:
    """Return a book's files with their days, oldest first."""
    found = []
    for path in folder.glob(f"{book}-*.jsonl"):
        try:
            found.append((dt.date.fromisoformat(path.stem.removeprefix(f"{book}-")), path))
        except ValueError:
            continue  # No file of ours.
    return sorted(found)


def backwards(path: Path, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield the whole lines of a file that begin before ``end``, the last first, each with the place of its first byte.

    A last line without its end is being written at this moment, and is left out.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = size if end is None else min(end, size)
        rest = b""
        while start > 0:
            begin = max(0, start - _BLOCK)
            file.seek(begin)
            rest = file.read(start - begin) + rest
            start = begin
            lines = rest.split(b"\n")
            place = start + len(rest) - len(lines[-1])
            # The first one may begin in the block before; what follows the last line end is no line.
            for line in reversed(lines[1:-1] if start else lines[:-1]):
                place -= len(line) + 1
                yield place, line
            if len(lines) > 1:
                rest = lines[0] + b"\n"


def newest_digest(folder: Path, book: str) -> str:
    """Return the digest of a book's newest whole line, ``FIRST`` where there is none; by then the line is on the disk.

    Whoever wrote it may have been killed before that. Raises ``OSError``.
    """
    for _, path in reversed(files_of(folder, book)):
        for _, line in backwards(path):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            return digest_of(line)
    return FIRST


def beginning_of(path: Path) -> str | None:
    """Return the digest that ``verify`` finds where a file is a book's oldest, ``None`` for one without a whole line.

    That is the one of the line before its first, or, where a crash cut that first line off, the first line's own.
    """
    with path.open("rb") as file:
        line = file.readline()
    if not line.endswith(b"\n"):
        return None
    start = _START.match(line)
    return start[1].decode() if start is not None and event_in(line) is not None else digest_of(line[:-1])


def verify(folder: Path, book: str, known: Collection[str] = ()) -> Verified:
    """Walk a book from its oldest line to its newest. Raises ``ChainBroken`` where a line is not the one written.

    ``known`` are digests noted earlier: which of them lines have is told in the result.
    """
    files = files_of(folder, book)
    previous: str | None = None
    lines = torn = 0
    found = set()
    for _, path in files:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if not raw.endswith(b"\n"):
                    break  # Being written at this moment, or cut off by a crash that nothing followed.
                line = raw[:-1]
                digest = digest_of(line)
                start = _START.match(line)
                if start is None or event_in(line) is None:
                    torn += 1
                elif previous is None:
                    found |= {start[1].decode()} & set(known)
                elif start[1].decode() != previous:
                    raise ChainBroken(path, number, "the line before it was changed, taken away or put in")
                lines += 1
                if digest in known:
                    found.add(digest)
                previous = digest
    return Verified(book, lines, files[0][0] if files else None, previous or FIRST, torn, frozenset(found))
