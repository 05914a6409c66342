"""Tags of objects and buckets as clients use them, and policy conditions on tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.errors import AwsError
from reading_room.s3.tagging import read_header
from tests.worlds.s3 import S3World, policy, s3_world, statement

BUCKET = "tagged"
ARN = f"arn:aws:s3:::{BUCKET}"


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


def tags(s3: Any, key: str) -> dict[str, str]:
    """Return an object's tags."""
    return {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]}


def tag_set(**given: str) -> dict[str, Any]:
    """Return a ``Tagging`` structure."""
    return {"TagSet": [{"Key": name, "Value": value} for name, value in given.items()]}


def invalid_tag(call: Any, **parameters: Any) -> tuple[str, str, str | None]:
    """Return the message of an InvalidTag error, and the key and value that it names."""
    with pytest.raises(ClientError) as caught:
        call(Bucket=BUCKET, **parameters)
    error: dict[str, Any] = dict(caught.value.response["Error"])
    assert error["Code"] == "InvalidTag"
    return error["Message"], error["TagKey"], error.get("TagValue")


def test_the_reserved_prefix_is_refused_with_aws_messages_for_objects_and_buckets(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="reserved", Body=b"x")
    of_objects = ("Your TagKey cannot be prefixed with aws:", "aws:a", None)
    reserved = tag_set(**{"aws:a": "1"})
    assert invalid_tag(s3.put_object_tagging, Key="reserved", Tagging=reserved) == of_objects
    assert invalid_tag(s3.put_object, Key="reserved", Body=b"y", Tagging="aws:a=1") == of_objects
    of_buckets = ("System tags cannot be added/updated by requester", "aws:a", None)
    assert invalid_tag(s3.put_bucket_tagging, Tagging=reserved) == of_buckets


def test_the_error_names_the_invalid_tag(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="named", Body=b"x")
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}, {"Key": "b", "Value": "2"}]}
    for tagging, expected in (
        (tag_set(**{"a?": "1"}), ("The TagKey you have provided is invalid", "a?", None)),
        (tag_set(a="<1>"), ("The TagValue you have provided is invalid", "a", "<1>")),
        (twice, ("Cannot provide multiple Tags with the same key", "b", None)),
    ):
        assert invalid_tag(s3.put_object_tagging, Key="named", Tagging=tagging) == expected


def test_an_object_has_the_tags_given_when_it_was_put(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="put", Body=b"x", Tagging="a=1&a%20b=c%2Fd&empty=")
    assert tags(s3, "put") == {"a": "1", "a b": "c/d", "empty": ""}
    assert s3.head_object(Bucket=BUCKET, Key="put")["TagCount"] == 3
    assert s3.get_object(Bucket=BUCKET, Key="put")["TagCount"] == 3
    s3.put_object(Bucket=BUCKET, Key="put", Body=b"x")
    assert tags(s3, "put") == {}
    assert "TagCount" not in s3.head_object(Bucket=BUCKET, Key="put")


def test_replacing_and_removing_tags_does_not_change_the_object(s3: Any) -> None:
    before = s3.put_object(Bucket=BUCKET, Key="later", Body=b"bytes")
    s3.put_object_tagging(Bucket=BUCKET, Key="later", Tagging=tag_set(a="1", b="2"))
    s3.put_object_tagging(Bucket=BUCKET, Key="later", Tagging=tag_set(c="3"))
    assert tags(s3, "later") == {"c": "3"}
    s3.delete_object_tagging(Bucket=BUCKET, Key="later")
    assert tags(s3, "later") == {}
    got = s3.get_object(Bucket=BUCKET, Key="later")
    assert (got["Body"].read(), got["ETag"]) == (b"bytes", before["ETag"])


def test_a_multipart_object_has_the_tags_given_when_its_upload_began(s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts", Tagging="a=1")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    listed = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=BUCKET, Key="parts", UploadId=upload, MultipartUpload=listed)
    assert tags(s3, "parts") == {"a": "1"}


def test_a_copy_keeps_the_tags_unless_they_are_replaced(s3: Any) -> None:
    source = {"Bucket": BUCKET, "Key": "original"}
    s3.put_object(Bucket=BUCKET, Key="original", Body=b"x", Tagging="a=1")
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=source)
    assert tags(s3, "copy") == {"a": "1"}
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=source, TaggingDirective="REPLACE", Tagging="b=2")
    assert tags(s3, "copy") == {"b": "2"}
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=source, TaggingDirective="REPLACE")
    assert tags(s3, "copy") == {}
    assert code(s3.copy_object, Bucket=BUCKET, Key="copy", CopySource=source, Tagging="b=2") == "InvalidRequest"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("aws:x=1", "InvalidTag"),
        ("a=1&a=2", "InvalidArgument"),
        ("a=%ff", "InvalidArgument"),
        ("a=%3C", "InvalidTag"),
        ("k" * 129 + "=1", "InvalidTag"),
        ("a=" + "v" * 257, "InvalidTag"),
        ("=1", "InvalidTag"),
        ("&".join(f"k{number}=v" for number in range(11)), "BadRequest"),
    ],
)
def test_invalid_tags_are_refused_and_nothing_is_stored(s3: Any, given: str, expected: str) -> None:
    assert code(s3.put_object, Bucket=BUCKET, Key="refused", Body=b"x", Tagging=given) == expected
    assert code(s3.head_object, Bucket=BUCKET, Key="refused") == "404"


def test_a_tag_set_with_a_duplicate_key_is_refused(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="twice", Body=b"x", Tagging="a=1")
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    assert code(s3.put_object_tagging, Bucket=BUCKET, Key="twice", Tagging=twice) == "InvalidTag"
    assert tags(s3, "twice") == {"a": "1"}
    assert code(s3.put_object_tagging, Bucket=BUCKET, Key="none", Tagging=tag_set(a="1")) == "NoSuchKey"


@given(st.text())
def test_any_tagging_header_is_parsed_or_refused(header: str) -> None:
    try:
        found = read_header(header)
    except AwsError:
        return
    assert len(found) <= 10


def test_a_bucket_has_the_tags_that_were_set(s3: Any) -> None:
    s3.create_bucket(Bucket="labelled")
    assert code(s3.get_bucket_tagging, Bucket="labelled") == "NoSuchTagSet"
    s3.put_bucket_tagging(Bucket="labelled", Tagging=tag_set(team="law", cost="7"))
    assert s3.get_bucket_tagging(Bucket="labelled")["TagSet"] == tag_set(team="law", cost="7")["TagSet"]
    many = tag_set(**{f"k{number}": "v" for number in range(51)})
    assert code(s3.put_bucket_tagging, Bucket="labelled", Tagging=many) == "BadRequest"
    s3.delete_bucket_tagging(Bucket="labelled")
    assert code(s3.get_bucket_tagging, Bucket="labelled") == "NoSuchTagSet"


# Permissions


def test_writing_with_tags_requires_a_separate_permission(world: S3World) -> None:
    writer = world.client(world.user("writer", policy(statement("Allow", "s3:PutObject", f"{ARN}/*"))))
    writer.put_object(Bucket=BUCKET, Key="own", Body=b"x")
    assert code(writer.put_object, Bucket=BUCKET, Key="own", Body=b"y", Tagging="a=1") == "AccessDenied"
    assert code(writer.put_object_tagging, Bucket=BUCKET, Key="own", Tagging=tag_set(a="1")) == "AccessDenied"


def test_a_condition_can_require_a_tag_on_writes(world: S3World, s3: Any) -> None:
    tagged = {"StringEquals": {"s3:RequestObjectTag/class": "open"}}
    document = policy(
        statement("Allow", ["s3:PutObject", "s3:PutObjectTagging"], f"{ARN}/*", Condition=tagged),
    )
    writer = world.client(world.user("tagger", document))
    assert code(writer.put_object, Bucket=BUCKET, Key="by-tagger", Body=b"x") == "AccessDenied"
    assert code(writer.put_object, Bucket=BUCKET, Key="by-tagger", Body=b"x", Tagging="class=shut") == "AccessDenied"
    writer.put_object(Bucket=BUCKET, Key="by-tagger", Body=b"x", Tagging="class=open")
    shut = tag_set(**{"class": "shut"})
    assert code(writer.put_object_tagging, Bucket=BUCKET, Key="by-tagger", Tagging=shut) == "AccessDenied"
    writer.put_object_tagging(Bucket=BUCKET, Key="by-tagger", Tagging=tag_set(**{"class": "open"}))


def test_a_condition_can_restrict_the_tag_keys_of_writes(world: S3World) -> None:
    only = {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["class", "team"]}}
    document = policy(statement("Allow", ["s3:PutObject", "s3:PutObjectTagging"], f"{ARN}/*", Condition=only))
    writer = world.client(world.user("key-tagger", document))
    writer.put_object(Bucket=BUCKET, Key="keys", Body=b"x", Tagging="class=open")
    assert code(writer.put_object, Bucket=BUCKET, Key="keys", Body=b"x", Tagging="class=open&x=1") == "AccessDenied"


def test_a_condition_can_require_a_tag_on_reads(world: S3World, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="open", Body=b"open", Tagging="class=open")
    s3.put_object(Bucket=BUCKET, Key="shut", Body=b"shut", Tagging="class=shut")
    s3.put_object(Bucket=BUCKET, Key="bare", Body=b"bare")
    tagged = {"StringEquals": {"s3:ExistingObjectTag/class": "open"}}
    reader = world.client(
        world.user("tag-reader", policy(statement("Allow", "s3:GetObject", f"{ARN}/*", Condition=tagged)))
    )
    got = reader.get_object(Bucket=BUCKET, Key="open")
    assert got["Body"].read() == b"open"
    assert "TagCount" not in got, "only callers who may read tags get their count"
    assert code(reader.get_object, Bucket=BUCKET, Key="shut") == "AccessDenied"
    assert code(reader.get_object, Bucket=BUCKET, Key="bare") == "AccessDenied"
    s3.put_object_tagging(Bucket=BUCKET, Key="open", Tagging=tag_set(**{"class": "shut"}))
    assert code(reader.get_object, Bucket=BUCKET, Key="open") == "AccessDenied"


def test_copying_a_tagged_object_requires_permissions_on_its_tags(world: S3World, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="with", Body=b"x", Tagging="a=1")
    s3.put_object(Bucket=BUCKET, Key="without", Body=b"x")
    document = policy(statement("Allow", ["s3:GetObject", "s3:PutObject"], f"{ARN}/*"))
    copier = world.client(world.user("copier", document))
    copier.copy_object(Bucket=BUCKET, Key="copied", CopySource=f"{BUCKET}/without")
    assert code(copier.copy_object, Bucket=BUCKET, Key="copied", CopySource=f"{BUCKET}/with") == "AccessDenied"
    copier.copy_object(Bucket=BUCKET, Key="copied", CopySource=f"{BUCKET}/with", TaggingDirective="REPLACE")
    assert tags(s3, "copied") == {}


def test_tags_survive_a_restart(tmp_path: Any) -> None:
    with s3_world(tmp_path) as world:
        world.s3.create_bucket(Bucket=BUCKET)
        world.s3.put_object(Bucket=BUCKET, Key="k", Body=b"x", Tagging="class=shut")
        deny = statement(
            "Deny",
            "s3:GetObject",
            f"{ARN}/*",
            Principal="*",
            Condition={"StringEquals": {"s3:ExistingObjectTag/class": "shut"}},
        )
        world.s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(deny))
        key = world.key
    world = S3World(tmp_path, administrator="another")
    try:
        assert code(world.client(key).get_object, Bucket=BUCKET, Key="k") == "AccessDenied"
    finally:
        world.close()
