"""Custom classification, several labels per document: GoEmotions, 28 emotions."""

from __future__ import annotations

import time

import numpy as np

from bench.quality.classification import as_csv
from bench.quality.corpora import Corpora
from bench.quality.programs import json_lines, one_a_line, run_program, s3
from bench.quality.rows import Row, calibration
from bench.quality.scoring import bootstrap, exact, f1, macro_f1, precision, recall

TITLE = "Custom classification, several labels (`classifier-training`, `classification`)"
HOW = """\
GoEmotions with its 28 labels (one is neutral): trained on its training part, with the test part as its own test set
(used only for its metrics). Micro F1: a document's answer is every label with a score of 0.5 or more, as clients use
it. *Labels*: those in the output, three per document or all of 0.5 and more. The best F1 needs a threshold far below
a probability of 0.5, so labels between that threshold and 0.55 have a score just over 0.5 and are right less often."""

CUT = 0.5
DELIMITER = "|"


def measure(corpora: Corpora) -> list[Row]:
    """Train, classify, score."""
    train, test = comments(corpora, "emotions-train"), comments(corpora, "emotions-test")
    files = {
        "train.csv": as_csv([(text, DELIMITER.join(labels)) for text, labels in train]),
        "test.csv": as_csv([(text, DELIMITER.join(labels)) for text, labels in test]),
    }
    request = {
        "InputDataConfig": {
            "DataFormat": "COMPREHEND_CSV",
            "S3Uri": s3("train.csv"),
            "TestS3Uri": s3("test.csv"),
            "LabelDelimiter": DELIMITER,
        },
        "Mode": "MULTI_LABEL",
        "LanguageCode": "en",
    }
    began = time.process_time()
    done, _, model = run_program("classifier-training", "classifier-training", files, request)
    took = time.process_time() - began
    documents = {"input/comments": one_a_line([text for text, _ in test])}
    _, output, _ = run_program("classification", "classification", documents, {}, model, done.sha256)
    tally, by_label = [], []
    scores: list[float] = []
    right: list[bool] = []
    names = corpora.text("emotions-labels").split()
    for record, (_, gold) in zip(json_lines(output["predictions.jsonl"]), test, strict=True):
        given = {each["Name"]: float(each["Score"]) for each in record["Labels"]}
        answers = {name for name, score in given.items() if score >= CUT}
        tally.append(exact(answers, gold))
        by_label.append([value for name in names for value in exact(answers & {name}, set(gold) & {name})])
        scores += given.values()
        right += [name in gold for name in given]
    size = f"{len(train):,} training rows, {len(test):,} test comments"
    sums = np.asarray(tally).sum(axis=0)
    note = f"precision {precision(sums):.3f}, recall {recall(sums):.3f}; training took {took:.0f} CPU s"
    return [
        Row("micro F1, score cut at 0.5", bootstrap(tally, f1), size, floor=0.489, aim=0.52, note=note),
        Row("macro F1, score cut at 0.5", bootstrap(by_label, macro_f1), size),
        *calibration("labels", scores, right, f"{len(scores):,} labels named"),
    ]


def comments(corpora: Corpora, key: str) -> list[tuple[str, list[str]]]:
    """Read GoEmotions' rows: text, and the names of its emotions."""
    names = corpora.text("emotions-labels").split()
    rows = []
    for line in corpora.text(key).split("\n"):
        if line:
            text, indices, _ = line.split("\t")
            rows.append((" ".join(text.split()), [names[int(index)] for index in indices.split(",")]))
    return rows
