"""Attacks with floods, scans, old connections, gateways and other VPCs: more of the list in docs/attacks.md."""

from __future__ import annotations

import errno
import select
import time
from dataclasses import replace

import pytest

from reading_room.dataplane.rules.compile.base_chains import DNS_PACKETS_PER_SECOND, MOST_CONNECTIONS
from reading_room.dataplane.rules.uplink import UPLINK_HOP
from reading_room.dataplane.spec import (
    LOCAL_CREDENTIALS_ADDRESS,
    LOCAL_ENDPOINT_ADDRESS,
    LOCAL_RESOLVER_ADDRESS,
    Interface,
)
from tests.worlds.attack import (
    ACK,
    OPEN,
    PSH,
    SYN,
    Street,
    Wire,
    ip,
    quiet,
    street,
    tcp,
    udp,
)
from tests.worlds.gateway import EIP, OTHER_EIP, public_network
from tests.worlds.network import (
    ANYWHERE,
    APP,
    EVERYTHING,
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
    rule,
    spec,
)
from tests.worlds.waiting import DEADLINE

pytestmark = pytest.mark.network


def opened(world: World, sender: Interface, targets: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """Connect to all at once; return those that opened or answered with a reset."""
    poll, clients = select.poll(), {}
    for target in targets:
        client = world.socket_in(sender)
        client.setblocking(False)
        assert client.connect_ex(target) == errno.EINPROGRESS
        clients[client.fileno()] = (client, target)
        poll.register(client, select.POLLOUT)
    world.let_arrive()
    found = {clients[descriptor][1] for descriptor, _events in poll.poll(0)}
    for client, _target in clients.values():
        client.close()
    return found


# The router


def test_port_scan_of_the_router(world: World) -> None:
    place = street(world)
    for address, services in (
        ("10.0.1.1", set()),
        ("10.0.0.2", {53}),
        (LOCAL_RESOLVER_ADDRESS, {53}),
        (LOCAL_CREDENTIALS_ADDRESS, {80}),
    ):
        ports = [*range(1, 400), 443, 4566, 8080, 20_002, 20_003, 65_535]
        found = opened(world, place.attacker, [(address, port) for port in ports])
        assert {port for _, port in found} == services
    assert place.counter("the router answers nobody", "pre_route") > 1200


def test_listeners_of_endpoints_called_directly(world: World) -> None:
    place = street(world)
    targets = [(LOCAL_ENDPOINT_ADDRESS, port) for port in (80, 443, *range(20_000, 20_200))]
    assert opened(world, place.attacker, targets) == set()
    wire = place.wire()
    for port in (20_002, 20_003):
        wire.send(
            ip(place.address, LOCAL_ENDPOINT_ADDRESS, TCP, tcp(place.address, LOCAL_ENDPOINT_ADDRESS, port, SYN)),
            ip(S3_ADDRESS, LOCAL_ENDPOINT_ADDRESS, TCP, tcp(S3_ADDRESS, LOCAL_ENDPOINT_ADDRESS, port, SYN)),
        )
    assert quiet(wire.seen())
    assert place.counter("the router answers nobody", "pre_route") > 200
    expect_reaches(world, place.attacker, S3_ADDRESS, 443)


# Floods


def test_flood_of_connections(world: World) -> None:
    place = street(world)
    place.keep_flows()
    # The victim does not answer, because a refusal would end each connection at once.
    place.in_container(place.victim, "ip", "route", "add", "blackhole", f"{place.address}/32")
    wire, to = place.wire(), place.victim.address
    for port in range(1, MOST_CONNECTIONS + 2_001):
        wire.send(ip(place.address, to, TCP, tcp(place.address, to, OPEN, SYN, from_port=port)))
    assert place.tracked() <= MOST_CONNECTIONS + 10
    assert place.counter("contained", "end_contained") >= 1_900
    assert place.works()
    assert (place.address, place.victim.address, TCP) in place.refused()


def test_flood_of_datagrams_to_everywhere(world: World) -> None:
    place = street(world)
    place.keep_flows()
    place.network.ingress[APP].append(rule(7, ANYWHERE, UDP, 0, 65_535))
    world.realize(spec(place.network))
    wire = place.wire()
    for number in range(MOST_CONNECTIONS + 2_000):
        wire.send(ip(place.address, place.victim.address, UDP, udp(1 + number % 60_000, from_port=4000 + number % 7)))
    assert place.tracked() <= MOST_CONNECTIONS + 10
    assert place.counter("contained", "end_contained") >= 1_900
    assert place.works()


def test_flood_from_forged_sources(world: World) -> None:
    place = street(world)
    wire = place.wire()
    for number in range(5_000):
        source = f"10.0.{number % 250}.{10 + number // 250}"
        wire.send(ip(source, place.victim.address, TCP, tcp(source, place.victim.address, OPEN, SYN)))
    assert place.tracked() == 0
    assert place.counter("not its own address") == 5_000
    assert place.works()


def test_flood_of_questions(world: World) -> None:
    """The flood continues until most of it was dropped. As many packets pass as its duration in seconds allows."""
    place = street(world)
    wire = place.wire()
    listener = world.listener(place.network, "resolver-udp")
    listener.settimeout(DEADLINE)
    began, sent, dropped = time.monotonic(), 0, 0
    while dropped <= 2 * DNS_PACKETS_PER_SECOND:
        for port in range(1024, 1024 + DNS_PACKETS_PER_SECOND):
            wire.send(ip(place.address, listener.getsockname()[0], UDP, udp(53, from_port=port)))
        world.let_arrive()
        sent, dropped = sent + DNS_PACKETS_PER_SECOND, place.counter("resolver rate", "pre_egress")
    # One second's limit may pass at once, and after that one limit for each further second.
    assert sent - dropped <= DNS_PACKETS_PER_SECOND * (1 + time.monotonic() - began)
    while listener in select.select([listener], [], [], 0)[0]:
        listener.recvfrom(100)
    with ask_by_udp(world, place.bystander, listener.getsockname()[0], 53, b"question"):
        assert listener.recvfrom(100)[1][0] == place.bystander.address


# Time


def test_packets_of_a_connection_that_was_cut(world: World) -> None:
    place = street(world)
    client = world.connect(place.attacker, S3_ADDRESS, 443)
    listener = world.listener(place.network, "endpoint-https")
    accepted, (_peer, port) = listener.accept()
    place.network.endpoint = False
    world.realize(spec(place.network))
    accepted.close()
    wire = place.wire()
    place.events()
    wire.send(
        *(
            ip(place.address, S3_ADDRESS, TCP, tcp(place.address, S3_ADDRESS, 443, flags, from_port=port, at=at))
            for flags in (ACK, PSH | ACK)
            for at in (1, 1_000, 100_000)
        )
    )
    assert quiet([packet for packet in wire.seen() if packet[9] != TCP])
    assert (place.address, S3_ADDRESS, TCP) in place.refused()
    client.close()


def test_connections_of_an_address_that_has_a_new_owner(world: World) -> None:
    place = street(world)
    with world.listen(place.victim, OPEN) as server:
        client = world.connect(place.attacker, place.victim.address, OPEN)
        accepted, (_peer, port) = server.accept()
        # The attacker is gone, and another interface has its address. Packets of the old connection are invalid.
        place.network.interfaces = [place.victim, place.bystander]
        heir = place.network.add(9, place.address, WEB)
        world.realize(spec(place.network))
        place.events()
        there, wire = place.wire(place.victim), Wire(world, heir)
        segment = tcp(place.address, place.victim.address, OPEN, PSH | ACK, from_port=port)
        wire.send(ip(place.address, place.victim.address, TCP, segment))
        assert quiet(there.seen())
        accepted.sendall(b"for the old owner")
        assert quiet(wire.seen())
        client.close()
        accepted.close()
    refused = {each.interface_id for each in place.events() if each.action == "REJECT"}
    assert refused == {heir.interface_id, place.victim.interface_id}


# Gateways and other VPCs


def test_hairpin_to_an_elastic_ip(world: World) -> None:
    network = public_network()
    network.ingress[APP] = [rule(5, replace(ANYWHERE, cidr="10.0.0.0/16"), TCP, OPEN)]
    victim, attacker, plain = (
        network.add(1, "10.0.1.6", APP),
        network.add(2, "10.0.1.5", WEB),
        network.add(3, "10.0.1.7", WEB),
    )
    network.elastic = {EIP: victim.address, OTHER_EIP: attacker.address}
    world.realize(spec(network))
    with world.listen(victim, OPEN):
        # From the group's network the private address opens. By the public address, the sender has a public one, too.
        expect_reaches(world, attacker, victim, OPEN)
        for sender in (attacker, plain):
            expect_blocked(world, sender, EIP, OPEN)
        expect_blocked(world, attacker, OTHER_EIP, OPEN)
    found = {(each.interface_id, each.source, each.action) for each in world.flows(network)}
    assert (plain.interface_id, plain.address, "ACCEPT") in found
    assert (victim.interface_id, OTHER_EIP, "REJECT") in found


def test_addresses_of_the_uplink(world: World) -> None:
    network = public_network()
    network.ingress[WEB] = [EVERYTHING]
    attacker = network.add(1, "10.0.1.5", WEB)
    network.elastic[EIP] = attacker.address
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    place = Street(world, network, attacker, attacker, attacker)
    wire = place.wire()
    targets = [(UPLINK_HOP, port) for port in (22, 53, 80, 443)] + [("169.254.254.1", 80), ("198.51.100.200", 80)]
    assert opened(world, attacker, targets) == set()
    # A packet with the source of the gateway's own wire, or with the public address itself, is forged.
    wire.send(*(ip(source, "203.0.113.9", TCP, tcp(source, "203.0.113.9", 80, SYN)) for source in (EIP, UPLINK_HOP)))
    assert quiet(wire.seen())
    assert {(EIP, "203.0.113.9", TCP), (UPLINK_HOP, "203.0.113.9", TCP)} <= place.refused()


def test_two_vpcs_with_equal_networks_and_addresses(world: World) -> None:
    """Both have the same addresses and groups that allow everything, but no packet of one reaches the other."""
    mine, theirs = Network(1), Network(2)
    for network in (mine, theirs):
        network.ingress[WEB] = [EVERYTHING]
        for number, address in ((1, "10.0.1.5"), (2, "10.0.1.6")):
            network.add(number, address, WEB)
    only_theirs = theirs.add(3, "10.0.1.7", WEB)
    world.realize(spec(mine, theirs))
    attacker = mine.interfaces[0]
    wire = Wire(world, attacker)
    watched = [Wire(world, each) for each in theirs.interfaces]
    targets = ("10.0.1.5", "10.0.1.6", "10.0.1.7", "10.0.1.255", "224.0.0.1")
    for source in ("10.0.1.5", "10.0.1.7"):
        wire.send(*(ip(source, to, UDP, udp(9000)) for to in targets))
        wire.send(*(ip(source, to, TCP, tcp(source, to, OPEN, SYN)) for to in targets))
    with world.listen(only_theirs, OPEN), world.listen(theirs.interfaces[1], OPEN):
        expect_blocked(world, attacker, "10.0.1.7", OPEN)
        with pytest.raises(OSError):  # This VPC has its own 10.0.1.6, and nobody listens there.
            world.connect(attacker, "10.0.1.6", OPEN)
    for each in watched:
        assert quiet(each.seen())
    events = world.all_flows()
    assert {each.vpc_id for each in events} == {mine.vpc_id}
    # A forged answer in one VPC to a request in the other belongs to no flow.
    with ask_by_udp(world, theirs.interfaces[0], "10.0.1.6", 9000) as asking:
        port = asking.getsockname()[1]
        wire.send(
            ip("10.0.1.5", "10.0.1.5", UDP, udp(port)), ip("10.0.1.6", "10.0.1.5", UDP, udp(port, from_port=9000))
        )
        world.let_arrive()
        asking.setblocking(False)
        with pytest.raises((BlockingIOError, ConnectionRefusedError)):
            asking.recv(100)
    listeners = [
        each for each in world.driver.listeners() if each.kind == "resolver-udp" and each.address == "10.0.0.2"
    ]
    (listening,) = (world.driver.listeners()[each] for each in listeners if each.vpc_id == mine.vpc_id)
    (others,) = (world.driver.listeners()[each] for each in listeners if each.vpc_id == theirs.vpc_id)
    with ask_by_udp(world, attacker, "10.0.0.2", 53, b"whose resolver"):
        expect_silence(world, others)
        assert listening.recv(100) == b"whose resolver"
