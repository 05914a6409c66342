"""An engine's time limit for each document depends on its size; a document that exceeds it is named and fails alone."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis import time_limits
from reading_room.analysis.cutting import cut_files, whole_part
from reading_room.analysis.engine import Result, in_batches
from reading_room.analysis.job_file import InputFormat, JobFile, Location, ModelPlace
from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.part_work import PartAnalysis
from reading_room.analysis.program import Program, Work
from reading_room.analysis.realtime import serve
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.time_limits import TookTooLong, Watch, within_limit
from reading_room.analysis.topics.program import Topics
from reading_room.analysis.training.classifier import ClassifierTraining
from reading_room.analysis.training.recognizer import RecognizerTraining

TEXT = "quick\nslow one\nquick too\nfine\n"


class Paced:
    """An engine whose work advances a clock: by 1 s for each text, and by ``slow`` for the text with that word.

    It reads ``ahead`` texts before it returns the first result. With ``once``, the text is slow only the first time.
    """

    result_member = "Entities"

    def __init__(self, ahead: int = 1, once: bool = False, **slow: float) -> None:
        self.clock = 0.0
        self._ahead = ahead
        self._once = once
        self._slow = slow

    def now(self) -> float:
        """Return the processor seconds used."""
        return self.clock

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield no results, and advance the clock."""
        for batch in in_batches(texts, len, self._ahead, 10_000):
            for text in batch:
                self.clock += 1 + sum(seconds for word, seconds in self._slow.items() if word in text)
            if self._once:
                self._slow = {}
            for _ in batch:
                yield []


def analysis(
    engine: Paced, form: InputFormat = "ONE_DOC_PER_LINE", storage: MemoryStorage | None = None
) -> PartAnalysis:
    """Return the analysis of four documents, one of them ``slow``, with 5 s per batch and 0.1 s per code point."""
    places = Location("in", ""), form, Location("out", "o")
    job = JobFile("0" * 32, 1, "entities", "us-east-1", "en", *places, document_limit=1000)
    storage = storage or MemoryStorage({("in", "mail/a.txt"): TEXT.encode()})
    objects = list(storage.list_input(job.input))
    part = whole_part(objects) if form == "ONE_DOC_PER_LINE" else next(iter(cut_files(objects, 1000, 100)))
    return PartAnalysis(job, engine, storage, part, lambda: False, Watch(engine.now, 5, 0.1))


@pytest.mark.parametrize("ahead", [1, 2, 3, 4])
def test_a_document_that_takes_too_long_ends_its_job_and_is_named(ahead: int) -> None:
    with pytest.raises(JobFailure) as failed:
        list(analysis(Paced(ahead, slow=60)))
    assert failed.value.code == "INTERNAL_ERROR"
    expected = (
        "the analysis of the document a.txt:1 used 61 s of processor, more than the 6 s that a text of its size may"
    )
    assert failed.value.message == f"{expected} take"


@pytest.mark.parametrize("ahead", [1, 2, 4])
def test_texts_that_are_slow_together_but_not_alone_get_results_in_order(ahead: int) -> None:
    """The machine was slow, not a text: nothing is lost, and no text gets the result of another one."""
    found = list(analysis(Paced(ahead, once=True, slow=60)))
    assert [document.line for document, _ in found] == [0, 1, 2, 3]
    assert [json.loads(line)["Line"] for _, line in found] == [0, 1, 2, 3]


def test_a_longer_text_may_take_longer() -> None:
    # A text of eight code points, beside one of nine that was read ahead.
    assert len(list(analysis(Paced(slow=5.6)))) == 4
    with pytest.raises(JobFailure, match=r"a\.txt:1 used 7 s"):
        list(analysis(Paced(slow=5.8)))


def test_reading_the_input_does_not_count() -> None:
    engine = Paced()

    class Slow(MemoryStorage):
        def read(self, *arguments: Any, **named: Any) -> Iterator[bytes]:
            engine.clock += 1000
            yield from super().read(*arguments, **named)

    storage = Slow({("in", "mail/a.txt"): TEXT.encode()})
    assert len(list(analysis(engine, storage=storage))) == 4


def test_a_file_that_is_one_document_is_named_without_a_line() -> None:
    with pytest.raises(JobFailure, match=r"the document a\.txt used"):
        list(analysis(Paced(slow=60), form="ONE_DOC_PER_FILE"))


class Endless:
    """An engine that never finishes one of the texts."""

    result_member = "Entities"

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Return a result for every text but one."""
        for text in texts:
            while "slow" in text:
                pass
            yield []


@pytest.mark.costs(0.6, reason="an endless loop is interrupted twice, after a tenth of a processor second")
def test_an_engine_that_never_returns_is_interrupted() -> None:
    watch = Watch(floor=0.1, a_code_point=0)
    with watch.interrupting(0.02):
        watch.begin(0)
        with pytest.raises(TookTooLong):
            list(Endless().analyse(["slow"]))
        watch.begin(0)
        list(Endless().analyse(["quick"]))
        watch.end()


def test_in_a_thread_the_limit_is_checked_afterwards() -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            list(analysis(Paced(slow=60)))
        except JobFailure as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "a.txt:1" in str(errors)


class Slow:
    """Stands for an encoder or a tokenizer: a text takes 1 s, and one with the word ``slow`` 60 s."""

    def __init__(self) -> None:
        self.clock = 0.0

    def now(self) -> float:
        """Return the processor seconds used."""
        return self.clock

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """Return the texts in capitals."""
        self.clock += sum(60 if "slow" in text else 1 for text in texts)
        return [text.upper() for text in texts]


def test_of_several_texts_the_one_that_takes_too_long_is_named() -> None:
    slow = Slow()
    with pytest.raises(JobFailure, match=r"the analysis of text 1 used 60 s of processor, more than the 6 s that"):
        within_limit(slow, ["quick", "slow one", "quick"], "text {}".format, Watch(slow.now, 5, 0.1))
    assert within_limit(slow, ["quick", "one"], "text {}".format, Watch(slow.now, 5, 0.1)) == [["QUICK", "ONE"]]


def test_texts_that_are_slow_together_only_are_read_alone() -> None:
    slow = Slow()
    assert within_limit(slow, ["a", "b", "c"], "text {}".format, Watch(slow.now, 2, 0)) == [["A"], ["B"], ["C"]]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that every document exceeds."""
    # Less than nothing, because some clocks of the processor do not see short work.
    monkeypatch.setattr(time_limits, "FLOOR_SECONDS", -1.0)
    monkeypatch.setattr(time_limits, "SECONDS_A_CODE_POINT", 0.0)


def failure_of(program: Program, job: JobFile, content: bytes, folder: Path) -> str:
    """Return the message with which a job over some content fails."""
    storage = MemoryStorage({("in", "mail/a.txt"): content})
    with pytest.raises(JobFailure) as failed:
        program.run(Work(job, storage, folder, lambda: False, lambda _: None, MemoryStorage({})))
    assert failed.value.code == "INTERNAL_ERROR"
    return failed.value.message


@pytest.mark.costs(0.6, reason="topics and trainings load their engines")
def test_topics_and_trainings_name_the_document_that_takes_too_long(hurried: None, tmp_path: Path) -> None:
    here, there = Location("in", "mail/"), Location("out", "o")
    job = JobFile("0" * 32, 1, "topics", "us-east-1", "en", here, "ONE_DOC_PER_LINE", there, document_limit=1000)
    found = failure_of(Topics(), job, b"red apples\ngreen pears\n", tmp_path)
    assert found.startswith("the analysis of the document a.txt:0 used ")

    source, model = "s3://in/mail/a.txt", ModelPlace(Location("models", "m"), "/x")
    request: dict[str, Any] = {"InputDataConfig": {"S3Uri": source}, "LanguageCode": "en"}
    rows = b"".join(b"%s,%s number %d\n" % (label, label, n) for label in (b"red", b"green") for n in range(12))
    job = replace(job, kind="classifier-training", request=json.dumps(request), model=model)
    found = failure_of(ClassifierTraining(), job, rows, tmp_path)
    assert found.startswith("the analysis of the training document that begins with 'red number 0' used ")

    config = {"EntityTypes": [{"Type": "A"}], "Documents": {"S3Uri": source}, "EntityList": {"S3Uri": source}}
    job = replace(job, kind="recognizer-training", request=json.dumps(request | {"InputDataConfig": config}))
    found = failure_of(RecognizerTraining(), job, b"Text,Type\nBob,A\nEve,A\n", tmp_path)
    assert found.startswith("the analysis of the training document that begins with 'Text,Type' used ")


def test_a_call_gets_results_for_all_texts_except_slow_ones() -> None:
    engine = Paced(ahead=4, slow=60)
    ours, theirs = socket.socketpair()
    with ours, ours.makefile("rwb") as stream:
        stream.write(json.dumps({"id": 7, "texts": TEXT.split("\n")[:4]}).encode() + b"\n")
        stream.flush()
        ours.shutdown(socket.SHUT_WR)
        serve(engine, theirs, Watch(engine.now, 5, 0.1))
        lines = [json.loads(line) for line in stream]
    assert lines == [{"ready": True}, {"id": 7, "results": [[], None, [], []]}]
