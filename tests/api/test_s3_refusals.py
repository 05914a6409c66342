"""S3's errors as recorded from AWS: the code, the message, and the other elements."""

from __future__ import annotations

import base64
import hashlib
import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.worlds.aws_sockets import serving
from tests.worlds.s3 import ACCOUNT, S3World, s3_world
from tests.worlds.waiting import DEADLINE

BUCKET = "refusing"
STRANGE = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """An account with an object."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        world.s3.create_bucket(Bucket=BUCKET)
        world.s3.put_object(Bucket=BUCKET, Key="k", Body=b"kept")
        yield world


@pytest.fixture
def s3(world: S3World) -> Any:
    """The administrator's client."""
    return world.s3


def refusal(call: Any, **parameters: Any) -> tuple[int, dict[str, Any]]:
    """Return the status and error of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], dict(answer["Error"])


def argument(name: str, value: str, message: str) -> tuple[int, dict[str, Any]]:
    """Return the error for an invalid argument."""
    error = {"Code": "InvalidArgument", "Message": message, "ArgumentName": name, "ArgumentValue": value}
    return 400, error


@pytest.mark.parametrize(
    "name", ["get_object", "delete_object", "get_object_tagging", "delete_object_tagging", "get_object_acl"]
)
def test_an_unknown_version_in_an_unversioned_bucket_is_an_invalid_argument(s3: Any, name: str) -> None:
    refused = refusal(getattr(s3, name), Bucket=BUCKET, Key="k", VersionId=STRANGE)
    assert refused == argument("versionId", STRANGE, "Invalid version id specified")
    assert s3.get_object(Bucket=BUCKET, Key="k", VersionId="null")["Body"].read() == b"kept"


def test_delete_objects_names_the_requested_versions(s3: Any) -> None:
    objects = [{"Key": "k", "VersionId": STRANGE}, {"Key": "absent", "VersionId": "null"}, {"Key": "absent"}]
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
    message = "The specified version does not exist."
    assert answer["Errors"] == [{"Key": "k", "VersionId": STRANGE, "Code": "NoSuchVersion", "Message": message}]
    assert answer["Deleted"] == [{"Key": "absent", "VersionId": "null"}, {"Key": "absent"}]


@pytest.mark.parametrize("given", ["key1=val1,key2=val2", "a=b=c", "a=1&a=2"])
def test_a_tagging_header_that_is_not_a_query_string_is_refused(s3: Any, given: str) -> None:
    message = (
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name "
        "duplicates."
    )
    refused = refusal(s3.put_object, Bucket=BUCKET, Key="tagged", Body=b"", Tagging=given)
    assert refused == argument("x-amz-tagging", given, message)


def test_an_unknown_ownership_or_region_is_refused(s3: Any) -> None:
    refused = refusal(s3.create_bucket, Bucket="owned", ObjectOwnership="RandomValue")
    assert refused == argument(
        "x-amz-object-ownership", "RandomValue", "Invalid x-amz-object-ownership header: RandomValue"
    )
    refused = refusal(s3.list_buckets, BucketRegion="eu-east-1")
    assert refused == argument("bucket-region", "eu-east-1", "Argument value eu-east-1 is not a valid AWS Region")
    assert s3.list_buckets(BucketRegion="eu-west-1")["Buckets"] == []
    assert [each["Name"] for each in s3.list_buckets(BucketRegion="us-east-1")["Buckets"]] == [BUCKET]


def test_a_write_with_two_conditions_is_refused(s3: Any) -> None:
    arguments = {"Bucket": BUCKET, "Key": "k", "Body": b"lost", "IfMatch": '"x"', "IfNoneMatch": "*"}
    status, error = refusal(s3.put_object, **arguments)
    assert (status, error["Code"], error["Header"]) == (501, "NotImplemented", "If-Match,If-None-Match")
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"kept"


def test_missing_object_attributes_are_refused(s3: Any) -> None:
    status, error = refusal(s3.get_object_attributes, Bucket=BUCKET, Key="k", ObjectAttributes=[""])
    assert (status, error["Code"]) == (400, "InvalidRequest")
    assert error["Message"] == (
        "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty"
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("-1", ("maxKeys", "Argument maxKeys must be an integer between 0 and 2147483647")),
        ("abc", ("max-keys", "Provided max-keys not an integer or within integer range")),
        ("2147483648", ("max-keys", "Provided max-keys not an integer or within integer range")),
    ],
)
def test_an_invalid_page_size_is_refused(world: S3World, written: str, expected: tuple[str, str]) -> None:
    client = world.client()

    def rewrite(params: Any, **_: Any) -> None:
        params["url"] += f"{'&' if '?' in params['url'] else '?'}max-keys={written}"

    for name in ("ListObjects", "ListObjectsV2", "ListObjectVersions"):
        client.meta.events.register(f"before-call.s3.{name}", rewrite)
    for call in (client.list_objects, client.list_objects_v2, client.list_object_versions):
        assert refusal(call, Bucket=BUCKET) == argument(expected[0], written, expected[1])


def test_a_completion_needs_parts_and_the_checksum_mode_of_the_upload(s3: Any) -> None:
    names: dict[str, Any] = {"Bucket": BUCKET, "Key": "parts"}
    names["UploadId"] = s3.create_multipart_upload(**names, ChecksumAlgorithm="CRC32")["UploadId"]
    message = "You must specify at least one part"
    assert refusal(s3.complete_multipart_upload, **names) == (400, {"Code": "InvalidRequest", "Message": message})
    status, error = refusal(s3.complete_multipart_upload, **names, MultipartUpload={"Parts": []})
    assert (status, error["Code"]) == (400, "MalformedXML")
    part = s3.upload_part(**names, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    status, error = refusal(s3.complete_multipart_upload, **names, MultipartUpload=parts, ChecksumType="FULL_OBJECT")
    assert (status, error["Code"]) == (400, "InvalidRequest")
    assert error["Message"] == (
        "The upload was created using the COMPOSITE checksum mode. The complete request must use the same checksum "
        "mode."
    )
    s3.abort_multipart_upload(**names)


@pytest.mark.parametrize(
    ("source", "what"), [("no-key-here", "object key"), ("/", "bucket name"), ("b/", "object key")]
)
def test_an_invalid_copy_source_is_refused(s3: Any, source: str, what: str) -> None:
    refused = refusal(s3.copy_object, Bucket=BUCKET, Key="copy", CopySource=source)
    assert refused == argument("x-amz-copy-source", source, f"Invalid copy source {what}")


@pytest.mark.parametrize("account", ["0000", "0000000000020", "abcd", "aa000000000$"])
def test_an_expected_owner_must_be_an_account_id(s3: Any, account: str) -> None:
    message = f"The value of the expected bucket owner parameter must be an AWS Account ID... [{account}]"
    expected = (400, {"Code": "InvalidBucketOwnerAWSAccountID", "Message": message})
    assert refusal(s3.list_objects_v2, Bucket=BUCKET, ExpectedBucketOwner=account) == expected
    copy = {"Bucket": BUCKET, "Key": "copy", "CopySource": f"{BUCKET}/k"}
    assert refusal(s3.copy_object, **copy, ExpectedSourceBucketOwner=account) == expected
    s3.copy_object(**copy, ExpectedBucketOwner=ACCOUNT, ExpectedSourceBucketOwner=ACCOUNT)


def test_the_error_for_a_wrong_content_md5_has_both_digests(s3: Any) -> None:
    status, error = refusal(s3.put_object, Bucket=BUCKET, Key="k", Body=b"lost", ContentMD5="not base64")
    assert (status, error["Code"], error["Content-MD5"]) == (400, "InvalidDigest", "not base64")
    given, computed = (base64.b64encode(hashlib.md5(data).digest()).decode() for data in (b"other", b"lost"))
    status, error = refusal(s3.put_object, Bucket=BUCKET, Key="k", Body=b"lost", ContentMD5=given)
    assert (status, error["Code"]) == (400, "BadDigest")
    assert (error["ExpectedDigest"], error["CalculatedDigest"]) == (given, computed)
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"kept"


@pytest.fixture(scope="module")
def port(world: S3World) -> Iterator[int]:
    """Yield the port that serves the account."""
    with serving(world.app) as port:
        yield port


def raw(port: int, method: str, path: str, **headers: str) -> tuple[int, str]:
    """Send a request without the signature that S3 wants; return the status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    result = answer.status, answer.read().decode()
    connection.close()
    return result


@pytest.mark.parametrize(("method", "path"), [("GET", f"/{BUCKET}"), ("PUT", f"/{BUCKET}/x"), ("GET", "/")])
def test_a_version_2_signature_is_refused_and_an_empty_header_is_unauthenticated(
    world: S3World, port: int, method: str, path: str
) -> None:
    status, body = raw(port, method, path, Authorization="AWS AKIAEXAMPLE:c2lnbmF0dXJl")
    assert (status, "<Code>InvalidRequest</Code>" in body, "use AWS4-HMAC-SHA256." in body) == (400, True, True)
    status, body = raw(port, method, path, Authorization="")
    assert (status, "<Code>AccessDenied</Code>" in body) == (403, True)
    assert world.store.head(BUCKET, "x") is None


@pytest.mark.parametrize("left_out", ["AWSAccessKeyId", "Signature", "Expires"])
def test_a_version_2_presigned_url_needs_all_its_parameters(world: S3World, port: int, left_out: str) -> None:
    client = world.client(config=Config(signature_version="s3"))
    url = urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"}))
    query = "&".join(each for each in url.query.split("&") if not each.startswith(left_out))
    status, body = raw(port, "GET", f"{url.path}?{query}")
    message = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
    assert (status, "<Code>AccessDenied</Code>" in body, message in body) == (403, True, True)
