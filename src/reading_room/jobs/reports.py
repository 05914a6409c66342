"""Applying the reports of hosts to jobs: progress, the end or loss of containers, and problems of hosts."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from sqlalchemy.orm import Session

from reading_room.agent.spec import HostReport
from reading_room.analysis.job_file import Done, Progress
from reading_room.containers.spec import ContainerState
from reading_room.database.engine import Database
from reading_room.jobs import parts
from reading_room.jobs.credentials import model_session_arn
from reading_room.jobs.job import ATTEMPTS, ContainerLost, Event, Phase, WorkerFailed
from reading_room.jobs.needs import ContainerNeed
from reading_room.jobs.outcomes import (
    ATTESTED,
    CANNOT_CONNECT,
    CLUSTER_LOST,
    MODEL_DENIED,
    facts_of,
    failure_of,
    member_outcome,
    outcome_of,
    printable,
    progress_so_far,
    with_reason,
)
from reading_room.jobs.places import location_of
from reading_room.jobs.ports import Denials, JobNetwork, ModelCheck, OutputStore
from reading_room.jobs.record import session_arn
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.jobs.writing import JobWriter

LOST_TOUCH = frozenset(
    {"NO_ROUTE_TO_STORAGE", "ROLE_NOT_ASSUMABLE", "NO_CREDENTIALS_FOR_MODEL", CANNOT_CONNECT, CLUSTER_LOST}
)
"""The codes of workers that got no answer from the service or from each other."""

REST_SECONDS = {1: 2.0, 2: 60.0}
"""How long another attempt waits, by attempt, after a container was lost before it said anything.

Such a container could hardly be started, for example for lack of memory: without a rest, a job would use up its
attempts in less than a second.
"""


class HostReports:
    """Turns the reports of hosts into events."""

    def __init__(
        self,
        *,
        database: Database,
        network: JobNetwork,
        store: OutputStore,
        denials: Denials,
        check_model: ModelCheck,
        writer: JobWriter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._network = network
        self._store = store
        self._denials = denials
        self._check_model = check_model
        self._writer = writer
        self._problems: dict[str, tuple[str, str]] = {}
        """The job and the noted problem of each container."""
        self._clock = clock
        self._lost_at: dict[str, float] = {}
        """When containers that never said anything were found lost."""

    def apply(self, report: HostReport, wanted: list[ContainerNeed]) -> None:
        """Write the events that follow from a host's report about the containers that it should run."""
        states = {state.container_id: state for state in report.containers}
        for container in wanted:
            state = states.get(container.need.container_id)
            with self._writer.guard(container.need.job_id):
                if state is not None:
                    self._apply_state(container, state)
                elif container.need.member == 0 and container.job.phase == Phase.STOPPING.value:
                    # No worker exists yet that could finish early.
                    self._writer.advance(container.need.job_id, ContainerLost("it had not started"))
        self._note_problems(report, wanted)

    def forget(self, container_id: str) -> None:
        """Forget the problem of a container that is gone."""
        self._problems.pop(container_id, None)
        self._lost_at.pop(container_id, None)

    def forget_all(self) -> None:
        """Forget what is remembered of every container, because another process may have told of it since."""
        self._problems.clear()
        self._lost_at.clear()

    def _apply_state(self, container: ContainerNeed, state: ContainerState) -> None:
        if container.need.member:
            event = self._end_of_member(container, state)
            if event is not None:
                self._writer.advance(container.need.job_id, event, of=container.need.container_id)
            return
        event = self._end_of_first(container, state)
        if isinstance(event, ContainerLost) and not state.messages and self._rests(container):
            return
        said = progress_so_far(state)
        keep = partial(_keep_progress, said, any(isinstance(message, Done) for message in state.messages))
        if event is not None:
            self._writer.advance(container.need.job_id, event, keep, of=container.need.container_id)
        elif said is not None and (
            said.documents != container.job.documents or said.of not in (0, container.job.documents_of)
        ):
            with self._database.transaction() as session:
                row = session.get(JobContainerRow, container.need.container_id)
                if row is not None and row.wanted:
                    keep(session, session.get_one(JobRow, container.need.job_id))

    def _rests(self, container: ContainerNeed) -> bool:
        """Return whether the attempt after a container that never said anything must still wait."""
        need = container.need
        rest = REST_SECONDS.get(need.attempt, 0.0)
        # Several containers are replaced one by one, without another attempt.
        if not rest or need.containers > 1 or container.job.phase != Phase.RUNNING.value:
            return False
        if need.container_id not in self._lost_at:
            self._lost_at[need.container_id] = self._clock()
            text = f"The container was lost before it said anything: another one will be started in {rest:.0f} s."
            self._writer.note(need.job_id, "Warning", text)
        return self._clock() - self._lost_at[need.container_id] < rest

    def _end_of_member(self, container: ContainerNeed, state: ContainerState) -> Event | None:
        event = member_outcome(container.need.member, state)
        failure = failure_of(state)
        if failure is not None and failure.code == CANNOT_CONNECT and container.job.phase == Phase.RUNNING.value:
            why = self._network.explain_cluster(container.need)
            if why is not None:
                return WorkerFailed(CANNOT_CONNECT, printable(why))
        return event

    def _end_of_first(self, container: ContainerNeed, state: ContainerState) -> Event | None:
        job, facts = container.job, partial(facts_of, self._store)
        if job.is_training:
            artifact = location_of(str(job.artifact_uri))
            event = outcome_of(state, artifact, facts, partial(self._check_model, job.analysis))
        elif job.is_described:
            output = location_of(job.output_uri)
            event = outcome_of(state, output, facts, partial(self._check_model, job.analysis))
        else:
            event = outcome_of(state, location_of(job.output_uri), facts)
        return self._explained(container, event) if isinstance(event, WorkerFailed) else event

    def _explained(self, container: ContainerNeed, event: WorkerFailed) -> WorkerFailed | ContainerLost:
        """Add what only the service knows to a worker's failure: the statement, the route or the rule that decided.

        If a worker got no answer although nothing forbids it, the server, the agent or the network was probably being
        restarted. Then another attempt is prepared, which fails with a specific code if there is a lasting reason.
        """
        need = container.need
        why: str | None = None
        if event.code == "NO_ROUTE_TO_STORAGE":
            why = self._network.explain(need)
        elif event.code == CANNOT_CONNECT:
            why = self._network.explain_cluster(need)
        elif event.code in ATTESTED:
            why = self._denial(container, need.role_arn)
        elif event.code in MODEL_DENIED:
            why = self._denials(model_session_arn(need.job_id))
        if why is None and event.code in LOST_TOUCH and need.attempt < ATTEMPTS:
            lost = "its cluster broke" if event.code == CLUSTER_LOST else "its worker lost touch with the service"
            return ContainerLost(f"{lost}: {event.text}")
        return event if why is None else WorkerFailed(event.code, with_reason(event.text, why))

    def _denial(self, container: ContainerNeed, role_arn: str) -> str | None:
        """Return the store's last denial of any container of the attempt."""
        for member in range(max(1, container.job.members_made)):
            why = self._denials(session_arn(role_arn, container.need.job_id, member))
            if why is not None:
                return why
        return None

    def _note_problems(self, report: HostReport, wanted: list[ContainerNeed]) -> None:
        """Add the problems of its host to the story of a waiting job, once per problem."""
        if not (report.problems or report.refused or self._problems):
            return
        about = {problem.about: problem.message for problem in report.problems}
        started = {state.container_id for state in report.containers if state.phase != "starting"}
        for container in wanted:
            need = container.need
            ids = (need.container_id, need.interface_id, "enforcement")
            problem = next((about[i] for i in ids if i in about), report.refused)
            if not problem or need.container_id in started:
                self._problems.pop(need.container_id, None)
                continue
            noted = (need.job_id, problem)
            is_new = noted not in self._problems.values()
            self._problems[need.container_id] = noted
            if is_new:
                text = f"waits because its host {report.host} reports: {printable(problem)}"
                self._writer.note(need.job_id, "HostProblem", text)


def _keep_progress(said: Progress | None, final: bool, session: Session, row: JobRow) -> None:
    if said is None:
        return
    documents = said.documents
    if row.distributed and not final:
        # The worker may not have counted the parts yet that an earlier attempt finished.
        documents = max(documents, parts.finished_documents(session, row.job_id))
    row.documents = documents
    row.documents_of = said.of or row.documents_of
