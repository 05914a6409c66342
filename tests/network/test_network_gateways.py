"""Internet gateways, Elastic IPs, NAT gateways, services beyond them, interface endpoints, secondary addresses."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import pytest

from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.spec import GroupPeer, Route
from tests.worlds.gateway import DEFAULT, EIP, NAT_EIP, OTHER_EIP, inbound, nat_network, public_network
from tests.worlds.network import (
    ANYWHERE,
    API_ADDRESS,
    APP,
    ELSEWHERE,
    EVERYTHING,
    INTERNET,
    MUTE,
    S3_ADDRESS,
    TCP,
    UDP,
    WEB,
    Network,
    World,
    expect_blocked,
    expect_reaches,
    expect_silence,
    ident,
    ping,
    rule,
    spec,
)
from tests.worlds.waiting import DEADLINE

pytestmark = pytest.mark.network


def accepted_peer(server: socket.socket) -> str:
    """Accept a connection and return the address of its peer."""
    server.settimeout(DEADLINE)
    accepted, peer = server.accept()
    accepted.close()
    return str(peer[0])


def test_an_interface_with_an_elastic_ip_reaches_the_internet_by_it(world: World) -> None:
    """The server sees the Elastic IP; an interface without one gets nothing through the same route."""
    network = public_network()
    web, plain = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", WEB)
    network.elastic[EIP] = web.address
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    with world.internet_server(INTERNET, 80) as server:
        with world.connect(web, INTERNET, 80) as client:
            accepted, peer = server.accept()
            assert peer[0] == EIP
            client.sendall(b"x" * 50_000)
            got = 0
            while got < 50_000:
                got += len(accepted.recv(65_536))
            accepted.close()
        expect_blocked(world, plain, INTERNET, 80)
        assert ping(world, web, INTERNET)


def test_what_comes_in_by_an_elastic_ip_is_judged_with_its_real_source(world: World) -> None:
    """Ingress rules of the interface decide. Packets to other ports or unassigned addresses are dropped silently."""
    network = public_network()
    network.ingress[APP] = [rule(5, replace(ANYWHERE, cidr=f"{INTERNET}/32"), TCP, 443)]
    app = network.add(1, "10.0.1.5", APP)
    network.elastic[EIP] = app.address
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    with world.listen(app, 443) as server, world.listen(app, 22):
        with inbound(world, EIP, 443) as client:
            accepted, peer = server.accept()
            assert peer[0] == INTERNET
            accepted.sendall(b"hello")
            assert client.recv(5) == b"hello"
            accepted.close()
        for address, port in ((EIP, 22), (OTHER_EIP, 443)):
            with pytest.raises(OSError):
                inbound(world, address, port)
        with pytest.raises(TimeoutError):
            inbound(world, EIP, 443, source=ELSEWHERE)


def test_a_packet_from_the_uplink_with_an_inside_source_is_dropped(world: World) -> None:
    """From outside, nobody can use a source in the VPC's own networks or a public address of another VPC."""
    network = public_network()
    network.ingress[APP] = [rule(5, ANYWHERE, UDP, 9000)]
    app = network.add(1, "10.0.1.5", APP)
    network.elastic[EIP] = app.address
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    server = world.socket_in(app, socket.SOCK_DGRAM)
    server.settimeout(DEADLINE)
    server.bind((app.address, 9000))
    with namespaces.inside(world.internet):
        liar = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with server, liar:
        for source, arrives in ((INTERNET, True), ("10.0.2.7", False), (OTHER_EIP, True), (EIP, False)):
            header = b"\x45\x00\x00\x20\x00\x01\x00\x00\x40\x11\x00\x00" + socket.inet_aton(source)
            datagram = b"\x23\x28\x23\x28\x00\x0c\x00\x00lies"
            liar.sendto(header + socket.inet_aton(EIP) + datagram, (EIP, 0))
            if arrives:
                assert server.recv(100) == b"lies"
            else:
                expect_silence(world, server)


def test_two_vpcs_meet_by_their_elastic_ips_and_by_nothing_else(world: World) -> None:
    """With the same networks and addresses, each sees the other's Elastic IP, whether or not there is an outside."""
    first, second = public_network(1), public_network(2)
    for network, public in ((first, EIP), (second, OTHER_EIP)):
        network.ingress[WEB] = [EVERYTHING]
        network.add(1, "10.0.1.5", WEB)
        network.elastic[public] = "10.0.1.5"
    world.realize(spec(first, second))
    one, two = first.interfaces[0], second.interfaces[0]
    with world.listen(two, 80) as server, world.connect(one, OTHER_EIP, 80) as client:
        accepted, peer = server.accept()
        assert peer[0] == EIP
        accepted.settimeout(DEADLINE)
        # More than fits into a packet on the wire between them, whose MTU is smaller than theirs.
        for sender, receiver in ((client, accepted), (accepted, client)):
            sender.sendall(b"x" * 100_000)
            # A file, since a socket with a timeout may return less than MSG_WAITALL requests.
            assert receiver.makefile("rb").read(100_000) == b"x" * 100_000
        accepted.close()
    expect_blocked(world, one, INTERNET, 80)


def test_an_interface_reaches_its_neighbour_by_its_elastic_ip(world: World) -> None:
    """The packets leave by the internet gateway and come in again, translated both times."""
    network = public_network()
    network.ingress[WEB] = [EVERYTHING]
    one, two = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", WEB)
    network.elastic = {EIP: one.address, OTHER_EIP: two.address}
    world.realize(spec(network))
    with world.listen(two, 80) as server, world.connect(one, OTHER_EIP, 80):
        assert accepted_peer(server) == EIP


def test_a_private_subnet_reaches_the_internet_through_a_nat_gateway(world: World) -> None:
    """The server sees the gateway's public address, nothing comes in by it, and ICMP and UDP pass, too."""
    network, inner, _nat = nat_network()
    network.ingress[WEB] = [EVERYTHING]
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    with world.internet_server(INTERNET, 80) as server, world.connect(inner, INTERNET, 80):
        assert accepted_peer(server) == NAT_EIP
    assert ping(world, inner, INTERNET)
    with world.listen(inner, 80), pytest.raises(OSError):
        inbound(world, NAT_EIP, 80)


def test_a_nat_gateway_leads_to_the_gateway_endpoint_of_its_own_subnet(world: World) -> None:
    """The endpoint's listener sees the gateway's private address."""
    network, inner, _nat = nat_network()
    network.endpoint, network.endpoint_in = True, [1]
    world.realize(spec(network))
    with world.connect(inner, S3_ADDRESS, 443):
        assert accepted_peer(world.listener(network, "endpoint-https")) == "10.0.1.9"


@pytest.mark.parametrize("outside", [False, True])
def test_services_lie_beyond_every_gateway_even_without_an_uplink(world: World, outside: bool) -> None:
    """Their listeners see the public address: the Elastic IP, or the NAT gateway's."""
    network, inner, _nat = nat_network()
    web, plain = network.add(3, "10.0.1.5", WEB), network.add(4, "10.0.1.6", WEB)
    network.elastic[EIP] = web.address
    network.add_far()
    if outside:
        world.make_internet()
    world.realize(spec(network))
    for address, endpoint in ((S3_ADDRESS, "far-s3"), (API_ADDRESS, "far-api")):
        for kind, port in (("endpoint-https", 443), ("endpoint-http", 80)):
            listener = world.listener(network, kind, endpoint)
            for sender, seen in ((web, EIP), (inner, NAT_EIP)):
                with world.connect(sender, address, port) as client:
                    accepted, peer = listener.accept() if listener.gettimeout() else _accept(listener)
                    assert peer[0] == seen
                    accepted.sendall(b"y" * 100_000)
                    got = 0
                    while got < 100_000:
                        got += len(client.recv(65_536))
                    accepted.close()
        expect_blocked(world, plain, address, 443)
        expect_blocked(world, web, address, 22)


def _accept(listener: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
    listener.settimeout(DEADLINE)
    accepted, peer = listener.accept()
    return accepted, peer


def test_a_private_nat_gateway_reaches_no_internet(world: World) -> None:
    """It has no public address. Within the VPC, packets get its private address."""
    network = public_network()
    inner = network.add(1, "10.0.2.5", WEB, subnet=2)
    app = network.add(2, "10.0.1.6", APP)
    nat = network.add_nat(3, "10.0.1.9")
    network.ingress[APP] = [rule(5, replace(ANYWHERE, cidr="10.0.1.9/32"), TCP, 8443)]
    network.routes[2] = [Route(DEFAULT, nat), Route("10.0.1.0/24", nat)]
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    with world.internet_server(INTERNET, 80):
        expect_blocked(world, inner, INTERNET, 80)
    with world.listen(app, 8443) as server, world.connect(inner, app.address, 8443):
        assert accepted_peer(server) == "10.0.1.9"


def test_an_interface_endpoint_takes_what_its_groups_allow_at_two_ports(world: World) -> None:
    """The listener sees the private address. Other ports, and senders without a rule, are dropped silently."""
    network = Network(endpoint=False)
    web, mute = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", MUTE)
    network.ingress[APP] = [rule(5, GroupPeer(WEB), TCP, 443), rule(6, GroupPeer(WEB), TCP, 22)]
    network.egress[MUTE] = [EVERYTHING]
    service = network.add_service(3, "10.0.2.20", APP, subnet=2)
    world.realize(spec(network))
    listener = world.listener(network, "endpoint-https", service.endpoint_id)
    with world.connect(web, service.address, 443) as client:
        accepted, peer = _accept(listener)
        assert peer[0] == web.address
        accepted.sendall(b"z" * 100_000)
        got = 0
        while got < 100_000:
            got += len(client.recv(65_536))
        accepted.close()
    expect_blocked(world, web, service.address, 80)
    expect_blocked(world, web, service.address, 22)
    expect_blocked(world, mute, service.address, 443)
    assert not ping(world, web, service.address)


def test_secondary_addresses_send_and_receive_and_change_in_place(world: World) -> None:
    """A running container gets one more and loses one, without any effect on a connection of its first address."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    network.ingress[APP] = [rule(5, GroupPeer(WEB), TCP, 8443)]
    app = network.add(2, "10.0.1.6", APP, secondary=("10.0.1.60",))
    world.realize(spec(network))
    with world.listen(app, 8443) as server, world.connect(web, app.address, 8443) as living:
        accepted, _peer = server.accept()
        second = world.socket_in(app)
        second.bind(("10.0.1.60", 8443))
        second.listen()
        with second:
            expect_reaches(world, web, "10.0.1.60", 8443)
        network.interfaces[1] = replace(app, secondary=("10.0.1.61",))
        world.realize(spec(network))
        third = world.socket_in(app)
        third.bind(("10.0.1.61", 8443))
        third.listen()
        with third:
            expect_reaches(world, web, "10.0.1.61", 8443)
            expect_blocked(world, web, "10.0.1.60", 8443)
        gone = world.socket_in(app)
        with gone, pytest.raises(OSError):
            gone.bind(("10.0.1.60", 8443))
        living.sendall(b"alive")
        assert accepted.recv(5) == b"alive"
        accepted.close()


def test_a_secondary_address_moves_to_another_interface_in_one_turn(world: World) -> None:
    """AssignPrivateIpAddresses with AllowReassignment does this. Then the old owner's packets with it are forged."""
    network = Network()
    network.ingress[WEB] = [EVERYTHING]
    one = network.add(1, "10.0.1.5", WEB, secondary=("10.0.1.60",))
    two = network.add(2, "10.0.1.6", WEB)
    three = network.add(3, "10.0.1.7", WEB)
    world.realize(spec(network))
    network.interfaces[0] = replace(one, secondary=())
    network.interfaces[1] = replace(two, secondary=("10.0.1.60",))
    world.realize(spec(network))
    server = world.socket_in(two)
    server.bind(("10.0.1.60", 80))
    server.listen()
    with server:
        expect_reaches(world, three, "10.0.1.60", 80)


def test_an_elastic_ip_that_moves_ends_the_flows_of_its_old_owner(world: World) -> None:
    """It is disassociated and associated in one turn: the old connection is dead, and the new owner's works."""
    network = public_network()
    network.ingress[WEB] = [EVERYTHING]
    one, two = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", WEB)
    network.elastic[EIP] = one.address
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    with world.internet_server(INTERNET, 80) as server, world.listen(two, 443) as inner:
        old = world.connect(one, INTERNET, 80)
        accepted, _peer = server.accept()
        network.elastic[EIP] = two.address
        world.realize(spec(network))
        with world.connect(two, INTERNET, 80):
            assert accepted_peer(server) == EIP
        with inbound(world, EIP, 443):
            assert accepted_peer(inner) == INTERNET
        old.sendall(b"lost")
        expect_silence(world, accepted)
        old.close()
        accepted.close()


def test_a_detached_internet_gateway_and_a_deleted_nat_gateway_end_everything_through_them(world: World) -> None:
    """This includes connections to services beyond. The uplink namespace goes with the last gateway."""
    network, inner, _nat = nat_network()
    web = network.add(3, "10.0.1.5", WEB)
    network.elastic[EIP] = web.address
    network.add_far()
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    far = world.listener(network, "endpoint-https", "far-s3")
    with world.internet_server(INTERNET, 80) as server:
        clients = [world.connect(web, INTERNET, 80), world.connect(inner, INTERNET, 80)]
        ends = [server.accept()[0], server.accept()[0]]
        service = world.connect(inner, S3_ADDRESS, 443)
        accepted, _peer = _accept(far)
        network.nats, network.routes[2] = [], [Route(DEFAULT, "blackhole")]
        world.realize(spec(network))
        with pytest.raises(ConnectionError):
            service.recv(1)
        clients[0].sendall(b"alive")
        assert ends[0].recv(5) == b"alive"
        assert os.listdir(world.runtime / "uplink") == ["uplink"]
        network.gateway, network.elastic, network.routes[1] = False, {}, [Route(DEFAULT, "blackhole")]
        world.realize(spec(network))
        expect_blocked(world, web, INTERNET, 80)
        expect_blocked(world, web, S3_ADDRESS, 443)
        assert os.listdir(world.runtime / "uplink") == []
        for each in (*clients, *ends, service, accepted):
            each.close()
    assert ident("vpc", 1) in world.driver._kernel.routers
