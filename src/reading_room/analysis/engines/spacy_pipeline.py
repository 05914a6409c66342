"""A spaCy pipeline over a stream of texts, at the best speed measured and with constant memory.

The components are called directly, with a batch of a limited number of code points. ``Language.pipe`` counts documents
and not text, and passes its components a quarter of a batch. With long documents that takes unlimited memory, with
short ones it has a tenth of the speed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

from spacy.language import Language
from spacy.tokens import Doc

from reading_room.analysis.engine import Result
from reading_room.analysis.segments import Piece, by_pieces

BATCH = 256
BATCH_CODE_POINTS = 32_000
"""Measured with documents of 2 KB: half as much is no slower, four times as much needs 300 MB more."""

ZONE_CODE_POINTS = 10_000_000
"""After so much text, its words are forgotten. That costs time, because they must be added again."""

CACHED_CHUNKS = 200_000
"""How many strings between blanks have their tokens cached within a zone. spaCy's default of 10,000 is full after a
novel."""

Reader = Callable[[Doc, int, str], Result]
"""Makes results from an analysed piece: the document, the piece's offset in the whole text, and the piece."""


CHUNK_CODE_POINTS = 256
"""How many code points between blanks are tokenized at once. From a run of quotes or brackets, spaCy's tokenizer
removes one after another, and copies the rest each time."""
_LONG_CHUNK = re.compile(rf"\S{{{CHUNK_CODE_POINTS + 1},}}")


def chunks(text: str) -> list[str]:
    """Cut a text into parts with at most ``CHUNK_CODE_POINTS`` between blanks; together they are the text."""
    cuts = [0]
    for found in _LONG_CHUNK.finditer(text):
        cuts += range(found.start() + CHUNK_CODE_POINTS, found.end(), CHUNK_CODE_POINTS)
    return [text[begin:end] for begin, end in itertools.pairwise([*cuts, len(text)])]


def tokenized(nlp: Language, text: str) -> Doc:
    """Return the tokens of a text, in time proportional to its length."""
    parts = chunks(text)
    if len(parts) == 1:
        return nlp.make_doc(text)
    return Doc.from_docs([nlp.make_doc(part) for part in parts], ensure_whitespace=False)


class SpacyPipeline:
    """Runs every component of ``nlp`` over texts and reads each document while it is valid."""

    def __init__(self, nlp: Language, read: Reader) -> None:
        self._nlp = nlp
        self._read = read
        self._zone: ExitStack | None = None
        self._met = 0
        nlp.tokenizer.max_cache_size = CACHED_CHUNKS  # type: ignore[union-attr]

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield one result per text, with the pieces of a long one joined. Reads a batch ahead."""
        return by_pieces(texts, BATCH, BATCH_CODE_POINTS, self._read_all)

    def _read_all(self, batch: list[Piece]) -> list[Result]:
        self._forget_in_time(sum(len(piece.text) for piece in batch))
        # All documents are read before any result is yielded, because a document is only valid within its zone.
        return [self._read(doc, piece.offset, piece.text) for doc, piece in zip(self._docs(batch), batch, strict=True)]

    def _docs(self, batch: list[Piece]) -> list[Doc]:
        docs = [tokenized(self._nlp, piece.text) for piece in batch]
        for _, component in self._nlp.pipeline:
            if hasattr(component, "predict"):
                component.set_annotations(docs, component.predict(docs))  # type: ignore[attr-defined]
            else:
                docs = [component(doc) for doc in docs]
        return docs

    def _forget_in_time(self, code_points: int) -> None:
        self._met += code_points
        if self._zone is None or self._met > ZONE_CODE_POINTS:
            if self._zone is not None:
                self._zone.close()
            self._zone, self._met = ExitStack(), code_points
            self._zone.enter_context(self._nlp.memory_zone())
