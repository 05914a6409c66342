"""The parts that a job's input is cut into: which are finished, by whom, and which object has the result of each.

The first container of an attempt cuts the input and registers the plan. Cutting is a pure function of the input, so a
later attempt comes to the same plan and goes on from what is finished; where it does not, because the input was
changed meanwhile, nothing of before counts. The archive is made of the objects that the rows name and of no others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.orm import Session

from reading_room.jobs.claims import claim
from reading_room.jobs.errors import PlanRefused
from reading_room.jobs.tables import PART_DONE, PART_OPEN, ClusterAuthorityRow, PartRow, PlanRow

PARTS_LIMIT = 100_000
"""Parts of one job; a plan with more is refused."""
LEASE = dt.timedelta(days=32)
"""How long a container has its parts: longer than any job may run, for the next attempt takes them without waiting."""


_COLUMNS = (
    PartRow.number,
    PartRow.bytes,
    PartRow.documents,
    PartRow.fence,
    PartRow.holder,
    PartRow.state,
    PartRow.key,
    PartRow.size,
    PartRow.sha256,
    PartRow.done_documents,
    PartRow.errors,
)
"""What a state is read from. A plan may have very many parts: no object of the mapper is made for each."""


@dataclass(frozen=True, slots=True)
class PartObject:
    """The object that has the results of a finished part: its key in the output's bucket, bytes, and SHA-256 in
    hexadecimal; how many documents are in it, and how many of them are errors."""

    key: str
    size: int
    sha256: str
    documents: int
    errors: int


@dataclass(frozen=True, slots=True)
class PartState:
    """A part as it is now. ``fence`` is what its holder has to say; ``done`` is ``None`` until it is finished."""

    number: int
    bytes: int
    documents: int | None
    fence: int
    holder: str | None
    done: PartObject | None


def register(
    session: Session,
    job_id: str,
    attempt: int,
    holder: str,
    digest: str,
    parts: Sequence[tuple[int, int | None]],
    now: dt.datetime,
) -> list[PartState]:
    """Note the plan of a job and give all that is not finished to ``holder``; return every part.

    ``parts`` has bytes and documents of each, ``None`` where those are not known, in the order of their numbers, which
    begin at 0. A plan with the ``digest`` of the one before goes on from it; any other voids it: no part is finished
    then, and the fences grow on, so that nobody who works by the old plan can finish a part of the new one. Asking
    again is no error. Raises ``PlanRefused`` when a later attempt has a plan, or this one another; ``ValueError`` for
    too many parts.
    """
    if len(parts) > PARTS_LIMIT:
        raise ValueError(f"a job has at most {PARTS_LIMIT} parts, and this plan has {len(parts)}")
    of_job = PartRow.job_id == job_id
    known, highest = session.execute(select(func.count(), func.max(PartRow.fence)).where(of_job)).one()
    plan = session.get(PlanRow, job_id)
    same = plan is not None and plan.digest == digest and known == len(parts)
    if plan is not None and (plan.attempt > attempt or (plan.attempt == attempt and not same)):
        raise PlanRefused(job_id, attempt, plan.attempt)
    if plan is None:
        plan = PlanRow(job_id=job_id, attempt=attempt, digest=digest, fence=0)
        session.add(plan)
    plan.attempt, plan.digest = attempt, digest
    if not same:
        plan.fence = max(plan.fence, highest or 0)
        session.execute(delete(PartRow).where(of_job))
        rows = [_new(job_id, number, part, plan.fence) for number, part in enumerate(parts)]
        if rows:
            session.execute(insert(cast(Table, PartRow.__table__)), rows)
    claim(session, "parts", holder, job_id=job_id, attempt=attempt, now=now, lease=LEASE, limit=PARTS_LIMIT)
    return states(session, job_id)


def finish(session: Session, job_id: str, number: int, holder: str, fence: int, result: PartObject) -> bool:
    """Note that a part is finished; return whether it was the holder's to finish.

    ``False`` changes nothing: somebody else has the part now, or another result of it was taken. To say the same again
    is no error, for an answer may have been lost.
    """
    own = (PartRow.job_id == job_id, PartRow.number == number, PartRow.holder == holder, PartRow.fence == fence)
    changed = session.execute(
        update(PartRow)
        .where(*own, PartRow.state == PART_OPEN)
        .values(
            state=PART_DONE,
            key=result.key,
            size=result.size,
            sha256=result.sha256,
            done_documents=result.documents,
            errors=result.errors,
        )
        .returning(PartRow.number)
        .execution_options(synchronize_session=False)
    ).all()
    if changed:
        return True
    found = session.execute(select(*_COLUMNS).where(*own)).one_or_none()
    return found is not None and _state(*found).done == result


def states(session: Session, job_id: str) -> list[PartState]:
    """Return the parts of a job by number; none when no plan of it is registered."""
    rows = session.execute(select(*_COLUMNS).where(PartRow.job_id == job_id).order_by(PartRow.number))
    return [_state(*row) for row in rows]


def finished_documents(session: Session, job_id: str) -> int:
    """Return how many documents the finished parts of a job have."""
    query = select(func.sum(PartRow.done_documents)).where(PartRow.job_id == job_id, PartRow.state == PART_DONE)
    return int(session.scalar(query) or 0)


def clear(session: Session, job_id: str) -> None:
    """Forget plan, parts and authorities of a job that ends."""
    for table in (PartRow, PlanRow, ClusterAuthorityRow):
        session.execute(delete(table).where(table.job_id == job_id))


def _new(job_id: str, number: int, part: tuple[int, int | None], fence: int) -> dict[str, object]:
    size, documents = part
    return {
        "job_id": job_id,
        "number": number,
        "bytes": size,
        "documents": documents,
        "state": PART_OPEN,
        "fence": fence,
        "attempt": 0,
    }


def _state(
    number: int,
    size: int,
    documents: int | None,
    fence: int,
    holder: str | None,
    state: str,
    *done: Any,
) -> PartState:
    return PartState(number, size, documents, fence, holder, PartObject(*done) if state == PART_DONE else None)
