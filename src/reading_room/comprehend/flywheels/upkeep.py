"""The background loop of flywheels: it follows their jobs and schedules, and removes deleted flywheels.

A turn takes no input and can be interrupted anywhere: each step is one transaction, and the next turn finds what is
left to do.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from reading_room.aws.errors import AwsError
from reading_room.clock import Clock
from reading_room.comprehend.errors import ResourceNotFoundException
from reading_room.comprehend.flywheels import datasets, iterations
from reading_room.comprehend.flywheels.flywheels import FlywheelQuota, switch
from reading_room.comprehend.flywheels.jobs import end_of
from reading_room.comprehend.models.models import find
from reading_room.comprehend.schedules import SCHEDULE_TAG, following, next_time
from reading_room.comprehend.tables import RUNNING_ITERATIONS, DatasetRow, FlywheelRow, IterationRow
from reading_room.database.engine import Database
from reading_room.jobs.job import Phase
from reading_room.jobs.purging import forget
from reading_room.jobs.tables import JobRow, JobTagRow
from reading_room.reconcile import PeriodicWork
from reading_room.state_events.event import DELETED, failure_code, record
from reading_room.trail.service_events import ServiceAction, ServiceTrail

logger = logging.getLogger(__name__)

TURN_SECONDS = 5.0
"""How often the flywheels are checked without a signal."""
_TABLES = frozenset(each.__tablename__ for each in (JobRow, FlywheelRow, DatasetRow, IterationRow))

_SCHEDULES = (
    select(FlywheelRow, JobTagRow.value)
    .outerjoin(JobTagRow, (JobTagRow.arn == FlywheelRow.arn) & (JobTagRow.key == SCHEDULE_TAG))
    .where(FlywheelRow.status == "ACTIVE", JobTagRow.value.is_not(None) | FlywheelRow.schedule.is_not(None))
)

START = "StartFlywheelIteration"
"""The name in the trail of the start of an iteration by a schedule, which is that of the operation."""
Step = Callable[[Session], ServiceAction | None]
"""Changes rows; what it returns is recorded in the trail after the commit."""


class FlywheelUpkeep(PeriodicWork):
    """The loop that makes flywheels what their rows say."""

    def __init__(
        self, database: Database, clock: Clock, trail: ServiceTrail, quota: FlywheelQuota = FlywheelQuota()
    ) -> None:
        """``trail`` and ``quota`` are for the iterations that schedules start."""
        self._database = database
        self._clock = clock
        self._trail = trail
        self._quota = quota
        super().__init__("flywheels", every=TURN_SECONDS, apart=0.1)
        database.on_commit(self._written)

    def turn(self) -> None:
        """Do everything that the rows require. A failure with one flywheel does not stop the others."""
        with self._database.reading() as session:
            steps = list(self._steps(session))
        for arn, step in steps:
            try:
                with self._database.transaction() as session:
                    action = step(session)
                if action is not None:
                    self._trail.acted(action)
            except Exception:
                logger.exception("a step of %s failed and will be retried", arn)

    def _written(self, tables: frozenset[str]) -> None:
        if tables & _TABLES and not self._loop.turning_here():
            self._loop.wake()

    def _steps(self, session: Session) -> Iterator[tuple[str, Step]]:
        for arn in session.scalars(select(DatasetRow.arn).where(DatasetRow.status == "CREATING")):
            yield arn, partial(self._follow_dataset, arn)
        unsettled = FlywheelRow.status.in_(("CREATING", "UPDATING"))
        for arn in session.scalars(select(FlywheelRow.arn).where(unsettled)):
            yield arn, partial(self._follow_flywheel, arn)
        running = select(IterationRow.flywheel_arn, IterationRow.iteration_id)
        for arn, identifier in session.execute(running.where(IterationRow.status.in_(RUNNING_ITERATIONS))):
            yield arn, partial(self._follow_iteration, arn, identifier)
        for row, value in session.execute(_SCHEDULES):
            if value != row.schedule or (row.next_at is not None and row.next_at <= self._clock()):
                yield row.arn, partial(self._follow_schedule, row.arn)
        for arn in session.scalars(select(FlywheelRow.arn).where(FlywheelRow.status == "DELETING")):
            yield arn, partial(self._remove, arn)

    def _follow_flywheel(self, arn: str, session: Session) -> None:
        row = session.get(FlywheelRow, arn)
        if (
            row is None
            or row.status not in ("CREATING", "UPDATING")
            or (end := end_of(session, str(row.job_id))) is None
        ):
            return
        now = self._clock()
        created = row.status == "CREATING"
        completed = end.phase is Phase.COMPLETED and end.row is not None
        row.job_id, row.modified_at = None, now
        pending, row.pending = row.pending, {}
        if created and completed and end.row is not None:
            row.marker_sha256 = end.row.artifact_sha256
        row.status = "FAILED" if created and not completed else "ACTIVE"
        row.message = None if completed else _sentence(end.message, None if created else "The update was not made.")
        record(session, "Flywheel", arn, row.status, now, FailureCode=failure_code(row.message))
        if created and completed and row.active_model_arn is not None:
            _begin_with_model(session, row, now)
        elif completed:
            _apply(session, row, pending, now)

    def _follow_schedule(self, arn: str, session: Session) -> ServiceAction | None:
        row, tag, now = session.get_one(FlywheelRow, arn), session.get(JobTagRow, (arn, SCHEDULE_TAG)), self._clock()
        value = None if tag is None else tag.value
        if value != row.schedule:
            row.schedule, row.next_at = value, None if value is None else next_time(value, now)
        elif value is not None and (due := row.next_at) is not None and due <= now:
            row.next_at = following(value, due, now)
            return self._start_due(session, row, value, due)
        return None

    def _start_due(self, session: Session, row: FlywheelRow, schedule: str, due: dt.datetime) -> ServiceAction:
        """Start an iteration that is due. Return what happened, for the trail."""
        now, details = self._clock(), {"flywheelArn": row.arn, "schedule": schedule, "dueTime": due.isoformat()}
        problem: AwsError | None = None
        try:
            self._trail.check("comprehend", START, row.account)
            started = iterations.start(session, row, now, self._quota)
            details["flywheelIterationId"] = started.iteration_id
            row.message = None
        except AwsError as error:
            problem = error
            row.message = f"SCHEDULED_ITERATION_NOT_STARTED: {error.message}"
        return ServiceAction("comprehend", START, row.account, row.region, now, details, problem)

    def _follow_dataset(self, arn: str, session: Session) -> None:
        row = session.get(DatasetRow, arn)
        if row is None or row.status != "CREATING" or (end := end_of(session, row.job_id)) is None:
            return
        row.ended_at = self._clock()
        if end.phase is Phase.COMPLETED and end.row is not None:
            row.status, row.message = "COMPLETED", end.row.warning
            row.sha256 = end.row.artifact_sha256
            row.documents = json.loads(str(end.row.result))["NumberOfDocuments"]
        else:
            row.status, row.message = "FAILED", end.message
        code = failure_code(row.message) if row.status == "FAILED" else None
        record(session, "Flywheel Dataset", arn, row.status, row.ended_at, FailureCode=code)

    def _follow_iteration(self, arn: str, identifier: str, session: Session) -> None:
        row = session.get(IterationRow, (arn, identifier))
        if row is None or row.status not in RUNNING_ITERATIONS:
            return
        if row.job_id is None:
            self._follow_training(session, row)
            return
        end = end_of(session, row.job_id)
        if end is None:
            return
        if end.phase is Phase.COMPLETED and end.row is not None:
            iterations.complete(session, row, str(end.row.result), self._clock())
        else:
            status = "STOPPED" if end.phase is Phase.STOPPED else "FAILED"
            iterations.end(session, row, status, end.message, self._clock())

    def _follow_training(self, session: Session, row: IterationRow) -> None:
        now, flywheel = self._clock(), session.get_one(FlywheelRow, row.flywheel_arn)
        try:
            model = find(session, row.account, row.trained_model_arn)
            if model.trained:
                iterations.evaluate(session, flywheel, row, model, now)
            elif model.status == "IN_ERROR":
                iterations.end(session, row, "FAILED", model.message, now)
            elif model.status == "STOPPED":
                iterations.end(session, row, "STOPPED", f"STOPPED: The training of {model.row.arn} was stopped.", now)
            elif model.status == "STOP_REQUESTED":
                row.status = "STOP_REQUESTED"
                iterations.changed(session, row, now)
        except ResourceNotFoundException:
            gone = "the active model" if row.evaluated_model_arn else row.trained_model_arn
            iterations.end(
                session, row, "FAILED", f"MODEL_NOT_FOUND: A model of the iteration was deleted, {gone}.", now
            )

    def _remove(self, arn: str, session: Session) -> None:
        """Remove a flywheel's rows and those of its jobs. Its models and everything in its bucket stay."""
        row = session.get(FlywheelRow, arn)
        if row is None or row.status != "DELETING":
            return
        owned = session.scalars(
            select(JobRow).where(JobRow.account == row.account, JobRow.arn.startswith(f"{arn}/", autoescape=True))
        ).all()
        tagged = [arn, *session.scalars(select(DatasetRow.arn).where(DatasetRow.flywheel_arn == arn))]
        forget(session, owned)
        session.execute(delete(JobTagRow).where(JobTagRow.arn.in_(tagged)))
        for table in (DatasetRow, IterationRow):
            session.execute(delete(table).where(table.flywheel_arn == arn))
        session.delete(row)
        record(session, "Flywheel", arn, DELETED, self._clock())


def _begin_with_model(session: Session, row: FlywheelRow, now: dt.datetime) -> None:
    try:
        model = find(session, row.account, str(row.active_model_arn))
        datasets.create_from_model(session, row, model, now)
    except AwsError as error:
        row.message = f"No dataset was made of the data of {row.active_model_arn}: {error.message}"


def _apply(session: Session, row: FlywheelRow, pending: dict[str, object], now: dt.datetime) -> None:
    row.role_arn = str(pending.get("role_arn") or row.role_arn)
    network = pending.get("network")
    if isinstance(network, dict):
        row.network = network
    if (model_arn := pending.get("active_model_arn")) is not None:
        try:
            find(session, row.account, str(model_arn))
        except ResourceNotFoundException:
            row.message = f"MODEL_NOT_FOUND: {model_arn} was deleted before it became the active model."
        else:
            switch(session, row, str(model_arn), now)


def _sentence(message: str | None, more: str | None) -> str | None:
    return message if more is None else f"{message} {more}"
