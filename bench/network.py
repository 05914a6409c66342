"""The network: an interface, a turn with nothing to change, a connection and bulk TCP against a bare veth pair.

Runs in namespaces of its own (a forked child leaves the host first), as root or as an ordinary user. What is compared
is interleaved in the same run: a round of the one, a round of the other.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bench.report import Row, median, record, spread
from reading_room.dataplane.linux import namespaces, offloads, rtnetlink
from reading_room.dataplane.linux.driver import LinuxNetworkDriver
from reading_room.dataplane.spec import (
    CidrPeer,
    Endpoint,
    GroupPeer,
    Interface,
    NetworkSpec,
    PrefixList,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
)

VPCS, INTERFACES = 50, 20
CONNECTS, CONNECT_ROUNDS = 1500, 9
BULK_SECONDS, BULK_ROUNDS = 1.0, 7
PORT = 8443
GROUP = "sg-0123456789abcdef0"
Namespaces = dict[str, int]
Placed = tuple[int, str]
"""A namespace and its address in it."""


def main() -> None:
    """Measure in a child and record here."""
    with tempfile.TemporaryDirectory() as folder:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _leave_the_host(Path(folder))
                rows = measure(Path(folder))
                os.write(write, json.dumps([asdict(row) for row in rows]).encode())
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            data = pipe.read()
        if os.waitpid(child, 0)[1] != 0:
            sys.exit("the network could not be measured: see above")
    record("Network", [Row(**row) for row in json.loads(data)])


def measure(folder: Path) -> list[Row]:
    """Take every measurement; the calling process is in namespaces of its own."""
    return [*_agent(folder), *_paths(folder)]


def _leave_the_host(folder: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(0x40000000 | 0x20000 | (0x10000000 if uid else 0)) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    for source, target, kind, flags in ((b"none", b"/", None, 0x44000), (b"tmpfs", bytes(folder), b"tmpfs", 0)):
        if libc.mount(source, target, kind, flags, None) != 0:
            raise OSError(ctypes.get_errno(), f"mount {target.decode()}")


def _vpc(number: int, count: int) -> Vpc:
    """Return a VPC whose members reach each other at one port; every address is used in every VPC."""
    interfaces = tuple(_interface(number, place) for place in range(count))
    inbound = (SecurityGroupRule("sgr-01", 6, PORT, PORT, GroupPeer(GROUP)),)
    outbound = (SecurityGroupRule("sgr-02", -1, -1, -1, CidrPeer("0.0.0.0/0")),)
    return Vpc(
        vpc_id=f"vpc-{number:017x}",
        vni=number + 1,
        cidrs=("10.0.0.0/16",),
        dns_support=True,
        subnets=(Subnet(f"subnet-{number:017x}", "10.0.1.0/24", f"rtb-{number:017x}"),),
        route_tables=(RouteTable(f"rtb-{number:017x}", 1, (Route("pl-63a5400a", f"vpce-{number:017x}"),)),),
        groups=(SecurityGroup(GROUP, inbound, outbound, tuple(each.address for each in interfaces)),),
        endpoints=(Endpoint(f"vpce-{number:017x}", "gateway", "s3", "pl-63a5400a", 1),),
        interfaces=interfaces,
    )


def _interface(number: int, place: int) -> Interface:
    return Interface(
        interface_id=f"eni-{number:08x}{place:09x}",
        subnet_id=f"subnet-{number:017x}",
        address=f"10.0.1.{place + 10}",
        mac=f"02:00:00:{number:02x}:00:{place:02x}",
        group_ids=(GROUP,),
        container_id=f"c{number}-{place}",
        logged=True,
    )


def _wish(sizes: dict[int, int]) -> NetworkSpec:
    """Return a wish of new values throughout, as a document that was just read."""
    vpcs = tuple(_vpc(number, count) for number, count in sizes.items())
    return NetworkSpec(vpcs, (PrefixList("pl-63a5400a", ("52.216.0.0/15", "3.5.0.0/19")),))


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _agent(folder: Path) -> list[Row]:
    """Measure the driver with 1,000 interfaces in place."""
    sizes = dict.fromkeys(range(VPCS), INTERFACES)
    driver = LinuxNetworkDriver(folder / "agent")
    there: Namespaces = {f"c{vpc}-{place}": namespaces.new_namespace() for vpc in sizes for place in range(INTERFACES)}
    whole = _timed(lambda: _insist(driver, _wish(sizes), there))
    _insist(driver, _wish(sizes), there)
    created, deleted, idle, reread = [], [], [], []
    for turn in range(25):
        vpc = turn % VPCS
        there[f"c{vpc}-{INTERFACES}"] = namespaces.new_namespace()
        more, less = _wish({**sizes, vpc: INTERFACES + 1}), _wish(sizes)
        created.append(_timed(lambda more=more: _insist(driver, more, there)))  # type: ignore[misc]
        _insist(driver, more, there)
        idle.append(_timed(lambda more=more: _insist(driver, more, there)))  # type: ignore[misc]
        again = _wish({**sizes, vpc: INTERFACES + 1})
        reread.append(_timed(lambda again=again: _insist(driver, again, there)))  # type: ignore[misc]
        deleted.append(_timed(lambda less=less: _insist(driver, less, there)))  # type: ignore[misc]
        _insist(driver, less, there)
        os.close(there.pop(f"c{vpc}-{INTERFACES}"))
    gone = _timed(driver.remove_everything)
    driver.close()
    for descriptor in there.values():
        os.close(descriptor)
    how = f"{VPCS} VPCs with {INTERFACES} interfaces each, all logged"
    return [
        Row("CreateNetworkInterface in the agent", spread(created), "10 ms median", f"{how}; rules, wire, flow log"),
        Row("a turn of the agent with nothing to change", spread(idle), "5 ms", how),
        Row("the same, with an equal document just read", spread(reread), "reported", how),
        Row("DeleteNetworkInterface in the agent", spread(deleted), "reported", f"{how}; with its last flow events"),
        Row("all of it made, and taken away", f"{whole:.2f} s, {gone:.2f} s", "reported", how),
    ]


def _insist(driver: LinuxNetworkDriver, wish: NetworkSpec, there: Namespaces) -> None:
    report = driver.realize(wish, there)
    driver.flows()
    if report.problems:
        raise RuntimeError(str(report.problems))


def _bare_pair(off: bool) -> tuple[Placed, Placed]:
    """Return two namespaces with a veth pair between them and nothing else."""
    here, there = namespaces.new_namespace(), namespaces.new_namespace()
    with namespaces.inside(here):
        near = rtnetlink.RouteSocket()
        near.batch([rtnetlink.create_veth("eth0", 10, 9001, there, "02:00:00:00:00:02", "02:00:00:00:00:01")])
    with namespaces.inside(there):
        far = rtnetlink.RouteSocket()
    for side, inner, address, other in ((here, near, "10.0.0.1", "10.0.0.2"), (there, far, "10.0.0.2", "10.0.0.1")):
        index = inner.index_of("eth0")
        inner.batch(
            [
                rtnetlink.set_up(index, "eth0"),
                rtnetlink.add_address(index, address),
                rtnetlink.add_route(rtnetlink.RT_TABLE_MAIN, "unicast", f"{other}/32", index),
            ]
        )
        if off:
            with namespaces.inside(side):
                offloads.switch_off("eth0")
    while not (near.transmits("eth0") and far.transmits("eth0")):
        time.sleep(0.001)
    near.close()
    far.close()
    return (here, "10.0.0.1"), (there, "10.0.0.2")


def _paths(folder: Path) -> list[Row]:
    """Measure connections and bulk TCP through a VPC and over bare pairs, round by round."""
    there: Namespaces = {name: namespaces.new_namespace() for name in ("c0-0", "c0-1")}
    driver = LinuxNetworkDriver(folder / "paths")
    _insist(driver, _wish({0: 2}), there)
    vpc = ((there["c0-0"], "10.0.1.10"), (there["c0-1"], "10.0.1.11"))
    pairs = {"vpc": vpc, "bare": _bare_pair(True), "offloads": _bare_pair(False)}
    alone: dict[str, list[float]] = {"vpc": [], "bare": []}
    whole: dict[str, list[float]] = {"vpc": [], "bare": []}
    for _ in range(CONNECT_ROUNDS):
        for name in alone:
            for times, seconds in zip((alone, whole), _connect(*pairs[name]), strict=True):
                times[name].append(seconds)
    bulk: dict[str, list[float]] = {name: [] for name in pairs}
    for _ in range(BULK_ROUNDS):
        for name, rates in bulk.items():
            rates.append(_bulk(*pairs[name]))
    driver.remove_everything()
    driver.close()
    how = f"{CONNECT_ROUNDS} interleaved rounds of {CONNECTS} connects, median of the rounds' medians"
    rounds = f"{BULK_ROUNDS} interleaved rounds of {BULK_SECONDS:.0f} s, MTU 9001, one stream; offloads off on both"
    return [
        Row("connect through the VPC against a bare veth pair", _ratio(whole), "1.8 ×", f"{how}; socket to close"),
        Row("the same, connect() alone", _ratio(alone), "reported", how),
        Row("bulk TCP through the VPC against a bare veth pair", _rate(bulk, "bare"), "0.95 ×", rounds),
        Row("bulk TCP against a bare pair with offloads", _rate(bulk, "offloads"), "reported", rounds),
    ]


def _ratio(seconds: dict[str, list[float]]) -> str:
    ours, bare = median(seconds["vpc"]), median(seconds["bare"])
    return f"{ours / bare:.2f} × ({ours * 1e6:.1f} against {bare * 1e6:.1f} µs)"


def _rate(rates: dict[str, list[float]], other: str) -> str:
    pairs = zip(rates["vpc"], rates[other], strict=True)
    ratio = median([ours / bare for ours, bare in pairs])
    return f"{ratio:.2f} × ({median(rates['vpc']):.1f} against {median(rates[other]):.1f} Gbit/s)"


def _connect(client: Placed, server: Placed) -> tuple[float, float]:
    """Return the median times of connect() alone and of a whole connection: socket, connect, accept, both closed."""
    with namespaces.inside(server[0]):
        listener = socket.create_server((server[1], PORT), backlog=16)
    alone, whole = [], []
    with namespaces.inside(client[0]):
        for _ in range(CONNECTS):
            began = time.perf_counter()
            one = socket.socket()
            asked = time.perf_counter()
            one.connect((server[1], PORT))
            answered = time.perf_counter()
            accepted = listener.accept()[0]
            one.close()
            accepted.close()
            whole.append(time.perf_counter() - began)
            alone.append(answered - asked)
    listener.close()
    return median(alone), median(whole)


def _bulk(client: Placed, server: Placed) -> float:
    """Return the rate of one TCP stream, in Gbit/s; a second process receives."""
    with namespaces.inside(server[0]):
        listener = socket.create_server((server[1], PORT))
    with namespaces.inside(client[0]):
        sender = socket.socket()
    receiver = os.fork()
    if receiver == 0:
        sender.close()
        connection, _peer = listener.accept()
        buffer = bytearray(1 << 20)
        while connection.recv_into(buffer):
            pass
        os._exit(0)
    listener.close()
    sender.connect((server[1], PORT))
    block = memoryview(bytes(1 << 20))
    sent, began = 0, time.perf_counter()
    while time.perf_counter() - began < BULK_SECONDS:
        sent += sender.send(block)
    sender.close()
    os.waitpid(receiver, 0)
    return sent * 8 / 1e9 / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
