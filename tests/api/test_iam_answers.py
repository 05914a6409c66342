"""IAM's answers in AWS's words: names that exist or are missing, tags, what lists leave out, and last uses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.iam.key_uses import KeyUses
from tests.worlds.iam import ACCOUNT, REGION, IamWorld, policy, refusal, trust

TRUST = trust({"AWS": ACCOUNT})
PATTERN = r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[IamWorld]:
    """An account with an administrator."""
    world = IamWorld(tmp_path)
    yield world
    world.close()


def tags(*keys: str) -> list[dict[str, str]]:
    """Return tags with the given keys."""
    return [{"Key": key, "Value": ""} for key in keys]


def test_creating_an_entity_with_an_existing_name_is_refused(world: IamWorld) -> None:
    iam = world.client("iam")
    for call, parameters, message in (
        (iam.create_user, {"UserName": "n"}, "User with name n already exists."),
        (iam.create_group, {"GroupName": "n"}, "Group with name n already exists."),
        (iam.create_role, {"RoleName": "n", "AssumeRolePolicyDocument": TRUST}, "Role with name n already exists."),
        (iam.create_instance_profile, {"InstanceProfileName": "n"}, "Instance Profile n already exists."),
        (
            iam.create_policy,
            {"PolicyName": "n", "PolicyDocument": policy()},
            "A policy called n already exists. Duplicate names are not allowed.",
        ),
    ):
        call(**parameters)
        assert refusal(call, **parameters) == ("EntityAlreadyExists", message, 409)


def test_a_missing_entity_is_reported_by_name(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="alice")
    missing = f"arn:aws:iam::{ACCOUNT}:policy/n"
    for call, parameters, message in (
        (iam.get_user, {"UserName": "n"}, "The user with name n cannot be found."),
        (iam.get_group, {"GroupName": "n"}, "The group with name n cannot be found."),
        (iam.get_role, {"RoleName": "n"}, "The role with name n cannot be found."),
        (iam.get_instance_profile, {"InstanceProfileName": "n"}, "Instance Profile n cannot be found."),
        (iam.get_policy, {"PolicyArn": missing}, f"Policy {missing} was not found."),
        (
            iam.attach_user_policy,
            {"UserName": "alice", "PolicyArn": missing},
            f"Policy {missing} does not exist or is not attachable.",
        ),
        (
            iam.get_user_policy,
            {"UserName": "alice", "PolicyName": "n"},
            "The user policy with name n cannot be found.",
        ),
        (iam.get_login_profile, {"UserName": "alice"}, "Login Profile for User alice cannot be found."),
    ):
        assert refusal(call, **parameters) == ("NoSuchEntity", message, 404)


def test_an_access_key_is_deleted_for_its_owner_only(world: IamWorld) -> None:
    """Without UserName the user is the caller, who does not own the key of another user."""
    iam, key = world.client("iam"), world.user("alice")["access_key_id"]
    missing = ("NoSuchEntity", f"The Access Key with id {key} cannot be found.", 404)
    assert refusal(iam.delete_access_key, AccessKeyId=key) == missing
    iam.delete_access_key(UserName="alice", AccessKeyId=key)
    assert refusal(iam.delete_access_key, UserName="alice", AccessKeyId=key) == missing


@pytest.mark.costs(0.5, reason="it compiles patterns of all letters, and matches fifty tags")
def test_errors_for_invalid_tags_do_not_repeat_their_values(world: IamWorld) -> None:
    iam = world.client("iam")
    many = tags(*map(str, range(51)))
    prefix = "1 validation error detected: Value at "
    longest = "failed to satisfy constraint: Member must have length less than or equal to"
    for given, message in (
        (many, f"{prefix}'tags' {longest} 50"),
        (
            tags("k" * 129),
            f"{prefix}'tags.1.member.key' {longest} 128",
        ),
        (
            [{"Key": "k", "Value": "v" * 257}],
            f"{prefix}'tags.1.member.value' {longest} 256",
        ),
        (tags("NO!"), f"{prefix}'tags.1.member.key' failed to satisfy constraint: {PATTERN}"),
    ):
        assert refusal(iam.create_user, UserName="u", Tags=given)[:2] == ("ValidationError", message)
    assert refusal(iam.create_user, UserName="u", Tags=tags("a", "A"))[:2] == (
        "InvalidInput",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
    iam.create_user(UserName="u", Tags=many[:50])
    assert refusal(iam.tag_user, UserName="u", Tags=tags("another")) == (
        "LimitExceeded",
        "The number of tags has reached the maximum limit.",
        409,
    )
    iam.tag_user(UserName="u", Tags=[{"Key": "7", "Value": "seven"}])
    long = ["k" * 129]
    message = refusal(iam.untag_user, UserName="u", TagKeys=long)[1]
    assert message.startswith(f"{prefix}'tagKeys' failed")
    assert "Member must have length less than or equal to 128" in message


def test_errors_for_an_enum_do_not_repeat_the_value(world: IamWorld) -> None:
    key = world.user("alice")["access_key_id"]
    given: Any = "Asleep"
    error = refusal(world.client("iam").update_access_key, UserName="alice", AccessKeyId=key, Status=given)
    assert error[1] == (
        "1 validation error detected: Value at 'status' failed to satisfy constraint: "
        "Member must satisfy enum value set"
    )


def test_a_list_of_policies_omits_descriptions_and_tags(world: IamWorld) -> None:
    iam = world.client("iam")
    created = iam.create_policy(PolicyName="P", PolicyDocument=policy(), Description="all", Tags=tags("a"))["Policy"]
    assert created["Tags"] == tags("a")
    assert "Description" not in created
    plain = iam.create_policy(PolicyName="Q", PolicyDocument=policy())["Policy"]
    assert "Tags" not in plain
    listed = iam.list_policies(Scope="Local")["Policies"]
    assert [{"Description", "Tags"} & set(entry) for entry in listed] == [set(), set()]
    complete = iam.get_policy(PolicyArn=listed[0]["Arn"])["Policy"]
    assert (complete["Description"], complete["Tags"]) == ("all", tags("a"))
    assert iam.get_policy(PolicyArn=listed[1]["Arn"])["Policy"]["Tags"] == []


def test_the_account_summary_has_every_documented_quota(world: IamWorld) -> None:
    """The quotas in the AWS CLI's example, including those of resources that do not exist here."""
    summary = world.client("iam").get_account_summary()["SummaryMap"]
    assert {
        "AccessKeysPerUserQuota",
        "AssumeRolePolicySizeQuota",
        "GroupPolicySizeQuota",
        "GroupsPerUserQuota",
        "GroupsQuota",
        "InstanceProfilesQuota",
        "RolePolicySizeQuota",
        "RolesQuota",
        "ServerCertificatesQuota",
        "SigningCertificatesPerUserQuota",
        "UserPolicySizeQuota",
        "UsersQuota",
    } <= set(summary)


def test_a_federated_user_without_policies_has_a_packed_policy_size_of_zero(world: IamWorld) -> None:
    answer = world.client("sts").get_federation_token(Name="guest")
    assert answer["PackedPolicySize"] == 0


def test_assuming_a_role_and_using_its_credentials_both_count_as_uses(world: IamWorld) -> None:
    iam = world.client("iam")
    role = iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]
    assert "RoleLastUsed" not in role
    assert iam.get_role(RoleName="R")["Role"]["RoleLastUsed"] == {}
    given = world.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="one")["Credentials"]
    assumed = world.now
    assert iam.get_role(RoleName="R")["Role"]["RoleLastUsed"] == {"LastUsedDate": assumed, "Region": REGION}
    world.now += dt.timedelta(minutes=10)
    session = world.client(
        "sts",
        access_key_id=given["AccessKeyId"],
        secret_access_key=given["SecretAccessKey"],
        session_token=given["SessionToken"],
    )
    session.get_caller_identity()
    assert iam.get_role(RoleName="R")["Role"]["RoleLastUsed"]["LastUsedDate"] == world.now
    details = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    assert details[0]["RoleLastUsed"] == {"LastUsedDate": world.now, "Region": REGION}
    assert "RoleLastUsed" not in iam.list_roles()["Roles"][0]


@pytest.mark.one_process
def test_a_roles_last_use_is_stored_once_a_minute_and_deleted_with_the_role(world: IamWorld) -> None:
    iam, sts = world.client("iam"), world.client("sts")
    role = iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]
    written: list[frozenset[str]] = []
    world.database.on_commit(lambda tables: written.append(tables & {"iam_role_uses"}))
    for _ in range(5):
        world.now += dt.timedelta(seconds=1)
        sts.assume_role(RoleArn=role["Arn"], RoleSessionName="one")
    world.key_uses.close()
    assert len([tables for tables in written if tables]) <= 2
    again = KeyUses(world.database)
    last = again.last_of_role(role["RoleId"])
    again.close()
    assert last is not None
    assert last.used_at == world.now
    world.key_uses = KeyUses(world.database)
    iam.delete_role(RoleName="R")
    assert world.key_uses.last_of_role(role["RoleId"]) is None
