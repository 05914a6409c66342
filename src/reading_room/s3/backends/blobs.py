"""Where bytes lie: blobs with random names, written once, read often, never changed.

An object's row names its blobs; a blob that no row names is rubbish, so a write is done when its row is committed and
undone by forgetting the blob.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import BinaryIO, Protocol


def new_blob_id() -> str:
    """Return a new blob's name: 32 hexadecimal digits, and nothing of any key."""
    return secrets.token_hex(16)


class BlobWriter(Protocol):
    """A blob being written. Either ``seal`` or ``discard`` ends it."""

    blob_id: str

    def write(self, data: bytes) -> None:
        """Append bytes."""
        ...

    def seal(self) -> None:
        """Make the blob durable and readable: when this returns it survives the machine's sudden end."""
        ...

    def discard(self) -> None:
        """Forget what was written; also after ``seal``."""
        ...


class BlobStore(Protocol):
    """A place for blobs."""

    def create(self) -> BlobWriter:
        """Begin a new blob."""
        ...

    def open(self, blob_id: str) -> BinaryIO:
        """Open a sealed blob for reading. Raises ``FileNotFoundError``."""
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
    """Yield ``length`` bytes from ``start`` on, at most ``piece`` at once. Raises ``OSError`` when some lack."""
    offset = 0
    for blob_id, size in segments:
        if length <= 0:
            return
        skip = max(start - offset, 0)
        offset += size
        if skip >= size:
            continue
        with store.open(blob_id) as file:
            file.seek(skip)
            left = min(size - skip, length)
            while left:
                data = file.read(min(piece, left))
                if not data:
                    raise OSError(f"blob {blob_id} is shorter than the {size} bytes that its row says")
                left -= len(data)
                length -= len(data)
                start += len(data)
                yield data
