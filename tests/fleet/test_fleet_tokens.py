"""Tokens: each lets one host join, once, until it expires; only its digest is stored."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.fleet import hosts, tokens
from reading_room.fleet.errors import TokenRefused, TooManyTokens
from reading_room.fleet.tables import HostTokenRow
from tests.worlds.fleet import NOW, ZONES, new_host

SECOND = dt.timedelta(seconds=1)


def join(session: Session, secret: str, host: str = "h1", place: int = 1, now: dt.datetime = NOW) -> None:
    """Let a host join with a token, as the server does."""
    new = new_host(host, place)
    tokens.use(session, secret, host, new.public_key, now)
    hosts.admit(session, new, ZONES, now)


def test_only_the_digest_is_stored(session: Session) -> None:
    token = tokens.create(session, NOW)
    row = session.scalars(select(HostTokenRow)).one()
    assert row.digest == hashlib.sha256(token.secret.encode()).hexdigest()
    assert token.expires_at == row.expires_at == NOW + dt.timedelta(minutes=15)
    assert token.secret not in repr(token)


def test_a_token_works_once_and_the_host_that_used_it_may_repeat_that(session: Session) -> None:
    secret = tokens.create(session, NOW).secret
    join(session, secret)
    join(session, secret, now=NOW + dt.timedelta(hours=1))
    for host, place in (("h2", 2), ("h1", 2)):
        with pytest.raises(TokenRefused, match="has been used by the host h1"):
            join(session, secret, host, place)
    hosts.remove(session, "h1", NOW)
    with pytest.raises(TokenRefused, match="has been used by the host h1"):
        join(session, secret)


def test_a_late_token_is_refused_and_says_when_it_expired(session: Session) -> None:
    token = tokens.create(session, NOW, 60)
    with pytest.raises(TokenRefused, match="expired at 2026-05-01 12:01:00 UTC"):
        join(session, token.secret, now=token.expires_at)
    join(session, token.secret, now=token.expires_at - SECOND)


@pytest.mark.parametrize("secret", ["", "x" * 43, "x" * 44, "é" * 43])
def test_a_wrong_token_is_refused(session: Session, secret: str) -> None:
    with pytest.raises(TokenRefused, match="unknown here"):
        join(session, secret)


def test_tokens_expire_are_limited_and_are_deleted_later(session: Session) -> None:
    for _ in range(tokens.OPEN):
        tokens.create(session, NOW, 60)
    with pytest.raises(TooManyTokens):
        tokens.create(session, NOW)
    tokens.create(session, NOW + 61 * SECOND)
    tokens.create(session, NOW + tokens.KEPT + 61 * SECOND)
    assert session.scalar(select(func.count()).select_from(HostTokenRow)) == 2


@pytest.mark.parametrize("seconds", [0, tokens.MOST_SECONDS + 1])
def test_a_time_that_is_too_short_or_too_long_is_refused(session: Session, seconds: int) -> None:
    with pytest.raises(ValueError, match="seconds"):
        tokens.create(session, NOW, seconds)
