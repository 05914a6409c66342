"""Sealing: secrets are stored encrypted with the installation's root key, each bound to the place where it is stored.

AES-256-GCM (NIST SP 800-38D) with a key derived from the root key (HKDF, RFC 5869). Sealed data contains an id of the
root key, so that the key can be replaced later. Its place, for example table, column and row, is authenticated too, so
data that was moved to another place cannot be unsealed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

KEY_BYTES = 32
"""Length of a root key."""
_FORM = b"\x01"
"""The first byte: the format of the rest."""
_ID_BYTES = 8
_NONCE_BYTES = 12
_HEAD = len(_FORM) + _ID_BYTES


class SealBroken(Exception):
    """Data cannot be unsealed: it was changed, moved from another place, or sealed with another root key."""

    def __init__(self, place: tuple[str, ...]) -> None:
        super().__init__(
            f"{' '.join(place)} cannot be unsealed: it was changed, moved there from another place, or sealed with "
            "another root key; restore it from a backup"
        )


class Sealer:
    """Seals and unseals with one root key. Thread-safe."""

    def __init__(self, root_key: bytes) -> None:
        """``root_key`` has ``KEY_BYTES``."""
        if len(root_key) != KEY_BYTES:
            raise ValueError(f"a root key has {KEY_BYTES} bytes, not {len(root_key)}")
        # Imported here because many commands open a database, but few of them seal or unseal.
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        # The digest of a random key of this length reveals nothing about it.
        self.key_id = hashlib.sha256(b"reading-room root key\0" + root_key).digest()[:_ID_BYTES]
        """Identifies the root key."""
        self._refused = InvalidTag
        self._cipher = AESGCM(HKDF(SHA256(), KEY_BYTES, None, b"reading-room sealing 1").derive(root_key))

    @classmethod
    def of_the_moment(cls) -> Sealer:
        """Return a sealer with a random key, for data that does not outlive this process."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def seal(self, content: bytes, *place: str) -> bytes:
        """Return content sealed for a place."""
        head, nonce = _FORM + self.key_id, secrets.token_bytes(_NONCE_BYTES)
        return head + nonce + self._cipher.encrypt(nonce, content, head + _bound(place))

    def unseal(self, sealed: bytes, *place: str) -> bytes:
        """Return what was sealed for a place. Raises ``SealBroken``."""
        head, nonce = sealed[:_HEAD], sealed[_HEAD : _HEAD + _NONCE_BYTES]
        if head != _FORM + self.key_id or len(nonce) != _NONCE_BYTES:
            raise SealBroken(place)
        try:
            return self._cipher.decrypt(nonce, sealed[_HEAD + _NONCE_BYTES :], head + _bound(place))
        except self._refused:
            raise SealBroken(place) from None


class SealedFile:
    """A sealed private file (mode 0600), replaced atomically. ``name`` is the place that its content is bound to."""

    def __init__(self, sealer: Sealer, path: Path, name: str) -> None:
        self._sealer = sealer
        self._place = ("the file", name)
        self.path = path

    def read(self) -> bytes:
        """Return the content. Raises ``FileNotFoundError``, ``SealBroken``."""
        return self._sealer.unseal(self.path.read_bytes(), *self._place)

    def write(self, content: bytes) -> None:
        """Replace the content."""
        write_file(self.path, self._sealer.seal(content, *self._place), 0o600)

    def seal_what_is_plain(self) -> None:
        """Seal the file if an earlier version wrote it in plain text; its bytes on the disk are overwritten."""
        try:
            with self.path.open("r+b") as file:
                content = file.read()
                try:
                    self._sealer.unseal(content, *self._place)
                except SealBroken:
                    self.write(content)
                    file.seek(0)
                    file.write(bytes(len(content)))
                    file.flush()
                    os.fsync(file.fileno())
        except FileNotFoundError:
            pass


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file atomically, with its mode set from the beginning."""
    temporary = path.with_suffix(path.suffix + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def _bound(place: tuple[str, ...]) -> bytes:
    """Return an unambiguous encoding of a place."""
    return b"".join(len(part).to_bytes(4) + part for part in (each.encode() for each in place))
