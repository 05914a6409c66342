"""A controller whose ports only record calls, with a clock that changes only when a test changes it."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from pathlib import Path

from sqlalchemy import Engine, select

from reading_room.agent.spec import Capacity, HostReport
from reading_room.analysis.job_file import Done, WorkerMessage
from reading_room.clock import ClockSteps
from reading_room.containers.spec import ContainerSpec, ContainerState
from reading_room.database.engine import Database
from reading_room.dataplane.spec import Problem
from reading_room.fleet import members
from reading_room.fleet.host_leases import HostLeases
from reading_room.ids import job_id
from reading_room.jobs.controller import JobController
from reading_room.jobs.desired import wanted
from reading_room.jobs.job import job_status
from reading_room.jobs.memory import (
    MemoryIdentities,
    MemoryJobNetwork,
    MemoryObject,
    MemoryOutputStore,
    MemorySizing,
    MemoryStories,
)
from reading_room.jobs.placement import ByRoom, Placer
from reading_room.jobs.places import location_of, output_location
from reading_room.jobs.ports import JobSize
from reading_room.jobs.record import container_id, job_of, story
from reading_room.jobs.submission import NewJob, request_stop, submit
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.settings import Settings
from tests.worlds import databases

ACCOUNT = "111122223333"
REGION = "us-east-1"
KIND = "entities-detection-job"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/Reader"
CONTENT = b"an archive"
DONE = Done(3, 0, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def in_memory(engine: Engine | None = None) -> Database:
    """Return an empty database in memory. With an ``engine`` of an earlier one, what that engine cached is kept."""
    database = Database.open(None) if engine is None else Database(engine)
    with contextlib.closing(database.engine.raw_connection()) as connection:
        connection.driver_connection.deserialize(databases.image())  # type: ignore[union-attr]
    return database


class World:
    """Everything a controller needs, on one database file; ``restart`` makes a new controller on it.

    Each job gets this many ``containers``. Without a ``folder`` the database is in memory, or it is the one that is
    given.
    """

    def __init__(
        self,
        folder: Path | None,
        settings: Settings | None = None,
        containers: int = 1,
        database: Database | None = None,
    ) -> None:
        self.now = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
        if folder is None:
            self.database = database or in_memory()
        else:
            self.database = databases.made(folder / "db.sqlite")
        self.settings = settings or Settings()
        self.network = MemoryJobNetwork()
        self.store = MemoryOutputStore()
        self.stories = MemoryStories()
        self.sizing = MemorySizing(JobSize(containers))
        self.identities = MemoryIdentities()
        self.capacity: Capacity | None = None
        self.denial: str | None = None
        self.denied: str | None = None
        """The session that is denied; ``None`` for every session."""
        self.held: str | None = None
        """Why no job may begin."""
        self.requested: list[str] = []
        self.clock_steps: ClockSteps | None = None
        self.placer: Placer = ByRoom("spread")
        self.controller = self.restart()

    def restart(self) -> JobController:
        """Start again with only the database, as after ``kill -9``."""
        self.controller = JobController(
            database=self.database,
            settings=self.settings,
            clock=lambda: self.now,
            network=self.network,
            store=self.store,
            denials=self._denials,
            storyteller=self.stories,
            sizing=self.sizing,
            placer=self.placer,
            identities=self.identities,
            pause_reason=lambda: self.held,
            clock_steps=self.clock_steps,
            monotonic=lambda: self.now.timestamp(),
            members=lambda session: members.read(session, lambda _: self.now),
            leases=HostLeases(self.database, lambda _: self.now, lambda: self.now.timestamp()),
        )
        return self.controller

    def _denials(self, session_arn: str) -> str | None:
        self.requested.append(session_arn)
        return self.denial if self.denied in (None, session_arn) else None

    def submit(self, token: str | None = None, name: str | None = None, folder: bool = False) -> str:
        """Submit a job, whose output may be a ``folder``, and return its id."""
        identifier = job_id()
        new = NewJob(
            job_id=identifier,
            account=ACCOUNT,
            region=REGION,
            kind=KIND,
            arn=f"arn:aws:comprehend:{REGION}:{ACCOUNT}:{KIND}/{identifier}",
            role_arn=ROLE,
            engine="entities-en",
            analysis="entities",
            input_uri="s3://papers/in/",
            input_format="ONE_DOC_PER_LINE",
            output_uri=output_location("s3://papers/out", ACCOUNT, "NER", identifier, *([""] if folder else [])),
            document_limit=1_048_576,
            parameters={"JobName": name},
            name=name,
            client_token=token,
            language="en",
            subnets=("subnet-1",),
            security_groups=("sg-1",),
        )
        with self.database.transaction() as session:
            return submit(session, new, self.now).job_id

    def ask_to_stop(self, identifier: str) -> str:
        """Ask for a job's end and return its status."""
        with self.database.transaction() as session:
            return job_status(job_of(request_stop(session, ACCOUNT, KIND, identifier, self.now)))

    def turn(self, times: int = 1) -> None:
        """Run turns."""
        for _ in range(times):
            self.controller.turn()

    def row(self, identifier: str) -> JobRow:
        """Read a job."""
        with self.database.reading() as session:
            return session.get_one(JobRow, identifier)

    def status(self, identifier: str) -> str:
        """Return what clients see."""
        return job_status(job_of(self.row(identifier)))

    def message(self, identifier: str) -> str | None:
        """Return the failure's message."""
        outcome = job_of(self.row(identifier)).outcome
        return None if outcome is None else outcome.message

    def story(self, identifier: str) -> str:
        """Return what happened to a job."""
        with self.database.reading() as session:
            return "\n".join(story(session, identifier))

    def wanted(self, host: str = "local") -> tuple[ContainerSpec, ...]:
        """Return what a host should run."""
        with self.database.reading() as session:
            return wanted(session, host)

    def container_rows(self) -> int:
        """Count the containers that are not settled."""
        with self.database.reading() as session:
            return len(session.scalars(select(JobContainerRow)).all())

    def write_output(self, identifier: str, content: bytes = CONTENT) -> None:
        """Put the job's archive into the store."""
        place = location_of(self.row(identifier).output_uri)
        digest = hashlib.sha256(content).hexdigest()
        self.store.objects[place.bucket, place.key] = MemoryObject(len(content), digest)

    def host_says(
        self,
        *states: ContainerState,
        interfaces: tuple[str, ...] | None = None,
        problems: tuple[Problem, ...] = (),
        host: str = "local",
    ) -> None:
        """Send a report; by default it has the wanted interfaces."""
        present = tuple(spec.interface_id for spec in self.wanted(host)) if interfaces is None else interfaces
        report = HostReport(host, 1, interfaces=present, containers=states, problems=problems, capacity=self.capacity)
        self.controller.report(report)

    def state(self, *messages: WorkerMessage, phase: str = "running", exit_code: int | None = None) -> ContainerState:
        """Return the state of the one wanted container."""
        (spec,) = self.wanted()
        return ContainerState(spec.container_id, phase, exit_code, messages)  # type: ignore[arg-type]

    def member(self, number: int) -> ContainerSpec:
        """Return a container of the one job's present attempt."""
        found = [each for each in self.wanted() if each.container_id == self._name(each, number)]
        assert len(found) == 1, f"container {number} is not wanted: {self.numbers()}"
        return found[0]

    def numbers(self) -> list[int]:
        """Return the numbers of the one job's wanted containers."""
        wanted = self.wanted()
        return [number for number in range(20) if any(each.container_id == self._name(each, number) for each in wanted)]

    def _name(self, spec: ContainerSpec, number: int) -> str:
        return container_id(spec.job.job_id, spec.job.attempt, number)

    def member_state(
        self, number: int, *messages: WorkerMessage, phase: str = "running", exit_code: int | None = None
    ) -> ContainerState:
        """Return a state of a container of the one job's present attempt."""
        return ContainerState(self.member(number).container_id, phase, exit_code, messages)  # type: ignore[arg-type]

    def pass_seconds(self, seconds: float) -> None:
        """Move the clock."""
        self.now += dt.timedelta(seconds=seconds)
