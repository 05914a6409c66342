"""Two hosts with all their processes: a tiny job on another host, an interface on both, and the loss of a host.

The hosts are network namespaces of this machine, so they share its processors. Tunnels between them are encrypted by
wireguard-go. Only root can make them.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.report import Row, median, record, spread
from reading_room.cli import reading
from reading_room.dataplane.linux import namespaces
from tests.worlds.cluster import Hall
from tests.worlds.machines import Machines, two_machines
from tests.worlds.processes import frozen
from tests.worlds.product import PINS, Product
from tests.worlds.waiting import eventually

ROUNDS = int(os.environ.get("BENCH_HOSTS_ROUNDS", "10"))
INTERFACES = int(os.environ.get("BENCH_HOSTS_INTERFACES", "40"))
LOSSES = int(os.environ.get("BENCH_HOSTS_LOSSES", "3"))
DOCUMENTS = int(os.environ.get("BENCH_HOSTS_DOCUMENTS", "20000"))
PART_BYTES = 40_000
TABLE_EVENTS = 7
"""The netlink group of changes of nftables."""
SETTLE_SECONDS = 3.0
"""How long the next container started ahead may take to load."""

PAUSE_SECONDS = 0.2
"""Between two interfaces, since specs are read at most once in 30 ms, and the deletion of the last one counts."""


def main() -> None:
    """Measure and record."""
    if os.geteuid() != 0:
        sys.exit("only root can make hosts out of network namespaces")
    # Two cores and no more: the second container of a job goes to the other host.
    settings = {"STANDBY": "1", "CORE_OVERCOMMIT": "1", "CONTAINER_INPUT_ENTITIES": str(2 * PART_BYTES)}
    with tempfile.TemporaryDirectory() as folder, two_machines(Path(folder), **settings) as machines:
        machines.join()
        with machines.entered("a"):
            hall = Hall(machines.products["a"])
            record("Hosts", [*_tiny(hall), *_interface(machines, hall), *_loss(machines, hall)])


def _config(hall: Hall, *subnets: int) -> dict[str, list[str]]:
    """Return the network of a job whose containers are on the first host (0), the joined one (1), or both."""
    return {"SecurityGroupIds": [hall.network.group], "Subnets": [hall.network.subnets[each] for each in subnets]}


def _until_over(hall: Hall, job: str, pause: float) -> float:
    """Wait until a job is COMPLETED; return when it was."""
    calls = reading.JobCalls(hall.account, "entities")
    while (properties := calls.describe(job))["JobStatus"] not in reading.OVER:
        time.sleep(pause)
    assert properties["JobStatus"] == "COMPLETED", hall.description(properties)
    return time.perf_counter()


def _tiny(hall: Hall) -> Iterator[Row]:
    for number, text in enumerate(("Paris is in France.", "Angela Merkel.", "3 May 2021.")):
        hall.put_text(f"tiny/{number}.txt", text)
    times: dict[int, list[float]] = {0: [], 1: []}
    given = {"S3Uri": f"s3://{hall.bucket}/tiny/", "InputFormat": "ONE_DOC_PER_FILE"}
    for _ in range(ROUNDS + 1):
        for subnet, seconds in times.items():
            time.sleep(SETTLE_SECONDS)
            began = time.perf_counter()
            job = hall.start("tiny/", "entities", VpcConfig=_config(hall, subnet), InputDataConfig=given)
            seconds.append(_until_over(hall, job, 0.005) - began)
    first, other = times[0][1:], times[1][1:]
    how = f"{ROUNDS} alternating jobs of three documents, submit to COMPLETED, polled every 5 ms"
    ratio = median([there / here for here, there in zip(first, other, strict=True)])
    yield Row("tiny job in a container started ahead on the joined host", spread(other), "0.4 s median", how)
    yield Row("the same on the first host", spread(first), "reported", how)
    yield Row("the joined host against the first one", f"{ratio:.2f} ×", "reported", "median of the pairs")


def _interface(machines: Machines, hall: Hall) -> Iterator[Row]:
    """Measure until the rules of both hosts know the address of an interface that a call has made."""
    hall.write("long/", 30_000)
    jobs = [hall.start("long/", "entities", VpcConfig=_config(hall, subnet)) for subnet in (0, 1)]
    products = list(machines.products.values())
    routers = [eventually(lambda each=each: _router(each, hall.network.vpc), what="a router") for each in products]  # type: ignore[misc]
    eventually(lambda: all(each.workers() for each in products), what="a container on both hosts")
    # Stopped, they keep their containers and use no processor.
    with frozen(*(worker for each in products for worker in each.workers())):
        events = [_table_events(each) for each in routers]
        until: dict[str, list[float]] = {"call": [], "local": [], "joined": [], "both": []}
        for _ in range(INTERFACES):
            for each in events:
                _drain(each)
            began = time.perf_counter()
            made = hall.ec2.create_network_interface(SubnetId=hall.network.subnets[1], Groups=[hall.network.group])
            answered = time.perf_counter()
            address = socket.inet_aton(made["NetworkInterface"]["PrivateIpAddress"])
            found = [_seen(each, address) for each in events]
            until["call"].append(answered - began)
            for name, at in zip(("local", "joined", "both"), (*found, max(found)), strict=True):
                until[name].append(at - began)
            hall.ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterface"]["NetworkInterfaceId"])
            for each in events:
                _seen(each, address)
            time.sleep(PAUSE_SECONDS)
        for opened in events:
            opened.close()
    for job in jobs:
        hall.stop(job)
        hall.wait(job)
    for descriptor in routers:
        os.close(descriptor)
    how = f"{INTERFACES} calls by boto3, until the kernels' sets of the group's members have the address"
    yield Row("an interface, until in force on both hosts", spread(until["both"]), "60 ms median", how)
    yield Row("the same on the first host", spread(until["local"]), "reported", how)
    yield Row("the same on the joined host", spread(until["joined"]), "reported", how)
    yield Row("the call alone", spread(until["call"]), "reported", how)


def _router(product: Product, vpc_id: str) -> int | None:
    """Open the router namespace of a VPC on a host, if it is there."""
    try:
        return os.open(f"/proc/{product.holder().pid}/root{PINS}/{vpc_id}", os.O_RDONLY)
    except OSError:
        return None


def _table_events(router: int) -> socket.socket:
    with namespaces.inside(router):
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 12)
    opened.bind((0, 1 << TABLE_EVENTS - 1))
    opened.settimeout(30)
    return opened


def _drain(events: socket.socket) -> None:
    events.setblocking(False)
    try:
        while True:
            events.recv(1 << 16)
    except BlockingIOError:
        events.settimeout(30)


def _seen(events: socket.socket, address: bytes) -> float:
    """Return when an event about an address was there."""
    while address not in events.recv(1 << 16):
        pass
    return time.perf_counter()


def _loss(machines: Machines, hall: Hall) -> Iterator[Row]:
    hall.write("many/", DOCUMENTS, files=4)
    ratios, alone, lost = [], [], []
    for number in range(LOSSES):
        whole, expected = _job(hall, None)
        alone.append(whole)
        seconds, found = _job(hall, machines)
        assert found == expected
        lost.append(seconds)
        ratios.append(seconds / whole)
        if number + 1 < LOSSES:
            machines.run_host()
            eventually(machines.all_leased, what="leases of both hosts")
    how = (
        f"{LOSSES} pairs, {DOCUMENTS:,} documents in two containers on two hosts, submit to COMPLETED with the same "
        "bytes; kill -9 of all processes of the joined host when half the documents are done"
    )
    figure = f"{median(ratios):.2f} × ({spread(lost, 's', 1)} against {spread(alone, 's', 1)})"
    yield Row("a host lost halfway through a job, against the undisturbed job", figure, "1.7 ×", how)


def _job(hall: Hall, killed: Machines | None) -> tuple[float, bytes]:
    """Run a job on both hosts; return its seconds and its result."""
    began = time.perf_counter()
    job = hall.start_many("many/", 2, VpcConfig=_config(hall, 0, 1))
    if killed is not None:
        eventually(lambda: hall.progress(job)[0] >= DOCUMENTS // 2, 600, "half of the documents")
        killed.kill("b")
    seconds = _until_over(hall, job, 0.05) - began
    properties = hall.describe(job)
    told = hall.story(job)
    assert "on host b" in told, told
    return seconds, hall.archive_of(properties)


if __name__ == "__main__":
    main()
