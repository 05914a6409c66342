"""Service and resource control policies."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.ids import organizations_id
from reading_room.organizations import attachments, tags
from reading_room.organizations.errors import (
    ConstraintViolation,
    DuplicatePolicy,
    InvalidInput,
    PolicyInUse,
    PolicyNotFound,
)
from reading_room.organizations.kinds import AWS_POLICIES, KINDS, AwsPolicy, Kind, check_content, kind_named
from reading_room.organizations.tables import ONLY, ControlPolicy

AnyPolicy = ControlPolicy | AwsPolicy


def get(session: Session, policy_id: str) -> AnyPolicy:
    """Return a policy, also one of AWS's own. Raises ``PolicyNotFound``."""
    found: AnyPolicy | None = AWS_POLICIES.get(policy_id) or session.get(ControlPolicy, policy_id)
    if found is None:
        raise PolicyNotFound
    return found


def every(session: Session, kind: Kind) -> list[AnyPolicy]:
    """Return the policies of a kind, AWS's own first."""
    of_kind = select(ControlPolicy).where(ControlPolicy.kind == kind).order_by(ControlPolicy.name)
    return [KINDS[kind].default, *session.scalars(of_kind)]


def create(session: Session, kind: Kind, name: str, description: str, content: str) -> ControlPolicy:
    """Create a policy. Raises ``ConstraintViolation``, ``DuplicatePolicy``, ``MalformedPolicyDocument``."""
    check_content(kind, content)
    _check_name(session, kind, name)
    if (session.scalar(select(func.count()).where(ControlPolicy.kind == kind)) or 0) >= KINDS[kind].most:
        raise ConstraintViolation("POLICY_NUMBER_LIMIT_EXCEEDED")
    row = ControlPolicy(
        policy_id=organizations_id("p-", 8),
        organization=ONLY,
        kind=kind,
        name=name,
        description=description,
        content=content,
    )
    session.add(row)
    session.flush()
    return row


def own(session: Session, policy_id: str) -> ControlPolicy:
    """Return a policy that can be changed. Raises ``PolicyNotFound``, and ``InvalidInput`` for one of AWS's own."""
    found = get(session, policy_id)
    if isinstance(found, AwsPolicy):
        raise InvalidInput("IMMUTABLE_POLICY", "You can't modify an AWS managed policy.")
    return found


def update(
    session: Session, row: ControlPolicy, name: str | None, description: str | None, content: str | None
) -> None:
    """Change what is given of a policy. Raises like ``create``."""
    if content is not None:
        check_content(kind_named(row.kind), content)
        row.content = content
    if name is not None and name != row.name:
        _check_name(session, kind_named(row.kind), name)
        row.name = name
    if description is not None:
        row.description = description
    session.flush()


def delete(session: Session, row: ControlPolicy) -> None:
    """Delete a policy. Raises ``PolicyInUse`` while it is attached to something."""
    if attachments.targets_of(session, row.policy_id):
        raise PolicyInUse
    tags.forget(session, row.policy_id)
    session.delete(row)
    session.flush()


def named(session: Session, policy_ids: Sequence[str]) -> list[AnyPolicy]:
    """Return the policies with some ids, sorted by name."""
    return sorted((get(session, policy_id) for policy_id in policy_ids), key=lambda policy: policy.name)


def _check_name(session: Session, kind: Kind, name: str) -> None:
    same = select(ControlPolicy.policy_id).where(ControlPolicy.kind == kind, ControlPolicy.name == name)
    if name == KINDS[kind].default.name or session.scalar(same) is not None:
        raise DuplicatePolicy
