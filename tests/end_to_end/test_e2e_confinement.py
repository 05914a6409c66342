"""What a running job can reach: only its storage, through its endpoint; and what happens when it is cut off."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli.running import host_address
from reading_room.client import connect
from reading_room.dataplane.spec import LOCAL_CREDENTIALS_ADDRESS, LOCAL_RESOLVER_ADDRESS
from tests.worlds.container_entry import run_in_container, start_in_container
from tests.worlds.own_account import OwnAccount
from tests.worlds.place import Place
from tests.worlds.product import PINS, Product
from tests.worlds.site import CALL
from tests.worlds.waiting import settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CUT_SECONDS = 1.0
"""The time in seconds within which accepted connections end after their route was removed."""

CONNECT = """
import json, socket, sys
for address, port in json.loads(sys.argv[1]):
    with socket.socket() as attempt:
        attempt.settimeout(1.0)
        try:
            attempt.connect((address, port))
            print(json.dumps("connected"))
        except OSError as error:
            print(json.dumps(type(error).__name__))
"""
HOLD = """
import socket, sys, time
with socket.create_connection((sys.argv[1], 443), 5) as held:
    held.settimeout(30)
    print("connected", flush=True)
    try:
        said = held.recv(1)
    except ConnectionResetError:
        said = b""
    print("cut" if said == b"" else "answered", time.time(), flush=True)
"""
FETCH = """
import http.client, sys
for path in sys.argv[2:]:
    asked = http.client.HTTPConnection(sys.argv[1], timeout=5)
    asked.request("GET", path)
    print(asked.getresponse().status)
"""
TAKE = """
import http.client, sys
asked = http.client.HTTPConnection(sys.argv[1], timeout=5)
asked.request("GET", sys.argv[2])
print(asked.getresponse().read().decode())
"""
RESOLVE = """
import json, socket, struct, sys
for server, name, kind in json.loads(sys.argv[1]):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(3)
        asking.sendto(query, (server, 53))
        answer = asking.recv(4096)
    print(json.dumps([answer[3] & 15, struct.unpack("!H", answer[6:8])[0], ".".join(map(str, answer[-4:]))]))
"""


@pytest.fixture(scope="module")
def make_place(product: Product, account: OwnAccount) -> Callable[[str], Place]:
    """Make a place for a test: ``make_place(cidr)``."""
    return lambda cidr: Place(product, cidr, account)


@pytest.fixture(scope="module")
def place(make_place: Callable[[str], Place]) -> Place:
    """A place whose groups allow all egress, so that only the network itself can confine a job."""
    found = make_place("10.0.0.0/16")
    found.ec2.authorize_security_group_egress(
        GroupId=found.network.group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    return found


@pytest.fixture(scope="module")
def storage(place: Place) -> str:
    """An address of S3 from a job's resolver."""
    with place.running() as (_, worker):
        name = f"{place.bucket}.s3.amazonaws.com"
        code, answers, address = _resolve(worker, [(LOCAL_RESOLVER_ADDRESS, name, 1)])[0]
    assert (code, answers) == (0, 1)
    return str(address)


# What can be reached


@pytest.mark.costs(22, reason="runs three jobs and waits for connections to many addresses to time out")
def test_a_job_can_reach_its_storage_and_nothing_else(
    product: Product, place: Place, make_place: Callable[[str], Place], storage: str
) -> None:
    other = make_place("10.5.0.0/16")
    with place.running() as (_, worker), other.running() as (neighbour, _):
        address = other.interface_of(neighbour)["PrivateIpAddress"]
        inside = [("169.254.170.1", port) for port in _endpoint_ports(place)]
        assert inside, "no endpoint listens"
        reached = _connect(worker, [(storage, 443), (storage, 80), (LOCAL_CREDENTIALS_ADDRESS, 80)])
        metrics = int(product.settings["METRICS_PORT"])
        blocked = [
            *((host, metrics) for host in (host_address(), "127.0.0.1", "10.0.0.1", "169.254.170.2")),
            (host_address(), product.port),
            (host_address(), 22),
            ("127.0.0.1", product.port),
            ("10.0.0.1", product.port),
            ("10.0.1.1", product.port),
            ("169.254.169.254", 80),
            ("169.254.170.2", 443),
            ("169.254.170.2", product.port),
            (storage, 22),
            (address, 443),
            ("1.1.1.1", 443),
            ("8.8.8.8", 53),
            *inside,
        ]
        found = dict(zip(blocked, _connect(worker, blocked), strict=True))
    assert reached == ["connected"] * 3
    assert {target: says for target, says in found.items() if says == "connected"} == {}


def test_the_resolver_resolves_the_names_of_the_vpc_and_no_others(place: Place) -> None:
    servers = (LOCAL_RESOLVER_ADDRESS, "10.0.0.2")
    names = ["example.com", "amazonaws.com", "lambda.us-east-1.amazonaws.com", "localhost", "packages.example.org"]
    with place.running() as (_, worker):
        for server in servers:
            known = _resolve(worker, [(server, "s3.us-east-1.amazonaws.com", 1), (server, "s3.amazonaws.com", 1)])
            assert [answer[:2] for answer in known] == [[0, 1], [0, 1]]
            unknown = _resolve(worker, [(server, name, 1) for name in names])
            assert [answer[:2] for answer in unknown] == [[3, 0]] * len(names)


def test_a_neighbour_that_knows_the_credentials_path_gets_404_and_is_logged(product: Product, place: Place) -> None:
    with place.running() as (owner, own), place.running() as (_, neighbour):
        path = place.credentials_path(owner)
        address = place.interface_of(owner)["PrivateIpAddress"]
        assert _fetch(own, path, path + "x") == ["200", "404"]
        assert _fetch(neighbour, path) == ["404"]
        assert _fetch(neighbour, "/") == ["404"]
        log = product.log.read_text()
    refused = [
        line for line in log.splitlines() if "refused container credentials" in line and place.network.vpc in line
    ]
    assert any(address in line for line in refused)
    assert any(address not in line for line in refused)
    assert path.rpartition("/")[2] not in log
    # The path is invalid after the end of its job.
    with place.running() as (_, later):
        assert _fetch(later, path) == ["404"]


@pytest.mark.costs(12, reason="runs two jobs at once, and programs in their containers that load an SDK")
def test_stolen_credentials_are_valid_only_in_their_job(product: Product, place: Place) -> None:
    with place.running() as (owner, own), place.running() as (_, neighbour):
        path = place.credentials_path(owner)
        taken = json.loads(run_in_container(own, TAKE, LOCAL_CREDENTIALS_ADDRESS, path, as_job=True))
        keys = {
            "aws_access_key_id": taken["AccessKeyId"],
            "aws_secret_access_key": taken["SecretAccessKey"],
            "aws_session_token": taken["Token"],
        }
        listing = json.dumps(["s3", "list_objects_v2", {"Bucket": place.bucket}, None, keys])
        said = [json.loads(run_in_container(each, CALL, listing, as_job=True)) for each in (own, neighbour)]
        assert said[0][0] == "answered"
        assert said[1][0] == "AccessDenied"
        assert "explicit deny in a session policy" in said[1][1]
        on_host = connect(
            "s3",
            product.endpoint().url,
            access_key_id=taken["AccessKeyId"],
            secret_access_key=taken["SecretAccessKey"],
            session_token=taken["Token"],
        )
        with pytest.raises(ClientError, match="explicit deny in a session policy"):
            on_host.list_objects_v2(Bucket=place.bucket)


# Being cut off


@pytest.mark.costs(15, reason="cuts off a job of 4,000 documents halfway, which fails when it reads the rest")
@pytest.mark.parametrize("what", ["endpoint", "association"])
def test_removing_the_route_to_storage_cuts_connections_at_once_and_the_job_reports_it(
    make_place: Callable[[str], Place], storage: str, what: str
) -> None:
    place = make_place("10.4.0.0/16")
    ec2 = place.ec2
    place.put("in/", 4_000)
    # The job is cut off halfway, and notices it when it reads further input.
    with place.held("in/", at_work=True) as (job, worker):
        open_one = start_in_container(worker, HOLD, storage)
        assert open_one.stdout is not None
        assert open_one.stdout.readline() == "connected\n"
        if what == "endpoint":
            ec2.delete_vpc_endpoints(VpcEndpointIds=[place.endpoint])
        else:
            for association in _associations(ec2, place):
                ec2.disassociate_route_table(AssociationId=association)
        taken = time.time()
        said, moment = open_one.stdout.readline().split()
        open_one.wait(10)
        assert said == "cut"
        assert float(moment) - taken < CUT_SECONDS
    properties = place.wait(job)
    assert properties["JobStatus"] == "FAILED", properties
    assert properties["Message"].startswith("NO_ROUTE_TO_STORAGE"), properties
    # The message names the subnet, because its current route table has no route to storage.
    assert any(subnet in properties["Message"] for subnet in place.network.subnets), properties
    assert place.outputs("in/") == []
    settled(place.leftovers)


def test_a_vpc_in_use_cannot_be_deleted_and_its_job_continues(make_place: Callable[[str], Place]) -> None:
    place = make_place("10.3.0.0/16")
    ec2 = place.ec2
    place.put("in/", 300)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: ec2.delete_vpc(VpcId=place.network.vpc),
        lambda: ec2.delete_subnet(SubnetId=place.network.subnets[0]),
        lambda: ec2.delete_security_group(GroupId=place.network.group),
    )
    with place.held("in/") as (job, _):
        for attempt in attempts:
            with pytest.raises(ClientError) as refused:
                attempt()
            assert refused.value.response["Error"]["Code"] == "DependencyViolation"
    assert place.wait(job)["JobStatus"] == "COMPLETED"


# Networks in which no job can run


def test_a_job_requires_two_free_addresses(place: Place) -> None:
    ec2 = place.ec2
    subnet = ec2.create_subnet(VpcId=place.network.vpc, CidrBlock="10.0.200.0/28")["Subnet"]["SubnetId"]
    ec2.associate_route_table(SubnetId=subnet, RouteTableId=place.network.route_table)
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 11
    taken = [ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"] for _ in range(11)]
    place.put("few/", 3)
    config = {"SecurityGroupIds": [place.network.group], "Subnets": [subnet]}
    for _ in range(2):
        properties = place.wait(place.start("few/", VpcConfig=config))
        assert properties["JobStatus"] == "FAILED", properties
        assert properties["Message"].startswith("INSUFFICIENT_IP_ADDRESSES")
        assert subnet in properties["Message"]
        ec2.delete_network_interface(NetworkInterfaceId=taken.pop())
    properties = place.wait(place.start("few/", VpcConfig=config))
    assert properties["JobStatus"] == "COMPLETED", properties
    for interface in taken:
        ec2.delete_network_interface(NetworkInterfaceId=interface)
    settled(place.leftovers)


def test_the_message_names_a_vpc_with_dedicated_tenancy(place: Place) -> None:
    ec2 = place.ec2
    vpc = ec2.create_vpc(CidrBlock="10.2.0.0/16", InstanceTenancy="dedicated")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.2.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="readers", Description="of a dedicated VPC")["GroupId"]
    place.put("dedicated/", 3)
    job = place.start("dedicated/", VpcConfig={"SecurityGroupIds": [group], "Subnets": [subnet]})
    properties = place.wait(job)
    assert properties["JobStatus"] == "FAILED", properties
    assert properties["Message"].startswith("VPC_TENANCY_NOT_SUPPORTED")
    assert vpc in properties["Message"]
    settled(place.leftovers)


def test_a_job_that_its_group_cuts_off_names_the_storage_that_timed_out(make_place: Callable[[str], Place]) -> None:
    place = make_place("10.1.0.0/16")
    place.put("in/", 3)
    ec2 = place.ec2
    group = ec2.create_security_group(VpcId=place.network.vpc, GroupName="mute", Description="lets nothing out")
    ec2.revoke_security_group_egress(
        GroupId=group["GroupId"], IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    config = {"SecurityGroupIds": [group["GroupId"]], "Subnets": list(place.network.subnets)}
    properties = place.wait(place.start("in/", VpcConfig=config))
    assert properties["JobStatus"] == "FAILED", properties
    assert properties["Message"].startswith("NO_ROUTE_TO_STORAGE")
    assert group["GroupId"] in properties["Message"]


def _connect(worker: int, targets: list[tuple[str, int]]) -> list[str]:
    said = run_in_container(worker, CONNECT, json.dumps(targets))
    return [json.loads(line) for line in said.splitlines()]


def _resolve(worker: int, questions: list[tuple[str, str, int]]) -> list[list[object]]:
    said = run_in_container(worker, RESOLVE, json.dumps(questions))
    return [json.loads(line) for line in said.splitlines()]


def _fetch(worker: int, *paths: str) -> list[str]:
    return run_in_container(worker, FETCH, LOCAL_CREDENTIALS_ADDRESS, *paths).split()


def _endpoint_ports(place: Place) -> list[int]:
    """Return the ports that endpoints listen on in the router of a place's VPC, according to the kernel."""
    said = place.product.inside(f"nsenter --net={PINS}/{place.network.vpc} ss -ltnH")
    local = [line.split()[3].rpartition(":") for line in said.splitlines()]
    return sorted({int(port) for address, _, port in local if address == "169.254.170.1"})


def _associations(ec2: Any, place: Place) -> list[str]:
    tables = ec2.describe_route_tables(
        Filters=[{"Name": "association.subnet-id", "Values": list(place.network.subnets)}]
    )
    return [
        association["RouteTableAssociationId"]
        for table in tables["RouteTables"]
        for association in table["Associations"]
        if association.get("SubnetId") in place.network.subnets
    ]
