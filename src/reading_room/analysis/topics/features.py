"""From sentence vectors and words to a space in which documents of a topic lie together.

Measured on news groups with ten topics, k-means in this space has a normalised mutual information 0.06 above that of
k-means on the sentence vectors alone: words add what a sentence's meaning leaves out, neighbours agree on what each of
them is about, and the few directions in which documents differ most count less than they would by themselves.
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
"""Documents among which neighbours are looked for: more would make the time grow with the square of their number."""
LEAST_DIMENSIONS, MOST_DIMENSIONS = 20, 100
_BLOCK = 1_024


def features(vectors: Rows, weighted: sparse.csr_matrix, topics: int, seed: int) -> Rows:
    """Return a row of length 1 per document.

    ``vectors`` are sentence vectors of length 1, ``weighted`` is TF-IDF, both documents x anything. Two dimensions a
    topic are kept, at least 20. A handful of documents has its vectors back: there is nothing to average over.
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
    # The square root of each direction's spread: between leaving it and making all directions equal.
    spread = np.sqrt(reduced.std(axis=0))
    return unit((reduced / np.where(spread > 1e-6, spread, 1)).astype(np.float32))


def unit(rows: Rows) -> Rows:
    """Return rows scaled to length 1; a row of zeros stays."""
    lengths: Rows = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
    result: Rows = rows / lengths
    return result


def _smoothed(rows: Rows, seed: int) -> Rows:
    """Move each row half of the way to the mean of its nearest ones, again and again."""
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
