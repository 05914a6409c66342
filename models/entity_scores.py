"""Fit the curve of the entity engine's scores on sentences held out of the training."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.entity_corpora import Sentence
from models.manifest import WEIGHTS
from reading_room.analysis.engines.english_entities import EnglishEntities
from reading_room.analysis.engines.entity_tags import TYPES, log_odds

CURVE = WEIGHTS / "english-entities" / "scores.json"
AT_ONCE = 256


def answers(engine: EnglishEntities, sentences: Sequence[Sentence]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the log odds of every answer of an annotated type, and whether it is exactly right."""
    evidence: list[float] = []
    right: list[bool] = []
    for start in range(0, len(sentences), AT_ONCE):
        chosen = sentences[start : start + AT_ONCE]
        rendered = [sentence.render(number % 2 == 0) for number, sentence in enumerate(chosen)]
        for sentence, (_, places), found in zip(chosen, rendered, engine.tagged([t for t, _ in rendered]), strict=True):
            gold = {(places[first][0], places[end - 1][1], kind) for first, end, kind in sentence.spans}
            for begin, end, kind, logarithm in found:
                if TYPES[kind] in sentence.annotated:
                    evidence.append(log_odds(logarithm))
                    right.append((begin, end, TYPES[kind]) in gold)
    return np.asarray(evidence), np.asarray(right)


def fit(held_back: Sequence[Sentence]) -> None:
    """Fit the logistic curve from the tags' probabilities to the share of right answers and write it."""
    write(1.0, 0.0)
    evidence, right = answers(EnglishEntities(), held_back)
    fitted = LogisticRegression(C=1e6).fit(evidence[:, None], right)
    write(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))


def write(slope: float, intercept: float) -> None:
    """Write the curve: score = 1 / (1 + exp(-(slope x log odds + intercept)))."""
    CURVE.write_text(json.dumps({"slope": round(slope, 4), "intercept": round(intercept, 4)}) + "\n", encoding="utf-8")
