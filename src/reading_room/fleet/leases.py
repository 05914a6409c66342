"""Leases: each task has one holder at a time, by the clock of the database.

Only ``take`` changes the holder, in a block, so that it waits for all transactions that have begun; from then on, the
transactions of the former holder fail, because they check the fence (``check``) after they have the writers' lock. A
renewal changes only the time and waits for no writer, so that a suspended process that holds up all writers does not
end the leases of others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.orm import Session

from reading_room.database.engine import Database
from reading_room.fleet import database_time
from reading_room.fleet.tables import LeaseRow

LEADER = "leader"
"""The task of the process that runs the loops."""
IDLE_SECONDS = 5
"""How long a transaction that checked a fence may be idle in PostgreSQL. Nobody can write or take the lease meanwhile,
so one of a suspended process must end soon."""


class LeaseLost(Exception):
    """A transaction belongs to a holder that another one has replaced, so it was rolled back."""

    def __init__(self, held: Held) -> None:
        super().__init__(f"this process no longer holds the lease {held.name}, so it changed nothing")


@dataclass(frozen=True, slots=True)
class Held:
    """A lease in the hands of a holder. ``fence`` is higher than that of every earlier holder."""

    name: str
    holder: str
    fence: int


@dataclass(frozen=True, slots=True)
class Found:
    """A lease as the database has it."""

    held: Held
    seconds: float
    """The time left; not above zero if it has ended."""
    url: str
    facts: Mapping[str, Any]


def take(
    database: Database, name: str, holder: str, seconds: float, *, url: str = "", facts: Mapping[str, Any] | None = None
) -> Held | None:
    """Take a lease that nobody has, that has ended, or that ``holder`` has. Return ``None`` if somebody else has it.

    The fence is always raised. So a process may take over the lease of its own former process, without waiting.
    """
    with database.transaction(announced=False) as session:
        # A renewal takes no lock of writers, so the row must not change after it was read.
        row = session.get(LeaseRow, name, with_for_update=True)
        now = database_time.now(session)
        if row is None:
            row = LeaseRow(name=name, fence=0)
            session.add(row)
        elif row.holder != holder and row.expires_at > now:
            return None
        row.holder, row.fence, row.url, row.facts = holder, row.fence + 1, url, dict(facts or {})
        row.expires_at = now + dt.timedelta(seconds=seconds)
        return Held(name, holder, row.fence)


def renew(connection: Connection, held: Held, seconds: float, facts: Mapping[str, Any] | None = None) -> bool:
    """Renew a lease from now on, in a transaction of its own. Return ``False`` if somebody else has taken it.

    A lease that has ended is renewed, too, as long as nobody has taken it.
    """
    values: dict[Any, Any] = {LeaseRow.expires_at: database_time.expression(connection.dialect.name, seconds)}
    if facts is not None:
        values[LeaseRow.facts] = dict(facts)
    statement = (
        update(LeaseRow)
        .where(LeaseRow.name == held.name, LeaseRow.holder == held.holder, LeaseRow.fence == held.fence)
        .values(values)
    )
    with connection.begin():
        return connection.execute(statement).rowcount == 1


def give_up(database: Database, held: Held) -> None:
    """End a lease, so that others need not wait. Does nothing if somebody else has taken it."""
    with database.transaction() as session:
        row = session.get(LeaseRow, held.name, with_for_update=True)
        if row is not None and (row.holder, row.fence) == (held.holder, held.fence):
            row.expires_at = database_time.now(session)


def find(connection: Connection, name: str) -> Found | None:
    """Return a lease as the database has it, in a transaction of its own; ``None`` if nobody ever had it."""
    now = database_time.expression(connection.dialect.name).label("now")
    columns = (LeaseRow.holder, LeaseRow.fence, LeaseRow.expires_at, LeaseRow.url, LeaseRow.facts, now)
    with connection.begin():
        row: Row[Any] | None = connection.execute(select(*columns).where(LeaseRow.name == name)).one_or_none()
    if row is None:
        return None
    seconds = (row.expires_at - row.now).total_seconds()
    return Found(Held(name, row.holder, row.fence), seconds, row.url, row.facts)


def check(session: Session, held: Held) -> None:
    """Check at the beginning of a transaction that a lease has not been taken by somebody else.

    Raises ``LeaseLost``. Nobody can take it before the transaction ends, since that needs the lock of writers.
    """
    query = select(LeaseRow.holder, LeaseRow.fence).where(LeaseRow.name == held.name)
    if session.get_bind().dialect.name == "postgresql":
        # In the same statement, because it is one more in every transaction of a loop.
        query = query.add_columns(func.set_config("idle_in_transaction_session_timeout", f"{IDLE_SECONDS}s", True))
    row = session.execute(query).one_or_none()
    if row is None or (row.holder, row.fence) != (held.holder, held.fence):
        raise LeaseLost(held)
