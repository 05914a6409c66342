"""Storage classes: which one an object has, where it is shown, and what copies get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.s3 import S3World, s3_world

BUCKET = "classes"
READABLE = ["REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """An account with a bucket."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        world.s3.create_bucket(Bucket=BUCKET)
        yield world


@pytest.fixture
def s3(world: S3World) -> Any:
    """The administrator's client."""
    return world.s3


def class_of(s3: Any, key: str) -> str | None:
    """Return an object's storage class from HeadObject."""
    found: str | None = s3.head_object(Bucket=BUCKET, Key=key).get("StorageClass")
    return found


def listed(s3: Any, key: str) -> str:
    """Return an object's storage class from every listing."""
    pages = (
        s3.list_objects(Bucket=BUCKET, Prefix=key)["Contents"],
        s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["Contents"],
        s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"],
    )
    (found,) = {page[0]["StorageClass"] for page in pages}
    return str(found)


@pytest.mark.parametrize("name", READABLE)
def test_an_object_has_the_storage_class_that_it_was_put_with(s3: Any, name: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=name, Body=b"x", StorageClass=name)
    assert class_of(s3, name) == name
    got = s3.get_object(Bucket=BUCKET, Key=name)
    assert (got["StorageClass"], got["Body"].read()) == (name, b"x")
    assert listed(s3, name) == name
    attributes = s3.get_object_attributes(Bucket=BUCKET, Key=name, ObjectAttributes=["StorageClass"])
    assert attributes["StorageClass"] == name


def test_the_standard_class_is_listed_and_has_no_header(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="plain", Body=b"x", StorageClass="ONEZONE_IA")
    s3.put_object(Bucket=BUCKET, Key="plain", Body=b"x", ContentDisposition="x-amz-storage-class")
    assert class_of(s3, "plain") is None
    assert listed(s3, "plain") == "STANDARD"
    s3.put_object(Bucket=BUCKET, Key="plain", Body=b"x", StorageClass="STANDARD")
    assert class_of(s3, "plain") is None


def test_a_multipart_upload_passes_its_storage_class_to_its_object(s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts", StorageClass="STANDARD_IA")["UploadId"]
    names = {"Bucket": BUCKET, "Key": "parts", "UploadId": upload}
    part = s3.upload_part(**names, PartNumber=1, Body=b"x")
    assert s3.list_parts(**names)["StorageClass"] == "STANDARD_IA"
    assert s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"][0]["StorageClass"] == "STANDARD_IA"
    s3.complete_multipart_upload(**names, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert class_of(s3, "parts") == "STANDARD_IA"
    s3.create_multipart_upload(Bucket=BUCKET, Key="plain-parts")
    assert s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"][0]["StorageClass"] == "STANDARD"


def test_a_copy_has_the_storage_class_of_the_copy_request(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="source", Body=b"x", StorageClass="STANDARD_IA", Metadata={"a": "b"})
    source = {"Bucket": BUCKET, "CopySource": f"{BUCKET}/source"}
    s3.copy_object(**source, Key="copy")
    assert class_of(s3, "copy") is None
    s3.copy_object(**source, Key="copy", StorageClass="ONEZONE_IA")
    found = s3.head_object(Bucket=BUCKET, Key="copy")
    assert (found["StorageClass"], found["Metadata"]) == ("ONEZONE_IA", {"a": "b"})
    s3.copy_object(**source, Key="copy", StorageClass="GLACIER_IR", MetadataDirective="REPLACE")
    assert class_of(s3, "copy") == "GLACIER_IR"


@pytest.mark.parametrize("changes", [{"StorageClass": "STANDARD_IA"}, {"ServerSideEncryption": "AES256"}], ids=str)
def test_an_object_can_be_copied_to_itself_to_change_its_class_or_encryption(s3: Any, changes: dict[str, str]) -> None:
    s3.put_object(Bucket=BUCKET, Key="same", Body=b"x", Metadata={"a": "b"})
    itself = {"Bucket": BUCKET, "Key": "same", "CopySource": f"{BUCKET}/same"}
    with pytest.raises(ClientError, match="to itself without changing"):
        s3.copy_object(**itself)
    s3.copy_object(**itself, **changes)
    assert class_of(s3, "same") == changes.get("StorageClass")
    s3.copy_object(**itself, **changes)  # Copying it again counts as a change, as in S3.
    assert s3.head_object(Bucket=BUCKET, Key="same")["Metadata"] == {"a": "b"}


@pytest.mark.parametrize("name", ["GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "EXPRESS_ONEZONE", "standard", "COLD"])
def test_an_unknown_or_archive_storage_class_is_refused(s3: Any, name: str) -> None:
    s3.put_object(Bucket=BUCKET, Key="kept", Body=b"x")
    parameters = {"Bucket": BUCKET, "Key": "kept", "StorageClass": name}
    for call, more in (
        (s3.put_object, {"Body": b"y"}),
        (s3.copy_object, {"CopySource": f"{BUCKET}/kept"}),
        (s3.create_multipart_upload, {}),
    ):
        with pytest.raises(ClientError) as caught:
            call(**parameters, **more)
        error = caught.value.response["Error"]
        assert error == {
            "Code": "InvalidStorageClass",
            "Message": "The storage class you specified is not valid",
            "StorageClassRequested": name,
        }
    assert s3.get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"x"
