"""The organization, its units, members, policies and invitations. An installation has at most one organization."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime

ONLY = 1
"""The key of the organization's row."""


class Organization(Base):
    """The organization with its root, in a single row."""

    __tablename__ = "organizations"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=ONLY)
    account: Mapped[str]
    """The management account."""
    organization_id: Mapped[str]
    root_id: Mapped[str]
    service_control: Mapped[bool] = mapped_column(default=True)
    """Whether service control policies are enabled."""
    resource_control: Mapped[bool] = mapped_column(default=False)
    """Whether resource control policies are enabled."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Unit(Base):
    """An organizational unit."""

    __tablename__ = "organization_units"
    __table_args__ = (UniqueConstraint("parent_id", "name"),)

    unit_id: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[str]
    """The root or another unit."""
    name: Mapped[str]


class Member(Base):
    """An account of the organization; the management account is one too."""

    __tablename__ = "organization_accounts"
    __table_args__ = (UniqueConstraint("email"),)

    account: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[str] = mapped_column(index=True)
    """The root or a unit."""
    name: Mapped[str]
    email: Mapped[str]
    invited: Mapped[bool]
    """Whether the account existed before it joined. The organization created the others."""
    joined_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ControlPolicy(Base):
    """A service or resource control policy that somebody wrote. AWS's own two are not rows (``policies``)."""

    __tablename__ = "organization_policies"
    __table_args__ = (UniqueConstraint("kind", "name"),)

    policy_id: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    """``SERVICE_CONTROL_POLICY`` or ``RESOURCE_CONTROL_POLICY``."""
    name: Mapped[str]
    description: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)


class Attachment(Base):
    """A policy on the root, on a unit or on an account."""

    __tablename__ = "organization_attachments"

    target_id: Mapped[str] = mapped_column(primary_key=True)
    policy_id: Mapped[str] = mapped_column(primary_key=True, index=True)
    organization: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    """The kind of the policy."""


class ResourceTags(Base):
    """The tags of the root, a unit, an account or a policy, if it has any."""

    __tablename__ = "organization_tags"

    resource_id: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    tags: Mapped[str] = mapped_column(Text)
    """JSON list of ``{"Key", "Value"}``, in the order given."""


class Creation(Base):
    """A request for a new account, and what became of it."""

    __tablename__ = "organization_creations"

    creation_id: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    created: Mapped[str | None]
    """The new account; ``None`` if it was not created."""
    failure: Mapped[str | None]
    """AWS's reason why it was not created."""
    requested_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Invitation(Base):
    """An invitation of an account, which AWS calls a handshake. It is kept after it was answered."""

    __tablename__ = "organization_invitations"

    handshake_id: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    account: Mapped[str] = mapped_column(index=True)
    """The invited account."""
    state: Mapped[str]
    """``OPEN``, ``ACCEPTED``, ``CANCELED`` or ``DECLINED``. An open one whose time is over is expired."""
    notes: Mapped[str] = mapped_column(Text)
    tags: Mapped[str] = mapped_column(Text)
    """Tags that the account gets when it joins."""
    requested_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
