"""Garbage and almost valid input for every parser of requests: it causes AWS's errors and no others.

``READING_ROOM_HYPOTHESIS=fuzz`` runs many times as many examples. ``data/hostile_documents`` is the corpus: a document
that has caused harm, here or elsewhere, is added to it, and every protocol parses it from then on.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reading_room.aws.call import IncomingRequest, NetworkPath
from reading_room.aws.errors import AwsError
from reading_room.aws.identify import identify
from reading_room.aws.memory import MemoryCredentials
from reading_room.aws.models import SERVED, operation_model, service_model
from reading_room.aws.protocols import ec2, query, rest_xml, xml
from reading_room.aws.protocols import json as json_protocol
from reading_room.aws.signature_claim import query_pairs
from reading_room.aws.sigv4 import verify
from tests.worlds.aws import KEY, World, world

CORPUS = sorted((Path(__file__).parent / "data" / "hostile_documents").iterdir())
GENERATED = {
    "deep.xml": b"<Delete>" + b"<a>" * 50_000,
    "attributes.xml": b"<Delete " + b" ".join(b'a%d="x"' % number for number in range(20_000)) + b"/>",
    "deep-lists.json": b"[" * 100_000,
    "deep-objects.json": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep-names.form": b"Action=DescribeVpcs&Version=2016-11-15&" + b".".join([b"Filter"] * 5000) + b"=1",
    "many-fields.form": b"&".join(
        [b"Action=DescribeVpcs&Version=2016-11-15", *(b"VpcId.%d=a" % n for n in range(30_000))]
    ),
}
PROTOCOLS: Mapping[str, ModuleType] = {"json": json_protocol, "query": query, "ec2": ec2}
NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
FORM = ("content-type", "application/x-www-form-urlencoded")
SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def request(
    method: str = "POST", path: str = "/", query_string: str = "", headers: Any = (), body: bytes = b""
) -> IncomingRequest:
    """Return a request as it arrives at the server."""
    return IncomingRequest(method, path, query_string, tuple(headers), body, NetworkPath("127.0.0.1"), "r", NOW)


def operations(*services: str) -> list[OperationModel]:
    """Return all operations of these services."""
    found = [operation_model(name, each) for name in services for each in service_model(name).operation_names]
    return [each for each in found if each is not None]


TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            "0",
            "-0",
            "+1",
            "1_0",
            "9" * 400,
            "1e999",
            "NaN",
            "Infinity",
            "true",
            "null",
            "٣",
            "\0",
            "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"),
            "2026-01-01T00:00:00Z",
            "99999-01-01",
            "0001-01-01T00:00:00+23:59",
            "Fri, 32 Jan 2026 00:00:00 GMT",
            "Fri, 01 Jan 0000 00:00:00 GMT",
            "=",
            "a/b",
            "%00",
            "../..",
            "arn:aws:s3:::b",
        ]
    ),
)
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([10**400, -(10**400), 2**63, -(2**63), 1e308, -1e308, 0.1, -0.0])
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)


@st.composite
def almost_fitting(draw: st.DrawFn, shape: Shape | None, depth: int = 0) -> Any:
    """Return a value that mostly has the given shape, with some parts that do not."""
    if shape is None or depth > 6 or draw(st.integers(0, 7)) == 0:
        return draw(JSON)
    if isinstance(shape, StructureShape):
        names = draw(st.lists(st.sampled_from(sorted(shape.members)), max_size=5)) if shape.members else []
        value = {
            str(shape.members[name].serialization.get("name", name)): draw(
                almost_fitting(shape.members[name], depth + 1)
            )
            for name in names
        }
        return value | (draw(st.dictionaries(TEXT, JSON, max_size=1)))
    if isinstance(shape, ListShape):
        return [draw(almost_fitting(shape.member, depth + 1)) for _ in range(draw(st.integers(0, 2)))]
    if isinstance(shape, MapShape):
        return {draw(TEXT): draw(almost_fitting(shape.value, depth + 1)) for _ in range(draw(st.integers(0, 2)))}
    return draw(st.one_of(TEXT, NUMBERS, st.booleans()))


def to_json(value: Any) -> bytes:
    """Return a value as JSON, including NaN and the infinities, which JSON does not have."""
    return json.dumps(value, allow_nan=True, ensure_ascii=True).encode()


@given(st.data())
@SLOW
def test_json_that_almost_fits_is_parsed_or_refused(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(operations("comprehend", "logs")))
    body = to_json(data.draw(almost_fitting(operation.input_shape)))
    only_aws_errors(lambda: json_protocol.parse(operation, request(body=body)))


@given(st.sampled_from(operations("comprehend", "logs")), st.binary(max_size=60))
def test_any_bytes_are_parsed_as_json_or_refused(operation: OperationModel, body: bytes) -> None:
    only_aws_errors(lambda: json_protocol.parse(operation, request(body=body)))


def to_fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield a value as the fields of a form, with lists in either of the two notations."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from to_fields(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield from to_fields(item, f"{path}.{number}" if len(value) % 2 else f"{path}.member.{number}")
    else:
        yield path, str(value)


@given(st.data())
@SLOW
def test_forms_that_almost_fit_are_parsed_or_refused(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(operations("ec2", "iam", "sts")))
    fields = list(to_fields(data.draw(almost_fitting(operation.input_shape))))
    body = "&".join(
        f"{quote(name, errors='surrogateescape')}={quote(value, errors='surrogateescape')}" for name, value in fields
    ).encode()
    protocol = ec2 if operation.service_model.service_name == "ec2" else query
    only_aws_errors(lambda: protocol.parse(operation, request(headers=[FORM], body=body)))


@given(st.sampled_from(operations("ec2", "iam", "sts")), st.text("aA.1%&=+;[]\0é", max_size=40))
def test_any_text_is_parsed_as_a_form_or_refused(operation: OperationModel, text: str) -> None:
    for protocol in (ec2, query):
        for given_request in (
            request(headers=[FORM], body=text.encode()),
            request("GET", query_string=text.encode().decode("latin-1")),
        ):
            only_aws_errors(lambda read=protocol, it=given_request: read.parse(operation, it))


def to_xml(value: Any, name: str) -> str:
    """Return a value as XML, well-formed or not."""
    if isinstance(value, dict):
        inner = "".join(to_xml(item, str(key)) for key, item in value.items())
        return f"<{name}>{inner}</{name}>"
    if isinstance(value, list):
        return "".join(to_xml(item, name) for item in value)
    return f"<{name}>{value}</{name}>"


@given(st.data())
@SLOW
def test_xml_that_almost_fits_is_parsed_or_refused(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(operations("s3")))
    shape = operation.input_shape
    assert isinstance(shape, StructureShape)
    payload = shape.serialization.get("payload")
    body = to_xml(data.draw(almost_fitting(shape.members[payload] if payload else shape)), "Root")
    headers = [(data.draw(TEXT).lower(), data.draw(TEXT)), ("x-amz-date", data.draw(TEXT))]
    pairs = [(data.draw(TEXT), data.draw(TEXT)) for _ in range(2)]
    for member in shape.members.values():
        wire = str(member.serialization.get("name", ""))
        match member.serialization.get("location"):
            case "header" if data.draw(st.booleans()):
                headers.append((wire.lower(), data.draw(TEXT)))
            case "querystring" if data.draw(st.booleans()):
                pairs.append((wire, data.draw(TEXT)))
    parts = rest_xml.RequestParts({"Bucket": "b", "Key": "k"}, pairs, headers, body.encode("utf-8", "surrogateescape"))
    only_aws_errors(lambda: rest_xml.parse(operation, parts))


@given(st.one_of(st.binary(max_size=80), st.text("<>/&;!?[]ab \"'=#x0\0é", max_size=60).map(str.encode)))
def test_the_xml_parser_raises_only_value_errors(body: bytes) -> None:
    try:
        xml.read(body)
    except ValueError:
        pass


@pytest.mark.costs(0.9, reason="operations of each protocol parse documents, some of them large")
@pytest.mark.parametrize("name", [*(file.name for file in CORPUS), *GENERATED])
def test_every_parser_survives_the_corpus(name: str) -> None:
    body = document(name)
    try:
        xml.read(body)
    except ValueError:
        pass
    for operation in (*operations("s3"),):
        if not operation.has_streaming_input:
            only_aws_errors(lambda it=operation: rest_xml.parse(it, rest_xml.RequestParts({}, (), (), body)))
    for operation in operations("comprehend", "logs")[::9] if len(body) > 20_000 else operations("comprehend", "logs"):
        only_aws_errors(lambda it=operation: json_protocol.parse(it, request(body=body)))
    for service, protocol in (("ec2", ec2), ("iam", query)):
        for operation in operations(service)[::40]:
            only_aws_errors(lambda it=operation, read=protocol: read.parse(it, request(headers=[FORM], body=body)))


def document(name: str) -> bytes:
    """Return a document of the corpus."""
    return GENERATED[name] if name in GENERATED else (CORPUS[0].parent / name).read_bytes()


def only_aws_errors(read: Any) -> None:
    """Call a parser and assert that it raises no errors except AWS's."""
    refusal: AwsError | None = None
    try:
        read()
    except AwsError as error:
        refusal = error
    assert refusal is None or (400 <= refusal.status < 500 and refusal.message)


# Signatures

HEADER_NAMES = st.sampled_from(
    [
        "authorization",
        "host",
        "x-amz-date",
        "date",
        "x-amz-security-token",
        "x-amz-content-sha256",
        "x-amz-target",
        "content-type",
        "x-amz-meta-a",
        "content-md5",
    ]
)
CREDENTIALS = st.one_of(
    st.sampled_from([f"{KEY.access_key_id}/20260101/us-east-1/ec2/aws4_request", "a/b/c/d/aws4_request", "////", ""]),
    st.text(max_size=60),
)
DATES = st.one_of(
    st.sampled_from(
        [
            "20260101T120000Z",
            "Thu, 01 Jan 2026 12:00:00 GMT",
            "20261301T000000Z",
            "00000000T000000Z",
            "99991231T235959Z",
            "Thu, 01 Jan 99999 12:00:00 GMT",
            "Thu, 01 Jan 2026 12:00:00 -9999",
            "٢٠٢٦",
        ]
    ),
    TEXT,
)
SIGNATURES = st.one_of(st.just("0" * 64), TEXT)
NAMES = st.one_of(st.sampled_from(["host", "host;x-amz-date", "host;host", ";", "HOST", "b;a"]), TEXT)
AUTHORIZATIONS = st.one_of(
    st.builds(
        "{} Credential={}, SignedHeaders={}, Signature={}".format,
        st.sampled_from(["AWS4-HMAC-SHA256", "AWS", "AWS4-ECDSA-P256-SHA256", "Bearer", ""]),
        CREDENTIALS,
        NAMES,
        SIGNATURES,
    ),
    st.text("AWS4-HMACcredentialSignature=,;/ \0é", max_size=80),
)


@st.composite
def falsely_signed(draw: st.DrawFn) -> IncomingRequest:
    """Return a request with something that resembles a signature in its headers, its query, or both."""
    headers = [
        (draw(HEADER_NAMES), draw(st.one_of(AUTHORIZATIONS, DATES, TEXT))) for _ in range(draw(st.integers(0, 4)))
    ]
    if draw(st.booleans()):
        headers += [("authorization", draw(AUTHORIZATIONS)), ("x-amz-date", draw(DATES)), ("host", draw(TEXT))]
    fields: list[tuple[str, str]] = []
    if draw(st.booleans()):
        values = {
            "Algorithm": st.just("AWS4-HMAC-SHA256"),
            "Credential": CREDENTIALS,
            "Date": DATES,
            "Expires": TEXT,
            "SignedHeaders": NAMES,
            "Signature": SIGNATURES,
            "Security-Token": TEXT,
            "Content-Sha256": TEXT,
        }
        chosen = draw(st.lists(st.sampled_from(sorted(values)), max_size=9))
        fields = [(f"X-Amz-{name}", draw(values[name])) for name in chosen]
    raw = "&".join(f"{name}={quote(value, errors='surrogateescape')}" for name, value in fields)
    raw += draw(st.one_of(st.just(""), st.text("&=%+aX-Amz\x80\xff", max_size=20)))
    latin = [(name, value.encode("utf-8", "surrogateescape").decode("latin-1")) for name, value in headers]
    path = draw(st.one_of(st.just("/"), st.text("/.%2fe\xff\0a", max_size=20)))
    return request(draw(st.sampled_from(["GET", "POST", "PUT"])), path, raw, latin, draw(st.binary(max_size=10)))


@given(falsely_signed(), st.sampled_from(sorted(SERVED)))
@SLOW
def test_no_false_signature_is_verified(incoming: IncomingRequest, service: str) -> None:
    with pytest.raises(AwsError) as caught:
        verify(incoming, service, MemoryCredentials([KEY]), NOW)
    assert 400 <= caught.value.status < 500


@given(falsely_signed())
@SLOW
def test_any_request_is_assigned_to_a_service_or_to_none(incoming: IncomingRequest) -> None:
    identify(incoming.method, incoming.query_string, incoming.headers)
    for name, value in query_pairs(incoming.query_string):
        assert isinstance(name + value, str)


# The whole application


@pytest.fixture(scope="module")
def server() -> Iterator[World]:
    """Yield a world with the application."""
    with world() as made:
        yield made


def assert_answered(made: World, incoming: IncomingRequest) -> None:
    """Assert that the application answers a request without a server error and with valid headers."""
    service = identify(incoming.method, incoming.query_string, incoming.headers)
    if getattr(service, "name", "") == "s3":
        return
    reply = made.app.answer(incoming, service).reply
    assert reply.status < 500, reply.body
    for name, value in reply.headers:
        f"{name}: {value}".encode("latin-1")


@given(falsely_signed())
@SLOW
def test_the_server_never_answers_500_to_garbage(server: World, incoming: IncomingRequest) -> None:
    assert_answered(server, incoming)


@given(
    st.sampled_from(["comprehend", "logs", "ec2", "iam", "sts"]),
    st.one_of(st.binary(max_size=60), JSON.map(to_json), st.sampled_from(CORPUS).map(lambda file: file.read_bytes())),
    st.one_of(TEXT, st.sampled_from(["Comprehend_20171127.DetectEntities", "Logs_20140328.CreateLogGroup", "x.y"])),
)
@SLOW
def test_the_server_never_answers_500_to_signed_garbage(server: World, service: str, body: bytes, target: str) -> None:
    latin = target.encode("utf-8", "surrogateescape").decode("latin-1")
    headers = {"Host": "127.0.0.1", "Content-Type": FORM[1]}
    if service in ("comprehend", "logs"):
        headers["X-Amz-Target"] = " ".join(latin.replace("\r", " ").replace("\n", " ").split())
    made = AWSRequest("POST", "http://127.0.0.1/", headers=headers, data=body)
    SigV4Auth(Credentials(KEY.access_key_id, KEY.secret_access_key), service, "us-east-1").add_auth(made)
    names = [(name.lower(), str(value)) for name, value in made.headers.items()]
    assert_answered(server, request(headers=names, body=body))
