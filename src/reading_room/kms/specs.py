"""The kinds of keys: what each is for, and its algorithms.

AWS source: "Key spec reference", AWS KMS developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reading_room.kms.errors import UnsupportedOperationException, ValidationException

SYMMETRIC = "SYMMETRIC_DEFAULT"
ENCRYPT, SIGN, MAC = "ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC"

_RSA_SIGNING = tuple(f"RSASSA_{padding}_SHA_{bits}" for padding in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512))
_OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")


@dataclass(frozen=True, slots=True)
class Spec:
    """A kind of key."""

    name: str
    usages: tuple[str, ...]
    encryption: tuple[str, ...] = ()
    signing: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    size: int = 0
    """Bytes of a symmetric or HMAC key; bits of an RSA key."""
    curve: str = ""
    """The curve of an elliptic one, as ``cryptography`` names it."""


SPECS: Mapping[str, Spec] = {
    spec.name: spec
    for spec in (
        Spec(SYMMETRIC, (ENCRYPT,), encryption=(SYMMETRIC,), size=32),
        *(Spec(f"RSA_{bits}", (ENCRYPT, SIGN), _OAEP, _RSA_SIGNING, size=bits) for bits in (2048, 3072, 4096)),
        Spec("ECC_NIST_P256", (SIGN,), signing=("ECDSA_SHA_256",), curve="secp256r1"),
        Spec("ECC_NIST_P384", (SIGN,), signing=("ECDSA_SHA_384",), curve="secp384r1"),
        Spec("ECC_NIST_P521", (SIGN,), signing=("ECDSA_SHA_512",), curve="secp521r1"),
        Spec("ECC_SECG_P256K1", (SIGN,), signing=("ECDSA_SHA_256",), curve="secp256k1"),
        *(Spec(f"HMAC_{bits}", (MAC,), macs=(f"HMAC_SHA_{bits}",), size=bits // 8) for bits in (224, 256, 384, 512)),
    )
}


def spec_of(name: str) -> Spec:
    """Return a kind of key. Raises ``UnsupportedOperationException`` for one that exists only at AWS."""
    if name not in SPECS:
        raise UnsupportedOperationException(f"Keys of the spec {name} are not supported.")
    return SPECS[name]


def usage_of(spec: Spec, wanted: str | None) -> str:
    """Return the usage of a new key. Raises ``ValidationException``, ``UnsupportedOperationException``."""
    if wanted is None:
        if spec.name != SYMMETRIC:
            raise ValidationException(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
            )
        return ENCRYPT
    if wanted in ("KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"):
        raise UnsupportedOperationException(f"Keys for {wanted} are not supported.")
    if wanted not in spec.usages:
        raise ValidationException(f"KeyUsage {wanted} is not compatible with KeySpec {spec.name}")
    return wanted
