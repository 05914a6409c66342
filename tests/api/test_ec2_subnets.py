"""Subnets and availability zones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def test_a_new_subnet_has_all_but_five_of_its_addresses_available(ec2: EC2Client, vpc_id: str) -> None:
    made = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.9.7/24", AvailabilityZone="us-east-1c")["Subnet"]
    assert (made["CidrBlock"], made["AvailableIpAddressCount"], made["AvailabilityZoneId"]) == (
        "10.0.9.0/24",
        251,
        "use1-az3",
    )
    assert made["SubnetArn"].endswith(f":subnet/{made['SubnetId']}")
    ec2.create_network_interface(SubnetId=made["SubnetId"])
    ec2.get_waiter("subnet_available").wait(SubnetIds=[made["SubnetId"]])
    (seen,) = ec2.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"]
    assert seen["AvailableIpAddressCount"] == 250


@pytest.mark.parametrize(
    ("cidr", "code"),
    [
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.1.0/29", "InvalidSubnet.Range"),
        ("10.0.0.128/25", "InvalidSubnet.Conflict"),
        ("ten", "InvalidParameterValue"),
    ],
)
def test_an_invalid_block_is_refused(ec2: EC2Client, vpc_id: str, subnet_id: str, cidr: str, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=cidr)
    assert code_of(caught.value) == code


def test_an_unknown_zone_is_refused_and_the_known_ones_are_listed(ec2: EC2Client, vpc_id: str) -> None:
    with pytest.raises(ClientError, match="us-east-1a, us-east-1b"):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1z")
    with pytest.raises(ClientError) as caught:
        ec2.create_subnet(
            VpcId=vpc_id, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1a", AvailabilityZoneId="use1-az2"
        )
    assert code_of(caught.value) == "InvalidParameterCombination"


def test_a_subnet_with_an_interface_cannot_be_deleted(ec2: EC2Client, subnet_id: str) -> None:
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    with pytest.raises(ClientError) as caught:
        ec2.delete_subnet(SubnetId=subnet_id)
    assert code_of(caught.value) == "DependencyViolation"
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    ec2.delete_subnet(SubnetId=subnet_id)
    with pytest.raises(ClientError) as caught:
        ec2.delete_subnet(SubnetId=subnet_id)
    assert code_of(caught.value) == "InvalidSubnetID.NotFound"


def test_attributes_change_one_at_a_time_and_missing_features_cannot_be_enabled(ec2: EC2Client, subnet_id: str) -> None:
    ec2.modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet_id, AssignIpv6AddressOnCreation={"Value": False})
    ec2.modify_subnet_attribute(SubnetId=subnet_id, PrivateDnsHostnameTypeOnLaunch="resource-name")
    (seen,) = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
    assert seen["MapPublicIpOnLaunch"] is True
    assert seen["PrivateDnsNameOptionsOnLaunch"]["HostnameType"] == "resource-name"
    with pytest.raises(ClientError) as caught:
        ec2.modify_subnet_attribute(SubnetId=subnet_id, AssignIpv6AddressOnCreation={"Value": True})
    assert code_of(caught.value) == "UnsupportedOperation"
    with pytest.raises(ClientError) as caught:
        ec2.modify_subnet_attribute(SubnetId=subnet_id)
    assert code_of(caught.value) == "InvalidParameterCombination"


def test_zones_are_found_by_name_id_and_filter(ec2: EC2Client) -> None:
    (zone,) = ec2.describe_availability_zones(ZoneNames=["us-east-1b"])["AvailabilityZones"]
    assert (zone["ZoneId"], zone["State"], zone["OptInStatus"]) == ("use1-az2", "available", "opt-in-not-required")
    wanted: Any = [{"Name": "zone-id", "Values": ["use1-az?"]}]
    assert len(ec2.describe_availability_zones(Filters=wanted)["AvailabilityZones"]) == 6
    with pytest.raises(ClientError) as caught:
        ec2.describe_availability_zones(ZoneNames=["eu-west-1a"])
    assert code_of(caught.value) == "InvalidParameterValue"
