"""The parts of a call: its signature, its parameters in four protocols, and the small languages in them."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

from botocore.model import OperationModel, StructureShape

from reading_room.aws.call import IncomingRequest, NetworkPath
from reading_room.aws.errors import AwsError
from reading_room.aws.memory import MemoryCredentials
from reading_room.aws.models import operation_model, service_model
from reading_room.aws.protocols import ec2, query, rest_xml
from reading_room.aws.protocols import json as json_protocol
from reading_room.aws.protocols import xml as xml_protocol
from reading_room.aws.sigv2 import is_presigned, verify_presigned
from reading_room.aws.sigv4 import verify
from reading_room.aws.validation import violations_of
from reading_room.comprehend.call_meter import read_lines
from reading_room.comprehend.pages import read_token
from reading_room.iam.policy import lint
from reading_room.iam.policy.document import PolicyDocumentError, PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Request, decide
from reading_room.iam.policy.explain import explain
from reading_room.iam.policy.open_endpoint import openings
from reading_room.logs.filter_patterns import parse_filter_pattern
from reading_room.vpc.pagination import Paging, page
from tests.fuzz import assert_printable
from tests.worlds.aws import KEY

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
FORM = ("content-type", "application/x-www-form-urlencoded")
USES: tuple[PolicyUse, ...] = ("managed", "inline", "session", "trust", "bucket", "endpoint", "scp", "rcp")
CONTEXT = {"aws:SourceIp": ("10.0.0.4",), "aws:CurrentTime": ("2026-01-01T12:00:00Z",), "s3:prefix": ("a/b",)}
REQUEST = Request(KEY.principal, "s3:GetObject", ("arn:aws:s3:::bucket/a/b",), KEY.principal.account, CONTEXT)


def operations(*services: str) -> list[OperationModel]:
    """Return the operations of some services that have parameters."""
    found = [operation_model(name, each) for name in services for each in service_model(name).operation_names]
    return [each for each in found if each is not None and isinstance(each.input_shape, StructureShape)]


JSON, QUERY, EC2 = operations("comprehend", "logs"), operations("iam", "sts"), operations("ec2")
XML = [each for each in operations("s3") if not each.has_streaming_input]


def request(headers: Any = (), body: bytes = b"", method: str = "POST", query_string: str = "") -> IncomingRequest:
    """Return a request as it arrives."""
    return IncomingRequest(method, "/", query_string, tuple(headers), body, NetworkPath("127.0.0.1"), "r", NOW)


def chosen(data: bytes, among: list[OperationModel]) -> tuple[OperationModel, bytes]:
    """Return the operation chosen by the first two bytes, and the remaining bytes."""
    return among[int.from_bytes(data[:2], "big") % len(among)], data[2:]


def refused_or_valid(operation: OperationModel, parse_it: Any) -> None:
    """Parse and validate parameters; a refusal must be one of AWS's errors, with a message that can be sent."""
    try:
        parameters = parse_it()
    except AwsError as error:
        a_refusal(error)
        return
    shape = operation.input_shape
    assert shape is not None
    for violation in violations_of(shape, parameters):
        str(violation).encode(errors="surrogateescape")


def a_refusal(error: AwsError) -> None:
    """Check that an error blames the client, and that its message can be sent."""
    assert 400 <= error.status < 500
    error.message.encode(errors="surrogateescape")


def json(data: bytes) -> None:
    """The body of a JSON request."""
    operation, body = chosen(data, JSON)
    refused_or_valid(operation, lambda: json_protocol.parse(operation, request(body=body)))


def query_form(data: bytes) -> None:
    """The body of a request to IAM or STS."""
    operation, body = chosen(data, QUERY)
    refused_or_valid(operation, lambda: query.parse(operation, request([FORM], body)))


def ec2_form(data: bytes) -> None:
    """The body of a request to EC2."""
    operation, body = chosen(data, EC2)
    refused_or_valid(operation, lambda: ec2.parse(operation, request([FORM], body)))


def xml(data: bytes) -> None:
    """The body of a request to S3."""
    operation, body = chosen(data, XML)
    try:
        xml_protocol.read(body)
    except ValueError:
        pass
    parts = rest_xml.RequestParts({"Bucket": "b", "Key": "k"}, (), (), body)
    refused_or_valid(operation, lambda: rest_xml.parse(operation, parts))


def signature(data: bytes) -> None:
    """Headers and a query that claim to be signed; nobody has the key, so each request is refused."""
    lines = data.decode("latin-1").split("\n")
    headers = [
        (name.strip().lower(), value) for name, colon, value in (each.partition(":") for each in lines[2:]) if colon
    ]
    incoming = request(headers, method=lines[0], query_string=lines[1] if len(lines) > 1 else "")
    source = MemoryCredentials([KEY])
    for service in ("s3", "ec2", "comprehend", "iam"):
        try:
            verify(incoming, service, source, NOW)
        except AwsError as error:
            a_refusal(error)
        else:
            raise AssertionError("nobody signed it")
    if is_presigned(incoming):
        try:
            verify_presigned(incoming, source, NOW, "bucket")
        except AwsError as error:
            a_refusal(error)
        else:
            raise AssertionError("nobody signed it")


def policy(data: bytes) -> None:
    """The text of a policy: refused with a message that can be sent, or evaluated, explained and linted."""
    if not data:
        return
    use = USES[data[0] % len(USES)]
    try:
        text = data[1:].decode()
    except UnicodeDecodeError:
        return
    lint.lint(text, use)
    try:
        found = parse(text, use)
    except PolicyDocumentError as error:
        assert_printable(str(error))
        return
    attached = [AttachedPolicy("resource" if use in ("bucket", "trust") else "identity", found, "p")]
    assert decide(REQUEST, attached).allowed == explain(REQUEST, attached).decision.allowed
    if use == "endpoint":
        openings(text, KEY.principal.account)


def filter_pattern(data: bytes) -> None:
    """A filter pattern for log events: refused, or a filter that can be applied to any event."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    try:
        pattern = parse_filter_pattern(text)
    except AwsError as error:
        error.message.encode()
        return
    for message in ("", text, '{"a": {"b": [1, "x", null, true]}}', "2 111122223333 eni-1 10.0.0.1 ACCEPT OK"):
        assert isinstance(pattern.matches(message), bool)


def usage_lines(data: bytes) -> None:
    """The file of synchronous calls, after a power failure: each line is left out, or is read as it was written."""
    for line in read_lines(data):
        assert [line] == list(read_lines(bytes(line)))


def page_token(data: bytes) -> None:
    """A manipulated token for a next page: refused, or a position that the database can be queried for."""
    token = base64.urlsafe_b64encode(data).decode()
    try:
        page([{"Id": "a"}, {"Id": "b"}], {"NextToken": token}, Paging("DescribeVpcs", "Id"))
    except AwsError as error:
        a_refusal(error)
    try:
        moment, name = read_token(token, "bound")
    except AwsError as error:
        a_refusal(error)
        return
    name.encode()
    assert moment.utcoffset() == dt.timedelta(0)
