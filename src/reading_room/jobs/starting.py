"""Starting jobs: admitting them with a size, and preparing the interfaces of their containers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.jobs.admission import NEVER_FITS, AdmissionLimits, admissible, free_capacity, grant, never_fits
from reading_room.jobs.errors import PreparationError
from reading_room.jobs.job import (
    Admitted,
    MemberLost,
    MemberPrepared,
    Placement,
    PreparationFailed,
    Prepared,
    Reduced,
)
from reading_room.jobs.needs import being_added, being_prepared
from reading_room.jobs.outcomes import printable
from reading_room.jobs.ports import JobNetwork, JobSize, NetworkNeed, OneContainerOnly, PreparedInterface, Sizing
from reading_room.jobs.record import note
from reading_room.jobs.tables import JobRow
from reading_room.jobs.writing import JobWriter
from reading_room.settings import Settings

logger = logging.getLogger(__name__)


def one_container(session: Session, row: JobRow, capacity: Capacity | None) -> JobSize:
    """Return one container for every job: the default ``Sizing`` of the controller."""
    return JobSize()


class Starting:
    """Admits and prepares jobs. ``again`` requests another turn."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Clock,
        network: JobNetwork,
        sizing: Sizing,
        writer: JobWriter,
        again: Callable[[], None],
    ) -> None:
        self._database = database
        self._settings = settings
        self._limits = AdmissionLimits.of(settings)
        self._clock = clock
        self._network = network
        self._sizing = sizing
        self._writer = writer
        self._again = again

    def admit(self, capacity: Capacity | None) -> None:
        """Admit the queued jobs for which there is room now; fail those for which the host can never have room."""
        impossible = never_fits(self._settings, capacity)
        with self._database.reading() as session:
            # A job that fails needs no room.
            chosen = admissible(session, self._limits, capacity if impossible is None else None)
        for job_id in chosen:
            with self._writer.guard(job_id):
                if impossible is None:
                    self._admit_one(job_id, capacity)
                else:
                    self._give_up(job_id, NEVER_FITS, impossible)

    def _admit_one(self, job_id: str, capacity: Capacity | None) -> None:
        try:
            with self._database.reading() as session:
                row = session.get_one(JobRow, job_id)
                room = free_capacity(session, self._limits, capacity)
                size = grant(session, self._limits, self._sizing(session, row, room))
            event = Admitted(size.containers, printable(size.reason))
        except OperationalError:
            raise
        except Exception as error:
            self._fail(job_id, "Planning its containers", error)
            return

        def set_part_bytes(session: Session, row: JobRow) -> None:
            row.part_bytes = size.part_bytes

        self._writer.advance(job_id, event, set_part_bytes)

    def prepare(self) -> None:
        """Create the interfaces of the containers of new attempts, and of those that replace lost ones."""
        with self._database.reading() as session:
            attempts, added = being_prepared(session), being_added(session)
        for needs in attempts:
            with self._writer.guard(needs[0].job_id):
                self._prepare_attempt(needs)
        for need in added:
            with self._writer.guard(need.job_id):
                self._prepare_added(need)

    def _prepare_attempt(self, needs: list[NetworkNeed]) -> None:
        """Create the interfaces of an attempt; record them when all exist and can be expected to work."""
        first = needs[0]
        try:
            made = [self._network.prepare(need) for need in needs]
            if len(needs) > 1:
                pairs = zip(needs, made, strict=True)
                self._network.check_cluster([replace(need, interface_id=each.interface_id) for need, each in pairs])
        except OneContainerOnly as only:
            reduced = Reduced(1, printable(only.reason))
            if not self._writer.advance(first.job_id, reduced, of=first.container_id) and len(needs) == 1:
                self._fail(first.job_id, "Preparing the network interface", only)
            self._again()
        except PreparationError as error:
            self._give_up(first.job_id, error.code, error.text)
        except OperationalError:
            raise
        except Exception as error:
            self._fail(first.job_id, "Preparing the network interface", error)
        else:
            placements = tuple(map(_placement, needs, made))
            self._writer.advance(
                first.job_id, Prepared(placements), self._attaching(needs, made), of=first.container_id
            )

    def _prepare_added(self, need: NetworkNeed) -> None:
        """Create the interface of a container that replaces a lost one. If this fails, the job continues without it."""
        try:
            made = self._network.prepare(need)
        except PreparationError as error:
            reason = f"{error.code}: {error.text}"
        except OperationalError:
            raise
        except Exception as error:
            logger.exception("preparing container %s failed", need.container_id)
            self._writer.failed = True
            reason = f"preparing its network interface failed: {type(error).__name__}: {error}"
        else:
            event = MemberPrepared(_placement(need, made))
            self._writer.advance(need.job_id, event, self._attaching([need], [made]), of=need.container_id)
            return
        lost = MemberLost(need.member, printable(reason), replace=False)
        self._writer.advance(need.job_id, lost, of=need.container_id)
        self._again()

    def _attaching(self, needs: list[NetworkNeed], made: list[PreparedInterface]) -> Callable[[Session, JobRow], None]:
        def attach(session: Session, row: JobRow) -> None:
            for need, each in zip(needs, made, strict=True):
                self._network.attach(session, need, each.interface_id)
            for warning in _once(warning for each in made for warning in each.warnings):
                note(session, row, "Warning", printable(warning), self._clock())

        return attach

    def _fail(self, job_id: str, doing: str, error: Exception) -> None:
        """Fail a job because of an internal error: retrying every second would hide it from the owner forever."""
        logger.exception("%s of job %s failed", doing, job_id, exc_info=error)
        self._writer.failed = True
        self._give_up(job_id, "INTERNAL_ERROR", f"{doing} failed: {type(error).__name__}: {error}")

    def _give_up(self, job_id: str, code: str, text: str) -> None:
        self._writer.advance(job_id, PreparationFailed(code, printable(text)))
        self._again()


def _placement(need: NetworkNeed, made: PreparedInterface) -> Placement:
    return Placement(need.member, made.interface_id, made.vpc_id, made.place)


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
