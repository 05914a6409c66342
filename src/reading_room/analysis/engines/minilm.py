"""Sentence vectors by all-MiniLM-L6-v2, int8, for custom classification and topics.

The graph and the tokenizer are package data (``weights/minilm``, 23 MB, Apache-2.0); ``models/minilm.py`` makes them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.engines.transformer_graph import TransformerGraph
from reading_room.analysis.trained import weights

DIMENSIONS = 384

_TEXTS_AT_ONCE = 1024
"""How many texts are tokenized at once. Tokens are Python objects, and sorting by length needs no more of them."""


class Encoder:
    """Turns texts into vectors. Loading takes a tenth of a second; use one per process."""

    def __init__(self, most_windows: int | None = None) -> None:
        """Load the encoder. It reads at most ``most_windows`` windows of 128 tokens from the start of a text."""
        self._graph = TransformerGraph(weights("minilm", "encoder.onnx"))
        self._most_windows = most_windows

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector of length 1 per text, in their order: float32, ``len(texts)`` x 384.

        The vector of a text is the mean of its tokens' vectors. A text of more than 128 tokens is read in windows of
        that size, and its vector is the mean over the tokens of all windows.
        """
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            windows = self._graph.windows(texts[start : start + _TEXTS_AT_ONCE], self._most_windows)
            for batch in self._graph.run(windows):
                sums = np.einsum("btd,bt->bd", batch.outputs[0], batch.mask.astype(np.float32))
                for index, total in zip(batch.windows, sums, strict=True):
                    # The sum and not the mean, so that windows of a text count by their tokens.
                    vectors[start + windows[index].text] += total
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
        return vectors
