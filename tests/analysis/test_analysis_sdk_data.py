"""The SDK's data that the agent reduces for workers make the same client of S3 as botocore's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from reading_room.analysis.objects import warm_session
from reading_room.analysis.plain_models import PlainLoader, PreparedLoader
from reading_room.analysis.sdk_data import OPERATIONS
from reading_room.containers.prepared import reduce_sdk_data

NONE = Path("/nonexistent")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data, as an agent reduces them."""
    reduced = tmp_path_factory.mktemp("models") / "sdk"
    reduce_sdk_data(reduced)
    return reduced


def client(prepared: Path, region: str) -> Any:
    session = warm_session(region, prepared)
    return session.create_client("s3", aws_access_key_id="AKIA", aws_secret_access_key="x")


@pytest.mark.costs(0.2, reason="botocore's model of S3 is parsed")
def test_the_operations_of_a_worker_and_their_shapes_are_botocores(folder: Path) -> None:
    ours = PreparedLoader(folder).load_service_model("s3", "service-2")
    theirs = PlainLoader().load_service_model("s3", "service-2")
    assert set(ours["operations"]) == set(OPERATIONS)
    for kind in ("operations", "shapes"):
        assert dict(ours[kind]) == {name: theirs[kind][name] for name in ours[kind]}
    assert {name: each for name, each in ours.items() if name not in ("operations", "shapes")} == {
        name: each for name, each in theirs.items() if name not in ("operations", "shapes")
    }


@pytest.mark.costs(0.3, reason="botocore's model of S3 is parsed for each client")
@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1"])
def test_requests_go_to_the_same_endpoints(folder: Path, region: str) -> None:
    reduced, whole = client(folder, region), client(NONE, region)
    assert reduced.meta.endpoint_url == whole.meta.endpoint_url
    for bucket in ("library", "dotted.library"):
        urls = [
            each.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b"}) for each in (reduced, whole)
        ]
        assert urls[0].partition("?")[0] == urls[1].partition("?")[0]
    assert all(hasattr(reduced, xform_name(name)) for name in OPERATIONS)
    assert reduced.get_paginator("list_objects_v2").result_keys == whole.get_paginator("list_objects_v2").result_keys
