"""Jobs over documents of every kind: results beside the extracted texts, the same from any number of containers."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.engine import Engine
from reading_room.analysis.formats import ANY, COLUMN_TAG, DOCUMENTS_TAG
from reading_room.analysis.job import run_job
from reading_room.analysis.job_file import ClusterPlace, Done, JobFile, Location
from reading_room.analysis.memory import CapitalWords, MemoryStorage, WordMentions, WordSentiment
from reading_room.analysis.part_work import PartResult, assemble, plan_of, write_part
from reading_room.analysis.program import Work
from reading_room.analysis.storage import ObjectGone
from tests.worlds import made_documents as made

MIXED = {
    "a.txt": b"Anna is good",
    "b.pdf": made.pdf([["Bo is good"], ["Zoe"]]),
    "c.docx": made.docx(["Cy is bad"]),
    "d.pdf": b"%PDF-1.7 broken",
    "e.eml": made.eml("Dora", {"f.pdf": made.pdf([["Emil"]]), "g.bin": b"\x00\x01"}),
    "h.txt": "Tromsø is good".encode("latin1"),
    "i.csv": b"Name;Comment\nFlo;Gus is good\n",
}
Lines = list[dict[str, Any]]


def job_file(**changes: Any) -> JobFile:
    """Return a job over everything in ``s3://in`` that accepts documents of every kind."""
    members: dict[str, Any] = {
        "job_id": "0" * 32,
        "attempt": 1,
        "kind": "entities",
        "region": "us-east-1",
        "language": "en",
        "input": Location("in", ""),
        "input_format": "ONE_DOC_PER_FILE",
        "output": Location("out", "1/output/output.tar.gz"),
        "document_limit": 1_000,
        "request": json.dumps({"Documents": {}}),
    }
    return JobFile(**(members | changes))


def store(files: Mapping[str, bytes]) -> MemoryStorage:
    """Return a storage with these files as the input."""
    return MemoryStorage({("in", name): content for name, content in files.items()}, chunk=1_000)


def run(folder: Path, files: Mapping[str, bytes], engine: Engine | None = None, **changes: Any) -> tuple[Done, bytes]:
    """Run a job in one container; return its outcome and its archive."""
    storage = store(files)
    work = Work(job_file(**changes), storage, folder, lambda: False, lambda _: None)
    done = run_job(work, engine or CapitalWords())
    return done, storage.objects["out", "1/output/output.tar.gz"]


def members(archive: bytes) -> dict[str, Lines]:
    """Return the lines of each member of an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {
            each.name: [json.loads(line) for line in opened.extractfile(each).read().splitlines()]  # type: ignore[union-attr]
            for each in opened
        }


def names(line: Mapping[str, Any]) -> list[str]:
    return [each["Text"] for each in line["Entities"]]


@pytest.mark.costs(3, reason="the process that reads documents starts")
def test_each_document_has_a_result_or_an_error_and_the_texts_are_in_a_member_of_their_own(tmp_path: Path) -> None:
    done, archive = run(tmp_path, MIXED)
    found = members(archive)
    assert list(found) == ["output", "documents.jsonl"]
    results = {line["File"]: line for line in found["output"]}
    assert list(results) == [
        "a.txt",
        "b.pdf",
        "c.docx",
        "d.pdf",
        "e.eml",
        "e.eml/f.pdf",
        "e.eml/g.bin",
        "h.txt",
        "i.csv",
    ]
    assert names(results["b.pdf"]) == ["Bo", "Zoe"]
    assert names(results["e.eml/f.pdf"]) == ["Emil"]
    assert names(results["h.txt"]) == ["Tromsø"]
    bad = {name: line["ErrorCode"] for name, line in results.items() if "ErrorCode" in line}
    assert bad == {"d.pdf": "INVALID_DOCUMENT", "e.eml/g.bin": "UNSUPPORTED_ENCODING"}
    assert results["d.pdf"]["ErrorMessage"] == "The document cannot be read: it is not a PDF that can be read."
    assert (done.documents, done.errors) == (9, 2)


@pytest.mark.costs(3, reason="the process that reads documents may start")
def test_offsets_point_into_the_extracted_text_whose_blocks_have_page_and_box(tmp_path: Path) -> None:
    _, archive = run(tmp_path, MIXED)
    found = members(archive)
    texts = {line["File"]: line for line in found["documents.jsonl"]}
    assert "a.txt" not in texts
    for line in found["output"]:
        for each in line.get("Entities", ()):
            text = texts[line["File"]]["Text"] if line["File"] in texts else MIXED[line["File"]].decode()
            assert text[each["BeginOffset"] : each["EndOffset"]] == each["Text"]
    pdf = texts["b.pdf"]
    assert (pdf["Format"], pdf["DocumentType"], pdf["Pages"]) == ("pdf", "NATIVE_PDF", 2)
    assert [each["Page"] for each in pdf["Blocks"]] == [1, 2]
    assert set(pdf["Blocks"][0]["BoundingBox"]) == {"Left", "Top", "Width", "Height"}
    assert texts["h.txt"]["Encoding"] == "windows-1252"


@pytest.mark.costs(3, reason="the process that reads documents may start")
@pytest.mark.parametrize(
    ("kind", "engine"),
    [("entities", CapitalWords()), ("sentiment", WordSentiment()), ("targeted-sentiment", WordMentions())],
)
def test_several_containers_write_the_same_bytes_as_one(tmp_path: Path, kind: Any, engine: Engine) -> None:
    _, expected = run(tmp_path, MIXED, engine, kind=kind, part_bytes=30)
    storage = store(MIXED)
    place = ClusterPlace(0, 2, "10.0.0.1", "10.0.0.1", "/x")
    job = job_file(kind=kind, part_bytes=30, cluster=place)
    plan = plan_of(job, storage, lambda: False)
    assert len(plan.parts) > 2
    results: list[PartResult] = []
    for part in reversed(plan.parts):
        key = f"1/output/parts/1/{part.number}"
        results.append(write_part(job, engine, storage, part, key, tmp_path, lambda: False, lambda _: None))
    assemble(job, storage, results, tmp_path, plan)
    assert storage.objects["out", "1/output/output.tar.gz"] == expected


@pytest.mark.costs(3, reason="the process that reads documents may start")
def test_only_plain_text_gives_the_bytes_that_it_gives_without_the_tag(tmp_path: Path) -> None:
    files = {"a.txt": b"Anna is good", "b.txt": b"\xef\xbb\xbfBo", "c.txt": b"x" * 1_001, "d": b""}
    assert run(tmp_path, files)[1] == run(tmp_path, files, request="{}")[1]


@pytest.mark.costs(3, reason="the process that reads documents may start")
def test_the_limit_of_a_document_holds_for_its_text(tmp_path: Path) -> None:
    files = {"a.docx": made.docx(["Ø" * 600]), "b.docx": made.docx(["x" * 1_001])}
    found = members(run(tmp_path, files)[1])["output"]
    assert [line["ErrorCode"] for line in found] == ["DOCUMENT_SIZE_EXCEEDED"] * 2
    # The text ends with a line end.
    assert found[0]["ErrorMessage"].endswith("1000 bytes: its text has 1201 bytes.")


class Changing(MemoryStorage):
    """A storage in which objects are deleted or replaced after they were listed, or while they are read."""

    def read(
        self, bucket: str, key: str, begin: int = 0, end: int | None = None, etag: str = "", *, exact: bool = True
    ) -> Iterator[bytes]:
        """Yield an object; of ``c.docx`` half, before S3 finds that it is another one."""
        if key == "b.pdf":
            del self.objects[bucket, key]
        for number, chunk in enumerate(super().read(bucket, key, begin, end, etag)):
            if key == "c.docx" and number:
                raise ObjectGone("INPUT_NOT_FOUND", f"s3://{bucket}/{key} was changed while the job read it")
            yield chunk


@pytest.mark.costs(3, reason="the process that reads documents may start")
@pytest.mark.parametrize("request_", [json.dumps({"Documents": {}}), "{}"], ids=["any format", "text"])
def test_a_document_that_is_gone_or_changes_while_it_is_read_fails_alone(tmp_path: Path, request_: str) -> None:
    files = {"a.txt": b"Anna", "b.pdf": MIXED["b.pdf"], "c.docx": made.docx(["Cy " * 2_000]), "d.txt": b"Dora"}
    storage = Changing({("in", name): content for name, content in files.items()}, chunk=100)
    run_job(Work(job_file(request=request_), storage, tmp_path, lambda: False, lambda _: None), CapitalWords())
    lines = {line["File"]: line for line in members(storage.objects["out", "1/output/output.tar.gz"])["output"]}
    assert [names(lines[name]) for name in ("a.txt", "d.txt")] == [["Anna"], ["Dora"]]
    for name in ("b.pdf", "c.docx"):
        assert lines[name]["ErrorCode"] == "INVALID_DOCUMENT"
        assert lines[name]["ErrorMessage"] == "The document was deleted or changed after the job had listed it."


@pytest.mark.costs(3, reason="the process that reads documents may start")
def test_a_column_is_chosen_by_name(tmp_path: Path) -> None:
    request = json.dumps({"Documents": {"Column": "comment"}})
    (line,) = members(run(tmp_path, {"i.csv": MIXED["i.csv"]}, request=request)[1])["output"]
    assert names(line) == ["Gus"]
    assert (DOCUMENTS_TAG, ANY, COLUMN_TAG) == ("reading-room:documents", "any", "reading-room:column")


@pytest.mark.costs(3, reason="the process that reads documents may start")
def test_a_reader_config_adds_what_the_api_defines_for_pages(tmp_path: Path) -> None:
    request = json.dumps({"DocumentReaderConfig": {"DocumentReadAction": "TEXTRACT_DETECT_DOCUMENT_TEXT"}})
    files = {"b.pdf": MIXED["b.pdf"], "a.txt": b"Anna"}
    found = members(run(tmp_path, files, kind="custom-entities", request=request)[1])["output"]
    plain, line = found
    assert set(plain) == {"Entities", "File"}
    assert line["DocumentMetadata"] == {
        "Pages": 2,
        "ExtractedCharacters": [{"Count": 10, "Page": 1}, {"Count": 3, "Page": 2}],
    }
    assert line["DocumentType"] == [{"Page": 1, "Type": "NATIVE_PDF"}, {"Page": 2, "Type": "NATIVE_PDF"}]
    assert [(each["Id"], each["Text"], each["Page"]) for each in line["Blocks"]] == [
        ("line-1", "Bo is good", 1),
        ("line-2", "Zoe", 2),
    ]
    zoe = line["Entities"][1]
    assert zoe["BlockReferences"] == [{"BlockId": "line-2", "BeginOffset": 0, "EndOffset": 3}]
    assert [each["WarnCode"] for each in line["Warnings"]] == [
        "INFERENCING_NATIVE_DOCUMENT_WITH_PLAINTEXT_TRAINED_MODEL"
    ] * 2


def run_pii(folder: Path, request: Mapping[str, Any]) -> dict[str, bytes]:
    """Run a job that finds personal data in a PDF and a text; return its objects by their names."""
    storage = store({name: MIXED[name] for name in ("a.txt", "b.pdf")})
    job = job_file(kind="pii", output=Location("out", "1/output/"), request=json.dumps({"Documents": {}, **request}))
    run_job(Work(job, storage, folder, lambda: False, lambda _: None), CapitalWords())
    return {
        key.removeprefix("1/output/"): content for (bucket, key), content in storage.objects.items() if bucket == "out"
    }


@pytest.mark.costs(3, reason="the process that reads documents may start")
def test_personal_data_in_a_pdf_has_offsets_into_an_object_with_its_text(tmp_path: Path) -> None:
    found = run_pii(tmp_path, {"Mode": "ONLY_OFFSETS"})
    assert set(found) == {"a.txt.out", "b.pdf.out", "b.pdf.documents.jsonl"}
    (first, _) = json.loads(found["b.pdf.out"])["Entities"]
    text = json.loads(found["b.pdf.documents.jsonl"])["Text"]
    assert text[first["BeginOffset"] : first["EndOffset"]] == "Bo"


@pytest.mark.costs(3, reason="the process that reads documents may start")
def test_a_redacted_pdf_leaves_no_extracted_text(tmp_path: Path) -> None:
    redaction = {"PiiEntityTypes": ["ALL"], "MaskMode": "MASK", "MaskCharacter": "#"}
    found = run_pii(tmp_path, {"Mode": "ONLY_REDACTION", "RedactionConfig": redaction})
    names = {"a.txt.out", "a.txt.report.jsonl", "b.pdf.out", "b.pdf.report.jsonl", "b.pdf.redacted.pdf"}
    assert set(found) == names
    assert b"## is good" in found["b.pdf.out"]
    assert b"Zoe" not in b"".join(found.values())
