"""Ciphertexts of symmetric keys: their form, and reading one that anybody may have sent.

A ciphertext has a head with the ids of its key and of the material, a salt and a nonce, followed by what AES-256-GCM
(NIST SP 800-38D) returned. The cipher's key is derived from the material and the salt (HKDF, RFC 5869), so that the
number of ciphertexts of one key is not limited by its nonces. The head and the encryption context are authenticated.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reading_room.kms.encryption_context import EncryptionContext, bound
from reading_room.kms.errors import InvalidCiphertextException
from reading_room.kms.keys import Material

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORM = b"\x01"
"""The first byte: the format of the rest."""
_KEY, _MATERIAL, _SALT, _NONCE, _TAG = 16, 32, 32, 12, 16
_HEAD = len(_FORM) + _KEY + _MATERIAL + _SALT + _NONCE
MOST_BYTES = 6_144
"""The longest ciphertext that the API accepts."""


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """A ciphertext, read but not authenticated."""

    key_id: str
    material_id: str
    head: bytes = field(repr=False)
    body: bytes = field(repr=False)


def parse(blob: bytes) -> Ciphertext:
    """Read a ciphertext. Raises ``InvalidCiphertextException``."""
    if not _HEAD + _TAG <= len(blob) <= MOST_BYTES or blob[:1] != _FORM:
        raise InvalidCiphertextException
    at = len(_FORM) + _KEY
    return Ciphertext(
        key_id=str(uuid.UUID(bytes=blob[len(_FORM) : at])),
        material_id=blob[at : at + _MATERIAL].hex(),
        head=blob[:_HEAD],
        body=blob[_HEAD:],
    )


def encrypt(key_id: str, material: Material, plaintext: bytes, context: EncryptionContext) -> bytes:
    """Return the ciphertext of a plaintext of any length. Raises ``ValidationException``."""
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    head = _FORM + uuid.UUID(key_id).bytes + bytes.fromhex(material.material_id) + salt + nonce
    return head + _cipher(material, salt).encrypt(nonce, plaintext, head + bound(context))


def decrypt(ciphertext: Ciphertext, material: Material, context: EncryptionContext) -> bytes:
    """Return the plaintext. Raises ``InvalidCiphertextException``, ``ValidationException``."""
    from cryptography.exceptions import InvalidTag

    salt, nonce = ciphertext.head[-_SALT - _NONCE : -_NONCE], ciphertext.head[-_NONCE:]
    authenticated = ciphertext.head + bound(context)
    try:
        return _cipher(material, salt).decrypt(nonce, ciphertext.body, authenticated)
    except InvalidTag:
        raise InvalidCiphertextException from None


def _cipher(material: Material, salt: bytes) -> AESGCM:
    # Imported here because most starts use no key.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return AESGCM(HKDF(SHA256(), 32, salt, b"reading-room kms 1").derive(material.content))
