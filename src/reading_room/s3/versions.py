"""Versions of objects, as functions on a database session: finding, adding and deleting them.

The newest version of a key is a row of ``S3Object``, unless it is a delete marker. All others are rows of
``S3Version``. So a bucket without versioning has only rows of ``S3Object``, and a listing of current objects reads no
others. A version moves between the tables when another one takes its place, or when those after it are deleted; its
blobs stay where they are.

The order of a key's versions is that of their ranks, not of any clock. A version id has the rank in it, so that a
listing can continue after a version that was deleted meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Table, and_, bindparam, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from reading_room.database.base import UtcDateTime
from reading_room.database.engine import note_write
from reading_room.database.functions import dialect_name, insert_for
from reading_room.s3.blobs import blob_names
from reading_room.s3.errors import NoSuchBucket, NoSuchKey
from reading_room.s3.object_lock import lock_of_new
from reading_room.s3.tables import S3Bucket, S3Object, S3Version
from reading_room.s3.version_errors import NoSuchVersion, deleted_key, invalid_version, marker_refused

NULL = "null"
"""S3's name for a version that was written without versioning."""
ENABLED, SUSPENDED = "Enabled", "Suspended"
FIRST_RANK = 0
_RANDOM_BYTES, _RANK_BYTES = 19, 5
_OF_NOTHING = hashlib.sha256().hexdigest()
_CHARACTERS = b"._"
"""In place of base64's own two, as in AWS's ids: an id must not look like an option of a command."""

StoredVersion = S3Object | S3Version
Precondition = Callable[[str | None, str], None]
"""Checks the ETag of a key's current object, ``None`` without one; the second argument is the key."""

_OBJECTS, _VERSIONS = cast(Table, S3Object.__table__), cast(Table, S3Version.__table__)
_SHARED = [column.name for column in _OBJECTS.columns]


def new_version_id(rank: int) -> str:
    """Return a new id for a version with a rank: 32 characters, most of them random."""
    raw = secrets.token_bytes(_RANDOM_BYTES) + (-rank).to_bytes(_RANK_BYTES, "big")
    return base64.b64encode(raw, altchars=_CHARACTERS).decode()


def rank_of(version: str) -> int | None:
    """Return the rank of the version with an id; ``None`` if the text is no id of a version."""
    try:
        raw = base64.b64decode(version.encode("ascii"), altchars=_CHARACTERS, validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    return -int.from_bytes(raw[_RANDOM_BYTES:], "big") if len(raw) == _RANDOM_BYTES + _RANK_BYTES else None


def check_version_id(version: str | None, argument: str = "versionId") -> None:
    """Raise ``InvalidArgument`` for a text that cannot be the id of a version."""
    if version not in (None, NULL) and rank_of(version or "") is None:
        raise invalid_version(version or "", argument)


def shown_id(version_id: str | None) -> str:
    """Return the id of a stored version as clients see it."""
    return NULL if version_id is None else version_id


def status_of(session: Session, bucket: str) -> str | None:
    """Return the versioning of a bucket: ``Enabled``, ``Suspended``, or ``None``. Raises ``NoSuchBucket``."""
    row = session.execute(select(S3Bucket.versioning).where(S3Bucket.name == bucket)).one_or_none()
    if row is None:
        raise NoSuchBucket(bucket)
    return row[0]


# Finding


def at_key(table: type[StoredVersion], bucket: str, key: str) -> Any:
    """Return the condition for the rows of a key."""
    return and_(table.bucket == bucket, table.key == key.encode())


def lookup(table: type[StoredVersion], version: str) -> Any:
    """Return the condition for a version of a key, besides ``at_key``. Raises ``InvalidArgument``."""
    check_version_id(version)
    if version == NULL:
        return table.version_id.is_(None)
    return and_(table.rank == rank_of(version), table.version_id == version)


def current(session: Session, bucket: str, key: str) -> S3Object | None:
    """Return the current object of a key, or ``None``."""
    return session.get(S3Object, (bucket, key.encode()))


def find(session: Session, bucket: str, key: str, version: str | None) -> StoredVersion | None:
    """Return a version of a key, or its current object; ``None`` if there is none. Raises ``InvalidArgument``."""
    if version is None:
        return current(session, bucket, key)
    for table in (S3Object, S3Version):
        found = session.scalar(select(table).where(at_key(table, bucket, key), lookup(table, version)))
        if found is not None:
            return cast(StoredVersion, found)
    return None


def existing(session: Session, bucket: str, key: str, version: str | None, method: str) -> StoredVersion:
    """Return a version that is an object, or the current object of a key, for a request with an HTTP method.

    Raises what ``missing`` raises, and ``MethodNotAllowed`` for a delete marker, named or not.
    """
    row = find(session, bucket, key, version)
    if row is None:
        marker = newest(session, bucket, key) if version is None else None
        if marker is not None:
            raise marker_refused(method, shown_id(marker.version_id), marker.last_modified)
        raise missing(session, bucket, key, version)
    if isinstance(row, S3Version) and row.is_delete_marker:
        raise marker_refused(method, shown_id(row.version_id), row.last_modified)
    return row


def missing(session: Session, bucket: str, key: str, version: str | None) -> NoSuchKey | NoSuchVersion:
    """Return the error for an object that is not there. Raises ``NoSuchBucket`` and ``InvalidArgument``."""
    status = status_of(session, bucket)
    if version is not None:
        if status is None and version != NULL:
            raise invalid_version(version)
        return NoSuchVersion(key, version)
    marker = None if status is None else newest(session, bucket, key)
    return NoSuchKey(key) if marker is None else deleted_key(key, shown_id(marker.version_id))


def newest(session: Session, bucket: str, key: str) -> S3Version | None:
    """Return the newest version of a key that is not its current object, or ``None``."""
    query = select(S3Version).where(at_key(S3Version, bucket, key)).order_by(S3Version.rank).limit(1)
    return session.scalar(query)


# Adding

_OF_KEY: dict[str, Any] = {"bucket": bindparam("of_bucket"), "key": bindparam("of_key")}
_BEFORE = (
    select(
        S3Bucket.versioning, S3Bucket.object_lock, S3Object.etag, S3Object.segments, S3Object.version_id, S3Object.rank
    )
    .select_from(S3Bucket)
    .outerjoin(S3Object, and_(S3Object.bucket == S3Bucket.name, S3Object.key == _OF_KEY["key"]))
    .where(S3Bucket.name == _OF_KEY["bucket"])
)
_IS_OBJECT = and_(*(_OBJECTS.c[name] == value for name, value in _OF_KEY.items()))
_IS_VERSION = and_(*(_VERSIONS.c[name] == value for name, value in _OF_KEY.items()))
_IS_NULL_VERSION = and_(_IS_VERSION, _VERSIONS.c.version_id.is_(None))
_LEAST_RANK = select(func.min(_VERSIONS.c.rank)).where(_IS_VERSION)
_ARCHIVE = insert(_VERSIONS).from_select(
    [*_SHARED, "is_delete_marker", "noncurrent_at"],
    select(*(_OBJECTS.c[name] for name in _SHARED), literal(False), bindparam("now", type_=UtcDateTime())).where(
        _IS_OBJECT
    ),
)
_OVERTAKE = (
    update(_VERSIONS)
    .where(_IS_VERSION, _VERSIONS.c.rank == bindparam("of_rank"), _VERSIONS.c.noncurrent_at.is_(None))
    .values(noncurrent_at=bindparam("now", type_=UtcDateTime()))
)
_PROMOTE = insert(_OBJECTS).from_select(
    _SHARED,
    select(*(_VERSIONS.c[name] for name in _SHARED)).where(_IS_VERSION, _VERSIONS.c.rank == bindparam("of_rank")),
)


@cache
def _write(dialect: str) -> Any:
    """Return the statement that stores the row of a current object."""
    plain = insert_for(dialect)(_OBJECTS)
    return plain.on_conflict_do_update(
        index_elements=["bucket", "key"],
        set_={column.name: plain.excluded[column.name] for column in _OBJECTS.columns if not column.primary_key},
    )


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change of a key's versions did. ``freed`` are the blobs that no row names any more.

    ``version_id`` is that of the version that was added or deleted, as clients see it; ``None`` in a bucket that never
    had versioning, and for a null version that was added.
    """

    freed: list[str]
    version_id: str | None = None
    is_delete_marker: bool = False


def replace(session: Session, row: S3Object, precondition: Precondition) -> Changed:
    """Store the row of an object as the newest version of its key, in place of the one before or besides it.

    Core statements do this without an entity of the session, because a small write consists of little else; the
    session's own way to run them would take half as long again. The lock of the row is the requested one, which becomes
    that of the version. Raises ``NoSuchBucket``, ``InvalidRequest`` for a lock in a bucket without Object Lock, and
    what ``precondition`` raises.
    """
    connection, of_key = session.connection(), {"of_bucket": row.bucket, "of_key": row.key}
    before = connection.execute(_BEFORE, of_key).one_or_none()
    if before is None:
        raise NoSuchBucket(row.bucket)
    precondition(before.etag, row.key.decode())
    row.version_id, row.rank = None, FIRST_RANK
    row.lock = lock_of_new(before.object_lock, row.lock, row.last_modified)
    kept = {blob for blob, _ in row.segments}
    if before.versioning is None:
        freed = blob_names(before.segments)
    else:
        row.rank, freed = _make_way(session, of_key, before, row.last_modified)
        if before.versioning == ENABLED:
            row.version_id = new_version_id(row.rank)
    connection.execute(
        _write(dialect_name(session)), {name: value for name, value in vars(row).items() if not name.startswith("_")}
    )
    note_write(session, S3Object)
    return Changed([blob for blob in freed if blob not in kept], row.version_id)


def _make_way(session: Session, of_key: Mapping[str, Any], before: Any, now: dt.datetime) -> tuple[int, list[str]]:
    """Make a place for a new version of a key. Return its rank, and the blobs that no row names any more.

    With versioning suspended the new version is the null version, and so replaces the one that there may be.
    """
    connection = session.connection()
    suspended, has_object = before.versioning != ENABLED, before.rank is not None
    if suspended and has_object and before.version_id is None:
        return before.rank, blob_names(before.segments)
    note_write(session, S3Version)
    rank = before.rank if has_object else connection.scalar(_LEAST_RANK, of_key)
    freed = _remove_null(connection, of_key) if suspended else []
    if has_object:
        connection.execute(_ARCHIVE, {**of_key, "now": now})
    elif rank is not None:
        connection.execute(_OVERTAKE, {**of_key, "of_rank": rank, "now": now})
    return FIRST_RANK if rank is None else rank - 1, freed


def _remove_null(connection: Connection, of_key: Mapping[str, Any]) -> list[str]:
    """Remove the null version of a key, unless it is the current object. Return its blobs."""
    found = connection.execute(select(_VERSIONS.c.segments).where(_IS_NULL_VERSION), of_key).one_or_none()
    if found is None:
        return []
    connection.execute(delete(_VERSIONS).where(_IS_NULL_VERSION), of_key)
    return blob_names(found.segments)


# Deleting


def delete_current(
    session: Session, bucket: str, key: str, now: dt.datetime, precondition: Precondition = lambda etag, key: None
) -> Changed:
    """Delete the object of a key as a client does that names no version.

    With versioning this adds a delete marker, also to a key without any version. Raises ``NoSuchBucket``, and what
    ``precondition`` raises.
    """
    connection, of_key = session.connection(), {"of_bucket": bucket, "of_key": key.encode()}
    before = connection.execute(_BEFORE, of_key).one_or_none()
    if before is None:
        raise NoSuchBucket(bucket)
    precondition(before.etag, key)
    if before.versioning is None:
        freed, version_id = blob_names(before.segments), None
    else:
        rank, freed = _make_way(session, of_key, before, now)
        version_id = new_version_id(rank) if before.versioning == ENABLED else None
        connection.execute(insert(_VERSIONS), _marker(of_key, rank, version_id, now))
        note_write(session, S3Version)
    if before.rank is not None:
        connection.execute(delete(_OBJECTS).where(_IS_OBJECT), of_key)
        note_write(session, S3Object)
    return Changed(freed) if before.versioning is None else Changed(freed, shown_id(version_id), True)


def _marker(of_key: Mapping[str, Any], rank: int, version_id: str | None, now: dt.datetime) -> dict[str, Any]:
    return {
        "bucket": of_key["of_bucket"],
        "key": of_key["of_key"],
        "rank": rank,
        "version_id": version_id,
        "is_delete_marker": True,
        "last_modified": now,
        "size": 0,
        "etag": "",
        "headers": {},
        "user_metadata": {},
        "segments": [],
        "multipart": False,
        "content": b"",
        "sha256": _OF_NOTHING,
    }


_REMOVE_OBJECT = delete(_OBJECTS).where(_IS_OBJECT, _OBJECTS.c.rank == bindparam("of_rank"))
_REMOVE_VERSION = delete(_VERSIONS).where(_IS_VERSION, _VERSIONS.c.rank == bindparam("of_rank"))
_FACTS = ("version_id", "rank", "etag", "segments", "lock")


def delete_version(
    session: Session, bucket: str, key: str, version: str, precondition: Callable[[Any], None]
) -> Changed:
    """Delete a version for good. A version that does not exist is no error.

    ``precondition`` gets the facts of the version (``etag``, ``lock``), or ``None`` without one, and raises if it must
    not be deleted. Raises ``NoSuchBucket``, and ``InvalidArgument`` for a text that cannot be the id of a version.
    """
    status = status_of(session, bucket)
    if status is None and version != NULL:
        raise invalid_version(version)
    connection, of_key = session.connection(), {"of_bucket": bucket, "of_key": key.encode()}
    found, is_marker = None, False
    for table, of_table in ((S3Object, _IS_OBJECT), (S3Version, _IS_VERSION)):
        columns = cast(Table, table.__table__).c
        flag = columns.is_delete_marker if table is S3Version else literal(False)
        query = select(*(columns[name] for name in _FACTS), flag).where(of_table, lookup(table, version))
        found = connection.execute(query, of_key).one_or_none()
        if found is not None:
            is_marker = bool(found[-1])
            break
    precondition(None if is_marker else found)
    shown = None if status is None else version
    if found is None:
        return Changed([], shown)
    remove(session, bucket, key, found.rank)
    return Changed(blob_names(found.segments), shown, is_marker)


def erase(session: Session, bucket: str, key: str) -> list[str]:
    """Delete all versions of a key for good. Return the blobs that no row names any more."""
    freed: list[str] = []
    # The current object goes last: no other version takes its place.
    for table in (S3Version, S3Object):
        for rank, segments in session.execute(
            select(table.rank, table.segments).where(at_key(table, bucket, key))
        ).all():
            remove(session, bucket, key, rank)
            freed += blob_names(segments)
    return freed


def locks_of(session: Session, bucket: str, key: str) -> list[dict[str, str]]:
    """Return the locks of the versions of a key."""
    queries = (select(table.lock).where(at_key(table, bucket, key)) for table in (S3Object, S3Version))
    return [lock for query in queries for lock in session.scalars(query) if lock]


def remove(session: Session, bucket: str, key: str, rank: int) -> None:
    """Remove the row of a version. If it was the newest one of its key, the next one takes its place."""
    connection, of_key = session.connection(), {"of_bucket": bucket, "of_key": key.encode()}
    at_rank = {**of_key, "of_rank": rank}
    note_write(session, S3Object)
    if connection.execute(_REMOVE_OBJECT, at_rank).rowcount:
        _promote(session, of_key)
        return
    connection.execute(_REMOVE_VERSION, at_rank)
    note_write(session, S3Version)
    if connection.execute(select(_OBJECTS.c.rank).where(_IS_OBJECT), of_key).one_or_none() is None:
        _promote(session, of_key)


def _promote(session: Session, of_key: Mapping[str, Any]) -> None:
    """Make the newest version of a key without a current object its current one, unless it is a delete marker."""
    connection = session.connection()
    columns = (_VERSIONS.c.rank, _VERSIONS.c.is_delete_marker)
    query = select(*columns).where(_IS_VERSION).order_by(_VERSIONS.c.rank).limit(1)
    found = connection.execute(query, of_key).one_or_none()
    if found is None:
        return
    note_write(session, S3Version)
    at_rank = {**of_key, "of_rank": found.rank}
    is_it = and_(_IS_VERSION, _VERSIONS.c.rank == bindparam("of_rank"))
    if found.is_delete_marker:
        connection.execute(update(_VERSIONS).where(is_it).values(noncurrent_at=None), at_rank)
        return
    connection.execute(_PROMOTE, at_rank)
    connection.execute(delete(_VERSIONS).where(is_it), at_rank)
