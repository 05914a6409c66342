"""The facts of buckets, which every request needs. They are read once and kept until a bucket is written."""

from __future__ import annotations

from sqlalchemy import or_, select

from reading_room.database.engine import Database
from reading_room.database.kept import Kept
from reading_room.s3.backend import BucketFacts
from reading_room.s3.buckets import ENFORCED, GRANTS, ownership_of, setting
from reading_room.s3.lifecycle import lifecycle_in
from reading_room.s3.lifecycle_rules import Calendar
from reading_room.s3.public_access import may_allow_anonymous
from reading_room.s3.tables import S3Bucket


class BucketCache:
    """A cache of ``BucketFacts``. Thread-safe."""

    def __init__(self, database: Database, calendar: Calendar) -> None:
        self._database = database
        self._calendar = calendar
        self._kept = Kept[str, BucketFacts](database, S3Bucket)
        self._open = Kept[None, frozenset[str]](database, S3Bucket)

    def find(self, name: str) -> BucketFacts | None:
        """Return the facts of a bucket, or ``None``."""
        return self._kept.get(name, self._read)

    def open(self) -> frozenset[str]:
        """Return the buckets whose policies or access control lists might allow anonymous requests."""
        return self._open.get(None, self._read_open) or frozenset()

    def known_open(self) -> frozenset[str] | None:
        """Return ``open`` if no bucket was written since its last call, else ``None``."""
        return self._open.peek(None)

    def _read_open(self, _: None) -> frozenset[str]:
        settled = or_(S3Bucket.pinned_policy.is_not(None), S3Bucket.settings.is_not(None))
        with self._database.reading() as session:
            rows = session.scalars(select(S3Bucket).where(settled)).all()
        return frozenset(row.name for row in rows if _may_be_open(row))

    def _read(self, name: str) -> BucketFacts | None:
        with self._database.reading() as session:
            row = session.get(S3Bucket, name)
        if row is None:
            return None
        return BucketFacts(
            name=row.name,
            account=row.account,
            region=row.region,
            policy=row.pinned_policy,
            public_access_block=row.public_access_block,
            cors=row.cors,
            versioning=row.versioning,
            has_lists=ownership_of(row) != ENFORCED,
            lifecycle=lifecycle_in(row, self._calendar),
            grants=setting(row, GRANTS),
        )


def _may_be_open(row: S3Bucket) -> bool:
    """Say whether a bucket's policy, its list or those of its objects might allow anonymous requests."""
    switches = row.public_access_block or {}
    if ownership_of(row) != ENFORCED and not switches.get("IgnorePublicAcls"):
        return True
    return row.pinned_policy is not None and may_allow_anonymous(row.pinned_policy, switches)
