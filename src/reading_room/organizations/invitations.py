"""Invitations of existing accounts, which AWS calls handshakes.

An account joins only if somebody in it accepts, because the organization's policies then limit it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam import accounts
from reading_room.iam.tables import Account
from reading_room.ids import organizations_id
from reading_room.organizations import members, tags
from reading_room.organizations.errors import (
    AlreadyInOrganization,
    AlreadyInState,
    DuplicateHandshake,
    HandshakeNotFound,
    InvalidInput,
    InvalidTransition,
    InvitationRefused,
)
from reading_room.organizations.organization import email_of
from reading_room.organizations.tables import ONLY, Invitation, Member, Organization

LASTS = dt.timedelta(days=15)


def state_of(row: Invitation, now: dt.datetime) -> str:
    """Return the state of an invitation."""
    return "EXPIRED" if row.state == "OPEN" and row.expires_at <= now else row.state


def invite(
    session: Session,
    account: str,
    notes: str,
    given: Sequence[Mapping[str, str]],
    most: int,
    now: dt.datetime,
) -> Invitation:
    """Invite an account of the installation.

    Raises ``InvalidInput`` if there is no such account, ``InvitationRefused``, ``DuplicateHandshake``. ``most`` is the
    most accounts of the organization.
    """
    if account not in {each.account for each in accounts.every(session)}:
        raise InvalidInput("INVALID_PATTERN_TARGET_ID", f"This installation has no account {account}.")
    if session.get(Member, account) is not None:
        raise InvitationRefused("ALREADY_IN_AN_ORGANIZATION")
    if any(state_of(row, now) == "OPEN" for row in of_account(session, account)):
        raise DuplicateHandshake
    if not members.has_room(session, most, now):
        raise InvitationRefused("ACCOUNT_NUMBER_LIMIT_EXCEEDED")
    row = Invitation(
        handshake_id=organizations_id("h-", 32),
        organization=ONLY,
        account=account,
        state="OPEN",
        notes=notes,
        tags=json.dumps(tags.checked(given)),
        requested_at=now,
        expires_at=now + LASTS,
    )
    session.add(row)
    session.flush()
    return row


def get(session: Session, handshake_id: str) -> Invitation:
    """Return an invitation. Raises ``HandshakeNotFound``."""
    row = session.get(Invitation, handshake_id)
    if row is None:
        raise HandshakeNotFound
    return row


def to_account(session: Session, handshake_id: str, account: str) -> Invitation:
    """Return an invitation of an account. Raises ``HandshakeNotFound`` for one of another account."""
    row = get(session, handshake_id)
    if row.account != account:
        raise HandshakeNotFound
    return row


def of_account(session: Session, account: str) -> list[Invitation]:
    """Return the invitations of an account, the oldest first."""
    of_it = select(Invitation).where(Invitation.account == account)
    return list(session.scalars(of_it.order_by(Invitation.requested_at, Invitation.handshake_id)))


def every(session: Session) -> list[Invitation]:
    """Return the invitations of the organization, the oldest first."""
    return list(session.scalars(select(Invitation).order_by(Invitation.requested_at, Invitation.handshake_id)))


def answer(session: Session, row: Invitation, state: str, now: dt.datetime) -> None:
    """Decline or cancel an invitation. Raises ``AlreadyInState``, ``InvalidTransition``."""
    current = state_of(row, now)
    if current == state:
        raise AlreadyInState
    if current != "OPEN":
        raise InvalidTransition
    row.state = state
    session.flush()


def accept(session: Session, found: Organization, row: Invitation, now: dt.datetime) -> None:
    """Accept an invitation: the account joins. Raises like ``answer``, and ``AlreadyInOrganization``."""
    if session.get(Member, row.account) is not None:
        raise AlreadyInOrganization
    answer(session, row, "ACCEPTED", now)
    named = session.get(Account, row.account)
    members.join(
        session,
        found,
        row.account,
        name=(named.name if named is not None else "") or row.account,
        email=email_of(row.account),
        invited=True,
        now=now,
        given=json.loads(row.tags),
    )
