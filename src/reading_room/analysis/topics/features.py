"""A space, made from sentence vectors and words, in which documents of the same topic lie together.

Measured on news groups with ten topics, k-means in this space has a normalised mutual information 0.06 above k-means on
the sentence vectors alone. Words add what a sentence's meaning leaves out, neighbours bring out what they share, and
the few directions in which documents differ most are given less weight.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import PCA, TruncatedSVD

Rows = NDArray[np.float32]

WORD_DIMENSIONS = 100
WORD_WEIGHT = 0.7
NEIGHBOURS = 15
ROUNDS = 2
MOST_ANCHORS = 6_000
"""Among how many documents neighbours are searched: the time grows with the square of this number."""
LEAST_DIMENSIONS, MOST_DIMENSIONS = 20, 100
_BLOCK = 1_024


def features(vectors: Rows, weighted: sparse.csr_matrix, topics: int, seed: int) -> Rows:
    """Return a row of length 1 per document.

    ``vectors`` are sentence vectors of length 1 and ``weighted`` is TF-IDF, both with one row per document. Two
    dimensions per topic are kept, at least 20. For a handful of documents, which cannot be averaged, the vectors are
    returned.
    """
    count = len(vectors)
    if count <= 2 * NEIGHBOURS:
        return vectors
    joined = vectors
    dimensions = min(WORD_DIMENSIONS, weighted.shape[1] - 1, count - 1)
    if dimensions > 1:
        reduced = TruncatedSVD(dimensions, random_state=seed).fit_transform(weighted).astype(np.float32)
        joined = np.hstack([vectors, np.float32(WORD_WEIGHT) * unit(reduced)])
    joined = _smoothed(unit(joined), seed)
    kept = min(max(LEAST_DIMENSIONS, 2 * topics), MOST_DIMENSIONS, count - 1, joined.shape[1])
    reduced = PCA(kept, random_state=seed).fit_transform(joined)
    # The square root of each direction's spread: half-way between keeping it and making all directions equal.
    spread = np.sqrt(reduced.std(axis=0))
    return unit((reduced / np.where(spread > 1e-6, spread, 1)).astype(np.float32))


def unit(rows: Rows) -> Rows:
    """Return rows scaled to length 1, except rows of zeros."""
    lengths: Rows = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
    result: Rows = rows / lengths
    return result


def _smoothed(rows: Rows, seed: int) -> Rows:
    """Move each row half-way to the mean of its nearest ones, ``ROUNDS`` times."""
    count = len(rows)
    anchors = np.arange(count)
    if count > MOST_ANCHORS:
        anchors = np.sort(np.random.default_rng(seed).choice(count, MOST_ANCHORS, replace=False))
    for _ in range(ROUNDS):
        pool = rows[anchors]
        moved = np.empty_like(rows)
        for start in range(0, count, _BLOCK):
            block = rows[start : start + _BLOCK]
            near = block @ pool.T
            # A row is not its own neighbour.
            own = np.arange(start, start + len(block))
            place = np.minimum(np.searchsorted(anchors, own), len(anchors) - 1)
            inside = anchors[place] == own
            near[np.flatnonzero(inside), place[inside]] = -2
            chosen = np.argpartition(-near, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
            moved[start : start + _BLOCK] = block + unit(pool[chosen].mean(axis=1))
        rows = unit(moved)
    return rows
