"""The encoder's vector of each token of a stretch: the mean of the vectors of the token's pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.custom.tokens import Token
from reading_room.analysis.engines.transformer_graph import TransformerGraph
from reading_room.analysis.trained import weights

DIMENSIONS = 384
WIDTH = 3 * DIMENSIONS
"""A token's own vector and, at half the weight, those of its neighbours."""


class TokenVectors:
    """The encoder, loaded once per process."""

    def __init__(self) -> None:
        self._graph = TransformerGraph(weights("minilm", "encoder.onnx"))

    def encode(self, stretches: Sequence[tuple[str, Sequence[Token]]]) -> list[NDArray[np.float32]]:
        """Return a matrix of tokens x ``WIDTH``, float32, for each stretch, which is a text with its tokens."""
        cut = [text[tokens[0].begin : tokens[-1].end] if tokens else "" for text, tokens in stretches]
        sums = [np.zeros((len(tokens), DIMENSIONS), dtype=np.float32) for _, tokens in stretches]
        windows = self._graph.windows(cut)
        for batch in self._graph.run(windows):
            for row, index in enumerate(batch.windows):
                window = windows[index]
                tokens = stretches[window.text][1]
                self._add(sums[window.text], tokens, window.spans, batch.outputs[0][row])
        return [_with_neighbours(matrix) for matrix in sums]

    @staticmethod
    def _add(
        sums: NDArray[np.float32],
        tokens: Sequence[Token],
        spans: Sequence[tuple[int, int]],
        vectors: NDArray[np.float32],
    ) -> None:
        number = 0
        for (begin, end), vector in zip(spans, vectors, strict=False):
            if begin == end:
                continue
            # Pieces come in the order of the text, so one pass over the tokens is enough.
            begin += tokens[0].begin
            while number < len(tokens) and tokens[number].end <= begin:
                number += 1
            if number == len(tokens):
                return
            sums[number] += vector


def _with_neighbours(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    # A sum has the direction of the mean, and only the direction is kept.
    rows = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-9))
    result = np.zeros((len(rows), WIDTH), dtype=np.float32)
    result[:, :DIMENSIONS] = rows
    result[1:, DIMENSIONS : 2 * DIMENSIONS] = rows[:-1] / 2
    result[:-1, 2 * DIMENSIONS :] = rows[1:] / 2
    return result
