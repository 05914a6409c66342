"""The embedded backend: rows in the database, bytes in blobs, operations from the table."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from reading_room.aws.call_record import reads_only
from reading_room.aws.errors import AwsError
from reading_room.aws.receive import announced_bytes
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.s3 import multipart, versions
from reading_room.s3.backend import BucketFacts, ObjectFacts, S3Request, S3Response
from reading_room.s3.backends.bucket_cache import BucketCache
from reading_room.s3.blobs import BlobStore, StorageAway
from reading_room.s3.checksums import Digests, of_full_object
from reading_room.s3.control import OPERATIONS as CONTROL
from reading_room.s3.emptying import Emptying
from reading_room.s3.encrypting import encrypt_rest
from reading_room.s3.errors import NoSuchKey, NotImplementedOperation
from reading_room.s3.lifecycle import LifecyclePasses
from reading_room.s3.lifecycle_rules import DAY_SECONDS, Calendar, Lifecycle
from reading_room.s3.listing import list_keys, successor
from reading_room.s3.object_access import ObjectAccess, without_access
from reading_room.s3.object_keys import ObjectKeys
from reading_room.s3.object_lock import check_deletion
from reading_room.s3.operations import (  # noqa: F401  (their import fills the table)
    access_lists,
    attributes,
    control,
    copying,
    cors,
    deleting,
    keys,
    lifecycle,
    object_lock,
    parts,
    settings,
    tagging,
    versioning,
)
from reading_room.s3.operations import buckets as bucket_operations  # noqa: F401
from reading_room.s3.operations import objects as object_operations
from reading_room.s3.operations.table import CONTROL_OPERATIONS, OPERATIONS, Operation
from reading_room.s3.servers import Servers
from reading_room.s3.space import Space, SpaceLimits, stored_by_account
from reading_room.s3.storage import Expected, Received, Storage, whole_sha256
from reading_room.s3.tables import S3Object, S3Version
from reading_room.shortage import Threads

logger = logging.getLogger(__name__)

THREADS = 16
_AT_ONCE = 1000
"""Objects that one transaction deletes below a prefix."""
Result = TypeVar("Result")


class EmbeddedBackend:
    """Implements ``Backend`` on a database and a blob store. Handlers run in at most ``THREADS`` threads."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        region: str,
        clock: Clock,
        limits: SpaceLimits = SpaceLimits(),
        free: Callable[[], int] | None = None,
        tick: Callable[[], float] = time.monotonic,
        closed: Callable[[bool], None] = lambda swept: None,
        servers: Servers | None = None,
        object_keys: ObjectKeys | None = None,
        day: float = DAY_SECONDS,
    ) -> None:
        """``object_keys`` encrypt what is stored; only a store in memory does without.

        ``free`` returns the free bytes of the file system, if the blobs are on one.

        ``closed`` is called at the end, with whether rows name every blob. ``servers`` are the processes that share
        the blobs; ``turn`` must then be called every few seconds. ``day`` is the length of a day in lifecycle rules,
        in seconds.
        """
        self._executor = Threads(THREADS, "s3")
        # Writes wait for their turn at the database. With threads of their own they do not delay reads.
        self._changing = Threads(THREADS, "s3-change")
        self._space = Space(limits, partial(_stored, database), free, tick)
        calendar = Calendar(day)
        self._buckets = BucketCache(database, calendar)
        facts = self._buckets.find
        self._store = Storage(database, blobs, region, clock, self._executor, self._space, servers, facts, object_keys)
        self._encrypts = object_keys is not None
        self._ending = threading.Event()
        self._servers = servers
        self._store.lifecycle = self._lifecycle_of
        self._lifecycles = LifecyclePasses(self._store, calendar)
        self._closed = closed
        self._beginning = Future[int]()
        self._beginning.set_result(0)
        self._upkeep = Future[None]()
        self._upkeep.set_result(None)

    def begin(self, swept: bool) -> None:
        """Count what is stored, in the background. Unless everything is ``swept``, remove garbage then.

        Requests go on meanwhile; only writes wait for the count, which reads a row for each bucket.
        """
        self._beginning = self._changing.submit(self._begin, swept)

    def _begin(self, swept: bool) -> int:
        try:
            self._space.await_count()
            removed = 0 if swept else self._store.sweep()
        except Exception:
            logger.exception("what is stored could not be counted and swept; the next start tries again")
            raise
        if self._encrypts and not self.is_shared:
            try:
                encrypt_rest(self._store, self._ending.is_set)
            except Exception:
                logger.exception("objects that an earlier version stored in plain text could not be encrypted yet")
        return removed

    def begun(self) -> int:
        """Wait until everything that ``begin`` began is done. Return the number of blobs that were removed."""
        return self._beginning.result()

    def close(self) -> None:
        """Finish the running requests and take no more."""
        self._ending.set()
        self._executor.shutdown(wait=True)
        self._changing.shutdown(wait=True)
        self._store.end()
        swept = self._beginning.exception() is None and self._store.is_swept()
        self._closed(swept)

    @property
    def is_shared(self) -> bool:
        """Whether other processes may use the same blobs."""
        return self._servers is not None

    def turn(self) -> Future[None]:
        """Tell the other processes of this one, and delete what none of them needs. Return the deletion's end."""
        assert self._servers is not None
        self._servers.turn()
        # A deletion may take longer than a turn; the beat must go on.
        if self._upkeep.done():
            self._upkeep = self._changing.submit(self._tend, self._servers)
        return self._upkeep

    def _tend(self, servers: Servers) -> None:
        try:
            self._store.upkeep()
            if not servers.alone():
                self._space.refresh()
        except OSError as error:
            logger.error("blobs without an object cannot be deleted, which will be retried: %s", error)
        except Exception:
            logger.exception("the upkeep of the shared blobs failed and will be retried")

    def sweep(self) -> int:
        """Remove the blobs of writes that were never acknowledged. Return their number."""
        return self._store.sweep()

    def stored_bytes(self, account: str) -> int:
        """Return the bytes of an account's objects and unfinished uploads."""
        return self._space.stored(account)

    async def send(self, request: S3Request) -> S3Response:
        """Carry out a request. Raises ``AwsError``, and has changed nothing in that case."""
        table = CONTROL_OPERATIONS if request.operation in CONTROL else OPERATIONS
        operation = table.get(request.operation)
        if operation is None:
            raise NotImplementedOperation(request.operation)
        operation.refuse_unsupported(request)
        if not operation.stores_body:
            threads = self._executor if reads_only(request.operation) else self._changing
            return await asyncio.get_running_loop().run_in_executor(threads, operation.handler, self._store, request)
        return await self._store_body(operation, request)

    async def _store_body(self, operation: Operation, request: S3Request) -> S3Response:
        assert request.body is not None
        needed = None
        if operation.check is not None:
            looks = operation.looks(request)
            needed = (
                await self._run(operation.check, self._store, request)
                if looks
                else operation.check(self._store, request)
            )
        announced = _announced(request)
        if not self._space.has_room(request.account, announced):
            await self._run(self._space.check, request.account, announced)
        if not isinstance(needed, Expected):
            needed = Expected(object_operations.written_algorithm(request), self._store.fresh_key())
        writer = self._store.create(request.account, needed.key)
        try:
            digests = await request.body.drain(writer.write, object_operations.SINGLE_PUT_LIMIT, (needed.algorithm,))
        except BaseException:
            writer.discard()
            raise
        received = Received(writer, digests)
        return await asyncio.get_running_loop().run_in_executor(
            self._changing, self._commit, operation, request, received
        )

    def _commit(self, operation: Operation, request: S3Request, received: Received) -> S3Response:
        # A single job in a thread, so that a client that goes away cannot stop it between the row and the response.
        try:
            return operation.handler(self._store, request, received)
        except (AwsError, StorageAway):
            # These are raised before the commit, so no row names the blob.
            received.writer.discard()
            raise
        except BaseException:
            self._store.left(received.writer)
            raise

    async def _run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    # For the service itself, in its own threads.

    def bucket(self, name: str) -> BucketFacts | None:
        """Return the facts of a bucket, or ``None``."""
        return self._buckets.find(name)

    def open_buckets(self) -> frozenset[str]:
        """Return the buckets whose policies or access control lists might allow anonymous requests."""
        return self._buckets.open()

    def known_open_buckets(self) -> frozenset[str] | None:
        """Return ``open_buckets`` if no bucket was written since its last call, else ``None``."""
        return self._buckets.known_open()

    def object_tags(self, bucket: str, key: str, version: str | None = None) -> Mapping[str, str]:
        """Return the tags of a version of a key, or of its current object; none if there is none."""
        return self._store.object_tags(bucket, key, version)

    def object_access(self, bucket: str, key: str, version: str | None = None) -> ObjectAccess | None:
        """Return the owner and the grants of a version of a key, or of its current object; ``None`` without one."""
        return self._store.object_access(bucket, key, version)

    def head(self, bucket: str, key: str) -> ObjectFacts | None:
        """Return the facts of an object, or ``None``. The first call for a multipart object computes its SHA-256."""
        found = self._store.lease(bucket, key)
        if found is None:
            return None
        row, lease = found
        try:
            sha256 = row.sha256 or whole_sha256(lease)
        finally:
            lease.release()
        if row.sha256 is None:
            self._remember_sha256(row, sha256)
        return _facts(row, sha256)

    def read(self, bucket: str, key: str) -> Iterator[bytes]:
        """Yield the bytes of an object in pieces. Raises ``NoSuchKey``."""
        found = self._store.lease(bucket, key)
        if found is None:
            raise NoSuchKey(key)
        _, lease = found
        try:
            yield from lease.read(0, lease.size)
        finally:
            lease.release()

    def first_key(self, bucket: str, prefix: str) -> str | None:
        """Return the first of a thousand keys that begins with a prefix and is not a folder marker, or ``None``."""
        with self._store.database.reading() as session:
            listed = list_keys(session, bucket, prefix=prefix).objects
        return next((entry.key.decode() for entry in listed if entry.size or not entry.key.endswith(b"/")), None)

    def keys_below(self, bucket: str, prefix: str, most: int) -> list[str]:
        """Return the first ``most`` keys that begin with a prefix, in order."""
        query = select(S3Object.key).where(*_below(bucket, prefix)).order_by(S3Object.key).limit(most)
        with self._store.database.reading() as session:
            return [key.decode() for key in session.scalars(query)]

    def objects_below(self, bucket: str, prefix: str) -> Iterator[tuple[str, ObjectFacts]]:
        """Yield the keys that begin with a prefix, in order, each with the facts of its object."""
        # Only these columns: a whole row takes five times as long.
        columns = (S3Object.key, S3Object.size, S3Object.etag, S3Object.sha256, S3Object.last_modified)
        query = select(*columns).where(*_below(bucket, prefix)).order_by(S3Object.key).limit(_AT_ONCE)
        rows: Sequence[Any] = ()
        while not rows or len(rows) == _AT_ONCE:
            following = query.where(S3Object.key > rows[-1].key) if rows else query
            with self._store.database.reading() as session:
                rows = session.execute(following).all()
            if not rows:
                return
            for row in rows:
                key = row.key.decode()
                # Only a multipart object has no SHA-256 yet.
                facts = self.head(bucket, key) if row.sha256 is None else _facts(row, row.sha256)
                if facts is not None:
                    yield key, facts

    def size_below(self, bucket: str, prefix: str, most: int) -> int:
        """Return the total size of the first ``most`` objects whose keys begin with a prefix."""
        sizes = select(S3Object.size).where(*_below(bucket, prefix)).limit(most).subquery()
        with self._store.database.reading() as session:
            return int(session.scalar(select(func.sum(sizes.c.size))) or 0)

    def put(self, bucket: str, key: str, data: bytes, content_type: str) -> None:
        """Store an object for the service itself, durably. Raises ``NoSuchBucket``."""
        algorithm = object_operations.DEFAULT_CHECKSUM
        digests = Digests((algorithm,))
        digests.update(data)
        writer = self._store.create(self._store.account_of(bucket), self._store.fresh_key())
        try:
            writer.write(data)
        except BaseException:
            writer.discard()
            raise
        received = Received(writer, digests)
        checksum = of_full_object(digests, algorithm)
        row = object_operations.plain_row(
            self._store, bucket, key, received, {"content-type": content_type}, {}, checksum
        )
        try:
            writer.seal()
        except (AwsError, StorageAway):
            writer.discard()
            raise
        with self._store.admitted(writer) as session:
            freed = object_operations.replace_object(session, row, {}).freed
        self._store.committed(writer, freed)

    def copy(self, bucket: str, key: str, new_key: str) -> None:
        """Copy an object within a bucket for the service itself, durably. Raises ``NoSuchKey``."""
        found = self._store.lease(bucket, key)
        if found is None:
            raise NoSuchKey(key)
        source, lease = found
        try:
            account = self._store.account_of(bucket)
            expected = Expected(object_operations.DEFAULT_CHECKSUM, self._store.fresh_key())
            received = copying.copy_bytes(self._store, account, lease, 0, source.size, expected)
        finally:
            lease.release()
        checksum = of_full_object(received.digests, object_operations.DEFAULT_CHECKSUM)
        row = object_operations.plain_row(
            self._store, bucket, new_key, received, without_access(source.headers), source.user_metadata, checksum
        )
        with self._store.admitted(received.writer) as session:
            freed = object_operations.replace_object(session, row, {}).freed
        self._store.committed(received.writer, freed)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object for the service itself. A missing object is no error, and gets no delete marker."""
        with self._store.database.transaction() as session:
            there = versions.current(session, bucket, key) is not None
            freed = versions.delete_current(session, bucket, key, self._store.clock()).freed if there else []
        self._store.forget(freed)

    def sizes_of_keys(self, bucket: str, prefix: str) -> Mapping[str, int]:
        """Return the keys that begin with a prefix, each with the bytes of all its versions."""
        found = Counter[str]()
        with self._store.database.reading() as session:
            for table in (S3Object, S3Version):
                sizes = select(table.key, func.sum(table.size)).where(*_below(bucket, prefix, table))
                for key, size in session.execute(sizes.group_by(table.key)):
                    found[key.decode()] += size
        return found

    def check_erasure(self, bucket: str, key: str) -> None:
        """Raise ``AccessDenied`` if a lock keeps a version of a key."""
        with self._store.database.reading() as session:
            self._check_locks(session, bucket, key)

    def erase(self, bucket: str, key: str) -> None:
        """Delete all versions of a key for good. Raises ``AccessDenied`` if one is locked, and deletes none then."""
        with self._store.database.transaction() as session:
            self._check_locks(session, bucket, key)
            freed = versions.erase(session, bucket, key)
        self._store.forget(freed)

    def _check_locks(self, session: Session, bucket: str, key: str) -> None:
        for lock in versions.locks_of(session, bucket, key):
            check_deletion(lock, self._store.clock(), bypass=False)

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        """Delete every object and unfinished upload whose key begins with a prefix. Return the number of objects.

        No transaction deletes more than a thousand objects. Raises ``ValueError`` for an empty prefix.
        """
        if not prefix:
            raise ValueError("an empty prefix would delete the whole bucket")
        count = 0
        while True:
            freed: list[str] = []
            with self._store.database.transaction() as session:
                keys = session.scalars(select(S3Object.key).where(*_below(bucket, prefix)).limit(_AT_ONCE)).all()
                for key in keys:
                    freed += versions.delete_current(session, bucket, key.decode(), self._store.clock()).freed
                uploads = multipart.uploads_of(session, bucket, prefix=prefix)
                for upload in uploads:
                    freed += multipart.abort(session, upload)
            self._store.forget(freed)
            count += len(keys)
            if len(keys) < _AT_ONCE and not uploads:
                return count

    def empty(self, bucket: str) -> int:
        """Delete every version that is not locked, and every unfinished upload. Return how many versions."""
        emptying = Emptying(bucket)
        for page in emptying.pages():
            with self._store.database.transaction() as session:
                freed = page.delete(session, self._store.clock())
            self._store.forget(freed)
        with self._store.database.transaction() as session:
            freed = multipart.abort_all(session, bucket)
        self._store.forget(freed)
        return emptying.deleted

    def _lifecycle_of(self, bucket: str) -> Lifecycle | None:
        facts = self.bucket(bucket)
        return None if facts is None else facts.lifecycle

    def apply_lifecycles(self) -> int:
        """Carry out what is due by the lifecycle rules. Return how many objects and uploads changed."""
        return self._lifecycles.turn()

    def abort_uploads(self, bucket: str, key: str) -> int:
        """Abort every unfinished upload of a key, or below a key that ends in a slash. Return their number."""
        freed: list[str] = []
        with self._store.database.transaction() as session:
            found = multipart.uploads_of(session, bucket, prefix=key)
            uploads = found if key.endswith("/") else [each for each in found if each.key == key.encode()]
            for upload in uploads:
                freed += multipart.abort(session, upload)
        self._store.forget(freed)
        return len(uploads)

    def _remember_sha256(self, row: versions.StoredVersion, sha256: str) -> None:
        with self._store.database.transaction() as session:
            current = session.get(S3Object, (row.bucket, row.key))
            if current is not None and current.segments == row.segments:
                current.sha256 = sha256


def _announced(request: S3Request) -> int:
    """Return the size of a write's body that its head declares; for a form it is a little more than the file."""
    assert request.body is not None
    if request.body.expectation.length is not None:
        return request.body.expectation.length
    return announced_bytes(request.incoming.header("content-length")) or 0


def _stored(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return stored_by_account(session)


def _facts(row: Any, sha256: str) -> ObjectFacts:
    return ObjectFacts(row.size, row.etag, sha256, row.last_modified)


def _below(bucket: str, prefix: str, table: type[versions.StoredVersion] = S3Object) -> list[ColumnElement[bool]]:
    """Return the conditions for the objects or versions whose keys begin with a prefix."""
    start = prefix.encode()
    upper = successor(start)
    conditions = [table.bucket == bucket, table.key >= start]
    return conditions if upper is None else [*conditions, table.key < upper]
