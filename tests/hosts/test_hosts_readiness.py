"""The readiness checks: each one with a passing and a failing state."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reading_room.agent.frames import Greeting
from reading_room.agent.spec import ENFORCEMENT, MODELS, RESOURCES, HostReport
from reading_room.analysis.trained import WEIGHTS_MISSING
from reading_room.aws.probes import Check, Fault
from reading_room.database.disk import Floor
from reading_room.database.engine import Database
from reading_room.dataplane.spec import Problem
from reading_room.hosts import readiness
from reading_room.hosts.readiness import database_check, disk_check, host_checks
from reading_room.hosts.realtime import NoContainers, RealtimePool
from reading_room.hosts.server_side import HostState, ServerSide
from reading_room.versions import DOCUMENTS, VERSION
from tests.worlds.databases import made
from tests.worlds.waiting import DEADLINE, eventually


@pytest.fixture
def server_side() -> Iterator[ServerSide]:
    """The receiver of an agent's messages, which passes them on to nobody."""
    loop = asyncio.new_event_loop()
    nothing: Any = lambda *_: None  # noqa: E731
    found = ServerSide(
        loop=loop,
        listeners=nothing,
        realtime=RealtimePool(nothing, lacks=lambda: found.state.lacks()),
        take_report=nothing,
        take_flows=nothing,
        interfaces_seen=nothing,
        interface_gone=nothing,
        agent_replaced=nothing,
    )
    yield found
    loop.close()


def failing(*checks: Check) -> dict[str, str]:
    """Return the failing checks and their messages."""
    found: dict[str, Fault | None] = {check.name: check.look() for check in checks}
    return {name: fault.says for name, fault in found.items() if fault is not None}


def test_the_host_is_ready_once_its_agent_has_reported_proven_enforcement(server_side: ServerSide) -> None:
    checks = host_checks(lambda: server_side.state)
    assert set(failing(*checks)) == {"agent", "enforcement"}
    server_side.connected(Greeting())
    assert failing(*checks) == {"enforcement": "the agent has not reported yet whether enforcement is proven"}
    server_side.report(HostReport("here", 1))
    assert failing(*checks) == {}
    server_side.disconnected()
    assert set(failing(*checks)) == {"agent", "enforcement"}


def test_a_leader_without_an_agent_is_ready_while_other_hosts_take_containers(server_side: ServerSide) -> None:
    others = [True]
    agent, enforcement, *_ = host_checks(lambda: server_side.state, others=lambda: others[0])
    fault = agent.look()
    assert fault is not None
    assert not fault.stops
    assert enforcement.look() is None
    others[0] = False
    assert failing(agent, enforcement).keys() == {"agent", "enforcement"}
    # An agent that is there has to prove enforcement all the same.
    others[0] = True
    server_side.connected(Greeting())
    assert failing(agent, enforcement).keys() == {"enforcement"}


def test_an_agent_without_proof_does_not_make_the_host_ready(server_side: ServerSide) -> None:
    checks = host_checks(lambda: server_side.state)
    server_side.connected(Greeting())
    server_side.report(HostReport("here", 1, problems=(Problem("vpc-1", "its rules were refused"),)))
    assert failing(*checks) == {}
    server_side.report(HostReport("here", 2, problems=(Problem(ENFORCEMENT, "not proven"),)))
    assert failing(*checks) == {"enforcement": "enforcement is not proven, so no job runs"}
    assert server_side.state.lacks() is not None


def test_an_agent_without_weights_leaves_the_service_ready_and_fails_analyses_at_once(server_side: ServerSide) -> None:
    """Even one that waits for its container already."""
    (check,) = (check for check in host_checks(lambda: server_side.state) if check.name == "models")
    server_side.connected(Greeting())
    assert check.look() is None
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(server_side._realtime.analyse, "1" * 12, "dominant-language", ["Hello."], None)
        eventually(lambda: bool(server_side._realtime.specs()))
        server_side.report(HostReport("here", 1, problems=(Problem(MODELS, WEIGHTS_MISSING),)))
        with pytest.raises(NoContainers, match="reading-room-weights is not installed: install reading_room_weights-"):
            waits.result(DEADLINE)
    fault = check.look()
    assert fault is not None
    assert not fault.stops
    assert fault.says.endswith("the package reading-room-weights is not installed")
    assert fault.remedy.startswith("install reading_room_weights-")


def test_an_agent_that_is_short_of_something_is_a_warning_until_it_is_not(server_side: ServerSide) -> None:
    (check,) = (check for check in host_checks(lambda: server_side.state) if check.name == "agent-resources")
    server_side.connected(Greeting())
    server_side.report(HostReport("here", 1, problems=(Problem(RESOURCES, "the agent is short of memory"),)))
    fault = check.look()
    assert fault is not None
    assert (fault.says, fault.stops) == ("the agent is short of memory: containers may not start", False)
    server_side.report(HostReport("here", 1))
    assert check.look() is None


def test_an_agent_of_another_version_is_named_with_what_to_restart(server_side: ServerSide) -> None:
    (check,) = (check for check in host_checks(lambda: server_side.state) if check.name == "version")
    for agent, says in (
        (Greeting(), ""),
        (Greeting("99.0.0", DOCUMENTS + 1), f"the agent is of version 99.0.0 and this service of {VERSION}"),
        (Greeting(documents=DOCUMENTS + 1), f"different commits of version {VERSION}"),
    ):
        server_side.connected(agent)
        fault = check.look()
        assert (fault is None) == (not says)
        assert fault is None or (says in fault.says and not fault.stops)


def test_a_state_that_is_not_known_yet_keeps_no_container_from_starting() -> None:
    assert HostState(connected=True).lacks() is None


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database in a file."""
    found = made(tmp_path / "db.sqlite")
    yield found
    found.close()


def test_a_database_that_takes_writes_is_ready_and_keeps_how_long_its_connections_wait(database: Database) -> None:
    def patience() -> int:
        with closing(database.engine.raw_connection()) as connection:
            return int(connection.cursor().execute("PRAGMA busy_timeout").fetchone()[0])

    before = patience()
    for _ in range(3):
        assert failing(database_check(database)) == {}
    assert patience() == before


def test_a_database_that_somebody_else_holds_is_not_ready_until_it_is_free(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "WRITE_SECONDS", 0.01)
    with closing(sqlite3.connect(tmp_path / "db.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert failing(database_check(database)) == {"database": "the database cannot be written"}
        other.execute("ROLLBACK")
    assert failing(database_check(database)) == {}


def test_a_database_that_cannot_grow_is_not_ready(database: Database) -> None:
    # What a full disk means for SQLite: no further page, and none that can be written.
    def set_read_only(value: int) -> None:
        with closing(database.engine.raw_connection()) as connection:
            connection.cursor().execute(f"PRAGMA query_only = {value}")

    set_read_only(1)
    assert failing(database_check(database)) == {"database": "the database cannot be written"}
    set_read_only(0)
    assert failing(database_check(database)) == {}


@pytest.mark.parametrize(("least", "free", "full"), [(100, 101, False), (100, 99, True), (0, 0, False)])
def test_a_disk_is_ready_above_its_floor(least: int, free: int, full: bool) -> None:
    assert bool(failing(disk_check(Floor(least, lambda: free)))) is full


def test_an_agent_that_is_silent_for_too_long_is_not_ready(server_side: ServerSide) -> None:
    later = [0.0]
    checks = host_checks(lambda: server_side.state, lambda: server_side.state.heard_at + later[0])
    server_side.connected(Greeting())
    server_side.report(HostReport("here", 1))
    assert failing(*checks) == {}
    later[0] = readiness.SILENT_SECONDS + 1
    assert set(failing(*checks)) == {"agent"}
    server_side.report(HostReport("here", 1))
    later[0] = 0.0
    assert failing(*checks) == {}


def test_a_slow_write_is_a_warning(tmp_path: Path) -> None:
    database = made(tmp_path / "db.sqlite")
    times = iter([0.0, 0.01, 10.0, 10.0 + readiness.SLOW_SECONDS + 0.1])
    check = database_check(database, lambda: next(times))
    assert check.look() is None
    fault = check.look()
    assert fault is not None
    assert not fault.stops
    database.close()
