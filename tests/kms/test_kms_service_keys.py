"""Keys that services use for their callers: with the caller's permissions, recorded, and stopped by a disabled key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy.orm import Session

from reading_room.aws.call import NetworkPath, Principal
from reading_room.aws.errors import AwsError
from reading_room.iam import entities
from reading_room.iam.principals import user_principal
from reading_room.iam.tables import User
from reading_room.kms.grants import Terms
from reading_room.kms.service_keys import OnBehalf
from reading_room.trail.events import events_of
from tests.worlds.iam import ACCOUNT, REGION, policy
from tests.worlds.kms import ALL_OF_KMS, KmsWorld, user_arn

CONTEXT = {"aws:s3:arn": "arn:aws:s3:::papers/a"}
VIA_S3 = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}


def _principal(session: Session, name: str) -> Principal:
    found = entities.find(session, User, ACCOUNT, name)
    assert found is not None
    return user_principal(found)


def on_behalf(world: KmsWorld, name: str, document: str | None = ALL_OF_KMS, **options: Any) -> OnBehalf:
    """Make a user with a policy, for whom S3 uses keys."""
    world.user(name, document)
    with world.database.reading() as session:
        principal = _principal(session, name)
    return OnBehalf("s3", principal, NetworkPath(source_ip="203.0.113.9"), **options)


def test_a_data_key_is_made_and_decrypted_with_the_callers_permissions(world: KmsWorld) -> None:
    key, ann = world.key(), on_behalf(world, "ann")
    made = world.service_keys.generate_data_key(ann, key, CONTEXT)
    assert (len(made.plaintext), made.key_arn) == (32, key)
    assert world.service_keys.decrypt(ann, made.ciphertext, CONTEXT) == made.plaintext
    assert repr(made.plaintext) not in repr(made)
    bob = on_behalf(world, "bob", None)
    with pytest.raises(AwsError) as denied:
        world.service_keys.decrypt(bob, made.ciphertext, CONTEXT)
    assert denied.value.code == "AccessDeniedException"
    assert user_arn("bob") in denied.value.message
    with pytest.raises(AwsError) as moved:
        world.service_keys.decrypt(ann, made.ciphertext, {"aws:s3:arn": "arn:aws:s3:::papers/b"})
    assert moved.value.code == "InvalidCiphertextException"


def test_policies_can_require_the_service(world: KmsWorld) -> None:
    key = world.key()
    only = on_behalf(world, "only", policy(action="kms:GenerateDataKey", Condition=VIA_S3))
    world.service_keys.generate_data_key(only, key, CONTEXT)
    others = on_behalf(
        world, "others", policy(action="kms:*", Condition={"StringEquals": {"aws:ViaAWSService": "false"}})
    )
    with pytest.raises(AwsError):
        world.service_keys.generate_data_key(others, key, CONTEXT)


def test_a_disabled_key_stops_the_next_use(world: KmsWorld) -> None:
    key, ann = world.key(), on_behalf(world, "ann")
    made = world.service_keys.generate_data_key(ann, key, CONTEXT)
    world.kms.disable_key(KeyId=key)
    for use in (
        lambda: world.service_keys.decrypt(ann, made.ciphertext, CONTEXT),
        lambda: world.service_keys.generate_data_key(ann, key, CONTEXT),
        lambda: world.service_keys.describe(ann, key),
    ):
        with pytest.raises(AwsError) as stopped:
            use()
        assert stopped.value.code == "DisabledException"


def test_each_use_is_in_the_trail_without_secrets(world: KmsWorld) -> None:
    key, ann = world.key(), on_behalf(world, "ann", job_id="ab" * 16)
    made = world.service_keys.generate_data_key(ann, key, CONTEXT)
    with pytest.raises(AwsError):
        world.service_keys.decrypt(ann, b"x", CONTEXT)
    (first, second) = [event for record in world.recorded for _, event in events_of(record)]
    assert (first["eventSource"], first["eventName"], first["readOnly"]) == (
        "kms.amazonaws.com",
        "GenerateDataKey",
        True,
    )
    assert first["requestParameters"] == {"keyId": key, "encryptionContext": CONTEXT, "keySpec": "AES_256"}
    assert first["responseElements"] is None
    assert first["resources"] == [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}]
    assert first["userIdentity"]["arn"] == user_arn("ann")
    assert first["userIdentity"]["invokedBy"] == "s3.amazonaws.com"
    assert (second["errorCode"], second["eventName"]) == ("InvalidCiphertextException", "Decrypt")
    assert made.plaintext.hex() not in json.dumps(first)
    assert [record.job_id for record in world.recorded] == ["ab" * 16] * 2


def test_the_managed_key_is_usable_through_its_service_only(world: KmsWorld) -> None:
    ann = on_behalf(world, "ann", policy(action="s3:*"))
    other = OnBehalf("comprehend", ann.principal, ann.path)
    for _ in ("no key yet", "the key of S3"):
        with pytest.raises(AwsError):
            world.service_keys.generate_data_key(other, "alias/aws/s3", CONTEXT)
        made = world.service_keys.generate_data_key(ann, "alias/aws/s3", CONTEXT)
        with world.database.transaction() as session:
            assert world.service_keys.managed_key(session, ACCOUNT, "s3", world.now) == made.key_arn
    by_arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/s3"
    assert world.service_keys.generate_data_key(ann, by_arn, CONTEXT).key_arn == made.key_arn


def test_a_service_makes_grants_for_its_resources_and_retires_them(world: KmsWorld) -> None:
    key = world.key()
    for_resources = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    ann = on_behalf(world, "ann", policy(action="kms:CreateGrant", Condition=for_resources))
    bob = on_behalf(world, "bob", None)
    terms = Terms(("Decrypt", "GenerateDataKey", "RetireGrant"), {"EncryptionContextSubset": CONTEXT})
    made = world.service_keys.create_grant(ann, key, terms, grantee=user_arn("bob"))
    assert made.token not in repr(made)
    data_key = world.service_keys.generate_data_key(bob, key, CONTEXT)
    assert world.service_keys.decrypt(bob, data_key.ciphertext, CONTEXT) == data_key.plaintext
    with pytest.raises(AwsError):
        world.service_keys.retire_grant(ann, key, made.grant_id)
    for _ in range(2):  # A retry after a crash finds nothing to do.
        world.service_keys.retire_grant(bob, key, made.grant_id)
    with pytest.raises(AwsError):
        world.service_keys.decrypt(bob, data_key.ciphertext, CONTEXT)
    assert [record.operation for record in world.recorded if record.error is None][-1] == "RetireGrant"


def test_a_key_that_the_same_transaction_makes_or_changes_counts(world: KmsWorld) -> None:
    with world.database.transaction() as session:
        arn = world.service_keys.managed_key(session, ACCOUNT, "s3", world.now)
        ann = OnBehalf("s3", _administrator(world), NetworkPath(source_ip="203.0.113.9"), session=session)
        made = world.service_keys.generate_data_key(ann, arn, CONTEXT)
        assert made.key_arn == arn


def _administrator(world: KmsWorld) -> Principal:
    name = str(world.client("sts").get_caller_identity()["Arn"]).rpartition("/")[2]
    with world.database.reading() as session:
        return _principal(session, name)
