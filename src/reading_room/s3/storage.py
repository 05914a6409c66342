"""The storage of the embedded backend: rows, blobs, and the rule that keeps the two consistent."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, exists, select, text
from sqlalchemy.orm import Session

from reading_room.aws.errors import AwsError
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.s3.blobs import (
    WITH_ITS_ROW,
    BlobStore,
    DamagedBlob,
    Leases,
    Segments,
    owner_of,
    read_segments,
)
from reading_room.s3.checksums import Digests
from reading_room.s3.servers import Activity, Servers
from reading_room.s3.space import MeteredWriter, Space
from reading_room.s3.tables import S3Object, S3Part

logger = logging.getLogger(__name__)

_OBJECTS = S3Object.__table__
_OF_KEY = select(_OBJECTS).where(_OBJECTS.c.bucket == bindparam("of_bucket"), _OBJECTS.c.key == bindparam("of_key"))

_ROWS = 1000
"""Rows that a sweep reads at once."""
PIECE = 1 << 20
"""Bytes that one read returns at most."""


@dataclass(frozen=True, slots=True)
class Received:
    """A complete, verified body in a blob that is not sealed yet."""

    writer: MeteredWriter
    digests: Digests


class Storage:
    """The database, the blobs, and the leases of readers."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        region: str,
        clock: Clock,
        executor: Executor,
        space: Space,
        servers: Servers | None = None,
    ) -> None:
        """``servers`` are the processes that share the database and the blobs, if there may be several."""
        self.executor = executor
        self.space = space
        self.database = database
        self.blobs = blobs
        self.region = region
        self.clock = clock
        self._leases = Leases(blobs)
        self._unsettled: set[str] = set()
        """Blobs of this process whose row may not be committed yet."""
        self._failed = False
        """Whether there may be blobs without a row that this process has not deleted."""
        # Others may give tags to an object at any time, and policies depend on them.
        self._tagged: bool | None = None if servers is None else True
        self._servers = servers
        self._activity = None if servers is None else servers.activity
        self._freed: deque[tuple[float, frozenset[str]]] = deque()
        """Blobs that no row names any more, and when they were found to be so, until no other process reads them."""
        self._sweep: _Sweep | None = None

    def lease(self, bucket: str, key: str) -> tuple[S3Object, Lease] | None:
        """Return the object of a key with a lease on its bytes, or ``None``. The caller must release it.

        The row is a copy that belongs to no session. Raises ``DamagedBlob`` if the bytes in the row are damaged.
        """
        if self._activity is None:
            return self._lease(bucket, key)
        reading, found = self._activity.begin(), None
        try:
            found = self._lease(bucket, key)
        finally:
            if found is None or found[0].content is not None:
                self._activity.end(reading)
            else:
                found[1].announce(self._activity, reading)
        return found

    def _lease(self, bucket: str, key: str) -> tuple[S3Object, Lease] | None:
        with self._leases.lock, self.database.engine.connect() as connection:
            # Without a session this takes half the time, and every read of an object comes here.
            found = connection.execute(_OF_KEY, {"of_bucket": bucket, "of_key": key.encode()}).one_or_none()
            if found is None:
                return None
            row = S3Object(**found._mapping)
            lease = Lease(self._leases, self.blobs, [(blob, size) for blob, size in row.segments], row.content)
        if row.content is not None and hashlib.sha256(row.content).hexdigest() != row.sha256:
            lease.release()
            raise DamagedBlob(f"in the row of {key!r} of {bucket}", "has changed")
        return row, lease

    def create(self, account: str) -> MeteredWriter:
        """Begin a blob for an object in a bucket of an account."""
        return MeteredWriter(self.blobs.create(), self.space.claim(account), self._unsettled, self._activity)

    @contextmanager
    def admitted(self, written: MeteredWriter) -> Iterator[Session]:
        """Yield the transaction that stores a row for written bytes.

        If it raises ``AwsError``, no row names the blob, and it is deleted. After any other failure that is not
        certain, and a sweep decides.
        """
        try:
            with self.database.transaction() as session:
                if self._servers is not None and not written.is_in_row:
                    self._servers.admit(session, written.blob_id)
                yield session
        except AwsError:
            written.discard()
            raise
        except BaseException:
            self.left(written)
            raise

    def left(self, written: MeteredWriter) -> None:
        """Leave written bytes to a sweep, because it is not certain whether a row names them."""
        self._failed = True
        written.leave()

    def expect_tags(self) -> None:
        """Look up the tags of objects from now on, because one is about to have some."""
        self._tagged = True

    def object_tags(self, bucket: str, key: str) -> dict[str, str]:
        """Return an object's tags, none for a missing object.

        Every request about an object calls this for its conditions. It costs nothing while no object has tags.
        """
        if self._tagged is None:
            with self.database.reading() as session:
                found = session.scalar(select(exists().where(S3Object.tags.is_not(None))))
            self._tagged = self._tagged or bool(found)
        if not self._tagged:
            return {}
        with self.database.reading() as session:
            tags = session.scalar(select(S3Object.tags).where(S3Object.bucket == bucket, S3Object.key == key.encode()))
        return tags or {}

    def committed(self, written: MeteredWriter, freed: Collection[str]) -> None:
        """Keep the space of the blob that a committed row names, and delete the blobs that it replaced."""
        written.keep()
        self.forget(freed)

    def forget(self, blob_ids: Collection[str]) -> None:
        """Delete blobs that no row names any more. Called after the commit that removed their rows."""
        if self._servers is not None:
            if blob_ids:
                self._freed.append((self._servers.clock(), frozenset(blob_ids)))
            return
        try:
            self._leases.discard(blob_ids)
        except OSError:
            # The commit stands, so the request succeeded. A sweep after the next start removes the blobs.
            self._failed = True
            logger.exception("blobs without an object could not be deleted: %s", ", ".join(blob_ids))

    def sweep(self) -> int:
        """Remove every blob that no row names, also while requests are carried out. Return their number."""
        # In this order, a blob that is written meanwhile is not sealed yet, or unsettled, or its row is read below.
        found = set(self.blobs.sealed())
        found = self._unnamed(found - self._unsettled.copy())
        if found:
            self._leases.discard(found)
            logger.info("removed %d blobs of writes that were never acknowledged", len(found))
        return len(found)

    def _unnamed(self, found: set[str]) -> set[str]:
        """Return those of some blobs that no row names."""
        if found:
            with self.database.reading() as session:
                rows = session.scalars(
                    select(S3Object.segments).where(S3Object.content.is_(None)).execution_options(yield_per=_ROWS)
                )
                for segments in rows:
                    found.difference_update(blob for blob, _ in segments)
                found.difference_update(session.scalars(select(S3Part.blob).execution_options(yield_per=_ROWS)))
        return found

    def upkeep(self) -> None:
        """Delete what no process needs any more, and go on with a sweep, if one is needed.

        Called after each turn of ``Servers``, by one thread at a time. Raises ``OSError``.
        """
        assert self._servers is not None
        quiet, held = self._servers.quiet()
        if self._sweep is None:
            if left_by := self._servers.left_by():
                self._sweep = self._begin_sweep(self._servers, left_by)
        elif self._sweep.at < quiet:
            # What no row named before and no row names now is garbage: no process was about to name it.
            garbage = self._unnamed(self._sweep.found)
            logger.info("removing %d blobs of writes that were never acknowledged", len(garbage))
            self._freed.append((self._sweep.at, frozenset(garbage)))
            self._servers.removed(self._sweep.left_by)
            self._sweep = None
        waiting: set[str] = set()
        for _ in range(len(self._freed)):
            at, blobs = self._freed.popleft()
            if at >= quiet:
                self._freed.append((at, blobs))
                continue
            waiting |= blobs
        try:
            self._leases.discard(waiting - held)
            waiting &= held
        finally:
            if waiting:
                self._freed.append((-math.inf, frozenset(waiting)))

    def _begin_sweep(self, servers: Servers, left_by: frozenset[str]) -> _Sweep:
        found = set(self.blobs.sealed())
        at = servers.clock()
        found = self._unnamed(found - self._unsettled.copy())
        unfinished = self.blobs.unfinished()
        living = servers.living()
        self.blobs.discard_unfinished(blob for blob in unfinished if owner_of(blob) not in living)
        return _Sweep(at, found, left_by)

    def end(self) -> None:
        """End the membership in a shared store. What cannot be deleted now is left to other processes."""
        if self._servers is not None:
            try:
                self._servers.turn()
                self.upkeep()
            except Exception:
                logger.exception("not everything could be deleted: another process, or the next start, does it")
            self._servers.leave(self.is_swept())

    def is_swept(self) -> bool:
        """Say whether rows name every blob that this process has written or deleted."""
        done = not self._failed and not self._unsettled and not self._freed and self._sweep is None
        return done and self._leases.all_deleted()


@dataclass(frozen=True, slots=True)
class _Sweep:
    """A sweep of a shared store that has begun."""

    at: float
    found: set[str]
    """Blobs that existed before, and that no row named after."""
    left_by: frozenset[str]
    """The ended processes whose garbage it removes."""


_NAMED = text(
    "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM s3_objects, json_each(segments)"
    " UNION ALL SELECT blob, size FROM s3_parts"
)


def named_blobs(connection: Connection) -> Iterator[tuple[str, int]]:
    """Yield the blobs that rows name, each with its size in bytes, from a database of any schema.

    Content that is stored in its row has no blob.
    """
    for blob, size in connection.execute(_NAMED):
        if blob != WITH_ITS_ROW:
            yield blob, size


class Lease:
    """The bytes of one object, kept alive until ``release``."""

    def __init__(self, leases: Leases, blobs: BlobStore, segments: Segments, content: bytes | None = None) -> None:
        self.segments = segments
        self._content = content
        self._leases = leases
        self._blobs = blobs
        self._ids = [blob for blob, _ in segments if blob != WITH_ITS_ROW]
        self._released = False
        self._end: Callable[[], None] | None = None
        leases.hold(self._ids)

    def announce(self, activity: Activity, reading: int) -> None:
        """Tell other processes of the blobs until the release."""
        activity.reads(reading, self._ids)
        self._end = partial(activity.end, reading)

    @property
    def size(self) -> int:
        """The size of the object in bytes."""
        return sum(size for _, size in self.segments)

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """Yield verified bytes in pieces. Raises ``DamagedBlob``."""
        if self._content is not None:
            return iter([self._content[start : start + length]] if length else [])
        return read_segments(self._blobs, self.segments, start, length, PIECE)

    def release(self) -> None:
        """Give the lease back. Does nothing the second time."""
        if not self._released:
            self._released = True
            if self._end is not None:
                self._end()
            self._leases.release(self._ids)


class LeasedStream:
    """Bytes of an object, each piece read in the thread pool while the one before is sent.

    The first piece is read at once, in the thread that makes the stream: most objects are no longer than that, and
    damage in it is found before the response begins. Raises ``DamagedBlob``.
    """

    def __init__(self, store: Storage, lease: Lease, start: int, length: int) -> None:
        self._executor = store.executor
        self._lease = lease
        self._left = length
        self._pieces = lease.read(start, length)
        self._first = next(self._pieces, b"")
        self._reading: asyncio.Future[bytes] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def _read(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        piece = self._first
        while piece:
            self._left -= len(piece)
            self._reading = loop.run_in_executor(self._executor, next, self._pieces, b"") if self._left else None
            yield piece
            piece = await self._reading if self._reading is not None else b""

    def close(self) -> None:
        """Release the object's bytes, once no thread reads them any more."""
        if self._reading is None or self._reading.done():
            self._lease.release()
        else:
            self._reading.add_done_callback(self._abandoned)

    def _abandoned(self, reading: asyncio.Future[bytes]) -> None:
        self._lease.release()
        # Nobody waits for these bytes. If they are damaged, the next reader gets the error.
        if not reading.cancelled():
            reading.exception()


def blobs_of(rows: Sequence[S3Object | S3Part]) -> list[str]:
    """Return the names of the blobs in rows."""
    found: list[str] = []
    for row in rows:
        found += [row.blob] if isinstance(row, S3Part) else blob_names(row.segments)
    return found


def blob_names(segments: Iterable[Sequence[Any]]) -> list[str]:
    """Return the names of the blobs in segments. Content that is stored in the row has none."""
    return [blob for blob, _ in segments if blob != WITH_ITS_ROW]


def whole_sha256(lease: Lease) -> str:
    """Read an object and return its SHA-256 in hexadecimal."""
    digests = Digests()
    for piece in lease.read(0, lease.size):
        digests.update(piece)
    return digests.sha256
