"""Documents in synchronous calls: one page is read, and answered with blocks as the API defines them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from reading_room.analysis.engine import Members, Result
from reading_room.analysis.memory import CapitalWords
from reading_room.analysis.realtime_documents import DocumentReader
from reading_room.analysis.tesseract import find_program
from tests.worlds import made_documents as made
from tests.worlds import made_pictures as pictures

pytestmark = pytest.mark.costs(3, reason="the process that reads documents may start")
LINES = ["Anna lives in Paris", "and works in Rome"]


@pytest.fixture(scope="module")
def reader() -> Iterator[DocumentReader]:
    """Return a reader, with its process."""
    with closing(DocumentReader()) as started:
        yield started


def capitals(text: str) -> Result:
    """Find the words in capitals."""
    (found,) = CapitalWords().analyse([text])
    return found


def answer(reader: DocumentReader, content: bytes, force_ocr: bool = False) -> Members:
    """Return the answer for a document."""
    given = {"document": base64.b64encode(content).decode(), "forceOcr": force_ocr, "language": "en"}
    found = reader.answer(given, "Entities", capitals)
    assert found is not None
    return found


def placed(found: Members) -> list[tuple[str, str]]:
    """Return the text of each entity with what its blocks have at the place of its references."""
    blocks = {each["Id"]: each for each in found["Blocks"]}
    return [
        (entity["Text"], blocks[each["BlockId"]]["Text"][each["BeginOffset"] : each["EndOffset"]])
        for entity in found["Entities"]
        for each in entity["BlockReferences"]
    ]


def test_a_page_of_a_pdf_gives_blocks_to_which_entities_refer(reader: DocumentReader) -> None:
    found = answer(reader, made.pdf([LINES]))
    assert placed(found) == [(word, word) for word in ("Anna", "Paris", "Rome")]
    assert [each["Text"] for each in found["Blocks"]] == LINES
    assert set(found["Blocks"][0]["Geometry"]) == {"BoundingBox", "Polygon"}
    assert found["DocumentType"] == [{"Page": 1, "Type": "NATIVE_PDF"}]
    assert found["DocumentMetadata"] == {"Pages": 1, "ExtractedCharacters": [{"Page": 1, "Count": 36}]}
    assert found["Errors"] == []
    # There is no text to which offsets could refer.
    assert not {"BeginOffset", "EndOffset"} & set(found["Entities"][0])


def test_a_word_document_has_blocks_without_geometry(reader: DocumentReader) -> None:
    found = answer(reader, made.docx(LINES))
    assert placed(found)[0] == ("Anna", "Anna")
    assert "Geometry" not in found["Blocks"][0]
    assert found["DocumentType"] == [{"Page": 1, "Type": "MS_WORD"}]


def test_plain_text_is_answered_as_text_is(reader: DocumentReader) -> None:
    text = "\n".join(LINES)
    found = answer(reader, text.encode())
    assert found["Entities"] == capitals(text)
    assert "Blocks" not in found
    assert found["DocumentType"] == [{"Page": 1, "Type": "PLAIN_TEXT"}]


def test_a_page_of_too_many_characters_has_an_error_of_its_own(reader: DocumentReader) -> None:
    found = answer(reader, made.docx(["Anna " * 2_001]))
    assert found["Entities"] == []
    (error,) = found["Errors"]
    assert (error["Page"], error["ErrorCode"]) == (1, "PAGE_CHARACTERS_EXCEEDED")
    assert found["DocumentMetadata"]["Pages"] == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (made.pdf([LINES, LINES]), "PAGE_LIMIT_EXCEEDED"),
        (b"%PDF-1.7 broken", "INVALID_DOCUMENT"),
        (b"x" * 10_001, "DOCUMENT_SIZE_EXCEEDED"),
        (made.docx(["x" * 100_001]), "DOCUMENT_SIZE_EXCEEDED"),
        (bytes(range(256)) * 4, "UNSUPPORTED_ENCODING"),
        (made.zipped({"x": "y"}), "UNSUPPORTED_DOC_TYPE"),
        (b"From x Mon Nov 30 10:00:00 2026\n" + made.eml("x", {"b.txt": b"y"}), "UNSUPPORTED_DOC_TYPE"),
    ],
    ids=["two pages", "broken", "long text", "long document", "no text", "an archive", "several documents"],
)
def test_what_cannot_be_read_is_refused_with_a_code(reader: DocumentReader, content: bytes, code: str) -> None:
    found: dict[str, Any] = answer(reader, content)
    assert set(found) == {"Refused"}
    assert found["Refused"][0] == code
    assert found["Refused"][1].isprintable()


def test_an_engine_that_fails_on_a_document_has_no_result(reader: DocumentReader) -> None:
    given = {"document": base64.b64encode(made.docx(["x"])).decode(), "forceOcr": False, "language": None}
    assert reader.answer(given, "Entities", lambda _: None) is None


@pytest.mark.skipif(find_program() is None, reason="needs Debian's package tesseract-ocr")
@pytest.mark.costs(10, reason="tesseract recognises three pages")
def test_images_are_recognised_and_pages_of_a_pdf_if_it_is_forced(reader: DocumentReader) -> None:
    page = pictures.page_of(LINES, inches=2)
    for content, kind, forced in (
        (pictures.png(page), "IMAGE", False),
        (pictures.scanned_pdf([page]), "SCANNED_PDF", False),
        (made.pdf([LINES]), "SCANNED_PDF", True),
    ):
        found = answer(reader, content, forced)
        assert placed(found) == [(word, word) for word in ("Anna", "Paris", "Rome")]
        assert found["DocumentType"] == [{"Page": 1, "Type": kind}]
        assert "Geometry" in found["Blocks"][0]
