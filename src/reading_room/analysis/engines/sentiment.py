"""English sentiment of documents: POSITIVE, NEGATIVE, NEUTRAL or MIXED, with scores that sum to 1.

The model was taught on sentences and short comments, so a text of their size is scored as it is. A longer one is cut
into pieces of a sentence or two. Their mean, weighted by length, says how much of the text is
positive, negative, neutral and mixed; ``of_document`` turns those shares into the scores of the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np

from reading_room.analysis.engine import Members, in_batches
from reading_room.analysis.engines.sentiment_model import NEUTRAL, Scores, SentimentModel, members, softmax

BATCH = 128
BATCH_CODE_POINTS = 64_000

WHOLE_CODE_POINTS = 500
"""A text of this size fits one window of 128 tokens, mostly."""

PIECE_CODE_POINTS = 300
"""Sentences of a long text are joined up to so much: what the model knows, and far fewer windows than one by one."""

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+")


class Sentiment:
    """The model over a stream of texts."""

    result_member = ""

    def __init__(self) -> None:
        self._model = SentimentModel()

    def analyse(self, texts: Iterable[str]) -> Iterator[Members]:
        """Yield ``Sentiment`` and ``SentimentScore`` of each text. A text without a word is NEUTRAL."""
        for batch in in_batches(texts, len, BATCH, BATCH_CODE_POINTS):
            for scores in self.scores(batch):
                # The API's scores are single-precision numbers, written out.
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
        lengths = np.array([len(window.ids) - 2 for window in windows], dtype=np.float64)
        ends = np.searchsorted([owners[window.text] for window in windows], range(len(texts) + 1))
        return [(found[begin:end], lengths[begin:end]) for begin, end in pairwise(ends)]


def of_document(pieces: Scores, lengths: Scores, fitted: dict[str, float]) -> Scores:
    """Return the scores of a text from those of its pieces: pieces x 4 and their lengths to 4.

    Sentiment is what is left of the pieces' mean without the neutral part: a review is not neutral because it also
    tells what happens. Its signs lean by the logarithm of their ratio; the text is MIXED as far as both signs have a
    large share of it, and NEUTRAL as far as little sentiment is in it. Five numbers, fitted on held-back texts.
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
    """The text itself if it is short, else its sentences, joined as long as they stay below ``PIECE_CODE_POINTS``."""
    if len(text) <= WHOLE_CODE_POINTS:
        return [text]
    pieces = [""]
    for sentence in _SENTENCE_END.split(text):
        if pieces[-1] and len(pieces[-1]) + len(sentence) > PIECE_CODE_POINTS:
            pieces.append("")
        pieces[-1] += f" {sentence}" if pieces[-1] else sentence
    return [piece for piece in pieces if piece.strip()] or [text]
