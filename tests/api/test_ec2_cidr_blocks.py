"""Secondary CIDR blocks of a VPC, its tenancy, and default subnets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from reading_room.vpc.quotas import Quotas
from tests.worlds.ec2 import Ec2World, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def blocks(ec2: EC2Client, vpc_id: str) -> list[str]:
    (vpc,) = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"]
    return [block["CidrBlock"] for block in vpc["CidrBlockAssociationSet"]]


def local_routes(ec2: EC2Client, vpc_id: str) -> set[str]:
    here: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
    (table,) = ec2.describe_route_tables(Filters=here)["RouteTables"]
    return {route["DestinationCidrBlock"] for route in table["Routes"] if route.get("GatewayId") == "local"}


def test_a_secondary_block_has_a_local_route_and_room_for_subnets(ec2: EC2Client, vpc_id: str) -> None:
    answer = ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.1.0.9/16")
    association = answer["CidrBlockAssociation"]
    assert (answer["VpcId"], association["CidrBlock"], association["CidrBlockState"]["State"]) == (
        vpc_id,
        "10.1.0.0/16",
        "associating",
    )
    assert blocks(ec2, vpc_id) == ["10.0.0.0/16", "10.1.0.0/16"]
    assert ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["CidrBlock"] == "10.0.0.0/16"
    assert local_routes(ec2, vpc_id) == {"10.0.0.0/16", "10.1.0.0/16"}
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.1.7.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]
    assert interface["PrivateIpAddress"] == "10.1.7.4"
    with pytest.raises(ClientError) as caught:
        ec2.disassociate_vpc_cidr_block(AssociationId=association["AssociationId"])
    assert code_of(caught.value) == "DependencyViolation"
    ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
    ec2.delete_subnet(SubnetId=subnet_id)
    gone = ec2.disassociate_vpc_cidr_block(AssociationId=association["AssociationId"])
    assert gone["CidrBlockAssociation"]["CidrBlockState"]["State"] == "disassociating"
    assert local_routes(ec2, vpc_id) == {"10.0.0.0/16"}
    with pytest.raises(ClientError) as caught:
        ec2.disassociate_vpc_cidr_block(AssociationId=association["AssociationId"])
    assert code_of(caught.value) == "InvalidVpcCidrBlockAssociationID.NotFound"


def test_a_route_that_replaced_the_local_one_is_deleted_with_its_block(
    ec2: EC2Client, vpc_id: str, subnet_id: str
) -> None:
    here: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
    table_id = ec2.describe_route_tables(Filters=here)["RouteTables"][0]["RouteTableId"]
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    association = ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]
    ec2.replace_route(RouteTableId=table_id, DestinationCidrBlock="10.1.0.0/16", NetworkInterfaceId=interface)
    ec2.disassociate_vpc_cidr_block(AssociationId=association["AssociationId"])
    (table,) = ec2.describe_route_tables(Filters=here)["RouteTables"]
    assert [route["DestinationCidrBlock"] for route in table["Routes"]] == ["10.0.0.0/16"]


def test_the_primary_block_cannot_be_disassociated(ec2: EC2Client, vpc_id: str) -> None:
    (block,) = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["CidrBlockAssociationSet"]
    with pytest.raises(ClientError, match="It is the primary IPv4 CIDR block of the VPC") as caught:
        ec2.disassociate_vpc_cidr_block(AssociationId=block["AssociationId"])
    assert code_of(caught.value) == "OperationNotPermitted"


@pytest.mark.parametrize(
    ("primary", "added", "allowed"),
    [
        ("10.0.0.0/20", "10.2.0.0/16", True),
        ("10.0.0.0/20", "100.64.0.0/16", True),
        ("10.0.0.0/20", "8.8.0.0/16", True),
        ("8.8.0.0/16", "9.9.0.0/16", True),
        ("192.168.0.0/20", "192.168.64.0/20", True),
        ("10.0.0.0/20", "10.0.8.0/24", False),
        ("10.0.0.0/20", "172.16.0.0/16", False),
        ("10.0.0.0/20", "192.168.0.0/16", False),
        ("10.0.0.0/20", "198.19.0.0/24", False),
        ("198.19.0.0/24", "10.0.0.0/16", False),
        ("172.16.0.0/16", "10.9.0.0/16", False),
        ("172.16.0.0/16", "172.31.0.0/16", False),
        ("10.1.0.0/16", "10.0.0.0/16", False),
        ("10.0.0.0/20", "169.254.0.0/16", False),
        ("10.0.0.0/20", "11.0.0.0/8", False),
        ("10.0.0.0/20", "10.2.0.0/29", False),
    ],
)
def test_blocks_of_one_vpc_must_come_from_compatible_ranges(
    ec2: EC2Client, primary: str, added: str, allowed: bool
) -> None:
    vpc_id = ec2.create_vpc(CidrBlock=primary)["Vpc"]["VpcId"]
    if allowed:
        ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock=added)
        assert blocks(ec2, vpc_id) == [primary, added]
        return
    with pytest.raises(ClientError) as caught:
        ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock=added)
    assert code_of(caught.value) == "InvalidVpc.Range"
    assert blocks(ec2, vpc_id) == [primary]


def test_a_block_must_be_smaller_than_the_destination_of_an_existing_route(
    ec2: EC2Client, vpc_id: str, subnet_id: str
) -> None:
    here: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
    table_id = ec2.describe_route_tables(Filters=here)["RouteTables"][0]["RouteTableId"]
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="10.5.0.0/24", NetworkInterfaceId=interface)
    for wrong in ("10.5.0.0/24", "10.5.0.0/16"):
        with pytest.raises(ClientError) as caught:
            ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock=wrong)
        assert code_of(caught.value) == "InvalidVpc.Range"
    ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.5.0.0/25")


def test_a_block_is_required_and_a_vpc_has_five_at_most(tmp_path: Path) -> None:
    world = Ec2World(tmp_path, Quotas())
    ec2 = world.client()
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    with pytest.raises(ClientError) as caught:
        ec2.associate_vpc_cidr_block(VpcId=vpc_id)
    assert code_of(caught.value) == "MissingParameter"
    for number in range(1, 5):
        ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock=f"10.{number}.0.0/24")
    message = f"This network {vpc_id} has met its maximum number of allowed CIDRs: 5"
    with pytest.raises(ClientError, match=message) as caught:
        ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.9.0.0/24")
    assert code_of(caught.value) == "CidrLimitExceeded"
    world.close()


def test_dedicated_tenancy_can_be_changed_to_default_but_not_back(ec2: EC2Client) -> None:
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16", InstanceTenancy="dedicated")["Vpc"]["VpcId"]
    assert ec2.modify_vpc_tenancy(VpcId=vpc_id, InstanceTenancy="default")["ReturnValue"] is True
    assert ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["InstanceTenancy"] == "default"
    back: Any = "dedicated"
    with pytest.raises(ClientError) as caught:
        ec2.modify_vpc_tenancy(VpcId=vpc_id, InstanceTenancy=back)
    assert code_of(caught.value) == "InvalidParameterValue"


def test_the_setting_for_address_usage_metrics_is_stored_and_shown(ec2: EC2Client, vpc_id: str) -> None:
    def shown() -> bool:
        answer = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableNetworkAddressUsageMetrics")
        return answer["EnableNetworkAddressUsageMetrics"]["Value"]

    assert shown() is False
    for wanted in (True, False):
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableNetworkAddressUsageMetrics={"Value": wanted})
        assert shown() is wanted


def test_a_deleted_default_subnet_is_created_again_in_a_free_block(ec2: EC2Client) -> None:
    of_zone: Any = [{"Name": "availability-zone", "Values": ["us-east-1c"]}]
    (old,) = ec2.describe_subnets(Filters=of_zone)["Subnets"]
    with pytest.raises(ClientError) as caught:
        ec2.create_default_subnet(AvailabilityZone="us-east-1c")
    assert code_of(caught.value) == "DefaultSubnetAlreadyExistsInAvailabilityZone"
    ec2.delete_subnet(SubnetId=old["SubnetId"])
    new = ec2.create_default_subnet(AvailabilityZoneId="use1-az3")["Subnet"]
    assert (new["CidrBlock"], new["DefaultForAz"], new["AvailabilityZone"], new["MapPublicIpOnLaunch"]) == (
        old["CidrBlock"],
        True,
        "us-east-1c",
        True,
    )


def test_a_default_subnet_requires_a_default_vpc(ec2: EC2Client) -> None:
    default: Any = [{"Name": "is-default", "Values": ["true"]}]
    vpc_id = ec2.describe_vpcs(Filters=default)["Vpcs"][0]["VpcId"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    attached: Any = [{"Name": "attachment.vpc-id", "Values": [vpc_id]}]
    for gateway in ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc_id)
    ec2.delete_vpc(VpcId=vpc_id)
    with pytest.raises(ClientError) as caught:
        ec2.create_default_subnet(AvailabilityZone="us-east-1a")
    assert code_of(caught.value) == "DefaultVpcDoesNotExist"
    with pytest.raises(ClientError) as caught:
        ec2.create_default_subnet()
    assert code_of(caught.value) == "MissingParameter"


def test_a_policy_can_limit_block_changes_to_one_vpc(world: Ec2World, ec2: EC2Client, vpc_id: str) -> None:
    other = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    limited = world.client(
        [
            {
                "Effect": "Allow",
                "Action": ["ec2:AssociateVpcCidrBlock", "ec2:DisassociateVpcCidrBlock"],
                "Resource": f"arn:aws:ec2:*:*:vpc/{vpc_id}",
            }
        ]
    )
    mine = limited.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]
    theirs = ec2.associate_vpc_cidr_block(VpcId=other, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]
    with pytest.raises(ClientError) as caught:
        limited.disassociate_vpc_cidr_block(AssociationId=theirs["AssociationId"])
    assert code_of(caught.value) == "UnauthorizedOperation"
    limited.disassociate_vpc_cidr_block(AssociationId=mine["AssociationId"])
