"""Only a job's own containers can connect to its cluster. The tests use real packets and a real client.

Two jobs share a group, a third has another group, and a fourth is in another VPC. A program in a container of each
tries to connect to the cluster of the first job.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reading_room.containers.processes import descendants
from tests.worlds.cluster import SCHEDULER_PORT, WORKER_PORT, Hall, Member, listeners, listeners_on_host
from tests.worlds.container_entry import run_in_container
from tests.worlds.own_account import OwnAccount
from tests.worlds.product import Product
from tests.worlds.site import EVERYWHERE
from tests.worlds.waiting import eventually, settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

GUEST = (Path(__file__).parent / "cluster_guest.py").read_text()
DOCUMENTS = 2_500
"""Ten seconds of work. Slowed jobs need minutes for it, and so outlast the attempts."""


def visit(worker: int, **options: Any) -> dict[str, Any]:
    """Run the guest program in a container as its job, and return the outcomes."""
    said = run_in_container(worker, GUEST, json.dumps(options), seconds=90, as_job=True, among_its_processes=True)
    return dict(json.loads(said))


@dataclass
class Attempts:
    """The outcomes of all attempts, and what others observed of them."""

    own: dict[str, Any]
    """A container of the job itself, with the job's certificate. It proves that the attempts can succeed."""
    neighbour: dict[str, Any]
    """A container of another job in the same group, with its own job's certificate."""
    at_our_path: dict[str, Any]
    """The same container, when it requests the path of the first job's certificate."""
    worker_port: dict[str, Any]
    """The same container, at the port of the first job's worker."""
    outsider: dict[str, Any]
    """A container of another group, with the first job's certificate."""
    elsewhere: dict[str, Any]
    """A container in another VPC, with the first job's certificate."""
    host: dict[str, Any]
    """The host itself, with the first job's certificate."""
    on_host: set[tuple[str, int]]
    """The listening sockets of the host."""
    listening: dict[int, set[tuple[str, int]]]
    """The listening sockets in the network namespace of each member of the first job."""
    members: dict[int, Member]
    addresses: dict[str, str]
    records: list[list[str]]
    """The flow logs of the first job's first interface and of the outsider's."""
    shown: dict[int, bytes]
    """The command lines and environments of all processes of the product."""
    log: bytes
    data: dict[str, bytes]
    """The files of the product except the objects."""


@pytest.fixture(scope="module")
def attempts(product: Product, account: OwnAccount) -> Attempts:
    """Make all attempts, once for all tests."""
    hall, far = Hall(product, account=account), Hall(product, account=account)
    ec2 = hall.ec2
    hall.write("in/", DOCUMENTS)
    other = ec2.create_security_group(VpcId=hall.network.vpc, GroupName="others", Description="opens itself to all")
    ec2.authorize_security_group_ingress(GroupId=other["GroupId"], IpPermissions=EVERYWHERE)
    ec2.authorize_security_group_egress(GroupId=far.network.group, IpPermissions=EVERYWHERE)
    config = {"SecurityGroupIds": [other["GroupId"]], "Subnets": list(hall.network.subnets)}
    began = product.log.stat().st_size
    with ExitStack() as running:
        ours = running.enter_context(hall.slowly("in/", 2))
        theirs = running.enter_context(hall.slowly("in/", 2))
        first, second = ours[0], ours[1]
        # The job in the other VPC must not have the address that it is going to try.
        taken = far.take(first.address)
        outsider, outside = running.enter_context(hall.running(VpcConfig=config))
        _, far_off = running.enter_context(far.running())
        interface = hall.interface_of(outsider)
        to = {"address": first.address, "port": SCHEDULER_PORT}
        own = visit(second.worker, path=second.cluster_path, **to)
        # The scheduler has answered, and the job cannot have ended yet.
        listening = {number: _listening(member) for number, member in ours.items()}
        neighbour = visit(theirs[1].worker, path=theirs[1].cluster_path, **to)
        found = Attempts(
            own=own,
            neighbour=neighbour,
            at_our_path=visit(theirs[1].worker, path=second.cluster_path),
            worker_port=visit(
                theirs[1].worker, identity=neighbour["identity"], address=second.address, port=WORKER_PORT
            ),
            outsider=visit(outside, identity=own["identity"], **to),
            elsewhere=visit(far_off, identity=own["identity"], **to),
            host=_visit_from_host(identity=own["identity"], **to),
            on_host=listeners_on_host(product),
            listening=listening,
            members=ours,
            addresses={"outsider": interface["PrivateIpAddress"], "neighbour": theirs[1].address},
            records=[],
            shown={pid: _visible(pid) for pid in product.processes()},
            log=product.log.read_bytes()[began:],
            data=_files(product),
        )
    wanted = {first.interface_id, interface["NetworkInterfaceId"]}
    eventually(lambda: {each[2] for each in hall.records(*wanted)} >= wanted, 20, "the flow records")
    found.records = hall.records(*wanted)
    ec2.delete_network_interface(NetworkInterfaceId=taken)
    settled(hall.left)
    return found


@pytest.mark.costs(65, reason="it is the first test, so it includes four jobs and all attempts")
def test_a_container_of_the_job_connects_with_the_jobs_certificate(attempts: Attempts) -> None:
    assert attempts.own["status"] == 200
    assert attempts.own["dask"] == "in, 2 workers"


def test_even_the_job_itself_can_connect_only_with_its_certificate_over_tls(attempts: Attempts) -> None:
    _assert_refused(attempts.own, but={"dask"})


def test_a_job_in_the_same_group_reaches_the_port_but_its_certificate_is_refused(attempts: Attempts) -> None:
    assert attempts.neighbour["status"] == 200
    # The connection is refused, not dropped: the group allows the packets, and TLS rejects the certificate.
    assert attempts.neighbour["in the clear"] == "refused"
    _assert_refused(attempts.neighbour)
    _assert_refused(attempts.worker_port)


def test_a_job_cannot_fetch_the_certificate_of_another_job(attempts: Attempts) -> None:
    assert attempts.at_our_path == {"status": 404, "identity": None}
    assert b"refused container credentials" in attempts.log
    assert attempts.own["identity"]["Key"] != attempts.neighbour["identity"]["Key"]
    assert attempts.own["identity"]["Authority"] != attempts.neighbour["identity"]["Authority"]


def test_another_group_cannot_connect_even_with_the_certificate_and_is_recorded(attempts: Attempts) -> None:
    _assert_no_answer(attempts.outsider)
    tried = (attempts.addresses["outsider"], attempts.members[0].address, str(SCHEDULER_PORT))
    actions = {(each[2], each[12]) for each in attempts.records if (each[3], each[4], each[6]) == tried}
    assert (attempts.members[0].interface_id, "REJECT") in actions


def test_another_vpc_with_the_same_networks_cannot_connect(attempts: Attempts) -> None:
    _assert_no_answer(attempts.elsewhere)


def test_the_host_cannot_connect(product: Product, attempts: Attempts) -> None:
    # Some networks accept every connection and lead nowhere, so the test checks that the cluster does not answer.
    assert not attempts.host["dask"].startswith("in,"), attempts.host
    ports = {port for _, port in attempts.on_host}
    assert product.port in ports
    assert ports & {SCHEDULER_PORT, WORKER_PORT} == set()


def test_only_the_two_ports_of_the_cluster_are_open_to_the_network(attempts: Attempts) -> None:
    for number, found in attempts.listening.items():
        address = attempts.members[number].address
        outside = {(host, port) for host, port in found if not _is_loopback(host)}
        wanted = {WORKER_PORT} | ({SCHEDULER_PORT} if number == 0 else set())
        assert outside == {(address, port) for port in wanted}


def test_no_key_is_in_a_log_a_file_a_command_line_or_an_environment(attempts: Attempts) -> None:
    for identity in (attempts.own["identity"], attempts.neighbour["identity"]):
        secret = max(identity["Key"].splitlines(), key=len).encode()
        assert len(secret) > 30
        assert secret not in attempts.log
        assert [pid for pid, text in attempts.shown.items() if secret in text] == []
        assert [name for name, text in attempts.data.items() if secret in text] == []
    for member in attempts.members.values():
        assert member.cluster_path.rpartition("/")[2].encode() not in attempts.log


def _assert_refused(outcomes: dict[str, Any], but: frozenset[str] | set[str] = frozenset()) -> None:
    for way in {"dask", "dask in the clear", "in the clear", "without a certificate"} - but:
        said = outcomes[way]
        assert not said.startswith(("in,", "answered")), (way, said)


def _assert_no_answer(outcomes: dict[str, Any]) -> None:
    assert outcomes["in the clear"].startswith("TimeoutError"), outcomes
    _assert_refused(outcomes)


def _is_loopback(host: str) -> bool:
    # The second form is ::1 as the kernel prints it, in words of four bytes.
    return host.startswith("127.") or host == "00000000:00000000:00000000:00000001"


def _listening(member: Member) -> set[tuple[str, int]]:
    found = listeners(member.worker)
    for pid in descendants(member.worker):
        assert listeners(pid) in (found, set()), "a process of the container is in another network namespace"
    return found


def _visit_from_host(**options: Any) -> dict[str, Any]:
    argv = [sys.executable, "-I", "-c", GUEST, json.dumps(options)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, check=True)
    return dict(json.loads(done.stdout))


def _visible(pid: int) -> bytes:
    shown = b""
    for name in ("cmdline", "environ"):
        try:
            shown += Path(f"/proc/{pid}/{name}").read_bytes()
        except OSError:
            continue  # The process has ended or is not readable.
    return shown


def _files(product: Product) -> dict[str, bytes]:
    found = {}
    for path in product.data.rglob("*"):
        if path.is_file() and not path.is_relative_to(product.data / "objects"):
            try:
                found[str(path)] = path.read_bytes()
            except OSError:
                continue  # The file was removed meanwhile.
    return found
