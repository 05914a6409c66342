"""Users, roles, their inline policies, access keys and role sessions."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from reading_room.arns import iam_arn
from reading_room.database.base import Base, UtcDateTime


class User(Base):
    """An IAM user. ``name_key`` is the name without case, by which names are unique."""

    __tablename__ = "iam_users"
    __table_args__ = (UniqueConstraint("account", "name_key"),)

    unique_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    name: Mapped[str]
    name_key: Mapped[str]
    path: Mapped[str] = mapped_column(default="/")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    tags: Mapped[str] = mapped_column(Text, default="[]")
    """JSON list of ``{"Key", "Value"}``, in the order given."""

    access_keys: Mapped[list[AccessKey]] = relationship(back_populates="user", order_by="AccessKey.created_at")

    @property
    def arn(self) -> str:
        """The user's ARN."""
        return iam_arn(self.account, f"user{self.path}{self.name}")


class AccessKey(Base):
    """A long-term access key."""

    __tablename__ = "iam_access_keys"

    access_key_id: Mapped[str] = mapped_column(primary_key=True)
    secret_access_key: Mapped[str]
    user_id: Mapped[str] = mapped_column(ForeignKey("iam_users.unique_id"), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship(back_populates="access_keys")


class Role(Base):
    """An IAM role with its trust policy."""

    __tablename__ = "iam_roles"
    __table_args__ = (UniqueConstraint("account", "name_key"),)

    unique_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    name: Mapped[str]
    name_key: Mapped[str]
    path: Mapped[str] = mapped_column(default="/")
    description: Mapped[str | None]
    trust_policy: Mapped[str] = mapped_column(Text)
    """As given, for answers."""
    pinned_trust_policy: Mapped[str] = mapped_column(Text)
    """With the unique ids of users and roles in place of their ARNs, for decisions: who is deleted and made again
    under the same name is somebody else."""
    max_session_duration: Mapped[int] = mapped_column(default=3600)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    tags: Mapped[str] = mapped_column(Text, default="[]")

    @property
    def arn(self) -> str:
        """The role's ARN."""
        return iam_arn(self.account, f"role{self.path}{self.name}")


class InlinePolicy(Base):
    """An inline policy of a user or role; ``owner_id`` is the unique id of either."""

    __tablename__ = "iam_inline_policies"

    owner_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class RoleSession(Base):
    """Temporary credentials of a role."""

    __tablename__ = "iam_role_sessions"
    __table_args__ = (Index("ix_iam_role_sessions_expires_at", "expires_at"),)

    access_key_id: Mapped[str] = mapped_column(primary_key=True)
    secret_access_key: Mapped[str]
    session_token: Mapped[str] = mapped_column(Text)
    role_id: Mapped[str] = mapped_column(ForeignKey("iam_roles.unique_id", ondelete="CASCADE"), index=True)
    """A deleted role takes its sessions with it."""
    role_arn: Mapped[str]
    account: Mapped[str]
    session_name: Mapped[str]
    policy: Mapped[str | None] = mapped_column(Text)
    issued_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
