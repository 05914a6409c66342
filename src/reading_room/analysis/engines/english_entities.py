"""English entities: a small transformer that gives each word a tag, in Comprehend's types.

The graph is MiniLM (6 layers of 384), fine-tuned by ``models/english_entities.py``, int8, on ONNX Runtime. Its inputs
are the letters without case and the shape of each word (see ``entity_tags``).

Score: the mean logarithm of the tags' probabilities over the entity's words, mapped by a logistic curve that was fitted
on texts held back from the training (``weights/english-entities/scores.json``).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.engine import Result
from reading_room.analysis.engines.entity_tags import TYPES, best_tags, log_odds, log_softmax, shape, spans
from reading_room.analysis.engines.graph_threads import each_of
from reading_room.analysis.engines.transformer_graph import SLOW_FUSION, open_graph, open_tokenizer
from reading_room.analysis.segments import Piece, by_pieces
from reading_room.analysis.trained import weights

BATCH, BATCH_CODE_POINTS = 256, 32_000
WINDOW_TOKENS = 126
"""Without the two special tokens: the encoder was trained on this length. The time grows with its square."""

BATCH_TOKENS = 256
"""How much the graph reads at once: what it computes from more leaves the processor's cache, and takes longer."""

_FIRST_MARK, _LAST_MARK = 101, 102
_SENTENCE_ENDS = frozenset(".!?")
_QUANTITY = TYPES.index("QUANTITY")


class _Words(NamedTuple):
    """The tokens and words of a piece, as the graph needs them."""

    ids: list[int]
    shapes: list[int]
    """One for each token, as in ``ids``."""
    firsts: list[int]
    """The first token of each word, in order."""
    places: list[tuple[int, int]]
    """Begin and end of each word in code points."""


class _Window(NamedTuple):
    piece: int
    first: int
    end: int
    """Words ``first`` to ``end``, the end exclusive."""


class Tagged(NamedTuple):
    """An entity of a text: place in code points, index in ``TYPES``, mean log probability of its words' tags."""

    begin: int
    end: int
    kind: int
    evidence: float


class EnglishEntities:
    """Tags words in windows of 126 tokens that end at the end of a sentence if possible."""

    result_member = "Entities"

    def __init__(self) -> None:
        """Load graph, tokenizer and scores. Raise ``ChangedModel``."""
        self._tokenizer = open_tokenizer()
        self._graph = open_graph(weights("english-entities", "tagger.onnx"), without=SLOW_FUSION)
        curve = json.loads(weights("english-entities", "scores.json").read_text(encoding="utf-8"))
        self._slope, self._intercept = float(curve["slope"]), float(curve["intercept"])

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the entities of each text in order of appearance."""
        return by_pieces(texts, BATCH, BATCH_CODE_POINTS, self._read_all)

    def _read_all(self, batch: list[Piece]) -> list[Result]:
        found = self.tagged([piece.text for piece in batch])
        return [[self._entity(piece, each) for each in tagged] for piece, tagged in zip(batch, found, strict=True)]

    def tagged(self, texts: list[str]) -> list[list[Tagged]]:
        """Return the entities of each text, which must not be longer than a segment. Scores are fitted on these."""
        pieces = [self._words(text, encoding) for text, encoding in zip(texts, self._encode(texts), strict=True)]
        windows = [window for index, words in enumerate(pieces) for window in _windows(index, words, texts[index])]
        found: list[list[Tagged]] = [[] for _ in texts]
        for window, logarithms in zip(windows, self._run(windows, pieces), strict=True):
            places = pieces[window.piece].places[window.first : window.end]
            tags = best_tags(logarithms)
            chosen = logarithms[np.arange(len(tags)), tags]
            for first, end, kind in spans(tags):
                evidence = float(chosen[first:end].mean())
                for begin, stop in _paragraphs(texts[window.piece], places[first:end]):
                    found[window.piece].append(Tagged(begin, stop, kind, evidence))
        return [_signs_joined(text, entities) for text, entities in zip(texts, found, strict=True)]

    def _encode(self, texts: list[str]) -> list[Any]:
        encodings: list[Any] = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return encodings

    @staticmethod
    def _words(text: str, encoding: Any) -> _Words:
        firsts: list[int] = []
        places: list[tuple[int, int]] = []
        counts: list[int] = []
        last = None
        for index, (word, (begin, end)) in enumerate(zip(encoding.word_ids, encoding.offsets, strict=True)):
            if word != last:
                firsts.append(index)
                places.append((begin, end))
                counts.append(1)
                last = word
            else:
                places[-1] = (places[-1][0], end)
                counts[-1] += 1
        shapes: list[int] = []
        for (begin, end), count in zip(places, counts, strict=True):
            shapes += [shape(text, begin, end)] * count
        return _Words(encoding.ids, shapes, firsts, places)

    def _run(self, windows: list[_Window], pieces: list[_Words]) -> list[NDArray[np.float32]]:
        """Return the logarithms of the tags' probabilities, words x tags, of each window."""
        extents = [_extent(window, pieces[window.piece]) for window in windows]
        answers: list[NDArray[np.float32]] = [np.zeros((0, 0), dtype=np.float32)] * len(windows)
        chosen = list(batches([end - first for first, end in extents]))

        def read(some: list[int]) -> NDArray[np.float32]:
            rows = [(*extents[index], pieces[windows[index].piece]) for index in some]
            ids = np.array([[_FIRST_MARK, *words.ids[first:end], _LAST_MARK] for first, end, words in rows])
            shapes = np.array([[0, *words.shapes[first:end], 0] for first, end, words in rows])
            (logits,) = self._graph.run(None, {"input_ids": ids, "shapes": shapes})
            return cast("NDArray[np.float32]", logits)

        for some, logits in zip(chosen, each_of(chosen, read), strict=True):
            for index, row in zip(some, logits, strict=True):
                words = pieces[windows[index].piece]
                firsts = np.asarray(words.firsts[windows[index].first : windows[index].end])
                answers[index] = log_softmax(row[1 + firsts - extents[index][0]])
        return answers

    def _entity(self, piece: Piece, entity: Tagged) -> dict[str, Any]:
        begin, end, kind, evidence = entity
        return {
            "BeginOffset": piece.offset + begin,
            "EndOffset": piece.offset + end,
            "Score": float(1 / (1 + np.exp(-(self._slope * log_odds(evidence) + self._intercept)))),
            "Text": piece.text[begin:end],
            "Type": TYPES[kind],
        }


def _windows(piece: int, words: _Words, text: str) -> Iterator[_Window]:
    """Cut words into windows that end at the last sentence end of their second half, or else after their last word."""
    first, count = 0, len(words.firsts)
    while first < count:
        limit = words.firsts[first] + WINDOW_TOKENS
        end = first + 1
        while end < count and (words.firsts[end + 1] if end + 1 < count else len(words.ids)) <= limit:
            end += 1
        if end < count:
            for candidate in range(end, first + (end - first) // 2, -1):
                before, after = words.places[candidate - 1][1], words.places[candidate][0]
                if before < after and (text[before - 1] in _SENTENCE_ENDS or "\n" in text[before:after]):
                    end = candidate
                    break
        yield _Window(piece, first, end)
        first = end


def _extent(window: _Window, words: _Words) -> tuple[int, int]:
    end = words.firsts[window.end] if window.end < len(words.firsts) else len(words.ids)
    return words.firsts[window.first], end


def batches(lengths: list[int]) -> Iterator[list[int]]:
    """Yield the indexes of the windows that are read together, the longest first; ``lengths`` are theirs in tokens.

    They have one length, so that none needs padding.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    for length, group in groupby(order, key=lengths.__getitem__):
        same, most = list(group), max(1, BATCH_TOKENS // (length + 2))
        yield from (same[at : at + most] for at in range(0, len(same), most))


def _paragraphs(text: str, places: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the entity's place, or the places of its parts if it contains an empty line: no name spans paragraphs."""
    begin, end = places[0]
    for next_begin, next_end in places[1:]:
        if text.count("\n", end, next_begin) > 1:
            yield begin, end
            begin = next_begin
        end = next_end
    yield begin, end


def _signs_joined(text: str, entities: list[Tagged]) -> list[Tagged]:
    """Add the currency sign to amounts of money: the training corpora leave it out or tag it separately."""
    joined: list[Tagged] = []
    for entity in entities:
        before = text[entity.begin - 1 : entity.begin]
        if entity.kind == _QUANTITY and before and unicodedata.category(before) == "Sc":
            if joined and joined[-1].end == entity.begin:
                joined.pop()
            entity = entity._replace(begin=entity.begin - 1)
        joined.append(entity)
    return [each for each in joined if each.end - each.begin > 1 or unicodedata.category(text[each.begin]) != "Sc"]
