"""Users and their access keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam import inline_policies
from reading_room.iam.credentials import new_key
from reading_room.iam.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    LimitExceeded,
    NoSuchAccessKey,
    NoSuchEntity,
)
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
) -> User:
    """Create a user. Raises ``EntityAlreadyExists``: names are unique without regard to case."""
    if session.scalar(select(User).filter_by(account=account, name_key=name.lower())) is not None:
        raise EntityAlreadyExists("User", name)
    user = User(
        unique_id=iam_unique_id("AIDA"),
        account=account,
        name=name,
        name_key=name.lower(),
        path=path,
        created_at=now,
        tags=tags_text(tags),
    )
    session.add(user)
    session.flush()
    return user


def get(session: Session, account: str, name: str) -> User:
    """Return a user by name. Raises ``NoSuchEntity``."""
    user = session.scalar(select(User).filter_by(account=account, name_key=name.lower()))
    if user is None:
        raise NoSuchEntity("user", name)
    return user


def every(session: Session, account: str, path_prefix: str = "/") -> Sequence[User]:
    """Return an account's users whose path begins so, sorted by name."""
    found = session.scalars(select(User).filter_by(account=account).order_by(User.name)).all()
    return [user for user in found if user.path.startswith(path_prefix)]


def delete(session: Session, account: str, name: str) -> None:
    """Delete a user. Raises ``NoSuchEntity``, ``DeleteConflict`` while it has policies or keys."""
    user = get(session, account, name)
    if inline_policies.names(session, user.unique_id):
        raise DeleteConflict("policies")
    if user.access_keys:
        raise DeleteConflict("referenced objects")
    session.delete(user)


def create_access_key(session: Session, user: User, now: dt.datetime) -> AccessKey:
    """Create an access key. Raises ``LimitExceeded`` for the third."""
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
