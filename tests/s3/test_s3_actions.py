"""The IAM actions that each S3 operation requires, compared with the published table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reading_room.aws.models import service_model
from reading_room.s3.actions import action_targets, actions_of, identify, requirements
from reading_room.s3.addressing import Address
from reading_room.s3.errors import InvalidRequest, MethodNotAllowed

CASES = Path(__file__).parents[1] / "iam" / "data" / "iam_cases.json"
BUCKET, OBJECT, SERVICE = Address("b", None), Address("b", "k"), Address(None, None)
RESOURCES = {"*": "*", "bucket": "arn:aws:s3:::b", "object": "arn:aws:s3:::b/k"}
TABLE: list[dict[str, Any]] = json.loads(CASES.read_text())["s3_operation_actions"]


@pytest.mark.parametrize("case", TABLE, ids=[case["operation"] for case in TABLE])
def test_an_operation_requires_the_actions_in_the_table(case: Mapping[str, Any]) -> None:
    name, _, rest = case["operation"].partition("?")
    name, _, header = name.partition(" with ")
    if name == "DeleteObjects":
        assert requirements(name, BUCKET, {}, {}) == ()  # each key is authorized separately, see the API tests
        return
    query = {rest: "v1"} if rest else {}
    headers = {header: "x"} if header else {}
    if name in ("CopyObject", "UploadPartCopy"):
        headers["x-amz-copy-source"] = "source/s"
    at = _address(name)
    found = [(need.action, need.resource) for need in requirements(name, at, query, headers)]
    named = {**RESOURCES, "source object": "arn:aws:s3:::source/s", "destination object": RESOURCES["object"]}
    assert found == [(need["action"], named[need["on"]]) for need in case["requires"]]


def _address(name: str) -> Address:
    path = service_model("s3").operation_model(name).http["requestUri"]
    return OBJECT if "{Key+}" in path else BUCKET if "{Bucket}" in path else SERVICE


@pytest.mark.parametrize(
    ("method", "address", "query", "headers", "operation"),
    [
        ("GET", SERVICE, {}, {}, "ListBuckets"),
        ("GET", BUCKET, {}, {}, "ListObjects"),
        ("GET", BUCKET, {"list-type": "2"}, {}, "ListObjectsV2"),
        ("GET", BUCKET, {"uploads": ""}, {}, "ListMultipartUploads"),
        ("POST", BUCKET, {"delete": ""}, {}, "DeleteObjects"),
        ("PUT", BUCKET, {}, {}, "CreateBucket"),
        ("PUT", BUCKET, {"policy": ""}, {}, "PutBucketPolicy"),
        ("PUT", OBJECT, {}, {}, "PutObject"),
        ("PUT", OBJECT, {"x-id": "PutObject"}, {}, "PutObject"),
        ("PUT", OBJECT, {}, {"x-amz-copy-source": "b/k"}, "CopyObject"),
        ("PUT", OBJECT, {"partNumber": "1", "uploadId": "u"}, {}, "UploadPart"),
        ("PUT", OBJECT, {"partNumber": "1", "uploadId": "u"}, {"x-amz-copy-source": "b/k"}, "UploadPartCopy"),
        ("POST", OBJECT, {"uploads": ""}, {}, "CreateMultipartUpload"),
        ("POST", OBJECT, {"uploadId": "u"}, {}, "CompleteMultipartUpload"),
        ("DELETE", OBJECT, {"uploadId": "u"}, {}, "AbortMultipartUpload"),
        ("GET", OBJECT, {"uploadId": "u"}, {}, "ListParts"),
        ("GET", OBJECT, {"response-content-type": "a/b"}, {}, "GetObject"),
        ("HEAD", OBJECT, {}, {}, "HeadObject"),
        ("GET", BUCKET, {"analytics": ""}, {}, "ListBucketAnalyticsConfigurations"),
        ("GET", BUCKET, {"analytics": "", "id": "1"}, {}, "GetBucketAnalyticsConfiguration"),
    ],
)
def test_a_request_is_identified(
    method: str, address: Address, query: dict[str, str], headers: dict[str, str], operation: str
) -> None:
    assert identify(method, address, query, headers).name == operation


@pytest.mark.parametrize(
    ("method", "address", "query"),
    [
        ("OPTIONS", BUCKET, {}),
        ("POST", BUCKET, {}),
        ("PUT", SERVICE, {}),
        ("DELETE", BUCKET, {"acl": ""}),
        ("PUT", OBJECT, {"uploadId": "u"}),
        ("GET", OBJECT, {"policy": ""}),
    ],
)
def test_a_request_outside_the_model_is_not_allowed(method: str, address: Address, query: dict[str, str]) -> None:
    with pytest.raises(MethodNotAllowed):
        identify(method, address, query, {})


def test_two_subresources_in_one_request_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        identify("GET", BUCKET, {"acl": "", "policy": ""}, {})


def test_every_operation_in_the_model_has_valid_actions() -> None:
    for name in service_model("s3").operation_names:
        for action in actions_of(name, {}, {}):
            vendor, _, verb = action.partition(":")
            assert vendor.startswith("s3")
            assert verb.isalnum()


def test_bucket_policies_may_name_every_required_action() -> None:
    targets = action_targets()
    assert targets["s3:GetObject"] == "object"
    assert targets["s3:GetObjectVersion"] == "object"
    assert targets["s3:ListBucket"] == "bucket"
    assert targets["s3:PutBucketPolicy"] == "bucket"
    assert targets["s3:ListAllMyBuckets"] == "*"
    assert "s3:DeleteObjects" not in targets
    assert "s3:HeadObject" not in targets


def test_headers_of_a_write_require_permissions_for_their_effects() -> None:
    headers = {"x-amz-grant-read": "id=1", "x-amz-object-lock-mode": "GOVERNANCE"}
    assert actions_of("PutObject", {}, headers) == ("s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectRetention")
    assert actions_of("GetObject", {}, headers) == ("s3:GetObject",)
