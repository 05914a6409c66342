"""Leases of tasks, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.agent.spec import Capacity
from reading_room.database.engine import Database
from reading_room.database.fences import fenced
from reading_room.database.outside import count_outside_write
from reading_room.fleet import database_time, leases
from reading_room.fleet.leases import Held, LeaseLost
from reading_room.fleet.tables import LeaseRow
from reading_room.wiring.leader import OthersError, capacity_in, check_listeners, check_others, facts_of
from tests.worlds import databases, postgresql

pytestmark = pytest.mark.costs(0.3, reason="PostgreSQL's server copies a database for each test")
LONG = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with every table and no rows."""
    if request.param == "sqlite":
        with closing(databases.made(tmp_path / "db.sqlite")) as database:
            yield database
        return
    with postgresql.filled() as name, closing(postgresql.connected(name)) as database:
        yield database


def renewed(database: Database, held: Held, seconds: float = LONG, **facts: int) -> bool:
    """Renew a lease; return whether it could be."""
    with database.engine.connect() as connection:
        return leases.renew(connection, held, seconds, facts or None)


def found(database: Database) -> leases.Found:
    """Return the lease ``task`` as the database has it."""
    with database.engine.connect() as connection:
        found = leases.find(connection, "task")
    assert found is not None
    return found


def taken(database: Database, holder: str, seconds: float = LONG) -> Held:
    """Take the lease ``task``."""
    held = leases.take(database, "task", holder, seconds, url="tls://one", facts={"cores": 2})
    assert held is not None
    return held


def test_a_lease_has_one_holder_until_it_ends(database: Database) -> None:
    with database.engine.connect() as connection:
        assert leases.find(connection, "task") is None
    one = taken(database, "one")
    assert leases.take(database, "task", "two", LONG) is None
    assert leases.take(database, "another task", "two", LONG) is not None
    seen = found(database)
    assert (seen.held, seen.url, seen.facts) == (one, "tls://one", {"cores": 2})
    assert 0 < seen.seconds <= LONG
    assert renewed(database, one, seconds=-1, cores=3)
    assert (found(database).facts, found(database).seconds < 0) == ({"cores": 3}, True)
    two = taken(database, "two")
    assert two.fence > one.fence
    assert not renewed(database, one)
    leases.give_up(database, one)
    assert found(database).seconds > 0


def test_a_lease_that_nobody_took_can_be_renewed_after_its_end(database: Database) -> None:
    one = taken(database, "one", seconds=-1)
    assert renewed(database, one)
    assert leases.take(database, "task", "two", LONG) is None


def test_the_next_process_of_a_holder_takes_its_lease_at_once(database: Database) -> None:
    former = taken(database, "one")
    now = taken(database, "one")
    assert now.fence > former.fence
    assert not renewed(database, former)


def test_a_lease_that_was_given_up_is_free(database: Database) -> None:
    leases.give_up(database, taken(database, "one"))
    assert taken(database, "two")


def test_a_former_holder_changes_nothing(database: Database) -> None:
    """Whichever way it writes, each transaction fails at its beginning."""
    one = taken(database, "one")

    def write_each_way() -> None:
        with database.transaction() as session:
            count_outside_write(session)
        database.write(count_outside_write)
        database.write(count_outside_write, by_row_locks=True)

    with fenced(lambda session: leases.check(session, one)):
        write_each_way()
    with database.transaction() as session:
        session.execute(update(LeaseRow).values(expires_at=database_time.now(session)))
    taken(database, "two")
    for write in (
        lambda: database.write(count_outside_write),
        lambda: database.write(count_outside_write, by_row_locks=True),
        lambda: database.transaction().__enter__(),
    ):
        with fenced(lambda session: leases.check(session, one)), pytest.raises(LeaseLost):
            write()
    write_each_way()  # Outside of the block, nothing is checked.


@pytest.mark.parametrize(("shared", "shares", "refused"), [(0, 1, True), (1, 0, True), (0, 0, True), (1, 1, False)])
def test_a_second_process_is_refused_unless_all_objects_are_in_one_place(
    database: Database, shared: int, shares: int, refused: bool
) -> None:
    held = leases.take(database, leases.LEADER, "one", LONG, facts=facts_of(bool(shared)))
    assert held is not None
    check_others(database, "one", shares_objects=False)
    if refused:
        with pytest.raises(OthersError, match="set READING_ROOM_OBJECTS for both"):
            check_others(database, "two", shares_objects=bool(shares))
    else:
        check_others(database, "two", shares_objects=True)
    leases.give_up(database, held)
    check_others(database, "two", shares_objects=False)


def test_the_leader_tells_its_capacity() -> None:
    capacity = Capacity(2, 4000, 1000)
    assert capacity_in(facts_of(True, capacity)) == capacity
    assert capacity_in(facts_of(True)) is capacity_in({}) is None


@pytest.mark.parametrize("own", ["", "10.0.0.2:4570"])
def test_a_process_that_hosts_would_not_find_is_refused(own: str) -> None:
    with pytest.raises(OthersError, match="and must find this one at the same port"):
        check_listeners(["10.0.0.1:4569"], own)
    check_listeners(["10.0.0.1:4569"], "10.0.0.2:4569")
    check_listeners([], own)
