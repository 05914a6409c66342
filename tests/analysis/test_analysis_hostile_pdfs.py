"""Hostile PDFs in the process that reads documents: each ends within its limits, and the next file is read."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import pytest

from reading_room.analysis.readers.extractor import Extractor
from reading_room.analysis.readers.results import Limits, Wishes
from tests.worlds import made_documents as made

CATALOGUE = "<< /Type /Catalog /Pages 2 0 R >>"
PAGES = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << /XObject << /X 4 0 R >> >> /Contents 5 0 R >>"
SHOW = "<< /Length 5 >>\nstream\n/X Do\nendstream"
MANY = 2_147_483_647


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    """Return the process, with little time and memory for each file."""
    with Extractor(Limits(seconds=2, memory=300_000_000)) as started:
        yield started


def stream(content: bytes, members: str = "", filters: str = "/FlateDecode") -> str:
    """Return a stream of compressed bytes, written in hexadecimal digits."""
    packed = zlib.compress(content).hex() + ">"
    return f"<< {members} /Filter [/ASCIIHexDecode {filters}] /Length {len(packed)} >>\nstream\n{packed}\nendstream"


def zeros(mebibytes: int) -> bytes:
    """Return so many MiB of zeros, compressed: one block that is repeated, since each block stands alone."""
    packer = zlib.compressobj(9)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block[:2] + block[2:] * mebibytes + b"\x03\x00"


def twice(content: bytes, members: str = "") -> str:
    """Return a stream of bytes that are compressed already, and once more."""
    return stream(content, members, "/FlateDecode /FlateDecode")


def gigabyte_of_content() -> bytes:
    """A page whose content unpacks to a gigabyte."""
    return made.file_of([CATALOGUE, PAGES, PAGE, SHOW, twice(zeros(1_024))])


def gigabyte_of_pixels() -> bytes:
    """A page with an image of 30,000 x 30,000 pixels."""
    size = "/Type /XObject /Subtype /Image /Width 30000 /Height 30000 /ColorSpace /DeviceGray /BitsPerComponent 8"
    return made.file_of([CATALOGUE, PAGES, PAGE, twice(zeros(900), size), SHOW])


def form_inside_itself() -> bytes:
    """A form that draws itself twice."""
    form = "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 4 0 R >> >> /Length 11 >>"
    return made.file_of([CATALOGUE, PAGES, PAGE, f"{form}\nstream\n/X Do /X Do\nendstream", SHOW])


def deep_tree() -> bytes:
    """A tree of pages that is 20,000 deep."""
    return made.file_of(
        [CATALOGUE, *(f"<< /Type /Pages /Kids [{number} 0 R] /Count 1 >>" for number in range(3, 20_003))]
    )


def deep_arrays() -> bytes:
    """Arrays in each other, 100,000 deep."""
    return made.file_of([CATALOGUE, PAGES, "[" * 100_000 + "]" * 100_000])


def huge_table() -> bytes:
    """A table of two billion objects."""
    return made.pdf([["Anna"]]).replace(b"xref\n0 6", b"xref\n0 %d" % MANY)


def huge_table_in_a_stream() -> bytes:
    """A compressed table that says that it has two billion objects."""
    table = stream(bytes(600), f"/Type /XRef /Size {MANY} /Index [0 {MANY}] /W [1 4 2] /Root 2 0 R")
    return f"%PDF-1.7\n1 0 obj\n{table}\nendobj\nstartxref\n9\n%%EOF".encode()


def table_that_unpacks_to_a_gigabyte() -> bytes:
    """A compressed table of a gigabyte of entries."""
    table = twice(zeros(1_024), f"/Type /XRef /Size {MANY} /W [1 4 2] /Root 2 0 R")
    return f"%PDF-1.7\n1 0 obj\n{table}\nendobj\nstartxref\n9\n%%EOF".encode()


def objects_in_themselves() -> bytes:
    """A stream of objects that says that it is in itself."""
    return made.file_of([CATALOGUE, PAGES, stream(b"3 0 << >>", "/Type /ObjStm /N 1 /First 4 /Extends 3 0 R")])


def enormous_page() -> bytes:
    """A page of nine billion points."""
    return made.pdf([["Anna"]]).replace(b"612 792", b"9e9 9e9")


def many_pages() -> bytes:
    """10,000 pages."""
    return made.pdf([["x"]] * 10_000)


@pytest.mark.costs(10, reason="readers are ended for their time or memory")
@pytest.mark.parametrize(
    "make",
    [
        gigabyte_of_content, gigabyte_of_pixels, form_inside_itself, deep_tree, deep_arrays, huge_table,
        huge_table_in_a_stream, table_that_unpacks_to_a_gigabyte, objects_in_themselves, enormous_page, many_pages,
    ],
)  # fmt: skip
def test_a_hostile_pdf_ends_within_its_limits_and_the_next_file_is_read(
    extractor: Extractor, make: Callable[[], bytes]
) -> None:
    (found,) = extractor.read([make()], "a.pdf", Wishes())
    codes = {"INVALID_DOCUMENT", "UNSUPPORTED_DOC_TYPE", "PAGE_LIMIT_EXCEEDED"}
    assert found.error is None or found.error[0] in codes
    assert len(found.text) < 100
    (good,) = extractor.read([made.docx(["Anna"])], "a.docx", Wishes())
    assert good.text == "Anna\n"
