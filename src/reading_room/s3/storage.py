"""The storage of the embedded backend: rows, blobs, and the rule that keeps the two consistent."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, inspect, select, text
from sqlalchemy.orm import Session

from reading_room.aws.errors import AwsError
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.s3.backend import BucketFacts
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
from reading_room.s3.errors import NoSuchBucket
from reading_room.s3.lifecycle_rules import Lifecycle
from reading_room.s3.object_access import ObjectAccess, access_in
from reading_room.s3.object_cipher import DataKey
from reading_room.s3.object_keys import ObjectKeys
from reading_room.s3.servers import Activity, Servers
from reading_room.s3.space import MeteredWriter, Space
from reading_room.s3.tables import S3Object, S3Part, S3Upload, S3Version
from reading_room.s3.versions import NULL, StoredVersion, at_key, find, lookup, rank_of

logger = logging.getLogger(__name__)


def _of_key(table: type[StoredVersion]) -> Select[Any]:
    columns = table.__table__.c
    return select(table.__table__).where(columns.bucket == bindparam("of_bucket"), columns.key == bindparam("of_key"))


_OBJECT_OF_KEY, _VERSION_OF_KEY = _of_key(S3Object), _of_key(S3Version)

_ROWS = 1000
"""Rows that a sweep reads at once."""
PIECE = 1 << 20
"""Bytes that one read returns at most."""


@dataclass(frozen=True, slots=True)
class Received:
    """A complete, verified body in a blob that is not sealed yet."""

    writer: MeteredWriter
    digests: Digests


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a body before it arrives: the algorithm of its checksum, and the key to encrypt it with."""

    algorithm: str
    key: DataKey | None


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
        facts: Callable[[str], BucketFacts | None] = lambda bucket: None,
        keys: ObjectKeys | None = None,
    ) -> None:
        """``servers`` are the processes that share the database and the blobs, if there may be several.

        ``facts`` returns the facts of a bucket, which may be some moments old. ``keys`` encrypt what is stored; only a
        store in memory does without.
        """
        self._facts = facts
        self._keys = keys
        self.executor = executor
        self.space = space
        self.database = database
        self.blobs = blobs
        self.region = region
        self.clock = clock
        self.lifecycle: Callable[[str], Lifecycle | None] = lambda bucket: None
        """Returns the lifecycle rules of a bucket; every read and write of an object asks for them."""
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

    def lease(self, bucket: str, key: str, version: str | None = None) -> tuple[StoredVersion, Lease] | None:
        """Return a version of a key, or its current object, with a lease on its bytes; ``None`` if there is none.

        The caller must release it. The row is a copy that belongs to no session. Raises ``DamagedBlob`` if the bytes in
        the row are damaged, and ``InvalidArgument`` for a text that cannot be the id of a version.
        """
        if self._activity is None:
            return self._lease(bucket, key, version)
        reading, found = self._activity.begin(), None
        try:
            found = self._lease(bucket, key, version)
        finally:
            if found is None or found[0].content is not None:
                self._activity.end(reading)
            else:
                found[1].announce(self._activity, reading)
        return found

    def _lease(self, bucket: str, key: str, version: str | None) -> tuple[StoredVersion, Lease] | None:
        with self._leases.lock, self.database.engine.connect() as connection:
            row = _read_row(connection, bucket, key, version)
            if row is None:
                return None
            segments = [(blob, size) for blob, size in row.segments]
            lease = Lease(self._leases, self.blobs, segments)
        try:
            lease.key = self.key_of(row)
            if row.content is not None:
                lease.content = _content_of(row, lease.key)
        except BaseException:
            lease.release()
            raise
        return row, lease

    def fresh_key(self) -> DataKey | None:
        """Return a key for a new object; ``None`` if nothing is encrypted."""
        return DataKey.fresh() if self._keys is not None else None

    def sealed_key(self, key: DataKey | None, bucket: str, object_key: bytes) -> dict[str, str] | None:
        """Return what the row of an object or upload stores of its key. Must not be called within a transaction."""
        return None if key is None or self._keys is None else self._keys.sealed(key, bucket, object_key)

    def key_of(self, row: StoredVersion | S3Upload) -> DataKey | None:
        """Return the data key of an object or upload; ``None`` if it is in plain text. Raises ``DamagedBlob``."""
        if self._keys is not None:
            return self._keys.of(row)
        if row.encryption is not None:
            raise DamagedBlob(f"in the row of {row.key.decode()!r} of {row.bucket}", "needs a key, and there are none")
        return None

    def create(self, account: str, key: DataKey | None) -> MeteredWriter:
        """Begin a blob for an object in a bucket of an account. ``key`` is the object's, from ``fresh_key``."""
        return MeteredWriter(self.blobs.create(key), self.space.claim(account), self._unsettled, self._activity, key)

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

    def shown_version(self, row: StoredVersion) -> str | None:
        """Return the version id that clients see with an object; ``None`` in a bucket that never had versioning."""
        if row.version_id is not None:
            return row.version_id
        facts = self._facts(row.bucket)
        return NULL if facts is not None and facts.versioning is not None else None

    def account_of(self, bucket: str) -> str:
        """Return the account of a bucket. Raises ``NoSuchBucket``."""
        facts = self._facts(bucket)
        if facts is None:
            raise NoSuchBucket(bucket)
        return facts.account

    def expect_tags(self) -> None:
        """Look up the tags of objects from now on, because one is about to have some."""
        self._tagged = True

    def object_tags(self, bucket: str, key: str, version: str | None = None) -> dict[str, str]:
        """Return the tags of a version of a key, or of its current object; none if there is none.

        Every request about an object calls this for its conditions. It costs nothing while no object has tags.
        """
        if self._tagged is None:
            with self.database.reading() as session:
                found = session.scalar(
                    select(exists().where(S3Object.tags.is_not(None)) | exists().where(S3Version.tags.is_not(None)))
                )
            self._tagged = self._tagged or bool(found)
        if not self._tagged or (version not in (None, NULL) and rank_of(version or "") is None):
            return {}
        with self.database.reading() as session:
            if version is None:
                return session.scalar(select(S3Object.tags).where(at_key(S3Object, bucket, key))) or {}
            row = find(session, bucket, key, version)
            return (row.tags if row is not None else None) or {}

    def object_access(self, bucket: str, key: str, version: str | None = None) -> ObjectAccess | None:
        """Return the owner and the grants of a version of a key, or of its current object; ``None`` without one."""
        if version not in (None, NULL) and rank_of(version or "") is None:
            return None
        with self.database.reading() as session:
            if version is None:
                headers = session.scalar(select(S3Object.headers).where(at_key(S3Object, bucket, key)))
                return None if headers is None else access_in(headers)
            row = find(session, bucket, key, version)
            return None if row is None else access_in(row.headers)

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
                for table in (S3Object, S3Version):
                    rows = session.scalars(
                        select(table.segments).where(table.content.is_(None)).execution_options(yield_per=_ROWS)
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


_IN_SEGMENTS = "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM {}, json_each(segments) UNION ALL "
_IN_PARTS = "SELECT blob, size FROM s3_parts"


def named_blobs(connection: Connection) -> Iterator[tuple[str, int]]:
    """Yield the blobs that rows name, each with its size in bytes, from a database of any schema.

    Content that is stored in its row has no blob.
    """
    # Databases of earlier schemas have no versions.
    tables = [each.__tablename__ for each in (S3Object, S3Version) if inspect(connection).has_table(each.__tablename__)]
    query = "".join(_IN_SEGMENTS.format(table) for table in tables) + _IN_PARTS
    for blob, size in connection.execute(text(query)):
        if blob != WITH_ITS_ROW:
            yield blob, size


def _read_row(connection: Connection, bucket: str, key: str, version: str | None) -> StoredVersion | None:
    """Return the row of a version of a key, or of its current object, with its content."""
    # Without a session this takes half the time, and every read of an object comes here.
    of_key = {"of_bucket": bucket, "of_key": key.encode()}
    if version is None:
        found = connection.execute(_OBJECT_OF_KEY, of_key).one_or_none()
        return None if found is None else S3Object(**found._mapping)
    found = connection.execute(_OBJECT_OF_KEY.where(lookup(S3Object, version)), of_key).one_or_none()
    if found is not None:
        return S3Object(**found._mapping)
    found = connection.execute(_VERSION_OF_KEY.where(lookup(S3Version, version)), of_key).one_or_none()
    return None if found is None else S3Version(**found._mapping)


def _content_of(row: StoredVersion, key: DataKey | None) -> bytes:
    """Return the bytes that are stored in a row. Raises ``DamagedBlob``."""
    assert row.content is not None
    where = f"in the row of {row.key.decode()!r} of {row.bucket}"
    content = row.content if key is None else key.open_row(row.content)
    if content is None or hashlib.sha256(content).hexdigest() != row.sha256:
        raise DamagedBlob(where, "has changed")
    return content


class Lease:
    """The bytes of one object, kept alive until ``release``."""

    def __init__(self, leases: Leases, blobs: BlobStore, segments: Segments) -> None:
        self.segments = segments
        self.key: DataKey | None = None
        """The key that the bytes are encrypted with."""
        self.content: bytes | None = None
        """The bytes, if they are in the row."""
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
        if self.content is not None:
            return iter([self.content[start : start + length]] if length else [])
        return read_segments(self._blobs, self.segments, start, length, PIECE, self.key)

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


def whole_sha256(lease: Lease) -> str:
    """Read an object and return its SHA-256 in hexadecimal."""
    digests = Digests()
    for piece in lease.read(0, lease.size):
        digests.update(piece)
    return digests.sha256
