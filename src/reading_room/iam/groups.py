"""Groups and their members."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam import entities
from reading_room.iam.attached_policies import check_without_policies
from reading_room.iam.errors import DeleteConflict, EntityAlreadyExists, LimitExceeded
from reading_room.iam.tables import Group, GroupMember, User
from reading_room.ids import iam_unique_id

GROUPS_PER_USER = 10


def create(session: Session, account: str, name: str, now: dt.datetime, path: str = "/") -> Group:
    """Create a group. Raises ``EntityAlreadyExists``, ``LimitExceeded``."""
    if entities.find(session, Group, account, name) is not None:
        raise EntityAlreadyExists("Group", name)
    entities.check_room(session, Group, account)
    group = Group(unique_id=iam_unique_id("AGPA"), **entities.new_facts(account, name, path, now))
    session.add(group)
    session.flush()
    return group


def add(session: Session, group: Group, user: User) -> None:
    """Add a user to a group, unless already a member. Raises ``LimitExceeded`` for a user's eleventh group."""
    if session.get(GroupMember, (group.unique_id, user.unique_id)) is not None:
        return
    if len(groups_of(session, user)) >= GROUPS_PER_USER:
        raise LimitExceeded("GroupsPerUser", GROUPS_PER_USER)
    session.add(GroupMember(group_id=group.unique_id, user_id=user.unique_id))
    session.flush()


def remove(session: Session, group: Group, user: User) -> None:
    """Remove a user from a group, if a member."""
    row = session.get(GroupMember, (group.unique_id, user.unique_id))
    if row is not None:
        session.delete(row)
        session.flush()


def members(session: Session, group: Group) -> Sequence[User]:
    """Return the users in a group, sorted by name."""
    joined = select(User).join(GroupMember, GroupMember.user_id == User.unique_id)
    return session.scalars(joined.where(GroupMember.group_id == group.unique_id).order_by(User.name)).all()


def groups_of(session: Session, user: User) -> Sequence[Group]:
    """Return the groups that a user is in, sorted by name."""
    joined = select(Group).join(GroupMember, GroupMember.group_id == Group.unique_id)
    return session.scalars(joined.where(GroupMember.user_id == user.unique_id).order_by(Group.name)).all()


def names_by_user(session: Session, user_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the sorted names of each user's groups."""
    found: dict[str, list[str]] = {user_id: [] for user_id in user_ids}
    joined = select(GroupMember.user_id, Group.name).join(Group, GroupMember.group_id == Group.unique_id)
    for user_id, name in session.execute(joined.where(GroupMember.user_id.in_(user_ids)).order_by(Group.name)):
        found[user_id].append(name)
    return found


def delete(session: Session, group: Group) -> None:
    """Delete a group. Raises ``DeleteConflict`` while it has members or policies."""
    if members(session, group):
        raise DeleteConflict("remove users from group")
    check_without_policies(session, group)
    session.delete(group)
    session.flush()
