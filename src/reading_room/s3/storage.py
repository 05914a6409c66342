"""What the embedded backend's operations work on: rows, blobs, and the rule that binds the two."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from sqlalchemy import select

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.s3.backends.blobs import BlobStore, BlobWriter, Leases, Segments, read_segments
from reading_room.s3.checksums import Digests
from reading_room.s3.tables import S3Object, S3Part

logger = logging.getLogger(__name__)

PIECE = 1 << 20
"""Bytes that one read returns at most."""


@dataclass(frozen=True, slots=True)
class Received:
    """A body that was read to its end and verified, in a blob that is not sealed yet."""

    writer: BlobWriter
    digests: Digests


class Storage:
    """The database, the blobs, and the leases of readers."""

    def __init__(self, database: Database, blobs: BlobStore, region: str, clock: Clock, executor: Executor) -> None:
        self.executor = executor
        self.database = database
        self.blobs = blobs
        self.region = region
        self.clock = clock
        self._leases = Leases(blobs)

    def lease(self, bucket: str, key: str) -> tuple[S3Object, Lease] | None:
        """Return the object of a key with a lease on its bytes, or ``None``. The caller must release it."""
        with self._leases.lock, self.database.reading() as session:
            row = session.get(S3Object, (bucket, key.encode()))
            if row is None:
                return None
            lease = Lease(self._leases, self.blobs, [(blob, size) for blob, size in row.segments])
        return row, lease

    def forget(self, blob_ids: Collection[str]) -> None:
        """Delete blobs that no row names any more. To be called after the commit that let go of them."""
        try:
            self._leases.discard(blob_ids)
        except OSError:
            # The commit stands, so the request succeeded; the next start's sweep removes what is left.
            logger.exception("blobs without an object could not be deleted: %s", ", ".join(blob_ids))

    def sweep(self) -> int:
        """Remove every blob that no row names. Only before the first request."""
        with self.database.reading() as session:
            wanted = {blob for segments in session.scalars(select(S3Object.segments)) for blob, _ in segments}
            wanted |= set(session.scalars(select(S3Part.blob)))
        removed = self.blobs.sweep(wanted)
        if removed:
            logger.info("removed %d blobs of writes that were never acknowledged", removed)
        return removed


class Lease:
    """The bytes of one object, kept alive until ``release``."""

    def __init__(self, leases: Leases, blobs: BlobStore, segments: Segments) -> None:
        self.segments = segments
        self._leases = leases
        self._blobs = blobs
        self._ids = [blob for blob, _ in segments]
        self._released = False
        leases.hold(self._ids)

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return sum(size for _, size in self.segments)

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """Yield bytes in pieces. Raises ``OSError`` when some are missing."""
        return read_segments(self._blobs, self.segments, start, length, PIECE)

    def release(self) -> None:
        """Give the lease back; a second time does nothing."""
        if not self._released:
            self._released = True
            self._leases.release(self._ids)


class LeasedStream:
    """Some bytes of an object, read in the thread pool while the pieces before are sent."""

    def __init__(self, store: Storage, lease: Lease, start: int, length: int) -> None:
        self._executor = store.executor
        self._lease = lease
        self._pieces = lease.read(start, length)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def _read(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        while (piece := await loop.run_in_executor(self._executor, next, self._pieces, None)) is not None:
            yield piece

    def close(self) -> None:
        """Let go of the object's bytes."""
        self._lease.release()


def blobs_of(rows: Sequence[S3Object | S3Part]) -> list[str]:
    """Return the blobs that rows name."""
    found: list[str] = []
    for row in rows:
        found += [row.blob] if isinstance(row, S3Part) else [blob for blob, _ in row.segments]
    return found


def whole_sha256(lease: Lease) -> str:
    """Read an object and return its SHA-256 in hexadecimal."""
    digests = Digests()
    for piece in lease.read(0, lease.size):
        digests.update(piece)
    return digests.sha256
