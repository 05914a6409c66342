"""Texts in which events of companies are looked for."""

from __future__ import annotations

import re
from itertools import cycle

from reading_room.analysis.engines.events.engine import events
from reading_room.analysis.event_types import EVENT_TYPES

_NAMES = re.compile(r"[A-Z]\w{1,20}(?: [A-Z]\w{1,20}){0,3}")
_TYPES = ("ORGANIZATION", "PERSON", "DATE", "LOCATION")


def told_events(data: bytes) -> None:
    """Find events in any text, whose capitalised words stand for the entity model: places and numbers that exist."""
    text = data.decode("utf-8", "replace")
    names = [
        {"BeginOffset": name.start(), "EndOffset": name.end(), "Score": 0.9, "Text": name[0], "Type": kind}
        for name, kind in zip(_NAMES.finditer(text), cycle(_TYPES), strict=False)
    ]
    found = events(text, names)
    entities = found["Entities"]
    used = set()
    for event in found["Events"]:
        assert event["Type"] in EVENT_TYPES
        assert event["Triggers"]
        assert {trigger["Type"] for trigger in event["Triggers"]} == {event["Type"]}
        used |= {argument["EntityIndex"] for argument in event["Arguments"]}
        assert all(0 < argument["Score"] < 1 for argument in event["Arguments"])
        for trigger in event["Triggers"]:
            _check(text, trigger)
    assert used == set(range(len(entities)))
    for entity in entities:
        for mention in entity["Mentions"]:
            _check(text, mention)


def _check(text: str, place: dict[str, object]) -> None:
    """Check that a place of a text has the words that it says, and that its scores are scores."""
    begin, end, score, group = (place[name] for name in ("BeginOffset", "EndOffset", "Score", "GroupScore"))
    assert isinstance(begin, int)
    assert isinstance(end, int)
    assert 0 <= begin < end
    assert text[begin:end] == place["Text"] != ""
    assert isinstance(score, float)
    assert isinstance(group, float)
    assert 0 < score <= 1
    assert 0 < group <= 1
