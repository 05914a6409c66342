"""A custom recognizer: a CRF over words, tags and, if the encoder reads the language, the encoder's opinion of tokens.

CRFsuite, a C library, parses the CRF's file without checks. The hash of the artifact protects it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pycrfsuite
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax

from reading_room.analysis.custom.artifact import Artifact
from reading_room.analysis.custom.spans import runs
from reading_room.analysis.custom.token_features import features, known_strings
from reading_room.analysis.custom.token_vectors import TokenVectors
from reading_room.analysis.custom.tokens import Token, Tokenizer, stretches
from reading_room.analysis.engine import Result

KIND = "recognizer"

_STRETCHES_AT_ONCE = 64


class Found(NamedTuple):
    """An entity in a text, with the probability that the CRF gives to the labels of its tokens."""

    begin: int
    end: int
    kind: str
    probability: float


@dataclass(slots=True)
class Opinion:
    """A small network on token vectors: the weights of each layer, inputs x outputs, and its biases."""

    layers: list[tuple[NDArray[np.float32], NDArray[np.float32]]]

    def of(self, vectors: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return the probabilities of the labels of each token, tokens x labels."""
        values = vectors.astype(np.float32)
        for number, (weights, biases) in enumerate(self.layers):
            values = values @ weights + biases
            if number < len(self.layers) - 1:
                values = np.maximum(values, 0)
        result: NDArray[np.float32] = softmax(values, axis=1)
        return result


@dataclass(slots=True)
class RecognizerModel:
    """The data of a trained recognizer."""

    language: str
    types: list[str]
    labels: list[str]
    """The labels of the opinion's columns: O, B-type, I-type."""
    crf: bytes
    known: dict[str, str] = field(default_factory=dict)
    """Strings that several training documents mark as an entity, and the type of each; empty for an entity list."""
    opinion: Opinion | None = None
    calibration: tuple[float, float] = (1.0, 0.0)
    """Slope and offset that turn the CRF's log odds into the log odds of being right."""

    def score(self, probability: float) -> float:
        """Return how likely it is that an entity is right, given the CRF's probability."""
        slope, offset = self.calibration
        kept = min(max(probability, 1e-6), 1 - 1e-6)
        return float(expit(slope * logit(kept) + offset))

    def to_artifact(self) -> Artifact:
        """Return the model as an artifact."""
        meta: dict[str, Any] = {"language": self.language, "types": self.types, "calibration": list(self.calibration)}
        meta["layers"] = len(self.opinion.layers) if self.opinion else 0
        arrays: dict[str, NDArray[Any]] = {}
        for number, (weights, biases) in enumerate(self.opinion.layers if self.opinion else ()):
            arrays[f"weights{number}"] = weights.astype(np.float32)
            arrays[f"biases{number}"] = biases.astype(np.float32)
        texts = {"labels": self.labels, "known": list(self.known), "known_types": list(self.known.values())}
        return Artifact(KIND, meta, arrays, texts, {"crf": self.crf})

    @classmethod
    def from_artifact(cls, artifact: Artifact) -> RecognizerModel:
        """Read a model. Raise ``ValueError``, ``KeyError`` or ``TypeError`` if parts are missing or do not match."""
        meta, arrays, texts = artifact.meta, artifact.arrays, artifact.texts
        layers = [
            (arrays[f"weights{number}"].astype(np.float32), arrays[f"biases{number}"].astype(np.float32))
            for number in range(int(meta["layers"]))
        ]
        if layers and layers[-1][0].shape[1] != len(texts["labels"]):
            raise ValueError(
                f"the network has outputs for {layers[-1][0].shape[1]} labels, not for {len(texts['labels'])}"
            )
        slope, offset = map(float, meta["calibration"])
        return cls(
            language=str(meta["language"]),
            types=[str(kind) for kind in meta["types"]],
            labels=texts["labels"],
            crf=artifact.blobs["crf"],
            known=dict(zip(texts["known"], texts["known_types"], strict=True)),
            opinion=Opinion(layers) if layers else None,
            calibration=(slope, offset),
        )


class Recognizer:
    """A model that is ready to find entities in texts."""

    def __init__(self, model: RecognizerModel, tokenizer: Tokenizer, vectors: TokenVectors) -> None:
        """Load a model's CRF, and keep what reads texts for it. Raise ``ValueError`` if the CRF is malformed."""
        self.model = model
        self._tokenizer = tokenizer
        self._vectors = vectors
        self._tagger: Any = pycrfsuite.Tagger()
        self._tagger.open_inmemory(model.crf)

    def read(self, texts: Sequence[str]) -> Iterator[list[Found]]:
        """Yield the entities of each text, in order of appearance."""
        for text, tokens in zip(texts, self._tokenizer.tokens(texts), strict=True):
            yield self.find(text, tokens)

    def entities(self, texts: Sequence[str]) -> Iterator[Result]:
        """Yield the entities of each text in the form of the API."""
        for text, found in zip(texts, self.read(texts), strict=True):
            yield [
                {
                    "BeginOffset": one.begin,
                    "EndOffset": one.end,
                    "Score": self.model.score(one.probability),
                    "Text": text[one.begin : one.end],
                    "Type": one.kind,
                }
                for one in found
            ]

    def find(
        self, text: str, tokens: Sequence[Token], vectors: Sequence[NDArray[np.floating[Any]]] | None = None
    ) -> list[Found]:
        """Return the entities of a text with these tokens; ``vectors`` are those of its stretches, if known."""
        known = known_strings(tokens, text, self.model.known) if self.model.known else None
        cut = list(stretches(tokens))
        found: list[Found] = []
        position = 0
        for start in range(0, len(cut), _STRETCHES_AT_ONCE):
            some = cut[start : start + _STRETCHES_AT_ONCE]
            opinions = self._opinions(text, some, vectors[start : start + len(some)] if vectors else None)
            for stretch, opinion in zip(some, opinions, strict=True):
                here = known[position : position + len(stretch)] if known else None
                found += self._tagged(stretch, here, opinion)
                position += len(stretch)
        return found

    def _opinions(
        self, text: str, some: Sequence[Sequence[Token]], vectors: Sequence[NDArray[np.floating[Any]]] | None
    ) -> list[NDArray[np.float32] | None]:
        opinion = self.model.opinion
        if opinion is None:
            return [None] * len(some)
        read = vectors if vectors is not None else self._vectors.encode([(text, stretch) for stretch in some])
        return [opinion.of(matrix) for matrix in read]

    def _tagged(
        self, stretch: Sequence[Token], known: Sequence[str] | None, opinion: NDArray[np.float32] | None
    ) -> list[Found]:
        self._tagger.set(pycrfsuite.ItemSequence(features(stretch, known, opinion, self.model.labels)))
        labels = self._tagger.tag()
        found = []
        for first, behind, kind in runs(labels):
            # The least certain token counts, because an entity is right only as a whole.
            probability = min(self._tagger.marginal(labels[number], number) for number in range(first, behind))
            found.append(Found(stretch[first].begin, stretch[behind - 1].end, kind, probability))
        return found
