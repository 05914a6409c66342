"""Cron expressions: the examples of EventBridge's documentation, and a plain description of what a field means."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.comprehend.cron import Cron, CronError

NOW = dt.datetime(2026, 12, 1, 4, 7, 30, tzinfo=dt.UTC)
"""A Tuesday."""
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def times(text: str, number: int = 2, after: dt.datetime = NOW) -> list[str]:
    """Return the next times of an expression."""
    cron = Cron.parse(text)
    found: list[str] = []
    due: dt.datetime | None = after
    while len(found) < number and due is not None and (due := cron.after(due)) is not None:
        found.append(f"{due:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("text", "next_times"),
    [
        ("0 10 * * ? *", ["2026-12-01 10:00", "2026-12-02 10:00"]),
        ("15 12 * * ? *", ["2026-12-01 12:15", "2026-12-02 12:15"]),
        ("0 18 ? * MON-FRI *", ["2026-12-01 18:00", "2026-12-02 18:00"]),
        ("0 8 1 * ? *", ["2026-12-01 08:00", "2027-01-01 08:00"]),
        ("0/15 * * * ? *", ["2026-12-01 04:15", "2026-12-01 04:30"]),
        ("0/10 * ? * MON-FRI *", ["2026-12-01 04:10", "2026-12-01 04:20"]),
        ("0/5 8-17 ? * MON-FRI *", ["2026-12-01 08:00", "2026-12-01 08:05"]),
        ("1/10 4 * * ? *", ["2026-12-01 04:11", "2026-12-01 04:21"]),
        ("0 0 1 JAN,feb,3 ? *", ["2027-01-01 00:00", "2027-02-01 00:00"]),
        ("0 0 3W * ? *", ["2026-12-03 00:00", "2027-01-04 00:00"]),
        ("0 0 1W 8 ? 2026-2027", ["2027-08-02 00:00"]),
        ("0 0 1W 5 ? 2027", ["2027-05-03 00:00"]),
        ("0 0 31W 1 ? 2027", ["2027-01-29 00:00"]),
        ("0 0 31W 2 ? *", []),
        ("0 0 L 2 ? *", ["2027-02-28 00:00", "2028-02-29 00:00"]),
        ("0 0 29 2 ? *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 0 ? * 3#2 *", ["2026-12-08 00:00", "2027-01-12 00:00"]),
        ("0 0 ? * TUE#5 *", ["2026-12-29 00:00", "2027-03-30 00:00"]),
        ("15 10 ? * 6L 2022-2027", ["2026-12-25 10:15", "2027-01-29 10:15"]),
        ("0 0 ? * L *", ["2026-12-05 00:00", "2026-12-12 00:00"]),
        ("0 0 1 1 ? 2020", []),
        ("0 0 31 2 ? *", []),
        ("59 23 31 12 ? 2199", ["2199-12-31 23:59"]),
    ],
)
def test_what_an_expression_means(text: str, next_times: list[str]) -> None:
    assert times(text) == next_times


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("* * * * *", "it has 5 fields instead of six"),
        ("", "it has 0 fields"),
        ("0 3 * * * *", "one of the day of month and the day of week must be ?"),
        ("0 3 ? * ? *", "one of the day of month and the day of week must be ?"),
        ("? 3 * * ? *", "the field of minutes takes 0 to 59, not '?'"),
        ("60 3 * * ? *", "takes 0 to 59, not '60'"),
        ("0 24 * * ? *", "the field of hours takes 0 to 23"),
        ("0 3 0 * ? *", "the field of days of the month takes 1 to 31"),
        ("0 3 * 13 ? *", "the field of months takes 1 to 12 or JAN to DEC, not '13'"),
        ("0 3 ? * 0 *", "the field of days of the week takes 1 to 7 or SUN to SAT"),
        ("0 3 ? * MONDAY *", "not 'MONDAY'"),
        ("0 3 * * ? 1969", "the field of years takes 1970 to 2199"),
        ("0 3 * * ? 2200", "the field of years"),
        ("5- 3 * * ? *", "not ''"),
        ("-5 3 * * ? *", "not ''"),
        ("30-10 3 * * ? *", "the range '30-10', which ends before it begins"),
        ("0/0 3 * * ? *", "the increment '0'"),
        ("0/ 3 * * ? *", "the increment ''"),
        ("0/5/5 3 * * ? *", "the increment '5/5'"),
        ("0,,5 3 * * ? *", "not ''"),
        ("٣ 3 * * ? *", "the field of minutes takes"),
        ("00005 3 * * ? *", "the field of minutes takes"),
        ("L 3 * * ? *", "not 'L'"),
        ("0 3 L-3 * ? *", "not 'L'"),
        ("0 3 1,15W * ? *", "not '1,15'"),
        ("0 3 W * ? *", "not ''"),
        ("0 3 ? * 3#1,6#3 *", "# takes one day and a number from 1 to 5"),
        ("0 3 ? * 3#6 *", "# takes one day"),
        ("0 3 ? * #2 *", "not ''"),
        ("0 3 ? * 2,6L *", "not '2,6'"),
        ("0 3 ? * MON/2 2026 *", "it has 7 fields"),
    ],
)
def test_an_expression_that_is_wrong_says_where(text: str, problem: str) -> None:
    with pytest.raises(CronError) as caught:
        Cron.parse(text)
    assert problem in str(caught.value)


def test_the_time_zone_is_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=5, minutes=30))
    due = Cron.parse("0 3 * * ? *").after(dt.datetime(2026, 12, 1, 8, 29, tzinfo=zone))
    assert due == dt.datetime(2026, 12, 1, 3, 0, tzinfo=dt.UTC)


# What a field contains, as text and as the plain list of its values.

Values = tuple[str, list[int]]


def lists(first: int, last: int) -> st.SearchStrategy[Values]:
    """Draw a list of numbers, ranges and increments."""
    number = st.integers(first, last)
    span = st.tuples(number, number).map(sorted)
    step = st.integers(1, last)
    part = st.one_of(
        st.just(("*", list(range(first, last + 1)))),
        number.map(lambda n: (str(n), [n])),
        span.map(lambda s: (f"{s[0]}-{s[1]}", [n for n in range(first, last + 1) if s[0] <= n <= s[1]])),
        st.tuples(number, step).map(
            lambda p: (f"{p[0]}/{p[1]}", [n for n in range(p[0], last + 1) if (n - p[0]) % p[1] == 0])
        ),
        step.map(lambda by: (f"*/{by}", [n for n in range(first, last + 1) if (n - first) % by == 0])),
    )
    return st.lists(part, min_size=1, max_size=3).map(
        lambda parts: (",".join(text for text, _ in parts), [n for _, found in parts for n in found])
    )


Fits = Callable[[dt.date], bool]


def _number(day: dt.date) -> int:
    return day.isoweekday() % 7 + 1


def _length(day: dt.date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest(day: dt.date, wanted: int) -> bool:
    """Say of a day whether it is the one from Monday to Friday with the smallest distance to a date of its month."""
    if wanted > _length(day):
        return False
    work = [n for n in range(1, _length(day) + 1) if day.replace(day=n).isoweekday() <= 5]
    return day.day == min(work, key=lambda n: abs(n - wanted))


def days() -> st.SearchStrategy[tuple[str, str, Fits]]:
    """Draw both fields of days, and which days they mean."""
    date, weekday = st.integers(1, 31), st.integers(1, 7)
    return st.one_of(
        lists(1, 31).map(lambda each: (each[0], "?", lambda day: day.day in each[1])),
        lists(1, 7).map(lambda each: ("?", each[0], lambda day: _number(day) in each[1])),
        st.just(("L", "?", lambda day: day.day == _length(day))),
        date.map(lambda n: (f"{n}W", "?", lambda day: _nearest(day, n))),
        st.tuples(weekday, st.integers(1, 5)).map(
            lambda p: ("?", f"{p[0]}#{p[1]}", lambda day: _number(day) == p[0] and (day.day - 1) // 7 + 1 == p[1])
        ),
        weekday.map(
            lambda n: ("?", f"{WEEKDAYS[n - 1]}L", lambda day: _number(day) == n and day.day + 7 > _length(day))
        ),
    )


@pytest.mark.costs(2, reason="each example looks at every day of several years")
@given(
    minutes=lists(0, 59),
    hours=lists(0, 23),
    days=days(),
    months=lists(1, 12),
    begin=st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2028, 12, 31)),
)
def test_the_next_time_is_the_first_one_that_fits(
    minutes: Values, hours: Values, days: tuple[str, str, Fits], months: Values, begin: dt.datetime
) -> None:
    of_month, of_week, fits = days
    after = begin.replace(tzinfo=dt.UTC)
    found = Cron.parse(f"{minutes[0]} {hours[0]} {of_month} {months[0]} {of_week} 2026-2030").after(after)
    assert found == _first(after, set(minutes[1]), set(hours[1]), set(months[1]), fits)


def _first(after: dt.datetime, minutes: set[int], hours: set[int], months: set[int], fits: Fits) -> dt.datetime | None:
    """Look at one day after the other, and at each minute of the first days that fit."""
    day = after.date()
    while day.year <= 2030:
        if day.month in months and fits(day):
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    at = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=dt.UTC)
                    if at > after:
                        return at
        day += dt.timedelta(days=1)
    return None


@given(st.text(alphabet="0123456789*?/,-LW# JANMONcron()", max_size=30))
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    with suppress(CronError):
        cron = Cron.parse(text)
        due = cron.after(NOW)
        assert due is None or due > NOW
