"""Managed policies, their versions and attachments, called with boto3."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import func, select

from reading_room.aws.call import Principal
from reading_room.iam.tables import AttachedManagedPolicy, ManagedPolicy
from tests.worlds.iam import ACCOUNT, IamWorld, policy, refusal, trust

POLICY = f"arn:aws:iam::{ACCOUNT}:policy/Reader"
S3_READER = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def test_a_policy_is_returned_with_counts_and_a_decoded_document(world: IamWorld) -> None:
    iam = world.client("iam")
    made = iam.create_policy(
        PolicyName="Reader",
        Path="/jobs/",
        PolicyDocument=policy(),
        Description="reads",
        Tags=[{"Key": "team", "Value": "x"}],
    )["Policy"]
    arn = f"arn:aws:iam::{ACCOUNT}:policy/jobs/Reader"
    assert made["Arn"] == arn
    assert made["PolicyId"].startswith("ANPA")
    assert made["DefaultVersionId"] == "v1"
    assert made["CreateDate"] == made["UpdateDate"] == world.now
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}), PermissionsBoundary=arn)
    iam.attach_role_policy(RoleName="R", PolicyArn=arn)
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (found["AttachmentCount"], found["PermissionsBoundaryUsageCount"]) == (1, 1)
    assert found["Description"] == "reads"
    assert found["Tags"] == [{"Key": "team", "Value": "x"}]
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert version["Document"] == json.loads(policy())
    assert version["IsDefaultVersion"]
    listed = iam.list_policies(Scope="Local", PathPrefix="/jobs/")["Policies"]
    assert [entry["PolicyName"] for entry in listed] == ["Reader"]
    assert "Description" not in listed[0]
    assert "Tags" not in listed[0]


def test_a_policy_name_is_unique_in_any_path_and_case(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_policy(PolicyName="Reader", PolicyDocument=policy())
    assert refusal(iam.create_policy, PolicyName="READER", Path="/a/", PolicyDocument=policy()) == (
        "EntityAlreadyExists",
        "A policy called READER already exists. Duplicate names are not allowed.",
        409,
    )


def test_missing_policies_have_awss_messages(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="alice")
    assert refusal(iam.get_policy, PolicyArn=POLICY) == ("NoSuchEntity", f"Policy {POLICY} was not found.", 404)
    assert refusal(iam.attach_user_policy, UserName="alice", PolicyArn=POLICY)[:2] == (
        "NoSuchEntity",
        f"Policy {POLICY} does not exist or is not attachable.",
    )
    assert refusal(iam.attach_user_policy, UserName="bob", PolicyArn=POLICY)[1] == (
        "The user with name bob cannot be found."
    )
    assert refusal(iam.get_policy, PolicyArn="no-arn-but-long-enough")[:2] == (
        "ValidationError",
        "Invalid ARN:  Could not be parsed!",
    )
    iam.create_policy(PolicyName="Reader", PolicyDocument=policy())
    assert refusal(iam.get_policy_version, PolicyArn=POLICY, VersionId="v2")[0] == "NoSuchEntity"
    assert refusal(iam.detach_user_policy, UserName="alice", PolicyArn=POLICY)[:2] == (
        "NoSuchEntity",
        f"Policy {POLICY} was not found.",
    )


def test_a_policy_has_at_most_five_versions_and_numbers_are_not_reused(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_policy(PolicyName="Reader", PolicyDocument=policy())
    world.now += dt.timedelta(minutes=10)
    for _ in range(4):
        version = iam.create_policy_version(PolicyArn=POLICY, PolicyDocument=policy())["PolicyVersion"]
        assert not version["IsDefaultVersion"]
    assert refusal(iam.create_policy_version, PolicyArn=POLICY, PolicyDocument=policy()) == (
        "LimitExceeded",
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing "
        "version.",
        409,
    )
    iam.delete_policy_version(PolicyArn=POLICY, VersionId="v5")
    made = iam.create_policy_version(PolicyArn=POLICY, PolicyDocument=policy(), SetAsDefault=True)
    assert made["PolicyVersion"]["VersionId"] == "v6"
    listed = iam.list_policy_versions(PolicyArn=POLICY)["Versions"]
    assert [(entry["VersionId"], entry["IsDefaultVersion"]) for entry in listed] == [
        ("v6", True),
        ("v4", False),
        ("v3", False),
        ("v2", False),
        ("v1", False),
    ]
    assert all("Document" not in entry for entry in listed)
    pages = iam.get_paginator("list_policy_versions").paginate(PolicyArn=POLICY, PaginationConfig={"PageSize": 2})
    assert [[entry["VersionId"] for entry in page["Versions"]] for page in pages] == [
        ["v6", "v4"],
        ["v3", "v2"],
        ["v1"],
    ]
    assert iam.get_policy(PolicyArn=POLICY)["Policy"]["UpdateDate"] == world.now
    assert refusal(iam.delete_policy_version, PolicyArn=POLICY, VersionId="v6") == (
        "DeleteConflict",
        "Cannot delete the default version of a policy.",
        409,
    )


def test_policies_in_use_or_with_versions_cannot_be_deleted(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_policy(PolicyName="Reader", PolicyDocument=policy())
    iam.create_user(UserName="alice", PermissionsBoundary=POLICY)
    in_use = ("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    assert refusal(iam.delete_policy, PolicyArn=POLICY) == in_use
    iam.delete_user_permissions_boundary(UserName="alice")
    iam.attach_user_policy(UserName="alice", PolicyArn=POLICY)
    assert refusal(iam.delete_policy, PolicyArn=POLICY) == in_use
    assert refusal(iam.delete_user, UserName="alice")[1] == "Cannot delete entity, must detach all policies first."
    iam.detach_user_policy(UserName="alice", PolicyArn=POLICY)
    iam.create_policy_version(PolicyArn=POLICY, PolicyDocument=policy())
    assert refusal(iam.delete_policy, PolicyArn=POLICY)[:2] == (
        "DeleteConflict",
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
        "The default version is deleted with the policy.",
    )
    iam.delete_policy_version(PolicyArn=POLICY, VersionId="v2")
    iam.delete_policy(PolicyArn=POLICY)
    assert refusal(iam.get_policy, PolicyArn=POLICY)[0] == "NoSuchEntity"


def test_a_new_default_version_applies_to_the_next_request(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_policy(PolicyName="Reader", PolicyDocument=policy("Allow", "iam:ListUsers"))
    iam = world.client("iam", **world.user("alice"))
    assert refusal(iam.list_users)[0] == "AccessDenied"
    admin.attach_user_policy(UserName="alice", PolicyArn=POLICY)
    iam.list_users()
    admin.create_policy_version(PolicyArn=POLICY, PolicyDocument=policy("Deny", "iam:ListUsers"))
    iam.list_users()
    admin.set_default_policy_version(PolicyArn=POLICY, VersionId="v2")
    assert refusal(iam.list_users)[1].endswith("with an explicit deny in an identity-based policy")
    admin.set_default_policy_version(PolicyArn=POLICY, VersionId="v1")
    iam.list_users()
    admin.detach_user_policy(UserName="alice", PolicyArn=POLICY)
    assert refusal(iam.list_users)[0] == "AccessDenied"


def test_an_explanation_names_the_managed_policy_by_its_arn(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_policy(PolicyName="Reader", PolicyDocument=policy("Deny", "iam:ListUsers"))
    user = admin.create_user(UserName="alice")["User"]
    admin.create_group(GroupName="readers")
    admin.add_user_to_group(GroupName="readers", UserName="alice")
    admin.attach_group_policy(GroupName="readers", PolicyArn=POLICY)
    admin.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=policy("Deny", "iam:ListRoles"))
    alice = Principal("user", ACCOUNT, user["Arn"], user["UserId"], user_name="alice")
    for action, name in (("iam:ListUsers", POLICY), ("iam:ListRoles", "'p' of group 'readers'")):
        decision = world.authorizer.decide(principal=alice, action=action, resource="*", context={})
        assert [reason.policy for reason in decision.because] == [name]


def test_size_limits_ignore_white_space(world: IamWorld) -> None:
    iam = world.client("iam")
    long = policy(resource=[f"arn:aws:s3:::bucket-{number:04}" for number in range(222)])
    size = len("".join(long.split()))
    assert 6_000 < size <= 6_144
    iam.create_policy(PolicyName="Reader", PolicyDocument=long + " " * 20_000)
    longer = policy(resource=[f"arn:aws:s3:::bucket-{number:04}" for number in range(230)])
    refused = ("LimitExceeded", "Cannot exceed quota for PolicySize: 6144", 409)
    assert refusal(iam.create_policy, PolicyName="Other", PolicyDocument=longer) == refused
    assert refusal(iam.create_policy_version, PolicyArn=POLICY, PolicyDocument=longer) == refused
    assert len(iam.list_policy_versions(PolicyArn=POLICY)["Versions"]) == 1


def test_invalid_documents_create_no_policy_or_version(world: IamWorld) -> None:
    iam = world.client("iam")
    assert refusal(iam.create_policy, PolicyName="Reader", PolicyDocument=policy() + policy())[:2] == (
        "MalformedPolicyDocument",
        "Syntax errors in policy.",
    )
    old = json.dumps({"Version": "2008-10-17", "Statement": json.loads(policy())["Statement"]})
    assert refusal(iam.create_policy, PolicyName="Reader", PolicyDocument=old)[1] == (
        "Policy document must be version 2012-10-17 or greater."
    )
    assert iam.list_policies(Scope="Local")["Policies"] == []
    iam.create_policy(PolicyName="Reader", PolicyDocument=policy())
    assert refusal(iam.create_policy_version, PolicyArn=POLICY, PolicyDocument=old)[0] == "MalformedPolicyDocument"
    assert len(iam.list_policy_versions(PolicyArn=POLICY)["Versions"]) == 1


@pytest.mark.costs(0.2, reason="ten policies are made and attached, a call each")
def test_an_owner_has_at_most_ten_managed_policies(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="alice")
    for number in range(10):
        iam.create_policy(PolicyName=f"P{number}", PolicyDocument=policy())
        iam.attach_user_policy(UserName="alice", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/P{number}")
    iam.attach_user_policy(UserName="alice", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/P0")
    assert refusal(iam.attach_user_policy, UserName="alice", PolicyArn=S3_READER) == (
        "LimitExceeded",
        "Cannot exceed quota for PoliciesPerUser: 10",
        409,
    )
    pages = iam.get_paginator("list_attached_user_policies").paginate(
        UserName="alice", PaginationConfig={"PageSize": 4}
    )
    assert [len(page["AttachedPolicies"]) for page in pages] == [4, 4, 2]


def test_entities_for_a_policy_are_filtered_by_use_kind_and_path(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_policy(PolicyName="Reader", PolicyDocument=policy())
    iam.create_user(UserName="alice", Path="/a/")
    iam.create_user(UserName="bob", PermissionsBoundary=POLICY)
    iam.create_group(GroupName="readers")
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    iam.attach_user_policy(UserName="alice", PolicyArn=POLICY)
    iam.attach_group_policy(GroupName="readers", PolicyArn=POLICY)
    iam.attach_role_policy(RoleName="R", PolicyArn=POLICY)

    def entities(**filters: Any) -> list[str]:
        answer = iam.list_entities_for_policy(PolicyArn=POLICY, **filters)
        return [
            *(entry["GroupName"] for entry in answer["PolicyGroups"]),
            *(entry["RoleName"] for entry in answer["PolicyRoles"]),
            *(entry["UserName"] for entry in answer["PolicyUsers"]),
        ]

    assert entities() == ["readers", "R", "alice", "bob"]
    assert entities(PolicyUsageFilter="PermissionsPolicy") == ["readers", "R", "alice"]
    assert entities(PolicyUsageFilter="PermissionsBoundary") == ["bob"]
    assert entities(EntityFilter="Role") == ["R"]
    assert entities(PathPrefix="/a/") == ["alice"]
    pages = list(
        iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=POLICY, PaginationConfig={"PageSize": 3})
    )
    assert [len(page["PolicyGroups"] + page["PolicyRoles"] + page["PolicyUsers"]) for page in pages] == [3, 1]


def test_policy_lists_are_filtered_by_use(world: IamWorld) -> None:
    iam = world.client("iam")
    for name in ("Attached", "Bounding", "Idle"):
        iam.create_policy(PolicyName=name, PolicyDocument=policy())
    iam.create_user(UserName="alice", PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/Bounding")
    iam.attach_user_policy(UserName="alice", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/Attached")

    def names(**filters: Any) -> list[str]:
        return [entry["PolicyName"] for entry in iam.list_policies(Scope="Local", **filters)["Policies"]]

    assert names() == ["Attached", "Bounding", "Idle"]
    assert names(OnlyAttached=True) == ["Attached"]
    assert names(PolicyUsageFilter="PermissionsPolicy") == ["Attached"]
    assert names(PolicyUsageFilter="PermissionsBoundary") == ["Bounding"]


def test_policy_tags_ignore_case(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_policy(PolicyName="Reader", PolicyDocument=policy())
    iam.tag_policy(PolicyArn=POLICY, Tags=[{"Key": "Team", "Value": "x"}, {"Key": "b", "Value": "y"}])
    iam.tag_policy(PolicyArn=POLICY, Tags=[{"Key": "team", "Value": "z"}])
    assert iam.list_policy_tags(PolicyArn=POLICY)["Tags"] == [
        {"Key": "b", "Value": "y"},
        {"Key": "team", "Value": "z"},
    ]
    iam.untag_policy(PolicyArn=POLICY, TagKeys=["TEAM"])
    assert iam.get_policy(PolicyArn=POLICY)["Policy"]["Tags"] == [{"Key": "b", "Value": "y"}]


def test_a_policy_tag_decides_who_may_change_the_policy(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_policy(PolicyName="Reader", PolicyDocument=policy(), Tags=[{"Key": "team", "Value": "x"}])
    own_team = policy("Allow", "iam:CreatePolicyVersion", Condition={"StringEquals": {"aws:ResourceTag/team": "x"}})
    iam = world.client("iam", **world.user("alice", own_team))
    iam.create_policy_version(PolicyArn=POLICY, PolicyDocument=policy())
    admin.tag_policy(PolicyArn=POLICY, Tags=[{"Key": "team", "Value": "y"}])
    assert refusal(iam.create_policy_version, PolicyArn=POLICY, PolicyDocument=policy())[0] == "AccessDenied"


def test_the_policy_to_attach_is_a_condition_key(world: IamWorld) -> None:
    only = policy("Allow", "iam:AttachUserPolicy", Condition={"ArnEquals": {"iam:PolicyARN": S3_READER}})
    iam = world.client("iam", **world.user("alice", only))
    iam.attach_user_policy(UserName="alice", PolicyArn=S3_READER)
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert refusal(iam.attach_user_policy, UserName="alice", PolicyArn=administrator)[0] == "AccessDenied"


@pytest.mark.costs(0.25, reason="two threads race eight times")
def test_concurrent_attaching_and_deleting_leaves_no_dangling_policy(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="alice")
    attacher, deleter = world.client("iam"), world.client("iam")
    for _ in range(8):
        iam.create_policy(PolicyName="Reader", PolicyDocument=policy())
        start = threading.Barrier(2)
        outcomes: dict[str, str] = {}

        def attempt(name: str, call: Callable[[], Any], start: threading.Barrier, outcomes: dict[str, str]) -> None:
            start.wait()
            try:
                call()
                outcomes[name] = "done"
            except ClientError as error:
                outcomes[name] = error.response["Error"]["Code"]

        threads = [
            threading.Thread(target=attempt, args=(name, call, start, outcomes))
            for name, call in (
                ("attach", lambda: attacher.attach_user_policy(UserName="alice", PolicyArn=POLICY)),
                ("delete", lambda: deleter.delete_policy(PolicyArn=POLICY)),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes in (
            {"attach": "done", "delete": "DeleteConflict"},
            {"attach": "NoSuchEntity", "delete": "done"},
        )
        with world.database.reading() as session:
            attached = session.scalar(select(func.count()).select_from(AttachedManagedPolicy)) or 0
            assert attached == session.scalar(select(func.count()).select_from(ManagedPolicy))
        if attached:
            iam.detach_user_policy(UserName="alice", PolicyArn=POLICY)
            iam.delete_policy(PolicyArn=POLICY)
