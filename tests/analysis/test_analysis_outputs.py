"""A job that writes an object for each input file: its objects, their names, and the digest that the service checks."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.engine import Result
from reading_room.analysis.folder_digest import FolderDigest
from reading_room.analysis.forms import NOT_REDACTED
from reading_room.analysis.job import run_job
from reading_room.analysis.job_file import Done, JobFile, Location
from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.part_work import assemble, part_prefix, plan_of, write_part
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure
from tests.worlds.recall_profiles import profile_members

FOLDER = "1/111122223333-PII-0/output/"
REDACTION: dict[str, Any] = {"Mode": "ONLY_REDACTION", "RedactionConfig": {"PiiEntityTypes": ["ALL"]}}


def with_profile(threshold: float, engine: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return the members of a request with a recall profile for names."""
    profile = profile_members({"NAME": threshold}) | ({} if engine is None else {"Engine": engine})
    return {"Mode": "ONLY_OFFSETS", "RedactionConfig": None, "PiiProfile": {"Name": "claims", **profile}, **changes}


PROFILE = with_profile(0.6)


class CapitalNames:
    """An engine with one rule: a word that begins with a capital letter is a name."""

    result_member = "Entities"

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the capitalised words of each text."""
        for text in texts:
            found: Result = []
            end = 0
            for word in text.split():
                begin = text.index(word, end)
                end = begin + len(word)
                if word[0].isupper():
                    found.append({"Score": 0.5, "Type": "NAME", "BeginOffset": begin, "EndOffset": end})
            yield found


class Beginnings:
    """An engine that takes the beginning of a long text for a name."""

    result_member = "Entities"

    def __init__(self, length: int) -> None:
        self._length = length

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield one place, or none in a shorter text."""
        for text in texts:
            place = {"Score": 1.0, "Type": "NAME", "BeginOffset": 0, "EndOffset": self._length}
            yield [place] if len(text) > self._length else []


def job_file(request: dict[str, Any] | None = None, **changes: Any) -> JobFile:
    """Return a job over everything in ``s3://in``."""
    members: dict[str, Any] = {
        "job_id": "0" * 32,
        "attempt": 1,
        "kind": "pii",
        "region": "us-east-1",
        "language": "en",
        "input": Location("in", "papers/"),
        "input_format": "ONE_DOC_PER_LINE",
        "output": Location("out", FOLDER),
        "document_limit": 60,
        "part_bytes": 30,
        "request": json.dumps(request or {"Mode": "ONLY_OFFSETS", "RedactionConfig": None}),
    }
    return JobFile(**(members | changes))


def store(files: dict[str, bytes], **options: Any) -> MemoryStorage:
    """Return a storage with these files in the input's folder."""
    return MemoryStorage({("in", f"papers/{key}"): content for key, content in files.items()}, **options)


def written(storage: MemoryStorage) -> dict[str, bytes]:
    """Return the objects of the job's folder by their names."""
    return {key[len(FOLDER) :]: data for (bucket, key), data in storage.objects.items() if bucket == "out"}


def run(job: JobFile, storage: MemoryStorage, folder: Path, stopping: Callable[[], bool] = lambda: False) -> Done:
    """Run a job in one container, and check what it says of its output."""
    done = run_job(Work(job, storage, folder, stopping, lambda _: None), CapitalNames())
    expected = FolderDigest()
    for name, data in written(storage).items():
        expected.add(name, len(data), hashlib.sha256(data).hexdigest())
    assert (done.size, done.sha256) == (expected.size, expected.hexdigest())
    assert list(folder.iterdir()) == []
    return done


def test_each_file_has_an_object_of_lines_in_the_service_s_own_form(tmp_path: Path) -> None:
    storage = store({"a.txt": b"Anna met Bo\nno one\n", "b.txt": b"\xff\nZoe"})
    done = run(job_file(), storage, tmp_path)
    assert written(storage) == {
        "a.txt.out": b'{"Entities":[{"BeginOffset":0,"EndOffset":4,"Type":"NAME","Score":0.5},'
        b'{"BeginOffset":9,"EndOffset":11,"Type":"NAME","Score":0.5}],"File":"a.txt","Line":0}\n'
        b'{"Entities":[],"File":"a.txt","Line":1}\n',
        "b.txt.out": b'{"ErrorCode":"UNSUPPORTED_ENCODING","ErrorMessage":"Document is not in UTF-8 format.",'
        b'"File":"b.txt","Line":0}\n{"Entities":[{"BeginOffset":0,"EndOffset":3,"Type":"NAME","Score":0.5}],'
        b'"File":"b.txt","Line":1}\n',
    }
    assert (done.documents, done.errors, done.warning) == (4, 1, "")


def test_a_file_that_is_one_document_has_no_line(tmp_path: Path) -> None:
    storage = store({"a.txt": b"Anna\nmet\n", "empty": b""})
    run(job_file(input_format="ONE_DOC_PER_FILE"), storage, tmp_path)
    assert {name: json.loads(data) for name, data in written(storage).items()} == {
        "a.txt.out": {
            "Entities": [{"BeginOffset": 0, "EndOffset": 4, "Type": "NAME", "Score": 0.5}],
            "File": "a.txt",
        },
        "empty.out": {"Entities": [], "File": "empty"},
    }


def test_files_of_one_name_keep_their_folders(tmp_path: Path) -> None:
    storage = store({"x": b"1", "a/x": b"2", "a/y": b"3", "parts/1/x": b"4"})
    run(job_file(), storage, tmp_path)
    assert sorted(written(storage)) == ["a/x.out", "parts/1/x.out", "x.out", "y.out"]


@pytest.mark.parametrize("request_", [None, REDACTION, PROFILE], ids=["offsets", "redaction", "profile"])
@pytest.mark.parametrize("form", ["ONE_DOC_PER_LINE", "ONE_DOC_PER_FILE"])
def test_several_containers_write_the_same_objects(tmp_path: Path, form: str, request_: dict[str, Any] | None) -> None:
    files = {f"{name}.txt": f"Anna met {name}\n\nno one\r\nBo\n".encode() * 3 for name in ("x", "y", "Bo")}
    one, many = store(files), store(files)
    job = job_file(request_, input_format=form)
    done = run(job, one, tmp_path)
    plan = plan_of(job, many, lambda: False)
    parts = list(plan.parts)
    random.Random(7).shuffle(parts)
    results = []
    for part in parts:
        key = f"{part_prefix(job)}{part.number}-0-x"
        assert not key.startswith(FOLDER)
        engine = CapitalNames()
        results.append(write_part(job, engine, many, part, key, tmp_path, lambda: False, lambda documents: None))
    assert assemble(job, many, results, tmp_path, plan) == (done.size, done.sha256, done.warning)
    many.delete("out", [result.key for result in results])
    assert many.objects == one.objects


def test_a_redacted_object_is_the_text_of_its_file(tmp_path: Path) -> None:
    storage = store({"a.txt": "\ufeffAnna met Bo,\r\nno one é\n".encode(), "b.txt": b"Zoe"})
    run(job_file(REDACTION), storage, tmp_path)
    assert written(storage) == {"a.txt.out": "**** met ***\nno one é\n".encode(), "b.txt.out": b"***\n"}
    storage = store({"a.txt": "\ufeffAnna met Bo,\r\nno one é\n".encode(), "b.txt": b"Zoe"})
    run(job_file(REDACTION, input_format="ONE_DOC_PER_FILE"), storage, tmp_path)
    assert written(storage) == {"a.txt.out": "**** met ***\r\nno one é\n".encode(), "b.txt.out": b"***"}


def test_a_document_with_something_left_fails_alone_and_says_nothing_of_it(tmp_path: Path) -> None:
    # A string of such a length is not looked for elsewhere, so its copy is only noticed by the check.
    long = "Anna " * 60 + "A"
    storage = store({"a.txt": f"{long} and {long} again".encode(), "b.txt": b"Zoe"})
    job = job_file(REDACTION, document_limit=1_000, input_format="ONE_DOC_PER_FILE")
    done = run_job(Work(job, storage, tmp_path, lambda: False, lambda _: None), Beginnings(len(long)))
    assert (done.documents, done.errors) == (2, 1)
    objects = written(storage)
    assert objects["b.txt.out"] == b"Zoe"
    error = json.loads(objects["a.txt.out"])
    assert error["ErrorCode"] == NOT_REDACTED
    assert set(error) == {"ErrorCode", "ErrorMessage"}
    assert "Anna" not in objects["a.txt.out"].decode()
    # Nothing of it is billed.
    assert done.characters == len("Zoe")


def test_a_document_that_cannot_be_read_has_its_error_in_place_of_its_text(tmp_path: Path) -> None:
    storage = store({"a.txt": b"Anna\n\xff\nBo\n"})
    done = run(job_file(REDACTION), storage, tmp_path)
    assert written(storage)["a.txt.out"].splitlines() == [
        b"****",
        b'{"ErrorCode":"UNSUPPORTED_ENCODING","ErrorMessage":"Document is not in UTF-8 format.","Line":1}',
        b"**",
    ]
    assert (done.documents, done.errors) == (3, 1)


def test_a_file_whose_name_was_found_is_called_by_its_number(tmp_path: Path) -> None:
    storage = store({"Anna.txt": b"Anna met Bo\n", "file-3": b"x\n", "of-bo.txt": b"no one\n\xff\nof Bo\n"})
    done = run(job_file(REDACTION), storage, tmp_path)
    assert written(storage) == {
        "file-1.out": b"**** met **\n",
        "file-3.out": b"x\n",
        "of-bo.txt.out": written(storage)["of-bo.txt.out"],
    }
    assert "file-1.out" in done.warning
    assert "Anna" not in done.warning


def test_a_name_that_makes_too_long_a_key_is_replaced_by_a_number(tmp_path: Path) -> None:
    storage = store({"é" * 505: b"Anna\n", "file-1": b"Bo\n"})
    done = run(job_file(), storage, tmp_path)
    assert sorted(written(storage)) == ["file-1.out", "file-2.out"]
    assert "file-2.out" in done.warning


def test_a_stopped_job_keeps_the_objects_of_the_documents_that_are_done(tmp_path: Path) -> None:
    storage = store({"a.txt": b"Anna\n" * 10, "b.txt": b"Bo\n" * 10})
    looks = itertools.count()
    done = run(job_file(part_bytes=1_000), storage, tmp_path, stopping=lambda: next(looks) >= 14)
    assert done.stopped
    lines = [len(data.splitlines()) for data in written(storage).values()]
    assert sum(lines) == done.documents < 20


def test_an_object_that_cannot_be_written_fails_the_job(tmp_path: Path) -> None:
    with pytest.raises(JobFailure) as failure:
        run(job_file(), store({"a.txt": b"Anna\n"}, read_only=True), tmp_path)
    assert failure.value.code == "NO_WRITE_ACCESS_TO_OUTPUT"


def test_a_folder_s_digest_does_not_depend_on_the_order_but_on_everything_else() -> None:
    objects = [("a", 1, "0" * 64), ("b", 2, "1" * 64), ("c", 0, "2" * 64)]

    def of(*these: tuple[str, int, str]) -> str:
        digest = FolderDigest()
        for each in these:
            digest.add(*each)
        return digest.hexdigest()

    assert of(*objects) == of(*objects[::-1])
    assert of() == "0" * 64
    more, renamed = [*objects, objects[0]], [("A", 1, "0" * 64), *objects[1:]]
    changed = [("a", 1, "3" * 64), *objects[1:]]
    assert len({of(*each) for each in (objects, objects[:2], more, renamed, changed)}) == 5


# Recall profiles


@pytest.mark.parametrize(("threshold", "redacts"), [(0.5, True), (0.51, False)])
def test_findings_below_the_thresholds_of_a_profile_are_left_out(
    tmp_path: Path, threshold: float, redacts: bool
) -> None:
    for request in (with_profile(threshold), with_profile(threshold, **REDACTION)):
        storage = store({"a.txt": b"Ada met Bob"})
        run(job_file(request), storage, tmp_path)
        (text,) = (data.decode() for data in written(storage).values())
        assert ("Score" in text or "***" in text) == redacts


def test_a_job_fails_if_its_profile_holds_for_another_engine(tmp_path: Path) -> None:
    storage = store({"a.txt": b"Ada met Bob"})
    with pytest.raises(JobFailure, match="calibrate") as failure:
        run(job_file(with_profile(0.5, engine="pii-en 0123456789abcdef")), storage, tmp_path)
    assert failure.value.code == "STALE_RECALL_PROFILE"
    assert written(storage) == {}
