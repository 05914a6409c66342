"""The encryption of stored objects: AES-256-GCM (NIST SP 800-38D) with a random key for each object.

The bytes of an object are in one or several blobs, or in its row. Each of these has a key of its own, which HMAC-SHA256
derives from the object's, and is encrypted in blocks, so that a range can be read without the rest. A block's number is
its nonce: no key ever encrypts two blocks with one number. The tags of all blocks, and the size, are authenticated
once more together, so blocks cannot be left out, exchanged, or moved to another blob.
"""

from __future__ import annotations

import hmac
import secrets
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
TAG = 16
"""Bytes of a tag."""
_NONCE = 12
_END = b"\xff" * _NONCE
"""The nonce of the tag over all tags. Blocks have numbers far below it."""
_IN_ROW = "row"
"""The name of an object's bytes in its row, which no blob has."""


class DataKey:
    """The key of one object."""

    def __init__(self, key: bytes) -> None:
        """``key`` has ``KEY_BYTES``."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes, not {len(key)}")
        self.key = key

    @classmethod
    def fresh(cls) -> DataKey:
        """Return a random key."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def of_blob(self, blob_id: str) -> BlobCipher:
        """Return the cipher of a blob."""
        return BlobCipher(hmac.digest(self.key, blob_id.encode(), "sha256"))

    def seal_row(self, content: bytes) -> bytes:
        """Encrypt the content that is stored in the object's row."""
        return self._of_row.seal(0, content)

    def open_row(self, sealed: bytes) -> bytes | None:
        """Return what ``seal_row`` encrypted; ``None`` if the bytes are not those of this key."""
        return self._of_row.open(0, sealed)

    @cached_property
    def _of_row(self) -> BlobCipher:
        return self.of_blob(_IN_ROW)


class BlobCipher:
    """Encrypts and decrypts the blocks of one blob."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, number: int, block: bytes | memoryview) -> bytes:
        """Return the block of a number encrypted, followed by its tag."""
        return self._cipher.encrypt(number.to_bytes(_NONCE), block, None)

    def open(self, number: int, sealed: bytes | bytearray) -> bytes | None:
        """Return the block that ``seal`` encrypted; ``None`` if the bytes are not those of this number and blob."""
        try:
            return self._cipher.decrypt(number.to_bytes(_NONCE), sealed, None)
        except InvalidTag:
            return None

    def seal_end(self, size: int, tags: bytes) -> bytes:
        """Return the tag over the size of a blob in bytes and the tags of all of its blocks."""
        return self._cipher.encrypt(_END, b"", _ended(size, tags))

    def is_end(self, end: bytes, size: int, tags: bytes) -> bool:
        """Say whether ``seal_end`` returned this for the size and the tags."""
        try:
            return len(end) == TAG and self._cipher.decrypt(_END, end, _ended(size, tags)) == b""
        except InvalidTag:
            return False


def _ended(size: int, tags: bytes) -> bytes:
    return size.to_bytes(8) + tags
