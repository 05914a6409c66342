"""The words that name a topic: those that tell it from other topics and that its documents use together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

MOST_TERMS = 10
_CANDIDATES = 60
_LEAST_SHARE = 0.04
"""The share of a topic's documents that must have a word that names the topic: a rare word names only a document."""
_TOGETHER = 0.5
"""The weight of words being used together, compared with how well each tells the topic from the others."""

Terms = list[tuple[int, float]]
"""Columns of the count matrix with their weights, best first; the weights of all words of a topic sum to 1."""


def topic_terms(counts: sparse.csr_matrix, shares: NDArray[np.float64]) -> list[Terms]:
    """Return the terms of each topic.

    ``counts`` is documents x words, ``shares`` documents x topics. A word's weight is class TF-IDF: how often the
    topic's documents have it, times the logarithm of its rarity over all topics. Terms are chosen from the best
    candidates one by one. Each next term has the best sum of its weight and its normalised pointwise mutual
    information, over the documents, with the terms chosen before.
    """
    present = counts.copy()
    present.data = np.ones_like(present.data)
    by_topic = np.asarray((present.T @ shares).T, dtype=np.float64)
    sizes = shares.sum(axis=0)
    documents = np.asarray(present.sum(axis=0)).ravel().astype(np.float64)
    rarity = np.log1p(shares.shape[0] / np.maximum(documents, 1))
    # A word tells the topic from the others if the topic has more than its fair share of it.
    beyond = by_topic / np.maximum(documents, 1)[None, :]
    relevance = by_topic / np.maximum(sizes, 1e-9)[:, None] * rarity * beyond
    columns = present.tocsc()
    return [
        _chosen(columns, by_topic[topic], relevance[topic], documents, sizes[topic]) for topic in range(shares.shape[1])
    ]


def _chosen(
    columns: sparse.csc_matrix,
    inside: NDArray[np.float64],
    relevance: NDArray[np.float64],
    documents: NDArray[np.float64],
    size: float,
) -> Terms:
    common = (inside >= max(2.0, _LEAST_SHARE * size)) & (relevance > 0)
    allowed = np.flatnonzero(common) if common.sum() >= MOST_TERMS else np.flatnonzero(relevance > 0)
    candidates = allowed[np.argsort(-relevance[allowed], kind="stable")][:_CANDIDATES]
    if not len(candidates):
        return []
    together = _mutual_information(columns[:, candidates], documents[candidates])
    own = np.log(relevance[candidates] / relevance[candidates[0]]) / 3
    chosen = [0]
    while len(chosen) < min(MOST_TERMS, len(candidates)):
        gain = own + _TOGETHER * len(chosen) ** 0.5 * together[:, chosen].mean(axis=1)
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
    weights = relevance / relevance.sum()
    found = [(int(candidates[index]), float(weights[candidates[index]])) for index in chosen]
    return sorted(found, key=lambda term: -term[1])


def _mutual_information(present: sparse.csc_matrix, documents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normalised pointwise mutual information of each pair of words, from -1 to 1."""
    total = present.shape[0]
    both = np.asarray((present.T @ present).todense(), dtype=np.float64) / total
    single = documents / total
    with np.errstate(divide="ignore", invalid="ignore"):
        information: NDArray[np.float64] = np.log(both / np.outer(single, single)) / -np.log(both)
    information[both <= 0] = -1.0
    information[both >= 1] = 1.0
    return information
