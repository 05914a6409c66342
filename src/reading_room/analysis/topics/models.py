"""Three ways to find topics: each learns from a sample and returns the shares of the topics in any document.

``embedding``, the default, groups sentence vectors and words (MiniLM and k-means). Measured on news groups, it is right
far more often than counting words. ``nmf`` factorises TF-IDF; it needs seconds, and its terms are the most coherent.
``lda`` is latent Dirichlet allocation, which Amazon documents for Comprehend.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import softmax
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from reading_room.analysis.topics.features import features, unit
from reading_room.analysis.topics.words import Words

SEED = 20_261_125

Shares = NDArray[np.float64]
"""Documents x topics; each row sums to 1, or is zero if the document has none of the topics."""


class TopicModel(Protocol):
    """Topics that were found in a sample."""

    sample_shares: Shares
    """The shares of the sample's documents, in their order."""

    def shares(self, counts: sparse.csr_matrix) -> Shares:
        """Return the shares of further documents, given their word counts."""
        ...


class EmbeddingTopics:
    """Groups of sentence vectors. Documents outside the sample are assigned by their words."""

    sharpness = 5.5
    """The factor for cosines with which a document's largest share is about the probability that its topic is right."""

    def __init__(self, words: Words, vectors: NDArray[np.float32], topics: int, between: Callable[[], None]) -> None:
        """Find the topics. ``vectors`` are those of the sample's documents, a row of length 1 each."""
        self._words = words
        between()
        rows = features(vectors, words.weighted(words.counts), topics, SEED)
        between()
        with warnings.catch_warnings():
            # Equal documents make fewer groups than requested, which is correct.
            warnings.simplefilter("ignore", ConvergenceWarning)
            centres = unit(KMeans(topics, n_init=4, random_state=SEED).fit(rows).cluster_centers_.astype(np.float32))
        self.sample_shares = softmax(self.sharpness * (rows @ centres.T).astype(np.float64), axis=1)
        self._labels = self.sample_shares.argmax(axis=1)
        self._topics = topics
        self._classifier: LogisticRegression | None = None

    def shares(self, counts: sparse.csr_matrix) -> Shares:
        """Return the shares according to a classifier of words that is trained on the sample."""
        if self._classifier is None:
            # Trained when first needed, because it never is if the sample contains every document.
            self._classifier = LogisticRegression(C=10, max_iter=60)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                self._classifier.fit(self._words.weighted(self._words.counts), self._labels)
        found = np.zeros((counts.shape[0], self._topics))
        found[:, self._classifier.classes_] = self._classifier.predict_proba(self._words.weighted(counts))
        return found


class NmfTopics:
    """Non-negative factors of TF-IDF."""

    def __init__(self, words: Words, topics: int, between: Callable[[], None]) -> None:
        self._words = words
        between()
        self._model = NMF(topics, init="nndsvda", random_state=SEED, max_iter=200)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.sample_shares = _rows_to_one(self._model.fit_transform(words.weighted(words.counts)))

    def shares(self, counts: sparse.csr_matrix) -> Shares:
        """Return the factors of further documents."""
        return _rows_to_one(self._model.transform(self._words.weighted(counts)))


class LdaTopics:
    """Latent Dirichlet allocation by Gibbs sampling."""

    alpha, eta, rounds = 0.1, 0.01, 400

    def __init__(self, words: Words, topics: int, between: Callable[[], None]) -> None:
        import tomotopy

        self._words = words
        self._model = tomotopy.LDAModel(k=topics, alpha=self.alpha, eta=self.eta, seed=SEED % 2**31)
        documents = self._documents(words.counts)
        for document in documents:
            if document:
                self._model.add_doc(document)
        for _ in range(self.rounds // 20):
            between()
            # One worker: with several, the result would depend on their order.
            self._model.train(20, workers=1)
        self.sample_shares = np.zeros((len(documents), topics))
        # The model keeps the documents in the order in which they were added.
        added = [row for row, document in enumerate(documents) if document]
        for row, document in zip(added, self._model.docs, strict=True):
            self.sample_shares[row] = document.get_topic_dist()

    def shares(self, counts: sparse.csr_matrix) -> Shares:
        """Return the topics inferred for further documents."""
        found = np.zeros((counts.shape[0], self._model.k))
        documents = [(row, words) for row, words in enumerate(self._documents(counts)) if words]
        made = [self._model.make_doc(words) for _, words in documents]
        if made:
            distributions, _ = self._model.infer(made, iterations=50, workers=1)
            for (row, _), distribution in zip(documents, distributions, strict=True):
                found[row] = distribution
        return found

    def _documents(self, counts: sparse.csr_matrix) -> list[list[str]]:
        names = self._words.names
        result = []
        for row in range(counts.shape[0]):
            span = slice(counts.indptr[row], counts.indptr[row + 1])
            pairs = zip(counts.indices[span], counts.data[span], strict=True)
            result.append([names[column] for column, count in pairs for _ in range(int(count))])
        return result


def _rows_to_one(values: NDArray[np.float64]) -> Shares:
    sums = values.sum(axis=1, keepdims=True)
    result: Shares = np.divide(values, sums, out=np.zeros_like(values, dtype=np.float64), where=sums > 0)
    return result
