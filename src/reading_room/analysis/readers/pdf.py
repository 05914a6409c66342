"""PDF by pdfium: the text layer with a box for each line, and OCR of the pages that are only images."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from reading_room.analysis.readers.ocr import Ocr, add_words, shares
from reading_room.analysis.readers.results import (
    BROKEN,
    Block,
    Box,
    Builder,
    Extracted,
    Limits,
    ReadError,
    too_many_pages,
)

_DPI, _LEAST_DPI = 300, 150
_MOST_LAYERS = 20
"""Of so many objects of a page, the first image that covers most of it is the scan."""
_MOST_OF_A_PAGE = 0.8
_POINTS = 72
_GRID = 10_000_000
"""Pages are mapped to so many units in both directions, to find shares of them."""
_FAR = 1_000
_MOST_RECTS = 1_000
_HYPHEN = "\x02"
"""What pdfium gives for a hyphen at the end of a line."""
_SPECIAL = ("\x00", _HYPHEN, "\ufffe", "\uffff")
_REPLACED = {0xFFFE: " ", 0xFFFF: " ", 0: " ", ord(_HYPHEN): "-"}


def read_pdf(content: bytes, limits: Limits, ocr: Ocr, force_ocr: bool, language: str | None) -> Extracted:
    """Return the text of a document, a block for each line. Raise ``ReadError``.

    A page without text is recognised in an image of it; with ``force_ocr`` every page is. Attachments, scripts and
    forms are neither read nor run.
    """
    document = opened(content)
    try:
        count = len(document)
        if count > limits.pages:
            raise too_many_pages(limits)
        if count == 0:
            raise ReadError(BROKEN, "it has no pages")
        builder = Builder(limits)
        scanned: list[int] = []
        bad: list[int] = []
        for number in range(count):
            builder.page = number + 1
            try:
                page = document[number]
            except pypdfium2.PdfiumError:
                bad.append(number + 1)
                continue
            try:
                if (force_ocr or not _add_text(page, builder)) and (force_ocr or _has_images(page)):
                    if len(scanned) == limits.ocr_pages:
                        raise ReadError(
                            "PAGE_LIMIT_EXCEEDED", f"it has more than {limits.ocr_pages} pages without text; split it"
                        )
                    scanned.append(number + 1)
                    add_words(ocr(_picture(page, limits), language, 1), builder)
            finally:
                page.close()
        if len(bad) == count:
            raise ReadError(BROKEN, "all its pages are damaged")
        return Extracted(
            "", "pdf", builder.text(), tuple(builder.blocks), count, scanned=tuple(scanned), bad_pages=tuple(bad)
        )
    finally:
        document.close()


def opened(content: bytes) -> pypdfium2.PdfDocument:
    """Return a document, which the caller closes. Raise ``ReadError``."""
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD:
            raise ReadError(BROKEN, "it is encrypted; remove its password") from None
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_SECURITY:
            raise ReadError(BROKEN, "it is encrypted in a way that cannot be read") from None
        raise ReadError(BROKEN, "it is not a PDF that can be read") from None


def _add_text(page: Any, builder: Builder) -> bool:
    """Add the lines of a page's text layer; return whether there were any."""
    layer = pdfium.FPDFText_LoadPage(page.raw)
    if not layer:
        return False
    try:
        count = pdfium.FPDFText_CountChars(layer)
        if count <= 0:
            return False
        if builder.length + count > builder.limits.text_characters + builder.limits.pages:
            builder.add(" " * count)
        units, lines = lines_of(layer, count)
        box_of = _boxes(page, layer, every=units == count)
        number, begin, found = builder.page, builder.length, False
        pieces: list[str] = []
        for at, length, text in lines:
            if is_shown(text):
                found = True
                end = begin + len(text)
                builder.blocks.append(Block(number, begin, end, box_of(at, length)))
                pieces.append(text)
                begin = end + 1
            else:
                pieces.append("")
                begin += 1
        if len(builder.blocks) > builder.limits.page_blocks * number:
            raise ReadError(BROKEN, f"its page {number} has too many lines")
        pieces.append("")
        builder.add("\n".join(pieces))
        return found
    finally:
        pdfium.FPDFText_ClosePage(layer)


def lines_of(layer: Any, count: int) -> tuple[int, Iterator[tuple[int, int, str]]]:
    """Return the length of a text layer of ``count`` characters, and its lines: begin, length and text of each.

    Begins and lengths count in UTF-16, as pdfium does.
    """
    buffer = _array_of(1 << count.bit_length())()
    units = pdfium.FPDFText_GetText(layer, 0, count, buffer) - 1
    content = ctypes.string_at(buffer, 2 * max(units, 0)).decode("utf-16-le", "replace")
    return units, _lines_in(content, plain=len(content) == units)


@cache
def _array_of(units: int) -> Any:
    """Return the type of an array of so many units: making one takes longer than reading a page."""
    return ctypes.c_ushort * units


def is_shown(line: str) -> bool:
    """Return whether a line has anything but blanks, and is a block."""
    return bool(line) and not line.isspace()


def without_controls(text: str) -> str:
    """Return text without the characters that are none: what pdfium gives for hyphens, and for the unknown."""
    return text.translate(_REPLACED) if any(map(text.__contains__, _SPECIAL)) else text


def _lines_in(content: str, plain: bool) -> Iterator[tuple[int, int, str]]:
    """Yield the lines of a text; ``plain`` says that it has as many characters as units of UTF-16."""
    at = 0
    for raw in without_controls(content).split("\n"):
        length = len(raw) if plain else len(raw.encode("utf-16-le", "surrogatepass")) // 2
        yield at, length, raw.rstrip("\r")
        at += length + 1


def _boxes(page: Any, layer: Any, every: bool) -> Callable[[int, int], Box | None]:
    """Return a function of begin and length that returns the box around characters; ``None`` if they have none.

    Boxes are shares of the page as it is shown: turned and cut. ``every`` says that each character of the layer is in
    its text, so that both count alike.
    """
    count_rects, get_rect = pdfium.FPDFText_CountRects, pdfium.FPDFText_GetRect
    left, top, right, bottom = edges = tuple(ctypes.c_double() for _ in range(4))
    places = tuple(map(ctypes.byref, edges))
    # Three points determine how a page is shown.
    (ox, oy), (x1, y1), (x2, y2) = (on_page(page, *point) for point in ((0, 0), (_FAR, 0), (0, _FAR)))
    across, sideways = (x1 - ox) / _FAR, (x2 - ox) / _FAR
    upward, down = (y1 - oy) / _FAR, (y2 - oy) / _FAR

    def box_of(begin: int, length: int) -> Box | None:
        if not every:
            begin = pdfium.FPDFText_GetCharIndexFromTextIndex(layer, begin)
            if begin < 0:
                return None
        count = count_rects(layer, begin, length)
        if count < 1 or not get_rect(layer, 0, *places):
            return None
        x0, y0, x1, y1 = left.value, bottom.value, right.value, top.value
        # Most lines have only one.
        for number in range(1, min(count, _MOST_RECTS)):
            if get_rect(layer, number, *places):
                x0, x1 = min(x0, left.value), max(x1, right.value)
                y0, y1 = min(y0, bottom.value), max(y1, top.value)
        one, other = ox + across * x0 + sideways * y0, ox + across * x1 + sideways * y1
        high, low = oy + upward * x0 + down * y0, oy + upward * x1 + down * y1
        if one > other:
            one, other = other, one
        if high > low:
            high, low = low, high
        return shares(one, high, other, low)

    return box_of


def on_page(page: Any, x: float, y: float) -> tuple[float, float]:
    """Return a point as shares of the page as it is shown."""
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page.raw, 0, 0, _GRID, _GRID, 0, x, y, across, down)
    return across.value / _GRID, down.value / _GRID


def _has_images(page: Any) -> bool:
    """Return whether a page shows anything: a blank page needs no OCR."""
    return bool(pdfium.FPDFPage_CountObjects(page.raw) > 0)


def _dots(page: Any, area: float) -> float:
    """Return the dots per inch at which a page is recognised: those of the image that it is, or ``_DPI``.

    ``area`` is the page's, in square points. More dots than a scan has take more time and show nothing more.
    """
    across, down = ctypes.c_uint(), ctypes.c_uint()
    left, bottom, right, top = edges = tuple(ctypes.c_float() for _ in range(4))
    for number in range(min(pdfium.FPDFPage_CountObjects(page.raw), _MOST_LAYERS)):
        each = pdfium.FPDFPage_GetObject(page.raw, number)
        if (
            pdfium.FPDFPageObj_GetType(each) == pdfium.FPDF_PAGEOBJ_IMAGE
            and pdfium.FPDFImageObj_GetImagePixelSize(each, across, down)
            and pdfium.FPDFPageObj_GetBounds(each, *edges)
        ):
            covered = (right.value - left.value) * (top.value - bottom.value)
            if covered > _MOST_OF_A_PAGE * area:
                dots: float = (across.value * down.value / covered) ** 0.5 * _POINTS
                return min(max(dots, _LEAST_DPI), _DPI)
    return _DPI


def _picture(page: Any, limits: Limits) -> bytes:
    """Return a page as a grey image in the PGM format, of at most the limit of pixels."""
    width, height = page.get_size()
    scale = _dots(page, width * height) / _POINTS
    pixels = max(width * height, 1.0) * scale * scale
    if pixels > limits.pixels:
        scale *= (limits.pixels / pixels) ** 0.5 * 0.99
    bitmap = page.render(scale=scale, grayscale=True, draw_annots=True)
    try:
        header = b"P5 %d %d 255\n" % (bitmap.width, bitmap.height)
        stride, data = bitmap.stride, bytes(bitmap.buffer)
        if stride == bitmap.width:
            return header + data[: bitmap.width * bitmap.height]
        rows = (data[row * stride : row * stride + bitmap.width] for row in range(bitmap.height))
        return header + b"".join(rows)
    finally:
        bitmap.close()
