"""Policies with which an administrator forces every job and training into given subnets, groups, keys and tags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from reading_room.analysis.kinds import JOB_KINDS
from reading_room.aws.models import operation_model
from reading_room.comprehend.vpc_tag import with_network
from tests.worlds.minimal_calls import ACCOUNT, ROLE, minimal
from tests.worlds.models import ModelWorld

STARTS = sorted(kind.start for kind in JOB_KINDS)
TRAININGS = ["CreateDocumentClassifier", "CreateEntityRecognizer"]
ALL = [*STARTS, *TRAININGS]
SUBNETS, GROUPS = ["subnet-0a", "subnet-0b"], ["sg-0a"]
PASS = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": ROLE}
EVERYTHING = {"Effect": "Allow", "Action": "comprehend:*", "Resource": "*"}
ONLY_THERE = {
    "Effect": "Allow",
    "Action": [f"comprehend:{name}" for name in ALL],
    "Resource": "*",
    "Condition": {
        "ForAllValues:StringEquals": {
            "comprehend:VpcSubnets": SUBNETS,
            "comprehend:VpcSecurityGroupIds": GROUPS,
        },
        "Null": {"comprehend:VpcSubnets": "false", "comprehend:VpcSecurityGroupIds": "false"},
    },
}
"""An allow for the given subnets. ForAllValues also matches an absent key, so Null has to require the key."""


def denial(operations: list[str], **condition: Any) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Action": [f"comprehend:{name}" for name in operations],
        "Resource": "*",
        "Condition": condition,
    }


NOT_ELSEWHERE = [
    EVERYTHING,
    denial(ALL, **{"ForAnyValue:StringNotEquals": {"comprehend:VpcSubnets": SUBNETS}}),
    denial(ALL, **{"ForAnyValue:StringNotEquals": {"comprehend:VpcSecurityGroupIds": GROUPS}}),
    denial(ALL, Null={"comprehend:VpcSubnets": "true"}),
]
"""The same with denies, for users with broad permissions: one for other subnets, one for no subnet."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelWorld]:
    """The whole product. Its controller does not run, so every job stays SUBMITTED."""
    world = ModelWorld(tmp_path_factory.mktemp("forced"))
    yield world
    world.close()


class Tries:
    """A user with a policy who tries one operation with different parameters."""

    number = 0

    def __init__(self, world: ModelWorld, operation: str, *statements: dict[str, Any]) -> None:
        Tries.number += 1
        document = json.dumps({"Version": "2012-10-17", "Statement": [PASS, *statements]})
        self._client = world.client_of(f"user-{Tries.number}", document)
        self._operation = operation

    def __call__(self, subnets: list[str] | None = None, groups: list[str] | None = None, **more: Any) -> str:
        """Return the error code, or an empty string."""
        parameters = minimal("comprehend", self._operation) | more
        if subnets is not None:
            config = {"Subnets": subnets, "SecurityGroupIds": groups or GROUPS}
            parameters = with_network(self._operation, parameters, config)
        for name in ("DocumentClassifierName", "RecognizerName"):
            if name in parameters:
                Tries.number += 1
                parameters[name] = f"model-{Tries.number}"
        try:
            getattr(self._client, xform_name(self._operation))(**parameters)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""


def allowed(code: str) -> bool:
    """Return whether policies allow the call: a job that names a missing model fails because of the model."""
    return code in ("", "ResourceNotFoundException")


@pytest.mark.parametrize("operation", ALL)
@pytest.mark.parametrize("statements", [[ONLY_THERE], NOT_ELSEWHERE], ids=["by-allow", "by-deny"])
def test_a_job_runs_in_the_given_subnets_or_not_at_all(
    world: ModelWorld, operation: str, statements: list[dict[str, Any]]
) -> None:
    tries = Tries(world, operation, *statements)
    assert allowed(tries(["subnet-0a"]))
    assert allowed(tries(["subnet-0b", "subnet-0a"]))
    assert tries(["subnet-0c"]) == "AccessDeniedException"
    assert tries(["subnet-0a", "subnet-0c"]) == "AccessDeniedException"
    assert tries(["subnet-0a"], ["sg-0b"]) == "AccessDeniedException"
    assert tries(["subnet-0a"], ["sg-0a", "sg-0b"]) == "AccessDeniedException"
    assert tries() == "AccessDeniedException"


@pytest.mark.parametrize("operation", ALL)
def test_for_all_values_alone_allows_a_job_without_a_vpc(world: ModelWorld, operation: str) -> None:
    without_null = ONLY_THERE | {"Condition": {"ForAllValues:StringEquals": {"comprehend:VpcSubnets": SUBNETS}}}
    tries = Tries(world, operation, without_null)
    assert allowed(tries())
    assert tries(["subnet-0c"]) == "AccessDeniedException"


KEYS = [
    (operation, key, member)
    for operation in [*ALL, "ImportModel"]
    for key, member in (
        ("comprehend:VolumeKmsKey", "VolumeKmsKeyId"),
        ("comprehend:ModelKmsKey", "ModelKmsKeyId"),
        ("comprehend:OutputKmsKey", "OutputDataConfig"),
    )
    if member in operation_model("comprehend", operation).input_shape.members  # type: ignore[union-attr]
    and not (operation == "CreateEntityRecognizer" and member == "OutputDataConfig")
]
KEY_ARN = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def with_key(member: str, key: str) -> dict[str, Any]:
    if member == "OutputDataConfig":
        return {"OutputDataConfig": {"S3Uri": "s3://papers/out/", "KmsKeyId": key}}
    return {member: key}


@pytest.mark.parametrize(("operation", "key", "member"), KEYS)
def test_a_policy_can_require_a_kms_key_which_is_then_refused_as_unsupported(
    world: ModelWorld, operation: str, key: str, member: str
) -> None:
    condition = {"ArnEquals": {key: KEY_ARN}}
    demanding = {"Effect": "Allow", "Action": f"comprehend:{operation}", "Resource": "*", "Condition": condition}
    tries = Tries(world, operation, demanding)
    assert tries() == "AccessDeniedException"
    assert tries(**with_key(member, KEY_ARN[:-1] + "c")) == "AccessDeniedException"
    # Nothing here encrypts with a key, so a request that the policy allows is refused instead of running without one.
    assert tries(**with_key(member, KEY_ARN)) == "KmsKeyValidationException"


@pytest.mark.parametrize("operation", [*ALL, "ImportModel"])
def test_a_policy_can_require_tags_in_the_request(world: ModelWorld, operation: str) -> None:
    demanding = EVERYTHING | {"Condition": {"StringEquals": {"aws:RequestTag/team": "red"}}}
    tries = Tries(world, operation, demanding)
    assert allowed(tries(Tags=[{"Key": "team", "Value": "red"}]))
    assert tries(Tags=[{"Key": "team", "Value": "blue"}]) == "AccessDeniedException"
    assert tries() == "AccessDeniedException"
    closed = Tries(
        world, operation, EVERYTHING, denial([operation], **{"ForAnyValue:StringEquals": {"aws:TagKeys": "x"}})
    )
    assert closed(Tags=[{"Key": "y", "Value": ""}, {"Key": "x", "Value": ""}]) == "AccessDeniedException"
    assert allowed(closed(Tags=[{"Key": "y", "Value": ""}]))


@pytest.mark.costs(0.35, reason="it creates three users and two jobs, and tries every call on a job")
def test_a_policy_can_allow_describing_stopping_and_tagging_a_job_by_its_tags(world: ModelWorld) -> None:
    everything = world.client_of("owner")
    started = {}
    for team in ("red", "blue"):
        parameters = minimal("comprehend", "StartEntitiesDetectionJob") | {"Tags": [{"Key": "team", "Value": team}]}
        started[team] = everything.start_entities_detection_job(**parameters)
    red = EVERYTHING | {"Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}
    client = world.client_of("red", json.dumps({"Version": "2012-10-17", "Statement": [red]}))
    mine, other = started["red"], started["blue"]
    client.describe_entities_detection_job(JobId=mine["JobId"])
    client.list_tags_for_resource(ResourceArn=mine["JobArn"])
    client.tag_resource(ResourceArn=mine["JobArn"], Tags=[{"Key": "seen", "Value": "yes"}])
    for call, parameters in (
        (client.describe_entities_detection_job, {"JobId": other["JobId"]}),
        (client.stop_entities_detection_job, {"JobId": other["JobId"]}),
        (client.list_tags_for_resource, {"ResourceArn": other["JobArn"]}),
        (client.tag_resource, {"ResourceArn": other["JobArn"], "Tags": [{"Key": "team", "Value": "red"}]}),
        (client.untag_resource, {"ResourceArn": other["JobArn"], "TagKeys": ["team"]}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(**parameters)
    everything.tag_resource(ResourceArn=other["JobArn"], Tags=[{"Key": "team", "Value": "red"}])
    client.stop_entities_detection_job(JobId=other["JobId"])


def test_a_policy_can_allow_using_and_deleting_a_model_by_its_tags(world: ModelWorld) -> None:
    owner = world.client_of("modeller")
    parameters = minimal("comprehend", "CreateDocumentClassifier") | {"Tags": [{"Key": "use", "Value": "no"}]}
    arn = owner.create_document_classifier(**(parameters | {"DocumentClassifierName": "kept"}))["DocumentClassifierArn"]
    keep = {
        "Effect": "Deny",
        "Action": "comprehend:*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/use": "no"}},
    }
    statements = [EVERYTHING, PASS, keep]
    client = world.client_of("user-of-models", json.dumps({"Version": "2012-10-17", "Statement": statements}))
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_document_classifier(DocumentClassifierArn=arn)
    start = minimal("comprehend", "StartDocumentClassificationJob") | {"DocumentClassifierArn": arn}
    with pytest.raises(ClientError, match="AccessDenied"):
        client.start_document_classification_job(**start)
    with pytest.raises(ClientError, match="ResourceUnavailable"):
        owner.start_document_classification_job(**start)


def test_the_resource_account_of_another_accounts_model_is_its_owner(world: ModelWorld) -> None:
    foreign = "arn:aws:comprehend:us-east-1:444455556666:document-classifier/theirs"
    perimeter = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}},
    }
    statements = [EVERYTHING, PASS, perimeter]
    client = world.client_of("perimeter", json.dumps({"Version": "2012-10-17", "Statement": statements}))
    with pytest.raises(ClientError, match="explicit deny in an identity-based policy"):
        client.import_model(SourceModelArn=foreign)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        world.client.import_model(SourceModelArn=foreign)
