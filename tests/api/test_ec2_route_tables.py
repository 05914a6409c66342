"""Route tables, routes and associations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@pytest.fixture
def table_id(ec2: EC2Client, vpc_id: str) -> str:
    return ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]


def described(ec2: EC2Client, table_id: str) -> Any:
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    return table


def test_a_repeated_client_token_creates_one_table(ec2: EC2Client, vpc_id: str) -> None:
    first = ec2.create_route_table(VpcId=vpc_id, ClientToken="once")["RouteTable"]["RouteTableId"]
    assert ec2.create_route_table(VpcId=vpc_id, ClientToken="once")["RouteTable"]["RouteTableId"] == first
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    with pytest.raises(ClientError) as caught:
        ec2.create_route_table(VpcId=other, ClientToken="once")
    assert code_of(caught.value) == "IdempotentParameterMismatch"


def test_a_subnet_has_at_most_one_table_of_its_own(ec2: EC2Client, vpc_id: str, subnet_id: str, table_id: str) -> None:
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


def test_the_main_table_can_be_replaced_but_not_removed(ec2: EC2Client, vpc_id: str, table_id: str) -> None:
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


def test_a_route_to_an_interface_is_created_replaced_and_deleted(ec2: EC2Client, subnet_id: str, table_id: str) -> None:
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
        ({"NatGatewayId": "nat-0123456789abcdef0"}, "InvalidNatGatewayID.NotFound"),
        ({"GatewayId": "igw-1"}, "InvalidInternetGatewayId.Malformed"),
        ({"GatewayId": "vgw-0123456789abcdef0"}, "InvalidGatewayID.NotFound"),
        ({"NetworkInterfaceId": "eni-0123456789abcdef0"}, "InvalidNetworkInterfaceID.NotFound"),
        ({"VpcPeeringConnectionId": "pcx-0123456789abcdef0"}, "InvalidVpcPeeringConnectionID.NotFound"),
        ({"GatewayId": "local"}, "InvalidParameterValue"),
        ({}, "MissingParameter"),
        ({"GatewayId": "igw-0123456789abcdef0", "NatGatewayId": "nat-1"}, "InvalidParameterCombination"),
    ],
)
def test_a_route_needs_exactly_one_existing_target(ec2: EC2Client, table_id: str, wanted: Any, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", **wanted)
    assert code_of(caught.value) == code
    assert len(described(ec2, table_id)["Routes"]) == 1


@pytest.mark.parametrize(
    ("cidr", "code"),
    [
        ("10.0.0.0/16", "RouteAlreadyExists"),
        ("10.0.1.0/24", "InvalidParameterValue"),
        ("10.0.0.0/25", "InvalidParameterValue"),
        ("169.254.169.253/32", "InvalidParameterValue"),
        ("224.0.0.0/8", "InvalidParameterValue"),
        ("ten", "InvalidParameterValue"),
    ],
)
def test_an_invalid_destination_is_refused(ec2: EC2Client, subnet_id: str, table_id: str, cidr: str, code: str) -> None:
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    with pytest.raises(ClientError) as caught:
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock=cidr, NetworkInterfaceId=interface)
    assert code_of(caught.value) == code
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="10.0.0.0/8", NetworkInterfaceId=interface)


@pytest.fixture
def gateway_id(ec2: EC2Client, vpc_id: str) -> str:
    """The internet gateway of the VPC."""
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)
    return made


@pytest.fixture
def nat_id(ec2: EC2Client, subnet_id: str) -> str:
    """A private NAT gateway in the subnet."""
    return ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")["NatGateway"]["NatGatewayId"]


def test_a_route_to_an_internet_gateway_is_active_while_it_is_attached(
    ec2: EC2Client, vpc_id: str, table_id: str, gateway_id: str
) -> None:
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    wanted: Any = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway_id, "Origin": "CreateRoute"}
    assert described(ec2, table_id)["Routes"][1] == {**wanted, "State": "active"}
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    assert described(ec2, table_id)["Routes"][1] == {**wanted, "State": "blackhole"}
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=other)
    assert described(ec2, table_id)["Routes"][1]["State"] == "blackhole"
    with pytest.raises(
        ClientError, match=f"route table {table_id} and network gateway {gateway_id} belong to different networks"
    ) as caught:
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="192.0.2.0/24", GatewayId=gateway_id)
    assert code_of(caught.value) == "InvalidParameterValue"
    found = ec2.describe_route_tables(Filters=[{"Name": "route.gateway-id", "Values": [gateway_id]}])["RouteTables"]
    assert [table["RouteTableId"] for table in found] == [table_id]


def test_a_route_to_a_nat_gateway_of_the_same_vpc_is_created_and_replaced(
    ec2: EC2Client, table_id: str, gateway_id: str, nat_id: str
) -> None:
    route: Any = {"RouteTableId": table_id, "DestinationCidrBlock": "0.0.0.0/0"}
    ec2.create_route(**route, NatGatewayId=nat_id)
    seen = described(ec2, table_id)["Routes"][1]
    assert (seen["NatGatewayId"], seen["State"]) == (nat_id, "active")
    ec2.replace_route(**route, GatewayId=gateway_id)
    assert described(ec2, table_id)["Routes"][1]["GatewayId"] == gateway_id
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    foreign = ec2.create_route_table(VpcId=other)["RouteTable"]["RouteTableId"]
    with pytest.raises(ClientError, match="belong to different networks"):
        ec2.create_route(RouteTableId=foreign, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat_id)


def test_a_route_inside_the_vpc_is_for_a_whole_subnet_to_an_interface_or_nat_gateway(
    ec2: EC2Client, vpc_id: str, subnet_id: str, table_id: str, gateway_id: str, nat_id: str
) -> None:
    ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="10.0.1.0/24", NatGatewayId=nat_id)
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="10.0.0.0/24", NetworkInterfaceId=interface)
    with pytest.raises(ClientError, match="must have the CIDR block of a subnet as its destination"):
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="10.0.1.0/25", NatGatewayId=nat_id)
    with pytest.raises(ClientError, match=f"not to {gateway_id}") as caught:
        ec2.replace_route(RouteTableId=table_id, DestinationCidrBlock="10.0.1.0/24", GatewayId=gateway_id)
    assert code_of(caught.value) == "InvalidParameterValue"
    assert len(described(ec2, table_id)["Routes"]) == 3


def test_the_local_route_can_be_replaced_and_restored(ec2: EC2Client, table_id: str, nat_id: str) -> None:
    route: Any = {"RouteTableId": table_id, "DestinationCidrBlock": "10.0.0.0/16"}
    local = described(ec2, table_id)["Routes"]
    ec2.replace_route(**route, NatGatewayId=nat_id)
    (seen,) = described(ec2, table_id)["Routes"]
    assert (seen["NatGatewayId"], seen["Origin"], seen["State"]) == (nat_id, "CreateRouteTable", "active")
    with pytest.raises(ClientError, match="cannot remove local route"):
        ec2.delete_route(**route)
    ec2.replace_route(**route, LocalTarget=True)
    assert described(ec2, table_id)["Routes"] == local
    ec2.replace_route(**route, LocalTarget=True)
    with pytest.raises(ClientError, match="own CIDR block can be local"):
        ec2.replace_route(RouteTableId=table_id, DestinationCidrBlock="10.0.0.0/24", LocalTarget=True)


def test_a_replaced_local_route_is_deleted_with_its_block(
    ec2: EC2Client, vpc_id: str, table_id: str, nat_id: str
) -> None:
    local = described(ec2, table_id)["Routes"]
    block = ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.7.0.0/16")["CidrBlockAssociation"]
    ec2.replace_route(RouteTableId=table_id, DestinationCidrBlock="10.7.0.0/16", NatGatewayId=nat_id)
    assert len(described(ec2, table_id)["Routes"]) == 2
    ec2.disassociate_vpc_cidr_block(AssociationId=block["AssociationId"])
    assert described(ec2, table_id)["Routes"] == local


def test_a_customer_managed_prefix_list_can_be_a_destination_and_counts_with_its_size(
    ec2: EC2Client, table_id: str, gateway_id: str
) -> None:
    made = ec2.create_managed_prefix_list(
        PrefixListName="partners",
        MaxEntries=999,
        AddressFamily="IPv4",
        Entries=[{"Cidr": "192.0.2.0/24"}],
    )["PrefixList"]["PrefixListId"]
    ec2.create_route(RouteTableId=table_id, DestinationPrefixListId=made, GatewayId=gateway_id)
    assert described(ec2, table_id)["Routes"][1]["DestinationPrefixListId"] == made
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="203.0.113.0/24", GatewayId=gateway_id)
    with pytest.raises(ClientError) as caught:
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    assert code_of(caught.value) == "RouteLimitExceeded"
    ec2.delete_route(RouteTableId=table_id, DestinationPrefixListId=made)
    with pytest.raises(ClientError) as caught:
        ec2.create_route(RouteTableId=table_id, DestinationPrefixListId="pl-0123456789abcdef0", GatewayId=gateway_id)
    assert code_of(caught.value) == "InvalidPrefixListID.NotFound"


def test_a_table_cannot_be_associated_with_a_gateway(ec2: EC2Client, table_id: str, gateway_id: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.associate_route_table(RouteTableId=table_id, GatewayId=gateway_id)
    assert code_of(caught.value) == "UnsupportedOperation"


def test_a_local_route_cannot_be_deleted(ec2: EC2Client, table_id: str) -> None:
    with pytest.raises(ClientError, match="cannot remove local route") as caught:
        ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="10.0.0.0/16")
    assert code_of(caught.value) == "InvalidParameterValue"
