"""Choosing the queued jobs to start: fair, within limits, without waste, and at a cost independent of queue lengths."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity, HostReport
from reading_room.database.engine import Database
from reading_room.iam.tables import Account
from reading_room.jobs import needs
from reading_room.jobs.admission import (
    AdmissionLimits,
    Flow,
    InUse,
    Queue,
    admissible,
    choose,
    following_query,
    free_capacity,
    grant,
    heads_query,
    never_fits,
    room_for,
)
from reading_room.jobs.ports import JobSize
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.settings import Settings
from tests.worlds import databases
from tests.worlds.jobs import World

BEGIN = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
GB = 1_000_000_000
HOST = Capacity(cores=2, memory_bytes=24 * GB, memory_free=20 * GB)


def moment(seconds: float) -> dt.datetime:
    """Return a moment of the tests' day."""
    return BEGIN + dt.timedelta(seconds=seconds)


class Place:
    """Queued and running jobs that only ``choose`` advances; a job is its account, kind and number."""

    def __init__(self, limits: AdmissionLimits, submitted: Sequence[Flow], sizes: Sequence[int] = ()) -> None:
        self.limits = limits
        self.waiting: dict[Flow, list[Queue]] = defaultdict(list)
        self.running: dict[str, Flow] = {}
        self.sizes: dict[str, int] = {}
        self.served: dict[str | Flow, dt.datetime] = {}
        self.rounds = 0
        for number, flow in enumerate(submitted):
            job = f"{number:04}"
            self.waiting[flow].append(Queue(*flow, job, moment(number)))
            self.sizes[job] = sizes[number % len(sizes)] if sizes else 1

    def held(self) -> dict[Flow, InUse]:
        """Return the running jobs in the form in which the tables return them."""
        found: dict[Flow, InUse] = {}
        for job, flow in self.running.items():
            before = found.get(flow, InUse())
            found[flow] = InUse(before.jobs + 1, before.containers + self.sizes[job])
        return found

    def admit(self, room: int = 1000) -> list[str]:
        """Start jobs; return which."""
        self.rounds += 1
        heads = []
        for (account, kind), queue in self.waiting.items():
            if queue:
                head = queue[0]
                served = self.served.get((account, kind)), self.served.get(account)
                heads.append(Queue(account, kind, head.job_id, head.submitted_at, *served))
        chosen = choose(heads, self.held(), self.limits, room, self._behind)
        for job in chosen:
            flow = next(flow for flow, queue in self.waiting.items() if queue and queue[0].job_id == job)
            self.waiting[flow].pop(0)
            self.running[job] = flow
            self.served[flow[0]] = self.served[flow] = moment(100_000 + self.rounds)
        return chosen

    def _behind(self, queue: Queue) -> Queue | None:
        jobs = self.waiting[queue.account, queue.kind]
        return next((each for each in jobs if each.submitted_at > queue.submitted_at), None)


FLOWS = st.tuples(st.sampled_from("abcd"), st.sampled_from(["entities", "topics", "language"]))
LIMITS = st.builds(
    AdmissionLimits,
    jobs_at_once=st.integers(1, 6),
    jobs_per_account=st.integers(0, 4),
    jobs_per_kind=st.integers(0, 4),
)


@given(LIMITS, st.lists(FLOWS, max_size=60), st.data())
def test_no_limit_is_exceeded_and_nothing_waits_that_could_run(
    limits: AdmissionLimits, submitted: list[Flow], data: st.DataObject
) -> None:
    place = Place(limits, submitted)
    while any(place.waiting.values()):
        place.admit()
        accounts = Counter(account for account, _ in place.running.values())
        kinds = Counter(kind for _, kind in place.running.values())
        assert len(place.running) <= limits.jobs_at_once
        assert max(accounts.values()) <= (limits.jobs_per_account or 1000)
        assert max(kinds.values()) <= (limits.jobs_per_kind or 1000)
        if len(place.running) < limits.jobs_at_once:
            for (account, kind), queue in place.waiting.items():
                full_account = bool(limits.jobs_per_account) and accounts[account] >= limits.jobs_per_account
                full_kind = bool(limits.jobs_per_kind) and kinds[kind] >= limits.jobs_per_kind
                assert not queue or full_account or full_kind
        for job in data.draw(st.lists(st.sampled_from(sorted(place.running)), min_size=1, unique=True)):
            del place.running[job]


@given(LIMITS, st.lists(FLOWS, min_size=1, max_size=60), st.lists(st.integers(1, 16), min_size=1, max_size=5))
def test_every_job_begins_within_as_many_rounds_as_there_are_jobs(
    limits: AdmissionLimits, submitted: list[Flow], sizes: list[int]
) -> None:
    place = Place(limits, submitted, sizes)
    begun: list[str] = []
    while any(place.waiting.values()):
        begun += place.admit()
        # The job that has run longest ends, so a job waits only for those before it.
        del place.running[next(iter(place.running))]
        assert place.rounds <= len(submitted)
    assert sorted(begun) == [f"{number:04}" for number in range(len(submitted))]


@given(LIMITS, st.lists(FLOWS, max_size=40))
def test_jobs_of_one_account_and_kind_begin_in_the_order_in_which_they_were_submitted(
    limits: AdmissionLimits, submitted: list[Flow]
) -> None:
    place = Place(limits, submitted)
    begun: dict[Flow, list[str]] = defaultdict(list)
    while any(place.waiting.values()):
        for job in place.admit():
            begun[place.running[job]].append(job)
        del place.running[next(iter(place.running))]
    assert all(jobs == sorted(jobs) for jobs in begun.values())


@given(st.integers(1, 4), st.integers(2, 5))
def test_a_job_waits_for_one_job_of_each_other_account_and_not_for_their_queues(places: int, accounts: int) -> None:
    crowd = [(f"crowd-{number % accounts}", "entities") for number in range(50 * accounts)]
    place = Place(AdmissionLimits(jobs_at_once=places), [*crowd, ("late", "entities")])
    late = f"{len(crowd):04}"
    while late not in place.admit():
        del place.running[next(iter(place.running))]
    # The first round fills the places, each later one serves one account.
    assert place.rounds <= max(1, accounts + 2 - places)


def test_a_single_place_rotates_between_accounts_and_kinds() -> None:
    mine = [("a", "entities")] * 4 + [("a", "topics")] * 2
    place = Place(AdmissionLimits(jobs_at_once=1), [*mine, ("b", "entities"), ("b", "entities")])
    order = []
    while any(place.waiting.values()):
        (job,) = place.admit()
        order.append(place.running.pop(job))
    assert order == [
        *(("a", "entities"), ("b", "entities"), ("a", "topics"), ("b", "entities")),
        *(("a", "entities"), ("a", "topics"), ("a", "entities"), ("a", "entities")),
    ]


def test_accounts_with_fewer_containers_go_before_one_with_a_wide_job() -> None:
    limits = AdmissionLimits(jobs_at_once=3)
    queues = [Queue("wide", "entities", "w", moment(0)), Queue("narrow", "entities", "n", moment(9), None, moment(8))]
    held = {("wide", "topics"): InUse(1, 3), ("narrow", "topics"): InUse(1, 1)}
    assert choose(queues, held, limits, 1, lambda _: None) == ["n"]


# Room


@pytest.mark.parametrize(
    ("held", "limits", "capacity", "expected"),
    [
        (InUse(0, 0), AdmissionLimits(4), HOST, 4),
        (InUse(2, 3), AdmissionLimits(4), HOST, 1),
        (InUse(1, 16), AdmissionLimits(4), HOST, 0),
        (InUse(0, 0), AdmissionLimits(4, core_overcommit=1.0), HOST, 2),
        (InUse(0, 0), AdmissionLimits(4, container_cpus=0.5), HOST, 8),
        (InUse(0, 0), AdmissionLimits(4, containers_at_once=3), HOST, 3),
        (InUse(0, 0), AdmissionLimits(4, container_memory=10 * GB), HOST, 2),
        (InUse(1, 2), AdmissionLimits(4, container_memory=10 * GB), HOST, 0),
        # What other programs use counts, and so do containers that were begun and use nothing yet.
        (InUse(1, 1), AdmissionLimits(4), Capacity(8, 24 * GB, 5 * GB), 2),
        (InUse(1, 1, starting=1), AdmissionLimits(4), Capacity(8, 24 * GB, 5 * GB), 1),
        # On a host that others use almost completely, jobs run one at a time.
        (InUse(0, 0), AdmissionLimits(4), Capacity(8, 24 * GB, GB), 1),
        (InUse(1, 1), AdmissionLimits(4), Capacity(8, 24 * GB, GB), 0),
        (InUse(0, 0), AdmissionLimits(4, container_cpus=3.0), HOST, 1),
    ],
)
def test_room_is_what_cores_memory_and_the_limit_leave(
    held: InUse, limits: AdmissionLimits, capacity: Capacity, expected: int
) -> None:
    assert room_for(held, limits, capacity) == expected


def test_a_host_without_a_reported_capacity_limits_nothing() -> None:
    assert room_for(InUse(7, 7), AdmissionLimits(4), None) > 1000
    assert never_fits(Settings(), None) is None


def test_a_container_larger_than_the_host_never_fits_and_the_setting_is_named() -> None:
    assert never_fits(Settings(), HOST) is None
    assert never_fits(Settings(container_memory=30 * GB), HOST) == (
        "A job's container may use 30,000,000,000 bytes of memory (READING_ROOM_CONTAINER_MEMORY), and the host has "
        "24,000,000,000 in all: lower the setting, or use a larger host."
    )
    assert never_fits(Settings(container_cpus=2.5), HOST) == (
        "A job's container may use 2.5 cores (READING_ROOM_CONTAINER_CPUS), and the host has 2: lower the setting, or "
        "use a larger host."
    )


def report(world: World, capacity: Capacity) -> None:
    """Report a host without containers to the controller."""
    world.controller.report(HostReport("local", 1, capacity=capacity))


def test_a_job_that_can_never_fit_its_host_fails_at_once_and_so_do_those_behind_it(tmp_path: Path) -> None:
    world = World(tmp_path, Settings(container_memory=30 * GB))
    jobs = [world.submit() for _ in range(12)]
    report(world, HOST)
    world.turn(4)
    assert {world.status(job) for job in jobs} == {"FAILED"}
    assert str(world.message(jobs[0])).startswith(
        "INSUFFICIENT_HOST_CAPACITY: A job's container may use 30,000,000,000 bytes of memory"
    )
    assert world.network.made == 0
    world.database.close()


def test_jobs_begin_as_the_host_has_cores_and_memory_for_them(world: World) -> None:
    for _ in range(6):
        world.submit()
    report(world, Capacity(cores=1, memory_bytes=24 * GB, memory_free=20 * GB))
    world.turn()
    assert len(world.wanted()) == 2
    world.host_says()
    report(world, Capacity(cores=8, memory_bytes=6 * GB, memory_free=5 * GB))
    world.turn()
    assert len(world.wanted()) == 3


# The tables


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    opened = databases.made(tmp_path / "db.sqlite")
    yield opened
    opened.close()


def write(session: Session, *jobs: tuple[str, str, str], containers: int = 1, first: int = 0) -> None:
    """Store jobs with an account, kind and phase each, submitted a second apart and admitted an hour later."""
    if not jobs:
        return
    rows = []
    for number, (account, kind, phase) in enumerate(jobs, first):
        rows.append(
            {
                "job_id": f"{number:032}",
                "account": account,
                "region": "us-east-1",
                "kind": kind,
                "arn": f"arn:aws:comprehend:us-east-1:{account}:{kind}/{number:032}",
                "fingerprint": "",
                "phase": phase,
                "submitted_at": moment(number),
                "admitted_at": None if phase == "queued" else moment(3600 + number),
                "role_arn": "arn:aws:iam::111122223333:role/Reader",
                "engine": "entities-en",
                "analysis": "entities",
                "input_uri": "s3://papers/in/",
                "input_format": "ONE_DOC_PER_LINE",
                "output_uri": f"s3://papers/out/{number}/output/output.tar.gz",
                "document_limit": 1000,
                "containers": containers,
            }
        )
    session.execute(insert(JobRow), rows)


def numbers(jobs: list[str]) -> list[int]:
    """Return jobs by the numbers under which they were stored."""
    return [int(job) for job in jobs]


def test_the_tables_give_the_oldest_of_the_account_that_was_served_longest_ago(database: Database) -> None:
    with database.transaction() as session:
        write(
            session,
            *(("a", "entities", "completed"), ("b", "entities", "completed"), ("c", "entities", "running")),
            *(("a", "entities", "queued"), ("a", "topics", "queued"), ("b", "topics", "queued")),
            *(("b", "topics", "queued"), ("c", "topics", "queued"), ("d", "topics", "queued")),
        )
    with database.reading() as session:
        # d was never served; then a's kind that was never served; then b; c has one running already.
        assert numbers(admissible(session, AdmissionLimits(jobs_at_once=4), HOST)) == [8, 4, 5]
        assert numbers(admissible(session, AdmissionLimits(jobs_at_once=7), None)) == [8, 4, 5, 7, 3, 6]
        assert numbers(admissible(session, AdmissionLimits(7, jobs_per_kind=2), None)) == [8, 4, 3]
        assert numbers(admissible(session, AdmissionLimits(7, jobs_per_account=1), None)) == [8, 4, 5]
        assert admissible(session, AdmissionLimits(jobs_at_once=1), HOST) == []


def test_with_several_accounts_none_has_every_place(database: Database) -> None:
    limits = AdmissionLimits(jobs_at_once=4)
    with database.transaction() as session:
        write(session, *[("a", "entities", "running")] * 2, *[("a", "entities", "queued")] * 3)
    with database.reading() as session:
        assert numbers(admissible(session, limits, None)) == [2, 3]
        assert numbers(admissible(session, AdmissionLimits(jobs_at_once=9), HOST)) == [2, 3]
    with database.transaction() as session:
        session.add(Account(account="b", name="", created_at=moment(0)))
    with database.reading() as session:
        # One of the places, and of those of containers, is left to others.
        assert numbers(admissible(session, limits, None)) == [2]
        assert numbers(admissible(session, AdmissionLimits(jobs_at_once=9), HOST)) == [2]
        # What the operator says of accounts holds.
        assert numbers(admissible(session, AdmissionLimits(4, jobs_per_account=4), None)) == [2, 3]
    with database.transaction() as session:
        write(session, ("b", "entities", "queued"), first=9)
    with database.reading() as session:
        assert numbers(admissible(session, limits, None)) == [9, 2]
        assert numbers(admissible(session, AdmissionLimits(jobs_at_once=9), HOST)) == [9, 2]


def test_a_single_place_goes_to_the_next_account(database: Database) -> None:
    with database.transaction() as session:
        write(session, ("a", "entities", "queued"), ("a", "entities", "queued"))
        session.add(Account(account="b", name="", created_at=moment(0)))
    with database.reading() as session:
        assert numbers(admissible(session, AdmissionLimits(jobs_at_once=1), Capacity(1, 4 * GB, 4 * GB))) == [0]


def test_free_capacity_is_reduced_by_the_containers_of_other_jobs(database: Database) -> None:
    limits = AdmissionLimits(jobs_at_once=9, containers_at_once=6)
    host = Capacity(cores=8, memory_bytes=24 * GB, memory_free=20 * GB)
    with database.transaction() as session:
        write(session, ("a", "entities", "running"), ("a", "entities", "preparing"), containers=2)
        write(session, ("b", "entities", "queued"), ("b", "entities", "queued"), ("b", "topics", "queued"), first=2)
    with database.reading() as session:
        assert len(admissible(session, limits, host)) == 2
        found = free_capacity(session, limits, host)
        assert found == Capacity(cores=2, memory_bytes=24 * GB, memory_free=16 * GB)
        assert free_capacity(session, AdmissionLimits(9, core_overcommit=0.1), host) == Capacity(1, 24 * GB, 16 * GB)
        assert free_capacity(session, limits, None) is None
        fits = JobSize(2, 1_000_000, "2 containers: as its tag says")
        assert grant(session, limits, fits) == fits
        assert grant(session, limits, JobSize(16, 1_000_000, "16 containers: as its tag says")) == JobSize(
            2,
            1_000_000,
            "16 containers: as its tag says; reduced to 2 because READING_ROOM_CONTAINERS_AT_ONCE=6 allows no more now",
        )
        assert grant(session, AdmissionLimits(9), JobSize(16)) == JobSize(16)


@pytest.mark.costs(0.3, reason="8,000 jobs are written")
def test_only_jobs_that_start_and_one_job_of_each_queue_are_read(database: Database) -> None:
    flows = [("a", "entities"), ("a", "topics"), ("b", "entities")]
    with database.transaction() as session:
        write(session, *((*flows[number % 3], "queued") for number in range(3000)))
        write(session, *((*flows[number % 3], "completed") for number in range(5000)), first=3000)
    with database.reading() as session:
        heads = {(account, kind): int(job) for account, kind, job, *_ in session.execute(heads_query())}
        assert heads == {("a", "entities"): 0, ("a", "topics"): 1, ("b", "entities"): 2}
        chosen = admissible(session, AdmissionLimits(jobs_at_once=200), None)
        assert Counter(int(job) % 3 for job in chosen) == {0: 50, 1: 50, 2: 100}


def plan(session: Session, query: object) -> list[str]:
    """Return SQLite's query plan, a line for each table."""
    compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    return [str(row[3]) for row in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]


def test_queues_are_found_and_followed_by_seeking_in_indexes(database: Database) -> None:
    with database.transaction() as session:
        write(session, *(("a", "entities", "queued") for _ in range(100)))
    with database.reading() as session:
        for query in (heads_query(), following_query(Queue("a", "entities", "0", moment(0)))):
            lines = plan(session, query)
            looks = [line for line in lines if line.startswith(("SCAN", "SEARCH"))]
            assert looks
            assert all(" heads" in line or line.startswith("SEARCH") for line in looks), lines
        found = " ".join(plan(session, heads_query()))
        assert "ix_jobs_queue (phase=? AND account=? AND kind>?)" in found
        assert "ix_jobs_queue (phase=? AND account>?)" in found


def steps(session: Session, ask: Callable[[Session], object]) -> int:
    """Return how many instructions SQLite runs for a query, which is the same on every machine."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    count = 0

    def counted() -> None:
        nonlocal count
        count += 1

    connection.set_progress_handler(counted, 1)
    try:
        ask(session)
    finally:
        connection.set_progress_handler(None, 1)
    return count


QUESTIONS: dict[str, Callable[[Session], object]] = {
    "admissible": lambda session: admissible(session, AdmissionLimits(jobs_at_once=8), HOST),
    "free_capacity": lambda session: free_capacity(session, AdmissionLimits(jobs_at_once=8), HOST),
    "placed": needs.placed,
    "unwanted": needs.unwanted,
    "being_prepared": needs.being_prepared,
    "being_added": needs.being_added,
    "ready_to_end": needs.ready_to_end,
    "timed": needs.timed,
}


def test_the_queries_of_a_turn_cost_the_same_however_many_jobs_wait_or_have_ended(
    database: Database,
) -> None:
    flows = [("a", "entities"), ("a", "topics"), ("b", "entities")]
    with database.transaction() as session:
        write(session, *((*flow, phase) for flow in flows for phase in ("running", "preparing", "finishing")))
        for number in range(6):
            session.add(container(f"{number:032}"))
    costs: list[dict[str, int]] = []
    for first, count in ((100, 100), (200, 900)):
        with database.transaction() as session:
            write(session, *((*flows[number % 3], "queued") for number in range(count)), first=first)
            write(session, *((*flows[number % 3], "completed") for number in range(count)), first=100_000 + first)
        with database.reading() as session:
            session.execute(text("SELECT count(*) FROM jobs"))
            costs.append({name: steps(session, question) for name, question in QUESTIONS.items()})
    assert {name: cost for name, cost in costs[1].items() if cost > 1.05 * costs[0][name] + 5} == {}


def container(job_id: str) -> JobContainerRow:
    """Return the first container of a job, with its interface."""
    return JobContainerRow(
        container_id=f"job-{job_id}-1",
        job_id=job_id,
        attempt=1,
        host="local",
        vpc_id="vpc-1",
        interface_id=f"eni-{job_id}",
        role_arn="arn:aws:iam::111122223333:role/Reader",
        session_name=f"Comprehend-{job_id}",
        credentials_path=f"/v2/credentials/{job_id}",
    )
