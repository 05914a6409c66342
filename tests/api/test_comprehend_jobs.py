"""The asynchronous operations of Comprehend, called with boto3."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from reading_room.jobs.job import Admitted, PreparationFailed, Released
from reading_room.jobs.record import apply
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.settings import Settings
from tests.worlds.comprehend import ACCOUNT, ALLOW_ALL, REGION, ROLE, ComprehendWorld, start_request
from tests.worlds.models import refused


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ComprehendWorld]:
    world = ComprehendWorld(tmp_path)
    yield world
    world.close()


def start(world: ComprehendWorld, **changes: Any) -> str:
    return str(world.client.start_entities_detection_job(**start_request(**changes))["JobId"])


def fail(world: ComprehendWorld, job_id: str) -> None:
    with world.database.transaction() as session:
        row = session.get_one(JobRow, job_id)
        apply(session, row, Admitted(), world.now)
        session.flush()
        apply(session, row, PreparationFailed("SUBNET_NOT_FOUND", "The subnet subnet-1 does not exist."), world.now)
        apply(session, row, Released(), world.now)
        session.query(JobContainerRow).delete()


def test_start_returns_the_id_the_arn_and_submitted(world: ComprehendWorld) -> None:
    answer = world.client.start_entities_detection_job(**start_request())
    assert answer["JobStatus"] == "SUBMITTED"
    assert len(answer["JobId"]) == 32
    assert answer["JobArn"] == f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/{answer['JobId']}"


def test_describe_returns_the_request_with_defaults_and_the_final_output_location(world: ComprehendWorld) -> None:
    network = {"SecurityGroupIds": ["sg-1", "sg-0"], "Subnets": ["subnet-2", "subnet-1"]}
    job_id = start(world, JobName="papers", VpcConfig=network)
    shown = world.client.describe_entities_detection_job(JobId=job_id)["EntitiesDetectionJobProperties"]
    assert shown.pop("SubmitTime") == world.now
    assert shown == {
        "JobId": job_id,
        "JobArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/{job_id}",
        "JobName": "papers",
        "JobStatus": "SUBMITTED",
        "InputDataConfig": {"S3Uri": "s3://papers/in/", "InputFormat": "ONE_DOC_PER_LINE"},
        "OutputDataConfig": {"S3Uri": f"s3://papers/out/{ACCOUNT}-NER-{job_id}/output/output.tar.gz"},
        "LanguageCode": "en",
        "DataAccessRoleArn": ROLE,
        "VpcConfig": network,
    }


def test_a_language_job_has_no_language_code_and_its_own_output_path(world: ComprehendWorld) -> None:
    request = start_request(LanguageCode=None, OutputDataConfig={"S3Uri": "s3://papers"})
    job_id = world.client.start_dominant_language_detection_job(**request)["JobId"]
    answer = world.client.describe_dominant_language_detection_job(JobId=job_id)
    shown = answer["DominantLanguageDetectionJobProperties"]
    assert shown["OutputDataConfig"] == {"S3Uri": f"s3://papers/{ACCOUNT}-LANGUAGE-{job_id}/output/output.tar.gz"}
    assert shown["JobArn"].split(":")[-1] == f"dominant-language-detection-job/{job_id}"
    assert "LanguageCode" not in shown
    assert "VpcConfig" not in shown
    code, _ = refused(world.client.describe_entities_detection_job, JobId=job_id)
    assert code == "JobNotFoundException"


def test_a_failed_job_has_a_message_and_an_end_time(world: ComprehendWorld) -> None:
    job_id = start(world)
    fail(world, job_id)
    shown = world.client.describe_entities_detection_job(JobId=job_id)["EntitiesDetectionJobProperties"]
    assert shown["JobStatus"] == "FAILED"
    assert shown["Message"] == "SUBNET_NOT_FOUND: The subnet subnet-1 does not exist."
    assert shown["EndTime"] == world.now
    code, message = refused(world.client.stop_entities_detection_job, JobId=job_id)
    assert code == "InvalidRequestException"
    assert f"{job_id} is FAILED" in message


def test_stop_ends_a_waiting_job_and_can_be_repeated(world: ComprehendWorld) -> None:
    job_id = start(world)
    for _ in range(2):
        answer = world.client.stop_entities_detection_job(JobId=job_id)
        assert (answer["JobId"], answer["JobStatus"]) == (job_id, "STOPPED")


@pytest.mark.parametrize("operation", ["describe_entities_detection_job", "stop_entities_detection_job"])
def test_an_unknown_job_is_not_found(world: ComprehendWorld, operation: str) -> None:
    code, message = refused(getattr(world.client, operation), JobId="0" * 32)
    assert code == "JobNotFoundException"
    assert "0" * 32 in message


def test_jobs_of_another_account_are_invisible(world: ComprehendWorld) -> None:
    job_id = start(world)
    everything = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    stranger = world.client_of("stranger", everything, account="444455556666")
    assert refused(stranger.describe_entities_detection_job, JobId=job_id)[0] == "JobNotFoundException"
    assert stranger.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"] == []


def test_a_repeated_client_token_starts_one_job(world: ComprehendWorld) -> None:
    first = start(world, ClientRequestToken="once")
    assert start(world, ClientRequestToken="once") == first
    code, message = refused(
        world.client.start_entities_detection_job, **start_request(ClientRequestToken="once", JobName="other")
    )
    assert code == "ResourceInUseException"
    assert first in message


@pytest.mark.parametrize(
    ("network", "code", "shown"),
    [
        ({"SecurityGroupIds": [f"sg-{n}" for n in range(6)], "Subnets": ["subnet-1"]}, "ValidationException", "5"),
        ({"SecurityGroupIds": ["sg-1"], "Subnets": [f"subnet-{n}" for n in range(17)]}, "ValidationException", "16"),
        ({"SecurityGroupIds": ["s" * 33], "Subnets": ["subnet-1"]}, "ValidationException", "32"),
        ({"SecurityGroupIds": [" sg-1"], "Subnets": ["subnet-1"]}, "ValidationException", " sg-1"),
        ({"SecurityGroupIds": ["sg-1", "sg-1"], "Subnets": ["subnet-1"]}, "InvalidRequestException", "'sg-1'"),
        ({"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-1"]}, "InvalidRequestException", "Subnets"),
    ],
)
def test_an_invalid_vpc_config_is_refused_and_starts_nothing(
    world: ComprehendWorld, network: dict[str, list[str]], code: str, shown: str
) -> None:
    found, message = refused(world.client.start_entities_detection_job, **start_request(VpcConfig=network))
    assert found == code
    assert shown in message
    assert world.client.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"] == []


@pytest.mark.parametrize("member", ["SecurityGroupIds", "Subnets"])
def test_an_empty_list_in_vpc_config_is_a_validation_error(world: ComprehendWorld, member: str) -> None:
    network = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"], member: []}
    # boto3 itself refuses empty lists, so its check is turned off to see the service's.
    client = world.client_of("careless", ALLOW_ALL, config=Config(parameter_validation=False))
    code, message = refused(client.start_entities_detection_job, **start_request(VpcConfig=network))
    assert code == "ValidationException"
    assert "greater than or equal to 1" in message


@pytest.mark.parametrize(
    ("changes", "code", "shown"),
    [
        ({"VolumeKmsKeyId": "key-1"}, "KmsKeyValidationException", "VolumeKmsKeyId"),
        (
            {"OutputDataConfig": {"S3Uri": "s3://papers/out", "KmsKeyId": "alias/k"}},
            "KmsKeyValidationException",
            "alias/k",
        ),
        (
            {"EntityRecognizerArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entity-recognizer/mine"},
            "ResourceNotFoundException",
            "RESOURCE_NOT_FOUND: Could not find specified resource.",
        ),
        (
            {
                "EntityRecognizerArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entity-recognizer/mine",
                "FlywheelArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:flywheel/mine",
            },
            "InvalidRequestException",
            "together",
        ),
        (
            {
                "InputDataConfig": {
                    "S3Uri": "s3://papers/in",
                    "DocumentReaderConfig": {"DocumentReadAction": "TEXTRACT_DETECT_DOCUMENT_TEXT"},
                }
            },
            "InvalidRequestException",
            "DocumentReaderConfig",
        ),
        ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "TooManyTagsException", "50"),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, "InvalidRequestException", "reserved"),
        ({"Tags": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]}, "InvalidRequestException", "'k'"),
        ({"InputDataConfig": {"S3Uri": "papers/in"}}, "ValidationException", "s3Uri"),
        ({"LanguageCode": "xx"}, "ValidationException", "languageCode"),
        ({"InputDataConfig": {"S3Uri": "s3://papers/" + "ä" * 600}}, "InvalidRequestException", "1200 bytes"),
        ({"OutputDataConfig": {"S3Uri": "s3://papers/" + "o" * 990}}, "InvalidRequestException", "completed"),
    ],
)
def test_the_error_for_an_invalid_request_names_the_member_and_nothing_starts(
    world: ComprehendWorld, changes: dict[str, Any], code: str, shown: str
) -> None:
    found, message = refused(world.client.start_entities_detection_job, **start_request(**changes))
    assert (found, shown in message) == (code, True), message
    assert world.client.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"] == []


def test_a_role_of_another_account_cannot_be_passed(world: ComprehendWorld) -> None:
    role = "arn:aws:iam::444455556666:role/Reader"
    code, _ = refused(world.client.start_entities_detection_job, **start_request(DataAccessRoleArn=role))
    assert code in ("AccessDeniedException", "InvalidRequestException")


# Lists


def listed(world: ComprehendWorld, **parameters: Any) -> list[str]:
    pages = world.client.get_paginator("list_entities_detection_jobs").paginate(**parameters)
    return [job["JobId"] for page in pages for job in page["EntitiesDetectionJobPropertiesList"]]


def several(world: ComprehendWorld, count: int) -> list[str]:
    jobs = []
    for number in range(count):
        world.now = world.now.replace(microsecond=number)
        jobs.append(start(world, JobName=f"job-{number % 3}"))
    return jobs


def test_jobs_are_listed_in_pages_oldest_first(world: ComprehendWorld) -> None:
    jobs = several(world, 7)
    assert listed(world) == jobs
    assert listed(world, PaginationConfig={"PageSize": 2}) == jobs
    page = world.client.list_entities_detection_jobs(MaxResults=7)
    assert "NextToken" not in page


def test_a_filter_has_one_criterion(world: ComprehendWorld) -> None:
    jobs = several(world, 6)
    fail(world, jobs[2])
    assert listed(world, Filter={"JobName": "job-1"}) == [jobs[1], jobs[4]]
    assert listed(world, Filter={"JobStatus": "FAILED"}) == [jobs[2]]
    assert listed(world, Filter={"JobStatus": "SUBMITTED"}) == [*jobs[:2], *jobs[3:]]
    assert listed(world, Filter={"JobStatus": "IN_PROGRESS"}) == []
    assert listed(world, Filter={}) == jobs
    code, message = refused(
        world.client.list_entities_detection_jobs, Filter={"JobName": "job-1", "JobStatus": "FAILED"}
    )
    assert code == "InvalidFilterException"
    assert "JobName, JobStatus" in message


def test_time_filters_are_exclusive_and_order_as_documented(world: ComprehendWorld) -> None:
    jobs, moments = [], []
    for _ in range(3):
        # In minutes: the clients sign with the real time, and a signature is valid for fifteen.
        world.now += dt.timedelta(minutes=1)
        jobs.append(start(world))
        moments.append(world.now)
    assert listed(world, Filter={"SubmitTimeBefore": moments[2]}) == jobs[:2]
    assert listed(world, Filter={"SubmitTimeAfter": moments[0]}) == [jobs[2], jobs[1]]
    assert listed(world, Filter={"SubmitTimeAfter": moments[2]}) == []
    newest_first = listed(world, Filter={"SubmitTimeAfter": moments[0]}, PaginationConfig={"PageSize": 1})
    assert newest_first == [jobs[2], jobs[1]]


@pytest.mark.parametrize("token", ["x", "bm9wZQ==", "W10="])
def test_a_page_token_that_no_list_returned_is_refused(world: ComprehendWorld, token: str) -> None:
    assert refused(world.client.list_entities_detection_jobs, NextToken=token)[0] == "InvalidRequestException"


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(b'"0001-01-01T00:00:00+23:59", "a"', id="a time before year 1"),
        pytest.param(b'"2026-01-01T00:00:00+00:00", "\\ud800"', id="half of a surrogate pair"),
        pytest.param(b'"2026-01-01T00:00:00+00:00", %s' % (b"[" * 50_000), id="deep nesting"),
        pytest.param(b'"2026-01-01T00:00:00+00:00", 1', id="a number as a name"),
        pytest.param(b'"2026-01-01T00:00:00", "a"', id="a time without a zone"),
    ],
)
def test_a_modified_page_token_is_refused(world: ComprehendWorld, place: bytes) -> None:
    several(world, 2)
    token = world.client.list_entities_detection_jobs(MaxResults=1)["NextToken"]
    bound = base64.urlsafe_b64decode(token).partition(b",")[0]
    rewritten = base64.urlsafe_b64encode(bound + b", " + place + b"]").decode()
    assert refused(world.client.list_entities_detection_jobs, NextToken=rewritten)[0] == "InvalidRequestException"


def test_a_page_token_is_valid_only_for_its_list_and_filter(world: ComprehendWorld) -> None:
    several(world, 3)
    token = world.client.list_entities_detection_jobs(MaxResults=1)["NextToken"]
    for call, more in (
        (world.client.list_dominant_language_detection_jobs, {}),
        (world.client.list_entities_detection_jobs, {"Filter": {"JobStatus": "SUBMITTED"}}),
    ):
        assert refused(call, NextToken=token, **more)[0] == "InvalidRequestException"


# Tags


def test_tags_are_added_replaced_and_removed(world: ComprehendWorld) -> None:
    job_id = start(world, Tags=[{"Key": "team", "Value": "a"}])
    arn = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/{job_id}"
    world.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "b"}, {"Key": "new", "Value": ""}])
    answer = world.client.list_tags_for_resource(ResourceArn=arn)
    assert answer["ResourceArn"] == arn
    assert {tag["Key"]: tag["Value"] for tag in answer["Tags"]} == {"team": "b", "new": ""}
    world.client.untag_resource(ResourceArn=arn, TagKeys=["team", "absent"])
    assert world.client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "new", "Value": ""}]
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    assert refused(world.client.tag_resource, ResourceArn=arn, Tags=many)[0] == "TooManyTagsException"
    unknown = arn[:-1] + ("0" if arn[-1] != "0" else "1")
    assert refused(world.client.list_tags_for_resource, ResourceArn=unknown)[0] == "ResourceNotFoundException"


# Authorization


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


PASS = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": ROLE}
START = {"Effect": "Allow", "Action": "comprehend:StartEntitiesDetectionJob", "Resource": "*"}


def test_a_caller_without_permission_to_pass_the_role_starts_nothing(world: ComprehendWorld) -> None:
    client = world.client_of("unpassing", policy(START))
    code, message = refused(client.start_entities_detection_job, **start_request())
    assert code == "AccessDeniedException"
    assert "iam:PassRole" in message
    client = world.client_of("passing", policy(START, PASS))
    assert client.start_entities_detection_job(**start_request())["JobStatus"] == "SUBMITTED"


def test_a_policy_can_require_a_vpc_with_condition_keys(world: ComprehendWorld) -> None:
    inside = START | {
        "Condition": {
            "ForAllValues:StringEquals": {"comprehend:VpcSubnets": ["subnet-1", "subnet-2"]},
            "Null": {"comprehend:VpcSubnets": "false", "comprehend:VpcSecurityGroupIds": "false"},
        }
    }
    client = world.client_of("confined", policy(inside, PASS))

    def network(*subnets: str) -> dict[str, Any]:
        return start_request(VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": list(subnets)})

    assert client.start_entities_detection_job(**network("subnet-2"))["JobStatus"] == "SUBMITTED"
    assert client.start_entities_detection_job(**network("subnet-1", "subnet-2"))["JobStatus"] == "SUBMITTED"
    for request in (network("subnet-3"), network("subnet-1", "subnet-3"), start_request()):
        assert refused(client.start_entities_detection_job, **request)[0] == "AccessDeniedException"


def test_a_policy_can_require_a_tag(world: ComprehendWorld) -> None:
    tagged = START | {"Condition": {"StringEquals": {"aws:RequestTag/team": "a"}}}
    client = world.client_of("tagging", policy(tagged, PASS))
    client.start_entities_detection_job(**start_request(Tags=[{"Key": "team", "Value": "a"}]))
    for tags in (None, [{"Key": "team", "Value": "b"}]):
        request = start_request(Tags=tags)
        assert refused(client.start_entities_detection_job, **request)[0] == "AccessDeniedException"


def test_a_condition_on_a_kms_key_is_evaluated_before_the_key_is_refused(world: ComprehendWorld) -> None:
    keyed = START | {"Condition": {"StringEquals": {"comprehend:VolumeKmsKey": "key-1"}}}
    client = world.client_of("keyed", policy(keyed, PASS))
    call = client.start_entities_detection_job
    assert refused(call, **start_request(VolumeKmsKeyId="key-1"))[0] == "KmsKeyValidationException"
    assert refused(call, **start_request(VolumeKmsKeyId="key-2"))[0] == "AccessDeniedException"


def test_a_policy_can_name_one_job(world: ComprehendWorld) -> None:
    mine, other = start(world), start(world)
    arn = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/{mine}"
    client = world.client_of("reader", policy({"Effect": "Allow", "Action": "comprehend:Describe*", "Resource": arn}))
    assert client.describe_entities_detection_job(JobId=mine)
    assert refused(client.describe_entities_detection_job, JobId=other)[0] == "AccessDeniedException"


# Quotas


@pytest.mark.one_process
def test_amazons_quotas_apply_only_in_the_profile_aws(tmp_path: Path) -> None:
    world = ComprehendWorld(tmp_path, Settings(profile="aws"))
    start(world)
    # A retry would wait and then be throttled by the rate instead.
    client = world.client_of("patient", ALLOW_ALL, config=Config(retries={"total_max_attempts": 1}))
    code, message = refused(client.start_entities_detection_job, **start_request())
    assert (code, "1 times a second" in message) == ("TooManyRequestsException", True)
    for _ in range(9):
        world.now += dt.timedelta(seconds=1)
        start(world)
    world.now += dt.timedelta(seconds=1)
    code, message = refused(client.start_entities_detection_job, **start_request())
    assert (code, "10 jobs" in message) == ("TooManyRequestsException", True)
    world.close()
