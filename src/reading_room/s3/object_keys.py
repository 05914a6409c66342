"""SSE-S3: the keys that encrypt the data keys of objects, which the installation's root key seals in turn.

The row of an object has its data key, encrypted by one of these keys and bound to the object's bucket and key. A new
one is made after ``ROTATE_AFTER``; earlier ones remain for what they have encrypted. So neither a rotation nor a new
root key touches the bytes of objects.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import secrets
import threading
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.s3.blobs import DamagedBlob
from reading_room.s3.object_cipher import KEY_BYTES, TAG, DataKey
from reading_room.s3.tables import S3ServiceKey, S3Upload, StoredObject

ROTATE_AFTER = dt.timedelta(days=365)
SSE_S3 = "AES256"
"""S3's name for encryption with keys of the service."""
_ID_BYTES = 8
_NONCE_BYTES = 12
_WRAPPED_BYTES = _ID_BYTES + _NONCE_BYTES + KEY_BYTES + TAG


class ObjectKeys:
    """Encrypts and decrypts the data keys of objects. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """The database must have been opened with the root key. Raises ``NoRootKey``."""
        database.sealer  # noqa: B018  (it raises)
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._ciphers: dict[str, AESGCM] = {}
        self._newest: tuple[str, dt.datetime] | None = None

    def sealed(self, key: DataKey, bucket: str, object_key: bytes) -> dict[str, str]:
        """Return what the row of an object stores of its data key. Must not be called within a transaction."""
        key_id = self._current()
        head, nonce = bytes.fromhex(key_id), secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, key.key, _bound(head, bucket, object_key))
        return {"algorithm": SSE_S3, "key": base64.b64encode(head + nonce + sealed).decode()}

    def of(self, row: StoredObject | S3Upload) -> DataKey | None:
        """Return the data key of an object or upload; ``None`` if it is in plain text. Raises ``DamagedBlob``."""
        return None if row.encryption is None else self.opened(row.encryption, row.bucket, row.key)

    def opened(self, stored: Mapping[str, Any], bucket: str, object_key: bytes) -> DataKey:
        """Return the data key for which ``sealed`` returned this. Raises ``DamagedBlob``."""
        try:
            wrapped = base64.b64decode(stored["key"], validate=True)
            head, nonce, sealed = (
                wrapped[:_ID_BYTES],
                wrapped[_ID_BYTES : _ID_BYTES + _NONCE_BYTES],
                wrapped[_ID_BYTES + _NONCE_BYTES :],
            )
            cipher = self._cipher(head.hex()) if len(wrapped) == _WRAPPED_BYTES else None
            if cipher is not None and stored["algorithm"] == SSE_S3:
                return DataKey(cipher.decrypt(nonce, sealed, _bound(head, bucket, object_key)))
        except (InvalidTag, binascii.Error, KeyError, TypeError, ValueError):
            pass
        where = f"in the row of {object_key.decode(errors='replace')!r} of {bucket}"
        raise DamagedBlob(where, "has a data key that is not the object's")

    def rotate(self) -> None:
        """Make a new key, which encrypts the data keys from now on."""
        key_id, key = secrets.token_hex(_ID_BYTES), secrets.token_bytes(KEY_BYTES)
        with self._database.transaction() as session:
            row = S3ServiceKey(key_id=key_id, created_at=self._clock())
            row.key = key.hex()
            session.add(row)
        self._ciphers[key_id] = AESGCM(key)
        self._newest = key_id, row.created_at

    def _current(self) -> str:
        if self._newest is None or self._clock() - self._newest[1] > ROTATE_AFTER:
            with self._lock:
                if self._newest is None:
                    self._read_newest()
                if self._newest is None or self._clock() - self._newest[1] > ROTATE_AFTER:
                    self.rotate()
        assert self._newest is not None
        return self._newest[0]

    def _read_newest(self) -> None:
        with self._database.reading() as session:
            row = session.scalar(select(S3ServiceKey).order_by(S3ServiceKey.created_at.desc()).limit(1))
            if row is not None:
                self._ciphers[row.key_id] = AESGCM(bytes.fromhex(row.key))
                self._newest = row.key_id, row.created_at

    def _cipher(self, key_id: str) -> AESGCM | None:
        found = self._ciphers.get(key_id)
        if found is None:
            # Another process may have made it.
            with self._database.reading() as session:
                row = session.get(S3ServiceKey, key_id)
                if row is not None:
                    found = self._ciphers[key_id] = AESGCM(bytes.fromhex(row.key))
        return found


def _bound(head: bytes, bucket: str, object_key: bytes) -> bytes:
    """Return an unambiguous encoding of a key's id and an object's place: no bucket has a zero byte in its name."""
    return head + bucket.encode() + b"\0" + object_key
