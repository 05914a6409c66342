"""The choice of the documents that a model does not learn from, so that its figures mean something."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SEED = 20_261_125
"""The seed of everything random in a training: the same data gives the same model."""


def held_back(labels: Sequence[tuple[str, ...]], share: float, salt: int = 0) -> NDArray[np.bool_]:
    """Return which documents are held back: about ``share`` of those of each label, at least one, never all of them.

    A document with several labels counts for its rarest one, so that rare labels are in both parts. Another ``salt``
    gives another choice of the same kind.
    """
    random = np.random.default_rng(SEED + salt)
    counts = Counter(label for document in labels for label in document)
    groups: dict[str, list[int]] = defaultdict(list)
    for index, document in enumerate(labels):
        groups[min(document, key=lambda label: (counts[label], label)) if document else ""].append(index)
    held = np.zeros(len(labels), dtype=np.bool_)
    for _, members in sorted(groups.items()):
        if len(members) > 1:
            number = min(max(1, round(len(members) * share)), len(members) - 1)
            held[random.permutation(members)[:number]] = True
    return held
