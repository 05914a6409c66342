"""The keys of the underlay's encryption that hosts report."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reading_room.database.engine import Database
from reading_room.dataplane.rules.encryption import key_text
from reading_room.dataplane.spec import HostPlace
from reading_room.fleet.members import Fleet
from reading_room.fleet.tunnel_keys import TunnelKeys
from reading_room.vpc.host_networks import place_of
from tests.worlds import databases
from tests.worlds.several_hosts import add_host

ONE, TWO = key_text(bytes(range(32))), key_text(bytes(range(1, 33)))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(databases.made(tmp_path / "state.db")) as opened:
        yield opened


def places(database: Database) -> list[HostPlace]:
    """Return the hosts' places, as their agents get them."""
    with database.reading() as session:
        return [place_of(each) for each in Fleet(database).members(session)]


def test_what_a_host_reports_reaches_all_others(database: Database) -> None:
    with database.transaction() as session:
        for number, host in enumerate("ab", 1):
            add_host(session, host, number)
    keys = TunnelKeys(database, Fleet(database))
    keys.reported("a", ONE, 51820)
    keys.reported("b", TWO, 9)
    assert places(database) == [HostPlace("a", 1, "192.0.2.1", ONE, 51820), HostPlace("b", 2, "192.0.2.2", TWO, 9)]
    # A host that no longer encrypts says so.
    keys.reported("a", "", 0)
    assert places(database)[0] == HostPlace("a", 1, "192.0.2.1")


def test_a_key_that_agents_would_refuse_is_not_passed_on(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Else one host could keep all others from getting any spec."""
    with database.transaction() as session:
        for number, host in enumerate("ab", 1):
            add_host(session, host, number)
    keys = TunnelKeys(database, Fleet(database))
    keys.reported("a", ONE, 51820)
    before = places(database)
    with caplog.at_level(logging.ERROR):
        for key, port in ((ONE, 51820), ("AAAA", 1), (TWO, 0), (TWO, 65_536), ("", 5), (f"{TWO}\n", 1)):
            keys.reported("b", key, port)
            keys.reported("b", key, port)
    assert places(database) == before
    assert len(caplog.records) == 6
    assert "the host a has the same" in caplog.text


def test_a_single_host_writes_nothing(database: Database) -> None:
    TunnelKeys(database, Fleet(database)).reported("local", ONE, 51820)
    assert places(database) == []
