"""Custom classification, one class per document: banking77, 77 intents."""

from __future__ import annotations

import csv
import io
import time

from bench.quality.corpora import Corpora
from bench.quality.programs import json_lines, one_a_line, run_program, s3
from bench.quality.rows import Row, calibration
from bench.quality.scoring import bootstrap, class_tally, macro_f1, share

TITLE = "Custom classification, 77 intents (`classifier-training`, `classification`)"
HOW = """\
banking77: the program that CreateDocumentClassifier runs trains a classifier on the whole training part, with
the test part as its own test set (used only for its metrics); the program that StartDocumentClassificationJob runs
classifies the test part. Accuracy: the class with the highest score is the gold class."""

Labelled = tuple[str, str]
"""A text and its label."""


def measure(corpora: Corpora) -> list[Row]:
    """Train, classify, score."""
    train, test = questions(corpora, "intents-train"), questions(corpora, "intents-test")
    files = {"train.csv": as_csv(train), "test.csv": as_csv(test)}
    request = {
        "InputDataConfig": {"DataFormat": "COMPREHEND_CSV", "S3Uri": s3("train.csv"), "TestS3Uri": s3("test.csv")},
        "Mode": "MULTI_CLASS",
        "LanguageCode": "en",
    }
    began = time.process_time()
    done, _, model = run_program("classifier-training", "classifier-training", files, request)
    took = time.process_time() - began
    texts, gold = [text for text, _ in test], [label for _, label in test]
    documents = {"input/questions": one_a_line(texts)}
    _, output, _ = run_program("classification", "classification", documents, {}, model, done.sha256)
    classes = [record["Classes"][0] for record in json_lines(output["predictions.jsonl"])]
    labels, scores = [each["Name"] for each in classes], [float(each["Score"]) for each in classes]
    right = [one == two for one, two in zip(labels, gold, strict=True)]
    size = f"{len(train):,} training rows, {len(test):,} test questions"
    note = f"training took {took:.0f} CPU s, the model has {len(model) / 1e6:.0f} MB"
    tally = [(int(each), 1) for each in right]
    return [
        Row("accuracy", bootstrap(tally, share), size, floor=0.940, aim=0.945, note=note),
        Row("macro F1", bootstrap(class_tally(labels, gold, sorted(set(gold))), macro_f1), size),
        *calibration("classes", scores, right, f"{len(test):,} questions"),
    ]


def questions(corpora: Corpora, key: str) -> list[Labelled]:
    """Read banking77's rows."""
    reader = csv.DictReader(io.StringIO(corpora.text(key)))
    return [(" ".join(row["text"].split()), row["category"]) for row in reader]


def as_csv(rows: list[Labelled]) -> bytes:
    """Return rows in Comprehend's format: label, then text, without a header."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows((label, text) for text, label in rows)
    return written.getvalue().encode()
