"""Users, groups and roles, their policies and keys, and role sessions."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from reading_room.arns import iam_arn
from reading_room.database.base import Base, UtcDateTime
from reading_room.database.sealed import Sealed


class Named(Base):
    """What users, groups, roles and customer managed policies have in common: an id, and a name in their account."""

    __abstract__ = True
    __table_args__ = (UniqueConstraint("account", "name_key"),)
    kind: ClassVar[str]
    """What ARNs and messages call it, for example ``user``."""

    unique_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    name: Mapped[str]
    name_key: Mapped[str]
    """The name without case, by which names are unique."""
    path: Mapped[str] = mapped_column(default="/")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

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
    """When and for what an access key was last used. A table of its own: a write here leaves every cache of keys."""

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
    """A user in a group. Neither goes while this row is there."""

    __tablename__ = "iam_group_members"

    group_id: Mapped[str] = mapped_column(ForeignKey("iam_groups.unique_id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("iam_users.unique_id"), primary_key=True, index=True)


class Role(Named):
    """An IAM role with its trust policy."""

    __tablename__ = "iam_roles"
    kind = "role"

    description: Mapped[str | None]
    trust_policy: Mapped[str] = mapped_column(Text)
    """As given, for answers."""
    pinned_trust_policy: Mapped[str] = mapped_column(Text)
    """With the unique ids of users and roles in place of their ARNs, for decisions: who is deleted and made again
    under the same name is somebody else."""
    max_session_duration: Mapped[int] = mapped_column(default=3600)
    tags: Mapped[str] = mapped_column(Text, default="[]")
    boundary: Mapped[str | None] = mapped_column(index=True)


class RoleUse(Base):
    """When and where credentials of a role were last used. A table of its own: a write here leaves every cache."""

    __tablename__ = "iam_role_uses"

    role_id: Mapped[str] = mapped_column(ForeignKey("iam_roles.unique_id", ondelete="CASCADE"), primary_key=True)
    used_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    region: Mapped[str]


class InstanceProfile(Named):
    """An instance profile: a record, since there are no instances. It holds one role at the most."""

    __tablename__ = "iam_instance_profiles"
    kind = "instance-profile"

    role_id: Mapped[str | None] = mapped_column(ForeignKey("iam_roles.unique_id"), index=True)
    """The role does not go while a profile holds it."""
    tags: Mapped[str] = mapped_column(Text, default="[]")

    role: Mapped[Role | None] = relationship()


class ManagedPolicy(Named):
    """A customer managed policy. Those of AWS itself are no rows (``aws_managed``)."""

    __tablename__ = "iam_managed_policies"
    kind = "policy"

    description: Mapped[str | None]
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    """When the newest version was made."""
    default_version: Mapped[int] = mapped_column(default=1)
    newest_version: Mapped[int] = mapped_column(default=1)
    """The highest number ever given; a deleted version's is not given again."""
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
    """A managed policy, the customer's or AWS's, attached to a user, group or role; ``owner_id`` is its unique id."""

    __tablename__ = "iam_attached_policies"

    owner_id: Mapped[str] = mapped_column(primary_key=True)
    policy_arn: Mapped[str] = mapped_column(primary_key=True, index=True)
    account: Mapped[str] = mapped_column(index=True)
    """The owner's: AWS's policies are attached in every account."""


class AccountAlias(Base):
    """The one alias that an account may have; unique among all accounts."""

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
    """What all temporary credentials have in common. JSON texts are lists, as AWS's parameters have them."""

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
    """A deleted role takes its sessions with it."""
    role_arn: Mapped[str]
    account: Mapped[str]
    session_name: Mapped[str]
    transitive_tag_keys: Mapped[str] = mapped_column(Text, default="[]")
    source_identity: Mapped[str | None]


class UserSession(TemporaryKey):
    """Temporary credentials of a user (GetSessionToken), or of a federated user that a user vouches for."""

    __tablename__ = "iam_user_sessions"

    user_id: Mapped[str] = mapped_column(ForeignKey("iam_users.unique_id", ondelete="CASCADE"), index=True)
    """A deleted user takes its sessions with it."""
    federated_name: Mapped[str | None]
    """``None`` for the user itself."""

    user: Mapped[User] = relationship()


class SignInSession(TemporaryKey):
    """Temporary credentials of a user who signed in to the console: the user itself, and all that it may do."""

    __tablename__ = "iam_sign_in_sessions"

    user_id: Mapped[str] = mapped_column(ForeignKey("iam_users.unique_id", ondelete="CASCADE"), index=True)
    """A deleted user takes its sessions with it."""

    user: Mapped[User] = relationship()


class SignIn(Base):
    """A temporary key, of whichever table, that was given for a sign-in token: its holder may end it."""

    __tablename__ = "iam_sign_ins"

    access_key_id: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


class Account(Base):
    """An account that the operator made. The first one has no row: the settings name it."""

    __tablename__ = "iam_accounts"

    account: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
