"""The tables of buckets, objects and their versions. The bytes are in blobs, which the rows name.

Keys are stored as their UTF-8 bytes, so that SQLite orders them as S3 lists them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from sqlalchemy import DDL, JSON, BigInteger, ForeignKey, Index, LargeBinary, String, Table, Text, event, text
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime
from reading_room.database.sealed import Sealed

_TAGGED = text("tags IS NOT NULL")
_IN_BLOBS = text("content IS NULL")
_PLAIN = text("encryption IS NULL")
_NULL_VERSION = text("version_id IS NULL")


class S3Bucket(Base):
    """A bucket, its policy, and its four Block Public Access switches (all ``None`` once deleted)."""

    __tablename__ = "s3_buckets"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    account: Mapped[str] = mapped_column(String(32), index=True)
    region: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    policy: Mapped[str | None] = mapped_column(Text)
    """The text that GetBucketPolicy returns, as it was put."""
    pinned_policy: Mapped[str | None] = mapped_column(Text)
    """The policy for authorization, with unique ids in place of the ARNs of users and roles: a later user or role of
    the same name is another principal."""
    public_access_block: Mapped[dict[str, bool] | None] = mapped_column(JSON(none_as_null=True))
    tags: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    cors: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """The CORS rules as they were put, under botocore's member names."""
    versioning: Mapped[str | None] = mapped_column(String(16))
    """``Enabled`` or ``Suspended``; ``None`` if versioning was never set."""
    object_lock: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The default retention, under botocore's member names, or ``{}`` without one; ``None`` without Object Lock."""
    settings: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The other settings of the bucket by name (``buckets.py``); those that are absent are as in a new bucket."""


class StoredObject:
    """The columns of an object, whether it is the current version of its key or not.

    ``segments`` is a list of ``[blob, size]``: one for a plain object, one per part for a multipart one. The bytes of
    a small plain object are in ``content``, and its blob has no name. ``sha256`` is that of the whole content; for a
    multipart object it is ``None`` until it is needed.
    """

    bucket: Mapped[str] = mapped_column(ForeignKey("s3_buckets.name"), primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(1024), primary_key=True)
    size: Mapped[int]
    etag: Mapped[str] = mapped_column(String(48))
    """Without quotes."""
    sha256: Mapped[str | None] = mapped_column(String(64))
    last_modified: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    headers: Mapped[dict[str, str]] = mapped_column(JSON)
    """Content-Type and the other stored headers, and the entry of ``object_access.py``."""
    user_metadata: Mapped[dict[str, str]] = mapped_column(JSON)
    checksum: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """``algorithm``, ``value`` (base64, with ``-N`` when composite) and ``type``."""
    segments: Mapped[list[Any]] = mapped_column(JSON)
    multipart: Mapped[bool] = mapped_column(default=False)
    upload_id: Mapped[str | None] = mapped_column(String(64))
    """The multipart upload that made the object, so that a repeated completion gets the same answer."""
    tags: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    part_checksums: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """For a multipart object with a checksum: the checksum of each part, base64, in the order of ``segments``."""
    version_id: Mapped[str | None] = mapped_column(String(32))
    """``None`` for the null version, which is the only one in a bucket that never had versioning."""
    lock: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """The retention and the legal hold of a version (``object_lock.py``)."""
    encryption: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The data key of the bytes, itself encrypted (``object_keys.py``); ``None`` if an earlier version wrote them."""
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, sort_order=100)
    """Deferred, and the last column, so that a listing does not read it."""


class S3Object(StoredObject, Base):
    """The current object of a key. An object exists from the commit of its row on.

    A key has no row here if it was never written, or if its newest version is a delete marker.
    """

    __tablename__ = "s3_objects"
    # They have some of the objects only, so that looking whether there is one of those costs nothing.
    __table_args__ = (
        Index("ix_s3_objects_tagged", "bucket", sqlite_where=_TAGGED, postgresql_where=_TAGGED),
        Index("ix_s3_objects_in_blobs", "bucket", sqlite_where=_IN_BLOBS, postgresql_where=_IN_BLOBS),
        Index("ix_s3_objects_plain", "bucket", "key", "rank", sqlite_where=_PLAIN, postgresql_where=_PLAIN),
    )

    rank: Mapped[int] = mapped_column(default=0, server_default="0", sort_order=50)
    """The order of a key's versions: a newer version has a lower rank. The first one has 0."""


class S3Version(StoredObject, Base):
    """A version that is not the current object of its key: an earlier one, or a delete marker.

    Only keys of buckets that have or had versioning have rows here.
    """

    __tablename__ = "s3_versions"
    __table_args__ = (
        # A key has at most one null version.
        Index(
            "ix_s3_versions_null",
            "bucket",
            "key",
            unique=True,
            sqlite_where=_NULL_VERSION,
            postgresql_where=_NULL_VERSION,
        ),
        Index("ix_s3_versions_tagged", "bucket", sqlite_where=_TAGGED, postgresql_where=_TAGGED),
        Index("ix_s3_versions_in_blobs", "bucket", sqlite_where=_IN_BLOBS, postgresql_where=_IN_BLOBS),
        Index("ix_s3_versions_plain", "bucket", "key", "rank", sqlite_where=_PLAIN, postgresql_where=_PLAIN),
    )

    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=50)
    is_delete_marker: Mapped[bool] = mapped_column(sort_order=51)
    noncurrent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, sort_order=52)
    """When a newer version took its place; ``None`` for a delete marker that is the newest version."""


class S3Stored(Base):
    """How many bytes all versions of a bucket's objects have. A bucket that never had one has no row.

    The database's own triggers change it with every row of an object or a version, in the same transaction. So it is
    right after a crash, in a backup, and whoever wrote the objects, and nobody ever has to read all of their rows.
    """

    __tablename__ = "s3_stored"

    bucket: Mapped[str] = mapped_column(ForeignKey("s3_buckets.name", ondelete="CASCADE"), primary_key=True)
    bytes: Mapped[int]


_ADD = """
INSERT INTO s3_stored (bucket, bytes) VALUES (NEW.bucket, NEW.size)
ON CONFLICT (bucket) DO UPDATE SET bytes = s3_stored.bytes + excluded.bytes;"""
_SUBTRACT = """
UPDATE s3_stored SET bytes = bytes - OLD.size WHERE bucket = OLD.bucket;"""
_CHANGE = """
UPDATE s3_stored SET bytes = bytes + NEW.size - OLD.size WHERE bucket = NEW.bucket;"""
_TRIGGERS = {
    "sqlite": (
        f"CREATE TRIGGER s3_objects_added AFTER INSERT ON s3_objects BEGIN{_ADD} END",
        f"CREATE TRIGGER s3_objects_deleted AFTER DELETE ON s3_objects BEGIN{_SUBTRACT} END",
        "CREATE TRIGGER s3_objects_changed AFTER UPDATE OF size ON s3_objects WHEN NEW.size <> OLD.size "
        f"BEGIN{_CHANGE} END",
        f"CREATE TRIGGER s3_versions_added AFTER INSERT ON s3_versions BEGIN{_ADD} END",
        f"CREATE TRIGGER s3_versions_deleted AFTER DELETE ON s3_versions BEGIN{_SUBTRACT} END",
    ),
    "postgresql": (
        "CREATE FUNCTION s3_objects_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'INSERT' THEN{_ADD} ELSIF TG_OP = 'DELETE' THEN{_SUBTRACT} ELSE{_CHANGE} END IF; "
        "RETURN NULL; END $$",
        "CREATE TRIGGER s3_objects_counted AFTER INSERT OR DELETE OR UPDATE OF size ON s3_objects "
        "FOR EACH ROW EXECUTE FUNCTION s3_objects_counted()",
        "CREATE TRIGGER s3_versions_counted AFTER INSERT OR DELETE ON s3_versions "
        "FOR EACH ROW EXECUTE FUNCTION s3_objects_counted()",
    ),
}
_STORED = cast(Table, S3Stored.__table__)
_STORED.add_is_dependent_on(cast(Table, S3Object.__table__))
_STORED.add_is_dependent_on(cast(Table, S3Version.__table__))
for _dialect, _statements in _TRIGGERS.items():
    for _statement in _statements:
        event.listen(_STORED, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]


class S3Upload(Base):
    """A multipart upload that is neither completed nor aborted."""

    __tablename__ = "s3_uploads"

    upload_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    bucket: Mapped[str] = mapped_column(ForeignKey("s3_buckets.name"), index=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(1024))
    initiated: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    initiator: Mapped[str] = mapped_column(Text)
    headers: Mapped[dict[str, str]] = mapped_column(JSON)
    user_metadata: Mapped[dict[str, str]] = mapped_column(JSON)
    checksum_algorithm: Mapped[str | None] = mapped_column(String(16))
    checksum_type: Mapped[str | None] = mapped_column(String(16))
    tags: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    lock: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """The retention and the legal hold that the upload was begun with."""
    encryption: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The data key of all parts, as in the row of the object."""


class S3Part(Base):
    """A part of an upload. A later part with the same number replaces it."""

    __tablename__ = "s3_parts"

    upload_id: Mapped[str] = mapped_column(ForeignKey("s3_uploads.upload_id", ondelete="CASCADE"), primary_key=True)
    part_number: Mapped[int] = mapped_column(primary_key=True)
    blob: Mapped[str] = mapped_column(String(32))
    size: Mapped[int]
    etag: Mapped[str] = mapped_column(String(32))
    last_modified: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    checksum: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))


class S3Server(Base):
    """A ``serve`` process that uses a store of blobs together with others (``servers.py``)."""

    __tablename__ = "s3_servers"

    server: Mapped[str] = mapped_column(String(12), primary_key=True)
    """The last digits of the names of its blobs."""
    beat: Mapped[int] = mapped_column(BigInteger)
    """Counts up while the process runs."""
    ended: Mapped[bool]
    """Whether no row may name a blob of the process any more."""
    busy_ms: Mapped[int] = mapped_column(BigInteger)
    """How many milliseconds its oldest read or commit had lasted at the beat."""
    held: Mapped[list[str]] = mapped_column(JSON)
    """The blobs of its long reads, which ``busy_ms`` leaves out."""


class S3Store(Base):
    """The shared store that the blobs of this database are in, in a single row."""

    __tablename__ = "s3_stores"

    one: Mapped[int] = mapped_column(primary_key=True)
    store: Mapped[str] = mapped_column(String(32))
    """The text of the store's object or file ``store``."""


class S3ServiceKey(Base):
    """A key of the service, which encrypts the data keys of objects (``object_keys.py``)."""

    __tablename__ = "s3_service_keys"

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    """Hexadecimal."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    key = Sealed()
    """Hexadecimal."""
