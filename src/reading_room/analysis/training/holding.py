"""The documents of training datasets that a flywheel tests its models with while it has no test dataset.

A document is chosen by the digest of its text. So every iteration chooses the same ones, however many datasets were
added, and no model has learnt from a text that a later one is tested with.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHARE = 0.1


def held_by_digest(texts: Sequence[str], labels: Sequence[tuple[str, ...]], share: float = SHARE) -> NDArray[np.bool_]:
    """Return which documents are held back: about ``share`` of them, and equal texts always together.

    Of a label that would have none, the document with the lowest digest is held back; of a label that would have only
    such documents, the one with the highest is not.
    """
    ranks = np.array([_rank(text) for text in texts], dtype=np.uint64)
    held: NDArray[np.bool_] = ranks < np.uint64(int(share * 2**64))
    members: dict[str, list[int]] = defaultdict(list)
    for index, document in enumerate(labels):
        for label in document:
            members[label].append(index)
    for _, indexes in sorted(members.items()):
        own = ranks[indexes]
        if own.min() == own.max():
            continue
        if not held[indexes].any():
            held |= ranks == own.min()
        elif held[indexes].all():
            held &= ranks != own.max()
    return held


def _rank(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[:8])
