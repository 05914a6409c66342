"""Deliveries: each event reaches every target at least once and in order, whatever is interrupted or fails."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from reading_room.aws.call import Principal
from reading_room.database.engine import Database
from reading_room.logs import streams
from reading_room.logs.errors import NoRoomForLogs
from reading_room.logs.room import LogRoom
from reading_room.logs.tables import LogEvent
from reading_room.s3.errors import NoSuchBucket
from reading_room.settings import Settings
from reading_room.state_events.delivery import (
    LONGEST_ABSENCE,
    LONGEST_PAUSE,
    PATIENCE,
    Delivery,
    Routing,
)
from reading_room.state_events.destinations import BucketTarget, LogGroupTarget, WebhookTarget
from reading_room.state_events.event import text_of
from reading_room.state_events.retention import FAILED_KEPT, StateEventRetention
from reading_room.state_events.tables import StateEventRow
from reading_room.state_events.targets import Target
from reading_room.state_events.undelivered import Retried, counts, last_reason, listed, retry, state_of
from reading_room.state_events.webhook import webhook_of
from tests.worlds import databases
from tests.worlds.receiver import NO_CONTENT, Receiver, key_file, receiver, states
from tests.worlds.state_events import ACCOUNT, OTHER_ACCOUNT, events_in, happened, waiting

REFUSES = b"HTTP/1.1 503 Later\r\n\r\n"


class Killed(BaseException):
    """The process was killed."""


class World:
    """A database whose events go to a receiver on loopback. Its clock moves only when a test moves it."""

    def __init__(self, folder: Path, server: Receiver) -> None:
        self.now = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
        self.database = databases.made(folder / "db.sqlite")
        settings = Settings(events_webhook=server.url, events_webhook_key=key_file(folder), webhook_hosts="127.0.0.1")
        self.settings = settings
        self.target: Target = WebhookTarget(webhook_of(settings, self.clock).send)
        self.start()

    def start(self) -> None:
        """Start again with only the database, as after ``kill -9``."""
        self.routing = Routing(self.database, [self.target], self.clock)
        self.delivery = Delivery(self.database, self.target, self.clock)

    def clock(self) -> dt.datetime:
        return self.now

    def happened(self, job: str, *statuses: str, account: str = ACCOUNT) -> None:
        happened(self.database, job, *statuses, now=self.now, account=account)

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.routing.turn()
            self.delivery.turn()

    def later(self, pause: dt.timedelta) -> None:
        """Let time pass, and take turns."""
        self.now += pause
        self.turn(2)


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def world(tmp_path: Path, server: Receiver) -> Iterator[World]:
    world = World(tmp_path, server)
    yield world
    world.database.close()


def test_events_are_delivered_once_and_in_order_when_nothing_fails(world: World, server: Receiver) -> None:
    world.happened("a", "SUBMITTED", "IN_PROGRESS")
    world.happened("b", "SUBMITTED")
    world.happened("a", "COMPLETED")
    world.turn(4)
    came = states(server.came)
    assert [status for job, status in came if job == "a"] == ["SUBMITTED", "IN_PROGRESS", "COMPLETED"]
    assert ("b", "SUBMITTED") in came
    assert len(came) == 4
    assert waiting(world.database) == []
    assert [each.body.decode() for each in server.came] == [
        text_of(row) for each in server.came for row in events_in(world.database) if row.event_id == each.event["id"]
    ]


def test_a_later_event_of_a_job_waits_for_an_earlier_one_and_other_jobs_do_not(world: World, server: Receiver) -> None:
    world.happened("a", "SUBMITTED", "COMPLETED")
    world.routing.turn()
    server.answer = REFUSES
    world.delivery.turn()
    server.answer = NO_CONTENT
    world.happened("b", "SUBMITTED", "COMPLETED")
    world.turn(3)
    assert states(server.came) == [("a", "SUBMITTED"), ("b", "SUBMITTED"), ("b", "COMPLETED")]
    world.later(dt.timedelta(seconds=5))
    assert states(server.came)[3:] == [("a", "SUBMITTED"), ("a", "COMPLETED")]


def test_the_pauses_grow_to_an_hour_and_after_a_day_a_delivery_is_given_up(
    world: World, server: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = REFUSES
    world.happened("a", "SUBMITTED", "COMPLETED")
    world.turn()
    pauses, began = [], world.now
    while (first := waiting(world.database)[0]).given_up_at is None:
        pauses.append(first.next_at - world.now)
        world.now = first.next_at
        world.turn()
    assert pauses[:4] == [dt.timedelta(seconds=each) for each in (5, 10, 20, 40)]
    assert max(pauses) == LONGEST_PAUSE
    assert PATIENCE <= first.given_up_at - began <= PATIENCE + LONGEST_PAUSE
    assert f"{events_in(world.database)[0].event_id} of arn:" in caplog.text
    assert "was not delivered to webhook within a day and is given up" in caplog.text
    # The next event of the job has a day of its own.
    server.answer = NO_CONTENT
    world.turn(2)
    assert states(server.came)[-1] == ("a", "COMPLETED")
    with world.database.reading() as session:
        assert counts(session) == {("webhook", "failed"): 1}
        assert last_reason(session) == "the answer is 503"
    world.now += FAILED_KEPT + dt.timedelta(days=2)
    StateEventRetention(world.database, world.clock, world.settings).turn()
    assert waiting(world.database) == []
    assert len(events_in(world.database)) == 1, "the newest is kept, so that no number is used again"


def test_what_was_given_up_is_delivered_again_when_asked(world: World, server: Receiver) -> None:
    server.answer = REFUSES
    world.happened("a", "SUBMITTED", "COMPLETED")
    world.turn()
    while (first := waiting(world.database)[0]).given_up_at is None:
        world.now = first.next_at
        world.turn()
    server.answer = NO_CONTENT
    world.turn(2)
    server.came.clear()
    with world.database.reading() as session:
        ((delivery, gone),) = listed(session, 10, state="GIVEN_UP")
    assert state_of(delivery) == "GIVEN_UP"
    with world.database.transaction() as session:
        assert retry(session, world.now, target="bucket") == Retried(0, 0)
        assert retry(session, world.now, event_id="0" * 36) == Retried(0, 0)
        assert retry(session, world.now, target="webhook", event_id=gone.event_id) == Retried(1, 0)
    world.turn(2)
    assert states(server.came) == [("a", "SUBMITTED")]
    assert waiting(world.database) == []


def test_what_was_given_up_has_another_day_and_what_failed_does_not_wait_longer(world: World, server: Receiver) -> None:
    server.answer = REFUSES
    world.happened("a", "SUBMITTED")
    world.turn()
    while (first := waiting(world.database)[0]).given_up_at is None:
        world.now = first.next_at
        world.turn()
    with world.database.transaction() as session:
        retry(session, world.now)
    again = world.now
    world.turn()
    (row,) = waiting(world.database)
    assert (row.attempts, row.tried_at, row.given_up_at) == (1, again, None)
    world.later(dt.timedelta(hours=20))
    (row,) = waiting(world.database)
    assert row.next_at > world.now
    tried = row.tried_at
    server.answer = NO_CONTENT
    with world.database.transaction() as session:
        assert retry(session, world.now) == Retried(0, 1)
    assert waiting(world.database)[0].tried_at == tried, "its day goes on"
    world.turn()
    assert waiting(world.database) == []


def test_a_receiver_that_is_down_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    with receiver() as server:
        world = World(tmp_path, server)
    for number in range(30):
        world.happened(f"job-{number}", "SUBMITTED", "COMPLETED")
    for _ in range(20):
        world.later(dt.timedelta(minutes=1))
    assert len(waiting(world.database)) == 60
    with receiver(port=server.port) as back:
        world.now += LONGEST_ABSENCE
        world.turn(8)
        came = states(back.came)
    assert waiting(world.database) == []
    for number in range(30):
        assert [status for job, status in came if job == f"job-{number}"] == ["SUBMITTED", "COMPLETED"]
    world.database.close()


def test_while_a_receiver_is_down_it_is_tried_rarely_and_everything_that_waits_is_given_up_after_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with receiver() as server:
        world = World(tmp_path, server)
    world.happened("a", "SUBMITTED", "COMPLETED")
    world.happened("b", "SUBMITTED")
    world.turn()
    for _ in range(10):  # The receiver has just been found away, so nothing is tried.
        world.turn()
    assert [row.attempts for row in waiting(world.database)] == [1, 0, 0]
    world.later(PATIENCE - dt.timedelta(minutes=1))
    assert {row.given_up_at for row in waiting(world.database)} == {None}
    world.later(dt.timedelta(hours=1))
    assert {row.given_up_at for row in waiting(world.database)} == {world.now}
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "state events cannot be delivered to webhook and will be retried: Connection refused"
    ]
    world.database.close()


@pytest.mark.parametrize("moment", ["before the request", "after the answer"])
def test_a_kill_during_a_delivery_repeats_it_and_loses_nothing(world: World, server: Receiver, moment: str) -> None:
    class Dying(WebhookTarget):
        def deliver(self, events: Sequence[StateEventRow]) -> None:
            if moment == "after the answer":
                world.target.deliver(events)
            raise Killed

    world.happened("a", "SUBMITTED", "COMPLETED")
    world.routing.turn()
    with pytest.raises(Killed):
        Delivery(world.database, Dying(lambda _: None), world.clock).turn()  # type: ignore[arg-type,return-value]
    world.start()
    world.turn(3)
    seen = [status for _, status in states(server.came)]
    assert seen in (["SUBMITTED", "COMPLETED"], ["SUBMITTED", "SUBMITTED", "COMPLETED"])
    ids = [each.headers["webhook-id"] for each in server.came]
    assert len(set(ids)) == 2


def test_after_a_kill_between_two_steps_the_next_start_goes_on(world: World, server: Receiver) -> None:
    world.happened("a", "SUBMITTED")
    world.start()
    world.happened("a", "COMPLETED")
    world.routing.turn()
    world.start()
    world.turn(3)
    assert [status for _, status in states(server.came)] == ["SUBMITTED", "COMPLETED"]


def test_a_clock_that_is_set_back_stops_no_delivery(world: World, server: Receiver) -> None:
    server.answer = REFUSES
    world.happened("a", "SUBMITTED")
    world.turn()
    server.answer = NO_CONTENT
    world.now -= dt.timedelta(days=400)
    world.turn(2)
    assert waiting(world.database) == []


def test_deliveries_to_a_target_that_was_turned_off_are_forgotten(world: World) -> None:
    world.happened("a", "SUBMITTED")
    world.routing.turn()
    assert len(waiting(world.database)) == 1
    StateEventRetention(world.database, world.clock, Settings()).turn()
    assert waiting(world.database) == []
    assert len(events_in(world.database)) == 1


def delivered(database: Database, target: Target, now: dt.datetime) -> None:
    """Deliver all events to one target."""
    Routing(database, [target], lambda: now).turn()
    delivery = Delivery(database, target, lambda: now)
    for _ in range(4):
        delivery.turn()


def test_each_account_has_its_events_in_a_log_group_of_its_own(world: World) -> None:
    world.happened("a", "SUBMITTED")
    world.happened("b", "SUBMITTED", account=OTHER_ACCOUNT)
    world.happened("a", "COMPLETED")
    delivered(world.database, LogGroupTarget(world.database, "/reading-room/events", world.clock), world.now)
    assert waiting(world.database) == []
    for account, expected in ((ACCOUNT, ["SUBMITTED", "COMPLETED"]), (OTHER_ACCOUNT, ["SUBMITTED"])):
        with world.database.reading() as session:
            stream = streams.get_stream(session, streams.get_group(session, account, "/reading-room/events"), "jobs")
            messages = (
                select(LogEvent.message).where(LogEvent.stream_id == stream.stream_id).order_by(LogEvent.event_id)
            )
            lines = [json.loads(each) for each in session.scalars(messages)]
        assert [each["detail"]["Status"] for each in lines] == expected
        assert {each["account"] for each in lines} == {account}


def test_a_full_account_delays_only_its_own_events(world: World) -> None:
    class Full(LogRoom):
        def take(self, session: object, account: str, events: object) -> None:
            if account == ACCOUNT:
                raise NoRoomForLogs.of_account(1)

    world.happened("a", "SUBMITTED")
    world.happened("b", "SUBMITTED", account=OTHER_ACCOUNT)
    delivered(world.database, LogGroupTarget(world.database, "/events", world.clock, Full()), world.now)
    (left,) = waiting(world.database)
    assert left.ordered_by == ACCOUNT
    assert left.reason is not None
    assert "There is no room for these log events" in left.reason


class Bucket:
    """A bucket that keeps what is put into it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.contexts: list[object] = []
        self.missing = False

    def __call__(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str,
        principal: Principal,
        context: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        if self.missing:
            raise NoSuchBucket(bucket)
        self.objects[f"{bucket}/{key}"] = data
        self.contexts.append((principal.service_name, context))


def test_a_bucket_gets_lines_of_events_by_account_and_day(world: World) -> None:
    bucket = Bucket()
    world.happened("a", "SUBMITTED", "COMPLETED")
    world.happened("b", "SUBMITTED", account=OTHER_ACCOUNT)
    delivered(world.database, BucketTarget(bucket, "events", "states/"), world.now)
    assert waiting(world.database) == []
    keys = sorted(bucket.objects)
    assert [key.rpartition("/")[0] for key in keys] == [
        f"events/states/{ACCOUNT}/2026/12/01",
        f"events/states/{OTHER_ACCOUNT}/2026/12/01",
    ]
    lines = [json.loads(line) for line in bucket.objects[keys[0]].splitlines()]
    assert [each["detail"]["Status"] for each in lines] == ["SUBMITTED", "COMPLETED"]
    assert bucket.contexts[0] == (
        "events.amazonaws.com",
        {
            "aws:SourceAccount": (ACCOUNT,),
            "aws:SourceArn": (f"arn:aws:events:us-east-1:{ACCOUNT}:rule/reading-room",),
        },
    )


def test_a_bucket_that_is_missing_gets_the_events_when_it_exists(world: World) -> None:
    bucket = Bucket()
    bucket.missing = True
    world.happened("a", "SUBMITTED", "COMPLETED")
    delivered(world.database, BucketTarget(bucket, "events", ""), world.now)
    assert {row.reason for row in waiting(world.database)} == {
        "NoSuchBucket: The specified bucket does not exist",
    }
    bucket.missing = False
    delivered(world.database, BucketTarget(bucket, "events", ""), world.now + dt.timedelta(minutes=1))
    ((key, content),) = bucket.objects.items()
    assert key.startswith(f"events/{ACCOUNT}/2026/12/01/0")
    assert len(content.splitlines()) == 2


def test_an_interrupted_delivery_to_a_bucket_writes_the_same_object_again(world: World) -> None:
    bucket = Bucket()
    world.happened("a", "SUBMITTED")
    target = BucketTarget(bucket, "events", "")
    target.deliver(events_in(world.database))
    world.happened("a", "COMPLETED")
    delivered(world.database, target, world.now)
    assert [len(content.splitlines()) for content in bucket.objects.values()] == [2]
