"""English events: rules for triggers, roles and groups, on the entity model's persons, companies, places and dates.

Scores of triggers, roles and groups are ranks of rules, and not measured probabilities; ``docs/kinds/events.md`` says
what was measured. Decision: ``docs/decisions/0111-events.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reading_room.analysis.engine import Members, in_batches, load_engine
from reading_room.analysis.engines.events.groups import Groups, grouped
from reading_room.analysis.engines.events.joining import Event, joined
from reading_room.analysis.engines.events.mentions import mentions
from reading_room.analysis.engines.events.parts import Text
from reading_room.analysis.engines.events.roles import Finder
from reading_room.analysis.engines.events.triggers import triggers

BATCH, BATCH_CODE_POINTS = 64, 64_000


class Events:
    """Finds events. A result has ``Entities``, those that are arguments of events, and ``Events``, of every type."""

    result_member = ""

    def __init__(self) -> None:
        """Load the entity model. Raise ``ChangedModel``."""
        self._entities = load_engine("entities-en")

    def analyse(self, texts: Iterable[str]) -> Iterator[Members]:
        """Yield the events of each text, in the order of their first trigger."""
        for batch in in_batches(texts, len, BATCH, BATCH_CODE_POINTS):
            for text, found in zip(batch, self._entities.analyse(batch), strict=True):
                yield events(text, found)  # type: ignore[arg-type]


def events(text: str, entities: Iterable[Mapping[str, Any]]) -> Members:
    """Return the events of a text from the entities that the model found in it."""
    here = Text(text)
    here.set_mentions(mentions(text, entities))
    groups = grouped(here)
    finder = Finder(here, groups)
    told = [(trigger, finder.roles(trigger)) for trigger in triggers(here)]
    return _written(here, groups, joined(told, groups))


def _written(text: Text, groups: Groups, found: list[Event]) -> Members:
    """Return events in the members of the API, with the groups that they have as arguments."""
    used = sorted({place for event in found for place, _ in event.arguments})
    index = {place: number for number, place in enumerate(used)}
    return {
        "Entities": [{"Mentions": _mentions(text, groups, place)} for place in used],
        "Events": [
            {
                "Type": event.type,
                "Arguments": [
                    {"EntityIndex": index[place], "Role": role, "Score": score}
                    for (place, role), score in event.arguments.items()
                ],
                "Triggers": [
                    {
                        "BeginOffset": trigger.begin,
                        "EndOffset": trigger.end,
                        "GroupScore": score,
                        "Score": trigger.score,
                        "Text": text.text[trigger.begin : trigger.end],
                        "Type": trigger.type,
                    }
                    for trigger, score in event.triggers
                ],
            }
            for event in found
        ],
    }


def _mentions(text: Text, groups: Groups, place: int) -> list[dict[str, Any]]:
    group = groups.groups[place]
    found = []
    for number, score in zip(group.members, group.scores, strict=True):
        mention = text.mentions[number]
        found.append(
            {
                "BeginOffset": mention.begin,
                "EndOffset": mention.end,
                "GroupScore": score,
                "Score": mention.score,
                "Text": mention.text,
                "Type": mention.type,
            }
        )
    return found
