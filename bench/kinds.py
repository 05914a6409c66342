"""Every kind's job on many documents against the bare engine in a script; trainings from submission to TRAINED."""

from __future__ import annotations

import csv
import io
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.jobs import DOCUMENTS, against_bare, corpus, library
from bench.report import Row, record

ROUNDS = int(os.environ.get("BENCH_LARGE_ROUNDS", "1"))
ENGINES = {
    "entities": "entities-en",
    "key-phrases": "key-phrases-en",
    "sentiment": "sentiment-en",
    "targeted-sentiment": "targeted-sentiment-en",
    "dominant-language": "dominant-language",
    "pii": "pii-en",
    "events": "events-en",
}
REDACTED = "pii-redacted"
REDACTION = {"Mode": "ONLY_REDACTION", "RedactionConfig": {"PiiEntityTypes": ["ALL"]}}


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as folder:
        kinds = os.environ.get("BENCH_KINDS", ",".join((*ENGINES, REDACTED))).split(",")
        engines = {kind: ENGINES[kind] for kind in kinds if kind in ENGINES}
        rows = [*against_bare(Path(folder), engines, DOCUMENTS, ROUNDS, "1.15 ×")]
        if REDACTED in kinds:
            rows += against_bare(Path(folder), {"pii": ENGINES["pii"]}, DOCUMENTS, ROUNDS, "1.3 ×", REDACTION)
        record("Kinds", [*rows, *_trainings(Path(folder))])


def _trainings(folder: Path) -> Iterator[Row]:
    with library(folder, 0) as (account, bucket, request):
        request = {key: value for key, value in request.items() if key != "OutputDataConfig"}
        account.s3.put_object(Bucket=bucket, Key="train/classes.csv", Body=classes(10_000, 77))
        began = time.perf_counter()
        arn = account.comprehend.create_document_classifier(
            DocumentClassifierName="bench",
            InputDataConfig={"S3Uri": f"s3://{bucket}/train/classes.csv"},
            LanguageCode="en",
            **request,
        )["DocumentClassifierArn"]
        spent = until_trained(
            lambda: account.comprehend.describe_document_classifier(DocumentClassifierArn=arn)[
                "DocumentClassifierProperties"
            ],
            began,
        )
        yield Row("classifier: 10,000 rows of 77 classes, submit to TRAINED", f"{spent:.1f} s", "60 s", "once")
        documents, annotations = annotated(700)
        account.s3.put_object(Bucket=bucket, Key="train/documents.txt", Body=documents)
        account.s3.put_object(Bucket=bucket, Key="train/annotations.csv", Body=annotations)
        began = time.perf_counter()
        arn = account.comprehend.create_entity_recognizer(
            RecognizerName="bench",
            InputDataConfig={
                "EntityTypes": [{"Type": "PLACE"}],
                "Documents": {"S3Uri": f"s3://{bucket}/train/documents.txt"},
                "Annotations": {"S3Uri": f"s3://{bucket}/train/annotations.csv"},
            },
            LanguageCode="en",
            **request,
        )["EntityRecognizerArn"]
        spent = until_trained(
            lambda: account.comprehend.describe_entity_recognizer(EntityRecognizerArn=arn)[
                "EntityRecognizerProperties"
            ],
            began,
        )
        yield Row("recognizer: 700 documents with annotations, submit to TRAINED", f"{spent:.1f} s", "60 s", "once")


def until_trained(describe: Any, began: float) -> float:
    """Wait until a model is TRAINED and return the seconds since ``began``."""
    while True:
        found = describe()
        if found["Status"] in ("TRAINED", "TRAINED_WITH_WARNING", "IN_ERROR"):
            assert found["Status"] != "IN_ERROR", found["Message"]
            return time.perf_counter() - began
        time.sleep(0.1)


def classes(rows: int, classes: int) -> bytes:
    """Return a CSV of rows as long as a customer's question, whose first words reveal the class."""
    chooser = random.Random(11)
    words = " ".join(corpus(50)).split()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for number in range(rows):
        label = number % classes
        marks = [words[(label * 37 + chooser.randrange(6)) % len(words)] for _ in range(4)]
        writer.writerow([f"CLASS_{label}", " ".join([*marks, *chooser.choices(words, k=8)])])
    return out.getvalue().encode()


def annotated(count: int) -> tuple[bytes, bytes]:
    """Sentences with one place each, and the place's position."""
    chooser = random.Random(13)
    words = " ".join(corpus(50)).split()
    lines, rows = [], ["File,Line,Begin Offset,End Offset,Type"]
    for number in range(count):
        before, after = (" ".join(chooser.choices(words, k=12)) for _ in range(2))
        place = chooser.choice(("Norwich", "Lindisfarne", "Great Yarmouth", "Ely", "Wells next the Sea"))
        text = f"{before} near {place} {after}"
        begin = len(before) + len(" near ")
        rows.append(f"documents.txt,{number},{begin},{begin + len(place)},PLACE")
        lines.append(text)
    return ("\n".join(lines) + "\n").encode(), ("\n".join(rows) + "\n").encode()


if __name__ == "__main__":
    main()
