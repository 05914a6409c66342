"""A custom classifier: two linear models, over sentence vectors and over TF-IDF terms, whose votes are blended.

Measured on public sets, the blend is right more often than either part: the vectors capture the meaning of words, the
terms the words that matter in this data. A model is arrays and a vocabulary, so it is always data and never a program.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, softmax

from reading_room.analysis.custom.artifact import Artifact
from reading_room.analysis.custom.mode import Mode

KIND = "classifier"

MOST_CODE_POINTS = 20_000
"""How much of a document is read for its terms. More changes no vote and costs memory."""

_BESIDE = 0.05

Matrix = NDArray[np.float32]


_WORD = re.compile(r"\b\w+\b")
_FEWEST, _MOST = 2, 5


def word_terms(text: str) -> list[str]:
    """Return the words of a text, and then its pairs of words, in lower case."""
    words = _WORD.findall(text.lower())
    return [*words, *map(" ".join, pairwise(words))]


def letter_terms(text: str) -> list[str]:
    """Return the runs of 2 to 5 letters within words, in lower case; a space stands for either end of a word.

    A word that is as long as a run, or shorter, has no longer ones.
    """
    found: list[str] = []
    for word in text.lower().split():
        padded = f" {word} "
        for length in range(_FEWEST, _MOST + 1):
            starts = max(1, len(padded) - length + 1)
            found += [padded[start : start + length] for start in range(starts)]
            if starts == 1:
                break
    return found


class Terms:
    """TF-IDF of words and of letters, side by side.

    It is computed as scikit-learn's vectorizers do, which the training uses. Importing those takes longer than
    everything else that an endpoint's container does before it is ready.
    """

    def __init__(self, vocabularies: Sequence[Sequence[str]], idfs: Sequence[Matrix]) -> None:
        """Take the terms of each kind in the order of their columns, and their inverse document frequencies."""
        self.vocabularies = [list(terms) for terms in vocabularies]
        self.idfs = list(idfs)
        for terms, idf in zip(self.vocabularies, self.idfs, strict=True):
            if idf.shape != (len(terms),):
                raise ValueError(f"there are {len(terms)} terms but {len(idf)} weights")
        self._columns = [{term: column for column, term in enumerate(terms)} for terms in self.vocabularies]

    @property
    def width(self) -> int:
        """The number of columns of the matrix."""
        return sum(map(len, self.vocabularies))

    def matrix(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return documents x terms, float32, in which the terms of each kind have length 1."""
        cut = [text[:MOST_CODE_POINTS] for text in texts]
        kinds = zip((word_terms, letter_terms), self._columns, self.idfs, strict=True)
        return sparse.hstack([_weights(cut, *kind) for kind in kinds], format="csr")


def _weights(
    texts: Sequence[str], terms_of: Callable[[str], Iterable[str]], columns: Mapping[str, int], idf: Matrix
) -> sparse.csr_matrix:
    """Return documents x terms of one kind: the logarithms of their counts, times their weights, of length 1."""
    found, counts, ends = array("i"), array("i"), array("i", [0])
    for text in texts:
        of_text = Counter(map(columns.get, terms_of(text)))
        del of_text[None]
        found.extend(of_text)  # type: ignore[arg-type]
        counts.extend(of_text.values())
        ends.append(len(found))
    data = np.array(counts, dtype=np.float32)
    matrix = sparse.csr_matrix((data, np.array(found), np.array(ends)), shape=(len(texts), len(columns)))
    matrix.sort_indices()
    values = (np.log(matrix.data) + np.float32(1)) * idf[matrix.indices]
    of_row = np.repeat(np.arange(len(texts)), np.diff(matrix.indptr))
    lengths = np.sqrt(np.bincount(of_row, weights=values * values, minlength=len(texts)))
    matrix.data = (values / lengths[of_row]).astype(np.float32)
    return matrix


@dataclass(slots=True)
class ClassifierModel:
    """The data of a trained classifier. Coefficients are labels x columns; there is one intercept per label."""

    mode: Mode
    language: str
    labels: list[str]
    terms: Terms
    term_coefficients: Matrix
    term_intercepts: Matrix
    vector_coefficients: Matrix
    """For sentence vectors; without columns if the encoder does not read the model's language."""
    vector_intercepts: Matrix
    term_share: float
    """The weight of the terms' margins in the blend; the vectors' margins have the rest."""
    sharpness: tuple[float, float]
    """The factors by which the terms' and the vectors' margins are multiplied before they become probabilities."""
    cut: float = 0.5
    """With several labels per document, the probability from which a label is given, that is, scored 0.5 or more."""

    @property
    def reads_vectors(self) -> bool:
        """Whether ``scores`` needs sentence vectors."""
        return bool(self.vector_coefficients.shape[1])

    def scores(self, texts: Sequence[str], vectors: Matrix | None) -> NDArray[np.float64]:
        """Return the score of each label, documents x labels, between 0 and 1.

        Scores are probabilities. With one label per document they sum to 1. With several they are independent, and
        those between 0.5 and the cut that gives the best F1 are moved to the other side of 0.5, close to it. A label
        with a score just above 0.5 may therefore well be less likely than not.
        """
        margins = self.blended(
            np.asarray(self.terms.matrix(texts) @ self.term_coefficients.T) + self.term_intercepts,
            self._vector_margins(vectors),
        )
        probabilities = self.probabilities(margins)
        return probabilities if self.mode == "MULTI_CLASS" else around_half(probabilities, self.cut)

    def _vector_margins(self, vectors: Matrix | None) -> NDArray[np.float32] | None:
        if not self.reads_vectors:
            return None
        if vectors is None:
            raise ValueError("this classifier needs sentence vectors")
        margins: NDArray[np.float32] = vectors @ self.vector_coefficients.T + self.vector_intercepts
        return margins

    def blended(self, by_terms: NDArray[Any], by_vectors: NDArray[Any] | None) -> NDArray[np.float64]:
        """Return the margins of both votes as one. A vote that is certain of one label outweighs a bare majority."""
        margins = self.term_share * self.sharpness[0] * by_terms.astype(np.float64)
        return margins if by_vectors is None else margins + (1 - self.term_share) * self.sharpness[1] * by_vectors

    def probabilities(self, margins: NDArray[Any], factor: float = 1.0) -> NDArray[np.float64]:
        """Turn margins into probabilities: over all labels with one label per document, of each label with several."""
        scaled = margins.astype(np.float64) * factor
        result: NDArray[np.float64] = softmax(scaled, axis=1) if self.mode == "MULTI_CLASS" else expit(scaled)
        return result

    def decide(self, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which labels each document gets: the best one, or those with at least 0.5."""
        if self.mode == "MULTI_LABEL":
            return scores >= 0.5
        chosen = np.zeros(scores.shape, dtype=np.bool_)
        chosen[np.arange(len(scores)), scores.argmax(axis=1)] = True
        return chosen

    def to_artifact(self) -> Artifact:
        """Return the model as an artifact. Coefficients are half floats, which changed no measured decision."""
        meta = {
            "mode": self.mode,
            "language": self.language,
            "term_share": self.term_share,
            "sharpness": list(self.sharpness),
            "cut": self.cut,
        }
        arrays: dict[str, NDArray[Any]] = {
            "idf_words": self.terms.idfs[0],
            "idf_letters": self.terms.idfs[1],
            "term_coefficients": self.term_coefficients.astype(np.float16),
            "term_intercepts": self.term_intercepts,
            "vector_coefficients": self.vector_coefficients,
            "vector_intercepts": self.vector_intercepts,
        }
        words, letters = self.terms.vocabularies
        return Artifact(KIND, meta, arrays, {"labels": self.labels, "words": words, "letters": letters})

    @classmethod
    def from_artifact(cls, artifact: Artifact) -> ClassifierModel:
        """Read a model. Raise ``ValueError``, ``KeyError`` or ``TypeError`` if parts are missing or do not match."""
        meta, arrays, texts = artifact.meta, artifact.arrays, artifact.texts
        if meta["mode"] not in ("MULTI_CLASS", "MULTI_LABEL"):
            raise ValueError(f"unknown mode {meta['mode']!r}")
        idfs = [arrays["idf_words"].astype(np.float32), arrays["idf_letters"].astype(np.float32)]
        term_sharpness, vector_sharpness = map(float, meta["sharpness"])
        model = cls(
            mode=meta["mode"],
            language=str(meta["language"]),
            labels=texts["labels"],
            terms=Terms([texts["words"], texts["letters"]], idfs),
            term_coefficients=arrays["term_coefficients"].astype(np.float32),
            term_intercepts=arrays["term_intercepts"].astype(np.float32),
            vector_coefficients=arrays["vector_coefficients"].astype(np.float32),
            vector_intercepts=arrays["vector_intercepts"].astype(np.float32),
            term_share=float(meta["term_share"]),
            sharpness=(term_sharpness, vector_sharpness),
            cut=float(meta["cut"]),
        )
        labels = len(model.labels)
        shapes = [model.term_coefficients.shape, (labels, model.terms.width)], [model.term_intercepts.shape, (labels,)]
        for found, wanted in shapes:
            if found != wanted:
                raise ValueError(f"an array has the shape {found}, not {wanted}")
        if model.vector_coefficients.shape[0] != labels:
            raise ValueError(f"the vectors' coefficients are not for {labels} labels")
        return model


def around_half(probabilities: NDArray[np.float64], cut: float) -> NDArray[np.float64]:
    """Return probabilities as scores that are 0.5 or more from ``cut`` on, for clients that cut at 0.5.

    Only probabilities near the cut and 0.5 change: they move close to 0.5, on their side of the cut, and keep their
    order. With a wider range, many labels would seem likelier than they are.
    """
    if cut <= 0.5:
        end = 0.5 + _BESIDE
        moved = 0.5 + _BESIDE * (probabilities - cut) / (end - cut)
        return np.where((probabilities >= cut) & (probabilities < end), moved, probabilities)
    end = 0.5 - _BESIDE
    moved = np.minimum(0.5 - _BESIDE * (cut - probabilities) / (cut - end), np.nextafter(0.5, 0))
    return np.where((probabilities < cut) & (probabilities > end), moved, probabilities)
