"""The organization with its root: who belongs to it, and who manages it.

The first account of the installation creates it, and is its management account. An account that the organization could
limit has agreed to that: it was created by the organization, or has accepted an invitation.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.ids import organizations_id
from reading_room.organizations import attachments
from reading_room.organizations.errors import (
    AlreadyInOrganization,
    NotInUse,
    OnlyForManagement,
    OnlyForTheFirstAccount,
    OrganizationNotEmpty,
)
from reading_room.organizations.kinds import SERVICE_CONTROL
from reading_room.organizations.tables import ONLY, ControlPolicy, Member, Organization, Unit


def find(session: Session) -> Organization | None:
    """Return the installation's organization, or ``None`` if there is none."""
    return session.get(Organization, ONLY)


def of_member(session: Session, account: str) -> Organization:
    """Return the organization that an account belongs to. Raises ``NotInUse``."""
    found = find(session)
    if found is None or session.get(Member, account) is None:
        raise NotInUse
    return found


def managed_by(session: Session, account: str) -> Organization:
    """Return the organization that an account manages. Raises ``NotInUse``, ``OnlyForManagement``."""
    found = of_member(session, account)
    if found.account != account:
        raise OnlyForManagement
    return found


def email_of(account: str) -> str:
    """Return the address of an account that gave none. Its domain exists nowhere (RFC 2606)."""
    return f"{account}@accounts.invalid"


def create(session: Session, account: str, name: str, first: str, now: dt.datetime) -> Organization:
    """Create the organization, with an account as its management account and only member.

    ``first`` is the first account of the installation. Raises ``AlreadyInOrganization``, ``OnlyForTheFirstAccount``.
    """
    if account != first:
        raise OnlyForTheFirstAccount
    if find(session) is not None:
        raise AlreadyInOrganization
    found = Organization(
        account=account,
        organization_id=organizations_id("o-", 10),
        root_id=organizations_id("r-", 4),
        created_at=now,
    )
    session.add(found)
    session.flush()
    session.add(
        Member(
            account=account,
            organization=ONLY,
            parent_id=found.root_id,
            name=name,
            email=email_of(account),
            invited=True,
            joined_at=now,
        )
    )
    attachments.attach_default(session, SERVICE_CONTROL, [found.root_id, account])
    return found


def delete(session: Session, found: Organization) -> None:
    """Delete the organization. Raises ``OrganizationNotEmpty`` while it has other members, units or policies."""
    for model, own in ((Member, 1), (Unit, 0), (ControlPolicy, 0)):
        if (session.scalar(select(func.count()).select_from(model)) or 0) > own:
            raise OrganizationNotEmpty
    session.delete(found)
    session.flush()
