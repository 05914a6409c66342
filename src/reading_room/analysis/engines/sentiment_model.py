"""The sentiment model of ``weights/sentiment-en``: the sentiment of short texts and of mentions in them.

One pass of MiniLM gives both: logits of the text over four signs, and logits of every token over three; the logits of a
mention are their mean. ``models/sentiment.py`` makes the graph and ``calibration.json``.

That file has temperatures, fitted on held-back texts, and the share of MIXED. No corpus marks mentions as MIXED. A
mention is MIXED if both signs are likely for it: its share is twice the smaller of the two, taken from both, and scaled
by how much the text itself is MIXED.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.engines.transformer_graph import TransformerGraph, Window
from reading_room.analysis.trained import weights

POSITIVE, NEGATIVE, NEUTRAL, MIXED = range(4)
SIGNS = ("POSITIVE", "NEGATIVE", "NEUTRAL", "MIXED")
MEMBERS = ("Positive", "Negative", "Neutral", "Mixed")

Scores = NDArray[np.float64]
"""Probabilities in the order of ``SIGNS``; the last axis has four that sum to 1."""

Span = tuple[int, int]


class SentimentModel:
    """Loads the graph once; serves one caller at a time."""

    def __init__(self) -> None:
        self._graph = TransformerGraph(weights("sentiment-en", "sentiment.onnx"))
        fitted = json.loads(weights("sentiment-en", "calibration.json").read_text(encoding="utf-8"))
        self.text_temperature = float(fitted["text_temperature"])
        self.mention_temperature = float(fitted["mention_temperature"])
        self.mention_mixed = float(fitted["mention_mixed"])
        self.document = {name: float(value) for name, value in fitted["document"].items()}

    def windows(self, texts: Sequence[str]) -> list[Window]:
        """Cut texts into windows of at most 128 tokens."""
        return self._graph.windows(texts)

    def texts(self, windows: Sequence[Window]) -> Scores:
        """Return the scores of each window: windows x 4."""
        logits = np.zeros((len(windows), 4))
        for batch in self._graph.run(windows):
            logits[batch.windows] = batch.outputs[0]
        return softmax(logits / self.text_temperature)

    def mentions(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> list[Scores]:
        """Return, for each text, the scores of its spans: spans x 4. Spans are code points of the text.

        A span without tokens, of blanks or of characters that the tokenizer drops, gets the scores of its text.
        """
        found = [np.zeros((len(each), 4)) for each in spans]
        windows = self._graph.windows(texts)
        for batch in self._graph.run(windows):
            of_texts = softmax(batch.outputs[0].astype(np.float64) / self.text_temperature)
            for row, index in enumerate(batch.windows):
                window = windows[index]
                for number, span in enumerate(spans[window.text]):
                    scores = found[window.text][number]
                    tokens = _covered(window, span)
                    if tokens:
                        logits = batch.outputs[1][row, tokens].mean(axis=0).astype(np.float64)
                        scores[:] = self._with_mixed(softmax(logits / self.mention_temperature), of_texts[row])
                    elif not scores.any():
                        scores[:] = of_texts[row]
        return found

    def _with_mixed(self, mention: Scores, text: Scores) -> Scores:
        smaller = min(mention[POSITIVE], mention[NEGATIVE])
        share = smaller * min(1.0, self.mention_mixed * text[MIXED])
        return np.array([mention[POSITIVE] - share, mention[NEGATIVE] - share, mention[NEUTRAL], 2 * share])


def members(scores: Scores) -> dict[str, object]:
    """Return the API's members for one set of scores: ``Sentiment`` and ``SentimentScore``."""
    return {
        "Sentiment": SIGNS[int(scores.argmax())],
        "SentimentScore": {name: float(score) for name, score in zip(MEMBERS, scores, strict=True)},
    }


def softmax(logits: NDArray[np.float64]) -> Scores:
    """Return probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores: Scores = powers / powers.sum(axis=-1, keepdims=True)
    return scores


def _covered(window: Window, span: Span) -> list[int]:
    begin, end = span
    return [
        number for number, (first, last) in enumerate(window.spans) if first < end and last > begin and last > first
    ]
