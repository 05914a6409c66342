"""English sentiment of documents: POSITIVE, NEGATIVE, NEUTRAL or MIXED, with scores that sum to 1.

The model was trained on sentences and short comments, so a text of that size is scored as a whole. A longer one is cut
into pieces of a sentence or two. The mean of their scores, weighted by length, gives the shares of the text that are
positive, negative, neutral and mixed. ``of_document`` turns these shares into the scores of the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from reading_room.analysis.engine import Members, in_batches
from reading_room.analysis.engines.sentiment_model import NEUTRAL, Scores, SentimentModel, members, softmax

BATCH = 128
BATCH_CODE_POINTS = 64_000

WHOLE_CODE_POINTS = 500
"""A text of this size usually fits into one window of 128 tokens."""

PIECE_CODE_POINTS = 300
"""Sentences of a long text are joined up to this size, which the model knows. This needs far fewer windows."""

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+")


class Signs(Protocol):
    """What is asked of a model: windows of texts, and the scores of each; ``document`` as in ``of_document``."""

    document: dict[str, float]

    def windows(self, texts: Sequence[str]) -> Sequence[Any]:
        """Cut texts into windows, each with the index of its ``text`` and its ``ids``."""
        ...

    def texts(self, windows: Sequence[Any]) -> Scores:
        """Return the scores of each window: windows x 4."""
        ...


class Sentiment:
    """The model over a stream of texts."""

    result_member = ""

    def __init__(self) -> None:
        self._model: Signs = SentimentModel()

    def analyse(self, texts: Iterable[str]) -> Iterator[Members]:
        """Yield ``Sentiment`` and ``SentimentScore`` of each text. A text without a word is NEUTRAL."""
        for batch in in_batches(texts, len, BATCH, BATCH_CODE_POINTS):
            for scores in self.scores(batch):
                # The API's scores are written as single-precision numbers.
                yield members(scores.astype(np.float32).astype(np.float64))

    def scores(self, texts: list[str]) -> list[Scores]:
        """Return four scores for each text."""
        result = []
        for text, (pieces, lengths) in zip(texts, self.pieces(texts), strict=True):
            if not text.strip():
                result.append(np.eye(4)[NEUTRAL])
            elif len(pieces) == 1:
                result.append(pieces[0])
            else:
                result.append(of_document(pieces, lengths, self._model.document))
        return result

    def pieces(self, texts: list[str]) -> list[tuple[Scores, Scores]]:
        """Return, for each text, the scores of its pieces, pieces x 4, and their lengths in tokens."""
        parts, owners = [], []
        for number, text in enumerate(texts):
            cut = _pieces(text)
            parts += cut
            owners += [number] * len(cut)
        windows = self._model.windows(parts)
        found = self._model.texts(windows)
        lengths = np.array([max(len(window.ids) - 2, 1) for window in windows], dtype=np.float64)
        ends = np.searchsorted([owners[window.text] for window in windows], range(len(texts) + 1))
        return [(found[begin:end], lengths[begin:end]) for begin, end in pairwise(ends)]


def of_document(pieces: Scores, lengths: Scores, fitted: dict[str, float]) -> Scores:
    """Return the scores of a text from those of its pieces, pieces x 4, and their lengths.

    The neutral part of the pieces' mean is left out first: a review is not neutral because it also tells what happened.
    The logarithm of the ratio of the two signs decides between them. The text is MIXED to the degree that both signs
    have a large share of it, and NEUTRAL to the degree that it has little sentiment. The five parameters are fitted on
    held-back texts.
    """
    positive, negative, neutral, mixed = np.average(pieces, axis=0, weights=lengths) + 1e-4
    positive, negative = positive + mixed / 2, negative + mixed / 2
    lean = np.log(positive / negative)
    balance = np.log(2 * min(positive, negative) / (positive + negative))
    logits = np.array(
        [
            fitted["lean"] * lean,
            -fitted["lean"] * lean,
            fitted["neutral"] * np.log(neutral / (1 - neutral + 1e-4)) + fitted["neutral_bias"],
            fitted["mixed"] * balance + fitted["mixed_bias"],
        ]
    )
    return softmax(logits)


def _pieces(text: str) -> list[str]:
    """Return a short text as it is, or the sentences of a long one, joined up to ``PIECE_CODE_POINTS``."""
    if len(text) <= WHOLE_CODE_POINTS:
        return [text]
    pieces = [""]
    for sentence in _SENTENCE_END.split(text):
        if pieces[-1] and len(pieces[-1]) + len(sentence) > PIECE_CODE_POINTS:
            pieces.append("")
        pieces[-1] += f" {sentence}" if pieces[-1] else sentence
    return [piece for piece in pieces if piece.strip()] or [text]
