"""The leases of hosts as the server has them: granted, renewed, and ended when a host is lost.

A host's epoch is the fence of everything that is on it. It is raised with every lease that begins, after the host has
ended what it had, and in the transaction that gives away what a lost host had. A request that names another epoch
grants nothing. So a spec of the epoch in force was made after its lease began, and has everything that was changed
while nobody waited for the host.

A host counts its lease from the moment at which it asked, the server from a later one. So the host's ends first if
their clocks run at about the same speed, which ``MARGIN_SECONDS`` is for.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from reading_room.agent.frames import Lease, LeaseRequest
from reading_room.clock import seconds_since_boot
from reading_room.database.engine import Database
from reading_room.fleet import database_time
from reading_room.fleet.tables import LEAVING, HostRow

_log = logging.getLogger(__name__)

LEASE_SECONDS = 10
MARGIN_SECONDS = 2
"""How long after the end of its lease a host is lost. Two clocks may differ by this much in the time of a lease."""
LEAST_SECONDS = 0.2
"""The time from a host's request to the next one that is answered. An agent sends one every two seconds."""


def decide(epoch: int, request: LeaseRequest) -> tuple[int, bool]:
    """Return a host's epoch after a request, and whether the request is granted. ``epoch`` is the one before."""
    if request.epoch != epoch:
        return epoch, False
    return (epoch if request.held else epoch + 1), True


def renew(session: Session, host: str, request: LeaseRequest, now: Callable[[Session], dt.datetime]) -> Lease:
    """Return the answer to a host's request, and write when its lease ends. One that is being removed gets none."""
    row = session.get(HostRow, host, with_for_update=True)
    if row is None or row.state == LEAVING:
        return Lease(request.renewal, 0, 0 if row is None else row.epoch)
    row.epoch, granted = decide(row.epoch, request)
    if granted:
        row.seen_at = now(session)
        row.lease_until = row.seen_at + dt.timedelta(seconds=LEASE_SECONDS)
    return Lease(request.renewal, LEASE_SECONDS if granted else 0, row.epoch)


class HostLeases:
    """Grants and ends the leases of hosts, in the one process that leads. Thread-safe.

    A lease has ended when both clocks say so: the database's, and the time that this process has seen pass. So no step
    of the database's clock ends the leases of all hosts.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[Session], dt.datetime] = database_time.now,
        elapsed: Callable[[], float] = seconds_since_boot,
    ) -> None:
        """``now`` is the clock of the database. ``elapsed`` returns seconds that no step of a clock changes."""
        self._database = database
        self._now = now
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._asked: dict[str, float] = {}
        """When each host last asked."""
        self._granted: dict[str, float] = {}
        """The same, for the last time that it got a lease."""
        self._since = elapsed()

    def lead(self) -> None:
        """This process begins to lead. Leases that another one granted may last for as long as one that begins now."""
        with self._lock:
            self._since = self._elapsed()

    def answer(self, host: str, request: LeaseRequest) -> Lease | None:
        """Return the answer to a host's request; ``None`` if the database cannot be written, or if it asks too often.

        Without an answer the host asks again, until its lease ends.
        """
        with self._lock:
            asked = self._elapsed()
            if asked < self._asked.get(host, -LEAST_SECONDS) + LEAST_SECONDS:
                return None
            self._asked[host] = asked
        try:
            # A renewal waits for no other writer, because one that is suspended must not end the leases of all hosts,
            # and it tells nobody, because nobody acts on it.
            with Session(self._database.engine) as session:
                session.connection(execution_options={"immediate": True})
                answer = renew(session, host, request, self._now)
                session.commit()
        except SQLAlchemyError as error:
            _log.error("the lease of the host %s cannot be renewed: %s", host, error)
            return None
        if answer.seconds:
            with self._lock:
                self._granted[host] = asked
        if answer.epoch != request.epoch:
            _log.warning("the host %s had a lease of epoch %d; its epoch is %d", host, request.epoch, answer.epoch)
            self._database.announce(frozenset({HostRow.__tablename__}))
        return answer

    def lost(self, session: Session) -> tuple[str, ...]:
        """Return the hosts whose lease has ended, so that nothing of them runs or sends any more."""
        ended = self._now(session) - dt.timedelta(seconds=MARGIN_SECONDS)
        rows = session.execute(select(HostRow.host, HostRow.lease_until).where(HostRow.lease_until.is_not(None)))
        return tuple(sorted(host for host, until in rows if until and until <= ended and self._silent(host)))

    def end(self, session: Session, host: str) -> bool:
        """Begin another epoch of a host that is lost; return whether it is still lost.

        What it had may be given away in the same transaction, which must be a block that writes.
        """
        row = session.get(HostRow, host, with_for_update=True)
        if row is None or row.lease_until is None or not self._silent(host):
            return False
        if row.lease_until > self._now(session) - dt.timedelta(seconds=MARGIN_SECONDS):
            return False
        row.epoch, row.lease_until = row.epoch + 1, None
        return True

    def _silent(self, host: str) -> bool:
        with self._lock:
            last = max(self._since, self._granted.get(host, self._since))
            return self._elapsed() >= last + LEASE_SECONDS + MARGIN_SECONDS
