"""State events of jobs that do not exist, and what is stored of events and deliveries."""

from __future__ import annotations

import datetime as dt

from reading_room.database.engine import Database
from reading_room.state_events.event import record
from reading_room.state_events.tables import StateDeliveryRow, StateEventRow

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"


def arn(job: str, account: str = ACCOUNT) -> str:
    """Return the ARN of a job."""
    return f"arn:aws:comprehend:us-east-1:{account}:entities-detection-job/{job}"


def happened(database: Database, job: str, *statuses: str, now: dt.datetime, account: str = ACCOUNT) -> None:
    """Write events of a job, each in a transaction of its own."""
    for status in statuses:
        with database.transaction() as session:
            record(session, "Job", arn(job, account), status, now, JobId=job)


def events_in(database: Database) -> list[StateEventRow]:
    """Return all events, in order."""
    with database.reading() as session:
        return list(session.query(StateEventRow).order_by(StateEventRow.sequence))


def waiting(database: Database) -> list[StateDeliveryRow]:
    """Return the deliveries that there are, in order."""
    with database.reading() as session:
        return list(session.query(StateDeliveryRow).order_by(StateDeliveryRow.target, StateDeliveryRow.sequence))
