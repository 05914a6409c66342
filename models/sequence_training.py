"""Training of a sequence model, a conditional random field by CRFsuite, and calibration of its probabilities.

The optimizer has no random part: the same data give the same model.
"""

from __future__ import annotations

import json
import lzma
import math
import struct
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pycrfsuite

from reading_room.analysis.engines.sequence_tagger import LEAST_PROBABILITY, SequenceInput, SequenceTagger

FEATURES_PLACE = 28
"""Bytes from the start of a model's file to the 32-bit offset of its features."""

CUT_BITS = 40
"""Of the 52 binary places of a weight."""

Phrase = tuple[int, int, str]
"""First code point, code point behind the last, label."""

Sentence = tuple[str, list[Phrase]]


@dataclass(frozen=True)
class Recipe:
    """How a model is made. ``ends``: labels for a phrase's last token and for a single token, if the data allow it."""

    writing: Literal["words", "characters"]
    lexicon: str | None = None
    fold: str | None = None
    ends: bool = True
    absolute: float = 0.05
    square: float = 0.01
    iterations: int = 60
    least_count: int = 1


@dataclass(frozen=True)
class Quality:
    """Exact matches of phrases with their labels; for scores, calibration error and area under the curve."""

    precision: float
    recall: float
    f1: float
    calibration_error: float
    area: float

    def __str__(self) -> str:
        return (
            f"P {self.precision:.3f} R {self.recall:.3f} F1 {self.f1:.3f} "
            f"ECE {self.calibration_error:.3f} AUC {self.area:.3f}"
        )


def train(folder: Path, recipe: Recipe, sentences: Sequence[Sentence], held_back: Sequence[Sentence]) -> None:
    """Train on ``sentences``, calibrate probabilities on ``held_back``, and write the model to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    source = SequenceInput.load(recipe.writing, recipe.lexicon, recipe.fold)
    trainer = pycrfsuite.Trainer(verbose=False)
    for text, phrases in sentences:
        spans, features = source.read(text)
        if spans:
            trainer.append(features, tags(spans, phrases, ends=recipe.ends))
    trainer.set_params(
        {
            "c1": recipe.absolute,
            "c2": recipe.square,
            "max_iterations": recipe.iterations,
            "feature.minfreq": recipe.least_count,
        }
    )
    with tempfile.NamedTemporaryFile(suffix=".crf") as trained:
        trainer.train(trained.name)
        (folder / "model.crf.xz").write_bytes(lzma.compress(rounded(Path(trained.name).read_bytes()), preset=9))
    made = {"writing": recipe.writing, "lexicon": recipe.lexicon, "fold": recipe.fold, "calibration": [1.0, 0.0]}
    _write(folder, made)
    found, right = _answers(SequenceTagger(folder.name, "Entities"), held_back)
    made["calibration"] = [round(value, 4) for value in calibration(found, right)]
    _write(folder, made)


def rounded(model: bytes) -> bytes:
    """Cut a CRFsuite model's weights to twelve binary places: the answers stay, and files compress a quarter smaller.

    At the features' offset are the word ``FEAT``, the chunk's size, their number, and 20 bytes each, the last 8 of
    them the weight. Raises ``ValueError`` for a file of another format.
    """
    changed = bytearray(model)
    (place,) = struct.unpack_from("<I", changed, FEATURES_PLACE)
    kind, _, count = struct.unpack_from("<4sII", changed, place)
    if model[:4] != b"lCRF" or kind != b"FEAT":
        raise ValueError("this is no model of CRFsuite 0.12, whose features lie where its head says")
    feature = np.dtype([("type", "<u4"), ("from", "<u4"), ("to", "<u4"), ("weight", "<u8")])
    features = np.frombuffer(changed, dtype=feature, count=count, offset=place + struct.calcsize("<4sII"))
    features["weight"] &= ~np.uint64((1 << CUT_BITS) - 1)
    return bytes(changed)


def tags(spans: Sequence[tuple[int, int]], phrases: Sequence[Phrase], *, ends: bool) -> list[str]:
    """Write phrases as a tag per token; a phrase's tokens are those that are completely inside."""
    result = ["O"] * len(spans)
    for begin, end, label in phrases:
        inside = [at for at, (first, last) in enumerate(spans) if first >= begin and last <= end]
        for at in inside:
            result[at] = "I-" + label
        if inside:
            result[inside[0]] = "B-" + label
        if inside and ends:
            result[inside[-1]] = ("L-" if len(inside) > 1 else "U-") + label
    return result


def measure(weights: str, sentences: Sequence[Sentence]) -> Quality:
    """Score an installed model: exact spans and labels; the calibration error over ten bins of equal width."""
    tagger = SequenceTagger(weights, "Entities")
    found, right = _answers(tagger, sentences, scores=True)
    gold = sum(len({*phrases}) for _, phrases in sentences)
    hits = int(right.sum())
    precision, recall = hits / max(len(found), 1), hits / max(gold, 1)
    bins = np.minimum((found * 10).astype(int), 9)
    error = sum(abs(float(found[bins == k].mean() - right[bins == k].mean())) * (bins == k).mean() for k in {*bins})
    return Quality(precision, recall, 2 * hits / max(len(found) + gold, 1), float(error), _area(found, right))


def calibration(found: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Fit slope and intercept of the log odds of being right over the log odds of the model's probability (Newton)."""
    kept = np.clip(found, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    design = np.stack([np.log(kept / (1 - kept)), np.ones(len(kept))], axis=1)
    weights = np.array([0.0, 0.0])
    for _ in range(100):
        expected = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (right - expected) - 1e-3 * weights
        curve = (design * (expected * (1 - expected))[:, None]).T @ design + 1e-3 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        # Full steps may overshoot if the answers are nearly separable.
        weights = weights + step * min(1.0, 0.5 / max(math.hypot(*step), 1e-9))
        if math.hypot(*step) < 1e-8:
            break
    return float(weights[0]), float(weights[1])


def _answers(
    tagger: SequenceTagger, sentences: Sequence[Sentence], *, scores: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    found: list[float] = []
    right: list[bool] = []
    for text, phrases in sentences:
        gold = {*phrases}
        for begin, end, label, probability in tagger.phrases(text):
            found.append(tagger.score(probability) if scores else probability)
            right.append((begin, end, label) in gold)
    return np.array(found), np.array(right, dtype=float)


def _area(found: np.ndarray, right: np.ndarray) -> float:
    """Return the share of pairs of a right and a wrong answer in which the right one has the higher score."""
    order = np.concatenate([found[right == 1], found[right == 0]])
    _, inverse, counts = np.unique(order, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    good, bad = int((right == 1).sum()), int((right == 0).sum())
    return float((ranks[:good].sum() - good * (good + 1) / 2) / max(good * bad, 1))


def _write(folder: Path, made: Mapping[str, object]) -> None:
    (folder / "model.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
