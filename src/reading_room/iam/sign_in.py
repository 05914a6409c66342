"""Signing in and out: tokens that are valid once and for a minute, and the credentials that they are exchanged for.

Tokens exist only in this process, as digests. A token refers to an access key, so it cannot be redeemed after the key
is deactivated, its user deleted or its session ended.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, replace

from sqlalchemy import delete
from sqlalchemy.orm import Session

from reading_room.aws.call import Principal
from reading_room.clock import Clock
from reading_room.iam.bonds import bond_of
from reading_room.iam.principals import session_principal, signed_in_principal, user_session_principal
from reading_room.iam.tables import AccessKey, RoleSession, SignIn, SignInSession, TemporaryKey, UserSession
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


@dataclass(frozen=True, slots=True)
class _Open:
    digest: bytes
    access_key_id: str
    caller: str
    expires_at: dt.datetime


class SignInTokens:
    """The open tokens. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: list[_Open] = []

    def create(self, principal: Principal, access_key_id: str) -> NewToken:
        """Return a new token for a principal and the key that it called with. Raises ``TooManyTokens``."""
        text = secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._clock()
        entry = _Open(_digest(text), access_key_id, principal.user_id, now + dt.timedelta(seconds=TOKEN_SECONDS))
        with self._lock:
            self._sweep(now)
            if sum(each.caller == entry.caller for each in self._open) >= OPEN_TOKENS:
                raise TooManyTokens
            self._open.append(entry)
        return NewToken(text, entry.expires_at)

    def redeem(self, text: str) -> str:
        """Return the access key id that a token refers to, and discard the token. Raises ``NotRedeemable``."""
        digest = _digest(text)
        with self._lock:
            self._sweep(self._clock())
            # Compare all of them in constant time, so that timing reveals nothing.
            found = [each for each in self._open if hmac.compare_digest(each.digest, digest)]
            self._open = [each for each in self._open if each not in found]
        if not found:
            raise NotRedeemable
        return found[0].access_key_id

    def _sweep(self, now: dt.datetime) -> None:
        self._open = [each for each in self._open if each.expires_at > now]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


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
