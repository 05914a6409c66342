"""CheckJob and the job itself agree: the job fails for the reason that the check reports, with the same message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.worlds.extension import ACCOUNT, FOR_NETWORK, FOR_STORAGE, NINE, ExtensionWorld, allow, deny, policy, trust

pytestmark = pytest.mark.costs(
    0.35, reason="the whole product is made, with a network, a bucket and a role, and a job is checked and prepared"
)

Break = Callable[[ExtensionWorld], dict[str, Any] | None]
"""Breaks something; returns changes to the request, if any."""


def without_endpoint(world: ExtensionWorld) -> None:
    world.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[world.endpoint])


def without_dns(world: ExtensionWorld) -> None:
    world.client("ec2").modify_vpc_attribute(VpcId=world.vpc, EnableDnsSupport={"Value": False})


def without_egress(world: ExtensionWorld) -> None:
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    world.client("ec2").revoke_security_group_egress(GroupId=world.group, IpPermissions=everything)


def without_trust(world: ExtensionWorld) -> None:
    world.client("iam").update_assume_role_policy(
        RoleName="Reader", PolicyDocument=trust({"Service": "ec2.amazonaws.com"})
    )


def without_deleting(world: ExtensionWorld) -> None:
    rest = (f"ec2:{each}" for each in NINE if each != "DeleteNetworkInterface")
    world.allow_role(allow(*rest), FOR_STORAGE)


def without_reading(world: ExtensionWorld) -> None:
    world.allow_role(FOR_NETWORK, allow("s3:ListBucket", "s3:PutObject"))


def without_writing(world: ExtensionWorld) -> None:
    world.allow_role(FOR_NETWORK, allow("s3:ListBucket", "s3:GetObject"))


def denied_by_the_bucket(world: ExtensionWorld) -> None:
    denial = deny("s3:PutObject", resource="arn:aws:s3:::papers/*", Principal={"AWS": ACCOUNT})
    world.client("s3").put_bucket_policy(Bucket="papers", Policy=policy(denial))


def not_let_through(world: ExtensionWorld) -> None:
    narrow = policy(allow("s3:GetObject", "s3:ListBucket", Principal="*"))
    world.client("ec2").modify_vpc_endpoint(VpcEndpointId=world.endpoint, PolicyDocument=narrow)


def unknown_subnet(world: ExtensionWorld) -> dict[str, Any]:
    return {"VpcConfig": {"Subnets": ["subnet-0123456789abcdef0"], "SecurityGroupIds": [world.group]}}


def group_elsewhere(world: ExtensionWorld) -> dict[str, Any]:
    ec2 = world.client("ec2")
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(VpcId=other, GroupName="other", Description="other")["GroupId"]
    return {"VpcConfig": {"Subnets": [world.subnet], "SecurityGroupIds": [group]}}


def crowded_subnet(world: ExtensionWorld) -> dict[str, Any]:
    ec2 = world.client("ec2")
    small = ec2.create_subnet(VpcId=world.vpc, CidrBlock="10.0.2.0/28")["Subnet"]["SubnetId"]
    for _ in range(10):
        ec2.create_network_interface(SubnetId=small, Groups=[world.group])
    return {"VpcConfig": {"Subnets": [small], "SecurityGroupIds": [world.group]}}


def containers_apart(world: ExtensionWorld) -> dict[str, Any]:
    return {"Tags": [{"Key": "reading-room:containers", "Value": "2"}]}


@pytest.mark.parametrize(
    ("check", "code", "breaks"),
    [
        ("Role", "ROLE_NOT_ASSUMABLE", without_trust),
        ("RoleNetworkActions", "NO_PERMISSION_FOR_NETWORK_INTERFACE", without_deleting),
        ("Network", "SUBNET_NOT_FOUND", unknown_subnet),
        ("Network", "SECURITY_GROUP_NOT_IN_VPC", group_elsewhere),
        ("Addresses", "INSUFFICIENT_IP_ADDRESSES", crowded_subnet),
        ("DNS", "NO_ROUTE_TO_STORAGE", without_dns),
        ("Route", "NO_ROUTE_TO_STORAGE", without_endpoint),
        ("SecurityGroups", "NO_ROUTE_TO_STORAGE", without_egress),
        ("Containers", "CONTAINERS_CANNOT_CONNECT", containers_apart),
        ("Input", "NO_READ_ACCESS_TO_INPUT", without_reading),
        ("Output", "NO_WRITE_ACCESS_TO_OUTPUT", without_writing),
        ("BucketPolicy", "NO_WRITE_ACCESS_TO_OUTPUT", denied_by_the_bucket),
        ("EndpointPolicy", "NO_WRITE_ACCESS_TO_OUTPUT", not_let_through),
    ],
)
def test_the_failed_check_names_the_jobs_cause_of_failure(
    world: ExtensionWorld, check: str, code: str, breaks: Break
) -> None:
    changes = breaks(world) or {}
    checks = world.checks(**changes)
    assert [name for name, each in checks.items() if each["Status"] == "FAILED"] == [check]
    job = world.client("comprehend").start_entities_detection_job(**world.request(**changes))["JobId"]
    for _ in range(4):
        world.product.jobs.controller.turn()
    described = world.client("comprehend").describe_entities_detection_job(JobId=job)
    message = described["EntitiesDetectionJobProperties"]["Message"]
    assert message.partition(":")[0] == code
    # Both name the same resource: that of the check is in the job's message, or in its text about a policy.
    answer = checks[check]
    assert answer["ResourceId"].rpartition("/")[2] in message or answer["ResourceId"] in message
