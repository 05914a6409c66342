"""The schedules of flywheels: a tag that starts iterations by itself.

Its value is a rate, such as ``rate(7 days)``. It is an extension: AWS has none.
"""

from __future__ import annotations

import datetime as dt
import re

from reading_room.comprehend.errors import ScheduleTagInvalid

SCHEDULE_TAG = "reading-room:iteration-schedule"
LONGEST = 100
"""The most characters of a value."""
_RATE = re.compile(r"rate\(([1-9][0-9]{0,3}) (minute|hour|day)s?\)")


def check_schedule(value: str | None, *, of_flywheel: bool) -> None:
    """Raise ``ScheduleTagInvalid`` for a value that is no schedule, or is not ``of_flywheel``; ``None`` is no tag."""
    if value is None:
        return
    if not of_flywheel:
        raise ScheduleTagInvalid(SCHEDULE_TAG, value, "this is something else")
    next_time(value, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


def next_time(value: str, after: dt.datetime) -> dt.datetime:
    """Return when a schedule is due next. Raises ``ScheduleTagInvalid``."""
    if len(value) > LONGEST:
        raise ScheduleTagInvalid(SCHEDULE_TAG, value[:LONGEST], f"it has more than {LONGEST} characters")
    if (rate := _RATE.fullmatch(value)) is None:
        raise ScheduleTagInvalid(SCHEDULE_TAG, value, "this is none")
    return after + dt.timedelta(**{f"{rate[2]}s": int(rate[1])})


def following(value: str, due: dt.datetime, now: dt.datetime) -> dt.datetime:
    """Return the first time after ``now`` at which a schedule is due that was due at ``due``."""
    period = next_time(value, due) - due
    return due + period * ((now - due) // period + 1)
