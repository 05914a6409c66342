"""Redacted copies: a PDF of page images in which what was found is black, and a Word document of the redacted text."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from reading_room.analysis.beside import marked_lines
from reading_room.analysis.engine import Result
from reading_room.analysis.folder_digest import FolderDigest
from reading_room.analysis.image_pdf import BadPixels, write_pdf
from reading_room.analysis.job import run_job
from reading_room.analysis.job_file import Done, JobFile, Location
from reading_room.analysis.memory import CapitalWords, MemoryStorage
from reading_room.analysis.part_work import assemble, part_prefix, plan_of, write_part
from reading_room.analysis.program import Work
from reading_room.analysis.readers.answers import BadAnswer, decode_images, encode_images, failed
from reading_room.analysis.readers.marks import marks_json, read_marks
from reading_room.analysis.readers.ocr import missing
from reading_room.analysis.readers.page_images import page_images
from reading_room.analysis.readers.pdf import read_pdf
from reading_room.analysis.readers.results import Limits, MarkedLine, PageImage, ReadError
from reading_room.analysis.readers.word import read_word
from reading_room.analysis.redaction import Redaction, redacted
from reading_room.analysis.tesseract import find_program
from reading_room.analysis.word_file import word_file
from tests.worlds import made_documents as made
from tests.worlds.made_pictures import page_of, scanned_pdf

FOLDER = "1/111122223333-PII-0/output/"
REDACT = {"Mode": "ONLY_REDACTION", "RedactionConfig": {"PiiEntityTypes": ["ALL"], "MaskCharacter": "#"}}
with_tesseract = pytest.mark.skipif(find_program() is None, reason="needs Debian's package tesseract-ocr")


def job_file(**changes: Any) -> JobFile:
    """Return a job that redacts documents of every kind in ``s3://in``."""
    members: dict[str, Any] = {
        "job_id": "0" * 32,
        "attempt": 1,
        "kind": "pii",
        "region": "us-east-1",
        "language": "en",
        "input": Location("in", ""),
        "input_format": "ONE_DOC_PER_FILE",
        "output": Location("out", FOLDER),
        "document_limit": 100_000,
        "part_bytes": 30,
        "request": json.dumps({"Documents": {}, **REDACT}),
    }
    return JobFile(**(members | changes))


def run(folder: Path, files: Mapping[str, bytes]) -> tuple[Done, dict[str, bytes]]:
    """Run a job in one container; return its outcome and its objects, which must be what it says of them."""
    storage = MemoryStorage({("in", name): content for name, content in files.items()}, chunk=1_000)
    done = run_job(Work(job_file(), storage, folder, lambda: False, lambda _: None), CapitalWords())
    found = {key.removeprefix(FOLDER): content for (bucket, key), content in storage.objects.items() if bucket == "out"}
    digest = FolderDigest()
    for name, content in found.items():
        digest.add(name, len(content), hashlib.sha256(content).hexdigest())
    assert (done.size, done.sha256) == (digest.size, digest.hexdigest())
    assert list(folder.iterdir()) == []
    return done, found


def copy_of(content: bytes, strings: Mapping[str, str], limits: Limits = Limits()) -> tuple[bytes, str]:
    """Return the copy of a PDF in which strings, with their types, are painted out, and the text still to be seen."""
    extracted = read_pdf(content, limits, missing, force_ocr=False, language=None)
    entities = [
        {"BeginOffset": extracted.text.index(each), "EndOffset": extracted.text.index(each) + len(each), "Type": kind}
        for each, kind in strings.items()
    ]
    done = redacted(extracted.text, entities, Redaction(None))
    marks = read_marks(marks_json(marked_lines(extracted, done), extracted.scanned))
    pixels, copy = io.BytesIO(), io.BytesIO()
    pages = page_images(content, marks, limits, pixels)
    pixels.seek(0)
    write_pdf(copy, decode_images(encode_images(pages), limits), pixels)
    return copy.getvalue(), "\n".join(page.visible for page in pages)


def dark(copy: bytes, page: int = 0) -> list[list[bool]]:
    """Return which of 100 by 100 places of a page are quite black: painted, not only written on."""
    with pypdfium2.PdfDocument(copy) as document:
        bitmap = document[page].render(scale=1, grayscale=True)
        width, height = bitmap.width, bitmap.height
        found = []
        for row in range(100):
            at = (row * height + height // 2) // 100 * bitmap.stride
            found.append([bitmap.buffer[at + (column * width + width // 2) // 100] < 8 for column in range(100)])
        return found


def share(copy: bytes, page: int = 0) -> float:
    """Return the share of a page that is painted."""
    return sum(map(sum, dark(copy, page))) / 10_000


LETTER = ["Dear Maria Lopez, your card 4111 1111 1111 1111", "is ready. Call us on Monday.", "Again: MARIA LOPEZ."]
STRINGS = {"Maria Lopez": "NAME", "4111 1111 1111 1111": "CREDIT_DEBIT_NUMBER"}


@pytest.mark.costs(0.5, reason="pages are drawn")
def test_what_was_found_is_painted_wherever_it_stands_and_the_rest_stays() -> None:
    content = made.pdf([LETTER, ["Nothing here."], ["Card 4111111111111111"]])
    copy, visible = copy_of(content, STRINGS)
    assert visible.replace("\r", "").split("\n") == [
        f"Dear {'*' * 11}, your card {'*' * 19}",
        "is ready. Call us on Monday.",
        f"Again: {'*' * 11}.",
        "Nothing here.",
        f"Card {'*' * 16}",
    ]
    assert 0.005 < share(copy) < 0.05
    assert share(copy, 1) == 0.0
    assert share(copy, 2) > 0.0


@pytest.mark.costs(0.5, reason="pages are drawn")
def test_a_copy_has_images_and_nothing_else() -> None:
    annotation = (
        "/Annots [<< /Type /Annot /Subtype /FreeText /Rect [72 600 400 640] /DA (/F1 24 Tf) /Contents (Maria Lopez) >>]"
    )
    content = made.pdf([LETTER], annotation, "/Info << /Author (Maria Lopez) >>")
    # An earlier revision, which a reader of the last one does not see.
    copy, _ = copy_of(made.pdf([["Maria Lopez was here"]]) + content, {"Maria Lopez": "NAME"})
    with pypdfium2.PdfDocument(copy) as document:
        page = document[0]
        assert page.get_textpage().get_text_range() == ""
        assert [each.type for each in page.get_objects()] == [pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]
        assert page.get_size() == (612, 792)
        assert {value for value in document.get_metadata_dict().values() if value} == set()
        assert document.count_attachments() == 0
        assert pypdfium2.raw.FPDFPage_GetAnnotCount(page.raw) == 0
    assert copy.count(b"%%EOF") == 1
    assert b"Maria" not in copy


@pytest.mark.costs(0.5, reason="pages are drawn")
@pytest.mark.parametrize("shown", ["/Rotate 90", "/Rotate 180", "/Rotate 270", "/CropBox [50 400 560 760]"])
def test_a_page_is_painted_as_it_is_shown(shown: str) -> None:
    lines = ["Maria", *([""] * 8), "nobody"]
    painted = dark(copy_of(made.pdf([lines], shown), {"Maria": "NAME"})[0])
    rows = [row for row in range(100) if any(painted[row])]
    columns = [column for column in range(100) if any(painted[row][column] for row in rows)]
    # The name stands at the top left of the page as it was written.
    expected = {
        "/Rotate 90": (range(8, 20), range(85, 96)),
        "/Rotate 180": (range(86, 96), range(80, 92)),
        "/Rotate 270": (range(80, 92), range(5, 15)),
        "/CropBox [50 400 560 760]": (range(6, 15), range(2, 14)),
    }[shown]
    assert rows
    assert set(rows) <= set(expected[0])
    assert set(columns) <= set(expected[1])


@pytest.mark.costs(0.5, reason="pages are drawn")
def test_a_line_that_the_page_does_not_have_paints_the_whole_page() -> None:
    content = made.pdf([["Maria"], ["Anna"]])
    marks = read_marks(
        marks_json([MarkedLine(1, 0, "Maria", None, ((0, 5),)), MarkedLine(2, 0, "Bo", None, ((0, 2),))], [])
    )
    pixels, copy = io.BytesIO(), io.BytesIO()
    pages = page_images(content, marks, Limits(), pixels)
    pixels.seek(0)
    write_pdf(copy, pages, pixels)
    assert share(copy.getvalue()) < 0.05
    assert share(copy.getvalue(), 1) == 1.0
    assert [page.visible for page in pages] == ["*****", ""]


@pytest.mark.costs(0.5, reason="pages are drawn")
def test_text_that_is_not_marked_can_be_seen_and_is_told() -> None:
    pages = page_images(made.pdf([["Dear Maria Lopez"]]), read_marks(marks_json([], [])), Limits(), io.BytesIO())
    assert pages[0].visible == "Dear Maria Lopez"


@pytest.mark.costs(0.5, reason="pages are drawn")
def test_a_character_of_unknown_text_is_painted() -> None:
    # A font with glyphs of its own, which have no text.
    glyph = "500 0 0 0 500 500 d1 0 0 500 500 re f"
    content = made.file_of(
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Resources << /Font << /F1 4 0 R >> >> "
            "/Contents 6 0 R >>",
            "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 500 500] /FontMatrix [0.001 0 0 0.001 0 0] /FirstChar 1 "
            "/LastChar 1 /Widths [500] /Encoding << /Type /Encoding /Differences [1 /g1] >> /CharProcs << /g1 5 0 R >> "
            "/Resources << >> >>",
            f"<< /Length {len(glyph)} >>\nstream\n{glyph}\nendstream",
            "<< /Length 46 >>\nstream\n0.8 g BT /F1 100 Tf 20 100 Td <0101> Tj ET    \nendstream",
        ]
    )
    pixels, copy = io.BytesIO(), io.BytesIO()
    pages = page_images(content, read_marks(marks_json([], [])), Limits(), pixels)
    pixels.seek(0)
    write_pdf(copy, pages, pixels)
    assert set(pages[0].visible) <= {"*"}
    assert share(copy.getvalue()) > 0.1


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(copy_pages=1), "PAGE_LIMIT_EXCEEDED"),
        (Limits(copy_bytes=1_000), "DOCUMENT_SIZE_EXCEEDED"),
    ],
    ids=["pages", "bytes"],
)
@pytest.mark.costs(0.5, reason="pages are drawn")
def test_a_copy_has_limits(limits: Limits, code: str) -> None:
    with pytest.raises(ReadError) as error:
        copy_of(made.pdf([LETTER, LETTER]), STRINGS, limits)
    assert error.value.code == code


@pytest.mark.costs(0.5, reason="pages are drawn")
def test_a_huge_page_has_few_pixels() -> None:
    content = made.pdf([["Maria"]]).replace(b"[0 0 612 792]", b"[0 0 9612 9792]")
    pages = page_images(content, read_marks(marks_json([], [])), Limits(copy_pixels=10_000), io.BytesIO())
    assert pages[0].width * pages[0].height <= 10_300


PAGE = PageImage(2, 2, 1, (100.0, 100.0), len(zlib.compress(b"1234")), "x")


@pytest.mark.parametrize(
    "pixels",
    [
        zlib.compress(b"123"),
        zlib.compress(b"12345"),
        zlib.compress(b"1234") + b"more",
        zlib.compress(b"1234")[:-1],
        b"no pixels",
        zlib.compress(bytes(50_000_000)),
        b"",
    ],
)
def test_pixels_that_are_anything_else_are_refused(pixels: bytes) -> None:
    page = PAGE._replace(length=max(len(pixels), 1))
    with pytest.raises(BadPixels):
        write_pdf(io.BytesIO(), [page], io.BytesIO(pixels))
    with pytest.raises(BadPixels):
        write_pdf(io.BytesIO(), [PAGE], io.BytesIO(zlib.compress(b"1234") + pixels + b"x"))


@pytest.mark.parametrize(
    "changed",
    [
        b"{}",
        b'{"pages":[]}',
        b'{"pages":[1]}',
        encode_images([PAGE._replace(width=0)]),
        encode_images([PAGE._replace(width=100_000, height=100_000)]),
        encode_images([PAGE._replace(channels=4)]),
        encode_images([PAGE._replace(points=(0.0, 1.0))]),
        encode_images([PAGE._replace(length=Limits().copy_bytes)] * 2),
        encode_images([PAGE]).replace(b"100.0", b"NaN"),
        encode_images([PAGE]).replace(b'"x"', b"5"),
        encode_images([PAGE] * (Limits().copy_pages + 1)),
    ],
)
def test_an_answer_that_no_reader_would_give_is_refused(changed: bytes) -> None:
    with pytest.raises(BadAnswer):
        decode_images(changed, Limits())


def test_an_answer_arrives_as_it_was_sent() -> None:
    assert decode_images(encode_images([PAGE]), Limits()) == [PAGE]
    with pytest.raises(ReadError, match="INVALID_DOCUMENT: it is broken"):
        decode_images(failed("INVALID_DOCUMENT", "it is broken"), Limits())


def test_a_word_document_has_its_paragraphs_and_nothing_else() -> None:
    text = 'Dear [NAME],\n\n<b> & "tab"\tstop\n  two blanks\x0b\nÆøå 東京\n'
    content = word_file(text)
    assert read_word(content, Limits()).text == text.replace("\x0b", " ")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["[Content_Types].xml", "_rels/.rels", "word/document.xml"]
        assert {each.date_time[0] for each in archive.infolist()} == {1980}
    assert word_file(text) == content


FILES = {
    "a.txt": b"dear Anna",
    "b.pdf": made.pdf([["Bo is good"], ["and Zoe"]]),
    "c.docx": made.docx(["Cy is bad", "", "says Dan"], comments="from Eve"),
    "d.pdf": b"%PDF-1.7 broken",
    "e.eml": made.eml("Hi", {"f.pdf": made.pdf([["Emil"]])}),
    "g.html": b"<p>by Gus</p>",
}


@pytest.mark.costs(4, reason="the process that reads documents may start")
def test_a_job_writes_a_report_for_each_file_and_copies_of_pdf_and_word(tmp_path: Path) -> None:
    done, found = run(tmp_path, FILES)
    assert (done.documents, done.errors, done.warning) == (7, 1, "")
    copies = {"b.pdf.redacted.pdf", "c.docx.redacted.docx"}
    beside = {f"{name}.{kind}" for name in FILES for kind in ("out", "report.jsonl")}
    assert set(found) == copies | beside
    reports = {name: [json.loads(line) for line in found[f"{name}.report.jsonl"].splitlines()] for name in FILES}
    assert reports["a.txt"] == [{"Replaced": {"OTHER": 1}}]
    assert reports["b.pdf"] == [{"Replaced": {"OTHER": 2}, "Copy": "redacted.pdf"}]
    assert reports["c.docx"] == [{"Replaced": {"OTHER": 3}, "Copy": "redacted.docx"}]
    assert [each["ErrorCode"] for each in reports["d.pdf"]] == ["INVALID_DOCUMENT"]
    assert len(reports["e.eml"]) == 2
    assert read_word(found["c.docx.redacted.docx"], Limits()).text.encode() == found["c.docx.out"]
    assert 0.0 < share(found["b.pdf.redacted.pdf"]) < 0.05
    assert 0.0 < share(found["b.pdf.redacted.pdf"], 1) < 0.05


@pytest.mark.costs(4, reason="the process that reads documents may start")
def test_several_containers_write_the_same_copies_as_one(tmp_path: Path) -> None:
    _, expected = run(tmp_path, FILES)
    storage = MemoryStorage({("in", name): content for name, content in FILES.items()}, chunk=1_000)
    job = job_file()
    plan = plan_of(job, storage, lambda: False)
    assert len(plan.parts) > 2
    results = []
    for part in reversed(plan.parts):
        key = f"{part_prefix(job)}{part.number}-0-x"
        results.append(write_part(job, CapitalWords(), storage, part, key, tmp_path, lambda: False, lambda _: None))
    assemble(job, storage, results, tmp_path, plan)
    storage.delete("out", [result.key for result in results])
    found = {key.removeprefix(FOLDER): content for (bucket, key), content in storage.objects.items() if bucket == "out"}
    assert found == expected
    assert list(tmp_path.iterdir()) == []


@pytest.mark.costs(4, reason="a PDF of many pages")
def test_a_document_that_can_have_no_copy_keeps_its_text_and_says_why(tmp_path: Path) -> None:
    pages = Limits().copy_pages + 1
    done, found = run(tmp_path, {"a.pdf": made.pdf([["Anna"]] * pages)})
    assert set(found) == {"a.pdf.out", "a.pdf.report.jsonl"}
    report = json.loads(found["a.pdf.report.jsonl"])
    assert (report["Replaced"], report["CopyErrorCode"]) == ({"OTHER": pages}, "PAGE_LIMIT_EXCEEDED")
    assert done.errors == 0
    assert done.warning.startswith("1 file has only a redacted text and no copy")


@pytest.mark.costs(4, reason="the process that reads documents may start")
def test_a_file_that_was_changed_after_its_text_was_read_has_no_copy(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "a.pdf"): FILES["b.pdf"]}, chunk=1_000)

    class Changing(CapitalWords):
        """An engine while which somebody changes a file."""

        def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
            """Yield the capitalised words of each text."""
            for text in texts:
                storage.objects["in", "a.pdf"] = made.pdf([["Another Name"]])
                yield from super().analyse([text])

    done = run_job(Work(job_file(), storage, tmp_path, lambda: False, lambda _: None), Changing())
    assert "1 file has only a redacted text" in done.warning
    report = json.loads(storage.objects["out", f"{FOLDER}a.pdf.report.jsonl"])
    assert report["CopyErrorMessage"] == "the file was changed after its text was read"
    assert ("out", f"{FOLDER}a.pdf.redacted.pdf") not in storage.objects


@pytest.mark.costs(4, reason="the process that reads documents may start")
def test_a_file_whose_name_was_found_has_a_number_in_all_its_names(tmp_path: Path) -> None:
    done, found = run(tmp_path, {"Anna.pdf": made.pdf([["dear Anna"]])})
    assert set(found) == {"file-1.out", "file-1.report.jsonl", "file-1.redacted.pdf"}
    assert "Anna" not in done.warning


@with_tesseract
@pytest.mark.costs(20, reason="tesseract recognises a page")
def test_of_a_scanned_page_the_lines_with_findings_are_painted(tmp_path: Path) -> None:
    _, found = run(tmp_path, {"a.pdf": scanned_pdf([page_of(["dear Maria", "nobody else"])])})
    painted = dark(found["a.pdf.redacted.pdf"])
    rows = [row for row in range(100) if any(painted[row])]
    assert rows
    assert set(rows) <= set(range(7, 12))
