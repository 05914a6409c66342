"""Adding the types that a corpus does not annotate, with the packaged recognizer.

Otherwise a tweet corpus that annotates persons, places and organizations would teach that dates are not entities.
"""

from __future__ import annotations

from collections.abc import Iterable

from models.entity_corpora import Sentence
from reading_room.analysis.engines.packaged_pipeline import load_english

COMPREHEND_TYPES = {
    **dict.fromkeys(("GPE", "LOC", "FAC"), "LOCATION"),
    **dict.fromkeys(("DATE", "TIME"), "DATE"),
    **dict.fromkeys(("CARDINAL", "ORDINAL", "MONEY", "PERCENT", "QUANTITY"), "QUANTITY"),
    **dict.fromkeys(("NORP", "LANGUAGE", "LAW"), "OTHER"),
    "PERSON": "PERSON",
    "ORG": "ORGANIZATION",
    "PRODUCT": "COMMERCIAL_ITEM",
    "EVENT": "EVENT",
    "WORK_OF_ART": "TITLE",
}
"""The recognizer's types (those of OntoNotes) mapped to Comprehend's."""

_BEFORE = frozenset({"the", "a", "an", '"', "``", "'", "“"})
_AFTER = frozenset({"'s", "’s", '"', "''", "'", "”", "."})


def fill(sentences: Iterable[Sentence]) -> None:
    """Add the recognizer's entities of types that the sentence's corpus does not annotate; gold spans stay."""
    listed = list(sentences)
    rendered = [sentence.render() for sentence in listed]
    nlp = load_english({"ner"})
    for sentence, (_, places), doc in zip(listed, rendered, nlp.pipe(text for text, _ in rendered), strict=True):
        taken = {index for first, end, _ in sentence.spans for index in range(first, end)}
        for entity in doc.ents:
            kind = COMPREHEND_TYPES[entity.label_]
            if kind in sentence.annotated:
                continue
            found = [i for i, (begin, end) in enumerate(places) if begin < entity.end_char and end > entity.start_char]
            while found and sentence.tokens[found[0]].lower() in _BEFORE:
                found = found[1:]
            while found and sentence.tokens[found[-1]] in _AFTER:
                found = found[:-1]
            if found and taken.isdisjoint(found):
                sentence.spans.append((found[0], found[-1] + 1, kind))
                taken.update(found)
        sentence.spans.sort()
