"""Recall profiles: what is read is what was written, and what is none is refused with the member that is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reading_room.analysis.recall_profile import LIMIT, ProfileError, engine_version, read
from tests.worlds.recall_profiles import profile_members, profile_text


def test_a_profile_survives_being_written_and_read() -> None:
    profile = read(profile_text({"NAME": 0.25, "EMAIL": 1.0, "SSN": 0}))
    assert read(json.dumps(profile.members())) == profile
    assert read(profile_text().encode()).thresholds == {"NAME": 0.6}
    assert not profile.stale


def test_a_profile_says_under_which_bound_it_finds() -> None:
    said = read(profile_text({"NAME": 0.25, "EMAIL": 1.0})).bound()
    for part in ("0.98", "0.95", "2 types", "300 documents", "2026-11-30", engine_version("en")):
        assert part in said


def test_a_profile_of_another_engine_is_stale() -> None:
    assert read(profile_text(Engine="pii-en 0123456789abcdef")).stale
    assert read(profile_text(Engine=engine_version("es"))).stale


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"LanguageCode": "xx"}, "LanguageCode must be one of en"),
        ({"LanguageCode": ["en"]}, "LanguageCode"),
        ({"Recall": 1}, "Recall must be a number between 0 and 1"),
        ({"Recall": 0}, "Recall"),
        ({"Recall": True}, "Recall"),
        ({"Recall": "0.9"}, "Recall"),
        ({"Confidence": float("nan")}, "Confidence"),
        ({"Thresholds": {}}, "Thresholds"),
        ({"Thresholds": [0.5]}, "Thresholds"),
        ({"Thresholds": {"NAME": 1.5}}, "Thresholds"),
        ({"Thresholds": {"NAME": float("inf")}}, "Thresholds"),
        ({"Thresholds": {"NAME": None}}, "Thresholds"),
        ({"Thresholds": {"name": 0.5}}, "Thresholds"),
        ({"Thresholds": {"A" * 65: 0.5}}, "Thresholds"),
        ({"Thresholds": {f"A{'A' * n}": 0.5 for n in range(65)}}, "Thresholds"),
        ({"Documents": {"NAME": 1.0}}, "Documents"),
        ({"Documents": {"NAME": 0}}, "Documents"),
        ({"Documents": {"NAME": 10**400}}, "Documents"),
        ({"Documents": {"EMAIL": 3}}, "the same types"),
        ({"Documents": {"NAME": 301}}, "higher than SampleDocuments"),
        ({"SampleDocuments": -1}, "SampleDocuments"),
        ({"SampleSHA256": "0" * 63}, "SampleSHA256"),
        ({"CreatedAt": "2026-13-30T21:05:00Z"}, "CreatedAt"),
        ({"CreatedAt": 5}, "CreatedAt"),
        ({"Engine": "x\n"}, "Engine"),
        ({"More": 1}, "1 unknown members"),
    ],
)
def test_what_is_no_profile_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        read(json.dumps(profile_members() | changes))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no JSON"),
        ("[" * 10_000, "no JSON"),
        ("[]", "a JSON object"),
        ("{}", "has no Confidence"),
        (b"\xff", "no JSON"),
        ("\ud800", "no JSON"),
        ('{"Recall": 0.5, "Recall": 0.5}', "twice"),
        (" " * (LIMIT + 1), "at most 16,384"),
        ('{"Recall": 1' + "0" * 5_000 + "}", "no JSON"),
    ],
)
def test_what_is_no_object_is_refused(content: str | bytes, says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        read(content)


def test_the_version_of_an_engine_names_it_and_stays() -> None:
    assert engine_version("en").startswith("pii-en ")
    assert engine_version("en") == engine_version("en") != engine_version("es")
