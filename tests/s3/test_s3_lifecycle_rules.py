"""Lifecycle rules: when actions are due, which objects they are about, and which rules are refused."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.errors import AwsError
from reading_room.s3.lifecycle_configuration import shown_rules, stored_rules
from reading_room.s3.lifecycle_rules import (
    TRANSITIONS,
    Calendar,
    Lifecycle,
    Rule,
    Subject,
    Transition,
    When,
    lifecycle_of,
)

NOON = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
moments = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC))
days = st.integers(1, 4000)
lengths = st.sampled_from([1.0, 10.0, 3600.0, 86_400.0])
keys = st.text("ab/", max_size=4)
tags = st.dictionaries(st.sampled_from("kl"), st.sampled_from("12"), max_size=2)
sizes = st.integers(0, 200_000)
whens = st.one_of(st.builds(When, days=days), st.builds(When, date=moments))
rules = st.builds(
    Rule,
    rule_id=st.just("r"),
    prefix=keys,
    tags=tags,
    larger_than=st.none() | sizes,
    smaller_than=st.none() | sizes,
    expiration=st.none() | whens,
    abort_days=st.none() | days,
    transitions=st.lists(
        st.builds(Transition, whens, st.sampled_from(["STANDARD_IA", "ONEZONE_IA", "GLACIER_IR"])), max_size=2
    ).map(tuple),
)
subjects = st.builds(Subject, keys, sizes, tags, moments, st.sampled_from(["STANDARD", "STANDARD_IA", "GLACIER_IR"]))


@given(moments, days, lengths)
def test_an_action_is_due_at_the_end_of_the_day_in_which_its_days_have_passed(
    since: dt.datetime, count: int, seconds: float
) -> None:
    calendar, length = Calendar(seconds), dt.timedelta(seconds=seconds)
    due = calendar.due(since, count)
    assert since + count * length < due <= since + (count + 1) * length
    assert due == calendar.start_of_day(due)


@given(moments, moments, days, lengths)
def test_what_began_early_enough_is_exactly_what_is_due(
    since: dt.datetime, now: dt.datetime, count: int, seconds: float
) -> None:
    calendar = Calendar(seconds)
    assert (since < calendar.began_before(now, count)) == (calendar.due(since, count) <= now)


def test_an_object_of_one_day_written_at_noon_expires_at_the_second_midnight() -> None:
    assert Calendar().due(NOON, 1) == dt.datetime(2026, 12, 3, tzinfo=dt.UTC)


@given(st.integers(1, 2**31 - 1))
def test_no_number_of_days_is_too_large(count: int) -> None:
    assert Calendar().due(NOON, count) > NOON + min(count, 10_000) * DAY
    assert Calendar().began_before(NOON, count) < NOON


@given(rules, subjects)
def test_a_rule_is_about_the_objects_that_meet_all_of_its_filter(rule: Rule, subject: Subject) -> None:
    expected = subject.key[: len(rule.prefix)] == rule.prefix and rule.tags.items() <= subject.tags.items()
    if rule.larger_than is not None:
        expected = expected and subject.size > rule.larger_than
    if rule.smaller_than is not None:
        expected = expected and subject.size < rule.smaller_than
    assert rule.covers(subject) == expected


@given(st.lists(rules, max_size=3).map(tuple), subjects, moments, lengths)
def test_everything_due_was_written_before_the_time_that_passes_search_by(
    found: tuple[Rule, ...], subject: Subject, now: dt.datetime, seconds: float
) -> None:
    lifecycle = Lifecycle(found, Calendar(seconds))
    expiry = lifecycle.expiry(subject)
    storage_class = lifecycle.storage_class(subject, now)
    latest = lifecycle.latest_write(now)
    if (expiry is not None and expiry.at <= now) or storage_class is not None:
        assert latest is not None
        assert subject.since < latest
    if storage_class is not None:
        assert storage_class in TRANSITIONS[subject.storage_class]
    aborted = lifecycle.abortion(subject.key, subject.since)
    if aborted is not None and aborted.at <= now:
        latest = lifecycle.latest_upload(now)
        assert latest is not None
        assert subject.since < latest


@given(st.lists(rules, max_size=3).map(tuple), subjects, moments, days)
def test_earlier_nothing_more_is_due(found: tuple[Rule, ...], subject: Subject, now: dt.datetime, back: int) -> None:
    lifecycle = Lifecycle(found)
    if lifecycle.storage_class(subject, now) is None:
        assert lifecycle.storage_class(subject, now - back * DAY) is None
    earlier, later = lifecycle.latest_write(now - back * DAY), lifecycle.latest_write(now)
    assert earlier is None or (later is not None and earlier <= later)


@given(days, st.integers(0, 5), st.integers(0, 5), moments, moments)
def test_noncurrent_versions_are_deleted_after_their_days_except_for_the_newest(
    count: int, kept: int, newer: int, since: dt.datetime, now: dt.datetime
) -> None:
    lifecycle = Lifecycle((Rule("r", noncurrent_days=count, newer_noncurrent=kept),))
    expired = lifecycle.noncurrent_expired(Subject("k", 1, {}, since), newer, now)
    assert expired == (newer >= kept and lifecycle.calendar.due(since, count) <= now)
    latest = lifecycle.latest_noncurrent(now)
    assert latest is not None
    assert (since < latest) == (lifecycle.calendar.due(since, count) <= now)


def test_delete_markers_meet_only_filters_without_tags_and_sizes() -> None:
    for filtered, expected in (
        (Rule("r", prefix="k"), True),
        (Rule("r", prefix="other"), False),
        (Rule("r", tags={"a": "b"}), False),
        (Rule("r", smaller_than=5), False),
    ):
        removing = replace(filtered, removes_markers=True, noncurrent_days=1)
        lifecycle, later = Lifecycle((removing,)), NOON + 9 * DAY
        assert lifecycle.removes_marker("k", NOON, NOON) is expected
        assert lifecycle.noncurrent_expired(Subject("k", 0, {}, NOON), 0, later, marker=True) is expected
    aged = Lifecycle((Rule("r", expiration=When(days=3)),))
    assert [aged.removes_marker("k", NOON, NOON + count * DAY) for count in (3, 4)] == [False, True]
    dated = Lifecycle((Rule("r", expiration=When(date=NOON)),))
    assert not dated.removes_marker("k", NOON, NOON + 9 * DAY)


def test_small_objects_are_transitioned_only_by_rules_that_name_a_size() -> None:
    moved = (Transition(When(days=0), "GLACIER_IR"),)
    small, large = Subject("k", 100, {}, NOON), Subject("k", 128 * 1024, {}, NOON)
    plain = Lifecycle((Rule("r", transitions=moved),))
    assert (plain.storage_class(small, NOON + DAY), plain.storage_class(large, NOON + DAY)) == (None, "GLACIER_IR")
    sized = Lifecycle((Rule("r", larger_than=10, transitions=moved),))
    assert sized.storage_class(small, NOON + DAY) == "GLACIER_IR"


def test_the_latest_of_several_due_transitions_counts() -> None:
    moved = (Transition(When(days=30), "STANDARD_IA"), Transition(When(days=60), "GLACIER_IR"))
    lifecycle, subject = Lifecycle((Rule("r", transitions=moved),)), Subject("k", 1 << 20, {}, NOON)
    found = [lifecycle.storage_class(subject, NOON + count * DAY) for count in (29, 31, 59, 61)]
    assert found == [None, "STANDARD_IA", "STANDARD_IA", "GLACIER_IR"]
    assert lifecycle.storage_class(subject._replace(storage_class="GLACIER_IR"), NOON + 61 * DAY) is None


def rule(**members: Any) -> dict[str, Any]:
    """Return a rule that expires everything after a day, with members changed."""
    given = {"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}} | members
    return {name: value for name, value in given.items() if value is not None}


def test_a_configuration_is_stored_as_json_and_returned_as_it_was_put() -> None:
    midnight = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    tagged = {"And": {"Prefix": "p", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 5}}
    given = [
        rule(ID="a", Filter=tagged, Expiration={"Date": midnight}),
        rule(ID="b", Filter=None, Prefix="q/", Status="Disabled", NoncurrentVersionExpiration={"NoncurrentDays": 3}),
        rule(ID="c", Expiration=None, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}),
        rule(Expiration={"Days": 90}, Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}]),
    ]
    stored = json.loads(json.dumps(stored_rules(given)))
    assert shown_rules(stored)[:3] == given[:3]
    assert len(stored[3]["ID"]) == 36
    first, second, third = lifecycle_of(stored, Calendar()).rules
    assert first == Rule("a", "p", {"k": "v"}, larger_than=5, expiration=When(date=midnight))
    assert (second.abort_days, second.expiration) == (7, None)
    assert third.transitions == (Transition(When(days=30), "STANDARD_IA"),)


MIDNIGHT, NINE = "2027-01-01T00:00:00+00:00", "2027-01-01T09:00:00+00:00"
TAG = {"Key": "k", "Value": "v"}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"Status": "enabled"}, "MalformedXML"),
        ({"Status": None}, "MalformedXML"),
        ({"Filter": None}, "MalformedXML"),
        ({"Prefix": "p"}, "MalformedXML"),
        ({"Filter": {"Prefix": "p", "Tag": TAG}}, "MalformedXML"),
        ({"Filter": {"And": {"Prefix": "p"}}}, "MalformedXML"),
        ({"Filter": {"And": {"Prefix": "p", "Tags": [TAG, TAG]}}}, "InvalidTag"),
        ({"Filter": {"And": {"ObjectSizeGreaterThan": 5, "ObjectSizeLessThan": 5}}}, "InvalidRequest"),
        ({"Filter": {"ObjectSizeLessThan": -1}}, "InvalidRequest"),
        ({"Filter": {"Prefix": "p" * 1025}}, "InvalidRequest"),
        ({"ID": "i" * 256}, "InvalidArgument"),
        ({"Expiration": None}, "InvalidRequest"),
        ({"Expiration": {}}, "MalformedXML"),
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Expiration": {"Days": 2**31}}, "InvalidArgument"),
        ({"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}, "MalformedXML"),
        ({"Expiration": {"Date": NINE}}, "InvalidArgument"),
        ({"Filter": {"Tag": TAG}, "Expiration": {"ExpiredObjectDeleteMarker": True}}, "InvalidRequest"),
        ({"Filter": {"ObjectSizeLessThan": 9}, "Expiration": {"ExpiredObjectDeleteMarker": True}}, "InvalidRequest"),
        ({"Filter": {"Tag": TAG}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}, "InvalidRequest"),
        ({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 0}}, "InvalidArgument"),
        ({"AbortIncompleteMultipartUpload": {}}, "MalformedXML"),
        ({"NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 3}}, "MalformedXML"),
        (
            {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 101}},
            "InvalidArgument",
        ),
        ({"Expiration": None, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, "InvalidStorageClass"),
        ({"Expiration": None, "Transitions": [{"Days": 1, "StorageClass": "STANDARD"}]}, "MalformedXML"),
        ({"Expiration": None, "Transitions": [{"Days": 29, "StorageClass": "STANDARD_IA"}]}, "InvalidArgument"),
        ({"Expiration": None, "Transitions": [{"Days": -1, "StorageClass": "GLACIER_IR"}]}, "InvalidArgument"),
        ({"Expiration": None, "Transitions": [{"StorageClass": "GLACIER_IR"}]}, "MalformedXML"),
        ({"Expiration": {"Days": 5}, "Transitions": [{"Days": 5, "StorageClass": "GLACIER_IR"}]}, "InvalidArgument"),
        (
            {"Expiration": {"Days": 5}, "Transitions": [{"Date": MIDNIGHT, "StorageClass": "GLACIER_IR"}]},
            "InvalidRequest",
        ),
        ({"Expiration": None, "Transitions": [{"Days": 1, "StorageClass": "GLACIER_IR"}] * 2}, "InvalidRequest"),
    ],
)
def test_a_wrong_rule_is_refused(wrong: dict[str, Any], expected: str) -> None:
    def dated(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: dated(each) for name, each in value.items()}
        if isinstance(value, list):
            return [dated(each) for each in value]
        return dt.datetime.fromisoformat(value) if value in (MIDNIGHT, NINE) else value

    with pytest.raises(AwsError) as caught:
        stored_rules([dated(rule(**wrong))])
    assert caught.value.code == expected


def test_a_configuration_has_one_to_a_thousand_rules_with_different_ids() -> None:
    for wrong, expected in (
        ([], "MalformedXML"),
        ([rule()] * 1001, "MalformedXML"),
        ([rule(ID="a")] * 2, "InvalidArgument"),
    ):
        with pytest.raises(AwsError) as caught:
            stored_rules(wrong)
        assert caught.value.code == expected
    assert len(stored_rules([rule()] * 1000)) == 1000
