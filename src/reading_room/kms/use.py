"""Using keys: every cryptographic operation, as functions of a call, its key and its bytes.

Whoever calls these is authorized like any caller, and a key that is disabled or gone is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from reading_room.aws.operations import ContextValues
from reading_room.clock import Clock
from reading_room.kms import ciphertexts, signatures
from reading_room.kms.access import Asked, KeyAccess, KeyCall
from reading_room.kms.encryption_context import EncryptionContext, bound
from reading_room.kms.errors import (
    IncorrectKeyException,
    InvalidCiphertextException,
    InvalidKeyUsageException,
    KeyAccessDenied,
    ValidationException,
)
from reading_room.kms.keys import Key, Material
from reading_room.kms.references import Reference, parse_reference
from reading_room.kms.specs import ENCRYPT, SYMMETRIC

_NO_CONTEXT: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A ciphertext, and what made it."""

    key: Key
    algorithm: str
    blob: bytes = field(repr=False)
    material_id: str | None
    """``None`` for an asymmetric key."""


@dataclass(frozen=True, slots=True)
class Decrypted:
    """A plaintext, and what the ciphertext was made with."""

    key: Key
    algorithm: str
    plaintext: bytes = field(repr=False)
    material_id: str | None


class KeyUse:
    """Encrypts and decrypts. Thread-safe; it holds no secrets beyond those of ``KeyAccess``."""

    def __init__(self, access: KeyAccess, clock: Clock) -> None:
        self._access = access
        self._clock = clock

    def encrypt(
        self,
        by: KeyCall,
        key: str,
        plaintext: bytes,
        context: EncryptionContext = _NO_CONTEXT,
        *,
        operation: str = "Encrypt",
        algorithm: str = SYMMETRIC,
        keys: ContextValues | None = None,
    ) -> Encrypted:
        """Encrypt with the key that ``key`` names.

        ``operation`` is the one to authorize, and ``keys`` are condition keys of its own. Raises the errors of
        ``KeyAccess.use``, and ``ValidationException``.
        """
        found = self._access.use(by, key, _asked(operation, algorithm, context, keys))
        return self._encrypted(found, plaintext, context, algorithm)

    def decrypt(
        self,
        by: KeyCall,
        blob: bytes,
        context: EncryptionContext = _NO_CONTEXT,
        *,
        key: str | None = None,
        operation: str = "Decrypt",
        algorithm: str = SYMMETRIC,
        keys: ContextValues | None = None,
    ) -> Decrypted:
        """Decrypt a ciphertext. ``key`` is the key that it must be of, which only asymmetric ones need.

        Raises the errors of ``KeyAccess.use``, ``InvalidCiphertextException``, ``IncorrectKeyException`` and
        ``ValidationException``.
        """
        asked = _asked(operation, algorithm, context, keys)
        if algorithm != SYMMETRIC:
            if key is None:
                raise ValidationException("KeyId is required with an asymmetric encryption algorithm.")
            found = self._access.use(by, key, asked)
            plaintext = signatures.decrypt(found.spec, self._current(found).content, algorithm, blob)
            return Decrypted(found, algorithm, plaintext, None)
        ciphertext = ciphertexts.parse(blob)
        found = self._key_of(by, ciphertext, key, asked)
        material = found.material_of(ciphertext.material_id, self._clock())
        if material is None:
            raise InvalidCiphertextException
        return Decrypted(found, algorithm, ciphertexts.decrypt(ciphertext, material, context), material.material_id)

    def exists(self, reference: Reference, region: str, session: Session | None = None) -> bool:
        """Say whether there is a key, or an alias, to which a reference leads."""
        return self._access.find(reference, region, session) is not None

    def sign(self, by: KeyCall, key: str, asked: Asked, algorithm: str, message: bytes, kind: str) -> tuple[Key, bytes]:
        """Return a key and its signature of a message of a ``MessageType``."""
        found = self._access.use(by, key, asked)
        return found, signatures.sign(found.spec, self._current(found).content, algorithm, message, kind)

    def verify(
        self, by: KeyCall, key: str, asked: Asked, algorithm: str, message: bytes, kind: str, signature: bytes
    ) -> tuple[Key, bool]:
        """Return a key, and whether a signature is its own of a message."""
        found = self._access.use(by, key, asked)
        content = self._current(found).content
        return found, signatures.verify(found.spec, content, algorithm, message, kind, signature)

    def mac(self, by: KeyCall, key: str, asked: Asked, algorithm: str, message: bytes) -> tuple[Key, bytes]:
        """Return a key and its MAC of a message."""
        found = self._access.use(by, key, asked)
        return found, signatures.mac(found.spec, self._current(found).content, algorithm, message)

    def usable(self, by: KeyCall, key: str, asked: Asked) -> Key:
        """Return a symmetric encryption key that is usable now."""
        found = self._access.use(by, key, asked)
        if not found.is_symmetric:
            raise InvalidKeyUsageException.of_usage(found.arn, found.usage, asked.operation)
        return found

    def public_key(self, by: KeyCall, key: str, asked: Asked) -> tuple[Key, bytes]:
        """Return a key and its material, whose public part the caller may have."""
        found = self._access.use(by, key, asked)
        return found, self._current(found).content

    def _encrypted(self, key: Key, plaintext: bytes, context: EncryptionContext, algorithm: str) -> Encrypted:
        material = self._current(key)
        if key.is_symmetric:
            if algorithm != SYMMETRIC:
                raise InvalidKeyUsageException.of_algorithm(algorithm, key.spec.name)
            blob = ciphertexts.encrypt(key.key_id, material, plaintext, context)
            return Encrypted(key, algorithm, blob, material.material_id)
        if context:
            raise ValidationException("An encryption context needs a symmetric encryption key.")
        return Encrypted(key, algorithm, signatures.encrypt(key.spec, material.content, algorithm, plaintext), None)

    def _key_of(self, by: KeyCall, ciphertext: ciphertexts.Ciphertext, key: str | None, asked: Asked) -> Key:
        call = by.call
        found = self._access.of_id(ciphertext.key_id, by.session)
        if key is not None:
            named = self._access.find(parse_reference(key, call.account, call.region), call.region, by.session)
            if named is None or found is None or named.key_id != found.key_id:
                # The caller must be allowed to use the key that it names, before it learns anything of it.
                self._access.use(by, key, asked)
                raise IncorrectKeyException
            return self._access.use(by, key, asked)
        if found is None or found.region != call.region:
            raise KeyAccessDenied.of_ciphertext()
        return self._access.use(by, found.arn, asked)

    def _current(self, key: Key) -> Material:
        material = key.current(self._clock())
        if material is None:  # It expired in this moment.
            key.check_usable(self._clock())
            raise InvalidCiphertextException
        return material


def _asked(operation: str, algorithm: str, context: EncryptionContext, keys: ContextValues | None) -> Asked:
    bound(context)  # A context that is too large is refused before anything else.
    return Asked(operation, {"kms:EncryptionAlgorithm": (algorithm,), **(keys or {})}, context, usage=ENCRYPT)
