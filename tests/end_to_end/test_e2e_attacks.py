"""Attacks from a job's container against its network, its host and its neighbours: each is refused and recorded.

docs/attacks.md lists them. One container tries all of them. A neighbour in the same subnet and group, and a job in
another VPC with the same networks and addresses, listen for anything that arrives.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import reading
from reading_room.cli.running import host_address
from reading_room.containers import seccomp
from reading_room.containers.calls import CONTAINER
from reading_room.hosts.front.dns import TCP_CONNECTIONS
from reading_room.hosts.http_listener import PEER_CONNECTIONS
from tests.end_to_end import job_attacks, job_questions
from tests.worlds.container_entry import attempts_program, run_in_container, start_in_container
from tests.worlds.own_account import OwnAccount
from tests.worlds.place import Place
from tests.worlds.product import PINS, Product
from tests.worlds.waiting import settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

LIST = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
LISTEN = """
import select, socket, sys
tcp = socket.create_server(("", 7070), backlog=64)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("", 7070))
for group in ("224.0.0.251", "239.1.2.3"):
    udp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + bytes(4))
print("listening", flush=True)
while True:
    for ready in select.select([tcp, udp], [], [])[0]:
        print("arrived", ready.accept()[1] if ready is tcp else ready.recvfrom(100)[1], flush=True)
"""

KNOCK = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.sendto(b"knock", ("127.0.0.1", 7070))
socket.create_connection(("127.0.0.1", 7070)).close()
"""

NOTHING: list[Any] = []
EXPECTED: dict[str, Any] = {
    "raw-sockets": ["EPERM"],
    "packet-socket": "EAFNOSUPPORT",
    "own-routes-by-netlink": ["EAFNOSUPPORT"],
    "every-other-family": ["EAFNOSUPPORT"],
    "ping-socket": "EACCES",
    "sctp": "EPROTONOSUPPORT",
    "multipath-tcp": "silence",
    "ipv6": ["ENETUNREACH", "EINVAL", "ENETUNREACH"],
    "ipv4-inside-ipv6": "silence",
    "mark-of-another-route-table": "EPERM",
    "transparent-socket": "EPERM",
    "another-device": "ENODEV",
    "forged-source-address": ["ENETUNREACH"] * 3 + ["EINVAL"],
    "source-routing": "EPERM",
    "traceroute": ["silence", "silence"],
    "address-of-a-neighbour-by-ioctl": "EPERM",
    "routes-and-neighbours-by-ioctl": ["EPERM", "EPERM"],
    "device-down-by-ioctl": "EPERM",
    "own-tunnel": "ENOENT",
    "neighbour-by-tcp": NOTHING,
    "neighbour-by-udp": "silence",
    "neighbour-by-fragments": "silence",
    "neighbour-by-fast-open": "silence",
    "multicast-and-broadcast": ["silence"] * 4,
    "job-of-a-vpc-with-equal-addresses": NOTHING,
    "huge-fan-out": NOTHING,
    "the-server": ["ECONNREFUSED"],
    "ports-of-the-host": NOTHING,
    "the-agents-socket": ["ENOENT", "ENOENT"],
    "abstract-sockets-of-the-host": "ECONNREFUSED",
    "signals-to-the-host": ["EPERM"],
    "files-of-the-product": ["ENOENT"],
    "settings-of-the-kernel": ["ENOENT"],
    "namespaces": ["ended by SIGSYS"] * 3,
    "mounts": ["ended by SIGSYS"] * 3,
    "calls-that-attack-kernels": ["ended by SIGSYS"],
    "instance-metadata": NOTHING,
    "all-of-link-local": NOTHING,
    "ports-of-the-router": [["10.0.0.2", 53], ["169.254.169.253", 53], ["169.254.170.2", 80]],
    "listeners-of-endpoints": NOTHING,
    "storage-at-other-ports": ["silence"],
    "the-internet": NOTHING,
    "names-that-carry-data": ["3/0"],
    "name-servers-outside": ["silence"] * 4,
    "updates-and-transfers-of-zones": ["3/0", "4/0", "3/0"],
    "garbage-to-the-resolver": "0/1",
    "bomb-of-names": ["0", "0/1"],
    "names-of-another-vpc": ["3/0"] * 4,
    "flood-of-questions": True,
    "credentials-of-a-neighbour": [404, 404, 404, 405, 404],
    "another-service-through-the-storage-endpoint": ["405"] * 5,
    "headers-that-claim-another-path": ["403"],
    "the-endpoint-as-a-proxy": ["400", "403", "403"],
    "a-request-inside-a-request": ["400", "400"],
    "hoarded-connections": [PEER_CONNECTIONS, TCP_CONNECTIONS],
}
"""The outcome of each attempt for the job: no connection, no answer, an errno, or the status of a refusal."""

RECORDED = {
    "neighbour-by-tcp": ("neighbour", 7070, 6),
    "neighbour-by-udp": ("neighbour", 7070, 17),
    "multicast-and-broadcast": ("224.0.0.251", 7070, 17),
    "job-of-a-vpc-with-equal-addresses": ("10.0.2.30", 7070, 6),
    "huge-fan-out": ("10.0.27.250", 7070, 6),
    "the-server": ("host", None, 6),
    "ports-of-the-host": ("host", 22, 6),
    "storage-at-other-ports": ("storage", 22, 6),
    "the-internet": ("1.1.1.1", 443, 6),
    "name-servers-outside": ("8.8.8.8", 53, 17),
    "traceroute": ("1.1.1.1", 33434, 17),
}
"""The flow log record of an attempt: destination, port and protocol."""

COUNTED = {
    "instance-metadata": ("pre_route", "nobody at this link-local address"),
    "all-of-link-local": ("pre_route", "nobody at this link-local address"),
    "ports-of-the-router": ("pre_route", "the router answers nobody"),
    "listeners-of-endpoints": ("pre_route", "the router answers nobody"),
    "flood-of-questions": ("pre_egress", "resolver rate"),
}
"""The rule of the router that counts an attempt: its chain and its comment."""


@dataclass
class Attack:
    """The outcomes of a container's attempts, and what others observed of them."""

    outcomes: dict[str, Any]
    facts: dict[str, Any]
    arrived: list[str]
    records: list[list[str]]
    """The flow log of the attacker's interface."""
    beside: list[list[str]]
    """The flow log of the neighbour's."""
    counters: dict[tuple[str, str], int]
    log: str


@pytest.fixture(scope="module")
def attack(product: Product, account: OwnAccount) -> Attack:
    """Run every attempt in a job, once for all tests."""
    place, other = Place(product, account=account), Place(product, account=account)
    everything: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    for each in (place, other):
        account.ec2.authorize_security_group_egress(GroupId=each.network.group, IpPermissions=everything)
    account.ec2.authorize_security_group_ingress(GroupId=other.network.group, IpPermissions=everything)
    place.log_flows()
    _guard(place, other)
    named = account.ec2.create_network_interface(SubnetId=other.network.subnets[0], PrivateIpAddress="10.0.1.200")
    began = product.log.stat().st_size
    program = attempts_program(job_attacks, job_questions, "job_attacks.main()")
    with (
        place.running() as (job, worker),
        place.running() as (neighbour, beside),
        other.running() as (stranger, elsewhere),
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        abstract.bind("\0reading-room-attacks")
        abstract.listen()
        interface, found = place.interface_of(job), place.interface_of(neighbour)
        facts = {
            "filter": base64.b64encode(seccomp.program(CONTAINER)).decode(),
            "own": interface["PrivateIpAddress"],
            "neighbour": found["PrivateIpAddress"],
            "storage": _resolve(worker, "s3.us-east-1.amazonaws.com"),
            "host": host_address(),
            "port": product.port,
            "sockets": [str(product.place.socket), "/run/reading-room/agent.sock"],
            "abstract": "reading-room-attacks",
            "processes": [product.child("serve"), product.child("agent"), product.holder().pid],
            "files": [
                *(str(product.data / name) for name in ("db.sqlite", "authority/authority.key")),
                str(product.place.agent / "holder.json"),
                str(product.place.root_key),
            ],
            "credentials": place.credentials_path(neighbour),
            "names": [("ip-10-0-1-200.ec2.internal", 1), ("200.1.0.10.in-addr.arpa", 12)],
            "allowed_address": other.interface_of(stranger)["PrivateIpAddress"],
            "allowed_endpoint": other.endpoint,
            "guarded": other.bucket,
        }
        # Only the resolver of the interface's own VPC knows its name.
        assert _resolve(elsewhere, "ip-10-0-1-200.ec2.internal") == "10.0.1.200"
        listening = [(where, start_in_container(where, LISTEN, as_job=True)) for where in (beside, elsewhere)]
        for _, listener in listening:
            assert listener.stdout is not None
            assert listener.stdout.readline() == "listening\n"
        said = run_in_container(worker, program, json.dumps(facts), seconds=200, as_job=True)
        arrived = [line for where, listener in listening for line in _arrivals(where, listener)]
        counters = {key: _counter(place, *key) for key in set(COUNTED.values())}
    records = _records(place, interface["NetworkInterfaceId"], {_refused(facts, name) for name in RECORDED})
    to = facts["neighbour"]
    refused_beside = {(to, "7070", "6"), (to, "7070", "17"), (to, "22", "6")}
    records_beside = _records(place, found["NetworkInterfaceId"], refused_beside)
    account.ec2.delete_network_interface(NetworkInterfaceId=named["NetworkInterface"]["NetworkInterfaceId"])
    settled(account.leftovers)
    outcomes = dict(json.loads(line) for line in said.splitlines())
    return Attack(
        outcomes,
        facts,
        arrived,
        records,
        records_beside,
        counters,
        product.log.read_bytes()[began:].decode(),
    )


def _refused(facts: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    """Return destination, port and protocol of the record of an attempt."""
    to, port, protocol = RECORDED[name]
    return facts.get(to, to), str(port or facts["port"]), str(protocol)


def _records(place: Place, interface: str, wanted: Set[tuple[str, str, str]]) -> list[list[str]]:
    """Return an interface's flow log once it has the wanted records: the windows of a job are delivered one by one."""

    def records() -> list[list[str]]:
        return [line.split() for line in reading.flow_lines(place.account, place.flows, interface)]

    settled(lambda: {f"not in the flow log of {interface}": sorted(wanted - {_flow(each) for each in records()})})
    return records()


def _flow(record: list[str]) -> tuple[str, str, str]:
    """Return destination, port and protocol of a record."""
    return record[4], record[6], record[7]


def _arrivals(where: int, listener: subprocess.Popen[str]) -> list[str]:
    """End a listener and return what arrived there. It prints our own knocks after everything that came before them."""
    assert listener.stdout is not None
    run_in_container(where, KNOCK, as_job=True)
    lines: list[str] = []
    while sum("127.0.0.1" in line for line in lines) < 2:
        line = listener.stdout.readline()
        assert line, "the listener has ended"
        lines.append(line)
    listener.kill()
    listener.communicate()
    return [line for line in lines if "127.0.0.1" not in line]


def _guard(place: Place, other: Place) -> None:
    """Store an object that everybody may read through the endpoint of the other VPC."""
    s3 = other.account.s3
    try:
        s3.delete_public_access_block(Bucket=other.bucket)
    except ClientError:
        pass  # The bucket had none.
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{other.bucket}/secret",
        "Condition": {"StringEquals": {"aws:SourceVpce": other.endpoint}},
    }
    s3.put_bucket_policy(Bucket=other.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    other.put_text("secret", "secret")
    assert place.bucket != other.bucket


def _resolve(worker: int, name: str) -> str:
    program = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
    return run_in_container(worker, program, name, as_job=True).strip()


def _counter(place: Place, chain: str, comment: str) -> int:
    """Return how many packets a rule of a place's router counted, on all hosts together."""
    router = f"{PINS}/{place.network.vpc}"
    script = f"nsenter --net={router} nft list chain inet vpc {chain}"
    lines = [line for host in place.product.hosts() for line in host.inside(script).splitlines() if comment in line]
    return sum(int(number) for line in lines for number in re.findall(r"counter packets (\d+)", line))


@pytest.mark.costs(50, reason="it is the first test, so it includes the job that tries every attack of this module")
def test_no_listener_received_anything(attack: Attack) -> None:
    assert attack.arrived == []


@pytest.mark.parametrize("name", EXPECTED)
def test_an_attempt_is_refused_and_recorded(attack: Attack, name: str) -> None:
    if name == "signals-to-the-host" and os.geteuid() != 0:
        # The attempts use process ids of the host, which a job cannot see, so only the user id protects the processes.
        pytest.skip("entered by an ordinary user, a container's program has that user's own id, not the job's")
    assert attack.outcomes[name] == EXPECTED[name]
    if name in RECORDED:
        assert _refused(attack.facts, name) in {_flow(each) for each in attack.records}
    if name in COUNTED:
        assert attack.counters[COUNTED[name]] > 0


def test_the_flow_log_of_the_neighbour_has_the_refused_packets(attack: Attack) -> None:
    refused = {(each[3], each[6], each[7], each[12]) for each in attack.beside}
    own = attack.facts["own"]
    assert {(own, "7070", "6", "REJECT"), (own, "7070", "17", "REJECT"), (own, "22", "6", "REJECT")} <= refused


def test_refused_excess_connections_are_in_the_log(attack: Attack) -> None:
    assert f"refused a connection from {attack.facts['own']}" in attack.log
    assert f"refused a query from {attack.facts['own']}" in attack.log


def test_refused_credentials_of_a_neighbour_are_in_the_log(attack: Attack) -> None:
    assert "refused container credentials" in attack.log
    assert attack.facts["credentials"].rpartition("/")[2] not in attack.log


def test_the_attempts_are_those_of_the_list(attack: Attack) -> None:
    text = LIST.read_text().partition("## From inside a job's container")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)
    assert listed == list(attack.outcomes) == list(EXPECTED)
