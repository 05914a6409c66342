"""The deletion of all versions of a bucket's objects, page by page, for the service itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from reading_room.s3.blobs import blob_names
from reading_room.s3.object_lock import is_held
from reading_room.s3.tables import S3Object, S3Version
from reading_room.s3.versions import StoredVersion, remove

PAGE = 1000
"""Versions that one transaction deletes."""
_START = (b"", -(2**62))


@dataclass(slots=True)
class Emptying:
    """How far the deletion has come: the versions that are not current first, then the current objects."""

    bucket: str
    deleted: int = 0

    def pages(self) -> Iterator[_Page]:
        """Yield the pages. Each must be deleted in a transaction before the next one is taken."""
        table: type[StoredVersion]
        for table in (S3Version, S3Object):
            page: _Page | None = _Page(self, table, _START)
            while page is not None:
                yield page
                page = page.following


@dataclass(slots=True)
class _Page:
    emptying: Emptying
    table: type[StoredVersion]
    after: tuple[bytes, int]
    following: _Page | None = None

    def delete(self, session: Session, now: dt.datetime) -> list[str]:
        """Delete the versions of the page that are not locked. Return the blobs that no row names any more."""
        table, bucket = self.table, self.emptying.bucket
        place = tuple_(table.key, table.rank)
        query = select(table.key, table.rank, table.segments, table.lock).where(table.bucket == bucket)
        rows = session.execute(query.where(place > self.after).order_by(table.key, table.rank).limit(PAGE)).all()
        freed: list[str] = []
        for row in rows:
            if not is_held(row.lock, now):
                remove(session, bucket, row.key.decode(), row.rank)
                freed += blob_names(row.segments)
                self.emptying.deleted += 1
        self.following = _Page(self.emptying, table, (rows[-1].key, rows[-1].rank)) if len(rows) == PAGE else None
        return freed
