"""Users, groups, roles and customer managed policies by name. Names are unique in an account, ignoring case."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import TypeVar

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from reading_room.iam.errors import EntityAlreadyExists, LimitExceeded, NoSuchEntity
from reading_room.iam.tables import Group, InstanceProfile, ManagedPolicy, Named, Role, User

Entity = TypeVar("Entity", bound=Named)

QUOTAS: dict[type[Named], tuple[str, int]] = {
    User: ("UsersPerAccount", 5_000),
    Group: ("GroupsPerAccount", 300),
    Role: ("RolesPerAccount", 1_000),
    InstanceProfile: ("InstanceProfilesPerAccount", 1_000),
    ManagedPolicy: ("PoliciesPerAccount", 1_500),
}
"""The name and limit of the quota per account (IAM quotas)."""


def find(session: Session, model: type[Entity], account: str, name: str) -> Entity | None:
    """Return the entity with a name, ignoring case and path, or ``None``."""
    statement: Select[Entity] = _by_name(model)
    return session.scalar(statement, {"account": account, "name_key": name.lower()})


def get(session: Session, model: type[Entity], account: str, name: str) -> Entity:
    """Return the entity with a name. Raises ``NoSuchEntity``."""
    row = find(session, model, account, name)
    if row is None:
        raise NoSuchEntity(model.kind, name)
    return row


def every(session: Session, model: type[Entity], account: str, path_prefix: str = "/") -> Sequence[Entity]:
    """Return an account's entities whose path begins with a prefix, sorted by name."""
    found = session.scalars(select(model).filter_by(account=account).order_by(model.name)).all()
    return [row for row in found if row.path.startswith(path_prefix)]


def names(session: Session, model: type[Named], account: str) -> Sequence[str]:
    """Return the names of an account's entities, sorted."""
    return session.scalars(select(model.name).filter_by(account=account).order_by(model.name)).all()


def named(session: Session, model: type[Entity], account: str, wanted: Sequence[str]) -> Sequence[Entity]:
    """Return an account's entities with the names in ``wanted``, respecting case, sorted by name."""
    found = select(model).filter_by(account=account).where(model.name.in_(wanted))
    return session.scalars(found.order_by(model.name)).all()


def count(session: Session, model: type[Named], account: str) -> int:
    """Return the number of an account's entities."""
    return session.scalar(select(func.count()).select_from(model).filter_by(account=account)) or 0


def check_room(session: Session, model: type[Named], account: str) -> None:
    """Raise ``LimitExceeded`` if an account cannot have another entity."""
    quota, limit = QUOTAS[model]
    if count(session, model, account) >= limit:
        raise LimitExceeded(quota, limit)


def rename(session: Session, row: Named, new_name: str | None, new_path: str | None) -> None:
    """Change an entity's name, path or both. Its unique id stays, so references to the id remain valid.

    Raises ``EntityAlreadyExists`` if another entity has the name.
    """
    if new_name is not None and new_name != row.name:
        other = find(session, type(row), row.account, new_name)
        if other is not None and other is not row:
            raise EntityAlreadyExists(row.kind.capitalize(), new_name)
        row.name, row.name_key = new_name, new_name.lower()
    if new_path is not None:
        row.path = new_path
    session.flush()


@cache
def _by_name(model: type[Entity]) -> Select[Entity]:
    return select(model).filter_by(account=bindparam("account"), name_key=bindparam("name_key"))


def new_facts(account: str, name: str, path: str, now: dt.datetime) -> dict[str, object]:
    """Return the columns that all new entities have."""
    return {"account": account, "name": name, "name_key": name.lower(), "path": path, "created_at": now}
