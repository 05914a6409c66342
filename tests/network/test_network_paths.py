"""Which interfaces reach each other: functional checks of the rules with real packets."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.spec import (
    LOCAL_CREDENTIALS_ADDRESS,
    LOCAL_ENDPOINT_ADDRESS,
    LOCAL_RESOLVER_ADDRESS,
    CidrPeer,
    Endpoint,
    GroupPeer,
    Interface,
    NetworkSpec,
    PrefixListPeer,
    Route,
    endpoint_ports,
)
from tests.worlds.network import (
    ANYWHERE,
    APP,
    EVERYTHING,
    ICMP,
    MUTE,
    S3,
    S3_ADDRESS,
    TCP,
    UDP,
    WEB,
    Network,
    World,
    ask_by_udp,
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


def three(network: Network) -> tuple[Interface, Interface, Interface]:
    """Attach one interface of each group; the third is in the other subnet."""
    return (
        network.add(1, "10.0.1.5", WEB),
        network.add(2, "10.0.1.6", APP),
        network.add(3, "10.0.2.7", MUTE, subnet=2),
    )


def test_a_group_reference_allows_only_its_members(world: World) -> None:
    """WEB reaches APP at 8443. Packets to another port, or from other groups, are dropped."""
    network = Network()
    web, app, mute = three(network)
    world.realize(spec(network))
    with world.listen(app, 8443), world.listen(app, 22), world.listen(web, 80):
        expect_reaches(world, web, app, 8443)
        expect_blocked(world, web, app, 22)
        expect_blocked(world, app, web, 80)
        expect_blocked(world, mute, app, 8443)


def test_an_egress_rule_is_needed_even_where_the_receiver_takes_everything(world: World) -> None:
    """The sender's groups judge first."""
    network = Network()
    web, app, _mute = three(network)
    network.ingress[WEB] = [EVERYTHING]
    world.realize(spec(network))
    with world.listen(web, 80):
        expect_blocked(world, app, web, 80)
        network.egress[APP].append(rule(3, GroupPeer(WEB), TCP, 80))
        world.realize(spec(network))
        expect_reaches(world, app, web, 80)


def test_an_interface_without_groups_is_mute(world: World) -> None:
    """Nothing passes in or out, not even to a receiver that allows everything."""
    network = Network()
    web, _app, _mute = three(network)
    bare = network.add(4, "10.0.1.9")
    network.ingress[WEB] = [EVERYTHING]
    world.realize(spec(network))
    with world.listen(web, 80), world.listen(bare, 80):
        expect_blocked(world, bare, web, 80)
        expect_blocked(world, web, bare, 80)


def test_two_subnets_and_one_subnet_are_judged_alike(world: World) -> None:
    """Neighbours share no wire, so the same rule decides within a subnet and between subnets."""
    network = Network()
    network.ingress[WEB] = [rule(4, GroupPeer(WEB), TCP, 80)]
    one, two = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", WEB)
    far = network.add(3, "10.0.2.5", WEB, subnet=2)
    world.realize(spec(network))
    with world.listen(two, 80), world.listen(far, 80), world.listen(two, 81), world.listen(far, 81):
        expect_reaches(world, one, two, 80)
        expect_reaches(world, one, far, 80)
        expect_blocked(world, one, two, 81)
        expect_blocked(world, one, far, 81)


def test_s3_is_reached_through_the_endpoint_and_the_listener_sees_the_caller(world: World) -> None:
    """The accepting socket tells the endpoint, the peer address the interface. The original destination is known."""
    network = Network()
    _web, app, _mute = three(network)
    world.realize(spec(network))
    listener = world.listener(network, "endpoint-https")
    with world.connect(app, S3_ADDRESS, 443) as client:
        accepted, peer = listener.accept()
        raw = accepted.getsockopt(socket.SOL_IP, 80, 16)
        assert peer[0] == app.address
        assert (socket.inet_ntoa(raw[4:8]), int.from_bytes(raw[2:4], "big")) == (S3_ADDRESS, 443)
        client.sendall(b"hello")
        assert accepted.recv(5) == b"hello"
        accepted.sendall(b"x" * 100_000)
        got = 0
        while got < 100_000:
            got += len(client.recv(65536))
        accepted.close()


def test_s3_by_http_arrives_at_the_other_listener(world: World) -> None:
    """Ports 80 and 443 have two listeners of one endpoint."""
    network = Network()
    network.egress[APP] = [rule(2, PrefixListPeer(S3), TCP, 80)]
    _web, app, _mute = three(network)
    world.realize(spec(network))
    with world.connect(app, S3_ADDRESS, 80):
        accepted, peer = world.listener(network, "endpoint-http").accept()
        accepted.close()
    assert peer[0] == app.address


def test_s3_needs_the_group_the_port_and_the_route(world: World) -> None:
    """Each of these blocks it: a port without a rule, a group without the prefix list, a table without the route."""
    network = Network()
    web, app, mute = three(network)
    far = network.add(5, "10.0.2.8", WEB, subnet=2)
    world.realize(spec(network))
    expect_reaches(world, app, S3_ADDRESS, 443)
    expect_reaches(world, web, S3_ADDRESS, 443)
    expect_blocked(world, app, S3_ADDRESS, 80)
    expect_blocked(world, app, S3_ADDRESS, 22)
    expect_blocked(world, mute, S3_ADDRESS, 443)
    expect_blocked(world, far, S3_ADDRESS, 443)


def test_the_endpoint_has_no_address_that_can_be_called(world: World) -> None:
    """Its port on the router accepts only translated connections."""
    network = Network()
    web, _app, _mute = three(network)
    vpc = network.build()
    http, https = endpoint_ports(vpc.endpoints[0])
    world.realize(spec(network))
    for port in (http, https):
        expect_blocked(world, web, LOCAL_ENDPOINT_ADDRESS, port)
    expect_blocked(world, web, "10.0.1.1", https)
    expect_blocked(world, web, "10.0.0.2", https)


def test_a_more_specific_blackhole_beats_the_prefix_list(world: World) -> None:
    """The longest prefix wins, so a part of S3's networks can lead nowhere."""
    network = Network()
    network.extra_routes = [Route("52.216.0.0/24", "blackhole")]
    web, _app, _mute = three(network)
    world.realize(spec(network))
    expect_blocked(world, web, S3_ADDRESS, 443)
    expect_reaches(world, web, "52.217.0.10", 443)


def test_resolver_and_credentials_are_reached_without_any_group(world: World) -> None:
    """Both resolver addresses (by UDP and TCP) and the credentials address are reached, and no other of the router."""
    network = Network()
    _web, _app, mute = three(network)
    world.realize(spec(network))
    for address in ("10.0.0.2", LOCAL_RESOLVER_ADDRESS):
        expect_reaches(world, mute, address, 53)
        expect_blocked(world, mute, address, 80)
        labels = [each for each in world.driver.listeners() if each.kind == "resolver-udp"]
        listener = world.driver.listeners()[next(each for each in labels if each.address == address)]
        with ask_by_udp(world, mute, address, 53, b"question") as client:
            listener.settimeout(DEADLINE)
            question, sender = listener.recvfrom(100)
            assert (question, sender[0]) == (b"question", mute.address)
            listener.sendto(b"answer", sender)
            assert client.recv(100) == b"answer"
    with world.connect(mute, LOCAL_CREDENTIALS_ADDRESS, 80):
        accepted, peer = world.listener(network, "credentials").accept()
        accepted.close()
    assert peer[0] == mute.address
    expect_blocked(world, mute, LOCAL_CREDENTIALS_ADDRESS, 53)


def test_echo_requests_pass_where_both_groups_allow_icmp(world: World) -> None:
    """A type is allowed in one direction, and the answer belongs to it."""
    network = Network()
    network.ingress[APP].append(rule(5, GroupPeer(WEB), ICMP, 8, -1))
    web, app, mute = three(network)
    world.realize(spec(network))
    assert ping(world, web, app.address)
    assert not ping(world, app, web.address)
    assert not ping(world, mute, app.address)
    assert not ping(world, web, "10.0.1.1")


def test_udp_answers_pass_and_unsolicited_datagrams_do_not(world: World) -> None:
    """Groups are stateful in both directions."""
    network = Network()
    network.ingress[APP].append(rule(6, CidrPeer("10.0.1.5/32"), UDP, 9000))
    web, app, _mute = three(network)
    world.realize(spec(network))
    server = world.socket_in(app, socket.SOCK_DGRAM)
    server.settimeout(DEADLINE)
    server.bind((app.address, 9000))
    with server, ask_by_udp(world, web, app.address, 9000) as client:
        _question, sender = server.recvfrom(100)
        server.sendto(b"answer", sender)
        assert client.recv(100) == b"answer"
        server.sendto(b"unasked", (web.address, sender[1] ^ 1))
        expect_silence(world, client)


def test_vpcs_with_the_same_addresses_do_not_meet(world: World) -> None:
    """With the same network and addresses, each connection stays in its VPC, and each endpoint sees only its own."""
    first, second = Network(1), Network(2)
    servers = {}
    for network in (first, second):
        network.ingress[WEB] = [EVERYTHING]
        network.add(1, "10.0.1.5", WEB)
        servers[network.number] = network.add(2, "10.0.1.6", WEB)
    world.realize(spec(first, second))
    with world.listen(servers[1], 80) as one, world.listen(servers[2], 80) as two:
        for network, server in ((first, one), (second, two)):
            with world.connect(network.interfaces[0], "10.0.1.6", 80) as client:
                accepted, _peer = server.accept()
                client.sendall(network.vpc_id.encode())
                assert accepted.recv(100).decode() == network.vpc_id
                accepted.close()
            with world.connect(network.interfaces[0], S3_ADDRESS, 443):
                accepted, _peer = world.listener(network, "endpoint-https").accept()
                accepted.close()
        one.setblocking(False)
        two.setblocking(False)
        for server in (one, two):
            with pytest.raises(BlockingIOError):
                server.accept()


def test_the_world_outside_is_not_reached(world: World) -> None:
    """Neither the agent's own namespace, nor a foreign address, nor another VPC is reached."""
    first, second = Network(1), Network(2, "10.9.0.0/16")
    web = first.add(1, "10.0.1.5", WEB)
    other = second.add(1, "10.9.1.5", WEB)
    second.ingress[WEB] = [EVERYTHING]
    world.realize(spec(first, second))
    host = socket.socket()
    host.bind(("0.0.0.0", 4566))
    host.listen()
    with host, world.listen(other, 80):
        for address, port in (("198.51.100.7", 443), ("10.9.1.5", 80), ("10.9.1.1", 80), ("10.0.1.1", 4566)):
            expect_blocked(world, web, address, port)
        with pytest.raises(ConnectionRefusedError):
            world.connect(web, "127.0.0.1", 4566)


def test_a_forged_source_address_is_dropped(world: World) -> None:
    """Device and source address must belong together, even if the address is a neighbour's."""
    network = Network()
    network.ingress[APP] = [rule(7, ANYWHERE, UDP, 9000)]
    web, app, _mute = three(network)
    world.realize(spec(network))
    server = world.socket_in(app, socket.SOCK_DGRAM)
    server.bind((app.address, 9000))
    with server:
        for source in ("10.0.2.7", "192.0.2.1"):
            assert web.container_id is not None
            with namespaces.inside(world.containers[web.container_id]):
                liar = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            datagram = b"\x23\x28\x23\x28\x00\x0c\x00\x00lies"
            header = b"\x45\x00\x00\x20\x00\x01\x00\x00\x40\x11\x00\x00"
            header += socket.inet_aton(source) + socket.inet_aton(app.address)
            liar.sendto(header + datagram, (app.address, 0))
            liar.close()
            expect_silence(world, server)


def test_the_public_endpoint_serves_every_table_of_the_service_network(world: World) -> None:
    """No route to it is needed. Jobs without a VPC use it in this way."""
    network = Network(endpoint=False)
    web, _app, mute = three(network)
    vpc = replace(network.build(), endpoints=(Endpoint(ident("vpce", 9), "public", "s3", S3, 7),))
    world.realize(NetworkSpec((vpc,), spec(network).prefix_lists))
    with world.connect(web, S3_ADDRESS, 443):
        accepted, peer = world.listener(network, "endpoint-https").accept()
        accepted.close()
    assert peer[0] == web.address
    expect_blocked(world, mute, S3_ADDRESS, 443)
    expect_blocked(world, web, "198.51.100.7", 443)
