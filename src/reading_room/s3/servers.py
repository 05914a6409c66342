"""The ``serve`` processes that share one store of blobs: which of them run, and what each of them is busy with.

A process that deletes a blob must know that no other one reads it, and one that looks for garbage must know that no
other one is about to name it in a row. So each process has a row in the database and updates it every few seconds: its
beat, how long its oldest read or commit has lasted, and the blobs of the few reads that last long. Each process
compares what it sees with its own clock only, so the clocks of their hosts need not agree.

A process whose beat stands still is marked as ended. From then on no row can name a blob that it wrote, because the
transaction that stores such a row looks for the mark (``Servers.admit``). So whatever the process was writing can be
deleted, even if it was only suspended and continues later.
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from reading_room.database.engine import Database
from reading_room.s3.blobs import new_blob_id, new_owner, owner_of
from reading_room.s3.errors import Shortage
from reading_room.s3.tables import S3Server

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
SILENT_BEATS = 12
"""How many turns in a row a process sees the same beat of another before it marks that one as ended."""
LONG_SECONDS = 600.0
"""A read that lasts longer is announced with its blobs, so that it does not delay the deletion of others."""
MOST_HELD = 20_000
"""The blobs that one process announces; with more, other processes wait for its oldest read."""
FENCED = "The service was suspended while it stored this: try again."


class Activity:
    """What this process reads and commits, oldest first. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._began: dict[int, tuple[float, Collection[str]]] = {}

    def begin(self) -> int:
        """Note that something begins. Return the number that ends it."""
        number = next(self._numbers)
        with self._lock:
            # The clock is read under the lock, so that the order is that of the times.
            self._began[number] = (self._clock(), ())
        return number

    def reads(self, number: int, blobs: Collection[str]) -> None:
        """Note the blobs that a read needs."""
        with self._lock:
            self._began[number] = (self._began[number][0], blobs)

    def end(self, number: int) -> None:
        """Note that something has ended. Does nothing the second time."""
        with self._lock:
            self._began.pop(number, None)

    def busy(self) -> tuple[float, list[str]]:
        """Return the seconds that the oldest activity has lasted, 0 without one, and the blobs of long reads.

        A long read whose blobs are returned does not count.
        """
        now = self._clock()
        with self._lock:
            activities = list(self._began.values())
        held: list[str] = []
        for began, blobs in activities:
            if now - began < LONG_SECONDS or not blobs or len(held) + len(blobs) > MOST_HELD:
                return now - began, held
            held += blobs
        return 0.0, held


@dataclass(slots=True)
class _Seen:
    """What is known of another process. Times are of this process's clock."""

    beat: int
    before: float = -math.inf
    """A time before the beat was written."""
    quiet: float = -math.inf
    """Everything that the process began before this time has ended, except for reads of the blobs in ``held``."""
    still: int = 0
    held: frozenset[str] = frozenset()


class Servers:
    """The processes of a store as one of them sees them. ``turn`` must be called every ``BEAT_SECONDS``."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self.activity = Activity(clock)
        self.clock = clock
        self._database = database
        self._lock = threading.Lock()
        """For the fields below, which a turn replaces together."""
        self._polled = -math.inf
        self._others: dict[str, _Seen] = {}
        self._ended: frozenset[str] = frozenset()
        self.id = ""
        self._join()

    def _join(self) -> None:
        joined = new_owner()
        with self._database.transaction() as session:
            session.add(S3Server(server=joined, beat=0, ended=False, busy_ms=0, held=[]))
        self.id = joined

    def new_blob_id(self) -> str:
        """Return a name for a new blob of this process."""
        return new_blob_id(self.id)

    def turn(self) -> None:
        """Write the beat of this process, and read those of the others."""
        began = self.clock()
        seconds, held = self.activity.busy()
        with self._database.transaction() as session:
            own = session.get(S3Server, self.id)
            fenced = own is None or own.ended
            if own is not None and not own.ended:
                own.beat, own.busy_ms, own.held = own.beat + 1, math.ceil(seconds * 1000), held
            others = session.scalars(select(S3Server).where(S3Server.server != self.id)).all()
            for row in others:
                if not row.ended and self._is_silent(row):
                    row.ended = True
                    logger.warning("the process %s has been silent for a minute: what it left is deleted", row.server)
        if fenced:
            logger.error("this process was silent for a minute: others have taken it for ended, and its writes fail")
            self._join()
        self._learn([row for row in others if not row.ended], began)
        with self._lock:
            self._ended = frozenset(row.server for row in others if row.ended)

    def _is_silent(self, row: S3Server) -> bool:
        seen = self._others.get(row.server)
        # Turns are counted, not seconds: this process may have been suspended itself.
        return seen is not None and seen.beat == row.beat and seen.still + 1 >= SILENT_BEATS

    def _learn(self, rows: Collection[S3Server], began: float) -> None:
        found: dict[str, _Seen] = {}
        for row in rows:
            last = self._others.get(row.server)
            if last is None:
                found[row.server] = _Seen(row.beat)
            elif last.beat == row.beat:
                found[row.server] = _Seen(last.beat, last.before, last.quiet, last.still + 1, last.held)
            else:
                # What a beat says was true after the beat before it was written. So it was true after the latest time
                # when this process had not seen even that one.
                known = self._polled if row.beat - last.beat > 1 else last.before
                quiet = known - row.busy_ms / 1000
                found[row.server] = _Seen(row.beat, self._polled, quiet, 0, frozenset(row.held))
        with self._lock:
            self._others, self._polled = found, began

    def quiet(self) -> tuple[float, frozenset[str]]:
        """Return a time and some blobs.

        Whatever other processes began before that time has ended, except for long reads of these blobs.
        """
        with self._lock:
            others = self._others.values()
            return min([self._polled, *(seen.quiet for seen in others)]), frozenset().union(*(s.held for s in others))

    def alone(self) -> bool:
        """Say whether the latest turn found no other process."""
        with self._lock:
            return not self._others

    def left_by(self) -> frozenset[str]:
        """Return the ended processes whose garbage this process is to remove. One of the living ones has that task."""
        with self._lock:
            return self._ended if all(self.id < other for other in self._others) else frozenset()

    def removed(self, ended: Collection[str]) -> None:
        """Forget ended processes, after all their garbage has been removed."""
        with self._database.transaction() as session:
            session.execute(delete(S3Server).where(S3Server.server.in_(ended), S3Server.ended))

    def living(self) -> frozenset[str]:
        """Return the processes that have not ended, this one included, as the database has them now."""
        with self._database.reading() as session:
            return frozenset(session.scalars(select(S3Server.server).where(~S3Server.ended)))

    def admit(self, session: Session, blob_id: str) -> None:
        """Check in the transaction that names a new blob that its process is not marked as ended.

        Raises ``Shortage``. The row stays locked until the end of the transaction where the database locks rows.
        """
        query = select(S3Server.server).where(S3Server.server == owner_of(blob_id), ~S3Server.ended)
        if session.scalar(query.with_for_update(read=True)) is None:
            raise Shortage(FENCED)

    def leave(self, swept: bool) -> None:
        """End the membership. Unless everything is ``swept``, another process removes what is left."""
        with self._database.transaction() as session:
            own = session.get(S3Server, self.id)
            if own is not None and swept:
                session.delete(own)
            elif own is not None:
                own.ended = True
