"""Quotas that protect the machine from one account: each with AWS's error for it, over HTTP."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.jobs.job_log import JobLog
from reading_room.jobs.stories import Stories
from reading_room.jobs.tables import JobEventRow
from reading_room.logs.room import LogRoom
from tests.jobs import test_jobs_admission as admission
from tests.logs import test_logs_room as logs_room
from tests.s3 import test_s3_space as space
from tests.worlds.models import OTHER_ACCOUNT, ModelWorld, classifier_request, refused

pytestmark = pytest.mark.costs(0.4, reason="it starts the whole product")
JOB = {
    "InputDataConfig": {"S3Uri": "s3://papers/in/"},
    "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
    "LanguageCode": "en",
}
LIST = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
Make = Callable[..., ModelWorld]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Create the product with some settings."""
    made: list[ModelWorld] = []

    def world(**settings: Any) -> ModelWorld:
        made.append(ModelWorld(tmp_path, **settings))
        return made[0]

    yield world
    for each in made:
        each.close()


def start(client: Any, account: str = "111122223333") -> str:
    """Start an entities job."""
    role = f"arn:aws:iam::{account}:role/Reader"
    return str(client.start_entities_detection_job(DataAccessRoleArn=role, **JOB)["JobId"])


def test_the_number_of_waiting_jobs_and_trainings_of_an_account_is_limited(make: Make) -> None:
    world = make(jobs_waiting_per_account=2)
    start(world.client)
    world.client.create_document_classifier(**classifier_request())
    for call, request in (
        (start, {"client": world.client}),
        (world.client.create_document_classifier, classifier_request(DocumentClassifierName="more")),
    ):
        code, text = refused(call, **request)
        assert code == "TooManyRequestsException"
        assert "READING_ROOM_JOBS_WAITING_PER_ACCOUNT" in text
    # Each account has its own quota.
    start(world.client_of("other", account=OTHER_ACCOUNT), OTHER_ACCOUNT)
    # A job that has started no longer waits.
    world.turn(2)
    start(world.client)


def test_no_job_is_accepted_while_free_disk_space_is_below_the_floor(make: Make) -> None:
    world = make(storage_free=1 << 60)
    for call, request in (
        (start, {"client": world.client}),
        (world.client.create_document_classifier, classifier_request()),
    ):
        code, text = refused(call, **request)
        assert code == "InternalServerException"
        assert "READING_ROOM_STORAGE_FREE" in text
    assert world.client.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"] == []
    # CheckJob says the same beforehand.
    room = world.client_of("asker", service="reading-room")
    text = json.dumps({**JOB, "DataAccessRoleArn": "arn:aws:iam::111122223333:role/Reader"})
    checks = room.check_job(Operation="StartEntitiesDetectionJob", Request=text)["Checks"]
    (found,) = (check for check in checks if check["Name"] == "Request")
    assert "READING_ROOM_STORAGE_FREE" in json.dumps(found)


def test_log_events_beyond_an_accounts_limit_are_refused_but_jobs_keep_their_story(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    world = make(log_bytes_per_account=1)
    logs = world.client_of("writer", service="logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": int(world.now.timestamp() * 1000), "message": "x"}
    code, text = refused(logs.put_log_events, logGroupName="g", logStreamName="s", logEvents=[event])
    assert code == "ServiceUnavailableException"
    assert "READING_ROOM_LOG_BYTES_PER_ACCOUNT" in text
    job = start(world.client)
    with caplog.at_level(logging.WARNING):
        world.turn(2)
        Stories(world.database, JobLog(region="us-east-1", clock=world.clock, room=LogRoom(1))).turn()
    assert f"lines are missing in the log stream of job {job}" in caplog.text
    with world.database.reading() as session:
        events = session.query(JobEventRow).filter_by(job_id=job).all()
    assert events
    assert all(each.told for each in events)


@pytest.mark.costs(0.05, reason="it imports three other test modules")
def test_the_attempts_match_the_list_of_attacks() -> None:
    attempts: dict[str, Callable[..., None]] = {
        "one-object-too-large": (space.test_a_write_beyond_the_limit_of_an_account_is_refused_before_its_body_is_read),
        "many-writers-at-once": space.test_concurrent_writers_get_exactly_the_available_space,
        "parts-that-are-never-finished": (space.test_the_parts_of_an_unfinished_upload_take_space_until_it_is_aborted),
        "room-of-another-account": space.test_space_counts_for_the_account_of_the_bucket_whoever_writes,
        "a-disk-to-its-last-byte": (
            space.test_with_only_the_reserve_free_objects_can_be_read_and_deleted_but_not_written
        ),
        "counting-without-end": space.test_repeated_writes_beyond_the_limit_do_not_repeat_the_count,
        "a-queue-of-one-account": test_the_number_of_waiting_jobs_and_trainings_of_an_account_is_limited,
        "every-place-of-one-account": admission.test_with_several_accounts_none_has_every_place,
        "log-events-without-end": logs_room.test_an_account_is_limited_without_affecting_others,
    }
    text = LIST.read_text().partition("## To use up the machine")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE) == list(attempts)
