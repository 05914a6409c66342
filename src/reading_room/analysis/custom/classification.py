"""The program of a classification job, which runs a custom classifier on every document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.custom.artifact import Artifact, fetch_artifact, malformed, read_artifact
from reading_room.analysis.custom.classifier_model import KIND, ClassifierModel
from reading_room.analysis.custom.vectors import TextVectors
from reading_room.analysis.engine import Result, in_batches
from reading_room.analysis.job import run_job
from reading_room.analysis.job_file import Done, ModelPlace
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure

LISTED = 3
"""How many classes of a document are listed, as in the guide's samples; with several labels, also all from 0.5."""

_BATCH = 512
_BATCH_CODE_POINTS = 400_000


class CustomClassifier:
    """A classifier as an engine: it returns the best classes or labels of each document, best first."""

    def __init__(self, model: ClassifierModel, encoder: TextVectors) -> None:
        self._model = model
        self._encoder = encoder
        self.result_member = "Classes" if model.mode == "MULTI_CLASS" else "Labels"

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the classes of each text; a blank text has none."""
        for batch in in_batches(texts, len, _BATCH, _BATCH_CODE_POINTS):
            full = [text for text in batch if text.strip()]
            scores = iter(self._scores(full)) if full else iter(())
            for text in batch:
                yield self._listed(next(scores)) if text.strip() else []

    def _scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return self._model.scores(texts, self._encoder.encode(texts) if self._model.reads_vectors else None)

    def _listed(self, scores: NDArray[np.float64]) -> Result:
        # A stable sort, so that equal scores keep the order of their labels.
        order = np.argsort(-scores, kind="stable")
        number = LISTED if self._model.mode == "MULTI_CLASS" else max(LISTED, int((scores >= 0.5).sum()))
        return [{"Name": self._model.labels[label], "Score": float(scores[label])} for label in order[:number]]


class Classification:
    """Classifies the documents of one job. The encoder is loaded beforehand, the model when the job starts."""

    def __init__(self) -> None:
        self._encoder = TextVectors()

    def run(self, work: Work) -> Done:
        """Fetch the model, check it, and classify the documents. Raise ``JobFailure``."""
        return run_job(work, self.engine(work))

    def engine(self, work: Work) -> CustomClassifier:
        """Fetch the model of a job and check it. Raise ``JobFailure``."""
        if work.job.model is None or work.artifacts is None:
            raise JobFailure("INTERNAL_ERROR", "a classification needs a model")
        return self._engine(fetch_artifact(work.artifacts, work.job.model, KIND), work.job.model)

    def with_model(self, content: bytes, place: ModelPlace) -> CustomClassifier:
        """Check a model's artifact and return what classifies with it. Raise ``JobFailure``."""
        return self._engine(read_artifact(content, place, KIND), place)

    def _engine(self, artifact: Artifact, place: ModelPlace) -> CustomClassifier:
        with malformed(place):
            model = ClassifierModel.from_artifact(artifact)
        return CustomClassifier(model, self._encoder)
