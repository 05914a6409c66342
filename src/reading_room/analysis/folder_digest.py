"""The digest of a folder of objects: what a worker says of its output, and the service computes again.

It is the sum of a SHA-256 for each object, so it does not depend on the order in which objects are added, and a folder
of a million objects takes no memory.
"""

from __future__ import annotations

import hashlib
import json

_MODULUS = 1 << 256


class FolderDigest:
    """Adds up objects. ``size`` is that of all of them in bytes, and ``objects`` their number."""

    def __init__(self) -> None:
        self.size = 0
        self.objects = 0
        self._sum = 0

    def add(self, name: str, size: int, sha256: str) -> None:
        """Add an object: its name within the folder, its size in bytes, and its SHA-256 in hexadecimal."""
        text = json.dumps([name, size, sha256.lower()])
        self._sum = (self._sum + int.from_bytes(hashlib.sha256(text.encode()).digest())) % _MODULUS
        self.size += size
        self.objects += 1

    def hexdigest(self) -> str:
        """Return the digest as 64 hexadecimal digits, all zero for an empty folder."""
        return f"{self._sum:064x}"
