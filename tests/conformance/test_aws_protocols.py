"""Our protocols against botocore's: we parse what it sends, and it parses what we answer."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote, unquote

import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reading_room.aws.call import Reply
from reading_room.aws.errors import AwsError
from reading_room.aws.identify import identify
from reading_room.aws.models import SERVED, operation_model, service_model
from reading_room.aws.protocols import ec2, json, query, rest_xml
from tests.conformance.shapes import pruned, values
from tests.worlds.aws import arrived


def names(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split()


MODULES: dict[str, Any] = {"json": json, "query": query, "ec2": ec2}
EC2 = names(
    """
CreateVpc DescribeVpcs DeleteVpc CreateSubnet DescribeSubnets DeleteSubnet CreateSecurityGroup DescribeSecurityGroups
DeleteSecurityGroup AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress
RevokeSecurityGroupEgress DescribeSecurityGroupRules CreateRouteTable DescribeRouteTables DeleteRouteTable
AssociateRouteTable DisassociateRouteTable CreateRoute ReplaceRoute DeleteRoute CreateVpcEndpoint DescribeVpcEndpoints
DeleteVpcEndpoints ModifyVpcEndpoint DescribePrefixLists DescribeManagedPrefixLists DescribeVpcEndpointServices
CreateNetworkInterface DescribeNetworkInterfaces DeleteNetworkInterface ModifyNetworkInterfaceAttribute
CreateNetworkInterfacePermission DescribeNetworkInterfacePermissions DeleteNetworkInterfacePermission CreateFlowLogs
DescribeFlowLogs DeleteFlowLogs DescribeVpcAttribute ModifyVpcAttribute ModifySubnetAttribute
DescribeAvailabilityZones DescribeDhcpOptions CreateDefaultVpc CreateTags DeleteTags DescribeTags
"""
)
OTHERS = {
    "iam": "CreateRole GetRole ListRoles PutRolePolicy GetRolePolicy DeleteRole DeleteRolePolicy CreateUser "
    "CreateAccessKey PutUserPolicy",
    "sts": "AssumeRole GetCallerIdentity",
    "comprehend": "StartEntitiesDetectionJob StartDominantLanguageDetectionJob DescribeEntitiesDetectionJob "
    "DescribeDominantLanguageDetectionJob ListEntitiesDetectionJobs ListDominantLanguageDetectionJobs "
    "StopEntitiesDetectionJob DetectEntities DetectDominantLanguage",
    "logs": "DescribeLogGroups DescribeLogStreams GetLogEvents FilterLogEvents CreateLogGroup PutLogEvents",
    "reading-room": "CreateSignInToken RedeemSignInToken EndSession CheckJob ExplainRequest DescribeJobRuns PurgeJob "
    "GetUsage GetDiskUse ListStateEvents ListStateEventDeliveries RetryStateEventDeliveries",
}
S3 = names(
    "ListBuckets CreateBucket HeadBucket DeleteBucket GetBucketLocation PutBucketPolicy ListObjects ListObjectsV2 "
    "HeadObject DeleteObject DeleteObjects CopyObject CreateMultipartUpload UploadPartCopy CompleteMultipartUpload "
    "AbortMultipartUpload ListParts ListMultipartUploads PutObjectTagging GetObjectTagging GetBucketAcl PutBucketAcl "
    "GetObjectAttributes PutBucketVersioning GetBucketVersioning"
)
FORMS = [("ec2", name) for name in EC2] + [
    (service, name) for service in ("iam", "sts") for name in OTHERS[service].split()
]
ALL = FORMS + [
    (service, name) for service in ("comprehend", "logs", "reading-room") for name in OTHERS[service].split()
]
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def found(service: str, name: str) -> OperationModel:
    """Return an operation, which must exist."""
    operation = operation_model(service, name)
    assert operation is not None
    return operation


def read_back(protocol: str, response: dict[str, Any], shape: Any) -> dict[str, Any]:
    """Return what botocore reads from a response; ``shape`` is ``None`` if there is no output."""
    parsed: dict[str, Any] = create_parser(protocol).parse(response, shape)
    return parsed


@pytest.mark.parametrize("package", ["com.amazonaws.cloudtrail.v20131101.", ""])
def test_a_json_target_is_read_with_and_without_its_package(package: str) -> None:
    # botocore writes the package; the AWS SDK for JavaScript does not.
    headers = {"X-Amz-Target": f"{package}CloudTrail_20131101.LookupEvents"}
    request = arrived({"body": b"{}", "headers": headers})
    assert identify("POST", "", request.headers) is SERVED["cloudtrail"]
    assert json.operation_name(request, SERVED["cloudtrail"]) == "LookupEvents"


@pytest.mark.parametrize(("service", "name"), ALL)
@FEW
@given(data=st.data())
def test_our_parser_reads_what_botocore_sends(service: str, name: str, data: st.DataObject) -> None:
    operation = found(service, name)
    protocol = SERVED[service].protocol
    given_parameters: dict[str, Any] = {}
    if operation.input_shape is not None:
        given_parameters = data.draw(values(operation.input_shape, empty_lists=protocol == "json"))
    if protocol != "json":
        given_parameters = pruned(given_parameters)
    serializer = create_serializer(protocol, include_validation=False)
    request = arrived(serializer.serialize_to_request(given_parameters, operation))
    module = MODULES[protocol]
    assert module.operation_name(request, SERVED[service]) == name
    assert module.parse(operation, request) == given_parameters


@pytest.mark.parametrize(("service", "name"), ALL)
@FEW
@given(data=st.data())
def test_botocore_reads_what_we_answer(service: str, name: str, data: st.DataObject) -> None:
    operation = found(service, name)
    protocol = SERVED[service].protocol
    result = {} if operation.output_shape is None else data.draw(values(operation.output_shape))
    reply: Reply = MODULES[protocol].serialize(operation, result, "the-id")
    response = {
        "headers": dict(reply.headers),
        "status_code": reply.status,
        "body": reply.body,
    }
    parsed = read_back(protocol, response, operation.output_shape)
    metadata = parsed.pop("ResponseMetadata")
    if protocol != "json":
        assert metadata["RequestId"] == "the-id"
    assert same(parsed) == same(result)


@pytest.mark.parametrize("name", S3)
@FEW
@given(data=st.data())
def test_our_parser_reads_botocores_requests_to_s3(name: str, data: st.DataObject) -> None:
    operation = found("s3", name)
    assert operation.input_shape is not None
    drawn = data.draw(values(operation.input_shape, empty_lists=False))
    given_parameters = without_streams(operation.input_shape, ascii_headers(operation.input_shape, pruned(drawn)))
    given_parameters |= {member: "b" for member in ("Bucket", "Key") if member in operation.input_shape.members}
    if name == "PutBucketPolicy":
        given_parameters.setdefault("Policy", "{}")
    serialized = create_serializer("rest-xml", include_validation=False).serialize_to_request(
        given_parameters, operation
    )
    pairs = [
        (key, str(item))
        for key, value in serialized["query_string"].items()
        for item in (value if isinstance(value, list) else [value])
    ]
    headers = [(key.lower(), value) for key, value in serialized["headers"].items()]
    labels: dict[str, str] = {member: "b" for member in ("Bucket", "Key") if member in operation.input_shape.members}
    body = serialized["body"]
    parts = rest_xml.RequestParts(labels, pairs, headers, body.encode() if isinstance(body, str) else body)
    assert same(rest_xml.parse(operation, parts)) == same(given_parameters)


@pytest.mark.parametrize("name", [name for name in S3 if name != "GetBucketLocation"])
@FEW
@given(data=st.data())
def test_botocore_reads_our_answers_of_s3(name: str, data: st.DataObject) -> None:
    operation = found("s3", name)
    shape = operation.output_shape
    drawn = {} if shape is None else data.draw(values(shape, empty_lists=False))
    result = {} if shape is None else ascii_headers(shape, pruned(drawn))
    headers, body = rest_xml.serialize(operation, result)
    response = {"headers": HeadersDict(dict(headers)), "status_code": 200, "body": body}
    parsed = read_back("rest-xml", response, shape)
    parsed.pop("ResponseMetadata")
    assert same(pruned(parsed)) == same(result)


@pytest.mark.parametrize("service", SERVED)
@given(message=st.text(max_size=40), code=st.sampled_from(["AccessDenied", "SomethingElse"]))
@settings(max_examples=30, deadline=None)
def test_botocore_reads_an_error_with_its_code_message_and_request_id(service: str, message: str, code: str) -> None:
    class Failure(AwsError):
        """An error for this test."""

    Failure.code = code
    Failure.status = 409
    clean = "".join(c for c in message if c.isprintable())
    error = Failure(clean, {"Detail": "more"})
    if service == "s3":
        headers, body = rest_xml.serialize_error(error, "the-id")
        reply = Reply(error.status, tuple(headers), body)
    else:
        reply = MODULES[SERVED[service].protocol].serialize_error(service_model(service), error, "the-id")
    response = {"headers": dict(reply.headers), "status_code": reply.status, "body": reply.body}
    parsed = read_back(SERVED[service].protocol, response, None)
    assert parsed["Error"]["Code"] == code
    assert (parsed["Error"]["Message"] or "").strip() == clean.strip()


def test_the_location_of_a_bucket_is_the_root_element() -> None:
    operation = found("s3", "GetBucketLocation")
    _, body = rest_xml.serialize(operation, {"LocationConstraint": "eu-west-1"})
    assert body.endswith(b">eu-west-1</LocationConstraint>")
    _, body = rest_xml.serialize(operation, {})
    assert body.endswith(b'/"></LocationConstraint>')


def same(value: Any) -> Any:
    """Return a value that compares by meaning: times in UTC, and map keys of headers in one case."""
    if isinstance(value, dict):
        return {name: same(item) for name, item in value.items()}
    if isinstance(value, list):
        return [same(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC)
    return value


def without_streams(shape: Any, value: dict[str, Any]) -> dict[str, Any]:
    """Remove the members that are streams."""
    return {k: v for k, v in value.items() if not shape.members[k].serialization.get("streaming")}


def ascii_headers(shape: Any, value: dict[str, Any]) -> dict[str, Any]:
    """Make the text in headers ASCII."""
    changed = dict(value)
    for name, item in value.items():
        location = shape.members[name].serialization.get("location")
        if location == "headers":
            changed[name] = {quote(k).lower().replace("%", "-"): quote(v) for k, v in item.items()}
        elif location in ("header", "querystring") and isinstance(item, str):
            changed[name] = quote(unquote(item))
        elif location == "header" and isinstance(item, list):
            changed[name] = [quote(part, safe="") for part in item]
    return changed
