"""Datasets and iterations of flywheels, and what follows their active models; the tests play the containers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.state_events.event import event_of
from tests.worlds.flywheels import (
    BETTER,
    FIGURES,
    FLYWHEEL,
    INPUT,
    FlywheelWorld,
    evaluation,
    version_of,
)
from tests.worlds.models import ACCOUNT, REGION, ROLE, recognizer_request, refused
from tests.worlds.state_events import events_in
from tests.worlds.waiting import DEADLINE

pytestmark = pytest.mark.costs(0.5, reason="it starts the whole product, and the controller handles jobs")

MANIFEST = "documents.jsonl"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FlywheelWorld]:
    world = FlywheelWorld(tmp_path)
    yield world
    world.close()


# Datasets


def test_a_job_takes_a_dataset_into_the_data_lake(world: FlywheelWorld) -> None:
    world.active()
    arn = world.create_dataset(Description="Letters of June.")
    lake = world.describe()["DataLakeS3Uri"]
    new = {
        "DatasetArn": f"{FLYWHEEL}/dataset/first",
        "DatasetName": "first",
        "DatasetType": "TRAIN",
        "DatasetS3Uri": f"{lake}datasets/first/{world.now:%Y%m%dT%H%M%SZ}/",
        "Description": "Letters of June.",
        "Status": "CREATING",
        "CreationTime": world.now,
    }

    def described() -> Any:
        return world.client.describe_dataset(DatasetArn=arn)["DatasetProperties"]

    assert described() == new
    spec = world.started()
    request = json.loads(spec.job.request)
    assert request["InputDataConfig"] == {"DataFormat": "COMPREHEND_CSV", "S3Uri": "s3://training/rows.csv"}
    assert request["Marker"]["S3Uri"] == f"{lake}flywheelschemaversion"
    assert f"s3://lakes/{spec.job.output.key}" == f"{new['DatasetS3Uri']}{MANIFEST}"
    assert refused(world.client.delete_flywheel, FlywheelArn=FLYWHEEL)[0] == "ResourceUnavailableException"
    world.succeed(spec, {"NumberOfDocuments": 77}, warning="2 rows were not used.")
    ended = {"Status": "COMPLETED", "NumberOfDocuments": 77, "Message": "2 rows were not used.", "EndTime": world.now}
    assert described() == new | ended


def test_a_dataset_that_does_not_fit_the_task_is_refused_or_fails(world: FlywheelWorld) -> None:
    world.active()
    entities = {"EntityRecognizerInputDataConfig": {"Documents": {"S3Uri": "s3://training/documents"}}}
    code, message = refused(world.create_dataset, InputDataConfig=entities)
    assert (code, "does not fit the flywheel, whose ModelType is DOCUMENT_CLASSIFIER" in message) == (
        "InvalidRequestException",
        True,
    )
    for given in ({}, {"DataFormat": "AUGMENTED_MANIFEST"}, {"DataFormat": "AUGMENTED_MANIFEST", **INPUT}):
        assert refused(world.create_dataset, InputDataConfig=given)[0] == "InvalidRequestException"
    arn = world.create_dataset()
    world.fail(world.started(), "INSUFFICIENT_TRAINING_DATA", "the dataset has no document that fits.")
    shown = world.client.describe_dataset(DatasetArn=arn)["DatasetProperties"]
    assert (shown["Status"], shown["Message"]) == (
        "FAILED",
        "INSUFFICIENT_TRAINING_DATA: the dataset has no document that fits.",
    )
    assert refused(world.client.start_flywheel_iteration, FlywheelArn=FLYWHEEL) == (
        "InvalidRequestException",
        f"NO_TRAINING_DATASET: {FLYWHEEL} has no dataset of type TRAIN that is COMPLETED: create one first.",
    )


def test_a_worker_cannot_invent_a_dataset(world: FlywheelWorld) -> None:
    world.active()
    for members in ({"sha256": "0" * 64}, {"metadata": '{"NumberOfDocuments": -1}'}, {"metadata": "[]"}):
        arn = world.create_dataset(f"d{len(world.client.list_datasets()['DatasetPropertiesList'])}")
        world.succeed(world.started(), {"NumberOfDocuments": 1}, **members)
        shown = world.client.describe_dataset(DatasetArn=arn)["DatasetProperties"]
        assert (shown["Status"], shown["Message"].partition(":")[0]) == ("FAILED", "INTERNAL_ERROR")


def test_datasets_are_listed_by_flywheel_type_and_status_newest_first(world: FlywheelWorld) -> None:
    world.active()
    world.dataset("a")
    world.later()
    world.dataset("b", DatasetType="TEST")
    world.later()
    world.create_dataset("c")

    def names(**parameters: Any) -> list[str]:
        return [each["DatasetName"] for each in world.client.list_datasets(**parameters)["DatasetPropertiesList"]]

    assert names() == names(FlywheelArn=FLYWHEEL) == ["c", "b", "a"]
    assert names(Filter={"DatasetType": "TEST"}) == ["b"]
    assert names(Filter={"Status": "CREATING"}) == ["c"]
    assert names(Filter={"CreationTimeBefore": world.now - dt.timedelta(seconds=1)}) == ["a"]
    page = world.client.list_datasets(MaxResults=2)
    assert names(MaxResults=2, NextToken=page["NextToken"]) == ["a"]
    two = {"Status": "CREATING", "DatasetType": "TEST"}
    assert refused(world.client.list_datasets, Filter=two)[0] == "InvalidFilterException"


def test_names_and_tokens_of_datasets_are_unique(world: FlywheelWorld) -> None:
    world.active()
    assert world.create_dataset(ClientRequestToken="once") == world.create_dataset(ClientRequestToken="once")
    assert refused(world.create_dataset, ClientRequestToken="once", DatasetType="TEST")[0] == "ResourceInUseException"
    assert refused(world.create_dataset)[1].startswith("DATASET_EXISTS: ")


# Iterations


def test_an_iteration_trains_a_model_and_then_evaluates_both(world: FlywheelWorld) -> None:
    active = world.train()
    world.active(ActiveModelArn=active, TaskConfig=None, ModelType=None)
    world.succeed(world.started(), {"NumberOfDocuments": 100})
    test = world.dataset("test", DatasetType="TEST")
    identifier = world.start_iteration()
    assert identifier == f"{world.now:%Y%m%dT%H%M%SZ}"
    shown = world.iteration(identifier)
    trained = shown["TrainedModelArn"]
    assert version_of(trained).startswith("Comprehend-Generated-v1-")
    lake = world.describe()["DataLakeS3Uri"]
    assert shown == {
        "FlywheelArn": FLYWHEEL,
        "FlywheelIterationId": identifier,
        "CreationTime": world.now,
        "Status": "TRAINING",
        "EvaluatedModelArn": active,
        "TrainedModelArn": trained,
        "EvaluationManifestS3Prefix": f"{lake}evaluation/{identifier}/",
    }
    assert world.describe()["LatestFlywheelIteration"] == identifier
    model = world.client.describe_document_classifier(DocumentClassifierArn=trained)["DocumentClassifierProperties"]
    assert (model["FlywheelArn"], model["SourceModelArn"]) == (FLYWHEEL, active)
    training = world.started()
    request = json.loads(training.job.request)
    splits = [(each["Split"], each["S3Uri"]) for each in request["InputDataConfig"]["AugmentedManifests"]]
    assert [split for split, _ in splits] == ["TRAIN", "TEST"]
    assert splits[1][1] == f"{test['DatasetS3Uri']}{MANIFEST}"
    assert set(request["DataLake"]["Digests"]) == {uri for _, uri in splits}
    assert refused(world.client.start_flywheel_iteration, FlywheelArn=FLYWHEEL) == (
        "ResourceInUseException",
        f"ITERATION_IN_PROGRESS: The iteration {identifier} of {FLYWHEEL} is TRAINING; wait for its end.",
    )
    assert refused(world.client.delete_flywheel, FlywheelArn=FLYWHEEL)[0] == "ResourceInUseException"
    world.finish(training)
    assert world.iteration(identifier)["Status"] == "EVALUATING"
    spec = world.started()
    request = json.loads(spec.job.request)
    assert (spec.job.kind, request["HeldBack"], request["Mode"]) == ("classifier-evaluation", False, "MULTI_CLASS")
    assert [each["S3Uri"] for each in request["InputDataConfig"]["AugmentedManifests"]] == [splits[1][1]]
    assert (request["Evaluated"]["Arn"], request["Trained"]["Arn"]) == (active, trained)
    assert (
        refused(world.client.delete_document_classifier, DocumentClassifierArn=trained)[0] == "ResourceInUseException"
    )
    world.later()
    world.succeed(spec, evaluation(BETTER, FIGURES))
    assert world.iteration(identifier) == shown | {
        "Status": "COMPLETED",
        "Message": "FULL_ITERATION: Flywheel iteration performed all functions successfully.",
        "EndTime": world.now,
        "EvaluatedModelMetrics": FIGURES,
        "TrainedModelMetrics": BETTER,
    }
    # Only the customer makes another model active.
    assert world.describe()["ActiveModelArn"] == active


def test_the_service_s_own_session_of_an_evaluation_reads_both_models_and_nothing_else(world: FlywheelWorld) -> None:
    active = world.train()
    world.active(ActiveModelArn=active, TaskConfig=None, ModelType=None)
    world.succeed(world.started(), {"NumberOfDocuments": 100})
    world.train(VersionName="other")
    world.start_iteration()
    world.finish(world.started())
    spec = world.started()
    assert spec.job.model is not None
    bucket, trained = spec.job.model.artifact.bucket, spec.job.model.artifact.key
    evaluated = json.loads(spec.job.request)["Evaluated"]["ArtifactUri"].removeprefix(f"s3://{bucket}/")
    s3 = world.s3_of(spec)
    for key in (trained, evaluated):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert refused(s3.put_object, Bucket=bucket, Key=key, Body=b"x")[0] == "AccessDenied"
    (third,) = {key for key, _ in world.product.objects.store.objects_below(bucket, "")} - {trained, evaluated}
    assert refused(s3.get_object, Bucket=bucket, Key=third)[0] == "AccessDenied"


def test_the_first_iteration_of_a_new_model_has_only_its_own_metrics(world: FlywheelWorld) -> None:
    world.active()
    world.dataset()
    found = world.iterate()
    assert found["Status"] == "COMPLETED"
    assert "EvaluatedModelArn" not in found
    assert "EvaluatedModelMetrics" not in found
    assert found["TrainedModelMetrics"] == BETTER
    assert found["TrainedModelArn"].split("/")[1] == "mail"
    assert "ActiveModelArn" not in world.describe()


def test_iterations_are_listed_newest_first_and_the_token_starts_one(world: FlywheelWorld) -> None:
    world.active()
    world.dataset()
    ids = [world.iterate()["FlywheelIterationId"] for _ in range(2)]
    identifier = world.start_iteration(ClientRequestToken="once")
    assert world.start_iteration(ClientRequestToken="once") == identifier

    def listed(**parameters: Any) -> list[str]:
        page = world.client.list_flywheel_iteration_history(FlywheelArn=FLYWHEEL, **parameters)
        return [each["FlywheelIterationId"] for each in page["FlywheelIterationPropertiesList"]]

    assert listed() == [identifier, *reversed(ids)]
    page = world.client.list_flywheel_iteration_history(FlywheelArn=FLYWHEEL, MaxResults=2)
    assert listed(MaxResults=2, NextToken=page["NextToken"]) == ids[:1]
    assert listed(Filter={"CreationTimeAfter": world.now - dt.timedelta(seconds=1)}) == [identifier]


def test_an_iteration_whose_training_fails_or_is_stopped_says_why(world: FlywheelWorld) -> None:
    world.active()
    world.dataset()
    identifier = world.start_iteration()
    world.fail(world.started(), "DATA_LAKE_CHANGED", "s3://lakes/x has other bytes since the flywheel wrote it")
    shown = world.iteration(identifier)
    assert (shown["Status"], shown["Message"]) == (
        "FAILED",
        "DATA_LAKE_CHANGED: s3://lakes/x has other bytes since the flywheel wrote it",
    )
    world.later()
    identifier = world.start_iteration()
    trained = world.iteration(identifier)["TrainedModelArn"]
    spec = world.started()
    world.client.stop_training_document_classifier(DocumentClassifierArn=trained)
    world.turn()
    assert world.iteration(identifier)["Status"] == "STOP_REQUESTED"
    world.succeed(spec, {}, stopped=True, size=0, sha256="")
    assert world.iteration(identifier)["Status"] == "STOPPED"
    assert trained in world.iteration(identifier)["Message"]
    assert world.describe()["Status"] == "ACTIVE"


def test_an_iteration_whose_evaluation_fails_leaves_nothing_half_active(world: FlywheelWorld) -> None:
    world.active()
    world.dataset()
    identifier = world.start_iteration()
    world.finish(world.started())
    world.succeed(world.started(), {**evaluation(), "Trained": {"AverageF1Score": 2}})
    shown = world.iteration(identifier)
    assert (shown["Status"], shown["Message"].partition(":")[0]) == ("FAILED", "INTERNAL_ERROR")
    assert "TrainedModelMetrics" not in shown
    assert world.describe()["Status"] == "ACTIVE"
    assert "ActiveModelArn" not in world.describe()
    world.later()
    assert world.iterate()["Status"] == "COMPLETED"


def test_a_server_that_was_killed_goes_on_with_an_iteration(world: FlywheelWorld) -> None:
    world.active()
    world.dataset()
    identifier = world.start_iteration()
    spec = world.started()
    # Its loops did not see the end of the training before the server was killed.
    upkeep, world.product.jobs.flywheels = world.product.jobs.flywheels, world.product.jobs.models  # type: ignore[assignment]
    world.finish(spec)
    assert world.iteration(identifier)["Status"] == "TRAINING"
    world.product.jobs.flywheels = upkeep
    world.turn()
    assert world.iteration(identifier)["Status"] == "EVALUATING"
    (spec,) = world.wanted() or (world.started(),)
    world.succeed(spec, evaluation())
    assert world.iteration(identifier)["Status"] == "COMPLETED"


# What follows the active model


def load(world: FlywheelWorld) -> None:
    """Run a turn of the endpoints' loop, and wait for the models that it loads."""
    world.product.endpoints.turn()
    assert world.product.endpoints.settle(DEADLINE)


def test_an_active_model_must_do_the_flywheel_s_task(world: FlywheelWorld) -> None:
    world.active()
    recognizer = world.client.create_entity_recognizer(**recognizer_request())["EntityRecognizerArn"]
    world.finish(world.started())

    def code(model: str) -> str:
        return refused(world.client.update_flywheel, FlywheelArn=FLYWHEEL, ActiveModelArn=model)[0]

    assert code(recognizer) == "InvalidRequestException"
    assert code(world.train(DocumentClassifierName="german", LanguageCode="de")) == "InvalidRequestException"
    assert code(world.train(DocumentClassifierName="many", Mode="MULTI_LABEL")) == "InvalidRequestException"
    assert code(f"arn:aws:comprehend:{REGION}:{ACCOUNT}:document-classifier/none") == "ResourceNotFoundException"
    assert refused(world.client.update_flywheel, FlywheelArn=FLYWHEEL)[0] == "InvalidRequestException"


def test_endpoints_of_a_flywheel_follow_its_active_model(world: FlywheelWorld) -> None:
    first = world.train()
    world.active(ActiveModelArn=first, TaskConfig=None, ModelType=None)
    world.succeed(world.started(), {"NumberOfDocuments": 100})
    made = world.client.create_endpoint(EndpointName="mail", FlywheelArn=FLYWHEEL, DesiredInferenceUnits=1)
    endpoint = made["EndpointArn"]
    assert made["ModelArn"] == first
    load(world)

    def classify() -> Any:
        return world.client.classify_document(EndpointArn=endpoint, Text="x")["Classes"][0]["Name"]

    def described() -> Any:
        return world.client.describe_endpoint(EndpointArn=endpoint)["EndpointProperties"]

    assert (classify(), described()["FlywheelArn"]) == (first, FLYWHEEL)
    second = world.train(VersionName="v2")
    world.client.update_flywheel(FlywheelArn=FLYWHEEL, ActiveModelArn=second)
    assert world.describe()["ActiveModelArn"] == second
    assert (described()["Status"], described()["DesiredModelArn"], classify()) == ("UPDATING", second, first)
    load(world)
    assert classify() == second
    message = refused(world.client.delete_flywheel, FlywheelArn=FLYWHEEL)[1]
    assert message == f"FLYWHEEL_IN_USE: {FLYWHEEL} is used by {endpoint}; delete or update that first."
    # An endpoint that gets a model of its own follows no more, and can follow again.
    world.client.update_endpoint(EndpointArn=endpoint, DesiredModelArn=first)
    load(world)
    assert "FlywheelArn" not in described()
    answer = world.client.update_endpoint(EndpointArn=endpoint, FlywheelArn=FLYWHEEL)
    assert answer["DesiredModelArn"] == second
    assert described()["FlywheelArn"] == FLYWHEEL


def test_jobs_of_a_flywheel_use_its_active_model(world: FlywheelWorld) -> None:
    world.active()
    request = {
        "FlywheelArn": FLYWHEEL,
        "InputDataConfig": {"S3Uri": "s3://papers/in/"},
        "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
        "DataAccessRoleArn": ROLE,
    }
    assert refused(world.client.start_document_classification_job, **request) == (
        "ResourceUnavailableException",
        f"NO_ACTIVE_MODEL: {FLYWHEEL} has no active model: start an iteration, and set the ActiveModelArn with "
        "UpdateFlywheel.",
    )
    assert (
        refused(world.client.create_endpoint, EndpointName="e", FlywheelArn=FLYWHEEL, DesiredInferenceUnits=1)[0]
        == "ResourceUnavailableException"
    )
    model = world.train()
    world.client.update_flywheel(FlywheelArn=FLYWHEEL, ActiveModelArn=model)
    started = world.client.start_document_classification_job(**request, ClientRequestToken="once")
    assert started["DocumentClassifierArn"] == model
    again = world.client.start_document_classification_job(**request, ClientRequestToken="once")
    assert again["JobId"] == started["JobId"]
    shown = world.client.describe_document_classification_job(JobId=started["JobId"])
    properties = shown["DocumentClassificationJobProperties"]
    assert (properties["FlywheelArn"], properties["DocumentClassifierArn"]) == (FLYWHEEL, model)
    assert world.started().job.model is not None
    code, message = refused(world.client.start_entities_detection_job, LanguageCode="en", **request)
    assert (code, "does other work" in message) == ("InvalidRequestException", True)
    for missing in (f"{FLYWHEEL}x",):
        wrong = {**request, "FlywheelArn": missing}
        assert refused(world.client.start_document_classification_job, **wrong)[0] == "ResourceNotFoundException"


# Events


def test_flywheels_datasets_and_iterations_have_events_of_their_changes(world: FlywheelWorld) -> None:
    world.active()
    world.dataset()
    identifier = world.iterate()["FlywheelIterationId"]
    world.client.delete_flywheel(FlywheelArn=FLYWHEEL)
    world.product.jobs.flywheels.turn()
    told = [event_of(row) for row in events_in(world.database) if row.kind != "Model"]
    dataset, iteration = f"{FLYWHEEL}/dataset/first", f"{FLYWHEEL}/iteration/{identifier}"
    assert [(*each["resources"], each["detail"]["Status"]) for each in told] == [
        *((FLYWHEEL, status) for status in ("CREATING", "ACTIVE")),
        *((dataset, status) for status in ("CREATING", "COMPLETED")),
        *((iteration, status) for status in ("TRAINING", "EVALUATING", "COMPLETED")),
        *((FLYWHEEL, status) for status in ("DELETING", "DELETED")),
    ]
    assert {each["detail-type"] for each in told} == {
        "Comprehend Flywheel State Change",
        "Comprehend Flywheel Dataset State Change",
        "Comprehend Flywheel Iteration State Change",
    }


def test_the_event_of_a_failed_iteration_has_its_code(world: FlywheelWorld) -> None:
    world.active()
    world.dataset()
    world.start_iteration()
    world.fail(world.started(), "INTERNAL_ERROR", "dear diary")
    last = event_of(events_in(world.database)[-1])
    assert last["detail"] == {
        "Sequence": last["detail"]["Sequence"],
        "Status": "FAILED",
        "FailureCode": "INTERNAL_ERROR",
    }
