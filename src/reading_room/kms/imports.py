"""Import of key material: the token and the key pair for its transport, and the import itself.

The token contains the private key, sealed with the installation's root key and bound to the key that is imported. So
nothing is stored until material arrives.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from reading_room.kms import keys, material
from reading_room.kms.errors import (
    ExpiredImportTokenException,
    IncorrectKeyMaterialException,
    InvalidCiphertextException,
    InvalidImportTokenException,
    UnsupportedOperationException,
    ValidationException,
)
from reading_room.kms.specs import SPECS
from reading_room.kms.tables import KeyRow, MaterialRow
from reading_room.sealing import SealBroken, Sealer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import OAEP

TOKEN_HOURS = 24
"""How long a token can be used (API reference, ``GetParametersForImport``)."""
_WRAPPINGS = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256")
_MOST_DAYS = 365
"""How far in the future material may expire."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a client needs to wrap material."""

    token: bytes = field(repr=False)
    public_key: bytes
    valid_to: dt.datetime


def parameters(sealer: Sealer, row: KeyRow, wrapping: str, spec: str, now: dt.datetime) -> Parameters:
    """Return a new token and public key. Raises ``UnsupportedOperationException``, ``KMSInvalidStateException``."""
    check_imports(row)
    if wrapping not in _WRAPPINGS or spec not in SPECS:
        strange = wrapping if wrapping not in _WRAPPINGS else spec
        raise UnsupportedOperationException(f"Wrapping by {strange} is not supported.")
    pair = material.new_private_key(SPECS[spec])
    valid_to = now + dt.timedelta(hours=TOKEN_HOURS)
    private = base64.b64encode(material.private_bytes(pair)).decode()
    content = json.dumps({"until": valid_to.timestamp(), "wrapping": wrapping, "private": private}).encode()
    return Parameters(sealer.seal(content, *_place(row)), material.public_bytes(pair), valid_to)


def unwrap(sealer: Sealer, row: KeyRow, token: bytes, wrapped: bytes, now: dt.datetime) -> bytes:
    """Return the material that a client wrapped.

    Raises ``InvalidImportTokenException``, ``ExpiredImportTokenException``, ``InvalidCiphertextException``, and
    ``IncorrectKeyMaterialException`` if it has not the length of the key.
    """
    check_imports(row)
    try:
        content: dict[str, Any] = json.loads(sealer.unseal(token, *_place(row)))
    except SealBroken:
        raise InvalidImportTokenException from None
    if now.timestamp() >= content["until"]:
        raise ExpiredImportTokenException
    private: Any = material.private_key(base64.b64decode(content["private"]))
    try:
        found = _unwrapped(private, content["wrapping"], wrapped)
    except ValueError:
        raise InvalidCiphertextException from None
    if len(found) != SPECS[row.spec].size:
        raise IncorrectKeyMaterialException.of_length(row.spec, SPECS[row.spec].size)
    return found


def store(
    session: Session, row: KeyRow, content: bytes, expires_at: dt.datetime | None, note: str | None, now: dt.datetime
) -> str:
    """Store imported material, and return its id. A key accepts the same material again, but no other.

    Raises ``IncorrectKeyMaterialException``, ``ValidationException``.
    """
    if expires_at is not None and not now < expires_at <= now + dt.timedelta(days=_MOST_DAYS):
        raise ValidationException(f"ValidTo must be in the future, and at most {_MOST_DAYS} days from now.")
    material_id = material.imported_id(row.secret, content)
    if row.material_id not in (None, material_id):
        raise IncorrectKeyMaterialException.of_other()
    if (held := session.get(MaterialRow, material_id)) is not None:
        session.delete(held)
        session.flush()
    keys.add_material(session, row, material_id, content, now, expires_at=expires_at, description=note)
    if row.state == "PendingImport":
        row.state = "Enabled"
    return material_id


def delete(session: Session, row: KeyRow, material_id: str | None) -> str | None:
    """Delete imported material, if the key has any, and return its id. Raises ``KMSInvalidStateException``."""
    check_imports(row)
    held = session.get(MaterialRow, row.material_id) if row.material_id else None
    if material_id is not None and material_id != row.material_id:
        raise IncorrectKeyMaterialException.of_other()
    if held is not None:
        session.delete(held)
        row.state = "PendingImport"
    return row.material_id


def check_imports(row: KeyRow) -> None:
    """Raise ``UnsupportedOperationException`` unless a key's material is imported; also if its deletion is pending."""
    if row.origin != "EXTERNAL":
        raise UnsupportedOperationException(
            f"{keys.arn_of(row)} origin is {row.origin} which is not valid for this operation."
        )
    keys.check_exists(keys.arn_of(row), row.state)


def _place(row: KeyRow) -> tuple[str, ...]:
    return ("kms_keys", "import token", row.key_id)


def _unwrapped(private: Any, wrapping: str, wrapped: bytes) -> bytes:
    """Return unwrapped material. Raises ``ValueError``."""
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

    padding = _oaep(wrapping)
    if wrapping.startswith("RSAES"):
        found: bytes = private.decrypt(wrapped, padding)
        return found
    size = private.key_size // 8
    try:
        return aes_key_unwrap_with_padding(private.decrypt(wrapped[:size], padding), wrapped[size:])
    except InvalidUnwrap as error:
        raise ValueError(str(error)) from error


def _oaep(wrapping: str) -> OAEP:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    # SHA-1 is what the name of the algorithm says; OAEP does not rest on its resistance to collisions.
    chosen = SHA1() if wrapping.endswith("_1") else SHA256()  # nosec B303
    return OAEP(MGF1(chosen), chosen, None)
