"""A job from its input to its archive, with storage and engine in memory."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.archive import ResultArchive
from reading_room.analysis.job import run_job
from reading_room.analysis.job_file import Done, JobFile, Location, Progress
from reading_room.analysis.memory import CapitalWords, MemoryStorage
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure


def job_file(**changes: Any) -> JobFile:
    """Return a job over ``s3://in/doc`` that writes to ``s3://out``."""
    members: dict[str, Any] = {
        "job_id": "0" * 32,
        "attempt": 1,
        "kind": "entities",
        "region": "us-east-1",
        "language": "en",
        "input": Location("in", "doc"),
        "input_format": "ONE_DOC_PER_LINE",
        "output": Location("out", "x/output/output.tar.gz"),
        "document_limit": 100,
    }
    return JobFile(**(members | changes))


def run(job: JobFile, storage: MemoryStorage, folder: Path, stop_after: int = 10**9) -> Done:
    """Run a job; ``stop_after`` is the number of checks after which it must end early."""
    looks = iter(range(10**9))
    reported: list[Progress] = []
    work = Work(job, storage, folder, lambda: next(looks) >= stop_after, reported.append)
    return run_job(work, CapitalWords())


def output_lines(storage: MemoryStorage) -> list[str]:
    """Return the lines of the archive's only member."""
    content = storage.objects["out", "x/output/output.tar.gz"]
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        assert archive.getnames() == ["output"]
        member = archive.extractfile("output")
        assert member is not None
        return member.read().decode().splitlines()


def test_each_line_of_each_file_gets_one_result_line_in_order(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "docs/a.txt"): b"Anna met Bo\n\nno one\n", ("in", "document"): b"Zoe"})
    done = run(job_file(), storage, tmp_path)
    lines = [json.loads(line) for line in output_lines(storage)]
    assert [(line["File"], line["Line"]) for line in lines] == [
        ("a.txt", 0),
        ("a.txt", 1),
        ("a.txt", 2),
        ("document", 0),
    ]
    assert [[e["Text"] for e in line["Entities"]] for line in lines] == [["Anna", "Bo"], [], [], ["Zoe"]]
    assert (done.documents, done.errors, done.stopped) == (4, 0, False)
    assert (done.characters, done.units) == (len("Anna met Bono oneZoe"), 4 * 3)


def test_offsets_count_code_points(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "doc"): "😀é Tromsø\n".encode()})
    run(job_file(), storage, tmp_path)
    (entity,) = json.loads(output_lines(storage)[0])["Entities"]
    assert (entity["BeginOffset"], entity["EndOffset"]) == (3, 9)


def test_a_line_is_written_as_comprehend_writes_it(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "doc"): b"Bo"})
    run(job_file(), storage, tmp_path)
    assert output_lines(storage) == [
        '{"Entities": [{"BeginOffset": 0, "EndOffset": 2, "Score": 1.0, "Text": "Bo", "Type": "OTHER"}], '
        '"File": "doc", "Line": 0}'
    ]


def test_a_bad_document_gets_an_error_line_and_the_others_their_results(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "doc"): b"Anna\n" + b"x" * 200 + b"\nBo\n", ("in", "doc2"): b"\xff\n"})
    done = run(job_file(), storage, tmp_path)
    codes = [json.loads(line).get("ErrorCode") for line in output_lines(storage)]
    assert codes == [None, "DOCUMENT_SIZE_EXCEEDED", None, "UNSUPPORTED_ENCODING"]
    assert done.errors == 2


def test_a_file_as_a_document_has_no_line_number(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "doc"): b"Anna\nBo", ("in", "docs/"): b"", ("in", "doc.empty"): b""})
    run(job_file(input_format="ONE_DOC_PER_FILE"), storage, tmp_path)
    lines = [json.loads(line) for line in output_lines(storage)]
    assert ["Line" in line for line in lines] == [False, False]
    assert [line["File"] for line in lines] == ["doc", "doc.empty"]


@pytest.mark.costs(0.05, reason="5,000 documents are analysed and archived")
def test_done_describes_the_archive_correctly(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "doc"): b"Anna\n" * 5000})
    done = run(job_file(), storage, tmp_path)
    content = storage.objects["out", "x/output/output.tar.gz"]
    assert (done.size, done.sha256) == (len(content), sha256(content).hexdigest())
    assert len(output_lines(storage)) == 5000


def test_a_stopped_job_writes_its_finished_documents(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "doc"): b"Anna\n" * 1000})
    done = run(job_file(), storage, tmp_path, stop_after=2)
    assert done.stopped
    assert len(output_lines(storage)) == done.documents == 2


@pytest.mark.parametrize(
    ("changes", "objects", "code"),
    [
        ({"input": Location("in", "nothing")}, {}, "INPUT_NOT_FOUND"),
        ({"total_limit": 3}, {}, "INPUT_TOO_LARGE"),
        ({"documents_limit": 1}, {}, "TOO_MANY_DOCUMENTS"),
        ({"documents_limit": 2}, {("in", "doc3"): b""}, "TOO_MANY_DOCUMENTS"),
    ],
)
def test_an_input_outside_the_limits_fails_and_writes_nothing(
    tmp_path: Path, changes: dict[str, Any], objects: dict[tuple[str, str], bytes], code: str
) -> None:
    storage = MemoryStorage({("in", "doc"): b"Anna\nBo\n", ("in", "doc2"): b"", **objects})
    with pytest.raises(JobFailure) as failure:
        run(job_file(**changes), storage, tmp_path)
    assert failure.value.code == code
    assert not any(bucket == "out" for bucket, _ in storage.objects)


def test_an_output_without_write_access_fails_the_job(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "doc"): b"Anna"}, read_only=True)
    with pytest.raises(JobFailure) as failure:
        run(job_file(), storage, tmp_path)
    assert failure.value.code == "NO_WRITE_ACCESS_TO_OUTPUT"


def test_a_large_input_is_not_read_before_its_output_may_be_written(tmp_path: Path) -> None:
    class Unread(MemoryStorage):
        def read(self, *_: Any, **__: Any) -> Iterator[bytes]:
            raise AssertionError("it was read")

    storage = Unread({("in", "doc"): b"Anna\n" * 300_000}, read_only=True)
    with pytest.raises(JobFailure) as failure:
        run(job_file(), storage, tmp_path)
    assert failure.value.code == "NO_WRITE_ACCESS_TO_OUTPUT"


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 100_000])
def test_tar_reads_an_archive_of_any_size(tmp_path: Path, size: int) -> None:
    archive = ResultArchive(tmp_path / "a.tar.gz")
    archive.begin("output")
    if size:
        archive.write("x" * (size - 1))
    archive.finish()
    with tarfile.open(tmp_path / "a.tar.gz") as read:
        member = read.extractfile("output")
        assert member is not None
        assert len(member.read()) == size
        assert read.next() is None


def test_a_job_file_is_decoded_unchanged_and_unknown_members_are_refused() -> None:
    job = job_file()
    assert JobFile.from_json(job.to_json()) == job
    with pytest.raises(ValueError, match="job file"):
        JobFile.from_json(job.to_json()[:-1] + ',"command":"sh"}')
