"""Each process knows where the others listen for hosts, while they are announced."""

from __future__ import annotations

from pathlib import Path

from reading_room.fleet import leases
from reading_room.fleet.host_listeners import HostListeners
from tests.worlds import databases


def test_processes_know_of_each_other_and_forget_one_that_is_no_longer_announced(tmp_path: Path) -> None:
    database = databases.made(tmp_path / "db.sqlite")
    one, two, silent = (HostListeners(database, name, f"{name}:4569") for name in ("one", "two", "silent"))
    leases.take(database, leases.LEADER, "one", 10, url="one:4569")
    for listener in (one, two):
        listener.announce()
        listener.announce()
    silent.announce(seconds=0)
    assert one.others() == ["two:4569"]
    assert two.others() == ["one:4569"]
    assert silent.others() == ["one:4569", "two:4569"]
    database.close()


def test_a_process_without_an_agent_leaves_the_lead_to_one_that_has_an_agent(tmp_path: Path) -> None:
    database = databases.made(tmp_path / "db.sqlite")
    agents = {"one": True, "two": False}
    one, two = (HostListeners(database, name, f"{name}:4569", lambda name=name: agents[name]) for name in agents)  # type: ignore[misc]
    one.announce()
    # It may have ended since.
    assert not any(two.other_should_lead(leads=True) for _ in range(3))
    one.announce()
    assert not two.other_should_lead(leads=False)
    assert not two.other_should_lead(leads=True)
    one.announce()
    assert two.other_should_lead(leads=True)
    # An agent that is away for a moment is no reason.
    agents["two"] = True
    assert not two.other_should_lead(leads=True)
    agents["two"] = False
    assert [two.other_should_lead(leads=True) for _ in range(2)] == [False, True]
    agents["one"] = False
    one.announce()
    assert not two.other_should_lead(leads=True)
    database.close()
