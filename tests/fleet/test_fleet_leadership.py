"""The leader among several processes of one database in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.database.engine import Database
from reading_room.database.outside import count_outside_write
from reading_room.database.tables import OutsideWrite
from reading_room.fleet.leadership import LeasedLeadership, OnlyProcess
from reading_room.fleet.leases import LeaseLost
from tests.worlds import postgresql
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.costs(0.5, reason="a database of PostgreSQL is copied, and processes wait for each other")
QUICK = 0.02
"""The seconds between renewals."""


class Clock:
    """Seconds that stand still."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Process:
    """One process: its connections, and what its listener was told."""

    def __init__(self, name: str, holder: str, every: float = QUICK) -> None:
        self.database = postgresql.connected(name)
        self.clock = Clock()
        self.told: list[bool] = []
        self.woken = 0
        self.leadership = LeasedLeadership(
            self.database, holder, url=f"tls://{holder}", facts=lambda: {"of": holder}, every=every, clock=self.clock
        )
        self.leadership.on_change(lambda fence: self.told.append(fence is not None), self._wake)

    def _wake(self) -> None:
        assert self.leadership.fence is not None
        self.woken += 1

    def write(self) -> bool:
        """Write as the leader; return whether it was done."""
        with self.leadership.turn() as allowed:
            if allowed:
                self.database.write(count_outside_write)
                return True
        return False

    def close(self) -> None:
        """End the process."""
        self.leadership.stop()
        self.database.close()


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a database with every table."""
    with postgresql.filled() as name:
        yield name


@pytest.fixture
def two(name: str) -> Iterator[tuple[Process, Process]]:
    """Two processes, of which the first one leads."""
    with ExitStack() as stack:
        made = []
        for holder in ("one", "two"):
            made.append(Process(name, holder))
            stack.callback(made[-1].close)
            made[-1].leadership.start()
        yield made[0], made[1]


def written(database: Database) -> int:
    """Return how often a leader has written."""
    with database.reading() as session:
        row = session.get(OutsideWrite, 1)
        return 0 if row is None else row.count


def test_the_only_process_leads_at_once(name: str) -> None:
    with closing(Process(name, "one")) as one:
        assert not one.write()
        one.leadership.start()
        assert (one.told, one.woken) == ([True], 1)
        assert one.write()
    assert one.told == [True, False]
    assert not one.write()


def test_another_process_waits_and_knows_who_leads(two: tuple[Process, Process]) -> None:
    one, two_ = two
    assert (one.leadership.url(), one.leadership.facts()) == ("tls://one", {"of": "one"})
    assert (two_.leadership.url(), two_.leadership.facts()) == ("tls://one", {"of": "one"})
    assert (two_.told, two_.write(), two_.leadership.fence) == ([], False, None)


def test_another_process_leads_at_once_when_the_leader_ends(two: tuple[Process, Process]) -> None:
    one, two_ = two
    before = one.leadership.fence
    assert before is not None
    one.leadership.stop()
    eventually(lambda: two_.told == [True])
    eventually(two_.write)
    assert (two_.leadership.fence or 0) > before
    assert not one.write()


def test_a_leader_stops_before_its_lease_ends(name: str) -> None:
    """It was suspended: its clock has advanced. Nobody was quicker, so it leads again, with another fence."""
    with closing(Process(name, "one", every=60)) as one:
        one.leadership.start()
        before = one.leadership.fence
        assert one.write()
        one.clock.now += 2.8
        assert not one.write()
        eventually(lambda: one.told == [True, False, True])
        eventually(one.write)
        assert one.leadership.fence != before


def test_a_turn_that_lasts_longer_than_the_lease_changes_nothing(name: str) -> None:
    """The leader's process is suspended in the middle of a turn, and another one takes over meanwhile."""
    with closing(Process(name, "one")) as one, closing(Process(name, "two")) as two:
        one.leadership.start()
        with one.leadership.turn() as allowed:
            assert allowed
            one.leadership.stop()
            two.leadership.start()
            eventually(two.write)
            with pytest.raises(LeaseLost):
                one.database.write(count_outside_write)
        assert written(two.database) == 1


def test_a_leader_that_steps_aside_lets_another_process_lead(two: tuple[Process, Process]) -> None:
    first, second = two
    first.leadership.step_aside()
    assert not first.write()
    eventually(lambda: second.leadership.fence is not None)
    assert second.write()
    eventually(lambda: first.told == [True, False] and first.leadership.url() == "tls://two")


def test_a_leader_that_steps_aside_for_nobody_leads_again_after_a_while(name: str) -> None:
    only = Process(name, "only")
    with closing(only):
        only.leadership.start()
        only.leadership.step_aside()
        eventually(lambda: only.told == [True, False])
        eventually(lambda: only.leadership.url() is None)
        only.clock.now = 100.0
        eventually(lambda: only.leadership.fence is not None)


def test_the_next_process_of_the_same_folder_need_not_wait(two: tuple[Process, Process], name: str) -> None:
    """The leader was killed. Its former process, which still runs in this test, finds that it was replaced."""
    one, _ = two
    with closing(Process(name, "one")) as again:
        again.leadership.start()
        assert again.told == [True]
        assert again.write()
        eventually(lambda: one.told == [True, False])
        assert not one.write()


def test_a_database_in_a_file_needs_no_lease() -> None:
    told: list[int | None] = []
    only = OnlyProcess("tls://one", lambda: {"of": "one"})
    only.on_change(told.append)
    before = threading.active_count()
    only.start()
    with only.turn() as allowed:
        assert allowed
    assert (only.url(), only.facts(), only.fence) == ("tls://one", {"of": "one"}, 0)
    assert threading.active_count() == before
    only.stop()
    assert told == [0, None]
    with only.turn() as allowed:
        assert not allowed
