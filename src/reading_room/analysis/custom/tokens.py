"""Tokens of texts for a recognizer, with tags, in stretches that are short enough for the encoder.

English tokens have the part of speech, the detailed tag and the general entity that spaCy's small pipeline assigns.
Tokens of other languages have no tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from reading_room.analysis.engine import Result
from reading_room.analysis.engines.spacy_pipeline import SpacyPipeline

STRETCH_TOKENS = 100
"""The length of a stretch, which ends after a sentence if possible. The encoder reads about as much at once."""

_SENTENCE_ENDS = frozenset(".!?…")


class Token(NamedTuple):
    """A token: its place in the text in code points, its word, and its tags, which are empty if unknown."""

    begin: int
    end: int
    word: str
    pos: str = ""
    tag: str = ""
    entity: str = ""


class Tokenizer:
    """Makes the tokens of texts in one language. Loading the English tags takes a second or two."""

    def __init__(self, language: str) -> None:
        self._pipeline = SpacyPipeline(_load(language), _read)
        # The first call builds tables that later calls share.
        self.tokens(["Warm."])

    def tokens(self, texts: Sequence[str]) -> list[list[Token]]:
        """Return the tokens of each text, without blanks."""
        return [[Token(**token) for token in found] for found in self._pipeline.analyse(texts)]


def stretches(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Cut a text's tokens into consecutive stretches."""
    start = 0
    while len(tokens) - start > STRETCH_TOKENS:
        end = start + STRETCH_TOKENS
        for place in range(end, start + STRETCH_TOKENS // 2, -1):
            if tokens[place - 1].word in _SENTENCE_ENDS:
                end = place
                break
        yield tokens[start:end]
        start = end
    if start < len(tokens):
        yield tokens[start:]


def _load(language: str) -> Language:
    if language != "en":
        return spacy.blank(language)
    from reading_room.analysis.engines.packaged_pipeline import load_small

    return load_small({"tok2vec", "tagger", "attribute_ruler", "ner"})


def _read(doc: Doc, offset: int, text: str) -> Result:
    return [_token(token, offset) for token in doc if not token.is_space]


def _token(token: Any, offset: int) -> dict[str, Any]:
    begin = offset + token.idx
    entity = f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else ""
    return {
        "begin": begin,
        "end": begin + len(token.text),
        "word": token.text,
        "pos": token.pos_,
        "tag": token.tag_,
        "entity": entity,
    }
