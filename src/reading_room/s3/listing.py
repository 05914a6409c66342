"""Listings of keys in the order of their UTF-8 bytes, with prefix and delimiter.

A listing jumps over a common prefix at once, so that listing the "folders" of a large bucket reads one row for each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Text, case, cast, select
from sqlalchemy.orm import Session

from reading_room.database.functions import Contains
from reading_room.s3.object_access import ENTRY
from reading_room.s3.tables import S3Object, StoredObject

_CLASS = "x-amz-storage-class"
_GROWTH = 8
"""How many times more rows are read after those that had no common prefix."""


def storage_class(table: type[StoredObject]) -> ColumnElement[str | None]:
    """Return the storage class of a row, which is ``None`` for ``STANDARD``."""
    return _of_headers(table, _CLASS)


def access_entry(table: type[StoredObject]) -> ColumnElement[str | None]:
    """Return the entry of ``object_access.py`` of a row, which is ``None`` without one."""
    return _of_headers(table, ENTRY)


def _of_headers(table: type[StoredObject], name: str) -> ColumnElement[str | None]:
    # Few objects have one. Searching the text of their headers costs less than parsing it.
    return case((Contains(cast(table.headers, Text), name), table.headers[name].as_string()))


_STORAGE_CLASS, _ACCESS = storage_class(S3Object), access_entry(S3Object)


class ListedObject(NamedTuple):
    """The fields of an object that a listing shows, as its row has them."""

    key: bytes
    last_modified: dt.datetime
    etag: str
    size: int
    checksum: dict[str, str] | None
    storage_class: str | None
    """``None`` for ``STANDARD``."""
    access: str | None
    """The entry of ``object_access.py``, if the object has one."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page. ``last`` is its last key or common prefix, after which the next page begins."""

    objects: Sequence[ListedObject]
    prefixes: Sequence[str]
    truncated: bool
    last: str | None


def successor(prefix: bytes) -> bytes | None:
    """Return the least byte string greater than every one that begins with ``prefix``; ``None`` if there is none."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else None


def list_keys(
    session: Session, bucket: str, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
) -> Listing:
    """Return at most ``limit`` keys and common prefixes that follow ``after``."""
    start, separator, floor = prefix.encode(), delimiter.encode(), after.encode()
    objects: list[ListedObject] = []
    prefixes: list[str] = []
    last: bytes | None = None
    lower, inclusive = (start, True) if floor < start else (floor, False)
    # If the marker equals a common prefix or begins with it, the whole prefix was listed.
    inside = separator and floor.startswith(start) and floor != start
    if inside and (common := common_prefix(floor, start, separator)) is not None:
        following = successor(common)
        if following is None:
            return Listing((), (), False, None)
        lower, inclusive = following, True
    upper = successor(start)
    # A common prefix needs a single row.
    chunk = 1 if separator else limit + 1
    while limit > 0:
        rows = _rows(session, bucket, lower, inclusive, upper, min(chunk, limit + 1 - len(objects) - len(prefixes)))
        if not rows:
            return Listing(objects, prefixes, False, _text(last))
        chunk *= _GROWTH
        for row in rows:
            if len(objects) + len(prefixes) == limit:
                return Listing(objects, prefixes, True, _text(last))
            common = common_prefix(row.key, start, separator) if separator else None
            if common is None:
                objects.append(row)
                last, lower, inclusive = row.key, row.key, False
                continue
            prefixes.append(common.decode())
            last = common
            following = successor(common)
            if following is None:
                return Listing(objects, prefixes, False, _text(last))
            lower, inclusive, chunk = following, True, 1
            break
    return Listing((), (), False, None)


def _rows(
    session: Session, bucket: str, lower: bytes, inclusive: bool, upper: bytes | None, limit: int
) -> Sequence[ListedObject]:
    # Pages have up to a thousand objects, so only the columns that are shown are read, and no entities are built.
    query = select(
        *(S3Object.key, S3Object.last_modified, S3Object.etag, S3Object.size, S3Object.checksum),
        *(_STORAGE_CLASS, _ACCESS),
    )
    query = query.where(S3Object.bucket == bucket)
    query = query.where(S3Object.key >= lower if inclusive else S3Object.key > lower)
    if upper is not None:
        query = query.where(S3Object.key < upper)
    return [ListedObject(*row) for row in session.execute(query.order_by(S3Object.key).limit(limit))]


def common_prefix(key: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    """Return the common prefix that a listing shows in place of a key, or ``None``."""
    found = key.find(delimiter, len(prefix))
    return None if found < 0 else key[: found + len(delimiter)]


def _text(key: bytes | None) -> str | None:
    return None if key is None else key.decode()
