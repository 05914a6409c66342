"""User metadata beyond ASCII: encoded words of RFC 2047 in headers, plain text in the store."""

from __future__ import annotations

from collections.abc import Iterator
from email.header import decode_header, make_header

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from reading_room.s3.metadata import decode, encode
from tests.worlds.s3 import S3World, s3_world

BUCKET = "metadata"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """Yield a world with a bucket."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        world.s3.create_bucket(Bucket=BUCKET)
        yield world


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain ascii, as it is", "plain ascii, as it is"),
        ("", ""),
        # Answers of S3 that others published. Text that is mostly ASCII is quoted-printable, any other is base64.
        ("Mini\xc3\xb6", "=?UTF-8?Q?Mini=C3=83=C2=B6?="),
        ("\xc3\xb6", "=?UTF-8?B?w4PCtg==?="),
        ("\xc3\x84M\xc3\x84Z\xc3\x95\xc3\x91 S3", "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?="),
        ("a=b_c?d é", "=?UTF-8?Q?a=3Db=5Fc=3Fd_=C3=A9?="),
        ("line\r\nx-injected: 1", "=?UTF-8?Q?line=0D=0Ax-injected:_1?="),
    ],
)
def test_a_value_is_encoded_as_s3_encodes_it(value: str, written: str) -> None:
    assert encode(value) == written
    assert decode(written) == value


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_survives_encoding_and_is_readable_by_other_decoders(value: str) -> None:
    written = encode(value)
    assert written.isascii()
    assert not {"\r", "\n"} & set(written)
    if written != value:
        assert decode(written) == str(make_header(decode_header(written))) == value
        assert all(len(word) <= 75 for word in written.split(" "))


@given(st.text(st.characters(max_codepoint=255), max_size=80))
def test_any_value_is_decoded_to_some_text(value: str) -> None:
    decode(value).encode()
    decode(f"=?utf-8?Q?{value}?=").encode()


@pytest.mark.parametrize(
    "value",
    [
        "=?utf-8?B?not base64?=",
        "=?utf-8?B?abc?=",
        "=?utf-8?B?/w==?=",
        "=?utf-8?Q?=FF?=",
        "=?utf-8?Q?=4?=",
        "=?utf-7?Q?+2AA-?=",
        "=?unknown?Q?a?=",
        "=?utf-8?X?a?=",
        "=?=?=?=",
    ],
)
def test_text_that_is_not_an_encoded_word_is_kept_unchanged(value: str) -> None:
    assert decode(value) == value


def test_adjacent_encoded_words_are_joined() -> None:
    assert decode("=?UTF-8?Q?caf=C3=A9?= =?utf-8?b?IMOp?= and more") == "café é and more"
    assert decode("=?ISO-8859-1?q?=E9t=E9?=") == "été"


def test_an_encoded_value_is_stored_as_text_and_returned_encoded(world: S3World) -> None:
    sent = {"city": "=?utf-8?b?WsO8cmljaA==?=", "plain": "=?UTF-8?Q?ascii?="}
    world.s3.put_object(Bucket=BUCKET, Key="k", Body=b"", Metadata=sent)
    expected = {"city": "=?UTF-8?Q?Z=C3=BCrich?=", "plain": "ascii"}
    assert world.s3.head_object(Bucket=BUCKET, Key="k")["Metadata"] == expected
    assert world.s3.get_object(Bucket=BUCKET, Key="k")["Metadata"] == expected
    world.s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/k")
    assert world.s3.head_object(Bucket=BUCKET, Key="copy")["Metadata"] == expected
    world.s3.copy_object(
        Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/k", MetadataDirective="REPLACE", Metadata=sent
    )
    upload = world.s3.create_multipart_upload(Bucket=BUCKET, Key="parts", Metadata=sent)["UploadId"]
    part = world.s3.upload_part(Bucket=BUCKET, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    world.s3.complete_multipart_upload(Bucket=BUCKET, Key="parts", UploadId=upload, MultipartUpload=parts)
    for key in ("copy", "parts"):
        assert world.s3.head_object(Bucket=BUCKET, Key=key)["Metadata"] == expected


def test_bytes_beyond_ascii_are_read_as_latin_1_as_at_s3(world: S3World) -> None:
    client = world.client()
    # The SDK accepts only ASCII as metadata, so the header is set below it.
    client.meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: params["headers"].update({"x-amz-meta-a": "Miniö"})
    )
    client.put_object(Bucket=BUCKET, Key="raw", Body=b"")
    assert client.head_object(Bucket=BUCKET, Key="raw")["Metadata"] == {"a": "=?UTF-8?Q?Mini=C3=83=C2=B6?="}


def test_the_size_limit_counts_metadata_as_it_is_stored(world: S3World) -> None:
    word = f"=?UTF-8?Q?{'=C3=A9' * 1000}?="
    world.s3.put_object(Bucket=BUCKET, Key="long", Body=b"", Metadata={"a": word})
    with pytest.raises(ClientError, match="MetadataTooLarge"):
        world.s3.put_object(Bucket=BUCKET, Key="longer", Body=b"", Metadata={"a": word, "b": "é".encode().hex() * 12})
