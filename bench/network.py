"""The network: the cost of an agent's turn, connections and bulk TCP against a bare veth pair, changes under load.

Runs in its own namespaces (a forked child leaves the host first), as root or as an ordinary user. Compared
measurements alternate in the same run, round by round.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, replace
from multiprocessing.synchronize import Event
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
LARGE = 1000
"""Interfaces of the large VPC."""
HOT_CHANGES = 10_000
MANY_RULES = 10_000
STREAMS, STREAM_SECONDS, STREAM_ROUNDS = 64, 2.0, 5
CONNECTS, CONNECT_ROUNDS = 1500, 9
BULK_SECONDS, BULK_ROUNDS = 1.0, 7
PORT = 8443
GROUP = "sg-0123456789abcdef0"
Namespaces = dict[str, int]
Placed = tuple[int, str]
"""A namespace and its address in it."""


def main() -> None:
    """Measure in a child and record here."""
    run("Network", measure)


def run(title: str, measure: Callable[[Path], list[Row]]) -> None:
    """Measure in a child that has left the host, and record the rows here under ``title``."""
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
            os._exit(code)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            data = pipe.read()
        if os.waitpid(child, 0)[1] != 0:
            sys.exit("the network could not be measured: see above")
    record(title, [Row(**row) for row in json.loads(data)])


def measure(folder: Path) -> list[Row]:
    """Take every measurement; the calling process must be in its own namespaces."""
    return [*_agent(folder), *_one_large_vpc(folder), *_paths(folder), *_changes_under_load(folder)]


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
    """Return a VPC whose members reach each other at one port; all VPCs use the same addresses."""
    interfaces = tuple(_interface(number, place) for place in range(count))
    inbound = (SecurityGroupRule("sgr-01", 6, PORT, PORT, GroupPeer(GROUP)),)
    outbound = (SecurityGroupRule("sgr-02", -1, -1, -1, CidrPeer("0.0.0.0/0")),)
    return Vpc(
        vpc_id=f"vpc-{number:017x}",
        vni=number + 1,
        cidrs=("10.0.0.0/16",),
        dns_support=True,
        subnets=(Subnet(f"subnet-{number:017x}", "10.0.0.0/20", f"rtb-{number:017x}"),),
        route_tables=(RouteTable(f"rtb-{number:017x}", 1, (Route("pl-63a5400a", f"vpce-{number:017x}"),)),),
        groups=(SecurityGroup(GROUP, inbound, outbound, tuple(each.address for each in interfaces)),),
        endpoints=(Endpoint(f"vpce-{number:017x}", "gateway", "s3", "pl-63a5400a", 1),),
        interfaces=interfaces,
    )


def _interface(number: int, place: int) -> Interface:
    return Interface(
        interface_id=f"eni-{number:08x}{place:09x}",
        subnet_id=f"subnet-{number:017x}",
        address=f"10.0.{1 + (place + 10) // 250}.{(place + 10) % 250}",
        mac=f"02:00:00:{number:02x}:{place // 256:02x}:{place % 256:02x}",
        group_ids=(GROUP,),
        container_id=f"c{number}-{place}",
        logged=True,
    )


def _wish(sizes: dict[int, int]) -> NetworkSpec:
    """Return an equal spec made of new values, like a document that was just read."""
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
    looked = []
    for _ in range(9):
        for router in driver._kernel.routers.values():
            router.touched()
        looked.append(_timed(lambda: _insist(driver, _wish(sizes), there)))
    driver.close()
    seconds, memory = _after_restart(folder / "agent", sizes, there)
    driver = LinuxNetworkDriver(folder / "agent")
    gone = _timed(driver.remove_everything)
    driver.close()
    for descriptor in there.values():
        os.close(descriptor)
    how = f"{VPCS} VPCs with {INTERFACES} interfaces each, all logged"
    return [
        Row("CreateNetworkInterface in the agent", spread(created), "10 ms median", f"{how}; rules, wire, flow log"),
        Row("a turn of the agent with nothing to change", spread(idle), "5 ms", how),
        Row("a full comparison with the kernel", spread(looked), "150 ms", f"{how}; every list of every router read"),
        Row("the agent's first turn after a restart", f"{seconds:.2f} s", "10 s", f"{how}; a fresh process adopts all"),
        Row("its memory afterwards", f"{memory:.0f} MB", "400 MB", f"{how}; resident, with the libraries of the agent"),
        Row("the same, with an equal document just read", spread(reread), "reported", how),
        Row("DeleteNetworkInterface in the agent", spread(deleted), "reported", f"{how}; with its last flow events"),
        Row("all of it made, and taken away", f"{whole:.2f} s, {gone:.2f} s", "reported", how),
    ]


def _after_restart(runtime: Path, sizes: dict[int, int], there: Namespaces) -> tuple[float, float]:
    """Return the seconds of a fresh process's first turn over the existing network, and its resident megabytes then."""
    program = (
        "import json, sys, time\n"
        "from pathlib import Path\n"
        "import reading_room.agent.main\n"
        "from bench.network import LinuxNetworkDriver, _insist, _wish\n"
        "runtime, sizes, there = json.loads(sys.argv[1])\n"
        "wish = _wish({int(number): count for number, count in sizes.items()})\n"
        "began = time.perf_counter()\n"
        "driver = LinuxNetworkDriver(Path(runtime))\n"
        "_insist(driver, wish, there)\n"
        "seconds = time.perf_counter() - began\n"
        "lines = Path('/proc/self/status').read_text().splitlines()\n"
        "resident = next(int(line.split()[1]) for line in lines if line.startswith('VmRSS'))\n"
        "driver.close()\n"
        "print(seconds, resident / 1024)\n"
    )
    argument = json.dumps([str(runtime), sizes, there])
    # This process keeps the containers' namespaces open; the other one refers to them through it.
    run = subprocess.run(
        [sys.executable, "-c", program, argument],
        capture_output=True,
        text=True,
        check=True,
        pass_fds=list(there.values()),
    )
    seconds, memory = run.stdout.split()
    return float(seconds), float(memory)


def _one_large_vpc(folder: Path) -> list[Row]:
    """Measure changes of a group's rules in a VPC of 1,000 interfaces, until they take effect."""
    driver = LinuxNetworkDriver(folder / "large")
    there: Namespaces = {f"c0-{place}": namespaces.new_namespace() for place in range(LARGE)}
    _insist(driver, _wish({0: LARGE}), there)
    changed, referenced = [], []
    for turn in range(15):
        plain = _with_rules(_wish({0: LARGE}), [CidrPeer(f"192.0.2.{turn}/32")])
        changed.append(_timed(lambda plain=plain: _insist(driver, plain, there)))  # type: ignore[misc]
        grouped = _with_rules(_wish({0: LARGE}), [GroupPeer(GROUP)])
        referenced.append(_timed(lambda grouped=grouped: _insist(driver, grouped, there)))  # type: ignore[misc]
    driver.remove_everything()
    driver.close()
    for descriptor in there.values():
        os.close(descriptor)
    how = f"one VPC of {LARGE} interfaces, all in the group; document to kernel, median of 15"
    return [
        Row("a CIDR rule of a group until in force", spread(changed), "100 ms", how),
        Row("a rule that names a group until in force", spread(referenced), "100 ms", how),
    ]


def _with_rules(wish: NetworkSpec, peers: list[CidrPeer | GroupPeer], last_port: int = 9) -> NetworkSpec:
    """Return the spec with more ingress rules in its only group: UDP, one for each peer."""
    (vpc,) = wish.vpcs
    (group,) = vpc.groups
    rules = tuple(
        SecurityGroupRule(f"sgr-{number + 10:04d}", 17, 9, last_port, peer) for number, peer in enumerate(peers)
    )
    groups = (replace(group, ingress=(*rules, *group.ingress)),)
    return replace(wish, vpcs=(replace(vpc, groups=groups),))


def _changes_under_load(folder: Path) -> list[Row]:
    """Change rules while allowed and forbidden connections are tried continuously."""
    there: Namespaces = {name: namespaces.new_namespace() for name in ("c0-0", "c0-1")}
    driver = LinuxNetworkDriver(folder / "load")
    _insist(driver, _wish({0: 2}), there)
    with namespaces.inside(there["c0-1"]):
        servers = [socket.create_server(("10.0.1.11", port), backlog=4096) for port in (PORT, PORT + 1)]
    stop = multiprocessing.Event()
    results: multiprocessing.Queue[tuple[int, int, int, int]] = multiprocessing.Queue()
    client = os.fork()
    if client == 0:
        _connect_until(stop, results, there["c0-0"], servers)
        os._exit(0)
    times, turns = [], 0
    while turns < HOT_CHANGES:
        peers: list[CidrPeer | GroupPeer] = [CidrPeer(f"192.0.{turns % 250}.0/24"), GroupPeer(GROUP)]
        wish = _with_rules(_wish({0: 2}), peers[: 1 + turns % 2], 9 + turns % 7)
        times.append(_timed(lambda wish=wish: _insist(driver, wish, there)))  # type: ignore[misc]
        turns += 1
    stop.set()
    count, failed, forbidden, per_second = results.get(timeout=60)
    os.waitpid(client, 0)
    driver.remove_everything()
    driver.close()
    how = f"{count} connects by one client, {per_second} a second, while rules change as fast as they can"
    bar = "none fails, none succeeds"
    found = f"{failed} permitted failed, {forbidden} forbidden succeeded"
    return [
        Row(f"{turns} rule changes under connects", found, bar, how),
        Row("one such change", spread(times), "reported", how),
    ]


def _connect_until(
    stop: Event, results: multiprocessing.Queue[tuple[int, int, int, int]], here: int, servers: list[socket.socket]
) -> None:
    """Connect to the permitted port continuously, and to the forbidden one occasionally, until stopped."""
    count = failed = forbidden = 0
    began = time.monotonic()
    waiting: list[socket.socket] = []
    with namespaces.inside(here):
        while not stop.is_set():
            count += 1
            client = socket.socket()
            client.settimeout(0.9)
            try:
                client.connect(("10.0.1.11", PORT))
                servers[0].accept()[0].close()
            except OSError:
                failed += 1
            client.close()
            if count % 20 == 0:
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(("10.0.1.11", PORT + 1))
                waiting.append(one)
            if len(waiting) > 100:
                _, opened, _ = select.select([], waiting, [], 0)
                forbidden += len(opened)
                for one in waiting:
                    one.close()
                waiting.clear()
            # About 2,000 a second are enough; more would only measure the client.
            if (ahead := count / 2000 - (time.monotonic() - began)) > 0:
                time.sleep(ahead)
    _, opened, _ = select.select([], waiting, [], 0)
    results.put((count, failed, forbidden + len(opened), int(count / (time.monotonic() - began))))
    results.close()
    results.join_thread()


def _insist(driver: LinuxNetworkDriver, wish: NetworkSpec, there: Namespaces) -> None:
    report = driver.realize(wish, there)
    driver.flows()
    if report.problems:
        raise RuntimeError(str(report.problems))


def _bare_pair(off: bool) -> tuple[Placed, Placed]:
    """Return two namespaces with only a veth pair between them."""
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
    there: Namespaces = {name: namespaces.new_namespace() for name in ("c0-0", "c0-1", "c1-0", "c1-1")}
    driver = LinuxNetworkDriver(folder / "paths")
    many = [CidrPeer(f"172.{number // 250}.{number % 250}.0/24") for number in range(MANY_RULES)]
    few, full = _wish({0: 2}), _with_rules(_wish({1: 2}), [*many])
    _insist(driver, replace(few, vpcs=(*few.vpcs, *full.vpcs)), there)
    crowd = ((there["c1-0"], "10.0.1.10"), (there["c1-1"], "10.0.1.11"))
    vpc = ((there["c0-0"], "10.0.1.10"), (there["c0-1"], "10.0.1.11"))
    pairs = {"vpc": vpc, "bare": _bare_pair(True), "offloads": _bare_pair(False)}
    alone: dict[str, list[float]] = {"vpc": [], "many": [], "bare": []}
    whole: dict[str, list[float]] = {"vpc": [], "many": [], "bare": []}
    for _ in range(CONNECT_ROUNDS):
        for name in alone:
            for times, seconds in zip((alone, whole), _connect(*pairs.get(name, crowd)), strict=True):
                times[name].append(seconds)
    bulk: dict[str, list[float]] = {name: [] for name in pairs}
    for _ in range(BULK_ROUNDS):
        for name, rates in bulk.items():
            rates.append(_bulk(*pairs[name]))
    streams: dict[str, list[float]] = {"vpc": [], "bare": []}
    for _ in range(STREAM_ROUNDS):
        for name, rates in streams.items():
            rates.append(_streams(*pairs[name]))
    driver.remove_everything()
    driver.close()
    ratio = median(whole["many"]) / median(whole["vpc"])
    spans = f"{STREAM_ROUNDS} interleaved rounds of {STREAM_SECONDS:.0f} s, MTU 9001; offloads off on both"
    how = f"{CONNECT_ROUNDS} interleaved rounds of {CONNECTS} connects, median of the rounds' medians"
    rounds = f"{BULK_ROUNDS} interleaved rounds of {BULK_SECONDS:.0f} s, MTU 9001, one stream; offloads off on both"
    return [
        Row("connect through the VPC against a bare veth pair", _ratio(whole), "2.0 ×", f"{how}; socket to close"),
        Row("the same with 10,000 rules against few", f"{ratio:.2f} ×", "1.10 ×", f"{how}; {MANY_RULES} CIDR rules"),
        Row(f"{STREAMS} TCP connections at once against a bare pair", _rate(streams, "bare"), "0.95 ×", spans),
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
    """Return the median times of connect() and of a whole connection: socket, connect, accept, both closed."""
    with namespaces.inside(server[0]):
        listener = socket.create_server((server[1], PORT), backlog=16)
    alone, whole = [], []
    with namespaces.inside(client[0]):
        for _ in range(CONNECTS):
            began = time.perf_counter()
            one = socket.socket()
            sent_at = time.perf_counter()
            one.connect((server[1], PORT))
            answered = time.perf_counter()
            accepted = listener.accept()[0]
            one.close()
            accepted.close()
            whole.append(time.perf_counter() - began)
            alone.append(answered - sent_at)
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


def _streams(client: Placed, server: Placed) -> float:
    """Return the rate of many TCP streams together, in Gbit/s; one process sends, another receives."""
    with namespaces.inside(server[0]):
        listener = socket.create_server((server[1], PORT), backlog=STREAMS)
    with namespaces.inside(client[0]):
        senders = [socket.socket() for _ in range(STREAMS)]
    receiver = os.fork()
    if receiver == 0:
        for sender in senders:
            sender.close()
        poll = select.epoll()
        there = {}
        for _ in range(STREAMS):
            accepted = listener.accept()[0]
            there[accepted.fileno()] = accepted
            poll.register(accepted, select.EPOLLIN)
        buffer = bytearray(1 << 18)
        while there:
            for number, _ready in poll.poll():
                if not there[number].recv_into(buffer):
                    poll.unregister(number)
                    there.pop(number).close()
        os._exit(0)
    listener.close()
    poll = select.epoll()
    for sender in senders:
        sender.connect((server[1], PORT))
        sender.setblocking(False)
        poll.register(sender, select.EPOLLOUT)
    by_number = {sender.fileno(): sender for sender in senders}
    block = memoryview(bytes(1 << 18))
    sent, began = 0, time.perf_counter()
    while time.perf_counter() - began < STREAM_SECONDS:
        for number, _ready in poll.poll():
            sent += by_number[number].send(block)
    for sender in senders:
        sender.close()
    os.waitpid(receiver, 0)
    return sent * 8 / 1e9 / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
