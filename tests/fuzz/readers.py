"""Documents of other formats than text, and the answer of the process that reads them."""

from __future__ import annotations

import io
import zipfile

from reading_room.analysis.image_pdf import BadPixels, write_pdf
from reading_room.analysis.readers.answers import BadAnswer, decode, decode_images, encode, encode_images
from reading_room.analysis.readers.marks import marks_json, read_marks
from reading_room.analysis.readers.ocr import add_words
from reading_room.analysis.readers.page_images import page_images
from reading_room.analysis.readers.reading import read
from reading_room.analysis.readers.results import CODES, Builder, Extracted, Limits, MarkedLine, ReadError, Wishes

LIMITS = Limits(
    text_characters=20_000,
    pages=50,
    entries=50,
    expanded_bytes=1_000_000,
    elements=20_000,
    cells=5_000,
    documents=20,
    copy_pages=10,
    copy_pixels=10_000,
    copy_bytes=1_000_000,
)
NAMES = ("a", "a.html", "a.csv", "a.jsonl", "a.eml", "a.mbox", "a.txt.gz", "a.rtf")
PARTS = ("word/document.xml", "ppt/slides/slide1.xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml", "content.xml")


def any_document(data: bytes) -> None:
    """A file: its first byte chooses its name, and the rest is its content."""
    _check(read(data[1:], NAMES[data[0] % len(NAMES)] if data else "a", LIMITS, Wishes(column="text")))


def archived_document(data: bytes) -> None:
    """An archive, as it is."""
    _check(read(b"PK\x03\x04" + data, "a", LIMITS))


def office_part(data: bytes) -> None:
    """A part of an office document or a book, in an archive that is valid."""
    for name in PARTS:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for other in ("word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"):
                if other.partition("/")[0] == name.partition("/")[0] and other != name:
                    archive.writestr(other, '<w xmlns:r="r"><sheet r:id="x"/></w>')
            if name == "content.xml":
                archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
            archive.writestr(name, data)
        _check(read(content.getvalue(), "a", LIMITS))


def extracted(data: bytes) -> None:
    """An answer of the process that reads documents."""
    try:
        found = decode(data, LIMITS)
    except BadAnswer:
        return
    _check(found)


def painted_pdf(data: bytes) -> None:
    """A PDF after marks of it, separated by a zero byte: one number for each line, whose first places are marked."""
    marks, _, content = data.partition(b"\0")
    lines = [MarkedLine(1 + each % 3, each // 3, "Maria", None, ((0, 1 + each % 5),)) for each in marks[:20]]
    pixels = io.BytesIO()
    try:
        pages = page_images(content, read_marks(marks_json(lines, [3])), LIMITS, pixels)
    except ReadError:
        return
    pixels.seek(0)
    write_pdf(io.BytesIO(), decode_images(encode_images(pages), LIMITS), pixels)


def page_images_answer(data: bytes) -> None:
    """An answer about the images of pages, and their pixels after a line end."""
    answer, _, pixels = data.partition(b"\n")
    copy = io.BytesIO()
    try:
        write_pdf(copy, decode_images(answer, LIMITS), io.BytesIO(pixels))
    except (BadAnswer, BadPixels, ReadError):
        return
    assert copy.getvalue().endswith(b"%%EOF\n")


def recognised_words(data: bytes) -> None:
    """The table of words that tesseract writes: lines on pages, each with a box on its page."""
    builder = Builder(LIMITS)
    try:
        add_words(data, builder)
    except ReadError:
        return
    pages = tuple(range(1, builder.page + 1))
    found = Extracted("", "image", builder.text(), tuple(builder.blocks), builder.page, scanned=pages)
    for block in found.blocks:
        assert found.text[block.begin : block.end].strip()
        assert block.box is not None
    _check([found])


def _check(found: list[Extracted]) -> None:
    assert found
    for each in found:
        assert len(each.text) <= LIMITS.text_characters
        assert all(0 <= block.begin <= block.end <= len(each.text) for block in each.blocks)
        if each.error is not None:
            code, message = each.error
            assert code in CODES
            assert not each.text
            assert message
    # What is read can be sent to the worker, and arrives as it is.
    arrived = decode(encode(found), LIMITS)
    assert [each.text for each in arrived] == [each.text for each in found]
    assert [each.blocks for each in arrived] == [each.blocks for each in found]
