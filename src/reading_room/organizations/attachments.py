"""Policies on the root, on units and on accounts, and the kinds of policies that are enabled."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.organizations.errors import (
    ConstraintViolation,
    DuplicateAttachment,
    InvalidInput,
    NotAttached,
    TypeAlreadyEnabled,
    TypeNotEnabled,
)
from reading_room.organizations.kinds import KINDS, PER_TARGET, RESOURCE_CONTROL, SERVICE_CONTROL, Kind
from reading_room.organizations.tables import ONLY, Attachment, Member, Organization, Unit


def is_enabled(found: Organization, kind: Kind) -> bool:
    """Return whether a kind of policies is enabled."""
    return found.service_control if kind == SERVICE_CONTROL else found.resource_control


def enabled(found: Organization) -> list[Kind]:
    """Return the kinds of policies that are enabled."""
    return [kind for kind in (SERVICE_CONTROL, RESOURCE_CONTROL) if is_enabled(found, kind)]


def attach_default(session: Session, kind: Kind, target_ids: Sequence[str]) -> None:
    """Attach AWS's own policy of a kind, which allows everything."""
    policy_id = KINDS[kind].default.policy_id
    for target_id in target_ids:
        session.add(Attachment(target_id=target_id, policy_id=policy_id, organization=ONLY, kind=kind))
    session.flush()


def attach_defaults(session: Session, found: Organization, target_id: str) -> None:
    """Attach AWS's own policies of the enabled kinds to a new unit or account."""
    for kind in enabled(found):
        attach_default(session, kind, [target_id])


def enable(session: Session, found: Organization, kind: Kind) -> None:
    """Enable a kind of policies; everything gets AWS's own policy. Raises ``TypeAlreadyEnabled``."""
    if is_enabled(found, kind):
        raise TypeAlreadyEnabled
    _set(found, kind, True)
    units, members = session.scalars(select(Unit.unit_id)), session.scalars(select(Member.account))
    attach_default(session, kind, [found.root_id, *units, *members])


def disable(session: Session, found: Organization, kind: Kind) -> None:
    """Disable a kind of policies, and detach all of them. Raises ``TypeNotEnabled``."""
    if not is_enabled(found, kind):
        raise TypeNotEnabled
    _set(found, kind, False)
    session.execute(delete(Attachment).where(Attachment.kind == kind))


def _set(found: Organization, kind: Kind, value: bool) -> None:
    if kind == SERVICE_CONTROL:
        found.service_control = value
    else:
        found.resource_control = value


def on(session: Session, target_id: str, kind: Kind) -> list[str]:
    """Return the ids of the policies of a kind on a target, sorted."""
    of_target = select(Attachment.policy_id).where(Attachment.target_id == target_id, Attachment.kind == kind)
    return list(session.scalars(of_target.order_by(Attachment.policy_id)))


def targets_of(session: Session, policy_id: str) -> list[str]:
    """Return the ids of the roots, units and accounts that a policy is attached to, sorted."""
    of_policy = select(Attachment.target_id).where(Attachment.policy_id == policy_id)
    return list(session.scalars(of_policy.order_by(Attachment.target_id)))


def attach(session: Session, found: Organization, policy_id: str, kind: Kind, target_id: str) -> None:
    """Attach a policy to an existing target.

    Raises ``TypeNotEnabled``, ``DuplicateAttachment``, ``ConstraintViolation``.
    """
    if not is_enabled(found, kind):
        raise TypeNotEnabled
    if session.get(Attachment, (target_id, policy_id)) is not None:
        raise DuplicateAttachment
    if _count(session, target_id, kind) >= PER_TARGET:
        raise ConstraintViolation("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    session.add(Attachment(target_id=target_id, policy_id=policy_id, organization=ONLY, kind=kind))
    session.flush()


def detach(session: Session, policy_id: str, kind: Kind, target_id: str) -> None:
    """Detach a policy from a target.

    Raises ``NotAttached``, ``InvalidInput`` for a policy that always stays, ``ConstraintViolation`` for the last one.
    """
    row = session.get(Attachment, (target_id, policy_id))
    if row is None:
        raise NotAttached
    facts = KINDS[kind]
    if policy_id == facts.default.policy_id and not facts.removable:
        raise InvalidInput("NON_DETACHABLE_POLICY", "You can't detach this AWS Organizations policy.")
    if _count(session, target_id, kind) == 1:
        raise ConstraintViolation("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    session.delete(row)
    session.flush()


def detach_all(session: Session, target_id: str) -> None:
    """Forget the policies on a target that is being deleted."""
    session.execute(delete(Attachment).where(Attachment.target_id == target_id))


def _count(session: Session, target_id: str, kind: Kind) -> int:
    of_target = select(func.count()).where(Attachment.target_id == target_id, Attachment.kind == kind)
    return session.scalar(of_target) or 0
