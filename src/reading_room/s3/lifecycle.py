"""Carrying out lifecycle rules: objects expire or change their storage class, and unfinished uploads are aborted.

Candidates are found by reading pages of rows. A short transaction then takes some of them, decides again by the rules
and the rows as they are at that moment, and changes them. So a pass needs little memory whatever a bucket holds, no
other write waits long, a crash loses nothing, and nothing that was written or tagged meanwhile is lost.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from reading_room.s3 import buckets, multipart, versions
from reading_room.s3.lifecycle_rules import Calendar, Counts, Lifecycle, Subject, lifecycle_of
from reading_room.s3.lifecycle_versions import VersionPass
from reading_room.s3.listing import storage_class
from reading_room.s3.storage import Storage
from reading_room.s3.tables import S3Bucket, S3Object, S3Upload

logger = logging.getLogger(__name__)

PAGE = 1000
"""Candidates that are read at once."""
AT_ONCE = 250
"""Objects or uploads that one transaction changes."""
CLASS_HEADER = "x-amz-storage-class"


def subject_of(row: S3Object) -> Subject:
    """Return what rules look at of an object."""
    return Subject(
        row.key.decode(), row.size, row.tags or {}, row.last_modified, row.headers.get(CLASS_HEADER, "STANDARD")
    )


class LifecyclePasses:
    """Carries out the rules of buckets: once for each day, and again after each change of a configuration.

    Actions are due at the ends of days, so that nothing becomes due in between except by new tags. Not thread-safe.
    """

    def __init__(self, store: Storage, calendar: Calendar) -> None:
        self._store = store
        self._calendar = calendar
        self._done: dict[str, tuple[dt.datetime, Lifecycle]] = {}
        """By bucket, the day and the rules of the last complete pass."""

    def turn(self) -> int:
        """Make the passes that are due. Return how many objects and uploads were changed."""
        changed = 0
        found = self._configured()
        self._done = {name: done for name, done in self._done.items() if name in found}
        for name, lifecycle in found.items():
            now = self._store.clock()
            day = self._calendar.start_of_day(now)
            if self._done.get(name) == (day, lifecycle):
                continue
            counts = _Pass(self._store, self._calendar, name, lifecycle, now).run()
            self._done[name] = (day, lifecycle)
            changed += counts.total
            if counts.total:
                logger.info(
                    "lifecycle of %s: %d objects expired, %d versions deleted, %d changed their storage class, "
                    "%d uploads aborted",
                    *(name, counts.expired, counts.versions, counts.transitioned, counts.aborted),
                )
        return changed

    def _configured(self) -> dict[str, Lifecycle]:
        """Return the buckets with enabled rules."""
        query = select(S3Bucket).where(S3Bucket.settings.is_not(None)).order_by(S3Bucket.name)
        with self._store.database.reading() as session:
            found = ((row.name, lifecycle_in(row, self._calendar)) for row in session.scalars(query))
            return {name: lifecycle for name, lifecycle in found if lifecycle is not None}


def lifecycle_in(row: S3Bucket, calendar: Calendar) -> Lifecycle | None:
    """Return the enabled rules of a bucket, ``None`` if there are none."""
    stored = buckets.setting(row, buckets.LIFECYCLE)
    lifecycle = None if stored is None else lifecycle_of(stored["rules"], calendar)
    return lifecycle if lifecycle is not None and lifecycle.rules else None


class _Pass:
    """One pass over a bucket."""

    def __init__(
        self, store: Storage, calendar: Calendar, bucket: str, lifecycle: Lifecycle, began: dt.datetime
    ) -> None:
        self._store = store
        self._calendar = calendar
        self._bucket = bucket
        self._lifecycle = lifecycle
        self._began = began
        self._counts = Counts()

    def run(self) -> Counts:
        if (latest := self._lifecycle.latest_write(self._began)) is not None:
            for page in self._objects(latest):
                for start in range(0, len(page), AT_ONCE):
                    self._change(page[start : start + AT_ONCE])
        # Afterwards, so that it counts what the expiration of current objects made noncurrent.
        VersionPass(self._store, self._bucket, self._lifecycle, self._current, self._now).run(self._counts)
        if (latest := self._lifecycle.latest_upload(self._began)) is not None:
            for uploads in self._uploads(latest):
                if uploads:
                    self._abort(uploads)
        return self._counts

    def _now(self) -> dt.datetime:
        """Return the time: not later than when the pass began, and earlier if the clock was set back since."""
        return min(self._began, self._store.clock())

    def _objects(self, latest: dt.datetime) -> Iterator[list[bytes]]:
        """Yield the keys of objects that are due, in pages."""
        columns = (S3Object.key, S3Object.size, S3Object.last_modified, storage_class(S3Object))
        tags = (S3Object.tags,) if self._lifecycle.reads_tags else ()
        query = select(*columns, *tags).where(S3Object.bucket == self._bucket, S3Object.last_modified < latest)
        after = b""
        while True:
            following = query.where(S3Object.key > after).order_by(S3Object.key).limit(PAGE)
            with self._store.database.reading() as session:
                rows = session.execute(following).all()
            yield [
                row[0]
                for row in rows
                if self._is_due(
                    self._lifecycle,
                    Subject(row[0].decode(), row[1], (row[4] or {}) if tags else {}, row[2], row[3] or "STANDARD"),
                )
            ]
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    def _is_due(self, lifecycle: Lifecycle, subject: Subject) -> bool:
        now = self._now()
        expiry = lifecycle.expiry(subject)
        return (expiry is not None and expiry.at <= now) or lifecycle.storage_class(subject, now) is not None

    def _current(self, session: Session) -> Lifecycle | None:
        """Return the rules as they are now."""
        row = session.get(S3Bucket, self._bucket)
        return None if row is None else lifecycle_in(row, self._calendar)

    def _change(self, keys: Sequence[bytes]) -> None:
        """Delete or transition those of some objects that are due by the rules and the rows as they are now."""
        expired = transitioned = 0
        freed: list[str] = []
        with self._store.database.transaction() as session:
            lifecycle = self._current(session)
            if lifecycle is None:
                return
            now = self._now()
            rows = session.scalars(select(S3Object).where(S3Object.bucket == self._bucket, S3Object.key.in_(keys)))
            for row in rows.all():
                subject = subject_of(row)
                expiry = lifecycle.expiry(subject)
                if expiry is not None and expiry.at <= now:
                    freed += versions.delete_current(session, self._bucket, subject.key, self._store.clock()).freed
                    expired += 1
                elif (target := lifecycle.storage_class(subject, now)) is not None:
                    row.headers = {**row.headers, CLASS_HEADER: target}
                    transitioned += 1
        self._store.forget(freed)
        self._counts.expired += expired
        self._counts.transitioned += transitioned

    def _uploads(self, latest: dt.datetime) -> Iterator[list[str]]:
        """Yield the ids of uploads that began early enough, in pages."""
        place = tuple_(S3Upload.key, S3Upload.upload_id)
        query = select(S3Upload.key, S3Upload.upload_id).where(
            S3Upload.bucket == self._bucket, S3Upload.initiated < latest
        )
        after = (b"", "")
        while True:
            following = query.where(place > after).order_by(S3Upload.key, S3Upload.upload_id).limit(AT_ONCE)
            with self._store.database.reading() as session:
                rows = session.execute(following).all()
            yield [upload_id for _, upload_id in rows]
            if len(rows) < AT_ONCE:
                return
            after = (rows[-1][0], rows[-1][1])

    def _abort(self, uploads: Sequence[str]) -> None:
        aborted = 0
        freed: list[str] = []
        with self._store.database.transaction() as session:
            lifecycle = self._current(session)
            now = self._now()
            for row in session.scalars(select(S3Upload).where(S3Upload.upload_id.in_(uploads))).all():
                found = None if lifecycle is None else lifecycle.abortion(row.key.decode(), row.initiated)
                if found is not None and found.at <= now:
                    freed += multipart.abort(session, row)
                    aborted += 1
        self._store.forget(freed)
        self._counts.aborted += aborted
