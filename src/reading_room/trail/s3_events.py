"""S3's peculiarities in events: which calls are data events, and their names, parameters and resources.

AWS source: "Amazon S3 CloudTrail events", S3 user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from reading_room.arns import bucket_arn
from reading_room.aws.call_record import CallRecord, S3Details
from reading_room.aws.models import operation_model
from reading_room.trail.redaction import plain

_DATA_WITHOUT_KEY = frozenset(
    {
        "DeleteObjects",
        "HeadBucket",
        "ListMultipartUploads",
        "ListObjectVersions",
        "ListObjects",
        "ListObjectsV2",
        "PreflightRequest",
    }
)
"""Data events that name no object, or, like a browser's preflight request, need not name one."""
_NAMES = {
    "ListObjectsV2": "ListObjects",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
}
"""CloudTrail's names of operations that differ from those of the API."""
_PROOFS = frozenset({"x-amz-signature", "x-amz-security-token", "signature", "awsaccesskeyid", "x-amz-credential"})
"""Credentials in a presigned URL: if the trail contained them, its readers could use the URL."""
_SHOWN_HEADERS = (
    "x-amz-acl", "x-amz-copy-source", "x-amz-metadata-directive", "x-amz-server-side-encryption", "x-amz-storage-class",
    "x-amz-tagging", "x-amz-tagging-directive", "x-amz-expected-bucket-owner", "range", "if-match", "if-none-match",
)  # fmt: skip


@cache
def is_data(operation: str) -> bool:
    """Return whether an operation is on objects, so that its events are data events."""
    if operation in _DATA_WITHOUT_KEY:
        return True
    model = operation_model("s3", operation)
    return model is not None and model.input_shape is not None and "Key" in model.input_shape.members


def event_name(operation: str) -> str:
    """Return CloudTrail's name of an operation."""
    return _NAMES.get(operation, operation)


def request_parameters(record: CallRecord, details: S3Details) -> dict[str, Any]:
    """Return the request's bucket, key, host, query, relevant headers and document."""
    named = {"bucketName": details.bucket, "Host": record.host or "", "key": details.key}
    facts = {name: value for name, value in named.items() if value is not None}
    found: dict[str, Any] = dict(facts)
    found |= {name: value for name, value in details.query.items() if name.lower() not in _PROOFS}
    found |= {name: details.headers[name] for name in _SHOWN_HEADERS if name in details.headers}
    for name, value in (record.parameters or {}).items():
        if name == "Policy":
            found["bucketPolicy"] = plain(value)
        elif isinstance(value, Mapping) and name != "Metadata":
            found[name] = plain(value)
    # A client chooses the names in its query; none of them must override the actual bucket, key or host.
    return found | facts


def additional_data(details: S3Details) -> dict[str, Any]:
    """Return how the request was signed and how many bytes it transferred."""
    signed: dict[str, Any] = {}
    if details.signature_version is not None:
        signed["SignatureVersion"] = details.signature_version
        signed["AuthenticationMethod"] = "QueryString" if details.presigned else "AuthHeader"
    return signed | {"bytesTransferredIn": details.received, "bytesTransferredOut": details.sent}


def resources(details: S3Details) -> list[dict[str, str]]:
    """Return the bucket and the object that a request named."""
    if details.bucket is None:
        return []
    found = []
    if details.key is not None:
        found.append({"type": "AWS::S3::Object", "ARN": bucket_arn(details.bucket, details.key)})
    bucket = {"type": "AWS::S3::Bucket", "ARN": bucket_arn(details.bucket)}
    return [*found, bucket if details.owner is None else {"accountId": details.owner, **bucket}]
