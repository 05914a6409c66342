"""A job in parts: the archive is the same from one container and from many, in whatever order they finish the parts."""

from __future__ import annotations

import io
import itertools
import json
import random
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.archive import ResultArchive
from reading_room.analysis.cutting import Plan
from reading_room.analysis.documents import Document
from reading_room.analysis.engine import Engine, Result, in_batches
from reading_room.analysis.forms import FORMS
from reading_room.analysis.inputs import checked_input, documents_of, documents_of_part
from reading_room.analysis.job import run_job
from reading_room.analysis.job_file import ClusterPlace, Done, JobFile, Location, Progress
from reading_room.analysis.kind import Kind
from reading_room.analysis.memory import CapitalWords, Folder, MemoryStorage, WordMentions, WordSentiment
from reading_room.analysis.part_work import PROBE_BYTES, PartResult, assemble, part_prefix, plan_of, write_part
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure

OUTPUT = ("out", "1/output/output.tar.gz")
NO_PLAN = Plan((), None)
"""An archive needs none: its lines name their files."""
ENGINES: dict[Kind, Callable[[], Engine]] = {
    "entities": CapitalWords,
    "sentiment": WordSentiment,
    "targeted-sentiment": WordMentions,
}

TEXTS = st.lists(
    st.sampled_from(["Anna is good", "no one", "", " ", "Bo met Zoe\u2028bad", "é Tromsø", "x" * 50]), max_size=6
)
CONTENT = st.one_of(
    TEXTS.map(lambda lines: "\n".join(lines).encode()),
    TEXTS.map(lambda lines: b"\xef\xbb\xbf" + "".join(line + "\r\n" for line in lines).encode()),
    st.sampled_from([b"", b"\xff\n\x00\nAnna\r", b"\x1f\x8b\n\n", b"Anna\r\rBo\r\n"]),
)
# Two folders may have files of one name, and another file may have the name that such a pair gets in the archive.
INPUT = st.dictionaries(
    st.sampled_from(["a/x", "a/y", "b/x", "b/x-2", "c/x", "c/z.txt"]), CONTENT, min_size=1, max_size=5
)


def job_file(kind: Kind = "entities", **changes: Any) -> JobFile:
    """Return a job over everything in ``s3://in``."""
    members: dict[str, Any] = {
        "job_id": "0" * 32,
        "attempt": 1,
        "kind": kind,
        "region": "us-east-1",
        "language": "en",
        "input": Location("in", ""),
        "input_format": "ONE_DOC_PER_LINE",
        "output": Location(*OUTPUT),
        "document_limit": 40,
        "part_bytes": 30,
    }
    return JobFile(**(members | changes))


def store(files: dict[str, bytes], **options: Any) -> MemoryStorage:
    return MemoryStorage({("in", key): content for key, content in files.items()}, **options)


def never() -> bool:
    return False


def after(looks: int) -> Callable[[], bool]:
    """Return a function that asks for an early end after this many checks."""
    counter = itertools.count()
    return lambda: next(counter) >= looks


def in_one(
    job: JobFile,
    storage: MemoryStorage,
    engine: Engine | None = None,
    stopping: Callable[[], bool] = never,
    tell: Callable[[Progress], None] = lambda progress: None,
    now: Callable[[], float] = time.monotonic,
) -> tuple[Done, bytes]:
    """Run a job in one container; return its outcome and its archive."""
    with tempfile.TemporaryDirectory() as folder:
        done = run_job(Work(job, storage, Path(folder), stopping, tell, now=now), engine or ENGINES[job.kind]())
    return done, storage.objects[OUTPUT]


def key_of(job: JobFile, number: int, member: int) -> str:
    return f"{part_prefix(job)}{number}-{member}-x"


def in_many(
    job: JobFile, storage: MemoryStorage, seed: int, stopping: Callable[[], bool] = never
) -> tuple[list[PartResult], tuple[int, str]]:
    """Analyse each part with an engine of its own, in any order, and assemble the results."""
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = plan_of(job, storage, never)
        parts = list(plan.parts)
        random.Random(seed).shuffle(parts)
        for member, part in enumerate(parts):
            key = key_of(job, part.number, member)
            engine = ENGINES[job.kind]()
            results.append(write_part(job, engine, storage, part, key, folder, stopping, lambda documents: None))
        written = assemble(job, storage, results, folder, plan)[:2]
        assert [path.name for path in folder.iterdir()] == ["output.tar.gz"], "a part left a file behind"
    return results, written


def lines_of(archive: bytes) -> dict[str, list[str]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {
            info.name: opened.extractfile(info).read().decode().split("\n")[:-1]  # type: ignore[union-attr]
            for info in opened
        }


# The plan


@given(INPUT, st.integers(1, 60), st.sampled_from(["ONE_DOC_PER_LINE", "ONE_DOC_PER_FILE"]), st.integers(1, 9))
def test_the_documents_of_a_plan_are_those_of_the_input(
    files: dict[str, bytes], part_bytes: int, form: Any, chunk: int
) -> None:
    job, storage = job_file(input_format=form, part_bytes=part_bytes), store(files, chunk=chunk)
    plan = plan_of(job, storage, never)
    found = [one for part in plan.parts for one in documents_of_part(job, part, storage)]
    assert found == list(documents_of(job, checked_input(job, storage), storage))
    assert plan.documents in (None, len(found))
    assert plan.digest() == plan_of(job, store(files), never).digest()


@pytest.mark.parametrize(
    ("prefix", "keys", "names"),
    [
        ("in/", ["in/a.txt", "in/b/c.txt"], ["a.txt", "c.txt"]),
        ("in/", ["in/a/note.txt", "in/b/note.txt", "in/c/x.txt"], ["a/note.txt", "b/note.txt", "x.txt"]),
        ("in/", ["in/a/note.txt", "in/note.txt"], ["a/note.txt", "note.txt"]),
        ("in/no", ["in/no/note.txt", "in/note.txt"], ["no/note.txt", "note.txt"]),
        ("", ["a/note.txt", "note.txt"], ["a/note.txt", "note.txt"]),
    ],
)
def test_objects_with_the_same_name_are_distinguished_by_their_folders(
    prefix: str, keys: list[str], names: list[str]
) -> None:
    storage = MemoryStorage({("in", key): b"Anna" for key in keys})
    objects = checked_input(job_file(input=Location("in", prefix)), storage)
    assert [each.file for each in objects] == names


def test_a_small_input_is_one_part_and_is_not_read_for_cutting() -> None:
    class Unread(MemoryStorage):
        def read(self, *_: Any, **__: Any) -> Iterator[bytes]:
            raise AssertionError("it was read")

    storage = Unread({("in", "a"): b"Anna\n", ("in", "b"): b""})
    plan = plan_of(job_file(), storage, never)
    assert [(part.bytes, part.documents, len(part.segments)) for part in plan.parts] == [(5, None, 2)]
    assert plan.documents is None
    assert len(plan_of(job_file(part_bytes=5), storage, never).parts) == 1


@pytest.mark.costs(0.1, reason="an input larger than the first look is read")
def test_a_large_input_is_counted_although_it_is_one_part() -> None:
    storage = store({"a": b"Anna\n" * (PROBE_BYTES // 5 + 1)}, chunk=100_000)
    plan = plan_of(job_file(part_bytes=10 * PROBE_BYTES), storage, never)
    assert (len(plan.parts), plan.documents) == (1, PROBE_BYTES // 5 + 1)


def test_too_many_lines_are_refused_before_any_is_analysed() -> None:
    storage = store({"a": b"x\n" * 20, "b": b"x\n" * 20})
    assert plan_of(job_file(documents_limit=40), storage, never).documents == 40
    with pytest.raises(JobFailure, match="the input has more than 39 documents") as failure:
        plan_of(job_file(documents_limit=39), storage, never)
    assert failure.value.code == "TOO_MANY_DOCUMENTS"


def test_an_object_that_changes_after_it_was_cut_fails_the_job() -> None:
    job, storage = job_file(), store({"a": b"Anna is good\n" * 9})
    plan = plan_of(job, storage, never)
    storage.objects["in", "a"] = b"Anna was good\n" * 9
    with pytest.raises(JobFailure, match=r"s3://in/a was changed while the job read it") as failure:
        list(documents_of_part(job, plan.parts[1], storage))
    assert failure.value.code == "INPUT_NOT_FOUND"
    assert plan_of(job, storage, never).digest() != plan.digest()


# One container and many


@given(INPUT, st.sampled_from(list(ENGINES)), st.integers(1, 60), st.booleans(), st.integers(0, 99))
def test_one_container_and_many_write_the_same_bytes(
    files: dict[str, bytes], kind: Kind, part_bytes: int, by_file: bool, seed: int
) -> None:
    form = "ONE_DOC_PER_FILE" if by_file else "ONE_DOC_PER_LINE"
    job, storage = job_file(kind, input_format=form, part_bytes=part_bytes), store(files)
    done, alone = in_one(job, storage)
    del storage.objects[OUTPUT]
    results, written = in_many(job, storage, seed)
    assert storage.objects[OUTPUT] == alone
    assert written == (done.size, done.sha256)
    assert sum(result.documents for result in results) == done.documents
    assert sum(result.errors for result in results) == done.errors
    assert not any(result.stopped for result in results)
    for result in results:
        assert len(storage.objects["out", result.key]) == result.size


@given(INPUT, st.sampled_from(list(ENGINES)), st.integers(1, 60))
def test_cutting_changes_nothing_for_an_engine_that_takes_one_document_at_a_time(
    files: dict[str, bytes], kind: Kind, part_bytes: int
) -> None:
    whole = in_one(job_file(kind, part_bytes=10**6), store(files))
    assert in_one(job_file(kind, part_bytes=part_bytes), store(files)) == whole


@pytest.mark.costs(0.05, reason="3,000 documents are analysed and archived twice")
def test_an_uncut_input_is_written_line_by_line(tmp_path: Path) -> None:
    texts = ["Anna met Bo", "", "no one"] * 1000
    done, found = in_one(job_file(part_bytes=10**6), store({"a": "\n".join(texts).encode()}))
    archive = ResultArchive(tmp_path / "expected")
    archive.begin("output")
    for number, (text, result) in enumerate(zip(texts, CapitalWords().analyse(texts), strict=True)):
        archive.write(FORMS["entities"].line(Document("a", number, text), result, "Entities"))
    assert archive.finish() == (done.size, done.sha256)
    assert (tmp_path / "expected").read_bytes() == found


def test_files_with_the_same_name_keep_their_members_when_they_are_cut() -> None:
    files = {"a/x": b"Anna\n" * 20, "b/x": b"Bo\n" * 20, "c/y": b"Zoe"}
    storage = store(files)
    _, alone = in_one(job_file("targeted-sentiment"), storage)
    results, _ = in_many(job_file("targeted-sentiment"), storage, 7)
    assert len(results) > 4
    assert storage.objects[OUTPUT] == alone
    assert {name: len(lines) for name, lines in lines_of(alone).items()} == {"x.out": 20, "x-2.out": 20, "y.out": 1}


class Batches(CapitalWords):
    """Reads ahead as real engines do, and records which texts it had at the same time."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        for batch in in_batches(texts, len, 4, 10**6):
            self.seen.append(batch)
            yield from super().analyse(batch)


def test_an_engine_never_sees_two_parts_at_once() -> None:
    engine = Batches()
    lines = [f"Line {number:02}" for number in range(10)]
    in_one(job_file(part_bytes=48), store({"a": "\n".join(lines).encode()}), engine)
    # Nine bytes a line, so that six of them fill a part.
    assert engine.seen == [lines[0:4], lines[4:6], lines[6:10]]


def test_part_keys_contain_the_attempt_and_are_beside_the_output() -> None:
    assert part_prefix(job_file(attempt=2)) == "1/output/parts/2/"


def every(seconds: float) -> Callable[[], float]:
    """Return a clock that advances by this much at every call."""
    counter = itertools.count(0.0, seconds)
    return lambda: next(counter)


def test_progress_includes_the_total() -> None:
    reported: list[Progress] = []
    in_one(job_file(), store({"a": b"Anna\n" * 10}), tell=reported.append, now=every(0.5))
    assert reported[:2] == [Progress(2, 10), Progress(4, 10)]
    reported.clear()
    in_one(job_file(part_bytes=10**6), store({"a": b"Anna\n" * 10}), tell=reported.append, now=every(0.5))
    assert reported[:2] == [Progress(2, 0), Progress(4, 0)]


def test_a_part_reports_its_progress(tmp_path: Path) -> None:
    job, storage = job_file(part_bytes=10**6), store({"a": b"Anna\n" * 10})
    reported: list[int] = []
    (part,) = plan_of(job, storage, never).parts
    write_part(job, CapitalWords(), storage, part, "key", tmp_path, never, reported.append, every(0.25))
    assert reported == [4, 8]


def test_a_part_object_has_the_source_and_the_final_line(tmp_path: Path) -> None:
    job, storage = job_file(), store({"a": b"Bo\n", "b": b"xx\n" * 10 + b"no\n"})
    part = plan_of(job, storage, never).parts[1]
    result = write_part(job, CapitalWords(), storage, part, "1/output/parts/1/1-0-x", tmp_path, never, lambda _: None)
    assert storage.objects["out", "1/output/parts/1/1-0-x"] == (
        b'1\t{"Entities": [], "File": "b", "Line": 9}\n1\t{"Entities": [], "File": "b", "Line": 10}\n'
    )
    assert (result.number, result.documents, result.errors, result.stopped) == (1, 2, 0, False)


# Stopped


def test_a_stop_within_a_later_part_keeps_every_finished_document() -> None:
    # One of the checks belongs to the search for line ends, whose stream is a single piece here.
    done, archive = in_one(job_file(), store({"a": b"Anna\n" * 100}, chunk=1000), stopping=after(21))
    (lines,) = lines_of(archive).values()
    assert done.stopped
    assert [json.loads(line)["Line"] for line in lines] == list(range(20))
    assert done.documents == 20


@given(INPUT, st.sampled_from(list(ENGINES)), st.integers(0, 30), st.integers(0, 99))
def test_each_stopped_part_has_its_first_documents(files: dict[str, bytes], kind: Kind, looks: int, seed: int) -> None:
    job, storage = job_file(kind), store(files)
    results, _ = in_many(job, storage, seed, after(looks))
    expected: list[tuple[str, int | None]] = []
    for part, result in zip(
        plan_of(job, storage, never).parts, sorted(results, key=lambda one: one.number), strict=True
    ):
        documents = list(documents_of_part(job, part, storage))
        assert result.documents <= len(documents)
        assert result.stopped == (result.documents < len(documents))
        expected += [(one.file, one.line) for one in documents[: result.documents]]
    written = [line for lines in lines_of(storage.objects[OUTPUT]).values() for line in lines]
    assert [(line["File"], line["Line"]) for line in map(json.loads, written)] == expected


def test_a_part_that_is_missing_leaves_its_documents_out(tmp_path: Path) -> None:
    job, storage = job_file(), store({"a": b"Anna is\n" * 12})
    results, _ = in_many(job, storage, 0)
    assemble(job, storage, [result for result in results if result.number != 1], tmp_path, NO_PLAN)
    (lines,) = lines_of(storage.objects[OUTPUT]).values()
    assert [json.loads(line)["Line"] for line in lines] == [0, 1, 2, 3, 8, 9, 10, 11]


def test_an_archive_without_finished_parts_is_valid(tmp_path: Path) -> None:
    storage = store({})
    assemble(job_file(), storage, [], tmp_path, NO_PLAN)
    assert lines_of(storage.objects[OUTPUT]) == {"output": []}
    assemble(job_file("targeted-sentiment"), storage, [], tmp_path, NO_PLAN)
    assert lines_of(storage.objects[OUTPUT]) == {}


def test_a_job_that_is_stopped_before_cutting_has_no_result() -> None:
    storage = store({"a": b"Anna\n" * 100})
    plan = plan_of(job_file(), storage, after(3))
    assert (plan.parts, plan.complete) == ((), False)
    done, archive = in_one(job_file(), storage, stopping=after(3))
    assert (done.documents, done.stopped) == (0, True)
    assert lines_of(archive) == {"output": []}


def test_a_later_attempt_of_several_containers_is_cut_even_if_it_is_stopped() -> None:
    # Parts of this plan may be finished since the first attempt, and only a complete plan identifies them.
    place = ClusterPlace(0, 2, "10.0.0.4", "10.0.0.4", "/v2/cluster/x")
    storage = store({"a": b"Anna\n" * 100})
    first, second = (
        plan_of(job_file(cluster=place, attempt=attempt), storage, after(looks))
        for attempt, looks in ((1, 10**9), (2, 0))
    )
    assert first.digest() == second.digest()
    assert not plan_of(job_file(cluster=place), storage, after(0)).complete


# What is not as it was written


@pytest.mark.parametrize("change", [b"0\tx\n", b"", b"no tab at all"])
def test_a_part_object_that_was_changed_is_refused_and_named(tmp_path: Path, change: bytes) -> None:
    job, storage = job_file(), store({"a": b"Anna is\n" * 12})
    results, _ = in_many(job, storage, 0)
    del storage.objects[OUTPUT]
    storage.objects["out", results[0].key] = change
    with pytest.raises(JobFailure) as failure:
        assemble(job, storage, results, tmp_path, NO_PLAN)
    assert failure.value.code == "INTERNAL_ERROR"
    assert f"s3://out/{results[0].key}" in failure.value.message
    assert OUTPUT not in storage.objects


def test_a_part_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    job, storage = job_file(), store({"a": b"Anna is\n" * 12}, read_only=True)
    part = plan_of(job, storage, never).parts[0]
    with pytest.raises(JobFailure) as failure:
        write_part(job, CapitalWords(), storage, part, "key", tmp_path, never, lambda _: None)
    assert failure.value.code == "NO_WRITE_ACCESS_TO_OUTPUT"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, to which nothing can be written")
def test_results_that_do_not_fit_on_the_disk_are_reported(tmp_path: Path) -> None:
    job, storage = job_file(part_bytes=10**6), store({"a": b"Anna Bo\n" * 9_000})
    (part,) = plan_of(job, storage, never).parts
    (tmp_path / "part-0").symlink_to("/dev/full")
    with pytest.raises(JobFailure, match="do not fit the container's disk") as failure:
        write_part(job, CapitalWords(), storage, part, "key", tmp_path, never, lambda _: None)
    assert failure.value.code == "OUTPUT_TOO_LARGE"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, to which nothing can be written")
def test_an_archive_that_does_not_fit_on_the_disk_is_reported(tmp_path: Path) -> None:
    (tmp_path / "output.tar.gz").symlink_to("/dev/full")
    storage = store({"a": b"Anna Bo\n" * 100})
    with pytest.raises(JobFailure, match="do not fit the container's disk") as failure:
        run_job(Work(job_file(), storage, tmp_path, never, lambda _: None), CapitalWords())
    assert failure.value.code == "OUTPUT_TOO_LARGE"
    assert OUTPUT not in storage.objects


# Objects that several processes share


def test_a_folder_and_a_dictionary_hold_objects_alike(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    objects = {("in", "a/../b"): b"1", ("in", ""): b"2", ("in@x", "ö @ %41/"): b"", ("out", "."): b"3"}
    folder.update(objects)
    assert dict(folder) == dict(Folder(tmp_path)) == objects
    del folder["in", ""]
    assert len(folder) == 3
    assert ("in", "") not in folder
    with pytest.raises(KeyError):
        del folder["in", ""]
    MemoryStorage(folder).delete("in", ["a/../b", "nothing"])
    assert ("in", "a/../b") not in folder
