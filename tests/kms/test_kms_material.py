"""The material of keys: rotation, and import."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sqlalchemy import select

from reading_room.kms.tables import MaterialRow
from tests.worlds.iam import refusal
from tests.worlds.kms import KmsWorld

CONTENT = bytes(range(32))


def test_earlier_material_goes_on_decrypting(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    blobs = []
    for _ in range(3):
        blobs.append(kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
        world.now += dt.timedelta(hours=1)
        assert kms.rotate_key_on_demand(KeyId=key)["KeyId"] == key
    found = [kms.decrypt(CiphertextBlob=blob) for blob in blobs]
    assert [each["Plaintext"] for each in found] == [b"x"] * 3
    assert len({each["KeyMaterialId"] for each in found}) == 3
    rotations = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert [each["RotationType"] for each in rotations] == ["ON_DEMAND"] * 3
    assert rotations[-1]["RotationDate"] == world.now
    assert [each["KeyMaterialState"] for each in rotations] == ["NON_CURRENT", "NON_CURRENT", "CURRENT"]
    everything = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [each["KeyMaterialId"] for each in everything[:3]] == [each["KeyMaterialId"] for each in found]
    first = kms.list_key_rotations(KeyId=key, Limit=2)
    second = kms.list_key_rotations(KeyId=key, Limit=2, Marker=first["NextMarker"])
    assert first["Rotations"] + second["Rotations"] == rotations


def test_a_key_is_rotated_when_its_period_is_over(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    assert status["NextRotationDate"] == world.now + dt.timedelta(days=90)
    world.upkeep.turn()
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []
    kms.disable_key(KeyId=key)
    world.now += dt.timedelta(days=91)
    world.upkeep.turn()
    kms.enable_key(KeyId=key)
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []
    for _ in range(2):
        world.upkeep.turn()
        (rotation,) = kms.list_key_rotations(KeyId=key)["Rotations"]
        assert (rotation["RotationType"], rotation["RotationDate"]) == ("AUTOMATIC", world.now)
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == world.now + dt.timedelta(days=90)
    kms.disable_key_rotation(KeyId=key)
    world.now += dt.timedelta(days=91)
    world.upkeep.turn()
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 1


def test_only_symmetric_keys_of_ours_are_rotated(world: KmsWorld, kms: Any) -> None:
    for options in ({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}, {"Origin": "EXTERNAL"}):
        key = world.key(**options)
        for call in (kms.enable_key_rotation, kms.rotate_key_on_demand, kms.get_key_rotation_status):
            assert refusal(call, KeyId=key)[0] == "UnsupportedOperationException"
    key = world.key()
    kms.disable_key(KeyId=key)
    assert refusal(kms.rotate_key_on_demand, KeyId=key)[0] == "DisabledException"


@pytest.mark.costs(0.3, reason="25 rotations")
def test_rotations_on_demand_are_limited(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    for _ in range(25):
        kms.rotate_key_on_demand(KeyId=key)
    assert refusal(kms.rotate_key_on_demand, KeyId=key)[0] == "LimitExceededException"


# Import


def wrapped(parameters: dict[str, Any], algorithm: str, content: bytes = CONTENT) -> bytes:
    """Return material as a client wraps it."""
    public: Any = load_der_public_key(parameters["PublicKey"])
    chosen = SHA1() if algorithm.endswith("_1") else SHA256()
    oaep = padding.OAEP(padding.MGF1(chosen), chosen, None)
    if algorithm.startswith("RSAES"):
        return bytes(public.encrypt(content, oaep))
    inner = secrets.token_bytes(32)
    return bytes(public.encrypt(inner, oaep)) + aes_key_wrap_with_padding(inner, content)


def begin(kms: Any, key: str, algorithm: str = "RSAES_OAEP_SHA_256") -> dict[str, Any]:
    return dict(kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"))


def bring(kms: Any, key: str, algorithm: str = "RSAES_OAEP_SHA_256", content: bytes = CONTENT, **options: Any) -> Any:
    """Import material from parameters to key."""
    parameters = begin(kms, key, algorithm)
    given = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", **options}
    return kms.import_key_material(
        KeyId=key,
        ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=wrapped(parameters, algorithm, content),
        **given,
    )


RSA = pytest.mark.costs(1.5, reason="RSA keys are made")


@RSA
@pytest.mark.parametrize(
    "algorithm",
    ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"],
)
def test_material_is_imported(world: KmsWorld, kms: Any, algorithm: str) -> None:
    key = world.key(Origin="EXTERNAL")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
    refused = refusal(kms.encrypt, KeyId=key, Plaintext=b"x")
    assert refused == ("KMSInvalidStateException", f"{key} is pending import.", 400)
    material_id = bring(kms, key, algorithm)["KeyMaterialId"]
    shown = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (shown["KeyState"], shown["Origin"], shown["CurrentKeyMaterialId"]) == ("Enabled", "EXTERNAL", material_id)
    assert shown["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    found = world.access.of_id(key[-36:])
    assert found is not None
    assert found.materials[material_id].content == CONTENT


@RSA
def test_deleted_material_can_be_imported_again_and_no_other(world: KmsWorld, kms: Any) -> None:
    key = world.key(Origin="EXTERNAL")
    material_id = bring(kms, key)["KeyMaterialId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert kms.delete_imported_key_material(KeyId=key)["KeyMaterialId"] == material_id
    with world.database.reading() as session:
        assert session.scalars(select(MaterialRow)).all() == []
    assert refusal(kms.decrypt, CiphertextBlob=blob)[0] == "KMSInvalidStateException"
    with pytest.raises(kms.exceptions.IncorrectKeyMaterialException):
        bring(kms, key, content=bytes(32))
    assert bring(kms, key)["KeyMaterialId"] == material_id
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@RSA
def test_material_expires_to_the_second(world: KmsWorld, kms: Any) -> None:
    key = world.key(Origin="EXTERNAL")
    until = world.now + dt.timedelta(days=1)
    bring(kms, key, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=until)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["ValidTo"] == until
    kms.encrypt(KeyId=key, Plaintext=b"x")
    world.now = until
    for _ in range(2):  # Before the loop has deleted it, and afterwards.
        assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x")[0] == "KMSInvalidStateException"
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
        world.upkeep.turn()
    with world.database.reading() as session:
        assert session.scalars(select(MaterialRow)).all() == []


@RSA
def test_what_does_not_fit_is_not_imported(world: KmsWorld, kms: Any) -> None:
    key, other = world.key(Origin="EXTERNAL"), world.key(Origin="EXTERNAL")
    parameters = begin(kms, key)
    good = wrapped(parameters, "RSAES_OAEP_SHA_256")
    given: dict[str, Any] = {
        "KeyId": key,
        "ImportToken": parameters["ImportToken"],
        "EncryptedKeyMaterial": good,
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
    token = parameters["ImportToken"]
    for change, code in (
        ({"KeyId": other}, "InvalidImportTokenException"),
        ({"ImportToken": token[:-1] + bytes([token[-1] ^ 1])}, "InvalidImportTokenException"),
        ({"ImportToken": b"x"}, "InvalidImportTokenException"),
        ({"EncryptedKeyMaterial": good[:-1] + bytes([good[-1] ^ 1])}, "InvalidCiphertextException"),
        ({"EncryptedKeyMaterial": b"x"}, "InvalidCiphertextException"),
        (
            {"EncryptedKeyMaterial": wrapped(parameters, "RSAES_OAEP_SHA_256", b"short")},
            "IncorrectKeyMaterialException",
        ),
        ({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}, "ValidationException"),
        ({"ValidTo": world.now + dt.timedelta(days=1)}, "ValidationException"),
        ({"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": world.now}, "ValidationException"),
        ({"KeyId": world.key()}, "UnsupportedOperationException"),
    ):
        assert refusal(kms.import_key_material, **{**given, **change})[0] == code
    world.now += dt.timedelta(hours=24)
    assert refusal(kms.import_key_material, **given)[0] == "ExpiredImportTokenException"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
    old = {"KeyId": key, "WrappingAlgorithm": "RSAES_PKCS1_V1_5", "WrappingKeySpec": "RSA_2048"}
    assert refusal(kms.get_parameters_for_import, **old)[0] == "UnsupportedOperationException"


@RSA
def test_an_hmac_key_is_imported(world: KmsWorld, kms: Any) -> None:
    key = world.key(Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    bring(kms, key)
    kms.generate_mac(KeyId=key, Message=b"x", MacAlgorithm="HMAC_SHA_256")
