"""Jobs for events, with boto3: what only they have; ``test_comprehend_kinds.py`` has the rest."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from reading_room.analysis.event_types import EVENT_TYPES
from reading_room.jobs.tables import JobRow
from reading_room.settings import Settings
from tests.worlds.comprehend import ACCOUNT, ALLOW_ALL, REGION, ComprehendWorld, start_request
from tests.worlds.models import refused

TYPES = ["CORPORATE_MERGER", "IPO"]
NETWORK_TAG = "reading-room:vpc"
OWN_JOBS = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:events-detection-job/*"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ComprehendWorld]:
    world = ComprehendWorld(tmp_path)
    yield world
    world.close()


def start(world: ComprehendWorld, **changes: Any) -> dict[str, Any]:
    return dict(world.client.start_events_detection_job(**start_request(**{"TargetEventTypes": TYPES} | changes)))


def described(world: ComprehendWorld, job_id: str) -> dict[str, Any]:
    return dict(world.client.describe_events_detection_job(JobId=job_id)["EventsDetectionJobProperties"])


def policy(*statements: dict[str, Any]) -> str:
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements, passing]})


def test_a_job_shows_what_was_asked_for(world: ComprehendWorld) -> None:
    answer = start(world, JobName="deals")
    job_id = answer["JobId"]
    assert answer["JobStatus"] == "SUBMITTED"
    assert answer["JobArn"] == OWN_JOBS.replace("*", job_id)
    shown = described(world, job_id)
    assert shown.pop("SubmitTime") == world.now
    assert shown == {
        "JobId": job_id,
        "JobArn": answer["JobArn"],
        "JobName": "deals",
        "JobStatus": "SUBMITTED",
        "InputDataConfig": {"S3Uri": "s3://papers/in/", "InputFormat": "ONE_DOC_PER_LINE"},
        "OutputDataConfig": {"S3Uri": f"s3://papers/out/{ACCOUNT}-EVENTS-{job_id}/output/"},
        "LanguageCode": "en",
        "DataAccessRoleArn": f"arn:aws:iam::{ACCOUNT}:role/Reader",
        "TargetEventTypes": TYPES,
    }
    (listed,) = world.client.list_events_detection_jobs()["EventsDetectionJobPropertiesList"]
    assert listed == described(world, job_id)
    with world.database.reading() as session:
        row = session.get_one(JobRow, job_id)
        assert (row.document_limit, row.total_limit, row.documents_limit) == (10_240, 52_428_800, 5_000)
        assert row.request == {"TargetEventTypes": TYPES}


def test_every_type_is_accepted_and_so_is_the_spelling_of_the_guide(world: ComprehendWorld) -> None:
    given = [*EVENT_TYPES, "CORPORATE_ACQUISTION"]
    assert described(world, start(world, TargetEventTypes=given)["JobId"])["TargetEventTypes"] == given


def test_a_type_that_is_named_twice_is_kept_once(world: ComprehendWorld) -> None:
    assert described(world, start(world, TargetEventTypes=["IPO"] * 3)["JobId"])["TargetEventTypes"] == ["IPO"]


@pytest.mark.parametrize(
    ("members", "code", "says"),
    [
        ({"TargetEventTypes": ["IPO", "WEDDING"]}, "InvalidRequestException", "'WEDDING'; choose from BANKRUPTCY, "),
        ({"TargetEventTypes": None}, "ValidationException", "targetEventTypes"),
        ({"TargetEventTypes": []}, "ValidationException", "targetEventTypes"),
        ({"TargetEventTypes": ["ipo"]}, "ValidationException", "targetEventTypes"),
        ({"TargetEventTypes": ["A" * 41]}, "ValidationException", "targetEventTypes"),
        ({"LanguageCode": "es"}, "InvalidRequestException", "supported: en"),
        ({"LanguageCode": None}, "ValidationException", "languageCode"),
        (
            {"OutputDataConfig": {"S3Uri": "s3://papers/", "KmsKeyId": "k"}},
            "KmsKeyValidationException",
            "OutputDataConfig.KmsKeyId",
        ),
        ({"Tags": [{"Key": f"k{n}"} for n in range(51)]}, "TooManyTagsException", "50"),
        ({"Tags": [{"Key": NETWORK_TAG, "Value": "subnet-0a"}]}, "InvalidRequestException", "sg-"),
    ],
)
def test_an_invalid_request_is_refused_and_starts_nothing(
    world: ComprehendWorld, members: dict[str, Any], code: str, says: str
) -> None:
    client = world.client_of("careless", ALLOW_ALL, config=Config(parameter_validation=False))
    request = start_request(**{"TargetEventTypes": TYPES} | members)
    found, message = refused(client.start_events_detection_job, **request)
    assert (found, says in message) == (code, True), message
    assert world.client.list_events_detection_jobs()["EventsDetectionJobPropertiesList"] == []


def test_a_token_stands_for_one_list_of_types(world: ComprehendWorld) -> None:
    first = start(world, ClientRequestToken="once")
    assert start(world, ClientRequestToken="once")["JobId"] == first["JobId"]
    request = start_request(ClientRequestToken="once", TargetEventTypes=["IPO"])
    assert refused(world.client.start_events_detection_job, **request)[0] == "ResourceInUseException"


def test_what_is_no_job_for_events_is_not_found(world: ComprehendWorld) -> None:
    other = world.client.start_entities_detection_job(**start_request())["JobId"]
    for call in (world.client.describe_events_detection_job, world.client.stop_events_detection_job):
        assert refused(call, JobId=other)[0] == "JobNotFoundException"


def test_a_list_takes_one_criterion(world: ComprehendWorld) -> None:
    two = {"JobName": "deals", "JobStatus": "COMPLETED"}
    assert refused(world.client.list_events_detection_jobs, Filter=two)[0] == "InvalidFilterException"


def test_a_job_is_stopped(world: ComprehendWorld) -> None:
    job_id = start(world)["JobId"]
    assert world.client.stop_events_detection_job(JobId=job_id)["JobStatus"] == "STOPPED"
    assert described(world, job_id)["JobStatus"] == "STOPPED"


def test_an_account_has_as_many_active_jobs_for_events_as_amazon_allows(tmp_path: Path) -> None:
    world = ComprehendWorld(tmp_path, Settings(profile="aws"))
    for _ in range(10):
        start(world)
        world.now += dt.timedelta(seconds=1)
    assert refused(world.client.start_events_detection_job, **start_request(TargetEventTypes=TYPES))[0] == (
        "TooManyRequestsException"
    )
    world.close()


# Authorization


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("start_events_detection_job", start_request(TargetEventTypes=TYPES)),
        ("describe_events_detection_job", {"JobId": "0" * 32}),
        ("stop_events_detection_job", {"JobId": "0" * 32}),
        ("list_events_detection_jobs", {}),
    ],
)
def test_each_operation_needs_its_own_permission(
    world: ComprehendWorld, operation: str, parameters: dict[str, Any]
) -> None:
    name = "".join(word.capitalize() for word in operation.split("_"))
    denied = world.client_of("denied", policy({"Effect": "Allow", "Action": "comprehend:*Topics*", "Resource": "*"}))
    assert refused(getattr(denied, operation), **parameters)[0] == "AccessDeniedException"
    resource = "*" if name.startswith("List") else OWN_JOBS
    allowed = world.client_of(
        "allowed", policy({"Effect": "Allow", "Action": f"comprehend:{name}", "Resource": resource})
    )
    try:
        getattr(allowed, operation)(**parameters)
    except allowed.exceptions.JobNotFoundException:
        assert "JobId" in parameters


def test_a_policy_may_require_tags_and_a_network(world: ComprehendWorld) -> None:
    only = {
        "Effect": "Allow",
        "Action": "comprehend:StartEventsDetectionJob",
        "Resource": OWN_JOBS,
        "Condition": {
            "StringEquals": {"aws:RequestTag/team": "deals"},
            "ForAllValues:StringEquals": {"comprehend:VpcSubnets": ["subnet-0a"]},
            "Null": {"comprehend:VpcSubnets": "false"},
        },
    }
    call = world.client_of("held", policy(only)).start_events_detection_job
    team, network = {"Key": "team", "Value": "deals"}, {"Key": NETWORK_TAG, "Value": "subnet-0a sg-0b"}
    job_id = call(**start_request(TargetEventTypes=TYPES, Tags=[team, network]))["JobId"]
    with world.database.reading() as session:
        row = session.get_one(JobRow, job_id)
        assert (row.subnets, row.security_groups) == (["subnet-0a"], ["sg-0b"])
    for tags in ([team], [network], [{**team, "Value": "other"}, network]):
        request = start_request(TargetEventTypes=TYPES, Tags=tags)
        assert refused(call, **request)[0] == "AccessDeniedException"


def test_tags_on_a_job_decide_who_may_stop_it(world: ComprehendWorld) -> None:
    condition = {"StringEquals": {"aws:ResourceTag/team": "deals"}}
    statement = {
        "Effect": "Allow",
        "Action": "comprehend:StopEventsDetectionJob",
        "Resource": OWN_JOBS,
        "Condition": condition,
    }
    client = world.client_of("held", policy(statement))
    own, other = (start(world, Tags=[{"Key": "team", "Value": team}])["JobId"] for team in ("deals", "others"))
    assert refused(client.stop_events_detection_job, JobId=other)[0] == "AccessDeniedException"
    assert client.stop_events_detection_job(JobId=own)["JobStatus"] in ("STOPPED", "STOP_REQUESTED")
