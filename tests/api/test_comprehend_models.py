"""Custom models, called with boto3: creating, describing, listing, stopping, deleting, importing and tagging them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from reading_room.analysis.job_file import Failed
from tests.worlds.comprehend import ALLOW_ALL
from tests.worlds.models import (
    ACCOUNT,
    CLASSIFIER_METADATA,
    OTHER_ACCOUNT,
    RECOGNIZER_METADATA,
    REGION,
    ROLE,
    ModelWorld,
    classifier_request,
    recognizer_request,
    refused,
)

pytestmark = pytest.mark.costs(0.3, reason="it starts the whole product, and the controller handles trainings")

PREFIX = f"arn:aws:comprehend:{REGION}:{ACCOUNT}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def describe(world: ModelWorld, arn: str) -> dict[str, Any]:
    if ":document-classifier/" in arn:
        answer = world.client.describe_document_classifier(DocumentClassifierArn=arn)
        return dict(answer["DocumentClassifierProperties"])
    return dict(world.client.describe_entity_recognizer(EntityRecognizerArn=arn)["EntityRecognizerProperties"])


def test_a_new_classifier_is_submitted_and_described_with_its_defaults(world: ModelWorld) -> None:
    arn = world.client.create_document_classifier(**classifier_request())["DocumentClassifierArn"]
    assert arn == f"{PREFIX}:document-classifier/tickets"
    shown = describe(world, arn)
    assert shown == {
        "DocumentClassifierArn": arn,
        "LanguageCode": "en",
        "Status": "SUBMITTED",
        "SubmitTime": world.now,
        "InputDataConfig": {"DataFormat": "COMPREHEND_CSV", "S3Uri": "s3://training/rows.csv"},
        "OutputDataConfig": {},
        "DataAccessRoleArn": ROLE,
        "Mode": "MULTI_CLASS",
    }


def test_a_new_recognizer_has_the_default_document_format_and_no_output(world: ModelWorld) -> None:
    arn = world.client.create_entity_recognizer(**recognizer_request(VersionName="v1"))["EntityRecognizerArn"]
    assert arn == f"{PREFIX}:entity-recognizer/engineers/version/v1"
    shown = describe(world, arn)
    assert shown["VersionName"] == "v1"
    assert shown["InputDataConfig"]["Documents"]["InputFormat"] == "ONE_DOC_PER_LINE"
    assert "OutputDataConfig" not in shown
    assert "Mode" not in shown


def test_each_training_has_its_own_path_for_the_confusion_matrix(world: ModelWorld) -> None:
    request = classifier_request(OutputDataConfig={"S3Uri": "s3://results/models/"})
    arn = world.client.create_document_classifier(**request)["DocumentClassifierArn"]
    spec = world.started()
    uri = f"s3://results/models/{ACCOUNT}-CLR-{spec.job.job_id}/output/output.tar.gz"
    assert describe(world, arn)["OutputDataConfig"] == {"S3Uri": uri}
    assert (spec.job.output.bucket, spec.job.output.key) == ("results", uri.removeprefix("s3://results/"))
    assert json.loads(spec.job.request) == {
        "InputDataConfig": {"DataFormat": "COMPREHEND_CSV", "S3Uri": "s3://training/rows.csv"},
        "LanguageCode": "en",
        "Mode": "MULTI_CLASS",
        "OutputDataConfig": {"S3Uri": uri},
    }


def test_a_finished_training_is_a_trained_model_with_times_and_metrics(world: ModelWorld) -> None:
    arn = world.client.create_document_classifier(**classifier_request())["DocumentClassifierArn"]
    spec = world.started()
    assert spec.engine == spec.job.kind == "classifier-training"
    assert describe(world, arn)["Status"] == "TRAINING"
    assert "TrainingStartTime" not in describe(world, arn)
    world.now += dt.timedelta(seconds=30)
    world.finish(spec)
    shown = describe(world, arn)
    assert shown["Status"] == "TRAINED"
    assert shown["ClassifierMetadata"] == CLASSIFIER_METADATA
    assert shown["SubmitTime"] == shown["TrainingStartTime"] == world.now - dt.timedelta(seconds=30)
    assert shown["TrainingEndTime"] == shown["EndTime"] == world.now
    assert "Message" not in shown


def test_a_warning_from_the_training_of_a_recognizer_is_shown(world: ModelWorld) -> None:
    arn = world.client.create_entity_recognizer(**recognizer_request())["EntityRecognizerArn"]
    world.finish(world.started(), warning="3 rows were left out, the first in line 7\n")
    shown = describe(world, arn)
    assert shown["Status"] == "TRAINED_WITH_WARNING"
    assert shown["Message"] == "3 rows were left out, the first in line 7\\n"
    assert shown["RecognizerMetadata"] == RECOGNIZER_METADATA


def test_a_failed_training_is_in_error_with_the_reason(world: ModelWorld) -> None:
    arn = world.client.create_document_classifier(**classifier_request())["DocumentClassifierArn"]
    world.says(world.started(), Failed("INVALID_TRAINING_DATA", "rows.csv, line 3, column 9: no quote ends"))
    shown = describe(world, arn)
    assert shown["Status"] == "IN_ERROR"
    assert shown["Message"] == "INVALID_TRAINING_DATA: rows.csv, line 3, column 9: no quote ends"
    assert shown["EndTime"] == world.now
    assert "TrainingEndTime" not in shown
    assert "ClassifierMetadata" not in shown


def test_a_model_with_an_unsupported_language_or_a_kms_key_is_refused(world: ModelWorld) -> None:
    create = world.client.create_document_classifier
    code, message = refused(create, **classifier_request(LanguageCode="ja"))
    assert code == "UnsupportedLanguageException"
    assert "'ja'" in message
    for member in ("VolumeKmsKeyId", "ModelKmsKeyId"):
        code, message = refused(create, **classifier_request(**{member: "a-key"}))
        assert code == "KmsKeyValidationException"
        assert member in message
    code, message = refused(create, **classifier_request(OutputDataConfig={"S3Uri": "s3://results", "KmsKeyId": "k"}))
    assert code == "KmsKeyValidationException"


@pytest.mark.parametrize(
    ("mode", "config", "word"),
    [
        ("MULTI_CLASS", {"S3Uri": "s3://training/rows.csv", "LabelDelimiter": "|"}, "LabelDelimiter"),
        (None, {}, "S3Uri is required"),
        (None, {"DataFormat": "AUGMENTED_MANIFEST"}, "AugmentedManifests has 0"),
        (
            None,
            {
                "DataFormat": "AUGMENTED_MANIFEST",
                "AugmentedManifests": [{"S3Uri": "s3://training/m", "AttributeNames": list("abcdef")}],
            },
            "AttributeNames has 6",
        ),
        (
            None,
            {
                "DataFormat": "AUGMENTED_MANIFEST",
                "AugmentedManifests": [{"S3Uri": f"s3://training/m{n}", "AttributeNames": ["a"]} for n in range(6)],
            },
            "AugmentedManifests has 6",
        ),
        (
            None,
            {
                "DataFormat": "AUGMENTED_MANIFEST",
                "S3Uri": "s3://training/rows.csv",
                "AugmentedManifests": [{"S3Uri": "s3://training/m", "AttributeNames": ["a"]}],
            },
            "S3Uri cannot be used with",
        ),
        (
            None,
            {"S3Uri": "s3://training/r", "AugmentedManifests": [{"S3Uri": "s3://training/m", "AttributeNames": ["a"]}]},
            "AugmentedManifests cannot be used with",
        ),
        (None, {"S3Uri": "s3://training/r", "DocumentType": "SEMI_STRUCTURED_DOCUMENT"}, "SEMI_STRUCTURED_DOCUMENT"),
        (None, {"S3Uri": "s3://training/r", "Documents": {"S3Uri": "s3://training/d"}}, "Documents is for"),
        (None, {"S3Uri": "s3://training/" + "ä" * 600}, "key of 1200 bytes"),
    ],
)
def test_invalid_training_data_of_a_classifier_is_refused(
    world: ModelWorld, mode: str | None, config: dict[str, Any], word: str
) -> None:
    request = classifier_request(Mode=mode, InputDataConfig=config)
    code, message = refused(world.client.create_document_classifier, **request)
    assert code == "InvalidRequestException"
    assert word in message
    assert world.client.list_document_classifiers()["DocumentClassifierPropertiesList"] == []


TYPES = [{"Type": "ENGINEER"}]
DOCUMENTS = {"S3Uri": "s3://training/documents/"}
ANNOTATIONS = {"S3Uri": "s3://training/annotations.csv"}


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"EntityTypes": [], "Documents": DOCUMENTS, "Annotations": ANNOTATIONS}, "has 0 types"),
        (
            {"EntityTypes": [{"Type": f"T{n}"} for n in range(26)], "Documents": DOCUMENTS, "Annotations": ANNOTATIONS},
            "has 26 types",
        ),
        ({"EntityTypes": TYPES * 2, "Documents": DOCUMENTS, "Annotations": ANNOTATIONS}, "more than once"),
        ({"EntityTypes": TYPES, "Documents": DOCUMENTS}, "neither is given"),
        (
            {"EntityTypes": TYPES, "Documents": DOCUMENTS, "Annotations": ANNOTATIONS, "EntityList": ANNOTATIONS},
            "both are given",
        ),
        ({"EntityTypes": TYPES, "Annotations": ANNOTATIONS}, "Documents is required"),
        (
            {
                "EntityTypes": TYPES,
                "Documents": DOCUMENTS,
                "Annotations": ANNOTATIONS | {"TestS3Uri": "s3://training/t.csv"},
            },
            "Annotations.TestS3Uri is given alone",
        ),
        (
            {
                "EntityTypes": TYPES,
                "DataFormat": "AUGMENTED_MANIFEST",
                "AugmentedManifests": [
                    {
                        "S3Uri": "s3://training/m",
                        "AttributeNames": ["a"],
                        "DocumentType": "SEMI_STRUCTURED_DOCUMENT",
                    }
                ],
            },
            "PLAIN_TEXT_DOCUMENT",
        ),
    ],
)
def test_invalid_training_data_of_a_recognizer_is_refused(world: ModelWorld, config: dict[str, Any], word: str) -> None:
    code, message = refused(world.client.create_entity_recognizer, **recognizer_request(InputDataConfig=config))
    assert code == "InvalidRequestException"
    assert word in message


def test_a_name_and_version_are_unique_and_a_repeated_token_returns_the_same_model(world: ModelWorld) -> None:
    create = world.client.create_document_classifier
    first = create(**classifier_request(VersionName="v1", ClientRequestToken="t-1"))["DocumentClassifierArn"]
    assert create(**classifier_request(VersionName="v1", ClientRequestToken="t-1"))["DocumentClassifierArn"] == first
    code, message = refused(create, **classifier_request(VersionName="v1", ClientRequestToken="t-2"))
    assert code == "ResourceInUseException"
    assert first in message
    code, message = refused(create, **classifier_request(VersionName="v2", ClientRequestToken="t-1"))
    assert code == "ResourceInUseException"
    assert "t-1" in message
    second = create(**classifier_request(VersionName="v2"))["DocumentClassifierArn"]
    assert second == f"{PREFIX}:document-classifier/tickets/version/v2"
    assert refused(world.client.describe_document_classifier, DocumentClassifierArn=first.partition("/version")[0])[
        0
    ] == ("ResourceNotFoundException")


def test_stopping_a_training_returns_nothing_and_does_not_affect_ended_models(world: ModelWorld) -> None:
    waiting = world.client.create_document_classifier(**classifier_request())["DocumentClassifierArn"]
    stop = world.client.stop_training_document_classifier
    answer = stop(DocumentClassifierArn=waiting)
    assert set(answer) == {"ResponseMetadata"}
    assert describe(world, waiting)["Status"] == "STOPPED"
    assert describe(world, waiting)["EndTime"] == world.now
    trained = world.train(DocumentClassifierName="letters")
    stop(DocumentClassifierArn=trained)
    stop(DocumentClassifierArn=waiting)
    assert describe(world, trained)["Status"] == "TRAINED"
    assert describe(world, waiting)["Status"] == "STOPPED"
    assert refused(stop, DocumentClassifierArn=f"{PREFIX}:document-classifier/none")[0] == "ResourceNotFoundException"


def test_stopping_a_running_training_goes_through_stop_requested(world: ModelWorld) -> None:
    arn = world.client.create_entity_recognizer(**recognizer_request())["EntityRecognizerArn"]
    spec = world.started()
    world.client.stop_training_entity_recognizer(EntityRecognizerArn=arn)
    assert describe(world, arn)["Status"] == "STOP_REQUESTED"
    world.finish(spec, stopped=True)
    shown = describe(world, arn)
    assert shown["Status"] == "STOPPED"
    assert "Message" not in shown
    assert "RecognizerMetadata" not in shown


def test_a_deleted_model_is_gone_and_its_name_is_free(world: ModelWorld) -> None:
    arn = world.train(Tags=[{"Key": "team", "Value": "post"}])
    delete = world.client.delete_document_classifier
    delete(DocumentClassifierArn=arn)
    assert describe(world, arn)["Status"] == "DELETING"
    delete(DocumentClassifierArn=arn)
    code, _ = refused(world.client.create_document_classifier, **classifier_request())
    assert code == "ResourceInUseException"
    world.product.jobs.models.turn()
    code, message = refused(world.client.describe_document_classifier, DocumentClassifierArn=arn)
    assert (code, message) == ("ResourceNotFoundException", "RESOURCE_NOT_FOUND: Could not find specified resource.")
    assert refused(world.client.list_tags_for_resource, ResourceArn=arn)[0] == "ResourceNotFoundException"
    assert world.train() == arn


def test_a_model_in_training_cannot_be_deleted(world: ModelWorld) -> None:
    arn = world.client.create_document_classifier(**classifier_request())["DocumentClassifierArn"]
    code, message = refused(world.client.delete_document_classifier, DocumentClassifierArn=arn)
    assert code == "ResourceUnavailableException"
    assert "SUBMITTED" in message


def test_lists_have_one_filter_criterion_and_pages_without_overlap(world: ModelWorld) -> None:
    began = world.now
    for number in range(5):
        world.now = began + dt.timedelta(seconds=number)
        request = classifier_request(DocumentClassifierName=f"model-{number % 2}", VersionName=f"v{number}")
        world.client.create_document_classifier(**request)
    versions = [
        entry["VersionName"]
        for page in world.client.get_paginator("list_document_classifiers").paginate(PaginationConfig={"PageSize": 2})
        for entry in page["DocumentClassifierPropertiesList"]
    ]
    assert versions == ["v0", "v1", "v2", "v3", "v4"]

    def listed(**criteria: Any) -> list[str]:
        answer = world.client.list_document_classifiers(Filter=criteria)
        return [entry["VersionName"] for entry in answer["DocumentClassifierPropertiesList"]]

    assert listed(DocumentClassifierName="model-1") == ["v1", "v3"]
    assert listed(SubmitTimeBefore=began + dt.timedelta(seconds=2)) == ["v0", "v1"]
    assert listed(SubmitTimeAfter=began + dt.timedelta(seconds=2)) == ["v4", "v3"]
    assert listed(Status="TRAINED") == []
    assert len(listed(Status="SUBMITTED")) == 5
    code, _ = refused(
        world.client.list_document_classifiers, Filter={"Status": "TRAINED", "DocumentClassifierName": "model-1"}
    )
    assert code == "InvalidFilterException"
    token = world.client.list_document_classifiers(MaxResults=1)["NextToken"]
    code, _ = refused(world.client.list_document_classifiers, NextToken=token, Filter={"Status": "SUBMITTED"})
    assert code == "InvalidRequestException"


def test_the_order_of_listed_recognizers_depends_on_the_time_filter(world: ModelWorld) -> None:
    began = world.now
    for number in range(3):
        world.now = began + dt.timedelta(seconds=number)
        world.client.create_entity_recognizer(**recognizer_request(VersionName=f"v{number}"))
    listed = world.client.list_entity_recognizers
    before = listed(Filter={"SubmitTimeBefore": began + dt.timedelta(seconds=9)})["EntityRecognizerPropertiesList"]
    after = listed(Filter={"SubmitTimeAfter": began - dt.timedelta(seconds=9)})["EntityRecognizerPropertiesList"]
    assert [entry["VersionName"] for entry in before] == ["v2", "v1", "v0"]
    assert [entry["VersionName"] for entry in after] == ["v0", "v1", "v2"]


def test_summaries_have_one_entry_per_name_with_the_newest_version(world: ModelWorld) -> None:
    began = world.now
    for number, name in enumerate(("tickets", "letters", "tickets")):
        world.now = began + dt.timedelta(seconds=number)
        request = classifier_request(DocumentClassifierName=name, VersionName=f"v{number}")
        world.client.create_document_classifier(**request)
    first = world.client.list_document_classifier_summaries(MaxResults=1)
    assert first["DocumentClassifierSummariesList"] == [
        {
            "DocumentClassifierName": "tickets",
            "NumberOfVersions": 2,
            "LatestVersionCreatedAt": began + dt.timedelta(seconds=2),
            "LatestVersionName": "v2",
            "LatestVersionStatus": "SUBMITTED",
        }
    ]
    rest = world.client.list_document_classifier_summaries(NextToken=first["NextToken"])
    assert [entry["DocumentClassifierName"] for entry in rest["DocumentClassifierSummariesList"]] == ["letters"]
    assert world.client.list_entity_recognizer_summaries()["EntityRecognizerSummariesList"] == []


def test_models_can_be_tagged_like_any_resource(world: ModelWorld) -> None:
    trained = world.train(Tags=[{"Key": "team", "Value": "post"}])
    imported = world.client.import_model(SourceModelArn=trained, ModelName="copy", Tags=[{"Key": "of", "Value": "1"}])
    for arn, tags in ((trained, {"team": "post"}), (imported["ModelArn"], {"of": "1"})):
        world.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
        answer = world.client.list_tags_for_resource(ResourceArn=arn)
        assert {tag["Key"]: tag["Value"] for tag in answer["Tags"]} == tags | {"stage": "test"}
        world.client.untag_resource(ResourceArn=arn, TagKeys=["stage"])


def test_the_profile_aws_allows_ten_trainings_and_one_call_a_second(tmp_path: Path) -> None:
    world = ModelWorld(tmp_path, profile="aws")
    try:
        for number in range(10):
            world.now += dt.timedelta(seconds=1)
            world.client.create_document_classifier(**classifier_request(VersionName=f"v{number}"))
        once = world.client_of("once", config=Config(retries={"total_max_attempts": 1, "mode": "standard"}))
        code, _ = refused(once.create_document_classifier, **classifier_request(VersionName="x"))
        assert code == "TooManyRequestsException"
        world.now += dt.timedelta(seconds=1)
        code, message = refused(once.create_document_classifier, **classifier_request(VersionName="x"))
        assert code == "ResourceLimitExceededException"
        assert "10 trainings" in message
    finally:
        world.close()


def test_a_policy_can_require_a_vpc_and_name_the_model(world: ModelWorld) -> None:
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
                {
                    "Effect": "Allow",
                    "Action": "comprehend:Create*",
                    "Resource": f"{PREFIX}:document-classifier/tickets*",
                    "Condition": {"ForAnyValue:StringEquals": {"comprehend:VpcSubnets": "subnet-1"}},
                },
            ],
        }
    )
    narrow = world.client_of("narrow", policy)
    network = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    code, message = refused(narrow.create_document_classifier, **classifier_request())
    assert code == "AccessDeniedException"
    assert f"{PREFIX}:document-classifier/tickets" in message
    narrow.create_document_classifier(**classifier_request(VpcConfig=network))
    other = classifier_request(DocumentClassifierName="letters", VpcConfig=network)
    assert refused(narrow.create_document_classifier, **other)[0] == "AccessDeniedException"
    arn = f"{PREFIX}:document-classifier/tickets"
    assert describe(world, arn)["VpcConfig"] == network


def test_models_of_another_account_are_invisible(world: ModelWorld) -> None:
    arn = world.train()
    stranger = world.client_of("stranger", ALLOW_ALL, OTHER_ACCOUNT)
    code, _ = refused(stranger.describe_document_classifier, DocumentClassifierArn=arn)
    assert code == "ResourceNotFoundException"
    assert stranger.list_document_classifiers()["DocumentClassifierPropertiesList"] == []
    assert refused(stranger.import_model, SourceModelArn=arn)[0] == "ResourceNotFoundException"


def test_the_default_label_delimiter_is_a_bar(world: ModelWorld) -> None:
    """Terraform expects it, because it takes the value from Describe as the default."""

    def shown(name: str, **config: Any) -> Any:
        request = classifier_request(DocumentClassifierName=name, **config)
        return describe(world, world.client.create_document_classifier(**request)["DocumentClassifierArn"])

    rows = {"S3Uri": "s3://training/rows.csv"}
    several = shown("several", Mode="MULTI_LABEL", InputDataConfig=rows)
    assert several["InputDataConfig"]["LabelDelimiter"] == "|"
    given = shown("given", Mode="MULTI_LABEL", InputDataConfig={**rows, "LabelDelimiter": ";"})
    assert given["InputDataConfig"]["LabelDelimiter"] == ";"
    assert "LabelDelimiter" not in shown("one", Mode="MULTI_CLASS", InputDataConfig=rows)["InputDataConfig"]
    manifests = [{"S3Uri": "s3://training/m.jsonl", "AttributeNames": ["labels"]}]
    listed = {"DataFormat": "AUGMENTED_MANIFEST", "AugmentedManifests": manifests}
    by_manifest = shown("by-manifest", Mode="MULTI_LABEL", InputDataConfig=listed)
    assert "LabelDelimiter" not in by_manifest["InputDataConfig"]


def test_versions_of_a_name_are_independent_models(world: ModelWorld) -> None:
    """Versions may differ in language, mode and role, and one can be deleted while another is trained."""
    client = world.client
    rows = {"S3Uri": "s3://training/rows.csv"}
    plain = client.create_document_classifier(**classifier_request())["DocumentClassifierArn"]
    other = client.create_document_classifier(
        **classifier_request(VersionName="v2", LanguageCode="de", Mode="MULTI_LABEL", InputDataConfig=rows)
    )["DocumentClassifierArn"]
    assert other == f"{plain}/version/v2"
    assert (describe(world, plain)["LanguageCode"], describe(world, other)["LanguageCode"]) == ("en", "de")
    assert "VersionName" not in describe(world, plain)
    listed = client.list_document_classifiers(Filter={"DocumentClassifierName": "tickets"})
    assert [each["DocumentClassifierArn"] for each in listed["DocumentClassifierPropertiesList"]] == [plain, other]
    client.stop_training_document_classifier(DocumentClassifierArn=plain)
    world.turn()
    client.delete_document_classifier(DocumentClassifierArn=plain)
    world.turn()
    assert refused(client.describe_document_classifier, DocumentClassifierArn=plain) == (
        "ResourceNotFoundException",
        "RESOURCE_NOT_FOUND: Could not find specified resource.",
    )
    assert describe(world, other)["Status"] in ("SUBMITTED", "TRAINING")
    code, message = refused(
        client.create_document_classifier, **classifier_request(VersionName="v2", ClientRequestToken="another")
    )
    assert code == "ResourceInUseException"
    assert other in message
