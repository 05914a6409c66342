"""The rules by which the containers of a job can form their cluster, with the cluster's code and a real router.

There are three containers in two subnets. A refused container gets no answer, and reports that within seconds.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reading_room.analysis.job_file import CLUSTER_PORTS, SCHEDULER_PORT
from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.spec import CidrPeer, GroupPeer, Interface, SecurityGroupRule
from tests.worlds.network import APP, MUTE, WEB, Network, World, rule, spec

pytestmark = [pytest.mark.network, pytest.mark.timeout(180)]

PROGRAM = "tests.network.cluster_container"
ROOT = Path(__file__).resolve().parents[2]
ADDRESSES = ("10.0.1.10", "10.0.1.11", "10.0.2.12")
ITSELF = GroupPeer(APP)
SILENT_SECONDS = 1.0
WIDE = rule(1, ITSELF, -1, -1)
LIMITED = rule(2, ITSELF, first=CLUSTER_PORTS[0], last=CLUSTER_PORTS[1])


def certificates(count: int) -> list[dict[str, str]]:
    """Return the identities for one attempt: one authority, and a key for each container."""
    now = dt.datetime.now(dt.UTC)

    def builder(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        subject, issuer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in (name, "job"))
        serial, begin, end = x509.random_serial_number(), now - dt.timedelta(hours=1), now + dt.timedelta(days=1)
        return x509.CertificateBuilder(issuer, subject, key.public_key(), serial, begin, end)

    def pem(certificate: x509.Certificate) -> str:
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    signer = ec.generate_private_key(ec.SECP256R1())
    of_authority = x509.BasicConstraints(ca=True, path_length=0)
    authority = builder("job", signer).add_extension(of_authority, critical=True).sign(signer, hashes.SHA256())
    found = []
    for member in range(count):
        key = ec.generate_private_key(ec.SECP256R1())
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        found.append(
            {
                "authority": pem(authority),
                "certificate": pem(builder(f"member-{member}", key).sign(signer, hashes.SHA256())),
                "key": key.private_bytes(*form).decode(),
            }
        )
    return found


def containers(network: Network, groups: tuple[str, ...] = (APP, APP, APP)) -> list[Interface]:
    """Attach the three containers."""
    return [
        network.add(number, address, group, subnet=int(address.split(".")[2]))
        for number, (address, group) in enumerate(zip(ADDRESSES, groups, strict=True), 1)
    ]


def cluster(world: World, interfaces: list[Interface], expected: int) -> list[dict[str, Any]]:
    """Let containers form a cluster of ``expected`` members; return each one's final report."""
    started = []
    for member, (interface, identity) in enumerate(zip(interfaces, certificates(len(interfaces)), strict=True)):
        scratch = world.runtime / f"scratch-{member}"
        scratch.mkdir()
        place = {
            "member": member,
            "containers": len(interfaces),
            "address": interface.address,
            "scheduler": interfaces[0].address,
            "path": f"/{member}",
        }
        assert interface.container_id is not None
        with namespaces.inside(world.containers[interface.container_id]):
            process = subprocess.Popen(
                [sys.executable, "-m", PROGRAM],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        assert process.stdin is not None
        request = {"place": place, "identity": identity, "scratch": str(scratch), "expected": expected}
        request["silent"] = SILENT_SECONDS
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        started.append(process)
    reports = []
    for process in started:
        out, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
        reports.append(json.loads(out))
    return reports


def group_of_its_own(ingress: list[SecurityGroupRule], egress: list[SecurityGroupRule]) -> Network:
    """Return a network whose group APP has these rules and no others."""
    network = Network()
    network.ingress[APP], network.egress[APP] = ingress, egress
    return network


@pytest.mark.parametrize("opening", [WIDE, LIMITED], ids=["everything", "its ports"])
def test_a_group_that_opens_to_itself_has_one_cluster_over_two_subnets(
    world: World, opening: SecurityGroupRule
) -> None:
    network = group_of_its_own([opening], [opening])
    interfaces = containers(network)
    world.realize(spec(network))
    one, *others = cluster(world, interfaces, 3)
    assert one == {"workers": 3, "processes": 3}
    assert others == [{"in order": True}] * 2
    actions = {(each.destination_port, each.action) for each in world.flows(network) if each.direction == "ingress"}
    assert (SCHEDULER_PORT, "ACCEPT") in actions
    assert "REJECT" not in {action for _, action in actions}


@pytest.mark.parametrize(
    ("ingress", "egress"),
    [
        ([], [WIDE]),
        ([WIDE], []),
        ([rule(3, GroupPeer(WEB), -1, -1)], [WIDE]),
    ],
    ids=["nothing in", "nothing out", "another group in"],
)
def test_without_the_rule_the_others_say_so_within_seconds(
    world: World, ingress: list[SecurityGroupRule], egress: list[SecurityGroupRule]
) -> None:
    network = group_of_its_own(ingress, egress)
    interfaces = containers(network)
    world.realize(spec(network))
    one, *others = cluster(world, interfaces, 1)
    # The first container continues alone.
    assert one == {"workers": 1, "processes": 1}
    assert [each["code"] for each in others] == ["CONTAINERS_CANNOT_CONNECT"] * 2
    assert all("within 1 s" in each["message"] for each in others)


def test_a_container_of_another_group_does_not_get_in_with_a_good_certificate(world: World) -> None:
    network = group_of_its_own([WIDE], [WIDE])
    network.egress[MUTE] = [rule(6, CidrPeer("0.0.0.0/0"), -1, -1)]
    interfaces = containers(network, (APP, APP, MUTE))
    world.realize(spec(network))
    one, friend, stranger = cluster(world, interfaces, 2)
    assert one == {"workers": 2, "processes": 2}
    assert friend == {"in order": True}
    assert stranger["code"] == "CONTAINERS_CANNOT_CONNECT"
    refused = {
        (each.source, each.destination, each.destination_port)
        for each in world.flows(network)
        if (each.action, each.interface_id) == ("REJECT", interfaces[0].interface_id)
    }
    assert (ADDRESSES[2], ADDRESSES[0], SCHEDULER_PORT) in refused
