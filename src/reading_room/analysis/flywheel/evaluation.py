"""The programs that evaluate the models of a flywheel's iteration: the active one and the new one, on the same texts.

The texts are read and encoded once. The results are written to the data lake, in the folder of the iteration, with a
copy beside the version's datasets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.custom import classifier_model, recognizer_model
from reading_room.analysis.custom.artifact import Artifact, fetch_artifact, malformed
from reading_room.analysis.custom.classifier_model import ClassifierModel
from reading_room.analysis.custom.mode import Mode
from reading_room.analysis.custom.recognizer_model import Recognizer, RecognizerModel
from reading_room.analysis.custom.spans import Span
from reading_room.analysis.custom.token_vectors import TokenVectors
from reading_room.analysis.custom.tokens import Tokenizer
from reading_room.analysis.custom.vectors import TextVectors
from reading_room.analysis.flywheel.lake import write
from reading_room.analysis.flywheel.layout import EVALUATED, TRAINED
from reading_room.analysis.flywheel.scores import Figures, RecognizerScores, of_classifier
from reading_room.analysis.folder_digest import FolderDigest
from reading_room.analysis.job_file import Done, Location, ModelPlace, Progress
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.time_limits import within_limit
from reading_room.analysis.training.annotated import read_recognizer_data
from reading_room.analysis.training.classifier_fit import truth_matrix
from reading_room.analysis.training.data_lake import PinnedStorage, check_marker
from reading_room.analysis.training.holding import held_by_digest
from reading_room.analysis.training.labelled import read_classifier_data
from reading_room.analysis.training.metrics import confusion_matrix
from reading_room.analysis.training.places import INSUFFICIENT, training_document
from reading_room.analysis.training.recognizer_fit import of_document, prepare
from reading_room.analysis.training.sources import location_of
from reading_room.analysis.training.stop import Stopped

_AT_ONCE = 1_024
_READ_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found: the figures of each model, the number of test documents, and further files."""

    figures: Mapping[str, Figures]
    documents: int
    files: Mapping[str, Any]


class ClassifierEvaluation:
    """Evaluates classifiers. The encoder is loaded beforehand."""

    def __init__(self) -> None:
        self._encoder = TextVectors()

    def run(self, work: Work) -> Done:
        """Evaluate the models and write the results. Raise ``JobFailure``."""
        return _run(work, self._evaluate)

    def _evaluate(self, work: Work, request: Mapping[str, Any]) -> Evaluation:
        mode: Mode = request["Mode"]
        models = {
            name: _classifier(each, place) for name, place, each in _artifacts(work, request, classifier_model.KIND)
        }
        data = read_classifier_data(_lake(work, request), request["InputDataConfig"], mode, work.job.total_limit).train
        texts, labels = data.texts, data.labels
        if request["HeldBack"]:
            chosen = np.flatnonzero(held_by_digest(texts, labels)).tolist()
            texts, labels = [texts[index] for index in chosen], [labels[index] for index in chosen]
        _require(texts)
        names = sorted({label for each in labels for label in each}.union(*(model.labels for model in models.values())))
        actual = truth_matrix(labels, names)
        predicted = {name: np.zeros(actual.shape, dtype=np.bool_) for name in models}
        columns = {name: [names.index(label) for label in model.labels] for name, model in models.items()}
        for start in range(0, len(texts), _AT_ONCE):
            _go_on(work)
            some = texts[start : start + _AT_ONCE]
            vectors = self._vectors(some) if any(model.reads_vectors for model in models.values()) else None
            for name, model in models.items():
                decided = model.decide(model.scores(some, vectors if model.reads_vectors else None))
                predicted[name][start : start + len(some), columns[name]] = decided
            work.tell(Progress(start + len(some), len(texts)))
        return Evaluation(
            {name: of_classifier(actual, found, mode) for name, found in predicted.items()},
            len(texts),
            {
                f"confusion_matrix_{name.lower()}.json": confusion_matrix(actual, found, names, mode)
                for name, found in predicted.items()
            },
        )

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.vstack(within_limit(self._encoder.encode, texts, lambda index: training_document(texts[index])))


class RecognizerEvaluation:
    """Evaluates recognizers. The encoder and the English pipeline are loaded beforehand."""

    def __init__(self) -> None:
        self._english = Tokenizer("en")
        self._vectors = TokenVectors()

    def run(self, work: Work) -> Done:
        """Evaluate the models and write the results. Raise ``JobFailure``."""
        return _run(work, self._evaluate)

    def _evaluate(self, work: Work, request: Mapping[str, Any]) -> Evaluation:
        language, config = request["LanguageCode"], request["InputDataConfig"]
        tokenizer = self._english if language == "en" else Tokenizer(language)
        models = {
            name: _recognizer(each, place, tokenizer, self._vectors)
            for name, place, each in _artifacts(work, request, recognizer_model.KIND)
        }
        data = read_recognizer_data(_lake(work, request), config, language, work.job.total_limit).train
        texts, spans = data.texts, data.spans
        if request["HeldBack"]:
            kinds = [tuple(sorted({kind for _, _, kind in found})) for found in spans]
            chosen = np.flatnonzero(held_by_digest(texts, kinds)).tolist()
            texts, spans = [texts[index] for index in chosen], [spans[index] for index in chosen]
        _require(texts)
        scores = {name: RecognizerScores() for name in models}
        reads = self._vectors if any(each.model.opinion for each in models.values()) else None
        for start in range(0, len(texts), _READ_AT_ONCE):
            some = prepare(texts[start : start + _READ_AT_ONCE], tokenizer, reads, lambda: _go_on(work))
            for document, true in zip(some, spans[start : start + len(some)], strict=True):
                for name, recognizer in models.items():
                    found = of_document(
                        lambda one, recognizer=recognizer: recognizer.find(one.text, one.tokens, one.vectors),  # type: ignore[misc]
                        document,
                    )
                    answer: list[Span] = [(each.begin, each.end, each.kind) for each in found]
                    scores[name].add(true, answer)
            work.tell(Progress(start + len(some), len(texts)))
        return Evaluation({name: each.figures() for name, each in scores.items()}, len(texts), {})


def _run(work: Work, evaluate: Any) -> Done:
    request = json.loads(work.job.request)
    check_marker(work.storage, request["Marker"])
    try:
        found: Evaluation = evaluate(work, request)
    except Stopped:
        return Done(documents=0, errors=0, size=0, sha256="", stopped=True)
    metrics = {
        "NumberOfTestDocuments": found.documents,
        **{
            f"{name}Model": {"Arn": request[name]["Arn"], "Metrics": figures} for name, figures in found.figures.items()
        },
    }
    _write_version(work, request, metrics)
    digest, folder = FolderDigest(), work.job.output
    for name, value in {**found.files, "metrics.json": metrics}.items():
        content = json.dumps(value, ensure_ascii=False).encode()
        write(work, Location(folder.bucket, folder.key + name), content)
        digest.add(name, len(content), hashlib.sha256(content).hexdigest())
    figures = {"NumberOfTestDocuments": found.documents, **found.figures}
    return Done(found.documents, 0, digest.size, digest.hexdigest(), metadata=json.dumps(figures))


def _write_version(work: Work, request: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
    """Write what the version learnt from, was tested with, and achieved, to its folder in the data lake."""
    place = location_of(request["Version"])
    for name, value in {
        "Training/datasets.json": request["Datasets"]["TRAIN"],
        "Test/datasets.json": request["Datasets"]["TEST"],
        "ModelStats/metrics.json": metrics,
    }.items():
        write(work, Location(place.bucket, place.key + name), json.dumps(value).encode())


def _lake(work: Work, request: Mapping[str, Any]) -> PinnedStorage:
    return PinnedStorage(work.storage, request["Digests"])


def _artifacts(work: Work, request: Mapping[str, Any], kind: str) -> Iterator[tuple[str, ModelPlace, Artifact]]:
    """Yield the name, the place and the artifact of each model. Raise ``JobFailure``."""
    trained = work.job.model
    if trained is None or work.artifacts is None:
        raise JobFailure("INTERNAL_ERROR", "an evaluation needs a model")
    places = {TRAINED: trained}
    if EVALUATED in request:
        active = request[EVALUATED]
        places[EVALUATED] = ModelPlace(location_of(active["ArtifactUri"]), trained.credentials_path, active["Sha256"])
    for name, place in places.items():
        yield name, place, fetch_artifact(work.artifacts, place, kind)


def _classifier(artifact: Artifact, place: ModelPlace) -> ClassifierModel:
    with malformed(place):
        return ClassifierModel.from_artifact(artifact)


def _recognizer(artifact: Artifact, place: ModelPlace, tokenizer: Tokenizer, vectors: TokenVectors) -> Recognizer:
    with malformed(place):
        return Recognizer(RecognizerModel.from_artifact(artifact), tokenizer, vectors)


def _require(texts: Sequence[str]) -> None:
    if not texts:
        raise JobFailure(INSUFFICIENT, "the datasets have no document to test the models with: add a TEST dataset")


def _go_on(work: Work) -> None:
    if work.stopping():
        raise Stopped
