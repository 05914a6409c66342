"""Hostile and broken documents: each ends in an error that says why, within its limits."""

from __future__ import annotations

import dataclasses
import gzip
import io
import struct
import zipfile

import pytest

from reading_room.analysis.readers.ocr import add_words, missing
from reading_room.analysis.readers.reading import read
from reading_room.analysis.readers.results import Builder, Extracted, Limits, ReadError, Wishes
from tests.worlds import made_documents as made

BOOK = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": '<container><rootfiles><rootfile full-path="book/b.opf"/></rootfiles></container>',
    "book/b.opf": '<p><manifest><item id="c" href="c.xhtml"/></manifest><spine><itemref idref="c"/></spine></p>',
}
"""A book without its only chapter."""
SMALL = Limits(text_characters=10_000, pages=100, entries=50, expanded_bytes=1_000_000, elements=5_000, cells=5_000)


def error_of(content: bytes, name: str = "a", limits: Limits = SMALL, wishes: Wishes = Wishes()) -> tuple[str, str]:
    """Return the code and the message of a file that cannot be read."""
    (found,) = read(content, name, limits, wishes)
    assert found.error is not None
    assert found.text == ""
    return found.error


@pytest.mark.costs(2, reason="the first call loads the libraries")
def test_a_pdf_of_too_many_pages_is_not_read() -> None:
    assert error_of(made.pdf([["x"]] * 101)) == ("PAGE_LIMIT_EXCEEDED", "it has more than 100 pages; split it")


def test_an_encrypted_pdf_says_so() -> None:
    encrypt = (
        "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + "00" * 32 + "> /U <" + "11" * 32 + "> >> /ID [<00> <00>]"
    )
    assert error_of(made.pdf([["x"]], trailer=encrypt)) == ("INVALID_DOCUMENT", "it is encrypted; remove its password")


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\nnothing",
        made.pdf([["Anna"]])[:200],
        made.pdf([["Anna"]], trailer="/Prev 9").replace(b"startxref\n", b"startxref\n99"),
        # The tree of pages contains itself.
        made.file_of(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]),
        # A page count that nothing holds.
        made.file_of(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 99 >>"]),
    ],
    ids=["only a beginning", "cut", "a wrong table", "a circle of pages", "missing pages"],
)
def test_a_broken_pdf_has_an_error_or_what_is_left_of_its_text(content: bytes) -> None:
    (found,) = read(content, "a.pdf", SMALL)
    assert found.error is None or found.error[0] == "INVALID_DOCUMENT"


def test_a_table_of_objects_that_leads_to_itself_ends() -> None:
    content = made.pdf([["Anna"]])
    place = content.rfind(b"xref\n0")
    (found,) = read(content.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %d" % place), "a.pdf", SMALL)
    assert found.error is None or found.error[0] == "INVALID_DOCUMENT"


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("word/document.xml", {}),
        ("ppt/slides/slide1.xml", {"ppt/presentation.xml": "<p/>"}),
        ("xl/workbook.xml", {}),
        ("xl/sharedStrings.xml", {"xl/workbook.xml": "<w/>"}),
        ("content.xml", {"mimetype": "application/vnd.oasis.opendocument.text"}),
        ("META-INF/container.xml", {"mimetype": "application/epub+zip"}),
        ("book/c.xhtml", BOOK),
    ],
    ids=["docx", "pptx", "xlsx", "the strings of xlsx", "odt", "epub", "a chapter of epub"],
)
def test_a_zip_bomb_is_not_unpacked(name: str, others: dict[str, str]) -> None:
    bomb = made.zipped({name: b"<w>" + b" " * 2_000_000 + b"</w>", **others})
    code, message = error_of(bomb, limits=dataclasses.replace(SMALL, expanded_bytes=10**9))
    assert (code, "would unpack to 2,0" in message) == ("INVALID_DOCUMENT", True)


def test_a_size_in_the_directory_that_is_not_true_gives_no_more_than_it_says() -> None:
    content = bytearray(made.zipped({"word/document.xml": b"<w>" + b" " * 900_000 + b"</w>"}))
    at = content.rfind(b"PK\x01\x02")
    struct.pack_into("<I", content, at + 24, 1_000)
    code, message = error_of(bytes(content))
    assert code == "INVALID_DOCUMENT"
    assert "word/document.xml" in message


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_an_archive_with_a_compression_method_that_no_document_uses_is_not_unpacked(method: int) -> None:
    """The standard library knows them, and raises errors of their own for damaged files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        archive.writestr("word/document.xml", "<w/>")
    error = error_of(content.getvalue())
    assert error == ("INVALID_DOCUMENT", "its part word/document.xml uses a compression method other than deflate")


def test_an_archive_of_too_many_files_is_not_read() -> None:
    many = made.zipped({"word/document.xml": "<w/>", **{f"x{number}": "" for number in range(60)}})
    assert error_of(many)[1] == "it is an archive with more than 50 files"


def test_encrypted_archives_and_office_files_say_so() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    data = bytearray(content.getvalue())
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    assert error_of(bytes(data))[1] == "it is encrypted; remove its password"
    office = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    assert error_of(office, "a.docx")[1] == "it is encrypted; remove its password"
    assert error_of(office[:600], "a.doc")[0] == "UNSUPPORTED_DOC_TYPE"


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE w SYSTEM "http://example.org/x.dtd">',
    ],
)
def test_entities_and_document_types_are_never_resolved(declared: str) -> None:
    body = f'{declared}<w:p xmlns:w="{made.W}"><w:r><w:t>&x;</w:t></w:r></w:p>'
    for content in (
        made.zipped({"word/document.xml": body}),
        made.zipped({"xl/workbook.xml": body}),
        made.zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": body}),
        made.zipped({**BOOK, "META-INF/container.xml": body}),
        made.zipped({**BOOK, "book/b.opf": body}),
    ):
        code, message = error_of(content)
        assert (code, "declares a document type or entities" in message) == ("INVALID_DOCUMENT", True)


def test_elements_that_are_too_deep_or_too_many_are_not_read() -> None:
    assert "deep" in error_of(made.docx(["<w:r>" * 300 + "</w:r>" * 300]))[1]
    assert "5,000 elements" in error_of(made.docx(["<w:p/>" * 6_000]))[1]
    (found,) = read(b"<b>" * 4_000 + b"Anna", "a.html", SMALL)
    assert found.text == "Anna\n"
    assert "5,000 elements" in error_of(b"<br>" * 6_000, "a.html")[1]


def test_macros_of_a_document_are_not_read() -> None:
    content = made.zipped(
        {"word/document.xml": f'<w:p xmlns:w="{made.W}"><w:t>Anna</w:t></w:p>', "word/vbaProject.bin": "x"}
    )
    (found,) = read(content, "a.docm", SMALL)
    assert found.text == "Anna\n"


@pytest.mark.parametrize(
    "image",
    [
        made.png(30_000, 30_000),
        b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 30_000, 30_000) + bytes(20),
        b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIIHHII", 2, 256, 4, 1, 30_000, 257, 4, 1, 30_000) + bytes(4),
    ],
    ids=["PNG", "JPEG", "TIFF"],
)
def test_an_image_of_too_many_pixels_is_not_unpacked(image: bytes) -> None:
    assert error_of(image) == ("INVALID_DOCUMENT", "it has 30,000 x 30,000 pixels; 60 million are read")


def test_a_broken_image_has_an_error() -> None:
    assert error_of(b"\xff\xd8\xff\xe0\x00\x04ab")[1] == "its image data ends too early"
    assert error_of(b"II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00")[1] == "its pages form a circle"
    assert error_of(made.png(0, 5))[1] == "it is an image without pixels"


def test_an_image_where_tesseract_is_not_installed_says_what_to_install() -> None:
    (found,) = read(made.png(10, 10), "a.png", SMALL, ocr=missing)
    assert found.error is not None
    assert found.error[0] == "UNSUPPORTED_DOC_TYPE"
    assert "install Debian's package tesseract-ocr" in found.error[1]


@pytest.mark.costs(1, reason="a hundred messages are parsed ten times")
def test_e_mails_in_each_other_are_read_to_a_depth() -> None:
    message = b"Content-Type: message/rfc822\n\n" * 100 + b"Subject: innermost\n\nAnna\n"
    found = read(message, "a.eml", SMALL)
    assert [each.error for each in found[:11]] == [None] * 11
    assert found[11].error == ("INVALID_DOCUMENT", "it is more than 10 files deep in others")
    assert len(found) == 12


def test_a_bad_attachment_costs_only_itself() -> None:
    message = made.eml("Anna", {"a.pdf": b"%PDF-1.7 broken", "b.txt": b"Bo", "c.zip": made.zipped({"x": "y"})})
    found = {each.path: each for each in read(message, "a.eml", SMALL)}
    assert [path for path, each in found.items() if each.error is None] == ["", "b.txt"]
    assert found["c.zip"].error == ("UNSUPPORTED_DOC_TYPE", "it is a zip archive, but no document; unpack it")


@pytest.mark.costs(1, reason="a million cells are parsed")
def test_a_table_with_a_million_columns_is_not_read() -> None:
    assert error_of(b"," * 1_000_000, "a.csv")[1] == "its row 1 has more than 16,384 columns"
    assert error_of(b"a,b\n" * 3_000, "a.csv") == ("DOCUMENT_SIZE_EXCEEDED", "it has more than 5,000 cells")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"x" * 20_000, "a.txt"),
        (made.docx(["x" * 20_000]), "a"),
        (gzip.compress(b"x" * 1_000_000), "a.txt.gz"),
        (b"<p>" + b"x" * 20_000, "a.html"),
        (made.pdf([["x" * 200] * 100]), "a"),
        (b'"' + b"x" * 20_000 + b'"', "a.jsonl"),
        (b"{\\rtf1 " + b"x" * 20_000 + b"}", "a"),
    ],
)
def test_more_text_than_the_limit_is_an_error(content: bytes, name: str) -> None:
    code, message = error_of(content, name)
    assert code in ("DOCUMENT_SIZE_EXCEEDED", "INVALID_DOCUMENT")
    assert "more than" in message


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (bytes(range(256)) * 20, "a.txt", "UNSUPPORTED_ENCODING"),
        (b"\x00" * 100, "a", "UNSUPPORTED_ENCODING"),
        (b"\xff\xfeA", "a.txt", "UNSUPPORTED_ENCODING"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(99), "a", "UNSUPPORTED_DOC_TYPE"),
        (gzip.compress(b"Anna", mtime=0)[:-9], "a.gz", "INVALID_DOCUMENT"),
        (gzip.compress(gzip.compress(b"Anna", mtime=0), mtime=0), "a.gz", "UNSUPPORTED_DOC_TYPE"),
        (b'{"a": 1}\n{', "a.jsonl", "INVALID_DOCUMENT"),
        (b"[" * 100_000, "a.jsonl", "INVALID_DOCUMENT"),
        (b"PK\x03\x04 broken", "a.docx", "INVALID_DOCUMENT"),
    ],
)
def test_what_is_no_document_has_an_error_with_a_cause(content: bytes, name: str, code: str) -> None:
    assert error_of(content, name)[0] == code


def test_a_mailbox_of_too_many_messages_ends_with_an_error() -> None:
    box = b"From x Mon Nov 30 10:00:00 2026\nSubject: x\n\nAnna\n\n" * 30
    found = read(box, "a.mbox", dataclasses.replace(SMALL, documents=20))
    assert len(found) == 21
    assert isinstance(found[-1], Extracted)
    assert found[-1].error is not None


@pytest.mark.parametrize("column", ["level", "line_num", "left", "text"])
def test_a_table_of_recognised_words_without_a_column_is_an_error(column: str) -> None:
    header = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"
    table = header.replace(column, "other") + "\n5\t1\t1\t1\t1\t1\t9\t9\t9\t9\t90\tAnna\n"
    with pytest.raises(ReadError, match="tesseract wrote no table of words"):
        add_words(table.encode(), Builder(SMALL))


def test_a_line_of_nothing_but_nul_is_a_blank_line() -> None:
    builder = Builder(SMALL)
    builder.line("\x00\x00")
    builder.line("An\x00na")
    assert builder.text() == "  \nAn na\n"
    assert [(each.begin, each.end) for each in builder.blocks] == [(3, 8)]
