"""What may be asked of a bucket's or object's settings, where the answer is the one every new bucket gives.

Terraform reads all of these after each change. Changing them is not implemented, so the answers are true.
"""

from __future__ import annotations

from typing import Any

from reading_room.s3 import buckets
from reading_room.s3.backends.backend import S3Request, S3Response
from reading_room.s3.errors import NoSuchKey
from reading_room.s3.operations.objects import check_version, current, place
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.unconfigured import (
    NoSuchCORSConfiguration,
    NoSuchLifecycleConfiguration,
    NoSuchTagSet,
    NoSuchWebsiteConfiguration,
    NotConfigured,
    ObjectLockConfigurationNotFound,
    ReplicationConfigurationNotFound,
)


def _acl(account: str) -> dict[str, Any]:
    owner = {"ID": buckets.canonical_user(account)}
    grantee = {"Type": "CanonicalUser", **owner}
    return {"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}


@s3_operation("GetBucketAcl")
def get_bucket_acl(store: Storage, request: S3Request) -> S3Response:
    """Say that the owner has full control: buckets are owner-enforced."""
    return respond(request, _acl(_account(store, request)))


@s3_operation("GetObjectAcl", "VersionId")
def get_object_acl(store: Storage, request: S3Request) -> S3Response:
    """Say so of an object."""
    _existing(store, request)
    return respond(request, _acl(_account(store, request)))


@s3_operation("GetObjectTagging", "VersionId")
def get_object_tagging(store: Storage, request: S3Request) -> S3Response:
    """Say that an object has no tags: they cannot be set."""
    _existing(store, request)
    return respond(request, {"TagSet": []})


@s3_operation("GetBucketEncryption")
def get_bucket_encryption(store: Storage, request: S3Request) -> S3Response:
    """Say that SSE-S3 is the default."""
    _account(store, request)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    return respond(request, {"ServerSideEncryptionConfiguration": {"Rules": [rule]}})


@s3_operation("GetBucketOwnershipControls")
def get_bucket_ownership_controls(store: Storage, request: S3Request) -> S3Response:
    """Say that ACLs are disabled."""
    _account(store, request)
    return respond(request, {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}})


@s3_operation("GetBucketRequestPayment")
def get_bucket_request_payment(store: Storage, request: S3Request) -> S3Response:
    """Say that the owner pays."""
    _account(store, request)
    return respond(request, {"Payer": "BucketOwner"})


def _empty(store: Storage, request: S3Request) -> S3Response:
    _account(store, request)
    return respond(request)


s3_operation("GetBucketVersioning")(_empty)
s3_operation("GetBucketLogging")(_empty)
s3_operation("GetBucketAccelerateConfiguration")(_empty)
s3_operation("GetBucketNotificationConfiguration")(_empty)


def _absent(name: str, error: type[NotConfigured]) -> None:
    def answer(store: Storage, request: S3Request) -> S3Response:
        _account(store, request)
        raise error(request.bucket or "")

    s3_operation(name)(answer)


_absent("GetBucketTagging", NoSuchTagSet)
_absent("GetBucketCors", NoSuchCORSConfiguration)
_absent("GetBucketWebsite", NoSuchWebsiteConfiguration)
_absent("GetBucketLifecycleConfiguration", NoSuchLifecycleConfiguration)
_absent("GetBucketReplication", ReplicationConfigurationNotFound)
_absent("GetObjectLockConfiguration", ObjectLockConfigurationNotFound)


def _account(store: Storage, request: S3Request) -> str:
    with store.database.reading() as session:
        return buckets.find(session, request.bucket or "").account


def _existing(store: Storage, request: S3Request) -> None:
    bucket, key = place(request)
    check_version(request.parameters.get("VersionId"), key)
    with store.database.reading() as session:
        if current(session, bucket, key) is None:
            raise NoSuchKey(key)
