"""Images of a PDF's pages with places painted out, of which its redacted copy is made.

A place is painted by the boxes of its characters; if they are not known, its whole line is, or its whole page. So are
characters of which the file does not tell the text, since nobody could look for personal data in them. Annotations,
fields of forms and whatever else is not on the page itself is not drawn.
"""

from __future__ import annotations

import ctypes
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import pypdfium2
import pypdfium2.raw as pdfium

from reading_room.analysis.readers.marks import Marks
from reading_room.analysis.readers.pdf import is_shown, lines_of, on_page, opened, without_controls
from reading_room.analysis.readers.results import (
    BROKEN,
    TOO_LARGE,
    TOO_MANY_PAGES,
    Limits,
    MarkedLine,
    PageImage,
    ReadError,
)

_DPI, _POINTS = 150, 72
_BLACK, _WHITE = (0, 0, 0, 255), (255, 255, 255, 255)
_LETTER = (612.0, 792.0)
_MARGIN = 0.15
"""How much larger than its box a place is painted, as a share of the box's height: glyphs reach beyond their boxes."""
_LEAST_MARGIN = 2
_LEVEL = 6
_PAGE_BYTES = 1_000_000
"""A page of more bytes, compressed, is reduced to sixteen shades of each colour."""
_SHADES = bytes(round(value / 17) * 17 for value in range(256))


@dataclass(frozen=True, slots=True)
class _Area:
    """Pixels of an image: ``left`` and ``top`` are in it, ``right`` and ``bottom`` are not."""

    left: int
    top: int
    right: int
    bottom: int


def page_images(content: bytes, marks: Marks, limits: Limits, sink: BinaryIO) -> list[PageImage]:
    """Write the pixels of each page of a PDF to ``sink``, one after the other, and return what they are.

    Raise ``ReadError``.
    """
    document = opened(content)
    try:
        count = len(document)
        if count > limits.copy_pages:
            raise ReadError(TOO_MANY_PAGES, f"a copy made of images may have {limits.copy_pages:,} pages; split it")
        if count == 0 or any(page > count for page in marks.lines):
            raise ReadError(BROKEN, "it does not have the pages that it had")
        written = 0
        found = []
        for number in range(1, count + 1):
            image, pixels = _image(document, number, marks, limits)
            written += image.length
            if written > limits.copy_bytes:
                raise ReadError(TOO_LARGE, f"its copy would have more than {limits.copy_bytes:,} bytes; split it")
            sink.write(pixels)
            found.append(image)
        return found
    finally:
        document.close()


def _image(document: Any, number: int, marks: Marks, limits: Limits) -> tuple[PageImage, bytes]:
    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError:
        return _black(_LETTER)
    try:
        size = page.get_size()
        if not (1 <= size[0] <= 14_400 and 1 <= size[1] <= 14_400):
            return _black(_LETTER)
        scale = min(_DPI / _POINTS, (limits.copy_pixels / (size[0] * size[1])) ** 0.5)
        bitmap = page.render(scale=scale, draw_annots=False, may_draw_forms=False, rev_byteorder=True)
        try:
            lines = marks.lines.get(number, ())
            visible = _painted(page, bitmap, lines, scanned=number in marks.scanned)
            channels, pixels = _pixels(bitmap)
            image = PageImage(bitmap.width, bitmap.height, channels, size, len(pixels), visible)
            return image, pixels
        finally:
            bitmap.close()
    finally:
        page.close()


def _black(size: tuple[float, float]) -> tuple[PageImage, bytes]:
    """Return a page without anything to see: nobody has read what it shows."""
    pixels = zlib.compress(bytes(1), _LEVEL)
    return PageImage(1, 1, 1, size, len(pixels), ""), pixels


def _painted(page: Any, bitmap: Any, lines: Sequence[MarkedLine], scanned: bool) -> str:
    """Paint the places of a page, and return the text that is still to be seen."""
    if scanned:
        areas = [None if each.box is None else _of_box(each.box, bitmap) for each in lines]
        _fill(bitmap, areas)
        return ""
    layer = pdfium.FPDFText_LoadPage(page.raw)
    if not layer:
        if lines:
            _fill(bitmap, [None])
        return ""
    try:
        glyphs = _Glyphs(page, layer, bitmap)
        hidden = set(glyphs.unknown())
        areas = [glyphs.area([index]) for index in sorted(hidden)]
        for each, indexes in glyphs.of_lines(lines):
            area = None if indexes is None else glyphs.area(indexes)
            if area is None and indexes is not None and each.box is not None:
                area = _of_box(each.box, bitmap)
            areas.append(area)
            hidden.update(indexes or ())
        if not _fill(bitmap, areas):
            return ""
        return glyphs.visible(hidden)
    finally:
        pdfium.FPDFText_ClosePage(layer)


def _fill(bitmap: Any, areas: Sequence[_Area | None]) -> bool:
    """Paint areas; one that is ``None`` is the whole page. Return whether anything else can be seen."""
    if None in areas:
        bitmap.fill_rect(_BLACK, 0, 0, bitmap.width, bitmap.height)
        return False
    for each in areas:
        assert each is not None
        bitmap.fill_rect(_BLACK, each.left, each.top, each.right - each.left, each.bottom - each.top)
    return True


def _of_box(box: tuple[float, float, float, float], bitmap: Any) -> _Area:
    """Return the pixels of a box in shares of the page."""
    left, top, width, height = box
    return _with_margin(
        left * bitmap.width,
        top * bitmap.height,
        (left + width) * bitmap.width,
        (top + height) * bitmap.height,
        bitmap,
    )


def _with_margin(left: float, top: float, right: float, bottom: float, bitmap: Any) -> _Area:
    # A line may run upwards: its height is then the shorter side.
    margin = max(_LEAST_MARGIN, _MARGIN * min(bottom - top, right - left))
    return _Area(
        max(math.floor(left - margin), 0),
        max(math.floor(top - margin), 0),
        min(math.ceil(right + margin), bitmap.width),
        min(math.ceil(bottom + margin), bitmap.height),
    )


class _Glyphs:
    """The characters of a text layer, by their index, on an image of its page."""

    def __init__(self, page: Any, layer: Any, bitmap: Any) -> None:
        self._layer = layer
        self._bitmap = bitmap
        self._count = max(pdfium.FPDFText_CountChars(layer), 0)
        far = 1_000
        (x0, y0), (x1, y1), (x2, y2) = (on_page(page, *point) for point in ((0, 0), (far, 0), (0, far)))
        self._origin = x0 * bitmap.width, y0 * bitmap.height
        self._across = (x1 - x0) / far * bitmap.width, (x2 - x0) / far * bitmap.width
        self._down = (y1 - y0) / far * bitmap.height, (y2 - y0) / far * bitmap.height

    def unknown(self) -> Iterator[int]:
        """Yield the characters of which the file does not tell the text."""
        for index in range(self._count):
            if pdfium.FPDFText_HasUnicodeMapError(self._layer, index) == 1 and self._boxes(index):
                yield index

    def of_lines(self, lines: Sequence[MarkedLine]) -> Iterator[tuple[MarkedLine, list[int] | None]]:
        """Yield the characters of each place; ``None`` if the page does not have the line."""
        if not lines:
            return
        units, found = lines_of(self._layer, self._count)
        shown = [(at, text) for at, _, text in found if is_shown(text)]
        for line in lines:
            at, text = shown[line.number] if line.number < len(shown) else (0, None)
            for begin, end in line.places:
                if line.text[begin:end].isspace():
                    continue
                if text != line.text:
                    yield line, None
                    continue
                first, last = (at + _units(text[:place]) for place in (begin, end))
                indexes = [self._index(unit, every=units == self._count) for unit in range(first, last)]
                yield line, None if -1 in indexes else indexes

    def _index(self, unit: int, every: bool) -> int:
        return unit if every else pdfium.FPDFText_GetCharIndexFromTextIndex(self._layer, unit)

    def area(self, indexes: Sequence[int]) -> _Area | None:
        """Return the pixels around characters; ``None`` if one that can be seen has no box."""
        edges = []
        for index in indexes:
            if pdfium.FPDFText_IsGenerated(self._layer, index) == 1:
                continue
            boxes = self._boxes(index)
            if not boxes and not chr(pdfium.FPDFText_GetUnicode(self._layer, index) or 32).isspace():
                return None
            edges += boxes
        if not edges:
            return None
        left, top, right, bottom = zip(*edges, strict=True)
        return _with_margin(min(left), min(top), max(right), max(bottom), self._bitmap)

    def _boxes(self, index: int) -> list[tuple[float, float, float, float]]:
        """Return the boxes of a character in pixels: that of its outline, and that of its place in the line."""
        found = []
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        if pdfium.FPDFText_GetCharBox(self._layer, index, left, right, bottom, top):
            found.append((left.value, bottom.value, right.value, top.value))
        rect = pdfium.FS_RECTF()
        if pdfium.FPDFText_GetLooseCharBox(self._layer, index, rect):
            found.append((rect.left, rect.bottom, rect.right, rect.top))
        return [self._on_image(*each) for each in found if each[2] > each[0] and each[3] > each[1]]

    def _on_image(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        (ax, bx), (ay, by), (ox, oy) = self._across, self._down, self._origin
        across = sorted((ox + ax * x0 + bx * y0, ox + ax * x1 + bx * y1))
        down = sorted((oy + ay * x0 + by * y0, oy + ay * x1 + by * y1))
        return across[0], down[0], across[1], down[1]

    def visible(self, hidden: set[int]) -> str:
        """Return the text of the page, with an asterisk for each hidden character whose pixels are black."""
        buffer, stride = self._bitmap.buffer, self._bitmap.stride
        pieces = []
        for index in range(self._count):
            if index in hidden and self._is_black(index, buffer, stride):
                pieces.append("*")
            else:
                code = pdfium.FPDFText_GetUnicode(self._layer, index)
                pieces.append(chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else " ")
        return without_controls("".join(pieces))

    def _is_black(self, index: int, buffer: Any, stride: int) -> bool:
        """Return whether the corners and the middle of a character are black, as far as they are on the page."""
        for left, top, right, bottom in self._boxes(index)[:1]:
            for x, y in (
                ((left + right) / 2, (top + bottom) / 2),
                (left, top),
                (right, top),
                (left, bottom),
                (right, bottom),
            ):
                column, row = math.floor(x), math.floor(y)
                if 0 <= column < self._bitmap.width and 0 <= row < self._bitmap.height:
                    at = row * stride + column * 3
                    if buffer[at] or buffer[at + 1] or buffer[at + 2]:
                        return False
        return True


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _pixels(bitmap: Any) -> tuple[int, bytes]:
    """Return the channels and the compressed pixels of an image; one without colours has one channel."""
    width, height, stride = bitmap.width, bitmap.height, bitmap.stride
    data = bytes(bitmap.buffer)
    row = width * 3
    if stride != row:
        data = b"".join(data[at : at + row] for at in range(0, height * stride, stride))
    channels = 3
    if (grey := data[0::3]) == data[1::3] == data[2::3]:
        data, channels = grey, 1
    packed = zlib.compress(data, _LEVEL)
    if len(packed) > _PAGE_BYTES:
        packed = min(packed, zlib.compress(data.translate(_SHADES), _LEVEL), key=len)
    return channels, packed
