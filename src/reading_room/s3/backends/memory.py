"""The blob store in memory, for tests and for trials of the product without a disk."""

from __future__ import annotations

from collections.abc import Iterable

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.blobs import DamagedBlob, new_blob_id, new_owner
from reading_room.s3.lifecycle_rules import DAY_SECONDS
from reading_room.s3.object_cipher import DataKey
from reading_room.s3.space import SpaceLimits


class MemoryBlobWriter:
    """A blob being written to a list of pieces."""

    def __init__(self, store: MemoryBlobStore) -> None:
        self.blob_id = new_blob_id(store.owner)
        self._store = store
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._pieces.append(data)

    def take_small(self) -> None:
        """Leave nothing to the caller, because memory needs no sync."""

    def seal(self) -> None:
        """Make the blob readable."""
        self._store.blobs[self.blob_id] = b"".join(self._pieces)

    def discard(self) -> None:
        """Delete the blob."""
        self._store.blobs.pop(self.blob_id, None)


class MemoryBlobReader:
    """A blob being read from memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, start: int, length: int) -> bytes:
        """Return bytes."""
        return self._data[start : start + length]

    def close(self) -> None:
        """Do nothing."""


class MemoryBlobStore:
    """Blobs in a dictionary, which ends with the process."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.owner = new_owner()

    def create(self, key: DataKey | None = None) -> MemoryBlobWriter:
        """Begin a new blob. Memory is not encrypted."""
        return MemoryBlobWriter(self)

    def open(self, blob_id: str, size: int, end: int | None = None, key: DataKey | None = None) -> MemoryBlobReader:
        """Open a sealed blob of ``size`` bytes. Raises ``DamagedBlob``."""
        data = self.blobs.get(blob_id)
        if data is None or len(data) != size:
            raise DamagedBlob(blob_id, "is not there")
        return MemoryBlobReader(data)

    def delete(self, blob_ids: Iterable[str]) -> None:
        """Remove blobs."""
        for blob_id in blob_ids:
            self.blobs.pop(blob_id, None)

    def sealed(self) -> list[str]:
        """Return the ids of all sealed blobs."""
        return list(self.blobs)

    def unfinished(self) -> list[str]:
        """Return nothing, because the bytes of unfinished blobs belong to their writers."""
        return []

    def discard_unfinished(self, blob_ids: Iterable[str]) -> None:
        """Do nothing."""


def memory_backend(
    database: Database, region: str, clock: Clock, limits: SpaceLimits = SpaceLimits(), day: float = DAY_SECONDS
) -> EmbeddedBackend:
    """Return a backend whose bytes are in memory and whose rows are in ``database``."""
    return EmbeddedBackend(database, MemoryBlobStore(), region, clock, limits, day=day)
