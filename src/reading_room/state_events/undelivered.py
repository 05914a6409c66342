"""Deliveries that have not succeeded: counting and listing them, and attempting them again at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from reading_room.state_events.tables import StateDeliveryRow, StateEventRow

State = Literal["WAITING", "RETRYING", "GIVEN_UP"]
"""``WAITING`` is a delivery that has not been attempted, or comes after one that has not succeeded."""


@dataclass(frozen=True, slots=True)
class Retried:
    """How many deliveries are attempted again: those that were given up, and those that failed before."""

    given_up: int
    failed: int


def state_of(row: StateDeliveryRow) -> State:
    """Return what a delivery waits for."""
    if row.given_up_at is not None:
        return "GIVEN_UP"
    return "WAITING" if row.tried_at is None else "RETRYING"


def listed(
    session: Session, most: int, *, after: tuple[int, str] | None = None, state: State | None = None
) -> Sequence[tuple[StateDeliveryRow, StateEventRow]]:
    """Return at most so many deliveries with their events, the oldest event first.

    ``after`` is the number of the event and the target of the last one before them.
    """
    query = select(StateDeliveryRow, StateEventRow).join(
        StateEventRow, StateEventRow.sequence == StateDeliveryRow.sequence
    )
    if after is not None:
        number, target = after
        later = (StateDeliveryRow.sequence == number) & (StateDeliveryRow.target > target)
        query = query.where(or_(StateDeliveryRow.sequence > number, later))
    if state is not None:
        query = query.where(_in_state(state))
    ordered = query.order_by(StateDeliveryRow.sequence, StateDeliveryRow.target).limit(most)
    return [(delivery, event) for delivery, event in session.execute(ordered)]


def retry(session: Session, now: dt.datetime, *, target: str | None = None, event_id: str | None = None) -> Retried:
    """Make deliveries due now that failed or were given up: all of them, or those to a target or of an event.

    One that was given up has another day. It may come after later events of its resource, which did not wait for it.
    """
    chosen: list[ColumnElement[bool]] = []
    if target is not None:
        chosen.append(StateDeliveryRow.target == target)
    if event_id is not None:
        numbers = select(StateEventRow.sequence).where(StateEventRow.event_id == event_id)
        chosen.append(StateDeliveryRow.sequence.in_(numbers))
    failed = session.scalar(_count(*chosen, _in_state("RETRYING"))) or 0
    given_up = session.scalar(_count(*chosen, _in_state("GIVEN_UP"))) or 0
    if failed:
        session.execute(update(StateDeliveryRow).where(*chosen, _in_state("RETRYING")).values(next_at=now))
    if given_up:
        again = {"given_up_at": None, "tried_at": None, "attempts": 0, "next_at": now}
        session.execute(update(StateDeliveryRow).where(*chosen, _in_state("GIVEN_UP")).values(**again))
    return Retried(given_up, failed)


def counts(session: Session) -> dict[tuple[str, str], int]:
    """Return how many deliveries wait and how many were given up, by target and ``pending`` or ``failed``."""
    failed = StateDeliveryRow.given_up_at.is_not(None)
    query = select(StateDeliveryRow.target, failed, func.count()).group_by(StateDeliveryRow.target, failed)
    return {(target, "failed" if over else "pending"): number for target, over, number in session.execute(query)}


def last_reason(session: Session) -> str | None:
    """Return why the newest delivery that failed did, among those that wait or were given up; ``None`` if none did."""
    query = select(StateDeliveryRow.reason).where(StateDeliveryRow.reason.is_not(None))
    return session.scalar(query.order_by(StateDeliveryRow.sequence.desc()).limit(1))


def _in_state(state: State) -> ColumnElement[bool]:
    over, tried = StateDeliveryRow.given_up_at, StateDeliveryRow.tried_at
    if state == "GIVEN_UP":
        return over.is_not(None)
    return over.is_(None) & (tried.is_(None) if state == "WAITING" else tried.is_not(None))


def _count(*conditions: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(StateDeliveryRow).where(*conditions)
