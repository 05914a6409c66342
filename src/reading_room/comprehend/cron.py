"""Cron expressions in the syntax of EventBridge (EventBridge User Guide, "Cron expressions reference").

An expression has six fields, separated by white space: minutes, hours, day of month, month, day of week, year. Times
are in UTC. One of the two fields of days is ``?``, and the other one decides.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SATURDAY = 7
_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)


class CronError(ValueError):
    """Text is no cron expression; the message says which field is wrong, and why."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    names: Sequence[str] = ()
    """Names of the numbers from ``first``."""

    def number(self, text: str) -> int:
        """Return the value of a number or a name. Raises ``CronError``."""
        if text.upper() in self.names:
            return self.first + self.names.index(text.upper())
        if not _NUMBER.fullmatch(text) or not self.first <= int(text) <= self.last:
            raise CronError(f"{self.name} takes {self._range()}, not {text!r}")
        return int(text)

    def values(self, text: str) -> frozenset[int]:
        """Return the values of a list of numbers, ranges and increments. Raises ``CronError``."""
        found: set[int] = set()
        for part in text.split(","):
            found.update(self._part(part))
        return frozenset(found)

    def _part(self, part: str) -> range:
        span, slash, by = part.partition("/")
        step = self._step(by) if slash else 1
        if span == "*":
            first, last = self.first, self.last
        elif "-" in span:
            begin, _, end = span.partition("-")
            first, last = self.number(begin), self.number(end)
            if last < first:
                raise CronError(f"{self.name} has the range {span!r}, which ends before it begins")
        else:
            first = self.number(span)
            last = self.last if slash else first
        return range(first, last + 1, step)

    def _step(self, text: str) -> int:
        if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= self.last:
            raise CronError(f"{self.name} has the increment {text!r}, which is no number from 1 to {self.last}")
        return int(text)

    def _range(self) -> str:
        if not self.names:
            return f"{self.first} to {self.last}"
        return f"{self.first} to {self.last} or {self.names[0]} to {self.names[-1]}"


_MINUTES = _Field("the field of minutes", 0, 59)
_HOURS = _Field("the field of hours", 0, 23)
_DAY_OF_MONTH = _Field("the field of days of the month", 1, 31)
_MONTH = _Field("the field of months", 1, 12, _MONTHS)
_DAY_OF_WEEK = _Field("the field of days of the week", 1, 7, _DAYS)
_YEAR = _Field("the field of years", 1970, 2199)


@dataclass(frozen=True, slots=True)
class _Days:
    """Which days of a month: ``kind`` says what the values mean.

    ``dates`` are days of the month, ``last`` is the last one, ``nearest`` is the day from Monday to Friday that is next
    to a date. ``weekdays`` are days of the week from 1, Sunday; ``nth`` is one of them, as often as ``number`` says;
    ``last weekday`` is the last one of the month.
    """

    kind: Literal["dates", "last", "nearest", "weekdays", "nth", "last weekday"]
    values: frozenset[int] = frozenset()
    number: int = 0

    def of(self, year: int, month: int) -> list[int]:
        """Return the days of a month, in order."""
        offset, length = calendar.monthrange(year, month)
        days = range(1, length + 1)
        if self.kind == "dates":
            return [day for day in days if day in self.values]
        if self.kind == "last":
            return [length]
        if self.kind == "nearest":
            return [_nearest(day, offset, length) for day in self.values if day <= length]
        found = [day for day in days if (offset + day) % 7 + 1 in self.values]
        if self.kind == "nth":
            return found[self.number - 1 : self.number]
        return found[-1:] if self.kind == "last weekday" else found


def _nearest(day: int, offset: int, length: int) -> int:
    """Return the day from Monday to Friday next to a date, in the same month.

    ``offset`` is the weekday of the month's first day, 0 for Monday.
    """
    weekday = (offset + day - 1) % 7
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < length else day - 2
    return day


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: _Days
    months: frozenset[int]
    years: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Parse the six fields. Raises ``CronError``."""
        fields = text.split()
        if len(fields) != 6:
            raise CronError(
                f"it has {len(fields)} fields instead of six: minutes, hours, day of month, month, day of week, year"
            )
        minutes, hours, day_of_month, month, day_of_week, year = fields
        if (day_of_month == "?") == (day_of_week == "?"):
            raise CronError("one of the day of month and the day of week must be ?, and the other one must not")
        return cls(
            _MINUTES.values(minutes),
            _HOURS.values(hours),
            _by_week(day_of_week) if day_of_month == "?" else _by_month(day_of_month),
            _MONTH.values(month),
            _YEAR.values(year),
        )

    def after(self, moment: dt.datetime) -> dt.datetime | None:
        """Return the first time after a moment, which is aware of its zone; ``None`` if there is none."""
        begin = moment.astimezone(dt.UTC).replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
        for day in self._days_from(begin.date()):
            floor = begin.time() if day == begin.date() else dt.time()
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    if (at := dt.time(hour, minute)) >= floor:
                        return dt.datetime.combine(day, at, dt.UTC)
        return None

    def _days_from(self, first: dt.date) -> Iterator[dt.date]:
        for year in sorted(self.years):
            for month in sorted(self.months):
                if (year, month) >= (first.year, first.month):
                    days = (dt.date(year, month, day) for day in self.days.of(year, month))
                    yield from (day for day in days if day >= first)


def _by_month(text: str) -> _Days:
    if text.upper() == "L":
        return _Days("last")
    if text.upper().endswith("W"):
        return _Days("nearest", frozenset({_DAY_OF_MONTH.number(text[:-1])}))
    return _Days("dates", _DAY_OF_MONTH.values(text))


def _by_week(text: str) -> _Days:
    day, sharp, number = text.partition("#")
    if sharp:
        if number not in ("1", "2", "3", "4", "5"):
            raise CronError(f"{_DAY_OF_WEEK.name} has {text!r}; # takes one day and a number from 1 to 5")
        return _Days("nth", frozenset({_DAY_OF_WEEK.number(day)}), int(number))
    if text.upper() == "L":
        return _Days("weekdays", frozenset({_SATURDAY}))
    if text.upper().endswith("L"):
        return _Days("last weekday", frozenset({_DAY_OF_WEEK.number(text[:-1])}))
    return _Days("weekdays", _DAY_OF_WEEK.values(text))
