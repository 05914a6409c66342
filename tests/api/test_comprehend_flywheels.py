"""Flywheels, called with boto3; the tests play the containers of their jobs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.jobs.tables import JobRow
from tests.worlds.comprehend import ALLOW_ALL
from tests.worlds.flywheels import FLYWHEEL, INPUT, TASK, FlywheelWorld
from tests.worlds.models import ACCOUNT, OTHER_ACCOUNT, REGION, ROLE, recognizer_request, refused

pytestmark = pytest.mark.costs(0.5, reason="it starts the whole product, and the controller handles jobs")

OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader2"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FlywheelWorld]:
    world = FlywheelWorld(tmp_path)
    yield world
    world.close()


def test_a_flywheel_is_active_when_a_job_has_made_its_data_lake(world: FlywheelWorld) -> None:
    assert world.create() == FLYWHEEL
    time = f"{world.now:%Y%m%dT%H%M%SZ}"
    new = {
        "FlywheelArn": FLYWHEEL,
        "DataLakeS3Uri": f"s3://lakes/flywheels/mail/schemaVersion=1/{time}/",
        "Status": "CREATING",
        "ModelType": "DOCUMENT_CLASSIFIER",
        "CreationTime": world.now,
        "LastModifiedTime": world.now,
        "DataAccessRoleArn": ROLE,
        "TaskConfig": TASK,
        "DataSecurityConfig": {},
    }
    assert world.describe() == new
    spec = world.started()
    assert (spec.job.kind, spec.job.input.key) == ("flywheel-lake", "flywheels/mail/")
    assert spec.job.output.key == f"flywheels/mail/schemaVersion=1/{time}/flywheelschemaversion"
    assert json.loads(spec.job.request) == {"FlywheelArn": FLYWHEEL, "Marker": None}
    world.succeed(spec, {})
    assert world.describe() == new | {"Status": "ACTIVE"}


def test_a_flywheel_without_access_to_its_bucket_fails_and_says_why(world: FlywheelWorld) -> None:
    world.create()
    why = "The provided data access role does not have write access to the output S3 URI. s3:PutObject on s3://lakes/x"
    world.fail(world.started(), "NO_WRITE_ACCESS_TO_OUTPUT", why)
    shown = world.describe()
    assert (shown["Status"], shown["Message"]) == ("FAILED", f"NO_WRITE_ACCESS_TO_OUTPUT: {why}")
    code, message = refused(world.client.start_flywheel_iteration, FlywheelArn=FLYWHEEL)
    assert (code, message.startswith(f"FLYWHEEL_NOT_ACTIVE: {FLYWHEEL} is FAILED (NO_WRITE")) == (
        "InvalidRequestException",
        True,
    )
    world.client.delete_flywheel(FlywheelArn=FLYWHEEL)
    world.turn()
    assert refused(world.client.describe_flywheel, FlywheelArn=FLYWHEEL)[0] == "ResourceNotFoundException"
    assert world.active() == FLYWHEEL


def test_a_flywheel_begins_with_a_trained_model_and_its_data(world: FlywheelWorld) -> None:
    model = world.train(InputDataConfig={"S3Uri": "s3://training/rows.csv", "TestS3Uri": "s3://training/test.csv"})
    world.active(ActiveModelArn=model, TaskConfig=None, ModelType=None)
    shown = world.describe()
    assert (shown["Status"], shown["ActiveModelArn"], shown["TaskConfig"]) == ("ACTIVE", model, TASK)
    datasets = world.client.list_datasets(FlywheelArn=FLYWHEEL)["DatasetPropertiesList"]
    assert sorted((each["DatasetType"], each["Description"]) for each in datasets) == [
        ("TEST", "TEST Dataset created by Flywheel creation."),
        ("TRAIN", "TRAIN Dataset created by Flywheel creation."),
    ]
    world.turn(2)
    inputs = {json.loads(spec.job.request)["InputDataConfig"]["S3Uri"] for spec in world.wanted()}
    assert inputs == {"s3://training/rows.csv", "s3://training/test.csv"}
    assert refused(world.client.delete_document_classifier, DocumentClassifierArn=model) == (
        "ResourceInUseException",
        f"MODEL_IN_USE: {model} is used by {FLYWHEEL}, as its active model or in an iteration; update that first, or "
        "wait for the iteration's end.",
    )


def test_the_task_of_a_recognizer_has_its_types(world: FlywheelWorld) -> None:
    model = world.client.create_entity_recognizer(**recognizer_request())["EntityRecognizerArn"]
    world.finish(world.started())
    world.active(ActiveModelArn=model, TaskConfig=None, ModelType=None)
    assert world.describe()["TaskConfig"]["EntityRecognitionConfig"] == {"EntityTypes": [{"Type": "ENGINEER"}]}
    assert world.describe()["ModelType"] == "ENTITY_RECOGNIZER"


def test_what_a_flywheel_cannot_be_created_for(world: FlywheelWorld) -> None:
    training = world.client.create_document_classifier(
        DocumentClassifierName="slow",
        DataAccessRoleArn=ROLE,
        InputDataConfig={"S3Uri": "s3://training/rows.csv"},
        LanguageCode="en",
    )["DocumentClassifierArn"]

    def code(**changes: Any) -> str:
        return refused(world.create, **changes)[0]

    only_model = {"TaskConfig": None, "ModelType": None}
    assert code(ActiveModelArn=training, **only_model) == "ResourceUnavailableException"
    assert code(ActiveModelArn=f"{training}x", **only_model) == "ResourceNotFoundException"
    assert code(ActiveModelArn=training) == "InvalidRequestException"
    assert code(**only_model) == "InvalidRequestException"
    assert code(ModelType="ENTITY_RECOGNIZER") == "InvalidRequestException"
    assert code(TaskConfig=TASK | {"LanguageCode": "zh"}) == "UnsupportedLanguageException"
    classes = {"Mode": "MULTI_CLASS", "Labels": ["a", "b", "a"]}
    assert code(TaskConfig=TASK | {"DocumentClassificationConfig": classes}) == "InvalidRequestException"
    many = {"Mode": "MULTI_CLASS", "Labels": [f"{number}{'x' * 1000}" for number in range(101)]}
    assert code(TaskConfig=TASK | {"DocumentClassificationConfig": many}) == "InvalidRequestException"
    types = {"LanguageCode": "en", "EntityRecognitionConfig": {"EntityTypes": []}}
    assert code(ModelType="ENTITY_RECOGNIZER", TaskConfig=types) == "InvalidRequestException"
    network = {"Subnets": ["subnet-1", "subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert code(DataSecurityConfig={"VpcConfig": network}) == "InvalidRequestException"
    assert world.client.list_flywheels()["FlywheelSummaryList"] == []


@pytest.mark.parametrize("member", ["VolumeKmsKeyId", "ModelKmsKeyId", "DataLakeKmsKeyId"])
def test_keys_are_refused(world: FlywheelWorld, member: str) -> None:
    code, message = refused(world.create, DataSecurityConfig={member: "1234abcd-12ab-34cd-56ef-1234567890ab"})
    assert code == "KmsKeyValidationException"
    assert f"DataSecurityConfig.{member}" in message


def test_the_same_token_creates_one_flywheel(world: FlywheelWorld) -> None:
    assert world.create(ClientRequestToken="once") == world.create(ClientRequestToken="once") == FLYWHEEL
    assert refused(world.create, ClientRequestToken="once", FlywheelName="other") == (
        "ResourceInUseException",
        f"TOKEN_IN_USE: ClientRequestToken once created {FLYWHEEL} with other parameters; use a new token for a new "
        "resource.",
    )
    assert refused(world.create)[1].startswith(f"FLYWHEEL_EXISTS: {FLYWHEEL} already exists")


def test_a_change_of_the_role_takes_effect_when_a_job_has_checked_it(world: FlywheelWorld) -> None:
    world.active()
    world.client.update_flywheel(FlywheelArn=FLYWHEEL, DataAccessRoleArn=OTHER_ROLE)
    shown = world.describe()
    assert (shown["Status"], shown["DataAccessRoleArn"]) == ("UPDATING", ROLE)
    code, message = refused(world.client.update_flywheel, FlywheelArn=FLYWHEEL, DataAccessRoleArn=ROLE)
    assert (code, "is UPDATING; wait until it is ACTIVE" in message) == ("InvalidRequestException", True)
    assert refused(world.client.delete_flywheel, FlywheelArn=FLYWHEEL)[0] == "ResourceUnavailableException"
    world.turn(2)
    # The role does not exist, so the service cannot assume it.
    shown = world.describe()
    assert (shown["Status"], shown["DataAccessRoleArn"]) == ("ACTIVE", ROLE)
    assert shown["Message"].startswith("ROLE_NOT_ASSUMABLE: ")
    assert shown["Message"].endswith("The update was not made.")


def test_a_change_of_the_network_replaces_it_as_a_whole(world: FlywheelWorld) -> None:
    world.active()
    for given in ({"VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, {}):
        world.client.update_flywheel(FlywheelArn=FLYWHEEL, DataSecurityConfig=given)
        with world.database.reading() as session:
            (job,) = [row for row in session.query(JobRow) if row.phase == "queued"]
            assert (job.subnets, job.security_groups) == ((["subnet-1"], ["sg-1"]) if given else (None, None))
        if given:
            world.turn(2)
            assert world.describe()["Message"].startswith("SUBNET_NOT_FOUND: ")
        else:
            spec = world.started()
            assert json.loads(spec.job.request)["Marker"]["Sha256"]
            world.succeed(spec, {})
            assert world.describe()["Status"] == "ACTIVE"
            assert "Message" not in world.describe()


def test_deleting_a_flywheel_leaves_its_bucket_and_its_models_alone(world: FlywheelWorld) -> None:
    world.active()
    world.dataset()
    model = world.iterate()["TrainedModelArn"]
    objects = [key for key, _ in world.product.objects.store.objects_below("lakes", "")]
    assert len(objects) == 3
    world.client.delete_flywheel(FlywheelArn=FLYWHEEL)
    assert world.describe()["Status"] == "DELETING"
    world.turn()
    assert refused(world.client.describe_flywheel, FlywheelArn=FLYWHEEL)[0] == "ResourceNotFoundException"
    assert world.client.list_datasets()["DatasetPropertiesList"] == []
    assert [key for key, _ in world.product.objects.store.objects_below("lakes", "")] == objects
    shown = world.client.describe_document_classifier(DocumentClassifierArn=model)["DocumentClassifierProperties"]
    assert (shown["Status"], shown["FlywheelArn"]) == ("TRAINED", FLYWHEEL)
    with world.database.reading() as session:
        assert [row.arn for row in session.query(JobRow)] == [model]
    # Its name, and those of its datasets, can be used again.
    world.active()
    world.dataset()


def test_lists_are_filtered_and_come_in_pages_newest_first(world: FlywheelWorld) -> None:
    for name in ("a", "b", "c"):
        world.active(FlywheelName=name)
        world.later()

    def names(page: dict[str, Any]) -> list[str]:
        return [each["FlywheelArn"].rpartition("/")[2] for each in page["FlywheelSummaryList"]]

    first = world.client.list_flywheels(MaxResults=2)
    assert names(first) == ["c", "b"]
    assert "TaskConfig" not in first["FlywheelSummaryList"][0]
    assert names(world.client.list_flywheels(MaxResults=2, NextToken=first["NextToken"])) == ["a"]
    before = world.now - dt.timedelta(seconds=2)
    assert names(world.client.list_flywheels(Filter={"CreationTimeBefore": before})) == ["a"]
    assert names(world.client.list_flywheels(Filter={"CreationTimeAfter": before})) == ["c"]
    assert names(world.client.list_flywheels(Filter={"Status": "CREATING"})) == []
    two = {"Status": "ACTIVE", "CreationTimeAfter": before}
    assert refused(world.client.list_flywheels, Filter=two)[0] == "InvalidFilterException"
    assert refused(world.client.list_flywheels, NextToken="x")[0] == "InvalidRequestException"


def test_flywheels_and_datasets_have_tags(world: FlywheelWorld) -> None:
    world.active(Tags=[{"Key": "team", "Value": "mail"}])
    dataset = world.create_dataset(Tags=[{"Key": "kind", "Value": "first"}])
    for arn, tags in ((FLYWHEEL, [{"Key": "team", "Value": "mail"}]), (dataset, [{"Key": "kind", "Value": "first"}])):
        assert world.client.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags
        world.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "more", "Value": "1"}])
        world.client.untag_resource(ResourceArn=arn, TagKeys=[tags[0]["Key"]])
        assert world.client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "more", "Value": "1"}]


def test_policies_decide_on_flywheels_datasets_networks_and_tags(world: FlywheelWorld) -> None:
    def user(name: str, *statements: dict[str, Any]) -> Any:
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        return world.client_of(name, json.dumps({"Version": "2012-10-17", "Statement": [allow, *statements]}))

    def deny(action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
        more = {"Condition": condition} if condition else {}
        return {"Effect": "Deny", "Action": f"comprehend:{action}", "Resource": resource, **more}

    world.active(Tags=[{"Key": "team", "Value": "mail"}])
    world.dataset()
    forced = user("forced", deny("CreateFlywheel", Null={"comprehend:VpcSubnets": "true"}))
    request = {
        "FlywheelName": "other",
        "TaskConfig": TASK,
        "ModelType": "DOCUMENT_CLASSIFIER",
        "DataAccessRoleArn": ROLE,
        "DataLakeS3Uri": "s3://lakes",
    }
    assert refused(forced.create_flywheel, **request)[0] == "AccessDeniedException"
    network = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    forced.create_flywheel(**request, DataSecurityConfig={"VpcConfig": network})
    passing = user("passing", {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"})
    assert refused(passing.create_flywheel, **request)[0] == "AccessDeniedException"
    assert refused(passing.update_flywheel, FlywheelArn=FLYWHEEL, DataAccessRoleArn=ROLE)[0] == "AccessDeniedException"
    one = user("one", deny("CreateDataset", f"{FLYWHEEL}/dataset/secret*"))
    new = {"FlywheelArn": FLYWHEEL, "InputDataConfig": INPUT}
    assert refused(one.create_dataset, DatasetName="secret-1", **new)[0] == "AccessDeniedException"
    one.create_dataset(DatasetName="open", **new)
    tagged = user("tagged", deny("StartFlywheelIteration", StringEquals={"aws:ResourceTag/team": "mail"}))
    assert refused(tagged.start_flywheel_iteration, FlywheelArn=FLYWHEEL)[0] == "AccessDeniedException"
    asked = user("asked", deny("CreateFlywheel", StringEquals={"aws:RequestTag/team": "none"}))
    tags = [{"Key": "team", "Value": "none"}]
    assert (
        refused(asked.create_flywheel, **request | {"FlywheelName": "third"}, Tags=tags)[0] == "AccessDeniedException"
    )
    iteration = world.start_iteration()
    early = user("early", deny("DescribeFlywheelIteration", StringEquals={"comprehend:FlywheelIterationId": iteration}))
    described = {"FlywheelArn": FLYWHEEL, "FlywheelIterationId": iteration}
    assert refused(early.describe_flywheel_iteration, **described)[0] == "AccessDeniedException"


def test_another_account_finds_nothing(world: FlywheelWorld) -> None:
    world.active()
    dataset = world.dataset()["DatasetArn"]
    other = world.client_of("other", ALLOW_ALL, OTHER_ACCOUNT)
    for call, parameters in (
        (other.describe_flywheel, {"FlywheelArn": FLYWHEEL}),
        (other.update_flywheel, {"FlywheelArn": FLYWHEEL, "DataSecurityConfig": {}}),
        (other.delete_flywheel, {"FlywheelArn": FLYWHEEL}),
        (other.start_flywheel_iteration, {"FlywheelArn": FLYWHEEL}),
        (other.describe_flywheel_iteration, {"FlywheelArn": FLYWHEEL, "FlywheelIterationId": "20260101T000000Z"}),
        (other.list_flywheel_iteration_history, {"FlywheelArn": FLYWHEEL}),
        (other.list_datasets, {"FlywheelArn": FLYWHEEL}),
        (other.describe_dataset, {"DatasetArn": dataset}),
        (other.create_dataset, {"FlywheelArn": FLYWHEEL, "DatasetName": "x", "InputDataConfig": INPUT}),
        (other.list_tags_for_resource, {"ResourceArn": FLYWHEEL}),
    ):
        assert refused(call, **parameters)[0] == "ResourceNotFoundException"
    assert other.list_flywheels()["FlywheelSummaryList"] == []


def test_the_profile_of_amazon_has_its_quotas(tmp_path: Path) -> None:
    world = FlywheelWorld(tmp_path, profile="aws")

    def later(call: Any, **parameters: Any) -> Any:
        world.later()
        return call(**parameters)

    try:
        for number in range(10):
            later(world.create, FlywheelName=f"f{number}")
        world.later()
        assert refused(world.create, FlywheelName="one-more") == (
            "ResourceLimitExceededException",
            "RESOURCE_LIMIT_EXCEEDED: The flywheels of an account that are CREATING can be 10.",
        )
        assert refused(world.create, FlywheelName="at-once")[0] == "TooManyRequestsException"
    finally:
        world.close()


def test_each_call_is_in_the_trail(world: FlywheelWorld) -> None:
    world.active()
    trail = world.client_of("auditor", service="cloudtrail")
    names = [event["EventName"] for event in trail.lookup_events()["Events"]]
    assert "CreateFlywheel" in names
    assert REGION in FLYWHEEL
