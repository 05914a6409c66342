"""The clock by which leases, tokens and hosts are judged: that of the database, which all processes share."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, Interval, func, literal, select
from sqlalchemy.orm import Session

from reading_room.clock import system_clock
from reading_room.database.base import UtcDateTime
from reading_room.database.functions import dialect_name


def expression(dialect: str, later: float = 0.0) -> ColumnElement[dt.datetime]:
    """Return the time by the clock of a database as an expression, or one ``later`` by these seconds."""
    if dialect != "postgresql":
        return literal(system_clock() + dt.timedelta(seconds=later), UtcDateTime())
    now = func.clock_timestamp(type_=UtcDateTime())
    return now + literal(dt.timedelta(seconds=later), Interval()) if later else now


def now(session: Session) -> dt.datetime:
    """Return the time by the clock of the session's database, aware and in UTC.

    With PostgreSQL it is the time of the call, not that of the transaction's begin. SQLite has the clock of this
    machine, the only one that uses it.
    """
    if dialect_name(session) != "postgresql":
        return system_clock()
    found: dt.datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return found.astimezone(dt.UTC)
