"""Users and roles: new names, tags, descriptions, quotas, and conflicts on deletion."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import insert

from reading_room.iam import entities
from reading_room.iam.tables import Group, ManagedPolicy, Named, Role, User
from tests.worlds.iam import ACCOUNT, IamWorld, policy, refusal, trust

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"


def test_a_renamed_user_has_a_new_arn_and_keeps_keys_policies_and_trust(world: IamWorld) -> None:
    admin = world.client("iam")
    key = world.user("alice", policy("Allow", ["iam:ListUsers", "sts:AssumeRole"]))
    admin.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ALICE}))
    admin.update_user(UserName="alice", NewUserName="Alicia", NewPath="/night/")
    renamed = f"arn:aws:iam::{ACCOUNT}:user/night/Alicia"
    sts = world.client("sts", **key)
    assert sts.get_caller_identity()["Arn"] == renamed
    world.client("iam", **key).list_users()
    sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/R", RoleSessionName="ab")
    shown = admin.get_role(RoleName="R")["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": [renamed]}
    assert refusal(admin.get_user, UserName="alice")[0] == "NoSuchEntity"
    # A new user with the old name is a different principal.
    stranger = world.client("sts", **world.user("alice"))
    assert refusal(stranger.assume_role, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/R", RoleSessionName="ab")[0] == (
        "AccessDenied"
    )
    assert refusal(admin.update_user, UserName="alice", NewUserName="ALICIA")[:2] == (
        "EntityAlreadyExists",
        "User with name ALICIA already exists.",
    )
    admin.update_user(UserName="alicia", NewUserName="ALICIA")
    assert sts.get_caller_identity()["Arn"].endswith("/night/ALICIA")


def test_a_trust_policy_shows_the_id_of_a_deleted_principal(world: IamWorld) -> None:
    iam = world.client("iam")
    user = iam.create_user(UserName="alice")["User"]
    document = trust({"AWS": ALICE, "Service": "comprehend.amazonaws.com"})
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=document)
    assert iam.get_role(RoleName="R")["Role"]["AssumeRolePolicyDocument"] == json.loads(document)
    iam.delete_user(UserName="alice")
    shown = iam.list_roles()["Roles"][0]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": [user["UserId"]], "Service": "comprehend.amazonaws.com"}
    # The displayed policy can be written back; the id matches no one.
    iam.update_assume_role_policy(RoleName="R", PolicyDocument=json.dumps(shown))


def test_renaming_requires_permission_on_the_old_and_new_arn(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_user(UserName="bob", Path="/day/")
    inside = policy("Allow", "iam:UpdateUser", f"arn:aws:iam::{ACCOUNT}:user/day/*")
    iam = world.client("iam", **world.user("alice", inside))
    iam.update_user(UserName="bob", NewUserName="Bobby")
    assert refusal(iam.update_user, UserName="bobby", NewPath="/night/")[0] == "AccessDenied"
    assert refusal(iam.update_user, UserName="bobby", NewPath="/")[0] == "AccessDenied"
    assert admin.get_user(UserName="bobby")["User"]["Path"] == "/day/"


def test_a_roles_description_and_duration_change_independently(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="R", Description="first", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    iam.update_role(RoleName="R", MaxSessionDuration=7200)
    role = iam.get_role(RoleName="R")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("first", 7200)
    iam.update_role(RoleName="R", Description="second")
    answer = iam.update_role_description(RoleName="R", Description="third")["Role"]
    assert (answer["Description"], answer["MaxSessionDuration"]) == ("third", 7200)
    assert refusal(iam.update_role, RoleName="R", MaxSessionDuration=43201)[0] == "ValidationError"


@pytest.mark.parametrize("kind", ["user", "role"])
def test_tags_are_added_replaced_and_removed_ignoring_case(world: IamWorld, kind: str) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="Some")
    iam.create_role(RoleName="Some", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    name = {f"{kind.capitalize()}Name": "Some"}
    tag, untag = getattr(iam, f"tag_{kind}"), getattr(iam, f"untag_{kind}")
    listed = getattr(iam, f"list_{kind}_tags")
    tag(**name, Tags=[{"Key": "Team", "Value": "x"}, {"Key": "b", "Value": ""}])
    tag(**name, Tags=[{"Key": "TEAM", "Value": "y"}])
    assert listed(**name)["Tags"] == [{"Key": "TEAM", "Value": "y"}, {"Key": "b", "Value": ""}]
    untag(**name, TagKeys=["team", "never there"])
    assert listed(**name)["Tags"] == [{"Key": "b", "Value": ""}]
    duplicates = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    assert refusal(tag, **name, Tags=duplicates)[:2] == (
        "InvalidInput",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
    assert refusal(tag, **name, Tags=[{"Key": "aws:x", "Value": "1"}])[0] == "InvalidInput"
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert refusal(tag, **name, Tags=many)[0] == "LimitExceeded"
    assert listed(**name)["Tags"] == [{"Key": "b", "Value": ""}]


def test_request_tags_are_condition_keys_for_tagging_and_untagging(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_user(UserName="bob")
    only = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}, "Null": {"aws:TagKeys": "false"}}
    iam = world.client("iam", **world.user("alice", policy("Allow", ["iam:TagUser", "iam:UntagUser"], Condition=only)))
    iam.tag_user(UserName="bob", Tags=[{"Key": "team", "Value": "x"}])
    assert refusal(iam.tag_user, UserName="bob", Tags=[{"Key": "rank", "Value": "x"}])[0] == "AccessDenied"
    iam.untag_user(UserName="bob", TagKeys=["team"])
    assert refusal(iam.untag_user, UserName="bob", TagKeys=["rank"])[0] == "AccessDenied"


def fill(world: IamWorld, model: type[Named], most: int) -> None:
    """Create users, groups, roles or policies until there is room for only one more."""
    more: dict[type[Named], dict[str, Any]] = {
        Role: {"trust_policy": "{}", "pinned_trust_policy": "{}"},
        ManagedPolicy: {"updated_at": world.now},
    }
    with world.database.transaction() as session:
        rows = [
            {"unique_id": name, **entities.new_facts(ACCOUNT, name, "/", world.now), **more.get(model, {})}
            for name in (
                f"{model.kind}-{number}" for number in range(entities.count(session, model, ACCOUNT), most - 1)
            )
        ]
        session.execute(insert(model), rows)


@pytest.mark.costs(0.2, reason="thousands of users, groups, roles and policies are written")
def test_entities_per_account_are_limited(world: IamWorld) -> None:
    iam = world.client("iam")
    roles = {"AssumeRolePolicyDocument": trust({"AWS": ACCOUNT})}
    quotas: list[tuple[type[Named], str, int, Any, str, dict[str, str]]] = [
        (User, "UsersPerAccount", 5_000, iam.create_user, "UserName", {}),
        (Group, "GroupsPerAccount", 300, iam.create_group, "GroupName", {}),
        (Role, "RolesPerAccount", 1_000, iam.create_role, "RoleName", roles),
        (ManagedPolicy, "PoliciesPerAccount", 1_500, iam.create_policy, "PolicyName", {"PolicyDocument": policy()}),
    ]
    for model, quota, most, create, name, more in quotas:
        fill(world, model, most)
        create(**{name: "last", **more})
        code, message, _ = refusal(create, **{name: "one-too-many", **more})
        assert code == "LimitExceeded"
        assert message.endswith(f"{quota}: {most}")


def test_documents_are_accepted_up_to_the_size_limits(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="alice")
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))

    def of_size(make: Any, size: int) -> str:
        text = make("x")
        return str(make("x" * (1 + size - len("".join(text.split())))))

    def trusting(sid: str) -> str:
        return trust({"AWS": ACCOUNT}, Sid=sid)

    def allowing(sid: str) -> str:
        return policy(Sid=sid)

    iam.update_assume_role_policy(RoleName="R", PolicyDocument=of_size(trusting, 2048))
    assert refusal(iam.update_assume_role_policy, RoleName="R", PolicyDocument=of_size(trusting, 2049)) == (
        "LimitExceeded",
        "Cannot exceed quota for ACLSizePerRole: 2048",
        409,
    )
    for put, name, limit in (
        (iam.put_user_policy, {"UserName": "alice"}, 2048),
        (iam.put_role_policy, {"RoleName": "R"}, 10_240),
    ):
        put(**name, PolicyName="p", PolicyDocument=of_size(allowing, limit))
        assert refusal(put, **name, PolicyName="p", PolicyDocument=of_size(allowing, limit + 1))[0] == "LimitExceeded"
    assert refusal(iam.put_user_policy, UserName="alice", PolicyName="p", PolicyDocument=" " * 131_073)[0] == (
        "ValidationError"
    )


def test_a_trust_policy_with_an_unknown_principal_is_refused(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    for missing in (ALICE, f"arn:aws:iam::{ACCOUNT}:role/Missing", "arn:aws:iam::999999999999:user/alice"):
        expected = ("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{missing}"')
        document = trust({"AWS": [missing, ACCOUNT]})
        assert refusal(iam.update_assume_role_policy, RoleName="R", PolicyDocument=document)[:2] == expected
        assert refusal(iam.create_role, RoleName="S", AssumeRolePolicyDocument=document)[:2] == expected
    assert iam.get_role(RoleName="R")["Role"]["AssumeRolePolicyDocument"] == json.loads(trust({"AWS": ACCOUNT}))


def test_concurrent_creation_of_a_user_creates_one(world: IamWorld) -> None:
    clients = [world.client("iam") for _ in range(4)]
    start = threading.Barrier(len(clients))
    outcomes: list[str] = []

    def make(client: Any) -> None:
        start.wait()
        try:
            client.create_user(UserName="alice")
            outcomes.append("made")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=make, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["EntityAlreadyExists"] * 3 + ["made"]


def test_unusual_characters_in_names_are_preserved(world: IamWorld) -> None:
    iam = world.client("iam")
    name = "a+b=c,d.e@f-g_h"
    iam.create_user(UserName=name, Path="/x/!~/")
    user = iam.get_user(UserName=name.upper())["User"]
    assert (user["UserName"], user["Arn"]) == (name, f"arn:aws:iam::{ACCOUNT}:user/x/!~/{name}")
    assert refusal(iam.create_user, UserName="a b")[0] == "ValidationError"
    assert refusal(iam.create_user, UserName="x" * 65)[0] == "ValidationError"
    assert refusal(iam.create_user, UserName="ok", Path="no-slashes")[0] == "ValidationError"
