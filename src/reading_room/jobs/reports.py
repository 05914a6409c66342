"""What hosts say of containers, and what follows for jobs: progress, ends, losses, and why something waits."""

from __future__ import annotations

from functools import partial

from sqlalchemy.orm import Session

from reading_room.agent.spec import HostReport
from reading_room.analysis.job_file import Done, Progress
from reading_room.containers.spec import ContainerState
from reading_room.database.engine import Database
from reading_room.jobs import parts
from reading_room.jobs.credentials import model_session_arn
from reading_room.jobs.job import ATTEMPTS, ContainerLost, Event, Phase, WorkerFailed
from reading_room.jobs.needs import ContainerNeed, wanted_on
from reading_room.jobs.outcomes import (
    ATTESTED,
    CANNOT_CONNECT,
    CLUSTER_LOST,
    MODEL_DENIED,
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
"""What a worker says when nobody answers it."""


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
    ) -> None:
        self._database = database
        self._network = network
        self._store = store
        self._denials = denials
        self._check_model = check_model
        self._writer = writer
        self._problems: dict[str, tuple[str, str]] = {}
        """By container: its job, and what was told of it."""

    def apply(self, report: HostReport) -> None:
        """Write what follows from one host's report."""
        states = {state.container_id: state for state in report.containers}
        with self._database.reading() as session:
            wanted = wanted_on(session, report.host)
        for held in wanted:
            state = states.get(held.need.container_id)
            with self._writer.each(held.need.job_id):
                if state is not None:
                    self._hear_of(held, state)
                elif held.need.member == 0 and held.job.phase == Phase.STOPPING.value:
                    # There is no worker yet that could be asked to finish early.
                    self._writer.advance(held.need.job_id, ContainerLost("it had not started"))
        self._note_problems(report, wanted)

    def forget(self, container_id: str) -> None:
        """Forget what was told of a container that is gone."""
        self._problems.pop(container_id, None)

    def _hear_of(self, held: ContainerNeed, state: ContainerState) -> None:
        if held.need.member:
            event = self._end_of_member(held, state)
            if event is not None:
                self._writer.advance(held.need.job_id, event, of=held.need.container_id)
            return
        event = self._end_of_first(held, state)
        said = progress_so_far(state)
        keep = partial(_keep_progress, said, any(isinstance(message, Done) for message in state.messages))
        if event is not None:
            self._writer.advance(held.need.job_id, event, keep, of=held.need.container_id)
        elif said is not None and (said.documents != held.job.documents or said.of not in (0, held.job.documents_of)):
            with self._database.transaction() as session:
                container = session.get(JobContainerRow, held.need.container_id)
                if container is not None and container.wanted:
                    keep(session, session.get_one(JobRow, held.need.job_id))

    def _end_of_member(self, held: ContainerNeed, state: ContainerState) -> Event | None:
        event = member_outcome(held.need.member, state)
        failure = failure_of(state)
        if failure is not None and failure.code == CANNOT_CONNECT and held.job.phase == Phase.RUNNING.value:
            why = self._network.explain_cluster(held.need)
            if why is not None:
                return WorkerFailed(CANNOT_CONNECT, printable(why))
        return event

    def _end_of_first(self, held: ContainerNeed, state: ContainerState) -> Event | None:
        job = held.job
        if job.is_training:
            artifact = location_of(str(job.artifact_uri))
            event = outcome_of(state, artifact, self._store.head, partial(self._check_model, job.analysis))
        else:
            event = outcome_of(state, location_of(job.output_uri), self._store.head)
        return self._explained(held, event) if isinstance(event, WorkerFailed) else event

    def _explained(self, held: ContainerNeed, event: WorkerFailed) -> WorkerFailed | ContainerLost:
        """Add to a worker's reason what only the service knows: the statement, the route or the rule that decided.

        A worker that lost touch although nothing forbids it was there while the server, the agent or the network was
        being started again: another attempt is prepared anew, and fails by name if there is a lasting reason.
        """
        need = held.need
        why: str | None = None
        if event.code == "NO_ROUTE_TO_STORAGE":
            why = self._network.explain(need)
        elif event.code == CANNOT_CONNECT:
            why = self._network.explain_cluster(need)
        elif event.code in ATTESTED:
            why = self._denial(held, need.role_arn)
        elif event.code in MODEL_DENIED:
            why = self._denials(model_session_arn(need.job_id))
        if why is None and event.code in LOST_TOUCH and need.attempt < ATTEMPTS:
            lost = "its cluster broke" if event.code == CLUSTER_LOST else "its worker lost touch with the service"
            return ContainerLost(f"{lost}: {event.text}")
        return event if why is None else WorkerFailed(event.code, with_reason(event.text, why))

    def _denial(self, held: ContainerNeed, role_arn: str) -> str | None:
        """Return what the store refused lately to a container of the attempt: the first one tells of any."""
        for member in range(max(1, held.job.members_made)):
            why = self._denials(session_arn(role_arn, held.need.job_id, member))
            if why is not None:
                return why
        return None

    def _note_problems(self, report: HostReport, wanted: list[ContainerNeed]) -> None:
        """Tell a waiting job what its host cannot do, once per problem."""
        if not (report.problems or report.refused or self._problems):
            return
        about = {problem.about: problem.message for problem in report.problems}
        started = {state.container_id for state in report.containers if state.phase != "starting"}
        for held in wanted:
            need = held.need
            ids = (need.container_id, need.interface_id, "enforcement")
            problem = next((about[i] for i in ids if i in about), report.refused)
            if not problem or need.container_id in started:
                self._problems.pop(need.container_id, None)
                continue
            told = (need.job_id, problem)
            news = told not in self._problems.values()
            self._problems[need.container_id] = told
            if news:
                text = f"waits because its host {report.host} reports: {printable(problem)}"
                self._writer.note(need.job_id, "HostProblem", text)


def _keep_progress(said: Progress | None, final: bool, session: Session, row: JobRow) -> None:
    if said is None:
        return
    documents = said.documents
    if row.distributed and not final:
        # Parts that an earlier attempt finished are finished, although the worker may not have counted them yet.
        documents = max(documents, parts.finished_documents(session, row.job_id))
    row.documents = documents
    row.documents_of = said.of or row.documents_of
