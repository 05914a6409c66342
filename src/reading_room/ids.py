"""Identifiers in AWS's formats: random, or the same ones in every run of a test."""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
import threading
import uuid
from collections import Counter

_UPPER = string.ascii_uppercase + "234567"
_LOWER = string.ascii_lowercase + "234567"


class _Seeded:
    """Bytes that depend only on a seed, on what they are for, and on how many others were for the same."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def bytes(self, kind: str, count: int) -> bytes:
        """Return the next bytes of a kind."""
        with self._lock:
            number = self._counts[kind]
            self._counts[kind] += 1
        return hashlib.shake_256(f"{self._seed}\0{kind}\0{number}".encode()).digest(count)


_seeded: _Seeded | None = None


def seed(text: str) -> None:
    """Derive all further identifiers of this process from a text. For tests; secrets stay random."""
    global _seeded
    _seeded = _Seeded(text)


def id_bytes(kind: str, count: int) -> bytes:
    """Return bytes for an identifier of a kind. They are no secret."""
    return secrets.token_bytes(count) if _seeded is None else _seeded.bytes(kind, count)


def resource_id(prefix: str) -> str:
    """Return a new EC2 identifier, for example ``vpc-0123456789abcdef0`` for the prefix ``vpc``."""
    return f"{prefix}-0{id_bytes(prefix, 8).hex()}"


def iam_unique_id(prefix: str) -> str:
    """Return a new IAM unique id of 21 characters, for example ``AROA…`` for the prefix ``AROA``."""
    return prefix + _letters(prefix, 17, _UPPER)


def organizations_id(prefix: str, count: int) -> str:
    """Return a new id of AWS Organizations, for example ``o-`` and ten lower-case letters and digits."""
    return prefix + _letters(prefix, count, _LOWER)


def access_key_id(prefix: str) -> str:
    """Return a new access key id of 20 characters, for example ``AKIA…`` for the prefix ``AKIA``."""
    return prefix + _letters(prefix, 16, _UPPER)


def job_id() -> str:
    """Return a new Comprehend job id: 32 lower-case hexadecimal digits."""
    return id_bytes("job", 16).hex()


def request_id() -> str:
    """Return a new AWS request id: a UUID."""
    return unique_id("request")


def unique_id(kind: str) -> str:
    """Return a new UUID of version 4 for something of a kind."""
    return str(uuid.UUID(bytes=id_bytes(kind, 16), version=4))


def account_number() -> str:
    """Return a new account number: 12 digits."""
    return f"{int.from_bytes(id_bytes('account', 8)) % 10**12:012}"


def dns_label() -> str:
    """Return a new label of eight characters for the names of an interface endpoint."""
    return _letters("dns-label", 8, _LOWER)


def upload_id() -> str:
    """Return a new id of 64 characters for a multipart upload."""
    return base64.urlsafe_b64encode(id_bytes("upload", 48)).decode()


def _letters(kind: str, count: int, alphabet: str) -> str:
    """Return letters of an alphabet of 32."""
    return "".join(alphabet[byte % 32] for byte in id_bytes(kind, count))
