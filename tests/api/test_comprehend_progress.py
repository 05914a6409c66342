"""The progress of a job, for a program that has only Describe and the job's log stream."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.job_file import Failed, Progress
from reading_room.cli.following import Follower, View, shown
from reading_room.cli.reading import properties_in
from reading_room.jobs.job_log import JobLog
from reading_room.jobs.progress import LOG_GROUP
from reading_room.jobs.stories import Stories
from tests.worlds.models import ACCOUNT, REGION, ROLE, ModelWorld

pytestmark = pytest.mark.costs(0.2, reason="it starts the whole product, and the controller handles a job")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    """The whole product without hosts."""
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def start(world: ModelWorld, **more: Any) -> str:
    """Start a job and return its id."""
    answer = world.client.start_dominant_language_detection_job(
        InputDataConfig={"S3Uri": "s3://papers/in/"},
        OutputDataConfig={"S3Uri": "s3://papers/out/"},
        DataAccessRoleArn=ROLE,
        **more,
    )
    return str(answer["JobId"])


def follower_of(world: ModelWorld, job: str) -> Follower:
    """Return a follower of a job that reads the log stream at every look."""
    describe = world.client.describe_dominant_language_detection_job
    member = "DominantLanguageDetectionJobProperties"
    logs = world.client_of("watcher", service="logs")
    return Follower(logs, job, partial(properties_in, describe, member, JobId=job), log_seconds=0)


def pass_seconds(world: ModelWorld, seconds: int, step: int = 5) -> None:
    """Let time pass with a turn of the controller every few seconds, and report progress."""
    for _ in range(0, seconds, step):
        world.now += dt.timedelta(seconds=step)
        world.product.jobs.controller.turn()
    Stories(world.database, JobLog(region=REGION, clock=world.clock)).turn()


def test_documents_done_rate_and_time_left_are_shown(world: ModelWorld) -> None:
    job = start(world)
    follower = follower_of(world, job)
    assert follower.look().words() == "SUBMITTED"
    spec = world.started()
    world.says(spec, Progress(120, 2000))
    assert follower.look().words() == "IN_PROGRESS"
    pass_seconds(world, 10)
    assert follower.look().words() == "IN_PROGRESS, 120 of 2,000 documents, 12.0 a second"
    world.says(spec, Progress(1320, 2000))
    pass_seconds(world, 10)
    assert follower.look().words() == "IN_PROGRESS, 120 of 2,000 documents, 12.0 a second"
    pass_seconds(world, 10)
    reported_at = world.now.timestamp()
    now = "IN_PROGRESS, 1,320 of 2,000 documents, 60.0 a second"
    assert follower.look().words() == f"{now}, about 9 to 15 s left"
    assert follower.look().words(reported_at + 8) == f"{now}, about 1 to 7 s left"
    assert follower.look().words(reported_at + 60) == f"{now}, nearly done"
    world.says(spec, Failed("INPUT_NOT_FOUND", "s3://papers/in/: no object"), phase="exited")
    view = follower.look()
    assert view.over
    assert view.words() == "FAILED"


@pytest.mark.costs(0.55, reason="the controller makes seventy turns")
def test_progress_is_text_in_the_log_stream_and_limited_in_size(world: ModelWorld) -> None:
    job = start(world)
    world.says(world.started(), Progress(1, 2))
    pass_seconds(world, 700, step=10)
    logs = world.client_of("watcher", service="logs")
    events = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=job, startFromHead=True)["events"]
    messages = [event["message"] for event in events if event["message"].startswith("Progress: ")]
    assert messages[:2] == [
        "Progress: 1 of 2 documents, 6.0 a minute",
        "Progress: 1 of 2 documents, 2.0 a minute",
    ]
    assert len(messages) == 6


def test_an_impossible_total_from_a_worker_is_not_shown(world: ModelWorld) -> None:
    job = start(world)
    world.says(world.started(), Progress(100, 3))
    pass_seconds(world, 10)
    assert follower_of(world, job).look().words() == "IN_PROGRESS, 100 documents, 10.0 a second"


def test_without_a_terminal_each_change_is_printed_as_a_line(
    world: ModelWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    job = start(world)
    follower = follower_of(world, job)
    with shown(f"Job {job}") as show:
        for number in range(3):
            show(follower.look())
            if number == 0:
                world.says(world.started(), Progress(5, 10))
            if number == 1:
                pass_seconds(world, 10)
            show(follower.look())
        show(View("COMPLETED"))
    assert capsys.readouterr().out.splitlines() == [
        "SUBMITTED",
        "IN_PROGRESS",
        "IN_PROGRESS, 5 of 10 documents, 0.5 a second",
    ]


def test_only_the_account_of_the_job_can_read_its_stream(world: ModelWorld) -> None:
    job = start(world)
    world.says(world.started(), Progress(5, 10))
    pass_seconds(world, 10)
    other = world.client_of("stranger", account="444455556666", service="logs")
    follower = Follower(other, job, lambda: {"JobStatus": "IN_PROGRESS"}, log_seconds=0)
    assert follower.look().words() == "IN_PROGRESS"
    assert ACCOUNT != "444455556666"


def test_the_number_of_containers_is_shown_from_the_beginning(world: ModelWorld) -> None:
    job = start(world, Tags=[{"Key": "reading-room:containers", "Value": "2"}])
    world.turn(2)
    assert len(world.wanted()) == 2
    pass_seconds(world, 5)
    assert follower_of(world, job).look().words() == "IN_PROGRESS, in 2 containers"
