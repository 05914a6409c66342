"""Classification and topics, which need a model or their whole input: jobs against the same programs alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.jobs import DOCUMENTS, corpus, library, until_over
from bench.kinds import classes, until_trained
from bench.report import Row, median, record
from reading_room.cli import reading

ROUNDS = int(os.environ.get("BENCH_LARGE_ROUNDS", "1"))

BARE_CLASSIFICATION = """
import io, json, sys
from pathlib import Path
from reading_room.analysis.custom.artifact import load_artifact
from reading_room.analysis.custom.classification import CustomClassifier
from reading_room.analysis.custom.classifier_model import KIND, ClassifierModel
from reading_room.analysis.custom.vectors import TextVectors
from reading_room.analysis.engine import one_thread
one_thread()
model = ClassifierModel.from_artifact(load_artifact(io.BytesIO(Path(sys.argv[3]).read_bytes()), KIND))
engine = CustomClassifier(model, TextVectors())
with open(sys.argv[1]) as documents, open(sys.argv[2], "w") as out:
    for result in engine.analyse(line.rstrip("\\n") for line in documents):
        out.write(json.dumps(result) + "\\n")
"""
BARE_TOPICS = """
import json, sys
import numpy as np
from reading_room.analysis.engine import one_thread
from reading_room.analysis.engines.minilm import Encoder
from reading_room.analysis.topics.models import EmbeddingTopics
from reading_room.analysis.topics.program import CODE_POINTS_OF_A_TOKEN, TOKEN_BUDGET, TOKENS
from reading_room.analysis.topics.terms import topic_terms
from reading_room.analysis.topics.words import Words
one_thread()
texts = open(sys.argv[1]).read().splitlines()
limit = int(min(max(TOKEN_BUDGET // len(texts), TOKENS[0]), TOKENS[1]) * CODE_POINTS_OF_A_TOKEN)
encoder = Encoder()
vectors = [encoder.encode([text[:limit] for text in texts[start : start + 512]]) for start in range(0, len(texts), 512)]
words = Words(texts)
model = EmbeddingTopics(words, np.vstack(vectors), 10, lambda: None)
terms = topic_terms(words.counts, model.sample_shares)
with open(sys.argv[2], "w") as out:
    out.write(json.dumps([[(words.names[column], weight) for column, weight in found] for found in terms]))
    np.savetxt(out, model.sample_shares)
"""
"""A script without a service, with the same libraries and batch sizes, and one thread."""


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as folder:
        record("Classification and topics", list(_rows(Path(folder))))


def _rows(folder: Path) -> Iterator[Row]:
    text = "\n".join(corpus(DOCUMENTS)) + "\n"
    source = folder / "documents.txt"
    source.write_text(text)
    with library(folder, 0) as (account, bucket, request):
        account.s3.put_object(Bucket=bucket, Key="big/documents.txt", Body=text.encode())
        where = {"InputDataConfig": {"S3Uri": f"s3://{bucket}/big/"}, **request}
        topics = reading.JobCalls(account, "topics")
        yield _row(
            "topics",
            lambda: until_over(topics, topics.start(NumberOfTopics=10, **where), 0.1),
            [BARE_TOPICS, str(source), str(folder / "topics.out")],
        )
        model = trained_classifier(account, bucket, request)
        artifact = artifact_of(folder)
        yield _row(
            "classification by a model of 77 classes",
            lambda: _classified(account, model, where),
            [BARE_CLASSIFICATION, str(source), str(folder / "classes.out"), str(artifact)],
        )


def _row(what: str, job: Callable[[], None], bare: list[str]) -> Row:
    times: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", *bare], check=True)
        between = time.perf_counter()
        job()
        times.append((time.perf_counter() - between, between - began))
    ratio = median([in_job / alone for in_job, alone in times])
    jobs, alone = (median(values) for values in zip(*times, strict=True))
    return Row(
        f"{what}: {DOCUMENTS:,} documents of 2 KB, job against the same libraries in a script",
        f"{ratio:.2f} × (job {jobs:.1f} s, bare {alone:.1f} s)",
        "1.15 ×",
        f"{ROUNDS} interleaved pairs, whole processes, one thread each, container not started ahead",
    )


def trained_classifier(account: reading.Account, bucket: str, request: dict[str, Any]) -> str:
    """Train a classifier of 77 classes and return its ARN."""
    account.s3.put_object(Bucket=bucket, Key="train/classes.csv", Body=classes(10_000, 77))
    own = {key: value for key, value in request.items() if key != "OutputDataConfig"}
    arn = account.comprehend.create_document_classifier(
        DocumentClassifierName="bench",
        InputDataConfig={"S3Uri": f"s3://{bucket}/train/classes.csv"},
        LanguageCode="en",
        **own,
    )["DocumentClassifierArn"]
    describe = account.comprehend.describe_document_classifier
    until_trained(lambda: describe(DocumentClassifierArn=arn)["DocumentClassifierProperties"], time.perf_counter())
    return str(arn)


def artifact_of(folder: Path) -> Path:
    """Return the file of this product's only model: the one object that is an archive."""
    (found,) = (path for path in folder.glob("library-*/objects/**/*") if path.is_file() and _is_zip(path))
    return found


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _classified(account: reading.Account, model: str, where: dict[str, Any]) -> None:
    job = account.comprehend.start_document_classification_job(DocumentClassifierArn=model, **where)["JobId"]
    while True:
        found = account.comprehend.describe_document_classification_job(JobId=job)
        status = found["DocumentClassificationJobProperties"]["JobStatus"]
        if status in reading.OVER:
            assert status == "COMPLETED", found
            return
        time.sleep(0.1)


if __name__ == "__main__":
    main()
