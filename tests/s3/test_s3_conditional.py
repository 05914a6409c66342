"""Conditional reads, writes, copies and deletes, and the permissions that they require."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.s3 import S3World, policy, s3_world, statement

BUCKET = "conditional"
ARN = f"arn:aws:s3:::{BUCKET}"
LONG_AGO, SOON = dt.datetime(2001, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """Yield a world with a bucket."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        world.s3.create_bucket(Bucket=BUCKET)
        yield world


@pytest.fixture
def s3(world: S3World) -> Any:
    """Return the administrator's client."""
    return world.s3


def code(call: Any, **parameters: Any) -> str:
    """Return the error code of a call that is expected to fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"IfMatch": "ETAG"}, None),
        ({"IfMatch": '"other"'}, "PreconditionFailed"),
        ({"IfNoneMatch": '"other"'}, None),
        ({"IfNoneMatch": "ETAG"}, "304"),
        ({"IfNoneMatch": "*"}, "304"),
        ({"IfModifiedSince": LONG_AGO}, None),
        ({"IfModifiedSince": SOON}, "304"),
        ({"IfUnmodifiedSince": SOON}, None),
        ({"IfUnmodifiedSince": LONG_AGO}, "PreconditionFailed"),
        ({"IfMatch": "ETAG", "IfUnmodifiedSince": LONG_AGO}, None),
        ({"IfNoneMatch": "ETAG", "IfModifiedSince": LONG_AGO}, "304"),
        ({"IfNoneMatch": '"other"', "IfModifiedSince": SOON}, None),
    ],
)
def test_reads_obey_their_conditions(s3: Any, conditions: dict[str, Any], expected: str | None) -> None:
    etag = s3.put_object(Bucket=BUCKET, Key="read", Body=b"bytes")["ETag"]
    arguments = {name: etag if value == "ETAG" else value for name, value in conditions.items()}
    if expected is None:
        assert s3.get_object(Bucket=BUCKET, Key="read", **arguments)["Body"].read() == b"bytes"
        assert s3.head_object(Bucket=BUCKET, Key="read", **arguments)["ContentLength"] == 5
    else:
        assert code(s3.get_object, Bucket=BUCKET, Key="read", **arguments) == expected
        assert code(s3.head_object, Bucket=BUCKET, Key="read", **arguments) == expected.replace(
            "PreconditionFailed", "412"
        )


def test_if_none_match_allows_only_the_first_write(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="first", Body=b"1", IfNoneMatch="*")
    assert code(s3.put_object, Bucket=BUCKET, Key="first", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    assert s3.get_object(Bucket=BUCKET, Key="first")["Body"].read() == b"1"
    assert code(s3.put_object, Bucket=BUCKET, Key="first", Body=b"2", IfNoneMatch='"e"') == "NotImplemented"


def test_if_none_match_lets_one_of_many_concurrent_writers_succeed(s3: Any) -> None:
    def write(number: int) -> str | None:
        try:
            s3.put_object(Bucket=BUCKET, Key="race", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return None

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(8)))
    assert sorted(map(str, answers)) == ["None", *["PreconditionFailed"] * 7]
    assert s3.get_object(Bucket=BUCKET, Key="race")["Body"].read() == str(answers.index(None)).encode()


def test_if_match_allows_overwriting_only_the_named_object(s3: Any) -> None:
    etag = s3.put_object(Bucket=BUCKET, Key="over", Body=b"1")["ETag"]
    s3.put_object(Bucket=BUCKET, Key="over", Body=b"2", IfMatch=etag)
    assert code(s3.put_object, Bucket=BUCKET, Key="over", Body=b"3", IfMatch=etag) == "PreconditionFailed"
    assert code(s3.put_object, Bucket=BUCKET, Key="absent", Body=b"3", IfMatch=etag) == "NoSuchKey"
    assert s3.get_object(Bucket=BUCKET, Key="over")["Body"].read() == b"2"


def test_completing_an_upload_obeys_its_conditions(s3: Any) -> None:
    etag = s3.put_object(Bucket=BUCKET, Key="done", Body=b"1")["ETag"]
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="done")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="done", UploadId=upload, PartNumber=1, Body=b"2")
    arguments: dict[str, Any] = {
        "Bucket": BUCKET,
        "Key": "done",
        "UploadId": upload,
        "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    }
    assert code(s3.complete_multipart_upload, **arguments, IfNoneMatch="*") == "PreconditionFailed"
    assert code(s3.complete_multipart_upload, **arguments, IfMatch='"other"') == "PreconditionFailed"
    s3.complete_multipart_upload(**arguments, IfMatch=etag)
    assert s3.get_object(Bucket=BUCKET, Key="done")["Body"].read() == b"2"


@pytest.mark.parametrize(
    ("conditions", "copies"),
    [
        ({"CopySourceIfMatch": "ETAG"}, True),
        ({"CopySourceIfMatch": '"other"'}, False),
        ({"CopySourceIfNoneMatch": "ETAG"}, False),
        ({"CopySourceIfModifiedSince": SOON}, False),
        ({"CopySourceIfModifiedSince": LONG_AGO}, True),
        ({"CopySourceIfUnmodifiedSince": LONG_AGO}, False),
    ],
)
def test_a_copy_obeys_the_conditions_on_its_source(s3: Any, conditions: dict[str, Any], copies: bool) -> None:
    etag = s3.put_object(Bucket=BUCKET, Key="source", Body=b"1")["ETag"]
    s3.delete_object(Bucket=BUCKET, Key="copy")
    arguments = {name: etag if value == "ETAG" else value for name, value in conditions.items()}
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="part-copy")["UploadId"]
    part = {"Bucket": BUCKET, "Key": "part-copy", "UploadId": upload, "PartNumber": 1, "CopySource": f"{BUCKET}/source"}
    if copies:
        s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/source", **arguments)
        s3.upload_part_copy(**part, **arguments)
    else:
        answer = code(s3.copy_object, Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/source", **arguments)
        assert answer == "PreconditionFailed"
        assert code(s3.upload_part_copy, **part, **arguments) == "PreconditionFailed"
        assert code(s3.head_object, Bucket=BUCKET, Key="copy") == "404"


def test_if_none_match_allows_only_the_first_copy(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="original", Body=b"1")
    s3.copy_object(Bucket=BUCKET, Key="once", CopySource=f"{BUCKET}/original", IfNoneMatch="*")
    answer = code(s3.copy_object, Bucket=BUCKET, Key="once", CopySource=f"{BUCKET}/original", IfNoneMatch="*")
    assert answer == "PreconditionFailed"


def test_if_match_deletes_only_the_named_object(s3: Any) -> None:
    etag = s3.put_object(Bucket=BUCKET, Key="gone", Body=b"1")["ETag"]
    assert code(s3.delete_object, Bucket=BUCKET, Key="gone", IfMatch='"other"') == "PreconditionFailed"
    assert s3.head_object(Bucket=BUCKET, Key="gone")["ETag"] == etag
    s3.delete_object(Bucket=BUCKET, Key="gone", IfMatch=etag)
    assert code(s3.delete_object, Bucket=BUCKET, Key="gone", IfMatch=etag) == "NoSuchKey"
    assert code(s3.delete_object, Bucket=BUCKET, Key="gone", IfMatch="*") == "PreconditionFailed"
    assert code(s3.delete_object, Bucket=BUCKET, Key="gone", IfMatchSize=1) == "NotImplemented"
    s3.put_object(Bucket=BUCKET, Key="gone", Body=b"1")
    listed = {"Objects": [{"Key": "gone", "ETag": '"other"'}]}
    assert s3.delete_objects(Bucket=BUCKET, Delete=listed)["Errors"][0]["Code"] == "PreconditionFailed"


@pytest.mark.parametrize(("condition", "loser"), [("*", "PreconditionFailed"), ("ETAG", "NoSuchKey")])
def test_one_of_many_concurrent_conditional_deletes_succeeds(s3: Any, condition: str, loser: str) -> None:
    etag = s3.put_object(Bucket=BUCKET, Key="raced", Body=b"1")["ETag"]

    def deletes(_: int) -> str | None:
        try:
            s3.delete_object(Bucket=BUCKET, Key="raced", IfMatch=etag if condition == "ETAG" else condition)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return None

    with ThreadPoolExecutor(4) as pool:
        found = Counter(pool.map(deletes, range(8)))
    assert found == {None: 1, loser: 7}


def test_concurrent_unconditional_deletes_of_a_key_all_succeed(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="raced", Body=b"1")
    listed = {"Objects": [{"Key": "raced"}]}

    def deletes(number: int) -> Any:
        if number % 2:
            return s3.delete_object(Bucket=BUCKET, Key="raced")["ResponseMetadata"]["HTTPStatusCode"]
        return s3.delete_objects(Bucket=BUCKET, Delete=listed)["Deleted"][0]["Key"]

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(deletes, range(8))) == {204, "raced"}


def test_if_match_with_an_etag_requires_permission_to_read(world: S3World, s3: Any) -> None:
    etag = s3.put_object(Bucket=BUCKET, Key="secret", Body=b"1")["ETag"]
    writer = world.client(
        world.user("blind", policy(statement("Allow", ["s3:PutObject", "s3:DeleteObject"], f"{ARN}/*")))
    )
    assert code(writer.put_object, Bucket=BUCKET, Key="secret", Body=b"2", IfMatch=etag) == "AccessDenied"
    assert code(writer.delete_object, Bucket=BUCKET, Key="secret", IfMatch=etag) == "AccessDenied"
    for guess in (etag, '"other"'):
        refused = writer.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "secret", "ETag": guess}]})
        assert [each["Code"] for each in refused["Errors"]] == ["AccessDenied"]
    writer.put_object(Bucket=BUCKET, Key="secret", Body=b"2", IfMatch="*")
    writer.delete_object(Bucket=BUCKET, Key="secret", IfMatch="*")


def test_a_bucket_policy_can_require_conditional_writes(world: S3World, s3: Any) -> None:
    s3.create_bucket(Bucket="write-once")
    demand = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
    deny = statement("Deny", "s3:PutObject", "arn:aws:s3:::write-once/*", Principal="*", Condition=demand)
    s3.put_bucket_policy(Bucket="write-once", Policy=policy(deny))
    assert code(s3.put_object, Bucket="write-once", Key="k", Body=b"1") == "AccessDenied"
    s3.put_object(Bucket="write-once", Key="k", Body=b"1", IfNoneMatch="*")
    upload = s3.create_multipart_upload(Bucket="write-once", Key="parts")["UploadId"]
    part = s3.upload_part(Bucket="write-once", Key="parts", UploadId=upload, PartNumber=1, Body=b"2")
    arguments: dict[str, Any] = {
        "Bucket": "write-once",
        "Key": "parts",
        "UploadId": upload,
        "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    }
    assert code(s3.complete_multipart_upload, **arguments) == "AccessDenied"
    s3.complete_multipart_upload(**arguments, IfNoneMatch="*")
