"""Toxic content of short texts, and unsafe prompts: two heads of one fine-tuned MiniLM.

``models/safety.py`` makes the graph and ``scores.json``. The graph's word vectors are those of the encoder in
``weights/minilm``, which were never trained further; they are read from that file, where ``scores.json`` says.

The scores of a text of several windows are the highest of any window: one bad passage makes a text bad. A score is the
head's logit after a line that was fitted on held-back texts, through a logistic curve.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.engine import Members, Result, in_batches
from reading_room.analysis.engines.graph_threads import each_of
from reading_room.analysis.engines.transformer_graph import SLOW_FUSION, TransformerGraph, Window, Words
from reading_room.analysis.trained import weights

FOLDER = "safety-en"
LABELS = ("GRAPHIC", "HARASSMENT_OR_ABUSE", "HATE_SPEECH", "INSULT", "PROFANITY", "SEXUAL", "VIOLENCE_OR_THREAT")
"""In the order of the graph's output ``toxicity``, whose last number is the overall toxicity."""
BATCH, BATCH_CODE_POINTS = 64, 200_000

Numbers = NDArray[np.float64]


class Head:
    """The graph with the calibration of one of its outputs; serves one caller at a time."""

    def __init__(self, output: str, fitted: Mapping[str, Any] | None = None, graph: Path | None = None) -> None:
        """Load the graph. Raise ``ChangedModel``.

        The recipe gives a graph that is not among the weights yet, and what ``scores.json`` will have.
        """
        fitted = fitted or json.loads(weights(FOLDER, "scores.json").read_text(encoding="utf-8"))
        words = fitted["words"]
        self._graph = TransformerGraph(
            graph or weights(FOLDER, "safety.onnx"),
            SLOW_FUSION,
            Words(words["name"], weights("minilm", "encoder.onnx"), words["offset"], tuple(words["shape"])),
        )
        self._output = ("toxicity", "prompt").index(output)
        self._slopes = np.array(fitted[output]["slopes"])
        self._intercepts = np.array(fitted[output]["intercepts"])

    def logits(self, texts: Sequence[str]) -> Numbers:
        """Return the highest logits of any window of each text: texts x labels."""
        windows = self._graph.windows(texts)
        found = np.full((len(texts), len(self._slopes)), -np.inf)

        def read(window: Window) -> Numbers:
            # Alone: it needs no padding, and the scores of a text do not depend on others, whose range of activations
            # would be quantised with its own.
            (batch,) = self._graph.run([window])
            logits: Numbers = batch.outputs[self._output][0].astype(np.float64)
            return logits

        for window, logits in zip(windows, each_of(windows, read), strict=True):
            found[window.text] = np.maximum(found[window.text], logits)
        return found

    def scores(self, texts: Sequence[str]) -> Numbers:
        """Return the scores of each text: texts x labels."""
        scores: Numbers = 1 / (1 + np.exp(-(self._slopes * self.logits(texts) + self._intercepts)))
        return scores


class Toxicity:
    """Scores of each type of toxic content, and of toxicity as a whole."""

    result_member = ""

    def __init__(self) -> None:
        self._head = Head("toxicity")

    def analyse(self, texts: Iterable[str]) -> Iterator[Members]:
        """Yield ``Labels`` with all seven types, and ``Toxicity``."""
        for batch in in_batches(texts, len, BATCH, BATCH_CODE_POINTS):
            for *labels, overall in self._head.scores(batch).tolist():
                named = [{"Name": name, "Score": score} for name, score in zip(LABELS, labels, strict=True)]
                yield {"Labels": named, "Toxicity": overall}


class PromptSafety:
    """Scores of SAFE_PROMPT and UNSAFE_PROMPT, which sum to 1."""

    result_member = "Classes"

    def __init__(self) -> None:
        self._head = Head("prompt")

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield both classes, the likelier one first."""
        for batch in in_batches(texts, len, BATCH, BATCH_CODE_POINTS):
            for (unsafe,) in self._head.scores(batch).tolist():
                classes = [{"Name": "UNSAFE_PROMPT", "Score": unsafe}, {"Name": "SAFE_PROMPT", "Score": 1 - unsafe}]
                yield sorted(classes, key=lambda each: -each["Score"])
