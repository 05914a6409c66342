"""Signatures, MACs and RSA encryption with the material of keys.

AWS source: "Key spec reference" and "Digital signatures", AWS KMS developer guide.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from reading_room.kms.errors import InvalidCiphertextException, InvalidKeyUsageException, ValidationException
from reading_room.kms.material import private_key
from reading_room.kms.specs import Spec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import OAEP, AsymmetricPadding
    from cryptography.hazmat.primitives.hashes import HashAlgorithm


def sign(spec: Spec, content: bytes, algorithm: str, message: bytes, message_type: str) -> bytes:
    """Return the signature of a message, or of its digest.

    Raises ``InvalidKeyUsageException``, ``ValidationException``.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    key, hashed = private_key(content), _hashed(spec, algorithm, message, message_type)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashed))
    return key.sign(message, _padding(algorithm), hashed)


def verify(spec: Spec, content: bytes, algorithm: str, message: bytes, message_type: str, signature: bytes) -> bool:
    """Say whether a signature is that of a message. Raises like ``sign``."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec

    public, hashed = private_key(content).public_key(), _hashed(spec, algorithm, message, message_type)
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, message, ec.ECDSA(hashed))
        else:
            public.verify(signature, message, _padding(algorithm), hashed)
    except InvalidSignature:
        return False
    return True


def mac(spec: Spec, content: bytes, algorithm: str, message: bytes) -> bytes:
    """Return the MAC of a message. Raises ``InvalidKeyUsageException``."""
    if algorithm not in spec.macs:
        raise InvalidKeyUsageException.of_algorithm(algorithm, spec.name)
    return hmac.new(content, message, f"sha{algorithm.rpartition('_')[2]}").digest()


def encrypt(spec: Spec, content: bytes, algorithm: str, plaintext: bytes) -> bytes:
    """Return a plaintext encrypted with an RSA key. Raises ``InvalidKeyUsageException``, ``ValidationException``."""
    most = spec.size // 8 - 2 - 2 * (20 if algorithm.endswith("_1") else 32)
    padding = _oaep(spec, algorithm)
    if len(plaintext) > most:
        raise ValidationException(
            f"Algorithm {algorithm} and key spec {spec.name} cannot encrypt data larger than {most} bytes."
        )
    encrypted: bytes = _rsa(content).public_key().encrypt(plaintext, padding)
    return encrypted


def decrypt(spec: Spec, content: bytes, algorithm: str, ciphertext: bytes) -> bytes:
    """Return the plaintext. Raises ``InvalidKeyUsageException``, ``InvalidCiphertextException``."""
    padding = _oaep(spec, algorithm)
    try:
        decrypted: bytes = _rsa(content).decrypt(ciphertext, padding)
    except ValueError:
        raise InvalidCiphertextException from None
    return decrypted


def _rsa(content: bytes) -> Any:
    return private_key(content)


def _oaep(spec: Spec, algorithm: str) -> OAEP:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    if algorithm not in spec.encryption:
        raise InvalidKeyUsageException.of_algorithm(algorithm, spec.name)
    # SHA-1 is what the name of the algorithm says; OAEP does not rest on its resistance to collisions.
    chosen = SHA1() if algorithm.endswith("_1") else SHA256()  # nosec B303
    return OAEP(MGF1(chosen), chosen, None)


def _padding(algorithm: str) -> AsymmetricPadding:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15

    chosen = _hash(algorithm)
    return PSS(MGF1(chosen), chosen.digest_size) if "_PSS_" in algorithm else PKCS1v15()


def _hash(algorithm: str) -> HashAlgorithm:
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

    hashes: dict[str, HashAlgorithm] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
    return hashes[algorithm.rpartition("_")[2]]


def _hashed(spec: Spec, algorithm: str, message: bytes, message_type: str) -> Any:
    """Return the hash of an algorithm, marked if the message is a digest already."""
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    if algorithm not in spec.signing:
        raise InvalidKeyUsageException.of_algorithm(algorithm, spec.name)
    if message_type == "EXTERNAL_MU":
        raise ValidationException("The message type EXTERNAL_MU is for ML-DSA keys only.")
    chosen = _hash(algorithm)
    if message_type == "RAW":
        return chosen
    if len(message) != hashlib.new(chosen.name).digest_size:
        raise ValidationException(f"Digest is invalid length for algorithm {algorithm}.")
    return Prehashed(chosen)
