"""Each change of state has its event, in the transaction that makes the change."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.analysis.job_file import Failed, Ready
from reading_room.comprehend.endpoints.models import ModelRefused
from reading_room.database.engine import Database
from reading_room.settings import Settings
from reading_room.state_events.event import event_of, failure_code, record
from reading_room.state_events.retention import FAILED_KEPT, KEPT, StateEventRetention
from tests.worlds.jobs import ACCOUNT, DONE, KIND, REGION, World
from tests.worlds.models import ACCOUNT as OF_MODELS
from tests.worlds.models import ModelWorld, classifier_request
from tests.worlds.state_events import events_in, happened
from tests.worlds.waiting import DEADLINE


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.database.close()


@pytest.fixture
def models(tmp_path: Path) -> Iterator[ModelWorld]:
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def told(database: Database) -> list[tuple[str, str, str]]:
    """Return what each event says: what changed, the end of its ARN, and its status."""
    events = [event_of(row) for row in events_in(database)]
    return [
        (each["detail-type"].split()[1], each["resources"][0].split(":", 5)[5], each["detail"]["Status"])
        for each in events
    ]


def completed(world: World) -> str:
    """Run a job to its end and return its id."""
    job = world.submit(name="letters")
    world.turn()
    world.write_output(job)
    world.host_says(world.state(Ready(), DONE, phase="exited", exit_code=0))
    world.turn()
    world.host_says()
    world.turn(3)
    return job


def test_a_job_has_an_event_for_each_status_that_clients_see(world: World) -> None:
    job = completed(world)
    events = [event_of(row) for row in events_in(world.database)]
    assert [each["detail"]["Status"] for each in events] == ["SUBMITTED", "IN_PROGRESS", "COMPLETED"]
    last = events[-1]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", last["id"])
    sequences = [each["detail"]["Sequence"] for each in events]
    assert sequences == sorted(set(sequences))
    assert last == {
        "version": "0",
        "id": last["id"],
        "detail-type": "Comprehend Job State Change",
        "source": "aws.comprehend",
        "account": ACCOUNT,
        "time": "2026-01-02T03:04:05Z",
        "region": REGION,
        "resources": [f"arn:aws:comprehend:{REGION}:{ACCOUNT}:{KIND}/{job}"],
        "detail": {
            "Sequence": sequences[-1],
            "Status": "COMPLETED",
            "JobId": job,
            "JobName": "letters",
            "JobType": KIND,
        },
    }


def test_a_repeated_request_has_no_second_event(world: World) -> None:
    assert world.submit(token="one") == world.submit(token="one")
    assert len(events_in(world.database)) == 1


def test_a_failed_job_tells_its_code_and_not_its_message(world: World) -> None:
    world.submit()
    world.turn()
    world.host_says(world.state(Failed("NO_READ_ACCESS_TO_INPUT", "s3://papers/in/diary"), phase="exited", exit_code=1))
    world.turn()
    world.host_says()
    world.turn(3)
    last = event_of(events_in(world.database)[-1])
    assert (last["detail"]["Status"], last["detail"]["FailureCode"]) == ("FAILED", "NO_READ_ACCESS_TO_INPUT")
    assert "diary" not in json.dumps(last)


def test_a_stopped_job_has_events_of_the_request_and_of_the_end(world: World) -> None:
    job = world.submit()
    world.ask_to_stop(job)
    world.ask_to_stop(job)
    world.host_says()
    world.turn(2)
    statuses = [status for _, _, status in told(world.database)]
    assert (statuses[0], statuses[-1]) == ("SUBMITTED", "STOPPED")
    assert len(statuses) == len(set(statuses))


def test_a_transaction_that_fails_leaves_no_event(world: World) -> None:
    def fail() -> None:
        with world.database.transaction() as session:
            record(session, "Flywheel", f"arn:aws:comprehend:{REGION}:{ACCOUNT}:flywheel/mill", "ACTIVE", world.now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert events_in(world.database) == []


@pytest.mark.costs(0.6, reason="it starts the whole product, and the controller handles trainings")
def test_a_model_has_events_from_its_training_to_its_deletion(models: ModelWorld) -> None:
    arn = models.train()
    models.client.import_model(SourceModelArn=arn, ModelName="copy")
    models.turn()
    models.client.delete_document_classifier(DocumentClassifierArn=arn)
    models.client.delete_document_classifier(DocumentClassifierArn=arn)
    models.turn()
    tickets, copy = "document-classifier/tickets", "document-classifier/copy"
    assert told(models.database) == [
        ("Model", tickets, "SUBMITTED"),
        ("Model", tickets, "TRAINING"),
        ("Model", tickets, "TRAINED"),
        ("Model", copy, "SUBMITTED"),
        ("Model", copy, "TRAINED"),
        ("Model", tickets, "DELETING"),
        ("Model", tickets, "DELETED"),
    ]
    assert {row.account for row in events_in(models.database)} == {OF_MODELS}


@pytest.mark.costs(0.6, reason="it starts the whole product, and the controller handles trainings")
def test_trainings_that_fail_or_warn_say_so(models: ModelWorld) -> None:
    models.client.create_document_classifier(**classifier_request())
    models.says(models.started(), Failed("INVALID_TRAINING_DATA", "line 7 is: dear diary"), phase="exited")
    models.client.create_document_classifier(**classifier_request(VersionName="two"))
    models.finish(models.started(), warning="few documents")
    assert [status for *_, status in told(models.database)] == [
        *("SUBMITTED", "TRAINING", "IN_ERROR"),
        *("SUBMITTED", "TRAINING", "TRAINED_WITH_WARNING"),
    ]
    assert "diary" not in "".join(row.detail for row in events_in(models.database))


def looked_after(models: ModelWorld) -> None:
    """Run a turn of the endpoints' loop, and wait for the models that it loads."""
    models.product.endpoints.turn()
    assert models.product.endpoints.settle(DEADLINE)


@pytest.mark.costs(0.6, reason="it starts the whole product, and the controller handles trainings")
def test_an_endpoint_has_events_of_its_creation_updates_and_deletion(models: ModelWorld) -> None:
    arn, before = models.train(), len(events_in(models.database))
    request = {"EndpointName": "mail", "ModelArn": arn, "DesiredInferenceUnits": 2}
    endpoint = models.client.create_endpoint(**request)["EndpointArn"]
    looked_after(models)
    models.client.update_endpoint(EndpointArn=endpoint, DesiredInferenceUnits=3)
    looked_after(models)
    models.client.delete_endpoint(EndpointArn=endpoint)
    looked_after(models)
    models.engines.refused = ModelRefused("MODEL_TAMPERED", "it says: dear diary")
    models.client.create_endpoint(**request)
    looked_after(models)
    mail = "document-classifier-endpoint/mail"
    assert told(models.database)[before:] == [
        *(("Endpoint", mail, status) for status in ("CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE")),
        *(("Endpoint", mail, status) for status in ("DELETING", "DELETED", "CREATING", "FAILED")),
    ]
    last = event_of(events_in(models.database)[-1])["detail"]
    assert last == {"Sequence": last["Sequence"], "Status": "FAILED", "FailureCode": "MODEL_TAMPERED"}


@pytest.mark.parametrize(
    ("message", "code"),
    [("A_CODE: a sentence", "A_CODE"), ("a sentence: A_CODE: x", None), ("", None), (None, None), ("A_CODE", None)],
)
def test_only_the_code_of_a_message_is_told(message: str | None, code: str | None) -> None:
    assert failure_code(message) == code


def test_events_are_deleted_after_a_day_and_those_that_wait_for_a_target_are_not(world: World) -> None:
    with_target = Settings(events_log_group="/events")
    happened(world.database, "a", "SUBMITTED", now=world.now)
    world.now += KEPT + dt.timedelta(seconds=1)
    happened(world.database, "b", "SUBMITTED", now=world.now)

    def clock() -> dt.datetime:
        return world.now

    assert not StateEventRetention(world.database, clock, with_target).turn()
    assert len(events_in(world.database)) == 2
    assert StateEventRetention(world.database, clock, Settings(), at_once=1).turn()
    assert [row.resource.rpartition("/")[2] for row in events_in(world.database)] == ["b"]
    assert KEPT < FAILED_KEPT
