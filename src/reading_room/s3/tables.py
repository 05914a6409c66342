"""The metadata of buckets and objects. Bytes lie elsewhere, in blobs that rows name.

Keys are stored as their UTF-8 bytes, so that SQLite orders them as S3 lists them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime


class S3Bucket(Base):
    """A bucket, its policy, and its four Block Public Access switches (all ``None`` once deleted)."""

    __tablename__ = "s3_buckets"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    account: Mapped[str] = mapped_column(String(32), index=True)
    region: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    policy: Mapped[str | None] = mapped_column(Text)
    """As given, for GetBucketPolicy."""
    pinned_policy: Mapped[str | None] = mapped_column(Text)
    """For decisions: unique ids in place of the ARNs of users and roles, so that a successor of the same name is
    somebody else."""
    public_access_block: Mapped[dict[str, bool] | None] = mapped_column(JSON(none_as_null=True))
    tags: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    cors: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """The rules of CORS as given, under botocore's member names."""


class S3Object(Base):
    """The current object of a key. A row is the moment that an object exists: no row, no object.

    ``segments`` is a list of ``[blob, size]``: one for a plain object, one per part for a multipart one. The bytes of
    a small plain object lie in ``content``, and its blob has no name.
    ``sha256`` is of the whole content; ``None`` for a multipart object until somebody asks.
    """

    __tablename__ = "s3_objects"

    bucket: Mapped[str] = mapped_column(ForeignKey("s3_buckets.name"), primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(1024), primary_key=True)
    size: Mapped[int]
    etag: Mapped[str] = mapped_column(String(48))
    """Without quotes."""
    sha256: Mapped[str | None] = mapped_column(String(64))
    last_modified: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    headers: Mapped[dict[str, str]] = mapped_column(JSON)
    """Content-Type and its kin, under botocore's member names."""
    user_metadata: Mapped[dict[str, str]] = mapped_column(JSON)
    checksum: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """``algorithm``, ``value`` (base64, with ``-N`` when composite) and ``type``."""
    segments: Mapped[list[Any]] = mapped_column(JSON)
    multipart: Mapped[bool] = mapped_column(default=False)
    upload_id: Mapped[str | None] = mapped_column(String(64))
    """The multipart upload that made it: a completion that is sent again is answered again."""
    tags: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    part_checksums: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Of a multipart object with a checksum: that of each part, base64, as ``segments`` go."""
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """Last, and only read when asked for: so a listing passes over it."""


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


class S3Part(Base):
    """A part of an upload; uploading the same number again replaces it."""

    __tablename__ = "s3_parts"

    upload_id: Mapped[str] = mapped_column(ForeignKey("s3_uploads.upload_id", ondelete="CASCADE"), primary_key=True)
    part_number: Mapped[int] = mapped_column(primary_key=True)
    blob: Mapped[str] = mapped_column(String(32))
    size: Mapped[int]
    etag: Mapped[str] = mapped_column(String(32))
    last_modified: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    checksum: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
