"""Thresholds of scores that keep a promised recall: risk control by testing, as pure functions.

A sample of documents with their personal data marked stands for the documents to come. The loss of a document at a
threshold is the share of its items that findings with at least that score do not cover. It only grows with the
threshold, so thresholds can be tested from the lowest up without a correction for their number. Each test is of
Hoeffding and Bentkus, for losses between 0 and 1 of independent documents (Angelopoulos and others, "Learn then Test",
2021; Bates and others, "Distribution-free, risk-controlling prediction sets", 2021).

The promise is about the mean over documents that have the type: with the probability ``confidence`` over the choice of
the sample, the expected share of items found in such a document is at least ``recall``, for all types together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CONFIDENCE = 0.95
NEVER = -1.0
"""The score of an item that no findings cover at any threshold."""

Place = tuple[int, int]
Scored = tuple[int, int, float]
"""Begin, end and score of a finding."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What can be promised for one type.

    ``threshold`` is the highest score with which findings may be dropped below it, ``None`` if not even all findings
    reach the target. ``highest`` is the best recall that the sample can promise with all findings, and ``documents``
    is how many documents of the sample have the type.
    """

    threshold: float | None
    highest: float
    documents: int


def promises(
    sample: Mapping[str, Sequence[Sequence[float]]], recall: float, confidence: float = CONFIDENCE
) -> dict[str, Promise]:
    """Return the promise for each type of a sample, valid for all of them together.

    ``sample`` has for each type the documents that have it, each as the ``covered_until`` of its items. Raise
    ``ValueError`` for a recall or a confidence that is not between 0 and 1.
    """
    if not (0 < recall < 1 and 0 < confidence < 1):
        raise ValueError(f"recall {recall} and confidence {confidence} must be between 0 and 1, both excluded")
    documents = {kind: [each for each in items if each] for kind, items in sample.items()}
    documents = {kind: items for kind, items in documents.items() if items}
    error = (1 - confidence) / max(len(documents), 1)
    return {kind: _promise(items, recall, error) for kind, items in documents.items()}


def above(findings: Iterable[dict[str, Any]], thresholds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the findings, in the API's members, that a profile's thresholds keep; a type without one keeps all."""
    return [each for each in findings if each["Score"] >= thresholds.get(each["Type"], 0.0)]


def _promise(documents: Sequence[Sequence[float]], recall: float, error: float) -> Promise:
    count, risk = len(documents), 1 - recall
    highest = 1 - _least_risk(mean_loss(documents, 0.0), count, error)
    if p_value(mean_loss(documents, 0.0), count, risk) > error:
        return Promise(None, highest, count)
    # The loss grows with the threshold and so does the p-value: the last threshold that passes is found by halving.
    scores = sorted({0.0, *(score for items in documents for score in items if score > 0)})
    low, high = 0, len(scores)
    while high - low > 1:
        middle = (low + high) // 2
        if p_value(mean_loss(documents, scores[middle]), count, risk) <= error:
            low = middle
        else:
            high = middle
    return Promise(scores[low], highest, count)


def mean_loss(documents: Sequence[Sequence[float]], threshold: float) -> float:
    """Return the mean over documents of the share of items that are not covered at a threshold."""
    return sum(sum(score < threshold for score in items) / len(items) for items in documents) / len(documents)


def p_value(loss: float, count: int, risk: float) -> float:
    """Return how likely so low a mean loss of ``count`` documents is if the expected loss is above ``risk``."""
    if loss >= risk:
        return 1.0
    hoeffding = math.exp(-count * _divergence(loss, risk))
    bentkus = math.e * _binomial(math.ceil(count * loss - 1e-9), count, risk)
    return min(1.0, hoeffding, bentkus)


def covered_until(text: str, item: Place, findings: Iterable[Scored]) -> float:
    """Return the highest threshold at which findings still cover every letter and digit of an item, or ``NEVER``."""
    begin, end = item
    left = {place for place in range(begin, end) if text[place].isalnum()} or set(range(begin, end))
    for first, last, score in sorted(findings, key=lambda each: -each[2]):
        left.difference_update(range(max(first, begin), min(last, end)))
        if not left:
            return score
    return NEVER


def _least_risk(loss: float, count: int, error: float) -> float:
    """Return the smallest risk that the test accepts, from above, to six decimals."""
    low, high = loss, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        if p_value(loss, count, middle) <= error:
            high = middle
        else:
            low = middle
    return high


def _divergence(low: float, high: float) -> float:
    """Relative entropy of two coins."""
    if high >= 1:
        return math.inf
    first = low * math.log(low / high) if low > 0 else 0.0
    second = (1 - low) * math.log((1 - low) / (1 - high)) if low < 1 else 0.0
    return first + second


def _binomial(most: int, count: int, chance: float) -> float:
    """Return the probability of at most ``most`` of ``count`` independent events."""
    if most >= count:
        return 1.0
    if chance >= 1:
        return 0.0
    logarithm = [
        math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        + k * math.log(chance) + (count - k) * math.log1p(-chance)
        for k in range(most + 1)
    ]  # fmt: skip
    return min(1.0, math.fsum(math.exp(each) for each in logarithm))
