"""Users and their access keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from reading_room.iam import entities, groups
from reading_room.iam.attached_policies import check_boundary, check_without_policies
from reading_room.iam.credentials import new_key
from reading_room.iam.errors import DeleteConflict, EntityAlreadyExists, LimitExceeded, NoSuchAccessKey
from reading_room.iam.tables import AccessKey, User
from reading_room.iam.tags import tags_text
from reading_room.ids import iam_unique_id

KEYS_PER_USER = 2


def create(
    session: Session,
    account: str,
    name: str,
    now: dt.datetime,
    path: str = "/",
    tags: Sequence[Mapping[str, str]] = (),
    boundary: str | None = None,
) -> User:
    """Create a user; ``boundary`` is the ARN of a managed policy.

    Raises ``EntityAlreadyExists`` (names are unique, ignoring case), ``LimitExceeded``, ``NoSuchBoundary``.
    """
    if entities.find(session, User, account, name) is not None:
        raise EntityAlreadyExists("User", name)
    entities.check_room(session, User, account)
    check_boundary(session, account, boundary)
    user = User(
        unique_id=iam_unique_id("AIDA"),
        **entities.new_facts(account, name, path, now),
        tags=tags_text(tags),
        boundary=boundary,
    )
    session.add(user)
    session.flush()
    return user


def delete(session: Session, user: User) -> None:
    """Delete a user with its sessions. Raises ``DeleteConflict`` while it has groups, policies or keys."""
    if groups.groups_of(session, user):
        raise DeleteConflict("remove users from group")
    check_without_policies(session, user)
    if user.access_keys:
        raise DeleteConflict("remove referenced objects")
    session.delete(user)
    session.flush()


def create_access_key(session: Session, user: User, now: dt.datetime) -> AccessKey:
    """Create an access key. Raises ``LimitExceeded`` for a third one."""
    if len(user.access_keys) >= KEYS_PER_USER:
        raise LimitExceeded("AccessKeysPerUser", KEYS_PER_USER)
    key = new_key("AKIA")
    row = AccessKey(
        access_key_id=key.access_key_id,
        secret_access_key=key.secret_access_key,
        user_id=user.unique_id,
        active=True,
        created_at=now,
    )
    user.access_keys.append(row)
    session.flush()
    return row


def access_key(user: User, access_key_id: str) -> AccessKey:
    """Return an access key of a user. Raises ``NoSuchAccessKey``."""
    for key in user.access_keys:
        if key.access_key_id == access_key_id:
            return key
    raise NoSuchAccessKey(access_key_id)
