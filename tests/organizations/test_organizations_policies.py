"""Service and resource control policies: their texts, their limits and where they are attached."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.worlds.iam import ACCOUNT, refusal
from tests.worlds.organizations import FULL, MEMBER, OrganizationWorld

DENY = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
GUARD = {**DENY, "Principal": "*"}
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


def ids(listed: dict[str, Any]) -> list[str]:
    """Return the ids of listed policies."""
    return [policy["Id"] for policy in listed["Policies"]]


def test_a_policy_is_created_changed_and_deleted(world: OrganizationWorld) -> None:
    world.organization()
    calls = world.organizations
    policy_id = world.policy("no-s3", DENY)
    shown = calls.describe_policy(PolicyId=policy_id)["Policy"]
    organization = calls.describe_organization()["Organization"]["Id"]
    assert shown["PolicySummary"] == {
        "Id": policy_id,
        "Arn": f"arn:aws:organizations::{ACCOUNT}:policy/{organization}/service_control_policy/{policy_id}",
        "Name": "no-s3",
        "Description": "",
        "Type": SCP,
        "AwsManaged": False,
    }
    changed = calls.update_policy(PolicyId=policy_id, Name="none", Description="nothing")["Policy"]
    assert changed["PolicySummary"]["Name"] == "none"
    assert json.loads(changed["Content"])["Statement"] == [DENY]
    assert ids(calls.list_policies(Filter=SCP)) == [FULL, policy_id]
    assert ids(calls.list_policies(Filter=RCP)) == ["p-RCPFullAWSAccess"]
    calls.delete_policy(PolicyId=policy_id)
    assert refusal(calls.describe_policy, PolicyId=policy_id)[0] == "PolicyNotFoundException"


def test_aws_policies_are_everywhere_and_cannot_be_changed(world: OrganizationWorld) -> None:
    root = world.organization()
    unit = world.unit(root, "papers")
    world.member()
    calls = world.organizations
    for target in (root, unit, ACCOUNT, MEMBER):
        assert ids(calls.list_policies_for_target(TargetId=target, Filter=SCP)) == [FULL]
        assert ids(calls.list_policies_for_target(TargetId=target, Filter=RCP)) == ["p-RCPFullAWSAccess"]
    assert {each["TargetId"] for each in calls.list_targets_for_policy(PolicyId=FULL)["Targets"]} == {
        *(root, unit, ACCOUNT, MEMBER)
    }
    assert refusal(calls.update_policy, PolicyId=FULL, Name="x")[0] == "InvalidInputException"
    assert refusal(calls.delete_policy, PolicyId=FULL)[0] == "InvalidInputException"
    assert refusal(calls.detach_policy, PolicyId="p-RCPFullAWSAccess", TargetId=unit)[0] == "InvalidInputException"


def test_a_target_has_one_to_five_service_control_policies(world: OrganizationWorld) -> None:
    root = world.organization()
    unit = world.unit(root, "papers")
    calls = world.organizations
    assert refusal(calls.detach_policy, PolicyId=FULL, TargetId=unit)[0] == "ConstraintViolationException"
    made = [world.attach(unit, f"policy {number}", DENY) for number in range(4)]
    sixth = world.policy("sixth", DENY)
    assert refusal(calls.attach_policy, PolicyId=sixth, TargetId=unit)[0] == "ConstraintViolationException"
    assert refusal(calls.attach_policy, PolicyId=made[0], TargetId=unit)[0] == "DuplicatePolicyAttachmentException"
    assert refusal(calls.delete_policy, PolicyId=made[0])[0] == "PolicyInUseException"
    calls.detach_policy(PolicyId=FULL, TargetId=unit)
    assert refusal(calls.detach_policy, PolicyId=FULL, TargetId=unit)[0] == "PolicyNotAttachedException"
    assert refusal(calls.attach_policy, PolicyId=sixth, TargetId="999999999999")[0] == "TargetNotFoundException"


def test_a_disabled_kind_loses_its_attachments(world: OrganizationWorld) -> None:
    root = world.organization()
    calls = world.organizations
    policy_id = world.attach(root, "guard", GUARD, kind=RCP)
    assert refusal(calls.enable_policy_type, RootId=root, PolicyType=RCP)[0] == "PolicyTypeAlreadyEnabledException"
    disabled = calls.disable_policy_type(RootId=root, PolicyType=RCP)["Root"]
    assert [each["Type"] for each in disabled["PolicyTypes"]] == [SCP]
    assert refusal(calls.attach_policy, PolicyId=policy_id, TargetId=root)[0] == "PolicyTypeNotEnabledException"
    assert refusal(calls.disable_policy_type, RootId=root, PolicyType=RCP)[0] == "PolicyTypeNotEnabledException"
    calls.enable_policy_type(RootId=root, PolicyType=RCP)
    assert ids(calls.list_policies_for_target(TargetId=root, Filter=RCP)) == ["p-RCPFullAWSAccess"]
    assert refusal(calls.enable_policy_type, RootId="r-none", PolicyType=RCP)[0] == "RootNotFoundException"


@pytest.mark.parametrize("kind", ["TAG_POLICY", "BACKUP_POLICY", "DECLARATIVE_POLICY_EC2"])
def test_other_kinds_of_policies_are_refused_by_name(world: OrganizationWorld, kind: str) -> None:
    root = world.organization()
    calls = world.organizations
    for call, given in (
        (calls.create_policy, {"Name": "x", "Description": "", "Type": kind, "Content": "{}"}),
        (calls.enable_policy_type, {"RootId": root, "PolicyType": kind}),
        (calls.list_policies, {"Filter": kind}),
        (calls.describe_effective_policy, {"PolicyType": kind}),
    ):
        code, message, _ = refusal(call, **given)
        assert code == "PolicyTypeNotAvailableForOrganizationException"
        assert kind in message


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        (SCP, {**DENY, "Principal": "*"}),
        (SCP, {**DENY, "Action": "everything"}),
        (SCP, {"Effect": "Deny", "Action": "s3:*"}),
        (RCP, DENY),
        (RCP, {**GUARD, "Effect": "Allow"}),
        (RCP, {**GUARD, "Action": "*"}),
        (RCP, {**GUARD, "Principal": {"AWS": ACCOUNT}}),
        (RCP, {"Effect": "Deny", "Principal": "*", "NotAction": "s3:*", "Resource": "*"}),
        (RCP, {"Effect": "Deny", "NotPrincipal": {"AWS": ACCOUNT}, "Action": "s3:*", "Resource": "*"}),
    ],
)
def test_a_policy_must_follow_the_rules_of_its_kind(world: OrganizationWorld, kind: str, statement: Any) -> None:
    world.organization()
    content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    code = refusal(world.organizations.create_policy, Name="wrong", Description="", Type=kind, Content=content)[0]
    assert code == "MalformedPolicyDocumentException"


def test_a_policy_has_at_most_5120_characters(world: OrganizationWorld) -> None:
    world.organization()
    content = json.dumps({"Version": "2012-10-17", "Statement": [DENY]})
    create = world.organizations.create_policy
    create(Name="full", Description="", Type=SCP, Content=content.ljust(5120))
    code, _, _ = refusal(create, Name="more", Description="", Type=SCP, Content=content.ljust(5121))
    assert code == "ConstraintViolationException"
    older = content.replace("2012", "2008")
    assert refusal(create, Name="old", Description="", Type=SCP, Content=older)[0] == "MalformedPolicyDocumentException"
    assert refusal(create, Name="full", Description="", Type=SCP, Content=content)[0] == "DuplicatePolicyException"
