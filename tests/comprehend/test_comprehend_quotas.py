"""Amazon's rates of Comprehend's calls, in the profile ``aws``."""

from __future__ import annotations

import datetime as dt

import pytest

from reading_room.comprehend.errors import RateExceeded
from reading_room.comprehend.quotas import Quotas
from reading_room.settings import Settings


def test_a_rate_holds_by_the_second_and_also_after_the_clock_was_set_back() -> None:
    now = [dt.datetime(2026, 5, 1, tzinfo=dt.UTC)]
    quotas = Quotas(Settings(profile="aws"), lambda: now[0])
    quotas.count("1", "TagResource")
    with pytest.raises(RateExceeded):
        quotas.count("1", "TagResource")
    now[0] += dt.timedelta(seconds=1)
    quotas.count("1", "TagResource")
    now[0] -= dt.timedelta(hours=1)
    with pytest.raises(RateExceeded):
        quotas.count("1", "TagResource")
    now[0] += dt.timedelta(seconds=1)
    quotas.count("1", "TagResource")
