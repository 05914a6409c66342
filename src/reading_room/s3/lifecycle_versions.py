"""Carrying out lifecycle rules on versions that are not current, and on delete markers that are all that is left.

As for objects (``lifecycle.py``), pages of candidates are read, and a short transaction decides again about some of
them. Versions that Object Lock holds stay.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from reading_room.s3 import versions
from reading_room.s3.blobs import blob_names
from reading_room.s3.lifecycle_rules import Counts, Lifecycle, Subject
from reading_room.s3.object_lock import is_held
from reading_room.s3.storage import Storage
from reading_room.s3.tables import S3Version

PAGE = 1000
AT_ONCE = 250
CLASS_HEADER = "x-amz-storage-class"
_START = (b"", -(2**62))
_OTHER = aliased(S3Version)
_OF_SAME_KEY = (_OTHER.bucket == S3Version.bucket, _OTHER.key == S3Version.key)
_NEWER = (
    select(func.count())
    .select_from(_OTHER)
    .where(*_OF_SAME_KEY, _OTHER.rank < S3Version.rank, _OTHER.noncurrent_at.is_not(None))
    .scalar_subquery()
)
"""How many noncurrent versions of the key are newer."""
_IS_LAST = ~exists().where(*_OF_SAME_KEY, _OTHER.rank != S3Version.rank)
_COLUMNS = tuple(
    getattr(S3Version, name)
    for name in ("key", "rank", "size", "tags", "headers", "noncurrent_at", "is_delete_marker", "last_modified")
)


class VersionPass:
    """One pass over the versions of a bucket that are not current."""

    def __init__(
        self,
        store: Storage,
        bucket: str,
        lifecycle: Lifecycle,
        current: Callable[[Session], Lifecycle | None],
        now: Callable[[], dt.datetime],
    ) -> None:
        """``current`` returns the rules as they are in a transaction, and ``now`` the time that counts."""
        self._store = store
        self._bucket = bucket
        self._lifecycle = lifecycle
        self._current = current
        self._now = now

    def run(self, counts: Counts) -> None:
        """Make the pass, and count what it does."""
        if (latest := self._lifecycle.latest_noncurrent(self._now())) is not None:
            self._walk(S3Version.noncurrent_at < latest, _noncurrent_is_due, self._change, counts)
        if self._lifecycle.removes_markers:
            # After the versions before them, so that a marker goes in the same pass as the last of these.
            alone = S3Version.is_delete_marker & S3Version.noncurrent_at.is_(None) & _IS_LAST
            self._walk(alone, _marker_is_due, self._remove_markers, counts)

    def _walk(
        self,
        condition: ColumnElement[bool],
        is_due: Callable[[Lifecycle, Any, dt.datetime], bool],
        act: Callable[[Session, Lifecycle, Sequence[Any], Counts], list[str]],
        counts: Counts,
    ) -> None:
        for places in self._due(condition, is_due):
            for start in range(0, len(places), AT_ONCE):
                found = Counts()
                with self._store.database.transaction() as session:
                    lifecycle, now = self._current(session), self._now()
                    if lifecycle is None:
                        return
                    chosen = tuple_(S3Version.key, S3Version.rank).in_(places[start : start + AT_ONCE])
                    rows = session.execute(_query(self._bucket, lifecycle).where(chosen, condition)).all()
                    freed = act(session, lifecycle, [row for row in rows if is_due(lifecycle, row, now)], found)
                self._store.forget(freed)
                counts.add(found)

    def _due(
        self, condition: ColumnElement[bool], is_due: Callable[[Lifecycle, Any, dt.datetime], bool]
    ) -> Iterator[list[tuple[bytes, int]]]:
        """Yield the keys and ranks of versions that are due, in pages."""
        place = tuple_(S3Version.key, S3Version.rank)
        query = _query(self._bucket, self._lifecycle).where(condition)
        after = _START
        while True:
            following = query.where(place > after).order_by(S3Version.key, S3Version.rank).limit(PAGE)
            with self._store.database.reading() as session:
                rows = session.execute(following).all()
            now = self._now()
            yield [(row.key, row.rank) for row in rows if is_due(self._lifecycle, row, now)]
            if len(rows) < PAGE:
                return
            after = (rows[-1].key, rows[-1].rank)

    def _change(self, session: Session, lifecycle: Lifecycle, rows: Sequence[Any], counts: Counts) -> list[str]:
        """Delete or transition noncurrent versions. Return the blobs that no row names any more."""
        freed: list[str] = []
        now = self._now()
        for row in rows:
            subject = _subject(row)
            if lifecycle.noncurrent_expired(subject, row.newer, now, marker=row.is_delete_marker):
                freed += self._remove(session, row, counts)
            elif (target := lifecycle.noncurrent_class(subject, row.newer, now)) is not None:
                at = (S3Version.bucket == self._bucket, S3Version.key == row.key, S3Version.rank == row.rank)
                headers = {**row.headers, CLASS_HEADER: target}
                session.execute(update(S3Version).where(*at).values(headers=headers))
                counts.transitioned += 1
        return freed

    def _remove_markers(self, session: Session, lifecycle: Lifecycle, rows: Sequence[Any], counts: Counts) -> list[str]:
        """Remove delete markers that are the only version of their key."""
        return [blob for row in rows for blob in self._remove(session, row, counts)]

    def _remove(self, session: Session, row: Any, counts: Counts) -> list[str]:
        at = (S3Version.bucket == self._bucket, S3Version.key == row.key, S3Version.rank == row.rank)
        found = session.execute(select(S3Version.segments, S3Version.lock).where(*at)).one()
        if is_held(found.lock, self._store.clock()):
            return []
        versions.remove(session, self._bucket, row.key.decode(), row.rank)
        counts.versions += 1
        return blob_names(found.segments)


def _query(bucket: str, lifecycle: Lifecycle) -> Select[Any]:
    newer: Any = _NEWER if lifecycle.counts_newer else literal(0)
    return select(*_COLUMNS, newer.label("newer")).where(S3Version.bucket == bucket)


def _subject(row: Any) -> Subject:
    storage_class = row.headers.get(CLASS_HEADER, "STANDARD")
    return Subject(row.key.decode(), row.size, row.tags or {}, row.noncurrent_at, storage_class)


def _noncurrent_is_due(lifecycle: Lifecycle, row: Any, now: dt.datetime) -> bool:
    if row.noncurrent_at is None:
        return False
    subject = _subject(row)
    if lifecycle.noncurrent_expired(subject, row.newer, now, marker=row.is_delete_marker):
        return True
    return not row.is_delete_marker and lifecycle.noncurrent_class(subject, row.newer, now) is not None


def _marker_is_due(lifecycle: Lifecycle, row: Any, now: dt.datetime) -> bool:
    return lifecycle.removes_marker(row.key.decode(), row.last_modified, now)
