"""Encryption contexts: names and values that a ciphertext is bound to, which are no secrets."""

from __future__ import annotations

from collections.abc import Mapping

from reading_room.aws.operations import ContextValues
from reading_room.kms.errors import ValidationException

MOST_BYTES = 8_192
"""Bytes of all names and values together (AWS KMS developer guide, "Encryption context")."""

EncryptionContext = Mapping[str, str]


def bound(context: EncryptionContext) -> bytes:
    """Return the unambiguous form of a context that a ciphertext is bound to, the same for every order.

    Raises ``ValidationException``.
    """
    try:
        pairs = sorted((name.encode(), value.encode()) for name, value in context.items())
    except UnicodeEncodeError:
        raise ValidationException("The encryption context has text that is not Unicode.") from None
    if sum(len(name) + len(value) for name, value in pairs) > MOST_BYTES:
        raise ValidationException(f"The encryption context has more than {MOST_BYTES} bytes.")
    return b"".join(len(part).to_bytes(4) + part for pair in pairs for part in pair)


def context_keys(context: EncryptionContext) -> ContextValues:
    """Return the condition keys of a context. Names that differ only in case share one, which has several values."""
    if not context:
        return {}
    keys: dict[str, tuple[str, ...]] = {"kms:EncryptionContextKeys": tuple(context)}
    spelled: dict[str, str] = {}
    for name, value in context.items():
        key = spelled.setdefault(name.lower(), f"kms:EncryptionContext:{name}")
        keys[key] = (*keys.get(key, ()), value)
    return keys
