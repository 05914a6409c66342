"""English targeted sentiment: the things that a text mentions, their mentions, and the sentiment of each mention.

Score of a mention: spaCy gives no probability. The score is the precision that the model's authors measured for a
name's label, for a common noun's parse, or for a pronoun's tag. It says nothing about the single mention.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from spacy.tokens import Doc

from reading_room.analysis.engine import Result, in_batches
from reading_room.analysis.engines.mention_groups import Group, grouped
from reading_room.analysis.engines.mentions import Mention, mentions
from reading_room.analysis.engines.packaged_pipeline import load_small
from reading_room.analysis.engines.sentiment_model import Scores, SentimentModel, members
from reading_room.analysis.engines.spacy_pipeline import BATCH, BATCH_CODE_POINTS, SpacyPipeline


class TargetedSentiment:
    """Finds mentions with spaCy and their sentiment per sentence; each sentence is read once for all its mentions."""

    result_member = "Entities"

    def __init__(self) -> None:
        nlp = load_small({"tok2vec", "tagger", "parser", "attribute_ruler", "ner"})
        measured = nlp.meta["performance"]
        self._precision = {label: float(figures["p"]) for label, figures in measured["ents_per_type"].items()}
        self._kinds = {"noun": float(measured["dep_las"]), "pronoun": float(measured["tag_acc"])}
        self._pipeline = SpacyPipeline(nlp, _read)
        self._model = SentimentModel()
        # The first call builds tables that later calls share.
        list(self.analyse(["It is warm."]))

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the entities of each text, in order of their first mention."""
        for batch in in_batches(texts, len, BATCH, BATCH_CODE_POINTS):
            found = [[each["mention"] for each in result] for result in self._pipeline.analyse(batch)]
            for of_text, scores in zip(found, self._sentiment(batch, found), strict=True):
                yield [self._entity(group, of_text, scores) for group in grouped(of_text)]

    def _sentiment(self, texts: list[str], found: list[list[Mention]]) -> list[list[Scores]]:
        """Return the four scores of every mention of every text."""
        places: dict[tuple[int, tuple[int, int]], list[int]] = {}
        for number, of_text in enumerate(found):
            for place, mention in enumerate(of_text):
                places.setdefault((number, mention.sentence), []).append(place)
        sentences = [texts[number][begin:end] for number, (begin, end) in places]
        spans = [
            [(found[number][place].begin - sentence[0], found[number][place].end - sentence[0]) for place in inside]
            for (number, sentence), inside in places.items()
        ]
        result: list[list[Scores]] = [[None] * len(of_text) for of_text in found]  # type: ignore[list-item]
        for ((number, _), inside), scores in zip(
            places.items(), self._model.mentions(sentences, spans) if sentences else [], strict=True
        ):
            for place, score in zip(inside, scores, strict=True):
                result[number][place] = score
        return result

    def _entity(self, group: Group, found: list[Mention], scores: list[Scores]) -> dict[str, Any]:
        return {
            "DescriptiveMentionIndex": group.descriptive(found),
            "Mentions": [
                {
                    "BeginOffset": found[member].begin,
                    "EndOffset": found[member].end,
                    "Score": self._score(found[member]),
                    "GroupScore": score,
                    "Text": found[member].text,
                    "Type": group.type if found[member].kind == "pronoun" else found[member].type,
                    "MentionSentiment": members(scores[member]),
                }
                for member, score in zip(group.members, group.scores, strict=True)
            ],
        }

    def _score(self, mention: Mention) -> float:
        return self._precision.get(mention.label, 0.5) if mention.kind == "name" else self._kinds[mention.kind]


def _read(doc: Doc, offset: int, text: str) -> Result:
    return [{"mention": mention} for mention in mentions(doc, offset)]
