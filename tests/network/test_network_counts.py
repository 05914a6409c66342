"""The flow collector keeps a bounded number of flows, and reports its losses."""

from __future__ import annotations

import pytest

from reading_room.dataplane.linux.flow_counts import Key, Tallies
from reading_room.dataplane.linux.flow_watch import times_of
from reading_room.dataplane.rules.tracked_flows import Entry, Tuple
from tests.worlds.network import WEB, Network, World, ask_by_udp, spec
from tests.worlds.waiting import eventually


def key(port: int) -> Key:
    """Return a flow's key."""
    return ("vpc-1", "eni-1", "egress", "10.0.1.5", "10.0.1.6", port, 443, 6, "ACCEPT", "", "")


def test_the_same_flow_counted_twice_is_one_event_over_the_whole_time() -> None:
    """Packets and bytes add up, the span covers both, flags are joined."""
    tallies = Tallies()
    tallies.add(key(1), 2, 200, 10.0, 11.0, 2)
    tallies.add(key(1), 3, 300, 9.0, 12.0, 16)
    (event,) = tallies.drain()
    assert (event.packets, event.bytes, event.start, event.end, event.tcp_flags) == (5, 500, 9.0, 12.0, 18)
    assert tallies.drain() == []


def test_events_come_oldest_first() -> None:
    """The order in which they were counted does not matter."""
    tallies = Tallies()
    for port, start in ((1, 30.0), (2, 10.0), (3, 20.0)):
        tallies.add(key(port), 1, 40, start, start)
    assert [event.source_port for event in tallies.drain()] == [2, 3, 1]


def test_more_flows_than_fit_are_counted_as_lost() -> None:
    """Memory is bounded, but known flows are still counted."""
    tallies = Tallies(most=2)
    for port in (1, 2, 3, 4, 1):
        tallies.add(key(port), 1, 40, 1.0, 1.0)
    assert tallies.take_lost() == {"vpc-1": 2}
    assert tallies.take_lost() == {}
    assert [event.packets for event in tallies.drain()] == [2, 1]


@pytest.mark.network
def test_a_log_message_that_cannot_be_read_is_reported_and_the_reader_lives_on(world: World) -> None:
    """Somebody else's rule logs with an unknown prefix. The next refusal is recorded nevertheless."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    desired = spec(network)
    world.realize(desired)
    router = world.driver._kernel.routers[network.vpc_id]
    router.rules.run('insert rule inet vpc pre_raw udp dport 7 log group 1 prefix "nonsense" drop\n')
    ask_by_udp(world, web, "198.51.100.7", 7).close()

    def reported() -> bool:
        report = world.driver.realize(desired, world.containers)
        return any("could not be read" in problem.message for problem in report.problems)

    eventually(reported)
    assert world.driver.realize(desired, world.containers).vpcs == (network.vpc_id,)
    ask_by_udp(world, web, "198.51.100.7", 9).close()
    eventually(lambda: any(event.destination_port == 9 for event in world.driver.flows()))


@pytest.mark.parametrize(
    ("began", "ended", "span"),
    [
        (0.0, 0.0, (100.0, 160.0)),  # It is not known when the connection began, and it is open.
        (130.0, 150.0, (130.0, 150.0)),
        (3_700.0, 0.0, (160.0, 160.0)),  # The clock was set back by an hour while it was open.
        (3_700.0, 3_720.0, (160.0, 160.0)),
    ],
)
def test_no_packet_was_seen_after_now(began: float, ended: float, span: tuple[float, float]) -> None:
    ends = Tuple("10.0.1.5", "10.0.1.6", 6, 40_000, 443)
    found = Entry(ends, ends, 1, 40, 0, 0, began, ended, b"")
    assert times_of(found, 100.0, 160.0) == span
