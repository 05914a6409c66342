"""Signing in: tokens valid once and for a minute, and credentials with their creator's permissions."""

from __future__ import annotations

import json
from typing import Any

import botocore
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from reading_room.aws.throttling import UNSIGNED
from reading_room.iam.sign_in import OPEN_TOKENS
from reading_room.trail.chain import event_in, files_of
from tests.worlds.extension import ACCOUNT, OTHER_ACCOUNT, ExtensionWorld, allow, deny, keys_of, policy, refusal, trust
from tests.worlds.extension_sign_in import signed_in, token_of, unsigned

pytestmark = pytest.mark.costs(0.2, reason="the whole product is made, with a network, a bucket and a role")

BAD = "InvalidSignInTokenException"


def test_a_token_has_the_permissions_of_the_user_who_created_it(world: ExtensionWorld) -> None:
    found = world.room().create_sign_in_token()
    assert (found["ExpiresAt"] - world.now).total_seconds() == 60
    answer = unsigned(world).redeem_sign_in_token(Token=found["Token"])
    assert answer["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/boss"
    assert (answer["Credentials"]["Expiration"] - world.now).total_seconds() == 12 * 3600
    key = keys_of(answer["Credentials"])
    assert world.client("sts", key).get_caller_identity()["Arn"] == answer["Arn"]
    # Unlike the credentials of GetSessionToken, these can call IAM.
    assert world.client("iam", key).list_roles()["Roles"]
    role = world.client("iam", key).create_role(RoleName="Mine", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))[
        "Role"
    ]
    assumed = world.client("sts", key).assume_role(RoleArn=role["Arn"], RoleSessionName="me")
    assert assumed["AssumedRoleUser"]["Arn"].endswith("assumed-role/Mine/me")
    assert refusal(world.client("sts", key).get_session_token)[0] == "AccessDenied"


def test_a_sign_in_has_only_the_users_permissions(world: ExtensionWorld) -> None:
    little = world.user("little", allow("reading-room:CreateSignInToken", "s3:ListAllMyBuckets"))
    key, _ = signed_in(world, little)
    assert [each["Name"] for each in world.client("s3", key).list_buckets()["Buckets"]] == ["papers"]
    assert refusal(world.client("ec2", key).describe_vpcs)[0] == "UnauthorizedOperation"
    world.client("iam").delete_user_policy(UserName="little", PolicyName="only")
    assert refusal(world.client("s3", key).list_buckets)[0] == "AccessDenied"


def test_creating_a_token_requires_permission(world: ExtensionWorld) -> None:
    code, message = refusal(world.room(world.user("nobody")).create_sign_in_token)
    assert code == "AccessDeniedException"
    assert "reading-room:CreateSignInToken" in message


def test_unknown_used_and_expired_tokens_get_the_same_error(world: ExtensionWorld) -> None:
    client = unsigned(world)
    used, late = token_of(world), token_of(world)
    client.redeem_sign_in_token(Token=used)
    answers = {refusal(client.redeem_sign_in_token, Token=used), refusal(client.redeem_sign_in_token, Token="wrong")}
    world.later(60)
    answers.add(refusal(client.redeem_sign_in_token, Token=late))
    (answer,) = answers
    assert answer[0] == BAD
    world.later(-1)
    assert refusal(client.redeem_sign_in_token, Token=late)[0] == BAD, "what ended does not begin again"


def test_a_token_is_valid_to_the_last_second(world: ExtensionWorld) -> None:
    token = token_of(world)
    world.later(59)
    assert unsigned(world).redeem_sign_in_token(Token=token)["Arn"]


def test_open_tokens_are_limited_per_principal(world: ExtensionWorld) -> None:
    for _ in range(OPEN_TOKENS):
        token = token_of(world)
    code, message = refusal(world.room().create_sign_in_token)
    assert code == "LimitExceededException"
    assert f"arn:aws:iam::{ACCOUNT}:user/boss has {OPEN_TOKENS} open sign-in tokens" in message
    token_of(world, world.user("other", allow("*")))
    unsigned(world).redeem_sign_in_token(Token=token)
    token_of(world)
    world.later(61)
    for _ in range(OPEN_TOKENS):
        token_of(world)


def test_a_token_of_a_revoked_key_cannot_be_redeemed(world: ExtensionWorld) -> None:
    key = world.user("leaver", allow("*"))
    token, other = token_of(world, key), token_of(world, key)
    iam = world.client("iam")
    iam.update_access_key(UserName="leaver", AccessKeyId=key["access_key_id"], Status="Inactive")
    assert refusal(unsigned(world).redeem_sign_in_token, Token=token)[0] == BAD
    iam.update_access_key(UserName="leaver", AccessKeyId=key["access_key_id"], Status="Active")
    assert unsigned(world).redeem_sign_in_token(Token=other)["Arn"].endswith("user/leaver")


def test_deleting_a_user_deletes_its_sign_ins(world: ExtensionWorld) -> None:
    leaver = world.user("leaver", allow("*"))
    key, _ = signed_in(world, leaver)
    world.client("s3", key).list_buckets()
    iam = world.client("iam")
    iam.delete_user_policy(UserName="leaver", PolicyName="only")
    iam.delete_access_key(UserName="leaver", AccessKeyId=leaver["access_key_id"])
    iam.delete_user(UserName="leaver")
    assert refusal(world.client("s3", key).list_buckets)[0] == "InvalidAccessKeyId"


def test_a_sign_in_with_a_role_session_keeps_its_permissions_and_expiration(world: ExtensionWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="Guest", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    iam.put_role_policy(RoleName="Guest", PolicyName="only", PolicyDocument=policy(allow("*")))
    narrow = policy(allow("reading-room:*", "sts:*"))
    assumed = world.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Guest", RoleSessionName="ann", DurationSeconds=900, Policy=narrow
    )
    began = world.now
    world.later(300)
    key, answer = signed_in(world, keys_of(assumed["Credentials"]))
    assert answer["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Guest/ann"
    assert answer["Credentials"]["Expiration"] == assumed["Credentials"]["Expiration"]
    assert key["access_key_id"] != assumed["Credentials"]["AccessKeyId"]
    assert refusal(world.client("ec2", key).describe_vpcs)[0] == "UnauthorizedOperation", "the session policy holds"
    # A policy that revokes all sessions issued before a time revokes this one, too: it is as old as its source.
    old = {"DateLessThan": {"aws:TokenIssueTime": world.now.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    iam.put_role_policy(RoleName="Guest", PolicyName="old", PolicyDocument=policy(deny("*", Condition=old)))
    assert began < world.now
    assert refusal(world.room(key).create_sign_in_token)[0] == "AccessDeniedException"
    iam.delete_role_policy(RoleName="Guest", PolicyName="old")
    token = token_of(world, key)
    world.later(600)
    assert refusal(unsigned(world).redeem_sign_in_token, Token=token)[0] == BAD
    assert refusal(world.room(key).create_sign_in_token)[0] == "ExpiredTokenException"


def test_a_sign_in_with_temporary_credentials_gains_no_permissions(world: ExtensionWorld) -> None:
    given = world.client("sts").get_session_token(DurationSeconds=1000)["Credentials"]
    key, answer = signed_in(world, keys_of(given))
    assert answer["Credentials"]["Expiration"] == given["Expiration"]
    assert refusal(world.client("iam", key).list_roles)[0] == "InvalidClientTokenId"
    again, answer = signed_in(world, signed_in(world)[0])
    assert answer["Arn"].endswith("user/boss")
    assert world.client("iam", again).list_roles()["Roles"]
    federated = world.client("sts").get_federation_token(Name="eve", Policy=policy(allow("reading-room:*")))
    _, answer = signed_in(world, keys_of(federated["Credentials"]))
    assert answer["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/eve"


def test_a_signed_in_user_cannot_outlive_the_first_sign_in(world: ExtensionWorld) -> None:
    key, first = signed_in(world)
    world.later(800)
    _, second = signed_in(world, key)
    assert second["Credentials"]["Expiration"] == first["Credentials"]["Expiration"]


def test_guesses_are_throttled_by_source_but_signed_calls_are_not(world: ExtensionWorld) -> None:
    client = unsigned(world)

    def guesses(number: int) -> list[str]:
        return [refusal(client.redeem_sign_in_token, Token="x")[0] for _ in range(number)]

    burst, slow = int(UNSIGNED.burst), int(UNSIGNED.per_second)
    assert guesses(burst + 5) == [BAD] * burst + ["ThrottlingException"] * 5
    world.later(1)
    assert guesses(slow + 5) == [BAD] * slow + ["ThrottlingException"] * 5
    # The holder of a token shares the address of the guesser, as all processes of this machine do.
    assert client.redeem_sign_in_token(Token=token_of(world))["Credentials"]["AccessKeyId"]
    assert guesses(1) == ["ThrottlingException"]
    assert world.room().create_sign_in_token()["Token"]


@pytest.mark.parametrize(
    "operation", ["create_sign_in_token", "end_session", "describe_job_runs", "check_job", "explain_request"]
)
def test_every_other_operation_must_be_signed(world: ExtensionWorld, operation: str) -> None:
    parameters: dict[str, dict[str, Any]] = {
        "describe_job_runs": {"JobIds": ["a"]},
        "check_job": {"Operation": "StartEntitiesDetectionJob", "Request": "{}"},
        "explain_request": {"RequestId": "a"},
    }
    code, _ = refusal(getattr(unsigned(world), operation), **parameters.get(operation, {}))
    assert code == "MissingAuthenticationTokenException"


def test_an_unsupported_aws_operation_cannot_be_called_unsigned(
    world: ExtensionWorld,
) -> None:
    sts = world.process.client(
        "sts", access_key_id="x", secret_access_key="x", config=Config(signature_version=botocore.UNSIGNED)
    )
    with pytest.raises(ClientError) as raised:
        sts.assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Reader", RoleSessionName="me", WebIdentityToken="token"
        )
    assert raised.value.response["Error"]["Code"] == "MissingAuthenticationToken"


def test_a_sign_in_is_in_the_trail_of_its_account_without_secrets(world: ExtensionWorld) -> None:
    token = token_of(world)
    answer = unsigned(world).redeem_sign_in_token(Token=token)
    refusal(unsigned(world).redeem_sign_in_token, Token="guess-guess")
    trail = world.product.access.trail
    assert trail.flush()
    events = [
        event
        for book in ("management", "unidentified")
        for _, path in files_of(trail.folder, book)
        for line in path.read_bytes().splitlines()
        if (event := event_in(line)) is not None
    ]
    made = next(event for event in events if event["eventName"] == "CreateSignInToken")
    assert made["responseElements"]["token"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    well, badly = (event for event in events if event["eventName"] == "RedeemSignInToken")
    assert well["recipientAccountId"] == ACCOUNT
    assert well["responseElements"]["credentials"]["accessKeyId"] == answer["Credentials"]["AccessKeyId"]
    assert well["responseElements"]["arn"] == answer["Arn"]
    assert badly["errorCode"] == BAD
    assert "recipientAccountId" not in badly
    whole = json.dumps(events)
    for secret in (token, "guess-guess", answer["Credentials"]["SecretAccessKey"]):
        assert secret not in whole
    assert OTHER_ACCOUNT not in whole
    looked = world.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "RedeemSignInToken"}]
    )
    assert len(looked["Events"]) == 1


def test_the_token_is_in_no_file_of_the_data_folder(world: ExtensionWorld) -> None:
    token = token_of(world)
    world.product.access.trail.flush()
    for path in world.folder.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path
