"""The server's side of joining: it answers what a host without a certificate may ask."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy.orm import Session

from reading_room.agent.frames import Greeting
from reading_room.aws.throttling import Buckets, Rate
from reading_room.clock import Clock, system_clock
from reading_room.codec import DocumentError, encode
from reading_room.database.engine import Database
from reading_room.fleet import database_time, hosts, tokens
from reading_room.fleet.certificates import HostAuthority, key_digest, requested_key
from reading_room.fleet.errors import HostError, HostRefused
from reading_room.fleet.hosts import NewHost
from reading_room.fleet.tables import HostRow
from reading_room.hosts.joining.clocks import check_clock
from reading_room.hosts.joining.documents import (
    Answer,
    Authority,
    AuthorityWanted,
    JoinWanted,
    NotWelcome,
    Welcome,
    read_question,
    version_of,
)
from reading_room.hosts.joining.errors import JoinError
from reading_room.versions import VERSION, is_older

log = logging.getLogger(__name__)

OF_ONE = Rate(20, 0.5)
"""Questions of one address. A join has two."""
OF_ALL = Rate(100, 5)
"""Questions of all addresses together."""


class Admission:
    """Answers hosts that have no certificate yet. Thread-safe; it works with the database, so it blocks."""

    def __init__(
        self,
        database: Database,
        authority: HostAuthority,
        region: str,
        zones: tuple[str, ...],
        first: Callable[[], NewHost],
        clock: Clock = system_clock,
        buckets: Buckets | None = None,
    ) -> None:
        """``first`` describes the host of ``serve``, which gets its row with the first other host.

        It raises ``JoinError`` if that host cannot be part of an underlay. ``clock`` is this machine's.
        """
        self._database = database
        self._authority = authority
        self._region = region
        self._zones = zones
        self._first = first
        self._clock = clock
        self._buckets = buckets or Buckets()

    def answer(self, document: bytes, address: str) -> bytes:
        """Return the answer to the one question of a connection that came from an address."""
        within = self._buckets.take(OF_ONE, ("joining", address)) and self._buckets.take(OF_ALL, ("joining",))
        if not within:
            return _encoded(NotWelcome("Too many hosts ask to join at this moment: try again in a minute."))
        try:
            return _encoded(self._answered(document, address))
        except DocumentError as error:
            message = f"The server cannot read what this host asks ({error}): install version {VERSION} on it."
        except (HostError, JoinError) as error:
            message = str(error)
        log.warning("a host at %s has not joined: %s", address, message)
        return _encoded(NotWelcome(message))

    def _answered(self, document: bytes, address: str) -> Authority | Welcome:
        program = version_of(document).program
        if is_older(program, VERSION):
            raise JoinError(
                f"The program of this host has version {program}, and the server's has {VERSION}: install version "
                f"{VERSION} on the host, and join again."
            )
        wanted = read_question(document).wanted
        if isinstance(wanted, AuthorityWanted):
            return Authority(self._authority.pem, self._clock().timestamp())
        with self._database.transaction() as session:
            welcome = self._join(session, wanted, program)
        log.info("the host %s at %s has joined with the number %d", welcome.host, address, welcome.number)
        return welcome

    def _join(self, session: Session, wanted: JoinWanted, program: str) -> Welcome:
        """Let a host join. What it raises leaves nothing behind, and the token usable."""
        now, machine = database_time.now(session), self._clock()
        key = requested_key(wanted.request)
        new = NewHost(
            host=wanted.host,
            zone=wanted.zone or self._zones[0],
            underlay=wanted.underlay,
            mtu=wanted.mtu,
            cores=wanted.cores,
            memory_bytes=wanted.memory_bytes,
            public_key=key_digest(key),
            program=program,
            labels={each.key: each.value for each in wanted.labels},
        )
        tokens.use(session, wanted.token, new.host, new.public_key, now)
        check_clock(wanted.time, machine.timestamp())
        self._admit_first(session)
        row: HostRow = hosts.admit(session, new, self._zones, now)
        certificate = self._authority.sign(key, row.host, machine)
        return Welcome(row.host, row.number, row.zone, self._region, certificate)

    def _admit_first(self, session: Session) -> None:
        """Give the host of ``serve`` its row, if it has none."""
        if hosts.of_serve(session) is not None:
            return
        try:
            hosts.admit(session, self._first(), self._zones, database_time.now(session))
        except HostRefused as error:
            raise JoinError(f"The server's own host cannot be one of several: {error}") from error


def _encoded(body: Authority | Welcome | NotWelcome) -> bytes:
    return encode(Answer(Greeting(), body))
