"""The tag that starts iterations of a flywheel by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.comprehend.schedules import SCHEDULE_TAG, following, next_time
from tests.worlds.flywheels import FLYWHEEL, FlywheelWorld, evaluation
from tests.worlds.models import refused

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


def test_a_tag_that_is_no_schedule_or_not_of_a_flywheel_is_refused(world: FlywheelWorld) -> None:
    for value in ("", "daily", "rate(0 days)", "rate(1 week)", "rate(1 day) ", "x" * 101, "rate(10000 days)"):
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
    period, after = next_time(value, due) - due, following(value, due, now)
    assert now < after <= now + period
    assert (after - due) % period == dt.timedelta(0)
