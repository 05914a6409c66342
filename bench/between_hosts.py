"""A VPC on two hosts: connections against the bare underlay, and bulk TCP against a tunnel without rules.

Both hosts are namespaces of this machine, joined by a veth pair. What is compared alternates in the same run. One path
is that of a VPC with a single rule in place of all others, which needs connection tracking: better rules cannot save
what tracking costs at both ends. The bench leaves the host first, as "network" does.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bench import network
from bench.network import BULK_ROUNDS, CONNECT_ROUNDS, CONNECTS, PORT, Placed
from bench.report import Row, median
from reading_room.dataplane.linux import namespaces, offloads, rtnetlink
from reading_room.dataplane.linux.driver import LinuxNetworkDriver
from reading_room.dataplane.linux.rtnetlink import RouteSocket
from reading_room.dataplane.linux.tunnels import add_by_tunnel, create_tunnel, finish_tunnel
from reading_room.dataplane.rules.host import Tunnel, TunnelHost, TunnelRoute
from reading_room.dataplane.rules.nftables import TABLE
from reading_room.dataplane.spec import TUNNEL_OVERHEAD, HostPlace, Placement, Underlay

HOSTS = (HostPlace("a", 1, "192.0.2.1"), HostPlace("b", 2, "192.0.2.2"))
MTU = 9001 + TUNNEL_OVERHEAD
ADDRESSES = ("10.0.1.10", "10.0.1.11")
CHANGES = 40
STREAM_BYTES, CHUNK = 60_000_000, 128 << 10
"""What is sent to measure the processor time of a stream, and in which pieces."""
PACKET = 9000
TRACKING_ALONE = (
    f"delete table {TABLE}\nadd table {TABLE}\n"
    f"add chain {TABLE} end_track {{ type filter hook forward priority 0; policy accept; }}\n"
    f"add rule {TABLE} end_track ct state established accept\n"
)


def main() -> None:
    """Measure in a child and record here."""
    network.run("Between hosts", measure)


def measure(folder: Path) -> list[Row]:
    """Take every measurement; the calling process must be in its own namespaces."""
    drivers, vpc, made = _vpc(folder / "vpc", CHANGES)
    unruled, tracked, _ = _vpc(folder / "tracked", 1)
    for driver in unruled:
        for router in driver._kernel.routers.values():
            router.rules.run(TRACKING_ALONE)
    pairs = {"vpc": vpc, "tracked": tracked, "bare": _ends(_joined()), "tunnel": _plain_tunnel()}
    whole: dict[str, list[float]] = {name: [] for name in pairs}
    for _ in range(CONNECT_ROUNDS):
        for name, seconds in whole.items():
            seconds.append(network._connect(*pairs[name])[1])
    bulk: dict[str, list[float]] = {name: [] for name in pairs}
    for _ in range(BULK_ROUNDS):
        for name, rates in bulk.items():
            rates.append(network._bulk(*pairs[name]))
    busy: dict[str, list[float]] = {name: [] for name in pairs}
    for _ in range(BULK_ROUNDS):
        for name, costs in busy.items():
            costs.append(_processor_time(*pairs[name]))
    for driver in (*drivers, *unruled):
        driver.remove_everything()
        driver.close()
    how = f"{CONNECT_ROUNDS} interleaved rounds of {CONNECTS} connects, socket to close; segmentation off on all"
    rounds = f"{BULK_ROUNDS} interleaved rounds, one stream, MTU 9001 in the tunnel; segmentation off on all"
    times = {name: median(each) for name, each in whole.items()}
    speeds = {name: median(each) for name, each in bulk.items()}
    return [
        Row(
            "connect between hosts through the VPC against the bare underlay",
            f"{times['vpc'] / times['bare']:.2f} × ({times['vpc'] * 1e6:.0f} against {times['bare'] * 1e6:.0f} µs)",
            "1.8 ×",
            f"{how}; without encryption",
        ),
        Row("the same against a tunnel without rules", f"{times['vpc'] / times['tunnel']:.2f} ×", "reported", how),
        Row(
            "connect with tracking at both ends and no other rule, against the bare underlay",
            f"{times['tracked'] / times['bare']:.2f} × ({times['tracked'] * 1e6:.0f} µs)",
            "reported",
            how,
        ),
        Row(
            "bulk TCP between hosts against a tunnel without rules",
            f"{median([a / b for a, b in zip(bulk['vpc'], bulk['tunnel'], strict=True)]):.2f} × "
            f"({speeds['vpc']:.1f} against {speeds['tunnel']:.1f} Gbit/s)",
            "0.95 ×",
            rounds,
        ),
        Row("the same against the bare underlay", f"{speeds['vpc'] / speeds['bare']:.2f} ×", "reported", rounds),
        Row(
            "processor time of a packet of 9 KB, bare, by tunnel, with tracking, in a VPC",
            ", ".join(f"{median(busy[name]) * 1e6:.1f}" for name in ("bare", "tunnel", "tracked", "vpc")) + " µs",
            "reported",
            f"{BULK_ROUNDS} interleaved rounds of {STREAM_BYTES // 1_000_000} MB; one thread sends and receives",
        ),
        Row(
            "the same, speed of a VPC and of tracking alone against a tunnel without rules",
            ", ".join(f"{median(busy['tunnel']) / median(busy[name]):.2f} ×" for name in ("vpc", "tracked")),
            "reported",
            "the inverse of the processor times, which other load on the machine changes less than rates",
        ),
        Row(
            "an interface on one host, until in force on both",
            f"{median(made) * 1e3:.1f} ms",
            "reported",
            f"{CHANGES} times; the two agents' work one after the other, without the calls of the server",
        ),
    ]


def _processor_time(client: Placed, server: Placed) -> float:
    """Return the seconds of a processor for each packet of a stream, which one thread sends and receives."""
    with namespaces.inside(server[0]):
        listener = socket.create_server((server[1], PORT))
    with namespaces.inside(client[0]):
        sender = socket.create_connection((server[1], PORT))
    receiver = listener.accept()[0]
    listener.close()
    sender.setblocking(False)
    receiver.setblocking(False)
    block, buffer = memoryview(bytes(CHUNK)), bytearray(1 << 20)
    got, began = 0, time.thread_time()
    while got < STREAM_BYTES:
        with suppress(BlockingIOError):
            sender.send(block)
        with suppress(BlockingIOError):
            while True:
                got += receiver.recv_into(buffer)
    seconds = time.thread_time() - began
    sender.close()
    receiver.close()
    return seconds / (got / PACKET)


def _joined() -> tuple[int, int]:
    """Return two new namespaces, joined by a veth pair without segmentation offloads."""
    ends = (namespaces.new_namespace(), namespaces.new_namespace())
    sockets = []
    for descriptor in ends:
        with namespaces.inside(descriptor):
            sockets.append(RouteSocket())
    macs = ("02:00:00:00:0b:02", "02:00:00:00:0b:01")
    sockets[0].batch([rtnetlink.create_veth("under0", 77, MTU, ends[1], *macs, "under0")])
    for descriptor, opened, place in zip(ends, sockets, HOSTS, strict=True):
        with namespaces.inside(descriptor):
            offloads.switch_off("under0")
        index = opened.index_of("under0")
        opened.batch([rtnetlink.set_up(rtnetlink.LOOPBACK, "lo"), rtnetlink.set_up(index, "under0")])
        opened.batch([rtnetlink.add_address(index, place.underlay, 24)])
    for opened in sockets:
        opened.wait_until_it_sends("under0")
        opened.close()
    return ends


def _ends(joined: tuple[int, int]) -> tuple[Placed, Placed]:
    return (joined[0], HOSTS[0].underlay), (joined[1], HOSTS[1].underlay)


def _plain_tunnel() -> tuple[Placed, Placed]:
    """Return two namespaces with a VXLAN device each, over a pair of their own, and no rules anywhere."""
    below, found = _joined(), []
    for here, other, descriptor in ((0, 1, below[0]), (1, 0, below[1])):
        inside = namespaces.new_namespace()
        with namespaces.inside(inside):
            opened = RouteSocket()
        with namespaces.inside(descriptor):
            under = RouteSocket()
        hop = TunnelHost(f"169.254.16.{other + 1}", f"02:00:00:01:00:0{other + 1}", HOSTS[other].underlay)
        tunnel = Tunnel("vx9", 9, f"02:00:00:01:00:0{here + 1}", HOSTS[here].underlay, 9001)
        create_tunnel(under, 100, inside, tunnel)
        with namespaces.inside(inside):
            offloads.switch_off("vx9")
        opened.batch([rtnetlink.set_up(rtnetlink.LOOPBACK, "lo")])
        finish_tunnel(opened, 100, tunnel, "plain")
        opened.batch([rtnetlink.add_address(100, ADDRESSES[here])])
        add_by_tunnel(opened, 100, (hop,), (TunnelRoute(ADDRESSES[other], hop.hop),))
        for each in (opened, under):
            each.close()
        found.append((inside, ADDRESSES[here]))
    return found[0], found[1]


def _vpc(folder: Path, changes: int) -> tuple[list[LinuxNetworkDriver], tuple[Placed, Placed], list[float]]:
    """Return the drivers of two hosts, the VPC's ends, and the seconds until an interface is in force on both."""
    folder.mkdir()
    below = _joined()
    whole = network._wish({0: 2})
    (vpc,) = whole.vpcs
    there = {str(each.container_id): namespaces.new_namespace() for each in vpc.interfaces}
    drivers, made, specs = [], [], []
    for here, other in ((0, 1), (1, 0)):
        runtime = folder / HOSTS[here].host
        runtime.mkdir()
        drivers.append(LinuxNetworkDriver(runtime, underlay=Path(f"/proc/self/fd/{below[here]}")))
        place = Placement(vpc.interfaces[other].address, HOSTS[other].host)
        part = replace(vpc, interfaces=(vpc.interfaces[here],), placements=(place,))
        underlay = Underlay(HOSTS[here], (HOSTS[other],), MTU)
        specs.append((replace(whole, vpcs=(part,), underlay=underlay), replace(part, placements=()), part))
    for turn in range(changes):
        seconds = 0.0
        for driver, (spec, _, _) in zip(drivers, specs, strict=True):
            seconds += network._timed(lambda driver=driver, spec=spec: network._insist(driver, spec, there))  # type: ignore[misc]
        made.append(seconds)
        if turn + 1 < changes:
            alone = replace(specs[0][0], vpcs=(specs[0][1],))
            gone = replace(specs[1][0], vpcs=(replace(specs[1][2], interfaces=()),))
            network._insist(drivers[0], alone, there)
            network._insist(drivers[1], gone, there)
    for driver in drivers:
        driver.renew_lease(3600)
    clients = [(there[str(each.container_id)], each.address) for each in vpc.interfaces]
    return drivers, (clients[0], clients[1]), made


if __name__ == "__main__":
    main()
