"""The time of topics and trainings, divided into text vectors, which can be computed in parts, and the rest.

Seconds are processor time, which other work on the machine hardly affects. "Gain of two at most" is what two
containers could gain if transfers cost nothing: 1 / (1 - share / 2).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.jobs import corpus
from bench.kinds import annotated, classes
from bench.report import Row, record
from reading_room.analysis.custom.token_vectors import TokenVectors
from reading_room.analysis.custom.tokens import Token, Tokenizer
from reading_room.analysis.custom.vectors import TextVectors
from reading_room.analysis.engine import keep_memory, one_thread
from reading_room.analysis.engines.minilm import Encoder
from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.topics.models import EmbeddingTopics, LdaTopics, NmfTopics
from reading_room.analysis.topics.terms import topic_terms
from reading_room.analysis.topics.words import Words
from reading_room.analysis.training.annotated import read_recognizer_data
from reading_room.analysis.training.classifier import train_classifier
from reading_room.analysis.training.labelled import read_classifier_data
from reading_room.analysis.training.recognizer import train_recognizer

TEXTS = int(os.environ.get("BENCH_SHARES_TEXTS", "1000"))
ROWS = int(os.environ.get("BENCH_SHARES_ROWS", "5000"))
LIMIT = 1 << 30
READ_OF_A_TEXT = 384 * 4.5
"""Code points that the encoder reads in a topics job of so few documents."""


class Watch:
    """Adds up processor seconds of blocks."""

    seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Add the block's processor time."""
        began = time.process_time()
        yield
        self.seconds += time.process_time() - began


class TimedTexts(TextVectors):
    """Text vectors, timed."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a row per text."""
        with self._watch.running():
            return super().encode(texts)


class TimedTokens(TokenVectors):
    """Token vectors, timed."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def encode(self, stretches: Sequence[tuple[str, Sequence[Token]]]) -> list[NDArray[np.float32]]:
        """Return a matrix per stretch."""
        with self._watch.running():
            return super().encode(stretches)


def main() -> None:
    """Measure and record, in a process whose numerical libraries start with one thread."""
    one_thread()
    subprocess.run([sys.executable, "-m", "bench.shares"], check=True)


def _rows() -> Iterator[Row]:
    for engine in ("embedding", "nmf", "lda"):
        yield _row(f"topics, {engine}, {TEXTS:,} documents of 2 KB: sentence vectors", *_topics(engine))
    yield _row(f"classifier training, {ROWS:,} short rows of 77 classes: text vectors", *_classifier())
    yield _row("recognizer training, 700 documents with annotations: token vectors", *_recognizer())


def _row(what: str, parts: float, whole: float) -> Row:
    share = parts / whole
    figure = f"{share:.0%} of {whole:.1f} CPU s; gain of two at most {1 / (1 - share / 2):.2f}"
    return Row(what, figure, "reported", "one process, one thread, once, engines loaded before")


def _topics(engine: str) -> tuple[float, float]:
    texts, encoder, watch = corpus(TEXTS), Encoder(), Watch()
    began = time.process_time()
    words = Words(texts)
    model: EmbeddingTopics | NmfTopics | LdaTopics
    if engine == "embedding":
        read = [text[: int(READ_OF_A_TEXT)] for text in texts]
        with watch.running():
            vectors = [encoder.encode(read[start : start + 512]) for start in range(0, len(read), 512)]
        model = EmbeddingTopics(words, np.vstack(vectors), 10, lambda: None)
    elif engine == "nmf":
        model = NmfTopics(words, 10, lambda: None)
    else:
        model = LdaTopics(words, 10, lambda: None)
    topic_terms(words.counts, model.sample_shares)
    return watch.seconds, time.process_time() - began


def _classifier() -> tuple[float, float]:
    storage = MemoryStorage({("bench", "classes.csv"): classes(ROWS, 77)}, chunk=1 << 20)
    watch = Watch()
    encoder = TimedTexts(watch)
    began = time.process_time()
    data = read_classifier_data(storage, {"S3Uri": "s3://bench/classes.csv"}, "MULTI_CLASS", LIMIT)
    train_classifier(data, "MULTI_CLASS", "en", encoder)
    return watch.seconds, time.process_time() - began


def _recognizer() -> tuple[float, float]:
    documents, annotations = annotated(700)
    objects = {("bench", "documents.txt"): documents, ("bench", "annotations.csv"): annotations}
    request = {
        "EntityTypes": [{"Type": "PLACE"}],
        "Documents": {"S3Uri": "s3://bench/documents.txt"},
        "Annotations": {"S3Uri": "s3://bench/annotations.csv"},
    }
    watch = Watch()
    tokenizer, vectors = Tokenizer("en"), TimedTokens(watch)
    began = time.process_time()
    data = read_recognizer_data(MemoryStorage(objects, chunk=1 << 20), request, "en", LIMIT)
    with tempfile.TemporaryDirectory() as scratch:
        train_recognizer(data, ["PLACE"], "en", tokenizer, vectors, Path(scratch))
    return watch.seconds, time.process_time() - began


if __name__ == "__main__":
    keep_memory()
    record("What could be done in parts", list(_rows()))
