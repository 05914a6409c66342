"""The features of each token for a recognizer's CRF: letters, tags, neighbours, and the encoder's opinion.

Measured on public sets, words, shapes and tags contribute most. Strings that several training documents mark as an
entity add a little. The encoder's opinion, a probability for each label, adds what words alone do not show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.custom.spans import labels_of, listed_spans
from reading_room.analysis.custom.tokens import Token

Features = list[dict[str, float]]
"""For each token, the weight of each of its features."""

LEAST_OPINION = 0.05
_OPINIONS = 4
_WINDOW = (-2, -1, 1, 2)
_OWN_ONLY = ("w=", "p3=", "x2=", "x4=")

_SHAPES = (
    (re.compile(r"[^\W\d_]", re.UNICODE), lambda found: "X" if found.group().isupper() else "x"),
    (re.compile(r"\d"), lambda found: "d"),
    (re.compile(r"(.)\1{2,}"), lambda found: found.group(1) * 2),
)


def word_shape(word: str) -> str:
    """Return a word with letters as X or x, digits as d, and runs of three or more as two: ``Xxx``, ``dd``, ``X-x``."""
    for pattern, replace in _SHAPES:
        word = pattern.sub(replace, word)
    return word


def known_strings(tokens: Sequence[Token], text: str, known: Mapping[str, str]) -> list[str]:
    """Return the label of each token according to the known strings."""
    return labels_of(tokens, listed_spans(text, tokens, known, set(map(len, known))))


def features(
    tokens: Sequence[Token],
    known: Sequence[str] | None,
    opinions: NDArray[np.float32] | None,
    labels: Sequence[str],
) -> Features:
    """Return the features of each token of a stretch.

    ``known`` holds the labels from ``known_strings``. ``opinions`` holds the encoder's probabilities, tokens x labels.
    """
    own = [_own(token, known[number] if known else "") for number, token in enumerate(tokens)]
    shared = [[feature for feature in found if not feature.startswith(_OWN_ONLY)] for found in own]
    result: Features = []
    for number, token in enumerate(tokens):
        found = dict.fromkeys(own[number], 1.0)
        found["bias"] = 1.0
        for step in _WINDOW:
            if 0 <= number + step < len(tokens):
                for feature in shared[number + step]:
                    found[f"{step}:{feature}"] = 1.0
            else:
                found[f"{step}:end"] = 1.0
        lower = token.word.lower()
        if number:
            found[f"pair-={tokens[number - 1].word.lower()}|{lower}"] = 1.0
        if number + 1 < len(tokens):
            found[f"pair+={lower}|{tokens[number + 1].word.lower()}"] = 1.0
        if opinions is not None:
            for step in (-1, 0, 1):
                if 0 <= number + step < len(tokens):
                    _add_opinions(found, step, opinions[number + step], labels)
        result.append(found)
    return result


def _own(token: Token, known: str) -> list[str]:
    lower = token.word.lower()
    found = [
        f"w={token.word}",
        f"l={lower}",
        f"s={word_shape(token.word)}",
        f"p3={lower[:3]}",
        f"x2={lower[-2:]}",
        f"x3={lower[-3:]}",
        f"x4={lower[-4:]}",
    ]
    if token.pos:
        found += [f"P={token.pos}", f"T={token.tag}", f"E={token.entity}"]
    if known:
        found.append(f"G={known}")
    return found


def _add_opinions(found: dict[str, float], step: int, opinions: NDArray[np.float32], labels: Sequence[str]) -> None:
    for label in np.argsort(-opinions, kind="stable")[:_OPINIONS]:
        opinion = float(opinions[label])
        if opinion >= LEAST_OPINION:
            found[f"V{step}={labels[label]}"] = opinion
            if step == 0:
                # A step in addition to the slope, because the CRF is linear in its inputs.
                found[f"V={labels[label]}:{int(opinion * 4)}"] = 1.0
