"""Object Lock: retention and legal holds that keep versions from being deleted, as pure functions.

The lock of a version is a mapping: ``mode`` and ``until`` (ISO 8601 in UTC) for its retention, ``hold`` (``ON`` or
``OFF``) for its legal hold; each may be missing. Retention in governance mode can be shortened and bypassed with a
permission, in compliance mode by nobody until it has ended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from reading_room.s3.errors import InvalidArgument, InvalidRequest, MalformedXML, NotImplementedParameter
from reading_room.s3.lock_errors import InvalidRetentionPeriod, protected

GOVERNANCE, COMPLIANCE = "GOVERNANCE", "COMPLIANCE"
MODES = (GOVERNANCE, COMPLIANCE)
HOLDS = ("ON", "OFF")
MOST_DAYS, MOST_YEARS = 36_500, 100
"""The longest default retention."""
Lock = Mapping[str, str]

_MODE, _UNTIL, _HOLD = (f"x-amz-object-lock-{name}" for name in ("mode", "retain-until-date", "legal-hold"))
LOCK_PARAMETERS = "ObjectLockMode ObjectLockRetainUntilDate ObjectLockLegalHoldStatus"
"""The parameters of a write that ``requested_lock`` handles."""


def until_of(lock: Lock | None) -> dt.datetime | None:
    """Return until when a version is retained, whether or not that has passed; ``None`` without retention."""
    return dt.datetime.fromisoformat(lock["until"]) if lock and "until" in lock else None


def is_held(lock: Lock | None, now: dt.datetime, *, bypass: bool = False) -> bool:
    """Say whether a lock keeps its version from being deleted.

    ``bypass`` lifts retention in governance mode, and nothing else.
    """
    if not lock:
        return False
    if lock.get("hold") == "ON":
        return True
    until = until_of(lock)
    return until is not None and now < until and not (bypass and lock["mode"] == GOVERNANCE)


def check_deletion(lock: Lock | None, now: dt.datetime, *, bypass: bool) -> None:
    """Raise ``AccessDenied`` if a lock keeps its version from being deleted."""
    if is_held(lock, now, bypass=bypass):
        raise protected()


# The locks of new versions


def requested_lock(parameters: Mapping[str, Any], now: dt.datetime) -> dict[str, str] | None:
    """Return the lock that the headers of a write ask for, or ``None``. Raises ``InvalidArgument``."""
    mode, until = parameters.get("ObjectLockMode"), parameters.get("ObjectLockRetainUntilDate")
    hold = parameters.get("ObjectLockLegalHoldStatus")
    if (mode is None) is not (until is None):
        problem = f"{_UNTIL} and {_MODE} must both be supplied"
        raise InvalidArgument(_UNTIL if until is None else _MODE, "", problem)
    lock: dict[str, str] = {}
    if mode is not None and until is not None:
        if mode not in MODES:
            raise InvalidArgument(_MODE, mode, "Unknown wormMode directive.")
        _check_future(_UNTIL, until, now)
        lock |= {"mode": mode, "until": until.astimezone(dt.UTC).isoformat()}
    if hold is not None:
        if hold not in HOLDS:
            raise InvalidArgument(_HOLD, hold, "Legal Hold must be either of 'ON' or 'OFF'")
        lock["hold"] = hold
    return lock or None


def lock_of_new(setting: Mapping[str, Any] | None, requested: Lock | None, now: dt.datetime) -> dict[str, str] | None:
    """Return the lock of a new version in a bucket with a setting (``S3Bucket.object_lock``).

    Raises ``InvalidRequest`` if a lock is requested and the bucket has no Object Lock.
    """
    check_setting(setting, requested)
    lock = dict(requested or {})
    if setting and "mode" not in lock:
        lock |= {"mode": setting["Mode"], "until": _end_of(setting, now).isoformat()}
    return lock or None


def check_setting(setting: Mapping[str, Any] | None, requested: object) -> None:
    """Raise ``InvalidRequest`` if something is requested that needs Object Lock, and the bucket has none."""
    if setting is None and requested:
        raise InvalidRequest("Bucket is missing Object Lock Configuration")


def _end_of(setting: Mapping[str, Any], now: dt.datetime) -> dt.datetime:
    if "Days" in setting:
        return now + dt.timedelta(days=setting["Days"])
    year = now.year + int(setting["Years"])
    try:
        return now.replace(year=year)
    except ValueError:
        return now.replace(year=year, month=3, day=1)  # from 29 February


# Changes


def read_setting(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the setting of an ``ObjectLockConfiguration``: its default retention, or nothing.

    Raises ``MalformedXML`` and ``InvalidRetentionPeriod``.
    """
    if configuration.get("ObjectLockEnabled") != "Enabled":
        raise MalformedXML
    if "Rule" not in configuration:
        return {}
    given = (configuration["Rule"] or {}).get("DefaultRetention") or {}
    if "DefaultEventHold" in given:
        raise NotImplementedParameter("DefaultEventHold")
    if given.get("Mode") not in MODES or ("Days" in given) is ("Years" in given):
        raise MalformedXML
    unit, most = ("Days", MOST_DAYS) if "Days" in given else ("Years", MOST_YEARS)
    period = int(given[unit])
    if not 1 <= period <= most:
        raise InvalidRetentionPeriod(period < 1)
    return {"Mode": given["Mode"], unit: period}


def changed_retention(
    lock: Lock | None, retention: Mapping[str, Any], now: dt.datetime, *, bypass: bool
) -> dict[str, str] | None:
    """Return the lock of a version after PutObjectRetention; an empty ``retention`` removes it.

    Raises ``MalformedXML``, ``InvalidArgument`` for a date that is not in the future, and ``AccessDenied`` if the
    change would loosen what still holds: never in compliance mode, in governance mode only with ``bypass``.
    """
    for member in ("EventHold", "EventHoldDuration"):
        if member in retention:
            raise NotImplementedParameter(member)
    changed = {name: value for name, value in (lock or {}).items() if name == "hold"}
    until: dt.datetime | None = None
    if retention:
        until, mode = retention.get("RetainUntilDate"), retention.get("Mode")
        if until is None or mode not in MODES:
            raise MalformedXML
        _check_future("RetainUntilDate", until, now)
        changed |= {"mode": mode, "until": until.astimezone(dt.UTC).isoformat()}
    before = until_of(lock)
    if lock is not None and before is not None and now < before:
        in_compliance = lock["mode"] == COMPLIANCE
        loosens = until is None or until < before or (in_compliance and changed["mode"] != COMPLIANCE)
        if loosens and (in_compliance or not bypass):
            raise protected()
    return changed or None


def changed_hold(lock: Lock | None, legal_hold: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the lock of a version after PutObjectLegalHold. Raises ``MalformedXML``."""
    status = (legal_hold or {}).get("Status")
    if status not in HOLDS:
        raise MalformedXML
    return {**(lock or {}), "hold": status}


def _check_future(name: str, until: dt.datetime, now: dt.datetime) -> None:
    if until <= now:
        raise InvalidArgument(
            name, until.astimezone(dt.UTC).isoformat(), "The retain until date must be in the future!"
        )


# What others see


def lock_members(lock: Lock | None) -> dict[str, Any]:
    """Return a lock under botocore's member names for the answers to GetObject and HeadObject."""
    lock = lock or {}
    return {
        "ObjectLockMode": lock.get("mode"),
        "ObjectLockRetainUntilDate": until_of(lock),
        "ObjectLockLegalHoldStatus": lock.get("hold"),
    }


def lock_context(parameters: Mapping[str, Any], now: dt.datetime) -> dict[str, tuple[str]]:
    """Return the condition keys about the lock that a request sets, in its headers or its body."""
    retention, legal_hold = parameters.get("Retention") or {}, parameters.get("LegalHold") or {}
    mode = parameters.get("ObjectLockMode", retention.get("Mode"))
    until = parameters.get("ObjectLockRetainUntilDate", retention.get("RetainUntilDate"))
    hold = parameters.get("ObjectLockLegalHoldStatus", legal_hold.get("Status"))
    context: dict[str, tuple[str]] = {}
    if mode is not None:
        context["s3:object-lock-mode"] = (str(mode),)
    if until is not None:
        context["s3:object-lock-retain-until-date"] = (until.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),)
        # A day that has begun counts, so that a request for ten days has ten on its way here.
        days = -((now - until) // dt.timedelta(days=1))
        context["s3:object-lock-remaining-retention-days"] = (str(days),)
    if hold is not None:
        context["s3:object-lock-legal-hold"] = (str(hold),)
    return context
