"""The program that trains a custom classifier: from training data in S3 to a model's artifact."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.archive import ResultArchive
from reading_room.analysis.custom.artifact import save_artifact
from reading_room.analysis.custom.classifier_model import ClassifierModel, Matrix
from reading_room.analysis.custom.mode import Mode
from reading_room.analysis.custom.vectors import TextVectors
from reading_room.analysis.job_file import Done, Progress
from reading_room.analysis.program import Mapper, Work
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.time_limits import within_limit
from reading_room.analysis.training.classifier_fit import fit_classifier, truth_matrix
from reading_room.analysis.training.data_lake import LAKE, training_storage
from reading_room.analysis.training.holding import held_by_digest
from reading_room.analysis.training.labelled import (
    ClassifierData,
    Labelled,
    check_classifier_data,
    read_classifier_data,
)
from reading_room.analysis.training.metrics import classifier_metrics, confusion_matrix
from reading_room.analysis.training.places import training_document
from reading_room.analysis.training.split import held_back
from reading_room.analysis.training.stop import Stopped

TEST_SHARE = 0.1
MOST_DOCUMENTS = 200_000
MOST_CODE_POINTS = 24_000_000
"""How many documents a model learns from, and their total size: more would not fit into a container of 2 GB."""
DOCUMENT_CODE_POINTS = 5_000
"""How much of a training document is read if there are many: the start of a text says what it is about."""

_ENCODED_AT_ONCE = 1024


class Encodes(Protocol):
    """Turns texts into sentence vectors."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per text, float32."""
        ...


@dataclass(slots=True)
class TrainedClassifier:
    """A classifier and its figures."""

    model: ClassifierModel
    metadata: dict[str, Any]
    """ClassifierMetadata."""
    confusion: dict[str, Any]


class ClassifierTraining:
    """Trains one classifier. The encoder is loaded beforehand."""

    def __init__(self) -> None:
        self._encoder = TextVectors()

    def vectors(self, texts: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Return the encoder's vectors of texts, one row each; an item is a document's name and its text.

        Raise ``JobFailure`` if a text takes too long.
        """
        return _encoded(self._encoder, texts)

    def run(self, work: Work) -> Done:
        """Read the data, train, test, and write; the artifact comes last, so that nobody ever sees half a model.

        Raise ``JobFailure``. A training that is stopped writes nothing, and returns that it stopped.
        """
        if work.job.model is None or work.artifacts is None:
            raise JobFailure("INTERNAL_ERROR", "a training needs a place for its model")
        request = json.loads(work.job.request)
        mode: Mode = request.get("Mode", "MULTI_CLASS")
        wants_output = bool(request.get("OutputDataConfig"))
        if wants_output:
            work.storage.probe_output(work.job.output)

        def between() -> None:
            if work.stopping():
                raise Stopped

        try:
            storage = training_storage(work.storage, request)
            data = read_classifier_data(storage, request["InputDataConfig"], mode, work.job.total_limit)
            check_classifier_data(data, mode)
            if LAKE in request and data.test is None:
                held = held_by_digest(data.train.texts, data.train.labels)
                data = ClassifierData(_part(data.train, ~held), _part(data.train, held), data.problems)
            between()
            trained = train_classifier(
                data,
                mode,
                request["LanguageCode"],
                self._encoder,
                between,
                lambda count, of: work.tell(Progress(count, of)),
                work.map,
            )
            between()
        except Stopped:
            return Done(documents=0, errors=0, size=0, sha256="", stopped=True)
        if wants_output:
            archive = ResultArchive(work.scratch / "output.tar.gz")
            archive.begin("confusion_matrix.json")
            archive.write(json.dumps(trained.confusion, ensure_ascii=False))
            archive.finish()
            work.storage.write(work.job.output, archive.path)
        path = work.scratch / "model"
        size, sha256 = save_artifact(path, trained.model.to_artifact())
        work.artifacts.write(work.job.model.artifact, path)
        documents = trained.metadata["NumberOfTrainedDocuments"] + trained.metadata["NumberOfTestDocuments"]
        return Done(
            documents=documents,
            errors=data.problems.count,
            size=size,
            sha256=sha256,
            metadata=json.dumps(trained.metadata),
            warning=data.problems.sentence(),
        )


def train_classifier(
    data: ClassifierData,
    mode: Mode,
    language: str,
    encoder: Encodes,
    between: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] = lambda documents, of: None,
    mapped: Mapper | None = None,
) -> TrainedClassifier:
    """Train and test a classifier. Without test documents, a tenth of the documents of each label is held back.

    With ``mapped``, other containers encode texts too, each with an encoder of its own.
    """
    train, test = data.train, data.test
    if test is None:
        held = held_back(train.labels, TEST_SHARE)
        train, test = _part(data.train, ~held), _part(data.train, held)
    train = _sampled(train, data)
    texts = train.texts + test.texts
    vectors = _vectors(texts, encoder, between, progress, mapped)
    model = fit_classifier(train.texts, train.labels, vectors[: len(train.texts)], mode, language, between)
    predicted = model.decide(model.scores(test.texts, vectors[len(train.texts) :]))
    actual = truth_matrix(test.labels, model.labels)
    metadata = {
        "NumberOfLabels": len(model.labels),
        "NumberOfTrainedDocuments": len(train.texts),
        "NumberOfTestDocuments": len(test.texts),
        "EvaluationMetrics": classifier_metrics(actual, predicted, mode),
    }
    return TrainedClassifier(model, metadata, confusion_matrix(actual, predicted, model.labels, mode))


def _vectors(
    texts: list[str],
    encoder: Encodes,
    between: Callable[[], None],
    progress: Callable[[int, int], None],
    mapped: Mapper | None,
) -> Matrix:
    # The batches do not depend on who encodes them, because the last bits of a vector depend on the rest of its batch.
    batches = [
        [(training_document(text), text) for text in texts[start : start + _ENCODED_AT_ONCE]]
        for start in range(0, len(texts), _ENCODED_AT_ONCE)
    ]
    parts: list[Matrix] = []
    encoded = 0
    between()
    for rows in (_encoded(encoder, batch) for batch in batches) if mapped is None else mapped("vectors", batches):
        parts.append(rows)
        encoded += len(rows)
        progress(encoded, len(texts))
        between()
    return np.vstack(parts)


def _encoded(encoder: Encodes, texts: Sequence[tuple[str, str]]) -> Matrix:
    return np.vstack(within_limit(encoder.encode, [text for _, text in texts], lambda index: texts[index][0]))


def _part(data: Labelled, chosen: NDArray[np.bool_]) -> Labelled:
    part = Labelled(first=data.first)
    for index in np.flatnonzero(chosen):
        part.texts.append(data.texts[index])
        part.labels.append(data.labels[index])
    return part


def _sampled(train: Labelled, data: ClassifierData) -> Labelled:
    """Return as much as fits into the container's memory: everything, or a sample of the documents of every label."""
    size = sum(map(len, train.texts))
    if len(train.texts) <= MOST_DOCUMENTS and size <= MOST_CODE_POINTS:
        return train
    cut = Labelled([text[:DOCUMENT_CODE_POINTS] for text in train.texts], train.labels, train.first)
    share = min(1.0, MOST_DOCUMENTS / len(cut.texts), MOST_CODE_POINTS / sum(map(len, cut.texts)))
    if share < 1:
        kept = _part(cut, held_back(cut.labels, share, salt=2))
        data.problems.note(
            f"The model learnt from {len(kept.texts):,} of {len(cut.texts):,} training documents, chosen at random "
            "from those of each label: more do not fit into the training's memory."
        )
        return kept
    return cut
