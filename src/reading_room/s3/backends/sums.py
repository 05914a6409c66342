"""Checksums that verify the bytes of a blob at every read: one for each block, and one for these checksums.

A blob ends with a footer: the XXH3-64 of each ``BLOCK`` of its bytes, then the XXH3-128 of the blob's name, its size
and those checksums. So the checksums of its blocks verify a range, and the footer of another blob, or for another
size, is not valid. The checksums detect damage by a disk, a file system or a copy. They do not protect against anybody
who can write to the folder.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import xxhash

from reading_room.s3.blobs import SMALL, DamagedBlob

BLOCK = 128 * 1024
"""Bytes of a block, which has one checksum. The last block of a blob may be shorter."""
_SUM = 8
_SEAL = 16


def footer_size(size: int) -> int:
    """Return the bytes of the footer of a blob of ``size`` bytes."""
    return -(-size // BLOCK) * _SUM + _SEAL


class BlockSums:
    """The running checksums of a blob that is being written."""

    def __init__(self) -> None:
        self._sums = bytearray()
        self._running = xxhash.xxh3_64()
        self._room = BLOCK
        self._size = 0

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        view = memoryview(data)
        while view:
            piece = view[: self._room]
            self._running.update(piece)
            self._size += len(piece)
            self._room -= len(piece)
            if not self._room:
                self._end_block()
            view = view[len(piece) :]

    def footer(self, blob_id: str) -> bytes:
        """Return the footer. Must be called once, after the last bytes of the blob."""
        if self._room < BLOCK:
            self._end_block()
        return bytes(self._sums) + _seal(blob_id, self._size, self._sums)

    def _end_block(self) -> None:
        self._sums += self._running.digest()
        self._running.reset()
        self._room = BLOCK


def sums_of(footer: bytes, blob_id: str, size: int) -> bytes | None:
    """Return the checksums in a footer; ``None`` if it is not the footer of this blob."""
    sums = footer[:-_SEAL]
    return sums if footer[-_SEAL:] == _seal(blob_id, size, sums) else None


def agree(sums: bytes, first: int, blocks: bytes) -> bool:
    """Say whether the checksums are those of ``blocks``, which begin with block number ``first``."""
    view = memoryview(blocks)
    found = b"".join(xxhash.xxh3_64_digest(view[start : start + BLOCK]) for start in range(0, len(blocks), BLOCK))
    return found == sums[first * _SUM : first * _SUM + len(found)]


class SummedWriter(ABC):
    """A blob being written, with its checksums. Its bytes are stored once they are no longer small."""

    def __init__(self, blob_id: str) -> None:
        self.blob_id = blob_id
        self._sums = BlockSums()
        self._small: bytearray | None = bytearray()
        """All written bytes while none are stored."""
        self._taken = False

    def write(self, data: bytes) -> None:
        """Append bytes. Raises ``OSError``, for example if a disk is full, or ``StorageAway``."""
        self._sums.update(data)
        if self._small is not None and len(self._small) + len(data) <= SMALL:
            self._small += data
            return
        self._spill()
        self._append(data)

    def take_small(self) -> bytes | None:
        """Return all written bytes if they are small, and store nothing."""
        self._taken = self._small is not None
        return bytes(self._small) if self._small is not None else None

    def _spill(self) -> None:
        if self._small is not None:
            small, self._small = self._small, None
            self._append(small)

    @abstractmethod
    def _append(self, data: bytes | bytearray) -> None:
        """Store further bytes."""


class SummedBlob(ABC):
    """A blob being read whose bytes are verified by its checksums."""

    def __init__(self, blob_id: str, size: int) -> None:
        self.blob_id = blob_id
        self._size = size
        self._sums = b""

    def verify(self, footer: bytes) -> None:
        """Take the checksums from the bytes that follow the content. Raises ``DamagedBlob``."""
        sums = sums_of(footer, self.blob_id, self._size)
        if sums is None:
            raise DamagedBlob(self.blob_id, "does not end with its own checksums")
        self._sums = sums

    def read(self, start: int, length: int) -> bytes:
        """Return bytes, verified by the checksums of their blocks. Raises ``DamagedBlob``."""
        first, skip = divmod(start, BLOCK)
        end = self.block_end(start + length)
        blocks = self._bytes(first * BLOCK, end - first * BLOCK)
        if len(blocks) < skip + length or not agree(self._sums, first, blocks):
            raise DamagedBlob(self.blob_id, f"has changed between the bytes {first * BLOCK} and {end}")
        return blocks if len(blocks) == length else blocks[skip : skip + length]

    def block_end(self, position: int) -> int:
        """Return where the block of the byte before a position ends."""
        return min(-(-position // BLOCK) * BLOCK, self._size)

    @abstractmethod
    def _bytes(self, start: int, length: int) -> bytes:
        """Return stored bytes, or fewer if there are no more."""


def _seal(blob_id: str, size: int, sums: bytes | bytearray) -> bytes:
    return xxhash.xxh3_128_digest(b"%s:%d:" % (blob_id.encode(), size) + sums)
