"""Interfaces whose source and destination check is off: real packets that routes lead to them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.semantics import Packet, decide
from reading_room.dataplane.rules.trace import trace
from reading_room.dataplane.spec import CidrPeer, Interface, NetworkSpec, Route
from tests.worlds.network import APP, UDP, WEB, Network, World, ask_by_udp, expect_silence, rule, spec, summary

pytestmark = pytest.mark.network

FAR, PORT = "192.0.2.7", 9000
"""An address beyond the VPC, and the port that the taker's group allows."""
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class Place:
    """A sender, an interface that receives packets for other addresses (the taker), and a neighbour of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.network = Network(endpoint=False)
        self.network.ingress[APP] = [rule(7, CidrPeer("10.0.1.0/24"), UDP, PORT)]
        self.network.egress[APP] = [rule(8, CidrPeer("0.0.0.0/0"), -1, -1)]
        self.sender = self.network.add(1, "10.0.1.5", WEB)
        self.taker = self.network.add(2, "10.0.2.5", APP, subnet=2)
        self.neighbour = self.network.add(3, "10.0.2.6", APP, subnet=2)

    def lead(self, *destinations: str) -> NetworkSpec:
        """Return the spec in which the sender's table leads only these networks to the taker."""
        self.network.routes[1] = [Route(each, self.taker.interface_id) for each in destinations]
        desired = spec(self.network)
        self.world.realize(desired)
        return desired

    def hear(self, interface: Interface, address: str) -> socket.socket:
        """Return a socket of a container that receives packets for any address, even if the interface has another."""
        assert interface.container_id is not None
        if address not in interface.addresses:
            with namespaces.inside(self.world.containers[interface.container_id]):
                inner = rtnetlink.RouteSocket()
            inner.batch([rtnetlink.add_address(rtnetlink.LOOPBACK, address)])
            inner.close()
        heard = self.world.socket_in(interface, socket.SOCK_DGRAM)
        heard.bind((address, PORT))
        heard.settimeout(5)
        return heard

    def send(self, address: str, payload: bytes, port: int = PORT) -> socket.socket:
        """Send a datagram from the sender, and wait until it has arrived or was dropped."""
        client = ask_by_udp(self.world, self.sender, address, port, payload)
        self.world.let_arrive()
        return client

    def seen(self) -> set[tuple[str, str, str]]:
        """Return interface, direction and action of the flow events so far."""
        return {(each.interface_id, each.direction, each.action) for each in self.world.flows(self.network)}


@pytest.fixture
def place(world: World) -> Place:
    """The place, in the test's own world."""
    return Place(world)


def test_what_is_for_another_address_arrives_with_its_own_source_and_no_answer_leaves(place: Place) -> None:
    desired = place.lead("192.0.2.0/24")
    packet = Packet(place.network.vpc_id, place.sender.interface_id, FAR, UDP, PORT)
    assert decide(desired, packet).outcome == trace(compile_host(desired), packet).outcome == "forwarded"
    with place.hear(place.taker, FAR) as heard, place.send(FAR, b"through") as client:
        assert heard.recvfrom(100) == (b"through", (place.sender.address, client.getsockname()[1]))
        assert summary(place.world.flows(place.network)) == {
            (place.sender.interface_id, "egress", "10.0.1.5", FAR, PORT, "ACCEPT"),
            # As in AWS, records show the interface with its own address, whatever the packet has.
            (place.taker.interface_id, "ingress", "10.0.1.5", "10.0.2.5", PORT, "ACCEPT"),
        }
        # The address is not the taker's own, so nothing leaves from it, not even as an answer.
        heard.sendto(b"forged", (place.sender.address, client.getsockname()[1]))
        expect_silence(place.world, client)
        assert (place.taker.interface_id, "egress", "REJECT") in place.seen()


def test_the_taker_s_groups_judge_and_the_refusal_is_recorded_there(place: Place) -> None:
    place.lead("192.0.2.0/24")
    with place.hear(place.taker, FAR) as heard, place.send(FAR, b"refused", PORT + 1):
        expect_silence(place.world, heard)
    assert (place.taker.interface_id, "ingress", "REJECT") in place.seen()


def test_a_route_to_the_subnet_leads_past_the_neighbour_until_it_goes(place: Place) -> None:
    place.lead("10.0.2.0/24")
    with place.hear(place.taker, "10.0.2.6") as taker, place.hear(place.neighbour, "10.0.2.6") as neighbour:
        with place.send("10.0.2.6", b"led"):
            assert taker.recv(100) == b"led"
            expect_silence(place.world, neighbour)
        with place.send("10.0.2.6", b"refused", PORT + 1):
            expect_silence(place.world, taker, neighbour)
        taken = {(place.taker.interface_id, "ingress", action) for action in ("ACCEPT", "REJECT")}
        assert place.seen() == {(place.sender.interface_id, "egress", "ACCEPT"), *taken}
        place.lead()
        with place.send("10.0.2.6", b"straight"):
            assert neighbour.recv(100) == b"straight"
            expect_silence(place.world, taker)


def test_without_the_taker_s_container_nothing_gets_its_traffic(place: Place) -> None:
    desired = place.lead("10.0.2.0/24", "192.0.2.0/24")
    with place.hear(place.neighbour, "10.0.2.6") as neighbour:
        assert place.taker.container_id is not None
        place.world.end_container(place.taker.container_id)
        # Before the driver knows of it, and after.
        with place.send("10.0.2.6", b"lost"):
            expect_silence(place.world, neighbour)
        place.world.driver.realize(desired, place.world.containers)
        with place.send("10.0.2.6", b"lost as well"):
            expect_silence(place.world, neighbour)


def test_another_driver_finds_everything_as_it_should_be(place: Place) -> None:
    place.lead("10.0.2.0/24", "192.0.2.0/24")
    place.world.restart()
    place.lead("10.0.2.0/24", "192.0.2.0/24")
    with place.hear(place.taker, FAR) as heard, place.send(FAR, b"again"):
        assert heard.recv(100) == b"again"


def test_no_container_passes_packets_on_even_where_the_host_does(place: Place) -> None:
    assert place.taker.container_id is not None
    with namespaces.inside(place.world.container(place.taker.container_id)):
        FORWARDING.write_text("1\n")
    place.lead("192.0.2.0/24")
    with namespaces.inside(place.world.containers[place.taker.container_id]):
        assert FORWARDING.read_text() == "0\n"
    with place.send(FAR, b"ends here"):
        assert (place.taker.interface_id, "egress", "REJECT") not in place.seen()
