"""Packets that the kernel lets pass have arrived when ``World.let_arrive`` returns, so all others were blocked."""

from __future__ import annotations

import os
import select
import socket

import pytest

from tests.worlds.gateway import EIP, OTHER_EIP, public_network
from tests.worlds.network import EVERYTHING, WEB, World, spec

pytestmark = pytest.mark.network


def test_a_whole_handshake_over_the_longest_way_has_arrived(world: World) -> None:
    """The way leads from one VPC by the uplink into another, on each processor in turn, at first with ARP requests."""
    first, second = public_network(1), public_network(2)
    for network, public in ((first, EIP), (second, OTHER_EIP)):
        network.ingress[WEB] = [EVERYTHING]
        network.add(1, "10.0.1.5", WEB)
        network.elastic[public] = "10.0.1.5"
    world.realize(spec(first, second))
    processors = os.sched_getaffinity(0)
    with world.listen(second.interfaces[0], 80) as server:
        for each in sorted(processors) * 10:
            os.sched_setaffinity(0, {each})
            with world.socket_in(first.interfaces[0]) as client:
                client.setblocking(False)
                client.connect_ex((OTHER_EIP, 80))
                os.sched_setaffinity(0, processors)
                world.let_arrive()
                assert select.select([server], [client], [], 0)[:2] == ([server], [client])
                assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
                server.accept()[0].close()
