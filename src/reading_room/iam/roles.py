"""Roles and their trust policies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from reading_room.iam import entities, inline_policies, instance_profiles
from reading_room.iam.attached_policies import check_boundary, check_without_policies
from reading_room.iam.errors import DeleteConflict, EntityAlreadyExists, LimitExceeded, MalformedPolicyDocument
from reading_room.iam.policy.document import parse
from reading_room.iam.principals import pin_principals, unique_id_of
from reading_room.iam.tables import Role
from reading_room.iam.tags import tags_text
from reading_room.ids import iam_unique_id

TRUST_POLICY_LIMIT = 2048
"""Characters in a trust policy, not counting white space (quota LengthTrustPolicy)."""


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
    boundary: str | None = None,
) -> Role:
    """Create a role; ``boundary`` is the ARN of a managed policy.

    Raises ``MalformedPolicyDocument`` (also when the trust policy names a user or role that does not exist),
    ``EntityAlreadyExists``, ``LimitExceeded`` and ``NoSuchBoundary``.
    """
    check_trust(session, trust)
    if entities.find(session, Role, account, name) is not None:
        raise EntityAlreadyExists("Role", name)
    entities.check_room(session, Role, account)
    check_boundary(session, account, boundary)
    role = Role(
        unique_id=iam_unique_id("AROA"),
        **entities.new_facts(account, name, path, now),
        description=description,
        trust_policy=trust,
        pinned_trust_policy=pin_principals(session, trust),
        max_session_duration=max_session_duration,
        tags=tags_text(tags),
        boundary=boundary,
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
            # ARNs of sessions and federated users are not checked, since these are short-lived.
            if arn.startswith("arn:aws:iam:") and unique_id_of(session, arn) is None:
                raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{arn}"')


def update_trust(session: Session, account: str, name: str, trust: str) -> None:
    """Replace a role's trust policy. Raises like ``create``, and ``NoSuchEntity``."""
    role = get(session, account, name)
    check_trust(session, trust)
    role.trust_policy = trust
    role.pinned_trust_policy = pin_principals(session, trust)


def get(session: Session, account: str, name: str) -> Role:
    """Return a role by name. Raises ``NoSuchEntity``."""
    return entities.get(session, Role, account, name)


def delete(session: Session, role: Role) -> None:
    """Delete a role with its sessions. Raises ``DeleteConflict`` while it has policies or is in an instance profile."""
    if instance_profiles.of_roles(session, [role.unique_id])[role.unique_id]:
        raise DeleteConflict("remove roles from instance profile")
    check_without_policies(session, role)
    session.delete(role)
    session.flush()
