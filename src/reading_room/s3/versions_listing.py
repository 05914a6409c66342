"""Listings of versions: by key in the order of its UTF-8 bytes, and of each key the newest version first.

A page merges the current objects with the other versions. Both are read in the order of an index, from the place where
the page before ended.
"""

from __future__ import annotations

import datetime as dt
import heapq
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import exists, literal, or_, select
from sqlalchemy.orm import Session

from reading_room.s3.listing import access_entry, common_prefix, storage_class, successor
from reading_room.s3.tables import S3Object, S3Version
from reading_room.s3.versions import NULL, StoredVersion, at_key, check_version_id, lookup, rank_of

_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62
"""Ranks that no version has: one before those of all versions of a key, and one after them."""

_GROWTH = 8
"""How many times more rows are read after those that had no common prefix."""
Place = tuple[bytes, int]
"""A key and a rank. Versions are listed in this order."""


class ListedVersion(NamedTuple):
    """The fields of a version that a listing shows, as its row has them."""

    key: bytes
    rank: int
    version_id: str | None
    is_delete_marker: bool
    last_modified: dt.datetime
    etag: str
    size: int
    checksum: dict[str, str] | None
    storage_class: str | None
    """``None`` for ``STANDARD``."""
    access: str | None
    """The entry of ``object_access.py``, if the version has one."""


@dataclass(slots=True)
class VersionListing:
    """One page. ``last`` is its last version, or the text of its last common prefix; ``None`` if the page is empty."""

    versions: list[ListedVersion] = field(default_factory=list)
    latest: list[bool] = field(default_factory=list)
    """For each version, whether it is the newest one of its key."""
    prefixes: list[str] = field(default_factory=list)
    truncated: bool = False
    last: ListedVersion | str | None = None

    def __len__(self) -> int:
        return len(self.versions) + len(self.prefixes)


def marker_place(session: Session, bucket: str, key: str, version: str | None) -> Place:
    """Return the place after which a page with these markers begins. Raises ``InvalidArgument``.

    Without a version, the page begins after the key. A version that was deleted meanwhile has its place all the same,
    except for the null version, after whose deletion the page begins with the key.
    """
    check_version_id(version, "version-id-marker")
    if version is None:
        return key.encode(), _AFTER_ALL if key else _BEFORE_ALL
    if version != NULL:
        return key.encode(), rank_of(version) or 0
    for table in (S3Object, S3Version):
        rank = session.scalar(select(table.rank).where(at_key(table, bucket, key), lookup(table, NULL)))
        if rank is not None:
            return key.encode(), rank
    return key.encode(), _BEFORE_ALL


def list_versions(
    session: Session, bucket: str, *, prefix: str = "", delimiter: str = "", after: Place, limit: int = 1000
) -> VersionListing:
    """Return at most ``limit`` versions and common prefixes that follow a place."""
    start, separator = prefix.encode(), delimiter.encode()
    page, upper, key = VersionListing(), successor(start), after[0]
    lower: Place | None = after if key >= start else (start, _BEFORE_ALL)
    # If the marker equals a common prefix or begins with it, the whole prefix was listed.
    if separator and key.startswith(start) and key != start:
        lower = _behind(common_prefix(key, start, separator), lower)
    previous = None
    # A common prefix needs a single row.
    chunk = 1 if separator else limit + 1
    while limit > 0 and lower is not None:
        rows = _rows(session, bucket, lower, upper, min(chunk, limit + 1 - len(page)))
        for row in rows:
            if len(page) == limit:
                page.truncated = True
                return page
            common = common_prefix(row.key, start, separator) if separator else None
            if common is not None:
                page.last = common.decode()
                page.prefixes.append(page.last)
                lower, chunk = _behind(common, lower), 1
                break
            page.latest.append(row.key != previous and (row.key != lower[0] or _is_newest(session, bucket, row)))
            page.versions.append(row)
            page.last, previous = row, row.key
        else:
            if len(rows) < chunk:
                return page
            lower, chunk = (rows[-1].key, rows[-1].rank), chunk * _GROWTH
    return page


def _behind(common: bytes | None, lower: Place | None) -> Place | None:
    """Return the place before the first key behind a common prefix, ``None`` if there can be none."""
    if common is None:
        return lower
    following = successor(common)
    return None if following is None else (following, _BEFORE_ALL)


def _is_newest(session: Session, bucket: str, row: ListedVersion) -> bool:
    """Say whether a version in the middle of a key, where a page began, is the newest one of the key after all."""
    newer = [
        exists().where(table.bucket == bucket, table.key == row.key, table.rank < row.rank)
        for table in (S3Object, S3Version)
    ]
    return not session.scalar(select(or_(*newer)))


def _rows(session: Session, bucket: str, lower: Place, upper: bytes | None, limit: int) -> list[ListedVersion]:
    found = (_rows_of(session, table, bucket, lower, upper, limit) for table in (S3Object, S3Version))
    return list(islice(heapq.merge(*found, key=lambda row: (row.key, row.rank)), limit))


def _rows_of(
    session: Session, table: type[StoredVersion], bucket: str, lower: Place, upper: bytes | None, limit: int
) -> list[ListedVersion]:
    # Pages have up to a thousand versions, so only the columns that are shown are read, and no entities are built.
    marker: Any = table.is_delete_marker if table is S3Version else literal(False)
    query = select(
        table.key,
        table.rank,
        table.version_id,
        marker,
        table.last_modified,
        table.etag,
        table.size,
        table.checksum,
        storage_class(table),
        access_entry(table),
    ).where(table.bucket == bucket)
    key, rank = lower
    rows: list[ListedVersion] = []
    # Two ranges of the index: the rest of the first key, and the keys behind it.
    if rank not in (_BEFORE_ALL, _AFTER_ALL):
        rest = query.where(table.key == key, table.rank > rank).order_by(table.rank)
        rows += [ListedVersion(*row) for row in session.execute(rest.limit(limit))]
    if len(rows) < limit:
        behind = query.where(table.key >= key if rank == _BEFORE_ALL else table.key > key)
        if upper is not None:
            behind = behind.where(table.key < upper)
        behind = behind.order_by(table.key, table.rank).limit(limit - len(rows))
        rows += [ListedVersion(*row) for row in session.execute(behind)]
    return rows
