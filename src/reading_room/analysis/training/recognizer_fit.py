"""Fitting a custom recognizer: the encoder's opinion of each token, the CRF that reads it, and what its scores mean.

The opinion is a linear model over token vectors. The CRF must learn how far to trust it, so that its training documents
get the opinion of a model that has not seen them: the documents are divided into parts, each judged by the others.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycrfsuite
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from reading_room.analysis.custom.recognizer_model import Opinion, Recognizer, RecognizerModel
from reading_room.analysis.custom.spans import OUTSIDE, Span, labels_of
from reading_room.analysis.custom.token_features import features, known_strings
from reading_room.analysis.custom.token_vectors import TokenVectors
from reading_room.analysis.custom.tokens import Token, Tokenizer, stretches
from reading_room.analysis.training.split import SEED

PARTS = 3
"""Of the documents, when each is judged by a model of the others."""
VECTOR_SCALE = 4.0
"""Token vectors have length 1; the regularised model learns faster from longer ones."""
ITERATIONS = 60
PENALTIES = (0.05, 0.05)
LEAST_SEEN = 2
"""Documents that must mark a string as an entity before it counts as known."""
LEAST_CALIBRATION = 50
USUAL_CALIBRATION = (0.7, 0.0)
MOST_OPINION_TOKENS = 60_000
"""That the opinion learns from; a sample of more says the same."""


@dataclass(slots=True)
class Prepared:
    """A document with all that is known of it beside its entities."""

    text: str
    tokens: list[Token]
    vectors: list[NDArray[np.float16]] | None
    """Of each stretch, tokens x width; none where the encoder is not asked."""


def prepare(
    texts: Sequence[str], tokenizer: Tokenizer, vectors: TokenVectors | None, between: Callable[[], None]
) -> list[Prepared]:
    """Return documents with their tokens and token vectors."""
    result = []
    for start in range(0, len(texts), 64):
        between()
        some = texts[start : start + 64]
        tokens = tokenizer.tokens(some)
        cut = [(text, stretch) for text, found in zip(some, tokens, strict=True) for stretch in stretches(found)]
        matrices = iter(vectors.encode(cut) if vectors else ())
        for text, found in zip(some, tokens, strict=True):
            # Half floats: vectors are most of what a training holds, and nothing measured tells them from whole ones.
            own = [next(matrices).astype(np.float16) for _ in stretches(found)] if vectors else None
            result.append(Prepared(text, found, own))
    return result


def fit_recognizer(
    documents: Sequence[Prepared],
    spans: Sequence[Sequence[Span]],
    types: list[str],
    language: str,
    uses_known: bool,
    scratch: Path,
    between: Callable[[], None] = lambda: None,
) -> RecognizerModel:
    """Return a recognizer for these documents. ``uses_known`` adds strings that several of them mark as a feature.

    A model from an entity list does without: all its marks are such strings, and it would learn to trust them alone.
    Raises what ``between`` raises, which is called between the steps.
    """
    labels = [OUTSIDE, *(f"{prefix}-{kind}" for kind in types for prefix in ("B", "I"))]
    truth = [labels_of(document.tokens, found) for document, found in zip(documents, spans, strict=True)]
    known = _known(documents, spans) if uses_known else {}
    opinion, judged = _opinions(documents, truth, labels, between)
    between()
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(
        {
            "c1": PENALTIES[0],
            "c2": PENALTIES[1],
            "max_iterations": ITERATIONS,
            "feature.minfreq": 2 if len(documents) > 50 else 1,
            "feature.possible_transitions": True,
        }
    )
    for number, document in enumerate(documents):
        marks = known_strings(document.tokens, document.text, known) if known else None
        position = 0
        for index, stretch in enumerate(stretches(document.tokens)):
            end = position + len(stretch)
            view = judged[number][index] if judged is not None else None
            found = features(stretch, marks[position:end] if marks else None, view, labels)
            trainer.append(pycrfsuite.ItemSequence(found), truth[number][position:end])
            position = end
        if number % 1000 == 0:
            between()
    path = scratch / "crf"
    trainer.train(str(path))
    return RecognizerModel(language, types, labels, path.read_bytes(), known, opinion)


def calibrate(
    model: RecognizerModel, recognizer: Recognizer, documents: Iterable[tuple[Prepared, list[Span]]]
) -> tuple[list[list[Span]], list[list[Span]]]:
    """Read test documents, set what the model's scores mean by them, and return the true entities and those found.

    Scores decide nothing, so that the figures of the test stay those of documents that the model has not seen.
    """
    truth: list[list[Span]] = []
    answers: list[list[Span]] = []
    odds: list[float] = []
    right: list[bool] = []
    for document, true in documents:
        found = recognizer.find(document.text, document.tokens, document.vectors)
        truth.append(true)
        answers.append([(one.begin, one.end, one.kind) for one in found])
        for one in found:
            odds.append(float(logit(min(max(one.probability, 1e-6), 1 - 1e-6))))
            right.append((one.begin, one.end, one.kind) in true)
    enough = len(odds) >= LEAST_CALIBRATION
    model.calibration = _fitted(np.array(odds), np.array(right)) if enough else USUAL_CALIBRATION
    return truth, answers


def _fitted(odds: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    def loss(values: NDArray[np.float64]) -> float:
        kept = np.clip(expit(values[0] * odds + values[1]), 1e-7, 1 - 1e-7)
        # A pull towards what is usual, for when there are few.
        pull = 2 * ((values[0] - USUAL_CALIBRATION[0]) ** 2 + values[1] ** 2)
        return float(-np.log(np.where(right, kept, 1 - kept)).sum() + pull)

    found = minimize(loss, np.array(USUAL_CALIBRATION), method="Nelder-Mead", options={"xatol": 1e-3, "maxiter": 200})
    return max(0.0, float(found.x[0])), float(found.x[1])


def _known(documents: Sequence[Prepared], spans: Sequence[Sequence[Span]]) -> dict[str, str]:
    seen: dict[tuple[str, str], set[int]] = defaultdict(set)
    for number, (document, found) in enumerate(zip(documents, spans, strict=True)):
        for begin, end, kind in found:
            seen[document.text[begin:end], kind].add(number)
    often = [(len(numbers), text, kind) for (text, kind), numbers in seen.items() if len(numbers) >= LEAST_SEEN]
    # The most frequent type of a string comes last and stays.
    return {text: kind for _, text, kind in sorted(often)}


def _opinions(
    documents: Sequence[Prepared],
    truth: Sequence[Sequence[str]],
    labels: list[str],
    between: Callable[[], None],
) -> tuple[Opinion | None, list[list[NDArray[np.float32]]] | None]:
    """Return the opinion, and what one that has not seen it thinks of each document's stretches."""
    if any(document.vectors is None for document in documents):
        return None, None
    vectors = [document.vectors or [] for document in documents]
    part = np.random.default_rng(SEED).permutation(len(documents)) % PARTS
    judged: list[list[NDArray[np.float32]]] = [[] for _ in documents]
    for own in range(PARTS):
        between()
        opinion = _fit_opinion(vectors, truth, labels, np.flatnonzero(part != own))
        for number in np.flatnonzero(part == own):
            judged[number] = [opinion.of(matrix) for matrix in vectors[number]]
    between()
    return _fit_opinion(vectors, truth, labels, np.arange(len(documents))), judged


def _fit_opinion(
    vectors: Sequence[Sequence[NDArray[np.float16]]],
    truth: Sequence[Sequence[str]],
    labels: list[str],
    chosen: NDArray[np.intp],
) -> Opinion:
    column = {label: number for number, label in enumerate(labels)}
    some, size = [], 0
    for number in np.random.default_rng(SEED).permutation(chosen):
        some.append(int(number))
        size += len(truth[number])
        if size >= MOST_OPINION_TOKENS:
            break
    some.sort()
    target = np.array([column[label] for number in some for label in truth[number]])
    matrix = np.vstack([matrix for number in some for matrix in vectors[number]]).astype(np.float32)
    matrix *= np.float32(VECTOR_SCALE)
    weights = np.zeros((matrix.shape[1], len(labels)), np.float32)
    # A label that these documents do not have stays as good as impossible.
    biases = np.full(len(labels), -30.0, np.float32)
    present = np.unique(target)
    if len(present) == 1:
        biases[present] = 0
        return Opinion([(weights, biases)])
    model = LogisticRegression(C=1.0, max_iter=25)
    with warnings.catch_warnings():
        # It need not be at its best: the CRF learns how far to trust it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix, target)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(present) == 2:
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.array([-0.5, 0.5]) * intercepts
    weights[:, present] = (coefficients * VECTOR_SCALE).T
    biases[present] = intercepts
    return Opinion([(weights, biases)])
