"""The process that reads documents: a file that is too much for it costs only itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reading_room.analysis.readers.answers import BadAnswer, decode, encode
from reading_room.analysis.readers.extractor import Extractor
from reading_room.analysis.readers.results import Block, Extracted, Limits, Wishes
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.tesseract import find_program
from tests.worlds import made_documents as made
from tests.worlds import made_pictures as pictures

LIMITS = Limits(file_bytes=30_000_000, elements=50_000_000, seconds=1, memory=300_000_000)
with_tesseract = pytest.mark.skipif(find_program() is None, reason="needs Debian's package tesseract-ocr")


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    """Return the process, with little time and memory for each file."""
    with Extractor(LIMITS) as started:
        yield started


def one(extractor: Extractor, content: bytes, name: str = "a") -> Extracted:
    """Return the one document of a file."""
    (found,) = extractor.read([content[:100], content[100:]], name, Wishes())
    return found


@pytest.mark.costs(3, reason="the process starts and loads the libraries")
def test_it_reads_one_file_after_the_other(extractor: Extractor) -> None:
    found = one(extractor, made.pdf([["Anna"], ["Bo"]]))
    assert (found.text, found.pages, [block.page for block in found.blocks]) == ("Anna\nBo\n", 2, [1, 2])
    assert one(extractor, made.docx(["Tromsø"])).text == "Tromsø\n"
    assert one(extractor, "Tromsø".encode("latin1"), "a.txt").encoding == "windows-1252"
    assert [each.path for each in extractor.read([made.eml("x", {"b.txt": b"y"})], "a.eml", Wishes())] == ["", "b.txt"]


def test_a_reader_keeps_the_memory_that_it_needs_for_each_page(extractor: Extractor) -> None:
    content = made.pdf([[f"{page}.{line}: " + "a few words, " * 5 for line in range(45)] for page in range(10)])
    for _ in range(3):
        one(extractor, content)
    before = page_faults(extractor)
    for _ in range(5):
        assert one(extractor, content).pages == 10
    assert page_faults(extractor) - before < 5 * 50


def page_faults(extractor: Extractor) -> int:
    """Return how often the kernel has given the reader a page of memory."""
    process = extractor.process_id
    (reader,) = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(Path(f"/proc/{reader}/stat").read_text().rpartition(")")[2].split()[7])


@pytest.mark.costs(10, reason="a file is read until its second of processor time is over")
def test_a_file_that_takes_too_long_has_an_error_and_the_next_one_is_read(extractor: Extractor) -> None:
    error = one(extractor, b"{\\rtf1 {\\*\\x " + b"y" * 25_000_000 + b"}}").error
    assert error == ("INVALID_DOCUMENT", "reading it took more than 1 s of processor time")
    assert one(extractor, made.docx(["Anna"])).text == "Anna\n"


@pytest.mark.costs(3, reason="another process starts")
def test_a_file_that_needs_too_much_memory_has_an_error_and_the_next_one_is_read() -> None:
    with Extractor(Limits(memory=20_000_000, text_characters=100_000_000)) as extractor:
        error = one(extractor, b"a," * 10_000_000, "a.csv").error
        assert error is not None
        assert "memory" in error[1]
        assert one(extractor, made.docx(["Anna"])).text == "Anna\n"


def test_a_reader_that_crashes_costs_one_file(extractor: Extractor) -> None:
    assert one(extractor, b"Anna", "a.txt").text == "Anna"
    process = extractor.process_id
    (reader,) = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    os.kill(int(reader), signal.SIGSEGV)
    error = one(extractor, b"Bo", "b.txt").error
    assert error is not None
    assert error[0] == "INVALID_DOCUMENT"
    assert "signal 11" in error[1]
    assert one(extractor, b"Cy", "c.txt").text == "Cy"


@pytest.mark.costs(0.5, reason="40 MB pass through")
def test_of_a_file_over_the_limit_only_the_size_is_read(extractor: Extractor) -> None:
    (found,) = extractor.read(iter([b"x" * 10_000_000] * 4), "a.txt", Wishes())
    assert found.error == ("DOCUMENT_SIZE_EXCEEDED", "it has 40,000,000 bytes, and a file may have 30,000,000")


def test_a_name_of_any_characters_reaches_the_reader(extractor: Extractor) -> None:
    assert one(extractor, b'{"text": "Anna"}', 'x\n"\u2028/é.jsonl').text == "Anna\n"


@pytest.mark.costs(3, reason="another process starts")
def test_a_job_whose_reading_process_is_gone_fails(tmp_path: Path) -> None:
    with Extractor(Limits()) as extractor:
        os.kill(extractor.process_id, signal.SIGKILL)
        with pytest.raises(JobFailure, match="the process that reads documents has ended"):
            extractor.read([b"Anna"], "a.txt", Wishes())


LINES = ["Marie Curie lived in Paris", "and worked in Warsaw"]


@pytest.fixture(scope="module")
def unhurried() -> Iterator[Extractor]:
    """Return the process with the time and memory that a job gives it."""
    with Extractor(Limits()) as started:
        yield started


@pytest.fixture(scope="module")
def page() -> pictures.Pixels:
    """Return the image of a page with two lines of text."""
    return pictures.page_of(LINES, inches=2)


def lines_of(found: Extracted) -> list[tuple[int, str]]:
    """Return the lines of a document with their pages."""
    return [(each.page, found.text[each.begin : each.end]) for each in found.blocks]


@with_tesseract
@pytest.mark.costs(5, reason="tesseract recognises a page")
@pytest.mark.parametrize("make", [pictures.png, pictures.jpeg], ids=["PNG", "JPEG"])
def test_an_image_is_recognised_with_a_box_for_each_line(
    unhurried: Extractor, page: pictures.Pixels, make: Callable[[pictures.Pixels], bytes]
) -> None:
    found = one(unhurried, make(page))
    assert (found.format, found.pages, found.scanned, found.error) == ("image", 1, (1,), None)
    assert lines_of(found) == [(1, line) for line in LINES]
    box = found.blocks[0].box
    assert box is not None
    assert box[0] == pytest.approx(72 / 612, abs=0.02)


@with_tesseract
@pytest.mark.costs(5, reason="tesseract recognises three pages")
def test_each_page_of_a_tiff_is_recognised(unhurried: Extractor, page: pictures.Pixels) -> None:
    found = one(unhurried, pictures.tiff([page, pictures.page_of([], inches=2), page]))
    assert (found.pages, found.scanned, found.error) == (3, (1, 2, 3), None)
    assert lines_of(found) == [(number, line) for number in (1, 3) for line in LINES]


@with_tesseract
@pytest.mark.costs(10, reason="tesseract recognises three pages")
def test_pages_of_a_pdf_are_recognised_if_they_are_images_or_if_it_is_forced(
    unhurried: Extractor, page: pictures.Pixels
) -> None:
    scanned = one(unhurried, pictures.scanned_pdf([page, page]))
    assert (lines_of(scanned), scanned.scanned) == ([(number, line) for number in (1, 2) for line in LINES], (1, 2))
    (forced,) = unhurried.read([made.pdf([LINES])], "a.pdf", Wishes(force_ocr=True))
    assert (lines_of(forced), forced.scanned) == ([(1, line) for line in LINES], (1,))


@with_tesseract
@pytest.mark.costs(5, reason="tesseract starts twice")
def test_an_image_that_tesseract_cannot_read_has_an_error_and_the_next_one_is_read(
    unhurried: Extractor, page: pictures.Pixels
) -> None:
    error = one(unhurried, made.png(500, 500)).error
    assert error is not None
    assert (error[0], "tesseract cannot read its image" in error[1]) == ("INVALID_DOCUMENT", True)
    assert lines_of(one(unhurried, pictures.png(page))) == [(1, line) for line in LINES]


@pytest.mark.skipif(find_program() is not None, reason="tesseract is installed")
def test_without_tesseract_the_error_says_what_to_install(extractor: Extractor) -> None:
    page = pictures.page_of(["Anna"], inches=2)
    for content in (pictures.png(page), pictures.scanned_pdf([page])):
        error = one(extractor, content).error
        assert error is not None
        assert error[0] == "UNSUPPORTED_DOC_TYPE"
        assert "tesseract-ocr" in error[1]


def test_the_error_of_a_document_with_very_long_names_of_parts_arrives(extractor: Extractor) -> None:
    book = {
        "META-INF/container.xml": f'<c><rootfile full-path="{"x" * 9_000}"/></c>',
        "mimetype": "application/epub+zip",
    }
    error = one(extractor, made.zipped(book)).error
    assert error is not None
    assert error[1].startswith("its part xxx")


ANSWER = Extracted("x/y", "pdf", "Anna\n", (Block(1, 0, 4, (0.1, 0.1, 0.2, 0.1)),), 1, scanned=(1,), bad_pages=(2,))


def test_an_answer_arrives_as_it_was_sent() -> None:
    failed = Extracted("", "text", error=("INVALID_DOCUMENT", "it is broken"))
    unplaced = Extracted("", "word", "Anna\nBo\n", (Block(1, 0, 4), Block(2, 5, 7)), 2)
    assert decode(encode([ANSWER, failed, unplaced]), Limits()) == [ANSWER, failed, unplaced]


@pytest.mark.costs(0.3, reason="100,000 brackets")
@pytest.mark.parametrize(
    "changed",
    [
        b"[]",
        b"{}",
        b"[1]",
        b"[" * 100_000,
        encode([ANSWER]).replace(b'"pdf"', b'"exe"'),
        encode([ANSWER]).replace(b"[1,0,4", b"[1,0,6"),
        encode([ANSWER]).replace(b"[1,0,4", b"[1,4,0"),
        encode([ANSWER]).replace(b"[1,0,4", b"[0,0,4"),
        encode([ANSWER]).replace(b"[1,0,4", b"[2001,0,4"),
        encode([ANSWER]).replace(b"[1,0,4", b"[1,true,4"),
        encode([ANSWER]).replace(b"[1,0,4", b"[1,0"),
        encode([ANSWER]).replace(b"4,100000,100000", b"4,100000.0,100000"),
        encode([ANSWER]).replace(b"4,100000,100000", b"4,1000001,100000"),
        encode([ANSWER]).replace(b"4,100000,100000", b"4,-1,100000"),
        encode([ANSWER]).replace(b"4,100000,100000", b"4,NaN,100000"),
        encode([ANSWER]).replace(b'"error":null', b'"error":["INTERNAL_ERROR","x"]'),
        encode([Extracted("", "pdf", error=("INVALID_DOCUMENT", ""))]),
        encode([ANSWER]).replace(b'"pages":1', b'"pages":true'),
        encode([ANSWER]).replace(b'"path":"x/y"', b'"path":5'),
    ],
)
def test_an_answer_that_no_reader_would_give_is_refused(changed: bytes) -> None:
    with pytest.raises(BadAnswer):
        decode(changed, Limits())
