"""Users, roles, keys and sessions, called with boto3."""

from __future__ import annotations

import datetime as dt
import json
import re

from reading_room.aws.models import service_model
from reading_room.wiring.product import operation_table
from tests.worlds.iam import ACCOUNT, IamWorld, policy, refusal, trust

COMPREHEND = {"Service": "comprehend.amazonaws.com"}


def test_the_first_administrator_is_a_user_and_not_the_root(world: IamWorld) -> None:
    identity = world.client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/administrator"
    assert identity["UserId"].startswith("AIDA")


def test_a_role_is_returned_with_a_decoded_trust_policy(world: IamWorld) -> None:
    iam = world.client("iam")
    role = iam.create_role(
        RoleName="Reader",
        Path="/jobs/",
        AssumeRolePolicyDocument=trust(COMPREHEND),
        Description="reads",
        Tags=[{"Key": "team", "Value": "x"}],
    )["Role"]
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/jobs/Reader"
    assert re.fullmatch(r"AROA[A-Z2-7]{17}", role["RoleId"])
    assert role["CreateDate"] == world.now
    again = iam.get_role(RoleName="reader")["Role"]
    assert ("MaxSessionDuration" in role, again["MaxSessionDuration"]) == (False, 3600)
    assert again["AssumeRolePolicyDocument"] == json.loads(trust(COMPREHEND))
    assert again["Tags"] == [{"Key": "team", "Value": "x"}]


def test_names_are_unique_ignoring_case(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=trust(COMPREHEND))
    assert refusal(iam.create_role, RoleName="READER", AssumeRolePolicyDocument=trust(COMPREHEND)) == (
        "EntityAlreadyExists",
        "Role with name READER already exists.",
        409,
    )
    iam.create_user(UserName="alice")
    assert refusal(iam.create_user, UserName="Alice")[0] == "EntityAlreadyExists"


def test_what_is_missing_is_named(world: IamWorld) -> None:
    iam = world.client("iam")
    assert refusal(iam.get_role, RoleName="Nobody") == (
        "NoSuchEntity",
        "The role with name Nobody cannot be found.",
        404,
    )
    assert refusal(iam.get_user, UserName="nobody")[1] == "The user with name nobody cannot be found."
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=trust(COMPREHEND))
    assert refusal(iam.delete_role_policy, RoleName="Reader", PolicyName="p")[1] == (
        "The role policy with name p cannot be found."
    )


def test_a_role_with_policies_cannot_be_deleted(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=trust(COMPREHEND))
    iam.put_role_policy(RoleName="Reader", PolicyName="p", PolicyDocument=policy())
    assert iam.list_role_policies(RoleName="Reader")["PolicyNames"] == ["p"]
    assert iam.get_role_policy(RoleName="Reader", PolicyName="p")["PolicyDocument"] == json.loads(policy())
    assert refusal(iam.delete_role, RoleName="Reader") == (
        "DeleteConflict",
        "Cannot delete entity, must delete policies first.",
        409,
    )
    iam.delete_role_policy(RoleName="Reader", PolicyName="p")
    iam.delete_role(RoleName="Reader")
    assert refusal(iam.get_role, RoleName="Reader")[0] == "NoSuchEntity"


def test_invalid_documents_change_nothing(world: IamWorld) -> None:
    iam = world.client("iam")
    assert refusal(iam.create_role, RoleName="R", AssumeRolePolicyDocument="{")[:2] == (
        "MalformedPolicyDocument",
        "This policy contains invalid Json",
    )
    missing = f"arn:aws:iam::{ACCOUNT}:role/Missing"
    assert refusal(iam.create_role, RoleName="R", AssumeRolePolicyDocument=trust({"AWS": missing}))[:2] == (
        "MalformedPolicyDocument",
        f'Invalid principal in policy: "AWS":"{missing}"',
    )
    assert refusal(iam.get_role, RoleName="R")[0] == "NoSuchEntity"
    iam.create_user(UserName="alice")
    two = policy() + policy()
    assert refusal(iam.put_user_policy, UserName="alice", PolicyName="p", PolicyDocument=two)[:2] == (
        "MalformedPolicyDocument",
        "Syntax errors in policy.",
    )
    assert iam.list_user_policies(UserName="alice")["PolicyNames"] == []


def test_the_total_size_of_inline_policies_ignores_white_space(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="alice")
    long = policy(resource=[f"arn:aws:s3:::bucket-{number:04}" for number in range(60)])
    assert 1500 < len(re.sub(r"\s", "", long)) < 2048
    iam.put_user_policy(UserName="alice", PolicyName="a", PolicyDocument=long + " " * 5000)
    assert refusal(iam.put_user_policy, UserName="alice", PolicyName="b", PolicyDocument=long) == (
        "LimitExceeded",
        "Maximum policy size of 2048 bytes exceeded for user alice",
        409,
    )
    iam.put_user_policy(UserName="alice", PolicyName="a", PolicyDocument=long)


def test_a_user_has_at_most_two_keys_and_the_secret_is_shown_once(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="alice")
    keys = [iam.create_access_key(UserName="alice")["AccessKey"] for _ in range(2)]
    assert all(re.fullmatch(r"AKIA[A-Z2-7]{16}", key["AccessKeyId"]) for key in keys)
    assert all(len(key["SecretAccessKey"]) == 40 for key in keys)
    assert refusal(iam.create_access_key, UserName="alice") == (
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
        409,
    )
    listed = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert {entry["AccessKeyId"] for entry in listed} == {key["AccessKeyId"] for key in keys}
    assert not any("SecretAccessKey" in entry for entry in listed)
    assert refusal(iam.delete_user, UserName="alice")[0] == "DeleteConflict"


def test_a_deleted_or_inactive_key_is_refused_at_once(world: IamWorld) -> None:
    iam = world.client("iam")
    key = world.user("alice")
    sts = world.client("sts", **key)
    assert sts.get_caller_identity()["Arn"].endswith(":user/alice")
    iam.update_access_key(UserName="alice", AccessKeyId=key["access_key_id"], Status="Inactive")
    assert refusal(sts.get_caller_identity)[0] == "InvalidClientTokenId"
    iam.update_access_key(UserName="alice", AccessKeyId=key["access_key_id"], Status="Active")
    sts.get_caller_identity()
    iam.delete_access_key(UserName="alice", AccessKeyId=key["access_key_id"])
    assert refusal(sts.get_caller_identity)[0] == "InvalidClientTokenId"


def test_lists_come_in_pages(world: IamWorld) -> None:
    iam = world.client("iam")
    for number in range(5):
        iam.create_role(RoleName=f"R{number}", AssumeRolePolicyDocument=trust(COMPREHEND))
    pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    assert [[role["RoleName"] for role in page["Roles"]] for page in pages] == [["R0", "R1"], ["R2", "R3"], ["R4"]]
    assert refusal(iam.list_roles, Marker="!")[:2] == ("ValidationError", "Invalid Marker.")


def test_a_denial_names_the_kind_of_policy(world: IamWorld) -> None:
    alice = f"arn:aws:iam::{ACCOUNT}:user/alice"
    iam = world.client("iam", **world.user("alice"))
    role = f"arn:aws:iam::{ACCOUNT}:role/Reader"
    assert refusal(iam.get_role, RoleName="Reader") == (
        "AccessDenied",
        f"User: {alice} is not authorized to perform: iam:GetRole on resource: {role} "
        "because no identity-based policy allows the iam:GetRole action",
        403,
    )
    admin = world.client("iam")
    deny = json.loads(policy())
    deny["Statement"].append({"Effect": "Deny", "Action": "iam:Get*", "Resource": "*"})
    admin.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=json.dumps(deny))
    assert refusal(iam.get_role, RoleName="Reader")[1].endswith("with an explicit deny in an identity-based policy")
    assert iam.list_role_policies, "a change of policy takes effect at once"


def test_a_deny_by_path_applies_to_an_entity_named_without_path(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_role(RoleName="Secret", Path="/board/", AssumeRolePolicyDocument=trust(COMPREHEND))
    document = json.loads(policy())
    document["Statement"].append(
        {"Effect": "Deny", "Action": "iam:*", "Resource": f"arn:aws:iam::{ACCOUNT}:role/board/*"}
    )
    iam = world.client("iam", **world.user("alice", json.dumps(document)))
    assert refusal(iam.delete_role, RoleName="Secret")[0] == "AccessDenied"
    assert refusal(iam.get_role, RoleName="Other")[0] == "NoSuchEntity"


def test_a_deny_applies_to_the_administrator(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.put_user_policy(
        UserName="administrator", PolicyName="no-users", PolicyDocument=policy("Deny", "iam:CreateUser")
    )
    assert refusal(iam.create_user, UserName="bob")[0] == "AccessDenied"


def test_a_role_can_be_assumed_by_trusted_principals(world: IamWorld) -> None:
    key = world.user("alice")
    alice = f"arn:aws:iam::{ACCOUNT}:user/alice"
    admin = world.client("iam")
    admin.create_role(RoleName="Reader", AssumeRolePolicyDocument=trust({"AWS": alice}))
    admin.put_role_policy(RoleName="Reader", PolicyName="p", PolicyDocument=policy("Allow", "iam:GetRole"))
    role = f"arn:aws:iam::{ACCOUNT}:role/Reader"
    answer = world.client("sts", **key).assume_role(RoleArn=role, RoleSessionName="night-shift")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/night-shift"
    credentials = answer["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert credentials["Expiration"] == world.now + dt.timedelta(hours=1)
    session = {
        "access_key_id": credentials["AccessKeyId"],
        "secret_access_key": credentials["SecretAccessKey"],
        "session_token": credentials["SessionToken"],
    }
    assert world.client("sts", **session).get_caller_identity()["UserId"].endswith(":night-shift")
    iam = world.client("iam", **session)
    assert iam.get_role(RoleName="Reader")["Role"]["Arn"] == role
    assert refusal(iam.list_roles)[0] == "AccessDenied"
    assert refusal(world.client("sts", **world.user("bob")).assume_role, RoleArn=role, RoleSessionName="night") == (
        "AccessDenied",
        f"User: arn:aws:iam::{ACCOUNT}:user/bob is not authorized to perform: sts:AssumeRole on resource: {role}",
        403,
    )
    admin.delete_role_policy(RoleName="Reader", PolicyName="p")
    admin.delete_role(RoleName="Reader")
    assert refusal(iam.list_roles)[0] == "InvalidClientTokenId"


def test_an_account_in_a_trust_policy_delegates_to_identity_policies(world: IamWorld) -> None:
    world.client("iam").create_role(RoleName="Reader", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    role = f"arn:aws:iam::{ACCOUNT}:role/Reader"
    without = world.client("sts", **world.user("alice"))
    assert refusal(without.assume_role, RoleArn=role, RoleSessionName="ab")[0] == "AccessDenied"
    with_allow = world.client("sts", **world.user("bob", policy("Allow", "sts:AssumeRole", role)))
    with_allow.assume_role(RoleArn=role, RoleSessionName="ab")


def test_a_recreated_user_is_a_different_principal(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_user(UserName="alice")
    alice = f"arn:aws:iam::{ACCOUNT}:user/alice"
    admin.create_role(RoleName="Reader", AssumeRolePolicyDocument=trust({"AWS": alice}))
    admin.delete_user(UserName="alice")
    sts = world.client("sts", **world.user("alice"))
    role = f"arn:aws:iam::{ACCOUNT}:role/Reader"
    assert refusal(sts.assume_role, RoleArn=role, RoleSessionName="ab")[0] == "AccessDenied"


def test_a_session_policy_only_limits(world: IamWorld) -> None:
    admin = world.client("iam")
    key = world.user("alice")
    admin.create_role(RoleName="Reader", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}))
    admin.put_role_policy(RoleName="Reader", PolicyName="p", PolicyDocument=policy("Allow", "iam:Get*"))
    answer = world.client("sts", **key).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Reader",
        RoleSessionName="ab",
        Policy=policy("Allow", ["iam:GetUser", "iam:CreateUser"]),
    )
    assert answer["PackedPolicySize"] >= 1
    credentials = answer["Credentials"]
    iam = world.client(
        "iam",
        access_key_id=credentials["AccessKeyId"],
        secret_access_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"],
    )
    iam.get_user(UserName="alice")
    assert refusal(iam.get_role, RoleName="Reader")[1].endswith(
        "because no session policy allows the iam:GetRole action"
    )
    assert "no identity-based policy" in refusal(iam.create_user, UserName="eve")[1]


def test_session_durations_are_limited(world: IamWorld) -> None:
    admin = world.client("iam")
    for name in ("One", "Two"):
        admin.create_role(RoleName=name, MaxSessionDuration=7200, AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
        admin.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy("Allow", "sts:AssumeRole"))
    one, two = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("One", "Two"))
    sts = world.client("sts")
    assert refusal(sts.assume_role, RoleArn=one, RoleSessionName="ab", DurationSeconds=7201)[:2] == (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )
    credentials = sts.assume_role(RoleArn=one, RoleSessionName="ab", DurationSeconds=7200)["Credentials"]
    chained = world.client(
        "sts",
        access_key_id=credentials["AccessKeyId"],
        secret_access_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"],
    )
    assert refusal(chained.assume_role, RoleArn=two, RoleSessionName="ab", DurationSeconds=3601)[0] == (
        "ValidationError"
    )
    chained.assume_role(RoleArn=two, RoleSessionName="ab")
    assert refusal(sts.assume_role, RoleArn="arn:aws:s3:::a-bucket-and-no-role", RoleSessionName="ab")[1] == (
        "arn:aws:s3:::a-bucket-and-no-role is invalid"
    )


def test_an_expired_session_gets_expired_token(world: IamWorld) -> None:
    world.client("iam").create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    present = world.now
    world.now = present - dt.timedelta(minutes=14)
    credentials = world.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/R", RoleSessionName="ab", DurationSeconds=900
    )["Credentials"]
    session = world.client(
        "sts",
        access_key_id=credentials["AccessKeyId"],
        secret_access_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"],
    )
    session.get_caller_identity()
    world.now = present + dt.timedelta(minutes=2)
    assert refusal(session.get_caller_identity)[0] == "ExpiredToken"


def test_parameters_without_effect_are_refused(world: IamWorld) -> None:
    iam = world.client("iam")
    signing_in = {"AssumeRolePolicyDocument": trust({"AWS": ACCOUNT}), "MaxSigninSessionDuration": 3600}
    assert refusal(iam.create_role, RoleName="R", **signing_in)[0] == "ValidationError"
    assert refusal(iam.get_role, RoleName="R")[0] == "NoSuchEntity"
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    assert refusal(iam.update_role, RoleName="R", ResetMaxSigninSessionDuration=True)[0] == "ValidationError"
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/limits"
    assert refusal(iam.create_user, UserName="bob", PermissionsBoundary=boundary)[0] == "NoSuchEntity"
    assert refusal(iam.get_user, UserName="bob")[0] == "NoSuchEntity"


def test_reads_of_terraform_around_a_role_succeed(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust(COMPREHEND))
    assert iam.list_attached_role_policies(RoleName="R")["AttachedPolicies"] == []
    assert iam.list_instance_profiles_for_role(RoleName="R")["InstanceProfiles"] == []
    assert iam.list_role_tags(RoleName="R")["Tags"] == []


def test_every_supported_operation_of_iam_is_implemented() -> None:
    elsewhere = re.compile(
        "SAML|OpenID|ServerCertificate|SSHPublicKey|MFADevice|Signing|LoginProfile|ServiceSpecific|Credential|"
        "Organization|ServiceLinkedRole|ServiceLastAccessed|Delegation|PasswordPolicy|ChangePassword|"
        "WebIdentity|AccountPropert|SecurityTokenServicePreferences|HumanReadable|AcquireRole|RoleTemplate"
    )
    claimed = {bound.facts.name for bound in operation_table() if bound.facts.service == "iam"}
    wanted = {name for name in service_model("iam").operation_names if not elsewhere.search(name)}
    assert wanted - claimed == set()
    # Some of the others list kinds that cannot be created, and are always empty.
    assert sorted(claimed - wanted) == [
        "DeleteLoginProfile",
        "GetLoginProfile",
        "ListMFADevices",
        "ListSSHPublicKeys",
        "ListServiceSpecificCredentials",
        "ListSigningCertificates",
        "ListVirtualMFADevices",
    ]


def test_unsupported_operations_are_refused(world: IamWorld) -> None:
    iam = world.client("iam")
    assert refusal(iam.create_login_profile, UserName="u", Password="Secret-1")[0] == "InvalidAction"
