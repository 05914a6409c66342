"""The parts into which a job's input is divided: the finished ones, their containers, and the objects with the results.

The first container of an attempt divides the input and registers the plan. The plan is a pure function of the input, so
a later attempt gets the same plan and continues from the finished parts. If the plan differs, because the input has
changed meanwhile, earlier results do not count. The archive is built only from the objects that the rows name.
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
"""The most parts of a job; a plan with more is refused."""
LEASE = dt.timedelta(days=32)
"""How long a container holds its parts: longer than any job can run, as the next attempt takes them without waiting."""


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
    PartRow.characters,
    PartRow.units,
)
"""The columns of a state. They are read without mapped objects, because a plan can have very many parts."""


@dataclass(frozen=True, slots=True)
class PartObject:
    """The object with the results of a finished part: its key in the output's bucket, its size in bytes, its SHA-256 in
    hexadecimal, the number of its documents, how many of them are errors, and the characters and units of the others,
    which are 0 from a container of a version that did not count them yet."""

    key: str
    size: int
    sha256: str
    documents: int
    errors: int
    characters: int = 0
    units: int = 0


@dataclass(frozen=True, slots=True)
class PartState:
    """The current state of a part. Its holder must present ``fence``; ``done`` is ``None`` until it is finished."""

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
    """Register the plan of a job and assign all unfinished parts to ``holder``; return every part.

    ``parts`` has the bytes and documents of each part in order of their numbers, which start at 0; documents are
    ``None`` if they are not known. A plan with the ``digest`` of the previous one continues it. Any other plan voids
    it: no part is finished then, and fences keep growing, so that a holder under the old plan cannot finish a part of
    the new one. The call can be repeated. Raises ``PlanRefused`` if a later attempt has a plan or this attempt has
    another one, and ``ValueError`` for too many parts.
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
    """Record that a part is finished; return whether ``holder`` was allowed to finish it.

    If it returns ``False``, nothing changes: another container has the part now, or another result was accepted. The
    call can be repeated with the same result, since a reply may have been lost.
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
            characters=result.characters,
            units=result.units,
        )
        .returning(PartRow.number)
        .execution_options(synchronize_session=False)
    ).all()
    if changed:
        return True
    found = session.execute(select(*_COLUMNS).where(*own)).one_or_none()
    return found is not None and _state(*found).done == result


def states(session: Session, job_id: str) -> list[PartState]:
    """Return the parts of a job in order of their numbers; none if no plan is registered."""
    rows = session.execute(select(*_COLUMNS).where(PartRow.job_id == job_id).order_by(PartRow.number))
    return [_state(*row) for row in rows]


def finished_documents(session: Session, job_id: str) -> int:
    """Return how many documents the finished parts of a job have."""
    query = select(func.sum(PartRow.done_documents)).where(PartRow.job_id == job_id, PartRow.state == PART_DONE)
    return int(session.scalar(query) or 0)


def clear(session: Session, job_id: str) -> None:
    """Delete the plan, parts and authorities of a job that ends."""
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
    if state != PART_DONE:
        return PartState(number, size, documents, fence, holder, None)
    key, bytes_of, sha256, analysed, errors, characters, units = done
    result = PartObject(key, bytes_of, sha256, analysed, errors, characters or 0, units or 0)
    return PartState(number, size, documents, fence, holder, result)
