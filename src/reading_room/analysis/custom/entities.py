"""The program of an entities job with a custom recognizer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reading_room.analysis.custom.artifact import Artifact, fetch_artifact, malformed, read_artifact
from reading_room.analysis.custom.recognizer_model import KIND, Recognizer, RecognizerModel
from reading_room.analysis.custom.token_vectors import TokenVectors
from reading_room.analysis.custom.tokens import Tokenizer
from reading_room.analysis.engine import Result, in_batches
from reading_room.analysis.job import run_job
from reading_room.analysis.job_file import Done, ModelPlace
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure

_BATCH = 64
_BATCH_CODE_POINTS = 64_000


class CustomRecognizer:
    """A recognizer as an engine: it returns the entities of each document, in the user's types."""

    result_member = "Entities"

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the entities of each text in order of appearance."""
        for batch in in_batches(texts, len, _BATCH, _BATCH_CODE_POINTS):
            yield from self._recognizer.entities(batch)


class CustomEntities:
    """Finds custom entities in the documents of one job. The encoder and the English pipeline are loaded beforehand."""

    def __init__(self) -> None:
        self._english = Tokenizer("en")
        self._vectors = TokenVectors()

    def run(self, work: Work) -> Done:
        """Fetch the model, check it, and analyse the documents. Raise ``JobFailure``."""
        return run_job(work, self.engine(work))

    def engine(self, work: Work) -> CustomRecognizer:
        """Fetch the model of a job and check it. Raise ``JobFailure``."""
        if work.job.model is None or work.artifacts is None:
            raise JobFailure("INTERNAL_ERROR", "a job for custom entities needs a model")
        return self._engine(fetch_artifact(work.artifacts, work.job.model, KIND), work.job.model)

    def with_model(self, content: bytes, place: ModelPlace) -> CustomRecognizer:
        """Check a model's artifact and return what finds its entities. Raise ``JobFailure``."""
        return self._engine(read_artifact(content, place, KIND), place)

    def _engine(self, artifact: Artifact, place: ModelPlace) -> CustomRecognizer:
        with malformed(place):
            model = RecognizerModel.from_artifact(artifact)
            tokenizer = self._english if model.language == "en" else Tokenizer(model.language)
            recognizer = Recognizer(model, tokenizer, self._vectors)
        return CustomRecognizer(recognizer)
