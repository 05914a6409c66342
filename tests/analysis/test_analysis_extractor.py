"""The process that reads documents: a file that is too much for it costs only itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.analysis.readers.answers import BadAnswer, decode, encode
from reading_room.analysis.readers.extractor import Extractor
from reading_room.analysis.readers.ocr import find_program
from reading_room.analysis.readers.results import Block, Extracted, Limits, Wishes
from reading_room.analysis.storage import JobFailure
from tests.worlds import made_documents as made

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


@with_tesseract
@pytest.mark.costs(20, reason="tesseract recognises four pages")
def test_scanned_pages_and_images_are_recognised(tmp_path: Path) -> None:
    with Extractor(Limits()) as extractor:
        lines = ["Marie Curie lived in Paris", "and worked in Warsaw"]
        image = one(extractor, made.picture_of(lines))
        assert (image.format, image.pages, image.scanned) == ("image", 1, (1,))
        assert [image.text[each.begin : each.end] for each in image.blocks] == lines
        box = image.blocks[0].box
        assert box is not None
        assert box[0] == pytest.approx(72 / 612, abs=0.02)
        scanned = one(extractor, made.scanned_pdf(lines))
        assert (scanned.text.split(), scanned.scanned) == (" ".join(lines).split(), (1,))
        (forced,) = extractor.read([made.pdf([lines])], "a.pdf", Wishes(force_ocr=True))
        assert (forced.text.split(), forced.scanned) == (" ".join(lines).split(), (1,))


@pytest.mark.skipif(find_program() is not None, reason="tesseract is installed")
def test_without_tesseract_the_error_says_what_to_install(extractor: Extractor) -> None:
    for content in (made.picture_of(["Anna"]), made.scanned_pdf(["Anna"])):
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
    assert decode(encode([ANSWER, failed]), Limits()) == [ANSWER, failed]


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
        encode([ANSWER]).replace(b"0.1,0.1,0.2", b"NaN,0.1,0.2"),
        encode([ANSWER]).replace(b'"error":null', b'"error":["INTERNAL_ERROR","x"]'),
        encode([ANSWER]).replace(b'"pages":1', b'"pages":true'),
        encode([ANSWER]).replace(b'"path":"x/y"', b'"path":5'),
    ],
)
def test_an_answer_that_no_reader_would_give_is_refused(changed: bytes) -> None:
    with pytest.raises(BadAnswer):
        decode(changed, Limits())
