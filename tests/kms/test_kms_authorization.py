"""Who may use a key: its policy, identity policies, conditions, and other accounts."""

from __future__ import annotations

from typing import Any

import pytest

from reading_room.iam.policy.document import parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Request, decide
from reading_room.iam.principals import root_principal
from tests.worlds.iam import ACCOUNT, REGION, policy, refusal
from tests.worlds.kms import OTHER_ACCOUNT, KmsWorld, key_policy, lets, user_arn

DENIED = "AccessDeniedException"


def may_encrypt(client: Any, key: str, **options: Any) -> bool:
    """Say whether a client may encrypt; every other refusal fails the test."""
    code = refusal(client.encrypt, KeyId=key, Plaintext=b"x", DryRun=True, **options)[0]
    assert code in (DENIED, "DryRunOperationException")
    return code != DENIED


def test_identity_policies_count_only_if_the_key_policy_enables_the_account(world: KmsWorld) -> None:
    ann = world.user_client("ann")
    world.user("bob")
    enabled, closed = world.key(), world.key()
    world.kms.put_key_policy(
        KeyId=closed,
        Policy=key_policy(lets(user_arn("bob"), "kms:*"), account=False),
        BypassPolicyLockoutSafetyCheck=True,
    )
    assert may_encrypt(ann, enabled)
    code, message, _ = refusal(ann.encrypt, KeyId=closed, Plaintext=b"x")
    assert (code, message) == (
        DENIED,
        f"User: {user_arn('ann')} is not authorized to perform: kms:Encrypt on resource: {closed} "
        "because no resource-based policy allows the kms:Encrypt action",
    )


def test_a_key_policy_that_names_a_user_suffices(world: KmsWorld) -> None:
    key, ann = world.key(), world.user_client("ann", None)
    assert not may_encrypt(ann, key)
    world.put_policy(key, lets(user_arn("ann"), "kms:Encrypt"))
    assert may_encrypt(ann, key)
    assert refusal(ann.generate_data_key, KeyId=key, KeySpec="AES_256")[0] == DENIED


@pytest.mark.parametrize("where", ["key policy", "identity policy"])
def test_a_deny_wins_wherever_it_is(world: KmsWorld, where: str) -> None:
    key = world.key()
    if where == "identity policy":
        ann = world.user_client("ann", policy("Deny", "kms:Encrypt"))
        world.put_policy(key, lets(user_arn("ann"), "kms:*"))
    else:
        ann = world.user_client("ann")
        world.put_policy(key, lets(user_arn("ann"), "kms:Encrypt", "Deny"))
    world.kms.create_grant(KeyId=key, GranteePrincipal=user_arn("ann"), Operations=["Encrypt"])
    assert not may_encrypt(ann, key)


def test_a_resource_in_an_identity_policy_is_the_arn_of_the_key(world: KmsWorld) -> None:
    one, other = world.key(), world.key()
    world.kms.create_alias(AliasName="alias/one", TargetKeyId=one)
    ann = world.user_client("ann", policy(action="kms:Encrypt", resource=one))
    assert may_encrypt(ann, one)
    assert may_encrypt(ann, "alias/one")
    assert not may_encrypt(ann, other)


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringEquals": {"kms:EncryptionContext:shelf": "a"}}, {"shelf": "a"}, True),
        ({"StringEquals": {"kms:EncryptionContext:shelf": "a"}}, {"shelf": "a", "more": "b"}, True),
        ({"StringEquals": {"kms:EncryptionContext:shelf": "a"}}, {"shelf": "b"}, False),
        ({"StringEquals": {"kms:EncryptionContext:shelf": "a"}}, {}, False),
        ({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["shelf"]}}, {"shelf": "x"}, True),
        ({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["shelf"]}}, {"shelf": "x", "y": "z"}, False),
        ({"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["shelf"]}}, {"shelf": "x", "y": "z"}, True),
        ({"Null": {"kms:EncryptionContextKeys": "true"}}, {}, True),
        ({"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT", "kms:KeyUsage": "ENCRYPT_DECRYPT"}}, {}, True),
        ({"StringEquals": {"kms:KeySpec": "RSA_2048"}}, {}, False),
        ({"StringEquals": {"kms:CallerAccount": ACCOUNT}}, {}, True),
        ({"StringEquals": {"kms:CallerAccount": OTHER_ACCOUNT}}, {}, False),
        ({"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}, {}, False),
        ({"StringEquals": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}}, {}, True),
        ({"StringEquals": {"kms:KeyOrigin": "AWS_KMS"}, "Bool": {"kms:MultiRegion": "false"}}, {}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "a"}}, {}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "b"}}, {}, False),
        ({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/shelf"}}, {}, True),
        ({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/other"}}, {}, False),
        ({"StringEquals": {"aws:ResourceAccount": ACCOUNT}}, {}, True),
    ],
)
def test_conditions_of_policies_see_the_request_and_the_key(
    world: KmsWorld, condition: dict[str, Any], context: dict[str, str], allowed: bool
) -> None:
    key = world.key(Tags=[{"TagKey": "team", "TagValue": "a"}])
    world.kms.create_alias(AliasName="alias/shelf", TargetKeyId=key)
    ann = world.user_client("ann", policy(action="kms:Encrypt", Condition=condition))
    assert may_encrypt(ann, key, EncryptionContext=context) is allowed


def test_a_request_by_an_alias_can_be_required(world: KmsWorld) -> None:
    key = world.key()
    world.kms.create_alias(AliasName="alias/shelf", TargetKeyId=key)
    by_alias = {"StringEquals": {"kms:RequestAlias": "alias/shelf"}}
    ann = world.user_client("ann", policy(action="kms:Encrypt", Condition=by_alias))
    assert may_encrypt(ann, "alias/shelf")
    assert not may_encrypt(ann, key)


def test_an_encryption_context_cannot_stand_for_a_global_key(world: KmsWorld) -> None:
    wanted = {"StringEquals": {"aws:PrincipalAccount": OTHER_ACCOUNT}}
    ann = world.user_client("ann", policy(action="kms:Encrypt", Condition=wanted))
    assert not may_encrypt(ann, world.key(), EncryptionContext={"aws:PrincipalAccount": OTHER_ACCOUNT})


def test_another_account_needs_the_key_policy_and_its_own(world: KmsWorld) -> None:
    key, closed = world.key(), world.key()
    foreign = world.account(OTHER_ACCOUNT)
    client = foreign("kms")
    world.put_policy(key, lets(f"arn:aws:iam::{OTHER_ACCOUNT}:root", ["kms:Encrypt", "kms:Decrypt"]))
    blob = client.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert client.decrypt(CiphertextBlob=blob)["KeyId"] == key
    assert world.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    # Ids and aliases are those of the caller's account.
    assert refusal(client.encrypt, KeyId=key[-36:], Plaintext=b"x")[0] == "NotFoundException"
    missing = closed[:-36] + "00000000-0000-4000-8000-000000000000"
    messages = []
    for arn in (closed, missing):
        code, message, _ = refusal(client.encrypt, KeyId=arn, Plaintext=b"x")
        assert code == DENIED
        messages.append(message.replace(arn, "ARN"))
    assert messages[0] == messages[1]
    assert messages[0].endswith(
        "because the resource does not exist in this Region, no resource-based policies allow access, or a "
        "resource-based policy explicitly denies access"
    )
    iam = foreign("iam")
    iam.create_user(UserName="zoe")
    made = iam.create_access_key(UserName="zoe")["AccessKey"]
    zoe = world.client("kms", access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])
    code, message, _ = refusal(zoe.encrypt, KeyId=key, Plaintext=b"x")
    assert message.endswith("because no identity-based policy allows the kms:Encrypt action")
    iam.put_user_policy(UserName="zoe", PolicyName="only", PolicyDocument=policy(action="kms:Encrypt", resource=key))
    assert may_encrypt(zoe, key)


def test_re_encryption_needs_permission_for_both_keys(world: KmsWorld) -> None:
    one, other = world.key(), world.key()
    blob = world.kms.encrypt(KeyId=one, Plaintext=b"x")["CiphertextBlob"]
    call = {"CiphertextBlob": blob, "DestinationKeyId": other}
    for number, (document, word) in enumerate(
        (
            (policy(action="kms:ReEncryptFrom"), "kms:ReEncryptTo"),
            (policy(action="kms:ReEncryptTo"), "kms:ReEncryptFrom"),
            (policy(action="kms:ReEncrypt*", Condition={"Bool": {"kms:ReEncryptOnSameKey": "true"}}), "kms:ReEncrypt"),
        )
    ):
        client = world.user_client(f"user{number}", document)
        code, message, _ = refusal(client.re_encrypt, **call)
        assert code == DENIED
        assert word in message
    world.user_client("both", policy(action="kms:ReEncrypt*")).re_encrypt(**call)


def test_changing_an_alias_needs_permission_for_alias_and_keys(world: KmsWorld) -> None:
    one, other = world.key(), world.key()
    alias = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/a"
    only_key = world.user_client("only-key", policy(action="kms:*Alias", resource=[one, other]))
    only_alias = world.user_client("only-alias", policy(action="kms:*Alias", resource=alias))
    half = world.user_client("half", policy(action="kms:*Alias", resource=[alias, other]))
    for client in (only_key, only_alias, half):
        assert refusal(client.create_alias, AliasName="alias/a", TargetKeyId=one)[0] == DENIED
    world.kms.create_alias(AliasName="alias/a", TargetKeyId=one)
    for client in (only_key, only_alias, half):
        assert refusal(client.update_alias, AliasName="alias/a", TargetKeyId=other)[0] == DENIED
        assert refusal(client.delete_alias, AliasName="alias/a")[0] == DENIED
    both = world.user_client("both", policy(action="kms:*Alias", resource=[alias, one, other]))
    both.update_alias(AliasName="alias/a", TargetKeyId=other)
    both.delete_alias(AliasName="alias/a")


def test_a_key_with_tags_needs_permission_to_tag(world: KmsWorld) -> None:
    tagged = {"Tags": [{"TagKey": "team", "TagValue": "a"}]}
    maker = world.user_client("maker", policy(action="kms:CreateKey"))
    assert "kms:TagResource" in refusal(maker.create_key, **tagged)[1]
    # An ordinary key would lock its maker out of changing the policy.
    assert refusal(maker.create_key)[0] == "MalformedPolicyDocumentException"
    condition = {"StringEquals": {"aws:RequestTag/team": "a", "kms:KeySpec": "SYMMETRIC_DEFAULT"}}
    document = policy(action=["kms:CreateKey", "kms:TagResource"], Condition=condition)
    able = world.user_client("able", document)
    able.create_key(BypassPolicyLockoutSafetyCheck=True, **tagged)
    other = {"Tags": [{"TagKey": "team", "TagValue": "b"}]}
    assert refusal(able.create_key, BypassPolicyLockoutSafetyCheck=True, **other)[0] == DENIED


def test_the_root_user_needs_the_key_policy_like_anybody() -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
    request = Request(root_principal(ACCOUNT), "kms:Encrypt", (key,), ACCOUNT)
    for text, allowed in ((key_policy(), True), (key_policy(lets(user_arn("bob"), "kms:*"), account=False), False)):
        assert decide(request, [AttachedPolicy("key", parse(text, "bucket"), "of the key")]).allowed is allowed
