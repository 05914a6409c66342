"""Grants: what they permit, to whom, under which constraints, and until when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.kms.grants import Terms
from tests.worlds.iam import ACCOUNT, policy, refusal, trust
from tests.worlds.kms import OTHER_ACCOUNT, ROOT, KmsWorld, lets, user_arn

DENIED = "AccessDeniedException"
CONTEXT = {"shelf": "a", "row": "1"}


def grant(world: KmsWorld, key: str, name: str = "ann", *operations: str, **options: Any) -> dict[str, Any]:
    """Grant operations (by default Encrypt and Decrypt) to a user, as the administrator."""
    wanted = list(operations or ("Encrypt", "Decrypt"))
    return dict(world.kms.create_grant(KeyId=key, GranteePrincipal=user_arn(name), Operations=wanted, **options))


def test_a_grant_permits_its_operations_until_it_is_revoked(world: KmsWorld) -> None:
    key, ann = world.key(), world.user_client("ann", None)
    assert refusal(ann.encrypt, KeyId=key, Plaintext=b"x")[0] == DENIED
    made = grant(world, key, "ann", "Encrypt")
    assert len(made["GrantId"]) == 64
    ann.encrypt(KeyId=key, Plaintext=b"x")
    ann.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])
    assert refusal(ann.generate_data_key, KeyId=key, KeySpec="AES_256")[0] == DENIED
    assert refusal(ann.encrypt, KeyId=key, Plaintext=b"x", GrantTokens=["x"])[0] == "InvalidGrantTokenException"
    world.kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    assert refusal(ann.encrypt, KeyId=key, Plaintext=b"x")[0] == DENIED


def test_a_grant_is_listed_as_it_was_made(world: KmsWorld) -> None:
    key, other = world.key(), world.key()
    world.user("ann")
    made = grant(
        world,
        key,
        Name="for-ann",
        RetiringPrincipal=ROOT,
        Constraints={"EncryptionContextSubset": CONTEXT},
    )
    (shown,) = world.kms.list_grants(KeyId=key)["Grants"]
    assert shown == {
        "KeyId": key,
        "GrantId": made["GrantId"],
        "Name": "for-ann",
        "CreationDate": world.now,
        "GranteePrincipal": user_arn("ann"),
        "RetiringPrincipal": ROOT,
        "IssuingAccount": ROOT,
        "Operations": ["Decrypt", "Encrypt"],
        "Constraints": {"EncryptionContextSubset": CONTEXT},
    }
    assert world.kms.list_grants(KeyId=key, GranteePrincipal=user_arn("ann"))["Grants"] == [shown]
    assert world.kms.list_grants(KeyId=key, GranteePrincipal=ROOT)["Grants"] == []
    assert world.kms.list_retirable_grants(RetiringPrincipal=ROOT)["Grants"] == [shown]
    assert world.kms.list_grants(KeyId=other)["Grants"] == []
    assert refusal(world.kms.list_grants, KeyId=other, GrantId=made["GrantId"])[0] == "NotFoundException"
    assert refusal(world.kms.list_grants, KeyId=key, GrantId="x")[0] == "InvalidGrantIdException"


def test_a_name_makes_the_same_grant_once(world: KmsWorld) -> None:
    key = world.key()
    world.user("ann")
    first, again = (grant(world, key, Name="once") for _ in range(2))
    assert first["GrantId"] == again["GrantId"]
    assert grant(world, key, "ann", "Encrypt", Name="once")["GrantId"] != first["GrantId"]
    assert grant(world, key)["GrantId"] != grant(world, key)["GrantId"]


@pytest.mark.parametrize(
    ("kind", "context", "permitted"),
    [
        ("EncryptionContextEquals", CONTEXT, True),
        ("EncryptionContextEquals", {**CONTEXT, "more": ""}, False),
        ("EncryptionContextEquals", {"shelf": "a"}, False),
        ("EncryptionContextSubset", CONTEXT, True),
        ("EncryptionContextSubset", {**CONTEXT, "more": ""}, True),
        ("EncryptionContextSubset", {"shelf": "a"}, False),
        ("EncryptionContextSubset", {"Shelf": "a", "row": "1"}, False),
        ("EncryptionContextSubset", {}, False),
    ],
)
def test_a_constraint_is_about_the_encryption_context(
    world: KmsWorld, kind: str, context: dict[str, str], permitted: bool
) -> None:
    key, ann = world.key(), world.user_client("ann", None)
    grant(world, key, "ann", "Encrypt", "DescribeKey", Constraints={kind: CONTEXT})
    ann.describe_key(KeyId=key)
    if permitted:
        ann.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)
    else:
        assert refusal(ann.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext=context)[0] == DENIED


def test_a_grant_reaches_into_another_account(world: KmsWorld) -> None:
    key, foreign = world.key(), world.account(OTHER_ACCOUNT)
    iam = foreign("iam")
    iam.create_user(UserName="zoe")
    made = iam.create_access_key(UserName="zoe")["AccessKey"]
    zoe = world.client("kms", access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])
    assert refusal(zoe.encrypt, KeyId=key, Plaintext=b"x")[0] == DENIED
    grantee = user_arn("zoe", OTHER_ACCOUNT)
    world.kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Encrypt"])
    zoe.encrypt(KeyId=key, Plaintext=b"x")
    # The confused deputy: a grant on one key is of no use with another.
    assert refusal(zoe.encrypt, KeyId=world.key(), Plaintext=b"x")[0] == DENIED


def test_a_grant_to_a_role_is_limited_by_the_session(world: KmsWorld) -> None:
    key, iam = world.key(), world.client("iam")
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=trust({"AWS": ROOT}))
    role = f"arn:aws:iam::{ACCOUNT}:role/Reader"
    world.kms.create_grant(KeyId=key, GranteePrincipal=role, Operations=["Encrypt"])

    def session(**options: Any) -> Any:
        found = world.client("sts").assume_role(RoleArn=role, RoleSessionName="session", **options)["Credentials"]
        return world.client(
            "kms",
            access_key_id=found["AccessKeyId"],
            secret_access_key=found["SecretAccessKey"],
            session_token=found["SessionToken"],
        )

    session().encrypt(KeyId=key, Plaintext=b"x")
    limited = session(Policy=policy(action="s3:*"))
    assert refusal(limited.encrypt, KeyId=key, Plaintext=b"x")[0] == DENIED


def test_a_grantee_grants_no_more_than_it_has(world: KmsWorld) -> None:
    key = world.key()
    ann, bob = (world.user_client(name, None) for name in ("ann", "bob"))
    grant(
        world, key, "ann", "CreateGrant", "Encrypt", "Decrypt", Constraints={"EncryptionContextSubset": {"shelf": "a"}}
    )
    wanted = {"KeyId": key, "GranteePrincipal": user_arn("bob")}
    strict = {"EncryptionContextEquals": CONTEXT}
    for operations, constraints in (
        (["Encrypt"], {}),
        (["Encrypt"], {"EncryptionContextSubset": {"shelf": "b"}}),
        (["Encrypt"], {"EncryptionContextEquals": {"row": "1"}}),
        (["Encrypt", "GenerateDataKey"], strict),
    ):
        refused = refusal(ann.create_grant, Operations=operations, Constraints=constraints, **wanted)
        assert refused[0] == DENIED
    ann.create_grant(Operations=["Encrypt"], Constraints=strict, **wanted)
    bob.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT)


def test_a_grant_is_retired_by_those_whom_it_names(world: KmsWorld) -> None:
    key = world.key()
    ann, bob, eve = (world.user_client(name, None) for name in ("ann", "bob", "eve"))
    made = grant(world, key, RetiringPrincipal=user_arn("bob"))
    by_id = {"KeyId": key, "GrantId": made["GrantId"]}
    for client in (ann, eve):  # The grantee needs the operation RetireGrant.
        assert refusal(client.retire_grant, GrantToken=made["GrantToken"])[0] == DENIED
        assert refusal(client.retire_grant, **by_id)[0] == DENIED
    bob.retire_grant(GrantToken=made["GrantToken"])
    assert refusal(ann.encrypt, KeyId=key, Plaintext=b"x")[0] == DENIED
    assert refusal(bob.retire_grant, GrantToken=made["GrantToken"])[0] == "InvalidGrantTokenException"
    assert refusal(eve.retire_grant, **by_id)[0] == DENIED
    assert refusal(world.kms.retire_grant, **by_id)[0] == "NotFoundException"
    made = grant(world, key, "ann", "Encrypt", "RetireGrant")
    ann.retire_grant(KeyId=key, GrantId=made["GrantId"])
    made = grant(world, key)
    world.kms.retire_grant(GrantToken=made["GrantToken"])
    assert world.kms.list_grants(KeyId=key)["Grants"] == []
    assert refusal(ann.retire_grant)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"GranteePrincipal": user_arn("nobody")}, "InvalidArnException"),
        ({"GranteePrincipal": "ann"}, "InvalidArnException"),
        ({"GranteePrincipal": "*"}, "ValidationException"),
        ({"RetiringPrincipal": user_arn("nobody")}, "InvalidArnException"),
        ({"Operations": ["Sign"]}, "ValidationException"),
        ({"Constraints": {"EncryptionContextSubset": {str(n): "" for n in range(9)}}}, "ValidationException"),
        ({"Constraints": {"EncryptionContextSubset": {"a": "x" * 384}}}, "ValidationException"),
        ({"GranteeServicePrincipal": "s3.amazonaws.com"}, "UnsupportedOperationException"),
    ],
)
def test_an_invalid_grant_is_refused(world: KmsWorld, options: dict[str, Any], code: str) -> None:
    key = world.key()
    world.user("ann")
    wanted = {"KeyId": key, "GranteePrincipal": user_arn("ann"), "Operations": ["Encrypt"], **options}
    assert refusal(world.kms.create_grant, **wanted)[0] == code
    assert refusal(world.kms.create_grant, DryRun=True, **wanted)[0] == code
    assert world.kms.list_grants(KeyId=key)["Grants"] == []


def test_a_dry_run_makes_and_deletes_no_grant(world: KmsWorld) -> None:
    key = world.key()
    world.user("ann")
    wanted = {"KeyId": key, "GranteePrincipal": user_arn("ann"), "Operations": ["Encrypt"], "DryRun": True}
    assert refusal(world.kms.create_grant, **wanted)[0] == "DryRunOperationException"
    assert world.kms.list_grants(KeyId=key)["Grants"] == []
    made = grant(world, key)
    by_id = {"KeyId": key, "GrantId": made["GrantId"], "DryRun": True}
    for call in (world.kms.revoke_grant, world.kms.retire_grant):
        assert refusal(call, **by_id)[0] == "DryRunOperationException"
    assert len(world.kms.list_grants(KeyId=key)["Grants"]) == 1


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "Decrypt"]}}, True),
        ({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt"]}}, False),
        ({"StringEquals": {"kms:GranteePrincipal": user_arn("ann")}}, True),
        ({"StringEquals": {"kms:GranteePrincipal": user_arn("bob")}}, False),
        ({"StringEquals": {"kms:RetiringPrincipal": ROOT}}, True),
        ({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"}}, True),
        ({"Bool": {"kms:GrantIsForAWSResource": "true"}}, False),
        ({"Bool": {"kms:GrantIsForAWSResource": "false"}}, True),
    ],
)
def test_conditions_see_the_grant_that_is_made(world: KmsWorld, condition: dict[str, Any], allowed: bool) -> None:
    key, maker = world.key(), world.user_client("maker", policy(action="kms:CreateGrant", Condition=condition))
    world.user("ann")
    wanted = {
        "KeyId": key,
        "GranteePrincipal": user_arn("ann"),
        "RetiringPrincipal": ROOT,
        "Operations": ["Encrypt"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}},
    }
    if allowed:
        maker.create_grant(**wanted)
    else:
        assert refusal(maker.create_grant, **wanted)[0] == DENIED


def test_a_disabled_key_is_of_no_use_to_a_grantee(world: KmsWorld) -> None:
    key, ann = world.key(), world.user_client("ann", None)
    grant(world, key)
    world.kms.disable_key(KeyId=key)
    assert refusal(ann.encrypt, KeyId=key, Plaintext=b"x")[0] == "DisabledException"
    assert refusal(grant, world=world, key=key)[0] == "DisabledException"


def test_a_grant_of_a_statement_that_denies_changes_nothing(world: KmsWorld) -> None:
    key, ann = world.key(), world.user_client("ann", None)
    grant(world, key)
    world.put_policy(key, lets(user_arn("ann"), "kms:Encrypt", "Deny"))
    assert refusal(ann.encrypt, KeyId=key, Plaintext=b"x")[0] == DENIED


CONTEXTS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3)
TERMS = st.builds(
    Terms,
    st.sets(st.sampled_from(["Encrypt", "Decrypt"])).map(lambda found: tuple(sorted(found))),
    st.one_of(
        st.just({}),
        st.builds(
            lambda kind, context: {kind: context},
            st.sampled_from(["EncryptionContextEquals", "EncryptionContextSubset"]),
            CONTEXTS,
        ),
    ),
)


@given(TERMS, TERMS, st.sampled_from(["Encrypt", "Decrypt"]), CONTEXTS)
def test_terms_that_include_others_permit_whatever_these_permit(
    wide: Terms, narrow: Terms, operation: str, context: dict[str, str]
) -> None:
    if wide.include(narrow) and narrow.permit(operation, context):
        assert wide.permit(operation, context)
