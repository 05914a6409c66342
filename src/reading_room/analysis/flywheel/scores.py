"""How good a flywheel's models are on the same test documents, in the four figures that the API gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.custom.mode import Mode
from reading_room.analysis.custom.spans import Span
from reading_room.analysis.training.metrics import classifier_metrics

Figures = Mapping[str, float]


def of_classifier(actual: NDArray[np.bool_], predicted: NDArray[np.bool_], mode: Mode) -> Figures:
    """Return the figures of a classifier; the arrays are documents x labels, with the labels of all models and texts.

    Precision, recall and F1 are unweighted means over the labels; accuracy is the share of the documents' labels that
    were found.
    """
    metrics = classifier_metrics(actual, predicted, mode)
    return _figures(metrics["F1Score"], metrics["Precision"], metrics["Recall"], metrics["Accuracy"])


@dataclass(slots=True)
class RecognizerScores:
    """Counts the entities of a recognizer. An entity is right if its span and type are."""

    hit: Counter[str] = field(default_factory=Counter)
    true: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)

    def add(self, right: Sequence[Span], answer: Sequence[Span]) -> None:
        """Count a document."""
        self.true.update(kind for _, _, kind in right)
        self.found.update(kind for _, _, kind in answer)
        self.hit.update(kind for _, _, kind in set(right) & set(answer))

    def figures(self) -> Figures:
        """Return the figures: unweighted means over the types, and the share of right ones among all entities."""
        types = sorted(set(self.true) | set(self.found))
        pairs = [(self.hit[kind], self.found[kind], self.true[kind]) for kind in types]
        wrong = self.true.total() + self.found.total() - self.hit.total()
        return _figures(
            _mean([_share(2 * hit, found + true) for hit, found, true in pairs]),
            _mean([_share(hit, found) for hit, found, _ in pairs]),
            _mean([_share(hit, true) for hit, _, true in pairs]),
            _share(self.hit.total(), wrong),
        )


def _figures(f1: float, precision: float, recall: float, accuracy: float) -> Figures:
    return {
        "AverageF1Score": round(f1, 4),
        "AveragePrecision": round(precision, 4),
        "AverageRecall": round(recall, 4),
        "AverageAccuracy": round(accuracy, 4),
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
