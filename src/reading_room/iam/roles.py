"""Roles and their trust policies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam import inline_policies
from reading_room.iam.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    LimitExceeded,
    MalformedPolicyDocument,
    NoSuchEntity,
)
from reading_room.iam.policy.document import parse
from reading_room.iam.principals import pin_principals, unique_id_of
from reading_room.iam.tables import Role
from reading_room.iam.tags import tags_text
from reading_room.ids import iam_unique_id

TRUST_POLICY_LIMIT = 2048
"""Characters of a trust policy, white space not counted (quota LengthTrustPolicy)."""


def create(
    session: Session,
    account: str,
    name: str,
    trust: str,
    now: dt.datetime,
    *,
    path: str = "/",
    description: str | None = None,
    max_session_duration: int = 3600,
    tags: Sequence[Mapping[str, str]] = (),
) -> Role:
    """Create a role.

    Raises ``MalformedPolicyDocument`` (also when the trust policy names a user or role that does not exist),
    ``EntityAlreadyExists`` and ``LimitExceeded``.
    """
    check_trust(session, trust)
    if session.scalar(select(Role).filter_by(account=account, name_key=name.lower())) is not None:
        raise EntityAlreadyExists("Role", name)
    role = Role(
        unique_id=iam_unique_id("AROA"),
        account=account,
        name=name,
        name_key=name.lower(),
        path=path,
        description=description,
        trust_policy=trust,
        pinned_trust_policy=pin_principals(session, trust),
        max_session_duration=max_session_duration,
        created_at=now,
        tags=tags_text(tags),
    )
    session.add(role)
    session.flush()
    return role


def check_trust(session: Session, trust: str) -> None:
    """Raise ``MalformedPolicyDocument`` or ``LimitExceeded`` unless the text can be a role's trust policy."""
    inline_policies.check_document(trust, "trust")
    if inline_policies.size_of(trust) > TRUST_POLICY_LIMIT:
        raise LimitExceeded("ACLSizePerRole", TRUST_POLICY_LIMIT)
    for statement in parse(trust, "trust").statements:
        principals = statement.principals
        for arn in sorted(principals.arns if principals else ()):
            # A session's ARN is taken as it is; of another account nothing can be known here.
            if ":assumed-role/" not in arn and unique_id_of(session, arn) is None:
                raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{arn}"')


def update_trust(session: Session, account: str, name: str, trust: str) -> None:
    """Replace a role's trust policy. Raises like ``create``, and ``NoSuchEntity``."""
    role = get(session, account, name)
    check_trust(session, trust)
    role.trust_policy = trust
    role.pinned_trust_policy = pin_principals(session, trust)


def get(session: Session, account: str, name: str) -> Role:
    """Return a role by name. Raises ``NoSuchEntity``."""
    role = session.scalar(select(Role).filter_by(account=account, name_key=name.lower()))
    if role is None:
        raise NoSuchEntity("role", name)
    return role


def every(session: Session, account: str, path_prefix: str = "/") -> Sequence[Role]:
    """Return an account's roles whose path begins so, sorted by name."""
    found = session.scalars(select(Role).filter_by(account=account).order_by(Role.name)).all()
    return [role for role in found if role.path.startswith(path_prefix)]


def delete(session: Session, account: str, name: str) -> None:
    """Delete a role with its sessions. Raises ``NoSuchEntity``, ``DeleteConflict`` while it has policies."""
    role = get(session, account, name)
    if inline_policies.names(session, role.unique_id):
        raise DeleteConflict("policies")
    session.delete(role)
