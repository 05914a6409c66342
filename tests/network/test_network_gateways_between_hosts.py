"""The gateways of a VPC on two hosts, with real packets: one host owns them, and the other has the internet by it."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from tests.worlds.gateway import EIP, NAT_EIP, inbound, nat_network, public_network
from tests.worlds.hosts import TwoHosts
from tests.worlds.network import (
    ANYWHERE,
    APP,
    ELSEWHERE,
    INTERNET,
    TCP,
    WEB,
    World,
    expect_blocked,
    expect_silence,
    ping,
    rule,
)
from tests.worlds.waiting import DEADLINE

pytestmark = pytest.mark.network
MUCH = b"more than fits into a packet of the tunnel" * 2_000


def exchange(one: socket.socket, other: socket.socket) -> None:
    """Send much from each end of a connection to the other."""
    for sender, receiver in ((one, other), (other, one)):
        receiver.settimeout(DEADLINE)
        sender.sendall(MUCH)
        assert receiver.makefile("rb").read(len(MUCH)) == MUCH


def test_a_nat_gateway_serves_the_interfaces_of_another_host(world: World) -> None:
    """The server sees the gateway's address, and answers of any size arrive."""
    hosts = TwoHosts(world, internet=True)
    network, inner, _nat = nat_network()
    hosts.go_out_by("a", {inner.interface_id: "b"}, network)
    with world.internet_server(INTERNET, 80) as server, world.connect(inner, INTERNET, 80) as client:
        accepted, peer = server.accept()
        assert peer[0] == NAT_EIP
        with accepted:
            exchange(client, accepted)
    assert ping(world, inner, INTERNET)
    hosts.close()


@pytest.mark.parametrize("restarted", ["a", "b"])
def test_connections_by_another_host_outlive_a_restart_of_either_agent(world: World, restarted: str) -> None:
    hosts = TwoHosts(world, internet=True)
    network, inner, _nat = nat_network()
    homes = {inner.interface_id: "b"}
    hosts.go_out_by("a", homes, network)
    with world.internet_server(INTERNET, 80) as server, world.connect(inner, INTERNET, 80) as client:
        accepted = server.accept()[0]
        hosts.restart(restarted)
        hosts.realize(homes, network)
        with accepted:
            exchange(client, accepted)
    hosts.close()


def test_an_elastic_ip_belongs_to_an_interface_of_another_host(world: World) -> None:
    """Its groups judge the real source on its own host, and what it opens has the Elastic IP."""
    hosts = TwoHosts(world, internet=True)
    network = public_network()
    network.ingress[APP] = [rule(5, replace(ANYWHERE, cidr=f"{INTERNET}/32"), TCP, 443)]
    app, plain = network.add(1, "10.0.1.5", APP, WEB), network.add(2, "10.0.1.6", APP, WEB)
    network.elastic[EIP] = app.address
    hosts.go_out_by("a", {app.interface_id: "b", plain.interface_id: "b"}, network)
    with world.listen(app, 443) as server, world.listen(app, 22):
        with inbound(world, EIP, 443) as client:
            accepted, peer = server.accept()
            assert peer[0] == INTERNET
            with accepted:
                exchange(client, accepted)
        with pytest.raises(OSError):
            inbound(world, EIP, 22)
        with pytest.raises(OSError):
            inbound(world, EIP, 443, source=ELSEWHERE)
    with world.internet_server(INTERNET, 80) as server, world.connect(app, INTERNET, 80):
        accepted, peer = server.accept()
        accepted.close()
        assert peer[0] == EIP
        expect_blocked(world, plain, INTERNET, 80)
    hosts.close()


@pytest.mark.parametrize("home", ["a", "b"])
def test_gateways_move_to_another_host(world: World, home: str) -> None:
    """Connections by the old owner end, and new ones leave by the new owner, wherever their interfaces are."""
    hosts = TwoHosts(world, internet=True)
    network, inner, _nat = nat_network()
    outer = network.add(3, "10.0.1.5", WEB)
    network.elastic[EIP] = outer.address
    homes = {inner.interface_id: home, outer.interface_id: home}
    hosts.go_out_by("a", homes, network)
    with world.internet_server(INTERNET, 80) as server:
        clients = [world.connect(each, INTERNET, 80) for each in (inner, outer)]
        accepted = [server.accept()[0] for _ in clients]
    hosts.go_out_by("b", homes, network)
    for client in clients:
        client.sendall(b"late")
    expect_silence(world, *accepted)
    with world.internet_server(INTERNET, 80) as server:
        for each, public in ((inner, NAT_EIP), (outer, EIP)):
            with world.connect(each, INTERNET, 80) as client:
                opened, peer = server.accept()
                assert peer[0] == public
                with opened:
                    exchange(client, opened)
    for old in (*clients, *accepted):
        old.close()
    hosts.close()
