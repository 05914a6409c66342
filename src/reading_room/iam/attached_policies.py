"""Managed policies attached to users, groups and roles, and the permissions boundaries of users and roles."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam import inline_policies, managed_policies
from reading_room.iam.errors import (
    DeleteConflict,
    LimitExceeded,
    NoSuchBoundary,
    NoSuchEntity,
    NoSuchPolicy,
    PolicyNotFoundToAttach,
)
from reading_room.iam.tables import AttachedManagedPolicy, Group, Role, User

Owner = User | Group | Role
"""An entity that can have policies."""
Bounded = User | Role
"""An entity that can have a permissions boundary."""

ATTACHED_PER_OWNER = 10
"""Managed policies per user, group or role (quota)."""


def attach(session: Session, owner: Owner, arn: str) -> None:
    """Attach a policy, unless it is attached already.

    Raises ``InvalidPolicyArn``, ``PolicyNotFoundToAttach`` (also for another account's policy), ``LimitExceeded``.
    """
    managed_policies.check_arn(arn)
    if managed_policies.find(session, owner.account, arn) is None:
        raise PolicyNotFoundToAttach(arn)
    attached_arns = arns(session, owner)
    if arn in attached_arns:
        return
    if len(attached_arns) >= ATTACHED_PER_OWNER:
        raise LimitExceeded(f"PoliciesPer{owner.kind.capitalize()}", ATTACHED_PER_OWNER)
    session.add(AttachedManagedPolicy(owner_id=owner.unique_id, policy_arn=arn, account=owner.account))
    session.flush()


def detach(session: Session, owner: Owner, arn: str) -> None:
    """Detach a policy. Raises ``InvalidPolicyArn``, and ``NoSuchPolicy`` if it is not attached."""
    managed_policies.check_arn(arn)
    row = session.get(AttachedManagedPolicy, (owner.unique_id, arn))
    if row is None:
        raise NoSuchPolicy(arn)
    session.delete(row)
    session.flush()


def arns(session: Session, owner: Owner) -> Sequence[str]:
    """Return the ARNs of the policies attached to an owner, sorted."""
    return arns_of_owners(session, [owner.unique_id])[owner.unique_id]


def arns_of_owners(session: Session, owner_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the sorted ARNs of the policies attached to each owner."""
    found: dict[str, list[str]] = {owner_id: [] for owner_id in owner_ids}
    query = select(AttachedManagedPolicy.owner_id, AttachedManagedPolicy.policy_arn)
    query = query.where(AttachedManagedPolicy.owner_id.in_(owner_ids)).order_by(AttachedManagedPolicy.policy_arn)
    for owner_id, arn in session.execute(query):
        found[owner_id].append(arn)
    return found


def check_without_policies(session: Session, owner: Owner) -> None:
    """Raise ``DeleteConflict`` while an owner has policies, attached or inline."""
    if arns(session, owner):
        raise DeleteConflict("detach all policies")
    if inline_policies.names(session, owner.unique_id):
        raise DeleteConflict("delete policies")


def owners_of(session: Session, account: str, arn: str) -> Sequence[str]:
    """Return the unique ids of the users, groups and roles of an account that a policy is attached to."""
    return session.scalars(select(AttachedManagedPolicy.owner_id).filter_by(account=account, policy_arn=arn)).all()


def check_boundary(session: Session, account: str, arn: str | None) -> None:
    """Raise ``InvalidPolicyArn`` or ``NoSuchBoundary`` if an ARN is given that cannot be a permissions boundary."""
    if arn is None:
        return
    managed_policies.check_arn(arn)
    if managed_policies.find(session, account, arn) is None:
        raise NoSuchBoundary(arn)


def put_boundary(session: Session, owner: Bounded, arn: str) -> None:
    """Set the permissions boundary of a user or role, replacing any earlier one. Raises like ``check_boundary``."""
    check_boundary(session, owner.account, arn)
    owner.boundary = arn


def delete_boundary(owner: Bounded) -> None:
    """Remove the permissions boundary. Raises ``NoSuchEntity`` if there is none."""
    if owner.boundary is None:
        raise NoSuchEntity(f"{owner.kind} permissions boundary", owner.name)
    owner.boundary = None
