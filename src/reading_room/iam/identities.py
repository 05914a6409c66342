"""A caller's identity policies, permissions boundary and tags, for decisions."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from reading_room.aws.call import Principal
from reading_room.database.engine import Database
from reading_room.database.kept import Kept
from reading_room.iam import attached_policies, groups, inline_policies, managed_policies
from reading_room.iam.attached_policies import Owner
from reading_room.iam.policy.document import PolicyDocumentError, PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, PolicyKind
from reading_room.iam.tables import (
    AttachedManagedPolicy,
    Group,
    GroupMember,
    InlinePolicy,
    ManagedPolicy,
    PolicyVersion,
    Role,
    User,
)
from reading_room.iam.tags import tags_of

logger = logging.getLogger(__name__)

_DENY_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Sid": "Unreadable", "Effect": "Deny", "Action": "*", "Resource": "*"}}
)
_TABLES = (AttachedManagedPolicy, Group, GroupMember, InlinePolicy, ManagedPolicy, PolicyVersion, Role, User)


def attached(kind: PolicyKind, use: PolicyUse, name: str, text: str) -> AttachedPolicy:
    """Return a stored policy for a decision. A policy that cannot be parsed denies everything."""
    try:
        return AttachedPolicy(kind, parse(text, use), name)
    except PolicyDocumentError as error:
        logger.error("the stored %s policy %s cannot be parsed and denies everything: %s", kind, name, error)
        return AttachedPolicy(kind, parse(_DENY_ALL, "inline"), name)


@dataclass(frozen=True, slots=True)
class OwnedPolicy:
    """A policy of an owner, as text. ``owner`` is the user itself, one of its groups, or the role."""

    owner: Owner
    inline: bool
    name: str
    """The inline policy's name, or the managed policy's ARN."""
    document: str

    @property
    def title(self) -> str:
        """How explanations name it: a managed policy by its ARN, an inline one by its quoted name."""
        if not self.inline:
            return self.name
        return f"{self.name!r} of group {self.owner.name!r}" if self.owner.kind == "group" else repr(self.name)


def policies_of(session: Session, owner: Owner) -> Iterator[OwnedPolicy]:
    """Yield the identity policies of an owner: inline ones, attached ones and, for a user, those of its groups."""
    for row in inline_policies.every(session, owner.unique_id):
        yield OwnedPolicy(owner, True, row.name, row.document)
    for arn in attached_policies.arns(session, owner):
        # An attached policy cannot be deleted. If it is missing nevertheless, "" denies everything.
        document = managed_policies.document_of(session, arn, owner.account) or ""
        yield OwnedPolicy(owner, False, arn, document)
    if isinstance(owner, User):
        for group in groups.groups_of(session, owner):
            yield from policies_of(session, group)


def boundary_of(session: Session, owner: Owner) -> OwnedPolicy | None:
    """Return the permissions boundary of a user or role, or ``None`` if it has none or is a group."""
    arn = None if isinstance(owner, Group) else owner.boundary
    if arn is None:
        return None
    return OwnedPolicy(owner, False, arn, managed_policies.document_of(session, arn, owner.account) or "")


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller's policies, and its tags as condition keys (``aws:PrincipalTag/…``)."""

    policies: tuple[AttachedPolicy, ...] = ()
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Identities:
    """Identities of users and roles by unique id, cached until one of their rows is written. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = Kept[str, Identity](database, *_TABLES)

    def of(self, principal: Principal) -> Identity:
        """Return the identity of a user, a session's role or a federated user's user. Others have an empty one."""
        if principal.kind not in ("user", "session", "federated"):
            return Identity()
        owner_id = principal.issuer_id or principal.user_id.partition(":")[0]
        return self._kept.get(owner_id, self._read) or Identity()

    def _read(self, owner_id: str) -> Identity | None:
        with self._database.reading() as session:
            owner = session.get(User, owner_id) or session.get(Role, owner_id)
            if owner is None:
                return None
            policies = [
                attached("identity", "inline" if owned.inline else "managed", owned.title, owned.document)
                for owned in policies_of(session, owner)
            ]
            boundary = boundary_of(session, owner)
            if boundary is not None:
                policies.append(attached("boundary", "managed", boundary.title, boundary.document))
            tags = tags_of(owner.tags)
        return Identity(tuple(policies), {f"aws:PrincipalTag/{tag['Key']}": (tag["Value"],) for tag in tags})
