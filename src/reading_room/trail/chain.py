"""The hash chain of the trail's files: each line holds the digest of the previous one, which reveals changes.

A line is ``{"previous":"<SHA-256 of the previous line>","event":{…}}``. The chain of a book continues from one day's
file to the next. A chain alone cannot reveal that its newest lines are missing; that requires a recorded digest.
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
"""The last one has refused unauthenticated requests: events, decisions, and counts of those beyond."""
FIRST = "0" * 64
"""The previous digest in the first line of a book."""
_START = re.compile(rb'\{"previous":"([0-9a-f]{64})","event":')
_BLOCK = 1 << 16


class ChainBroken(Exception):
    """A file of the trail was modified; the message names the file, the line and the fault."""

    def __init__(self, path: Path, line: int, fault: str) -> None:
        super().__init__(f"{path}, line {line}: {fault}")
        self.path = path
        self.line = line


@dataclass(frozen=True, slots=True)
class Verified:
    """A book whose chain is intact."""

    book: str
    lines: int
    first_day: dt.date | None
    """The day of the oldest file, or ``None`` for an empty book."""
    last_digest: str
    torn: int
    """The number of lines that a crash truncated; the chain continues after them."""
    found: frozenset[str]
    """The known digests that belong to a line of the book, or to the line before its oldest."""


def digest_of(line: bytes) -> str:
    """Return the digest of a line without its line end."""
    return hashlib.sha256(line).hexdigest()


def line_of(previous: str, event: str) -> bytes:
    """Return the line of an event (JSON text), without its line end."""
    return b'{"previous":"%b","event":%b}' % (previous.encode(), event.encode())


def event_in(line: bytes) -> dict[str, Any] | None:
    """Return the event of a line, or ``None`` if a crash truncated it."""
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
            continue  # Not a file of the trail.
    return sorted(found)


def backwards(path: Path, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield the complete lines of a file that begin before ``end``, last first, each with its offset.

    A last line without a line end is still being written, and is skipped.
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
            # The first line may begin in the previous block; the text after the last line end is not a line.
            for line in reversed(lines[1:-1] if start else lines[:-1]):
                place -= len(line) + 1
                yield place, line
            if len(lines) > 1:
                rest = lines[0] + b"\n"


def newest_digest(folder: Path, book: str) -> str:
    """Return the digest of a book's newest complete line, or ``FIRST`` if it is empty, after flushing it to the disk.

    The process that wrote it may have been killed before it did so. Raises ``OSError``.
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
    """Return the digest that ``verify`` finds if a file is a book's oldest, or ``None`` without a complete line.

    It is that of the line before the first, or, if a crash truncated the first line, the first line's own.
    """
    with path.open("rb") as file:
        line = file.readline()
    if not line.endswith(b"\n"):
        return None
    start = _START.match(line)
    return start[1].decode() if start is not None and event_in(line) is not None else digest_of(line[:-1])


def verify(folder: Path, book: str, known: Collection[str] = ()) -> Verified:
    """Verify a book from its oldest line to its newest. Raises ``ChainBroken`` for a line that was modified.

    ``known`` holds digests recorded earlier; the result has those that were found.
    """
    files = files_of(folder, book)
    previous: str | None = None
    lines = torn = 0
    found = set()
    for _, path in files:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if not raw.endswith(b"\n"):
                    break  # Still being written, or truncated by a crash, with nothing after it.
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
