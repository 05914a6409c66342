"""No job phones home or escapes: a training and a cluster send only the packets that they need.

A witness in the router of their VPC sees every packet from their containers. In each container, and in that of a
synchronous call, a program then tries what docs/attacks.md lists for every program.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from reading_room.agent import holder as holders
from reading_room.analysis import worker as analysis_worker
from reading_room.analysis.job_file import RESOLVER_FILE
from reading_room.containers import seccomp
from reading_room.containers.calls import CONTAINER
from reading_room.containers.processes import start_time
from reading_room.dataplane.spec import LOCAL_CREDENTIALS_ADDRESS, LOCAL_RESOLVER_ADDRESS
from tests.end_to_end import job_attacks, job_escapes
from tests.end_to_end.test_e2e_models import train
from tests.worlds.cluster import Hall
from tests.worlds.container_entry import attempts_program, run_in_container
from tests.worlds.own_account import OwnAccount
from tests.worlds.processes import slowed, worker_below
from tests.worlds.product import PINS, Product
from tests.worlds.waiting import settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

LIST = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
ENDED = "ended by SIGSYS"
ESCAPES: dict[str, Any] = {
    "its-own-program": ["EROFS"],
    "files-of-the-system": ["EACCES", "EROFS"],
    "new-files-outside-its-places": ["EROFS"],
    "devices-of-the-host": ["ENOENT"],
    "devices-of-its-own-making": ["EPERM"],
    "what-tells-of-the-host": ["", "FileNotFoundError"],
    "devices-and-control-groups-in-sys": ["ENOENT"],
    "terminal-of-whoever-started-it": ["ENXIO", "EROFS"],
    "becoming-root": ["EPERM"],
    "processes-of-others": [],
    "secrets-of-the-first-process": [""],
    "rights-of-the-first-process": ["0" * 16, "1", "2"],
    "priority-over-others": ["EACCES", "EPERM"],
    "not-being-killed-for-memory": "EACCES",
    "new-namespaces-by-clone": "refused",
    "modules-of-the-kernel": [ENDED],
    "another-kernel": [ENDED],
    "ending-the-machine": [ENDED],
    "swap-accounting-and-quotas": [ENDED],
    "clock-of-the-machine": [ENDED],
    "name-of-the-machine": [ENDED],
    "ports-of-the-hardware": [ENDED],
    "mounts-by-newer-calls": [ENDED],
    "files-by-handles": [ENDED],
    "watching-all-files": [ENDED],
    "memory-of-others-by-call": [ENDED],
    "keys-of-the-kernel": [ENDED],
    "messages-of-the-kernel": [ENDED],
}
"""The outcome of each attempt to escape, in every program."""
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
    # A packet of a connection that the other end opened is recorded by its source port, as a negative number.
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
"""The files that a job may have while it works: its resolver's settings, parts of its result, a growing model."""
FILES = """
import json, os
found = []
for place in ("/tmp", "/dev/shm"):
    device = os.lstat(place).st_dev
    for folder, inner, names in os.walk(place):
        # If the product itself is installed below this folder, other file systems are mounted in it.
        inner[:] = [each for each in inner if each != "__pycache__" and os.lstat(f"{folder}/{each}").st_dev == device]
        found += [f"{folder}/{each}" for each in names if os.lstat(f"{folder}/{each}").st_dev == device]
print(json.dumps(found))
"""


Way = tuple[int | str, str, int]
"""Protocol, destination address and port of a packet. For an answer, the port is its source port, negated."""


@dataclass(slots=True)
class Traffic:
    """The packets that the witness saw from a VPC's containers. It is empty until the watch has ended."""

    places: set[Way] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


@contextmanager
def watched(product: Product, vpc: str) -> Iterator[Traffic]:
    """Watch a VPC's containers during the block."""
    argv = ["nsenter", f"--net={PINS}/{vpc}", sys.executable, "-I", "-c", WITNESS]
    witness = subprocess.Popen(
        holders.enter_argv(product.holder(), argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert witness.stdout is not None
    assert witness.stdout.readline() == "watching\n"
    seen = Traffic()
    try:
        yield seen
    finally:
        said, _ = witness.communicate()
    places, names = json.loads(said)
    seen.places, seen.names = {tuple(each) for each in places}, set(names)


@dataclass(frozen=True, slots=True)
class Observations:
    """What jobs did while they were watched, and the outcomes of the attempts in their containers."""

    seen: Traffic
    needed: set[Way]
    """The destinations that they needed."""
    inside: set[Way]
    """The connections among members of the cluster."""
    buckets: set[str]
    files: set[str]
    outcomes: dict[str, dict[str, Any]]
    """The outcomes by program and attempt."""


def observe(product: Product, account: OwnAccount, kind: str = "classifier", seconds: int = 10) -> Observations:
    """Watch a training, a job of two containers and a synchronous call for some seconds while they work."""
    hall = Hall(product, account=account)
    hall.write("in/", 250 * seconds)
    account.comprehend.detect_dominant_language(Text="Guten Morgen")
    with watched(product, hall.network.vpc) as seen, hall.slowly("in/", 2) as members:
        training = hall.training(train(hall, kind, f"quiet-{kind}-{seconds}", times=6 * min(seconds, 50)))
        with hall.holding(training) as worker, slowed(worker):
            programs = {"a training": worker, "the first container of a job": members[0].worker}
            programs |= {"another container of a job": members[1].worker, "a synchronous call": _realtime(product)}
            # The test is that nothing else happens during this time.
            time.sleep(seconds)
            gone = [name for name, each in programs.items() if start_time(each) is None]
            assert gone == [], f"{gone} ended:\n{product.tail(80)}"
            files = {
                file for each in programs.values() for file in json.loads(run_in_container(each, FILES, as_job=True))
            }
            outcomes = {name: _try_to_escape(each) for name, each in programs.items()}
    hall.stop(training)
    settled(hall.left)
    (address,) = {address for _, address, port in seen.places if port == 443}
    assert ip_address(address) in ip_network("52.216.0.0/15")
    needed: set[Way] = {(6, address, 443), (6, LOCAL_CREDENTIALS_ADDRESS, 80), (17, LOCAL_RESOLVER_ADDRESS, 53)}
    inside: set[Way] = {(6, each.address, port) for each in members.values() for port in (8786, 8787, -8786, -8787)}
    return Observations(
        seen, needed, inside, {hall.bucket, f"reading-room-models-{account.endpoint.region}"}, files, outcomes
    )


def _realtime(product: Product) -> int:
    records = [record for record in product.records().values() if record is not None and record.kind == "realtime"]
    worker = worker_below(records[-1].pid)
    assert worker is not None
    return worker


def _try_to_escape(worker: int) -> dict[str, Any]:
    program = attempts_program(job_attacks, job_escapes, "job_attacks.main(attempts['ESCAPES'])")
    facts = {"filter": base64.b64encode(seccomp.program(CONTAINER)).decode(), "program": str(analysis_worker.__file__)}
    said = run_in_container(worker, program, json.dumps(facts), as_job=True, among_its_processes=True)
    return dict(json.loads(line) for line in said.splitlines())


@pytest.fixture(scope="module")
def ten_seconds(product: Product, account: OwnAccount) -> Observations:
    """Return the observations of ten seconds, made once for all tests."""
    return observe(product, account)


def assert_only_needed_traffic(found: Observations) -> None:
    """Assert that jobs sent only the packets that they needed and wrote only the files that they may have."""
    assert found.needed <= found.seen.places <= found.needed | found.inside
    assert found.seen.names
    assert {name.partition(".s3.")[0] for name in found.seen.names} <= found.buckets
    assert {file for file in found.files if not OWN_FILE.fullmatch(file)} == set()


@pytest.mark.costs(60, reason="watches a training, a job of two containers and a call for ten seconds")
def test_a_training_and_a_cluster_send_only_the_packets_that_they_need(ten_seconds: Observations) -> None:
    assert_only_needed_traffic(ten_seconds)


@pytest.mark.chaos
@pytest.mark.parametrize("kind", ["classifier", "recognizer"])
def test_they_send_no_other_packets_in_two_minutes(product: Product, account: OwnAccount, kind: str) -> None:
    assert_only_needed_traffic(observe(product, account, kind, 120))


@pytest.mark.parametrize("name", ESCAPES)
def test_no_program_escapes_from_its_container(ten_seconds: Observations, name: str) -> None:
    assert {program: outcomes[name] for program, outcomes in ten_seconds.outcomes.items()} == dict.fromkeys(
        ten_seconds.outcomes, ESCAPES[name]
    )


def test_the_attempts_are_those_of_the_list(ten_seconds: Observations) -> None:
    text = LIST.read_text().partition("## By every program")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)
    assert listed == list(ESCAPES)
    assert all(list(outcomes) == listed for outcomes in ten_seconds.outcomes.values())
