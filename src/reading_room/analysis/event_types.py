"""The types of events, and results without those that a job does not ask for. Plain values, for worker and server."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

EVENT_TYPES = (
    "BANKRUPTCY",
    "EMPLOYMENT",
    "CORPORATE_ACQUISITION",
    "INVESTMENT_GENERAL",
    "CORPORATE_MERGER",
    "IPO",
    "RIGHTS_ISSUE",
    "SECONDARY_OFFERING",
    "SHELF_OFFERING",
    "TENDER_OFFERING",
    "STOCK_SPLIT",
)
"""In the order of the service's guide."""
MISSPELLED = {"CORPORATE_ACQUISTION": "CORPORATE_ACQUISITION"}
"""How the guide's table spells a type, beside its samples."""
TARGETS = "TargetEventTypes"
"""The member of a request that names the types to find."""


def unknown(types: Collection[str]) -> list[str]:
    """Return the names that are no types, in order."""
    return [each for each in types if each not in EVENT_TYPES and each not in MISSPELLED]


def targeted(result: dict[str, Any], types: Collection[str]) -> dict[str, Any]:
    """Return a document's result with events of some types only, and with the entities that those have as arguments."""
    wanted = {MISSPELLED.get(each, each) for each in types}
    events = [event for event in result["Events"] if event["Type"] in wanted]
    kept = sorted({argument["EntityIndex"] for event in events for argument in event["Arguments"]})
    places = {index: place for place, index in enumerate(kept)}
    return {
        "Entities": [result["Entities"][index] for index in kept],
        "Events": [
            event | {"Arguments": [each | {"EntityIndex": places[each["EntityIndex"]]} for each in event["Arguments"]]}
            for event in events
        ],
    }
