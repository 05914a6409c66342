"""Recall profiles for tests, as ``reading-room pii calibrate`` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reading_room.analysis.recall_profile import engine_version


def profile_members(thresholds: Mapping[str, float] = {"NAME": 0.6}, **changes: Any) -> dict[str, Any]:
    """Return the members of a profile of the present engine."""
    language = changes.get("LanguageCode", "en")
    members: dict[str, Any] = {
        "LanguageCode": language,
        "Recall": 0.98,
        "Confidence": 0.95,
        "Thresholds": dict(thresholds),
        "Documents": dict.fromkeys(thresholds, 200),
        "SampleDocuments": 300,
        "SampleSHA256": "0" * 64,
        "CreatedAt": "2026-11-30T21:05:00Z",
        "Engine": engine_version(language),
    }
    return members | changes


def profile_text(thresholds: Mapping[str, float] = {"NAME": 0.6}, **changes: Any) -> str:
    """Return a profile as JSON."""
    return json.dumps(profile_members(thresholds, **changes))
