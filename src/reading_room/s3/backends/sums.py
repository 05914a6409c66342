"""What verifies the bytes of a blob at every read: something for each block, and something for all of these.

A blob that is not encrypted ends with a footer: the XXH3-64 of each ``BLOCK`` of its bytes, then the XXH3-128 of the
blob's name, its size and those checksums. So the checksums of its blocks verify a range, and the footer of another
blob, or for another size, is not valid. These checksums detect damage by a disk, a file system or a copy. They do not
protect against anybody who can write to the folder.

An encrypted blob has as many bytes, and ends with the tags of its blocks and their end (``object_cipher.py``). Nobody
without the key can write one that is read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import xxhash

from reading_room.s3.blobs import SMALL, DamagedBlob
from reading_room.s3.object_cipher import TAG, BlobCipher, DataKey

BLOCK = 128 * 1024
"""Bytes of a block. The last block of a blob may be shorter."""
_SUM = 8
_SEAL = 16


class Blocks(Protocol):
    """How the blocks of a blob are stored and verified: in plain text or encrypted."""

    def take(self, data: bytes | bytearray) -> bytes | bytearray:
        """Take the next bytes of a blob that is being written, and return the next bytes to store."""
        ...

    def end(self) -> bytes:
        """Return what follows them. Must be called once, after the last bytes of the blob."""
        ...

    @staticmethod
    def footer_size(size: int) -> int:
        """Return the bytes of the footer of a blob of ``size`` bytes."""
        ...

    def accept(self, footer: bytes, size: int) -> bool:
        """Take the footer of a blob that is being read; ``False`` if it is not that of this blob."""
        ...

    def verified(self, first: int, stored: bytes) -> bytes | None:
        """Return the content of stored blocks, which begin with block number ``first``.

        ``None`` if they are not what was written.
        """
        ...


class PlainBlocks:
    """Blocks in plain text with their checksums."""

    def __init__(self, blob_id: str) -> None:
        self._blob_id = blob_id.encode()
        self._sums = bytearray()
        self._running = xxhash.xxh3_64()
        self._room = BLOCK
        self._size = 0

    def take(self, data: bytes | bytearray) -> bytes | bytearray:
        """Count the next bytes in, and return them."""
        view = memoryview(data)
        while view:
            piece = view[: self._room]
            self._running.update(piece)
            self._size += len(piece)
            self._room -= len(piece)
            if not self._room:
                self._end_block()
            view = view[len(piece) :]
        return data

    def _end_block(self) -> None:
        self._sums += self._running.digest()
        self._running.reset()
        self._room = BLOCK

    def end(self) -> bytes:
        """Return the footer."""
        if self._room < BLOCK:
            self._end_block()
        return bytes(self._sums) + self._seal(self._size, self._sums)

    @staticmethod
    def footer_size(size: int) -> int:
        """Return the bytes of the footer of a blob of ``size`` bytes."""
        return _blocks_in(size) * _SUM + _SEAL

    def accept(self, footer: bytes, size: int) -> bool:
        """Take the footer."""
        self._sums[:] = footer[:-_SEAL]
        return footer[-_SEAL:] == self._seal(size, self._sums)

    def verified(self, first: int, stored: bytes) -> bytes | None:
        """Compare the checksums, and return the same bytes."""
        view = memoryview(stored)
        found = b"".join(xxhash.xxh3_64_digest(view[start : start + BLOCK]) for start in range(0, len(stored), BLOCK))
        return stored if found == self._sums[first * _SUM : first * _SUM + len(found)] else None

    def _seal(self, size: int, sums: bytes | bytearray) -> bytes:
        return xxhash.xxh3_128_digest(b"%s:%d:" % (self._blob_id, size) + sums)


class SealedBlocks:
    """Encrypted blocks with their tags."""

    def __init__(self, cipher: BlobCipher) -> None:
        self._cipher = cipher
        self._block = bytearray()
        """The bytes of a block that is not complete yet."""
        self._tags = bytearray()
        self._size = 0

    def take(self, data: bytes | bytearray) -> bytes:
        """Return the next blocks that are complete, encrypted."""
        self._size += len(data)
        self._block += data
        whole = len(self._block) // BLOCK * BLOCK
        if not whole:
            return b""
        with memoryview(self._block) as view:
            sealed = b"".join(self._sealed(view[start : start + BLOCK]) for start in range(0, whole, BLOCK))
        del self._block[:whole]
        return sealed

    def _sealed(self, block: memoryview) -> memoryview:
        sealed = memoryview(self._cipher.seal(len(self._tags) // TAG, block))
        self._tags += sealed[-TAG:]
        return sealed[:-TAG]

    def end(self) -> bytes:
        """Return the last block and the footer."""
        with memoryview(self._block) as view:
            last = bytes(self._sealed(view)) if view else b""
        return last + bytes(self._tags) + self._cipher.seal_end(self._size, bytes(self._tags))

    @staticmethod
    def footer_size(size: int) -> int:
        """Return the bytes of the footer of a blob of ``size`` bytes."""
        return (_blocks_in(size) + 1) * TAG

    def accept(self, footer: bytes, size: int) -> bool:
        """Take the footer."""
        self._tags[:] = footer[:-TAG]
        return len(footer) == self.footer_size(size) and self._cipher.is_end(footer[-TAG:], size, bytes(self._tags))

    def verified(self, first: int, stored: bytes) -> bytes | None:
        """Decrypt the blocks."""
        blocks = []
        for number, start in enumerate(range(0, len(stored), BLOCK), first):
            tag = self._tags[number * TAG : (number + 1) * TAG]
            block = self._cipher.open(number, stored[start : start + BLOCK] + tag)
            if block is None:
                return None
            blocks.append(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def blocks_of(blob_id: str, key: DataKey | None) -> Blocks:
    """Return how the blocks of a blob are stored: encrypted if there is a key."""
    return PlainBlocks(blob_id) if key is None else SealedBlocks(key.of_blob(blob_id))


def stored_sizes(size: int) -> tuple[int, int]:
    """Return the bytes that a store has of a blob of ``size`` bytes, in plain text and encrypted."""
    return size + PlainBlocks.footer_size(size), size + SealedBlocks.footer_size(size)


def _blocks_in(size: int) -> int:
    return -(-size // BLOCK)


class SummedWriter(ABC):
    """A blob being written. Its bytes are stored once they are no longer small."""

    def __init__(self, blob_id: str, key: DataKey | None = None) -> None:
        self.blob_id = blob_id
        self._blocks = blocks_of(blob_id, key)
        self._small: bytearray | None = bytearray()
        """All written bytes while none are stored."""
        self._taken = False

    def write(self, data: bytes) -> None:
        """Append bytes. Raises ``OSError``, for example if a disk is full, or ``StorageAway``."""
        if self._small is not None and len(self._small) + len(data) <= SMALL:
            self._small += data
            return
        self._spill()
        self._take(data)

    def take_small(self) -> bytes | None:
        """Return all written bytes if they are small, and store nothing."""
        self._taken = self._small is not None
        return bytes(self._small) if self._small is not None else None

    def _spill(self) -> None:
        if self._small is not None:
            small, self._small = self._small, None
            self._take(small)

    def _take(self, data: bytes | bytearray) -> None:
        if stored := self._blocks.take(data):
            self._append(stored)

    def _finish(self) -> None:
        """Store what is left, and the footer."""
        self._spill()
        self._append(self._blocks.end())

    @abstractmethod
    def _append(self, data: bytes | bytearray) -> None:
        """Store further bytes."""


class SummedBlob(ABC):
    """A blob being read whose bytes are verified."""

    def __init__(self, blob_id: str, size: int, key: DataKey | None = None) -> None:
        self.blob_id = blob_id
        self._size = size
        self._blocks = blocks_of(blob_id, key)
        self._footer_size = self._blocks.footer_size(size)

    def verify(self, footer: bytes) -> None:
        """Take the bytes that follow the content. Raises ``DamagedBlob``."""
        if not self._blocks.accept(footer, self._size):
            raise DamagedBlob(self.blob_id, "does not end with its own checksums")

    def read(self, start: int, length: int) -> bytes:
        """Return bytes, verified with their blocks. Raises ``DamagedBlob``."""
        first, skip = divmod(start, BLOCK)
        end = self.block_end(start + length)
        stored = self._bytes(first * BLOCK, end - first * BLOCK)
        blocks = self._blocks.verified(first, stored) if len(stored) >= skip + length else None
        if blocks is None:
            raise DamagedBlob(self.blob_id, f"has changed between the bytes {first * BLOCK} and {end}")
        return blocks if len(blocks) == length else blocks[skip : skip + length]

    def block_end(self, position: int) -> int:
        """Return where the block of the byte before a position ends."""
        return min(-(-position // BLOCK) * BLOCK, self._size)

    @abstractmethod
    def _bytes(self, start: int, length: int) -> bytes:
        """Return stored bytes, or fewer if there are no more."""
