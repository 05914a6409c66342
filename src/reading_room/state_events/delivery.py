"""Delivering events: each to every target at least once, and in order for what a target must get in order.

Two kinds of loops run where the jobs are controlled. One writes a row for each event and target. The other, one for
each target, delivers what these rows say and deletes them. All that counts is in the rows, so a turn can be interrupted
anywhere: the next one delivers again what it finds.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from reading_room.clock import Clock
from reading_room.database import rows
from reading_room.database.engine import Database
from reading_room.reconcile import PeriodicWork
from reading_room.state_events.tables import StateDeliveryRow, StateEventRow
from reading_room.state_events.targets import Target, Undelivered

logger = logging.getLogger(__name__)

PATIENCE = dt.timedelta(days=1)
"""How long after its first failure a delivery is attempted again."""
FIRST_PAUSE, LONGEST_PAUSE = dt.timedelta(seconds=5), dt.timedelta(hours=1)
"""The pauses between attempts of one delivery, which double each time."""
LONGEST_ABSENCE = dt.timedelta(minutes=5)
"""The longest pause after a target did not answer at all; these double, too."""
TURN_SECONDS = 5.0
ROUTED_AT_ONCE = 500
DELIVERIES_PER_TURN = 20


class Routing(PeriodicWork):
    """The loop that writes the deliveries of new events."""

    def __init__(self, database: Database, targets: Sequence[Target], clock: Clock) -> None:
        self._database = database
        self._targets = targets
        self._clock = clock
        super().__init__("state events", every=TURN_SECONDS)
        database.on_commit(self._written)

    def turn(self) -> None:
        """Write the deliveries of all events that have none yet."""
        while self._route():
            pass

    def _written(self, tables: frozenset[str]) -> None:
        if StateEventRow.__tablename__ in tables and not self._loop.turning_here():
            self._loop.wake()

    def _route(self) -> bool:
        query = select(StateEventRow).where(~StateEventRow.routed).order_by(StateEventRow.sequence)
        with self._database.reading() as session:
            if session.scalars(query.limit(1)).first() is None:
                return False
        with self._database.transaction() as session:
            # No transaction writes beside this one, so what is committed later is found by a later turn.
            events = session.scalars(query.limit(ROUTED_AT_ONCE)).all()
            now = self._clock()
            made = [
                {
                    "target": target.name,
                    "sequence": event.sequence,
                    "ordered_by": target.ordered_by(event),
                    "attempts": 0,
                    "next_at": now,
                }
                for event in events
                for target in self._targets
            ]
            if made:
                session.execute(insert(rows.table(StateDeliveryRow)), made)
            numbers = [event.sequence for event in events]
            session.execute(update(StateEventRow).where(StateEventRow.sequence.in_(numbers)).values(routed=True))
        return len(events) == ROUTED_AT_ONCE


class Delivery(PeriodicWork):
    """The loop that delivers events to one target."""

    def __init__(self, database: Database, target: Target, clock: Clock) -> None:
        self._database = database
        self._target = target
        self._clock = clock
        self._away_until: dt.datetime | None = None
        self._absences = 0
        self._failing: bool | None = None
        super().__init__(f"state events to {target.name}", every=TURN_SECONDS, settle=target.settle)
        database.on_commit(self._written)

    def turn(self) -> None:
        """Make the deliveries that are due, up to the limit of a turn, and request another turn if more may be."""
        if self._away():
            return
        heads = self._due()
        for head in heads:
            events = self._events(head)
            if not events:
                continue  # The account was deleted meanwhile.
            try:
                self._target.deliver(events)
            except Undelivered as error:
                self._failed(events, error)
                if error.away:
                    return
            else:
                self._delivered(events)
        if heads:
            self._loop.wake()

    def _written(self, tables: frozenset[str]) -> None:
        if StateDeliveryRow.__tablename__ in tables and not self._loop.turning_here():
            self._loop.wake()

    def _away(self) -> bool:
        until, now = self._away_until, self._clock()
        # The second condition is false after the clock was set back.
        return until is not None and now < until <= now + LONGEST_ABSENCE

    @property
    def _pending(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return StateDeliveryRow.target == self._target.name, StateDeliveryRow.given_up_at.is_(None)

    def _due(self) -> Sequence[StateDeliveryRow]:
        """Return the deliveries that are next in their order and due, the oldest first."""
        now = self._clock()
        heads = select(func.min(StateDeliveryRow.sequence)).where(*self._pending).group_by(StateDeliveryRow.ordered_by)
        # A time further off than any pause is from before the clock was set back.
        due = or_(StateDeliveryRow.next_at <= now, StateDeliveryRow.next_at > now + LONGEST_PAUSE)
        query = select(StateDeliveryRow).where(*self._pending, StateDeliveryRow.sequence.in_(heads), due)
        with self._database.reading() as session:
            return session.scalars(query.order_by(StateDeliveryRow.sequence).limit(DELIVERIES_PER_TURN)).all()

    def _events(self, head: StateDeliveryRow) -> Sequence[StateEventRow]:
        query = (
            select(StateEventRow)
            .join(StateDeliveryRow, StateDeliveryRow.sequence == StateEventRow.sequence)
            .where(*self._pending, StateDeliveryRow.ordered_by == head.ordered_by)
            .order_by(StateEventRow.sequence)
            .limit(self._target.at_once)
        )
        with self._database.reading() as session:
            return session.scalars(query).all()

    def _delivered(self, events: Sequence[StateEventRow]) -> None:
        with self._database.transaction() as session:
            session.execute(delete(StateDeliveryRow).where(*self._of(events)))
        self._away_until, self._absences = None, 0
        if self._failing is not False:
            logger.info("state events are delivered to %s%s", self._target.name, " again" if self._failing else "")
        self._failing = False

    def _failed(self, events: Sequence[StateEventRow], error: Undelivered) -> None:
        now, reason = self._clock(), str(error)
        if not self._failing:
            logger.warning("state events cannot be delivered to %s and will be retried: %s", self._target.name, reason)
        self._failing = True
        if error.away:
            self._absences += 1
            self._away_until = now + _pause(self._absences, LONGEST_ABSENCE)
        with self._database.transaction() as session:
            for row in session.scalars(select(StateDeliveryRow).where(*self._of(events))):
                row.attempts += 1
                row.next_at = now if error.away else now + _pause(row.attempts, LONGEST_PAUSE)
            # While a target is away, the time of everything that waits for it runs.
            failed = self._pending if error.away else self._of(events)
            first = (*failed, StateDeliveryRow.tried_at.is_(None))
            session.execute(update(StateDeliveryRow).where(*first).values(tried_at=now))
            session.execute(update(StateDeliveryRow).where(*failed).values(reason=reason))
            self._give_up(session, failed, now)

    def _give_up(self, session: Session, failed: Sequence[ColumnElement[bool]], now: dt.datetime) -> None:
        over = (*failed, StateDeliveryRow.tried_at <= now - PATIENCE)
        found = session.scalars(
            select(StateEventRow)
            .join(StateDeliveryRow, StateDeliveryRow.sequence == StateEventRow.sequence)
            .where(*over)
            .order_by(StateEventRow.sequence)
        ).all()
        for event in found:
            logger.error(
                "the state event %s of %s was not delivered to %s within a day and is given up",
                event.event_id,
                event.resource,
                self._target.name,
            )
        session.execute(update(StateDeliveryRow).where(*over).values(given_up_at=now))

    def _of(self, events: Sequence[StateEventRow]) -> tuple[ColumnElement[bool], ...]:
        return *self._pending, StateDeliveryRow.sequence.in_([event.sequence for event in events])


def _pause(failures: int, longest: dt.timedelta) -> dt.timedelta:
    doubled: int = 1 << min(failures - 1, 20)
    return min(FIRST_PAUSE * doubled, longest)
