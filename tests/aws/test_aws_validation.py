"""Constraints of the models, in AWS's sentences; patterns mean what they mean to Java."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.call import Call, NetworkPath
from reading_room.aws.errors import AwsError
from reading_room.aws.models import SERVED, service_model
from reading_room.aws.patterns import compiled
from reading_room.aws.validation import validate
from tests.worlds.aws import ACCOUNT, PRINCIPAL

JOB = {
    "InputDataConfig": {"S3Uri": "s3://documents/in/"},
    "OutputDataConfig": {"S3Uri": "s3://documents/out/"},
    "DataAccessRoleArn": f"arn:aws:iam::{ACCOUNT}:role/reader",
    "LanguageCode": "en",
}


def call(service: str, operation: str, parameters: dict[str, Any]) -> Call:
    """Return a call with parameters."""
    return Call(service, operation, parameters, PRINCIPAL, ACCOUNT, "us-east-1", NetworkPath(), "r")


def refusal(service: str, operation: str, parameters: dict[str, Any]) -> AwsError:
    """Return the error that a call's validation raises."""
    with pytest.raises(AwsError) as caught:
        validate(call(service, operation, parameters))
    return caught.value


def vpc(groups: list[str], subnets: list[str]) -> dict[str, Any]:
    """Return a job's parameters with a network."""
    return {**JOB, "VpcConfig": {"SecurityGroupIds": groups, "Subnets": subnets}}


def test_a_job_as_the_guide_has_it_is_valid() -> None:
    validate(call("comprehend", "StartEntitiesDetectionJob", JOB))
    validate(call("comprehend", "StartEntitiesDetectionJob", vpc(["sg-0123"] * 5, ["subnet-0123"] * 16)))


@pytest.mark.parametrize(
    ("groups", "subnets", "told"),
    [
        ([], ["subnet-1"], "'[]' at 'vpcConfig.securityGroupIds' failed to satisfy constraint: "
         "Member must have length greater than or equal to 1"),
        (["sg-1"] * 6, ["subnet-1"], "at 'vpcConfig.securityGroupIds' failed to satisfy constraint: "
         "Member must have length less than or equal to 5"),
        (["sg-1"], ["subnet-1"] * 17, "at 'vpcConfig.subnets' failed to satisfy constraint: "
         "Member must have length less than or equal to 16"),
        ([" sg-0123456789abcdef0"], ["subnet-1"], "Value '[ sg-0123456789abcdef0]' at 'vpcConfig.securityGroupIds'"),
        (["s" * 33], ["subnet-1"], "Member must have length less than or equal to 32"),
        (["sg_1"], ["subnet-1"], "Member must satisfy regular expression pattern: [-0-9a-zA-Z]+"),
    ],
    ids=["no group", "six groups", "17 subnets", "a leading blank", "33 characters", "an underscore"],
)  # fmt: skip
def test_a_wrong_vpc_config_is_told_with_member_and_value(groups: list[str], subnets: list[str], told: str) -> None:
    error = refusal("comprehend", "StartEntitiesDetectionJob", vpc(groups, subnets))
    assert (error.code, error.status) == ("ValidationException", 400)
    assert error.message.startswith("1 validation error detected: Value '[")
    assert told in error.message


@pytest.mark.costs(0.2, reason="the SDK's model of Comprehend is loaded")
def test_all_violations_are_counted_and_joined() -> None:
    error = refusal("comprehend", "StartEntitiesDetectionJob", {"LanguageCode": "xx", "JobName": ""})
    count, _, told = error.message.partition(" validation errors detected: ")
    assert int(count) == len(told.split("; ")) == 5
    assert "Value null at 'inputDataConfig' failed to satisfy constraint: Member must not be null" in told
    assert "Value 'xx' at 'languageCode' failed to satisfy constraint: Member must satisfy enum value set: [" in told
    assert "Value '' at 'jobName' failed to satisfy constraint: Member must have length greater than" in told


def test_members_of_structures_in_lists_are_numbered_from_one() -> None:
    tags = [{"Key": "ok", "Value": ""}, {"Key": "k" * 129}]
    error = refusal("comprehend", "StartEntitiesDetectionJob", {**JOB, "Tags": tags})
    assert "at 'tags.2.member.key' failed to satisfy constraint: Member must have length less than" in error.message


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"),
    [
        ("logs", "CreateLogGroup", {"logGroupName": "a b"}, "InvalidParameterException"),
        ("iam", "GetRole", {"RoleName": "a b"}, "ValidationError"),
        ("sts", "AssumeRole", {"RoleArn": "x", "RoleSessionName": "Session1:2"}, "ValidationError"),
        ("ec2", "CreateSubnet", {}, "MissingParameter"),
        ("ec2", "DescribeVpcs", {"MaxResults": 1001}, "InvalidParameterValue"),
        ("ec2", "CreateVpc", {"InstanceTenancy": "shared"}, "InvalidParameterValue"),
        ("comprehend", "NoSuchOperation", {}, "UnknownOperationException"),
        ("ec2", "NoSuchOperation", {}, "InvalidAction"),
    ],
)
def test_each_service_has_its_own_code(service: str, operation: str, parameters: dict[str, Any], code: str) -> None:
    assert refusal(service, operation, parameters).code == code


def test_the_recorded_sentence_of_sts_is_ours() -> None:
    parameters = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/reader", "RoleSessionName": "Session1:2"}
    assert refusal("sts", "AssumeRole", parameters).message == (
        "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
    )


def test_a_text_that_is_sensitive_is_not_repeated() -> None:
    error = refusal("comprehend", "DetectEntities", {"Text": "", "LanguageCode": "en"})
    assert "'***' at 'text'" in error.message


def test_a_long_value_is_shortened() -> None:
    error = refusal("iam", "GetRole", {"RoleName": "x" * 5_000_000})
    assert len(error.message) < 3000


@pytest.mark.costs(0.2, reason="every shape of every service is read")
def test_every_pattern_of_the_services_is_one_that_python_has() -> None:
    for service in SERVED:
        model = service_model(service)
        for name in model.shape_names:
            pattern = model.shape_for(name).metadata.get("pattern")
            assert pattern is None or compiled(pattern) is not None, (service, name, pattern)


@pytest.mark.parametrize(
    ("pattern", "matched", "refused"),
    [
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-%@]*)$", ["Zürich 42", "日本", ""], ["a\tb", "a!", "a\n"]),
        (r"^\P{C}*$", ["a b", "é"], ["a\x00", "\u200b", "\n"]),
        (r"^\p{ASCII}+$", ["abc\x7f"], ["é", ""]),
        (r"[\w-_]*", ["a-b_c"], ["é", "a b"]),
        (r"\d+", ["12"], ["١٢"]),
        (r"[\u0009\u000A\u000D\u0020-\u00FF]+", ["{ }\n", "ÿ"], ["Ā", "\x00"]),
        (r"[\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", ["\U0001f600", "\ufffd"], ["a", "\ud800"]),
    ],
)
def test_a_pattern_means_what_it_means_to_java(pattern: str, matched: list[str], refused: list[str]) -> None:
    expression = compiled(pattern)
    assert expression is not None
    assert [text for text in matched if not expression.fullmatch(text)] == []
    assert [text for text in refused if expression.fullmatch(text)] == []


@given(st.text(max_size=40))
def test_whatever_the_text_a_validation_ends_with_an_answer(text: str) -> None:
    parameters = {**vpc([text], [text]), "LanguageCode": text}
    assert refusal("comprehend", "StartEntitiesDetectionJob", parameters).code == "ValidationException"
