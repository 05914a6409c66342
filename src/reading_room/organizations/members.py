"""The accounts of the organization: those that it creates, and where all of them are.

A new account has what AWS gives it: a role that the management account can assume, with every permission, and no user.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.iam import entities, inline_policies, roles
from reading_room.iam.tables import Account, User
from reading_room.ids import account_number, organizations_id
from reading_room.organizations import attachments, tags, units
from reading_room.organizations.errors import (
    AccountNotFound,
    CreationNotFound,
    DestinationNotFound,
    DuplicateAccount,
    ManagementCannotLeave,
    SourceNotFound,
)
from reading_room.organizations.tables import ONLY, Creation, Invitation, Member, Organization, Unit

ROLE = "OrganizationAccountAccessRole"
"""The default name of the role in new accounts."""
_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})

Prepare = Callable[[Session, str], object]
"""Creates what every new account has, such as its default VPC."""


def get(session: Session, account: str) -> Member:
    """Return an account of the organization. Raises ``AccountNotFound``."""
    row = session.get(Member, account)
    if row is None:
        raise AccountNotFound
    return row


def every(session: Session, parent_id: str | None = None) -> list[Member]:
    """Return the accounts, or those directly in the root or a unit, sorted by number."""
    found = select(Member).order_by(Member.account)
    return list(session.scalars(found if parent_id is None else found.where(Member.parent_id == parent_id)))


def has_room(session: Session, most: int, now: dt.datetime) -> bool:
    """Return whether another account may join. Open invitations count, as at AWS."""
    members = session.scalar(select(func.count()).select_from(Member)) or 0
    invited = select(func.count()).where(Invitation.state == "OPEN", Invitation.expires_at > now)
    return members + (session.scalar(invited) or 0) < most


def join(
    session: Session,
    found: Organization,
    account: str,
    *,
    name: str,
    email: str,
    invited: bool,
    now: dt.datetime,
    given: Sequence[Mapping[str, str]],
) -> Member:
    """Add an account to the root, with its tags and AWS's own policies."""
    row = Member(
        account=account,
        organization=ONLY,
        parent_id=found.root_id,
        name=name,
        email=email,
        invited=invited,
        joined_at=now,
    )
    session.add(row)
    session.flush()
    attachments.attach_defaults(session, found, account)
    if given:
        tags.add(session, account, given)
    return row


def create(
    session: Session,
    found: Organization,
    *,
    name: str,
    email: str,
    role: str,
    given: Sequence[Mapping[str, str]],
    most: int,
    now: dt.datetime,
    prepare: Prepare,
) -> Creation:
    """Create an account, and return the record of the request, which also says why there is none.

    ``most`` is the most accounts of the organization.
    """
    tags.checked(given)
    creation = Creation(
        creation_id=organizations_id("car-", 32), organization=ONLY, name=name, requested_at=now, failure=None
    )
    session.add(creation)
    if not has_room(session, most, now):
        creation.failure = "ACCOUNT_LIMIT_EXCEEDED"
    elif session.scalar(select(Member.account).where(Member.email == email)) is not None:
        creation.failure = "EMAIL_ALREADY_EXISTS"
    else:
        creation.created = _new(session, found, name, role, now)
        prepare(session, creation.created)
        join(session, found, creation.created, name=name, email=email, invited=False, now=now, given=given)
    session.flush()
    return creation


def _new(session: Session, found: Organization, name: str, role: str, now: dt.datetime) -> str:
    """Create an account with its role, and return its number."""
    account = account_number()
    while session.get(Account, account) is not None or entities.count(session, User, account):
        account = account_number()
    session.add(Account(account=account, name=name, created_at=now))
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{found.account}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = roles.create(session, account, role, document, now)
    inline_policies.put(session, "role", made.unique_id, role, "AdministratorAccess", _POLICY)
    return account


def creation(session: Session, creation_id: str) -> Creation:
    """Return the record of a request for an account. Raises ``CreationNotFound``."""
    row = session.get(Creation, creation_id)
    if row is None:
        raise CreationNotFound
    return row


def creations(session: Session) -> list[Creation]:
    """Return the records of all requests for accounts, the oldest first."""
    return list(session.scalars(select(Creation).order_by(Creation.requested_at, Creation.creation_id)))


def move(session: Session, found: Organization, row: Member, source: str, destination: str) -> None:
    """Move an account. Raises ``SourceNotFound``, ``DestinationNotFound``, ``DuplicateAccount``."""
    if row.parent_id != source:
        raise SourceNotFound
    if destination != found.root_id and session.get(Unit, destination) is None:
        raise DestinationNotFound
    if destination == source:
        raise DuplicateAccount
    row.parent_id = destination
    session.flush()


def remove(session: Session, found: Organization, row: Member) -> None:
    """Remove an account from the organization; it stays one of the installation. Raises ``ManagementCannotLeave``."""
    if row.account == found.account:
        raise ManagementCannotLeave
    attachments.detach_all(session, row.account)
    tags.forget(session, row.account)
    session.delete(row)
    session.flush()


def path(session: Session, found: Organization, row: Member) -> str:
    """Return where an account is, as AWS writes it: ``o-…/r-…/ou-…/ACCOUNT/``."""
    return units.text_of(found, units.path_of(found, units.parents(session), row.parent_id), row.account)
