"""What a running job can reach: its storage through its endpoint, and nothing else; and what cutting it off does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli.running import host_address
from reading_room.dataplane.spec import LOCAL_CREDENTIALS_ADDRESS, LOCAL_RESOLVER_ADDRESS
from tests.worlds.container_entry import run_in_container, start_in_container
from tests.worlds.place import Place
from tests.worlds.product import Product, running_product
from tests.worlds.waiting import eventually, settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CUT_SECONDS = 1.0
"""How soon accepted connections end when their way is taken away."""

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
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One running product."""
    with running_product(tmp_path_factory.mktemp("product")) as found:
        yield found


@pytest.fixture(scope="module")
def place(product: Product) -> Place:
    """A place whose groups let everything out, so that only the network itself can hold a job back."""
    found = Place(product)
    found.product.account().ec2.authorize_security_group_egress(
        GroupId=found.network.group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    return found


@pytest.fixture(scope="module")
def storage(place: Place) -> str:
    """An address of S3, as a job's resolver tells it."""
    with place.running() as (_, worker):
        name = f"{place.bucket}.s3.amazonaws.com"
        code, answers, address = _resolve(worker, [(LOCAL_RESOLVER_ADDRESS, name, 1)])[0]
    assert (code, answers) == (0, 1)
    return str(address)


# What can be reached


def test_a_job_reaches_its_storage_and_nothing_else(product: Product, place: Place, storage: str) -> None:
    other = Place(product, "10.5.0.0/16")
    with place.running() as (_, worker), other.running() as (neighbour, _):
        address = _address(product, neighbour)
        inside = [("169.254.170.1", port) for port in _endpoint_ports(product)]
        assert inside, "no endpoint listens"
        reached = _connect(worker, [(storage, 443), (storage, 80), (LOCAL_CREDENTIALS_ADDRESS, 80)])
        blocked = [
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


def test_the_resolver_knows_the_names_of_the_vpc_and_no_others(place: Place) -> None:
    servers = (LOCAL_RESOLVER_ADDRESS, "10.0.0.2")
    names = ["example.com", "amazonaws.com", "lambda.us-east-1.amazonaws.com", "localhost", "packages.example.org"]
    with place.running() as (_, worker):
        for server in servers:
            known = _resolve(worker, [(server, "s3.us-east-1.amazonaws.com", 1), (server, "s3.amazonaws.com", 1)])
            assert [answer[:2] for answer in known] == [[0, 1], [0, 1]]
            unknown = _resolve(worker, [(server, name, 1) for name in names])
            assert [answer[:2] for answer in unknown] == [[3, 0]] * len(names)


def test_a_neighbour_who_knows_the_credentials_path_gets_404_and_is_logged(product: Product, place: Place) -> None:
    with place.running() as (owner, own), place.running() as (_, neighbour):
        path = place.credentials_path(owner)
        address = _address(product, owner)
        assert _fetch(own, path, path + "x") == ["200", "404"]
        assert _fetch(neighbour, path) == ["404"]
        assert _fetch(neighbour, "/") == ["404"]
        log = product.log.read_text()
    assert address in log
    refused = [line for line in log.splitlines() if "refused container credentials" in line]
    assert any(place.network.vpc in line and address not in line for line in refused)
    assert path.rpartition("/")[2] not in log
    # The path dies with its job.
    with place.running() as (_, later):
        assert _fetch(later, path) == ["404"]


# Being cut off


@pytest.mark.parametrize("what", ["endpoint", "association"])
def test_taking_the_way_to_storage_away_cuts_at_once_and_the_job_says_so(
    product: Product, storage: str, what: str
) -> None:
    place = Place(product, "10.4.0.0/16")
    ec2 = product.account().ec2
    # Long enough to be cut in its middle; it finds out when it reads on, or at the latest when it writes.
    place.put("in/", 4_000)
    job = place.start("in/")
    worker = eventually(lambda: place.worker(job), 60, "a worker")
    assert worker is not None
    held = start_in_container(worker, HOLD, storage)
    assert held.stdout is not None
    assert held.stdout.readline() == "connected\n"
    if what == "endpoint":
        ec2.delete_vpc_endpoints(VpcEndpointIds=[str(place.network.endpoint)])
    else:
        for association in _associations(ec2, place):
            ec2.disassociate_route_table(AssociationId=association)
    taken = time.time()
    said, moment = held.stdout.readline().split()
    held.wait(10)
    assert said == "cut"
    assert float(moment) - taken < CUT_SECONDS
    properties = place.wait(job)
    assert properties["JobStatus"] == "FAILED", properties
    assert properties["Message"].startswith("NO_ROUTE_TO_STORAGE"), properties
    # Named: what is missing is the route of the table that the subnet has now.
    assert any(subnet in properties["Message"] for subnet in place.network.subnets), properties
    assert place.outputs("in/") == []
    settled(product.leftovers)


def test_a_vpc_in_use_is_not_deleted_and_its_job_goes_on(product: Product) -> None:
    place = Place(product, "10.3.0.0/16")
    ec2 = product.account().ec2
    place.put("in/", 3000)
    job = place.start("in/")
    eventually(lambda: place.worker(job), 60, "a worker")
    attempts: tuple[Callable[[], object], ...] = (
        lambda: ec2.delete_vpc(VpcId=place.network.vpc),
        lambda: ec2.delete_subnet(SubnetId=place.network.subnets[0]),
        lambda: ec2.delete_security_group(GroupId=place.network.group),
    )
    for attempt in attempts:
        with pytest.raises(ClientError) as refused:
            attempt()
        assert refused.value.response["Error"]["Code"] == "DependencyViolation"
    assert place.wait(job)["JobStatus"] == "COMPLETED"


# Where no job can be


def test_two_free_addresses_suffice_and_fewer_do_not(product: Product, place: Place) -> None:
    ec2 = product.account().ec2
    subnet = ec2.create_subnet(VpcId=place.network.vpc, CidrBlock="10.0.200.0/28")["Subnet"]["SubnetId"]
    ec2.associate_route_table(SubnetId=subnet, RouteTableId=_table(product, place))
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
    settled(product.leftovers)


def test_a_vpc_of_dedicated_tenancy_is_named(product: Product, place: Place) -> None:
    ec2 = product.account().ec2
    vpc = ec2.create_vpc(CidrBlock="10.2.0.0/16", InstanceTenancy="dedicated")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.2.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="readers", Description="of a dedicated VPC")["GroupId"]
    place.put("dedicated/", 3)
    job = place.start("dedicated/", VpcConfig={"SecurityGroupIds": [group], "Subnets": [subnet]})
    properties = place.wait(job)
    assert properties["JobStatus"] == "FAILED", properties
    assert properties["Message"].startswith("VPC_TENANCY_NOT_SUPPORTED")
    assert vpc in properties["Message"]
    settled(product.leftovers)


def test_a_job_cut_off_by_its_group_times_out_at_storage_by_name(product: Product) -> None:
    place = Place(product, "10.1.0.0/16")
    place.put("in/", 3)
    ec2 = product.account().ec2
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


def _address(product: Product, job: str) -> str:
    """Return the private address of a running job."""
    found = product.account().ec2.describe_network_interfaces()["NetworkInterfaces"]
    return next(each["PrivateIpAddress"] for each in found if job in each["Description"])


def _endpoint_ports(product: Product) -> list[int]:
    """Return the ports that endpoints really listen on, in the routers of all VPCs."""
    said = product.inside("for n in /run/reading-room/netns/*; do nsenter --net=$n ss -ltnH; done")
    local = [line.split()[3].rpartition(":") for line in said.splitlines()]
    return sorted({int(port) for address, _, port in local if address == "169.254.170.1"})


def _table(product: Product, place: Place) -> str:
    tables = product.account().ec2.describe_route_tables(
        Filters=[{"Name": "association.subnet-id", "Values": [place.network.subnets[0]]}]
    )
    return tables["RouteTables"][0]["RouteTableId"]


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
