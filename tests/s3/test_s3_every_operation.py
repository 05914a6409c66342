"""Every operation of S3's model is implemented or refused with NotImplemented, and never mistaken for another."""

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

assert embedded.__name__  # Importing the module registers the operations.

BUCKET, KEY = "every", "k"
MODEL = service_model("s3")
SHARES_ITS_WIRE_FORM = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
    # It is for directory buckets, which have separate host names. At this one, the request lists all buckets.
    "ListDirectoryBuckets": "ListBuckets",
}
AT_ANOTHER_HOST = {"WriteGetObjectResponse"}
TESTED = sorted(set(MODEL.operation_names) - AT_ANOTHER_HOST)
VALUES = {"Bucket": BUCKET, "Key": KEY, "CopySource": f"{BUCKET}/{KEY}", "UploadId": "none", "PartNumber": 1}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """Yield a world with an object."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        world.s3.create_bucket(Bucket=BUCKET)
        world.s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"bytes", Tagging="a=1")
        yield world


def rows(world: S3World) -> dict[str, list[Any]]:
    """Return all rows of buckets, objects, uploads and parts, by table."""
    with world.database.reading() as session:
        return {
            table: [tuple(row) for row in session.execute(text(f"SELECT * FROM {table}"))]
            for table in ("s3_buckets", "s3_objects", "s3_uploads", "s3_parts")
        }


def least_value(name: str, shape: Shape) -> Any:
    """Return the smallest valid value of a parameter."""
    if name in VALUES:
        return VALUES[name]
    if isinstance(shape, StructureShape):
        members = shape.required_members or list(shape.members)[:1]
        return {member: least_value("", shape.members[member]) for member in members}
    if isinstance(shape, ListShape):
        return [least_value("", shape.member)]
    if enum := getattr(shape, "enum", None):
        return enum[0]
    simple = {"integer": 1, "long": 1, "boolean": False, "timestamp": dt.datetime(2030, 1, 1), "blob": b"x"}
    return simple.get(shape.type_name, "x" * shape.metadata.get("min", 1))


@pytest.mark.parametrize("name", TESTED)
def test_an_operation_without_an_implementation_is_refused_and_changes_nothing(world: S3World, name: str) -> None:
    if SHARES_ITS_WIRE_FORM.get(name, name) in OPERATIONS:
        return
    shape = MODEL.operation_model(name).input_shape
    required = shape.required_members if isinstance(shape, StructureShape) else []
    parameters = {member: least_value(member, shape.members[member]) for member in required}  # type: ignore[union-attr]
    before = rows(world)
    with pytest.raises(ClientError) as caught:
        getattr(world.s3, xform_name(name))(**parameters)
    answer = caught.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (501, "NotImplemented")
    assert rows(world) == before


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_xml_answers_have_the_content_type_of_xml(world: S3World, name: str) -> None:
    shape = MODEL.operation_model(name).input_shape
    required = shape.required_members if isinstance(shape, StructureShape) else []
    parameters = {member: least_value(member, shape.members[member]) for member in required}  # type: ignore[union-attr]
    # Operations that would change something are called on a bucket that does not exist.
    elsewhere = {"Bucket": "no-such-bucket"} if not name.startswith(("Get", "Head", "List")) else {}
    client, answers = world.client(), []
    client.meta.events.register("after-call.s3", lambda http_response, **_: answers.append(http_response))
    with suppress(ClientError):
        getattr(client, xform_name(name))(**{**parameters, **elsewhere})
    (answer,) = answers
    in_xml = name == "HeadBucket" or (name != "GetObject" and answer.content.startswith(b"<?xml"))
    assert (answer.headers.get("content-type") == "application/xml") == in_xml


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_unsupported_parameter_is_refused_and_changes_nothing(world: S3World, name: str) -> None:
    model = MODEL.operation_model(name)
    if not isinstance(model.input_shape, StructureShape):
        return
    known = OPERATIONS[name]
    needed = {m: least_value(m, model.input_shape.members[m]) for m in model.input_shape.required_members}
    for member, shape in model.input_shape.members.items():
        location = shape.serialization.get("location")
        if known.gives_effect_to(member) or location not in ("header", "querystring") or "SSECustomerKey" in member:
            continue  # With a customer's key, the SDK requires further parameters.
        before = rows(world)
        with pytest.raises(ClientError) as caught:
            getattr(world.s3, xform_name(name))(**needed, **{member: least_value(member, shape)})
        status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
        assert status == 501, (member, caught.value)
        assert rows(world) == before, member


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_a_request_that_expects_another_owner_of_the_bucket_is_denied_and_changes_nothing(
    world: S3World, name: str
) -> None:
    shape = MODEL.operation_model(name).input_shape
    assert isinstance(shape, StructureShape)
    if "ExpectedBucketOwner" not in shape.members:
        assert name in ("CreateBucket", "ListBuckets")
        return
    parameters = {member: least_value(member, shape.members[member]) for member in shape.required_members}
    before = rows(world)
    for owner, expected in (("1" * 12, "AccessDenied"), ("nobody", "InvalidBucketOwnerAWSAccountID")):
        with pytest.raises(ClientError) as caught:
            getattr(world.s3, xform_name(name))(**parameters, ExpectedBucketOwner=owner)
        answer = caught.value.response
        status = {"AccessDenied": "403"}.get(expected, "400")
        assert answer["Error"]["Code"] == (status if name.startswith("Head") else expected)
    assert rows(world) == before


@pytest.mark.parametrize(
    ("operation", "more", "feature"),
    [
        ("PutBucketWebsite", {"WebsiteConfiguration": {}}, "static website hosting"),
        ("DeleteBucketWebsite", {}, "static website hosting"),
        ("PutBucketReplication", {"ReplicationConfiguration": {"Role": "r", "Rules": []}}, "replication"),
        ("PutBucketAccelerateConfiguration", {"AccelerateConfiguration": {}}, "transfer acceleration"),
        ("PutBucketRequestPayment", {"RequestPaymentConfiguration": {"Payer": "Requester"}}, "requester pays"),
        ("CreateSession", {}, "directory buckets"),
        ("CreateBucket", {"Bucket": "new--use1-az4--x-s3"}, "directory buckets"),
    ],
)
def test_the_error_of_a_missing_feature_names_it(
    world: S3World, operation: str, more: dict[str, Any], feature: str
) -> None:
    def send(client: Any) -> None:
        getattr(client, xform_name(operation))(**{"Bucket": BUCKET, **more})

    before = rows(world)
    with pytest.raises(ClientError) as caught:
        # The SDK would look up a directory bucket's own host.
        send(world.client(config=Config(s3={"addressing_style": "path"})))
    error: dict[str, Any] = {**caught.value.response["Error"]}
    assert (error["Code"], error["Feature"]) == ("NotImplemented", feature)
    assert feature in error["Message"]
    assert rows(world) == before


def test_that_the_owner_pays_is_accepted(world: S3World) -> None:
    world.s3.put_bucket_request_payment(Bucket=BUCKET, RequestPaymentConfiguration={"Payer": "BucketOwner"})
    assert world.s3.get_bucket_request_payment(Bucket=BUCKET)["Payer"] == "BucketOwner"


# Which requests are identified as which operation


def address_of(name: str) -> Address:
    """Return an address of the kind that an operation uses: service, bucket or object."""
    path = MODEL.operation_model(name).http["requestUri"]
    return Address("b", "k") if "{Key+}" in path else Address("b", None) if "{Bucket}" in path else Address(None, None)


def least_request(name: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the method, query and headers of the smallest request for an operation."""
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
    """Return the names of all query parameters of all operations."""
    return {name for operation in MODEL.operation_names for name in least_request(operation)[1]} | {
        member.serialization["name"]
        for operation in MODEL.operation_names
        if (shape := MODEL.operation_model(operation).input_shape) is not None
        for member in getattr(shape, "members", {}).values()
        if member.serialization.get("location") == "querystring"
    }


KNOWN_NAMES = sorted(query_names())
NAMES_OF_AWS = [
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
        st.sampled_from([*KNOWN_NAMES, *NAMES_OF_AWS]) | st.text(max_size=12), st.text(max_size=5), min_size=1
    ),
)
def test_an_additional_query_parameter_is_never_ignored(name: str, extra: dict[str, str]) -> None:
    method, query, headers = least_request(name)
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
    # Parameters of signatures remain, and those that S3 ignores so that clients can add text to its logs (``x-``).
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
def test_an_object_request_with_a_foreign_query_parameter_is_refused(method: str, query: dict[str, str]) -> None:
    with pytest.raises(AwsError):
        identify(method, Address("b", "k"), query, {})


@pytest.mark.parametrize(
    "query", [{"policy": "", "x-id": "CreateBucket"}, {"tagging": ""}, {"acl": ""}, {"website": ""}]
)
def test_a_request_to_set_a_bucket_property_never_creates_a_bucket(query: dict[str, str]) -> None:
    assert identify("PUT", Address("b", None), query, {}).name != "CreateBucket"


def test_a_header_unknown_to_the_operation_is_refused() -> None:
    at = Address("b", "k")
    refuse_unknown_headers("PutObject", {"x-amz-meta-a": "1", "x-amz-user-agent": "sdk", "accept": "*/*"})
    for name in ("x-amz-unknown", "x-amz-copy-source-range", "x-amz-mfa"):
        with pytest.raises(NotImplementedHeader):
            refuse_unknown_headers("PutObject", {name: "1"})
    with pytest.raises(NotImplementedParameter):
        identify("GET", at, {"unknown": ""}, {})
    with pytest.raises(MethodNotAllowed):
        identify("PUT", at, {"torrent": ""}, {})


def test_headers_in_the_query_string_count_as_headers(world: S3World) -> None:
    headers = with_query_headers({"host": "h"}, {"X-Amz-Acl": "public-read", "X-Amz-Date": "d", "x-other": "1"})
    assert headers == {"host": "h", "x-amz-acl": "public-read"}
    with pytest.raises(AwsError):
        with_query_headers({"x-amz-acl": "private"}, {"x-amz-acl": "public-read"})


@pytest.mark.parametrize("operation", ["PutObjectTagging", "PutBucketTagging", "PutBucketCors", "PutBucketEncryption"])
def test_a_setting_with_an_empty_body_is_refused_and_the_old_one_kept(world: S3World, operation: str) -> None:
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
        getattr(client, xform_name(operation))(**{m: least_value(m, shape.members[m]) for m in shape.required_members})
    assert caught.value.response["Error"]["Code"] == "MalformedXML"
    assert rows(world) == before


def test_an_unknown_header_changes_nothing_and_does_not_bypass_a_denial(world: S3World) -> None:
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
