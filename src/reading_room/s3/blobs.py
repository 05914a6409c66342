"""Blobs, which hold the bytes: they have random names, are written once, read often, and never changed.

The row of an object names its blobs. A blob that no row names is garbage. So a write succeeds when its row is
committed, and deleting the blob undoes it.
"""

from __future__ import annotations

import errno
import secrets
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from reading_room.s3.object_cipher import DataKey

WITH_ITS_ROW = ""
"""The blob name of a segment whose bytes are in the object's row."""
SMALL = 16 * 1024
"""Bytes up to which an object is stored in its row. That takes the one sync of the commit; a file takes three."""


class DamagedBlob(Exception):
    """A blob is missing, incomplete, or does not have the bytes that were written."""

    def __init__(self, blob: str, how: str) -> None:
        super().__init__(
            f"blob {blob} {how}: its object cannot be read; restore it from a backup, or write the object again"
        )


OWNER_DIGITS = 12
"""The digits at the end of a blob's name that name the process that wrote it."""
_DIGITS = 32


def new_owner() -> str:
    """Return a name for a process that writes blobs."""
    return secrets.token_hex(OWNER_DIGITS // 2)


def new_blob_id(owner: str) -> str:
    """Return a name for a new blob of a process: 32 hexadecimal digits, which do not depend on a key.

    The first 20 are random.
    """
    return secrets.token_hex((_DIGITS - OWNER_DIGITS) // 2) + owner


def owner_of(blob_id: str) -> str:
    """Return the name of the process that wrote a blob. Blobs of earlier versions have random digits there."""
    return blob_id[-OWNER_DIGITS:]


class StorageAway(OSError):
    """The store of the blobs cannot be used for now. Clients get an error that they retry.

    ``refused`` says whether the store answered, and denied the request.
    """

    def __init__(self, message: str, refused: bool = False) -> None:
        super().__init__(errno.EAGAIN, message)
        self.refused = refused

    def __str__(self) -> str:
        return str(self.strerror)


class BlobWriter(Protocol):
    """A blob being written. ``seal`` or ``discard`` ends the write."""

    blob_id: str

    def write(self, data: bytes) -> None:
        """Append bytes."""
        ...

    def take_small(self) -> bytes | None:
        """Return all written bytes if they are at most ``SMALL`` and the store leaves such blobs to the caller.

        The caller then stores the bytes in the row of the object, and ``seal`` has nothing left to do.
        """
        ...

    def seal(self) -> None:
        """Make the blob durable and readable. Once this has returned, the blob survives a crash of the machine."""
        ...

    def discard(self) -> None:
        """Delete what was written, also after ``seal``."""
        ...


class BlobReader(Protocol):
    """A sealed blob being read."""

    def read(self, start: int, length: int) -> bytes:
        """Return verified bytes of the blob. Raises ``DamagedBlob``, and never returns wrong or too few bytes."""
        ...

    def close(self) -> None:
        """Release the blob."""
        ...


class BlobStore(Protocol):
    """A place for blobs."""

    def create(self, key: DataKey | None = None) -> BlobWriter:
        """Begin a new blob, which is encrypted if there is a ``key``."""
        ...

    def open(self, blob_id: str, size: int, end: int | None = None, key: DataKey | None = None) -> BlobReader:
        """Open a sealed blob of ``size`` bytes for reading, up to the byte ``end``.

        ``key`` is the one that it was begun with. Raises ``DamagedBlob`` if it is missing, or is not a blob of the key.
        """
        ...

    def delete(self, blob_ids: Iterable[str]) -> None:
        """Remove blobs. Missing ones are ignored."""
        ...

    def sealed(self) -> list[str]:
        """Return the ids of all sealed blobs."""
        ...

    def unfinished(self) -> list[str]:
        """Return the ids of blobs that some process is writing, or was when it ended."""
        ...

    def discard_unfinished(self, blob_ids: Iterable[str]) -> None:
        """Delete what was written of blobs that no process writes any more."""
        ...


class Leases:
    """Keeps blobs alive that are being read while their object is replaced or deleted.

    A reader reads the row and takes its lease under ``lock``. A writer discards after its commit. So a reader either
    sees the new row, or has a lease that the discard respects.
    """

    def __init__(self, store: BlobStore) -> None:
        self.lock = threading.Lock()
        self._store = store
        self._held: Counter[str] = Counter()
        self._doomed: set[str] = set()

    def all_deleted(self) -> bool:
        """Say whether no blob waits for its last reader to be deleted."""
        with self.lock:
            return not self._doomed

    def hold(self, blob_ids: Iterable[str]) -> None:
        """Take a lease on each blob. Must be called under ``lock``."""
        self._held.update(blob_ids)

    def release(self, blob_ids: Collection[str]) -> None:
        """Give leases back, and delete the blobs that were discarded meanwhile."""
        with self.lock:
            self._held.subtract(blob_ids)
            free = [b for b in blob_ids if self._held[b] <= 0]
            for blob_id in free:
                del self._held[blob_id]
            freed = self._doomed.intersection(free)
            self._doomed -= freed
        self._store.delete(freed)

    def discard(self, blob_ids: Collection[str]) -> None:
        """Delete blobs that no row names any more, now or once their last reader is done."""
        if not blob_ids:
            return
        with self.lock:
            kept = {b for b in blob_ids if self._held[b] > 0}
            self._doomed |= kept
        self._store.delete(b for b in blob_ids if b not in kept)


Segments = list[tuple[str, int]]
"""Blobs and their sizes in bytes, in order."""


def read_segments(
    store: BlobStore, segments: Segments, start: int, length: int, piece: int, key: DataKey | None = None
) -> Iterator[bytes]:
    """Yield ``length`` verified bytes from ``start`` on, in pieces of at most ``piece``. Raises ``DamagedBlob``."""
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
        with closing(store.open(blob_id, size, end, key)) as blob:
            while skip < end:
                # Pieces end at the end of a block, so that no block is read and verified twice.
                stop = min(skip - skip % piece + piece, end)
                yield blob.read(skip, stop - skip)
                skip = stop


def blob_names(segments: Iterable[Sequence[Any]] | None) -> list[str]:
    """Return the names of the blobs in stored segments. Content that is stored in the row has none."""
    return [blob for blob, _ in segments or () if blob != WITH_ITS_ROW]
