"""The driver in memory reports and listens as every driver does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from reading_room.dataplane.driver import NetworkDriver
from reading_room.dataplane.memory import MemoryNetworkDriver
from reading_room.dataplane.spec import FlowEvent, NetworkSpec
from tests.worlds.dataplane import small_network


@pytest.fixture
def driver() -> Iterator[MemoryNetworkDriver]:
    """Return a driver whose sockets are closed at the end."""
    made = MemoryNetworkDriver()
    yield made
    made.close()


def test_an_interface_is_in_place_once_its_container_has_a_namespace(driver: MemoryNetworkDriver) -> None:
    """A container that has not started gets no wire and is not reported."""
    seam: NetworkDriver = driver
    report = seam.realize(small_network(), {"c1": 3})
    assert (report.vpcs, report.interfaces, report.problems) == (("vpc-01",), ("eni-00001",), ())
    assert seam.realize(small_network(), {"c1": 3, "c2": 4}).interfaces == ("eni-00001", "eni-00002")


def test_listeners_come_and_go_with_what_they_serve(driver: MemoryNetworkDriver) -> None:
    """A socket that is still wanted stays the same socket, and accepts connections."""
    driver.realize(small_network(), {})
    before = dict(driver.listeners())
    assert {label.kind for label in before} == {
        "resolver-udp",
        "resolver-tcp",
        "credentials",
        "endpoint-http",
        "endpoint-https",
    }
    driver.realize(small_network(endpoint=False), {})
    after = driver.listeners()
    assert all(after[label] is before[label] for label in after)
    gone = [label for label in before if label not in after]
    assert {label.endpoint_id for label in gone} == {"vpce-01"}
    (credentials,) = (each for label, each in after.items() if label.kind == "credentials")
    with socket.create_connection(credentials.getsockname(), timeout=2):
        pass


def test_a_vpc_that_cannot_be_made_keeps_what_it_had(driver: MemoryNetworkDriver) -> None:
    """The failure is a problem, not an exception, and none of the VPC's listeners closes."""
    driver.realize(small_network(), {"c1": 3})
    before = set(driver.listeners())
    vpc = small_network().vpcs[0]
    report = driver.realize(NetworkSpec((replace(vpc, groups=()),), ()), {"c1": 3})
    assert report.vpcs == ()
    assert [problem.about for problem in report.problems] == ["vpc-01"]
    assert set(driver.listeners()) == before


def test_flows_are_given_once(driver: MemoryNetworkDriver) -> None:
    """Like the kernel's events, they are gone after they are read."""
    event = FlowEvent(
        "vpc-01", "eni-00001", "egress", "10.0.1.5", "52.216.0.10", 40000, 443, 6, 1, 60, 1.0, 2.0, "ACCEPT"
    )
    driver.saw(event)
    assert driver.flows() == [event]
    assert driver.flows() == []
