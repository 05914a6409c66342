"""Texts in which personal data is looked for."""

from __future__ import annotations

from reading_room.analysis.engines.pii.engine import PiiRules
from reading_room.analysis.engines.pii.finding import whole_numbers, without_overlaps

_RULES = (PiiRules("en"), PiiRules("es"))


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
