"""The hosts of an installation with several: where they are, in which state, and whether their leases last."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from reading_room.clock import Clock, system_clock
from reading_room.database.engine import Database
from reading_room.fleet.tables import HostRow

LOSS_MARGIN = dt.timedelta(seconds=2)
"""How long after the end of its lease a host is lost. Its containers have ended before the lease does."""


@dataclass(frozen=True, slots=True)
class Member:
    """A host of an installation with several hosts. ``memory_bytes`` and ``cores`` are all that it has."""

    host: str
    number: int
    state: str
    zone: str
    labels: Mapping[str, str]
    underlay: str
    mtu: int
    cores: int
    memory_bytes: int
    epoch: int
    leased: bool
    """Whether its lease lasts."""
    lost: bool
    """Whether its lease ended, and the margin after it: nothing of it runs or sends any more."""


def read(session: Session, clock: Clock = system_clock) -> tuple[Member, ...]:
    """Return the hosts in order of their numbers; none if there is only one, which has no row.

    Leases end by the clock of the database. SQLite has none, so ``clock`` takes its place.
    """
    own = session.get_bind().dialect.name == "postgresql"
    now = func.clock_timestamp() if own else literal(clock(), HostRow.joined_at.type)
    rows = session.execute(select(HostRow, now).order_by(HostRow.number))
    return tuple(_member(row, moment) for row, moment in rows)


def _member(row: HostRow, now: dt.datetime) -> Member:
    until = row.lease_until
    return Member(
        host=row.host,
        number=row.number,
        state=row.state,
        zone=row.zone,
        labels=row.labels,
        underlay=row.underlay,
        mtu=row.mtu,
        cores=row.cores,
        memory_bytes=row.memory_bytes,
        epoch=row.epoch,
        leased=until is not None and now < until,
        lost=until is not None and now >= until + LOSS_MARGIN,
    )


class Fleet:
    """Reads the hosts. While there is only one, it reads nothing: only a write to the table can change that."""

    def __init__(self, database: Database, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._writes = 0
        self._alone_at: int | None = None
        """The number of writes at which the table was found empty."""
        database.on_commit(self._written)

    def members(self, session: Session) -> tuple[Member, ...]:
        """Return the hosts in order of their numbers; none if there is only one."""
        with self._lock:
            writes = self._writes
            if self._alone_at == writes:
                return ()
        found = read(session, self._clock)
        if not found:
            with self._lock:
                self._alone_at = writes
        return found

    def _written(self, tables: frozenset[str]) -> None:
        if HostRow.__tablename__ in tables:
            with self._lock:
                self._writes += 1
