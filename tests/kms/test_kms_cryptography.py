"""Cryptography through the API."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from tests.worlds.iam import ACCOUNT, REGION, refusal
from tests.worlds.kms import KmsWorld

CONTEXT = {"shelf": "poetry", "Größe": "klein"}
INVALID = ("InvalidCiphertextException", "", 400)


def test_what_was_encrypted_can_be_decrypted_with_the_same_context_only(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    made = kms.encrypt(KeyId=key, Plaintext=b"a sonnet", EncryptionContext=CONTEXT)
    assert (made["KeyId"], made["EncryptionAlgorithm"]) == (key, "SYMMETRIC_DEFAULT")
    blob = made["CiphertextBlob"]
    assert b"a sonnet" not in blob
    found = kms.decrypt(CiphertextBlob=blob, EncryptionContext=dict(reversed(CONTEXT.items())))
    assert (found["Plaintext"], found["KeyId"]) == (b"a sonnet", key)
    assert found["KeyMaterialId"] == kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    for context in ({}, {"shelf": "poetry"}, {**CONTEXT, "more": ""}, {**CONTEXT, "shelf": "Poetry"}):
        assert refusal(kms.decrypt, CiphertextBlob=blob, EncryptionContext=context) == INVALID


def test_a_changed_cut_or_swapped_ciphertext_is_refused(world: KmsWorld, kms: Any) -> None:
    first, second = world.key(), world.key()
    one, two = (kms.encrypt(KeyId=key, Plaintext=b"x" * 20)["CiphertextBlob"] for key in (first, second))
    head = 1 + 16
    for blob in (one[:-1], one + b"x", one[:40], b"\x02" + one[1:], one[:-1] + bytes([one[-1] ^ 1]), b"x"):
        assert refusal(kms.decrypt, CiphertextBlob=blob) == INVALID
    # Another key's id before the rest: its material does not fit.
    assert refusal(kms.decrypt, CiphertextBlob=two[:head] + one[head:]) == INVALID
    assert refusal(kms.decrypt, CiphertextBlob=one[:-36] + two[-36:]) == INVALID


def test_a_ciphertext_must_be_of_the_key_that_is_named(world: KmsWorld, kms: Any) -> None:
    first, second = world.key(), world.key()
    blob = kms.encrypt(KeyId=first, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(KeyId=first, CiphertextBlob=blob)["Plaintext"] == b"x"
    assert refusal(kms.decrypt, KeyId=second, CiphertextBlob=blob)[0] == "IncorrectKeyException"


def test_sizes_are_limited_as_at_aws(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x" * 4096)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x" * 4096
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x" * 4097)[0] == "ValidationException"
    large = {"name": "x" * 8190}
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext=large)[0] == "ValidationException"
    assert refusal(kms.decrypt)[:2] == (
        "ValidationException",
        "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: "
        "Member must not be null",
    )


def test_data_keys_come_with_and_without_plaintext(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    for options, size in (({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 64}, 64)):
        made = kms.generate_data_key(KeyId=key, EncryptionContext=CONTEXT, **options)
        assert (len(made["Plaintext"]), made["KeyId"]) == (size, key)
        found = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
        assert found["Plaintext"] == made["Plaintext"]
    made = kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")
    assert "Plaintext" not in made
    assert len(kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]) == 32
    both: dict[str, Any] = {"KeySpec": "AES_256", "NumberOfBytes": 32}
    for given in ({}, both):
        code, message, _ = refusal(kms.generate_data_key, KeyId=key, **given)
        assert (code, message) == ("ValidationException", "Please specify either number of bytes or key spec.")


def test_a_ciphertext_is_encrypted_again_under_another_key(world: KmsWorld, kms: Any) -> None:
    first, second = world.key(), world.key()
    blob = kms.encrypt(KeyId=first, Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"]
    made = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=second,
        DestinationEncryptionContext={"new": "context"},
    )
    assert (made["SourceKeyId"], made["KeyId"]) == (first, second)
    found = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"new": "context"})
    assert (found["Plaintext"], found["KeyId"]) == (b"x", second)
    assert refusal(kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=second) == INVALID


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "RSA_2048"])
@pytest.mark.costs(0.6, reason="RSA keys are made")
def test_a_pair_of_data_keys_fits_together(world: KmsWorld, kms: Any, spec: str) -> None:
    key = world.key()
    made = kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec, EncryptionContext=CONTEXT)
    private: Any = load_der_private_key(made["PrivateKeyPlaintext"], None)
    assert private.public_key() == load_der_public_key(made["PublicKey"])
    found = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)
    assert found["Plaintext"] == made["PrivateKeyPlaintext"]
    without = kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P256")
    assert "PrivateKeyPlaintext" not in without
    refused = refusal(kms.generate_data_key_pair, KeyId=key, KeyPairSpec="SM2")
    assert refused[0] == "UnsupportedOperationException"


def test_random_bytes_are_random(kms: Any) -> None:
    first, second = (kms.generate_random(NumberOfBytes=32)["Plaintext"] for _ in range(2))
    assert len(first) == 32
    assert first != second
    assert refusal(kms.generate_random)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        *(("RSA_2048", f"RSASSA_{kind}_SHA_{bits}") for kind in ("PSS", "PKCS1_V1_5") for bits in (256, 384, 512)),
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("ECC_NIST_P521", "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ],
)
@pytest.mark.costs(0.6, reason="RSA keys are made")
def test_a_signature_is_valid_for_its_message_only(world: KmsWorld, kms: Any, spec: str, algorithm: str) -> None:
    key = world.key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    signed = {"KeyId": key, "SigningAlgorithm": algorithm}
    signature = kms.sign(Message=b"a sonnet", **signed)["Signature"]
    assert kms.verify(Message=b"a sonnet", Signature=signature, **signed)["SignatureValid"]
    digest = hashlib.new(f"sha{algorithm[-3:]}", b"a sonnet").digest()
    assert kms.verify(Message=digest, MessageType="DIGEST", Signature=signature, **signed)["SignatureValid"]
    code, _, _ = refusal(kms.verify, Message=b"another", Signature=signature, **signed)
    assert code == "KMSInvalidSignatureException"
    code, message, _ = refusal(kms.sign, Message=digest[:-1], MessageType="DIGEST", **signed)
    assert (code, message) == ("ValidationException", f"Digest is invalid length for algorithm {algorithm}.")


@pytest.mark.costs(0.6, reason="an RSA key is made")
def test_others_verify_with_the_public_key(world: KmsWorld, kms: Any) -> None:
    elliptic, rsa = (world.key(KeySpec=spec, KeyUsage="SIGN_VERIFY") for spec in ("ECC_NIST_P384", "RSA_2048"))
    shown = kms.get_public_key(KeyId=elliptic)
    assert (shown["KeySpec"], shown["KeyUsage"]) == ("ECC_NIST_P384", "SIGN_VERIFY")
    assert shown["SigningAlgorithms"] == ["ECDSA_SHA_384"]
    signature = kms.sign(KeyId=elliptic, Message=b"x", SigningAlgorithm="ECDSA_SHA_384")["Signature"]
    public: Any = load_der_public_key(shown["PublicKey"])
    public.verify(signature, b"x", ec.ECDSA(SHA384()))
    signature = kms.sign(KeyId=rsa, Message=b"x", SigningAlgorithm="RSASSA_PSS_SHA_256")["Signature"]
    public = load_der_public_key(kms.get_public_key(KeyId=rsa)["PublicKey"])
    public.verify(signature, b"x", padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
    assert refusal(kms.get_public_key, KeyId=world.key())[0] == "UnsupportedOperationException"


@pytest.mark.costs(0.6, reason="an RSA key is made")
def test_others_encrypt_with_the_public_key(world: KmsWorld, kms: Any) -> None:
    key = world.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    public: Any = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    oaep = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    wanted = {"KeyId": key, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    assert kms.decrypt(CiphertextBlob=public.encrypt(b"x", oaep), **wanted)["Plaintext"] == b"x"
    made = kms.encrypt(Plaintext=b"y" * 190, **wanted)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=made, **wanted)["Plaintext"] == b"y" * 190
    assert refusal(kms.encrypt, Plaintext=b"y" * 191, **wanted)[1] == (
        "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes."
    )
    assert refusal(kms.decrypt, CiphertextBlob=made[:-1] + b"x", **wanted) == INVALID
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x")[0] == "InvalidKeyUsageException"
    assert refusal(kms.encrypt, Plaintext=b"x", EncryptionContext={"a": "b"}, **wanted)[0] == "ValidationException"
    assert refusal(kms.generate_data_key, KeyId=key, KeySpec="AES_256")[0] == "InvalidKeyUsageException"


@pytest.mark.parametrize(("bits", "size"), [(224, 28), (256, 32), (384, 48), (512, 64)])
def test_a_mac_is_valid_for_its_message_only(world: KmsWorld, kms: Any, bits: int, size: int) -> None:
    key = world.key(KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC")
    wanted = {"KeyId": key, "MacAlgorithm": f"HMAC_SHA_{bits}"}
    mac = kms.generate_mac(Message=b"x", **wanted)["Mac"]
    assert len(mac) == size
    assert kms.verify_mac(Message=b"x", Mac=mac, **wanted)["MacValid"]
    assert refusal(kms.verify_mac, Message=b"y", Mac=mac, **wanted)[0] == "KMSInvalidMacException"
    wrong = "HMAC_SHA_256" if bits != 256 else "HMAC_SHA_512"
    refused = refusal(kms.generate_mac, KeyId=key, Message=b"x", MacAlgorithm=wrong)
    assert refused[0] == "InvalidKeyUsageException"


def test_a_mac_is_hmac(world: KmsWorld, kms: Any) -> None:
    key = world.key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    content = next(iter(found.materials.values())).content if (found := world.access.of_id(key[-36:])) else b""
    mac = kms.generate_mac(KeyId=key, Message=b"x", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert mac == hmac.new(content, b"x", "sha256").digest()


def test_a_key_is_used_only_for_what_it_is_for(world: KmsWorld, kms: Any) -> None:
    symmetric = world.key()
    signing = world.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    code, message, _ = refusal(kms.encrypt, KeyId=signing, Plaintext=b"x")
    assert (code, message) == (
        "InvalidKeyUsageException",
        f"{signing} key usage is SIGN_VERIFY which is not valid for Encrypt.",
    )
    for call, parameters in (
        (kms.sign, {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}),
        (kms.generate_mac, {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}),
    ):
        assert refusal(call, KeyId=symmetric, **parameters)[0] == "InvalidKeyUsageException"
    wrong = {"KeyId": signing, "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_384"}
    assert refusal(kms.sign, **wrong)[1] == "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256."


def test_a_dry_run_says_whether_the_call_would_succeed(world: KmsWorld, kms: Any) -> None:
    key = world.key()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    for call, parameters in (
        (kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
    ):
        assert refusal(call, DryRun=True, **parameters)[0] == "DryRunOperationException"
    kms.disable_key(KeyId=key)
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x", DryRun=True)[0] == "DisabledException"


def test_a_ciphertext_of_an_unknown_key_tells_nothing(kms: Any, world: KmsWorld) -> None:
    blob = kms.encrypt(KeyId=world.key(), Plaintext=b"x")["CiphertextBlob"]
    code, message, _ = refusal(kms.decrypt, CiphertextBlob=blob[:1] + b"x" * 16 + blob[17:])
    assert code == "AccessDeniedException"
    assert message.startswith("The ciphertext refers to a customer master key that does not exist")
    missing = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000000"
    assert refusal(kms.decrypt, KeyId=missing, CiphertextBlob=blob)[0] == "NotFoundException"
