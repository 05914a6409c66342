"""Every kind of job, called with boto3: what all kinds have in common, and what only some have."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from reading_room.analysis.kind import JobKind
from reading_room.analysis.kinds import (
    DOMINANT_LANGUAGE,
    ENTITIES,
    EVENTS,
    JOB_KINDS,
    KEY_PHRASES,
    PII,
    SENTIMENT,
    TARGETED_SENTIMENT,
    TOPICS,
)
from reading_room.jobs.tables import JobRow
from tests.worlds.comprehend import ACCOUNT, REGION, ComprehendWorld, start_request
from tests.worlds.models import refused

BUILT_IN = [kind for kind in JOB_KINDS if kind.engines]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ComprehendWorld]:
    world = ComprehendWorld(tmp_path)
    yield world
    world.close()


def start(world: ComprehendWorld, kind: JobKind, **changes: Any) -> dict[str, Any]:
    request = start_request(LanguageCode="en" if kind.languages else None, **kind.required, **changes)
    return dict(getattr(world.client, xform_name(kind.start))(**request))


def describe(world: ComprehendWorld, kind: JobKind, job_id: str) -> dict[str, Any]:
    return dict(getattr(world.client, xform_name(kind.describe))(JobId=job_id)[kind.properties])


def listed(world: ComprehendWorld, kind: JobKind, **parameters: Any) -> list[str]:
    answer = getattr(world.client, xform_name(kind.list))(**parameters)
    return [job["JobId"] for job in answer[f"{kind.properties}List"]]


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.arn_type)
def test_a_job_of_each_kind_is_started_described_listed_tagged_and_stopped(
    world: ComprehendWorld, kind: JobKind
) -> None:
    network = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    given = {} if kind.vpc_tag else {"VpcConfig": network}
    answer = start(world, kind, JobName="mine", Tags=[{"Key": "team", "Value": "a"}], **given)
    job_id, arn = answer["JobId"], answer["JobArn"]
    assert arn == f"arn:aws:comprehend:{REGION}:{ACCOUNT}:{kind.arn_type}/{job_id}"
    shown = describe(world, kind, job_id)
    assert shown["OutputDataConfig"] == {
        "S3Uri": f"s3://papers/out/{ACCOUNT}-{kind.token}-{job_id}/output/{kind.output_name}"
    }
    assert shown.get("VpcConfig") == given.get("VpcConfig")
    assert shown.get("LanguageCode") == ("en" if kind.languages else None)
    assert listed(world, kind, Filter={"JobName": "mine"}) == [job_id]
    tags = world.client.list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert tags == [{"Key": "team", "Value": "a"}]
    if kind.stop is not None:
        stopped = getattr(world.client, xform_name(kind.stop))(JobId=job_id)
        assert (stopped["JobId"], stopped["JobStatus"]) == (job_id, "STOPPED")
    for other in BUILT_IN:
        if other is not kind:
            assert listed(world, other) == []
            call = getattr(world.client, xform_name(other.describe))
            assert refused(call, JobId=job_id)[0] == "JobNotFoundException"


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.arn_type)
def test_a_repeated_client_token_returns_its_job(world: ComprehendWorld, kind: JobKind) -> None:
    first = start(world, kind, ClientRequestToken="once")
    assert start(world, kind, ClientRequestToken="once")["JobId"] == first["JobId"]
    call = getattr(world.client, xform_name(kind.start))
    changed = {"ClientRequestToken": "once", "JobName": "another", **kind.required}
    request = start_request(LanguageCode="en" if kind.languages else None, **changed)
    assert refused(call, **request)[0] == "ResourceInUseException"


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.arn_type)
def test_the_pages_of_a_kind_do_not_overlap_and_follow_the_documented_order(
    world: ComprehendWorld, kind: JobKind
) -> None:
    jobs = []
    began = world.now
    for _ in range(3):
        world.now += dt.timedelta(seconds=1)
        jobs.append(start(world, kind)["JobId"])
    call = getattr(world.client, xform_name(kind.list))
    first = call(MaxResults=2)
    rest = call(MaxResults=2, NextToken=first["NextToken"])
    found = [job["JobId"] for page in (first, rest) for job in page[f"{kind.properties}List"]]
    assert found == jobs
    assert "NextToken" not in rest
    newest = {"SubmitTimeAfter": began, "SubmitTimeBefore": world.now + dt.timedelta(seconds=1)}[kind.newest_first]
    assert listed(world, kind, Filter={kind.newest_first: newest}) == jobs[::-1]
    (oldest,) = {"SubmitTimeAfter", "SubmitTimeBefore"} - {kind.newest_first}
    moment = {"SubmitTimeAfter": began, "SubmitTimeBefore": world.now + dt.timedelta(seconds=1)}[oldest]
    assert listed(world, kind, Filter={oldest: moment}) == jobs


@pytest.mark.parametrize(
    "kind", [k for k in BUILT_IN if k.languages and "ja" not in k.languages], ids=lambda kind: kind.arn_type
)
def test_a_language_without_an_engine_is_refused_and_the_available_ones_are_listed(
    world: ComprehendWorld, kind: JobKind
) -> None:
    request = start_request(LanguageCode="ja", **kind.required)
    code, message = refused(getattr(world.client, xform_name(kind.start)), **request)
    assert code == "InvalidRequestException"
    assert f"'ja'; supported: {', '.join(kind.languages)}" in message


@pytest.mark.parametrize(("given", "shown"), [(None, 10), (1, 1), (100, 100)])
def test_a_topics_job_shows_the_requested_number_of_topics(
    world: ComprehendWorld, given: int | None, shown: int
) -> None:
    more = {} if given is None else {"NumberOfTopics": given}
    job_id = start(world, TOPICS, **more)["JobId"]
    described = describe(world, TOPICS, job_id)
    assert described["NumberOfTopics"] == shown
    assert "Engine" not in described
    with world.database.reading() as session:
        assert session.get_one(JobRow, job_id).request == {"NumberOfTopics": shown, "Engine": "embedding"}


def test_too_many_topics_are_a_validation_error(world: ComprehendWorld) -> None:
    request = start_request(LanguageCode=None, NumberOfTopics=101)
    code, message = refused(world.client.start_topics_detection_job, **request)
    assert (code, "numberOfTopics" in message) == ("ValidationException", True)


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        (DOMINANT_LANGUAGE, (1_048_576, 5_000_000_000, 1_000_000)),
        (ENTITIES, (1_048_576, 5_000_000_000, 1_000_000)),
        (EVENTS, (10_240, 52_428_800, 5_000)),
        (KEY_PHRASES, (1_048_576, 5_000_000_000, 1_000_000)),
        (PII, (1_048_576, 5_000_000_000, 1_000_000)),
        (SENTIMENT, (5_120, 5_000_000_000, 1_000_000)),
        (TARGETED_SENTIMENT, (10_240, 314_572_800, 30_000)),
        (TOPICS, (104_857_600, 5_000_000_000, 1_000_000)),
    ],
    ids=lambda value: value.arn_type if isinstance(value, JobKind) else "",
)
def test_a_job_gets_the_limits_of_its_kind(world: ComprehendWorld, kind: JobKind, limits: tuple[int, ...]) -> None:
    job_id = start(world, kind)["JobId"]
    with world.database.reading() as session:
        row = session.get_one(JobRow, job_id)
        assert (row.document_limit, row.total_limit, row.documents_limit) == limits


@pytest.mark.parametrize("operation", ["stop_topics_detection_job", "stop_document_classification_job"])
def test_jobs_that_cannot_be_stopped_at_aws_have_no_stop_operation(world: ComprehendWorld, operation: str) -> None:
    assert not hasattr(world.client, operation)


# Custom models

CLASSIFIER = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:document-classifier/mine"
FLYWHEEL = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:flywheel/mine"


@pytest.mark.parametrize(
    ("members", "code", "says"),
    [
        ({}, "InvalidRequestException", "needs DocumentClassifierArn or FlywheelArn"),
        ({"DocumentClassifierArn": CLASSIFIER, "FlywheelArn": FLYWHEEL}, "InvalidRequestException", "together"),
        ({"DocumentClassifierArn": CLASSIFIER}, "ResourceNotFoundException", "Could not find"),
        ({"FlywheelArn": FLYWHEEL}, "ResourceNotFoundException", "Could not find"),
    ],
)
def test_a_classification_needs_exactly_one_existing_model(
    world: ComprehendWorld, members: dict[str, str], code: str, says: str
) -> None:
    request = start_request(LanguageCode=None, **members)
    found, message = refused(world.client.start_document_classification_job, **request)
    assert (found, says in message) == (code, True), message
    assert world.client.list_document_classification_jobs()["DocumentClassificationJobPropertiesList"] == []


def test_a_caller_needs_permission_on_the_model_and_the_job(world: ComprehendWorld) -> None:
    job = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:document-classification-job/*"

    def client(name: str, *resources: str) -> Any:
        start = {
            "Effect": "Allow",
            "Action": "comprehend:StartDocumentClassificationJob",
            "Resource": list(resources),
        }
        passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
        return world.client_of(name, json.dumps({"Version": "2012-10-17", "Statement": [start, passing]}))

    request = start_request(LanguageCode=None, DocumentClassifierArn=CLASSIFIER)
    for name, resources in (("model-only", (CLASSIFIER,)), ("job-only", (job,))):
        call = client(name, *resources).start_document_classification_job
        assert refused(call, **request)[0] == "AccessDeniedException"
    call = client("both", job, CLASSIFIER).start_document_classification_job
    assert refused(call, **request)[0] == "ResourceNotFoundException"
