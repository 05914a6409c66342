"""S3's XML: what is dangerous or wrong is refused, what XML cannot say is replaced."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.errors import AwsError
from reading_room.aws.models import operation_model
from reading_room.aws.protocols import rest_xml, xml

BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><Delete>&b;</Delete>'
DELETE = operation_model("s3", "DeleteObjects")


def parse(body: bytes) -> dict[str, object]:
    """Read a DeleteObjects request."""
    assert DELETE is not None
    return rest_xml.parse(DELETE, rest_xml.RequestParts({"Bucket": "b"}, (), (), body))


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
def test_xml_that_is_dangerous_or_wrong_is_malformed(body: bytes) -> None:
    began = time.process_time()
    with pytest.raises(AwsError) as caught:
        parse(body)
    assert caught.value.code == "MalformedXML"
    assert time.process_time() - began < 2


def test_names_with_and_without_the_namespace_are_read_alike() -> None:
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


def test_an_argument_of_a_wrong_type_is_named() -> None:
    operation = operation_model("s3", "ListObjectsV2")
    assert operation is not None
    with pytest.raises(AwsError) as caught:
        rest_xml.parse(operation, rest_xml.RequestParts({"Bucket": "b"}, [("max-keys", "many")]))
    assert caught.value.code == "InvalidArgument"
    assert caught.value.extra["ArgumentName"] == "max-keys"


def test_an_error_has_its_extra_elements() -> None:
    class NoSuchKey(AwsError):
        """An error of S3."""

        code = "NoSuchKey"
        status = 404

    headers, body = rest_xml.serialize_error(NoSuchKey("It is not there.", {"Key": "a<b"}), "r1", "h1")
    assert b"<Code>NoSuchKey</Code><Message>It is not there.</Message><Key>a&lt;b</Key>" in body
    assert b"<RequestId>r1</RequestId><HostId>h1</HostId>" in body
    assert ("x-amz-request-id", "r1") in headers
