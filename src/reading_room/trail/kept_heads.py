"""The heads of the trail's books in the database, which reveal that a book was truncated or deleted.

A chain alone cannot reveal that lines are missing at its end or its beginning. So the database has, for each book, the
digest of the newest line and of the line before the oldest one.

- A line is flushed to the disk before it is recorded as a head. If the process is killed in between, the book continues
  after its head, which is not a fault.
- The new beginning of a book is recorded before its oldest file is deleted. Until then, the book merely begins earlier.
- A head that is missing from its book when the service opens it stays in the database as lost, permanently.
"""

from __future__ import annotations

import datetime as dt
import errno
import logging
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.full_disk import is_full
from reading_room.trail.chain import BOOKS, FIRST, backwards, beginning_of, digest_of, files_of, newest_digest
from reading_room.trail.tables import TrailHead, TrailHeadLost

log = logging.getLogger(__name__)

_LOOK_BYTES = 256 << 20
"""How far back to search for a head when a book is opened. A killed process leaves only a few seconds of lines after
it."""


class Heads(Protocol):
    """A store for the heads of books. All methods raise ``OSError`` if the store fails."""

    def adopt(self) -> None:
        """If no heads were ever stored, accept the books as they are."""
        ...

    def opened(self, book: str, last: str) -> str:
        """Record that a book is opened for appending; return the digest that its next line must contain."""
        ...

    def begins(self, book: str, start: str) -> None:
        """Record that a book's oldest lines are about to be deleted, so that it begins after the line ``start``."""
        ...

    def note(self, heads: Mapping[str, str]) -> None:
        """Record the newest lines of books, which are on the disk."""
        ...


class NoHeads:
    """Stores no heads, for a trail without a database, in tests."""

    def adopt(self) -> None:
        """Do nothing."""

    def opened(self, book: str, last: str) -> str:
        """Continue after the newest line."""
        return last

    def begins(self, book: str, start: str) -> None:
        """Keep nothing."""

    def note(self, heads: Mapping[str, str]) -> None:
        """Keep nothing."""


class KeptHeads:
    """Stores the heads in the database. Thread-safe."""

    def __init__(self, database: Database, folder: Path, clock: Clock, server: str = "") -> None:
        """``folder`` is the trail's; ``server`` is the identity of its data folder, if others share the database."""
        self._server = server
        self._database = database
        self._folder = folder
        self._clock = clock

    def adopt(self) -> None:
        """If no heads were ever stored, accept the books as they are. This happens once per data folder."""
        with _as_os_errors():
            with self._database.reading() as session:
                if session.query(TrailHead).filter_by(server=self._server).first() is not None:
                    return
            with self._database.transaction() as session:
                if self._server and self._take_over(session):
                    return
                for book in BOOKS:
                    session.add(self._as_it_is(book))

    def opened(self, book: str, last: str) -> str:
        """Compare a book with its head. A missing head is logged and recorded as lost."""
        self.adopt()
        with _as_os_errors(), self._database.transaction() as session:
            row = session.get(TrailHead, (self._server, book))
            if row is None:
                row = self._as_it_is(book)
                session.add(row)
            if last == FIRST and row.start == row.head:
                return row.head  # All its lines were older than the retention time.
            if last != row.head:
                if not self._has(book, row.head):
                    self._lose(session, row, row.head, row.noted_at)
                    row.start = FIRST if last == FIRST else row.start
                row.head, row.noted_at = last, self._clock()
            return last

    def begins(self, book: str, start: str) -> None:
        """Record a book's new beginning. If its current beginning is missing already, that is recorded as lost."""
        with _as_os_errors(), self._database.transaction() as session:
            row = session.get_one(TrailHead, (self._server, book))
            # After a crash between this and the deletion, it begins at an earlier file than recorded.
            if row.start not in {beginning_of(path) for _, path in files_of(self._folder, book)}:
                self._lose(session, row, row.start, self._clock())
            row.start = start

    def note(self, heads: Mapping[str, str]) -> None:
        """Record the heads of books."""
        now = self._clock()
        with _as_os_errors(), self._database.transaction() as session:
            for book, head in heads.items():
                row = session.get_one(TrailHead, (self._server, book))
                row.head, row.noted_at = head, now

    def _take_over(self, session: Session) -> bool:
        """Take the heads of the only data folder that the database had until now, if it is this one."""
        if not any(files_of(self._folder, book) for book in BOOKS):
            return False
        former = [*session.query(TrailHead).filter_by(server=""), *session.query(TrailHeadLost).filter_by(server="")]
        for row in former:
            row.server = self._server
        return any(isinstance(row, TrailHead) for row in former)

    def _as_it_is(self, book: str) -> TrailHead:
        head = newest_digest(self._folder, book)
        found = (beginning_of(path) for _, path in files_of(self._folder, book))
        start = next((each for each in found if each is not None), FIRST)
        return TrailHead(server=self._server, book=book, start=start, head=head, noted_at=self._clock())

    def _has(self, book: str, digest: str) -> bool:
        looked = 0
        for _, path in reversed(files_of(self._folder, book)):
            for _, line in backwards(path):
                if digest_of(line) == digest:
                    return True
                looked += len(line)
                if looked > _LOOK_BYTES:
                    return False
        return digest == FIRST

    def _lose(self, session: Session, row: TrailHead, digest: str, noted_at: dt.datetime) -> None:
        log.error(
            "the trail's book %s was truncated: the line with the digest %s, which existed at %s, is missing. "
            "`reading-room access verify-trail` will keep reporting it",
            row.book,
            digest,
            noted_at.isoformat(timespec="seconds"),
        )
        session.merge(
            TrailHeadLost(server=self._server, book=row.book, digest=digest, noted_at=noted_at, missed_at=self._clock())
        )


class HeadRecorder:
    """Records heads in a separate thread, so that lines can be written while the database is busy."""

    def __init__(self, heads: Heads, retry_seconds: float) -> None:
        self._heads = heads
        self._retry_seconds = retry_seconds
        self._lock = threading.Lock()
        self._waiting: dict[str, str] = {}
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.fault: str | None = None
        """Why the last heads could not be recorded, or ``None`` if they were."""

    def offer(self, heads: Mapping[str, str]) -> None:
        """Accept the newest heads of books, which are on the disk. Never blocks.

        Raises ``RuntimeError`` or ``MemoryError`` if no thread can be started. They are accepted even so, and recorded
        after the next call.
        """
        with self._lock:
            self._waiting |= heads
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="trail-heads", daemon=True)
                thread.start()
                self._thread = thread
        self._wake.set()

    def close(self) -> None:
        """Try once to record the waiting heads, and end the thread."""
        self._ended.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                taken, self._waiting = self._waiting, {}
            try:
                if taken:
                    self._heads.note(taken)
            except Exception as error:
                # Not only the disk: without memory, anything here may fail, and nobody else would record them.
                if self.fault is None:
                    why = str(error) or type(error).__name__
                    log.error("the heads of the trail cannot be recorded and will be retried: %s", why)
                self.fault = (
                    "the disk is full" if is_full(error) else "the database does not accept the heads of its books"
                )
                if self._ended.wait(self._retry_seconds):
                    return
                with self._lock:
                    self._waiting = taken | self._waiting
                self._wake.set()
                continue
            self.fault = None
            if self._ended.is_set() and not self._waiting:
                return


@dataclass(frozen=True, slots=True)
class ExpectedLine:
    """A line that a book must contain, or, for kind ``start``, must begin after."""

    book: str
    digest: str
    kind: Literal["head", "start", "lost"]
    noted_at: dt.datetime

    def missing(self, found: Collection[str], first_day: dt.date | None) -> str | None:
        """Return what is missing from a book with the digests ``found`` and an oldest file of ``first_day``."""
        if self.digest in found or (self.kind == "head" and self.digest == FIRST):
            return None
        at = self.noted_at.isoformat(timespec="seconds")
        if self.kind == "lost":
            if first_day is not None and self.noted_at.date() < first_day:
                return None  # The lines of that day have been deleted since.
            return f"lines of the book {self.book} that were there at {at} are missing, and more were added since"
        if self.kind == "start":
            return f"the oldest lines of the book {self.book} are missing, and Reading Room did not delete them"
        return f"lines of the book {self.book} that were there at {at} are missing, or were written anew"


def expected_lines(session: Session, server: str = "") -> list[ExpectedLine]:
    """Return the lines that the books of a data folder must contain, from the stored heads.

    A folder whose identity has none yet is the only one of the database.
    """
    if session.query(TrailHead).filter_by(server=server).first() is None:
        server = ""
    wanted = []
    for row in session.query(TrailHead).filter_by(server=server).order_by(TrailHead.book):
        wanted += [
            ExpectedLine(row.book, row.start, "start", row.noted_at),
            ExpectedLine(row.book, row.head, "head", row.noted_at),
        ]
    for lost in session.query(TrailHeadLost).filter_by(server=server).order_by(TrailHeadLost.noted_at):
        wanted.append(ExpectedLine(lost.book, lost.digest, "lost", lost.noted_at))
    return wanted


def other_folders(session: Session, server: str) -> Mapping[str, dt.datetime]:
    """Return the identities of the other data folders whose books the database knows, and when each wrote last."""
    latest = func.max(TrailHead.noted_at)
    query = select(TrailHead.server, latest).where(TrailHead.server.not_in(("", server))).group_by(TrailHead.server)
    return dict(session.execute(query.order_by(TrailHead.server)).all())


@contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        number = errno.ENOSPC if is_full(error) else errno.EIO
        raise OSError(number, f"the database does not accept the trail's heads: {error}") from error
