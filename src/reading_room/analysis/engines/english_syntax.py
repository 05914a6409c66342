"""English parts of speech: the packaged tokenizer, and a separate tagger for the tags of Universal Dependencies.

The packaged tagger gives Penn tags. Rules that map them to universal tags are right for 0.92 of the words; a tagger
trained on the universal tags themselves (``models/english_syntax.py``) reaches 0.96. It is the network of the packaged
pipeline, trained further, with the packaged word vectors.

Score: the softmax's probability of the tag after dividing its logits by a temperature fitted on held-back texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import srsly
from numpy.typing import NDArray
from spacy.language import Language
from spacy.ml.models import MultiHashEmbed, build_tagger_model
from spacy.ml.models.tok2vec import MaxoutWindowEncoder, build_Tok2Vec_model
from spacy.tokens import Doc
from thinc.api import Model

from reading_room.analysis.engine import Result
from reading_room.analysis.engines.packaged_pipeline import load_english
from reading_room.analysis.engines.spacy_pipeline import SpacyPipeline
from reading_room.analysis.trained import weights

TAGS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "O", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SYM", "VERB",
)  # fmt: skip
"""In the order of the network's outputs. Universal Dependencies call "O" X."""

COMPONENT = "word_classes"
_ANSWERS = "word_classes"


def network() -> Model[list[Doc], Any]:
    """Return the tagger's network without weights: the packaged pipeline's layers and a softmax over ``TAGS``."""
    width = 96
    embed = MultiHashEmbed(
        width,
        attrs=["NORM", "PREFIX", "SUFFIX", "SHAPE", "SPACY", "IS_SPACE"],
        rows=[5000, 1000, 2500, 2500, 50, 50],
        include_static_vectors=True,
    )
    encode = MaxoutWindowEncoder(width, window_size=1, maxout_pieces=3, depth=4)
    return build_tagger_model(build_Tok2Vec_model(embed, encode), nO=len(TAGS), normalize=True)


def to_halves(model: Model[Any, Any]) -> bytes:
    """Serialise a network with its weights as 16-bit floats, which is half the size and changes no tag."""
    message = model.to_dict()
    message["params"] = [_cast(parameters, np.float16) for parameters in message["params"]]
    return bytes(srsly.msgpack_dumps(message))


def from_halves(model: Model[Any, Any], data: bytes) -> None:
    """Fill a network with the output of ``to_halves``. Raise ``ValueError`` if it is from another network."""
    message = srsly.msgpack_loads(data)
    message["params"] = [_cast(parameters, np.float32) for parameters in message["params"]]
    model.from_dict(message)


def _cast(parameters: dict[str, Any], kind: type[np.floating[Any]]) -> dict[str, Any]:
    return {name: None if value is None else np.asarray(value, dtype=kind) for name, value in parameters.items()}


class WordClasses:
    """A component that stores, for every word of a document, its tag's index and the tag's probability."""

    def __init__(self, model: Model[list[Doc], Any], temperature: float) -> None:
        self._model = model
        self._power = 1 / temperature

    def __call__(self, doc: Doc) -> Doc:
        self.set_annotations([doc], self.predict([doc]))
        return doc

    def predict(self, docs: list[Doc]) -> list[NDArray[np.float32]]:
        """Return the tags' probabilities of each document, words x tags."""
        if not any(len(doc) for doc in docs):
            return [np.zeros((0, len(TAGS)), dtype=np.float32) for _ in docs]
        # A temperature on logits is a power on probabilities.
        raised = [np.power(np.maximum(answer, 1e-12), self._power) for answer in self._model.predict(docs)]
        return [answer / answer.sum(axis=1, keepdims=True) for answer in raised]

    @staticmethod
    def set_annotations(docs: list[Doc], answers: list[NDArray[np.float32]]) -> None:
        """Store each document's tags and probabilities in it."""
        for doc, answer in zip(docs, answers, strict=True):
            doc.user_data[_ANSWERS] = (answer.argmax(axis=1), answer.max(axis=1, initial=0.0))


@Language.factory(COMPONENT, default_config={"temperature": 1.0})
def _word_classes(nlp: Language, name: str, temperature: float) -> WordClasses:
    model = network()
    from_halves(model, weights("english-syntax", "tagger.msgpack").read_bytes())
    return WordClasses(model, temperature)


class EnglishSyntax:
    """Words with their parts of speech, without blanks."""

    result_member = "SyntaxTokens"

    def __init__(self) -> None:
        """Load vectors, tokenizer and tagger. Raise ``ChangedModel``."""
        nlp = load_english(())
        fitted = json.loads(weights("english-syntax", "scores.json").read_text(encoding="utf-8"))
        nlp.add_pipe(COMPONENT, config={"temperature": float(fitted["temperature"])})
        self._pipeline = SpacyPipeline(nlp, self._tokens)
        list(self.analyse(["Warm."]))

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the words of each text in order, numbered from 1."""
        for result in self._pipeline.analyse(texts):
            # Numbered here, because a long text comes in pieces that do not know their place.
            for number, token in enumerate(result, 1):
                token["TokenId"] = number
            yield result

    @staticmethod
    def _tokens(doc: Doc, offset: int, text: str) -> Result:
        tags, scores = doc.user_data[_ANSWERS]
        return [
            {
                "TokenId": 0,
                "Text": token.text,
                "BeginOffset": offset + token.idx,
                "EndOffset": offset + token.idx + len(token),
                "PartOfSpeech": {"Tag": TAGS[tag], "Score": float(score)},
            }
            for token, tag, score in zip(doc, tags, scores, strict=True)
            if not token.is_space
        ]
