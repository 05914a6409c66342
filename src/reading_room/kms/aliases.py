"""Aliases: names for keys, as functions on a database session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.kms.errors import (
    AlreadyExistsException,
    InvalidAliasNameException,
    NotFoundException,
    ValidationException,
)
from reading_room.kms.keys import alias_arn, arn_of, check_exists
from reading_room.kms.tables import AliasRow, KeyRow

PREFIX, RESERVED = "alias/", "alias/aws/"


def check_name(name: str) -> None:
    """Raise ``InvalidAliasNameException`` for a name that a customer's alias cannot have."""
    if not name.startswith(PREFIX) or name == PREFIX:
        raise InvalidAliasNameException(f"Alias must start with the prefix '{PREFIX}': {name}")
    if name.startswith(RESERVED):
        raise InvalidAliasNameException(f"Alias cannot start with the prefix '{RESERVED}': {name}")
    if ":" in name:
        raise InvalidAliasNameException(f"{name} contains invalid characters for an alias")


def find(session: Session, account: str, region: str, name: str) -> AliasRow | None:
    """Return an alias, or ``None``."""
    return session.get(AliasRow, (account, region, name))


def get(session: Session, account: str, region: str, name: str) -> AliasRow:
    """Return an alias. Raises ``NotFoundException``."""
    found = find(session, account, region, name)
    if found is None:
        raise NotFoundException.of_alias(alias_arn(region, account, name))
    return found


def create(session: Session, key: KeyRow, name: str, now: dt.datetime) -> None:
    """Create an alias for a key. Raises ``AlreadyExistsException``, ``KMSInvalidStateException``."""
    if find(session, key.account, key.region, name) is not None:
        raise AlreadyExistsException(alias_arn(key.region, key.account, name))
    check_exists(arn_of(key), key.state)
    session.add(
        AliasRow(account=key.account, region=key.region, name=name, key_id=key.key_id, created_at=now, updated_at=now)
    )


def update(session: Session, alias: AliasRow, key: KeyRow, now: dt.datetime) -> None:
    """Make an alias name another key of the same kind. Raises ``ValidationException``, ``KMSInvalidStateException``."""
    check_exists(arn_of(key), key.state)
    old = session.get_one(KeyRow, alias.key_id)
    if (old.usage, old.spec == "SYMMETRIC_DEFAULT") != (key.usage, key.spec == "SYMMETRIC_DEFAULT"):
        raise ValidationException(
            f"The alias {alias.name} names a key of the usage {old.usage}: the other key must be of the same type"
        )
    alias.key_id, alias.updated_at = key.key_id, now


def every(session: Session, account: str, region: str, key_id: str | None = None) -> Sequence[AliasRow]:
    """Return an account's aliases by name, optionally only those of a key."""
    found = select(AliasRow).filter_by(account=account, region=region)
    if key_id is not None:
        found = found.filter_by(key_id=key_id)
    return session.scalars(found.order_by(AliasRow.name)).all()
