"""Custom entities: two domains of CrossNER, from annotations and from an entity list."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence

import numpy as np

from bench.quality.corpora import Corpora
from bench.quality.programs import json_lines, one_a_line, run_program, s3
from bench.quality.rows import Row, calibration
from bench.quality.scoring import bootstrap, exact, f1, precision, recall
from bench.quality.tagged import Sentence, Span, sentences

TITLE = "Custom entities (`recognizer-training`, `custom-entities`)"
HOW = """\
CrossNER, with its own types (14 in *ai*, 9 in *politics*; all of them, including the vague *misc*): the program that
CreateEntityRecognizer runs trains on the training and development parts, with the test part as its own test set (used
only for its metrics), and the program that StartEntitiesDetectionJob runs applies the model. Exact micro F1 over begin,
end and type. *Entity list*: the distinct names of those annotations with their (most frequent) type, and the documents
without annotations. The list of *politics* has "and", which its annotators marked once; the program leaves it out and
says so."""

BARS = {
    ("ai", "annotations"): (0.576, 0.62),
    ("politics", "annotations"): (0.665, 0.70),
    ("ai", "entity list"): (0.571, 0.60),
    ("politics", "entity list"): (0.605, 0.64),
}


def measure(corpora: Corpora) -> list[Row]:
    """Train and score each of the four."""
    rows = []
    for (domain, source), (floor, aim) in BARS.items():
        train = [each for part in ("train", "dev") for each in sentences(corpora.text(f"custom-{domain}-{part}"))]
        test = list(sentences(corpora.text(f"entities-{domain}")))
        cost, answers = recognised(train, test, source)
        tally = [exact(found, each.spans) for found, each in zip(answers, test, strict=True)]
        sums = np.asarray(tally).sum(axis=0)
        size = f"{len(train):,} training texts, {len(test):,} test texts, {int(sums[2]):,} entities"
        note = f"precision {precision(sums):.3f}, recall {recall(sums):.3f}; {cost}"
        rows.append(
            Row(f"exact F1, {domain}, from {source}", bootstrap(tally, f1), size, floor=floor, aim=aim, note=note)
        )
        scores = [score for found in answers for score in found.values()]
        right = [span in each.spans for found, each in zip(answers, test, strict=True) for span in found]
        rows += calibration(f"{domain}, from {source}", scores, right, f"{len(scores):,} answers")
    return rows


def recognised(train: Sequence[Sentence], test: Sequence[Sentence], source: str) -> tuple[str, list[dict[Span, float]]]:
    """Train a recognizer and apply it. Return the training's cost, and each test text's answers with scores."""
    kinds = sorted({kind for each in train for _, _, kind in each.spans})
    files = {"train.txt": lines(train), "test.txt": lines(test)}
    config: dict[str, object] = {"EntityTypes": [{"Type": kind} for kind in kinds]}
    if source == "annotations":
        files |= {"train.csv": annotation_rows("train.txt", train), "test.csv": annotation_rows("test.txt", test)}
        config["Documents"] = {
            "S3Uri": s3("train.txt"),
            "TestS3Uri": s3("test.txt"),
            "InputFormat": "ONE_DOC_PER_LINE",
        }
        config["Annotations"] = {"S3Uri": s3("train.csv"), "TestS3Uri": s3("test.csv")}
    else:
        files["list.csv"] = entity_list(train)
        config["Documents"] = {"S3Uri": s3("train.txt"), "InputFormat": "ONE_DOC_PER_LINE"}
        config["EntityList"] = {"S3Uri": s3("list.csv")}
    began = time.process_time()
    request = {"InputDataConfig": config, "LanguageCode": "en"}
    done, _, model = run_program("recognizer-training", "recognizer-training", files, request)
    took = time.process_time() - began
    documents = {"input/texts": one_a_line([each.text for each in test])}
    _, output, _ = run_program("custom-entities", "custom-entities", documents, {}, model, done.sha256)
    found = [
        {(each["BeginOffset"], each["EndOffset"], each["Type"]): float(each["Score"]) for each in record["Entities"]}
        for record in json_lines(output["output"])
    ]
    return f"training took {took:.0f} CPU s, the model has {len(model) / 1e6:.1f} MB", found


def lines(documents: Sequence[Sentence]) -> bytes:
    """Return documents as a file with one per line. Their tokens are separated by single spaces, so offsets stay."""
    return "".join(f"{each.text}\n" for each in documents).encode()


def annotation_rows(file: str, documents: Sequence[Sentence]) -> bytes:
    """Return the gold spans in Comprehend's format."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("File", "Line", "Begin Offset", "End Offset", "Type"))
    for number, document in enumerate(documents):
        rows.writerows((file, number, begin, end, kind) for begin, end, kind in document.spans)
    return written.getvalue().encode()


def entity_list(documents: Sequence[Sentence]) -> bytes:
    """Return the names among the gold spans, each with its most frequent type, in Comprehend's format."""
    counts: dict[str, dict[str, int]] = {}
    for document in documents:
        for begin, end, kind in document.spans:
            of_name = counts.setdefault(document.text[begin:end], {})
            of_name[kind] = of_name.get(kind, 0) + 1
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("Text", "Type"))
    rows.writerows((name, max(kinds, key=lambda kind: (kinds[kind], kind))) for name, kinds in sorted(counts.items()))
    return written.getvalue().encode()
