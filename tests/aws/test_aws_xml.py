"""S3's XML and headers: dangerous or malformed XML is refused, and characters that XML lacks are replaced."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from botocore.model import OperationModel
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.errors import AwsError
from reading_room.aws.models import operation_model
from reading_room.aws.protocols import rest_xml, xml

BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><Delete>&b;</Delete>'
NEW_YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def operation_of(name: str) -> OperationModel:
    """Return an operation of S3's model."""
    operation = operation_model("s3", name)
    assert operation is not None
    return operation


def parse(body: bytes, name: str = "DeleteObjects") -> dict[str, object]:
    """Return the parameters of a request with this body."""
    return rest_xml.parse(operation_of(name), rest_xml.RequestParts({"Bucket": "b"}, (), (), body))


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><Delete/>',
        b"<Delete>",
        b"not xml",
        b"<a/><b/>",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="no-such"?><Delete/>',
        b"<a>" * 100_000,
        b"<Delete><Quiet>perhaps</Quiet></Delete>",
        b"<Delete><Quiet>true</Quiet><Quiet>true</Quiet></Delete>",
        b"<Delete>\x01</Delete>",
    ],
    ids=range(11),
)
def test_dangerous_or_malformed_xml_is_refused(body: bytes) -> None:
    began = time.process_time()
    with pytest.raises(AwsError) as caught:
        parse(body)
    assert caught.value.code == "MalformedXML"
    assert time.process_time() - began < 2


def test_the_namespace_is_optional() -> None:
    plain = b"<Delete><Object><Key>a&amp;b</Key></Object><Object><Key/></Object></Delete>"
    named = plain.replace(b"<Delete>", f'<Delete xmlns="{rest_xml.NAMESPACE}">'.encode())
    expected = {"Bucket": "b", "Delete": {"Objects": [{"Key": "a&b"}, {"Key": ""}]}}
    assert parse(plain) == parse(named) == expected


@given(st.text())
def test_any_text_makes_well_formed_xml(text: str) -> None:
    document = xml.element("a", text).encode()
    read = xml.read(document).text or ""
    assert len(read) == len(text)
    assert all(a == b or b == "\ufffd" for a, b in zip(text, read, strict=True))


def test_the_error_for_an_argument_of_a_wrong_type_names_it() -> None:
    with pytest.raises(AwsError) as caught:
        rest_xml.parse(operation_of("ListObjectsV2"), rest_xml.RequestParts({"Bucket": "b"}, [("max-keys", "many")]))
    assert caught.value.code == "InvalidArgument"
    assert caught.value.extra["ArgumentName"] == "max-keys"


def test_the_first_of_duplicate_headers_or_parameters_is_used() -> None:
    parts = rest_xml.RequestParts(
        {"Bucket": "b", "Key": "k"},
        [("versionId", "one"), ("versionId", "two")],
        [("range", "bytes=0-1"), ("range", "bytes=2-3"), ("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT")],
    )
    assert rest_xml.parse(operation_of("GetObject"), parts) == {
        "Bucket": "b",
        "Key": "k",
        "VersionId": "one",
        "Range": "bytes=0-1",
        "IfModifiedSince": NEW_YEAR,
    }


def test_metadata_is_read_from_headers_with_its_prefix() -> None:
    headers = [("x-amz-meta-colour", "red"), ("x-amz-meta-", "nameless"), ("x-amz-metadata-directive", "COPY")]
    parts = rest_xml.RequestParts({"Bucket": "b", "Key": "k"}, (), headers)
    assert rest_xml.parse(operation_of("PutObject"), parts)["Metadata"] == {"colour": "red", "": "nameless"}
    assert "Metadata" not in rest_xml.parse(
        operation_of("PutObject"), rest_xml.RequestParts({"Bucket": "b", "Key": "k"})
    )


def test_a_list_in_a_header_is_separated_by_commas() -> None:
    headers = [("x-amz-object-attributes", "ETag, ObjectSize")]
    parts = rest_xml.RequestParts({"Bucket": "b", "Key": "k"}, (), headers)
    assert rest_xml.parse(operation_of("GetObjectAttributes"), parts)["ObjectAttributes"] == ["ETag", "ObjectSize"]


def test_an_operation_without_input_has_no_parameters() -> None:
    nothing = OperationModel({"name": "Nothing", "http": {}}, operation_of("GetObject").service_model)
    assert rest_xml.parse(nothing, rest_xml.RequestParts({"Bucket": "b"}, (), (), b"<a/>")) == {}


def test_a_policy_is_parsed_as_text_and_an_object_as_bytes() -> None:
    assert parse(b"{}", "PutBucketPolicy") == {"Bucket": "b", "Policy": "{}"}
    assert parse(b"\xff", "PutObject") == {"Bucket": "b", "Body": b"\xff"}
    with pytest.raises(AwsError) as caught:
        parse(b"\xff", "PutBucketPolicy")
    assert caught.value.code == "InvalidArgument"
    assert caught.value.extra["ArgumentName"] == "body"


def test_a_streaming_or_empty_body_is_not_a_parameter() -> None:
    parts = rest_xml.RequestParts({"Bucket": "b", "Key": "k"}, (), (), None)
    assert rest_xml.parse(operation_of("PutObject"), parts) == {"Bucket": "b", "Key": "k"}
    assert parse(b"", "DeleteObjects") == {"Bucket": "b"}
    assert parse(b"<anything/>", "HeadBucket") == {"Bucket": "b"}


GRANTS = (
    b'<AccessControlPolicy xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><AccessControlList><Grant>'
    b'<Grantee xsi:type="CanonicalUser"><ID>a</ID></Grantee><Permission>READ</Permission></Grant>'
    b"<Other/></AccessControlList></AccessControlPolicy>"
)


def test_an_xml_attribute_is_parsed_and_serialized() -> None:
    read = {"Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": "a"}, "Permission": "READ"}]}
    assert parse(GRANTS, "PutBucketAcl") == {"Bucket": "b", "AccessControlPolicy": read}
    _, body = rest_xml.serialize(operation_of("GetBucketAcl"), read)
    assert b'<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>a</ID>' in body


def test_an_answer_has_headers_and_a_root_element() -> None:
    result = {"VersionId": "v", "CopyObjectResult": {"ETag": '"e"', "LastModified": NEW_YEAR}}
    headers, body = rest_xml.serialize(operation_of("CopyObject"), result)
    assert headers == [("x-amz-version-id", "v"), ("content-type", "application/xml")]
    inside = '<ETag>"e"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified>'
    root = f'<CopyObjectResult xmlns="{rest_xml.NAMESPACE}">{inside}</CopyObjectResult>'
    assert body.decode() == '<?xml version="1.0" encoding="UTF-8"?>\n' + root


@pytest.mark.parametrize(
    ("operation", "root"),
    [
        ("CompleteMultipartUpload", "CompleteMultipartUploadResult"),
        ("CreateMultipartUpload", "InitiateMultipartUploadResult"),
        ("DeleteObjects", "DeleteResult"),
        ("GetBucketAccelerateConfiguration", "AccelerateConfiguration"),
        ("GetBucketAcl", "AccessControlPolicy"),
        ("GetBucketCors", "CORSConfiguration"),
        ("GetBucketLifecycleConfiguration", "LifecycleConfiguration"),
        ("GetBucketLogging", "BucketLoggingStatus"),
        ("GetBucketNotificationConfiguration", "NotificationConfiguration"),
        ("GetBucketRequestPayment", "RequestPaymentConfiguration"),
        ("GetBucketTagging", "Tagging"),
        ("GetBucketVersioning", "VersioningConfiguration"),
        ("GetBucketWebsite", "WebsiteConfiguration"),
        ("GetObjectAcl", "AccessControlPolicy"),
        ("GetObjectAttributes", "GetObjectAttributesResponse"),
        ("GetObjectTagging", "Tagging"),
        ("ListBuckets", "ListAllMyBucketsResult"),
        ("ListMultipartUploads", "ListMultipartUploadsResult"),
        ("ListObjectVersions", "ListVersionsResult"),
        ("ListObjects", "ListBucketResult"),
        ("ListObjectsV2", "ListBucketResult"),
        ("ListParts", "ListPartsResult"),
    ],
)
def test_the_root_element_of_an_answer_has_its_documented_name(operation: str, root: str) -> None:
    """botocore ignores the name, but other clients check it."""
    _, body = rest_xml.serialize(operation_of(operation), {})
    assert xml.read(body).tag == root


@pytest.mark.parametrize(
    ("operation", "result", "headers", "body"),
    [
        ("HeadBucket", {}, [], b""),
        ("DeleteBucket", {"x": 1}, [], b""),
        ("DeleteObject", {"DeleteMarker": True}, [("x-amz-delete-marker", "true")], b""),
        ("CopyObject", {}, [], b""),
        ("GetBucketPolicy", {"Policy": "{}"}, [], b"{}"),
        ("GetBucketPolicy", {}, [], b""),
        (
            "GetObject",
            {"LastModified": NEW_YEAR, "Metadata": {"colour": "red"}, "Body": b"x", "ContentLength": 1},
            [
                ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
                ("content-length", "1"),
                ("x-amz-meta-colour", "red"),
            ],
            b"",
        ),
    ],
)
def test_an_answer_without_xml_has_only_headers_and_a_plain_body(
    operation: str, result: dict[str, object], headers: list[tuple[str, str]], body: bytes
) -> None:
    found_headers, found_body = rest_xml.serialize(operation_of(operation), result)
    assert (sorted(found_headers), found_body) == (sorted(headers), body)


def test_an_error_without_a_host_id_has_no_header_for_it() -> None:
    headers, body = rest_xml.serialize_error(AwsError("No."), "r1")
    assert headers == [("content-type", "application/xml"), ("x-amz-request-id", "r1")]
    assert body.endswith(b"<RequestId>r1</RequestId><HostId></HostId></Error>")


@pytest.mark.parametrize(
    ("value", "written"),
    [("a\rb\n\tc", "a&#13;b\n\tc"), ("<&>", "&lt;&amp;&gt;"), ("\x00\x0b\x1f\ufffe\ud800", "\ufffd" * 5), ('"', '"')],
)
def test_characters_that_xml_cannot_represent_are_replaced(value: str, written: str) -> None:
    assert xml.text(value) == written


def test_the_depth_of_xml_is_limited() -> None:
    def nested(levels: int) -> bytes:
        return b"<a>" * levels + b"</a>" * levels

    assert xml.read(nested(xml.MAX_DEPTH)).tag == "a"
    with pytest.raises(ValueError, match=f"nested more than {xml.MAX_DEPTH} deep"):
        xml.read(nested(xml.MAX_DEPTH + 1))


def test_an_error_has_additional_elements() -> None:
    class NoSuchKey(AwsError):
        """An error of S3."""

        code = "NoSuchKey"
        status = 404

    headers, body = rest_xml.serialize_error(NoSuchKey("It is not there.", {"Key": "a<b"}), "r1", "h1")
    assert b"<Code>NoSuchKey</Code><Message>It is not there.</Message><Key>a&lt;b</Key>" in body
    assert b"<RequestId>r1</RequestId><HostId>h1</HostId>" in body
    assert ("x-amz-request-id", "r1") in headers
