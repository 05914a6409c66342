"""Spans on their way from ``serve``, which can open no connection, to the process that sends them: files in a folder.

``serve`` writes files and never waits; the sender reads them, the oldest first, and deletes what was sent. What waits
for a collector that does not answer is bounded; further spans are dropped. Nothing is synced, as spans may be lost.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reading_room.codec import DocumentError, decode, encode, read_file, write_file
from reading_room.traces.span import Span, check

FOLDER = "traces"
"""The folder in the data folder."""
MOST_BYTES = 32 << 20
"""Bytes of spans that may wait: about 80,000 spans."""
FILE_BYTES = 1 << 20
"""Bytes of one file."""
LINE_BYTES = 4_096
_SUFFIX = ".spans"


@dataclass(frozen=True, slots=True)
class Sent:
    """How many spans the sender has sent since its start, and how many it dropped because nobody would take them."""

    sent: int = 0
    refused: int = 0


class Spool:
    """The writing end of the folder, which is made if it does not exist. Not thread-safe."""

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        self.folder = folder
        self._most = most
        self._next = 0

    def write(self, spans: Sequence[Span]) -> int:
        """Write spans, and return how many there was room for. Raises ``OSError``."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        waiting = batches(self.folder)
        room = self._most - sum(_size(path) for path in waiting)
        if waiting:
            self._next = max(self._next, int(waiting[-1].stem) + 1)
        written, lines, size = 0, list[bytes](), 0
        for span in spans:
            line = encode(span) + b"\n"
            if len(line) > room:
                break
            if size + len(line) > FILE_BYTES:
                self._put(lines)
                written, lines, size = written + len(lines), [], 0
            lines.append(line)
            size += len(line)
            room -= len(line)
        if lines:
            self._put(lines)
        return written + len(lines)

    def sent(self) -> Sent:
        """Return what the sender has counted."""
        try:
            return read_file(Sent, self.folder / "sent.json")
        except (OSError, DocumentError):
            return Sent()  # It has not sent anything yet.

    def _put(self, lines: Sequence[bytes]) -> None:
        path = self.folder / f"{self._next:020}{_SUFFIX}"
        self._next += 1
        draft = path.with_suffix(".new")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.writelines(lines)
        draft.replace(path)


def batches(folder: Path) -> list[Path]:
    """Return the files with spans, the oldest first; none if there is no such folder."""
    try:
        names = [name for name in os.listdir(folder) if name.endswith(_SUFFIX) and name[: -len(_SUFFIX)].isdecimal()]
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names)]


def read(path: Path) -> tuple[list[Span], int]:
    """Return the spans of a file, and how many lines are not spans. Raises ``OSError``."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return read_lines(file.read(FILE_BYTES + 1))


def read_lines(content: bytes) -> tuple[list[Span], int]:
    """Return the spans in the content of a file, and how many lines are not spans."""
    spans, bad = [], int(len(content) > FILE_BYTES)
    for line in content[:FILE_BYTES].splitlines():
        try:
            if len(line) > LINE_BYTES:
                raise DocumentError("a line is too long")
            spans.append(check(decode(Span, line)))
        except DocumentError:
            bad += 1
    return spans, bad


def count(folder: Path, sent: Sent) -> None:
    """Tell ``serve`` how much was sent. Raises ``OSError``."""
    write_file(folder / "sent.json", sent)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0  # The sender was faster.
