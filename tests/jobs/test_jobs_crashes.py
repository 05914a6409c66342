"""A crash between any two commits: what was not written is repeated, and every job ends as it would without the crash.

A story is run once without a crash to count its commits. Then it is run again for each of them: the server crashes just
before the commit, after everything outside the database has been done for it; in some stories it also crashes just
after the commit. Another controller continues from the database, the network and the host as they were left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.orm import Session

from reading_room.analysis.job_file import Done, Failed, Progress, Ready, WorkerMessage
from reading_room.containers.spec import ContainerSpec, ContainerState
from reading_room.database.engine import Database
from reading_room.jobs import parts
from reading_room.jobs.errors import JobEnded, PreparationError
from reading_room.jobs.memory import MemoryObject
from reading_room.jobs.places import location_of, parts_of
from reading_room.jobs.tables import PartRow
from tests.worlds.jobs import DONE, World, in_memory

STEPS = 60
ENGINE = Database.open(None).engine
EARLY = Done(DONE.documents, DONE.errors, DONE.size, DONE.sha256, stopped=True)
KILLED = (137, ())
BROKEN = (1, (Failed("CLUSTER_LOST", "the scheduler is gone"),))
CUT_OFF = (1, (Failed("CONTAINERS_CANNOT_CONNECT", "nobody answers"),))
DENIED = (1, (Failed("NO_READ_ACCESS_TO_INPUT", "denied"),))
LEFT = (0, (Done(0, 0, 0, ""),))
Ending = tuple[int, tuple[WorkerMessage, ...]]


class Crash(BaseException):
    """The end of the server, as with SIGKILL."""


@dataclass
class Dying:
    """Counts the commits of a database and crashes the server at one of them."""

    world: World
    at: int = 0
    before: bool = True
    commits: int = 0

    def __post_init__(self) -> None:
        """Wrap the transactions of the world."""
        real = self.world.database.transaction

        @contextmanager
        def transaction() -> Iterator[Session]:
            self.commits += 1
            dies = self.commits == self.at
            if dies and self.before:
                raise Crash
            with real() as session:
                yield session
            if dies:
                raise Crash

        self.world.database.transaction = transaction  # type: ignore[method-assign, assignment]


@dataclass
class Host:
    """Runs the wanted containers, a step at a time. ``endings`` has how and when containers end, by attempt and member.

    By default the first worker succeeds after three steps, and others work until they are no longer wanted.
    """

    world: World
    outcomes: dict[tuple[int, int], tuple[int, Ending]] = field(default_factory=dict)
    ages: dict[str, int] = field(default_factory=dict)
    ended: dict[str, Ending] = field(default_factory=dict)

    def step(self) -> None:
        """Advance the clock and report."""
        wanted = self.world.wanted()
        self.ages = {spec.container_id: self.ages.get(spec.container_id, 0) + 1 for spec in wanted}
        self.world.host_says(*map(self._state, wanted))

    def _state(self, spec: ContainerSpec) -> ContainerState:
        member = 0 if spec.job.cluster is None else spec.job.cluster.member
        age = self.ages[spec.container_id]
        if spec.container_id not in self.ended:
            outcome_of = self._ending(spec, member, age)
            if outcome_of is not None:
                self.ended[spec.container_id] = outcome_of
        said: tuple[WorkerMessage, ...] = (Ready(), Progress(age, 6)) if member == 0 else (Ready(),)
        if spec.container_id not in self.ended:
            return ContainerState(spec.container_id, "running", None, said)
        code, last = self.ended[spec.container_id]
        return ContainerState(spec.container_id, "exited", code, (*said, *last))

    def _ending(self, spec: ContainerSpec, member: int, age: int) -> Ending | None:
        when, how = self.outcomes.get((spec.job.attempt, member), (0, KILLED))
        if when and age >= when:
            return how
        if member:
            return None
        if spec.stop or age >= 3:
            self._write(spec)
            return (0, (EARLY if spec.stop else DONE,))
        return None

    def _write(self, spec: ContainerSpec) -> None:
        """Write the archive, and leave a part behind, like a worker without the time to delete it."""
        job = spec.job.job_id
        self.world.write_output(job)
        if spec.job.cluster is not None:
            place = parts_of(location_of(self.world.row(job).output_uri))
            self.world.store.objects[place.bucket, f"{place.key}1/0-0-x"] = MemoryObject(1, None)
            self.world.store.uploads.add((place.bucket, f"{place.key}1/1-0-x"))


@dataclass(frozen=True)
class Story:
    """What happens to one job. ``before`` prepares the ports; a stop is requested at step ``stop_at``."""

    name: str
    outcomes: dict[tuple[int, int], tuple[int, Ending]] = field(default_factory=dict)
    before: Callable[[World, str], Any] = lambda world, job: None
    stop_at: int = 0
    containers: tuple[int, ...] = (3,)
    """The number of containers in the story."""
    twice: bool = False
    """Whether the server dies after the commits, too."""

    def __str__(self) -> str:
        """Return its name, for pytest."""
        return self.name


def refuse(world: World, job: str) -> None:
    world.network.refusals[job] = PreparationError("SUBNET_NOT_FOUND", "gone")


def cut_off(world: World, job: str) -> None:
    world.network.cut = "sg-1 lets nothing in from itself"


def allow_one(world: World, job: str) -> None:
    world.network.alone[job] = "allow s3:GetObject"


STORIES = (
    Story("undisturbed", containers=(1, 3), twice=True),
    Story("the first is killed", {(1, 0): (2, KILLED)}, containers=(1, 3)),
    Story("the first is killed three times", {(attempt, 0): (1, KILLED) for attempt in (1, 2, 3)}, containers=(1,)),
    Story("it may not read", {(1, 0): (2, DENIED)}),
    Story("it has no subnet", before=refuse, containers=(1,)),
    Story("it is stopped while it runs", stop_at=2, containers=(1, 3)),
    Story("it is stopped before it runs", stop_at=1),
    Story("members come and go", {(1, 1): (1, KILLED), (1, 3): (1, KILLED), (1, 2): (2, LEFT)}, twice=True),
    Story("its clusters break", {(1, 0): (2, BROKEN), (1, 1): (1, BROKEN), (2, 0): (1, BROKEN)}),
    Story("one reaches nobody", {(1, 1): (1, CUT_OFF)}),
    Story("it has no self rule", before=cut_off),
    Story("it may have one container only", before=allow_one),
    Story("it is stopped and loses a member", {(1, 1): (2, KILLED)}, stop_at=2),
)
CASES = [(story, containers) for story in STORIES for containers in story.containers]


@dataclass(frozen=True)
class End:
    """How a job ended. Documents are only those of a complete result; those of others depend on timing."""

    status: str
    message: str | None
    documents: int | None


def run(story: Story, containers: int, at: int = 0, before: bool = True) -> tuple[End, int]:
    """Run a story in a new world; return its end and its number of commits. Check that nothing is left."""
    # One engine for all: preparing every statement again would take most of the time.
    world = World(None, containers=containers, database=in_memory(ENGINE))
    job = world.submit()
    story.before(world, job)
    host = Host(world, dict(story.outcomes))
    dying = Dying(world, at, before)
    stop_requested = story.stop_at == 0
    for step in range(STEPS):
        try:
            if not stop_requested and step >= story.stop_at:
                ask_to_stop(world, job)
                stop_requested = True
            if world.status(job) == "IN_PROGRESS" and containers > 1:
                note_a_part(world, job)
            host.step()
            world.turn()
        except Crash:
            world.restart()
            host.step()
        world.pass_seconds(1)
        if world.status(job) in ("COMPLETED", "FAILED", "STOPPED") and stop_requested:
            break
    status = world.status(job)
    end = End(status, world.message(job), world.row(job).documents if status == "COMPLETED" else None)
    assert_nothing_is_left(world, job)
    return end, dying.commits


def ask_to_stop(world: World, job: str) -> None:
    try:
        world.ask_to_stop(job)
    except JobEnded:
        pass


def note_a_part(world: World, job: str) -> None:
    """Register a part, as the first of several containers does."""
    first = next((spec for spec in world.wanted() if spec.job.cluster and spec.job.cluster.member == 0), None)
    with world.database.reading() as session:
        known = parts.states(session, job)
    if first is not None and not known:
        with world.database.transaction() as session:
            parts.register(session, job, first.job.attempt, first.container_id, "ab" * 32, [(1, 1)], world.now)


def assert_nothing_is_left(world: World, job: str) -> None:
    assert world.status(job) in ("COMPLETED", "FAILED", "STOPPED"), world.story(job)
    assert world.container_rows() == 0
    assert world.network.interfaces == {}
    assert world.network.attached_ids == set()
    output = location_of(world.row(job).output_uri)
    assert set(world.store.objects) <= {(output.bucket, output.key)}
    assert world.store.uploads == set()
    with world.database.reading() as session:
        assert session.query(PartRow).count() == 0


@pytest.mark.costs(3.5, reason="a story is repeated with a crash at each of its commits")
@pytest.mark.parametrize(("story", "containers"), CASES, ids=[f"{story}-{containers}" for story, containers in CASES])
def test_a_crash_between_any_two_commits_changes_nothing_about_the_end(story: Story, containers: int) -> None:
    undisturbed, commits = run(story, containers)
    assert commits > 3
    for at in range(1, commits + 1):
        for before in (True, False) if story.twice else (True,):
            end, _ = run(story, containers, at, before)
            assert end == undisturbed, f"a crash {'before' if before else 'after'} commit {at} changed the end"


@pytest.mark.costs(2, reason="every story runs once")
def test_the_stories_end_in_every_way_that_there_is() -> None:
    ends = {str(story): run(story, containers)[0] for story, containers in CASES}
    assert {end.status for end in ends.values()} == {"COMPLETED", "FAILED", "STOPPED"}
    assert str(ends["it has no self rule"].message).startswith("CONTAINERS_CANNOT_CONNECT: ")
    assert ends["its clusters break"].status == "COMPLETED"
    assert ends["members come and go"].status == "COMPLETED"
    assert ends["it may have one container only"].status == "COMPLETED"
