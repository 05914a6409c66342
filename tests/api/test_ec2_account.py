"""What EC2 tells an account about its region, zones and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import REGION, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def test_there_is_one_region(ec2: EC2Client) -> None:
    (region,) = ec2.describe_regions(AllRegions=True)["Regions"]
    assert (region["RegionName"], region["Endpoint"], region["OptInStatus"]) == (
        REGION,
        f"ec2.{REGION}.amazonaws.com",
        "opt-in-not-required",
    )
    assert len(ec2.describe_regions(RegionNames=[REGION])["Regions"]) == 1
    elsewhere: Any = [{"Name": "region-name", "Values": ["eu-*"]}]
    assert ec2.describe_regions(Filters=elsewhere)["Regions"] == []
    with pytest.raises(ClientError) as caught:
        ec2.describe_regions(RegionNames=["eu-west-1"])
    assert code_of(caught.value) == "InvalidParameterValue"


def test_all_zones_are_shown_with_and_without_all_availability_zones(ec2: EC2Client) -> None:
    assert (
        ec2.describe_availability_zones(AllAvailabilityZones=True)["AvailabilityZones"]
        == ec2.describe_availability_zones()["AvailabilityZones"]
    )
    (zone,) = ec2.describe_availability_zones(ZoneIds=["use1-az4"])["AvailabilityZones"]
    assert zone["ZoneName"] == "us-east-1d"


def test_attributes_of_the_account_are_its_default_vpc_and_its_limits(ec2: EC2Client) -> None:
    def shown(**wanted: Any) -> dict[str, str]:
        return {
            entry["AttributeName"]: entry["AttributeValues"][0]["AttributeValue"]
            for entry in ec2.describe_account_attributes(**wanted)["AccountAttributes"]
        }

    default: Any = [{"Name": "is-default", "Values": ["true"]}]
    vpc_id = ec2.describe_vpcs(Filters=default)["Vpcs"][0]["VpcId"]
    assert shown(AttributeNames=["supported-platforms"]) == {"supported-platforms": "VPC"}
    assert shown(AttributeNames=["default-vpc"]) == {"default-vpc": vpc_id}
    every = shown()
    assert set(every) == {
        "supported-platforms",
        "default-vpc",
        "max-instances",
        "max-elastic-ips",
        "vpc-max-elastic-ips",
        "vpc-max-security-groups-per-interface",
    }
    assert every["vpc-max-security-groups-per-interface"] == "16"
    with pytest.raises(ClientError) as caught:
        shown(AttributeNames=["colour"])
    assert code_of(caught.value) == "InvalidParameterValue"
