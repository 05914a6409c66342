"""Internet gateways, and the gateway of a default VPC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from reading_room.vpc.quotas import Quotas
from tests.worlds.ec2 import Ec2World, code_of

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_ec2 import EC2Client


@pytest.fixture
def gateway_id(ec2: EC2Client) -> str:
    """A gateway that is not attached."""
    return ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]


def test_a_gateway_is_created_attached_detached_and_deleted(ec2: EC2Client, vpc_id: str) -> None:
    made = ec2.create_internet_gateway(
        TagSpecifications=[{"ResourceType": "internet-gateway", "Tags": [{"Key": "Name", "Value": "way-out"}]}]
    )["InternetGateway"]
    assert (made["Attachments"], made["Tags"]) == ([], [{"Key": "Name", "Value": "way-out"}])
    gateway_id = made["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    (seen,) = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc_id]}])[
        "InternetGateways"
    ]
    assert seen["InternetGatewayId"] == gateway_id
    assert seen["Attachments"] == [{"State": "available", "VpcId": vpc_id}]
    with pytest.raises(ClientError, match=f"The internetGateway '{gateway_id}' has dependencies") as caught:
        ec2.delete_internet_gateway(InternetGatewayId=gateway_id)
    assert code_of(caught.value) == "DependencyViolation"
    with pytest.raises(ClientError) as caught:
        ec2.delete_vpc(VpcId=vpc_id)
    assert code_of(caught.value) == "DependencyViolation"
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    ec2.delete_internet_gateway(InternetGatewayId=gateway_id)
    ec2.delete_vpc(VpcId=vpc_id)
    with pytest.raises(ClientError, match=f"The internetGateway ID '{gateway_id}' does not exist") as caught:
        ec2.delete_internet_gateway(InternetGatewayId=gateway_id)
    assert code_of(caught.value) == "InvalidInternetGatewayID.NotFound"


def test_a_vpc_has_at_most_one_gateway_and_a_gateway_one_vpc(ec2: EC2Client, vpc_id: str, gateway_id: str) -> None:
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    with pytest.raises(ClientError, match=f"resource {gateway_id} is already attached to network {vpc_id}") as caught:
        ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=other)
    assert code_of(caught.value) == "Resource.AlreadyAssociated"
    second = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with pytest.raises(ClientError, match=f"Network {vpc_id} already has an internet gateway attached") as caught:
        ec2.attach_internet_gateway(InternetGatewayId=second, VpcId=vpc_id)
    assert code_of(caught.value) == "InvalidParameterValue"
    with pytest.raises(ClientError, match=f"resource {second} is not attached to network {vpc_id}") as caught:
        ec2.detach_internet_gateway(InternetGatewayId=second, VpcId=vpc_id)
    assert code_of(caught.value) == "Gateway.NotAttached"


def test_a_gateway_cannot_be_detached_while_its_vpc_has_a_public_address(
    ec2: EC2Client, vpc_id: str, gateway_id: str
) -> None:
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    allocation = ec2.allocate_address()["AllocationId"]
    ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)
    with pytest.raises(ClientError, match=f"Network {vpc_id} has some mapped public address") as caught:
        ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    assert code_of(caught.value) == "DependencyViolation"
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)


def test_malformed_and_unknown_gateway_ids_get_different_errors(ec2: EC2Client, vpc_id: str) -> None:
    with pytest.raises(ClientError, match=r'Invalid id: "vgw-1" \(expecting "igw-\.\.\."\)'):
        ec2.attach_internet_gateway(InternetGatewayId="vgw-1", VpcId=vpc_id)
    with pytest.raises(ClientError) as caught:
        ec2.describe_internet_gateways(InternetGatewayIds=["igw-0123456789abcdef0"])
    assert code_of(caught.value) == "InvalidInternetGatewayID.NotFound"


def test_gateways_are_listed_in_pages(ec2: EC2Client) -> None:
    made = {ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"] for _ in range(6)}
    pages = list(ec2.get_paginator("describe_internet_gateways").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["InternetGateways"]) for page in pages] == [5, 2]
    assert made < {each["InternetGatewayId"] for page in pages for each in page["InternetGateways"]}


def test_a_default_vpc_has_a_gateway_a_route_to_it_and_subnets_that_map_public_addresses(ec2: EC2Client) -> None:
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    assert gateway["Attachments"] == [{"State": "available", "VpcId": vpc["VpcId"]}]
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["RouteTables"]
    assert [(route["DestinationCidrBlock"], route["GatewayId"], route["State"]) for route in table["Routes"]] == [
        ("172.31.0.0/16", "local", "active"),
        ("0.0.0.0/0", gateway["InternetGatewayId"], "active"),
    ]
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    assert len(subnets) == 6
    assert all(subnet["MapPublicIpOnLaunch"] for subnet in subnets)
    # Only instances get a public address this way; an interface created by itself does not.
    made = ec2.create_network_interface(SubnetId=subnets[0]["SubnetId"])["NetworkInterface"]
    assert "Association" not in made


def test_an_account_can_have_five_gateways_with_awss_quotas(tmp_path: Path) -> None:
    world = Ec2World(tmp_path, Quotas.of_profile("aws"))
    try:
        ec2 = world.client()
        for _ in range(4):
            ec2.create_internet_gateway()
        with pytest.raises(ClientError) as caught:
            ec2.create_internet_gateway()
        assert code_of(caught.value) == "InternetGatewayLimitExceeded"
    finally:
        world.close()
