"""Every operation of S3's model is carried out or refused with NotImplemented; nothing is taken for another one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, Shape, StructureShape
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from reading_room.aws.errors import AwsError
from reading_room.aws.models import service_model
from reading_room.s3.actions import identify, refuse_unknown_headers
from reading_room.s3.addressing import Address
from reading_room.s3.backends import embedded
from reading_room.s3.errors import MethodNotAllowed, NotImplementedHeader, NotImplementedParameter
from reading_room.s3.operations.table import OPERATIONS
from reading_room.s3.requests import with_query_headers
from tests.worlds.s3 import S3World, s3_world

assert embedded.__name__  # Importing it fills the table.

BUCKET, KEY = "every", "k"
MODEL = service_model("s3")
SHARES_ITS_WIRE_FORM = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
    # For directory buckets, at an address of their own: here it asks for all buckets.
    "ListDirectoryBuckets": "ListBuckets",
}
AT_ANOTHER_HOST = {"WriteGetObjectResponse"}
TESTED = sorted(set(MODEL.operation_names) - AT_ANOTHER_HOST)
VALUES = {"Bucket": BUCKET, "Key": KEY, "CopySource": f"{BUCKET}/{KEY}", "UploadId": "none", "PartNumber": 1}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """Return a world with an object."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        world.s3.create_bucket(Bucket=BUCKET)
        world.s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"bytes", Tagging="a=1")
        yield world


def rows(world: S3World) -> dict[str, list[Any]]:
    """Return everything that is stored of buckets and objects."""
    with world.database.reading() as session:
        return {
            table: [tuple(row) for row in session.execute(text(f"SELECT * FROM {table}"))]
            for table in ("s3_buckets", "s3_objects", "s3_uploads", "s3_parts")
        }


def value_of(name: str, shape: Shape) -> Any:
    """Return the least that a parameter may be."""
    if name in VALUES:
        return VALUES[name]
    if isinstance(shape, StructureShape):
        members = shape.required_members or list(shape.members)[:1]
        return {member: value_of("", shape.members[member]) for member in members}
    if isinstance(shape, ListShape):
        return [value_of("", shape.member)]
    if enum := getattr(shape, "enum", None):
        return enum[0]
    simple = {"integer": 1, "long": 1, "boolean": False, "timestamp": dt.datetime(2030, 1, 1), "blob": b"x"}
    return simple.get(shape.type_name, "x" * shape.metadata.get("min", 1))


@pytest.mark.parametrize("name", TESTED)
def test_an_operation_is_there_or_says_that_it_is_not_and_changes_nothing(world: S3World, name: str) -> None:
    if SHARES_ITS_WIRE_FORM.get(name, name) in OPERATIONS:
        return
    shape = MODEL.operation_model(name).input_shape
    required = shape.required_members if isinstance(shape, StructureShape) else []
    parameters = {member: value_of(member, shape.members[member]) for member in required}  # type: ignore[union-attr]
    before = rows(world)
    with pytest.raises(ClientError) as caught:
        getattr(world.s3, xform_name(name))(**parameters)
    answer = caught.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (501, "NotImplemented")
    assert rows(world) == before


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_answer_in_xml_says_that_it_is(world: S3World, name: str) -> None:
    shape = MODEL.operation_model(name).input_shape
    required = shape.required_members if isinstance(shape, StructureShape) else []
    parameters = {member: value_of(member, shape.members[member]) for member in required}  # type: ignore[union-attr]
    # One that would change something is asked of a bucket that is not there.
    elsewhere = {"Bucket": "no-such-bucket"} if not name.startswith(("Get", "Head", "List")) else {}
    client, answers = world.client(), []
    client.meta.events.register("after-call.s3", lambda http_response, **_: answers.append(http_response))
    with suppress(ClientError):
        getattr(client, xform_name(name))(**{**parameters, **elsewhere})
    (answer,) = answers
    in_xml = name == "HeadBucket" or (name != "GetObject" and answer.content.startswith(b"<?xml"))
    assert (answer.headers.get("content-type") == "application/xml") == in_xml


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_a_parameter_without_effect_is_refused_and_nothing_is_changed(world: S3World, name: str) -> None:
    model = MODEL.operation_model(name)
    if not isinstance(model.input_shape, StructureShape):
        return
    known = OPERATIONS[name]
    needed = {m: value_of(m, model.input_shape.members[m]) for m in model.input_shape.required_members}
    for member, shape in model.input_shape.members.items():
        location = shape.serialization.get("location")
        if known.gives_effect_to(member) or location not in ("header", "querystring") or "SSECustomerKey" in member:
            continue  # The SDK asks for more when it is to send a customer's key.
        before = rows(world)
        with pytest.raises(ClientError) as caught:
            getattr(world.s3, xform_name(name))(**needed, **{member: value_of(member, shape)})
        status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
        assert status == 501, (member, caught.value)
        assert rows(world) == before, member


# Only what is identified reaches a backend.


def address_of(name: str) -> Address:
    """Return an address of the kind that an operation is called on."""
    path = MODEL.operation_model(name).http["requestUri"]
    return Address("b", "k") if "{Key+}" in path else Address("b", None) if "{Bucket}" in path else Address(None, None)


def shown(name: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return method, query and headers of the barest request for an operation."""
    model = MODEL.operation_model(name)
    static = model.http["requestUri"].partition("?")[2]
    query = dict(part.partition("=")[::2] for part in static.split("&") if part)
    headers: dict[str, str] = {}
    if isinstance(model.input_shape, StructureShape):
        for member in model.input_shape.required_members:
            serialization = model.input_shape.members[member].serialization
            if serialization.get("location") == "querystring":
                query[serialization["name"]] = "1"
            elif serialization.get("location") == "header":
                headers[serialization["name"].lower()] = "b/k"
    return model.http["method"], query, headers


def query_names() -> set[str]:
    """Return every name that any operation has in its query."""
    return {name for operation in MODEL.operation_names for name in shown(operation)[1]} | {
        member.serialization["name"]
        for operation in MODEL.operation_names
        if (shape := MODEL.operation_model(operation).input_shape) is not None
        for member in getattr(shape, "members", {}).values()
        if member.serialization.get("location") == "querystring"
    }


KNOWN_NAMES = sorted(query_names())
OF_AWS = [
    "torrent",
    "acl",
    "policy",
    "tagging",
    "versionId",
    "website",
    "restore",
    "select",
    "defaultObjectAcl",
    "null",
]


@given(
    name=st.sampled_from(sorted(OPERATIONS)),
    extra=st.dictionaries(
        st.sampled_from([*KNOWN_NAMES, *OF_AWS]) | st.text(max_size=12), st.text(max_size=5), min_size=1
    ),
)
def test_a_name_more_in_the_query_never_makes_a_request_of_the_same_meaning(name: str, extra: dict[str, str]) -> None:
    method, query, headers = shown(name)
    together = query | {key: value for key, value in extra.items() if key not in query}
    try:
        found = identify(method, address_of(name), together, with_query_headers(headers, together))
    except AwsError:
        return
    shape = found.input_shape
    own = {
        member.serialization["name"]
        for member in getattr(shape, "members", {}).values()
        if member.serialization.get("location") == "querystring"
    }
    uri = found.http["requestUri"].partition("?")[2]
    own |= {part.partition("=")[0] for part in uri.split("&")}
    # What is left are the names of signatures and those that S3 leaves to readers of its logs.
    foreign = {key for key in together if key not in own and not key.lower().startswith("x-")}
    assert foreign <= {"AWSAccessKeyId", "Signature", "Expires", "content-type", "content-md5"}


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("PUT", {"tagging": "", "acl": ""}),
        ("PUT", {"versionId": "v"}),
        ("PUT", {"partNumber": "1"}),
        ("PUT", {"torrent": ""}),
        ("PUT", {"policy": ""}),
        ("PUT", {"website": ""}),
        ("PUT", {"something": ""}),
        ("GET", {"something": ""}),
        ("DELETE", {"acl": ""}),
        ("DELETE", {"uploadid": "u"}),
        ("POST", {"something": ""}),
    ],
)
def test_a_request_about_an_object_with_a_foreign_name_is_no_object_request(method: str, query: dict[str, str]) -> None:
    with pytest.raises(AwsError):
        identify(method, Address("b", "k"), query, {})


@pytest.mark.parametrize(
    "query", [{"policy": "", "x-id": "CreateBucket"}, {"tagging": ""}, {"acl": ""}, {"website": ""}]
)
def test_a_setting_of_a_bucket_is_never_the_making_of_one(query: dict[str, str]) -> None:
    assert identify("PUT", Address("b", None), query, {}).name != "CreateBucket"


def test_a_header_that_the_operation_does_not_have_is_refused() -> None:
    at = Address("b", "k")
    refuse_unknown_headers("PutObject", {"x-amz-meta-a": "1", "x-amz-user-agent": "sdk", "accept": "*/*"})
    for name in ("x-amz-unknown", "x-amz-copy-source-range", "x-amz-mfa"):
        with pytest.raises(NotImplementedHeader):
            refuse_unknown_headers("PutObject", {name: "1"})
    with pytest.raises(NotImplementedParameter):
        identify("GET", at, {"unknown": ""}, {})
    with pytest.raises(MethodNotAllowed):
        identify("PUT", at, {"torrent": ""}, {})


def test_headers_in_the_query_of_a_url_count_as_headers(world: S3World) -> None:
    headers = with_query_headers({"host": "h"}, {"X-Amz-Acl": "public-read", "X-Amz-Date": "d", "x-other": "1"})
    assert headers == {"host": "h", "x-amz-acl": "public-read"}
    with pytest.raises(AwsError):
        with_query_headers({"x-amz-acl": "private"}, {"x-amz-acl": "public-read"})


@pytest.mark.parametrize("operation", ["PutObjectTagging", "PutBucketTagging", "PutBucketCors", "PutBucketEncryption"])
def test_a_setting_without_a_document_is_refused_and_the_old_one_stays(world: S3World, operation: str) -> None:
    def drop(model: Any, params: dict[str, Any], **_: Any) -> None:
        params["body"] = b""
        for name in [name for name in params["headers"] if name.lower().startswith(("x-amz-checksum", "content-md5"))]:
            del params["headers"][name]

    client = world.client(config=Config(request_checksum_calculation="when_required"))
    client.meta.events.register(f"before-call.s3.{operation}", drop)
    shape = MODEL.operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    before = rows(world)
    with pytest.raises(ClientError) as caught:
        getattr(client, xform_name(operation))(**{m: value_of(m, shape.members[m]) for m in shape.required_members})
    assert caught.value.response["Error"]["Code"] == "MalformedXML"
    assert rows(world) == before


def test_an_unknown_header_changes_nothing_and_is_no_way_round_a_denial(world: S3World) -> None:
    def add(request: Any, **_: Any) -> None:
        request.headers["x-amz-invented"] = "1"

    before = rows(world)
    for key, expected in ((world.key, "NotImplemented"), (world.user("nobody", None), "AccessDenied")):
        client = world.client(key)
        client.meta.events.register("before-sign.s3", add)
        with pytest.raises(ClientError) as caught:
            client.put_object(Bucket=BUCKET, Key=KEY, Body=b"other")
        assert caught.value.response["Error"]["Code"] == expected
    assert rows(world) == before
