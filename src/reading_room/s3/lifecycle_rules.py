"""Lifecycle rules as values: which objects they are about, and when their actions are due. Pure functions.

AWS source: "Lifecycle configuration elements", S3 user guide. An action after a number of days is due at the end of
the day (UTC) in which they have passed, so no object is acted on before its time. An action on a date is due from that
date on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DAY_SECONDS = 86_400.0
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LEAST_TRANSITIONED = 128 * 1024
"""Bytes below which an object is transitioned only if its rule names a size."""
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "STANDARD": frozenset({"STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR"}),
    "REDUCED_REDUNDANCY": frozenset({"STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR"}),
    "STANDARD_IA": frozenset({"INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR"}),
    "INTELLIGENT_TIERING": frozenset({"ONEZONE_IA", "GLACIER_IR"}),
}
"""The storage classes that an object of a class can be transitioned to."""


@dataclass(slots=True)
class Counts:
    """What a pass did."""

    expired: int = 0
    versions: int = 0
    transitioned: int = 0
    aborted: int = 0

    @property
    def total(self) -> int:
        """Everything that it did."""
        return self.expired + self.versions + self.transitioned + self.aborted

    def add(self, other: Counts) -> None:
        """Add what a part of the pass did."""
        self.expired += other.expired
        self.versions += other.versions
        self.transitioned += other.transitioned
        self.aborted += other.aborted


class Subject(NamedTuple):
    """What rules look at of an object."""

    key: str
    size: int
    tags: Mapping[str, str]
    since: dt.datetime
    """When it was written, or for a noncurrent version when it became noncurrent."""
    storage_class: str = "STANDARD"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days that rules count in. An operator can shorten them for tests."""

    seconds: float = DAY_SECONDS

    def due(self, since: dt.datetime, days: int) -> dt.datetime:
        """Return when something that began at ``since`` has lasted for ``days``, at the end of that day."""
        begun = (since - _EPOCH).total_seconds() // self.seconds
        return _moment((begun + days + 1) * self.seconds)

    def began_before(self, now: dt.datetime, days: int) -> dt.datetime:
        """Return the time before which something began if it is due now after ``days``; the inverse of ``due``."""
        today = (now - _EPOCH).total_seconds() // self.seconds
        return _moment((today - days) * self.seconds)

    def start_of_day(self, now: dt.datetime) -> dt.datetime:
        """Return when the present day began."""
        return self.began_before(now, 0)


def _moment(seconds: float) -> dt.datetime:
    """Return a time, or the first or the last that there is if it would be before or after."""
    try:
        return _EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError:
        return (dt.datetime.max if seconds > 0 else dt.datetime.min).replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class When:
    """When an action is due: after a number of days, or from a date on."""

    days: int | None = None
    date: dt.datetime | None = None

    def due(self, since: dt.datetime, calendar: Calendar) -> dt.datetime:
        """Return when the action is due for something that began at ``since``."""
        if self.date is not None:
            return self.date
        assert self.days is not None
        return calendar.due(since, self.days)

    def latest(self, now: dt.datetime, calendar: Calendar) -> dt.datetime | None:
        """Return the time before which something began if the action is due now, ``None`` if nothing can be due.

        For a date that has come, everything is due.
        """
        if self.date is not None:
            return dt.datetime.max.replace(tzinfo=dt.UTC) if self.date <= now else None
        assert self.days is not None
        return calendar.began_before(now, self.days)


@dataclass(frozen=True, slots=True)
class Transition:
    """A transition to a storage class."""

    when: When
    storage_class: str


@dataclass(frozen=True, slots=True)
class NoncurrentTransition:
    """A transition of noncurrent versions, except for the ``newer`` newest ones."""

    days: int
    storage_class: str
    newer: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One enabled rule."""

    rule_id: str
    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    larger_than: int | None = None
    smaller_than: int | None = None
    expiration: When | None = None
    removes_markers: bool = False
    """Whether it removes delete markers without noncurrent versions."""
    noncurrent_days: int | None = None
    newer_noncurrent: int = 0
    """How many of the newest noncurrent versions it keeps."""
    abort_days: int | None = None
    transitions: tuple[Transition, ...] = ()
    noncurrent_transitions: tuple[NoncurrentTransition, ...] = ()

    def covers_marker(self, key: str) -> bool:
        """Say whether the rule is about the delete markers of a key, which have neither tags nor a size."""
        return key.startswith(self.prefix) and not self.tags and not self.names_size

    def covers(self, subject: Subject) -> bool:
        """Say whether the rule is about an object."""
        return (
            subject.key.startswith(self.prefix)
            and (self.larger_than is None or subject.size > self.larger_than)
            and (self.smaller_than is None or subject.size < self.smaller_than)
            and all(subject.tags.get(name) == value for name, value in self.tags.items())
        )

    @property
    def names_size(self) -> bool:
        """Whether the filter has a size."""
        return self.larger_than is not None or self.smaller_than is not None


class Expiry(NamedTuple):
    """When an object expires, and by which rule."""

    at: dt.datetime
    rule_id: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The enabled rules of a bucket."""

    rules: tuple[Rule, ...]
    calendar: Calendar = Calendar()

    def expiry(self, subject: Subject) -> Expiry | None:
        """Return when an object expires by the rules, ``None`` if it does not."""
        found = [
            Expiry(rule.expiration.due(subject.since, self.calendar), rule.rule_id)
            for rule in self.rules
            if rule.expiration is not None and rule.covers(subject)
        ]
        return min(found, key=lambda each: each.at, default=None)

    def storage_class(self, subject: Subject, now: dt.datetime) -> str | None:
        """Return the class that an object is due to be transitioned to, ``None`` if it stays.

        Of several transitions that are due, the latest counts.
        """
        found = [
            (due, transition.storage_class)
            for rule in self.rules
            if rule.transitions and rule.covers(subject) and (rule.names_size or subject.size >= LEAST_TRANSITIONED)
            for transition in rule.transitions
            if (due := transition.when.due(subject.since, self.calendar)) <= now
            and transition.storage_class in TRANSITIONS.get(subject.storage_class, ())
        ]
        return max(found)[1] if found else None

    def abortion(self, key: str, initiated: dt.datetime) -> Expiry | None:
        """Return when an unfinished upload is aborted by the rules, ``None`` if it is not."""
        found = [
            Expiry(self.calendar.due(initiated, rule.abort_days), rule.rule_id)
            for rule in self.rules
            if rule.abort_days is not None and key.startswith(rule.prefix)
        ]
        return min(found, key=lambda each: each.at, default=None)

    def latest_write(self, now: dt.datetime) -> dt.datetime | None:
        """Return the time before which an object was written if any rule can be due for it, ``None`` if none can."""
        whens = [rule.expiration for rule in self.rules if rule.expiration is not None]
        whens += [each.when for rule in self.rules for each in rule.transitions]
        return _latest(when.latest(now, self.calendar) for when in whens)

    def noncurrent_expired(self, subject: Subject, newer: int, now: dt.datetime, *, marker: bool = False) -> bool:
        """Say whether a noncurrent version is due to be deleted.

        ``newer`` says how many noncurrent versions of its key are newer, and ``marker`` that it is a delete marker.
        """
        return any(
            (rule.covers_marker(subject.key) if marker else rule.covers(subject))
            for rule in self.rules
            if rule.noncurrent_days is not None
            and newer >= rule.newer_noncurrent
            and self.calendar.due(subject.since, rule.noncurrent_days) <= now
        )

    def noncurrent_class(self, subject: Subject, newer: int, now: dt.datetime) -> str | None:
        """Return the class that a noncurrent version is due to be transitioned to, ``None`` if it stays."""
        found = [
            (due, transition.storage_class)
            for rule in self.rules
            if rule.noncurrent_transitions
            and rule.covers(subject)
            and (rule.names_size or subject.size >= LEAST_TRANSITIONED)
            for transition in rule.noncurrent_transitions
            if newer >= transition.newer
            and (due := self.calendar.due(subject.since, transition.days)) <= now
            and transition.storage_class in TRANSITIONS.get(subject.storage_class, ())
        ]
        return max(found)[1] if found else None

    def removes_marker(self, key: str, written: dt.datetime, now: dt.datetime) -> bool:
        """Say whether a delete marker that is the only version of its key is due to be removed.

        A rule says so itself, or by the days after which objects expire.
        """
        return any(
            rule.removes_markers
            or (
                (rule.expiration is not None and rule.expiration.days is not None)
                and rule.expiration.due(written, self.calendar) <= now
            )
            for rule in self.rules
            if rule.covers_marker(key)
        )

    @property
    def removes_markers(self) -> bool:
        """Whether a rule might remove delete markers."""
        return any(
            rule.removes_markers or (rule.expiration is not None and rule.expiration.days is not None)
            for rule in self.rules
        )

    @property
    def counts_newer(self) -> bool:
        """Whether a rule keeps a number of newer versions."""
        return any(
            rule.newer_noncurrent or any(each.newer for each in rule.noncurrent_transitions) for rule in self.rules
        )

    def latest_noncurrent(self, now: dt.datetime) -> dt.datetime | None:
        """Return the time before which a version became noncurrent if any rule can be due for it; ``None`` if none."""
        days = [rule.noncurrent_days for rule in self.rules if rule.noncurrent_days is not None]
        days += [each.days for rule in self.rules for each in rule.noncurrent_transitions]
        return _latest(self.calendar.began_before(now, each) for each in days)

    def latest_upload(self, now: dt.datetime) -> dt.datetime | None:
        """Return the time before which an upload began if any rule can be due for it, ``None`` if none can."""
        days = [rule.abort_days for rule in self.rules if rule.abort_days is not None]
        return _latest(self.calendar.began_before(now, each) for each in days)

    @property
    def reads_tags(self) -> bool:
        """Whether a rule looks at tags."""
        return any(rule.tags for rule in self.rules)


def _latest(moments: Iterable[dt.datetime | None]) -> dt.datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def lifecycle_of(stored: Sequence[Mapping[str, Any]], calendar: Calendar) -> Lifecycle:
    """Return the enabled rules of a stored configuration (``lifecycle_configuration.py``)."""
    return Lifecycle(tuple(_rule(entry) for entry in stored if entry["Status"] == "Enabled"), calendar)


def _rule(entry: Mapping[str, Any]) -> Rule:
    given = entry.get("Filter") or {"Prefix": entry.get("Prefix", "")}
    chosen = given.get("And", given)
    tags = [*chosen.get("Tags", []), *([chosen["Tag"]] if "Tag" in chosen else [])]
    expiration, noncurrent = entry.get("Expiration", {}), entry.get("NoncurrentVersionExpiration", {})
    return Rule(
        rule_id=entry["ID"],
        prefix=chosen.get("Prefix", ""),
        tags={tag["Key"]: tag["Value"] for tag in tags},
        larger_than=chosen.get("ObjectSizeGreaterThan"),
        smaller_than=chosen.get("ObjectSizeLessThan"),
        expiration=_when(expiration),
        removes_markers=bool(expiration.get("ExpiredObjectDeleteMarker")),
        noncurrent_days=noncurrent.get("NoncurrentDays"),
        newer_noncurrent=noncurrent.get("NewerNoncurrentVersions", 0),
        abort_days=entry.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
        transitions=tuple(
            Transition(when, each["StorageClass"])
            for each in entry.get("Transitions", [])
            if (when := _when(each)) is not None
        ),
        noncurrent_transitions=tuple(
            NoncurrentTransition(each["NoncurrentDays"], each["StorageClass"], each.get("NewerNoncurrentVersions", 0))
            for each in entry.get("NoncurrentVersionTransitions", [])
        ),
    )


def _when(entry: Mapping[str, Any]) -> When | None:
    if "Days" in entry:
        return When(days=entry["Days"])
    return When(date=dt.datetime.fromisoformat(entry["Date"])) if "Date" in entry else None
