"""DHCP options sets: their contents, their VPCs, and the name servers that a job's container gets from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from reading_room.vpc.addressing import dhcp_options
from tests.worlds.ec2 import Ec2World, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

GHOST = "dopt-0123456789abcdef0"
OWN: Any = [
    {"Key": "domain-name-servers", "Values": ["10.0.0.9", "AmazonProvidedDNS"]},
    {"Key": "domain-name", "Values": ["corp.example"]},
    {"Key": "ntp-servers", "Values": ["10.0.0.10"]},
    {"Key": "netbios-name-servers", "Values": ["10.0.0.11"]},
    {"Key": "netbios-node-type", "Values": ["2"]},
]


@pytest.fixture
def set_id(ec2: EC2Client) -> str:
    return ec2.create_dhcp_options(DhcpConfigurations=OWN)["DhcpOptions"]["DhcpOptionsId"]


def name_servers_of(world: Ec2World, vpc_id: str) -> dhcp_options.NameServers:
    with world.database.reading() as session:
        return dhcp_options.name_servers(session)[vpc_id]


def test_a_set_is_described_as_it_was_created(ec2: EC2Client) -> None:
    tags: Any = [{"ResourceType": "dhcp-options", "Tags": [{"Key": "Name", "Value": "own"}]}]
    made = ec2.create_dhcp_options(DhcpConfigurations=OWN, TagSpecifications=tags)["DhcpOptions"]
    (seen,) = ec2.describe_dhcp_options(DhcpOptionsIds=[made["DhcpOptionsId"]])["DhcpOptions"]
    assert seen == made
    assert {entry["Key"]: [value["Value"] for value in entry["Values"]] for entry in seen["DhcpConfigurations"]} == {
        entry["Key"]: entry["Values"] for entry in OWN
    }
    found = ec2.describe_dhcp_options(Filters=[{"Name": "value", "Values": ["corp.*"]}])["DhcpOptions"]
    assert [entry["Tags"] for entry in found] == [[{"Key": "Name", "Value": "own"}]]


def test_a_vpc_can_change_or_drop_its_set_and_its_containers_follow(
    world: Ec2World, ec2: EC2Client, vpc_id: str, set_id: str
) -> None:
    assert name_servers_of(world, vpc_id) == dhcp_options.NameServers(("AmazonProvidedDNS",), ("ec2.internal",))
    ec2.associate_dhcp_options(DhcpOptionsId=set_id, VpcId=vpc_id)
    assert ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["DhcpOptionsId"] == set_id
    assert name_servers_of(world, vpc_id) == dhcp_options.NameServers(
        ("10.0.0.9", "AmazonProvidedDNS"), ("corp.example",)
    )
    ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=vpc_id)
    assert ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["DhcpOptionsId"] == "default"
    assert name_servers_of(world, vpc_id) == dhcp_options.NameServers((), ())


def test_a_set_in_use_cannot_be_deleted(ec2: EC2Client, vpc_id: str, set_id: str) -> None:
    ec2.associate_dhcp_options(DhcpOptionsId=set_id, VpcId=vpc_id)
    with pytest.raises(ClientError, match=f"The dhcpOptions '{set_id}' has dependencies") as caught:
        ec2.delete_dhcp_options(DhcpOptionsId=set_id)
    assert code_of(caught.value) == "DependencyViolation"
    ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=vpc_id)
    ec2.delete_dhcp_options(DhcpOptionsId=set_id)
    with pytest.raises(ClientError) as caught:
        ec2.describe_dhcp_options(DhcpOptionsIds=[set_id])
    assert code_of(caught.value) == "InvalidDhcpOptionID.NotFound"


def test_an_unknown_set_or_vpc_is_not_found(ec2: EC2Client, vpc_id: str, set_id: str) -> None:
    wrong = [
        (GHOST, vpc_id, "InvalidDhcpOptionID.NotFound"),
        ("dopt-x", vpc_id, "InvalidDhcpOptionsId.Malformed"),
        (set_id, "vpc-0123456789abcdef0", "InvalidVpcID.NotFound"),
    ]
    for options, vpc, code in wrong:
        with pytest.raises(ClientError) as caught:
            ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=vpc)
        assert code_of(caught.value) == code


@pytest.mark.parametrize(
    ("key", "values", "code"),
    [
        ("domain-name-servers", ["10.0.0.1"] * 5, "InvalidParameterValue"),
        ("domain-name-servers", ["ns.example"], "InvalidParameterValue"),
        ("domain-name-servers", ["127.0.0.1"], "InvalidParameterValue"),
        ("domain-name-servers", ["fd00::1"], "InvalidParameterValue"),
        ("domain-name", ["a\nnameserver 10.0.0.1"], "InvalidParameterValue"),
        ("domain-name", ["a..b"], "InvalidParameterValue"),
        ("domain-name", ["a", "b"], "InvalidParameterValue"),
        ("netbios-node-type", ["3"], "InvalidParameterValue"),
        ("colour", ["red"], "InvalidParameterValue"),
        ("ntp-servers", [], "InvalidParameterValue"),
        ("ipv6-address-preferred-lease-time", ["600"], "UnsupportedOperation"),
    ],
)
def test_an_invalid_option_is_refused(ec2: EC2Client, key: str, values: list[str], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.create_dhcp_options(DhcpConfigurations=[{"Key": key, "Values": values}])
    assert code_of(caught.value) == code
    assert len(ec2.describe_dhcp_options()["DhcpOptions"]) == 1


def test_an_option_can_be_given_only_once(ec2: EC2Client) -> None:
    twice: Any = [{"Key": "domain-name", "Values": ["a"]}, {"Key": "domain-name", "Values": ["b"]}]
    with pytest.raises(ClientError, match="given twice"):
        ec2.create_dhcp_options(DhcpConfigurations=twice)
