"""Finding state events, in the order in which they were written."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from reading_room.state_events.tables import StateEventRow


def newest(session: Session) -> int:
    """Return the number of the newest event, 0 if there is none."""
    return session.scalar(select(func.max(StateEventRow.sequence))) or 0


def after(
    session: Session, sequence: int, most: int, *, account: str | None = None, resource: str | None = None
) -> Sequence[StateEventRow]:
    """Return at most so many events with higher numbers, of all accounts or one.

    ``resource`` is the ARN of what changed, or the id of a job.
    """
    query = _of(account, resource).where(StateEventRow.sequence > sequence).order_by(StateEventRow.sequence)
    return session.scalars(query.limit(most)).all()


def last(
    session: Session, most: int, *, account: str | None = None, resource: str | None = None
) -> Sequence[StateEventRow]:
    """Return the newest events, at most so many, in the order in which they were written."""
    query = _of(account, resource).order_by(StateEventRow.sequence.desc())
    return session.scalars(query.limit(most)).all()[::-1]


def _of(account: str | None, resource: str | None) -> Select[StateEventRow]:
    query = select(StateEventRow)
    if account is not None:
        query = query.where(StateEventRow.account == account)
    if resource is not None:
        same = StateEventRow.resource == resource
        if not resource.startswith("arn:"):
            same = StateEventRow.resource.endswith(f"/{resource}", autoescape=True)
        query = query.where(same)
    return query
