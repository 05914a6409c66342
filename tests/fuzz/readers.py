"""Documents of other formats than text, and the answer of the process that reads them."""

from __future__ import annotations

import io
import zipfile

from reading_room.analysis.readers.answers import BadAnswer, decode, encode
from reading_room.analysis.readers.reading import read
from reading_room.analysis.readers.results import CODES, Extracted, Limits, Wishes

LIMITS = Limits(
    text_characters=20_000, pages=50, entries=50, expanded_bytes=1_000_000, elements=20_000, cells=5_000, documents=20
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
