"""The uplink of an ordinary user: slirp4netns, started, watched and ended as ``up`` does."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
from pathlib import Path

import pytest

from reading_room.agent.holder import Holder
from reading_room.cli.slirp import PROGRAM, TUNNEL, Slirp
from reading_room.containers.processes import start_time
from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.rules.uplink import SLIRP
from tests.worlds.gateway import EIP, public_network
from tests.worlds.network import EVERYTHING, WEB, World, expect_blocked, spec
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not installed"),
    pytest.mark.skipif(not os.access(TUNNEL, os.R_OK | os.W_OK), reason=f"{TUNNEL} cannot be opened"),
]
OUTER = "203.0.113.50"


def test_an_ordinary_users_uplink_reaches_the_machines_network_and_not_its_loopback(world: World) -> None:
    """The program runs while there is an internet gateway, and the agent configures its device within a turn."""
    assert ctypes.CDLL(None).mount(b"tmpfs", b"/run", b"tmpfs", 0, b"mode=755") == 0
    runtime = Path("/run/reading-room")
    runtime.mkdir()
    # This test's own namespace plays the machine, with an address that is not loopback.
    machine = rtnetlink.RouteSocket()
    nobody = namespaces.new_namespace()
    machine.batch([rtnetlink.set_up(1, "lo")])
    machine.batch([rtnetlink.create_veth("wire0", 77, 1500, nobody, "02:00:00:00:00:09", "02:00:00:00:00:08")])
    machine.batch([rtnetlink.set_up(77, "wire0"), rtnetlink.add_address(77, OUTER)])
    network = public_network()
    network.ingress[WEB] = [EVERYTHING]
    web = network.add(1, "10.0.1.5", WEB)
    plain = network.add(2, "10.0.1.6", WEB)
    network.elastic[EIP] = web.address
    world.start_driver(SLIRP, runtime=runtime)
    lifeline, life = os.pipe()
    slirp = Slirp(lifeline, pause_seconds=0.0)
    started = start_time(os.getpid())
    assert started is not None
    holder = Holder(os.getpid(), started)
    slirp.tend(holder)
    world.realize(spec(network))
    slirp.tend(holder)

    def reaches() -> bool:
        world.realize(spec(network))
        with world.socket_in(web) as client:
            # The program forwards packets with some delay.
            client.settimeout(1)
            return client.connect_ex((OUTER, 8080)) == 0

    with socket.create_server((OUTER, 8080)), socket.create_server(("127.0.0.1", 8081)):
        eventually(reaches)
        expect_blocked(world, plain, OUTER, 8080)
        for address in ("10.0.2.2", "10.0.2.3", "127.0.0.1"):
            with pytest.raises(OSError):
                world.connect(web, address, 8081).close()
        slirp.end()
        slirp.tend(holder)
        eventually(reaches)
    os.close(life)
    eventually(lambda: not slirp.running)
    network.gateway, network.elastic, network.routes = False, {}, {}
    world.realize(spec(network))
    slirp.tend(holder)
    assert not slirp.running
