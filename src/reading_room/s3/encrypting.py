"""Encrypts what earlier versions stored in plain text, in the background after a start.

The bytes of an object are written again with a key, and then its row is changed if it is still without one: whatever
was written meanwhile has a key already. A crash leaves the object as it was, or as it shall be.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

from sqlalchemy import CursorResult, select, update

from reading_room.database.engine import note_write
from reading_room.s3.blobs import DamagedBlob, blob_names
from reading_room.s3.object_cipher import DataKey
from reading_room.s3.space import MeteredWriter
from reading_room.s3.storage import Lease, Storage
from reading_room.s3.tables import S3Object, S3Version
from reading_room.s3.versions import StoredVersion, shown_id

logger = logging.getLogger(__name__)

_ROWS = 500


class _Ended(Exception):
    """The process is about to end."""


def encrypt_rest(store: Storage, ends: Callable[[], bool]) -> int:
    """Encrypt every object that is stored in plain text, until ``ends`` says so. Return their number.

    An object that is damaged stays as it is. Raises ``InsufficientCapacity`` if there is no room.
    """
    count = 0
    for table in (S3Object, S3Version):
        after: tuple[str, bytes, int] | None = None
        while places := _next(store, table, after):
            for bucket, key, rank, version_id in places:
                try:
                    count += _encrypt(store, table, (bucket, key, rank), version_id, ends)
                except _Ended:
                    return count
                except DamagedBlob as error:
                    logger.error("%r of %s stays in plain text: %s", key.decode(), bucket, error)
            after = places[-1][:3]
    if count:
        logger.info("encrypted %d objects that an earlier version stored in plain text", count)
    return count


def _next(
    store: Storage, table: type[StoredVersion], after: tuple[str, bytes, int] | None
) -> list[tuple[str, bytes, int, str | None]]:
    place = (table.bucket, table.key, table.rank)
    query = select(*place, table.version_id).where(table.encryption.is_(None)).order_by(*place).limit(_ROWS)
    if issubclass(table, S3Version):
        query = query.where(table.is_delete_marker.is_(False))
    if after is not None:
        bucket, key, rank = after
        query = query.where(
            (table.bucket > bucket)
            | ((table.bucket == bucket) & ((table.key > key) | ((table.key == key) & (table.rank > rank))))
        )
    with store.database.reading() as session:
        return [(bucket, key, rank, version) for bucket, key, rank, version in session.execute(query)]


def _encrypt(
    store: Storage,
    table: type[StoredVersion],
    place: tuple[str, bytes, int],
    version_id: str | None,
    ends: Callable[[], bool],
) -> bool:
    """Encrypt one version, and say whether it was still there in plain text."""
    bucket, key, rank = place
    found = store.lease(bucket, key.decode(), None if table is S3Object else shown_id(version_id))
    if found is None:
        return False
    row, lease = found
    key_of_row, writers, changed = DataKey.fresh(), list[MeteredWriter](), False
    try:
        if row.encryption is not None or not isinstance(row, table):
            return False
        values: dict[str, Any] = {"encryption": store.sealed_key(key_of_row, bucket, key)}
        if lease.content is not None:
            values["content"] = key_of_row.seal_row(lease.content)
        else:
            values["segments"] = _written_again(store, lease, bucket, key_of_row, writers, ends)
        unchanged = (table.bucket == bucket, table.key == key, table.rank == rank, table.encryption.is_(None))
        with store.database.transaction() as session:
            result = session.execute(update(table).where(*unchanged).values(values))
            changed = bool(cast(CursorResult[Any], result).rowcount)
            note_write(session, table)
    except BaseException:
        # Whether the transaction was committed may not be certain.
        for writer in writers:
            store.left(writer)
        raise
    finally:
        lease.release()
    for writer in writers:
        if changed:
            writer.keep()
        else:
            writer.discard()
    if changed:
        store.forget(blob_names(row.segments))
    return changed


def _written_again(
    store: Storage,
    lease: Lease,
    bucket: str,
    key: DataKey,
    writers: list[MeteredWriter],
    ends: Callable[[], bool],
) -> list[tuple[str, int]]:
    """Write each blob of an object again, add its writer to ``writers``, and return the new segments."""
    segments, start = [], 0
    for _, size in lease.segments:
        writer = store.create(store.account_of(bucket), key)
        writers.append(writer)
        for piece in lease.read(start, size):
            if ends():
                raise _Ended
            writer.write(piece)
        writer.seal()
        segments.append((writer.blob_id, size))
        start += size
    return segments
