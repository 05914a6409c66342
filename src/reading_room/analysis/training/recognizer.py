"""The program that trains a custom recognizer: from training data in S3 to a model's artifact."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.custom.artifact import save_artifact
from reading_room.analysis.custom.recognizer_model import Recognizer, RecognizerModel
from reading_room.analysis.custom.spans import Span, listed_spans
from reading_room.analysis.custom.token_vectors import TokenVectors
from reading_room.analysis.custom.tokens import Tokenizer
from reading_room.analysis.job_file import Done, Progress
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.training.annotated import (
    LEAST_TESTED,
    Annotated,
    RecognizerData,
    check_mentions,
    read_recognizer_data,
)
from reading_room.analysis.training.data_lake import LAKE, training_storage
from reading_room.analysis.training.holding import held_by_digest
from reading_room.analysis.training.metrics import recognizer_metadata
from reading_room.analysis.training.recognizer_fit import Prepared, RecognizerFit, of_document, prepare
from reading_room.analysis.training.recognizer_scores import calibrate
from reading_room.analysis.training.split import held_back
from reading_room.analysis.training.stop import Stopped

TEST_SHARES = {"annotations": 0.1, "list": 0.2}
FEW_MENTIONS = 50
"""With fewer mentions in all, a fifth of the documents is held back for the test, which would otherwise say nothing."""
MOST_CODE_POINTS = 800_000
"""How much text a model learns from, some 160,000 tokens: with their vectors they fill half a container."""
_TESTED_AT_ONCE = 256


@dataclass(slots=True)
class TrainedRecognizer:
    """A recognizer and its figures."""

    model: RecognizerModel
    metadata: dict[str, Any]
    """RecognizerMetadata."""


class RecognizerTraining:
    """Trains one recognizer. The encoder and the English pipeline are loaded beforehand."""

    def __init__(self) -> None:
        self._english = Tokenizer("en")
        self._vectors = TokenVectors()

    def run(self, work: Work) -> Done:
        """Read the data, train, test, and write the artifact. Raise ``JobFailure``.

        A training that is stopped writes nothing, and returns that it stopped.
        """
        if work.job.model is None or work.artifacts is None:
            raise JobFailure("INTERNAL_ERROR", "a training needs a place for its model")
        request = json.loads(work.job.request)
        config, language = request["InputDataConfig"], request["LanguageCode"]
        types = [str(entry["Type"]) for entry in config["EntityTypes"]]

        def between() -> None:
            if work.stopping():
                raise Stopped

        try:
            data = read_recognizer_data(training_storage(work.storage, request), config, language, work.job.total_limit)
            if LAKE in request:
                _check(data.train, types, data, "mentions in the training datasets")
                _hold(data)
            between()
            trained = train_recognizer(
                data, types, language, self._tokenizer(language), self._vectors, work.scratch, between,
                lambda count: work.tell(Progress(count)), checked=LAKE in request,
            )  # fmt: skip
            between()
        except Stopped:
            return Done(documents=0, errors=0, size=0, sha256="", stopped=True)
        path = work.scratch / "model"
        size, sha256 = save_artifact(path, trained.model.to_artifact())
        work.artifacts.write(work.job.model.artifact, path)
        figures = trained.metadata
        return Done(
            documents=figures["NumberOfTrainedDocuments"] + figures["NumberOfTestDocuments"],
            errors=data.problems.count,
            size=size,
            sha256=sha256,
            metadata=json.dumps(figures),
            warning=data.problems.sentence(),
        )

    def _tokenizer(self, language: str) -> Tokenizer:
        return self._english if language == "en" else Tokenizer(language)


def train_recognizer(
    data: RecognizerData,
    types: list[str],
    language: str,
    tokenizer: Tokenizer,
    vectors: TokenVectors,
    scratch: Path,
    between: Callable[[], None] = lambda: None,
    progress: Callable[[int], None] = lambda documents: None,
    checked: bool = False,
) -> TrainedRecognizer:
    """Train and test a recognizer. Without test documents a tenth is held back, with an entity list a fifth.

    Raise ``JobFailure`` if a type has too few mentions, with both numbers, unless that was ``checked`` already.
    """
    train, entries = data.train, data.entries
    if entries is None and not checked:
        _check(train, types, data, "mentions in the training documents")
        if data.test is not None:
            tested_mentions = _mentions(data.test.spans)
            check_mentions(tested_mentions, types, data.problems, "mentions in the test documents", LEAST_TESTED)
    _sample(train, data)
    prepared = prepare(train.texts, tokenizer, vectors, between)
    progress(len(prepared))
    if entries is not None:
        _mark(train, prepared, entries)
        _check(train, types, data, "matches in the training documents")
    spans = train.spans
    if data.test is not None:
        tested = _read_in_turn(data.test, entries, tokenizer, vectors, between)
    else:
        held = _held(spans, TEST_SHARES["annotations" if entries is None else "list"])
        tested = iter([(prepared[number], spans[number]) for number in np.flatnonzero(held)])
        prepared = [prepared[number] for number in np.flatnonzero(~held)]
        spans = [spans[number] for number in np.flatnonzero(~held)]
    fit = RecognizerFit(prepared, spans, types, language, entries is None, scratch, between)
    model = fit.model()
    calibrate(model, fit, tokenizer, vectors)
    true, answers = _answers(Recognizer(model, tokenizer, vectors), tested)
    progress(len(prepared) + len(true))
    figures = recognizer_metadata(true, answers, types, _mentions(spans), len(prepared), len(true))
    return TrainedRecognizer(model, figures)


def _read_in_turn(
    documents: Annotated,
    entries: dict[str, str] | None,
    tokenizer: Tokenizer,
    vectors: TokenVectors,
    between: Callable[[], None],
) -> Iterator[tuple[Prepared, list[Span]]]:
    """Yield test documents with their spans, a few at a time, because all of them might not fit into memory."""
    for start in range(0, len(documents.texts), _TESTED_AT_ONCE):
        end = start + _TESTED_AT_ONCE
        some = prepare(documents.texts[start:end], tokenizer, vectors, between)
        part = Annotated(spans=documents.spans[start:end])
        if entries is not None:
            _mark(part, some, entries)
        yield from zip(some, part.spans, strict=True)


def _answers(
    recognizer: Recognizer, documents: Iterator[tuple[Prepared, list[Span]]]
) -> tuple[list[list[Span]], list[list[Span]]]:
    """Read test documents, and return the true entities of each and those found."""
    truth: list[list[Span]] = []
    answers: list[list[Span]] = []
    for document, true in documents:
        found = of_document(lambda one: recognizer.find(one.text, one.tokens, one.vectors), document)
        truth.append(true)
        answers.append([(one.begin, one.end, one.kind) for one in found])
    return truth, answers


def _mentions(spans: Sequence[Sequence[Span]]) -> Counter[str]:
    return Counter(kind for found in spans for _, _, kind in found)


def _check(train: Annotated, types: list[str], data: RecognizerData, what: str) -> None:
    check_mentions(_mentions(train.spans), types, data.problems, what)


def _mark(documents: Annotated, prepared: Sequence[Prepared], entries: dict[str, str]) -> None:
    """Set the spans of documents to the matches of an entity list."""
    lengths = set(map(len, entries))
    documents.spans = [
        of_document(lambda one: listed_spans(one.text, one.tokens, entries, lengths), each) for each in prepared
    ]


def _hold(data: RecognizerData) -> None:
    """Hold back the test documents of a flywheel that has no test dataset."""
    texts, spans = data.train.texts, data.train.spans
    if data.test is not None:
        return
    held = held_by_digest(texts, [tuple(sorted({kind for _, _, kind in found})) for found in spans])
    if held.any():
        own, tested = np.flatnonzero(~held).tolist(), np.flatnonzero(held).tolist()
        data.test = Annotated([texts[number] for number in tested], [spans[number] for number in tested])
        data.train = Annotated([texts[number] for number in own], [spans[number] for number in own])


def _held(spans: Sequence[Sequence[Span]], share: float) -> NDArray[np.bool_]:
    """Hold documents back by their rarest type, so that every type is in both parts."""
    if _mentions(spans).total() < FEW_MENTIONS:
        share = max(share, TEST_SHARES["list"])
    return held_back([tuple(sorted({kind for _, _, kind in found})) for found in spans], share)


def _sample(train: Annotated, data: RecognizerData) -> None:
    """Keep as many documents as fit into the training's memory, with every type among them."""
    size = sum(map(len, train.texts))
    if size <= MOST_CODE_POINTS:
        return
    kinds = [tuple(sorted({kind for _, _, kind in spans})) for spans in train.spans]
    chosen = np.flatnonzero(held_back(kinds, MOST_CODE_POINTS / size, salt=2)).tolist()
    data.problems.note(
        f"The model learnt from {len(chosen):,} of {len(train.texts):,} training documents, chosen at random from "
        "those of each type: more do not fit into the training's memory."
    )
    train.texts = [train.texts[number] for number in chosen]
    train.spans = [train.spans[number] for number in chosen]
