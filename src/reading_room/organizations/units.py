"""The tree of the organization: units below the root, and where units and accounts are in it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.database.base import Base
from reading_room.ids import organizations_id
from reading_room.organizations import attachments, tags
from reading_room.organizations.errors import (
    ChildNotFound,
    ConstraintViolation,
    DuplicateUnit,
    ParentNotFound,
    TargetNotFound,
    UnitNotEmpty,
    UnitNotFound,
)
from reading_room.organizations.tables import ONLY, ControlPolicy, Member, Organization, Unit

DEPTH = 5
"""The most levels of units below the root."""
MOST = 2_000
"""The most units of an organization."""


def get(session: Session, unit_id: str) -> Unit:
    """Return a unit. Raises ``UnitNotFound``."""
    row = session.get(Unit, unit_id)
    if row is None:
        raise UnitNotFound
    return row


def check_parent(session: Session, found: Organization, parent_id: str) -> None:
    """Raise ``ParentNotFound`` unless an id is the root's or a unit's."""
    if parent_id != found.root_id and session.get(Unit, parent_id) is None:
        raise ParentNotFound


def path_of(found: Organization, parents: Mapping[str, str], parent_id: str) -> list[str]:
    """Return the ids from the root to a unit, both included. ``parents`` has the parent of each unit."""
    path = [parent_id]
    while path[-1] != found.root_id:
        path.append(parents[path[-1]])
    return path[::-1]


def parents(session: Session) -> dict[str, str]:
    """Return the parent of each unit."""
    return {row.unit_id: row.parent_id for row in session.execute(select(Unit.unit_id, Unit.parent_id))}


def text_of(found: Organization, path: list[str], last: str = "") -> str:
    """Return a path as AWS writes it, for example ``o-…/r-…/ou-…/``, with the id of an account at its end if given."""
    return "/".join([found.organization_id, *path, *([last] if last else [])]) + "/"


def create(session: Session, found: Organization, parent_id: str, name: str) -> Unit:
    """Create a unit. Raises ``ParentNotFound``, ``ConstraintViolation``, ``DuplicateUnit``."""
    check_parent(session, found, parent_id)
    if (session.scalar(select(func.count()).select_from(Unit)) or 0) >= MOST:
        raise ConstraintViolation("OU_NUMBER_LIMIT_EXCEEDED")
    if len(path_of(found, parents(session), parent_id)) > DEPTH:
        raise ConstraintViolation("OU_DEPTH_LIMIT_EXCEEDED")
    _check_name(session, parent_id, name)
    unit_id = organizations_id(f"ou-{found.root_id.removeprefix('r-')}-", 8)
    row = Unit(unit_id=unit_id, organization=ONLY, parent_id=parent_id, name=name)
    session.add(row)
    session.flush()
    attachments.attach_defaults(session, found, row.unit_id)
    return row


def rename(session: Session, row: Unit, name: str) -> None:
    """Give a unit another name. Raises ``DuplicateUnit``."""
    if name != row.name:
        _check_name(session, row.parent_id, name)
        row.name = name
        session.flush()


def delete(session: Session, row: Unit) -> None:
    """Delete a unit. Raises ``UnitNotEmpty`` while it has units or accounts."""
    if children(session, row.unit_id, "ACCOUNT") or children(session, row.unit_id, "ORGANIZATIONAL_UNIT"):
        raise UnitNotEmpty
    attachments.detach_all(session, row.unit_id)
    tags.forget(session, row.unit_id)
    session.delete(row)
    session.flush()


def below(session: Session, parent_id: str) -> list[Unit]:
    """Return the units directly below the root or a unit, sorted by name."""
    return list(session.scalars(select(Unit).where(Unit.parent_id == parent_id).order_by(Unit.name)))


def children(session: Session, parent_id: str, kind: str) -> list[str]:
    """Return the ids of the accounts or units directly below the root or a unit, sorted."""
    if kind == "ACCOUNT":
        of_accounts = select(Member.account).where(Member.parent_id == parent_id).order_by(Member.account)
        return list(session.scalars(of_accounts))
    of_units = select(Unit.unit_id).where(Unit.parent_id == parent_id).order_by(Unit.unit_id)
    return list(session.scalars(of_units))


def parent_of(session: Session, child_id: str) -> str:
    """Return the root or unit that a unit or account is in. Raises ``ChildNotFound``."""
    row = session.get(Unit, child_id) or session.get(Member, child_id)
    if row is None:
        raise ChildNotFound
    return row.parent_id


def check_target(session: Session, found: Organization, target_id: str, *, policies: bool = False) -> None:
    """Raise ``TargetNotFound`` unless an id is that of the root, a unit or an account, or of a policy if allowed."""
    if target_id == found.root_id:
        return
    models: list[type[Base]] = [Unit, Member, *([ControlPolicy] if policies else [])]
    if all(session.get(model, target_id) is None for model in models):
        raise TargetNotFound


def _check_name(session: Session, parent_id: str, name: str) -> None:
    if session.scalar(select(Unit.unit_id).where(Unit.parent_id == parent_id, Unit.name == name)) is not None:
        raise DuplicateUnit
