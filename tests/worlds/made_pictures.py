"""Images with lines of text, in the formats that OCR reads. Each format is written here, by its specification."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tests.worlds import made_documents as made

DOTS = 200
"""Dots per inch: what scanners usually make of a page."""


class Pixels(NamedTuple):
    """A grey image: a byte for each pixel, row after row."""

    width: int
    height: int
    rows: bytes


def page_of(lines: Sequence[str], inches: float = 11.0) -> Pixels:
    """Return the top of a letter page with lines of text, as a scanner sees it."""
    import pypdfium2

    with pypdfium2.PdfDocument(made.pdf([lines])) as document:
        bitmap = document[0].render(scale=DOTS / 72, grayscale=True)
        data, height = bytes(bitmap.buffer), min(bitmap.height, round(inches * DOTS))
        rows = b"".join(data[n * bitmap.stride : n * bitmap.stride + bitmap.width] for n in range(height))
        return Pixels(bitmap.width, height, rows)


def png(page: Pixels) -> bytes:
    """Return a page as PNG."""
    return made.png(*page)


def scanned_pdf(pages: Sequence[Pixels]) -> bytes:
    """Return a PDF whose pages are images."""
    kids = " ".join(f"{3 + 3 * number} 0 R" for number in range(len(pages)))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>"]
    for number, page in enumerate(pages):
        this, packed = 3 + 3 * number, zlib.compress(page.rows).hex() + ">"
        tall = 612 * page.height / page.width
        shown = f"q 612 0 0 {tall:.2f} 0 0 cm /Im1 Do Q\n"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 {tall:.2f}] "
            f"/Resources << /XObject << /Im1 {this + 1} 0 R >> >> /Contents {this + 2} 0 R >>",
            f"<< /Type /XObject /Subtype /Image /Width {page.width} /Height {page.height} /ColorSpace /DeviceGray "
            f"/BitsPerComponent 8 /Filter [/ASCIIHexDecode /FlateDecode] /Length {len(packed)} >>\n"
            f"stream\n{packed}\nendstream",
            f"<< /Length {len(shown)} >>\nstream\n{shown}endstream",
        ]
    return made.file_of(objects)


def tiff(pages: Sequence[Pixels]) -> bytes:
    """Return a TIFF of several pages, without compression (TIFF 6.0)."""
    found = bytearray(b"II*\x00\x00\x00\x00\x00")
    link = 4
    for page in pages:
        strip = len(found)
        found += page.rows + bytes(len(page.rows) % 2)
        at = len(found)
        struct.pack_into("<I", found, link, at)
        # Width, height, bits, no compression, black is 0, where the pixels are, grey, rows in the strip, their bytes.
        entries = ((256, page.width), (257, page.height), (258, 8), (259, 1), (262, 1), (273, strip), (277, 1),
                   (278, page.height), (279, len(page.rows)))  # fmt: skip
        found += struct.pack("<H", len(entries))
        for tag, value in entries:
            found += struct.pack("<HHII", tag, 4, 1, value)
        link = len(found)
        found += bytes(4)
    return bytes(found)


def jpeg(page: Pixels) -> bytes:
    """Return a page as a baseline JPEG (ITU T.81), with Huffman codes of one length."""
    table = b"\x08" * 64
    dc, ac = bytes(range(12)), bytes(run << 4 | size for run in range(16) for size in range(11))
    height, width = page.height - page.height % 8, page.width - page.width % 8
    found = b"\xff\xd8" + _segment(0xDB, b"\x00" + table)
    found += _segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    # All codes of a table have the same length, 4 and 8 bits, so that a symbol's code is its place.
    found += _segment(0xC4, b"\x00" + bytes((0, 0, 0, 12, *[0] * 12)) + dc)
    found += _segment(0xC4, b"\x10" + bytes((*[0] * 7, len(ac), *[0] * 8)) + ac)
    found += _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
    bits: list[str] = []
    before = 0
    for values in _blocks(page, width, height):
        difference, before = values[0] - before, values[0]
        bits.append(f"{difference.bit_length() if difference >= 0 else (-difference).bit_length():04b}")
        bits.append(_amplitude(difference))
        run = 0
        last = max((place for place in range(1, 64) if values[place]), default=0)
        for value in values[1 : last + 1]:
            if value == 0:
                run += 1
                continue
            while run > 15:
                bits.append(f"{ac.index(0xF0):08b}")
                run -= 16
            bits.append(f"{ac.index(run << 4 | abs(value).bit_length()):08b}" + _amplitude(value))
            run = 0
        if last < 63:
            bits.append(f"{ac.index(0):08b}")
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    data = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\x00")
    return found + data + b"\xff\xd9"


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _amplitude(value: int) -> str:
    size = abs(value).bit_length()
    return f"{value if value > 0 else value + (1 << size) - 1:0{size}b}" if size else ""


def _blocks(page: Pixels, width: int, height: int) -> list[list[int]]:
    """Return the quantised coefficients of each block of 8 by 8 pixels, in the order of a zigzag."""
    pixels = np.frombuffer(page.rows, np.uint8).reshape(page.height, page.width)[:height, :width].astype(float) - 128
    n = np.arange(8)
    cosines = np.cos((2 * n[None, :] + 1) * n[:, None] * np.pi / 16) / 2
    cosines[0] /= np.sqrt(2)
    blocks = pixels.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    transformed = np.rint(cosines @ blocks @ cosines.T / 8).astype(np.int64).reshape(-1, 64)
    order = sorted(range(64), key=lambda at: (at // 8 + at % 8, at // 8 if (at // 8 + at % 8) % 2 else at % 8))
    found: list[list[int]] = transformed[:, order].tolist()
    return found
