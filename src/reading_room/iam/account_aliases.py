"""An account's alias, which stands for its number."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam.errors import AliasAlreadyExists, NoSuchEntity
from reading_room.iam.tables import AccountAlias


def of(session: Session, account: str) -> list[str]:
    """Return an account's alias in a list, or an empty list."""
    row = session.get(AccountAlias, account)
    return [] if row is None else [row.alias]


def create(session: Session, account: str, alias: str) -> None:
    """Set an account's alias, replacing any earlier one. Raises ``AliasAlreadyExists`` if another account has it."""
    other = session.scalar(select(AccountAlias).filter_by(alias=alias))
    if other is not None and other.account != account:
        raise AliasAlreadyExists(alias)
    session.merge(AccountAlias(account=account, alias=alias))


def delete(session: Session, account: str, alias: str) -> None:
    """Delete an account's alias. Raises ``NoSuchEntity`` if it is not the account's."""
    row = session.get(AccountAlias, account)
    if row is None or row.alias != alias:
        raise NoSuchEntity("Account Alias", alias)
    session.delete(row)
