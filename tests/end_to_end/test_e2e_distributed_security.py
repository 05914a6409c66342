"""Who can speak with a job's cluster: its own containers, and nobody else. Real packets and a real client.

Two jobs share a group, a third has another group, a fourth is in another VPC. A program in the container of each tries
to reach the first job's cluster.
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
"""Ten seconds of work, which are minutes for jobs that are slowed: they outlast the attempts."""


def visit(worker: int, **asked: Any) -> dict[str, Any]:
    """Run the guest in a container, as its job."""
    said = run_in_container(worker, GUEST, json.dumps(asked), seconds=90, as_job=True, among_its_processes=True)
    return dict(json.loads(said))


@dataclass
class Evening:
    """What each tried, and what everybody else noticed."""

    own: dict[str, Any]
    """A container of the job itself, with the job's certificate: the proof that the others could have succeeded."""
    neighbour: dict[str, Any]
    """A container of another job in the same group, with its own job's certificate."""
    with_ours: dict[str, Any]
    """The same, at the path of the first job's certificate."""
    worker_port: dict[str, Any]
    """The neighbour again, at the port of the first job's worker."""
    outsider: dict[str, Any]
    """A container of another group, with the first job's certificate."""
    elsewhere: dict[str, Any]
    """A container in another VPC, with the first job's certificate."""
    host: dict[str, Any]
    """The host itself, with the first job's certificate."""
    on_host: set[tuple[str, int]]
    """What listens on the host."""
    listening: dict[int, set[tuple[str, int]]]
    """What listens in the network namespace of each member of the first job."""
    members: dict[int, Member]
    addresses: dict[str, str]
    records: list[list[str]]
    """The flow log of the first job's first interface, and of the outsider's."""
    shown: dict[int, bytes]
    """Command lines and environments of every process of the product."""
    log: bytes
    data: dict[str, bytes]
    """The files of the product that are no objects."""


@pytest.fixture(scope="module")
def evening(product: Product, account: OwnAccount) -> Evening:
    """Let everybody try, once."""
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
        # The job over there shall not have the very address that it is to try.
        taken = far.take(first.address)
        outsider, outside = running.enter_context(hall.running(VpcConfig=config))
        _, far_off = running.enter_context(far.running())
        interface = hall.interface_of(outsider)
        to = {"address": first.address, "port": SCHEDULER_PORT}
        own = visit(second.worker, path=second.cluster_path, **to)
        # Now that the scheduler has answered, and before the job could end.
        listening = {number: _listening(member) for number, member in ours.items()}
        neighbour = visit(theirs[1].worker, path=theirs[1].cluster_path, **to)
        found = Evening(
            own=own,
            neighbour=neighbour,
            with_ours=visit(theirs[1].worker, path=second.cluster_path),
            worker_port=visit(
                theirs[1].worker, identity=neighbour["identity"], address=second.address, port=WORKER_PORT
            ),
            outsider=visit(outside, identity=own["identity"], **to),
            elsewhere=visit(far_off, identity=own["identity"], **to),
            host=_visit_from_here(identity=own["identity"], **to),
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


@pytest.mark.costs(65, reason="it is the first, before which four jobs run and everybody tries to get in")
def test_a_container_of_the_job_with_its_certificate_is_in(evening: Evening) -> None:
    assert evening.own["status"] == 200
    assert evening.own["dask"] == "in, 2 workers"


def test_even_the_job_itself_gets_in_only_with_its_certificate_and_by_tls(evening: Evening) -> None:
    _refused(evening.own, but={"dask"})


def test_a_job_in_the_same_group_reaches_the_port_and_is_refused_by_its_certificate(evening: Evening) -> None:
    assert evening.neighbour["status"] == 200
    # What it is refused with is no silence: packets pass within the group, and TLS is what stops it.
    assert evening.neighbour["in the clear"] == "refused"
    _refused(evening.neighbour)
    _refused(evening.worker_port)


def test_a_job_is_not_given_another_s_certificate(evening: Evening) -> None:
    assert evening.with_ours == {"status": 404, "identity": None}
    assert b"refused container credentials" in evening.log
    assert evening.own["identity"]["Key"] != evening.neighbour["identity"]["Key"]
    assert evening.own["identity"]["Authority"] != evening.neighbour["identity"]["Authority"]


def test_another_group_reaches_nothing_even_with_the_certificate_and_it_is_recorded(evening: Evening) -> None:
    _silent(evening.outsider)
    tried = (evening.addresses["outsider"], evening.members[0].address, str(SCHEDULER_PORT))
    actions = {(each[2], each[12]) for each in evening.records if (each[3], each[4], each[6]) == tried}
    assert (evening.members[0].interface_id, "REJECT") in actions


def test_another_vpc_with_the_same_networks_reaches_nothing(evening: Evening) -> None:
    _silent(evening.elsewhere)


def test_the_host_reaches_nothing(product: Product, evening: Evening) -> None:
    # Some networks accept every connection, to nowhere: what counts is that nobody of the cluster is there.
    assert not evening.host["dask"].startswith("in,"), evening.host
    ports = {port for _, port in evening.on_host}
    assert product.port in ports
    assert ports & {SCHEDULER_PORT, WORKER_PORT} == set()


def test_nothing_but_the_two_ports_is_open_to_the_network(evening: Evening) -> None:
    for number, found in evening.listening.items():
        address = evening.members[number].address
        outside = {(host, port) for host, port in found if not _is_loopback(host)}
        wanted = {WORKER_PORT} | ({SCHEDULER_PORT} if number == 0 else set())
        assert outside == {(address, port) for port in wanted}


def test_no_key_is_in_a_log_a_file_a_command_line_or_an_environment(evening: Evening) -> None:
    for identity in (evening.own["identity"], evening.neighbour["identity"]):
        secret = max(identity["Key"].splitlines(), key=len).encode()
        assert len(secret) > 30
        assert secret not in evening.log
        assert [pid for pid, text in evening.shown.items() if secret in text] == []
        assert [name for name, text in evening.data.items() if secret in text] == []
    for member in evening.members.values():
        assert member.cluster_path.rpartition("/")[2].encode() not in evening.log


def _refused(came: dict[str, Any], but: frozenset[str] | set[str] = frozenset()) -> None:
    for way in {"dask", "dask in the clear", "in the clear", "without a certificate"} - but:
        said = came[way]
        assert not said.startswith(("in,", "answered")), (way, said)


def _silent(came: dict[str, Any]) -> None:
    assert came["in the clear"].startswith("TimeoutError"), came
    _refused(came)


def _is_loopback(host: str) -> bool:
    # The second is ::1, as the kernel writes it in words of four bytes.
    return host.startswith("127.") or host == "00000000:00000000:00000000:00000001"


def _listening(member: Member) -> set[tuple[str, int]]:
    found = listeners(member.worker)
    for pid in descendants(member.worker):
        assert listeners(pid) in (found, set()), "a process of the container is in another network namespace"
    return found


def _visit_from_here(**asked: Any) -> dict[str, Any]:
    argv = [sys.executable, "-I", "-c", GUEST, json.dumps(asked)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, check=True)
    return dict(json.loads(done.stdout))


def _visible(pid: int) -> bytes:
    shown = b""
    for name in ("cmdline", "environ"):
        try:
            shown += Path(f"/proc/{pid}/{name}").read_bytes()
        except OSError:
            continue  # It ended meanwhile, or shows nobody.
    return shown


def _files(product: Product) -> dict[str, bytes]:
    found = {}
    for path in product.data.rglob("*"):
        if path.is_file() and not path.is_relative_to(product.data / "objects"):
            try:
                found[str(path)] = path.read_bytes()
            except OSError:
                continue  # It was removed meanwhile.
    return found
