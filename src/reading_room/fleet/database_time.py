"""The clock by which leases, tokens and hosts are judged: that of the database, which all processes share."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.clock import system_clock
from reading_room.database.functions import dialect_name


def now(session: Session) -> dt.datetime:
    """Return the time by the clock of the session's database, aware and in UTC.

    With PostgreSQL it is the time of the call, not that of the transaction's begin. SQLite has the clock of this
    machine, the only one that uses it.
    """
    if dialect_name(session) != "postgresql":
        return system_clock()
    found: dt.datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return found.astimezone(dt.UTC)
