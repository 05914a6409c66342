"""Instance profiles, which record the role that instances would get. The product has no instances."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam import entities
from reading_room.iam.errors import (
    DeleteConflict,
    InstanceProfileAlreadyExists,
    LimitExceeded,
    NoSuchEntity,
    NoSuchInstanceProfile,
)
from reading_room.iam.tables import InstanceProfile, Role
from reading_room.iam.tags import tags_text
from reading_room.ids import iam_unique_id

ROLES_PER_PROFILE = 1


def create(
    session: Session,
    account: str,
    name: str,
    now: dt.datetime,
    path: str = "/",
    tags: Sequence[Mapping[str, str]] = (),
) -> InstanceProfile:
    """Create an instance profile without a role. Raises ``InstanceProfileAlreadyExists``, ``LimitExceeded``."""
    if entities.find(session, InstanceProfile, account, name) is not None:
        raise InstanceProfileAlreadyExists(name)
    entities.check_room(session, InstanceProfile, account)
    profile = InstanceProfile(
        unique_id=iam_unique_id("AIPA"), **entities.new_facts(account, name, path, now), tags=tags_text(tags)
    )
    session.add(profile)
    session.flush()
    return profile


def get(session: Session, account: str, name: str) -> InstanceProfile:
    """Return an instance profile by name. Raises ``NoSuchInstanceProfile``."""
    profile = entities.find(session, InstanceProfile, account, name)
    if profile is None:
        raise NoSuchInstanceProfile(name)
    return profile


def add_role(session: Session, profile: InstanceProfile, role: Role) -> None:
    """Add a role to a profile. Raises ``LimitExceeded`` if it has one."""
    if profile.role is not None:
        raise LimitExceeded("InstanceSessionsPerInstanceProfile", ROLES_PER_PROFILE)
    profile.role = role
    session.flush()


def remove_role(session: Session, profile: InstanceProfile, role: Role) -> None:
    """Remove a role from a profile. Raises ``NoSuchEntity`` if it is not the profile's role."""
    if profile.role is not role:
        raise NoSuchEntity("role", role.name)
    profile.role = None
    session.flush()


def delete(session: Session, profile: InstanceProfile) -> None:
    """Delete a profile. Raises ``DeleteConflict`` while it has a role."""
    if profile.role is not None:
        raise DeleteConflict("remove roles from instance profile")
    session.delete(profile)
    session.flush()


def of_roles(session: Session, role_ids: Sequence[str]) -> dict[str, list[InstanceProfile]]:
    """Return the profiles with each role, sorted by name."""
    found: dict[str, list[InstanceProfile]] = {role_id: [] for role_id in role_ids}
    query = select(InstanceProfile).where(InstanceProfile.role_id.in_(role_ids)).order_by(InstanceProfile.name)
    for profile in session.scalars(query):
        found[profile.role_id or ""].append(profile)
    return found
