"""Scores, as pure functions: from sums over documents to a figure with its interval.

Most figures are ratios of sums over documents (or sentences). A *tally* is an array with one row per document and one
column per count; a figure is a function from column sums to a number, so a bootstrap resamples rows and sums again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Figure = Callable[[Floats], float]

RESAMPLES = 1000
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the 95 % interval of its bootstrap."""

    value: float
    low: float
    high: float


def f1(sums: Floats) -> float:
    """F1 of sums (right, answered, expected)."""
    right, answered, expected = sums[:3]
    return float(2 * right / (answered + expected)) if answered + expected else 0.0


def precision(sums: Floats) -> float:
    """The share of right answers, from sums (right, answered, expected)."""
    return float(sums[0] / sums[1]) if sums[1] else 0.0


def recall(sums: Floats) -> float:
    """The share of expected items that were answered, from sums (right, answered, expected)."""
    return float(sums[0] / sums[2]) if sums[2] else 0.0


def share(sums: Floats) -> float:
    """The share from sums (right, all); accuracy, if rows are (1 or 0, 1)."""
    return float(sums[0] / sums[1]) if sums[1] else 0.0


def mean_share(sums: Floats) -> float:
    """Macro accuracy: the mean share over pairs of columns (right, all), one pair per class, without empty classes."""
    pairs = np.asarray(sums, dtype=np.float64).reshape(-1, 2)
    pairs = pairs[pairs[:, 1] > 0]
    return float((pairs[:, 0] / pairs[:, 1]).mean()) if len(pairs) else 0.0


def macro_f1(sums: Floats) -> float:
    """Mean F1 over triples of columns (right, answered, expected), one triple per class that is expected."""
    triples = np.asarray(sums, dtype=np.float64).reshape(-1, 3)
    triples = triples[triples[:, 2] > 0]
    return float(np.mean([f1(triple) for triple in triples])) if len(triples) else 0.0


def class_tally(answers: Sequence[str], gold: Sequence[str], classes: Sequence[str]) -> Floats:
    """Return a tally for ``macro_f1``: for each document and class of ``classes``, (right, answered, expected)."""
    tally = np.zeros((len(gold), len(classes), 3))
    for row, (answer, truth) in enumerate(zip(answers, gold, strict=True)):
        for column, kind in enumerate(classes):
            tally[row, column] = (answer == truth == kind, answer == kind, truth == kind)
    return tally.reshape(len(gold), -1)


def exact(answers: Collection[Hashable], expected: Collection[Hashable]) -> tuple[int, int, int]:
    """Count (right, answered, expected); an answer is right if it has an expected value, each counted once."""
    found, wanted = set(answers), set(expected)
    return len(found & wanted), len(found), len(wanted)


def bootstrap(tally: ArrayLike, figure: Figure, resamples: int = RESAMPLES, seed: int = SEED) -> Estimate:
    """Return the figure of the tally's sums, with the interval from resampling its rows with replacement."""
    return bootstrap_mean([tally], figure, resamples, seed)


def bootstrap_mean(
    tallies: Sequence[ArrayLike], figure: Figure, resamples: int = RESAMPLES, seed: int = SEED
) -> Estimate:
    """Return the mean figure over several sets, resampled set by set. Raises ``ValueError`` for an empty set."""
    arrays = [np.atleast_2d(np.asarray(tally, dtype=np.float64)) for tally in tallies]
    if not arrays or any(array.shape[0] == 0 or array.size == 0 for array in arrays):
        raise ValueError("a set without documents has no figure")
    random = np.random.default_rng(seed)
    value = float(np.mean([figure(array.sum(axis=0)) for array in arrays]))
    drawn = np.zeros((resamples, len(arrays)))
    for column, array in enumerate(arrays):
        rows = array.shape[0]
        for turn in range(resamples):
            weights = np.bincount(random.integers(0, rows, rows), minlength=rows)
            drawn[turn, column] = figure(weights @ array)
    low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def bootstrap_rows(
    rows: int, figure: Callable[[NDArray[np.intp]], float], resamples: int = 200, seed: int = SEED
) -> Estimate:
    """Return a figure that is not a function of sums: ``figure`` gets the indices of the rows to count."""
    random = np.random.default_rng(seed)
    value = figure(np.arange(rows))
    drawn = [figure(random.integers(0, rows, rows)) for _ in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def calibration_error(scores: ArrayLike, right: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error: over ``bins`` equal widths of the score, the mean of |share right - mean score|,
    weighted by the answers in the bin."""
    given, truth = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if not len(given):
        return 0.0
    place = np.minimum((given * bins).astype(int), bins - 1)
    total = np.bincount(place, minlength=bins)
    gaps = np.abs(np.bincount(place, truth, bins) - np.bincount(place, given, bins))
    return float(gaps.sum() / total.sum())


def ranking(scores: ArrayLike, right: ArrayLike) -> float:
    """AUC: how often a right answer has a higher score than a wrong one, ties counting half; 0.5 without both kinds."""
    given, truth = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=bool)
    good, bad = int(truth.sum()), int((~truth).sum())
    if not good or not bad:
        return 0.5
    _, inverse, counts = np.unique(given, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    return float((ranks[truth].sum() - good * (good + 1) / 2) / (good * bad))


def mutual_information(labels: Sequence[Hashable] | NDArray[Any], clusters: Sequence[Hashable] | NDArray[Any]) -> float:
    """Normalised mutual information of two groupings, by the arithmetic mean of their entropies: 0 to 1."""
    if len(labels) != len(clusters) or not len(labels):
        raise ValueError("two groupings of the same documents are needed")
    first = np.unique(np.asarray(labels).astype(str), return_inverse=True)[1]
    second = np.unique(np.asarray(clusters).astype(str), return_inverse=True)[1]
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)
    joint = table / table.sum()
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    seen = joint > 0
    shared = float((joint[seen] * np.log(joint[seen] / np.outer(rows, columns)[seen])).sum())
    entropies = -float((rows * np.log(rows)).sum()) - float((columns * np.log(columns)).sum())
    return 1.0 if entropies == 0 else 2 * shared / entropies


def purity(labels: Sequence[Hashable] | NDArray[Any], clusters: Sequence[Hashable] | NDArray[Any]) -> float:
    """Share of documents whose label is the most frequent of their cluster."""
    counts: dict[Hashable, dict[Hashable, int]] = {}
    for label, cluster in zip(labels, clusters, strict=True):
        of_cluster = counts.setdefault(cluster, {})
        of_cluster[label] = of_cluster.get(label, 0) + 1
    return sum(max(of_cluster.values()) for of_cluster in counts.values()) / len(labels)


def coherence(topics: Sequence[Sequence[str]], documents: Sequence[Collection[str]], words: int = 10) -> float:
    """NPMI coherence: the mean over topics and pairs of their first ``words`` terms of the normalised pointwise mutual
    information of the two terms' occurrence in documents; -1 for a pair that never occurs together."""
    terms = sorted({term for topic in topics for term in topic[:words]})
    holders = {term: {index for index, document in enumerate(documents) if term in document} for term in terms}
    total = len(documents)
    by_topic = []
    for topic in topics:
        chosen = list(topic[:words])
        pairs = [
            _npmi(len(holders[one]), len(holders[two]), len(holders[one] & holders[two]), total)
            for place, one in enumerate(chosen)
            for two in chosen[place + 1 :]
        ]
        if pairs:
            by_topic.append(float(np.mean(pairs)))
    return float(np.mean(by_topic)) if by_topic else 0.0


def _npmi(one: int, two: int, both: int, total: int) -> float:
    if not both:
        return -1.0
    if both == total:
        return 1.0
    return float(np.log(both * total / (one * two)) / -np.log(both / total))
