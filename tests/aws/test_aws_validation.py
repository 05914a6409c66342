"""Constraints of the models with AWS's messages, and patterns with their Java meaning."""

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


def validation_error(service: str, operation: str, parameters: dict[str, Any]) -> AwsError:
    """Return the error that a call's validation raises."""
    with pytest.raises(AwsError) as caught:
        validate(call(service, operation, parameters))
    return caught.value


def job_with_vpc(groups: list[str], subnets: list[str]) -> dict[str, Any]:
    """Return the parameters of a job with a VPC configuration."""
    return {**JOB, "VpcConfig": {"SecurityGroupIds": groups, "Subnets": subnets}}


def test_a_job_as_in_the_developer_guide_is_valid() -> None:
    validate(call("comprehend", "StartEntitiesDetectionJob", JOB))
    validate(call("comprehend", "StartEntitiesDetectionJob", job_with_vpc(["sg-0123"] * 5, ["subnet-0123"] * 16)))


@pytest.mark.parametrize(
    ("groups", "subnets", "expected"),
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
def test_the_error_for_an_invalid_vpc_config_names_the_member_and_the_value(
    groups: list[str], subnets: list[str], expected: str
) -> None:
    error = validation_error("comprehend", "StartEntitiesDetectionJob", job_with_vpc(groups, subnets))
    assert (error.code, error.status) == ("ValidationException", 400)
    assert error.message.startswith("1 validation error detected: Value '[")
    assert expected in error.message


@pytest.mark.costs(0.2, reason="loads the SDK's model of Comprehend")
def test_all_violations_are_counted_and_joined() -> None:
    error = validation_error("comprehend", "StartEntitiesDetectionJob", {"LanguageCode": "xx", "JobName": ""})
    count, _, expected = error.message.partition(" validation errors detected: ")
    assert int(count) == len(expected.split("; ")) == 5
    assert "Value null at 'inputDataConfig' failed to satisfy constraint: Member must not be null" in expected
    assert (
        "Value 'xx' at 'languageCode' failed to satisfy constraint: Member must satisfy enum value set: [" in expected
    )
    assert "Value '' at 'jobName' failed to satisfy constraint: Member must have length greater than" in expected


def test_list_members_in_error_messages_are_numbered_from_one() -> None:
    tags = [{"Key": "ok", "Value": ""}, {"Key": "k" * 129}]
    error = validation_error("comprehend", "StartEntitiesDetectionJob", {**JOB, "Tags": tags})
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
def test_each_service_has_its_error_code(service: str, operation: str, parameters: dict[str, Any], code: str) -> None:
    assert validation_error(service, operation, parameters).code == code


def test_the_message_of_sts_is_the_one_recorded_at_aws() -> None:
    parameters = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/reader", "RoleSessionName": "Session1:2"}
    assert validation_error("sts", "AssumeRole", parameters).message == (
        "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
    )


@pytest.mark.parametrize("operation", ["DetectEntities", "DetectPiiEntities", "ContainsPiiEntities"])
def test_sensitive_text_is_not_repeated_in_the_message(operation: str) -> None:
    error = validation_error("comprehend", operation, {"Text": "", "LanguageCode": "en"})
    assert "'***' at 'text'" in error.message


def test_a_long_value_is_shortened_in_the_message() -> None:
    error = validation_error("iam", "GetRole", {"RoleName": "x" * 5_000_000})
    assert len(error.message) < 3000


@pytest.mark.costs(0.2, reason="reads every shape of every service")
def test_every_pattern_of_the_services_can_be_compiled() -> None:
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
def test_patterns_have_their_java_meaning(pattern: str, matched: list[str], refused: list[str]) -> None:
    expression = compiled(pattern)
    assert expression is not None
    assert [text for text in matched if not expression.fullmatch(text)] == []
    assert [text for text in refused if expression.fullmatch(text)] == []


@given(st.text(max_size=40))
def test_any_text_causes_only_a_validation_error(text: str) -> None:
    # No language: some texts are the code of one, and may name a subnet and a group as well.
    parameters = {**job_with_vpc([text], [text]), "LanguageCode": f"{text}?"}
    assert validation_error("comprehend", "StartEntitiesDetectionJob", parameters).code == "ValidationException"
