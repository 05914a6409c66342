"""The state events of jobs. Those of a training are the events of its model.

The jobs of a flywheel have none: what they do is told by the events of the flywheel, its datasets and iterations.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from reading_room.jobs.tables import JobRow
from reading_room.state_events.event import record

_OF_MODELS = {"IN_PROGRESS": "TRAINING", "COMPLETED": "TRAINED", "FAILED": "IN_ERROR"}
"""The status of a model by that of its training, where they differ."""


def record_status(session: Session, row: JobRow, status: str, now: dt.datetime) -> None:
    """Record that a job or training has a new ``JobStatus``, in the transaction that gives it to it."""
    if row.is_described:
        return
    code = row.failure_code if status == "FAILED" else None
    if row.is_training:
        status = _OF_MODELS.get(status, status)
        if status == "TRAINED" and row.warning:
            status = "TRAINED_WITH_WARNING"
        record(session, "Model", row.arn, status, now, FailureCode=code)
    else:
        record(
            session,
            "Job",
            row.arn,
            status,
            now,
            JobId=row.job_id,
            JobName=row.name,
            JobType=row.kind,
            FailureCode=code,
        )
