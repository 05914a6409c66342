"""Route tables, routes and associations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from ec2_world import code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@pytest.fixture
def table_id(ec2: EC2Client, vpc_id: str) -> str:
    return ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]


def described(ec2: EC2Client, table_id: str) -> Any:
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    return table


def test_the_same_client_token_makes_one_table(ec2: EC2Client, vpc_id: str) -> None:
    first = ec2.create_route_table(VpcId=vpc_id, ClientToken="once")["RouteTable"]["RouteTableId"]
    assert ec2.create_route_table(VpcId=vpc_id, ClientToken="once")["RouteTable"]["RouteTableId"] == first
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    with pytest.raises(ClientError) as caught:
        ec2.create_route_table(VpcId=other, ClientToken="once")
    assert code_of(caught.value) == "IdempotentParameterMismatch"


def test_a_subnet_has_one_table_of_its_own_at_most(ec2: EC2Client, vpc_id: str, subnet_id: str, table_id: str) -> None:
    made = ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)["AssociationId"]
    assert ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)["AssociationId"] == made
    second = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    with pytest.raises(ClientError) as caught:
        ec2.associate_route_table(RouteTableId=second, SubnetId=subnet_id)
    assert code_of(caught.value) == "Resource.AlreadyAssociated"
    new = ec2.replace_route_table_association(AssociationId=made, RouteTableId=second)["NewAssociationId"]
    assert new != made
    with pytest.raises(ClientError) as caught:
        ec2.delete_route_table(RouteTableId=second)
    assert code_of(caught.value) == "DependencyViolation"
    ec2.disassociate_route_table(AssociationId=new)
    with pytest.raises(ClientError) as caught:
        ec2.disassociate_route_table(AssociationId=new)
    assert code_of(caught.value) == "InvalidAssociationID.NotFound"
    ec2.delete_route_table(RouteTableId=second)


def test_the_main_table_can_be_changed_but_not_removed(ec2: EC2Client, vpc_id: str, table_id: str) -> None:
    here: Any = [{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [vpc_id]}]
    (main,) = ec2.describe_route_tables(Filters=here)["RouteTables"]
    association = main["Associations"][0]["RouteTableAssociationId"]
    with pytest.raises(ClientError) as caught:
        ec2.disassociate_route_table(AssociationId=association)
    assert code_of(caught.value) == "InvalidParameterValue"
    with pytest.raises(ClientError) as caught:
        ec2.delete_route_table(RouteTableId=main["RouteTableId"])
    assert code_of(caught.value) == "DependencyViolation"
    ec2.replace_route_table_association(AssociationId=association, RouteTableId=table_id)
    assert ec2.describe_route_tables(Filters=here)["RouteTables"][0]["RouteTableId"] == table_id
    ec2.delete_route_table(RouteTableId=main["RouteTableId"])


def test_a_route_to_an_interface_is_made_replaced_and_removed(ec2: EC2Client, subnet_id: str, table_id: str) -> None:
    first, second = (
        ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"] for _ in range(2)
    )
    route: Any = {"RouteTableId": table_id, "DestinationCidrBlock": "0.0.0.0/0"}
    assert ec2.create_route(**route, NetworkInterfaceId=first)["Return"] is True
    with pytest.raises(ClientError, match=r"The route identified by 0\.0\.0\.0/0 already exists") as caught:
        ec2.create_route(**route, NetworkInterfaceId=second)
    assert code_of(caught.value) == "RouteAlreadyExists"
    ec2.replace_route(**route, NetworkInterfaceId=second)
    seen = described(ec2, table_id)["Routes"][1]
    assert (seen["NetworkInterfaceId"], seen["State"]) == (second, "blackhole")
    ec2.delete_route(**route)
    with pytest.raises(ClientError) as caught:
        ec2.delete_route(**route)
    assert code_of(caught.value) == "InvalidRoute.NotFound"
    with pytest.raises(ClientError) as caught:
        ec2.replace_route(**route, NetworkInterfaceId=second)
    assert code_of(caught.value) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"GatewayId": "igw-0123456789abcdef0"}, "InvalidInternetGatewayID.NotFound"),
        ({"NatGatewayId": "nat-0123456789abcdef0"}, "NatGatewayNotFound"),
        ({"NetworkInterfaceId": "eni-0123456789abcdef0"}, "InvalidNetworkInterfaceID.NotFound"),
        ({"VpcPeeringConnectionId": "pcx-0123456789abcdef0"}, "InvalidVpcPeeringConnectionID.NotFound"),
        ({"GatewayId": "local"}, "InvalidParameterValue"),
        ({}, "MissingParameter"),
        ({"GatewayId": "igw-0123456789abcdef0", "NatGatewayId": "nat-1"}, "InvalidParameterCombination"),
    ],
)
def test_a_route_needs_one_target_that_exists(ec2: EC2Client, table_id: str, wanted: Any, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", **wanted)
    assert code_of(caught.value) == code
    assert len(described(ec2, table_id)["Routes"]) == 1


@pytest.mark.parametrize(
    ("cidr", "code"),
    [
        ("10.0.0.0/16", "RouteAlreadyExists"),
        ("10.0.0.0/24", "InvalidParameterValue"),
        ("10.0.0.0/25", "InvalidParameterValue"),
        ("169.254.169.253/32", "InvalidParameterValue"),
        ("224.0.0.0/8", "InvalidParameterValue"),
        ("ten", "InvalidParameterValue"),
    ],
)
def test_a_route_leads_outside_the_vpc(ec2: EC2Client, subnet_id: str, table_id: str, cidr: str, code: str) -> None:
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    with pytest.raises(ClientError) as caught:
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock=cidr, NetworkInterfaceId=interface)
    assert code_of(caught.value) == code
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="10.0.0.0/8", NetworkInterfaceId=interface)


def test_a_local_route_stays(ec2: EC2Client, table_id: str) -> None:
    with pytest.raises(ClientError, match="cannot remove local route") as caught:
        ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="10.0.0.0/16")
    assert code_of(caught.value) == "InvalidParameterValue"
