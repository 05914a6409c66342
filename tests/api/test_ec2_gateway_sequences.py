"""The calls of Terraform's resources and the SDK's waiters for gateways and routes, in order.

Terraform compares what it reads with what it requested, and continues only when a deleted resource returns the code
that it expects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def tagged(kind: str) -> Any:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": "terraform"}]}]


def test_aws_internet_gateway(ec2: EC2Client, vpc_id: str) -> None:
    made = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway"))["InternetGateway"]
    ids = [made["InternetGatewayId"]]
    ec2.get_waiter("internet_gateway_exists").wait(InternetGatewayIds=ids)
    ec2.attach_internet_gateway(InternetGatewayId=ids[0], VpcId=vpc_id)
    (read,) = ec2.describe_internet_gateways(InternetGatewayIds=ids)["InternetGateways"]
    assert [entry["State"] for entry in read["Attachments"]] == ["available"]
    assert read["Tags"] == [{"Key": "Name", "Value": "terraform"}]
    ec2.detach_internet_gateway(InternetGatewayId=ids[0], VpcId=vpc_id)
    (read,) = ec2.describe_internet_gateways(InternetGatewayIds=ids)["InternetGateways"]
    assert read["Attachments"] == []
    ec2.delete_internet_gateway(InternetGatewayId=ids[0])
    with pytest.raises(ClientError) as caught:
        ec2.describe_internet_gateways(InternetGatewayIds=ids)
    assert code_of(caught.value) == "InvalidInternetGatewayID.NotFound"


def test_aws_eip_and_its_association(ec2: EC2Client, vpc_id: str, subnet_id: str) -> None:
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    ids = [ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))["AllocationId"]]
    (read,) = ec2.describe_addresses(AllocationIds=ids)["Addresses"]
    assert (read["Domain"], read["NetworkBorderGroup"], read["PublicIpv4Pool"]) == ("vpc", "us-east-1", "amazon")
    assert ec2.describe_addresses_attribute(AllocationIds=ids, Attribute="domain-name")["Addresses"]
    association = ec2.associate_address(AllocationId=ids[0], NetworkInterfaceId=interface)["AssociationId"]
    (read,) = ec2.describe_addresses(Filters=[{"Name": "association-id", "Values": [association]}])["Addresses"]
    assert read["NetworkInterfaceId"] == interface
    ec2.disassociate_address(AssociationId=association)
    ec2.release_address(AllocationId=ids[0], NetworkBorderGroup="us-east-1")
    with pytest.raises(ClientError) as caught:
        ec2.describe_addresses(AllocationIds=ids)
    assert code_of(caught.value) == "InvalidAllocationID.NotFound"


@pytest.mark.costs(0.25, reason="it makes a long sequence of calls")
def test_aws_nat_gateway_with_route_and_association(ec2: EC2Client, vpc_id: str, subnet_id: str) -> None:
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(
        AllocationId=allocation,
        ClientToken="terraform-20261125",
        ConnectivityType="public",
        SubnetId=subnet_id,
        TagSpecifications=tagged("natgateway"),
    )["NatGateway"]["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[made])
    (read,) = ec2.describe_nat_gateways(NatGatewayIds=[made])["NatGateways"]
    (address,) = read["NatGatewayAddresses"]
    assert {"AllocationId", "AssociationId", "NetworkInterfaceId", "PrivateIp", "PublicIp"} <= set(address)
    table = ec2.create_route_table(VpcId=vpc_id, ClientToken="t", TagSpecifications=tagged("route-table"))["RouteTable"]
    table_id = table["RouteTableId"]

    def default_route() -> Any:
        (found,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
        return next((route for route in found["Routes"] if route["DestinationCidrBlock"] == "0.0.0.0/0"), None)

    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=made)
    assert default_route()["State"] == "active"
    association = ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)["AssociationId"]
    (found,) = ec2.describe_route_tables(
        Filters=[{"Name": "association.route-table-association-id", "Values": [association]}]
    )["RouteTables"]
    assert [entry["AssociationState"]["State"] for entry in found["Associations"]] == ["associated"]
    ec2.replace_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    assert default_route()["GatewayId"] == gateway
    ec2.disassociate_route_table(AssociationId=association)
    with pytest.raises(ClientError) as caught:
        ec2.disassociate_route_table(AssociationId=association)
    assert code_of(caught.value) == "InvalidAssociationID.NotFound"
    ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0")
    assert default_route() is None
    with pytest.raises(ClientError) as caught:
        ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0")
    assert code_of(caught.value) == "InvalidRoute.NotFound"
    ec2.delete_route_table(RouteTableId=table_id)
    ec2.delete_nat_gateway(NatGatewayId=made)
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[made])
    ec2.release_address(AllocationId=allocation)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_subnet(SubnetId=subnet_id)
    ec2.delete_vpc(VpcId=vpc_id)
