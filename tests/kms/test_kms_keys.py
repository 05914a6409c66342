"""Keys through the API: made, described, listed, named, tagged, disabled and deleted."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from sqlalchemy import select

from reading_room.kms.tables import AliasRow, KeyRow, MaterialRow
from tests.worlds.iam import ACCOUNT, REGION, refusal
from tests.worlds.kms import ROOT, KmsWorld, key_policy, lets, user_arn

MISSING = "00000000-0000-4000-8000-000000000000"
MISSING_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{MISSING}"


def state(kms: Any, key: str) -> str:
    return str(kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"])


def test_a_key_is_described_as_aws_does(world: KmsWorld, kms: Any) -> None:
    made = kms.create_key(Description="for shelves")["KeyMetadata"]
    key_id = made["KeyId"]
    assert made == {
        "AWSAccountId": ACCOUNT,
        "KeyId": key_id,
        "Arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key_id}",
        "CreationDate": world.now,
        "Enabled": True,
        "Description": "for shelves",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "MultiRegion": False,
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "CurrentKeyMaterialId": made["CurrentKeyMaterialId"],
    }
    assert len(made["CurrentKeyMaterialId"]) == 64
    for name in (key_id, made["Arn"]):
        assert kms.describe_key(KeyId=name)["KeyMetadata"] == made


@pytest.mark.parametrize(
    ("spec", "usage", "member", "algorithms"),
    [
        ("HMAC_256", "GENERATE_VERIFY_MAC", "MacAlgorithms", ["HMAC_SHA_256"]),
        ("ECC_NIST_P384", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_384"]),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_256"]),
    ],
)
def test_keys_of_other_kinds_have_their_algorithms(
    kms: Any, spec: str, usage: str, member: str, algorithms: list[str]
) -> None:
    made = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
    assert (made["KeySpec"], made["KeyUsage"], made[member]) == (spec, usage, algorithms)
    assert "CurrentKeyMaterialId" not in made


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        ({"MultiRegion": True}, "UnsupportedOperationException", "Multi-Region"),
        ({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException", "SM2"),
        ({"KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException", "ML_DSA_44"),
        ({"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}, "UnsupportedOperationException", "KEY_AGREEMENT"),
        ({"Origin": "AWS_CLOUDHSM"}, "UnsupportedOperationException", "AWS_CLOUDHSM"),
        ({"CustomKeyStoreId": "cks-1"}, "UnsupportedOperationException", "CustomKeyStoreId"),
        (
            {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "Origin": "EXTERNAL"},
            "UnsupportedOperationException",
            "RSA_2048",
        ),
        ({"KeySpec": "RSA_2048"}, "ValidationException", "KeyUsage"),
        ({"KeyUsage": "SIGN_VERIFY"}, "ValidationException", "SIGN_VERIFY"),
        ({"Tags": [{"TagKey": "aws:a", "TagValue": "b"}]}, "TagException", "aws:"),
        ({"Policy": "{"}, "MalformedPolicyDocumentException", "invalid Json"),
        ({"Policy": key_policy(lets(user_arn("nobody"), "kms:*"))}, "MalformedPolicyDocumentException", "principals"),
        ({"Policy": key_policy(lets("*", "kms:Encrypt"), account=False)}, "MalformedPolicyDocumentException", "update"),
    ],
)
def test_a_key_that_cannot_be_made_is_refused_by_name_and_nothing_is_made(
    kms: Any, options: dict[str, Any], code: str, word: str
) -> None:
    found, message, status = refusal(kms.create_key, **options)
    assert (found, status) == (code, 400)
    assert word in message
    assert kms.list_keys()["Keys"] == []


def test_keys_are_listed_in_pages(kms: Any) -> None:
    made = sorted(kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(3))
    first = kms.list_keys(Limit=2)
    assert first["Truncated"]
    second = kms.list_keys(Limit=2, Marker=first["NextMarker"])
    assert not second["Truncated"]
    assert [each["KeyId"] for each in first["Keys"] + second["Keys"]] == made
    assert refusal(kms.list_keys, Marker="x")[0] == "InvalidMarkerException"
    assert refusal(kms.list_aliases, Marker=first["NextMarker"])[0] == "InvalidMarkerException"


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        (MISSING, "NotFoundException", f"Key '{MISSING_ARN}' does not exist"),
        (MISSING_ARN, "NotFoundException", f"Key '{MISSING_ARN}' does not exist"),
        ("alias/none", "NotFoundException", f"Alias arn:aws:kms:{REGION}:{ACCOUNT}:alias/none is not found."),
        (MISSING_ARN.replace(REGION, "eu-west-1"), "InvalidArnException", None),
        ("arn:aws:s3:::bucket", "InvalidArnException", None),
    ],
)
def test_a_key_that_does_not_exist_is_not_found(kms: Any, name: str, code: str, message: str | None) -> None:
    found, text, _ = refusal(kms.describe_key, KeyId=name)
    assert found == code
    assert message in (None, text)


def test_the_existence_of_a_key_is_told_only_to_callers_with_permission(world: KmsWorld) -> None:
    nobody = world.user_client("nobody", None)
    for name in (MISSING, world.key()):
        code, message, _ = refusal(nobody.describe_key, KeyId=name)
        assert code == "AccessDeniedException"
        assert message.endswith("because no identity-based policy allows the kms:DescribeKey action")


def test_a_disabled_key_is_of_no_use_until_it_is_enabled(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    kms.disable_key(KeyId=key)
    assert state(kms, key) == "Disabled"
    refused = ("DisabledException", f"{key} is disabled.", 400)
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x") == refused
    kms.enable_key(KeyId=key)
    assert state(kms, key) == "Enabled"
    kms.encrypt(KeyId=key, Plaintext=b"x")


def test_a_scheduled_key_is_of_no_use_and_is_deleted_when_its_time_has_come(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    kms.create_alias(AliasName="alias/shelf", TargetKeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    at = world.now + dt.timedelta(days=7)
    assert (answer["KeyId"], answer["KeyState"], answer["DeletionDate"]) == (key, "PendingDeletion", at)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["DeletionDate"] == at
    pending = ("KMSInvalidStateException", f"{key} is pending deletion.", 400)
    for call, parameters in (
        (kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.enable_key, {"KeyId": key}),
        (kms.disable_key, {"KeyId": key}),
        (kms.schedule_key_deletion, {"KeyId": key}),
        (kms.update_key_description, {"KeyId": key, "Description": "x"}),
        (kms.tag_resource, {"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        (kms.enable_key_rotation, {"KeyId": key}),
        (kms.create_alias, {"AliasName": "alias/other", "TargetKeyId": key}),
    ):
        assert refusal(call, **parameters) == pending
    world.upkeep.turn()
    assert state(kms, key) == "PendingDeletion"
    world.now = at
    world.upkeep.turn()
    assert refusal(kms.describe_key, KeyId=key)[0] == "NotFoundException"
    assert refusal(kms.describe_key, KeyId="alias/shelf")[0] == "NotFoundException"
    assert refusal(kms.decrypt, CiphertextBlob=blob)[0] == "AccessDeniedException"
    with world.database.reading() as session:
        assert [session.scalars(select(each)).all() for each in (KeyRow, MaterialRow, AliasRow)] == [[], [], []]


def test_a_cancelled_deletion_leaves_the_key_disabled(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    assert refusal(kms.cancel_key_deletion, KeyId=key)[0] == "KMSInvalidStateException"
    kms.schedule_key_deletion(KeyId=key)
    assert kms.cancel_key_deletion(KeyId=key)["KeyId"] == key
    assert state(kms, key) == "Disabled"
    world.now += dt.timedelta(days=31)
    world.upkeep.turn()
    kms.enable_key(KeyId=key)


@pytest.mark.parametrize("days", [1, 6, 31])
def test_a_key_waits_between_a_week_and_a_month(world: KmsWorld, kms: Any, days: int) -> None:
    key = world.key()
    assert refusal(kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=days)[0] == "ValidationException"
    assert state(kms, key) == "Enabled"


def test_material_is_stored_sealed(world: KmsWorld) -> None:
    world.key()
    with world.database.reading() as session:
        row = session.scalars(select(MaterialRow)).one()
        content = row.content
        assert content.encode() not in row.sealed_content
        assert len(row.sealed_content) > len(content)


def test_an_alias_names_a_key_wherever_a_key_is_used(world: KmsWorld, kms: Any) -> None:
    first, second = world.key(), world.key()
    kms.create_alias(AliasName="alias/team/shelf", TargetKeyId=first)
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/team/shelf"
    for name in ("alias/team/shelf", arn):
        assert kms.encrypt(KeyId=name, Plaintext=b"x")["KeyId"] == first
    world.now += dt.timedelta(minutes=1)
    kms.update_alias(AliasName="alias/team/shelf", TargetKeyId=second)
    assert kms.encrypt(KeyId=arn, Plaintext=b"x")["KeyId"] == second
    (shown,) = kms.list_aliases()["Aliases"]
    assert shown == {
        "AliasName": "alias/team/shelf",
        "AliasArn": arn,
        "TargetKeyId": second.rpartition("/")[2],
        "CreationDate": world.now - dt.timedelta(minutes=1),
        "LastUpdatedDate": world.now,
    }
    assert kms.list_aliases(KeyId=first)["Aliases"] == []
    assert kms.list_aliases(KeyId=second)["Aliases"] == [shown]
    kms.delete_alias(AliasName="alias/team/shelf")
    assert refusal(kms.encrypt, KeyId=arn, Plaintext=b"x")[0] == "NotFoundException"


def test_aliases_have_rules(world: KmsWorld, kms: Any) -> None:
    key, other = world.key(), world.key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    kms.create_alias(AliasName="alias/a", TargetKeyId=key)
    for name in ("shelf", "alias/aws/mine", "alias/"):
        assert refusal(kms.create_alias, AliasName=name, TargetKeyId=key)[0] == "InvalidAliasNameException"
    assert refusal(kms.create_alias, AliasName="alias/a", TargetKeyId=key)[0] == "AlreadyExistsException"
    assert refusal(kms.update_alias, AliasName="alias/b", TargetKeyId=key)[0] == "NotFoundException"
    assert refusal(kms.update_alias, AliasName="alias/a", TargetKeyId=other)[0] == "ValidationException"
    assert refusal(kms.delete_alias, AliasName="alias/b")[0] == "NotFoundException"
    assert refusal(kms.create_alias, AliasName="alias/c", TargetKeyId="alias/a")[0] == "InvalidArnException"


def test_tags_are_added_replaced_and_removed(world: KmsWorld, kms: Any) -> None:
    key = world.key(Tags=[{"TagKey": "team", "TagValue": "a"}])
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "team", "TagValue": "b"}, {"TagKey": "cost", "TagValue": ""}])
    shown = kms.list_resource_tags(KeyId=key)
    assert shown["Tags"] == [{"TagKey": "cost", "TagValue": ""}, {"TagKey": "team", "TagValue": "b"}]
    kms.untag_resource(KeyId=key, TagKeys=["team", "none"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "cost", "TagValue": ""}]
    many = [{"TagKey": f"k{number}", "TagValue": ""} for number in range(50)]
    assert refusal(kms.tag_resource, KeyId=key, Tags=many)[0] == "LimitExceededException"
    twice = [{"TagKey": "a", "TagValue": ""}] * 2
    assert refusal(kms.tag_resource, KeyId=key, Tags=twice)[0] == "TagException"


def test_a_new_key_has_the_default_policy(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    shown = kms.get_key_policy(KeyId=key)
    assert shown["PolicyName"] == "default"
    document = json.loads(shown["Policy"])
    assert document["Id"] == "key-default-1"
    assert document["Statement"] == [
        {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": ROOT},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]


def test_a_key_policy_is_replaced_unless_it_locks_its_author_out(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    for text, word in (
        (key_policy(lets("*", "kms:Encrypt"), account=False), "will not allow you to update the key policy"),
        (key_policy(lets(user_arn("nobody"), "kms:*")), "invalid principals"),
        ('{"Version": "2012-10-17"}', "Statement"),
    ):
        code, message, _ = refusal(kms.put_key_policy, KeyId=key, Policy=text)
        assert code == "MalformedPolicyDocumentException"
        assert word in message
    text = key_policy(lets(ROOT, "kms:Encrypt"))
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=text)
    assert kms.get_key_policy(KeyId=key)["Policy"] == text
    assert refusal(kms.put_key_policy, KeyId=key, PolicyName="other", Policy=text)[0] == "NotFoundException"
    large = key_policy(lets(ROOT, "kms:Encrypt", Sid="s" * 33_000))
    assert refusal(kms.put_key_policy, KeyId=key, Policy=large)[0] == "LimitExceededException"
    locked = key_policy(lets("*", "kms:Encrypt"), account=False)
    kms.put_key_policy(KeyId=key, Policy=locked, BypassPolicyLockoutSafetyCheck=True)
    assert refusal(kms.get_key_policy, KeyId=key)[0] == "AccessDeniedException"


def test_a_policy_for_a_deleted_user_does_not_apply_to_another_of_the_same_name(world: KmsWorld) -> None:
    key = world.key()
    ann = world.user_client("ann", None)
    world.put_policy(key, lets(user_arn("ann"), "kms:Encrypt"))
    ann.encrypt(KeyId=key, Plaintext=b"x")
    iam = world.client("iam")
    for each in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="ann", AccessKeyId=each["AccessKeyId"])
    iam.delete_user(UserName="ann")
    again = world.user_client("ann", None)
    assert refusal(again.encrypt, KeyId=key, Plaintext=b"x")[0] == "AccessDeniedException"
    assert "AIDA" in world.kms.get_key_policy(KeyId=key)["Policy"]


def test_the_managed_key_of_a_service_is_made_when_it_is_first_described(world: KmsWorld, kms: Any) -> None:
    assert kms.list_keys()["Keys"] == []
    nobody = world.user_client("nobody", None)
    assert refusal(nobody.describe_key, KeyId="alias/aws/s3")[0] == "AccessDeniedException"
    assert kms.list_keys()["Keys"] == []
    found = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert found["KeyManager"] == "AWS"
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"] == found
    assert [each["AliasName"] for each in kms.list_aliases()["Aliases"]] == ["alias/aws/s3"]
    assert kms.get_key_rotation_status(KeyId=found["KeyId"])["KeyRotationEnabled"]
    # Nobody may change it, or use it except through the service.
    for call, parameters in (
        (kms.disable_key, {}),
        (kms.put_key_policy, {"Policy": key_policy()}),
        (kms.schedule_key_deletion, {}),
        (kms.encrypt, {"Plaintext": b"x"}),
    ):
        assert refusal(call, KeyId=found["Arn"], **parameters)[0] == "AccessDeniedException"
    assert refusal(kms.describe_key, KeyId="alias/aws/none")[0] == "NotFoundException"
