"""Documents of every kind in a real job: read in its container, under its filters, hostile ones among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.analysis.formats import BY_SUFFIX, suffix_of
from reading_room.analysis.tesseract import find_program
from reading_room.cli import reading
from reading_room.cli.job_plan import kinds_of, languages_of
from reading_room.cli.jobs_run import SOME_FAILED, Run, RunOptions
from reading_room.cli.texts import texts_of
from reading_room.settings import Settings
from tests.worlds import made_documents as made
from tests.worlds import made_pictures as pictures
from tests.worlds.cluster import Hall
from tests.worlds.mixed_folder import BROKEN, PLACES, TEXTS, mixed_files, write_mixed_folder
from tests.worlds.own_account import OwnAccount
from tests.worlds.product import Product
from tests.worlds.workbooks import sheets_of

with_tesseract = pytest.mark.skipif(find_program() is None, reason="needs Debian's package tesseract-ocr")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ANNA = "Marie Curie was born in Warsaw."
GOOD = {
    "a.txt": ANNA.encode(),
    "b.txt": "Marie Curie née à Varsovie".encode("latin1"),
    "c.md": f"# Curie\n\n{ANNA}\n".encode(),
    "d.pdf": made.pdf([[ANNA], ["Pierre Curie lived in Paris."]]),
    "e.docx": made.docx([ANNA]),
    "f.pptx": made.pptx([ANNA]),
    "g.xlsx": made.xlsx([["Name", "Note"], ["Marie", ANNA]]),
    "h.odt": made.odt([ANNA]),
    "i.epub": made.epub([f"<p>{ANNA}"]),
    "j.html": f"<p>{ANNA}<script>x</script>".encode(),
    "k.rtf": b"{\\rtf1 " + ANNA.encode() + b"}",
    "l.csv": f"name,note\nMarie,{ANNA}\n".encode(),
    "m.jsonl": f'{{"text": "{ANNA}"}}\n'.encode(),
    "n.eml": made.eml(ANNA, {"inner.pdf": made.pdf([[ANNA]])}),
    "o.mbox": b"From x Mon Nov 30 10:00:00 2026\n" + made.eml(ANNA),
}
BAD = {
    "p.pdf": b"%PDF-1.7 broken",
    "q.docx": made.zipped({"word/document.xml": b"<w>" + b" " * 300_000_000 + b"</w>"}),
    "r.docx": made.zipped({"word/document.xml": '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><w>&x;</w>'}),
    "s.png": made.png(30_000, 30_000),
    # More than a reader has memory for: it ends, and another one reads the next document.
    "t.html": b"<a>" * 15_000_000,
    "u.bin": bytes(range(256)) * 10,
}


@pytest.fixture(scope="module")
def hall(product: Product, account: OwnAccount) -> Hall:
    """A place for jobs of several containers."""
    return Hall(product, account=account)


@pytest.mark.costs(25, reason="a job reads a document of each format")
@pytest.mark.parametrize("containers", ["1", "2"])
def test_a_job_reads_documents_of_every_kind_and_bad_ones_fail_alone(hall: Hall, containers: str) -> None:
    place = f"mixed{containers}/"
    for name, content in (GOOD | BAD | {"z.txt": ANNA.encode()}).items():
        hall.put_text(place + name, content)
    tags = [{"Key": "reading-room:documents", "Value": "any"}, {"Key": "reading-room:containers", "Value": containers}]
    each = {"S3Uri": f"s3://{hall.bucket}/{place}", "InputFormat": "ONE_DOC_PER_FILE"}
    properties = hall.run(place, "entities", InputDataConfig=each, Tags=tags)
    assert properties["JobStatus"] == "COMPLETED", properties
    lines = {line["File"]: line for line in reading.results(hall.account, properties)}
    inner = ["n.eml/inner.pdf", "o.mbox/message-1"]
    assert set(lines) == {*GOOD, *BAD, *inner, "z.txt"} - {"o.mbox"}
    assert {name for name, line in lines.items() if "ErrorCode" in line} == set(BAD)
    for name in (*(each for each in GOOD if each not in ("b.txt", "o.mbox")), *inner, "z.txt"):
        assert "Warsaw" in found(lines[name]), name
    texts = dict(reading.extracted(hall.account, properties))
    assert set(texts) == set(lines) - set(BAD) - {"a.txt", "z.txt"}
    for name, line in lines.items():
        for entity in line.get("Entities", ()):
            text = texts.get(name, ANNA)
            assert text[entity["BeginOffset"] : entity["EndOffset"]] == entity["Text"]


@with_tesseract
@pytest.mark.costs(25, reason="tesseract recognises five pages in a job's container")
def test_a_job_recognises_text_in_images_and_scanned_pages(hall: Hall) -> None:
    page = pictures.page_of([ANNA], inches=2)
    files = {
        "a.png": pictures.png(page),
        "b.jpg": pictures.jpeg(page),
        "c.tiff": pictures.tiff([page, page]),
        "d.pdf": pictures.scanned_pdf([page]),
        # tesseract cannot read it, and the next one is read.
        "e.png": made.png(500, 500),
        "f.txt": ANNA.encode(),
    }
    for name, content in files.items():
        hall.put_text(f"images/{name}", content)
    each = {"S3Uri": f"s3://{hall.bucket}/images/", "InputFormat": "ONE_DOC_PER_FILE"}
    tags = [{"Key": "reading-room:documents", "Value": "any"}]
    properties = hall.run("images/", "entities", InputDataConfig=each, Tags=tags)
    assert properties["JobStatus"] == "COMPLETED", properties
    lines = {line["File"]: line for line in reading.results(hall.account, properties)}
    assert {name for name, line in lines.items() if "ErrorCode" in line} == {"e.png"}
    assert all("Warsaw" in found(line) for name, line in lines.items() if name != "e.png")
    assert found(lines["c.tiff"]).count("Warsaw") == 2
    texts = dict(reading.extracted(hall.account, properties))
    assert {name: text.strip() for name, text in texts.items() if name != "c.tiff"} == dict.fromkeys(
        ("a.png", "b.jpg", "d.pdf"), ANNA
    )


@pytest.mark.costs(15, reason="a container starts, and reads three documents")
def test_a_call_reads_a_document_in_the_container_of_its_engine(hall: Hall) -> None:
    detect = hall.account.comprehend.detect_entities
    answer = detect(Bytes=made.pdf([[ANNA]]), LanguageCode="en")
    assert {"Marie Curie", "Warsaw"} <= set(found(answer))
    (block,) = answer["Blocks"]
    for entity in answer["Entities"]:
        (place,) = entity["BlockReferences"]
        assert block["Text"][place["BeginOffset"] : place["EndOffset"]] == entity["Text"]
    with pytest.raises(ClientError, match="INVALID_DOCUMENT: The document cannot be read: it is not a PDF") as raised:
        detect(Bytes=BAD["p.pdf"], LanguageCode="en")
    assert raised.value.response["Reason"] == "INVALID_DOCUMENT"  # type: ignore[typeddict-item]
    # More than a reader has memory for: it ends, and the container goes on.
    with pytest.raises(ClientError, match="INVALID_DOCUMENT"):
        detect(Bytes=b"<html>" + b"<a>" * 3_000_000, LanguageCode="en")
    assert "Warsaw" in found(detect(Text=ANNA, LanguageCode="en"))


@with_tesseract
@pytest.mark.costs(15, reason="tesseract recognises two pages in the container of an engine")
def test_a_call_recognises_text_in_images(hall: Hall) -> None:
    detect = hall.account.comprehend.detect_entities
    image = detect(Bytes=pictures.png(pictures.page_of([ANNA], inches=2)), LanguageCode="en")
    assert ("Warsaw" in found(image), image["DocumentType"]) == (True, [{"Page": 1, "Type": "IMAGE"}])
    forced: Any = {
        "DocumentReadAction": "TEXTRACT_DETECT_DOCUMENT_TEXT",
        "DocumentReadMode": "FORCE_DOCUMENT_READ_ACTION",
    }
    page = detect(Bytes=made.pdf([[ANNA]]), LanguageCode="en", DocumentReaderConfig=forced)
    assert ("Warsaw" in found(page), page["DocumentType"]) == (True, [{"Page": 1, "Type": "SCANNED_PDF"}])


@pytest.mark.costs(60, reason="twenty-three jobs, for eight kinds of analysis in six languages")
def test_jobs_run_makes_a_workbook_of_everything_in_a_mixed_folder(
    hall: Hall, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = tmp_path / "mixed", tmp_path / "report.xlsx"
    write_mixed_folder(folder)
    (folder / "gone.txt").write_text(TEXTS["en"])
    texts = texts_of(folder)
    (folder / "gone.txt").unlink()
    files = mixed_files()
    assert len({BY_SUFFIX[suffix_of(name)].name for name in files}) >= 12
    options = RunOptions(kinds_of(["all"], None), "auto", 10, False, None, output)
    assert Run(hall.account, Settings(), texts, options, running=True).to_the_end() == SOME_FAILED
    printed = capsys.readouterr().out
    assert "Deleted or changed while it was uploaded: gone.txt" in printed
    findings, documents = sheets_of(output)
    columns, *rows = documents
    table = {row[0]: dict(zip(columns, row, strict=True)) for row in rows}
    assert set(table) == {*files, "gone.txt", "mail/answer.eml/inner.pdf", "mail/box.mbox/message-1"}
    for name, (language, _) in files.items():
        row = table[name]
        if name == BROKEN:
            assert int(row["errors"]) >= 6
        elif name != "mail/box.mbox":
            assert (row["language"], row["dominant-language"], row["errors"]) == (language, language, ""), name
            assert int(row["entities"]) > 0, name
            assert int(row["key-phrases"]) > 0, name
            assert row["sentiment"] in ("POSITIVE", "NEGATIVE", "NEUTRAL", "MIXED"), name
            assert (row["pii"] == "not read") == (language not in languages_of("pii")), name
            assert row["topics"], name
    found = {(row[0], row[1], cell) for row in findings for cell in row}
    for name, (language, _) in files.items():
        if name not in (BROKEN, "mail/box.mbox"):
            assert ("entities", name, PLACES[language]) in found, name
    assert f"{BROKEN} (entities" in printed


def found(line: Mapping[str, Any]) -> list[str]:
    """Return the texts of the entities of a line."""
    return [entity["Text"] for entity in line["Entities"]]
