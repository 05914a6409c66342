"""Tags of EC2's resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def test_tags_are_added_changed_and_removed(ec2: EC2Client, vpc_id: str, subnet_id: str) -> None:
    ec2.create_tags(
        Resources=[vpc_id, subnet_id], Tags=[{"Key": "Name", "Value": "a"}, {"Key": "team", "Value": "red"}]
    )
    ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": "Name", "Value": "b"}])
    of_vpc: Any = [{"Name": "resource-id", "Values": [vpc_id]}]
    assert [(tag["Key"], tag["Value"]) for tag in ec2.describe_tags(Filters=of_vpc)["Tags"]] == [
        ("Name", "b"),
        ("team", "red"),
    ]
    ec2.delete_tags(Resources=[vpc_id], Tags=[{"Key": "Name", "Value": "other"}, {"Key": "team"}])
    assert [tag["Key"] for tag in ec2.describe_tags(Filters=of_vpc)["Tags"]] == ["Name"]
    ec2.delete_tags(Resources=[vpc_id, subnet_id])
    assert ec2.describe_tags()["Tags"] == []


def test_tags_are_found_by_type_key_and_value(ec2: EC2Client, vpc_id: str, subnet_id: str) -> None:
    ec2.create_tags(Resources=[vpc_id, subnet_id], Tags=[{"Key": "a*b", "Value": "1"}, {"Key": "axb", "Value": "1"}])
    for name, value, count in (
        ("resource-type", "subnet", 2),
        ("key", "a?b", 4),
        ("tag:a*b", "1", 2),
        ("value", "2", 0),
    ):
        wanted: Any = [{"Name": name, "Values": [value]}]
        assert len(ec2.describe_tags(Filters=wanted)["Tags"]) == count, name


def test_nothing_is_tagged_if_one_resource_does_not_exist(ec2: EC2Client, vpc_id: str) -> None:
    for strange, code in (
        ("subnet-0123456789abcdef0", "InvalidSubnetID.NotFound"),
        ("teapot-1", "InvalidID"),
        ("vpc-1", "InvalidVpcID.Malformed"),
    ):
        with pytest.raises(ClientError) as caught:
            ec2.create_tags(Resources=[vpc_id, strange], Tags=[{"Key": "Name", "Value": "a"}])
        assert code_of(caught.value) == code
    assert ec2.describe_tags()["Tags"] == []


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "aws:x", "Value": ""}],
        [{"Key": "", "Value": ""}],
        [{"Key": "k" * 129, "Value": ""}],
        [{"Key": "k", "Value": "v" * 257}],
        [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}],
    ],
)
def test_the_lengths_of_keys_and_values_are_limited(ec2: EC2Client, vpc_id: str, tags: Any) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.create_tags(Resources=[vpc_id], Tags=tags)
    assert code_of(caught.value) == "InvalidParameterValue"


def test_a_resource_can_have_fifty_tags(ec2: EC2Client, vpc_id: str) -> None:
    ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": f"k{number}", "Value": ""} for number in range(50)])
    ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": "k0", "Value": "again"}])
    with pytest.raises(ClientError) as caught:
        ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": "one more", "Value": ""}])
    assert code_of(caught.value) == "TagLimitExceeded"


def test_tag_specifications_for_another_resource_type_are_refused(ec2: EC2Client) -> None:
    wrong: Any = [{"ResourceType": "subnet", "Tags": [{"Key": "k", "Value": "v"}]}]
    with pytest.raises(ClientError) as caught:
        ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=wrong)
    assert code_of(caught.value) == "InvalidParameterValue"
