"""Every checksum algorithm of S3: in headers, trailers, multipart uploads and the attributes of objects."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import anycrc
import pytest
import xxhash
from botocore.config import Config
from botocore.exceptions import ClientError

from reading_room.aws.models import service_model
from reading_room.s3.checksums import ALGORITHMS
from tests.worlds.s3 import S3World, s3_world

BUCKET = "summed"
MIB = 1024 * 1024
COMPUTED_BY_SDK = ("CRC32", "SHA1", "SHA256")


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield a client of a world with a bucket."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        world.s3.create_bucket(Bucket=BUCKET)
        yield plain(world)


def plain(world: S3World) -> Any:
    """Return a client that adds no checksums itself."""
    return world.client(config=Config(request_checksum_calculation="when_required"))


def code(call: Any, **parameters: Any) -> str:
    """Return the error code of a call that is expected to fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def expected_checksum(algorithm: str, data: bytes) -> str:
    """Return a checksum computed without the product's code."""
    digests: dict[str, Callable[[], bytes]] = {
        "CRC32": lambda: zlib.crc32(data).to_bytes(4, "big"),
        "CRC32C": lambda: anycrc.Model("CRC32C").calc(data).to_bytes(4, "big"),
        "CRC64NVME": lambda: anycrc.Model("CRC64-NVME").calc(data).to_bytes(8, "big"),
        "SHA1": lambda: hashlib.sha1(data).digest(),
        "SHA256": lambda: hashlib.sha256(data).digest(),
        "SHA512": lambda: hashlib.sha512(data).digest(),
        "MD5": lambda: hashlib.md5(data).digest(),
        "XXHASH64": lambda: xxhash.xxh64_intdigest(data).to_bytes(8, "big"),
        "XXHASH3": lambda: xxhash.xxh3_64_intdigest(data).to_bytes(8, "big"),
        "XXHASH128": lambda: xxhash.xxh3_128_intdigest(data).to_bytes(16, "big"),
    }
    return base64.b64encode(digests[algorithm]()).decode()


def test_every_algorithm_in_the_model_is_supported() -> None:
    assert set(service_model("s3").shape_for("ChecksumAlgorithm").enum) == set(ALGORITHMS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_checksum_header_is_verified_stored_and_returned(s3: Any, algorithm: str) -> None:
    data, member = b"some bytes", f"Checksum{algorithm}"
    right = expected_checksum(algorithm, data)
    put = s3.put_object(Bucket=BUCKET, Key=algorithm, Body=data, **{member: right})
    assert (put[member], put["ChecksumType"]) == (right, "FULL_OBJECT")
    got = s3.get_object(Bucket=BUCKET, Key=algorithm, ChecksumMode="ENABLED")
    assert (got["Body"].read(), got[member]) == (data, right)
    assert s3.head_object(Bucket=BUCKET, Key=algorithm, ChecksumMode="ENABLED")[member] == right
    assert member not in s3.head_object(Bucket=BUCKET, Key=algorithm)
    attributes = s3.get_object_attributes(Bucket=BUCKET, Key=algorithm, ObjectAttributes=["Checksum", "ObjectSize"])
    assert attributes["Checksum"] == {member: right, "ChecksumType": "FULL_OBJECT"}
    assert attributes["ObjectSize"] == len(data)
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=algorithm)["Contents"][0]
    assert listed["ChecksumAlgorithm"] == [algorithm]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_wrong_checksum_stores_nothing(s3: Any, algorithm: str) -> None:
    member, key = f"Checksum{algorithm}", f"wrong-{algorithm}"
    wrong = expected_checksum(algorithm, b"other bytes")
    assert code(s3.put_object, Bucket=BUCKET, Key=key, Body=b"some bytes", **{member: wrong}) == "BadDigest"
    assert code(s3.put_object, Bucket=BUCKET, Key=key, Body=b"some bytes", **{member: "AA=="}) == "InvalidRequest"
    assert code(s3.head_object, Bucket=BUCKET, Key=key) == "404"


@pytest.mark.parametrize("algorithm", COMPUTED_BY_SDK)
def test_the_sdk_sends_the_checksum_in_a_trailer(s3: Any, algorithm: str) -> None:
    # This world's client uses TLS, so it sends checksums in trailers.
    put = s3.put_object(Bucket=BUCKET, Key="trailer", Body=b"some bytes", ChecksumAlgorithm=algorithm)
    assert put[f"Checksum{algorithm}"] == expected_checksum(algorithm, b"some bytes")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_a_multipart_object_has_a_checksum_of_the_requested_type(s3: Any, algorithm: str, kind: str) -> None:
    parts, member, key = [b"a" * 5 * MIB, b"b" * 17], f"Checksum{algorithm}", f"parts-{algorithm}-{kind}"
    arguments = {"Bucket": BUCKET, "Key": key}
    possible = algorithm.startswith("CRC") if kind == "FULL_OBJECT" else algorithm != "CRC64NVME"
    options = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind}
    if not possible:
        assert code(s3.create_multipart_upload, **arguments, **options) == "InvalidRequest"
        return
    begun = s3.create_multipart_upload(**arguments, **options)
    assert (begun["ChecksumAlgorithm"], begun["ChecksumType"]) == (algorithm, kind)
    upload = {**arguments, "UploadId": begun["UploadId"]}
    listed = []
    for number, data in enumerate(parts, 1):
        right = expected_checksum(algorithm, data)
        answer = s3.upload_part(**upload, PartNumber=number, Body=data, **{member: right})
        assert answer[member] == right
        listed.append({"PartNumber": number, "ETag": answer["ETag"], member: right})
    found = s3.list_parts(**upload)
    assert [part[member] for part in found["Parts"]] == [part[member] for part in listed]
    if kind == "FULL_OBJECT":
        expected = expected_checksum(algorithm, b"".join(parts))
    else:
        digest = expected_checksum(algorithm, b"".join(base64.b64decode(part[member]) for part in listed))
        expected = f"{digest}-{len(parts)}"
    wrong = [{**listed[0], member: listed[1][member]}, listed[1]]
    assert code(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": wrong}) == "InvalidPart"
    whole = {member: expected} if kind == "FULL_OBJECT" else {}
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": listed}, **whole)
    assert (done[member], done["ChecksumType"]) == (expected, kind)
    attributes = s3.get_object_attributes(**arguments, ObjectAttributes=["Checksum", "ObjectParts", "ETag"])
    assert attributes["Checksum"] == {member: expected, "ChecksumType": kind}
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    assert [part[member] for part in attributes["ObjectParts"]["Parts"]] == [part[member] for part in listed]
    second = s3.get_object(**arguments, PartNumber=2, ChecksumMode="ENABLED")
    assert (second["Body"].read(), second[member]) == (parts[1], listed[1][member])


def test_the_parts_of_an_object_are_listed_in_pages(s3: Any) -> None:
    arguments = {"Bucket": BUCKET, "Key": "pages"}
    upload = {**arguments, "UploadId": s3.create_multipart_upload(**arguments, ChecksumAlgorithm="SHA256")["UploadId"]}
    listed = []
    for number, size in enumerate((5 * MIB, 5 * MIB, 1), 1):
        data = bytes(size)
        sum_ = expected_checksum("SHA256", data)
        answer = s3.upload_part(**upload, PartNumber=number, Body=data, ChecksumSHA256=sum_)
        listed.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": sum_})
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": listed})
    first = s3.get_object_attributes(**arguments, ObjectAttributes=["ObjectParts"], MaxParts=2)["ObjectParts"]
    assert ([part["PartNumber"] for part in first["Parts"]], first["IsTruncated"]) == ([1, 2], True)
    marker = first["NextPartNumberMarker"]
    rest = s3.get_object_attributes(**arguments, ObjectAttributes=["ObjectParts"], PartNumberMarker=marker)[
        "ObjectParts"
    ]
    assert ([part["Size"] for part in rest["Parts"]], rest["IsTruncated"]) == ([1], False)


def test_overwriting_a_multipart_object_removes_its_parts_and_tags(s3: Any) -> None:
    arguments = {"Bucket": BUCKET, "Key": "over"}
    upload = {**arguments, "UploadId": s3.create_multipart_upload(**arguments, Tagging="a=1")["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"part")
    listed = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(**upload, MultipartUpload=listed)
    s3.put_object(**arguments, Body=b"plain")
    attributes = s3.get_object_attributes(**arguments, ObjectAttributes=["ObjectParts", "ObjectSize"])
    assert ("ObjectParts" in attributes, attributes["ObjectSize"]) == (False, 5)
    assert s3.get_object_tagging(**arguments)["TagSet"] == []
    assert code(s3.complete_multipart_upload, **upload, MultipartUpload=listed) == "NoSuchUpload"


def test_the_checksum_of_an_xml_body_is_verified(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="xml", Body=b"x")
    tagging = {"TagSet": [{"Key": "a", "Value": "1"}]}
    s3.put_object_tagging(Bucket=BUCKET, Key="xml", Tagging=tagging, ChecksumAlgorithm="SHA256")
    assert code(s3.put_object_tagging, Bucket=BUCKET, Key="xml", Tagging=tagging, ContentMD5="A" * 22 + "==") == (
        "BadDigest"
    )


def test_an_unknown_algorithm_is_refused(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="known", Body=b"x")
    arguments = {"Bucket": BUCKET, "Key": "unknown", "ChecksumAlgorithm": "ROT13"}
    assert code(s3.create_multipart_upload, **arguments) == "InvalidRequest"
    assert code(s3.copy_object, **arguments, CopySource=f"{BUCKET}/known") == "InvalidRequest"
    arguments = {"Bucket": BUCKET, "Key": "unknown", "ChecksumAlgorithm": "CRC32", "ChecksumType": "HALF"}
    assert code(s3.create_multipart_upload, **arguments) == "InvalidRequest"


def test_unknown_attributes_are_refused(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="attributes", Body=b"x")
    arguments = {"Bucket": BUCKET, "Key": "attributes"}
    assert code(s3.get_object_attributes, **arguments, ObjectAttributes=["Colour"]) == "InvalidArgument"
    assert code(s3.get_object_attributes, Bucket=BUCKET, Key="no", ObjectAttributes=["ETag"]) == "NoSuchKey"
