"""A product whose objects are in another one: confined as usual, ``serve`` reaches that service and stores there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from reading_room.testing import running

pytestmark = [pytest.mark.e2e, pytest.mark.chaos]


def test_only_the_bytes_of_larger_objects_are_in_the_bucket_of_another_product(tmp_path: Path) -> None:
    large, small = os.urandom(20_000_000), b"in the row"
    with running() as other:
        other.clients("s3").create_bucket(Bucket="blobs")
        key = tmp_path / "key"
        key.touch(mode=0o600)
        environment = other.environment()
        key.write_text(
            f"[default]\naws_access_key_id = {environment['AWS_ACCESS_KEY_ID']}\n"
            f"aws_secret_access_key = {environment['AWS_SECRET_ACCESS_KEY']}\n"
        )
        place: dict[str, Any] = {
            "objects": "s3://blobs/of-another",
            "objects_endpoint": environment["AWS_ENDPOINT_URL"],
            "objects_credentials": str(key),
        }
        with running(**place) as service:
            s3 = service.clients("s3")
            s3.create_bucket(Bucket="bucket")
            for name, data in (("large", large), ("small", small)):
                s3.put_object(Bucket="bucket", Key=name, Body=data)
                assert s3.get_object(Bucket="bucket", Key=name)["Body"].read() == data
        found = other.clients("s3").list_objects_v2(Bucket="blobs")["Contents"]
        assert sorted(entry["Size"] > len(large) for entry in found) == [False, True]
