"""Claims on pieces of work that several workers could do: who holds a piece, until when, and its fencing number.

Each claim of a piece raises its fence. To finish a piece, its holder must present the fence of its claim, so that a
holder that was presumed dead and finishes late changes nothing. ``claim`` is one statement inside the caller's
transaction. On SQLite the transaction has the write lock from its start (``BEGIN IMMEDIATE``), so two claimants never
see the same piece as free. On PostgreSQL it locks the pieces that it claims, and skips those that are locked.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from reading_room.database.functions import dialect_name
from reading_room.jobs.tables import PART_OPEN, PartRow

ClaimKind = Literal["parts"]
"""The kinds of work that can be claimed: the parts of a job's input."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed piece of work. ``fence`` must be presented to finish it."""

    number: int
    fence: int


def claim(
    session: Session,
    kind: ClaimKind,
    holder: str,
    *,
    job_id: str,
    attempt: int,
    now: dt.datetime,
    lease: dt.timedelta,
    limit: int,
) -> list[Claim]:
    """Claim up to ``limit`` pieces of a job for ``holder``, the lowest numbers first, until ``now + lease``.

    A piece can be claimed if it is not done and has no holder, or if its holder is from an earlier attempt than
    ``attempt`` or its lease has expired. An earlier attempt never gets a piece of a later one. ``session`` must be in a
    writing transaction; the claims are valid once it has been committed. Raises ``ValueError`` for another kind.
    """
    if kind != "parts":
        raise ValueError(f"work of the kind {kind!r} cannot be claimed")
    free = (
        select(PartRow.number)
        .where(
            PartRow.job_id == job_id,
            PartRow.state == PART_OPEN,
            or_(
                PartRow.holder.is_(None),
                PartRow.attempt < attempt,
                and_(PartRow.attempt == attempt, PartRow.expires_at <= now),
            ),
        )
        .order_by(PartRow.number)
        .limit(limit)
    )
    if dialect_name(session) == "postgresql":
        # Waiting for another claimant would be in vain: its pieces are taken. A common table expression with locks is
        # evaluated once, so that no more than the limit are locked.
        free = select(free.with_for_update(skip_locked=True).cte("free").c.number)
    taken = session.execute(
        update(PartRow)
        .where(PartRow.job_id == job_id, PartRow.number.in_(free))
        .values(holder=holder, attempt=attempt, fence=PartRow.fence + 1, expires_at=now + lease)
        .returning(PartRow.number, PartRow.fence)
        .execution_options(synchronize_session=False)
    )
    return sorted((Claim(number, fence) for number, fence in taken), key=lambda each: each.number)
