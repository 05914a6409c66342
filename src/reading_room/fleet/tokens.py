"""Tokens with which a host joins: each works once, for a short time, and is stored only as its digest."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.fleet.errors import TokenRefused, TooManyTokens
from reading_room.fleet.tables import HostRow, HostTokenRow

SECONDS = 900
"""How long a token is valid by default."""
LEAST_SECONDS, MOST_SECONDS = 60, 86_400
OPEN = 100
"""The most tokens that can be used at the same time."""
KEPT = dt.timedelta(days=1)
"""How long an expired token is kept, so that its late use is told from a wrong one."""
SECRET = re.compile(r"[0-9A-Za-z_-]{43}", re.ASCII)
"""32 random bytes in base64."""
_ANOTHER = "create another one with `reading-room host token` where serve runs"


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new token, as it is returned once to the operator."""

    secret: str
    expires_at: dt.datetime

    def __repr__(self) -> str:
        """Omit the secret, so that it cannot be logged."""
        return f"NewToken(expires_at={self.expires_at})"


def create(session: Session, now: dt.datetime, seconds: int = SECONDS) -> NewToken:
    """Return a new token, valid for ``seconds``; delete those that expired long ago. Raises ``TooManyTokens``."""
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise ValueError(f"a token is valid for {LEAST_SECONDS} to {MOST_SECONDS} seconds, not {seconds}")
    session.execute(delete(HostTokenRow).where(HostTokenRow.expires_at < now - KEPT))
    is_open = (HostTokenRow.used_at.is_(None), HostTokenRow.expires_at > now)
    if (session.scalar(select(func.count()).select_from(HostTokenRow).where(*is_open)) or 0) >= OPEN:
        raise TooManyTokens(OPEN)
    token = NewToken(secrets.token_urlsafe(32), now + dt.timedelta(seconds=seconds))
    session.add(HostTokenRow(digest=_digest(token.secret), created_at=now, expires_at=token.expires_at))
    session.flush()
    return token


def use(session: Session, secret: str, host: str, public_key: str, now: dt.datetime) -> None:
    """Use up a token for a host that joins. Raises ``TokenRefused``.

    The host that used it may repeat that with the same key, also after its end: it may not have got the answer.
    """
    row = session.get(HostTokenRow, _digest(secret)) if SECRET.fullmatch(secret) else None
    if row is None:
        raise TokenRefused(f"The token is unknown here: {_ANOTHER}.")
    if row.used_at is not None:
        user = session.get(HostRow, row.used_by) if row.used_by == host else None
        if user is None or user.public_key != public_key:
            raise TokenRefused(f"The token has been used by the host {row.used_by}, and works once: {_ANOTHER}.")
        return
    if row.expires_at <= now:
        raise TokenRefused(f"The token expired at {row.expires_at:%Y-%m-%d %H:%M:%S} UTC: {_ANOTHER}.")
    row.used_at, row.used_by = now, host
    session.flush()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
