"""Deleting state events that are old, and deliveries that were given up long ago."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, exists, func, select, true

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.settings import Settings
from reading_room.state_events.tables import StateDeliveryRow, StateEventRow
from reading_room.state_events.targets import names_of

KEPT = dt.timedelta(days=1)
"""How long an event is kept after its deliveries, for ``ListStateEvents``."""
FAILED_KEPT = dt.timedelta(days=14)
"""How long a delivery that was given up is kept, with its event."""
AT_ONCE = 2_000
"""Events that one transaction deletes, since other writers wait for it."""


class StateEventRetention:
    """Deletes a limited number of events in a turn, in one short transaction."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, at_once: int = AT_ONCE) -> None:
        self._database = database
        self._clock = clock
        self._targets = names_of(settings)
        self._at_once = at_once

    def turn(self) -> bool:
        """Delete events and deliveries. Return whether some may be left."""
        now = self._clock()
        old = (
            select(StateEventRow.sequence)
            .where(StateEventRow.at < now - KEPT)
            # Without a target, events are never routed.
            .where(StateEventRow.routed if self._targets else true())
            # SQLite gives the number of the newest row again once that is gone.
            .where(StateEventRow.sequence < select(func.max(StateEventRow.sequence)).scalar_subquery())
            .where(~exists().where(StateDeliveryRow.sequence == StateEventRow.sequence))
            .order_by(StateEventRow.sequence)
            .limit(self._at_once)
        )
        # What nobody needs: deliveries to targets that were turned off, and those that were given up long ago.
        unneeded = StateDeliveryRow.target.not_in(self._targets) | (StateDeliveryRow.given_up_at < now - FAILED_KEPT)
        with self._database.reading() as session:
            found = (
                session.scalar(old.limit(1)),
                session.scalar(select(StateDeliveryRow.sequence).where(unneeded).limit(1)),
            )
        if found == (None, None):
            return False
        with self._database.transaction() as session:
            session.execute(delete(StateDeliveryRow).where(unneeded))
            numbers = session.scalars(old).all()
            session.execute(delete(StateEventRow).where(StateEventRow.sequence.in_(numbers)))
        return len(numbers) >= self._at_once
