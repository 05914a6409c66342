"""Deleting state events that are old."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, func, select

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.state_events.tables import StateEventRow

KEPT = dt.timedelta(days=1)
"""How long an event is kept, for ``ListStateEvents``."""
AT_ONCE = 2_000
"""Events that one transaction deletes, since other writers wait for it."""


class StateEventRetention:
    """Deletes a limited number of events in a turn, in one short transaction."""

    def __init__(self, database: Database, clock: Clock, at_once: int = AT_ONCE) -> None:
        self._database = database
        self._clock = clock
        self._at_once = at_once

    def turn(self) -> bool:
        """Delete events. Return whether some may be left."""
        now = self._clock()
        old = (
            select(StateEventRow.sequence)
            .where(StateEventRow.at < now - KEPT)
            # SQLite gives the number of the newest row again once that is gone.
            .where(StateEventRow.sequence < select(func.max(StateEventRow.sequence)).scalar_subquery())
            .order_by(StateEventRow.sequence)
            .limit(self._at_once)
        )
        with self._database.reading() as session:
            if session.scalar(old.limit(1)) is None:
                return False
        with self._database.transaction() as session:
            numbers = session.scalars(old).all()
            session.execute(delete(StateEventRow).where(StateEventRow.sequence.in_(numbers)))
        return len(numbers) >= self._at_once
