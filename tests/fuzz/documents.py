"""What a worker reads from buckets: documents, training data, and the models of other trainings."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from typing import Any

from reading_room.analysis.custom.artifact import load_artifact, malformed
from reading_room.analysis.custom.classifier_model import ClassifierModel
from reading_room.analysis.custom.recognizer_model import RecognizerModel
from reading_room.analysis.documents import Document, document_of_file, documents_of_lines
from reading_room.analysis.job_file import Location, ModelPlace
from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.s3.client import S3Client
from reading_room.analysis.s3.credentials import FixedKeys
from reading_room.analysis.s3.patience import Patience
from reading_room.analysis.s3.refusal import Refusal
from reading_room.analysis.s3.signing import Keys
from reading_room.analysis.s3.wire import Answer, NoAnswer, Request
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.training.annotated import read_recognizer_data
from reading_room.analysis.training.labelled import check_classifier_data, read_classifier_data

LIMIT = 64
TYPES = [{"Type": "NAME"}, {"Type": "PLACE"}]
MODEL = ModelPlace(Location("models", "m"), "/x", "0" * 64)


def documents(data: bytes) -> None:
    """An object of a job's input: the same documents however it is cut, each a text within its limit or an error."""
    found = list(documents_of_lines("f", [data], LIMIT))
    assert found == list(documents_of_lines("f", [data[at : at + 3] for at in range(0, len(data), 3)], LIMIT))
    for each in (*found, document_of_file("f", [data], LIMIT)):
        _check(each)


def _check(document: Document) -> None:
    assert (document.error is None) or not document.text
    assert len(document.text.encode()) <= LIMIT
    assert "\x00" not in document.text


def training_csv(data: bytes) -> None:
    """Training data for a classifier as CSV."""
    _classifier(data, {"S3Uri": "s3://in/a"})


def training_manifest(data: bytes) -> None:
    """Training data for a classifier or a recognizer as augmented manifests."""
    manifests = [{"S3Uri": "s3://in/a", "AttributeNames": ["label", "class"]}]
    config = {"DataFormat": "AUGMENTED_MANIFEST", "AugmentedManifests": manifests, "EntityTypes": TYPES}
    _classifier(data, config)
    _recognizer({"a": data}, config)


def annotated(data: bytes) -> None:
    """Documents for a recognizer with annotations or an entity list, separated by zero bytes."""
    documents, _, rest = data.partition(b"\x00")
    for file_format in ("ONE_DOC_PER_LINE", "ONE_DOC_PER_FILE"):
        place = {"S3Uri": "s3://in/d", "InputFormat": file_format}
        _recognizer(
            {"d": documents, "x": rest},
            {"EntityTypes": TYPES, "Documents": place, "Annotations": {"S3Uri": "s3://in/x"}},
        )
    _recognizer(
        {"d": documents, "x": rest},
        {"EntityTypes": TYPES, "Documents": {"S3Uri": "s3://in/d"}, "EntityList": {"S3Uri": "s3://in/x"}},
    )


def artifact(data: bytes) -> None:
    """The file of a custom model from a training: a model, or a failure that says what is wrong with it."""
    for kind, model in (("classifier", ClassifierModel), ("recognizer", RecognizerModel)):
        try:
            with malformed(MODEL):
                model.from_artifact(load_artifact(io.BytesIO(data), kind))
        except JobFailure as failure:
            _check_message(failure)


class _Once:
    """A wire whose first answer is given; then an answer has an error."""

    def __init__(self, data: bytes) -> None:
        self.status, self.reason, self.headers = 200, "OK", {"etag": "e"}
        self._left = data

    def send(self, _: Request) -> Answer:
        """Answer a request."""
        return self

    def read(self, size: int) -> bytes:
        """Return a part of the answer; the next one is an error with the same document."""
        piece, self._left = self._left[:size], self._left[size:]
        self.status = self.status if piece else 404
        return piece

    def close(self) -> None:
        """Do nothing."""


def s3_answer(data: bytes) -> None:
    """An answer of S3 to a worker: objects or an upload, or a failure that says what is wrong."""
    for use in (
        lambda client: [(listed.key.encode(errors="replace"), listed.size) for listed in client.list_objects("b", "")],
        lambda client: client.create_upload("b", "k"),
        lambda client: client.complete_upload("b", "k", "u", [("e", "c")]),
    ):
        client = S3Client(_Once(data), FixedKeys(Keys("a", "b")), "us-east-1", Patience(tries=1), {})
        with suppress(Refusal, NoAnswer):
            use(client)


def _classifier(data: bytes, config: dict[str, Any]) -> None:
    for mode in ("MULTI_CLASS", "MULTI_LABEL"):
        try:
            read = read_classifier_data(MemoryStorage({("in", "a"): data}), config, mode, 1 << 20)
            check_classifier_data(read, mode)
        except JobFailure as failure:
            _check_message(failure)


def _recognizer(files: dict[str, bytes], config: dict[str, Any]) -> None:
    storage = MemoryStorage({("in", name): content for name, content in files.items()})
    try:
        read = read_recognizer_data(storage, config, "en", 1 << 20)
    except JobFailure as failure:
        _check_message(failure)
        return
    for text, spans in zip(read.train.texts, read.train.spans, strict=True):
        assert all(0 <= begin < end <= len(text) for begin, end, _ in spans)


def _check_message(failure: JobFailure) -> None:
    """Check the message for the job's owner: text that can be sent, no longer than a screen."""
    failure.message.encode()
    assert len(failure.message) < 10_000
    json.dumps(failure.message)
