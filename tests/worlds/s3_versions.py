"""Calls that the tests of versions share."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from botocore.exceptions import ClientError

NULL = "null"
_NUMBERS = itertools.count()


def new_bucket(s3: Any, status: str = "Enabled") -> str:
    """Create a bucket, and set its versioning unless ``status`` is empty."""
    name = f"versions-{next(_NUMBERS)}"
    s3.create_bucket(Bucket=name)
    if status:
        set_status(s3, name, status)
    return name


def set_status(s3: Any, bucket: str, status: str) -> None:
    """Set the versioning of a bucket."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def put(s3: Any, bucket: str, key: str, body: bytes) -> str | None:
    """Store an object, and return the version id in the answer."""
    version: str | None = s3.put_object(Bucket=bucket, Key=key, Body=body).get("VersionId")
    return version


def body_of(s3: Any, bucket: str, key: str, **version: str) -> bytes:
    """Return the bytes of an object or of a version of it."""
    return bytes(s3.get_object(Bucket=bucket, Key=key, **version)["Body"].read())


def refusal(call: Any, **parameters: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return the status, the error and the headers of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    metadata = answer["ResponseMetadata"]
    return metadata["HTTPStatusCode"], dict(answer["Error"]), metadata["HTTPHeaders"]


def code(call: Any, **parameters: Any) -> str:
    """Return the error code of a call that must fail."""
    return str(refusal(call, **parameters)[1]["Code"])


def listed(s3: Any, bucket: str, **parameters: Any) -> list[tuple[str, str, bool, bool]]:
    """Return a listing of versions: key, version id, whether it is the newest, and whether it is a delete marker."""
    page = s3.list_object_versions(Bucket=bucket, **parameters)
    entries = [
        (each["Key"], each["VersionId"], each["IsLatest"], kind == "DeleteMarkers")
        for kind in ("Versions", "DeleteMarkers")
        for each in page.get(kind, ())
    ]
    return sorted(entries, key=lambda entry: entry[0])
