"""ListStateEvents and ``reading-room events tail``, and the delivery of events to a real bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from reading_room.cli.events import delivery_line, every, line, retried_line
from reading_room.database.engine import Database
from reading_room.extension.operations.state_events import StateEventOperations
from reading_room.settings import Settings
from tests.worlds.extension import ACCOUNT, OTHER_ACCOUNT, ExtensionWorld, allow, policy, refusal
from tests.worlds.state_events import happened

pytestmark = pytest.mark.costs(0.4, reason="the whole product is made, with a network, a bucket and a role")


def submitted(world: ExtensionWorld) -> str:
    """Submit a job and return its id."""
    return str(world.client("comprehend").start_entities_detection_job(**world.request())["JobId"])


def seen(room: BaseClient, **given: Any) -> list[tuple[str, str]]:
    """Return the job and the status of each event."""
    answer = room.list_state_events(**given)  # type: ignore[attr-defined]
    details = [json.loads(each["Event"])["detail"] for each in answer["Events"]]
    return [(each["JobId"], each["Status"]) for each in details]


def test_a_caller_sees_each_event_of_its_account_once(world: ExtensionWorld) -> None:
    room, first = world.room(), submitted(world)
    world.client("comprehend").stop_entities_detection_job(JobId=first)
    assert seen(room) == [(first, "SUBMITTED"), (first, "STOPPED")]
    assert seen(room, MaxResults=1) == [(first, "SUBMITTED")]
    token = room.list_state_events(MaxResults=1)["NextToken"]
    assert seen(room, NextToken=token) == [(first, "STOPPED")]
    token = room.list_state_events()["NextToken"]
    assert seen(room, NextToken=token) == []
    second = submitted(world)
    assert seen(room, NextToken=token) == [(second, "SUBMITTED")]
    assert seen(room, Resource=second) == [(second, "SUBMITTED")]
    arn = f"arn:aws:comprehend:us-east-1:{ACCOUNT}:entities-detection-job/{first}"
    assert [job for job, _ in seen(room, Resource=arn)] == [first, first]
    assert seen(room, Resource=first[:8]) == []


def test_a_caller_can_begin_with_the_newest_events(world: ExtensionWorld) -> None:
    room, first = world.room(), submitted(world)
    world.client("comprehend").stop_entities_detection_job(JobId=first)
    second = submitted(world)
    newest = room.list_state_events(Newest=True, MaxResults=2)
    details = [json.loads(each["Event"])["detail"] for each in newest["Events"]]
    assert [(each["JobId"], each["Status"]) for each in details] == [(first, "STOPPED"), (second, "SUBMITTED")]
    assert seen(room, Newest=True, Resource=first, MaxResults=1) == [(first, "STOPPED")]
    world.client("comprehend").stop_entities_detection_job(JobId=second)
    assert seen(room, Newest=True, NextToken=newest["NextToken"]) == [(second, "STOPPED")]


def test_the_operator_sees_failed_deliveries_and_has_them_attempted_again(tmp_path: Path) -> None:
    world = ExtensionWorld(tmp_path, processes=1, events_bucket="s3://papers/states/", events_log_group="/events")
    room, (routing, groups, bucket) = world.room(), world.product.state_events
    assert room.list_state_event_deliveries()["Deliveries"] == []
    job = submitted(world)
    routing.turn()
    bucket.turn()
    answer = room.list_state_event_deliveries()
    assert answer["Targets"] == ["log-group", "bucket"]
    failed, waiting = answer["Deliveries"]
    assert (failed["Target"], failed["State"], failed["Attempts"]) == ("bucket", "RETRYING", 1)
    assert failed["Reason"].startswith("AccessDenied: ")
    assert json.loads(failed["Event"])["detail"]["JobId"] == job
    assert (waiting["Target"], waiting["State"], waiting["Attempts"]) == ("log-group", "WAITING", 0)
    assert "Reason" not in waiting
    assert [each["Target"] for each in room.list_state_event_deliveries(State="WAITING")["Deliveries"]] == ["log-group"]
    page = room.list_state_event_deliveries(MaxResults=1)
    rest = room.list_state_event_deliveries(NextToken=page["NextToken"])
    assert [page["Deliveries"], rest["Deliveries"]] == [[failed], [waiting]]
    assert delivery_line(failed).split()[:4] == ["bucket", "RETRYING", "attempts", "1"]

    allowed = {**allow("s3:PutObject", resource="arn:aws:s3:::papers/states/*")}
    world.client("s3").put_bucket_policy(
        Bucket="papers", Policy=policy({**allowed, "Principal": {"Service": "events.amazonaws.com"}})
    )
    bucket.turn()
    assert len(room.list_state_event_deliveries()["Deliveries"]) == 2, "it waits for its time"
    event = json.loads(failed["Event"])["id"]
    retried = room.retry_state_event_deliveries(Target="bucket", EventId=event)
    assert retried_line(retried) == "0 that were given up and 1 that failed will be attempted again."
    bucket.turn()
    groups.turn()
    assert room.list_state_event_deliveries()["Deliveries"] == []
    assert retried_line(room.retry_state_event_deliveries()) == "No delivery has failed or was given up."
    world.close()


def test_deliveries_are_only_the_operators(world: ExtensionWorld) -> None:
    actions = ("reading-room:ListStateEventDeliveries", "reading-room:RetryStateEventDeliveries")
    stranger = world.room(world.user("stranger", *(allow(action) for action in actions), account=OTHER_ACCOUNT))
    nobody = world.room(world.user("nobody"))
    for room, code in ((stranger, "NotOperatorException"), (nobody, "AccessDeniedException")):
        assert refusal(room.list_state_event_deliveries)[0] == code
        assert refusal(room.retry_state_event_deliveries)[0] == code
    for wrong in ({"NextToken": "123"}, {"NextToken": "1-pigeon"}, {"State": "LOST"}):
        assert refusal(world.room().list_state_event_deliveries, **wrong)[0] == "ValidationException"
    assert refusal(world.room().retry_state_event_deliveries, Target="pigeon")[0] == "ValidationException"


def test_only_the_first_account_sees_events_of_others(world: ExtensionWorld) -> None:
    happened(world.database, "theirs", "SUBMITTED", now=world.now, account=OTHER_ACCOUNT)
    mine = submitted(world)
    stranger = world.user("stranger", allow("reading-room:ListStateEvents"), account=OTHER_ACCOUNT)
    assert seen(world.room(stranger)) == [("theirs", "SUBMITTED")]
    for other in (ACCOUNT, "all"):
        assert refusal(world.room(stranger).list_state_events, AccountId=other)[0] == "NotOperatorException"
    assert seen(world.room(), AccountId="all") == [("theirs", "SUBMITTED"), (mine, "SUBMITTED")]
    assert seen(world.room(), AccountId=OTHER_ACCOUNT) == [("theirs", "SUBMITTED")]
    nobody = world.user("nobody")
    assert refusal(world.room(nobody).list_state_events)[0] == "AccessDeniedException"
    for wrong in ({"AccountId": "every"}, {"NextToken": "x"}):
        assert refusal(world.room().list_state_events, **wrong)[0] == "ValidationException"


def test_a_call_without_news_reads_nothing(world: ExtensionWorld) -> None:
    reads = []

    class Counting(Database):
        def reading(self) -> Any:
            reads.append(1)
            return super().reading()

        def transaction(self, **more: Any) -> Any:
            reads.append(1)
            return super().transaction(**more)

    database = Counting(world.database.engine)
    operations, call = StateEventOperations(database, Settings(account=ACCOUNT), world.clock), Call()
    first = operations.list_state_events(call, {})  # type: ignore[arg-type]
    for _ in range(5):
        assert operations.list_state_events(call, {"NextToken": first["NextToken"]})["Events"] == []  # type: ignore[arg-type]
    assert len(reads) == 1
    happened(database, "a", "SUBMITTED", now=world.now)
    assert len(operations.list_state_events(call, {"NextToken": first["NextToken"]})["Events"]) == 1  # type: ignore[arg-type]


class Call:
    """All that the operation needs of a call."""

    account = ACCOUNT
    operation = "ListStateEvents"


def test_the_command_shows_what_there_is_and_goes_on_if_asked(world: ExtensionWorld) -> None:
    job, room, pauses = submitted(world), world.room(), []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            world.client("comprehend").stop_entities_detection_job(JobId=job)
        elif len(pauses) == 3:
            raise KeyboardInterrupt

    shown: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        shown += list(_kept(every(room.list_state_events, {"AccountId": "all"}, follow=True, pause=pause), shown))
    assert [json.loads(each)["detail"]["Status"] for each in shown] == ["SUBMITTED", "STOPPED"]
    assert pauses == [1.0] * 3
    (first, _) = every(room.list_state_events, {"AccountId": "all"}, follow=False, pause=pause)
    words = line(json.loads(first)).split()
    assert words[1:] == [ACCOUNT, "SUBMITTED", f"entities-detection-job/{job}"]


def _kept(texts: Iterator[str], kept: list[str]) -> Iterator[str]:
    """Keep each text as soon as it comes."""
    for text in texts:
        kept.append(text)
    yield from ()


def test_a_line_for_people_cannot_control_a_terminal() -> None:
    event = {
        "time": "2026-12-01T12:00:00Z",
        "account": ACCOUNT,
        "resources": ["arn:aws:comprehend:us-east-1:1:entities-detection-job/a"],
        "detail": {"Status": "FAILED", "JobName": "x\x1b[2J\n", "FailureCode": "NO_READ_ACCESS_TO_INPUT"},
    }
    assert line(event).isprintable()
    assert line(event).endswith("NO_READ_ACCESS_TO_INPUT")


def test_a_bucket_gets_events_once_its_policy_allows_it(tmp_path: Path) -> None:
    world = ExtensionWorld(tmp_path, processes=1, events_bucket="s3://papers/states/", events_log_group="/events")
    routing, groups, bucket = world.product.state_events
    job = submitted(world)
    routing.turn()
    groups.turn()
    bucket.turn()
    s3 = world.client("s3")
    assert "Contents" not in s3.list_objects_v2(Bucket="papers", Prefix="states/")
    allowed = {**allow("s3:PutObject", resource="arn:aws:s3:::papers/states/*")}
    s3.put_bucket_policy(Bucket="papers", Policy=policy({**allowed, "Principal": {"Service": "events.amazonaws.com"}}))
    world.later(60)
    bucket.turn()
    (found,) = s3.list_objects_v2(Bucket="papers", Prefix="states/")["Contents"]
    body = s3.get_object(Bucket="papers", Key=found["Key"])["Body"].read()
    assert [json.loads(each)["detail"]["JobId"] for each in body.splitlines()] == [job]
    logs = world.client("logs")
    (event,) = logs.get_log_events(logGroupName="/events", logStreamName="jobs")["events"]
    assert event["message"].encode() + b"\n" == body
    world.close()
