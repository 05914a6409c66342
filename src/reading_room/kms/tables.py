"""The schema of keys, their material, aliases and grants."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime
from reading_room.database.sealed import Sealed


class KeyRow(Base):
    """A key, without its material."""

    __tablename__ = "kms_keys"
    __table_args__ = (
        Index("ix_kms_keys_listing", "account", "region", "key_id"),
        UniqueConstraint("account", "region", "service"),
    )

    key_id: Mapped[str] = mapped_column(primary_key=True)
    """A UUID."""
    account: Mapped[str]
    region: Mapped[str]
    service: Mapped[str | None]
    """For an AWS managed key: the service whose key it is, such as ``s3``."""
    spec: Mapped[str]
    usage: Mapped[str]
    origin: Mapped[str]
    """``AWS_KMS`` or ``EXTERNAL``."""
    description: Mapped[str] = mapped_column(Text)
    state: Mapped[str]
    """``Enabled``, ``Disabled``, ``PendingDeletion`` or ``PendingImport``."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True)
    """When it is to be deleted, if that is pending."""
    policy: Mapped[str] = mapped_column(Text)
    """As given."""
    pinned_policy: Mapped[str] = mapped_column(Text)
    """With unique ids in place of the ARNs of users and roles."""
    tags: Mapped[str] = mapped_column(Text)
    """A JSON list of ``{"TagKey": …, "TagValue": …}``."""
    material_id: Mapped[str | None]
    """The material that encrypts; of an imported key also after that was deleted."""
    rotation_days: Mapped[int | None]
    """The period of automatic rotation, if it is enabled."""
    rotates_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True)
    sealed_secret: Mapped[bytes]
    secret = Sealed()
    """32 random bytes in hexadecimal digits, with which the ids of imported material are computed."""


class MaterialRow(Base):
    """The material of a key from one rotation to the next. Later rows have a higher ``number``."""

    __tablename__ = "kms_key_material"
    __table_args__ = (UniqueConstraint("key_id", "number"),)

    material_id: Mapped[str] = mapped_column(primary_key=True)
    """64 hexadecimal digits."""
    key_id: Mapped[str] = mapped_column(ForeignKey("kms_keys.key_id", ondelete="CASCADE"))
    number: Mapped[int]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    rotation: Mapped[str | None]
    """``AUTOMATIC`` or ``ON_DEMAND``; ``None`` for the first."""
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True)
    """For imported material that expires."""
    description: Mapped[str | None] = mapped_column(Text)
    sealed_content: Mapped[bytes]
    content = Sealed()
    """The material in base64: the bytes of a symmetric or HMAC key, or a private key in PKCS #8."""


class AliasRow(Base):
    """A name for a key of the same account and region."""

    __tablename__ = "kms_aliases"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    """Begins with ``alias/``."""
    key_id: Mapped[str] = mapped_column(ForeignKey("kms_keys.key_id", ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class GrantRow(Base):
    """A grant on a key."""

    __tablename__ = "kms_grants"
    __table_args__ = (Index("ix_kms_grants_grantee", "key_id", "pinned_grantee"),)

    grant_id: Mapped[str] = mapped_column(primary_key=True)
    """64 hexadecimal digits."""
    key_id: Mapped[str] = mapped_column(ForeignKey("kms_keys.key_id", ondelete="CASCADE"))
    name: Mapped[str | None]
    token: Mapped[str] = mapped_column(unique=True)
    issuer: Mapped[str]
    """The account of the caller who made it, as the ARN of its root user."""
    grantee: Mapped[str]
    pinned_grantee: Mapped[str]
    """The unique id of the user or role, else the ARN."""
    retiring: Mapped[str | None]
    pinned_retiring: Mapped[str | None] = mapped_column(index=True)
    operations: Mapped[str] = mapped_column(Text)
    """A JSON list."""
    constraints: Mapped[str] = mapped_column(Text)
    """A JSON object, as in the API."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
