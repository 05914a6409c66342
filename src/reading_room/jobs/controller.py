"""The loop that advances jobs: it admits and prepares them, reads host reports, enforces time limits, and ends them.

A turn takes no input. Every step reads the tables again, does what they require, and writes the event with all its
effects in one transaction, so that the next turn repairs a turn that was interrupted anywhere.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity, HostReport
from reading_room.clock import Clock, ClockSteps
from reading_room.database.engine import Database
from reading_room.fleet import database_time, hosts
from reading_room.fleet.host_leases import HostLeases
from reading_room.fleet.members import Member
from reading_room.fleet.tables import LEAVING, HostRow
from reading_room.jobs import host_loss, host_rooms, parts
from reading_room.jobs.admission import AdmissionLimits
from reading_room.jobs.job import Event, Phase, Released, StopOverdue, StopRequested, TimedOut, WorkerFailed
from reading_room.jobs.needs import ContainerNeed, epochs, move_times, not_begun, placed, ready_to_end, timed, unwanted
from reading_room.jobs.outcomes import printable
from reading_room.jobs.placement import ByRoom, Placer
from reading_room.jobs.places import is_folder, location_of, parts_of
from reading_room.jobs.ports import (
    Denials,
    Identities,
    JobNetwork,
    ModelCheck,
    NetworkNeed,
    OutputStore,
    Sizing,
    Storyteller,
)
from reading_room.jobs.progress import EVENT as PROGRESS
from reading_room.jobs.progress import Progress
from reading_room.jobs.record import LOCAL_HOST, note
from reading_room.jobs.reports import HostReports
from reading_room.jobs.starting import Starting, one_container
from reading_room.jobs.stories import Stories
from reading_room.jobs.tables import JobContainerRow, JobEventRow, JobRow
from reading_room.jobs.writing import JobWriter
from reading_room.reconcile import Guard, Loop, always
from reading_room.settings import Settings

logger = logging.getLogger(__name__)

STOP_SECONDS = 60
"""How long a worker may take to write its results after a stop."""
CONFIRMATION_SECONDS = 5
"""How long the end of a job waits for the host to confirm that the interface is gone."""
TURN_SECONDS = 1.0
"""How often the tables are checked without a signal, and so the resolution of every time limit."""


def no_model(analysis: str, metadata: str) -> None:
    """Reject every model: the ``ModelCheck`` of a controller that runs no trainings."""
    raise ValueError(f"no {analysis} runs here")


class JobController:
    """Runs the jobs of every account. Call ``start`` once; ``wake`` and ``report`` can be called from any thread."""

    def __init__(
        self,
        *,
        database: Database,
        settings: Settings,
        clock: Clock,
        network: JobNetwork,
        store: OutputStore,
        denials: Denials,
        storyteller: Storyteller,
        placer: Placer = ByRoom("spread"),
        host: str = LOCAL_HOST,
        members: Callable[[Session], Sequence[Member]] = lambda session: (),
        leases: HostLeases | None = None,
        host_lost: Callable[[str], None] = lambda host: None,
        check_model: ModelCheck = no_model,
        sizing: Sizing = one_container,
        identities: Identities | None = None,
        pause_reason: Callable[[], str | None] = lambda: None,
        clock_steps: ClockSteps | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``sizing`` plans how many containers jobs get; ``identities`` has the certificates of the containers.
        ``placer`` chooses their hosts if there are several.

        ``members`` returns the hosts if there are several; ``host`` is the only one, or the one of this process.
        ``leases`` says which of them are lost; ``host_lost`` is called before their containers are written off.
        ``pause_reason`` returns why no job can start now, or ``None`` if jobs can start. ``clock_steps``
        notices when the wall clock is set; without it, time limits go by ``clock`` alone.
        ``monotonic`` returns seconds.
        """
        self._clock_steps = clock_steps
        self._set_by = dt.timedelta(0)
        """How far the clock was set without the jobs' times being moved yet."""
        self._pause_reason = pause_reason
        self._paused: set[str] = set()
        """The waiting jobs whose stories already have the reason."""
        self._database = database
        self._settings = settings
        self._clock = clock
        self._network = network
        self._store = store
        self._host = host
        self._members = members
        self._leases = leases
        self._host_lost = host_lost
        self._size = AdmissionLimits.of(settings).size
        self._reports: dict[str, HostReport] = {}
        self._lock = threading.Lock()
        self._loop = Loop("jobs", self.turn, every=TURN_SECONDS)
        self._writer = JobWriter(database, clock, network, identities, host)
        # The first turn removes what an interrupted turn may have left, as does a turn after any failed step.
        self._writer.failed = True
        self._host_reports = HostReports(
            database=database,
            network=network,
            store=store,
            denials=denials,
            check_model=check_model,
            writer=self._writer,
            clock=monotonic,
        )
        self._placer = placer
        self._starting = Starting(
            database, settings, clock, network, sizing, self._writer, self._loop.wake, placer, store
        )
        self._progress = Progress()
        self._stories = Stories(database, storyteller)
        database.on_commit(self._written)

    def start(self, guard: Guard = always) -> None:
        """Start the loops; ``guard`` is as for ``Loop.start``."""
        self._loop.start(guard)
        self._stories.start(guard)

    def begin(self) -> None:
        """Forget what this process knew when it led before, as other leaders have moved the jobs since."""
        with self._lock:
            self._reports.clear()
        self._paused.clear()
        self._progress = Progress()
        self._host_reports.forget_all()
        self._writer.failed = True

    def stop(self) -> bool:
        """End the loops after the current turn; return whether they ended."""
        ended = self._loop.stop()
        return self._stories.stop() and ended

    def wake(self) -> None:
        """Request a turn of each loop. Never blocks."""
        self._loop.wake()
        self._stories.wake()

    def turning_here(self) -> bool:
        """Return whether the caller runs in a turn of the controller."""
        return self._loop.turning_here()

    def report(self, report: HostReport) -> None:
        """Store a host's report. Never blocks; the turn that it causes reads the newest report of each host."""
        with self._lock:
            before = self._reports.get(report.host)
            self._reports[report.host] = report
        # Free memory changes with every report, and a job that waits for it can wait for the next turn. The generation
        # changes with every change of a network, which does not matter to jobs.
        if before is None or replace(before, capacity=report.capacity, generation=report.generation) != report:
            self._loop.wake()

    def capacity(self) -> Capacity | None:
        """Return this host's capacity for containers from its newest report, or ``None`` before the first one."""
        with self._lock:
            here = self._reports.get(self._host)
        return None if here is None else here.capacity

    def capacity_of_all(self) -> Capacity | None:
        """Return the capacity of all hosts together, or ``None`` before the first report."""
        with self._lock:
            found = [each.capacity for each in self._reports.values() if each.capacity is not None]
        if not found:
            return None
        return Capacity(
            sum(each.cores for each in found),
            sum(each.memory_bytes for each in found),
            sum(each.memory_free for each in found),
        )

    def end_at_once(self, job_id: str) -> None:
        """Stop a job without waiting for its containers to write results. It has ended when they are gone."""
        self._writer.advance(job_id, StopRequested())
        self._writer.advance(job_id, StopOverdue(0))

    def turn(self) -> None:
        """Do everything that the tables and the newest reports require."""
        with self._lock:
            reports = dict(self._reports)
        with self._database.reading() as session:
            members = self._members(session)
            silent = self._leases.lost(session) if members and self._leases is not None else ()
            running = placed(session)
            epochs_of = epochs(session) if members else {}
        if silent:
            members, epochs_of = self._end_leases(silent)
        if members:
            known = {member.host for member in members}
            reports = {host: report for host, report in reports.items() if host in known}
            self._lose(host_loss.lost(running, members, epochs_of))
        self._apply(reports, running)
        self._fail_detached_jobs()
        self._check_times()
        self._release(reports, {member.host for member in members if not member.lost} if members else None)
        self._end()
        rooms = None
        if members:
            self._forget_hosts(members)
            with self._database.reading() as session:
                rooms = host_rooms.read(session, members, reports, self._size)
        why = self._pause_reason()
        if why is None and rooms is None and self._placer.only_host:
            why = self._placer.only_host
        if why is None and rooms is not None and not rooms.any_open:
            why = "no host takes new containers; `reading-room host list` shows them"
        if why is None:
            self._paused.clear()
            self._starting.admit(self.capacity(), rooms)
            self._starting.prepare(rooms)
        else:
            self._note_pause(why)
        if self._writer.failed:
            self._network.remove_leftovers()
            self._writer.failed = False

    def _written(self, tables: frozenset[str]) -> None:
        # A turn's own writes do not wake the loop; a step that needs another turn calls ``wake``.
        wakes = {JobRow.__tablename__, JobContainerRow.__tablename__, HostRow.__tablename__}
        if tables & wakes and not self._loop.turning_here():
            self._loop.wake()
        if JobEventRow.__tablename__ in tables:
            self._stories.wake()

    def _note_pause(self, why: str) -> None:
        """Add the reason why no job can start to the story of each waiting job."""
        with self._database.reading() as session:
            waiting = [job_id for job_id in not_begun(session) if job_id not in self._paused]
        for job_id in waiting:
            with self._writer.guard(job_id):
                self._writer.note(job_id, "Warning", f"The job waits because no job can start now: {why}")
                self._paused.add(job_id)
            if job_id not in self._paused:
                return  # Writing failed, and would fail for the other jobs, too.

    # Hosts

    def _apply(self, reports: Mapping[str, HostReport], running: Sequence[ContainerNeed]) -> None:
        by_host: dict[str, list[ContainerNeed]] = {host: [] for host in reports}
        for container in running:
            if container.need.host in by_host:
                by_host[container.need.host].append(container)
        for host, report in reports.items():
            self._host_reports.apply(report, by_host[host])

    def _end_leases(self, silent: Sequence[str]) -> tuple[Sequence[Member], dict[str, int]]:
        """End the leases of hosts that are lost, before anything is given away; return all hosts, and what is where.

        From then on no host can renew such a lease.
        """
        for host in silent:
            with self._database.transaction() as session:
                ended = self._leases is not None and self._leases.end(session, host)
            if ended:
                logger.error("the host %s is lost: its containers' work goes to others", host)
                with self._lock:  # What it said last is not what it has when it comes back.
                    self._reports.pop(host, None)
        with self._database.reading() as session:
            return self._members(session), epochs(session)

    def _forget_hosts(self, members: Sequence[Member]) -> None:
        """Forget the hosts that have left, when nothing is on them any more."""
        leaving = [member.host for member in members if member.lost and member.state == LEAVING]
        for host in leaving:
            with self._database.transaction() as session:
                left = select(JobContainerRow.container_id).where(JobContainerRow.host == host).limit(1)
                if session.scalar(left) is None:
                    hosts.forget(session, host, database_time.now(session))

    def _lose(self, lost: Sequence[tuple[NetworkNeed, Event]]) -> None:
        """Write that containers are lost with their hosts; nothing is left on these that could confirm it."""
        for host in sorted({need.host for need, _ in lost}):
            self._host_lost(host)
        for need, event in lost:
            with self._writer.guard(need.job_id):
                self._writer.advance(need.job_id, event, of=need.container_id)

    # Interfaces

    def _fail_detached_jobs(self) -> None:
        """Fail jobs whose interface was detached: its owner may have revoked the permission to attach it."""
        with self._database.reading() as session:
            cut = self._network.detached(session, [container.need for container in placed(session)])
        for need in cut:
            text = f"{need.interface_id} was detached while the job ran: do not revoke the service's permission on it."
            with self._writer.guard(need.job_id):
                event = WorkerFailed("NO_PERMISSION_FOR_NETWORK_INTERFACE", text)
                self._writer.advance(need.job_id, event, of=need.container_id)

    # Time limits

    def _follow_clock(self) -> bool:
        """Let a step of the wall clock neither use up nor extend the time of a job; return whether there was one."""
        if self._clock_steps is None:
            return False
        self._set_by += dt.timedelta(seconds=self._clock_steps.take())
        if not self._set_by:
            return False
        with self._database.transaction() as session:
            move_times(session, self._set_by, self._clock())
        seconds = self._set_by.total_seconds()
        logger.warning(
            "the clock of this host was set, or the host was restarted (%+.0f s): the time limits of jobs follow",
            seconds,
        )
        self._set_by = dt.timedelta(0)
        self._clock_steps.keep()
        return True

    def _check_times(self) -> None:
        now = self._clock()
        if self._follow_clock():
            return  # The time may be of before the step; the next turn decides.
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
                with self._writer.guard(row.job_id):
                    self._writer.advance(row.job_id, event)
        for job_id, line in self._progress.due(rows, now):
            with self._writer.guard(job_id):
                self._writer.note(job_id, PROGRESS, line)

    # Cleaning up and ending

    def _release(self, reports: Mapping[str, HostReport], living: Set[str] | None) -> None:
        """Remove what is not wanted any more. With several hosts, the ``living`` are those that are not lost."""
        with self._database.reading() as session:
            containers = unwanted(session)
        now = self._clock()
        for container in containers:
            need = container.need
            with self._writer.guard(need.job_id):
                if container.removed_at is None:
                    self._remove_interface(need)
                elif (living is not None and need.host not in living) or _gone(
                    need, reports.get(need.host), now - container.removed_at
                ):
                    self._host_reports.forget(need.container_id)
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
                # No host ever had the interface, so there is no host to wait for.
                session.delete(container)
            else:
                container.removed_at = now
        # The host may already have removed the interface, and would then not report again.
        self._loop.wake()

    def _end(self) -> None:
        with self._database.reading() as session:
            rows = ready_to_end(session)
        for row in rows:
            with self._writer.guard(row.job_id):
                # Even after a success, an earlier attempt may have been lost during its upload.
                output = location_of(row.output_uri)
                self._store.abort_uploads(output.bucket, output.key)
                if is_folder(output) and row.outcome == Phase.FAILED.value:
                    # As an archive, the results of a failed job never exist; what was written is removed.
                    self._store.delete_prefix(output.bucket, output.key)
                if row.is_training:
                    self._clear_artifact(row)
                elif row.distributed:
                    below = parts_of(output)
                    self._store.delete_prefix(below.bucket, below.key)
                self._copy_story(row.job_id)
                self._writer.advance(row.job_id, Released(), _clear_parts)
                self._writer.forget(row.job_id)
                self._stories.hurry()

    def _clear_artifact(self, row: JobRow) -> None:
        """Delete everything that a training has written, except the artifact of a trained model."""
        artifact = location_of(str(row.artifact_uri))
        self._store.abort_uploads(artifact.bucket, artifact.key)
        if row.outcome != Phase.COMPLETED.value:
            self._store.delete(artifact.bucket, artifact.key)

    def _copy_story(self, job_id: str) -> None:
        """Copy the story to the log stream before anybody can see the job's end; the last line follows at once."""
        try:
            self._stories.turn()
        except Exception:
            # The loop of the stories tries again; a job does not wait for its log.
            logger.exception("the story of job %s could not be written to its log stream yet", job_id)


def _clear_parts(session: Session, row: JobRow) -> None:
    if row.distributed:
        parts.clear(session, row.job_id)


def _gone(need: NetworkNeed, report: HostReport | None, waited: dt.timedelta) -> bool:
    if waited >= dt.timedelta(seconds=CONFIRMATION_SECONDS):
        return True
    return (
        report is not None
        and need.interface_id not in report.interfaces
        and all(state.container_id != need.container_id for state in report.containers)
    )
