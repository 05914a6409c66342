"""Triggers of the same event in one event: words that stand for another, and words with the same participants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reading_room.analysis.engines.events.groups import Groups
from reading_room.analysis.engines.events.parts import Trigger
from reading_room.analysis.engines.events.roles import Role

SAME, AGAIN = 1.0, 0.9
"""Group scores: of the first trigger, and of those that rules add."""

_KEYS = {
    "BANKRUPTCY": "FILER",
    "EMPLOYMENT": "EMPLOYEE",
    "CORPORATE_ACQUISITION": "INVESTEE",
    "INVESTMENT_GENERAL": "INVESTEE",
    "CORPORATE_MERGER": "PARTICIPANT",
    "IPO": "OFFEROR",
    "RIGHTS_ISSUE": "OFFEROR",
    "SECONDARY_OFFERING": "OFFEROR",
    "SHELF_OFFERING": "OFFEROR",
    "TENDER_OFFERING": "OFFEREE",
    "STOCK_SPLIT": "COMPANY",
}
"""The role that tells one event of a type from another."""
_STAGES = {"appointing": 0, "appointment": 0, "joining": 0, "serving": 1, "leaving": 2}
"""Beginning, holding and leaving a position are different events of the same person."""


@dataclass(slots=True)
class Event:
    """An event: its triggers with their group scores, and its arguments, each with the best score of its role."""

    type: str
    stage: int
    triggers: list[tuple[Trigger, float]] = field(default_factory=list)
    arguments: dict[tuple[int, str], float] = field(default_factory=dict)

    def add(self, trigger: Trigger, roles: Iterable[tuple[int, str, float]]) -> None:
        """Add a trigger with its arguments, which are groups of mentions."""
        self.triggers.append((trigger, AGAIN if self.triggers else SAME))
        for place, role, score in roles:
            self.arguments[place, role] = max(score, self.arguments.get((place, role), 0.0))

    def who(self) -> set[int]:
        """Return the groups in the role that tells this event from others."""
        return {place for place, role in self.arguments if role == _KEYS[self.type]}


def joined(told: Sequence[tuple[Trigger, list[Role]]], groups: Groups) -> list[Event]:
    """Return the events of triggers with their arguments, in the order of their first trigger."""
    events: list[Event] = []
    latest: dict[tuple[str, int], list[Event]] = {}
    for trigger, roles in told:
        placed = [(groups.of[each.mention], each.role, each.score) for each in roles]
        stage = _STAGES.get(trigger.form, 0)
        before = latest.setdefault((trigger.type, stage), [])
        event = _same(trigger, placed, before)
        if event is None:
            event = Event(trigger.type, stage)
            events.append(event)
            before.append(event)
        event.add(trigger, placed)
    return events


def _same(trigger: Trigger, placed: list[tuple[int, str, float]], before: list[Event]) -> Event | None:
    """Return the event that a trigger is about, if another trigger has told of it."""
    if not before:
        return None
    who = {place for place, role, _ in placed if role == _KEYS[trigger.type]}
    if trigger.form == "serving":
        # "Served as … from 2009 to 2012": each position is one.
        return None
    if trigger.anaphor or not who:
        return before[-1]
    for event in reversed(before[-8:]):
        if who & event.who() or not event.who():
            return event
    return None
