"""AWS's rules, the compiled rules and the kernel agree for random networks with gateways and endpoints.

There are two VPCs with the same networks and addresses, and an internet. Each random network replaces the previous one
in the same namespaces, so that the comparison also tests the application of differences.
"""

from __future__ import annotations

import errno
import itertools
import random
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.semantics import Inbound, Packet, Verdict, decide
from reading_room.dataplane.rules.trace import Trace, trace
from reading_room.dataplane.spec import (
    CidrPeer,
    FlowEvent,
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
    API,
    API_ADDRESS,
    ELSEWHERE,
    INTERNET,
    S3,
    S3_ADDRESS,
    TCP,
    Network,
    World,
    spec,
)

pytestmark = pytest.mark.network

PLACES = ((1, "10.0.1.5", 1, "10.0.1.50"), (2, "10.0.1.6", 1, "10.0.1.60"), (3, "10.0.2.5", 2, "10.0.2.50"))
SERVICE, NAT_PUBLIC, NAT_PRIVATE = "10.0.2.20", "10.0.1.9", "10.0.2.9"
PUBLIC = {1: ("198.51.100.1", "198.51.100.2", "198.51.100.3"), 2: ("198.51.100.4", "198.51.100.5", "198.51.100.6")}
PACKETS = 70


def random_network(chance: random.Random, number: int) -> Network:
    """Return a random VPC."""
    network = Network(number, endpoint=chance.random() < 0.7, endpoint_in=chance.choice(([1], [2], [1, 2])))
    network.gateway = chance.random() < 0.8
    peers: list[Peer] = [
        *(GroupPeer(group) for group in GROUPS),
        PrefixListPeer(S3),
        PrefixListPeer(API),
        *[ANYWHERE] * 4,
        CidrPeer("10.0.0.0/16"),
        CidrPeer("198.51.100.0/24"),
        CidrPeer(f"{INTERNET}/32"),
        CidrPeer("10.0.1.9/32"),
    ]
    draw = RandomRules(chance, peers, number * 1000 + 1)
    network.ingress, network.egress = {g: draw(3) for g in GROUPS}, {g: draw(4) for g in GROUPS}
    for each, address, subnet, further in PLACES:
        if chance.random() < 0.9:
            groups = sorted(chance.sample(GROUPS, chance.choice((0, 1, 2, 2))))
            secondary = (further,) if chance.random() < 0.5 else ()
            network.add(each, address, *groups, subnet=subnet, secondary=secondary)
    _add_gateways(chance, network)
    return network


def _add_gateways(chance: random.Random, network: Network) -> None:
    """Add Elastic IPs, NAT gateways, endpoints and the routes to them."""
    private = [address for each in network.interfaces for address in each.addresses]
    first, second, third = PUBLIC[network.number]
    targets = ["blackhole", network.endpoint_id]
    if network.gateway:
        targets += [network.gateway_id] * 3
        chosen = chance.sample(private, min(len(private), chance.randint(0, 2)))
        network.elastic = dict(zip((first, second), chosen, strict=False))
    if chance.random() < 0.6:
        network.add_far()
    if chance.random() < 0.5:
        targets.append(network.add_nat(7, NAT_PRIVATE, subnet=2))
    if chance.random() < 0.7:
        targets += [network.add_nat(8, NAT_PUBLIC, *((third,) if network.gateway else ()))] * 3
    if chance.random() < 0.7:
        groups = sorted(chance.sample(GROUPS, chance.choice((0, 1, 2))))
        network.add_service(9, SERVICE, *groups, subnet=2)
    destinations = ["0.0.0.0/0", "0.0.0.0/0", f"{INTERNET}/32", "52.216.0.0/16", "52.94.0.0/22", "203.0.113.0/24"]
    for table, other in ((1, "10.0.2.0/24"), (2, "10.0.1.0/24")):
        found = dict.fromkeys(chance.sample(destinations, chance.randint(1, 3)))
        network.routes[table] = [Route(each, chance.choice([t for t in targets if t[0] != "v"])) for each in found]
        inside = [target for target in targets if target.startswith("nat-")]
        if inside and chance.random() < 0.3:
            network.routes[table].append(Route(other, chance.choice(inside)))


@dataclass
class Sent:
    """A sent packet: a connecting socket."""

    packet: Packet | Inbound
    client: socket.socket
    began: bool


def packets(chance: random.Random, networks: list[Network]) -> list[Packet | Inbound]:
    """Return random SYNs from the interfaces, and some from the internet."""
    found: list[Packet | Inbound] = []
    public = [address for each in PUBLIC.values() for address in each]
    there = [INTERNET, ELSEWHERE, S3_ADDRESS, API_ADDRESS, SERVICE, "10.0.1.99", "10.0.1.1", NAT_PUBLIC, *public]
    there += [address for _, first, _, second in PLACES for address in (first, second)]
    for network in networks:
        for sender in network.interfaces:
            if sender.container_id is None:
                continue
            for source in sender.addresses:
                found += [
                    Packet(network.vpc_id, sender.interface_id, address, TCP, port, source=source)
                    for address in there
                    if address not in sender.addresses
                    for port in PORTS
                ]
    inbound = [Inbound(INTERNET, address, TCP, port) for address in public for port in PORTS]
    return [*chance.sample(found, min(len(found), PACKETS)), *chance.sample(inbound, 6)]


class Ears:
    """Servers in every container and in the internet, and the driver's listeners, with the connections they got."""

    def __init__(self, world: World) -> None:
        """Listen in the internet. ``follow`` adds the containers."""
        self._world = world
        self._fixed: dict[str, list[socket.socket]] = {}
        self._internet = [world.internet_server(address, port) for address in (INTERNET, ELSEWHERE) for port in PORTS]

    def follow(self, networks: list[Network]) -> None:
        """Listen in the containers of these networks."""
        for interface in (each for network in networks for each in network.interfaces):
            if interface.container_id is not None and interface.container_id not in self._fixed:
                with namespaces.inside(self._world.containers[interface.container_id]):
                    servers = [socket.create_server(("0.0.0.0", port), backlog=64) for port in PORTS]
                self._fixed[interface.container_id] = servers

    def _everybody(self, networks: list[Network]) -> Iterator[tuple[str, socket.socket]]:
        owners = {each.container_id: each.interface_id for network in networks for each in network.interfaces}
        for container, servers in self._fixed.items():
            for server in servers:
                yield owners.get(container, "nobody"), server
        for server in self._internet:
            yield "", server
        for label, server in self._world.driver.listeners().items():
            if label.kind.startswith("endpoint"):
                yield f"{label.vpc_id} {label.endpoint_id}", server

    def heard(self, networks: list[Network]) -> dict[int, tuple[str, str]]:
        """Accept every waiting connection; return its receiver and its peer, by the number that it sends."""
        found = {}
        for name, server in self._everybody(networks):
            server.setblocking(False)
            while True:
                try:
                    accepted, peer = server.accept()
                except BlockingIOError:
                    break
                accepted.setblocking(False)
                try:
                    number = accepted.recv(4)
                    found[int.from_bytes(number, "big")] = (name, peer[0])
                except OSError:
                    pass  # It opened and was abandoned without sending a number.
                accepted.close()
        return found


def send(world: World, packet: Packet | Inbound, by_id: dict[str, Interface], port: int) -> Sent:
    """Begin to connect from a port.

    Never use a port twice, because records of a connection in an earlier network could be mistaken for this one's.
    """
    if isinstance(packet, Inbound):
        client = world.internet_socket(packet.source)
    else:
        client = world.socket_in(by_id[packet.interface_id])
        client.bind((packet.source, port))
    client.setblocking(False)
    return Sent(packet, client, client.connect_ex((packet.destination, packet.port)) in (0, errno.EINPROGRESS))


def recorded(events: list[FlowEvent], packet: Packet, port: int) -> set[str]:
    """Return the actions in the sender's own records of a packet."""
    return {
        each.action
        for each in events
        if each.direction == "egress"
        and (each.interface_id, each.source_port) == (packet.interface_id, port)
        and (each.destination, each.destination_port) == (packet.destination, packet.port)
    }


def compare(
    world: World,
    ears: Ears,
    chance: random.Random,
    networks: list[Network],
    desired: NetworkSpec,
    ports: Iterator[int],
) -> set[str]:
    """Send packets and assert that all three answers agree; return the outcomes that occurred."""
    config = compile_host(desired)
    by_id = {each.interface_id: each for network in networks for each in network.interfaces}
    sent = [send(world, packet, by_id, next(ports)) for packet in packets(chance, networks)]
    world.let_arrive()
    _, ready, _ = select.select([], [each.client for each in sent if each.began], [], 0)
    opened = {number for number, each in enumerate(sent) if each.client in ready}
    for number in opened:
        assert sent[number].client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0, sent[number].packet
        sent[number].client.sendall(number.to_bytes(4, "big"))
    world.let_arrive()
    heard = ears.heard(networks)
    events = world.all_flows()
    outcomes: set[str] = set()
    for number, each in enumerate(sent):
        verdict, walked = decide(desired, each.packet), trace(config, each.packet)
        outcomes.add(verdict.outcome)
        story = f"{each.packet}\n{verdict}\n{walked.table()}"
        judge(verdict, walked, heard.get(number), number in opened, each.packet, story)
        if isinstance(each.packet, Packet):
            action = {"refused-egress": {"REJECT"}, "ignored": set[str](), "spoofed": set[str]()}
            expected = action.get(verdict.outcome, {"ACCEPT"})
            if each.packet.destination == "10.0.1.1":
                expected = set()
            found = recorded(events, each.packet, each.client.getsockname()[1])
            assert found == expected, f"{found}\n{story}"
        each.client.close()
    return outcomes


def judge(
    verdict: Verdict,
    walked: Trace,
    heard: tuple[str, str] | None,
    opened: bool,
    packet: Packet | Inbound,
    story: str,
) -> None:
    """Assert that AWS's rules, the compiled rules and the packet's real fate agree."""
    assert (walked.outcome, walked.delivered_to, walked.source, walked.answered) == (
        verdict.outcome,
        verdict.delivered_to,
        verdict.source,
        verdict.answered,
    ), story
    outside = verdict.outcome == "left" and packet.destination in (INTERNET, ELSEWHERE)
    arrives = (verdict.delivered or outside) and verdict.answered
    assert opened == arrives, story
    if arrives:
        assert heard is not None, story
        name, peer = heard
        assert name.split(" ")[-1] == verdict.delivered_to, f"{heard}\n{story}"
        assert peer == verdict.source, f"{heard}\n{story}"
        if " " in name and isinstance(packet, Packet):
            assert name.startswith(packet.vpc_id), f"{heard}\n{story}"


def run(world: World, seeds: range) -> None:
    """Compare one random network after the other."""
    world.make_internet()
    ears = Ears(world)
    ports = itertools.cycle(range(20000, 65000))
    outcomes: set[str] = set()
    for seed in seeds:
        chance = random.Random(seed)
        networks = [random_network(chance, number) for number in (1, 2)]
        desired = spec(*networks)
        world.realize(desired)
        if any(network.gateway for network in networks):
            world.route_back()
        ears.follow(networks)
        outcomes |= compare(world, ears, chance, networks, desired, ports)
    assert outcomes >= {"delivered", "refused-egress", "refused-ingress", "unrouted", "left"}


@pytest.mark.costs(11, reason="twenty-five pairs of VPCs are realized, with seventy packets each")
@pytest.mark.parametrize("part", range(4))
def test_promise_rules_and_kernel_agree_beyond_the_vpc(world: World, part: int) -> None:
    """Each part has twenty-five random pairs of VPCs, with seventy packets or more."""
    run(world, range(part * 25, part * 25 + 25))


@pytest.mark.fuzz
@pytest.mark.timeout(1200)
def test_promise_rules_and_kernel_agree_at_length(world: World) -> None:
    """This is a longer run, with other networks each time."""
    first = random.SystemRandom().randrange(1000, 10**9)
    run(world, range(first, first + 500))
