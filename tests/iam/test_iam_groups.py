"""Groups: their members, and the permissions from their policies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.worlds.iam import ACCOUNT, IamWorld, policy, refusal

READER = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_get_group_returns_users_in_pages(world: IamWorld) -> None:
    iam = world.client("iam")
    group = iam.create_group(GroupName="readers", Path="/night/")["Group"]
    assert group["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/night/readers"
    assert group["GroupId"].startswith("AGPA")
    for name in ("alice", "bob", "carol"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="readers", UserName=name)
    pages = list(iam.get_paginator("get_group").paginate(GroupName="Readers", PaginationConfig={"PageSize": 2}))
    assert [[user["UserName"] for user in page["Users"]] for page in pages] == [["alice", "bob"], ["carol"]]
    assert [entry["GroupName"] for entry in iam.list_groups_for_user(UserName="alice")["Groups"]] == ["readers"]
    assert iam.list_groups(PathPrefix="/day/")["Groups"] == []
    assert refusal(iam.create_group, GroupName="READERS") == (
        "EntityAlreadyExists",
        "Group with name READERS already exists.",
        409,
    )
    assert refusal(iam.get_group, GroupName="writers")[1] == "The group with name writers cannot be found."


def test_membership_takes_effect_with_the_next_request(world: IamWorld) -> None:
    admin = world.client("iam")
    iam = world.client("iam", **world.user("alice"))
    admin.create_group(GroupName="readers")
    admin.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=policy("Allow", "iam:ListUsers"))
    assert refusal(iam.list_users)[0] == "AccessDenied"
    admin.add_user_to_group(GroupName="readers", UserName="alice")
    iam.list_users()
    assert refusal(iam.list_roles)[0] == "AccessDenied"
    admin.attach_group_policy(GroupName="readers", PolicyArn=READER)
    iam.list_roles()
    admin.put_group_policy(GroupName="readers", PolicyName="q", PolicyDocument=policy("Deny", "iam:ListRoles"))
    assert refusal(iam.list_roles)[1].endswith("with an explicit deny in an identity-based policy")
    admin.remove_user_from_group(GroupName="readers", UserName="alice")
    assert refusal(iam.list_users)[0] == "AccessDenied"


def test_a_groups_policies_are_put_listed_and_deleted(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=policy())
    iam.attach_group_policy(GroupName="readers", PolicyArn=READER)
    answer = iam.get_group_policy(GroupName="readers", PolicyName="p")
    assert (answer["GroupName"], answer["PolicyDocument"]) == ("readers", json.loads(policy()))
    assert iam.list_group_policies(GroupName="readers")["PolicyNames"] == ["p"]
    assert iam.list_attached_group_policies(GroupName="readers")["AttachedPolicies"] == [
        {"PolicyName": "ReadOnlyAccess", "PolicyArn": READER}
    ]
    assert iam.list_attached_group_policies(GroupName="readers", PathPrefix="/x/")["AttachedPolicies"] == []
    long = policy(resource=[f"arn:aws:s3:::bucket-{number:04}" for number in range(230)])
    assert refusal(iam.put_group_policy, GroupName="readers", PolicyName="q", PolicyDocument=long)[1] == (
        "Maximum policy size of 5120 bytes exceeded for group readers"
    )
    iam.delete_group_policy(GroupName="readers", PolicyName="p")
    iam.detach_group_policy(GroupName="readers", PolicyArn=READER)
    assert refusal(iam.get_group_policy, GroupName="readers", PolicyName="p")[1] == (
        "The group policy with name p cannot be found."
    )


def test_a_group_with_members_or_policies_is_not_deleted(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_group(GroupName="readers")
    iam.create_user(UserName="alice")
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=policy())
    iam.attach_group_policy(GroupName="readers", PolicyArn=READER)
    first = "Cannot delete entity, must remove users from group first."
    assert refusal(iam.delete_group, GroupName="readers") == ("DeleteConflict", first, 409)
    assert refusal(iam.delete_user, UserName="alice") == ("DeleteConflict", first, 409)
    iam.remove_user_from_group(GroupName="readers", UserName="alice")
    assert refusal(iam.delete_group, GroupName="readers")[1] == "Cannot delete entity, must detach all policies first."
    iam.detach_group_policy(GroupName="readers", PolicyArn=READER)
    assert refusal(iam.delete_group, GroupName="readers")[1] == "Cannot delete entity, must delete policies first."
    iam.delete_group_policy(GroupName="readers", PolicyName="p")
    iam.delete_group(GroupName="readers")
    iam.delete_user(UserName="alice")


@pytest.mark.costs(0.2, reason="a user joins ten groups, a call each")
def test_a_user_is_in_at_most_ten_groups(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="alice")
    for number in range(11):
        iam.create_group(GroupName=f"g{number}")
    for number in range(10):
        iam.add_user_to_group(GroupName=f"g{number}", UserName="alice")
    iam.add_user_to_group(GroupName="g0", UserName="alice")
    assert refusal(iam.add_user_to_group, GroupName="g10", UserName="alice") == (
        "LimitExceeded",
        "Cannot exceed quota for GroupsPerUser: 10",
        409,
    )


def test_a_renamed_group_keeps_members_and_policies(world: IamWorld) -> None:
    admin = world.client("iam")
    iam = world.client("iam", **world.user("alice"))
    admin.create_group(GroupName="readers")
    admin.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=policy("Allow", "iam:ListUsers"))
    admin.add_user_to_group(GroupName="readers", UserName="alice")
    admin.update_group(GroupName="readers", NewGroupName="Writers", NewPath="/day/")
    assert admin.get_group(GroupName="writers")["Group"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/day/Writers"
    assert refusal(admin.get_group, GroupName="readers")[0] == "NoSuchEntity"
    iam.list_users()


def test_a_deny_by_path_applies_to_a_group_named_without_path(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_group(GroupName="board", Path="/secret/")
    document: dict[str, Any] = json.loads(policy())
    denied = f"arn:aws:iam::{ACCOUNT}:group/secret/*"
    document["Statement"].append({"Effect": "Deny", "Action": "iam:AddUserToGroup", "Resource": denied})
    iam = world.client("iam", **world.user("alice", json.dumps(document)))
    assert refusal(iam.add_user_to_group, GroupName="board", UserName="alice")[0] == "AccessDenied"


def test_adding_and_removing_a_user_is_idempotent(world: IamWorld) -> None:
    """As in AWS, neither is an error if there is nothing to do."""
    iam = world.client("iam")
    iam.create_group(GroupName="readers")
    iam.create_user(UserName="alice")
    for _ in range(2):
        iam.add_user_to_group(GroupName="readers", UserName="alice")
    assert [user["UserName"] for user in iam.get_group(GroupName="readers")["Users"]] == ["alice"]
    for _ in range(2):
        iam.remove_user_from_group(GroupName="readers", UserName="alice")
    assert iam.get_group(GroupName="readers")["Users"] == []
