"""How the link of a joined host finds the ``serve`` that leads, and leaves one that leads no more."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from reading_room.hosts.link.places import Places
from tests.worlds.joined import LABELS, Joined, Serve, in_loop, spec
from tests.worlds.waiting import eventually_in_loop


def test_a_link_finds_the_leader(tmp_path: Path) -> None:
    async def run() -> None:
        leader, other = Serve(), Serve()
        other.elsewhere = leader.place
        host = Joined(tmp_path, other.place)
        try:
            await eventually_in_loop(lambda: leader.host.online and host.agent.connected())
            assert not other.host.online
        finally:
            await host.close()
            await leader.close()
            await other.close()

    in_loop(run)


def test_a_link_follows_the_lead_to_another_serve(tmp_path: Path) -> None:
    async def run() -> None:
        former, next_one = Serve(), Serve()
        host = Joined(tmp_path, former.place)
        try:
            await eventually_in_loop(lambda: former.host.online and host.agent.connected())
            former.elsewhere = next_one.place
            former.host.close()  # As when a process stops leading.
            await eventually_in_loop(lambda: next_one.host.online and host.agent.connected())
        finally:
            await host.close()
            await former.close()
            await next_one.close()

    in_loop(run)


def test_when_the_leader_ends_a_link_goes_to_another_serve_that_it_was_told_of(tmp_path: Path) -> None:
    async def run() -> None:
        leader, other = Serve(), Serve()
        leader.others = (other.place,)
        host = Joined(tmp_path, leader.place)
        try:
            await eventually_in_loop(lambda: leader.host.online and host.agent.connected())
            await leader.close()
            await eventually_in_loop(lambda: other.host.online)
            # The next link knows it from the beginning.
            await eventually_in_loop(lambda: Places(leader.place, tmp_path / "places.json").all()[0] == other.place)
        finally:
            await host.close()
            await leader.close()
            await other.close()

    in_loop(run)


def test_a_link_learns_of_a_serve_that_was_started_after_it_connected(tmp_path: Path) -> None:
    async def run() -> None:
        leader, other = Serve(), Serve()
        host = Joined(tmp_path, leader.place)
        try:
            await eventually_in_loop(lambda: leader.host.online and host.agent.connected())
            leader.others = (other.place,)
            await eventually_in_loop(lambda: other.place in Places(leader.place, tmp_path / "places.json").all())
            assert leader.received.events.count("connected") == 1
        finally:
            await host.close()
            await leader.close()
            await other.close()

    in_loop(run)


def test_a_serve_that_does_not_answer_keeps_no_link_from_the_leader(tmp_path: Path) -> None:
    async def run() -> None:
        leader, other = Serve(), Serve()
        with socket.create_server(("127.0.0.1", 0)) as silent:
            # As with a suspended process, the kernel takes connections. The other one still takes it for the leader.
            gone = f"127.0.0.1:{silent.getsockname()[1]}"
            other.elsewhere = gone
            Places(other.place, tmp_path / "places.json").learn([gone, other.place, leader.place])
            host = Joined(tmp_path, other.place)
            try:
                await eventually_in_loop(lambda: leader.host.online and host.agent.connected())
            finally:
                await host.close()
                await leader.close()
                await other.close()

    in_loop(run)


def test_a_link_leaves_a_leader_that_says_nothing_as_soon_as_another_one_leads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        suspended, other = Serve(), Serve()
        suspended.others, other.elsewhere = (other.place,), suspended.place
        suspended.send(spec(7))
        other.send(spec(8))
        host = Joined(tmp_path, suspended.place, quiet_seconds=0.05)
        try:
            await eventually_in_loop(lambda: f"the serve at {other.place} leaves jobs to" in caplog.text)
            assert suspended.host.online
            # The suspended one must not take the host back: the other one is as silent, after all it has to say.
            other.elsewhere, suspended.elsewhere = None, other.place
            await eventually_in_loop(lambda: other.host.online and not suspended.host.online)
            # Only the new session brings this one, so the list of listeners goes to it.
            await eventually_in_loop(lambda: host.agent.spec()[0] == spec(8))
            host.agent.send_listeners(LABELS)
            await eventually_in_loop(lambda: other.listeners.labels == frozenset(LABELS))
            front = host.front()
            assert (await front.ask("s3.amazonaws.com", 1)).records is not None
            front.close()
        finally:
            await host.close()
            await suspended.close()
            await other.close()

    with caplog.at_level("INFO"):
        in_loop(run)


def test_a_leader_that_speaks_again_keeps_its_link(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        leader, other = Serve(), Serve()
        leader.others, other.elsewhere = (other.place,), leader.place
        host = Joined(tmp_path, leader.place, quiet_seconds=0.05)
        try:
            await eventually_in_loop(lambda: f"the serve at {other.place} leaves jobs to" in caplog.text)
            leader.send(spec(8))
            await eventually_in_loop(lambda: host.agent.spec()[0] == spec(8))
            assert leader.received.events.count("connected") == 1
        finally:
            await host.close()
            await leader.close()
            await other.close()

    with caplog.at_level("INFO"):
        in_loop(run)
