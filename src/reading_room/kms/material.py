"""The material of keys: making it, and what its bytes are."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from reading_room.kms.specs import Spec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey

_EXPONENT = 65537


def new_material(spec: Spec) -> bytes:
    """Return random material: the bytes of a symmetric or HMAC key, or a private key in PKCS #8 (DER)."""
    if spec.encryption[:1] != ("SYMMETRIC_DEFAULT",) and not spec.macs:
        return private_bytes(new_private_key(spec))
    return secrets.token_bytes(spec.size)


def new_private_key(spec: Spec) -> PrivateKey:
    """Return a new private key of an RSA or elliptic spec."""
    # Imported here because most starts use no key.
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if spec.curve:
        curves = {each.name: each for each in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1())}
        return ec.generate_private_key(curves[spec.curve])
    return rsa.generate_private_key(_EXPONENT, spec.size)


def private_bytes(key: PrivateKey) -> bytes:
    """Return a private key in PKCS #8 (DER)."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def public_bytes(key: PrivateKey) -> bytes:
    """Return the public key of a private one as SubjectPublicKeyInfo (DER)."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private_key(content: bytes) -> PrivateKey:
    """Return the private key that ``private_bytes`` wrote."""
    from typing import cast

    from cryptography.hazmat.primitives.serialization import load_der_private_key

    # The key was made here, so its primes need no check, which takes milliseconds.
    return cast("PrivateKey", load_der_private_key(content, None, unsafe_skip_rsa_key_validation=True))


def random_id() -> str:
    """Return a new id of material: 64 hexadecimal digits."""
    return secrets.token_hex(32)


def imported_id(secret: str, content: bytes) -> str:
    """Return the id of imported material, which is the same for the same content of the same key.

    ``secret`` is the key's own, so that the id reveals nothing about the content.
    """
    return hmac.new(bytes.fromhex(secret), content, hashlib.sha256).hexdigest()


def as_text(content: bytes) -> str:
    """Return material as a row stores it."""
    return base64.b64encode(content).decode()


def from_text(text: str) -> bytes:
    """Return the material of a row."""
    return base64.b64decode(text)
