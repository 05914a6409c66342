"""Errors of creating and deleting buckets."""

from __future__ import annotations

import re

from reading_room.s3.errors import NoSuchBucket, S3Error

_ANY_NAME = re.compile(r"[A-Za-z0-9._-]{3,255}", re.ASCII)
"""The names that a bucket may have, or might have been given in us-east-1 before March 2018."""


class BucketAlreadyOwnedByYou(S3Error):
    """The caller already owns this bucket."""

    code = "BucketAlreadyOwnedByYou"
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "Your previous request to create the named bucket succeeded and you already own it.",
            {"BucketName": bucket},
        )


class BucketAlreadyExists(S3Error):
    """Another account owns this bucket."""

    code = "BucketAlreadyExists"
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "The requested bucket name is not available. The bucket namespace is shared by all users of the "
            "system. Please select a different name and try again.",
            {"BucketName": bucket},
        )


class BucketNotEmpty(S3Error):
    """A bucket with objects, or with versions of any, cannot be deleted."""

    code = "BucketNotEmpty"
    status = 409

    def __init__(self, bucket: str, *, has_versions: bool = False) -> None:
        more = ". You must delete all versions in the bucket." if has_versions else ""
        super().__init__(f"The bucket you tried to delete is not empty{more}", {"BucketName": bucket})


class InvalidBucketName(S3Error):
    """The name breaks the rules for bucket names."""

    code = "InvalidBucketName"
    status = 400

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket is not valid.", {"BucketName": bucket})


def no_bucket(name: str) -> NoSuchBucket | InvalidBucketName:
    """Return the error for a bucket that does not exist: no bucket can, or could ever, have some names."""
    return NoSuchBucket(name) if _ANY_NAME.fullmatch(name) else InvalidBucketName(name)


class IllegalLocationConstraint(S3Error):
    """CreateBucket names a region that is not this one."""

    code = "IllegalLocationConstraintException"
    status = 400

    def __init__(self, constraint: str) -> None:
        super().__init__(
            f"The {constraint} location constraint is incompatible for the region specific endpoint this request "
            "was sent to."
        )


class InvalidLocationConstraint(S3Error):
    """CreateBucket names an unknown region, or us-east-1, which a client selects by naming no region."""

    code = "InvalidLocationConstraint"
    status = 400

    def __init__(self, constraint: str) -> None:
        super().__init__("The specified location-constraint is not valid", {"LocationConstraint": constraint})


class InvalidBucketOwner(S3Error):
    """The expected bucket owner of a request is not an account id."""

    code = "InvalidBucketOwnerAWSAccountID"
    status = 400

    def __init__(self, account: str) -> None:
        super().__init__(f"The value of the expected bucket owner parameter must be an AWS Account ID... [{account}]")
