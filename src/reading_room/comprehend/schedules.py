"""The schedules of flywheels: a tag that starts iterations by itself.

Its value is a rate, such as ``rate(7 days)``, or a cron expression in EventBridge's syntax, such as
``cron(0 3 ? * SUN *)``. The tag is an extension: AWS has none.
"""

from __future__ import annotations

import datetime as dt
import re

from reading_room.comprehend.cron import Cron, CronError
from reading_room.comprehend.errors import ScheduleTagInvalid

SCHEDULE_TAG = "reading-room:iteration-schedule"
LONGEST = 256
"""The most characters of a value, as of any tag."""
_RATE = re.compile(r"rate\(([1-9][0-9]{0,3}) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_FIRST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def check_schedule(value: str | None, *, of_flywheel: bool) -> None:
    """Raise ``ScheduleTagInvalid`` for a value that is no schedule, or is not ``of_flywheel``; ``None`` is no tag."""
    if value is None:
        return
    if not of_flywheel:
        raise ScheduleTagInvalid(SCHEDULE_TAG, value, "this is something else")
    if next_time(value, _FIRST) is None:
        raise ScheduleTagInvalid(SCHEDULE_TAG, value, "no year has such a day")


def next_time(value: str, after: dt.datetime) -> dt.datetime | None:
    """Return when a schedule is due next, ``None`` if it never is again. Raises ``ScheduleTagInvalid``."""
    if len(value) > LONGEST:
        raise ScheduleTagInvalid(SCHEDULE_TAG, value[:LONGEST], f"it has more than {LONGEST} characters")
    if (period := _period(value)) is not None:
        return after + period
    if (cron := _CRON.fullmatch(value)) is None:
        raise ScheduleTagInvalid(SCHEDULE_TAG, value, "this is neither")
    try:
        return Cron.parse(cron[1]).after(after)
    except CronError as error:
        raise ScheduleTagInvalid(SCHEDULE_TAG, value, str(error)) from error


def following(value: str, due: dt.datetime, now: dt.datetime) -> dt.datetime | None:
    """Return the first time after ``now`` at which a schedule is due that was due at ``due``, ``None`` if never.

    Raises ``ScheduleTagInvalid``.
    """
    if (period := _period(value)) is None:
        return next_time(value, now)
    return due + period * ((now - due) // period + 1)


def _period(value: str) -> dt.timedelta | None:
    rate = _RATE.fullmatch(value)
    return None if rate is None else dt.timedelta(**{f"{rate[2]}s": int(rate[1])})
