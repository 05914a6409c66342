"""The tag with which people say when iterations of a flywheel start."""

from __future__ import annotations

import datetime as dt

from reading_room.comprehend.errors import ScheduleTagInvalid
from reading_room.comprehend.schedules import check_schedule, following, next_time

NOW = dt.datetime(2026, 12, 1, 12, 30, 15, tzinfo=dt.UTC)


def schedule(data: bytes) -> None:
    """A schedule: refused with a message, or times that come one after the other, until there are no more."""
    value = data.decode(errors="replace")
    try:
        check_schedule(value, of_flywheel=True)
    except ScheduleTagInvalid as error:
        error.message.encode()
        return
    due = NOW
    for _ in range(3):
        after = next_time(value, due)
        if after is None:
            assert value.startswith("cron(")
            return
        assert after > due
        assert value.startswith("rate(") or (after.second, after.microsecond) == (0, 0)
        late = following(value, due, after)
        assert late is None or late > after
        due = after
