"""Texts in which personal data is looked for, and samples in which it is marked."""

from __future__ import annotations

import json

from reading_room.analysis import recall_profile as profiles
from reading_room.analysis.engines.pii.engine import PiiRules
from reading_room.analysis.engines.pii.finding import whole_numbers, without_overlaps
from reading_room.analysis.kinds import PII
from reading_room.analysis.marked_sample import SampleError, read
from reading_room.analysis.recall_profile import ProfileError

_RULES = tuple(map(PiiRules, PII.languages))


def personal_data(data: bytes) -> None:
    """Find personal data in any text: places that exist, in order, without overlaps and without half a number."""
    text = data.decode("utf-8", "replace")
    for rules in _RULES:
        last = 0
        for begin, end, kind, score in without_overlaps(whole_numbers(text, rules.find(text))):
            assert last <= begin < end <= len(text)
            assert kind.isupper()
            assert 0 < score < 1
            for before, after in ((text[begin - 1 : begin], text[begin]), (text[end - 1], text[end : end + 1])):
                assert not (before.isascii() and before.isdigit() and after.isascii() and after.isdigit())
            last = end


def marked_sample(data: bytes) -> None:
    """Read a sample: places that exist, or an error that names the line."""
    try:
        documents = list(read(data.split(b"\n")))
    except SampleError as error:
        _check(str(error))
        return
    for text, items in documents:
        assert all(0 <= begin < end <= len(text) for begin, end, _ in items)


def recall_profile(data: bytes) -> None:
    """Read a recall profile: one that stays the same, or an error that can be printed."""
    try:
        profile = profiles.read(data)
    except ProfileError as error:
        str(error).encode()
        return
    assert profiles.read(json.dumps(profile.members())) == profile
    assert all(0 <= score <= 1 for score in profile.thresholds.values())
    assert max(profile.documents.values()) <= profile.sample_documents
    assert profile.bound().isprintable()


def _check(message: str) -> None:
    """Check a message for the person who made the sample: it can be printed, and names the line."""
    message.encode()
    assert message.startswith("line ")
