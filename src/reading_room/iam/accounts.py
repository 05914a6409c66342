"""The accounts of an installation. Users, roles and all other resources belong to an account number.

The settings name the first account. The operator creates further ones, each with its own administrator.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.iam import entities, users
from reading_room.iam.bootstrap import ADMINISTRATOR, make_administrator
from reading_room.iam.tables import AccessKey, Account, User


class AccountExists(Exception):
    """The account to create exists already."""

    def __init__(self, account: str) -> None:
        super().__init__(f"account {account} exists already: choose another number")


class NoAdministrator(Exception):
    """An account has no user named like the administrator."""

    def __init__(self, account: str) -> None:
        super().__init__(
            f"account {account} has no user {ADMINISTRATOR}; `aws iam create-access-key` creates keys for other users"
        )


class TwoKeys(Exception):
    """An administrator has the maximum number of access keys."""

    def __init__(self, account: str, key_ids: Sequence[str]) -> None:
        super().__init__(
            f"the administrator of account {account} has two keys already, {' and '.join(key_ids)}: delete the "
            f"unused one with `aws iam delete-access-key --user-name {ADMINISTRATOR} --access-key-id ID`"
        )


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """An account as listed; ``name`` is empty if the operator gave none."""

    account: str
    name: str
    users: int


def create(session: Session, account: str, name: str, now: dt.datetime) -> AccessKey:
    """Create an account and its administrator, and return the administrator's key. Raises ``AccountExists``."""
    if session.get(Account, account) is not None or entities.count(session, User, account):
        raise AccountExists(account)
    session.add(Account(account=account, name=name, created_at=now))
    return make_administrator(session, account, now)


def every(session: Session) -> list[AccountSummary]:
    """Return every account that the operator created or that has a user, sorted."""
    counts: dict[str, int] = {}
    for account, count in session.execute(select(User.account, func.count()).group_by(User.account)):
        counts[account] = count
    names = {row.account: row.name for row in session.scalars(select(Account))}
    return [
        AccountSummary(account, names.get(account, ""), counts.get(account, 0)) for account in sorted({*counts, *names})
    ]


def new_key(session: Session, account: str, now: dt.datetime) -> AccessKey:
    """Create another key for an account's administrator. Raises ``NoAdministrator``, ``TwoKeys``."""
    administrator = entities.find(session, User, account, ADMINISTRATOR)
    if administrator is None:
        raise NoAdministrator(account)
    if len(administrator.access_keys) >= users.KEYS_PER_USER:
        raise TwoKeys(account, [key.access_key_id for key in administrator.access_keys])
    return users.create_access_key(session, administrator, now)


def delete_other_keys(session: Session, account: str, kept: str) -> None:
    """Delete every key of an account's administrator except ``kept``."""
    administrator = entities.find(session, User, account, ADMINISTRATOR)
    for key in list(administrator.access_keys) if administrator is not None else ():
        if key.access_key_id != kept:
            session.delete(key)
