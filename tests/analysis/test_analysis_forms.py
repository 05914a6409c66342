"""How results are written: the archive's members and the bytes of each kind's lines."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.archive import ResultArchive
from reading_room.analysis.documents import Document
from reading_room.analysis.engine import Members
from reading_room.analysis.forms import FORMS, MemberNames
from reading_room.analysis.job import run_job
from reading_room.analysis.job_file import Done, JobFile, Location
from reading_room.analysis.memory import CapitalWords, MemoryStorage, WordMentions, WordSentiment
from reading_room.analysis.program import Work

PLACE = Document("bakery.txt", 0, "text")


def job_file(kind: str, **changes: Any) -> JobFile:
    members: dict[str, Any] = {
        "job_id": "0" * 32,
        "attempt": 1,
        "kind": kind,
        "region": "us-east-1",
        "language": "en",
        "input": Location("in", ""),
        "input_format": "ONE_DOC_PER_LINE",
        "output": Location("out", "output.tar.gz"),
        "document_limit": 100,
    }
    return JobFile(**(members | changes))


def run(job: JobFile, engine: Any, storage: MemoryStorage, folder: Path, stop_after: int = 10**9) -> Done:
    looks = iter(range(10**9))
    return run_job(Work(job, storage, folder, lambda: next(looks) >= stop_after, lambda progress: None), engine)


def members_of(content: bytes) -> dict[str, list[str]]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        found = {}
        for info in archive:
            member = archive.extractfile(info)
            assert member is not None
            assert info.name not in found, "two members have one name"
            found[info.name] = member.read().decode().splitlines()
        return found


# Lines


def test_a_line_with_a_list_has_keys_in_alphabetical_order_and_all_digits() -> None:
    phrase = {"Text": "a bakery", "Score": 0.9994627310943771, "EndOffset": 26, "BeginOffset": 18}
    assert FORMS["key-phrases"].line(PLACE, [phrase], "KeyPhrases") == (
        '{"File": "bakery.txt", "KeyPhrases": [{"BeginOffset": 18, "EndOffset": 26, "Score": 0.9994627310943771, '
        '"Text": "a bakery"}], "Line": 0}'
    )


def test_a_line_of_sentiment_has_the_engines_members_after_the_place() -> None:
    scores = {"Positive": 0.5, "Negative": 0.25, "Neutral": 0.25, "Mixed": 0.0}
    assert FORMS["sentiment"].line(PLACE, {"Sentiment": "POSITIVE", "SentimentScore": scores}, "") == (
        '{"File": "bakery.txt", "Line": 0, "Sentiment": "POSITIVE", "SentimentScore": '
        '{"Mixed": 0.0, "Negative": 0.25, "Neutral": 0.25, "Positive": 0.5}}'
    )


def test_a_line_of_a_classification_begins_with_its_place_and_the_line_is_text() -> None:
    classes = [{"Name": "billing", "Score": 0.97314159}, {"Name": "café", "Score": 0.01984}]
    assert FORMS["classification"].line(PLACE, classes, "Classes") == (
        '{"File": "bakery.txt", "Line": "0", "Classes": [{"Name": "billing", "Score": 0.9731}, '
        '{"Name": "café", "Score": 0.0198}]}'
    )
    whole = Document("letter.txt", None, "text")
    assert FORMS["classification"].line(whole, [], "Labels") == '{"File": "letter.txt", "Labels": []}'


def test_a_line_of_targeted_sentiment_has_six_decimals_and_whole_numbers() -> None:
    scores = {"Positive": 0.9995391, "Negative": 0.0000312, "Neutral": 0.000418, "Mixed": 0.0000118}
    mention = {
        "Text": "lamp",
        "Type": "OTHER",
        "GroupScore": 1.0,
        "Score": 0.5,
        "MentionSentiment": {"SentimentScore": scores, "Sentiment": "POSITIVE"},
        "EndOffset": 8,
        "BeginOffset": 4,
    }
    entity = {"Mentions": [mention], "DescriptiveMentionIndex": [0]}
    assert FORMS["targeted-sentiment"].line(PLACE, [entity], "Entities") == (
        '{"Entities": [{"DescriptiveMentionIndex": [0], "Mentions": [{"BeginOffset": 4, "EndOffset": 8, "Score": 0.5, '
        '"GroupScore": 1, "Text": "lamp", "Type": "OTHER", "MentionSentiment": {"Sentiment": "POSITIVE", '
        '"SentimentScore": {"Mixed": 0.000012, "Negative": 0.000031, "Neutral": 0.000418, "Positive": 0.999539}}}]}], '
        '"File": "bakery.txt", "Line": 0}'
    )
    assert FORMS["targeted-sentiment"].line(PLACE, [], "Entities") == (
        '{"Entities": [], "File": "bakery.txt", "Line": 0}'
    )


@given(st.floats(0, 1))
def test_a_score_of_targeted_sentiment_is_the_number_that_it_was_within_a_millionth(score: float) -> None:
    scores = dict.fromkeys(("Positive", "Negative", "Neutral", "Mixed"), score)
    mention = {"Text": "x", "Type": "OTHER", "GroupScore": score, "Score": score, "EndOffset": 1, "BeginOffset": 0}
    mention["MentionSentiment"] = {"SentimentScore": scores, "Sentiment": "MIXED"}
    entity = {"Mentions": [mention], "DescriptiveMentionIndex": [0]}
    line = FORMS["targeted-sentiment"].line(PLACE, [entity], "Entities")
    assert "e-" not in line
    found = json.loads(line)["Entities"][0]["Mentions"][0]["Score"]
    assert abs(found - score) <= 5.1e-7
    assert isinstance(found, int) == (found in (0, 1))


# Members


def test_each_input_file_of_targeted_sentiment_has_its_own_member(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "a.txt"): b"Anna met Bo\nno one\n", ("in", "b.txt"): b"Zoe", ("in", "c"): b""})
    run(job_file("targeted-sentiment"), WordMentions(), storage, tmp_path)
    found = members_of(storage.objects["out", "output.tar.gz"])
    # A file without a line has no document, and therefore no member.
    assert list(found) == ["a.txt.out", "b.txt.out"]
    lines = [json.loads(line) for line in found["a.txt.out"]]
    assert [(line["File"], line["Line"], len(line["Entities"])) for line in lines] == [
        ("a.txt", 0, 2),
        ("a.txt", 1, 0),
    ]


def test_files_with_the_same_base_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    names = ["a/x", "b/x", "c/x-2", "d/x"]
    storage = MemoryStorage({("in", name): name.encode() for name in names})
    job = job_file("targeted-sentiment", input_format="ONE_DOC_PER_FILE")
    run(job, WordMentions(), storage, tmp_path)
    found = members_of(storage.objects["out", "output.tar.gz"])
    assert list(found) == ["x.out", "x-2.out", "x-2-2.out", "x-3.out"]
    assert [json.loads(lines[0])["File"] for lines in found.values()] == ["a/x", "b/x", "x-2", "d/x"]


@given(st.lists(st.sampled_from(["x", "x-2", "x-2-2", "x.out", "y"]), max_size=30))
def test_no_two_files_get_the_same_member(files: list[str]) -> None:
    names = MemberNames()
    given = [names.of(file) for file in files]
    assert len(set(given)) == len(files)
    assert all(name.endswith(".out") for name in given)


def test_classifications_are_in_the_member_predictions(tmp_path: Path) -> None:
    engine = CapitalWords()
    engine.result_member = "Classes"
    storage = MemoryStorage({("in", "a.txt"): b"Anna\n"})
    run(job_file("classification"), engine, storage, tmp_path)
    (name,) = members_of(storage.objects["out", "output.tar.gz"])
    assert name == "predictions.jsonl"


def test_a_stopped_job_has_the_members_of_its_finished_files(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", f"{n}.txt"): b"Anna\nBo\n" for n in range(5)})
    done = run(job_file("targeted-sentiment"), WordMentions(), storage, tmp_path, stop_after=3)
    found = members_of(storage.objects["out", "output.tar.gz"])
    assert done.stopped
    assert [len(lines) for lines in found.values()] == [2, 1]


def test_a_job_without_finished_documents_has_a_valid_archive(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "a.txt"): b"Anna\n"})
    run(job_file("targeted-sentiment"), WordMentions(), storage, tmp_path, stop_after=0)
    assert members_of(storage.objects["out", "output.tar.gz"]) == {}


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        storage = MemoryStorage({("in", f"{n}.txt"): b"Anna\nBo\n" * n for n in range(1, 20)})
        digests.append(run(job_file("targeted-sentiment"), WordMentions(), storage, tmp_path / folder).sha256)
    assert digests[0] == digests[1]


@pytest.mark.parametrize("sizes", [[0], [1, 0, 511], [512, 513], [100_000, 3, 1_000_000]])
def test_tar_reads_members_of_any_size(tmp_path: Path, sizes: list[int]) -> None:
    archive = ResultArchive(tmp_path / "a.tar.gz")
    # A name longer than the field of a tar header, and one that is not ASCII.
    names = [f"{'ö' * 150}-{number}.out" for number in range(len(sizes))]
    for name, size in zip(names, sizes, strict=True):
        archive.begin(name)
        for _ in range(size // 100):
            archive.write("x" * 99)
    archive.finish()
    content = (tmp_path / "a.tar.gz").read_bytes()
    assert {name: len(lines) for name, lines in members_of(content).items()} == {
        name: size // 100 for name, size in zip(names, sizes, strict=True)
    }


def test_a_line_without_a_member_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no member"):
        ResultArchive(tmp_path / "a.tar.gz").write("line")


# Documents without a word


@pytest.mark.parametrize("kind", ["entities", "key-phrases", "dominant-language", "targeted-sentiment"])
def test_an_empty_document_has_an_empty_list(tmp_path: Path, kind: str) -> None:
    storage = MemoryStorage({("in", "a.txt"): b"Anna\n\n  \n"})
    engine: Any = WordMentions() if kind == "targeted-sentiment" else CapitalWords()
    done = run(job_file(kind), engine, storage, tmp_path)
    (lines,) = members_of(storage.objects["out", "output.tar.gz"]).values()
    assert [json.loads(line).get("Entities") for line in lines][1:] == [[], []]
    assert done.errors == 0


def test_an_empty_document_has_an_error_and_no_sentiment(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "a.txt"): "good\n\n \t\u3000\nbad\n".encode()})
    done = run(job_file("sentiment"), WordSentiment(), storage, tmp_path)
    lines = [json.loads(line) for line in members_of(storage.objects["out", "output.tar.gz"])["output"]]
    assert [line.get("Sentiment", line.get("ErrorCode")) for line in lines] == [
        "POSITIVE",
        "EMPTY_DOCUMENT",
        "EMPTY_DOCUMENT",
        "NEGATIVE",
    ]
    assert [line["Line"] for line in lines] == [0, 1, 2, 3]
    assert done.errors == 2


def test_an_error_names_the_limit_of_its_kind_and_the_true_size(tmp_path: Path) -> None:
    storage = MemoryStorage({("in", "a.txt"): b"x" * 200})
    run(job_file("sentiment", document_limit=64), WordSentiment(), storage, tmp_path)
    (line,) = members_of(storage.objects["out", "output.tar.gz"])["output"]
    assert json.loads(line) == {
        "ErrorCode": "DOCUMENT_SIZE_EXCEEDED",
        "ErrorMessage": "Document size exceeds maximum size limit 64 bytes: it has 200 bytes.",
        "File": "a.txt",
        "Line": 0,
    }


def test_the_engine_does_not_see_a_document_with_an_error(tmp_path: Path) -> None:
    seen: list[str] = []

    class Listening(WordSentiment):
        def analyse(self, texts: Iterable[str]) -> Iterator[Members]:
            for text in texts:
                seen.append(text)
                yield from super().analyse([text])

    storage = MemoryStorage({("in", "a.txt"): b"good\n   \n\xff\n"})
    run(job_file("sentiment"), Listening(), storage, tmp_path)
    assert seen == ["good", "", ""]
