"""Topics as a worker finds them, with storage in memory."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from reading_room.analysis.job_file import Done, JobFile, Location, Progress
from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.topics.program import Topics
from reading_room.analysis.topics.terms import topic_terms
from reading_room.analysis.topics.words import stop_words

pytestmark = pytest.mark.costs(0.3, reason="topics of up to 120 documents are found, in some tests with every engine")

_SUBJECTS = (
    "bread oven flour dough yeast loaf crust bakery rye wheat",
    "engine brake wheel gearbox clutch diesel garage tyre exhaust piston",
    "violin orchestra concert sonata cello symphony conductor melody opera piano",
)


def documents(number: int) -> list[str]:
    """Return texts on three subjects in turn."""
    texts = []
    for one in range(number):
        words = _SUBJECTS[one % 3].split()
        chosen = [words[(one // 3 + step * 3) % 10] for step in range(5)]
        texts.append(f"The {chosen[0]} and the {chosen[1]} were with a {chosen[2]}, {chosen[3]} or {chosen[4]}.")
    return texts


@pytest.fixture(scope="module")
def program() -> Topics:
    """The program, loaded once."""
    return Topics()


def run(
    program: Topics,
    folder: Path,
    objects: dict[str, bytes],
    request: dict[str, Any],
    stopping: Callable[[], bool] = lambda: False,
    tell: Callable[[Progress], None] = lambda _: None,
    **changes: Any,
) -> tuple[Done, dict[str, str]]:
    """Find the topics of ``s3://in/``; return the outcome, and the members of the archive."""
    storage = MemoryStorage({("in", key): content for key, content in objects.items()}, chunk=10_000)
    members: dict[str, Any] = {
        "job_id": "0" * 32,
        "attempt": 1,
        "kind": "topics",
        "region": "us-east-1",
        "language": None,
        "input": Location("in", ""),
        "input_format": "ONE_DOC_PER_LINE",
        "output": Location("out", "x/output/output.tar.gz"),
        "document_limit": 100_000,
        "request": json.dumps(request),
    }
    job = JobFile(**(members | changes))
    done = program.run(Work(job, storage, folder, stopping, tell))
    content = storage.objects["out", "x/output/output.tar.gz"]
    assert done.size == len(content)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == ["topic-terms.csv", "doc-topics.csv"]
        return done, {name: archive.extractfile(name).read().decode() for name in archive.getnames()}  # type: ignore[union-attr]


def table(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("engine", ["embedding", "nmf", "lda"])
def test_three_subjects_are_three_topics(program: Topics, tmp_path: Path, engine: str) -> None:
    lines = "\n".join(documents(90)).encode()
    done, members = run(program, tmp_path, {"a.txt": lines}, {"NumberOfTopics": 3, "Engine": engine})
    assert (done.documents, done.errors, done.stopped) == (90, 0, False)
    assert members["topic-terms.csv"].startswith("topic,term,weight\n000,")
    terms: dict[str, list[str]] = defaultdict(list)
    weights: dict[str, list[float]] = defaultdict(list)
    for row in table(members["topic-terms.csv"]):
        terms[row["topic"]].append(row["term"])
        weights[row["topic"]].append(float(row["weight"]))
    assert sorted(terms) == ["000", "001", "002"]
    for found in terms.values():
        assert any(set(found) <= set(subject.split()) for subject in _SUBJECTS)
        assert len(found) <= 10
    assert all(sum(found) <= 1.0001 and found == sorted(found, reverse=True) for found in weights.values())

    shares: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in table(members["doc-topics.csv"]):
        shares[row["docname"]].append((float(row["proportion"]), row["topic"]))
    assert list(shares) == [f"a.txt:{line}" for line in range(90)]
    assert all(sum(share for share, _ in found) == pytest.approx(1, abs=1e-6) for found in shares.values())
    best = [max(found)[1] for found in shares.values()]
    assert all(best[line] == best[line % 3] for line in range(90))
    assert len(set(best)) == 3


def test_the_same_documents_give_the_same_archive(program: Topics, tmp_path: Path) -> None:
    lines = "\n".join(documents(30)).encode()
    first = run(program, tmp_path, {"a.txt": lines}, {"NumberOfTopics": 3})
    assert run(program, tmp_path, {"a.txt": lines}, {"NumberOfTopics": 3}) == first


def test_documents_outside_the_sample_are_assigned_by_their_words(tmp_path: Path) -> None:
    program = Topics(most_sampled=45)
    for engine in ("embedding", "nmf", "lda"):
        lines = "\n".join(documents(120)).encode()
        done, members = run(program, tmp_path, {"a.txt": lines}, {"NumberOfTopics": 3, "Engine": engine})
        assert done.documents == 120
        best: dict[str, tuple[float, str]] = {}
        for row in table(members["doc-topics.csv"]):
            name = row["docname"]
            best[name] = max(best.get(name, (0.0, "")), (float(row["proportion"]), row["topic"]))
        assert len(best) == 120
        assert all(best[f"a.txt:{line}"][1] == best[f"a.txt:{line % 3}"][1] for line in range(120))


def test_files_as_documents_have_their_names_and_bad_ones_are_left_out(program: Topics, tmp_path: Path) -> None:
    objects = {f"d/{number}, x.txt": text.encode() for number, text in enumerate(documents(12))}
    objects |= {"d/bad.txt": b"\xff\xfe\xfd", "d/empty.txt": b""}
    done, members = run(program, tmp_path, objects, {"NumberOfTopics": 3}, input_format="ONE_DOC_PER_FILE")
    assert (done.documents, done.errors) == (14, 1)
    assert done.warning.startswith("Left out: bad.txt: Document is not in UTF-8 format: the file is text in UTF-16")
    assert {row["docname"] for row in table(members["doc-topics.csv"])} == {f"{n}, x.txt" for n in range(12)}


def test_the_first_of_many_bad_documents_are_named_and_the_others_counted(program: Topics, tmp_path: Path) -> None:
    lines = [*documents(6), "\0", "x" * 200, *["\0"] * 1000]
    done, members = run(program, tmp_path, {"a": "\n".join(lines).encode()}, {"NumberOfTopics": 3}, document_limit=199)
    assert (done.documents, done.errors) == (1008, 1002)
    assert done.warning.startswith("Left out: a:6: Document is not in UTF-8 format: it has a zero byte. a:7: Document ")
    assert "limit 199 bytes: it has 200 bytes. a:8: " in done.warning
    assert done.warning.endswith(" and 999 more.")
    assert {row["docname"] for row in table(members["doc-topics.csv"])} == {f"a:{line}" for line in range(6)}


@pytest.mark.parametrize(("limit", "fits"), [(6, True), (5, False)])
def test_lines_are_counted_over_all_files(program: Topics, tmp_path: Path, limit: int, fits: bool) -> None:
    texts = documents(6)
    objects = {"a": "\n".join(texts[:3]).encode(), "b": "\n".join(texts[3:]).encode()}
    if fits:
        assert run(program, tmp_path, objects, {"NumberOfTopics": 3}, documents_limit=limit)[0].documents == 6
        return
    with pytest.raises(JobFailure, match="more than 5 documents") as failure:
        run(program, tmp_path, objects, {"NumberOfTopics": 3}, documents_limit=limit)
    assert failure.value.code == "TOO_MANY_DOCUMENTS"


def test_never_more_topics_than_documents(program: Topics, tmp_path: Path) -> None:
    _, members = run(program, tmp_path, {"a": b"bread in an oven\nbrakes of an engine\n"}, {"NumberOfTopics": 100})
    assert {row["topic"] for row in table(members["topic-terms.csv"])} == {"000", "001"}


def test_equal_documents_are_one_topic(program: Topics, tmp_path: Path) -> None:
    _, members = run(program, tmp_path, {"a": b"bread in an oven\n" * 20}, {"NumberOfTopics": 5})
    assert {row["topic"] for row in table(members["topic-terms.csv"])} == {"000"}


@pytest.mark.parametrize("content", [b"\n \n", b"12 34\n5 6\n"])
def test_documents_without_a_word_have_no_topics(program: Topics, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(JobFailure) as failure:
        run(program, tmp_path, {"a": content}, {"NumberOfTopics": 2})
    assert failure.value.code == "INPUT_TOO_SMALL"


def test_a_stop_while_documents_are_written_keeps_the_written_ones(tmp_path: Path) -> None:
    program = Topics(batch=10)
    lines = "\n".join(documents(60)).encode()
    reported: list[Progress] = []
    # Two batches are finished when the job is stopped.
    done, members = run(
        program, tmp_path, {"a": lines}, {"NumberOfTopics": 3}, lambda: len(reported) == 2, reported.append
    )
    assert done.stopped
    assert done.documents == 20
    assert len({row["docname"] for row in table(members["doc-topics.csv"])}) == 20


def test_terms_are_words_of_the_topic_that_occur_together() -> None:
    # Words 0 and 1 are in documents of the first topic, 2 and 3 of the second, 4 everywhere.
    counts = sparse.csr_matrix(np.array([[1, 1, 0, 0, 1]] * 10 + [[0, 0, 1, 1, 1]] * 10, dtype=np.float32))
    shares = np.repeat(np.eye(2), 10, axis=0)
    first, second = topic_terms(counts, shares)
    assert {column for column, _ in first[:2]} == {0, 1}
    assert {column for column, _ in second[:2]} == {2, 3}
    assert sum(weight for _, weight in first) == pytest.approx(1)


def test_stop_words_are_those_of_the_collections_language() -> None:
    assert "el" in stop_words(["el gato y la casa de los perros"])
    assert "el" not in stop_words(["the cat and the house of the dogs"])
    assert "just" in stop_words(["the cat and the house of the dogs"])
