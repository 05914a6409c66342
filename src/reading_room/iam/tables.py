"""Users, groups and roles, their policies and keys, and role sessions."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from reading_room.arns import iam_arn
from reading_room.database.base import Base, UtcDateTime
from reading_room.database.sealed import Sealed


class Named(Base):
    """Base of users, groups, roles, instance profiles and customer managed policies: an id and a name in an account."""

    __abstract__ = True
    kind: ClassVar[str]
    """The word in ARNs and messages, for example ``user``."""

    unique_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    name: Mapped[str]
    name_key: Mapped[str]
    """The name in lower case, which is unique."""
    path: Mapped[str] = mapped_column(default="/")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[UniqueConstraint]:  # SQLAlchemy passes the class.
        # Files of schema 5 have this name in every table.
        return (UniqueConstraint("account", "name_key", name="uq_iam_users_account_name_key"),)

    @property
    def arn(self) -> str:
        """The ARN, with the path."""
        return iam_arn(self.account, f"{self.kind}{self.path}{self.name}")


class User(Named):
    """An IAM user."""

    __tablename__ = "iam_users"
    kind = "user"

    tags: Mapped[str] = mapped_column(Text, default="[]")
    """JSON list of ``{"Key", "Value"}``, in the order given."""
    boundary: Mapped[str | None] = mapped_column(index=True)
    """ARN of the managed policy that is the permissions boundary."""

    access_keys: Mapped[list[AccessKey]] = relationship(back_populates="user", order_by="AccessKey.created_at")


class AccessKey(Base):
    """A long-term access key."""

    __tablename__ = "iam_access_keys"

    access_key_id: Mapped[str] = mapped_column(primary_key=True)
    sealed_secret_access_key: Mapped[bytes]
    user_id: Mapped[str] = mapped_column(ForeignKey("iam_users.unique_id"), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    secret_access_key = Sealed()
    user: Mapped[User] = relationship(back_populates="access_keys")


class KeyUse(Base):
    """The last use of an access key. A separate table, so that writing it does not invalidate the cache of keys."""

    __tablename__ = "iam_access_key_uses"

    access_key_id: Mapped[str] = mapped_column(
        ForeignKey("iam_access_keys.access_key_id", ondelete="CASCADE"), primary_key=True
    )
    used_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    service: Mapped[str]
    region: Mapped[str]


class Group(Named):
    """An IAM group."""

    __tablename__ = "iam_groups"
    kind = "group"


class GroupMember(Base):
    """A user in a group. Neither can be deleted while this row exists."""

    __tablename__ = "iam_group_members"

    group_id: Mapped[str] = mapped_column(ForeignKey("iam_groups.unique_id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("iam_users.unique_id"), primary_key=True, index=True)


class Role(Named):
    """An IAM role with its trust policy."""

    __tablename__ = "iam_roles"
    kind = "role"

    description: Mapped[str | None]
    trust_policy: Mapped[str] = mapped_column(Text)
    """As given, for responses."""
    pinned_trust_policy: Mapped[str] = mapped_column(Text)
    """With unique ids in place of the ARNs of users and roles, for decisions: an entity that is deleted and created
    again under the same name is a different one."""
    max_session_duration: Mapped[int] = mapped_column(default=3600)
    tags: Mapped[str] = mapped_column(Text, default="[]")
    boundary: Mapped[str | None] = mapped_column(index=True)


class RoleUse(Base):
    """The last use of a role's credentials. A separate table, so that writing it invalidates no cache."""

    __tablename__ = "iam_role_uses"

    role_id: Mapped[str] = mapped_column(ForeignKey("iam_roles.unique_id", ondelete="CASCADE"), primary_key=True)
    used_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    region: Mapped[str]


class InstanceProfile(Named):
    """An instance profile with at most one role. It is only a record, since there are no instances."""

    __tablename__ = "iam_instance_profiles"
    kind = "instance-profile"

    role_id: Mapped[str | None] = mapped_column(ForeignKey("iam_roles.unique_id"), index=True)
    """The role cannot be deleted while it is in a profile."""
    tags: Mapped[str] = mapped_column(Text, default="[]")

    role: Mapped[Role | None] = relationship()


class ManagedPolicy(Named):
    """A customer managed policy. AWS managed policies are not rows (``aws_managed``)."""

    __tablename__ = "iam_managed_policies"
    kind = "policy"

    description: Mapped[str | None]
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    """When the newest version was created."""
    default_version: Mapped[int] = mapped_column(default=1)
    newest_version: Mapped[int] = mapped_column(default=1)
    """The highest number ever assigned; numbers of deleted versions are not reused."""
    tags: Mapped[str] = mapped_column(Text, default="[]")

    versions: Mapped[list[PolicyVersion]] = relationship(
        order_by="PolicyVersion.number", cascade="all, delete-orphan", passive_deletes=True
    )


class PolicyVersion(Base):
    """One version of a customer managed policy: ``v1`` is number 1."""

    __tablename__ = "iam_policy_versions"

    policy_id: Mapped[str] = mapped_column(
        ForeignKey("iam_managed_policies.unique_id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class AttachedManagedPolicy(Base):
    """A managed policy attached to a user, group or role, whose unique id is ``owner_id``."""

    __tablename__ = "iam_attached_policies"

    owner_id: Mapped[str] = mapped_column(primary_key=True)
    policy_arn: Mapped[str] = mapped_column(primary_key=True, index=True)
    account: Mapped[str] = mapped_column(index=True)
    """The owner's account, since AWS managed policies can be attached in every account."""


class AccountAlias(Base):
    """The alias of an account, unique among all accounts."""

    __tablename__ = "iam_account_aliases"

    account: Mapped[str] = mapped_column(primary_key=True)
    alias: Mapped[str] = mapped_column(unique=True)


class InlinePolicy(Base):
    """An inline policy of a user, group or role; ``owner_id`` is its unique id."""

    __tablename__ = "iam_inline_policies"

    owner_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class TemporaryKey(Base):
    """Base of all temporary credentials. JSON texts are lists in the form of AWS's parameters."""

    __abstract__ = True

    access_key_id: Mapped[str] = mapped_column(primary_key=True)
    sealed_secret_access_key: Mapped[bytes]
    sealed_session_token: Mapped[bytes]
    policy: Mapped[str | None] = mapped_column(Text)
    policy_arns: Mapped[str] = mapped_column(Text, default="[]")
    tags: Mapped[str] = mapped_column(Text, default="[]")
    issued_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)

    secret_access_key = Sealed()
    session_token = Sealed()


class RoleSession(TemporaryKey):
    """Temporary credentials of a role."""

    __tablename__ = "iam_role_sessions"

    role_id: Mapped[str] = mapped_column(ForeignKey("iam_roles.unique_id", ondelete="CASCADE"), index=True)
    """Deleting a role deletes its sessions."""
    role_arn: Mapped[str]
    account: Mapped[str]
    session_name: Mapped[str]
    transitive_tag_keys: Mapped[str] = mapped_column(Text, default="[]")
    source_identity: Mapped[str | None]


class UserSession(TemporaryKey):
    """Temporary credentials of a user (GetSessionToken) or of a federated user (GetFederationToken)."""

    __tablename__ = "iam_user_sessions"

    user_id: Mapped[str] = mapped_column(ForeignKey("iam_users.unique_id", ondelete="CASCADE"), index=True)
    """Deleting a user deletes its sessions."""
    federated_name: Mapped[str | None]
    """``None`` for the user itself."""

    user: Mapped[User] = relationship()


class SignInSession(TemporaryKey):
    """Temporary credentials of a user signed in to the console, with all of the user's permissions."""

    __tablename__ = "iam_sign_in_sessions"

    user_id: Mapped[str] = mapped_column(ForeignKey("iam_users.unique_id", ondelete="CASCADE"), index=True)
    """A deleted user takes its sessions with it."""

    user: Mapped[User] = relationship()


class SignIn(Base):
    """Marks a temporary key, in any table, as issued for a sign-in token, so that its holder can end it."""

    __tablename__ = "iam_sign_ins"

    access_key_id: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


class SignInToken(Base):
    """An open sign-in token."""

    __tablename__ = "iam_sign_in_tokens"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The SHA-256 of the token in hexadecimal. The token itself is not stored."""
    account: Mapped[str]
    access_key_id: Mapped[str]
    caller: Mapped[str] = mapped_column(index=True)
    """The unique id of the principal that made it."""
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


class Account(Base):
    """An account that the operator created. The first account has no row, since the settings name it."""

    __tablename__ = "iam_accounts"

    account: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
