"""AWS managed policies: the supported actions that they allow, and their protection from changes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reading_room.iam.aws_managed import AWS_MANAGED, AwsManagedPolicy
from reading_room.iam.policy.document import parse
from reading_room.s3.actions import action_targets
from reading_room.wiring.product import operation_table
from tests.worlds.iam import ACCOUNT, IamWorld, policy, refusal, trust

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_READS = r"(Describe|List|Get|Search|Filter|Lookup|Simulate|Detect|BatchDetect|Classify|Contains|Generate)"
NAMES = [
    "AdministratorAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonVPCFullAccess",
    "AmazonVPCReadOnlyAccess",
    "ComprehendFullAccess",
    "ComprehendReadOnly",
    "ReadOnlyAccess",
]
# Actions of the service that AWS omitted from the included versions.
_COMPREHEND_READS_LEFT_OUT = {
    "comprehend:BatchDetectTargetedSentiment",
    "comprehend:DescribeDataset",
    "comprehend:DescribeEventsDetectionJob",
    "comprehend:DescribeFlywheel",
    "comprehend:DescribeFlywheelIteration",
    "comprehend:DetectTargetedSentiment",
    "comprehend:DetectToxicContent",
    "comprehend:ListDatasets",
    "comprehend:ListEventsDetectionJobs",
    "comprehend:ListFlywheelIterationHistory",
    "comprehend:ListFlywheels",
}
_VPC_READS_LEFT_OUT = {
    "ec2:DescribeAddressesAttribute",
    "ec2:DescribeManagedPrefixLists",
    "ec2:DescribeNetworkInsightsAnalyses",
    "ec2:DescribeNetworkInsightsPaths",
    "ec2:DescribeRegions",
    "ec2:DescribeVpcEndpointAssociations",
    "ec2:GetManagedPrefixListAssociations",
    "ec2:GetManagedPrefixListEntries",
}
_VPC_CHANGES_LEFT_OUT = {
    "ec2:AssignPrivateNatGatewayAddress",
    "ec2:AssociateNatGatewayAddress",
    "ec2:CreateManagedPrefixList",
    "ec2:CreateNetworkInsightsPath",
    "ec2:DeleteManagedPrefixList",
    "ec2:DeleteNetworkInsightsAnalysis",
    "ec2:DeleteNetworkInsightsPath",
    "ec2:DisassociateNatGatewayAddress",
    "ec2:ModifyManagedPrefixList",
    "ec2:StartNetworkInsightsAnalysis",
    "ec2:UnassignPrivateNatGatewayAddress",
}


@pytest.fixture(scope="module")
def actions() -> set[str]:
    """All actions that supported calls may require."""
    return {bound.facts.action for bound in operation_table()} | set(action_targets())


def given(managed: AwsManagedPolicy, actions: set[str]) -> set[str]:
    """Return the actions that a policy allows."""
    statements = parse(managed.versions[0].document, "managed").statements
    assert all(statement.effect == "Allow" for statement in statements)
    templates = [template for statement in statements for template in statement.actions]
    return {action for action in actions if any(template.matches(action, {}, True) for template in templates)}


def of(service: str, actions: set[str], *, reading: bool = False) -> set[str]:
    """Return the actions of one service, optionally only those that read."""
    pattern = re.compile(rf"{service}:{_READS if reading else ''}")
    return {action for action in actions if pattern.match(action)}


def test_each_allows_exactly_what_it_allows_in_aws(actions: set[str]) -> None:
    by_name = {managed.name: given(managed, actions) for managed in AWS_MANAGED.values()}
    assert sorted(by_name) == NAMES
    assert by_name["AdministratorAccess"] == actions
    assert by_name["AmazonS3FullAccess"] == of("s3", actions)
    assert by_name["AmazonS3ReadOnlyAccess"] == of("s3", actions, reading=True)
    assert by_name["AmazonVPCFullAccess"] == of("ec2", actions) - _VPC_READS_LEFT_OUT - _VPC_CHANGES_LEFT_OUT
    # Only the full policy allows the actions on zones.
    assert by_name["AmazonVPCReadOnlyAccess"] == (
        of("ec2", actions, reading=True) - _VPC_READS_LEFT_OUT - {"ec2:DescribeAvailabilityZones"}
    )
    assert by_name["ComprehendFullAccess"] == of("comprehend", actions) | {
        "s3:ListAllMyBuckets",
        "s3:ListBucket",
        "s3:GetBucketLocation",
        "iam:ListRoles",
        "iam:GetRole",
    }
    assert by_name["ComprehendReadOnly"] == of("comprehend", actions, reading=True) - _COMPREHEND_READS_LEFT_OUT
    services = ("comprehend", "ec2", "s3", "iam", "logs", "cloudtrail")
    reads = set[str]().union(*(of(service, actions, reading=True) for service in services))
    assert by_name["ReadOnlyAccess"] == reads | {
        "sts:GetAccessKeyInfo",
        "sts:GetCallerIdentity",
        "sts:GetSessionToken",
    }


@pytest.mark.parametrize("name", NAMES)
def test_each_has_the_id_and_version_of_aws(name: str) -> None:
    managed = AWS_MANAGED[f"arn:aws:iam::aws:policy/{name}"]
    assert re.fullmatch(r"ANPA[A-Z0-9]{17}", managed.unique_id)
    assert managed.default_version >= 1
    assert managed.created_at <= managed.updated_at


def test_they_are_listed_and_read_like_customer_managed_policies(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_policy(PolicyName="Mine", PolicyDocument=policy())
    assert [entry["PolicyName"] for entry in iam.list_policies(Scope="AWS")["Policies"]] == NAMES
    assert len(iam.list_policies()["Policies"]) == len(NAMES) + 1
    assert iam.list_policies(Scope="AWS", OnlyAttached=True)["Policies"] == []
    found = iam.get_policy(PolicyArn=ADMINISTRATOR)["Policy"]
    assert (found["DefaultVersionId"], found["AttachmentCount"]) == ("v1", 0)
    assert found["Description"] == "Allows every action on every resource."
    document = iam.get_policy_version(PolicyArn=ADMINISTRATOR, VersionId="v1")["PolicyVersion"]["Document"]
    assert document["Statement"] == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    assert [entry["VersionId"] for entry in iam.list_policy_versions(PolicyArn=ADMINISTRATOR)["Versions"]] == ["v1"]
    assert iam.list_entities_for_policy(PolicyArn=ADMINISTRATOR)["PolicyRoles"] == []


def test_they_cannot_be_changed(world: IamWorld) -> None:
    iam = world.client("iam")
    calls: tuple[tuple[Any, dict[str, Any]], ...] = (
        (iam.delete_policy, {}),
        (iam.create_policy_version, {"PolicyDocument": policy()}),
        (iam.set_default_policy_version, {"VersionId": "v1"}),
        (iam.delete_policy_version, {"VersionId": "v1"}),
        (iam.tag_policy, {"Tags": [{"Key": "a", "Value": "b"}]}),
        (iam.untag_policy, {"TagKeys": ["a"]}),
    )
    for call, parameters in calls:
        code, message, status = refusal(call, PolicyArn=ADMINISTRATOR, **parameters)
        assert (code, status) == ("AccessDenied", 403)
        assert message.startswith(f"User: arn:aws:iam::{ACCOUNT}:user/administrator is not authorized to perform: iam:")
        assert message.endswith(f"on resource: policy {ADMINISTRATOR}")
    missing = "arn:aws:iam::aws:policy/NoSuchPolicyOfAws"
    assert refusal(iam.get_policy, PolicyArn=missing)[:2] == ("NoSuchEntity", f"Policy {missing} was not found.")


def test_they_can_be_attached_used_as_boundaries_and_counted(world: IamWorld) -> None:
    admin = world.client("iam")
    reader = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam = world.client("iam", **world.user("alice"))
    admin.attach_user_policy(UserName="alice", PolicyArn=ADMINISTRATOR)
    iam.create_user(UserName="bob")
    admin.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=reader)
    iam.list_users()
    assert "no permissions boundary" in refusal(iam.create_user, UserName="carol")[1]
    admin.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    admin.attach_role_policy(RoleName="R", PolicyArn=ADMINISTRATOR)
    counts = {
        entry["PolicyName"]: (entry["AttachmentCount"], entry["PermissionsBoundaryUsageCount"])
        for usage in ("PermissionsPolicy", "PermissionsBoundary")
        for entry in admin.list_policies(Scope="AWS", PolicyUsageFilter=usage)["Policies"]
    }
    assert counts == {"AdministratorAccess": (2, 0), "ReadOnlyAccess": (0, 1)}
