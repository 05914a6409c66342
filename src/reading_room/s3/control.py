"""Requests of S3 Control, which is another API at the same addresses: the operations that Terraform's provider needs.

At AWS the host name begins with the account. Here the path and the header ``x-amz-account-id`` are enough, and a name
that begins so works too, where clients can resolve it. The tags of a bucket are those of GetBucketTagging.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

from botocore.model import OperationModel

from reading_room.aws.models import service_model
from reading_room.s3.addressing import Address
from reading_room.s3.errors import InvalidRequest, NotImplementedOperation

ACCOUNT_HEADER = "x-amz-account-id"
VERSION = "v20180820"
_TAGS = f"/{VERSION}/tags/"
_BLOCK = f"/{VERSION}/configuration/publicAccessBlock"
_BUCKET_ARN = "arn:aws:s3:::"
_BY_METHOD = {"GET": "ListTagsForResource", "POST": "TagResource", "DELETE": "UntagResource"}
_OF_ACCOUNTS = {
    "GET": "GetAccountPublicAccessBlock",
    "PUT": "PutAccountPublicAccessBlock",
    "DELETE": "DeleteAccountPublicAccessBlock",
}
"""The operations on an account's Block Public Access, by the names of their IAM actions: S3 has others of the same
names for buckets."""
OPERATIONS = frozenset({*_BY_METHOD.values(), *_OF_ACCOUNTS.values()})


def is_control(raw_path: str, headers: Mapping[str, str], address: Address | None = None) -> bool:
    """Say whether a request is one of S3 Control; ``address`` is what it would mean as a request of S3.

    No request of S3 has the header.
    """
    if ACCOUNT_HEADER not in headers or not raw_path.startswith(f"/{VERSION}/"):
        return False
    if address is None or not address.virtual:
        return True
    return (address.bucket or "").partition(".")[0] == headers[ACCOUNT_HEADER]


def identify_control(method: str, raw_path: str) -> tuple[OperationModel, Address]:
    """Return the operation of a request, and the bucket that it is about, if any.

    Raises ``InvalidRequest`` for the tags of anything but a bucket, and ``NotImplementedOperation``.
    """
    name, bucket = None, None
    if raw_path.startswith(_TAGS):
        name, arn = _BY_METHOD.get(method), unquote(raw_path.removeprefix(_TAGS))
        bucket = arn.removeprefix(_BUCKET_ARN)
        if bucket == arn or not bucket or "/" in bucket:
            raise InvalidRequest(f"The resource of tags must be a bucket ({_BUCKET_ARN}NAME), not {arn}.")
    elif raw_path == _BLOCK:
        name = _OF_ACCOUNTS.get(method)
    if name is None:
        raise NotImplementedOperation("The operation of S3 Control")
    return control_model(name), Address(bucket, None)


def wrapped(error: bytes) -> bytes:
    """Return an error of S3 in the form of S3 Control's, whose clients expect an element around it."""
    declaration, start, rest = error.partition(b"<Error>")
    return b"".join((declaration, b"<ErrorResponse>", start, rest, b"</ErrorResponse>"))


@cache
def control_model(name: str) -> OperationModel:
    """Return the model of an operation of S3 Control."""
    model = service_model("s3control")
    found = model.operation_model(name.replace("Account", "") if name in _OF_ACCOUNTS.values() else name)
    description: dict[str, Any] = {"name": name, "http": found.http}
    for direction, shape in (("input", found.input_shape), ("output", found.output_shape)):
        if shape is not None:
            description[direction] = {"shape": shape.name}
    return OperationModel(description, model, name)
