"""The words of a collection: which are terms, and which say nothing about a topic."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import import_module

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

LANGUAGES = ("en", "es", "fr", "de", "it", "pt")
"""The languages with known stop words. The language of a collection is the one with most stop words in it."""

MOST_WORDS = 30_000
LEAST_DOCUMENTS_OF_A_WORD = 3

_WORD = r"(?u)\b[^\W\d_][^\W\d_]+\b"
_PATTERN = re.compile(_WORD)

# Words of talk and remains of contractions, which are not in stop word lists for edited text.
_TALK = frozenset(
    """
    don doesn didn isn aren wasn weren won wouldn couldn shouldn hasn haven hadn ain ve ll re like just know think
    people want going got get gets getting use used using make made way say said says does did really thing things
    good right need time look see come came let maybe probably actually sure lot try point better tell yes years year
    mean read something anything someone anyone anybody everyone nothing thanks thank please hi hello dear com
    edu org www http https mail email able away best bit case far fact gave give given going help idea kind little
    long new old question real start stuff thought took trying couple guess wondering looking post article note
    """.split()  # noqa: SIM905
)


class Words:
    """The terms of a collection, found in a sample of it."""

    def __init__(self, sample: Sequence[str]) -> None:
        """Find the terms. Raise ``ValueError`` if the sample has no word that could be a term."""
        lower = [text.lower() for text in sample]
        least = LEAST_DOCUMENTS_OF_A_WORD if len(sample) > 100 else 1
        self._vectorizer = CountVectorizer(
            token_pattern=_WORD,
            stop_words=sorted(stop_words(lower)),
            min_df=least,
            max_df=0.4 if len(sample) > 100 else 1.0,
            max_features=MOST_WORDS,
            dtype=np.float32,
        )
        try:
            counts = self._vectorizer.fit_transform(lower)
        except ValueError:
            # No word is in several documents but not in most, so any word must do.
            self._vectorizer.set_params(min_df=1, max_df=1.0)
            counts = self._vectorizer.fit_transform(lower)
        self.counts: sparse.csr_matrix = counts.tocsr()
        """Documents of the sample x terms."""
        self.names = [str(name) for name in self._vectorizer.get_feature_names_out()]
        documents = np.asarray((self.counts > 0).sum(axis=0)).ravel()
        self._idf = (np.log((1 + len(sample)) / (1 + documents)) + 1).astype(np.float32)

    def weighted(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return TF-IDF of counts, from the logarithms of the counts, with rows of length 1."""
        weighted = counts.copy()
        weighted.data = 1 + np.log(weighted.data)
        weighted = weighted.multiply(self._idf).tocsr()
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        return sparse.diags_array(1 / np.maximum(lengths, 1e-9)).astype(np.float32).dot(weighted).tocsr()

    def count(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return the counts of terms in any texts, documents x terms."""
        return self._vectorizer.transform([text.lower() for text in texts]).tocsr()


def stop_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the stop words of the language that these lower-case texts most likely have."""
    counts = Counter(word for text in texts for word in _PATTERN.findall(text[:2_000]))
    lists = {code: frozenset(import_module(f"spacy.lang.{code}.stop_words").STOP_WORDS) for code in LANGUAGES}
    best = max(LANGUAGES, key=lambda code: sum(counts[word] for word in lists[code]))
    return lists[best] | (_TALK if best == "en" else frozenset())
