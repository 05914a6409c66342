"""ICMP errors get from one end of a flow to its other end, by every way that flows take."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from reading_room.dataplane.spec import Interface, Route
from tests.worlds.gateway import DEFAULT, EIP, NAT_EIP, public_network
from tests.worlds.network import ANYWHERE, APP, INTERNET, UDP, WEB, Network, World, rule, spec
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.network

CLOSED = 9000
"""A port that groups allow and at which nobody listens."""


def expect_error(world: World, client: socket.socket, address: str) -> None:
    """Send datagrams to a closed port until the sender gets the error, which a kernel sends once a second."""
    client.connect((address, CLOSED))
    client.setblocking(False)

    def reported() -> bool:
        try:
            client.send(b"?")
            world.let_arrive()
            client.recv(10)
        except ConnectionRefusedError:
            return True
        except BlockingIOError:
            pass
        return False

    eventually(reported)


def asking(world: World, interface: Interface) -> socket.socket:
    """Open a datagram socket in an interface's container."""
    return world.socket_in(interface, socket.SOCK_DGRAM)


def test_a_closed_port_in_the_vpc(world: World) -> None:
    network = Network()
    network.ingress[APP] = [rule(5, ANYWHERE, UDP, CLOSED)]
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.2.6", APP, subnet=2, secondary=("10.0.2.60",))
    world.realize(spec(network))
    for address in app.addresses:
        with asking(world, web) as client:
            expect_error(world, client, address)


def test_a_closed_port_behind_a_nat_gateway_of_the_vpc(world: World) -> None:
    network = Network()
    network.ingress[APP] = [rule(5, replace(ANYWHERE, cidr="10.0.1.9/32"), UDP, CLOSED)]
    inner, app = network.add(1, "10.0.2.5", WEB, subnet=2), network.add(2, "10.0.1.6", APP)
    network.routes[2] = [Route("10.0.1.0/24", network.add_nat(3, "10.0.1.9"))]
    world.realize(spec(network))
    with asking(world, inner) as client:
        expect_error(world, client, app.address)


def test_closed_ports_of_the_internet_and_of_an_elastic_ip(world: World) -> None:
    network = public_network()
    network.ingress[APP] = [rule(5, ANYWHERE, UDP, CLOSED)]
    app, web = network.add(1, "10.0.1.6", APP), network.add(2, "10.0.1.5", WEB)
    inner = network.add(3, "10.0.2.5", WEB, subnet=2)
    network.elastic = {EIP: app.address, "198.51.100.6": web.address}
    network.routes[2] = [Route(DEFAULT, network.add_nat(4, "10.0.1.9", NAT_EIP))]
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    for sender in (web, inner):
        with asking(world, sender) as client:
            expect_error(world, client, INTERNET)
    with world.internet_socket(INTERNET, socket.SOCK_DGRAM) as client:
        expect_error(world, client, EIP)
    with asking(world, web) as client:
        expect_error(world, client, EIP)
