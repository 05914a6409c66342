"""What the scores of a custom recognizer mean: how often such a find was right, in documents that were held back.

Not the test documents, which may be few and of which the figures should say something new: the training documents are
judged in turn by recognizers that have learnt from the other parts of them. Those know a third less, so that scores
are a little too low rather than too high. With an entity list a find is right when the list has it; measured on public
sets, where the list comes from the documents themselves, that is as good as an annotator's word.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from reading_room.analysis.custom.recognizer_model import Recognizer, RecognizerModel
from reading_room.analysis.custom.token_vectors import TokenVectors
from reading_room.analysis.custom.tokens import Tokenizer
from reading_room.analysis.training.recognizer_fit import PARTS, RecognizerFit

ENOUGH = 1_000
"""Finds, after which no further part is asked: more hardly move two numbers."""
USUAL = (0.55, -0.7)
"""Slope and offset that public sets have about, which are believed as long as there are few finds."""


def calibrate(model: RecognizerModel, fit: RecognizerFit, tokenizer: Tokenizer, vectors: TokenVectors) -> None:
    """Set what the model's scores mean. The model itself is as before. Raises what the fit's ``between`` raises."""
    probabilities: list[float] = []
    right: list[bool] = []
    for part in range(PARTS):
        if not any(found for found, own in zip(fit.spans, fit.part, strict=True) if own != part):
            continue
        recognizer = Recognizer(fit.without(part), tokenizer, vectors)
        for document, true, own in zip(fit.documents, fit.spans, fit.part, strict=True):
            if own != part:
                continue
            for one in recognizer.find(document.text, document.tokens, document.vectors):
                probabilities.append(one.probability)
                right.append((one.begin, one.end, one.kind) in true)
        if len(right) >= ENOUGH:
            break
    model.calibration = fitted_line(logit(np.clip(probabilities, 1e-6, 1 - 1e-6)), np.array(right, dtype=np.bool_))


def fitted_line(odds: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset from the log odds that were given to those of being right."""

    def loss(values: NDArray[np.float64]) -> float:
        kept = np.clip(expit(values[0] * odds + values[1]), 1e-7, 1 - 1e-7)
        # The pull towards what is usual weighs as much as a handful of finds.
        pull = 2 * ((values[0] - USUAL[0]) ** 2 + (values[1] - USUAL[1]) ** 2)
        return float(-np.log(np.where(right, kept, 1 - kept)).sum() + pull)

    found = minimize(loss, np.array(USUAL), method="Nelder-Mead", options={"xatol": 1e-3, "maxiter": 200})
    return max(0.0, float(found.x[0])), float(found.x[1])
