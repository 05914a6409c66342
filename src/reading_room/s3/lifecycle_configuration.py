"""The check of a lifecycle configuration, and its stored form: as it was put, with ids, and dates as text.

The checks and messages are those of PutBucketLifecycleConfiguration (S3 API reference and recorded responses).
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from reading_room.s3.addressing import KEY_LIMIT
from reading_room.s3.errors import InvalidArgument, InvalidRequest, InvalidStorageClass, MalformedXML
from reading_room.s3.lifecycle_rules import TRANSITIONS
from reading_room.s3.tagging import OBJECT_TAGS, read_tag_set

MOST_RULES = 1000
ID_LIMIT = 255
MOST_NEWER = 100
VARIES, ALL_128K = "varies_by_storage_class", "all_storage_classes_128K"
_ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
)
_PREDICATES = ("Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
_TARGETS = frozenset(each for targets in TRANSITIONS.values() for each in targets)
_RESTORED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_AFTER_30_DAYS = frozenset({"STANDARD_IA", "ONEZONE_IA"})


def check_minimum(value: str) -> str:
    """Return the default minimum size of transitions. Raises ``InvalidArgument`` for an unknown one."""
    if value not in (VARIES, ALL_128K):
        raise InvalidArgument(
            "x-amz-transition-default-minimum-object-size", value, "Invalid TransitionDefaultMinimumObjectSize found"
        )
    return value


def stored_rules(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Check the rules of a configuration (botocore's member names) and return them as JSON values.

    Raises ``MalformedXML``, ``InvalidArgument``, ``InvalidRequest``, ``InvalidStorageClass``, ``InvalidTag`` and
    ``TooManyTags``.
    """
    if not 1 <= len(rules) <= MOST_RULES:
        raise MalformedXML
    named = [rule["ID"] for rule in rules if rule.get("ID")]
    if any(len(each) > ID_LIMIT for each in named):
        raise InvalidArgument("ID", max(named, key=len), f"ID length should not exceed allowed limit of {ID_LIMIT}")
    if len(set(named)) != len(named):
        raise InvalidArgument("ID", "", "Rule ID must be unique. Found same ID for more than one rule")
    for rule in rules:
        _check_rule(rule)
    return [{**_as_json(rule), "ID": rule.get("ID") or str(uuid.uuid4())} for rule in rules]


def shown_rules(stored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return stored rules under botocore's member names, with dates as such."""
    return [_with_dates(rule) for rule in stored]


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _as_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return _utc(value).isoformat() if isinstance(value, dt.datetime) else value


def _with_dates(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: dt.datetime.fromisoformat(each) if name == "Date" else _with_dates(each)
            for name, each in value.items()
        }
    return [_with_dates(each) for each in value] if isinstance(value, list) else value


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def _check_rule(rule: Mapping[str, Any]) -> None:
    if rule.get("Status") not in ("Enabled", "Disabled") or ("Prefix" in rule) == ("Filter" in rule):
        raise MalformedXML
    if not any(action in rule for action in _ACTIONS):
        raise InvalidRequest("At least one action needs to be specified in a rule")
    filtered = _check_filter(rule)
    _check_expiration(rule, filtered)
    _check_noncurrent(rule)
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort is not None:
        if "tags" in filtered:
            raise InvalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags")
        if "size" in filtered:
            raise InvalidRequest("AbortIncompleteMultipartUpload cannot be specified with Object Size")
        _positive(abort, "DaysAfterInitiation", "AbortIncompleteMultipartUpload")
    _check_transitions(rule)


def _check_filter(rule: Mapping[str, Any]) -> frozenset[str]:
    """Check the filter of a rule. Return which kinds of predicates it has besides the prefix: ``tags``, ``size``."""
    given = rule.get("Filter", {"Prefix": rule.get("Prefix", "")})
    if len(given) > 1:
        raise MalformedXML
    chosen, tags = given, [given["Tag"]] if "Tag" in given else []
    if "And" in given:
        chosen = given["And"]
        tags = chosen.get("Tags", [])
        if len(tags) + sum(name in chosen for name in _PREDICATES) < 2:
            raise MalformedXML
    if tags:
        read_tag_set({"TagSet": tags}, OBJECT_TAGS)
    if len(chosen.get("Prefix", "").encode()) > KEY_LIMIT:
        raise InvalidRequest(f"The maximum size of a prefix is {KEY_LIMIT}")
    larger, smaller = chosen.get("ObjectSizeGreaterThan"), chosen.get("ObjectSizeLessThan")
    if any(size is not None and size < 0 for size in (larger, smaller)):
        raise InvalidRequest("'ObjectSizeGreaterThan' and 'ObjectSizeLessThan' must not be negative")
    if larger is not None and smaller is not None and smaller <= larger:
        raise InvalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'")
    sized = larger is not None or smaller is not None
    return frozenset({*(["tags"] if tags else []), *(["size"] if sized else [])})


def _check_expiration(rule: Mapping[str, Any], filtered: frozenset[str]) -> None:
    expiration = rule.get("Expiration")
    if expiration is None:
        return
    if len(expiration) != 1:
        raise MalformedXML
    if "Days" in expiration:
        _positive(expiration, "Days", "Expiration")
    if "Date" in expiration:
        _midnight(expiration["Date"])
    if expiration.get("ExpiredObjectDeleteMarker"):
        if "tags" in filtered:
            raise InvalidRequest("ExpiredObjectDeleteMarker cannot be specified with Tags")
        if "size" in filtered:
            raise InvalidRequest("ExpiredObjectDeleteMarker cannot be specified with Object Size")


def _check_noncurrent(rule: Mapping[str, Any]) -> None:
    entries = [*rule.get("NoncurrentVersionTransitions", [])]
    expiration = rule.get("NoncurrentVersionExpiration")
    if expiration is not None:
        entries.append(expiration)
        _positive(expiration, "NoncurrentDays", "NoncurrentVersionExpiration")
    for entry in entries:
        newer = entry.get("NewerNoncurrentVersions")
        if newer is None:
            continue
        if not 1 <= newer <= MOST_NEWER:
            raise InvalidArgument(
                "NewerNoncurrentVersions",
                str(newer),
                f"'NewerNoncurrentVersions' must be a positive integer of at most {MOST_NEWER}",
            )
        if "Filter" not in rule:
            raise InvalidRequest("'NewerNoncurrentVersions' can only be specified in a rule with a Filter")


def _check_transitions(rule: Mapping[str, Any]) -> None:
    current, noncurrent = rule.get("Transitions", []), rule.get("NoncurrentVersionTransitions", [])
    for entries, days, action in (
        (current, "Days", "Transition"),
        (noncurrent, "NoncurrentDays", "NoncurrentVersionTransition"),
    ):
        classes = [_target(entry) for entry in entries]
        if len(set(classes)) != len(classes):
            raise InvalidRequest(f"'StorageClass' must be different for '{action}' actions in same 'Rule'")
        for entry in entries:
            _check_transition(entry, days, action)
    expiration = rule.get("Expiration", {})
    dated = {"Date" in entry for entry in [*current, *([expiration] if expiration else [])]}
    if current and len(dated) > 1 and not expiration.get("ExpiredObjectDeleteMarker"):
        raise InvalidRequest("Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule")
    for entry in current:
        for name in ("Days", "Date"):
            if name in entry and name in expiration and expiration[name] <= entry[name]:
                raise InvalidArgument(
                    name,
                    str(expiration[name]),
                    f"'{name}' in the Expiration action must be greater than '{name}' in the Transition action",
                )


def _target(entry: Mapping[str, Any]) -> str:
    storage_class = str(entry.get("StorageClass", ""))
    if storage_class in _RESTORED:
        # Objects of these classes could never be read, as there is no restore here.
        raise InvalidStorageClass(storage_class)
    if storage_class not in _TARGETS:
        raise MalformedXML
    return storage_class


def _check_transition(entry: Mapping[str, Any], days: str, action: str) -> None:
    if (days in entry) == ("Date" in entry):
        raise MalformedXML
    if "Date" in entry:
        _midnight(entry["Date"])
    elif entry[days] < 0:
        raise InvalidArgument(days, str(entry[days]), f"'{days}' in {action} action must be nonnegative")
    elif entry["StorageClass"] in _AFTER_30_DAYS and entry[days] < 30:
        raise InvalidArgument(
            days,
            str(entry[days]),
            f"'{days}' in {action} action must be greater than or equal to 30 for storageClass "
            f"'{entry['StorageClass']}'",
        )


def _positive(entry: Mapping[str, Any], name: str, action: str) -> None:
    value = entry.get(name)
    if value is None:
        raise MalformedXML
    if not 1 <= value <= 2**31 - 1:
        raise InvalidArgument(name, str(value), f"'{name}' for {action} action must be a positive integer")


def _midnight(date: dt.datetime) -> None:
    moment = _utc(date)
    if moment.time() != dt.time():
        raise InvalidArgument("Date", moment.isoformat(), "'Date' must be at midnight GMT")
