"""The application as boto3 sees it, and its answers to invalid requests."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from reading_room.aws.call import NetworkPath
from reading_room.aws.operations import OperationNameError, OperationTable, operation
from reading_room.aws.receive import BODY_LIMIT, PATH_KEY
from tests.worlds.aws import ENDED, KEY, SESSION, World, world

URL = "http://127.0.0.1:4566/"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def server() -> Iterator[World]:
    """Yield a world with the application."""
    with world() as made:
        yield made


def code_of(call: Callable[[], Any]) -> tuple[str, int]:
    """Return the code and status of the error that a call raises."""
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    assert response["ResponseMetadata"]["RequestId"]
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def post(server: World, service: str, body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send a signed request that the SDK did not make; return the status, headers and body of the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest("POST", URL, data=body, headers=named)
    SigV4Auth(Credentials(KEY.access_key_id, KEY.secret_access_key), service, "us-east-1").add_auth(request)
    response = server.process.send(request.prepare())
    return response.status_code, dict(response.headers), response.content


def comprehend(server: World, body: bytes, operation: str = "DetectEntities") -> tuple[int, str, str]:
    """Send a body to Comprehend; return the status, code and message of the answer."""
    target = {"X-Amz-Target": f"Comprehend_20171127.{operation}"}
    status, headers, content = post(server, "comprehend", body, **target)
    answer = json.loads(content)
    assert headers["x-amzn-requestid"]
    return status, answer.get("__type", ""), answer.get("Message", "")


def form(server: World, service: str, body: bytes) -> tuple[int, str, str]:
    """Send a form to a query service; return the status, code and message of the answer."""
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    status, _, content = post(server, service, body, **kind)
    root = ElementTree.fromstring(content)
    found = {node.tag.rpartition("}")[2]: node.text or "" for node in root.iter()}
    return status, found.get("Code", ""), found.get("Message", "")


def test_the_caller_is_the_principal_of_the_signing_key(server: World) -> None:
    identity = server.client("sts").get_caller_identity()
    assert identity["Arn"] == KEY.principal.arn
    assert server.client("sts", SESSION).get_caller_identity()["UserId"] == "AROAEXAMPLE:one"


def test_a_call_contains_what_the_request_proves_and_not_what_it_claims(server: World) -> None:
    path = NetworkPath(vpc_id="vpc-1", vpc_endpoint_id="vpce-1", vpc_source_ip="10.0.0.7")
    server.client("ec2", scope={PATH_KEY: path}).describe_vpcs(VpcIds=["vpc-a", "vpc-b"])
    call = server.operations.calls[-1]
    assert (call.service, call.operation, call.account) == ("ec2", "DescribeVpcs", KEY.principal.account)
    assert call.parameters == {"VpcIds": ["vpc-a", "vpc-b"]}
    assert call.path == path
    assert call.access_key_id == KEY.access_key_id
    assert "Boto3" in call.user_agent
    server.client("ec2", endpoint_url="https://example.test").describe_vpcs()
    assert server.operations.calls[-1].path == NetworkPath(source_ip="127.0.0.1", secure=True)


def test_structures_are_transferred_in_both_directions(server: World) -> None:
    vpc = server.client("ec2").describe_vpcs()["Vpcs"][0]
    assert vpc["Tags"] == [{"Key": "a&b", "Value": "<c>"}]
    assert vpc["IsDefault"] is False
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = server.client("iam").create_role(
        RoleName="reader", AssumeRolePolicyDocument=policy, Tags=[{"Key": "k", "Value": "ü +=@"}]
    )["Role"]
    assert role["CreateDate"] == dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert role["Tags"] == [{"Key": "k", "Value": "ü +=@"}]
    entity = server.client("comprehend").detect_entities(Text="Zürich 🏔", LanguageCode="de")["Entities"][0]
    assert (entity["Text"], entity["Score"]) == ("Zürich 🏔", 0.9956870675086975)


def test_the_client_raises_the_modelled_exception_of_an_error(server: World) -> None:
    comprehend_client = server.client("comprehend")
    with pytest.raises(comprehend_client.exceptions.JobNotFoundException) as caught:
        comprehend_client.describe_entities_detection_job(JobId="1" * 32)
    # Comprehend's model capitalizes the member Message.
    assert caught.value.response["Message"].startswith("JOB_NOT_FOUND")
    iam = server.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException, match="role with name x"):
        iam.get_role(RoleName="x")
    assert code_of(lambda: server.client("ec2").delete_subnet(SubnetId="s")) == ("UnauthorizedOperation", 403)


@pytest.mark.costs(0.05, reason="loads the SDK's models of other services")
@pytest.mark.parametrize(
    ("service", "call", "expected"),
    [
        ("comprehend", lambda c: c.list_endpoints(), ("UnknownOperationException", 400)),
        ("logs", lambda c: c.describe_queries(), ("UnknownOperationException", 400)),
        ("ec2", lambda c: c.run_instances(MinCount=1, MaxCount=1), ("InvalidAction", 400)),
        ("iam", lambda c: c.list_groups(), ("InvalidAction", 400)),
        ("kms", lambda c: c.list_keys(), ("UnknownOperationException", 400)),
        ("rds", lambda c: c.describe_db_instances(), ("InvalidAction", 400)),
    ],
)
def test_an_unsupported_operation_is_refused_with_the_error_of_its_service(
    server: World,
    service: str,
    call: Callable[[Any], Any],
    expected: tuple[str, int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    assert code_of(lambda: call(server.client(service))) == expected
    assert server.operations.calls == []
    assert expected[0] in caplog.text


def test_a_bug_is_answered_without_details_and_logged_with_the_request_id(
    server: World, caplog: pytest.LogCaptureFixture
) -> None:
    status, code, message = comprehend(server, b'{"Text":"crash","LanguageCode":"en"}')
    assert (status, code) == (500, "InternalServerException")
    assert "secret" not in message
    assert message.rpartition(" ")[2] in caplog.text


def test_the_error_for_an_expired_session_says_so(server: World) -> None:
    assert code_of(lambda: server.client("sts", ENDED).get_caller_identity()) == ("ExpiredToken", 403)
    job = {"JobId": "0" * 32}
    ended = server.client("comprehend", ENDED)
    assert code_of(lambda: ended.describe_entities_detection_job(**job)) == ("ExpiredTokenException", 400)


def test_a_dry_run_is_authorized_and_changes_nothing(server: World) -> None:
    ec2 = server.client("ec2")
    assert code_of(lambda: ec2.delete_vpc(VpcId="vpc-1", DryRun=True)) == ("DryRunOperation", 412)
    assert code_of(lambda: ec2.delete_subnet(SubnetId="s", DryRun=True))[0] == "UnauthorizedOperation"
    assert server.operations.calls == []
    ec2.delete_vpc(VpcId="vpc-1", DryRun=False)
    assert len(server.operations.calls) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b'{"Text": NaN}',
        b"[" * 100_000,
        b'{"Text":' * 50_000,
        b'{"Text": 5, "LanguageCode": "en"}',
        b'{"Text": ["a"], "LanguageCode": "en"}',
        b'{"Text": "\\ud800", "LanguageCode": "en"}',
        b'{"Text": ' + b"9" * 5000 + b"}",
        b'{"Bytes": "not base64!", "LanguageCode": "en"}',
    ],
    ids=range(13),
)
def test_a_body_that_does_not_fit_the_operation_is_a_serialization_error(server: World, body: bytes) -> None:
    status, code, message = comprehend(server, body)
    assert (status, code) == (400, "SerializationException")
    assert message
    assert server.operations.calls == []


def test_nulls_are_absent_and_unknown_members_are_ignored(server: World) -> None:
    body = b'{"Text":"x","LanguageCode":"en","EndpointArn":null,"Extra":{"a":1}}'
    assert comprehend(server, body)[0] == 200
    assert server.operations.calls[-1].parameters == {"Text": "x", "LanguageCode": "en"}


def test_an_empty_body_is_an_empty_object(server: World) -> None:
    status, code, message = comprehend(server, b"", "DescribeEntitiesDetectionJob")
    assert (status, code) == (400, "ValidationException")
    assert "Value null at 'jobId' failed to satisfy constraint: Member must not be null" in message


@pytest.mark.parametrize(
    ("service", "body", "code"),
    [
        ("ec2", b"", "MissingAction"),
        ("ec2", b"Action=DescribeVpcs&Version=1999-01-01", "InvalidAction"),
        ("ec2", b"Action=Describe%FFVpcs", "MalformedQueryString"),
        ("ec2", b"Action=DescribeVpcs&Action=DeleteVpc", "MalformedQueryString"),
        ("ec2", b"Action=DescribeVpcs&VpcIdd.1=x", "UnknownParameter"),
        ("ec2", b"Action=DescribeVpcs&VpcId.x=x", "MalformedQueryString"),
        ("ec2", b"Action=DescribeVpcs&VpcId.1=x&VpcId.1.y=x", "MalformedQueryString"),
        ("ec2", b"Action=DescribeVpcs&VpcId.1.Name=x", "UnknownParameter"),
        ("ec2", b"Action=DescribeVpcs&MaxResults=many", "InvalidParameterValue"),
        ("ec2", b"Action=DescribeVpcs&MaxResults=3", "InvalidParameterValue"),
        ("ec2", b"Action=DescribeVpcs&DryRun=perhaps", "InvalidParameterValue"),
        ("ec2", b"Action=DescribeVpcs&" + b".".join([b"a"] * 100) + b"=1", "MalformedQueryString"),
        (
            "ec2",
            b"&".join([b"Action=DescribeVpcs", *[b"VpcId.%d=a" % i for i in range(30_000)]]),
            "MalformedQueryString",
        ),
        ("ec2", b"Action=CreateSubnet", "MissingParameter"),
        ("iam", b"Action=GetRole&RoleName.x=1", "MalformedInput"),
        ("iam", b"Action=GetRole", "ValidationError"),
        ("iam", b"Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=x&MaxSessionDuration=long", "MalformedInput"),
        ("sts", b"Action=NoSuchThing", "InvalidAction"),
    ],
    ids=range(18),
)
def test_a_form_that_does_not_fit_the_operation_is_refused(server: World, service: str, body: bytes, code: str) -> None:
    status, found, message = form(server, service, body)
    assert (status, found) == (400, code)
    assert message
    assert server.operations.calls == []


@pytest.mark.costs(0.15, reason="sends three bodies of the maximum size")
def test_a_body_may_be_as_large_as_the_limit_but_not_larger(server: World) -> None:
    head, tail = b'{"LanguageCode":"en","Text":"', b'"}'
    full = head + b"x" * (BODY_LIMIT - len(head) - len(tail)) + tail
    assert comprehend(server, full)[0] == 200
    assert comprehend(server, full + b" ")[:2] == (413, "RequestEntityTooLargeException")
    assert form(server, "ec2", b"Action=" + b"a" * BODY_LIMIT)[:2] == (413, "RequestEntityTooLarge")


def test_the_health_page_needs_no_signature(server: World) -> None:
    response = server.process.send(AWSRequest("GET", URL + "_reading_room/health").prepare())
    assert response.status_code == 200
    assert json.loads(response.content) == {"status": "ok"}
    assert server.process.send(AWSRequest("POST", URL + "_reading_room/health").prepare()).status_code == 405


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"X-Amz-Target": "Comprehend_20171127.DetectEntities"}, b"{}", b"MissingAuthenticationTokenException"),
        (FORM, b"Action=DescribeVpcs&Version=2016-11-15", b"MissingParameter"),
        (FORM, b"Action=GetRole&Version=2010-05-08", b"MissingAuthenticationToken"),
        ({"Host": "ec2.us-east-1.amazonaws.com"}, b"", b"MissingParameter"),
        (FORM, b"Action=X&Version=1", b"InvalidAction"),
    ],
)
def test_an_unsigned_request_is_refused_with_the_error_of_its_service(
    server: World, headers: dict[str, str], body: bytes, code: bytes
) -> None:
    response = server.process.send(AWSRequest("POST", URL, headers=headers, data=body).prepare())
    assert response.status_code in (400, 403)
    assert code in response.content
    assert server.operations.calls == []


def test_a_target_of_another_service_than_the_signed_one_is_unknown(server: World) -> None:
    status, _, content = post(server, "comprehend", b"{}", **{"X-Amz-Target": "Logs_20140328.CreateLogGroup"})
    assert status == 400
    assert json.loads(content)["__type"] == "UnknownOperationException"


def test_s3_requests_and_answers_are_passed_on_unchanged(server: World) -> None:
    path = NetworkPath(vpc_endpoint_id="vpce-9", secure=True)
    s3 = server.client("s3", endpoint_url="https://s3.amazonaws.com", scope={PATH_KEY: path})
    put = s3.put_object(Bucket="b", Key="ä/+ k", Body=b"x" * 3_000_000)
    headers = put["ResponseMetadata"]["HTTPHeaders"]
    # Over HTTPS, the SDK wraps the body in aws-chunked encoding, which only S3 decodes.
    assert int(headers["x-amz-meta-size"]) > 3_000_000
    assert headers["x-amz-meta-path"] == "/b/%C3%A4/%2B%20k"
    assert (headers["x-amz-meta-endpoint"], headers["x-amz-meta-secure"]) == ("vpce-9", "True")
    body = s3.get_object(Bucket="b", Key="k")["Body"]
    assert body.read(150_000) == bytes([0]) * 100_000 + bytes([1]) * 50_000
    assert len(body.read()) == 3_850_000
    abandoned = s3.get_object(Bucket="b", Key="k")["Body"]
    assert len(abandoned.read(10)) == 10
    abandoned.close()


def test_a_log_line_names_the_caller_and_the_operation_but_no_secret(
    server: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="reading_room")
    server.client("sts", SESSION).get_caller_identity()
    line = caplog.records[-1].getMessage()
    assert "operation=GetCallerIdentity" in line
    assert "code=-" in line
    assert SESSION.principal.arn in line
    assert SESSION.session_token is not None
    for secret in (SESSION.secret_access_key, SESSION.session_token, "Signature="):
        assert secret not in caplog.text


def test_an_operation_unknown_to_aws_cannot_be_registered() -> None:
    class Wrong:
        """Implements an operation that does not exist."""

        @operation("ec2", "DescribeVpcz")
        def wrong(self, call: Any, request: Any) -> None:
            """Do nothing."""

    with pytest.raises(OperationNameError, match="ec2 has no operation DescribeVpcz"):
        OperationTable(Wrong())
