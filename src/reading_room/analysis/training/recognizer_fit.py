"""Fitting a custom recognizer: the encoder's opinion of each token, and the CRF that uses it.

The opinion is a linear model over token vectors. The CRF must learn how far to trust it. Its training documents
therefore get the opinion of a model that has not seen them: the documents are divided into parts, and each part is
judged by a model of the others. The same parts calibrate the scores (``recognizer_scores``).
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pycrfsuite
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from reading_room.analysis.custom.recognizer_model import Opinion, RecognizerModel
from reading_room.analysis.custom.spans import OUTSIDE, Span, labels_of
from reading_room.analysis.custom.token_features import features, known_strings
from reading_room.analysis.custom.token_vectors import TokenVectors
from reading_room.analysis.custom.tokens import Token, Tokenizer, stretches
from reading_room.analysis.time_limits import within_limit
from reading_room.analysis.training.places import training_document
from reading_room.analysis.training.split import SEED

Result = TypeVar("Result")

PARTS = 3
"""How many parts the documents are divided into, each judged by a model of the others."""
VECTOR_SCALE = 4.0
"""Token vectors have length 1; the regularised model learns faster from longer ones."""
ITERATIONS = 60
PENALTIES = (0.05, 0.05)
LEAST_SEEN = 2
"""How many documents must mark a string as an entity before it counts as known."""
MOST_OPINION_TOKENS = 60_000
"""How many tokens the opinion learns from; more give the same result."""


@dataclass(slots=True)
class Prepared:
    """A document with its tokens and their vectors."""

    text: str
    tokens: list[Token]
    vectors: list[NDArray[np.float16]] | None
    """For each stretch, tokens x width; ``None`` if the encoder is not used."""


def prepare(
    texts: Sequence[str], tokenizer: Tokenizer, vectors: TokenVectors | None, between: Callable[[], None]
) -> list[Prepared]:
    """Return documents with their tokens and token vectors. Raise ``JobFailure`` if one takes too long."""
    result: list[Prepared] = []
    for start in range(0, len(texts), 64):
        between()
        some = texts[start : start + 64]
        read = partial(_read, tokenizer=tokenizer, vectors=vectors)

        def named(index: int, some: Sequence[str] = some) -> str:
            return training_document(some[index])

        for found in within_limit(read, some, named):
            result += found
    return result


def of_document(work: Callable[[Prepared], Result], document: Prepared) -> Result:
    """Return ``work(document)``. Raise ``JobFailure`` if it takes too long."""
    (found,) = within_limit(lambda _: work(document), [document.text], lambda _: training_document(document.text))
    return found


def _read(texts: Sequence[str], tokenizer: Tokenizer, vectors: TokenVectors | None) -> list[Prepared]:
    tokens = list(tokenizer.tokens(texts))
    cut = [(text, stretch) for text, found in zip(texts, tokens, strict=True) for stretch in stretches(found)]
    matrices = iter(vectors.encode(cut) if vectors else ())
    result = []
    for text, found in zip(texts, tokens, strict=True):
        # Half floats: vectors are most of what a training holds, and no measurement tells them from single precision.
        own = [next(matrices).astype(np.float16) for _ in stretches(found)] if vectors else None
        result.append(Prepared(text, found, own))
    return result


class RecognizerFit:
    """The state that all fits to the documents of one training share."""

    def __init__(
        self,
        documents: Sequence[Prepared],
        spans: Sequence[Sequence[Span]],
        types: list[str],
        language: str,
        uses_known: bool,
        scratch: Path,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        """Judge each document by the others.

        ``uses_known`` adds, as a feature, strings that several documents mark. A model from an entity list does not use
        it: all its marks are such strings, and it would learn to trust them alone. Raise whatever ``between`` raises,
        which is called between the steps.
        """
        self.documents, self.spans = documents, spans
        self.part = np.random.default_rng(SEED).permutation(len(documents)) % PARTS
        """The number of each document's part."""
        self._types, self._language, self._uses_known = types, language, uses_known
        self._scratch, self._between = scratch, between
        self._labels = [OUTSIDE, *(f"{prefix}-{kind}" for kind in types for prefix in ("B", "I"))]
        self._truth = [labels_of(document.tokens, found) for document, found in zip(documents, spans, strict=True)]
        self._vectors = [document.vectors or [] for document in documents]
        self._opinions: list[Opinion] = []
        """For each part, the opinion learnt from the others."""
        if all(document.vectors is not None for document in documents):
            for own in range(PARTS):
                between()
                self._opinions.append(self._opinion(np.flatnonzero(self.part != own)))

    def model(self) -> RecognizerModel:
        """Return a recognizer trained on all documents. Its scores are not calibrated yet."""
        everything = np.arange(len(self.documents))
        self._between()
        return self._fitted(everything, self._opinion(everything) if self._opinions else None)

    def without(self, part: int) -> RecognizerModel:
        """Return a recognizer trained on all documents except those of a part."""
        return self._fitted(np.flatnonzero(self.part != part), self._opinions[part] if self._opinions else None)

    def _fitted(self, chosen: NDArray[np.intp], opinion: Opinion | None) -> RecognizerModel:
        known = _known([(self.documents[n], self.spans[n]) for n in chosen]) if self._uses_known else {}
        self._between()
        trainer = pycrfsuite.Trainer(verbose=False)
        trainer.set_params(
            {
                "c1": PENALTIES[0],
                "c2": PENALTIES[1],
                "max_iterations": ITERATIONS,
                "feature.minfreq": 2 if len(chosen) > 50 else 1,
                "feature.possible_transitions": True,
            }
        )
        for count, number in enumerate(chosen):
            self._show(trainer, int(number), known)
            if count % 1000 == 0:
                self._between()
        path = self._scratch / "crf"
        trainer.train(str(path))
        return RecognizerModel(self._language, self._types, self._labels, path.read_bytes(), known, opinion)

    def _show(self, trainer: Any, number: int, known: Mapping[str, str]) -> None:
        """Add a document to the CRF's training data, with the opinion of a model that has not seen it."""
        document, truth = self.documents[number], self._truth[number]
        marks = known_strings(document.tokens, document.text, known) if known else None
        position = 0
        for index, stretch in enumerate(stretches(document.tokens)):
            end = position + len(stretch)
            view = self._opinions[self.part[number]].of(self._vectors[number][index]) if self._opinions else None
            found = features(stretch, marks[position:end] if marks else None, view, self._labels)
            trainer.append(pycrfsuite.ItemSequence(found), truth[position:end])
            position = end

    def _opinion(self, chosen: NDArray[np.intp]) -> Opinion:
        return _fit_opinion(self._vectors, self._truth, self._labels, chosen)


def _known(documents: Sequence[tuple[Prepared, Sequence[Span]]]) -> dict[str, str]:
    seen: dict[tuple[str, str], set[int]] = defaultdict(set)
    for number, (document, found) in enumerate(documents):
        for begin, end, kind in found:
            seen[document.text[begin:end], kind].add(number)
    often = [(len(numbers), text, kind) for (text, kind), numbers in seen.items() if len(numbers) >= LEAST_SEEN]
    # The most frequent type of a string comes last and is kept.
    return {text: kind for _, text, kind in sorted(often)}


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
    # A label that these documents do not have remains nearly impossible.
    biases = np.full(len(labels), -30.0, np.float32)
    present = np.unique(target)
    if len(present) == 1:
        biases[present] = 0
        return Opinion([(weights, biases)])
    model = LogisticRegression(C=1.0, max_iter=25)
    with warnings.catch_warnings():
        # The optimum is not needed, because the CRF learns how far to trust the opinion.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix, target)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(present) == 2:
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.array([-0.5, 0.5]) * intercepts
    weights[:, present] = (coefficients * VECTOR_SCALE).T
    biases[present] = intercepts
    return Opinion([(weights, biases)])
