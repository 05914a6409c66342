"""Bad input, kind by kind: it fails alone, each limit holds to the byte, and input that ends a job is named."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.engine import Engine
from reading_room.analysis.forms import FORMS
from reading_room.analysis.job import run_job
from reading_room.analysis.job_file import Done, JobFile, Location
from reading_room.analysis.kind import Kind
from reading_room.analysis.memory import CapitalWords, MemoryStorage, WordMentions, WordSentiment
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure

LIMIT = 40
ENGINES: dict[str, Callable[[], Engine]] = {"sentiment": WordSentiment, "targeted-sentiment": WordMentions}
EMPTY_IS_ERROR = ("sentiment", "classification")
every_kind = pytest.mark.parametrize("kind", FORMS)


def run(kind: Kind, folder: Path, objects: dict[str, bytes], **changes: Any) -> tuple[Done, list[dict[str, Any]]]:
    """Run a job of a kind over ``s3://in/`` with an engine of one rule; return the outcome and the result lines."""
    storage = MemoryStorage({("in", key): content for key, content in objects.items()})
    members: dict[str, Any] = {
        "job_id": "0" * 32,
        "attempt": 1,
        "kind": kind,
        "region": "us-east-1",
        "language": "en",
        "input": Location("in", ""),
        "input_format": "ONE_DOC_PER_LINE",
        "output": Location("out", "output.tar.gz"),
        "document_limit": LIMIT,
    }
    job = JobFile(**(members | changes))
    work = Work(job, storage, folder, lambda: False, lambda _: None)
    done = run_job(work, ENGINES.get(kind, CapitalWords)())
    with tarfile.open(fileobj=io.BytesIO(storage.objects["out", "output.tar.gz"])) as archive:
        text = b"".join(archive.extractfile(member).read() for member in archive)  # type: ignore[union-attr]
    return done, [json.loads(line) for line in text.splitlines()]


@every_kind
def test_a_bad_line_gets_an_error_and_the_others_their_results(tmp_path: Path, kind: Kind) -> None:
    lines = {
        b"Anna is good\r\n": None,
        b"\r\n": "EMPTY_DOCUMENT" if kind in EMPTY_IS_ERROR else None,
        b"x" * (LIMIT + 1) + b"\n": "DOCUMENT_SIZE_EXCEEDED",
        b"Troms\xf8 in Latin-1\r": "UNSUPPORTED_ENCODING",
        "Tromsø".encode("utf-16") + b"\r": "UNSUPPORTED_ENCODING",
        b"T\x00r\x00o\x00m\x00\n": "UNSUPPORTED_ENCODING",
        b"Bo is bad": None,
    }
    done, found = run(kind, tmp_path, {"a.txt": b"".join(lines), "b.txt": b"Zoe is good"})
    assert [line.get("ErrorCode") for line in found] == [*lines.values(), None]
    assert [(line["File"], int(line["Line"])) for line in found] == [*(("a.txt", n) for n in range(7)), ("b.txt", 0)]
    for line in found:
        assert ("ErrorMessage" in line) == ("ErrorCode" in line)
        assert set(line) <= {"File", "Line", "ErrorCode", "ErrorMessage"} or "ErrorCode" not in line
    assert (done.documents, done.errors) == (8, sum(code is not None for code in lines.values()))


def zipped() -> bytes:
    """Return a zip archive of a text."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.txt", "Anna")
    return content.getvalue()


def tarred() -> bytes:
    """Return a tar archive of a text of only ASCII characters."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return content.getvalue()


@pytest.mark.parametrize("form", ["ONE_DOC_PER_FILE", "ONE_DOC_PER_LINE"])
@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"Anna", mtime=0) + b"\n" * 9,
        zipped() + b"\n" * 9,
        tarred(),
        b"%PDF-1.7\nBT (Anna) Tj ET\n",
        "\ufeffAnna\nBo\n".encode("utf-16-le"),
        "Anna\nBo".encode("utf-16-be"),
    ],
    ids=["gzip", "zip", "tar", "PDF", "UTF-16 with a mark", "UTF-16"],
)
@every_kind
def test_an_archive_in_place_of_a_document_has_no_result(tmp_path: Path, kind: Kind, content: bytes, form: str) -> None:
    objects = {"a.txt": b"Anna is good", "b.txt": content, "c.txt": b"Bo is bad"}
    done, found = run(kind, tmp_path, objects, input_format=form, document_limit=1_000_000)
    assert [line["File"] for line in found if "ErrorCode" not in line] == ["a.txt", "c.txt"]
    bad = [line for line in found if line["File"] == "b.txt"]
    assert {line["ErrorCode"] for line in bad} == {"UNSUPPORTED_ENCODING"}
    # Only text without an encoding mark is split into lines, however many line ends are among the bytes.
    unmarked = content.startswith(b"\x00A") and form == "ONE_DOC_PER_LINE"
    assert done.errors == len(bad) == (2 if unmarked else 1)


@pytest.mark.parametrize("form", ["ONE_DOC_PER_FILE", "ONE_DOC_PER_LINE"])
@every_kind
def test_the_limit_of_a_document_counts_bytes_and_the_last_one_is_allowed(
    tmp_path: Path, kind: Kind, form: str
) -> None:
    full, over = "ä" * (LIMIT // 2), "ä" * (LIMIT // 2) + "x"
    objects = {"a": full.encode(), "b": over.encode()}
    _, found = run(kind, tmp_path, objects, input_format=form)
    assert [line.get("ErrorCode") for line in found] == [None, "DOCUMENT_SIZE_EXCEEDED"]
    assert f"limit {LIMIT} bytes: it has {LIMIT + 1} bytes" in found[1]["ErrorMessage"]


@pytest.mark.parametrize(("limit", "fits"), [(4, True), (3, False)])
def test_lines_are_counted_over_all_files(tmp_path: Path, limit: int, fits: bool) -> None:
    objects = {"a": b"Anna\nBo\n", "b": b"Cid\nDan"}
    if fits:
        assert run("entities", tmp_path, objects, documents_limit=limit)[0].documents == 4
        return
    with pytest.raises(JobFailure, match="the input has more than 3 documents") as failure:
        run("entities", tmp_path, objects, documents_limit=limit)
    assert failure.value.code == "TOO_MANY_DOCUMENTS"


@pytest.mark.parametrize(("limit", "fits"), [(9, True), (8, False)])
def test_bytes_are_counted_over_all_files(tmp_path: Path, limit: int, fits: bool) -> None:
    objects = {"a": b"Anna\n", "b": b"Bo\r\n"}
    if fits:
        assert run("entities", tmp_path, objects, total_limit=limit)[0].documents == 2
        return
    with pytest.raises(JobFailure, match="s3://in/ has more than 8 bytes") as failure:
        run("entities", tmp_path, objects, total_limit=limit)
    assert failure.value.code == "INPUT_TOO_LARGE"


def test_fewer_bytes_than_the_guide_advises_are_analysed(tmp_path: Path) -> None:
    done, found = run("entities", tmp_path, {"a": b"x"})
    assert (done.documents, done.errors, found[0]["Entities"]) == (1, 0, [])
