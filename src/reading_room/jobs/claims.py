"""Claims on work that several could do: who has a piece of it now, until when, and the number that proves it.

Each claim of a piece raises its fence. Whoever finishes a piece says the fence of its claim, so that somebody who was
thought dead and comes late changes nothing. ``claim`` is one statement inside the caller's transaction; on SQLite that
one has the write lock from its beginning (``BEGIN IMMEDIATE``), so no two claimants ever see the same piece free.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from reading_room.jobs.tables import PART_OPEN, PartRow

ClaimKind = Literal["parts"]
"""What is claimed: the parts of a job's input."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A piece of work that its claimant has now. ``fence`` is what it says when it has finished."""

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
    """Give up to ``limit`` pieces of a job to ``holder``, the lowest numbers first, until ``now + lease``.

    Free is what is not done and either nobody has, or an earlier attempt than ``attempt``, or somebody whose lease has
    ended. What a later attempt has is never given to an earlier one. ``session`` must be of a writing transaction; what
    is claimed is the holder's once that has committed. Raises ``ValueError`` for another kind.
    """
    if kind != "parts":
        raise ValueError(f"there is nothing to claim of the kind {kind!r}")
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
    taken = session.execute(
        update(PartRow)
        .where(PartRow.job_id == job_id, PartRow.number.in_(free))
        .values(holder=holder, attempt=attempt, fence=PartRow.fence + 1, expires_at=now + lease)
        .returning(PartRow.number, PartRow.fence)
        .execution_options(synchronize_session=False)
    )
    return sorted((Claim(number, fence) for number, fence in taken), key=lambda each: each.number)
