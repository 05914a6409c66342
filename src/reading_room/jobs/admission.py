"""Choosing the queued jobs to start next: fair between accounts, then between the kinds of an account, oldest first.

The account with the fewest running containers goes first. Ties go to the account that was served longest ago, so that
free places rotate between the accounts however many jobs each has queued. If there are several accounts, none of them
can have every place. ``choose`` makes the decision and is pure. The queries use index seeks, so their cost grows with
the number of waiting accounts and kinds, not with the number of jobs.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from sqlalchemy import Select, case, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from reading_room.agent.spec import Capacity
from reading_room.iam.tables import Account
from reading_room.jobs.host_rooms import HostRooms
from reading_room.jobs.job import ADMITTED, Phase
from reading_room.jobs.placement import ContainerSize, places_left
from reading_room.jobs.ports import JobSize
from reading_room.jobs.tables import JobRow
from reading_room.settings import Settings

NEVER_FITS = "INSUFFICIENT_HOST_CAPACITY"
"""The failure code of a job whose single container needs more than its host has."""
QUEUES_READ = 4096
"""How many queues one decision reads, starting with those served longest ago. This is more than limits can close (at
most 256 running jobs close their accounts, with about ten kinds each), so at least one of them is always open."""
_UNBOUNDED = 1 << 30
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)

Flow = tuple[str, str]
"""An account and a kind of job."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """The limits on what runs at the same time, from the settings of the same names; 0 means no limit."""

    jobs_at_once: int
    jobs_per_account: int = 0
    jobs_per_kind: int = 0
    containers_at_once: int = 0
    container_memory: int = 2_000_000_000
    container_cpus: float = 1.0
    core_overcommit: float = 2.0
    containers_per_account: int = 0

    @classmethod
    def of(cls, settings: Settings) -> AdmissionLimits:
        """Return the limits that an operator has set."""
        return cls(
            jobs_at_once=settings.jobs_at_once,
            jobs_per_account=settings.jobs_per_account,
            jobs_per_kind=settings.jobs_per_kind,
            containers_at_once=settings.containers_at_once,
            container_memory=settings.container_memory,
            container_cpus=settings.container_cpus,
            core_overcommit=settings.core_overcommit,
        )

    @property
    def size(self) -> ContainerSize:
        """What one container may use."""
        return ContainerSize(self.container_memory, self.container_cpus, self.core_overcommit)


@dataclass(frozen=True, slots=True)
class InUse:
    """The usage of admitted jobs; ``starting`` is the number of containers that use no memory yet."""

    jobs: int = 0
    containers: int = 0
    starting: int = 0


@dataclass(frozen=True, slots=True)
class Queue:
    """The waiting jobs of one account and kind: the oldest, and when a job of the kind and of the account last began.

    These times are ``None`` if none ever began.
    """

    account: str
    kind: str
    job_id: str
    submitted_at: dt.datetime
    kind_served: dt.datetime | None = None
    account_served: dt.datetime | None = None


def choose(
    queues: Iterable[Queue],
    in_use: Mapping[Flow, InUse],
    limits: AdmissionLimits,
    room: int,
    following: Callable[[Queue], Queue | None],
) -> list[str]:
    """Return the ids of the jobs that start now, in order: at most ``room``, and only as many as the limits allow.

    ``queues`` has an entry for each account and kind with waiting jobs. ``following`` returns an entry with the next
    job of the same queue, or ``None`` after the last. Each job counts with one container here.
    """
    counts = _Counts(in_use)
    accounts: dict[str, dict[str, Queue]] = {}
    for queue in queues:
        accounts.setdefault(queue.account, {})[queue.kind] = queue
    turns = [counts.account_key(account, waiting) for account, waiting in accounts.items()]
    heapq.heapify(turns)
    chosen: list[str] = []
    while turns and len(chosen) < room and counts.total < limits.jobs_at_once:
        account = heapq.heappop(turns)[-1]
        # Nothing ends during this decision, so a queue that a limit closes stays closed and can be dropped.
        waiting = counts.open_queues(account, accounts[account], limits)
        if not waiting:
            continue
        queue = min(waiting, key=counts.queue_key)
        chosen.append(queue.job_id)
        counts.add(queue, len(chosen))
        behind = following(queue)
        if behind is None:
            del accounts[account][queue.kind]
        else:
            accounts[account][queue.kind] = behind
        if accounts[account]:
            heapq.heappush(turns, counts.account_key(account, accounts[account]))
    return chosen


class _Counts:
    """The usage during a decision, including the jobs that it has already chosen."""

    def __init__(self, in_use: Mapping[Flow, InUse]) -> None:
        self.total = sum(each.jobs for each in in_use.values())
        self._jobs: Counter[str] = Counter()
        self._of_kind: Counter[str] = Counter()
        self._containers: Counter[str] = Counter()
        self._in_flow: Counter[Flow] = Counter()
        self._chosen: dict[str | Flow, int] = {}
        for (account, kind), each in in_use.items():
            self._jobs[account] += each.jobs
            self._of_kind[kind] += each.jobs
            self._containers[account] += each.containers
            self._in_flow[account, kind] += each.containers

    def account_key(self, account: str, waiting: Mapping[str, Queue]) -> tuple[int, int, dt.datetime, dt.datetime, str]:
        """Return the sort key of an account: the lowest is next."""
        heads = waiting.values()
        served = max((queue.account_served or _NEVER for queue in heads), default=_NEVER)
        oldest = min(queue.submitted_at for queue in heads)
        return self._containers[account], self._chosen.get(account, 0), served, oldest, account

    def queue_key(self, queue: Queue) -> tuple[int, int, dt.datetime, dt.datetime, str]:
        """Return the sort key of one queue of an account: the lowest is next."""
        flow = queue.account, queue.kind
        served = queue.kind_served or _NEVER
        return self._in_flow[flow], self._chosen.get(flow, 0), served, queue.submitted_at, queue.job_id

    def open_queues(self, account: str, waiting: Mapping[str, Queue], limits: AdmissionLimits) -> list[Queue]:
        """Return the queues of an account that no limit closes."""
        if limits.jobs_per_account and self._jobs[account] >= limits.jobs_per_account:
            return []
        if limits.containers_per_account and self._containers[account] >= limits.containers_per_account:
            return []
        most = limits.jobs_per_kind or _UNBOUNDED
        return [queue for queue in waiting.values() if self._of_kind[queue.kind] < most]

    def add(self, queue: Queue, number: int) -> None:
        """Count a chosen job, which is the ``number``-th of the decision."""
        flow = queue.account, queue.kind
        self.total += 1
        self._jobs[queue.account] += 1
        self._of_kind[queue.kind] += 1
        self._containers[queue.account] += 1
        self._in_flow[flow] += 1
        self._chosen[queue.account] = self._chosen[flow] = number


# Room


def room_for(in_use: InUse, limits: AdmissionLimits, capacity: Capacity | None, rooms: HostRooms | None = None) -> int:
    """Return how many more containers may start, given the limit on containers and the hosts' cores and memory.

    ``capacity`` is that of the only host, ``None`` if it has not reported it yet. With several hosts, ``rooms`` counts
    instead. A host without running containers always has room for one.
    """
    left = _UNBOUNDED
    if limits.containers_at_once:
        left = limits.containers_at_once - in_use.containers
    if rooms is not None:
        left = min(left, rooms.left(in_use.containers))
    elif capacity is not None:
        has = capacity.cores, capacity.memory_bytes, capacity.memory_free
        left = min(left, places_left(*has, limits.size, in_use.containers, in_use.starting))
    return max(left, 0 if in_use.containers or (rooms is not None and not rooms.any_open) else 1)


def never_fits(settings: Settings, capacity: Capacity | None) -> str | None:
    """Return a sentence for the owner on why a job can never run on a host, or ``None`` if it can.

    The failure code is ``NEVER_FITS``.
    """
    if capacity is None:
        return None
    if settings.container_memory > capacity.memory_bytes:
        return (
            f"A job's container may use {settings.container_memory:,} bytes of memory "
            f"(READING_ROOM_CONTAINER_MEMORY), and the host has {capacity.memory_bytes:,} in all: "
            "lower the setting, or use a larger host."
        )
    if settings.container_cpus > capacity.cores:
        return (
            f"A job's container may use {settings.container_cpus:g} cores (READING_ROOM_CONTAINER_CPUS), and the host "
            f"has {capacity.cores}: lower the setting, or use a larger host."
        )
    return None


# Queries


def admissible(
    session: Session, limits: AdmissionLimits, capacity: Capacity | None, rooms: HostRooms | None = None
) -> list[str]:
    """Return the ids of the queued jobs that may start now, in order. ``capacity`` and ``rooms`` are for ``room_for``.

    Each job counts with one container; ``free_capacity`` and ``grant`` then determine how many it gets. This reads as
    many rows as it returns, and one for each waiting account and kind, at most ``QUEUES_READ``.
    """
    in_use = _in_use(session)
    total = _total(in_use)
    containers = room_for(total, limits, capacity, rooms)
    room = min(containers, limits.jobs_at_once - total.jobs)
    if room <= 0:
        return []
    if session.scalar(select(Account.account).limit(1)) is not None:
        limits = _leaving_one(limits, total.containers + containers)
    return choose(_queues(session), in_use, limits, room, lambda queue: _following(session, queue))


def _leaving_one(limits: AdmissionLimits, containers: int) -> AdmissionLimits:
    """Return limits under which no account can have every place, neither for jobs nor for ``containers``."""
    return replace(
        limits,
        jobs_per_account=limits.jobs_per_account or max(1, limits.jobs_at_once - 1),
        containers_per_account=max(1, containers - 1),
    )


def free_capacity(session: Session, limits: AdmissionLimits, capacity: Capacity | None) -> Capacity | None:
    """Return the capacity of the only host that is free for one more job, with at least one core.

    It is for planning the job's size.
    """
    if capacity is None:
        return None
    total = _total(_in_use(session))
    room = max(1, room_for(total, limits, capacity))
    memory = min(capacity.memory_free, capacity.memory_bytes - total.containers * limits.container_memory)
    return replace(capacity, cores=min(capacity.cores, room), memory_free=max(0, memory))


def grant(session: Session, limits: AdmissionLimits, size: JobSize) -> JobSize:
    """Return the size that a job gets: the planned one, within the limit on the host's containers.

    A job's tag can ask for more containers than there are cores, but not for more than the operator allows.
    """
    if not limits.containers_at_once:
        return size
    most = max(1, limits.containers_at_once - _total(_in_use(session)).containers)
    if size.containers <= most:
        return size
    reason = (
        f"{size.reason}; reduced to {most} because READING_ROOM_CONTAINERS_AT_ONCE={limits.containers_at_once} "
        "allows no more now"
    )
    return replace(size, containers=most, reason=reason)


def jobs_by_account(session: Session) -> dict[str, tuple[int, int]]:
    """Return how many jobs of each account are waiting to start, and how many have started."""
    running = case((JobRow.phase == Phase.QUEUED.value, 0), else_=1)
    phases = [Phase.QUEUED.value, *(phase.value for phase in ADMITTED)]
    query = select(JobRow.account, func.count(), func.sum(running)).where(JobRow.phase.in_(phases))
    counted = session.execute(query.group_by(JobRow.account))
    return {account: (jobs - begun, begun) for account, jobs, begun in counted}


def _in_use(session: Session) -> dict[Flow, InUse]:
    containers = case((JobRow.containers > 1, JobRow.containers), else_=1)
    starting = case((JobRow.phase == Phase.PREPARING.value, containers), else_=0)
    query = (
        select(JobRow.account, JobRow.kind, func.count(), func.sum(containers), func.sum(starting))
        .where(JobRow.phase.in_([phase.value for phase in ADMITTED]))
        .group_by(JobRow.account, JobRow.kind)
    )
    return {(account, kind): InUse(*counts) for account, kind, *counts in session.execute(query)}


def _total(in_use: Mapping[Flow, InUse]) -> InUse:
    each = in_use.values()
    return InUse(sum(one.jobs for one in each), sum(one.containers for one in each), sum(one.starting for one in each))


def _queues(session: Session) -> list[Queue]:
    rows = session.execute(heads_query())
    return [Queue(*row) for row in rows]


@cache
def heads_query() -> Select[str, str, str, dt.datetime, dt.datetime | None, dt.datetime | None]:
    """Return the query for the oldest waiting job of each account and kind, with columns in the order of ``Queue``.

    From each one it seeks the next kind, or else the next account, in ``ix_jobs_queue``, skipping the jobs in between.
    """
    first = _oldest(JobRow).scalar_subquery()
    columns = JobRow.account, JobRow.kind, JobRow.job_id, JobRow.submitted_at
    heads = select(*columns).where(JobRow.job_id == first).cte("heads", recursive=True)
    later, head = aliased(JobRow), aliased(JobRow)
    next_kind = _oldest(later).where(later.account == heads.c.account, later.kind > heads.c.kind)
    next_account = _oldest(later).where(later.account > heads.c.account)
    behind = func.coalesce(*(query.correlate(heads).scalar_subquery() for query in (next_kind, next_account)))
    heads = heads.union_all(
        select(head.account, head.kind, head.job_id, head.submitted_at).join_from(heads, head, head.job_id == behind)
    )
    begun = select(func.max(JobRow.admitted_at)).where(JobRow.account == heads.c.account).correlate(heads)
    of_kind = begun.where(JobRow.kind == heads.c.kind).scalar_subquery().label("kind_served")
    of_account = begun.scalar_subquery().label("account_served")
    return (
        select(heads.c.account, heads.c.kind, heads.c.job_id, heads.c.submitted_at, of_kind, of_account)
        .order_by(of_account.nulls_first(), of_kind.nulls_first(), heads.c.submitted_at)
        .limit(QUEUES_READ)
    )


def _oldest(row: type[JobRow]) -> Select[str]:
    """Return the query for the first queued job by account, then kind, then age."""
    queued = select(row.job_id).where(row.phase == Phase.QUEUED.value)
    return queued.order_by(row.account, row.kind, row.submitted_at, row.job_id).limit(1)


def following_query(queue: Queue) -> Select[str, dt.datetime]:
    """Return the query for the job after the oldest one of a queue."""
    query = select(JobRow.job_id, JobRow.submitted_at).where(
        JobRow.phase == Phase.QUEUED.value,
        JobRow.account == queue.account,
        JobRow.kind == queue.kind,
        tuple_(JobRow.submitted_at, JobRow.job_id) > tuple_(queue.submitted_at, queue.job_id),
    )
    return query.order_by(JobRow.submitted_at, JobRow.job_id).limit(1)


def _following(session: Session, queue: Queue) -> Queue | None:
    found = session.execute(following_query(queue)).first()
    return None if found is None else replace(queue, job_id=found[0], submitted_at=found[1])
