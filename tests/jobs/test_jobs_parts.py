"""Parts of a job: registering a plan, continuing from finished parts, and starting again with another plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import delete, select

from reading_room.database.engine import Database
from reading_room.jobs import parts
from reading_room.jobs.claims import Claim, claim
from reading_room.jobs.errors import PlanRefused
from reading_room.jobs.parts import PARTS_LIMIT, PartObject, PartState
from reading_room.jobs.tables import ClusterAuthorityRow, JobEventRow, JobRow, PartRow, PlanRow
from tests.worlds.parts import JOB, NOW, add_job, digest_of, result_of

PLAN = [(1_000_000, 480), (1_000_000, 510), (3_000, None)]


@pytest.fixture
def database() -> Iterator[Database]:
    """A database with one job."""
    database = Database.open(None)
    database.create_tables()
    add_job(database)
    yield database
    database.close()


def register(
    database: Database, attempt: int, digest: str = "plan", plan: list[tuple[int, int | None]] | None = None
) -> list[PartState]:
    """Register the parts as the first container of an attempt does."""
    chosen = PLAN if plan is None else plan
    with database.transaction() as session:
        return parts.register(session, JOB, attempt, f"job-{attempt}", digest_of(digest), chosen, NOW)


def finish(database: Database, attempt: int, state: PartState) -> bool:
    """Finish a part as the first container of an attempt does."""
    with database.transaction() as session:
        result = result_of(state.number, attempt)
        return parts.finish(session, JOB, state.number, f"job-{attempt}", state.fence, result)


def test_the_first_attempt_gets_every_part(database: Database) -> None:
    assert register(database, 1) == [
        PartState(0, 1_000_000, 480, 1, "job-1", None),
        PartState(1, 1_000_000, 510, 1, "job-1", None),
        PartState(2, 3_000, None, 1, "job-1", None),
    ]


def test_registering_again_changes_nothing(database: Database) -> None:
    first = register(database, 1)
    assert finish(database, 1, first[0])
    again = register(database, 1)
    assert [each.fence for each in again] == [1, 1, 1]
    assert again[0].done == result_of(0)
    assert again[1:] == first[1:]


def test_a_later_attempt_continues_from_the_finished_parts(database: Database) -> None:
    first = register(database, 1)
    assert finish(database, 1, first[1])
    second = register(database, 2)
    assert [(each.fence, each.holder, each.done) for each in second] == [
        (2, "job-2", None),
        (1, "job-1", result_of(1)),
        (2, "job-2", None),
    ]
    assert not finish(database, 1, first[0]), "the first attempt is late"
    assert finish(database, 2, second[0])
    assert finish(database, 2, second[2])
    with database.reading() as session:
        done = [each.done for each in parts.states(session, JOB)]
        assert done == [result_of(0, 2), result_of(1, 1), result_of(2, 2)]
        assert parts.finished_documents(session, JOB) == 30


@pytest.mark.parametrize(
    ("digest", "plan"), [("changed", PLAN), ("changed", PLAN[:1]), ("changed", [*PLAN, (7, 1)]), ("plan", PLAN[:2])]
)
def test_another_plan_voids_finished_parts_and_fences_keep_growing(
    database: Database, digest: str, plan: list[tuple[int, int | None]]
) -> None:
    first = register(database, 1)
    assert finish(database, 1, first[0])
    second = register(database, 2, digest, plan)
    assert [(each.bytes, each.documents) for each in second] == plan
    assert all(each.done is None and each.fence == 2 for each in second)
    assert not finish(database, 1, first[0])
    third = register(database, 3)
    assert [each.fence for each in third] == [3, 3, 3]
    with database.reading() as session:
        assert parts.finished_documents(session, JOB) == 0


def test_an_attempt_has_one_plan_and_an_earlier_one_cannot_replace_it(database: Database) -> None:
    register(database, 2)
    for attempt, digest in ((2, "changed"), (1, "plan"), (1, "changed")):
        with pytest.raises(PlanRefused, match=f"attempt {attempt} of job {JOB} must not replace"):
            register(database, attempt, digest)
    assert [each.holder for each in register(database, 2)] == ["job-2"] * 3


def test_an_empty_input_has_no_parts(database: Database) -> None:
    assert register(database, 1, plan=[]) == []
    assert register(database, 2, plan=[]) == []


def test_the_number_of_parts_of_a_job_is_limited(database: Database) -> None:
    with pytest.raises(ValueError, match="100001"):
        register(database, 1, plan=[(1, 1)] * (PARTS_LIMIT + 1))


def test_a_job_that_ends_leaves_no_rows_and_others_keep_theirs(database: Database) -> None:
    add_job(database, "other")
    register(database, 1)
    with database.transaction() as session:
        parts.register(session, "other", 1, "job-other", digest_of("plan"), [(5, 1)], NOW)
        session.add(ClusterAuthorityRow(job_id=JOB, attempt=1, made_at=NOW))
    with database.transaction() as session:
        parts.clear(session, JOB)
    with database.reading() as session:
        for table in (PartRow, PlanRow, ClusterAuthorityRow):
            assert session.scalars(select(table).where(table.job_id == JOB)).all() == []
        assert len(parts.states(session, "other")) == 1
    with database.transaction() as session:
        session.execute(delete(JobEventRow))
        session.execute(delete(JobRow).where(JobRow.job_id == "other"))
    with database.reading() as session:
        assert parts.states(session, "other") == []


@dataclass
class ModelPart:
    """The expected state of a part."""

    fence: int
    holder: str | None = None
    attempt: int = 0
    expires: dt.datetime = NOW
    done: PartObject | None = None


@dataclass(frozen=True)
class Held:
    """An earlier claim, which its holder may still use late."""

    holder: str
    claim: Claim


@dataclass
class Model:
    """A simple model of the functions' results."""

    plan: str | None = None
    attempt: int = 0
    parts: list[ModelPart] = field(default_factory=list)

    def claim(self, holder: str, attempt: int, now: dt.datetime, lease: dt.timedelta, limit: int) -> list[Claim]:
        """Claim the lowest free parts."""
        given: list[Claim] = []
        for number, part in enumerate(self.parts):
            ended = part.attempt == attempt and part.expires <= now
            free = part.holder is None or part.attempt < attempt or ended
            if part.done is None and free and len(given) < limit:
                part.fence, part.holder, part.attempt, part.expires = part.fence + 1, holder, attempt, now + lease
                given.append(Claim(number, part.fence))
        return given


HOLDERS = st.sampled_from(["a", "b", "c"])
ATTEMPTS = st.integers(1, 4)


class PartsMachine(RuleBasedStateMachine):
    """Registers, claims, advances the clock and finishes in any order; compares every result with the model's."""

    @initialize()
    def begin(self) -> None:
        """Open a database with one job."""
        self.database = Database.open(None)
        self.database.create_tables()
        add_job(self.database)
        self.model = Model()
        self.now = NOW
        self.held: list[Held] = []
        self.given: set[tuple[int, int]] = set()

    def teardown(self) -> None:
        """Close the database."""
        if hasattr(self, "database"):
            self.database.close()

    @rule(attempt=ATTEMPTS, digest=st.sampled_from(["one", "other"]), count=st.integers(0, 4))
    def register(self, attempt: int, digest: str, count: int) -> None:
        """Register a plan; refused ones change nothing."""
        name = f"{digest}-{count}"
        model, holder = self.model, f"job-{attempt}"
        refused = attempt < model.attempt or (attempt == model.attempt and name != model.plan)
        with self.database.transaction() as session:
            try:
                found = parts.register(session, JOB, attempt, holder, digest_of(name), [(1, 1)] * count, self.now)
            except PlanRefused:
                assert refused
                return
        assert not refused
        if name != model.plan:
            floor = max((each[1] for each in self.given), default=0)
            assert all(each.fence > floor and each.done is None for each in found)
            model.parts = [ModelPart(each.fence - 1) for each in found]
            model.plan = name
        model.attempt = attempt
        self._gave(holder, model.claim(holder, attempt, self.now, parts.LEASE, PARTS_LIMIT))

    @rule(holder=HOLDERS, attempt=ATTEMPTS, limit=st.integers(0, 3), seconds=st.integers(1, 60))
    def claim(self, holder: str, attempt: int, limit: int, seconds: int) -> None:
        """Claim some parts for a while."""
        lease = dt.timedelta(seconds=seconds)
        with self.database.transaction() as session:
            found = claim(session, "parts", holder, job_id=JOB, attempt=attempt, now=self.now, lease=lease, limit=limit)
        assert found == self.model.claim(holder, attempt, self.now, lease, limit)
        self._gave(holder, found)

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds: int) -> None:
        """Move the clock."""
        self.now += dt.timedelta(seconds=seconds)

    @rule(data=st.data(), by=st.sampled_from(["first", "second"]))
    def finish(self, data: st.DataObject, by: str) -> None:
        """Finish with any earlier claim."""
        if not self.held:
            return
        held = data.draw(st.sampled_from(self.held))
        number, fence = held.claim.number, held.claim.fence
        result = result_of(number, by=by)
        with self.database.transaction() as session:
            taken = parts.finish(session, JOB, number, held.holder, fence, result)
        part = self.model.parts[number] if number < len(self.model.parts) else None
        own = part is not None and (part.holder, part.fence) == (held.holder, fence)
        assert taken == (own and part is not None and part.done in (None, result))
        if taken and part is not None:
            part.done = result

    @invariant()
    def rows_are_as_the_model(self) -> None:
        """Check that every row is as the model expects."""
        if not hasattr(self, "database"):
            return
        with self.database.reading() as session:
            found = [(each.fence, each.holder, each.done) for each in parts.states(session, JOB)]
        assert found == [(each.fence, each.holder, each.done) for each in self.model.parts]

    def _gave(self, holder: str, claims: list[Claim]) -> None:
        for each in claims:
            assert (each.number, each.fence) not in self.given, "a fence is given once"
            self.given.add((each.number, each.fence))
            self.held.append(Held(holder, each))


TestPartsMachine = pytest.mark.costs(2.5, reason="each of 25 examples has up to forty steps")(PartsMachine.TestCase)
TestPartsMachine.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
