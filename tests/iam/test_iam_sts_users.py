"""GetSessionToken, GetFederationToken and GetAccessKeyInfo: the permissions of a user's temporary credentials."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest

from reading_room.aws.call import Principal
from tests.worlds.iam import ACCOUNT, IamWorld, policy, trust
from tests.worlds.iam_answers import key_of, refusal

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
APP = f"arn:aws:sts::{ACCOUNT}:federated-user/app"
BUCKET = "arn:aws:s3:::b/k"


def alice(world: IamWorld, document: str | None = None) -> Any:
    """Return an STS client of a user."""
    return world.client("sts", **world.user("alice", document))


def caller(world: IamWorld, answer: Any) -> Principal:
    """Return the principal of the credentials in a response."""
    held = world.credentials.find(answer["Credentials"]["AccessKeyId"])
    assert held is not None
    return held.principal


def may(world: IamWorld, principal: Principal, action: str = "s3:GetObject", bucket: str | None = None) -> bool:
    """Return whether a caller may perform an action on an object of its own account."""
    return world.authorizer.decide(
        principal=principal,
        action=action,
        resource=BUCKET,
        context={},
        resource_policy=bucket,
        resource_account=ACCOUNT,
    ).allowed


def test_a_session_token_authenticates_the_user_itself(world: IamWorld) -> None:
    answer = alice(world).get_session_token()
    assert answer["Credentials"]["Expiration"] == world.now + dt.timedelta(hours=12)
    identity = world.client("sts", **key_of(answer)).get_caller_identity()
    assert identity["Arn"] == ALICE
    assert identity["UserId"].startswith("AIDA")
    assert caller(world, answer).token_issued_at == world.now


def test_a_session_token_requires_no_permission_but_a_deny_applies(world: IamWorld) -> None:
    alice(world).get_session_token(DurationSeconds=900)
    bob = world.client("sts", **world.user("bob", policy("Deny", "sts:GetSessionToken")))
    assert refusal(bob.get_session_token) == (
        "AccessDenied",
        f"User: arn:aws:iam::{ACCOUNT}:user/bob is not authorized to perform: sts:GetSessionToken "
        "with an explicit deny in an identity-based policy",
    )


def test_a_users_sessions_last_from_15_minutes_to_36_hours(world: IamWorld) -> None:
    sts = alice(world, policy())
    for call in (sts.get_session_token, partial(sts.get_federation_token, Name="app")):
        code, message = refusal(call, DurationSeconds=129_601)
        assert code == "ValidationError"
        assert "Member must have value less than or equal to 129600" in message
        expiration = call(DurationSeconds=129_600)["Credentials"]["Expiration"]
        assert expiration == world.now + dt.timedelta(hours=36)


def test_a_session_token_cannot_call_iam_or_most_of_sts(world: IamWorld) -> None:
    key = key_of(alice(world, policy()).get_session_token())
    assert refusal(world.client("iam", **key).list_users)[0] == "InvalidClientTokenId"
    sts = world.client("sts", **key)
    assert refusal(sts.get_session_token) == ("AccessDenied", "Cannot call GetSessionToken with session credentials")
    assert refusal(sts.get_federation_token, Name="app")[0] == "AccessDenied"
    assert refusal(sts.get_access_key_info, AccessKeyId=key["access_key_id"])[0] == "AccessDenied"
    arn = world.client("iam").create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ALICE}))["Role"]["Arn"]
    # This is not role chaining, since the user is not a role.
    world.client("iam").update_role(RoleName="R", MaxSessionDuration=7200)
    sts.assume_role(RoleArn=arn, RoleSessionName="ab", DurationSeconds=7200)


def test_a_policy_can_distinguish_a_session_from_a_key(world: IamWorld) -> None:
    fresh = policy(Condition={"Null": {"aws:TokenIssueTime": "false"}, "Bool": {"aws:MultiFactorAuthPresent": "false"}})
    sts = alice(world, fresh)
    held = world.credentials.find(
        world.client("iam").list_access_keys(UserName="alice")["AccessKeyMetadata"][0]["AccessKeyId"]
    )
    assert held is not None
    assert not may(world, held.principal)
    assert may(world, caller(world, sts.get_session_token()))


def test_role_sessions_cannot_get_user_sessions(world: IamWorld) -> None:
    iam = world.client("iam")
    arn = iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    iam.put_role_policy(RoleName="R", PolicyName="p", PolicyDocument=policy())
    sts = world.client("sts", **key_of(world.client("sts").assume_role(RoleArn=arn, RoleSessionName="ab")))
    assert refusal(sts.get_session_token) == ("AccessDenied", "Cannot call GetSessionToken with session credentials")
    assert refusal(sts.get_federation_token, Name="app") == (
        "AccessDenied",
        "Cannot call GetFederationToken with session credentials",
    )


def test_a_federated_user_has_its_own_name(world: IamWorld) -> None:
    answer = alice(world, policy()).get_federation_token(Name="app", Policy=policy(action="s3:GetObject"))
    assert answer["FederatedUser"] == {"FederatedUserId": f"{ACCOUNT}:app", "Arn": APP}
    assert answer["PackedPolicySize"] >= 1
    sts = world.client("sts", **key_of(answer))
    identity = sts.get_caller_identity()
    assert (identity["Arn"], identity["UserId"], identity["Account"]) == (APP, f"{ACCOUNT}:app", ACCOUNT)
    assert refusal(world.client("iam", **key_of(answer)).list_users)[0] == "InvalidClientTokenId"
    role = f"arn:aws:iam::{ACCOUNT}:role/R"
    assert refusal(sts.assume_role, RoleArn=role, RoleSessionName="ab")[0] == "AccessDenied"
    assert refusal(sts.get_session_token)[0] == "AccessDenied"


def test_a_federated_user_needs_permission_from_its_user_and_session_policies(world: IamWorld) -> None:
    sts = alice(world, policy(action=["s3:GetObject", "s3:PutObject", "sts:GetFederationToken"]))
    narrow = caller(
        world, sts.get_federation_token(Name="app", Policy=policy(action=["s3:GetObject", "s3:DeleteObject"]))
    )
    assert may(world, narrow, "s3:GetObject")
    assert not may(world, narrow, "s3:PutObject")
    assert not may(world, narrow, "s3:DeleteObject")
    reads = [{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}]
    managed = caller(world, sts.get_federation_token(Name="app", PolicyArns=reads))
    assert may(world, managed, "s3:GetObject")
    assert not may(world, managed, "s3:PutObject")
    world.client("iam").delete_user_policy(UserName="alice", PolicyName="only")
    assert not may(world, narrow, "s3:GetObject")


def test_a_federated_user_without_policies_has_only_grants_by_name(world: IamWorld) -> None:
    bare = caller(world, alice(world, policy()).get_federation_token(Name="app"))
    assert not may(world, bare)
    assert may(world, bare, bucket=policy(Principal={"AWS": APP}, resource=BUCKET))
    # A grant to the federating user is limited by the session policies.
    assert not may(world, bare, bucket=policy(Principal={"AWS": ALICE}, resource=BUCKET))
    other = policy(Principal={"AWS": APP + "2"}, resource=BUCKET)
    assert not may(world, bare, bucket=other)


def test_a_deny_can_match_a_federated_user_by_name_type_and_tags(world: IamWorld) -> None:
    sts = alice(world, policy())
    tags = [{"Key": "Team", "Value": "red"}]
    principal = caller(world, sts.get_federation_token(Name="app", Policy=policy(), Tags=tags))
    everything = policy(Principal={"AWS": APP}, resource=BUCKET)
    assert may(world, principal, bucket=everything)
    for condition in (
        {"StringEquals": {"aws:PrincipalType": "FederatedUser"}},
        {"ArnEquals": {"aws:PrincipalArn": APP}},
        {"StringEquals": {"aws:userid": f"{ACCOUNT}:app"}},
        {"StringEquals": {"aws:PrincipalTag/team": "red"}},
        {"Null": {"aws:username": "true"}},
    ):
        deny = policy("Deny", Principal="*", resource=BUCKET, Condition=condition)
        assert not may(world, principal, bucket=deny)


def test_federating_and_tagging_require_separate_permissions(world: IamWorld) -> None:
    tags = [{"Key": "Team", "Value": "red"}]
    nobody = alice(world)
    assert refusal(nobody.get_federation_token, Name="app") == (
        "AccessDenied",
        f"User: {ALICE} is not authorized to perform: sts:GetFederationToken on resource: {APP} because no "
        "identity-based policy allows the sts:GetFederationToken action",
    )
    one = world.client("sts", **world.user("bob", policy(action="sts:GetFederationToken", resource=APP)))
    one.get_federation_token(Name="app")
    assert refusal(one.get_federation_token, Name="other")[0] == "AccessDenied"
    assert "sts:TagSession" in refusal(one.get_federation_token, Name="app", Tags=tags)[1]
    red = {"StringEquals": {"aws:RequestTag/Team": "red"}}
    both = policy(action=["sts:GetFederationToken", "sts:TagSession"], Condition=red)
    two = world.client("sts", **world.user("carol", both))
    two.get_federation_token(Name="app", Tags=tags)
    assert refusal(two.get_federation_token, Name="app")[0] == "AccessDenied"


def test_a_users_sessions_end_with_the_user_and_have_its_new_name(world: IamWorld) -> None:
    sts, iam = alice(world, policy()), world.client("iam")
    keys = [key_of(sts.get_session_token()), key_of(sts.get_federation_token(Name="app"))]
    iam.update_user(UserName="alice", NewUserName="ada")
    assert world.client("sts", **keys[0]).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ada"
    own = iam.list_access_keys(UserName="ada")["AccessKeyMetadata"][0]["AccessKeyId"]
    iam.delete_access_key(UserName="ada", AccessKeyId=own)
    iam.delete_user_policy(UserName="ada", PolicyName="only")
    iam.delete_user(UserName="ada")
    for key in keys:
        assert refusal(world.client("sts", **key).get_caller_identity)[0] == "InvalidClientTokenId"


def test_an_expired_session_is_deleted_a_day_later(world: IamWorld) -> None:
    sts, present = alice(world, policy()), world.now
    world.now = present - dt.timedelta(minutes=14)
    first = sts.get_session_token(DurationSeconds=900)
    world.now = present + dt.timedelta(minutes=2)
    assert refusal(world.client("sts", **key_of(first)).get_caller_identity)[0] == "ExpiredToken"
    world.now = present + dt.timedelta(minutes=10)
    sts.get_session_token()
    assert world.credentials.find(first["Credentials"]["AccessKeyId"]) is not None


def test_an_mfa_code_is_refused(world: IamWorld) -> None:
    device = {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/alice", "TokenCode": "123456"}
    code, message = refusal(alice(world).get_session_token, **device)
    assert code == "AccessDenied"
    assert "verify your MFA serial number is valid" in message


def test_the_account_of_a_key_can_be_looked_up(world: IamWorld) -> None:
    admin = world.client("sts")
    own = world.administrator_key()["access_key_id"]
    assert admin.get_access_key_info(AccessKeyId=own)["Account"] == ACCOUNT
    sts = alice(world, policy())
    for answer in (sts.get_session_token(), sts.get_federation_token(Name="app")):
        key = answer["Credentials"]["AccessKeyId"]
        assert admin.get_access_key_info(AccessKeyId=key)["Account"] == ACCOUNT
    assert refusal(admin.get_access_key_info, AccessKeyId="AKIANOBODYHASTHISONE")[0] == "ValidationError"
    assert refusal(world.client("sts", **world.user("bob")).get_access_key_info, AccessKeyId=own)[0] == "AccessDenied"


def test_the_secrets_of_a_user_session_are_not_logged(world: IamWorld, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="reading_room"):
        answer = alice(world, policy()).get_federation_token(Name="app", Policy=policy())
        world.client("sts", **key_of(answer)).get_caller_identity()
    for secret in (answer["Credentials"]["SecretAccessKey"], answer["Credentials"]["SessionToken"]):
        assert secret not in caplog.text
