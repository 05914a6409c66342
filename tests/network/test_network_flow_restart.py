"""Flow logs across a restart of the agent: no accepted packet is lost, and none is reported twice."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.linux.flow_counts import Tallies
from reading_room.dataplane.linux.flow_watch import Watch
from reading_room.dataplane.rules.flow_places import Places
from reading_room.dataplane.spec import CidrPeer
from tests.worlds.network import APP, UDP, WEB, Network, World, rule, spec

pytestmark = pytest.mark.network

HEADERS = 52
"""The bytes of an IPv4 and a TCP header with timestamps. A SYN has eight more."""


class Sending:
    """A connection, and the sum of its sender's packets in flow events."""

    def __init__(self, world: World, network: Network, interface_id: str, sender: socket.socket) -> None:
        self.world = world
        self.network = network
        self.interface_id = interface_id
        self.sender = sender
        self.packets = self.bytes = self.sent = 0

    def send(self, receiver: socket.socket, size: int) -> None:
        self.sender.sendall(b"x" * size)
        assert len(receiver.recv(size, socket.MSG_WAITALL)) == size
        self.sent += size

    def is_counted(self) -> bool:
        """Add the new events; return whether the sum is exactly what was sent so far."""
        for event in self.world.flows(self.network):
            if (event.interface_id, event.direction) == (self.interface_id, "egress"):
                self.packets += event.packets
                self.bytes += event.bytes
        return self.bytes == HEADERS * self.packets + 8 + self.sent


def test_what_is_sent_before_while_and_after_there_is_no_agent_is_counted_once(world: World) -> None:
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    with world.listen(app, 8443) as server, world.connect(web, app.address, 8443) as client:
        receiver, _ = server.accept()
        sending = Sending(world, network, web.interface_id, client)
        with receiver:
            sending.send(receiver, 700)
            assert sending.is_counted()
            sending.send(receiver, 500)
            # Read and drained, but not confirmed by the server.
            world.driver._flows.flush(network.vpc_id, world.driver._kernel.routers[network.vpc_id].descriptor)
            assert world.driver.flows()
            world.crash()
            sending.send(receiver, 300)
            world.realize(spec(network))
            sending.send(receiver, 200)
            assert sending.is_counted()
            world.restart()
            world.realize(spec(network))
            assert sending.is_counted()
            assert sending.sent == 1700


def test_an_interface_that_went_while_there_was_no_agent_keeps_its_last_packets(world: World) -> None:
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    with world.listen(app, 8443) as server, world.connect(web, app.address, 8443) as client:
        receiver, _ = server.accept()
        sending = Sending(world, network, web.interface_id, client)
        with receiver:
            assert sending.is_counted()
            world.crash()
            sending.send(receiver, 1000)
            smaller = Network()
            smaller.add(2, "10.0.1.6", APP)
            world.realize(spec(smaller))
            assert sending.is_counted()


@pytest.mark.costs(4, reason="twenty thousand packets are sent and reported")
def test_twenty_thousand_flows_are_exact_across_a_restart(world: World) -> None:
    network = Network()
    network.ingress[APP].append(rule(6, CidrPeer("10.0.1.0/24"), UDP, 10_000, 15_000))
    app = network.add(1, "10.0.1.6", APP)
    senders = [network.add(number, f"10.0.1.{number}", WEB) for number in range(11, 15)]
    world.realize(spec(network))
    counted: Counter[str] = Counter()

    def take() -> None:
        for event in world.flows(network):
            if event.direction == "egress" and event.destination == app.address:
                counted[event.interface_id] += event.packets

    for part in range(4):
        for interface in senders:
            with world.socket_in(interface, socket.SOCK_DGRAM) as sender:
                sender.bind((interface.address, 20_000))
                for port in range(10_000 + part * 1_250, 11_250 + part * 1_250):
                    sender.sendto(b"x", (app.address, port))
        if part == 1:
            world.crash()
        elif part == 2:
            world.realize(spec(network))
        else:
            take()
    take()
    assert counted == {interface.interface_id: 5_000 for interface in senders}


def test_flags_tell_how_a_connection_began_and_ended(world: World) -> None:
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))

    def flags() -> dict[tuple[str, str], int]:
        return {(each.interface_id, each.direction): each.tcp_flags for each in world.flows(network)}

    with world.listen(app, 8443) as server, world.connect(web, app.address, 8443) as client:
        receiver, _ = server.accept()
        both = {(web.interface_id, "egress"): 2, (web.interface_id, "ingress"): 18}
        both |= {(app.interface_id, "ingress"): 2, (app.interface_id, "egress"): 18}
        assert flags() == both
        client.sendall(b"x")
        assert receiver.recv(1) == b"x"
        assert set(flags().values()) == {0}
        client.shutdown(socket.SHUT_WR)
        assert receiver.recv(1) == b""
        seen = flags()
        assert seen[web.interface_id, "egress"] == 1
        assert seen.get((web.interface_id, "ingress"), 0) == 0
        receiver.close()
        assert client.recv(1) == b""
        assert flags()[web.interface_id, "ingress"] == 1


def test_with_segmentation_offloads_bytes_are_true_and_packets_are_fewer(world: World) -> None:
    """This is the cost of the setting ``offloads``: one counted packet has up to 64 KiB."""
    world.start_driver(segmentation=True)
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    with world.listen(app, 8443) as server, world.connect(web, app.address, 8443) as client:
        receiver, _ = server.accept()
        with receiver:
            thread = threading.Thread(target=client.sendall, args=(b"x" * 2_000_000,))
            thread.start()
            left = 2_000_000
            while left:
                left -= len(receiver.recv(left))
            thread.join()
    sent = [
        each for each in world.flows(network) if (each.interface_id, each.direction) == (web.interface_id, "egress")
    ]
    assert sum(each.bytes for each in sent) > 2_000_000
    assert sum(each.packets for each in sent) < 2_000_000 / 9_001 / 2


def test_a_connection_that_ended_before_it_was_ever_read_tells_how_it_began(world: World) -> None:
    """Its DESTROY event waits while open connections are counted, yet it does not pass for one counted earlier."""
    network = Network(logged=False)
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    router = world.driver._kernel.routers[network.vpc_id]
    tallies = Tallies()
    known = Places({each.address: replace(each, logged=True) for each in (web, app)})
    with namespaces.inside(router.descriptor):
        watch = Watch(network.vpc_id, tallies, known)
    try:
        began = time.time()
        with world.listen(app, 8443), world.connect(web, app.address, 8443):
            router.conntrack.delete(list(router.conntrack.entries(zero=False)))
        ended = time.time()
        world.let_arrive()
        watch.sweep()
        seen = tallies.drain()
    finally:
        watch.close()
    flags = {(each.interface_id, each.direction): each.tcp_flags for each in seen}
    assert flags == {
        (web.interface_id, "egress"): 2,
        (web.interface_id, "ingress"): 18,
        (app.interface_id, "ingress"): 2,
        (app.interface_id, "egress"): 18,
    }
    assert all(began - 0.01 <= each.start <= each.end <= ended + 0.01 for each in seen)
