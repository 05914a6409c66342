"""The hosts of an installation with several: where they are, in which state, and whether their leases last."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from reading_room.database.engine import Database
from reading_room.fleet import database_time, hosts
from reading_room.fleet.tables import HostRow


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
    """Whether its lease was ended (``HostLeases.end``) and no other has begun: nothing of it runs or sends."""
    tunnel_key: str = ""
    tunnel_port: int = 0


Now = Callable[[Session], dt.datetime]
"""Returns the time by the clock of the database."""


def read(session: Session, now: Now = database_time.now) -> tuple[Member, ...]:
    """Return the hosts in order of their numbers; none if there is only one, which has no row."""
    rows = hosts.every(session)
    moment = now(session) if rows else None
    return tuple(_member(row, moment) for row in rows if moment is not None)


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
        lost=until is None and row.epoch > 0,
        tunnel_key=row.tunnel_key,
        tunnel_port=row.tunnel_port,
    )


class Fleet:
    """Reads the hosts. While there is only one, it reads nothing: only a write to the table can change that."""

    def __init__(self, database: Database, now: Now = database_time.now) -> None:
        self._now = now
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
        found = read(session, self._now)
        if not found:
            with self._lock:
                self._alone_at = writes
        return found

    def _written(self, tables: frozenset[str]) -> None:
        if HostRow.__tablename__ in tables:
            with self._lock:
                self._writes += 1
