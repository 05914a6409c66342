"""The meaning of a custom recognizer's scores: how often such an entity was right in documents that were held back.

The test documents are not used, because they may be few and their figures should say something new. Instead, the
training documents are judged in turn by recognizers trained on the other parts. Those were trained on a third less, so
that scores are slightly too low rather than too high. With an entity list, an entity is right if it is in the list.
Measured on public sets, with a list taken from the documents themselves, that is as good as an annotator's judgement.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from reading_room.analysis.custom.recognizer_model import Found, Recognizer, RecognizerModel
from reading_room.analysis.custom.token_vectors import TokenVectors
from reading_room.analysis.custom.tokens import Tokenizer
from reading_room.analysis.training.recognizer_fit import PARTS, Prepared, RecognizerFit, of_document

ENOUGH = 1_000
"""How many entities are enough to skip the remaining parts: more of them hardly move two numbers."""
USUAL = (0.55, -0.7)
"""The slope and offset typical of public sets, which are used while there are few entities."""


def calibrate(model: RecognizerModel, fit: RecognizerFit, tokenizer: Tokenizer, vectors: TokenVectors) -> None:
    """Set the calibration of the model's scores, and nothing else. Raise whatever the fit's ``between`` raises."""
    probabilities: list[float] = []
    right: list[bool] = []
    for part in range(PARTS):
        if not any(found for found, own in zip(fit.spans, fit.part, strict=True) if own != part):
            continue
        recognizer = Recognizer(fit.without(part), tokenizer, vectors)
        for document, true, own in zip(fit.documents, fit.spans, fit.part, strict=True):
            if own != part:
                continue
            for one in of_document(partial(_found, recognizer), document):
                probabilities.append(one.probability)
                right.append((one.begin, one.end, one.kind) in true)
        if len(right) >= ENOUGH:
            break
    model.calibration = fitted_line(logit(np.clip(probabilities, 1e-6, 1 - 1e-6)), np.array(right, dtype=np.bool_))


def _found(recognizer: Recognizer, document: Prepared) -> list[Found]:
    return recognizer.find(document.text, document.tokens, document.vectors)


def fitted_line(odds: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the slope and offset that turn the given log odds into the log odds of being right."""

    def loss(values: NDArray[np.float64]) -> float:
        kept = np.clip(expit(values[0] * odds + values[1]), 1e-7, 1 - 1e-7)
        # The pull towards the usual values weighs as much as a handful of entities.
        pull = 2 * ((values[0] - USUAL[0]) ** 2 + (values[1] - USUAL[1]) ** 2)
        return float(-np.log(np.where(right, kept, 1 - kept)).sum() + pull)

    found = minimize(loss, np.array(USUAL), method="Nelder-Mead", options={"xatol": 1e-3, "maxiter": 200})
    return max(0.0, float(found.x[0])), float(found.x[1])
