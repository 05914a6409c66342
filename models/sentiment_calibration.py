"""Fit the numbers in ``weights/sentiment-en/calibration.json`` on texts held out of training.

    python -m models.sentiment_calibration --corpora FOLDER

Temperatures: by likelihood, with the same weight for each source of held-out texts, so that a large one does not decide
alone. Long texts: no corpus of long English texts with four signs is free, so they are composed of held-out
sentences of one source, 8 to 30 of them. Of the sentences with a sign, a POSITIVE text has at least 0.75 positive
ones, a NEGATIVE one as many negative ones, a MIXED one 0.35 to 0.65 of both; a NEUTRAL text has at most a tenth with
a sign. The numbers are fitted on one half of the sentences and measured on the other, MIXED with half the weight: fewer
than one in three real texts have both signs.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from models.manifest import WEIGHTS
from models.sentiment_corpora import MIXED, NEGATIVE, NEUTRAL, POSITIVE, Corpora, Sample, training_samples
from reading_room.analysis.engines.sentiment import Sentiment, of_document
from reading_room.analysis.engines.sentiment_model import SentimentModel, softmax

TARGET = WEIGHTS / "sentiment-en" / "calibration.json"
SEED = 20261125
TEXTS = 600
MIXED_WEIGHT = 0.5
START = {"lean": 1.0, "neutral": 1.0, "neutral_bias": 0.0, "mixed": 1.0, "mixed_bias": 1.0}

Array = NDArray[np.float64]


def sign_of(sample: Sample) -> int:
    """The sign with the largest share."""
    assert sample.shares is not None
    return max(range(4), key=lambda number: sample.shares[number] if sample.shares else 0.0)


def composed(samples: Sequence[Sample], count: int, rng: random.Random) -> list[tuple[str, int]]:
    """Long texts with their signs, composed of the sentences of one source."""
    by_sign = {sign: [each.text for each in samples if sign_of(each) == sign] for sign in range(4)}
    kinds = [POSITIVE, NEGATIVE, MIXED] + ([NEUTRAL] if len(by_sign[NEUTRAL]) > 100 else [])
    texts = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        total = rng.randint(8, 30)
        if kind == NEUTRAL:
            signed = int(total * rng.uniform(0.0, 0.1))
            positive = rng.randint(0, signed)
        else:
            neutral = rng.uniform(0.0, 0.6) if NEUTRAL in kinds else 0.0
            signed = max(4, round(total * (1 - neutral)))
            share = {POSITIVE: (0.75, 1.0), NEGATIVE: (0.0, 0.25), MIXED: (0.35, 0.65)}[kind]
            positive = round(signed * rng.uniform(*share))
        parts = rng.choices(by_sign[POSITIVE], k=positive) + rng.choices(by_sign[NEGATIVE], k=signed - positive)
        if total > signed and by_sign[NEUTRAL]:
            parts += rng.choices(by_sign[NEUTRAL], k=total - signed)
        rng.shuffle(parts)
        texts.append((" ".join(part if part[-1] in ".!?" else f"{part}." for part in parts), kind))
    return texts


def temperature(logits: list[Array], targets: list[Array]) -> float:
    """The temperature with the greatest likelihood; each pair of the lists has the same weight."""

    def loss(log: float) -> float:
        temperature = float(np.exp(log))
        parts = [
            -(target * np.log(softmax(each / temperature) + 1e-9)).sum(1).mean()
            for each, target in zip(logits, targets, strict=True)
        ]
        return float(np.mean(parts))

    return float(np.exp(minimize_scalar(loss, bounds=(-1.5, 1.5), method="bounded").x))


def calibration_error(scores: Array, signs: NDArray[np.signedinteger[Any]]) -> float:
    """Expected calibration error of the answered sign, ten bins of equal width."""
    confidence, right = scores.max(1), scores.argmax(1) == signs
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [
        abs(confidence[bins == each].mean() - right[bins == each].mean()) * (bins == each).mean() for each in set(bins)
    ]
    return float(sum(gaps))


def fit(corpora: Corpora) -> dict[str, Any]:
    """Fit all numbers and print the resulting figures."""
    rng = random.Random(SEED)
    _, held = training_samples(corpora, rng)
    neutral: dict[str, Any] = {"text_temperature": 1.0, "mention_temperature": 1.0, "mention_mixed": 0.0}
    fitted: dict[str, Any] = {**neutral, "document": START}
    TARGET.write_text(json.dumps(fitted), encoding="utf-8")
    model = SentimentModel()

    texts = {source: samples for source, samples in held.items() if samples[0].shares}
    scores = {source: model.texts(model.windows([each.text for each in samples])) for source, samples in texts.items()}
    # Logits up to a constant, which does not change the softmax.
    logits = {source: np.log(each + 1e-12) for source, each in scores.items()}
    shares = {source: np.array([each.shares for each in samples]) for source, samples in texts.items()}
    fitted["text_temperature"] = temperature(list(logits.values()), list(shares.values()))
    for source in texts:
        after = softmax(logits[source] / fitted["text_temperature"])
        signs = shares[source].argmax(1)
        print(f"{source}: {len(signs)} texts, accuracy {(after.argmax(1) == signs).mean():.3f}, ", end="")
        print(f"calibration error {calibration_error(after, signs):.3f}")

    marked = {source: [each for each in held[source] if each.mentions] for source in ("targets", "news")}
    of_mentions, of_signs = {}, {}
    for source, samples in marked.items():
        spans = [[(each.begin, each.end) for each in sample.mentions] for sample in samples]
        found = np.concatenate(model.mentions([sample.text for sample in samples], spans))
        of_mentions[source] = np.log(found[:, :3] + 1e-12)
        of_signs[source] = np.array([each.sign for sample in samples for each in sample.mentions])
    fitted["mention_temperature"] = temperature(
        list(of_mentions.values()), [np.eye(3)[signs] for signs in of_signs.values()]
    )
    for source, each in of_mentions.items():
        after = softmax(each / fitted["mention_temperature"])
        right = (after.argmax(1) == of_signs[source]).mean()
        print(f"{source}: {len(each)} mentions, accuracy {right:.3f}, ", end="")
        print(f"calibration error {calibration_error(after, of_signs[source]):.3f}")
    # What costs no marked mention its sign: MIXED where both are about as likely and the text is MIXED for certain.
    fitted["mention_mixed"] = 1.0

    TARGET.write_text(json.dumps(fitted), encoding="utf-8")
    engine = Sentiment()
    halves: list[list[tuple[str, int]]] = [[], []]
    for source in ("films", "products", "tweets", "comments", "rated tweets"):
        samples = texts[source][:]
        rng.shuffle(samples)
        for half, part in enumerate((samples[::2], samples[1::2])):
            halves[half] += composed(part, TEXTS // 5, rng)
    inputs = [engine.pieces([text for text, _ in half]) for half in halves]
    golds = [np.array([sign for _, sign in half]) for half in halves]

    def documents(half: int, numbers: Array) -> Array:
        document = dict(zip(START, numbers, strict=True))
        return np.array([of_document(pieces, lengths, document) for pieces, lengths in inputs[half]])

    def loss(numbers: Array) -> float:
        found = documents(0, numbers)
        weights = np.where(golds[0] == MIXED, MIXED_WEIGHT, 1.0)
        return float(np.average(-np.log(found[np.arange(len(found)), golds[0]] + 1e-9), weights=weights))

    best = minimize(loss, np.array(list(START.values())), method="Nelder-Mead", options={"maxiter": 600}).x
    for half, name in enumerate(("fitted on", "held back")):
        found = documents(half, best)
        print(f"long texts, {name}: {len(found)}, accuracy {(found.argmax(1) == golds[half]).mean():.3f}, ", end="")
        print(f"calibration error {calibration_error(found, golds[half]):.3f}")
        print(
            np.array([[int(((golds[half] == a) & (found.argmax(1) == b)).sum()) for b in range(4)] for a in range(4)])
        )
    fitted["document"] = {name: round(float(value), 4) for name, value in zip(START, best, strict=True)}
    for name in ("text_temperature", "mention_temperature"):
        fitted[name] = round(fitted[name], 4)
    return fitted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path, required=True)
    arguments = parser.parse_args()
    fitted = fit(Corpora(arguments.corpora))
    TARGET.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    print(TARGET.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
