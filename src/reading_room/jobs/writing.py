"""Writing events of jobs, each in one transaction with everything that must happen together with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.full_disk import is_full
from reading_room.jobs.credentials import revoke_sessions
from reading_room.jobs.job import Event, Phase
from reading_room.jobs.ports import Identities, JobNetwork
from reading_room.jobs.record import LOCAL_HOST, apply, containers_of, job_of, note
from reading_room.jobs.state_machine import accepts
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.shortage import is_shortage

logger = logging.getLogger(__name__)


class JobWriter:
    """Writes events of jobs. ``failed`` is set when a step failed, which may have left something behind."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        network: JobNetwork,
        identities: Identities | None = None,
        host: str = LOCAL_HOST,
    ) -> None:
        self._database = database
        self._clock = clock
        self._network = network
        self._identities = identities
        self._host = host
        self.failed = False

    def advance(
        self,
        job_id: str,
        event: Event,
        also: Callable[[Session, JobRow], None] | None = None,
        of: str | None = None,
    ) -> bool:
        """Apply an event and return whether it was still possible: the job may have been stopped or ended meanwhile.

        ``of`` is the container that the event is about: the event counts only while it is wanted. ``also`` is called in
        the transaction before the event is applied.
        """
        with self._database.transaction() as session:
            row = session.get_one(JobRow, job_id)
            before = job_of(row)
            if not accepts(before, event) or not (of is None or _wanted(session, of)):
                return False
            containers = containers_of(session, job_id)
            if also is not None:
                also(session, row)
            after = apply(session, row, event, self._clock(), self._host)
            for container in containers:
                if not container.wanted:
                    revoke_sessions(session, container)
                    if container.interface_id is not None:
                        self._network.detach(session, container.interface_id)
        if before.members and (after.attempt != before.attempt or after.phase is Phase.FINISHING):
            self.forget(job_id, before.attempt)
        return True

    def forget(self, job_id: str, attempt: int | None = None) -> None:
        """Forget the certificates of an attempt that has ended, or of every attempt of a job."""
        if self._identities is not None:
            self._identities.forget(job_id, attempt)

    def note(self, job_id: str, event: str, text: str) -> None:
        """Add a line to a job's story without changing the job."""
        with self._database.transaction() as session:
            note(session, session.get_one(JobRow, job_id), event, text, self._clock())

    @contextmanager
    def guard(self, job_id: str) -> Iterator[None]:
        """Log the failure of a step of one job, so that it does not stop the others; the next turn retries it."""
        try:
            yield
        except Exception as error:
            self.failed = True
            if is_full(error):
                logger.error(
                    "a step of job %s found no room on the disk and will be retried: %s",
                    job_id,
                    error,
                    extra={"job_id": job_id},
                )
            elif is_shortage(error):
                logger.error(
                    "a step of job %s lacked resources and will be retried: %s",
                    job_id,
                    error,
                    extra={"job_id": job_id},
                )
            else:
                logger.exception("a step of job %s failed and will be retried", job_id, extra={"job_id": job_id})


def _wanted(session: Session, container_id: str) -> bool:
    container = session.get(JobContainerRow, container_id)
    return container is not None and container.wanted
