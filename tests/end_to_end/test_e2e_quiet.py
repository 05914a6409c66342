"""No job phones home: a training and the cluster of a job ask for what they need, and for nothing else.

A witness in the router of their VPC sees every packet that comes from their containers.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

import pytest

from reading_room.agent import holder as holders
from reading_room.analysis.job_file import RESOLVER_FILE
from reading_room.dataplane.spec import LOCAL_CREDENTIALS_ADDRESS, LOCAL_RESOLVER_ADDRESS
from tests.end_to_end.test_e2e_models import train
from tests.worlds.cluster import Hall
from tests.worlds.container_entry import run_in_container
from tests.worlds.own_account import OwnAccount
from tests.worlds.processes import slowed
from tests.worlds.product import PINS, Product
from tests.worlds.waiting import settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

WITNESS = """
import json, select, socket, sys
taken, names = set(), set()
every = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
every.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
print("watching", flush=True)
while True:
    ready = select.select([every, sys.stdin], [], [])[0]
    if every not in ready:
        break
    packet, (device, kind, direction, *_) = every.recvfrom(65536)
    if direction == socket.PACKET_OUTGOING or not device.startswith("e"):
        continue
    if kind != 0x0800:
        taken.add((hex(kind), "", 0))
        continue
    begin, protocol = (packet[0] & 15) * 4, packet[9]
    source, port = (int.from_bytes(packet[begin + at : begin + at + 2], "big") for at in (0, 2))
    # A packet of a connection that the other end began is known by its own port.
    taken.add((protocol, socket.inet_ntoa(packet[16:20]), port if source > 10000 or protocol == 17 else -source))
    if (protocol, port) == (17, 53):
        name, rest = [], packet[begin + 20 :]
        while rest[0]:
            name.append(rest[1 : 1 + rest[0]].decode())
            rest = rest[1 + rest[0] :]
        names.add(".".join(name))
print(json.dumps([sorted(taken, key=str), sorted(names)]))
"""
OWN_FILE = re.compile(rf"{RESOLVER_FILE}|/tmp/tmp\w{{8}}/(tmp\w{{8}}/)?(part-\d+|model|crf)")
"""What a job keeps while it works: where its names are asked for, parts of its result, a model that grows."""
FILES = """
import json, os
found = []
for place in ("/tmp", "/dev/shm"):
    device = os.lstat(place).st_dev
    for folder, inner, names in os.walk(place):
        # Other places are mounted below it if the product itself is installed there.
        inner[:] = [each for each in inner if each != "__pycache__" and os.lstat(f"{folder}/{each}").st_dev == device]
        found += [f"{folder}/{each}" for each in names if os.lstat(f"{folder}/{each}").st_dev == device]
print(json.dumps(found))
"""


@dataclass(slots=True)
class Seen:
    """What the witness saw of a VPC's containers; empty until the watch has ended."""

    places: set[tuple[int | str, str, int]] = field(default_factory=set)
    """Protocol, address and port that packets were for; of an answer the port that it is from, and negative."""
    names: set[str] = field(default_factory=set)


@contextmanager
def watched(product: Product, vpc: str) -> Iterator[Seen]:
    """Watch a VPC's containers for the length of the block."""
    argv = ["nsenter", f"--net={PINS}/{vpc}", sys.executable, "-I", "-c", WITNESS]
    witness = subprocess.Popen(
        holders.enter_argv(product.holder(), argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert witness.stdout is not None
    assert witness.stdout.readline() == "watching\n"
    seen = Seen()
    try:
        yield seen
    finally:
        said, _ = witness.communicate()
    places, names = json.loads(said)
    seen.places, seen.names = {tuple(each) for each in places}, set(names)


@pytest.mark.costs(60, reason="a training and a job of two containers are watched at work for ten seconds")
@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        ("classifier", 10),
        pytest.param("classifier", 120, marks=pytest.mark.chaos),
        pytest.param("recognizer", 120, marks=pytest.mark.chaos),
    ],
)
def test_a_training_and_a_cluster_ask_for_what_they_need_alone(
    product: Product, account: OwnAccount, kind: str, seconds: int
) -> None:
    hall = Hall(product, account=account)
    hall.write("in/", 2_500)
    with watched(product, hall.network.vpc) as seen, hall.slowly("in/", 2) as members:
        training = hall.training(train(hall, kind, f"quiet-{kind}-{seconds}", times=10))
        with hall.holding(training) as worker, slowed(worker):
            # The time is what is tested: that nothing else happens in it.
            time.sleep(seconds)
            files = {
                file
                for each in (worker, *(member.worker for member in members.values()))
                for file in json.loads(run_in_container(each, FILES, as_job=True))
            }
    hall.stop(training)
    settled(hall.left)
    storage = f"s3.{account.endpoint.region}.amazonaws.com"
    assert seen.names == {f"{hall.bucket}.{storage}", f"reading-room-models-{account.endpoint.region}.{storage}"}
    inside = {(6, each.address, port) for each in members.values() for port in (8786, 8787, -8786, -8787)}
    (address,) = {address for _, address, port in seen.places if port == 443}
    assert ip_address(address) in ip_network("52.216.0.0/15")
    needed = {(6, address, 443), (6, LOCAL_CREDENTIALS_ADDRESS, 80), (17, LOCAL_RESOLVER_ADDRESS, 53)}
    assert needed <= seen.places <= needed | inside
    assert {file for file in files if not OWN_FILE.fullmatch(file)} == set()
