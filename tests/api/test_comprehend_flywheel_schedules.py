"""The tag that starts iterations of a flywheel by itself."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.errors import ServiceUnavailable
from reading_room.comprehend.flywheels.upkeep import FlywheelUpkeep
from reading_room.comprehend.schedules import SCHEDULE_TAG, following, next_time
from reading_room.comprehend.tables import FlywheelRow
from reading_room.trail.service_events import ServiceAction
from tests.worlds.flywheels import FLYWHEEL, FlywheelWorld, evaluation
from tests.worlds.models import ACCOUNT, refused

pytestmark = pytest.mark.costs(0.5, reason="it starts the whole product, and the controller handles jobs")

MINUTE = 60
"""Clients sign with the machine's clock, so the world's may not go far ahead."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FlywheelWorld]:
    world = FlywheelWorld(tmp_path)
    yield world
    world.close()


def history(world: FlywheelWorld) -> list[str]:
    page = world.client.list_flywheel_iteration_history(FlywheelArn=FLYWHEEL)
    return [each["FlywheelIterationId"] for each in page["FlywheelIterationPropertiesList"]]


def test_a_tag_starts_an_iteration_again_and_again(world: FlywheelWorld) -> None:
    world.active(Tags=[{"Key": SCHEDULE_TAG, "Value": "rate(1 minute)"}])
    world.dataset()
    world.later(MINUTE - 1)
    world.turn()
    assert history(world) == []
    world.later()
    world.turn()
    assert len(history(world)) == 1
    assert "ActiveModelArn" not in world.describe()
    # The next one is due, but this one still runs.
    world.later(MINUTE)
    world.turn()
    assert len(history(world)) == 1
    assert world.describe()["Message"].startswith("SCHEDULED_ITERATION_NOT_STARTED: ITERATION_IN_PROGRESS: ")
    world.finish(world.started())
    world.succeed(world.started(), evaluation())
    # What was due while the server did not run happens once.
    world.later(5 * MINUTE)
    world.turn(3)
    assert len(history(world)) == 2
    assert "Message" not in world.describe()
    world.client.untag_resource(ResourceArn=FLYWHEEL, TagKeys=[SCHEDULE_TAG])
    world.finish(world.started())
    world.succeed(world.started(), evaluation())
    world.later(MINUTE)
    world.turn(2)
    assert len(history(world)) == 2


def test_a_schedule_without_a_dataset_says_what_is_missing(world: FlywheelWorld) -> None:
    world.active(Tags=[{"Key": SCHEDULE_TAG, "Value": "rate(2 minutes)"}])
    world.later(2 * MINUTE)
    world.turn()
    assert world.describe()["Message"].startswith("SCHEDULED_ITERATION_NOT_STARTED: NO_TRAINING_DATASET: ")


def test_a_tag_can_name_a_time_of_the_week(world: FlywheelWorld) -> None:
    world.active()
    world.dataset()
    due = world.now.replace(second=0, microsecond=0) + dt.timedelta(minutes=2)
    days = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
    value = f"cron({due.minute} {due.hour} ? * {days[due.weekday()]} *)"
    world.client.tag_resource(ResourceArn=FLYWHEEL, Tags=[{"Key": SCHEDULE_TAG, "Value": value}])
    world.turn()
    world.later(MINUTE)
    world.turn()
    assert history(world) == []
    world.later(2 * MINUTE)
    world.turn(2)
    assert len(history(world)) == 1
    with world.database.reading() as session:
        assert session.get_one(FlywheelRow, FLYWHEEL).next_at == due + dt.timedelta(days=7)


def test_a_time_that_is_past_starts_nothing(world: FlywheelWorld) -> None:
    world.active(Tags=[{"Key": SCHEDULE_TAG, "Value": "cron(0 3 1 1 ? 2020)"}])
    world.dataset()
    world.later(MINUTE)
    world.turn(2)
    assert history(world) == []
    assert "Message" not in world.describe()


def test_what_a_schedule_does_is_in_the_trail(world: FlywheelWorld) -> None:
    world.active(Tags=[{"Key": SCHEDULE_TAG, "Value": "rate(1 minute)"}])
    world.later(MINUTE)
    world.turn()
    world.dataset()
    world.later(MINUTE)
    world.turn()
    (identifier,) = history(world)
    started, refused_one = _acted(world)
    assert started["userIdentity"] == {"accountId": ACCOUNT, "invokedBy": "comprehend.amazonaws.com"}
    assert (started["eventName"], started["eventType"]) == ("StartFlywheelIteration", "AwsServiceEvent")
    assert (started["requestParameters"], started["recipientAccountId"]) == (None, ACCOUNT)
    details = started["serviceEventDetails"]
    assert details["flywheelArn"] == FLYWHEEL
    assert details["flywheelIterationId"] == identifier
    assert details["schedule"] == "rate(1 minute)"
    assert "errorCode" not in started
    assert refused_one["errorCode"] == "InvalidRequestException"
    assert refused_one["errorMessage"].startswith("NO_TRAINING_DATASET: ")


def _acted(world: FlywheelWorld) -> list[dict[str, Any]]:
    """Return the events of a flywheel that no call caused, newest first."""
    attribute = {"AttributeKey": "ResourceName", "AttributeValue": FLYWHEEL}
    client: Any = world.client_of("auditor", service="cloudtrail")
    found = client.lookup_events(LookupAttributes=[attribute])["Events"]
    events = [json.loads(each["CloudTrailEvent"]) for each in found]
    return [event for event in events if event["eventType"] == "AwsServiceEvent"]


def test_an_iteration_that_could_not_be_recorded_does_not_start(world: FlywheelWorld) -> None:
    world.active(Tags=[{"Key": SCHEDULE_TAG, "Value": "rate(1 minute)"}])
    world.dataset()
    trail = FullTrail()
    loop = FlywheelUpkeep(world.database, lambda: world.now, trail)
    loop.turn()
    world.later(MINUTE)
    loop.turn()
    assert history(world) == []
    assert world.describe()["Message"].startswith("SCHEDULED_ITERATION_NOT_STARTED: Calls that cannot be recorded")
    assert [action.error is None for action in trail.seen] == [False]


class FullTrail:
    """A trail that cannot record calls now."""

    def __init__(self) -> None:
        self.seen: list[ServiceAction] = []

    def check(self, service: str, operation: str, account: str = "") -> None:
        raise ServiceUnavailable("Calls that cannot be recorded in the trail are refused: the disk is full.")

    def acted(self, action: ServiceAction) -> None:
        self.seen.append(action)


def test_a_tag_that_is_no_schedule_or_not_of_a_flywheel_is_refused(world: FlywheelWorld) -> None:
    values = ("", "daily", "rate(0 days)", "rate(1 week)", "rate(1 day) ", "rate(10000 days)", "cron(0 3 * * SUN *)")
    for value in (*values, "cron(0 3 31 2 ? *)", "cron(0 3 ? * SUN)", "x" * 250):
        code, message = refused(world.create, Tags=[{"Key": SCHEDULE_TAG, "Value": value}])
        assert (code, message.partition(":")[0]) == ("InvalidRequestException", "INVALID_TAG")
    world.active()
    dataset = world.create_dataset()
    tags = [{"Key": SCHEDULE_TAG, "Value": "rate(1 day)"}]
    world.client.tag_resource(ResourceArn=FLYWHEEL, Tags=tags)
    assert refused(world.client.tag_resource, ResourceArn=dataset, Tags=tags)[0] == "InvalidRequestException"


@given(st.integers(1, 9999), st.sampled_from(["minute", "hour", "day"]), st.integers(0, 10**8), st.integers(0, 10**7))
def test_a_schedule_keeps_its_phase(number: int, unit: str, begin: int, late: int) -> None:
    value = f"rate({number} {unit}s)"
    due = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=begin)
    now = due + dt.timedelta(seconds=late)
    first, after = next_time(value, due), following(value, due, now)
    assert first is not None
    assert after is not None
    period = first - due
    assert now < after <= now + period
    assert (after - due) % period == dt.timedelta(0)
