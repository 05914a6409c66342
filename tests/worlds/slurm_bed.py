"""The two hosts of ``placement.py`` for Slurm's driver: nodes of a Slurm, with the rows of containers."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import delete

from reading_room.fleet.authority import of_installation
from reading_room.jobs.placement import Attempt, Placed
from reading_room.jobs.slurm.client import SlurmClient
from reading_room.jobs.slurm.placer import PROLOG_SECONDS, SlurmPlacer
from reading_room.jobs.slurm.slot import SlotSize
from reading_room.jobs.tables import JobContainerRow
from tests.worlds.jobs import World
from tests.worlds.placement import Bed, Expected
from tests.worlds.slurm import USER


class SlurmBed(Bed):
    """The bed of Slurm's driver. ``wait`` calls a round of turn and question until it returns true."""

    def __init__(
        self,
        path: Path,
        wait: Callable[[Callable[[], bool]], object],
        user: int = USER,
        clock: Callable[[], float] = time.monotonic,
        settle: float = 0.0,
        prolog: float = PROLOG_SECONDS,
    ) -> None:
        super().__init__()
        self._world = World(None)
        self.database = self._world.database
        self._job = self._world.submit()
        self._path, self._wait, self._user = path, wait, user
        self._clock, self._settle, self._prolog = clock, settle, prolog
        with self.database.transaction() as session:
            of_installation(session, dt.datetime.now(dt.UTC))
        self.driver = self.restart()

    def restart(self, settle: float | None = None) -> SlurmPlacer:
        """Begin with what the database and Slurm have, as after ``kill -9``; ``settle`` is kept if none is given."""
        self._settle = self._settle if settle is None else settle
        self.driver = SlurmPlacer(
            SlurmClient(self._path),
            self.database,
            SlotSize(cores=1, megabytes=100, minutes=60, partition=""),
            self._user,
            self._clock,
            self._settle,
            self._prolog,
        )
        return self.driver

    def place(self, attempts: Sequence[Attempt], expected: Expected) -> Placed:
        self.want(attempts)
        found: Placed = {}

        def done() -> bool:
            self.driver.turn()
            found.clear()
            found.update(self.driver.place(attempts, list(self.hosts.values())))
            return expected(found)

        self._wait(done)
        return found

    def want(self, attempts: Sequence[Attempt]) -> None:
        """Write the rows of containers that wait for a host, as the state machine does."""
        with self.database.transaction() as session:
            for each in (name for attempt in attempts for name in attempt.containers):
                if session.get(JobContainerRow, each) is None:
                    row = JobContainerRow(container_id=each, job_id=self._job, attempt=1, host="local", wanted=True)
                    row.role_arn = row.session_name = "role"
                    row.credentials_path = f"/v2/credentials/{each}"
                    session.add(row)

    def begin(self, found: Placed) -> None:
        with self.database.transaction() as session:
            for chosen in found.values():
                for container, host in chosen.items() if isinstance(chosen, dict) else ():
                    row = session.get_one(JobContainerRow, container)
                    row.host, row.interface_id = host.host, f"eni-{container}"

    def end(self, container: str) -> None:
        with self.database.transaction() as session:
            session.execute(delete(JobContainerRow).where(JobContainerRow.container_id == container))


def rounds(done: Callable[[], bool]) -> None:
    """Try a few times without waiting: the Slurm of the test answers at once."""
    any(done() for _ in range(8))
