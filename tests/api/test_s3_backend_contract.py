"""The contract of the storage backends, tested through S3's API: one suite for all places of the bytes."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.s3.backends.backup_lock import NAME as LOCK
from reading_room.s3.backends.files import LABEL
from reading_room.s3.errors import NoSuchKey
from tests.worlds.s3 import S3World, s3_world

MIB = 1024 * 1024


LONG = [pytest.param(kind, marks=pytest.mark.chaos) for kind in ("shared", "rclone")]


@pytest.fixture(scope="module", params=["files", "memory", "service", *LONG])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """An account for each backend."""
    with s3_world(tmp_path_factory.mktemp("s3"), request.param) as world:
        world.s3.create_bucket(Bucket="contract")
        yield world


@pytest.fixture
def s3(world: S3World) -> Any:
    """The administrator's client."""
    return world.s3


def code(call: Any, **parameters: Any) -> str:
    """Return the error code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def body_of(s3: Any, key: str, **parameters: Any) -> bytes:
    """Return an object's bytes."""
    return bytes(s3.get_object(Bucket="contract", Key=key, **parameters)["Body"].read())


@pytest.mark.parametrize("size", [0, 1, 65_536, 3 * MIB + 17])
def test_an_object_is_returned_as_it_was_put(s3: Any, size: int) -> None:
    data = os.urandom(size)
    put = s3.put_object(Bucket="contract", Key="round", Body=data, Metadata={"colour": "blue"}, ContentType="a/b")
    got = s3.get_object(Bucket="contract", Key="round")
    assert got["Body"].read() == data
    assert got["ContentLength"] == size
    assert got["ETag"] == put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    assert (got["Metadata"], got["ContentType"]) == ({"colour": "blue"}, "a/b")
    assert got["ServerSideEncryption"] == "AES256"


def test_the_stored_headers_are_returned_and_can_be_overridden(s3: Any) -> None:
    s3.put_object(
        Bucket="contract",
        Key="headers",
        Body=b"x",
        CacheControl="no-store",
        ContentDisposition="inline",
        ContentEncoding="gzip",
        ContentLanguage="de",
    )
    head = s3.head_object(Bucket="contract", Key="headers")
    assert [head[n] for n in ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage")] == [
        "no-store",
        "inline",
        "gzip",
        "de",
    ]
    got = s3.get_object(
        Bucket="contract", Key="headers", ResponseContentType="text/html", ResponseCacheControl="private"
    )
    assert (got["ContentType"], got["CacheControl"]) == ("text/html", "private")
    assert code(s3.get_object, Bucket="contract", Key="headers", ResponseContentType="a\r\nx: y") == "InvalidArgument"


@pytest.mark.parametrize("key", ["../../../etc/passwd", "/a", "a//b", "..", "ü/日本/😀", "a b+c%2F", "x" * 1024, "\t"])
def test_any_key_is_treated_as_a_plain_name(world: S3World, s3: Any, key: str) -> None:
    s3.put_object(Bucket="contract", Key=key, Body=key.encode())
    assert body_of(s3, key) == key.encode()
    assert key in [entry["Key"] for entry in s3.list_objects_v2(Bucket="contract", Prefix=key)["Contents"]]
    s3.delete_object(Bucket="contract", Key=key)
    assert code(s3.get_object, Bucket="contract", Key=key) == "NoSuchKey"


def test_a_replaced_object_is_new_for_new_readers_and_old_for_current_ones(s3: Any) -> None:
    old, new = os.urandom(12 * MIB), b"new"
    s3.put_object(Bucket="contract", Key="replaced", Body=old)
    reading = s3.get_object(Bucket="contract", Key="replaced")["Body"]
    begin = reading.read(10)
    s3.put_object(Bucket="contract", Key="replaced", Body=new)
    assert body_of(s3, "replaced") == new
    s3.delete_object(Bucket="contract", Key="replaced")
    assert begin + reading.read() == old


def test_ranges_and_conditions(s3: Any) -> None:
    etag = s3.put_object(Bucket="contract", Key="digits", Body=b"0123456789")["ETag"]
    assert body_of(s3, "digits", Range="bytes=2-4") == b"234"
    assert body_of(s3, "digits", Range="bytes=-3") == b"789"
    assert body_of(s3, "digits", Range="bytes=8-") == b"89"
    assert body_of(s3, "digits", Range="bytes=0-0,2-3") == b"0123456789"
    got = s3.get_object(Bucket="contract", Key="digits", Range="bytes=5-99")
    assert (got["ContentRange"], got["ContentLength"]) == ("bytes 5-9/10", 5)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert code(s3.get_object, Bucket="contract", Key="digits", Range="bytes=10-") == "InvalidRange"
    assert body_of(s3, "digits", IfMatch=etag) == b"0123456789"
    assert code(s3.get_object, Bucket="contract", Key="digits", IfMatch='"other"') == "PreconditionFailed"
    assert code(s3.get_object, Bucket="contract", Key="digits", IfNoneMatch=etag) == "304"
    assert code(s3.head_object, Bucket="contract", Key="digits", IfNoneMatch=etag) == "304"
    assert code(s3.head_object, Bucket="contract", Key="digits", IfMatch='"other"') == "412"


def test_a_write_can_require_that_the_key_is_free_or_has_a_certain_etag(s3: Any) -> None:
    s3.delete_object(Bucket="contract", Key="once")
    etag = s3.put_object(Bucket="contract", Key="once", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code(s3.put_object, Bucket="contract", Key="once", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(Bucket="contract", Key="once", Body=b"3", IfMatch=etag)
    assert code(s3.put_object, Bucket="contract", Key="once", Body=b"4", IfMatch=etag) == "PreconditionFailed"
    assert body_of(s3, "once") == b"3"


def test_a_wrong_digest_stores_nothing(s3: Any) -> None:
    wrong = (
        {"ContentMD5": "AAAAAAAAAAAAAAAAAAAAAA=="},
        {"ChecksumSHA256": "A" * 43 + "="},
        {"ChecksumCRC32": "AAAAAA=="},
    )
    for digest in wrong:
        assert code(s3.put_object, Bucket="contract", Key="bad", Body=b"hello", **digest) == "BadDigest"
    assert code(s3.get_object, Bucket="contract", Key="bad") == "NoSuchKey"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_a_given_checksum_is_stored_and_returned(s3: Any, algorithm: str) -> None:
    from reading_room.s3.checksums import encode, new_hash

    running = new_hash(algorithm)
    running.update(b"hello")
    expected = encode(running.digest())
    s3.put_object(Bucket="contract", Key="sum", Body=b"hello", **{f"Checksum{algorithm}": expected})
    head = s3.head_object(Bucket="contract", Key="sum", ChecksumMode="ENABLED")
    assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (expected, "FULL_OBJECT")


def test_listing_pages_through_keys_and_prefixes(s3: Any) -> None:
    keys = ["list/a", "list/b/1", "list/b/2", "list/c", "list/ü +", "list/z/9"]
    for key in keys:
        s3.put_object(Bucket="contract", Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="contract", Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    entries = [entry for page in pages for entry in (*page.get("Contents", ()), *page.get("CommonPrefixes", ()))]
    names = [entry.get("Key", entry.get("Prefix")) for entry in entries]
    assert sorted(names) == ["list/a", "list/b/", "list/c", "list/z/", "list/ü +"]
    old = s3.get_paginator("list_objects").paginate(Bucket="contract", Prefix="list/", PaginationConfig={"PageSize": 2})
    assert [entry["Key"] for page in old for entry in page["Contents"]] == sorted(keys, key=str.encode)
    after = s3.list_objects_v2(Bucket="contract", Prefix="list/", StartAfter="list/c")
    assert [entry["Key"] for entry in after["Contents"]] == ["list/z/9", "list/ü +"]
    assert s3.list_objects_v2(Bucket="contract", MaxKeys=0)["KeyCount"] == 0
    assert code(s3.list_objects_v2, Bucket="contract", ContinuationToken="!!") == "InvalidArgument"


def test_listing_versions_pages_through_the_single_version_of_each_object(s3: Any) -> None:
    keys = ["only/a", "only/b/1", "only/b/2", "only/c", "only/ü +", "only/z/9"]
    for key in keys:
        s3.put_object(Bucket="contract", Key=key, Body=b"12")
    listed = s3.get_paginator("list_object_versions").paginate
    found = [entry for page in listed(Bucket="contract", Prefix="only/", MaxKeys=2) for entry in page["Versions"]]
    assert [entry["Key"] for entry in found] == sorted(keys, key=str.encode)
    assert {(entry["VersionId"], entry["IsLatest"], entry["Size"], entry["StorageClass"]) for entry in found} == {
        ("null", True, 2, "STANDARD")
    }
    assert all(entry["Owner"]["ID"] and entry["LastModified"] for entry in found)
    pages = list(listed(Bucket="contract", Prefix="only/", Delimiter="/", MaxKeys=2))
    assert all("DeleteMarkers" not in page for page in pages)
    assert [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ())] == ["only/b/", "only/z/"]
    assert [page.get("NextKeyMarker") for page in pages] == ["only/b/", "only/z/", None]
    assert [page.get("NextVersionIdMarker") for page in pages] == [None, None, None]
    first = s3.list_object_versions(Bucket="contract", Prefix="only/", MaxKeys=1)
    assert (first["NextKeyMarker"], first["NextVersionIdMarker"]) == ("only/a", "null")
    after = s3.list_object_versions(Bucket="contract", Prefix="only/", KeyMarker="only/c", VersionIdMarker="null")
    assert (after["KeyMarker"], after["VersionIdMarker"]) == ("only/c", "null")
    assert [entry["Key"] for entry in after["Versions"]] == ["only/z/9", "only/ü +"]
    versions = s3.list_object_versions
    assert code(versions, Bucket="contract", VersionIdMarker="null") == "InvalidArgument"
    assert code(versions, Bucket="contract", KeyMarker="only/a", VersionIdMarker="v2") == "InvalidArgument"
    assert code(versions, Bucket="no-such-bucket-here") == "NoSuchBucket"


def test_a_bucket_is_emptied_by_its_versions_and_deleted(s3: Any) -> None:
    s3.create_bucket(Bucket="emptied")
    for key in ("a b", "c&<d>", "e/é"):
        s3.put_object(Bucket="emptied", Key=key, Body=b"")
    assert code(s3.delete_bucket, Bucket="emptied") == "BucketNotEmpty"
    listed = s3.list_object_versions(Bucket="emptied")["Versions"]
    objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in listed]
    assert "Errors" not in s3.delete_objects(Bucket="emptied", Delete={"Objects": objects, "Quiet": True})
    assert "Versions" not in s3.list_object_versions(Bucket="emptied")
    s3.delete_bucket(Bucket="emptied")


def test_many_objects_are_deleted_at_once(s3: Any) -> None:
    for number in range(3):
        s3.put_object(Bucket="contract", Key=f"many/{number}", Body=b"")
    entries = [{"Key": f"many/{number}"} for number in range(4)]
    assert len(s3.delete_objects(Bucket="contract", Delete={"Objects": entries})["Deleted"]) == 4
    assert "Contents" not in s3.list_objects_v2(Bucket="contract", Prefix="many/")
    assert "Deleted" not in s3.delete_objects(Bucket="contract", Delete={"Objects": entries, "Quiet": True})
    assert code(s3.delete_objects, Bucket="contract", Delete={"Objects": []}) == "MalformedXML"


def test_a_copy_is_independent_and_has_the_requested_metadata(s3: Any) -> None:
    s3.put_object(Bucket="contract", Key="from ü", Body=b"copied", Metadata={"a": "1"}, ContentType="text/x")
    source = {"Bucket": "contract", "Key": "from ü"}
    s3.copy_object(Bucket="contract", Key="to", CopySource=source)
    s3.copy_object(Bucket="contract", Key="to2", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"})
    s3.delete_object(Bucket="contract", Key="from ü")
    got, got2 = (s3.get_object(Bucket="contract", Key=key) for key in ("to", "to2"))
    assert got["Body"].read() == got2["Body"].read() == b"copied"
    assert (got["Metadata"], got["ContentType"], got2["Metadata"]) == ({"a": "1"}, "text/x", {"b": "2"})
    assert code(s3.copy_object, Bucket="contract", Key="to3", CopySource=source) == "NoSuchKey"
    itself = {"Bucket": "contract", "Key": "to"}
    assert code(s3.copy_object, Bucket="contract", Key="to", CopySource=itself) == "InvalidRequest"
    wrong = {"CopySource": itself, "CopySourceIfMatch": '"x"'}
    assert code(s3.copy_object, Bucket="contract", Key="to3", **wrong) == "PreconditionFailed"


@pytest.mark.costs(0.2, reason="it writes 10 MB in parts and reads them")
def test_a_multipart_upload_becomes_one_object(s3: Any) -> None:
    parts = [os.urandom(5 * MIB), os.urandom(5 * MIB + 1), b"end"]
    upload = s3.create_multipart_upload(Bucket="contract", Key="parts", ContentType="x/y", Metadata={"m": "1"})
    names = {"Bucket": "contract", "Key": "parts", "UploadId": upload["UploadId"]}
    listed = []
    for number, part in enumerate(parts, start=1):
        s3.upload_part(**names, PartNumber=number, Body=b"x" * len(part))  # replaced by the next line
        answer = s3.upload_part(**names, PartNumber=number, Body=part)
        listed.append({"PartNumber": number, "ETag": answer["ETag"]})
    assert [p["Size"] for p in s3.list_parts(**names)["Parts"]] == [len(part) for part in parts]
    assert code(s3.get_object, Bucket="contract", Key="parts") == "NoSuchKey"
    done = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": listed})
    whole = b"".join(parts)
    assert body_of(s3, "parts") == whole
    digest = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert done["ETag"] == f'"{digest}-3"'
    second = s3.get_object(Bucket="contract", Key="parts", PartNumber=2)
    assert second["Body"].read() == parts[1]
    assert second["PartsCount"] == 3
    start = 5 * MIB - 3
    assert body_of(s3, "parts", Range=f"bytes={start}-{start + 5}") == whole[start : start + 6]
    again = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": listed})
    assert again["ETag"] == done["ETag"]
    assert code(s3.list_parts, **names) == "NoSuchUpload"
    assert code(s3.get_object, Bucket="contract", Key="parts", PartNumber=4) == "InvalidPartNumber"


@pytest.mark.costs(0.25, reason="it writes and reads 20 MB")
def test_the_sdks_upload_file_works_and_stores_a_checksum(s3: Any) -> None:
    data = os.urandom(20 * MIB)
    s3.upload_fileobj(io.BytesIO(data), "contract", "sdk")
    head = s3.head_object(Bucket="contract", Key="sdk", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"].endswith("-3")
    target = io.BytesIO()
    s3.download_fileobj("contract", "sdk", target)
    assert target.getvalue() == data


def test_an_invalid_completion_gets_the_right_error_and_keeps_the_upload(s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket="contract", Key="wrong")
    names = {"Bucket": "contract", "Key": "wrong", "UploadId": upload["UploadId"]}
    tags = [s3.upload_part(**names, PartNumber=n, Body=b"small")["ETag"] for n in (1, 2)]

    def complete(*parts: tuple[int, str]) -> str:
        listed = [{"PartNumber": number, "ETag": tag} for number, tag in parts]
        return code(s3.complete_multipart_upload, **names, MultipartUpload={"Parts": listed})

    assert complete((1, tags[0]), (2, tags[1])) == "EntityTooSmall"
    assert complete((2, tags[1]), (1, tags[0])) == "InvalidPartOrder"
    assert complete((3, tags[0])) == "InvalidPart"
    assert complete((1, '"0"')) == "InvalidPart"
    assert complete() == "MalformedXML"
    assert code(s3.upload_part, **names | {"UploadId": "nope"}, PartNumber=1, Body=b"") == "NoSuchUpload"
    assert code(s3.upload_part, **names, PartNumber=10_001, Body=b"") == "InvalidArgument"
    assert len(s3.list_parts(**names)["Parts"]) == 2
    assert [p["PartNumber"] for p in s3.list_parts(**names, PartNumberMarker=1)["Parts"]] == [2]
    uploads = s3.list_multipart_uploads(Bucket="contract", Prefix="wrong")["Uploads"]
    assert [entry["UploadId"] for entry in uploads] == [upload["UploadId"]]
    s3.abort_multipart_upload(**names)
    assert code(s3.abort_multipart_upload, **names) == "NoSuchUpload"


def test_a_part_can_be_copied_from_an_object(s3: Any) -> None:
    data = os.urandom(6 * MIB)
    s3.put_object(Bucket="contract", Key="source", Body=data)
    upload = s3.create_multipart_upload(Bucket="contract", Key="made")
    names = {"Bucket": "contract", "Key": "made", "UploadId": upload["UploadId"]}
    source = {"CopySource": {"Bucket": "contract", "Key": "source"}}
    first = s3.upload_part_copy(**names, **source, PartNumber=1)["CopyPartResult"]["ETag"]
    second = s3.upload_part_copy(**names, **source, PartNumber=2, CopySourceRange="bytes=1-4")["CopyPartResult"]["ETag"]
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]
    s3.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})
    assert body_of(s3, "made") == data + data[1:5]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("bytes=0-5", "Range specified is not valid for source object of size: 5"),
        ("bytes=4-5", "Range specified is not valid for source object of size: 5"),
        *((each, "must be of the form bytes=first-last") for each in ("0-2", "bytes=0", "bytes=3-2", "bytes=-2")),
        *((each, "must be of the form bytes=first-last") for each in ("bytes=2-", "bytes=0-1,3-4", "bytes= 0-1")),
    ],
)
def test_an_invalid_source_range_of_a_part_is_refused(s3: Any, given: str, problem: str) -> None:
    s3.put_object(Bucket="contract", Key="five", Body=b"12345")
    upload = s3.create_multipart_upload(Bucket="contract", Key="ranges")
    names = {"Bucket": "contract", "Key": "ranges", "UploadId": upload["UploadId"], "PartNumber": 1}
    with pytest.raises(ClientError) as caught:
        s3.upload_part_copy(**names, CopySource="contract/five", CopySourceRange=given)
    error: dict[str, Any] = dict(caught.value.response["Error"])
    assert (error["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]) == ("InvalidArgument", 400)
    assert problem in error["Message"]
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("x-amz-copy-source-range", given)
    assert (
        code(s3.upload_part_copy, **names, CopySource="contract/five", CopySourceRange="bytes=5-9") == "InvalidRequest"
    )
    s3.abort_multipart_upload(Bucket="contract", Key="ranges", UploadId=upload["UploadId"])


def test_a_bucket_is_deleted_with_its_uploads(world: S3World, s3: Any) -> None:
    s3.create_bucket(Bucket="half-done")
    uploads = [s3.create_multipart_upload(Bucket="half-done", Key=f"k{number}")["UploadId"] for number in range(3)]
    for number in (0, 0, 1):
        part = {"Bucket": "half-done", "Key": f"k{number}", "UploadId": uploads[number], "PartNumber": 1}
        s3.upload_part(**part, Body=b"x" * MIB)
    s3.put_object(Bucket="half-done", Key="object", Body=b"x")
    assert code(s3.delete_bucket, Bucket="half-done") == "BucketNotEmpty"
    assert len(s3.list_multipart_uploads(Bucket="half-done")["Uploads"]) == 3
    s3.delete_object(Bucket="half-done", Key="object")
    s3.delete_bucket(Bucket="half-done")
    assert world.swept() == 0
    # The name can be used again, and no upload of the old bucket is left.
    s3.create_bucket(Bucket="half-done")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="half-done")
    arguments = {"Bucket": "half-done", "Key": "k0", "UploadId": uploads[0]}
    assert code(s3.upload_part, **arguments, PartNumber=2, Body=b"x") == "NoSuchUpload"
    s3.delete_bucket(Bucket="half-done")


def test_the_service_can_get_size_and_hash_of_a_multipart_object(world: S3World, s3: Any) -> None:
    data = os.urandom(9 * MIB)
    s3.upload_fileobj(io.BytesIO(data), "contract", "facts")
    for _ in range(2):  # the second time from the row
        facts = world.store.head("contract", "facts")
        assert facts is not None
        assert (facts.size, facts.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert world.store.head("contract", "no such key") is None
    assert world.store.bucket_exists("contract")
    assert not world.store.bucket_exists("another")


def test_the_service_can_get_the_first_key_below_a_prefix(world: S3World, s3: Any) -> None:
    for key, body in (("first/", b""), ("first/empty", b""), ("first/full", b"x"), ("markers/", b""), ("kept/", b"x")):
        s3.put_object(Bucket="contract", Key=key, Body=body)
    assert world.backend.first_key("contract", "first/") == "first/empty"
    assert world.backend.first_key("contract", "first/f") == "first/full"
    assert world.backend.first_key("contract", "kept") == "kept/"
    assert world.backend.first_key("contract", "markers/") is None
    assert world.backend.first_key("contract", "nothing") is None


def test_the_service_can_get_the_total_size_below_a_prefix(world: S3World, s3: Any) -> None:
    for key, size in (("sum/", 0), ("sum/a", 5), ("sum/b/c", 7), ("sum0", 100), ("su", 100)):
        s3.put_object(Bucket="contract", Key=key, Body=b"x" * size)
    assert world.backend.size_below("contract", "sum/", 100) == 12
    assert world.backend.keys_below("contract", "sum/b", 100) == [
        key for key in world.backend.keys_below("contract", "sum/", 100) if key.startswith("sum/b")
    ]
    assert len(world.backend.keys_below("contract", "sum/", 2)) == 2
    assert world.backend.keys_below("no-such-bucket", "sum/", 100) == []
    assert world.backend.size_below("contract", "sum/b", 100) == 7
    assert world.backend.size_below("contract", "sum/", 2) == 5
    assert world.backend.size_below("contract", "nothing", 100) == 0
    assert world.backend.size_below("no-such-bucket", "sum/", 100) == 0


def test_the_service_can_list_the_facts_of_everything_below_a_prefix(world: S3World, s3: Any) -> None:
    contents = {f"facts/{number:04}": b"%d" % number for number in range(1_001)}
    for key, content in {**contents, "facts0": b"x", "fact": b"x"}.items():
        world.backend.put("contract", key, content, "text/plain")
    upload = s3.create_multipart_upload(Bucket="contract", Key="facts/parts")["UploadId"]
    place = {"Bucket": "contract", "Key": "facts/parts", "UploadId": upload}
    etag = s3.upload_part(**place, PartNumber=1, Body=b"whole")["ETag"]
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    contents["facts/parts"] = b"whole"
    found = {key: (facts.size, facts.sha256) for key, facts in world.store.objects_below("contract", "facts/")}
    assert list(found) == sorted(contents)
    assert found == {key: (len(content), hashlib.sha256(content).hexdigest()) for key, content in contents.items()}
    assert list(world.store.objects_below("contract", "nothing")) == []
    assert list(world.store.objects_below("no-such-bucket", "facts/")) == []


def test_the_service_reads_an_object_in_pieces(world: S3World) -> None:
    content = bytes(range(256)) * 20_000
    world.backend.put("contract", "read/large", content, "text/plain")
    assert b"".join(world.store.read("contract", "read/large")) == content
    with pytest.raises(NoSuchKey):
        next(world.store.read("contract", "read/none"))


def test_unfinished_uploads_of_a_key_or_below_a_folder_are_aborted(world: S3World, s3: Any) -> None:
    for key in ("up/a", "up/a/b", "up/ab", "upper"):
        s3.create_multipart_upload(Bucket="contract", Key=key)
    assert world.store.abort_uploads("contract", "up/a") == 1
    assert world.store.abort_uploads("contract", "up/") == 2
    left = s3.list_multipart_uploads(Bucket="contract", Prefix="up")["Uploads"]
    assert [entry["Key"] for entry in left] == ["upper"]
    assert world.store.abort_uploads("contract", "upper") == 1


def test_the_service_can_delete_everything_below_a_prefix(world: S3World, s3: Any) -> None:
    for key in ("gone/", "gone/a", "gone/b/c", "gone", "gone0"):
        s3.put_object(Bucket="contract", Key=key, Body=os.urandom(100_000))
    for key in ("gone/a", "gone/a", "gone/new", "gone-not"):
        upload = s3.create_multipart_upload(Bucket="contract", Key=key)["UploadId"]
        s3.upload_part(Bucket="contract", Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    assert world.store.delete_prefix("contract", "gone/") == 3
    left = [entry["Key"] for entry in s3.list_objects_v2(Bucket="contract", Prefix="gone")["Contents"]]
    assert left == ["gone", "gone0"]
    uploads = s3.list_multipart_uploads(Bucket="contract", Prefix="gone")["Uploads"]
    assert [entry["Key"] for entry in uploads] == ["gone-not"]
    assert world.store.delete_prefix("contract", "gone/") == 0
    assert world.store.delete_prefix("no-such-bucket", "gone/") == 0
    with pytest.raises(ValueError, match="whole bucket"):
        world.store.delete_prefix("contract", "")
    world.store.abort_uploads("contract", "gone-not")


@pytest.mark.costs(0.4, reason="it writes and deletes a thousand objects")
def test_objects_below_a_prefix_are_deleted_in_several_transactions(world: S3World, s3: Any) -> None:
    for number in range(1_050):
        world.backend.put("contract", f"many/{number}", b"x", "text/plain")
    world.backend.put("contract", "many-others", b"x", "text/plain")
    assert world.store.delete_prefix("contract", "many/") == 1_050
    assert world.backend.first_key("contract", "many") == "many-others"


def test_the_service_can_abort_the_uploads_of_a_key(world: S3World, s3: Any) -> None:
    for key in ("left", "left", "left-alone"):
        upload = s3.create_multipart_upload(Bucket="contract", Key=key)["UploadId"]
        s3.upload_part(Bucket="contract", Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    assert world.store.abort_uploads("contract", "left") == 2
    remaining = s3.list_multipart_uploads(Bucket="contract", Prefix="left")["Uploads"]
    assert [entry["Key"] for entry in remaining] == ["left-alone"]
    world.store.abort_uploads("contract", "left-alone")


@pytest.mark.costs(0.4, reason="six clients write and read eight times each")
def test_concurrent_writers_and_readers_of_a_key_never_see_a_mixture(world: S3World) -> None:
    versions = [bytes([number]) * (200_000 + number) for number in range(6)]
    clients = [world.client() for _ in range(6)]
    known = {f'"{hashlib.md5(version).hexdigest()}"': version for version in versions}
    clients[0].put_object(Bucket="contract", Key="busy", Body=versions[0])

    def work(number: int) -> None:
        s3 = clients[number]
        for _ in range(8):
            s3.put_object(Bucket="contract", Key="busy", Body=versions[number])
            got = s3.get_object(Bucket="contract", Key="busy")
            assert got["Body"].read() == known[got["ETag"]]

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))


def test_nothing_is_left_behind_when_everything_is_deleted(world: S3World, s3: Any) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="contract"):
        keys = [entry["Key"] for entry in page.get("Contents", ())]
        # XML has no form for the others.
        together = [key for key in keys if key.isprintable()]
        for key in set(keys).difference(together):
            s3.delete_object(Bucket="contract", Key=key)
        if together:
            answer = s3.delete_objects(Bucket="contract", Delete={"Objects": [{"Key": key} for key in together]})
            assert "Errors" not in answer
    assert s3.list_objects_v2(Bucket="contract")["KeyCount"] == 0
    assert world.swept() == 0
    assert {path.name for path in (world.folder / "s3").rglob("*") if path.is_file()} <= {LOCK, LABEL}
