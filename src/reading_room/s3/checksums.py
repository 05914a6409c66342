"""Checksums of objects: S3's algorithms, their base64 form, and the checksum of an object from those of its parts."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import anycrc
import xxhash

ALGORITHMS: Final = (
    "CRC32",
    "CRC32C",
    "CRC64NVME",
    "SHA1",
    "SHA256",
    "SHA512",
    "MD5",
    "XXHASH64",
    "XXHASH3",
    "XXHASH128",
)
FULL_OBJECT: Final = "FULL_OBJECT"
COMPOSITE: Final = "COMPOSITE"

_CRC_MODELS: Mapping[str, Any] = {
    "CRC32": anycrc.Model("CRC32"),
    "CRC32C": anycrc.Model("CRC32-ISCSI"),
    "CRC64NVME": anycrc.Model("CRC64-NVME"),
}
_BYTES = {
    "CRC32": 4,
    "CRC32C": 4,
    "CRC64NVME": 8,
    "SHA1": 20,
    "SHA256": 32,
    "SHA512": 64,
    "MD5": 16,
    "XXHASH64": 8,
    "XXHASH3": 8,
    "XXHASH128": 16,
}


class Hash(Protocol):
    """A running checksum."""

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""
        ...

    def digest(self) -> bytes:
        """Return the checksum of all bytes so far."""
        ...


_XXHASHES: Mapping[str, Callable[[], Hash]] = {
    "XXHASH64": xxhash.xxh64,
    "XXHASH3": xxhash.xxh3_64,
    "XXHASH128": xxhash.xxh3_128,
}


class _Crc:
    def __init__(self, algorithm: str) -> None:
        self._size = _BYTES[algorithm]
        model = _CRC_MODELS[algorithm]
        # CRC32 is zlib's, which releases the interpreter lock while it runs.
        self._advance: Callable[[bytes, int], int] = zlib.crc32 if algorithm == "CRC32" else model.calc
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._advance(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def new_hash(algorithm: str) -> Hash:
    """Return a running checksum for one of ``ALGORITHMS``."""
    if algorithm in _CRC_MODELS:
        return _Crc(algorithm)
    if algorithm in _XXHASHES:
        return _XXHASHES[algorithm]()
    return hashlib.new(algorithm.lower(), usedforsecurity=algorithm.startswith("SHA") and algorithm != "SHA1")


def encode(digest: bytes) -> str:
    """Return a digest as S3 writes it in headers."""
    return base64.b64encode(digest).decode("ascii")


def is_well_formed(algorithm: str, text: str) -> bool:
    """Say whether ``text`` is the base64 of a digest of the algorithm's length."""
    try:
        return len(base64.b64decode(text, validate=True)) == _BYTES[algorithm]
    except ValueError:
        return False


@dataclass(slots=True)
class Digests:
    """Size, MD5 and SHA-256 of a stream of bytes, and the checksums of further algorithms."""

    algorithms: Sequence[str] = ()
    size: int = 0
    _hashes: dict[str, Hash] = field(init=False)

    def __post_init__(self) -> None:
        names = dict.fromkeys(("MD5", "SHA256", *self.algorithms))
        self._hashes = {name: new_hash(name) for name in names}

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self.update_all_but_md5(data)
        self.update_md5(data)

    def update_all_but_md5(self, data: bytes) -> None:
        """Add the next bytes to the size and to every hash but the slowest."""
        self.size += len(data)
        for name, running in self._hashes.items():
            if name != "MD5":
                running.update(data)

    def update_md5(self, data: bytes) -> None:
        """Add the next bytes to the slowest hash, perhaps in another thread."""
        self._hashes["MD5"].update(data)

    def digest(self, algorithm: str) -> bytes:
        """Return the digest of one of the further algorithms, of ``MD5`` or of ``SHA256``."""
        return self._hashes[algorithm].digest()

    @property
    def etag(self) -> str:
        """The ETag of a plain object, without quotes."""
        return self.digest("MD5").hex()

    @property
    def sha256(self) -> str:
        """The SHA-256 in hexadecimal."""
        return self.digest("SHA256").hex()


def of_full_object(digests: Digests, algorithm: str) -> dict[str, str]:
    """Return the checksum of a whole object as its row stores it."""
    return {"algorithm": algorithm, "value": encode(digests.digest(algorithm)), "type": FULL_OBJECT}


def composite(algorithm: str, parts: Sequence[str]) -> str:
    """Return the composite checksum of a multipart object, ``BASE64-N``; ``parts`` are base64."""
    running = new_hash(algorithm)
    running.update(b"".join(map(base64.b64decode, parts)))
    return f"{encode(running.digest())}-{len(parts)}"


def combined(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """Return the CRC of the whole from those of its parts (base64 and size in bytes), without reading the bytes."""
    model = _CRC_MODELS[algorithm]
    value = 0
    for text, size in parts:
        value = model.combine(value, int.from_bytes(base64.b64decode(text), "big"), size)
    return encode(value.to_bytes(_BYTES[algorithm], "big"))
