"""How long log groups keep events, and how calls name groups: by name or by ARN."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from reading_room.logs import streams
from reading_room.logs.retention import LogRetention
from reading_room.logs.streams import EVENT_OVERHEAD, NewEvent, milliseconds
from reading_room.logs.tables import LogEvent, LogStream
from tests.worlds.iam import refusal
from tests.worlds.models import ACCOUNT, REGION, ModelWorld

pytestmark = pytest.mark.costs(0.3, reason="it starts the whole product")
MISSING = ("ResourceNotFoundException", "The specified log group does not exist.", 400)
ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/jobs"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    """The whole product in one process; its clock moves only when a test moves it."""
    world = ModelWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def logs(world: ModelWorld) -> Any:
    """A client of an account with a group and a stream."""
    client = world.client_of("alice", service="logs")
    client.create_log_group(logGroupName="/jobs")
    client.create_log_stream(logGroupName="/jobs", logStreamName="one")
    return client


def put(world: ModelWorld, *messages: str, days_ago: int = 0) -> None:
    """Store messages with timestamps a number of days ago."""
    then = milliseconds(world.now - dt.timedelta(days=days_ago))
    with world.database.transaction() as session:
        streams.append(session, ACCOUNT, REGION, "/jobs", "one", [NewEvent(then, text) for text in messages], then)


def messages(logs: Any, **options: Any) -> tuple[list[str], list[str]]:
    """Return the messages from GetLogEvents and FilterLogEvents."""
    got = logs.get_log_events(logGroupName="/jobs", logStreamName="one", **options)["events"]
    filtered = logs.filter_log_events(logGroupName="/jobs", **options)["events"]
    return [event["message"] for event in got], [event["message"] for event in filtered]


def kept(world: ModelWorld) -> int:
    """Return the number of events in the database."""
    with world.database.reading() as session:
        return session.scalar(select(func.count()).select_from(LogEvent)) or 0


def test_a_policy_is_described_changed_and_deleted(logs: Any) -> None:
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    for days in (7, 3653):
        logs.put_retention_policy(logGroupName="/jobs", retentionInDays=days)
        assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == days
    logs.delete_retention_policy(logGroupName="/jobs")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    assert refusal(logs.put_retention_policy, logGroupName="/other", retentionInDays=7) == MISSING
    assert refusal(logs.delete_retention_policy, logGroupName="/other") == MISSING


def test_only_certain_numbers_of_days_are_accepted(logs: Any) -> None:
    code, message, _ = refusal(logs.put_retention_policy, logGroupName="/jobs", retentionInDays=2)
    assert code == "InvalidParameterException"
    assert message.startswith(
        "1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy constraint: "
        "Member must satisfy enum value set: [1, 3, 5, 7,"
    )


def test_an_expired_event_is_not_returned_and_is_deleted(world: ModelWorld, logs: Any) -> None:
    put(world, "old", "also old", days_ago=2)
    put(world, "new")
    logs.put_retention_policy(logGroupName="/jobs", retentionInDays=1)
    assert messages(logs) == (["new"], ["new"])
    assert messages(logs, startTime=0) == (["new"], ["new"])
    assert kept(world) == 3
    world.product.retention.turn()
    assert kept(world) == 1
    (stream,) = logs.describe_log_streams(logGroupName="/jobs")["logStreams"]
    assert stream["firstEventTimestamp"] == stream["lastEventTimestamp"] == milliseconds(world.now)
    with world.database.reading() as session:
        assert session.scalars(select(LogStream.stored_bytes)).all() == [EVENT_OVERHEAD + len("new")]
    logs.delete_retention_policy(logGroupName="/jobs")
    assert messages(logs) == (["new"], ["new"])


def test_a_group_without_a_policy_keeps_everything(world: ModelWorld, logs: Any) -> None:
    put(world, "old", days_ago=4000)
    world.product.retention.turn()
    assert messages(logs) == (["old"], ["old"])


def test_the_setting_applies_to_groups_without_a_policy(tmp_path: Path) -> None:
    world = ModelWorld(tmp_path, log_days=10)
    try:
        logs = world.client_of("alice", service="logs")
        logs.create_log_group(logGroupName="/jobs")
        put(world, "old", days_ago=11)
        put(world, "new", days_ago=9)
        assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 10
        assert messages(logs) == (["new"], ["new"])
        logs.put_retention_policy(logGroupName="/jobs", retentionInDays=30)
        assert messages(logs) == (["old", "new"], ["old", "new"])
        world.product.retention.turn()
        assert kept(world) == 2
        logs.delete_retention_policy(logGroupName="/jobs")
        world.product.retention.turn()
        assert kept(world) == 1
    finally:
        world.close()


def test_a_turn_deletes_a_limited_number_and_says_whether_more_is_left(world: ModelWorld, logs: Any) -> None:
    put(world, *map(str, range(9)), days_ago=2)
    logs.put_retention_policy(logGroupName="/jobs", retentionInDays=1)
    retention = LogRetention(world.database, world.clock, days=0, at_once=2, most=4)
    assert [(retention.turn(), kept(world)) for _ in range(3)] == [(True, 5), (True, 1), (False, 0)]


def test_a_purge_deletes_any_number_of_expired_events(world: ModelWorld, logs: Any) -> None:
    put(world, *map(str, range(9)), days_ago=2)
    logs.put_retention_policy(logGroupName="/jobs", retentionInDays=1)
    LogRetention(world.database, world.clock, days=0, at_once=3).turn()
    assert kept(world) == 0
    (stream,) = logs.describe_log_streams(logGroupName="/jobs")["logStreams"]
    assert "firstEventTimestamp" not in stream
    put(world, "again")
    assert messages(logs) == (["again"], ["again"])


def test_an_already_expired_event_is_rejected_and_reported(world: ModelWorld, logs: Any) -> None:
    logs.put_retention_policy(logGroupName="/jobs", retentionInDays=1)
    now = milliseconds(world.now)
    events = [{"timestamp": now - 100_000_000, "message": "old"}, {"timestamp": now - 86_000_000, "message": "new"}]
    answer = logs.put_log_events(logGroupName="/jobs", logStreamName="one", logEvents=events)
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert messages(logs)[0] == ["new"]


def test_invalid_names_and_tags_are_refused_in_awss_words(logs: Any) -> None:
    too_long = "Invalid LogGroup or LogStream, both must have length less than or equal to 512."
    assert refusal(logs.create_log_group, logGroupName="a" * 513)[:2] == ("InvalidParameterException", too_long)
    assert refusal(logs.create_log_stream, logGroupName="/jobs", logStreamName="a" * 513)[1] == too_long
    assert refusal(logs.create_log_group, logGroupName="a b")[1].startswith(
        "1 validation error detected: Value at 'logGroupName' failed to satisfy constraint: "
    )
    assert refusal(logs.create_log_group, logGroupName="/tagged", tags={"aws:team": "x"})[:2] == (
        "InvalidParameterException",
        "aws: prefixed tag key names are not allowed for external use.",
    )


def test_a_search_by_pattern_returns_fewer_members_than_one_by_prefix(logs: Any) -> None:
    logs.put_retention_policy(logGroupName="/jobs", retentionInDays=7)
    (found,) = logs.describe_log_groups(logGroupNamePattern="ob")["logGroups"]
    assert sorted(found) == ["arn", "creationTime", "logGroupArn", "logGroupClass", "logGroupName", "metricFilterCount"]
    (whole,) = logs.describe_log_groups(logGroupNamePrefix="/j")["logGroups"]
    assert {"storedBytes", "retentionInDays", "deletionProtectionEnabled"} <= set(whole)


def test_put_log_events_returns_an_increasing_sequence_token(world: ModelWorld, logs: Any) -> None:
    """No call needs the token any more, but older clients still read it."""

    def token() -> str:
        event = {"timestamp": milliseconds(world.now), "message": "new"}
        answer = logs.put_log_events(logGroupName="/jobs", logStreamName="one", logEvents=[event])
        return str(answer["nextSequenceToken"])

    first = token()
    world.now += dt.timedelta(seconds=1)
    assert first < token()
    assert first.isdigit()
    assert len(first) == 56


def test_an_arn_is_accepted_wherever_a_group_identifier_is(world: ModelWorld, logs: Any) -> None:
    put(world, "new")
    assert logs.describe_log_groups()["logGroups"][0]["logGroupArn"] == ARN
    for identifier in ("/jobs", ARN):
        assert logs.get_log_events(logGroupIdentifier=identifier, logStreamName="one")["events"]
        assert logs.filter_log_events(logGroupIdentifier=identifier)["events"]
        assert logs.describe_log_streams(logGroupIdentifier=identifier)["logStreams"]
        assert logs.describe_log_groups(logGroupIdentifiers=[identifier])["logGroups"]
    assert logs.list_tags_for_resource(resourceArn=ARN)["tags"] == {}


@pytest.mark.parametrize("change", [(REGION, "eu-west-1"), (ACCOUNT, "444455556666"), ("/jobs", "/other")])
def test_an_arn_of_another_region_account_or_group_finds_no_group(logs: Any, change: tuple[str, str]) -> None:
    other = ARN.replace(*change)
    assert refusal(logs.filter_log_events, logGroupIdentifier=other) == MISSING
    assert logs.describe_log_groups(logGroupIdentifiers=[other])["logGroups"] == []


def test_an_arn_with_a_star_or_together_with_a_name_is_refused(logs: Any) -> None:
    pattern = "Member must satisfy regular expression pattern: [\\w#+=/:,.@-]*"
    assert refusal(logs.describe_log_streams, logGroupIdentifier=f"{ARN}:*")[:2] == (
        "InvalidParameterException",
        f"1 validation error detected: Value at 'logGroupIdentifier' failed to satisfy constraint: {pattern}",
    )
    for call in (logs.describe_log_streams, logs.filter_log_events):
        assert refusal(call, logGroupName="/jobs", logGroupIdentifier=ARN)[:2] == (
            "ValidationException",
            "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
        )
