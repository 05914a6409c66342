"""The meter of synchronous calls: each is counted exactly once, before its answer, also over ``kill -9``.

A commit for each call would take as long as the fastest of them. So a call appends a numbered line to a file, in one
write, and a loop adds the lines to the table of usage a moment later. The same transaction stores the highest number
that it added. Whatever is interrupted, the next turn skips the lines that were added, and adds the others. A machine
that loses power loses the lines of the last seconds.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reading_room.analysis.billing import units
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.jobs.tables import CallUsageMark
from reading_room.jobs.usage import Calls, add_calls, month_of
from reading_room.reconcile import PeriodicWork

logger = logging.getLogger(__name__)

FILE = "usage-calls.log"
"""The name of the file in the data folder."""
TURN_SECONDS = 5.0
LONGEST = 4_000_000
"""Bytes of the file after which calls wait until it is emptied; a line has about 60."""
_LINE = re.compile(
    rb"([0-9]{1,18}) ([0-9]{4}-[0-9]{2}) ([0-9]{12}) ([A-Za-z]{1,64}) ([0-9]{1,9}) ([0-9]{1,12}) ([0-9]{1,12})"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One call, as a line of the file has it."""

    number: int
    month: str
    account: str
    operation: str
    documents: int
    characters: int
    units: int

    def __bytes__(self) -> bytes:
        """Return the line with its end."""
        numbers = f"{self.documents} {self.characters} {self.units}"
        return f"{self.number} {self.month} {self.account} {self.operation} {numbers}\n".encode()


def read_lines(data: bytes) -> Iterator[Line]:
    """Yield the complete lines of the file. A line that is not one of ours, after a power failure, is left out."""
    for text in data.split(b"\n")[:-1]:
        found = _LINE.fullmatch(text)
        if found is None:
            logger.warning("a line of %s cannot be read and is not counted", FILE)
            continue
        number, month, account, operation, *counts = (each.decode() for each in found.groups())
        yield Line(int(number), month, account, operation, *map(int, counts))


def sums(lines: Iterable[Line]) -> dict[tuple[str, str, str], Calls]:
    """Return the sums of lines by account, month and operation."""
    found: dict[tuple[str, str, str], Calls] = {}
    for line in lines:
        key = (line.account, line.month, line.operation)
        old = found.get(key, Calls(0, 0, 0, 0))
        found[key] = Calls(
            old.times + 1, old.documents + line.documents, old.characters + line.characters, old.units + line.units
        )
    return found


class CallMeter(PeriodicWork):
    """Counts synchronous calls. Thread-safe. What is in the file when the loop stops is added after the next start."""

    def __init__(
        self, database: Database, path: Path, clock: Clock, longest: int = LONGEST, *, server: str = ""
    ) -> None:
        """``longest`` is the size of the file in bytes after which calls wait for ``fold``.

        ``server`` is the identity of the data folder, if others share its database.
        """
        self._server = server
        self._path = path
        self._file: int | None = None
        self._size = 0
        self._next = 1
        self._database = database
        self._clock = clock
        self._longest = longest
        self._lock = threading.Lock()
        """Held by whoever appends to the file or empties it."""
        self._folding = threading.Lock()
        super().__init__("usage of calls", every=TURN_SECONDS)

    def turn(self) -> None:
        """Add the lines of the file to the table of usage."""
        self.fold()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def count(self, account: str, operation: str, characters: Sequence[int]) -> None:
        """Count a call by the characters of each text with a result. Raises ``OSError``, and then counts nothing."""
        if self._size >= self._longest:
            self.fold()
        with self._lock:
            file = self._opened()
            line = bytes(
                Line(
                    self._next,
                    month_of(self._clock()),
                    account,
                    operation,
                    len(characters),
                    sum(characters),
                    sum(map(units, characters)),
                )
            )
            try:
                written = os.write(file, line)
                if written < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            except OSError:
                os.ftruncate(file, self._size)
                raise
            self._size += len(line)
            self._next += 1

    def fold(self) -> None:
        """Add the lines of the file to the table of usage, and empty the file if nothing was appended meanwhile."""
        with self._folding:
            with self._lock:
                file, size = self._opened(), self._size
                if size >= self._longest:
                    # It grows faster than it is emptied, so those who append wait.
                    self._add(file, size)
                    self._empty(file)
                    return
            if size:
                self._add(file, size)
                with self._lock:
                    if self._size == size:
                        self._empty(file)

    def _opened(self) -> int:
        """Return the file, opened at the first use. What an earlier process left in it stays to be added."""
        if self._file is None:
            is_new = not self._path.exists()
            file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            data = _read(file, os.fstat(file).st_size)
            # The call of an incomplete line was never answered.
            self._size = data.rfind(b"\n") + 1
            os.ftruncate(file, self._size)
            added = self._added(is_new)
            self._next = max([added, *(line.number for line in read_lines(data[: self._size]))]) + 1
            self._file = file
        return self._file

    def _added(self, is_new: bool) -> int:
        with self._database.reading() as session:
            mark = session.get(CallUsageMark, self._server)
            if mark is not None:
                return mark.number
            former = None if is_new else session.get(CallUsageMark, "")
        if not self._server:
            return 0
        # The folder may be the one that the database had alone until now.
        number = 0 if former is None else former.number
        with self._database.transaction() as session:
            session.add(CallUsageMark(server=self._server, number=number))
        return number

    def _add(self, file: int, size: int) -> None:
        lines = list(read_lines(_read(file, size)))
        with self._database.transaction() as session:
            mark = session.get(CallUsageMark, self._server)
            if mark is None:
                mark = CallUsageMark(server=self._server, number=0)
                session.add(mark)
            new = [line for line in lines if line.number > mark.number]
            if new:
                add_calls(session, sums(new))
                mark.number = max(line.number for line in new)

    def _empty(self, file: int) -> None:
        os.ftruncate(file, 0)
        self._size = 0


def waiting_lines(path: Path, added: int) -> list[Line]:
    """Return the lines of a file that are not in the table of usage yet, for a process that only reads."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return [line for line in read_lines(data) if line.number > added]


def _read(file: int, size: int) -> bytes:
    """Return the first ``size`` bytes of a file."""
    data = bytearray()
    while len(data) < size:
        piece = os.pread(file, size - len(data), len(data))
        if not piece:
            break
        data += piece
    return bytes(data)
