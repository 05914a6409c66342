"""Where bytes lie: blobs with random names, written once, read often, never changed.

An object's row names its blobs; a blob that no row names is rubbish, so a write is done when its row is committed and
undone by forgetting the blob.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from typing import Protocol

WITH_ITS_ROW = ""
"""The blob of a segment whose bytes lie in the object's row."""
SMALL = 16 * 1024
"""Bytes that an object may have to lie in its row: one commit is one sync, where a file of its own takes three."""


class DamagedBlob(Exception):
    """A blob does not hold the bytes that were written, or not all, or is not there."""

    def __init__(self, blob: str, how: str) -> None:
        super().__init__(
            f"blob {blob} {how}: its object cannot be read; restore it from a backup, or write the object again"
        )


def new_blob_id() -> str:
    """Return a new blob's name: 32 hexadecimal digits, and nothing of any key."""
    return secrets.token_hex(16)


class BlobWriter(Protocol):
    """A blob being written. Either ``seal`` or ``discard`` ends it."""

    blob_id: str

    def write(self, data: bytes) -> None:
        """Append bytes."""
        ...

    def take_small(self) -> bytes | None:
        """Return all that was written, if that is at most ``SMALL`` bytes and the store would rather not keep it.

        It is then for the caller to keep, in the row of the object, and ``seal`` has nothing left to do.
        """
        ...

    def seal(self) -> None:
        """Make the blob durable and readable: when this returns it survives the machine's sudden end."""
        ...

    def discard(self) -> None:
        """Forget what was written; also after ``seal``."""
        ...


class BlobReader(Protocol):
    """A sealed blob being read."""

    def read(self, start: int, length: int) -> bytes:
        """Return bytes of the blob, verified. Raises ``DamagedBlob``, and never returns other bytes or fewer."""
        ...

    def close(self) -> None:
        """Let go of the blob."""
        ...


class BlobStore(Protocol):
    """A place for blobs."""

    def create(self) -> BlobWriter:
        """Begin a new blob."""
        ...

    def open(self, blob_id: str, size: int) -> BlobReader:
        """Open a sealed blob of so many bytes for reading. Raises ``DamagedBlob`` when there is no such blob."""
        ...

    def delete(self, blob_ids: Iterable[str]) -> None:
        """Remove blobs; those that are not there are passed over."""
        ...

    def sweep(self, wanted: Collection[str]) -> int:
        """Remove every blob and unfinished write but the wanted ones; return how many. Only while nobody writes."""
        ...


class Leases:
    """Keeps blobs alive that are being read while their object is replaced or deleted.

    A reader takes its lease under ``lock`` together with reading the row; a writer discards after its commit. So a
    reader sees either the new row, or a lease that the discard respects.
    """

    def __init__(self, store: BlobStore) -> None:
        self.lock = threading.Lock()
        self._store = store
        self._held: Counter[str] = Counter()
        self._doomed: set[str] = set()

    def hold(self, blob_ids: Iterable[str]) -> None:
        """Take a lease on each blob; to be called under ``lock``."""
        self._held.update(blob_ids)

    def release(self, blob_ids: Collection[str]) -> None:
        """Give leases back and delete what was discarded meanwhile."""
        with self.lock:
            self._held.subtract(blob_ids)
            free = [b for b in blob_ids if self._held[b] <= 0]
            for blob_id in free:
                del self._held[blob_id]
            gone = self._doomed.intersection(free)
            self._doomed -= gone
        self._store.delete(gone)

    def discard(self, blob_ids: Collection[str]) -> None:
        """Delete blobs that no row names any more, now or when their last reader is done."""
        if not blob_ids:
            return
        with self.lock:
            kept = {b for b in blob_ids if self._held[b] > 0}
            self._doomed |= kept
        self._store.delete(b for b in blob_ids if b not in kept)


Segments = list[tuple[str, int]]
"""Blobs and their sizes in bytes, in order."""


def read_segments(store: BlobStore, segments: Segments, start: int, length: int, piece: int) -> Iterator[bytes]:
    """Yield ``length`` verified bytes from ``start`` on, at most ``piece`` at once. Raises ``DamagedBlob``."""
    offset = 0
    for blob_id, size in segments:
        if length <= 0:
            return
        skip = max(start - offset, 0)
        offset += size
        if skip >= size:
            continue
        end = min(size, skip + length)
        length -= end - skip
        with closing(store.open(blob_id, size)) as blob:
            while skip < end:
                # Pieces end where blocks do, so that no block is read and verified twice.
                stop = min(skip - skip % piece + piece, end)
                yield blob.read(skip, stop - skip)
                skip = stop
