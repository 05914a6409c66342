"""The size of images (PNG, JPEG, TIFF), read from their headers before anything unpacks them."""

from __future__ import annotations

import struct

from reading_room.analysis.readers.results import BROKEN, Limits, ReadError, too_many_pages

_SIZES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
"""The markers of JPEG that begin a frame, with its size."""
_WIDTH, _HEIGHT = 256, 257
_TYPES = {1: "B", 3: "H", 4: "I"}


def check_image(content: bytes, limits: Limits) -> int:
    """Return how many pages an image has. Raise ``ReadError`` if it is broken or too large."""
    try:
        sizes = _sizes(content, limits)
    except (struct.error, IndexError):
        raise ReadError(BROKEN, "its image data ends too early") from None
    for width, height in sizes:
        if not width or not height:
            raise ReadError(BROKEN, "it is an image without pixels")
        if width * height > limits.pixels:
            size = f"{width:,} x {height:,} pixels"
            raise ReadError(BROKEN, f"it has {size}; {limits.pixels // 1_000_000} million are read")
    return len(sizes)


def _sizes(content: bytes, limits: Limits) -> list[tuple[int, int]]:
    if content.startswith(b"\x89PNG"):
        return [struct.unpack_from(">II", content, 16)]
    if content.startswith(b"\xff\xd8"):
        return [_jpeg(content)]
    return _tiff(content, limits)


def _jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if content[at] != 0xFF:
            raise ReadError(BROKEN, "its JPEG data is damaged")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _SIZES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        if marker in (0xD9, 0xDA):
            raise ReadError(BROKEN, "it is a JPEG image without a size")
        at += 2 + struct.unpack_from(">H", content, at + 2)[0]


def _tiff(content: bytes, limits: Limits) -> list[tuple[int, int]]:
    order = "<" if content[:2] == b"II" else ">"
    found: list[tuple[int, int]] = []
    at = struct.unpack_from(f"{order}I", content, 4)[0]
    seen: set[int] = set()
    while at:
        if at in seen:
            raise ReadError(BROKEN, "its pages form a circle")
        seen.add(at)
        if len(found) == limits.ocr_pages:
            raise too_many_pages(limits)
        size = {_WIDTH: 0, _HEIGHT: 0}
        count = struct.unpack_from(f"{order}H", content, at)[0]
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", content, entry)
            if tag in size and kind in _TYPES:
                size[tag] = struct.unpack_from(f"{order}{_TYPES[kind]}", content, entry + 8)[0]
        found.append((size[_WIDTH], size[_HEIGHT]))
        at = struct.unpack_from(f"{order}I", content, at + 2 + 12 * count)[0]
    return found
