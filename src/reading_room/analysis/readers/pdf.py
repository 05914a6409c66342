"""PDF by pdfium: the text layer with a box for each line, and OCR of the pages that are only images."""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from reading_room.analysis.readers.ocr import Ocr, add_words, shares
from reading_room.analysis.readers.results import BROKEN, Builder, Extracted, Limits, ReadError, too_many_pages

_DPI = 300
_POINTS = 72
_GRID = 100_000
"""Pages are mapped to so many units in both directions, to find shares of them."""
_REMOVED = {0xFFFE: " ", 0xFFFF: " ", 0: " "}
_HYPHEN = "\x02"
"""What pdfium gives for a hyphen at the end of a line."""


def read_pdf(content: bytes, limits: Limits, ocr: Ocr, force_ocr: bool, language: str | None) -> Extracted:
    """Return the text of a document, a block for each line. Raise ``ReadError``.

    A page without text is recognised in an image of it; with ``force_ocr`` every page is. Attachments, scripts and
    forms are neither read nor run.
    """
    document = _opened(content)
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
                    add_words(ocr(_picture(page, limits), language), builder)
            finally:
                page.close()
        if len(bad) == count:
            raise ReadError(BROKEN, "all its pages are damaged")
        return Extracted(
            "", "pdf", builder.text(), tuple(builder.blocks), count, scanned=tuple(scanned), bad_pages=tuple(bad)
        )
    finally:
        document.close()


def _opened(content: bytes) -> pypdfium2.PdfDocument:
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
        buffer = (ctypes.c_ushort * (count + 1))()
        units = pdfium.FPDFText_GetText(layer, 0, count, buffer) - 1
        content = ctypes.string_at(buffer, 2 * max(units, 0))
        found = False
        at = 0
        for raw in content.decode("utf-16-le", "replace").split("\n"):
            # Lengths in UTF-16, as pdfium counts.
            length = len(raw) if raw.isascii() else len(raw.encode("utf-16-le", "surrogatepass")) // 2
            text = raw.rstrip("\r").translate(_REMOVED).replace(_HYPHEN, "-")
            if text.strip():
                found = True
                if len(builder.blocks) > builder.limits.page_blocks * builder.page:
                    raise ReadError(BROKEN, f"its page {builder.page} has too many lines")
                builder.line(text, _box(page, layer, at, length))
            else:
                builder.line("")
            at += length + 1
        return found
    finally:
        pdfium.FPDFText_ClosePage(layer)


def _box(page: Any, layer: Any, begin: int, length: int) -> tuple[float, float, float, float] | None:
    """Return the box of characters of a text layer as shares of the page."""
    first = pdfium.FPDFText_GetCharIndexFromTextIndex(layer, begin)
    if first < 0:
        return None
    count = pdfium.FPDFText_CountRects(layer, first, length)
    left, top, right, bottom = (ctypes.c_double() for _ in range(4))
    edges: list[tuple[float, float, float, float]] = []
    for number in range(min(count, 1_000)):
        if pdfium.FPDFText_GetRect(layer, number, left, top, right, bottom):
            edges.append((left.value, bottom.value, right.value, top.value))
    if not edges:
        return None
    x0, y0 = min(each[0] for each in edges), min(each[1] for each in edges)
    x1, y1 = max(each[2] for each in edges), max(each[3] for each in edges)
    corners = [_on_page(page, x0, y0), _on_page(page, x1, y1)]
    xs, ys = sorted(each[0] for each in corners), sorted(each[1] for each in corners)
    return shares(xs[0], ys[0], xs[1], ys[1])


def _on_page(page: Any, x: float, y: float) -> tuple[float, float]:
    """Return a point as shares of the page as it is shown: turned and cut."""
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page.raw, 0, 0, _GRID, _GRID, 0, x, y, across, down)
    return across.value / _GRID, down.value / _GRID


def _has_images(page: Any) -> bool:
    """Return whether a page shows anything: a blank page needs no OCR."""
    return bool(pdfium.FPDFPage_CountObjects(page.raw) > 0)


def _picture(page: Any, limits: Limits) -> bytes:
    """Return a page as a grey image in the PGM format, of at most the limit of pixels."""
    width, height = page.get_size()
    scale = _DPI / _POINTS
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
