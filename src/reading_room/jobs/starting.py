"""Starting jobs: admitting them with a size, and preparing the interfaces of their containers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.jobs.admission import NEVER_FITS, AdmissionLimits, admissible, free_capacity, grant, never_fits
from reading_room.jobs.errors import PreparationError
from reading_room.jobs.host_rooms import HostRooms
from reading_room.jobs.job import (
    Admitted,
    MemberLost,
    MemberPrepared,
    Placement,
    PreparationFailed,
    Prepared,
    Reduced,
)
from reading_room.jobs.needs import being_added, being_prepared, engines_of
from reading_room.jobs.outcomes import printable
from reading_room.jobs.placement import Attempt, Host, MustWait, Placed, Placer
from reading_room.jobs.places import is_folder, location_of
from reading_room.jobs.ports import (
    JobNetwork,
    JobSize,
    NetworkNeed,
    OneContainerOnly,
    OutputStore,
    PreparedInterface,
    Sizing,
)
from reading_room.jobs.record import note
from reading_room.jobs.tables import ContainerEpochRow, JobRow
from reading_room.jobs.writing import JobWriter
from reading_room.settings import Settings

logger = logging.getLogger(__name__)

Epochs = Mapping[str, int] | None
"""The epoch of each host; ``None`` if there is only one host."""
_WAITING_KEPT = 10_000
"""Of how many waiting jobs the last reason is remembered, so that their stories have each reason once."""


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
        placer: Placer,
        store: OutputStore,
    ) -> None:
        self._database = database
        self._store = store
        self._settings = settings
        self._limits = AdmissionLimits.of(settings)
        self._clock = clock
        self._network = network
        self._sizing = sizing
        self._writer = writer
        self._again = again
        self._placer = placer
        self._waiting: dict[str, str] = {}
        """Why jobs wait for a host, as their stories say."""

    def admit(self, capacity: Capacity | None, rooms: HostRooms | None = None) -> None:
        """Admit the queued jobs for which there is room now; fail those for which no host can ever have room.

        ``capacity`` is that of the only host; with several hosts, ``rooms`` has theirs.
        """
        impossible = self._never_fits(capacity, rooms)
        with self._database.reading() as session:
            # A job that fails needs no room.
            has = (capacity, rooms) if impossible is None else (None, None)
            chosen = admissible(session, self._limits, *has)
        for job_id in chosen:
            with self._writer.guard(job_id):
                if impossible is None:
                    self._admit_one(job_id, capacity, rooms)
                else:
                    self._give_up(job_id, NEVER_FITS, impossible)

    def _never_fits(self, capacity: Capacity | None, rooms: HostRooms | None) -> str | None:
        if rooms is None:
            return never_fits(self._settings, capacity)
        reasons = [never_fits(self._settings, each) for each in rooms.capacities.values()]
        return None if None in reasons else reasons[0]

    def _admit_one(self, job_id: str, capacity: Capacity | None, rooms: HostRooms | None) -> None:
        try:
            with self._database.reading() as session:
                row = session.get_one(JobRow, job_id)
                if rooms is None:
                    room = free_capacity(session, self._limits, capacity)
                else:
                    room = rooms.free(self._network.zones(session, row.subnets))
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

    def prepare(self, rooms: HostRooms | None = None) -> None:
        """Create the interfaces of the containers of new attempts, and of those that replace lost ones.

        With several hosts, ``rooms`` decide on which of them each container runs.
        """
        with self._database.reading() as session:
            attempts, added = being_prepared(session), being_added(session)
            places = {} if rooms is None else self._places(session, attempts, added, rooms)
        for needs in attempts:
            with self._writer.guard(needs[0].job_id):
                if rooms is None:
                    self._prepare_attempt(needs)
                else:
                    self._prepare_placed(needs, places[needs[0].container_id], rooms)
        for need in added:
            with self._writer.guard(need.job_id):
                place = places.get(need.container_id)
                if rooms is None:
                    self._prepare_added(need)
                elif isinstance(place, MustWait):
                    # The job goes on without it meanwhile.
                    if place.forever:
                        self._lose_added(need, place.reason)
                elif place is not None:
                    self._prepare_added(_on(need, place[need.container_id]), rooms.epochs)

    def _places(
        self,
        session: Session,
        attempts: Sequence[Sequence[NetworkNeed]],
        added: Sequence[NetworkNeed],
        rooms: HostRooms,
    ) -> Placed:
        """Return the places of containers, or why they must wait, by the first one of those to be placed together."""
        groups = [(list(needs), False) for needs in attempts] + [([need], True) for need in added]
        engines = engines_of(session, {needs[0].job_id for needs, _ in groups})
        wanted = [
            Attempt(
                key=needs[0].container_id,
                containers=tuple(need.container_id for need in needs),
                engine=engines[needs[0].job_id],
                zones=self._network.zones(session, needs[0].subnets),
                more=more,
            )
            for needs, more in groups
        ]
        return self._placer.place(wanted, rooms.hosts)

    def _prepare_placed(
        self, needs: Sequence[NetworkNeed], chosen: dict[str, Host] | MustWait, rooms: HostRooms
    ) -> None:
        job_id = needs[0].job_id
        if not isinstance(chosen, MustWait):
            self._waiting.pop(job_id, None)
            self._prepare_attempt([_on(need, chosen[need.container_id]) for need in needs], rooms.epochs)
        elif chosen.forever:
            self._give_up(job_id, NEVER_FITS, f"{chosen.reason[0].upper()}{chosen.reason[1:]}.")
        elif self._waiting.get(job_id) != chosen.reason:
            while len(self._waiting) >= _WAITING_KEPT:
                self._waiting.pop(next(iter(self._waiting)))
            self._waiting[job_id] = chosen.reason
            self._writer.note(job_id, "Warning", printable(f"The job waits: {chosen.reason}."))

    def _prepare_attempt(self, needs: list[NetworkNeed], epochs: Epochs = None) -> None:
        """Create the interfaces of an attempt; record them when all exist and can be expected to work.

        With several hosts, ``epochs`` are those of the hosts.
        """
        first = needs[0]
        try:
            self._clear_output(first)
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
            placements = tuple(_placement(need, each, epochs) for need, each in zip(needs, made, strict=True))
            self._writer.advance(
                first.job_id, Prepared(placements), self._attaching(needs, made, epochs), of=first.container_id
            )

    def _clear_output(self, need: NetworkNeed) -> None:
        """Remove what a lost attempt has written to the job's folder: the next one writes all of it again."""
        if need.attempt == 1:
            return
        with self._database.reading() as session:
            output = location_of(session.get_one(JobRow, need.job_id).output_uri)
        if is_folder(output):
            self._store.delete_prefix(output.bucket, output.key)

    def _prepare_added(self, need: NetworkNeed, epochs: Epochs = None) -> None:
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
            event = MemberPrepared(_placement(need, made, epochs))
            self._writer.advance(need.job_id, event, self._attaching([need], [made], epochs), of=need.container_id)
            return
        self._lose_added(need, reason)

    def _lose_added(self, need: NetworkNeed, reason: str) -> None:
        lost = MemberLost(need.member, printable(reason), replace=False)
        self._writer.advance(need.job_id, lost, of=need.container_id)
        self._again()

    def _attaching(
        self, needs: list[NetworkNeed], made: list[PreparedInterface], epochs: Epochs
    ) -> Callable[[Session, JobRow], None]:
        def attach(session: Session, row: JobRow) -> None:
            for need, each in zip(needs, made, strict=True):
                self._network.attach(session, need, each.interface_id)
                if epochs is not None:
                    session.merge(ContainerEpochRow(container_id=need.container_id, epoch=epochs[need.host]))
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


def _on(need: NetworkNeed, host: Host) -> NetworkNeed:
    return replace(need, host=host.host, zone=host.zone)


def _placement(need: NetworkNeed, made: PreparedInterface, epochs: Epochs) -> Placement:
    place = made.place if epochs is None else f"{made.place}, on host {need.host}"
    return Placement(need.member, made.interface_id, made.vpc_id, place, need.host)


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
