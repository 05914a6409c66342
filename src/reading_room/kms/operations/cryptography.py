"""Operations that encrypt, decrypt, sign and make random bytes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.errors import AwsError
from reading_room.aws.operations import operation
from reading_room.kms import ciphertexts, material
from reading_room.kms.access import Asked, KeyAccess, KeyCall
from reading_room.kms.errors import (
    KMSInvalidMacException,
    KMSInvalidSignatureException,
    MissingMember,
    UnsupportedOperationException,
    ValidationException,
)
from reading_room.kms.operations.rows import end_dry_run, key_operation, refuse
from reading_room.kms.references import parse_reference
from reading_room.kms.specs import MAC, SIGN, SYMMETRIC, spec_of
from reading_room.kms.use import KeyUse

_DATA_KEY_BYTES = {"AES_128": 16, "AES_256": 32}


class CryptographyOperations:
    """Cryptography with keys."""

    def __init__(self, use: KeyUse, access: KeyAccess) -> None:
        self._use = use
        self._access = access

    @key_operation("Encrypt")
    def encrypt(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Encrypt."""
        algorithm = request.get("EncryptionAlgorithm", SYMMETRIC)
        context = request.get("EncryptionContext", {})
        made = self._use.encrypt(KeyCall(call), request["KeyId"], request["Plaintext"], context, algorithm=algorithm)
        end_dry_run(call)
        return {"CiphertextBlob": made.blob, "KeyId": made.key.arn, "EncryptionAlgorithm": algorithm}

    @key_operation("Decrypt")
    def decrypt(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Decrypt."""
        refuse(call, "Recipient", "DryRunModifiers")
        if "CiphertextBlob" not in request:
            raise MissingMember("ciphertextBlob")
        algorithm = request.get("EncryptionAlgorithm", SYMMETRIC)
        context = request.get("EncryptionContext", {})
        found = self._use.decrypt(
            KeyCall(call), request["CiphertextBlob"], context, key=request.get("KeyId"), algorithm=algorithm
        )
        end_dry_run(call)
        answer = {"KeyId": found.key.arn, "Plaintext": found.plaintext, "EncryptionAlgorithm": algorithm}
        return answer if found.material_id is None else {**answer, "KeyMaterialId": found.material_id}

    @key_operation("ReEncrypt", "ReEncryptFrom", "ReEncryptTo")
    def re_encrypt(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ReEncrypt: the plaintext stays in this process."""
        refuse(call, "DryRunModifiers")
        if "CiphertextBlob" not in request:
            raise MissingMember("ciphertextBlob")
        by, blob = KeyCall(call), request["CiphertextBlob"]
        source_algorithm = request.get("SourceEncryptionAlgorithm", SYMMETRIC)
        algorithm = request.get("DestinationEncryptionAlgorithm", SYMMETRIC)
        same = self._is_same_key(call, request, source_algorithm)
        keys = {"kms:ReEncryptOnSameKey": ("true" if same else "false",)}
        source = self._use.decrypt(
            by,
            blob,
            request.get("SourceEncryptionContext", {}),
            key=request.get("SourceKeyId"),
            operation="ReEncryptFrom",
            algorithm=source_algorithm,
            keys=keys,
        )
        made = self._use.encrypt(
            by,
            request["DestinationKeyId"],
            source.plaintext,
            request.get("DestinationEncryptionContext", {}),
            operation="ReEncryptTo",
            algorithm=algorithm,
            keys=keys,
        )
        end_dry_run(call)
        answer = {
            "CiphertextBlob": made.blob,
            "SourceKeyId": source.key.arn,
            "KeyId": made.key.arn,
            "SourceEncryptionAlgorithm": source_algorithm,
            "DestinationEncryptionAlgorithm": algorithm,
        }
        ids = {"SourceKeyMaterialId": source.material_id, "DestinationKeyMaterialId": made.material_id}
        return answer | {member: value for member, value in ids.items() if value is not None}

    def _is_same_key(self, call: Call, request: Mapping[str, Any], algorithm: str) -> bool:
        def named(text: str) -> str | None:
            found = self._access.find(parse_reference(text, call.account, call.region), call.region)
            return None if found is None else found.key_id

        if algorithm == SYMMETRIC:
            source: str | None = ciphertexts.parse(request["CiphertextBlob"]).key_id
        else:
            source = named(request["SourceKeyId"]) if "SourceKeyId" in request else None
        return source is not None and source == named(request["DestinationKeyId"])

    @key_operation("GenerateDataKey")
    def data_key(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GenerateDataKey."""
        refuse(call, "Recipient")
        plaintext, answer = self._data_key(call, request, "GenerateDataKey")
        return {**answer, "Plaintext": plaintext}

    @key_operation("GenerateDataKeyWithoutPlaintext")
    def data_key_without_plaintext(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GenerateDataKeyWithoutPlaintext."""
        return self._data_key(call, request, "GenerateDataKeyWithoutPlaintext")[1]

    def _data_key(self, call: Call, request: Mapping[str, Any], operation: str) -> tuple[bytes, dict[str, Any]]:
        size, spec = request.get("NumberOfBytes"), request.get("KeySpec")
        if (size is None) is (spec is None):
            raise ValidationException("Please specify either number of bytes or key spec.")
        plaintext = secrets.token_bytes(size or _DATA_KEY_BYTES[str(spec)])
        made = self._use.encrypt(
            KeyCall(call), request["KeyId"], plaintext, request.get("EncryptionContext", {}), operation=operation
        )
        end_dry_run(call)
        return plaintext, {"CiphertextBlob": made.blob, "KeyId": made.key.arn, "KeyMaterialId": made.material_id}

    @key_operation("GenerateDataKeyPair")
    def data_key_pair(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GenerateDataKeyPair."""
        refuse(call, "Recipient")
        plaintext, answer = self._data_key_pair(call, request, "GenerateDataKeyPair")
        return {**answer, "PrivateKeyPlaintext": plaintext}

    @key_operation("GenerateDataKeyPairWithoutPlaintext")
    def data_key_pair_without_plaintext(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GenerateDataKeyPairWithoutPlaintext."""
        return self._data_key_pair(call, request, "GenerateDataKeyPairWithoutPlaintext")[1]

    def _data_key_pair(self, call: Call, request: Mapping[str, Any], operation: str) -> tuple[bytes, dict[str, Any]]:
        spec = spec_of(request["KeyPairSpec"])
        context, keys = request.get("EncryptionContext", {}), {"kms:DataKeyPairSpec": (spec.name,)}
        by, key = KeyCall(call), request["KeyId"]
        # Making a pair takes up to seconds, so only for a caller who gets it.
        self._use.usable(by, key, Asked(operation, keys, context))
        end_dry_run(call)
        pair = material.new_private_key(spec)
        private = material.private_bytes(pair)
        made = self._use.encrypt(by, key, private, context, operation=operation, keys=keys)
        return private, {
            "PrivateKeyCiphertextBlob": made.blob,
            "PublicKey": material.public_bytes(pair),
            "KeyId": made.key.arn,
            "KeyPairSpec": spec.name,
            "KeyMaterialId": made.material_id,
        }

    @operation("kms", "GenerateRandom")
    def random(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GenerateRandom."""
        refuse(call, "Recipient", "CustomKeyStoreId")
        if "NumberOfBytes" not in request:
            raise MissingMember("numberOfBytes")
        return {"Plaintext": secrets.token_bytes(request["NumberOfBytes"])}

    @key_operation("Sign")
    def sign(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Sign."""
        algorithm, kind = request["SigningAlgorithm"], request.get("MessageType", "RAW")
        key, signature = self._use.sign(
            KeyCall(call), request["KeyId"], _signing("Sign", algorithm, kind), algorithm, request["Message"], kind
        )
        end_dry_run(call)
        return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm}

    @key_operation("Verify")
    def verify(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Verify."""
        algorithm, kind = request["SigningAlgorithm"], request.get("MessageType", "RAW")
        key, valid = self._use.verify(
            KeyCall(call),
            request["KeyId"],
            _signing("Verify", algorithm, kind),
            algorithm,
            request["Message"],
            kind,
            request["Signature"],
        )
        end_dry_run(call)
        _check(valid, KMSInvalidSignatureException())
        return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}

    @key_operation("GetPublicKey")
    def public_key(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetPublicKey."""
        key, content = self._use.public_key(KeyCall(call), request["KeyId"], Asked("GetPublicKey"))
        if key.is_symmetric or key.usage == MAC:
            raise UnsupportedOperationException(f"{key.arn} has no public key: its spec is {key.spec.name}.")
        member = "SigningAlgorithms" if key.usage == SIGN else "EncryptionAlgorithms"
        return {
            "KeyId": key.arn,
            "PublicKey": material.public_bytes(material.private_key(content)),
            "CustomerMasterKeySpec": key.spec.name,
            "KeySpec": key.spec.name,
            "KeyUsage": key.usage,
            member: list(key.spec.signing if key.usage == SIGN else key.spec.encryption),
        }

    @key_operation("GenerateMac")
    def generate_mac(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GenerateMac."""
        algorithm = request["MacAlgorithm"]
        asked = Asked("GenerateMac", {"kms:MacAlgorithm": (algorithm,)}, usage=MAC)
        key, mac = self._use.mac(KeyCall(call), request["KeyId"], asked, algorithm, request["Message"])
        end_dry_run(call)
        return {"KeyId": key.arn, "Mac": mac, "MacAlgorithm": algorithm}

    @key_operation("VerifyMac")
    def verify_mac(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """VerifyMac."""
        algorithm = request["MacAlgorithm"]
        asked = Asked("VerifyMac", {"kms:MacAlgorithm": (algorithm,)}, usage=MAC)
        key, mac = self._use.mac(KeyCall(call), request["KeyId"], asked, algorithm, request["Message"])
        end_dry_run(call)
        _check(secrets.compare_digest(mac, request["Mac"]), KMSInvalidMacException())
        return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": algorithm}


def _signing(operation: str, algorithm: str, kind: str) -> Asked:
    keys = {"kms:SigningAlgorithm": (algorithm,), "kms:MessageType": (kind,)}
    return Asked(operation, keys, usage=SIGN)


def _check(valid: bool, error: AwsError) -> None:
    if not valid:
        raise error
