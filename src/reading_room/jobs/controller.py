"""The loop that moves jobs: it admits, prepares, hears what hosts report, times out, cleans up and ends them.

A turn takes no input. Every step reads the tables again, does what they ask for, and writes the event with all its
effects in one transaction, so that a turn which dies anywhere is repaired by the next one.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from reading_room.agent.spec import HostReport
from reading_room.clock import Clock
from reading_room.containers.spec import ContainerState
from reading_room.database.engine import Database
from reading_room.jobs.credentials import model_session_arn, revoke_sessions
from reading_room.jobs.endings import ATTESTED, MODEL_DENIED, documents_so_far, ending, printable, with_reason
from reading_room.jobs.errors import PreparationError
from reading_room.jobs.job import (
    ATTEMPTS,
    Admitted,
    ContainerLost,
    Event,
    Phase,
    PreparationFailed,
    Prepared,
    Released,
    StopOverdue,
    TimedOut,
    WorkerFailed,
)
from reading_room.jobs.needs import (
    HeldContainer,
    admissible,
    being_prepared,
    placed,
    ready_to_end,
    timed,
    unwanted,
    wanted_on,
)
from reading_room.jobs.places import location_of
from reading_room.jobs.record import LOCAL_HOST, apply, container_of, job_of, note, session_arn
from reading_room.jobs.state_machine import accepts
from reading_room.jobs.stories import Stories
from reading_room.jobs.surroundings import Denials, JobNetwork, ModelCheck, NetworkNeed, OutputStore, Storyteller
from reading_room.jobs.tables import JobContainerRow, JobEventRow, JobRow
from reading_room.reconcile import Loop
from reading_room.settings import Settings

logger = logging.getLogger(__name__)

STOP_SECONDS = 60
"""How long a worker may take to write what it has after being asked to stop."""
CONFIRMATION_SECONDS = 5
"""How long a job's end waits for a host to say that the interface is gone."""
LOST_TOUCH = frozenset({"NO_ROUTE_TO_STORAGE", "ROLE_NOT_ASSUMABLE", "NO_CREDENTIALS_FOR_MODEL"})
"""What a worker says when nobody answers it."""
TURN_SECONDS = 1.0
"""How often the tables are looked at without any signal: the grain of every time limit."""


def no_model(analysis: str, metadata: str) -> None:
    """Refuse every model: the ``ModelCheck`` of a controller that runs no trainings."""
    raise ValueError(f"no {analysis} runs here")


class JobController:
    """Runs the jobs of every account. ``start`` it once; ``wake`` and ``report`` may come from any thread."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Clock,
        network: JobNetwork,
        store: OutputStore,
        denials: Denials,
        storyteller: Storyteller,
        host: str = LOCAL_HOST,
        check_model: ModelCheck = no_model,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._network = network
        self._store = store
        self._denials = denials
        self._check_model = check_model
        self._host = host
        self._reports: dict[str, HostReport] = {}
        self._lock = threading.Lock()
        self._problems: dict[str, str] = {}
        # What a turn that died may have left is looked for at the first turn, and after any step that failed.
        self._look_for_leftovers = True
        self._loop = Loop("jobs", self.turn, every=TURN_SECONDS)
        self._stories = Stories(database, storyteller)
        database.on_commit(self._written)

    def start(self) -> None:
        """Start the loops."""
        self._loop.start()
        self._stories.start()

    def stop(self) -> bool:
        """End the loops after the turn in progress; return whether they ended."""
        ended = self._loop.stop()
        return self._stories.stop() and ended

    def wake(self) -> None:
        """Ask for a turn. Never waits."""
        self._loop.wake()

    def report(self, report: HostReport) -> None:
        """Take what a host holds now. Never waits; the turn that it causes reads the newest report of each host."""
        with self._lock:
            changed = self._reports.get(report.host) != report
            self._reports[report.host] = report
        if changed:
            self._loop.wake()

    def turn(self) -> None:
        """Do everything that the tables and the newest reports ask for."""
        with self._lock:
            reports = dict(self._reports)
        for report in reports.values():
            self._hear(report)
        self._keep_wires()
        self._keep_time()
        self._release(reports)
        self._end()
        self._admit()
        self._prepare()
        if self._look_for_leftovers:
            self._network.remove_leftovers()
            self._look_for_leftovers = False

    def _written(self, tables: frozenset[str]) -> None:
        # A turn's own writes wake it only where a later step asks for an earlier one: see ``wake`` below.
        if tables & {JobRow.__tablename__, JobContainerRow.__tablename__} and not self._loop.turning_here():
            self._loop.wake()
        if JobEventRow.__tablename__ in tables:
            self._stories.wake()

    # What hosts say

    def _hear(self, report: HostReport) -> None:
        states = {state.container_id: state for state in report.containers}
        with self._database.reading() as session:
            wanted = wanted_on(session, report.host)
        for held in wanted:
            state = states.get(held.need.container_id)
            with self._each(held.need.job_id):
                if state is not None:
                    self._hear_of(held, state)
                elif held.job.phase == Phase.STOPPING.value:
                    # There is no worker yet that could be asked to finish early.
                    self._advance(held.need.job_id, ContainerLost("it had not started"))
        self._note_problems(report, wanted)

    def _hear_of(self, held: HeldContainer, state: ContainerState) -> None:
        event = self._ending(held.job, state)
        if isinstance(event, WorkerFailed):
            event = self._explained(held.need, event)
        documents = documents_so_far(state)
        if event is None and documents in (None, held.job.documents):
            return
        with self._database.transaction() as session:
            container = session.get(JobContainerRow, held.need.container_id)
            if container is None or not container.wanted:
                return
            row = session.get_one(JobRow, held.need.job_id)
            row.documents = row.documents if documents is None else documents
            if event is not None:
                self._apply(session, row, event)

    def _ending(self, job: JobRow, state: ContainerState) -> Event | None:
        if not job.is_training:
            return ending(state, location_of(job.output_uri), self._store.head)
        artifact = location_of(str(job.artifact_uri))
        return ending(state, artifact, self._store.head, partial(self._check_model, job.analysis))

    def _explained(self, need: NetworkNeed, event: WorkerFailed) -> WorkerFailed | ContainerLost:
        """Add to a worker's reason what only the service knows: the statement or the route that decided.

        A worker that lost touch although nothing forbids it was there while the server, the agent or the network was
        being started again: another attempt is prepared anew, and fails by name if there is a lasting reason.
        """
        why: str | None = None
        if event.code == "NO_ROUTE_TO_STORAGE":
            why = self._network.explain(need)
        elif event.code in ATTESTED:
            why = self._denials(session_arn(need.role_arn, need.job_id))
        elif event.code in MODEL_DENIED:
            why = self._denials(model_session_arn(need.job_id))
        if why is None and event.code in LOST_TOUCH and need.attempt < ATTEMPTS:
            return ContainerLost(f"its worker lost touch with the service: {event.text}")
        return event if why is None else WorkerFailed(event.code, with_reason(event.text, why))

    def _note_problems(self, report: HostReport, wanted: list[HeldContainer]) -> None:
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
            elif self._problems.get(need.container_id) != problem:
                self._problems[need.container_id] = problem
                text = f"waits because its host {report.host} reports: {printable(problem)}"
                with self._database.transaction() as session:
                    note(session, session.get_one(JobRow, need.job_id), "HostProblem", text, self._clock())

    def _keep_wires(self) -> None:
        """End jobs whose interface was taken away: its owner may take back the permission to attach it."""
        with self._database.reading() as session:
            cut = [held.need for held in placed(session) if not self._network.attached(session, held.need)]
        for need in cut:
            text = f"{need.interface_id} was detached while the job ran: leave its permission to the service."
            with self._each(need.job_id):
                self._advance(need.job_id, WorkerFailed("NO_PERMISSION_FOR_NETWORK_INTERFACE", text))

    # Time limits

    def _keep_time(self) -> None:
        now = self._clock()
        limit = dt.timedelta(seconds=self._settings.job_seconds)
        patience = dt.timedelta(seconds=STOP_SECONDS)
        with self._database.reading() as session:
            rows = timed(session)
        for row in rows:
            event: Event | None = None
            if row.phase == Phase.STOPPING.value and row.stop_asked_at and now - row.stop_asked_at > patience:
                event = StopOverdue(STOP_SECONDS)
            elif row.admitted_at and now - row.admitted_at > limit:
                event = TimedOut(self._settings.job_seconds)
            if event is not None:
                with self._each(row.job_id):
                    self._advance(row.job_id, event)

    # Cleaning up and ending

    def _release(self, reports: dict[str, HostReport]) -> None:
        with self._database.reading() as session:
            containers = unwanted(session)
        now = self._clock()
        for held in containers:
            need = held.need
            with self._each(need.job_id):
                if held.removed_at is None:
                    self._remove_interface(need)
                elif _gone(need, reports.get(need.host), now - held.removed_at):
                    self._problems.pop(need.container_id, None)
                    with self._database.transaction() as session:
                        session.delete(session.get_one(JobContainerRow, need.container_id))

    def _remove_interface(self, need: NetworkNeed) -> None:
        lines = self._network.release(need)
        now = self._clock()
        with self._database.transaction() as session:
            container = session.get_one(JobContainerRow, need.container_id)
            job = session.get_one(JobRow, need.job_id)
            for line in lines:
                note(session, job, "InterfaceRemoved", printable(line), now)
            if need.interface_id is None:
                # It was never shown to a host: there is nobody to wait for.
                session.delete(container)
            else:
                container.removed_at = now
        # The host may have let go already, and would then not report again.
        self._loop.wake()

    def _end(self) -> None:
        with self._database.reading() as session:
            rows = ready_to_end(session)
        for row in rows:
            with self._each(row.job_id):
                # Also after a success: an earlier attempt may have died in the middle of its upload.
                output = location_of(row.output_uri)
                self._store.abort_uploads(output.bucket, output.key)
                if row.is_training:
                    self._clear_artifact(row)
                self._tell_before_the_end(row.job_id)
                self._advance(row.job_id, Released())
                self._stories.hurry()

    def _clear_artifact(self, row: JobRow) -> None:
        """Leave nothing of a model but the artifact of one that is trained."""
        artifact = location_of(str(row.artifact_uri))
        self._store.abort_uploads(artifact.bucket, artifact.key)
        if row.outcome != Phase.COMPLETED.value:
            self._store.delete(artifact.bucket, artifact.key)

    def _tell_before_the_end(self, job_id: str) -> None:
        """Have a job's story told before anybody can see its end; its last line follows at once."""
        try:
            self._stories.turn()
        except Exception:
            # The loop of the stories tries again; no job waits for its log.
            logger.exception("the story of job %s could not be told yet", job_id)

    # Starting

    def _admit(self) -> None:
        with self._database.reading() as session:
            chosen = admissible(session, self._settings.jobs_at_once)
        for job_id in chosen:
            with self._each(job_id):
                self._advance(job_id, Admitted())

    def _prepare(self) -> None:
        with self._database.reading() as session:
            needs = being_prepared(session)
        for need in needs:
            with self._each(need.job_id):
                self._prepare_one(need)

    def _prepare_one(self, need: NetworkNeed) -> None:
        try:
            prepared = self._network.prepare(need)
        except PreparationError as error:
            self._give_up(need, error.code, error.text)
            return
        except OperationalError:
            raise
        except Exception as error:
            # A fault of ours: trying the same again every second would hide it from the job's owner for ever.
            logger.exception("preparing job %s failed", need.job_id)
            self._look_for_leftovers = True
            self._give_up(
                need, "INTERNAL_ERROR", f"Preparing the network interface failed: {type(error).__name__}: {error}"
            )
            return
        event = Prepared(prepared.interface_id, prepared.vpc_id, prepared.place)
        with self._database.transaction() as session:
            row = session.get_one(JobRow, need.job_id)
            if row.attempt == need.attempt and accepts(job_of(row), Prepared):
                self._network.attach(session, need, prepared.interface_id)
                apply(session, row, event, self._clock(), self._host)
                for warning in prepared.warnings:
                    note(session, row, "Warning", printable(warning), self._clock())

    def _give_up(self, need: NetworkNeed, code: str, text: str) -> None:
        self._advance(need.job_id, PreparationFailed(code, printable(text)))
        self._loop.wake()

    # Writing

    def _advance(self, job_id: str, event: Event) -> None:
        with self._database.transaction() as session:
            self._apply(session, session.get_one(JobRow, job_id), event)

    def _apply(self, session: Session, row: JobRow, event: Event) -> None:
        """Apply an event if it can still happen: a stop or an end may have been written since it was seen."""
        job = job_of(row)
        if not accepts(job, type(event)):
            return
        container = container_of(session, row)
        apply(session, row, event, self._clock(), self._host)
        if container is not None and not container.wanted:
            revoke_sessions(session, container)
            if container.interface_id is not None:
                self._network.detach(session, container.interface_id)

    @contextmanager
    def _each(self, job_id: str) -> Iterator[None]:
        """Keep one job's fault from stopping the others; the next turn tries again."""
        try:
            yield
        except Exception:
            self._look_for_leftovers = True
            logger.exception("a step of job %s failed and will be tried again", job_id)


def _gone(need: NetworkNeed, report: HostReport | None, waited: dt.timedelta) -> bool:
    if waited >= dt.timedelta(seconds=CONFIRMATION_SECONDS):
        return True
    return (
        report is not None
        and need.interface_id not in report.interfaces
        and all(state.container_id != need.container_id for state in report.containers)
    )
