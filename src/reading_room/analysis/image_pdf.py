"""A PDF whose pages are images, and nothing else: no text, no metadata, no attachments, no earlier versions.

The worker writes it, because the process that makes the images has parsed a stranger's file. Of what that process
gives, only pixels get into the PDF. The same images always give the same bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from reading_room.analysis.readers.results import PageImage

_SPACES = {1: "DeviceGray", 3: "DeviceRGB"}
_PIECE = 1 << 20
_PAGE_OBJECTS = 3
"""A page, what is drawn on it, and its image."""


class BadPixels(Exception):
    """The pixels of an image are not as many as it should have. The message says which page."""


def write_pdf(to: BinaryIO, pages: Sequence[PageImage], pixels: BinaryIO) -> None:
    """Write a PDF of images, whose compressed pixels are in a file, one after the other. Raise ``BadPixels``."""
    writer = _Writer(to)
    kids = " ".join(f"{3 + _PAGE_OBJECTS * number} 0 R" for number in range(len(pages)))
    writer.add("<< /Type /Catalog /Pages 2 0 R >>")
    writer.add(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>")
    for number, page in enumerate(pages, 1):
        at = writer.next
        width, height = (f"{side:.2f}" for side in page.points)
        writer.add(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] "
            f"/Resources << /XObject << /I {at + 2} 0 R >> >> /Contents {at + 1} 0 R >>"
        )
        drawn = f"q {width} 0 0 {height} 0 0 cm /I Do Q"
        writer.add(f"<< /Length {len(drawn)} >>", [drawn.encode()])
        writer.add(
            f"<< /Type /XObject /Subtype /Image /Width {page.width} /Height {page.height} "
            f"/ColorSpace /{_SPACES[page.channels]} /BitsPerComponent 8 /Filter /FlateDecode /Length {page.length} >>",
            _pixels_of(page, number, pixels),
        )
    if pixels.read(1):
        raise BadPixels("there is more after the last page")
    writer.finish()


class _Writer:
    """Writes objects of a PDF, then their table."""

    def __init__(self, to: BinaryIO) -> None:
        self._to = to
        self._at = 0
        self._places: list[int] = []
        self._write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")

    @property
    def next(self) -> int:
        """The number of the next object."""
        return len(self._places) + 1

    def add(self, head: str, stream: Iterable[bytes] | None = None) -> None:
        """Write an object, with a stream if it has one."""
        self._places.append(self._at)
        self._write(f"{len(self._places)} 0 obj\n{head}\n".encode())
        if stream is not None:
            self._write(b"stream\n")
            for piece in stream:
                self._write(piece)
            self._write(b"\nendstream\n")
        self._write(b"endobj\n")

    def finish(self) -> None:
        """Write the table of objects and the end."""
        begin = self._at
        self._write(f"xref\n0 {self.next}\n0000000000 65535 f \n".encode())
        for place in self._places:
            self._write(b"%010d 00000 n \n" % place)
        self._write(f"trailer\n<< /Size {self.next} /Root 1 0 R >>\nstartxref\n{begin}\n%%EOF\n".encode())

    def _write(self, data: bytes) -> None:
        self._to.write(data)
        self._at += len(data)


def _pixels_of(page: PageImage, number: int, pixels: BinaryIO) -> Iterator[bytes]:
    """Yield the compressed pixels of a page. Raise ``BadPixels`` if they are anything but its pixels."""
    unpacked = zlib.decompressobj()
    left, expected = page.length, page.width * page.height * page.channels
    try:
        while left:
            piece = pixels.read(min(left, _PIECE))
            if not piece:
                raise BadPixels(f"page {number} ends too early")
            left -= len(piece)
            rest = piece
            while rest and not unpacked.eof:
                expected -= len(unpacked.decompress(rest, _PIECE))
                rest = unpacked.unconsumed_tail
                if expected < 0:
                    raise BadPixels(f"page {number} has too many pixels")
            if unpacked.unused_data or (unpacked.eof and left):
                raise BadPixels(f"page {number} has something after its pixels")
            yield piece
        expected -= len(unpacked.flush())
    except zlib.error as error:
        raise BadPixels(f"page {number} is not compressed by zlib") from error
    if expected or not unpacked.eof:
        raise BadPixels(f"page {number} has too few pixels")
