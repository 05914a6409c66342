"""Signing in and out: tokens that are valid once and for a minute, and the credentials that they are exchanged for.

Tokens are stored as digests, so that any ``serve`` of the database can redeem them. A token refers to an access key, so
it cannot be redeemed after the key is deactivated, its user deleted or its session ended.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass, replace

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.aws.call import Principal
from reading_room.database.engine import Database
from reading_room.iam.bonds import bond_of
from reading_room.iam.principals import session_principal, signed_in_principal, user_session_principal
from reading_room.iam.tables import (
    AccessKey,
    RoleSession,
    SignIn,
    SignInSession,
    SignInToken,
    TemporaryKey,
    UserSession,
)
from reading_room.iam.temporary_keys import SessionAttributes, SessionCredentials, store
from reading_room.iam.user_sessions import DEFAULT_SECONDS

TOKEN_SECONDS = 60
"""How long a token is valid."""
OPEN_TOKENS = 5
"""Open tokens per principal."""
_TOKEN_BYTES = 32


class TooManyTokens(Exception):
    """A principal has the maximum number of open tokens."""


class NotRedeemable(Exception):
    """A token is unknown, used, expired, or refers to a key that is no longer valid. Clients do not see which."""


class NotSignedIn(Exception):
    """A key was not issued for a token, so its holder cannot end it."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new token, as returned once to its creator."""

    text: str
    expires_at: dt.datetime

    def __repr__(self) -> str:
        """Omit the text, so that it cannot be logged."""
        return f"NewToken(expires_at={self.expires_at})"


def create_token(session: Session, principal: Principal, access_key_id: str, now: dt.datetime) -> NewToken:
    """Return a new token for a principal and the key that it called with. Raises ``TooManyTokens``."""
    text = secrets.token_urlsafe(_TOKEN_BYTES)
    session.execute(delete(SignInToken).where(SignInToken.expires_at <= now))
    caller = principal.user_id
    open_ones = select(func.count()).select_from(SignInToken).where(SignInToken.caller == caller)
    if (session.scalar(open_ones) or 0) >= OPEN_TOKENS:
        raise TooManyTokens
    expires_at = now + dt.timedelta(seconds=TOKEN_SECONDS)
    session.add(
        SignInToken(
            digest=_digest(text),
            account=principal.account,
            access_key_id=access_key_id,
            caller=caller,
            expires_at=expires_at,
        )
    )
    return NewToken(text, expires_at)


def redeem(database: Database, text: str, now: dt.datetime) -> str:
    """Return the access key id that a token refers to, and discard the token. Raises ``NotRedeemable``."""
    # Anybody may try tokens: an unknown one must not wait for writers, nor make them wait.
    with database.reading() as session:
        if session.get(SignInToken, _digest(text)) is None:
            raise NotRedeemable
    with database.transaction() as session:
        token = session.get(SignInToken, _digest(text))
        if token is None:
            raise NotRedeemable
        session.delete(token)
    if token.expires_at <= now:
        raise NotRedeemable
    return token.access_key_id


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sign_in(session: Session, access_key_id: str, now: dt.datetime) -> tuple[Principal, SessionCredentials]:
    """Create temporary credentials for the holder of a key: the same principal with the same permissions.

    Those for a temporary key have its policies, tags and time of issue, and expire with it, or end when ``end`` is
    called with them. Raises ``NotRedeemable`` for a key that is deleted, inactive or expired.
    """
    principal, credentials = _copy(session, access_key_id, now)
    # Expired keys need no row, since they are refused anyway.
    session.execute(delete(SignIn).where(SignIn.expires_at <= now))
    session.add(SignIn(access_key_id=credentials.access_key_id, expires_at=credentials.expires_at))
    return principal, credentials


def end(session: Session, access_key_id: str) -> None:
    """Expire the session of a key that ``sign_in`` created. Raises ``NotSignedIn``."""
    mark = session.get(SignIn, access_key_id)
    if mark is None:
        raise NotSignedIn
    session.delete(mark)
    tables: tuple[type[TemporaryKey], ...] = (SignInSession, RoleSession, UserSession)
    for row in (session.get(table, access_key_id) for table in tables):
        if row is not None:
            # Not the present time: a clock that is set back would revive the session.
            row.expires_at = row.issued_at


def _copy(session: Session, access_key_id: str, now: dt.datetime) -> tuple[Principal, SessionCredentials]:
    key = session.get(AccessKey, access_key_id)
    if key is not None and key.active:
        row = SignInSession(user=key.user)
        credentials = store(session, row, SessionAttributes(), seconds=DEFAULT_SECONDS, now=now)
        return signed_in_principal(row), credentials
    role_session = session.get(RoleSession, access_key_id)
    if role_session is not None and role_session.expires_at > now:
        copy = RoleSession(
            role_id=role_session.role_id,
            role_arn=role_session.role_arn,
            account=role_session.account,
            session_name=role_session.session_name,
            transitive_tag_keys=role_session.transitive_tag_keys,
            source_identity=role_session.source_identity,
        )
        credentials = _like(session, role_session, copy, now)
        return session_principal(copy), credentials
    user_session = session.get(UserSession, access_key_id)
    if user_session is not None and user_session.expires_at > now:
        of_user = UserSession(user=user_session.user, federated_name=user_session.federated_name)
        credentials = _like(session, user_session, of_user, now)
        return user_session_principal(of_user), credentials
    signed_in = session.get(SignInSession, access_key_id)
    if signed_in is not None and signed_in.expires_at > now:
        again = SignInSession(user=signed_in.user)
        credentials = _like(session, signed_in, again, now)
        return signed_in_principal(again), credentials
    raise NotRedeemable


def _like(session: Session, source: TemporaryKey, copy: TemporaryKey, now: dt.datetime) -> SessionCredentials:
    """Store a new row with its own key and all other values of ``source``."""
    credentials = store(
        session,
        copy,
        SessionAttributes(),
        seconds=DEFAULT_SECONDS,
        now=now,
        token_size=len(source.session_token),
        bound_to=bond_of(source.session_token),
    )
    copy.policy, copy.policy_arns, copy.tags = source.policy, source.policy_arns, source.tags
    # A policy that revokes all sessions issued before a time must revoke this one together with its source.
    copy.issued_at = source.issued_at
    copy.expires_at = min(source.expires_at, credentials.expires_at)
    session.flush()
    return replace(credentials, issued_at=copy.issued_at, expires_at=copy.expires_at)
