"""Fitting a custom classifier: which terms it knows, its two linear models, and how their votes are blended.

The blend, the sharpness of probabilities and, with several labels per document, the cut are tuned on a fifth of the
training documents, with models that have not seen them. Then both models learn from all training documents. Test
documents are not used.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize_scalar
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from reading_room.analysis.custom.classifier_model import ClassifierModel, Matrix, Terms
from reading_room.analysis.custom.mode import Mode
from reading_room.analysis.training.split import SEED, held_back

TERM_BYTES = 24_000_000
"""The greatest size of the terms' coefficients in an artifact, at two bytes each."""
MOST_TERMS = 60_000
VOCABULARY_CODE_POINTS = 4_000_000
"""The size of the sample that terms are taken from: counting all runs of letters in more text would fill the memory."""

TUNING_SHARE = 0.2
MOST_TUNED_ON = 12_000
"""How many documents the models learn from while tuning: a blend needs no more."""
LEAST_TUNING = 60
"""With fewer held-back documents the choice would be random, so the values that measured best elsewhere are kept."""
USUAL_SHARE = 0.5
USUAL_SHARPNESS = {"MULTI_CLASS": (3.0, 1.0), "MULTI_LABEL": (1.0, 1.0)}
USUAL_CUT = 0.3

Head = tuple[Matrix, Matrix]
"""Coefficients, labels x columns, and intercepts, one per label."""


def fit_classifier(
    texts: Sequence[str],
    labels: Sequence[tuple[str, ...]],
    vectors: Matrix | None,
    mode: Mode,
    language: str,
    between: Callable[[], None] = lambda: None,
) -> ClassifierModel:
    """Return a classifier for these documents. ``vectors`` are their sentence vectors, one row each.

    ``between`` is called between the steps; whatever it raises ends the training.
    """
    names = sorted({label for document in labels for label in document})
    truth = truth_matrix(labels, names)
    terms = _find_terms(texts, len(names))
    matrix = terms.matrix(texts)
    between()
    model = ClassifierModel(
        mode=mode,
        language=language,
        labels=names,
        terms=terms,
        term_coefficients=np.zeros((len(names), terms.width), np.float32),
        term_intercepts=np.zeros(len(names), np.float32),
        vector_coefficients=np.zeros((len(names), 0), np.float32),
        vector_intercepts=np.zeros(len(names), np.float32),
        # Without tuning, the encoder counts only for English, because it hardly reads other languages.
        term_share=USUAL_SHARE if vectors is not None and language == "en" else 1.0,
        sharpness=USUAL_SHARPNESS[mode],
        cut=USUAL_CUT,
    )
    held = held_back(labels, TUNING_SHARE, salt=1)
    if held.sum() >= LEAST_TUNING:
        _tune(model, matrix, vectors, truth, held, between)
    between()
    model.term_coefficients, model.term_intercepts = _fit_terms(matrix, truth, mode)
    if vectors is not None and model.term_share < 1:
        between()
        model.vector_coefficients, model.vector_intercepts = _fit_vectors(vectors, truth, mode)
    return model


def truth_matrix(labels: Sequence[tuple[str, ...]], names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which names each document has, documents x names."""
    column = {name: index for index, name in enumerate(names)}
    truth = np.zeros((len(labels), len(names)), dtype=np.bool_)
    for row, document in enumerate(labels):
        for label in document:
            truth[row, column[label]] = True
    return truth


def term_vectorizers() -> tuple[TfidfVectorizer, TfidfVectorizer]:
    """Return the two kinds of terms: words and pairs of words, and runs of 2 to 5 letters within words."""
    settings: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32}
    return (
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **settings),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **settings),
    )


def _find_terms(texts: Sequence[str], labels: int) -> Terms:
    order = np.random.default_rng(SEED).permutation(len(texts))
    sample: list[str] = []
    size = 0
    for index in order:
        text = texts[index][: VOCABULARY_CODE_POINTS // 100]
        size += len(text)
        if sample and size > VOCABULARY_CODE_POINTS:
            break
        sample.append(text)
    budget = min(MOST_TERMS, TERM_BYTES // (2 * labels))
    vocabularies: list[list[str]] = []
    idfs: list[Matrix] = []
    for vectorizer, share in zip(term_vectorizers(), (0.4, 0.6), strict=True):
        vectorizer.set_params(max_features=max(1, int(budget * share)), min_df=2 if len(sample) > 50 else 1)
        try:
            vectorizer.fit(sample)
        except ValueError:
            # The sample has no term of this kind: a text of punctuation alone has no words.
            vocabularies.append([])
            idfs.append(np.zeros(0, np.float32))
            continue
        vocabularies.append([str(term) for term in vectorizer.get_feature_names_out()])
        idfs.append(vectorizer.idf_.astype(np.float32))
    return Terms(vocabularies, idfs)


def _tune(
    model: ClassifierModel,
    matrix: sparse.csr_matrix,
    vectors: Matrix | None,
    truth: NDArray[np.bool_],
    held: NDArray[np.bool_],
    between: Callable[[], None],
) -> None:
    """Set the model's share, sharpness and cut, with heads fitted here and documents that they have not seen."""
    right = truth[held]
    shown = np.flatnonzero(~held)
    if len(shown) > MOST_TUNED_ON:
        shown = np.sort(np.random.default_rng(SEED).choice(shown, MOST_TUNED_ON, replace=False))
    coefficients, intercepts = _fit_terms(matrix[shown], truth[shown], model.mode)
    by_terms = np.asarray(matrix[held] @ coefficients.T) + intercepts
    by_vectors = None
    model.term_share, model.sharpness = 1.0, (_sharpest(model, by_terms, right)[0], 1.0)
    between()
    if vectors is not None:
        coefficients, intercepts = _fit_vectors(vectors[shown], truth[shown], model.mode)
        by_vectors = vectors[held] @ coefficients.T + intercepts
        each = (model.sharpness[0], _sharpest(model, by_vectors, right)[0])
        tried = []
        for share in np.arange(0, 1.01, 0.1):
            model.term_share, model.sharpness = float(round(share, 1)), each
            factor, loss = _sharpest(model, model.blended(by_terms, by_vectors), right)
            tried.append((loss, model.term_share, factor))
        _, model.term_share, factor = min(tried)
        model.sharpness = (each[0] * factor, each[1] * factor)
    if model.mode == "MULTI_LABEL":
        blended = model.probabilities(model.blended(by_terms, by_vectors))
        cuts = np.arange(0.05, 0.951, 0.01)
        model.cut = float(round(cuts[int(np.argmax([_micro_f1(blended >= cut, right) for cut in cuts]))], 2))


def _sharpest(model: ClassifierModel, margins: NDArray[Any], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the factor that makes the true labels most probable, given the margins, and the loss with it."""

    def loss(power: float) -> float:
        return _loss(model.mode, model.probabilities(margins, float(np.exp(power))), truth)

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(30.0)), method="bounded", options={"xatol": 0.02})
    return float(np.exp(found.x)), float(found.fun)


def _loss(mode: Mode, probabilities: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    kept = np.clip(probabilities, 1e-7, 1 - 1e-7)
    if mode == "MULTI_CLASS":
        return float(-np.log(kept[truth]).mean())
    return float(-np.where(truth, np.log(kept), np.log1p(-kept)).mean())


def _micro_f1(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (predicted & truth).sum() / max(1, int(predicted.sum()) + int(truth.sum())))


def _fit_terms(matrix: sparse.csr_matrix, truth: NDArray[np.bool_], mode: Mode) -> Head:
    if mode == "MULTI_LABEL":
        return _one_by_one(lambda: LogisticRegression(C=3, solver="liblinear", dual=True, max_iter=60), matrix, truth)
    return _one_by_one(lambda: LinearSVC(C=0.5, random_state=SEED), matrix, truth)


def _fit_vectors(vectors: Matrix, truth: NDArray[np.bool_], mode: Mode) -> Head:
    if mode == "MULTI_LABEL":
        return _one_by_one(lambda: LogisticRegression(C=5, max_iter=40), vectors, truth)
    model = LogisticRegression(C=20, max_iter=100)
    with warnings.catch_warnings():
        # More iterations change only the last digits.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectors, truth.argmax(axis=1))
    coefficients, intercepts = model.coef_, model.intercept_
    if len(coefficients) == 1:
        # For two classes the library returns only the coefficients of the second one.
        coefficients = np.vstack([-coefficients / 2, coefficients / 2])
        intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
    return coefficients.astype(np.float32), intercepts.astype(np.float32)


def _one_by_one(make: Callable[[], Any], matrix: Any, truth: NDArray[np.bool_]) -> Head:
    """Fit each label against the rest. A label of all documents, or of none, becomes a constant."""
    coefficients = np.zeros((truth.shape[1], matrix.shape[1]), np.float32)
    intercepts = np.zeros(truth.shape[1], np.float32)
    for label in range(truth.shape[1]):
        column = truth[:, label]
        if column.all() or not column.any() or matrix.shape[1] == 0:
            share = (column.sum() + 0.5) / (len(column) + 1)
            intercepts[label] = np.log(share / (1 - share))
            continue
        model = make()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(matrix, column)
        coefficients[label] = model.coef_[0]
        intercepts[label] = model.intercept_[0]
    return coefficients, intercepts
