"""Rules on hosts: who may join, what may change, and when a host is forgotten."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.orm import Session

from reading_room.dataplane.spec import MOST_HOSTS
from reading_room.fleet import database_time, hosts
from reading_room.fleet.errors import FirstHostStays, HostIsActive, HostLeaves, HostRefused, UnknownHost
from reading_room.fleet.tables import ACTIVE, DRAINING, LEAVING, HostRow
from tests.worlds.fleet import NOW, ZONES, new_host

LATER = NOW + dt.timedelta(seconds=10)


def admit(session: Session, *arguments: Any, **more: Any) -> HostRow:
    """Admit a host, now."""
    return hosts.admit(session, new_host(*arguments, **more), ZONES, NOW)


def change(session: Session, host: str, **changes: Any) -> HostRow:
    """Change a host."""
    return hosts.change(session, host, hosts.Changes(**changes), ZONES)


def test_hosts_have_numbers_that_stay_and_are_not_given_again(session: Session) -> None:
    numbers = [admit(session, f"h{place}", place).number for place in (1, 2, 3)]
    assert numbers == [1, 2, 3]
    hosts.remove(session, "h2", NOW)
    assert admit(session, "h4", 4).number == 4
    assert [(row.host, row.number) for row in hosts.every(session)] == [("h1", 1), ("h3", 3), ("h4", 4)]


def test_after_the_last_number_the_free_ones_are_given(session: Session) -> None:
    admit(session, "h1", 1).number = MOST_HOSTS
    session.flush()
    assert admit(session, "h2", 2).number == 1


def test_a_host_that_joins_again_keeps_its_number_and_state_and_gets_its_new_values(session: Session) -> None:
    admit(session, "h1", 1)
    change(session, "h1", state=DRAINING)
    row = admit(session, "h1", 1, cores=8, underlay="10.0.0.9")
    assert (row.number, row.state, row.cores, row.underlay, row.joined_at) == (1, DRAINING, 8, "10.0.0.9", NOW)


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (
            {"host": "h1", "place": 2},
            "The name 'h1' cannot be used: another host has it: choose one with --name",
        ),
        ({"host": "h2", "place": 2, "underlay": "10.0.0.1"}, "'10.0.0.1' cannot be used: the host h1 has it"),
        ({"host": "h2", "place": 1, "underlay": "10.0.0.2"}, "it is that of the host h1"),
    ],
)
def test_two_hosts_share_neither_name_nor_address_nor_key(session: Session, second: Any, says: str) -> None:
    admit(session, "h1", 1)
    with pytest.raises(HostRefused, match=says):
        admit(session, **second)
    assert [row.host for row in hosts.every(session)] == ["h1"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("host", "Reader"),
        ("host", "-reader"),
        ("host", "r" * 64),
        ("zone", "us-east-1f"),
        ("underlay", "10.0.0"),
        ("underlay", "fe80::1"),
        ("underlay", "127.0.0.1"),
        ("underlay", "224.0.0.1"),
        ("mtu", hosts.LEAST_MTU - 1),
        ("cores", 0),
        ("memory_bytes", 0),
        ("program", "new"),
        ("public_key", "0" * 63),
        ("labels", {"zone": "us-east-1a"}),
        ("labels", {"Disk": "ssd"}),
        ("labels", {"disk": "a b"}),
        ("labels", {f"k{number}": "v" for number in range(hosts.MOST_LABELS + 1)}),
    ],
)
def test_values_that_no_host_can_have_are_refused(member: str, value: Any) -> None:
    with pytest.raises(HostRefused):
        hosts.check(new_host(**{member: value}), ZONES)


def test_labels_are_set_changed_and_removed(session: Session) -> None:
    admit(session, "h1", 1, labels={"disk": "hdd", "rack": "7"})
    row = change(session, "h1", labels={"disk": "ssd"}, without=["rack", "none"], memory_bytes=1 << 20, cores=2)
    assert (row.labels, row.memory_bytes, row.cores, row.zone) == ({"disk": "ssd"}, 1 << 20, 2, ZONES[0])


def test_the_zone_of_a_host_changes_only_while_it_is_drained(session: Session) -> None:
    admit(session, "h1", 1)
    with pytest.raises(HostRefused, match="drain it first"):
        change(session, "h1", zone=ZONES[1])
    change(session, "h1", state=DRAINING)
    row = change(session, "h1", zone=ZONES[1], state=ACTIVE)
    assert (row.zone, row.state) == (ZONES[1], ACTIVE)


@pytest.mark.parametrize(
    "changes",
    [{"cores": 0}, {"memory_bytes": 1}, {"zone": "mars"}, {"labels": {"disk": ""}}, {"labels": {"zone": "z"}}],
)
def test_a_change_to_a_value_that_no_host_can_have_is_refused(session: Session, changes: Any) -> None:
    admit(session, "h1", 1)
    change(session, "h1", state=DRAINING)
    with pytest.raises(HostRefused):
        change(session, "h1", **changes)


def test_a_host_that_never_had_a_lease_is_forgotten_at_once(session: Session) -> None:
    admit(session, "h1", 1)
    assert hosts.remove(session, "h1", NOW) is None
    assert hosts.every(session) == []


def test_a_host_with_a_lease_leaves_when_it_ends_and_its_key_is_of_no_use_from_now_on(session: Session) -> None:
    row = admit(session, "h1", 1)
    row.lease_until = LATER
    assert hosts.of_key(session, row.public_key) is row
    with pytest.raises(HostIsActive):
        hosts.remove(session, "h1", NOW)
    change(session, "h1", state=DRAINING)
    assert hosts.remove(session, "h1", NOW) is row
    assert row.state == LEAVING
    assert hosts.of_key(session, row.public_key) is None
    with pytest.raises(HostLeaves):
        change(session, "h1", state=ACTIVE)
    with pytest.raises(HostLeaves):
        admit(session, "h1", 1)
    assert not hosts.forget(session, "h1", NOW)
    assert hosts.forget(session, "h1", LATER)
    assert hosts.every(session) == []


def test_a_host_whose_lease_has_ended_leaves_until_what_it_had_is_given_away(session: Session) -> None:
    admit(session, "h1", 1).epoch = 1
    assert hosts.remove(session, "h1", NOW) is not None
    assert hosts.forget(session, "h1", NOW)


def test_an_active_host_is_removed_by_force(session: Session) -> None:
    admit(session, "h1", 1).lease_until = LATER
    row = hosts.remove(session, "h1", NOW, force=True)
    assert row is not None
    assert row.state == LEAVING


def test_hosts_are_counted_by_state_and_those_without_a_lease_are_away(session: Session) -> None:
    admit(session, "local", 1, public_key="")
    for place, state in enumerate((ACTIVE, DRAINING, LEAVING, ACTIVE), 2):
        row = admit(session, f"h{place}", place)
        row.state, row.lease_until = state, LATER
    session.flush()
    assert hosts.count(session, NOW) == {ACTIVE: 3, DRAINING: 1, LEAVING: 1, hosts.AWAY: 0}
    assert hosts.count(session, LATER) == {ACTIVE: 1, DRAINING: 0, LEAVING: 1, hosts.AWAY: 3}


def test_the_host_of_serve_stays_and_no_certificate_speaks_for_it(session: Session) -> None:
    admit(session, "local", 1, public_key="")
    with pytest.raises(FirstHostStays):
        hosts.remove(session, "local", NOW, force=True)
    assert hosts.of_key(session, "") is None


def test_unknown_hosts_are_named(session: Session) -> None:
    with pytest.raises(UnknownHost, match="no host h9"):
        change(session, "h9", state=DRAINING)


def test_the_time_of_the_database_is_that_of_this_machine_with_sqlite(session: Session) -> None:
    before = dt.datetime.now(dt.UTC)
    assert before <= database_time.now(session) <= dt.datetime.now(dt.UTC)
