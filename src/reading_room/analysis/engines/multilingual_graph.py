"""The multilingual encoder of ``weights/multilingual``: two int8 graphs, their word vectors, and their tokenizer.

``entities.onnx`` gives ``tags`` of entities, ``encoder.onnx`` gives ``phrases`` and ``classes`` of words: one row for
each piece. ``signs`` of sentiment, also from there, has one row for each window. ``models/multilingual.py`` makes them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from reading_room.analysis.engines.multilingual_pieces import FIRST_MARK, LAST_MARK, PADDING, Window
from reading_room.analysis.engines.transformer_graph import Graph, open_graph
from reading_room.analysis.trained import weights

FOLDER = "multilingual"
BATCH_PIECES = 1_024
"""How much the graph reads at once, including padding; sentences differ in length, so larger batches have more."""

Logits = NDArray[np.float32]


class MultilingualGraph:
    """The graph for texts of one language; engines of a process share what is loaded. Serves one caller at a time."""

    def __init__(self, language: str) -> None:
        """Load graph, tokenizer and scores for a language. Raise ``ChangedModel``."""
        self.language = language
        self.tokenizer = _tokenizer()
        self.fitted: dict[str, Any] = json.loads(weights(FOLDER, "scores.json").read_text(encoding="utf-8"))
        self._simplified = _simplified() if language == "zh-TW" else None

    def run(self, windows: Sequence[Window], output: Literal["tags", "phrases", "classes", "signs"]) -> list[Logits]:
        """Return one head's logits for each window: units x labels, or labels for ``signs``."""
        session = _opened("entities.onnx" if output == "tags" else "encoder.onnx")
        order = sorted(range(len(windows)), key=lambda number: -len(windows[number].ids))
        answers: list[Logits] = [np.zeros((0, 0), dtype=np.float32)] * len(windows)
        at = 0
        while at < len(order):
            width = len(windows[order[at]].ids) + 2
            chosen = order[at : at + max(1, BATCH_PIECES // width)]
            at += len(chosen)
            ids = np.full((len(chosen), width), PADDING, dtype=np.int64)
            mask = np.zeros_like(ids)
            for row, number in enumerate(chosen):
                end = len(windows[number].ids) + 1
                ids[row, 0], ids[row, end] = FIRST_MARK, LAST_MARK
                ids[row, 1:end] = windows[number].ids
                mask[row, : end + 1] = 1
            (logits,) = session.run([output], {"input_ids": ids, "attention_mask": mask})
            for row, number in enumerate(chosen):
                firsts = np.asarray(windows[number].firsts, dtype=np.intp)
                answers[number] = logits[row] if output == "signs" else logits[row, 1 + firsts]
        return answers

    def read(self, text: str) -> str:
        """Return a text as the encoder was trained to read it: traditional Chinese characters as simplified ones.

        One character replaces one, so offsets stay valid.
        """
        return text.translate(self._simplified) if self._simplified else text


@cache
def _tokenizer() -> Tokenizer:
    # The library reads this at its first batch; otherwise it starts a thread per processor of the host.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    return Tokenizer.from_file(str(weights(FOLDER, "tokenizer.json")))


@cache
def _opened(graph: str) -> Graph:
    # The graph reads this file, so it is compared as well.
    weights(FOLDER, "words.bin")
    return open_graph(weights(FOLDER, graph))


def _simplified() -> dict[int, str]:
    pairs = weights("chinese-words", "fold.txt").read_text(encoding="utf-8").split()
    return {ord(pair[0]): pair[1] for pair in pairs}
