"""Instance profiles: the roles that instances would get, as Terraform and the CLI use them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worlds.iam import ACCOUNT, IamWorld, policy, refusal, trust

EC2 = trust({"Service": "ec2.amazonaws.com"})
HELD = ("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.", 409)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[IamWorld]:
    """An account with an administrator."""
    world = IamWorld(tmp_path)
    yield world
    world.close()


def test_the_calls_of_terraform_for_an_instance_profile(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="R", Path="/jobs/", AssumeRolePolicyDocument=EC2, Description="reads")
    made = iam.create_instance_profile(InstanceProfileName="p", Path="/x/", Tags=[{"Key": "a", "Value": "b"}])
    assert made["InstanceProfile"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/x/p"
    assert re.fullmatch(r"AIPA[A-Z2-7]{17}", made["InstanceProfile"]["InstanceProfileId"])
    assert (made["InstanceProfile"]["Roles"], made["InstanceProfile"]["CreateDate"]) == ([], world.now)
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="R")
    found = iam.get_instance_profile(InstanceProfileName="P")["InstanceProfile"]
    assert found["Tags"] == [{"Key": "a", "Value": "b"}]
    assert sorted(found["Roles"][0]) == ["Arn", "AssumeRolePolicyDocument", "CreateDate", "Path", "RoleId", "RoleName"]
    assert found["Roles"][0]["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/jobs/R"
    iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="R")
    iam.delete_instance_profile(InstanceProfileName="p")
    iam.delete_role(RoleName="R")
    assert refusal(iam.get_instance_profile, InstanceProfileName="p") == (
        "NoSuchEntity",
        "Instance Profile p cannot be found.",
        404,
    )


def test_a_profile_and_its_role_cannot_be_deleted_while_the_profile_has_the_role(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=EC2)
    iam.create_instance_profile(InstanceProfileName="p")
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="R")
    iam.put_role_policy(RoleName="R", PolicyName="p", PolicyDocument=policy())
    assert refusal(iam.delete_role, RoleName="R") == HELD
    assert refusal(iam.delete_instance_profile, InstanceProfileName="p") == HELD
    assert iam.get_instance_profile(InstanceProfileName="p")["InstanceProfile"]["Roles"][0]["RoleName"] == "R"


def test_a_profile_has_at_most_one_role_and_a_unique_name(world: IamWorld) -> None:
    iam = world.client("iam")
    for name in ("R", "S"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2)
    iam.create_instance_profile(InstanceProfileName="p")
    assert refusal(iam.create_instance_profile, InstanceProfileName="P", Path="/x/") == (
        "EntityAlreadyExists",
        "Instance Profile P already exists.",
        409,
    )
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="R")
    assert refusal(iam.add_role_to_instance_profile, InstanceProfileName="p", RoleName="S") == (
        "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        409,
    )
    assert refusal(iam.remove_role_from_instance_profile, InstanceProfileName="p", RoleName="S")[0] == "NoSuchEntity"
    assert refusal(iam.add_role_to_instance_profile, InstanceProfileName="p", RoleName="T")[1] == (
        "The role with name T cannot be found."
    )


def test_profiles_are_listed_by_path_and_by_role_in_pages_without_tags(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=EC2)
    for name, path in (("a", "/"), ("b", "/x/"), ("c", "/x/")):
        iam.create_instance_profile(InstanceProfileName=name, Path=path, Tags=[{"Key": "k", "Value": name}])
    for name in ("a", "c"):
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName="R")
    listed = iam.list_instance_profiles(PathPrefix="/x/")["InstanceProfiles"]
    assert [(entry["InstanceProfileName"], "Tags" in entry) for entry in listed] == [("b", False), ("c", False)]
    pages = iam.get_paginator("list_instance_profiles_for_role").paginate(
        RoleName="R", PaginationConfig={"PageSize": 1}
    )
    assert [entry["InstanceProfileName"] for page in pages for entry in page["InstanceProfiles"]] == ["a", "c"]
    details = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    assert [entry["InstanceProfileName"] for entry in details[0]["InstanceProfileList"]] == ["a", "c"]
    assert iam.get_account_summary()["SummaryMap"]["InstanceProfiles"] == 3


def test_tags_of_a_profile_are_added_and_removed(world: IamWorld) -> None:
    iam = world.client("iam")
    made = iam.create_instance_profile(InstanceProfileName="p")["InstanceProfile"]
    assert ("Tags" in made, iam.get_instance_profile(InstanceProfileName="p")["InstanceProfile"]["Tags"]) == (False, [])
    iam.tag_instance_profile(InstanceProfileName="p", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.untag_instance_profile(InstanceProfileName="p", TagKeys=["A"])
    assert iam.list_instance_profile_tags(InstanceProfileName="p")["Tags"] == [{"Key": "b", "Value": "2"}]
    assert refusal(iam.list_instance_profile_tags, InstanceProfileName="q")[1] == "Instance Profile q cannot be found."


def test_changing_a_profile_needs_permission_on_its_path_and_to_pass_its_role(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_role(RoleName="R", Path="/mine/", AssumeRolePolicyDocument=EC2)
    admin.create_instance_profile(InstanceProfileName="p", Path="/mine/")
    profiles = f"arn:aws:iam::{ACCOUNT}:instance-profile/mine/*"
    alice = world.client("iam", **world.user("alice", policy(action="iam:*", resource=profiles)))
    error = refusal(alice.add_role_to_instance_profile, InstanceProfileName="p", RoleName="R")
    assert error[0] == "AccessDenied"
    assert f"is not authorized to perform: iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/mine/R" in error[1]
    passing = policy(action="iam:PassRole", resource=f"arn:aws:iam::{ACCOUNT}:role/mine/*")
    admin.put_user_policy(UserName="alice", PolicyName="passes", PolicyDocument=passing)
    alice.add_role_to_instance_profile(InstanceProfileName="p", RoleName="R")
    admin.create_instance_profile(InstanceProfileName="q")
    assert refusal(alice.delete_instance_profile, InstanceProfileName="q")[0] == "AccessDenied"
