"""gzip: a file that holds one text."""

from __future__ import annotations

import zlib

from reading_room.analysis.readers.results import BROKEN, Limits, ReadError

_GZIP = 31
"""zlib's window for the format of gzip."""


def gunzip(content: bytes, limits: Limits) -> bytes:
    """Return what a file holds. Raise ``ReadError`` if it is damaged, or holds more than one text may have."""
    most = 4 * limits.text_characters
    found: list[bytes] = []
    size = 0
    while content:
        unpacking = zlib.decompressobj(_GZIP)
        try:
            piece = unpacking.decompress(content, most - size + 1)
        except zlib.error as error:
            raise ReadError(BROKEN, f"its gzip data is damaged: {error}") from None
        size += len(piece)
        if size > most:
            raise ReadError(BROKEN, f"it has more than {most:,} bytes when it is unpacked")
        if not unpacking.eof:
            raise ReadError(BROKEN, "its gzip data ends too early")
        found.append(piece)
        content = unpacking.unused_data.lstrip(b"\x00")
    return b"".join(found)
