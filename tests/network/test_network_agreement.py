"""Three answers about a packet, compared: AWS's rules, the compiled rules, and what the kernel really does.

Other tests compare the first two for thousands of networks. Here a smaller set of random networks is realized, every
packet is a real SYN, and the flow events must agree, too.
"""

from __future__ import annotations

import random
import select
import socket

import pytest

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.semantics import Packet, Verdict, decide
from reading_room.dataplane.rules.trace import trace
from reading_room.dataplane.spec import (
    CidrPeer,
    GroupPeer,
    Interface,
    NetworkSpec,
    Peer,
    PrefixListPeer,
    Route,
)
from tests.worlds.agreement import GROUPS, PORTS, RandomRules
from tests.worlds.network import (
    ANYWHERE,
    PREFIX_LISTS,
    S3,
    TCP,
    Network,
    World,
    ident,
    spec,
)

pytestmark = pytest.mark.network

PLACES = (("10.0.1.5", 1), ("10.0.1.6", 1), ("10.0.2.5", 2), ("10.0.2.6", 2))
TAKER = ident("eni", 1001)
"""The interface at the first place. Routes may lead packets for other addresses to it."""
FOREIGN = ("52.216.0.10", "52.217.200.1", "3.5.0.9", "198.51.100.7", "10.0.1.99", "10.0.1.1", "169.254.170.1")


def random_network(seed: int) -> Network:
    """Return a small network: three groups with a few rules each, four interfaces, and random routes."""
    chance = random.Random(seed)
    peers: list[Peer] = [
        *(GroupPeer(group) for group in GROUPS),
        PrefixListPeer(S3),
        ANYWHERE,
        CidrPeer("10.0.0.0/16"),
        CidrPeer("10.0.2.0/24"),
        CidrPeer("10.0.1.5/32"),
        CidrPeer("52.216.0.0/16"),
    ]
    draw = RandomRules(chance, peers, 1)
    network = Network(
        ingress={group: draw(3) for group in GROUPS},
        egress={group: draw(4) for group in GROUPS},
        endpoint_in=chance.choice(([1], [2], [1, 2], [])),
        extra_routes=chance.choice(
            (
                [],
                [Route("52.217.0.0/16", "blackhole")],
                [Route("0.0.0.0/0", "blackhole")],
                [Route("3.5.0.0/19", "blackhole")],
                [Route("198.51.100.0/24", TAKER), Route("52.217.0.0/16", TAKER)],
                [Route("10.0.2.0/24", TAKER), Route("10.0.1.0/24", TAKER)],
            )
        ),
    )
    for place, (address, subnet) in enumerate(PLACES):
        groups = chance.sample(GROUPS, chance.choice((0, 1, 1, 2)))
        network.add(place + 1, address, *sorted(groups), subnet=subnet)
    return network


def packets(network: Network) -> list[tuple[Interface, Packet]]:
    """Return a SYN from every interface to every other and to foreign addresses, at every port."""
    return [
        (sender, Packet(network.vpc_id, sender.interface_id, destination, TCP, port))
        for sender in network.interfaces
        for destination in (*(address for address, _ in PLACES if address != sender.address), *FOREIGN)
        for port in PORTS
    ]


def who_accepted(world: World, servers: dict[int, tuple[str, socket.socket]]) -> dict[tuple[str, int], str]:
    """Return the interface or endpoint whose listener has a connection, by the sender's address and port."""
    found: dict[tuple[str, int], str] = {}
    listeners = dict(servers)
    for label, opened in world.driver.listeners().items():
        if label.kind.startswith("endpoint"):
            listeners[opened.fileno()] = (str(label.endpoint_id), opened)
    for name, opened in listeners.values():
        opened.setblocking(False)
        while True:
            try:
                connection, peer = opened.accept()
            except BlockingIOError:
                break
            connection.close()
            found[peer[0], peer[1]] = name
    return found


def expected_events(sender: Interface, packet: Packet, verdict: Verdict) -> set[tuple[str, str, str]]:
    """Return interface, direction and action of the events that follow from a verdict, without replies.

    Packets to the router's own addresses are not recorded, allowed or not.
    """
    if packet.destination in ("10.0.1.1", "169.254.170.1"):
        return set()
    if verdict.outcome == "refused-egress":
        return {(sender.interface_id, "egress", "REJECT")}
    return {(sender.interface_id, "egress", "ACCEPT")}


@pytest.mark.parametrize("seed", range(8))
def test_promise_rules_and_kernel_agree(world: World, seed: int) -> None:
    """Every packet of a random network ends where all three say, and the flow log agrees."""
    network = random_network(seed)
    desired: NetworkSpec = spec(network)
    assert desired.prefix_lists == PREFIX_LISTS
    world.realize(desired)
    config = compile_host(desired)
    places = {each.interface_id: each.address for each in network.interfaces}
    servers: dict[int, tuple[str, socket.socket]] = {}
    for interface in network.interfaces:
        for port in PORTS:
            server = world.listen(interface, port)
            servers[server.fileno()] = (interface.interface_id, server)
    sent: list[tuple[Interface, Packet, socket.socket]] = []
    for sender, packet in packets(network):
        client = world.socket_in(sender)
        client.setblocking(False)
        client.bind((sender.address, 0))
        client.connect_ex((packet.destination, packet.port))
        sent.append((sender, packet, client))
    world.let_arrive()
    _, opened, _ = select.select([], [client for *_, client in sent], [], 0)
    connected = {client for client in opened if client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0}
    accepted = who_accepted(world, servers)
    events: dict[tuple[str, int, str, int], set[tuple[str, str, str]]] = {}
    for each in world.flows(network):
        key = (each.source, each.source_port, each.destination, each.destination_port)
        events.setdefault(key, set()).add((each.interface_id, each.direction, each.action))
    outcomes = set()
    for sender, packet, client in sent:
        where = client.getsockname()
        verdict, walked = decide(desired, packet), trace(config, packet)
        outcomes.add(verdict.outcome)
        story = f"{sender.address} to {packet.destination}:{packet.port}: {verdict.sentence}\n{walked.table()}"
        assert (walked.outcome, walked.delivered_to) == (verdict.outcome, verdict.delivered_to), story
        assert (client in connected) == verdict.delivered, story
        assert accepted.get((where[0], where[1]), "") == (verdict.delivered_to if verdict.delivered else ""), story
        wanted = expected_events(sender, packet, verdict)
        last = verdict.hops[-1].component_id
        arrived = verdict.outcome in ("delivered", "forwarded", "refused-ingress")
        if arrived and last in places:
            wanted.add((last, "ingress", "REJECT" if verdict.outcome == "refused-ingress" else "ACCEPT"))
        # A packet that was led to an interface is recorded there with that interface's own address.
        shown = {packet.destination, places[last]} if arrived and last in places else {packet.destination}
        found = [events.get((where[0], where[1], each, packet.port), set()) for each in shown]
        assert set().union(*found) == wanted, story
    assert len(outcomes) > 1
    for *_, client in sent:
        client.close()
