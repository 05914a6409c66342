"""Entities, key phrases, parts of speech and sentiment in languages other than English, by one multilingual encoder.

The encoder is a cut multilingual-e5-small (6 layers of 384) with a head for each task; entities have three layers of
their own above the second. Languages without training texts
for a task rely on what the encoder learnt in the others; docs/languages.md says which, and how well.

Score: the mean logarithm of the probabilities over a span's units, mapped by a logistic curve; for a word's class and
for signs, the softmax after dividing the logits by a temperature. Both are fitted on held-back texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.engine import Result
from reading_room.analysis.engines.entity_tags import TYPES, best_tags, log_odds, log_softmax, spans
from reading_room.analysis.engines.multilingual_graph import Logits, MultilingualGraph
from reading_room.analysis.engines.multilingual_pieces import Window, cut_windows, pieces_only
from reading_room.analysis.engines.sentiment import Sentiment
from reading_room.analysis.engines.sentiment_model import Scores, softmax
from reading_room.analysis.segments import Piece, by_pieces

BATCH, BATCH_CODE_POINTS = 256, 32_000
CLASSES = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "O", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SYM", "VERB",
)  # fmt: skip
"""In the order of the graph's output."""


class Tagging:
    """What the three engines that label units share: texts to windows, and windows' logits to results."""

    result_member = ""
    _output: Any = ""

    def __init__(self, language: str) -> None:
        self._graph = MultilingualGraph(language)

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the result of each text, in order of appearance."""
        return by_pieces(texts, BATCH, BATCH_CODE_POINTS, self._read)

    def _read(self, pieces: list[Piece]) -> Sequence[Result]:
        graph = self._graph
        found = [
            window
            for number, piece in enumerate(pieces)
            for window in cut_windows(graph.tokenizer, number, graph.read(piece.text), graph.language)
        ]
        results: list[Result] = [[] for _ in pieces]
        for window, logits in zip(found, graph.run(found, self._output), strict=True):
            piece = pieces[window.text]
            for begin, end, members in self._items(window, logits):
                first, last = window.offset + begin, window.offset + end
                results[window.text].append(
                    {
                        "BeginOffset": piece.offset + first,
                        "EndOffset": piece.offset + last,
                        "Text": piece.text[first:last],
                        **members,
                    }
                )
        return results

    def _items(self, window: Window, logits: Logits) -> Iterator[tuple[int, int, dict[str, Any]]]:
        raise NotImplementedError

    def _score(self, task: str, logarithms: NDArray[np.float32]) -> float:
        slope, intercept = self._graph.fitted[task]
        return float(1 / (1 + np.exp(-(slope * log_odds(float(logarithms.mean())) + intercept))))


class MultilingualEntities(Tagging):
    """Entities in Comprehend's types."""

    result_member = "Entities"
    _output = "tags"

    def _items(self, window: Window, logits: Logits) -> Iterator[tuple[int, int, dict[str, Any]]]:
        logarithms = log_softmax(logits)
        tags = best_tags(logarithms)
        for first, last, kind in spans(tags):
            own = logarithms[range(first, last), tags[first:last]]
            begin, end = window.units[first][0], window.units[last - 1][1]
            yield begin, end, {"Score": self._score("entities", own), "Type": TYPES[kind]}


class MultilingualKeyPhrases(Tagging):
    """Noun phrases: a unit begins one, continues one or is outside."""

    result_member = "KeyPhrases"
    _output = "phrases"

    def _items(self, window: Window, logits: Logits) -> Iterator[tuple[int, int, dict[str, Any]]]:
        logarithms = log_softmax(logits)
        marks = logarithms.argmax(axis=1)
        starts = np.flatnonzero((marks == 1) | ((marks == 2) & (np.concatenate([[0], marks[:-1]]) == 0)))
        for first in starts.tolist():
            last = first + 1
            while last < len(marks) and marks[last] == 2:
                last += 1
            own = logarithms[range(first, last), marks[first:last]]
            yield window.units[first][0], window.units[last - 1][1], {"Score": self._score("phrases", own)}


class MultilingualSyntax(Tagging):
    """Words with their parts of speech, numbered from 1."""

    result_member = "SyntaxTokens"
    _output = "classes"

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the words of each text in order."""
        for result in super().analyse(texts):
            # Numbered here, because a long text comes in pieces that do not know their place.
            yield [{"TokenId": number, **token} for number, token in enumerate(result, 1)]

    def _items(self, window: Window, logits: Logits) -> Iterator[tuple[int, int, dict[str, Any]]]:
        scores = softmax(logits.astype(np.float64) / self._graph.fitted["classes"])
        for (begin, end), row in zip(window.units, scores, strict=True):
            best = int(row.argmax())
            yield begin, end, {"PartOfSpeech": {"Tag": CLASSES[best], "Score": float(row[best])}}


class MultilingualSentiment(Sentiment):
    """POSITIVE, NEGATIVE, NEUTRAL or MIXED; long texts are scored as English ones are."""

    def __init__(self, language: str) -> None:
        self._model = _Signs(MultilingualGraph(language))


class _Signs:
    """What ``Sentiment`` asks of a model: windows, and their scores."""

    def __init__(self, graph: MultilingualGraph) -> None:
        self._graph = graph
        self.document = {name: float(value) for name, value in graph.fitted["document"].items()}

    def windows(self, texts: Sequence[str]) -> list[Window]:
        """Cut texts into windows without overlap."""
        graph = self._graph
        return [
            window
            for number, text in enumerate(texts)
            for window in pieces_only(graph.tokenizer, number, graph.read(text))
        ]

    def texts(self, windows: Sequence[Window]) -> Scores:
        """Return the scores of each window: windows x 4."""
        logits = np.array(self._graph.run(windows, "signs"), dtype=np.float64).reshape(len(windows), 4)
        return softmax(logits / self._graph.fitted["signs"])
