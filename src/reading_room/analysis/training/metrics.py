"""How good a custom model is on its test documents, in the figures that Comprehend gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.custom.mode import Mode
from reading_room.analysis.custom.spans import Span


def classifier_metrics(actual: NDArray[np.bool_], predicted: NDArray[np.bool_], mode: Mode) -> dict[str, float]:
    """Return ClassifierEvaluationMetrics, four decimals each; both arrays are documents x labels.

    Precision, Recall and F1Score are unweighted means over the labels that the test documents have or that were
    predicted for one; a division by zero counts as 0. Accuracy is the share of the test documents' labels that were
    predicted. HammingLoss is the share of wrong decisions: of documents if each has one label, otherwise of all
    decisions on labels.
    """
    hit = (actual & predicted).sum(axis=0).astype(float)
    true, found = actual.sum(axis=0).astype(float), predicted.sum(axis=0).astype(float)
    seen = (true + found) > 0
    precision, recall = _ratio(hit, found)[seen], _ratio(hit, true)[seen]
    f1 = _ratio(2 * hit, true + found)[seen]
    micro_precision = _share(hit.sum(), found.sum())
    micro_recall = _share(hit.sum(), true.sum())
    accuracy = micro_recall
    loss = 1 - accuracy if mode == "MULTI_CLASS" else float((actual != predicted).mean()) if actual.size else 0.0
    figures = {
        "Accuracy": accuracy,
        "Precision": _mean(precision),
        "Recall": _mean(recall),
        "F1Score": _mean(f1),
        "MicroPrecision": micro_precision,
        "MicroRecall": micro_recall,
        "MicroF1Score": _share(2 * hit.sum(), true.sum() + found.sum()),
        "HammingLoss": loss,
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def confusion_matrix(
    actual: NDArray[np.bool_], predicted: NDArray[np.bool_], labels: Sequence[str], mode: Mode
) -> dict[str, Any]:
    """Return the content of ``confusion_matrix.json``: rows are actual, columns predicted.

    With several labels per document there is a matrix per label, ``[[TN, FP], [FN, TP]]``.
    """
    if mode == "MULTI_CLASS":
        size = len(labels)
        cells = np.bincount(actual.argmax(axis=1) * size + predicted.argmax(axis=1), minlength=size * size)
        matrix: list[Any] = cells.reshape(size, size).tolist()
        kind = "multi_class"
    else:
        pairs = [
            (~actual & ~predicted).sum(0), (~actual & predicted).sum(0),
            (actual & ~predicted).sum(0), (actual & predicted).sum(0),
        ]  # fmt: skip
        matrix = np.stack(pairs, axis=1).reshape(-1, 2, 2).tolist()
        kind = "multi_label"
    return {"type": kind, "confusion_matrix": matrix, "labels": list(labels), "all_labels": list(labels)}


def recognizer_metadata(
    actual: Iterable[Sequence[Span]],
    predicted: Iterable[Sequence[Span]],
    types: Sequence[str],
    mentions: Mapping[str, int],
    trained: int,
    tested: int,
) -> dict[str, Any]:
    """Return RecognizerMetadata. An entity is right if its span and type are.

    Figures are percentages, pooled over types. ``mentions`` are the counts of each type in the training documents.
    """
    hit: Counter[str] = Counter()
    true: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for right, answer in zip(actual, predicted, strict=True):
        true.update(kind for _, _, kind in right)
        found.update(kind for _, _, kind in answer)
        hit.update(kind for _, _, kind in set(right) & set(answer))
    return {
        "NumberOfTrainedDocuments": trained,
        "NumberOfTestDocuments": tested,
        "EvaluationMetrics": _percentages(hit.total(), found.total(), true.total()),
        "EntityTypes": [
            {
                "Type": kind,
                "EvaluationMetrics": _percentages(hit[kind], found[kind], true[kind]),
                "NumberOfTrainMentions": mentions.get(kind, 0),
            }
            for kind in types
        ],
    }


def _percentages(hit: int, found: int, true: int) -> dict[str, float]:
    return {
        "Precision": 100 * _share(hit, found),
        "Recall": 100 * _share(hit, true),
        "F1Score": 100 * _share(2 * hit, found + true),
    }


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else 0.0
