"""The leases of hosts in the database: who gets one, of which epoch, and when a host is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from reading_room.agent.frames import Lease, LeaseRequest
from reading_room.database.engine import Database
from reading_room.fleet import database_time
from reading_room.fleet.host_leases import LEASE_SECONDS, MARGIN_SECONDS, HostLeases
from reading_room.fleet.tables import ACTIVE, LEAVING, HostRow
from tests.worlds import databases, postgresql

BEGAN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Fleet:
    """Hosts ``a`` and ``b``, and the clocks of the database and of the leading process, which tests move."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.wall = self.steady = 0.0
        self.number = 0
        with database.transaction() as session:
            session.add_all(host(name, number) for number, name in enumerate("ab", 1))
        self.leases = self.leader()

    def leader(self) -> HostLeases:
        return HostLeases(self.database, self.now, lambda: self.steady)

    def now(self, session: Session) -> dt.datetime:
        return BEGAN + dt.timedelta(seconds=self.wall)

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def ask(self, name: str = "a", epoch: int = 0, *, held: bool = True) -> tuple[int, int] | None:
        """Ask for a lease; return its seconds and epoch."""
        self.number += 1
        answer = self.leases.answer(name, LeaseRequest(self.number, epoch, held))
        assert answer is None or answer.renewal == self.number
        return None if answer is None else (answer.seconds, answer.epoch)

    def lost(self) -> tuple[str, ...]:
        with self.database.reading() as session:
            return self.leases.lost(session)

    def end(self, name: str = "a") -> bool:
        with self.database.transaction() as session:
            return self.leases.end(session, name)


def host(name: str, number: int) -> HostRow:
    return HostRow(
        host=name,
        number=number,
        state=ACTIVE,
        zone="us-east-1a",
        labels={},
        underlay=f"198.51.100.{number}",
        mtu=1500,
        cores=2,
        memory_bytes=1 << 30,
        public_key=f"{number:064x}",
        tunnel_key="",
        tunnel_port=0,
        program="0.1.0",
        joined_at=BEGAN,
        epoch=0,
    )


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    database = databases.made(tmp_path / "db.sqlite")
    yield Fleet(database)
    database.close()


def test_a_host_that_asks_in_time_keeps_its_epoch(fleet: Fleet) -> None:
    for _ in range(5):
        assert fleet.ask() == (LEASE_SECONDS, 0)
        fleet.wait(LEASE_SECONDS - 1)
    assert fleet.lost() == ()


def test_a_host_is_lost_only_a_margin_after_its_lease(fleet: Fleet) -> None:
    fleet.ask("a")
    fleet.wait(LEASE_SECONDS + MARGIN_SECONDS - 0.1)
    fleet.ask("b")
    assert fleet.lost() == ()
    assert not fleet.end("a")
    fleet.wait(0.1)
    assert fleet.lost() == ("a",)
    assert fleet.end("a")
    assert fleet.lost() == ()


def test_a_host_that_never_had_a_lease_is_not_lost(fleet: Fleet) -> None:
    fleet.wait(3600)
    assert fleet.lost() == ()


def test_a_lost_host_never_renews_the_epoch_that_was_given_away(fleet: Fleet) -> None:
    fleet.ask()
    fleet.wait(60)
    assert fleet.end()
    # Its requests are no sign of life of what was given away.
    assert fleet.ask(held=True) == (0, 1)
    fleet.wait(2)
    # It has ended its containers now, and knows the epoch.
    assert fleet.ask(epoch=1, held=False) == (LEASE_SECONDS, 2)


def test_a_host_that_comes_back_before_its_things_are_given_away_keeps_them_or_begins_anew(fleet: Fleet) -> None:
    fleet.ask()
    fleet.wait(60)
    assert fleet.lost() == ("a",)
    assert fleet.ask(held=True) == (LEASE_SECONDS, 0)
    assert not fleet.end()
    fleet.wait(60)
    assert fleet.ask(held=False) == (LEASE_SECONDS, 1)
    assert not fleet.end()


def test_a_request_that_arrives_twice_or_late_grants_nothing(fleet: Fleet) -> None:
    """Otherwise a host that is lost, and was paused, might be taken for one that has ended everything."""
    assert fleet.ask(held=False) == (LEASE_SECONDS, 1)
    fleet.wait(1)
    assert fleet.ask(held=False) == (0, 1)
    fleet.wait(60)
    assert fleet.end()
    for held in (False, True):
        fleet.wait(1)
        assert fleet.ask(held=held) == (0, 2)
    assert fleet.lost() == ()


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_step_of_the_databases_clock_loses_no_host(step: float, fleet: Fleet) -> None:
    fleet.ask()
    fleet.wall += step
    assert fleet.lost() == ()
    fleet.wait(2)
    assert fleet.ask() == (LEASE_SECONDS, 0)


def test_a_new_leader_waits_for_the_leases_that_the_last_one_may_have_granted(fleet: Fleet) -> None:
    fleet.ask()
    fleet.wait(60)
    fleet.leases = fleet.leader()
    assert fleet.lost() == ()
    fleet.wait(LEASE_SECONDS + MARGIN_SECONDS)
    assert fleet.lost() == ("a",)
    fleet.leases.lead()
    assert fleet.lost() == ()


@pytest.mark.parametrize("fate", ["leaving", "forgotten"])
def test_a_host_that_is_removed_gets_no_lease(fate: str, fleet: Fleet) -> None:
    with fleet.database.transaction() as session:
        row = session.get_one(HostRow, "a")
        if fate == "leaving":
            row.state = LEAVING
        else:
            session.delete(row)
    assert fleet.ask() == (0, 0)


def test_a_host_that_asks_all_the_time_is_not_answered_all_the_time(fleet: Fleet) -> None:
    answers = []
    for _ in range(100):
        answers.append(fleet.ask())
        fleet.wait(0.01)
    assert 4 <= len([each for each in answers if each is not None]) <= 6


def test_without_the_database_there_is_no_answer(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    with fleet.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE hosts RENAME TO gone")
    assert fleet.leases.answer("a", LeaseRequest(1, 0, held=True)) is None
    assert "cannot be renewed" in caplog.text


@pytest.mark.costs(0.5, reason="PostgreSQL's server copies a database")
def test_a_renewal_waits_for_no_other_writer() -> None:
    """In PostgreSQL a suspended process may hold up all writers for longer than a lease lasts."""
    with postgresql.filled() as name, closing(postgresql.connected(name)) as database:
        with database.transaction() as session:
            session.add(host("a", 1))
        leases = HostLeases(database)
        with database.transaction():
            answer = leases.answer("a", LeaseRequest(1, 0, held=False))
        assert answer == Lease(1, LEASE_SECONDS, 1)
        with database.reading() as session:
            left = session.get_one(HostRow, "a").lease_until
            assert left is not None
            assert left - database_time.now(session) <= dt.timedelta(seconds=LEASE_SECONDS)
            assert leases.lost(session) == ()
