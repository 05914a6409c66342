"""The background loop of custom models: it copies the artifacts of imports, and removes deleted models.

A turn takes no input and can be interrupted anywhere: the next one finds what is left to do.
"""

from __future__ import annotations

import logging

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from reading_room.clock import Clock
from reading_room.comprehend.models.models import Model
from reading_room.comprehend.tables import ModelPolicyRow, ModelRow
from reading_room.database.engine import Database
from reading_room.jobs.places import location_of
from reading_room.jobs.tables import JobContainerRow, JobEventRow, JobRow, JobTagRow
from reading_room.reconcile import PeriodicWork
from reading_room.s3.errors import NoSuchKey
from reading_room.s3.store import ObjectStore
from reading_room.state_events.event import DELETED, failure_code, record

logger = logging.getLogger(__name__)

TURN_SECONDS = 5.0
"""How often the models are checked without a signal."""


class ModelUpkeep(PeriodicWork):
    """The loop that copies and removes artifacts."""

    def __init__(self, database: Database, store: ObjectStore, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        super().__init__("models", every=TURN_SECONDS)
        database.on_commit(self._written)

    def turn(self) -> None:
        """Do everything that the tables require. A failure with one model does not stop the others."""
        with self._database.reading() as session:
            copied = session.scalars(
                select(ModelRow).where(
                    ModelRow.source_artifact_uri.is_not(None), ModelRow.ended_at.is_(None), ~ModelRow.deleting
                )
            ).all()
            deleted = session.scalars(select(ModelRow).where(ModelRow.deleting)).all()
        for rows, step in ((copied, self._copy), (deleted, self._remove)):
            for row in rows:
                try:
                    step(row)
                except Exception:
                    logger.exception("a step of model %s failed and will be retried", row.arn)

    def _written(self, tables: frozenset[str]) -> None:
        if ModelRow.__tablename__ in tables and not self._loop.turning_here():
            self._loop.wake()

    def _copy(self, row: ModelRow) -> None:
        source, place = location_of(str(row.source_artifact_uri)), location_of(row.artifact_uri)
        failure: str | None = None
        size: int | None = None
        try:
            self._store.copy(source.bucket, source.key, place.key)
        except NoSuchKey:
            failure = f"MODEL_NOT_FOUND: {row.source_arn} was deleted before it was copied."
        else:
            facts = self._store.head(place.bucket, place.key)
            size = None if facts is None else facts.size
            if facts is None or facts.sha256 != row.artifact_sha256:
                self._store.delete(place.bucket, place.key)
                failure = f"MODEL_TAMPERED: The artifact of {row.source_arn} is not the one that its training wrote."
        with self._database.transaction() as session:
            current = session.get(ModelRow, row.arn)
            if current is not None and current.model_id == row.model_id:
                current.ended_at = self._clock()
                current.failure = failure
                current.artifact_size = size
                code = failure_code(failure)
                record(session, "Model", current.arn, Model(current, None).status, current.ended_at, FailureCode=code)

    def _remove(self, row: ModelRow) -> None:
        place = location_of(row.artifact_uri)
        self._store.abort_uploads(place.bucket, place.key)
        self._store.delete(place.bucket, place.key)
        with self._database.transaction() as session:
            current = session.get(ModelRow, row.arn)
            if current is not None and current.model_id == row.model_id and not _has_containers(session, row.model_id):
                _forget(session, current)
                record(session, "Model", row.arn, DELETED, self._clock())


def _has_containers(session: Session, job_id: str) -> bool:
    """Return whether a container of the model's training still exists."""
    return session.scalar(select(JobContainerRow.container_id).where(JobContainerRow.job_id == job_id)) is not None


def _forget(session: Session, row: ModelRow) -> None:
    """Remove a model's rows and those of its training, so that its name can be used again."""
    for table, column in ((ModelPolicyRow, ModelPolicyRow.arn), (JobTagRow, JobTagRow.arn)):
        session.execute(delete(table).where(column == row.arn))
    session.execute(delete(JobEventRow).where(JobEventRow.job_id == row.model_id))
    session.execute(delete(JobRow).where(JobRow.job_id == row.model_id))
    session.delete(row)
