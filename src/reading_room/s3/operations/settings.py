"""The settings of buckets and objects that cannot be changed here and have the values of a new bucket.

Terraform reads all of them after each change. A change to a setting's present value succeeds.
"""

from __future__ import annotations

from typing import Any

from reading_room.iam.policy.principals import canonical_user_id
from reading_room.s3 import buckets
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.errors import (
    AccessControlListNotSupported,
    MalformedXML,
    NotImplementedParameter,
)
from reading_room.s3.operations.objects import place
from reading_room.s3.operations.stored import check_acl
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.unconfigured import (
    NoSuchLifecycleConfiguration,
    NoSuchWebsiteConfiguration,
    NotConfigured,
    ReplicationConfigurationNotFound,
)
from reading_room.s3.versions import existing


def _acl(account: str) -> dict[str, Any]:
    owner = {"ID": canonical_user_id(account)}
    grantee = {"Type": "CanonicalUser", **owner}
    return {"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}


@s3_operation("GetBucketAcl")
def get_bucket_acl(store: Storage, request: S3Request) -> S3Response:
    """Return full control for the owner, because buckets are owner-enforced."""
    return respond(request, _acl(_account(store, request)))


@s3_operation("GetObjectAcl", "VersionId")
def get_object_acl(store: Storage, request: S3Request) -> S3Response:
    """Return full control for the owner of the bucket."""
    _existing(store, request)
    return respond(request, _acl(_account(store, request)))


@s3_operation("GetBucketEncryption")
def get_bucket_encryption(store: Storage, request: S3Request) -> S3Response:
    """Return SSE-S3 as the default."""
    _account(store, request)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    return respond(request, {"ServerSideEncryptionConfiguration": {"Rules": [rule]}})


@s3_operation("PutBucketEncryption", "ServerSideEncryptionConfiguration")
def put_bucket_encryption(store: Storage, request: S3Request) -> S3Response:
    """Accept SSE-S3, the present value; refuse KMS keys."""
    _account(store, request)
    rules = request.parameters.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    if len(rules) != 1:
        raise MalformedXML
    rule = rules[0]
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    if default.get("SSEAlgorithm") != "AES256" or "KMSMasterKeyID" in default:
        raise NotImplementedParameter("SSEAlgorithm")
    if rule.get("BucketKeyEnabled") or "BlockedEncryptionTypes" in rule:
        raise NotImplementedParameter("BucketKeyEnabled" if rule.get("BucketKeyEnabled") else "BlockedEncryptionTypes")
    return respond(request)


@s3_operation("GetBucketOwnershipControls")
def get_bucket_ownership_controls(store: Storage, request: S3Request) -> S3Response:
    """Return that ACLs are disabled."""
    _account(store, request)
    return respond(request, {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}})


@s3_operation("PutBucketOwnershipControls", "OwnershipControls")
def put_bucket_ownership_controls(store: Storage, request: S3Request) -> S3Response:
    """Accept disabled ACLs, the present value; refuse others."""
    _account(store, request)
    rules = request.parameters.get("OwnershipControls", {}).get("Rules", [])
    if len(rules) != 1:
        raise MalformedXML
    if rules[0].get("ObjectOwnership") != "BucketOwnerEnforced":
        raise NotImplementedParameter("ObjectOwnership")
    return respond(request)


def _put_bucket_acl(store: Storage, request: S3Request) -> S3Response:
    return _put_acl(request, _account(store, request), "private")


def _put_object_acl(store: Storage, request: S3Request) -> S3Response:
    _existing(store, request)
    return _put_acl(request, _account(store, request), "private", "bucket-owner-full-control")


def _put_acl(request: S3Request, account: str, *canned: str) -> S3Response:
    """Accept an ACL that grants full control to the bucket's owner alone, the present value."""
    check_acl(request.parameters, canned)
    policy = request.parameters.get("AccessControlPolicy")
    if policy is None and "ACL" not in request.parameters:
        raise MalformedXML
    owner = canonical_user_id(account)
    for grant in (policy or {}).get("Grants", []):
        if grant.get("Grantee", {}).get("ID") != owner or grant.get("Permission") != "FULL_CONTROL":
            raise AccessControlListNotSupported
    return respond(request)


_GRANTS = "ACL AccessControlPolicy GrantFullControl GrantRead GrantReadACP GrantWrite GrantWriteACP"
s3_operation("PutBucketAcl", _GRANTS)(_put_bucket_acl)
s3_operation("PutObjectAcl", f"{_GRANTS} VersionId")(_put_object_acl)


@s3_operation("GetBucketRequestPayment")
def get_bucket_request_payment(store: Storage, request: S3Request) -> S3Response:
    """Return that the owner pays."""
    _account(store, request)
    return respond(request, {"Payer": "BucketOwner"})


def _empty(store: Storage, request: S3Request) -> S3Response:
    _account(store, request)
    return respond(request)


s3_operation("GetBucketLogging")(_empty)
s3_operation("GetBucketAccelerateConfiguration")(_empty)
s3_operation("GetBucketNotificationConfiguration")(_empty)


def _absent(name: str, error: type[NotConfigured]) -> None:
    def answer(store: Storage, request: S3Request) -> S3Response:
        _account(store, request)
        raise error(request.bucket or "")

    s3_operation(name)(answer)


_absent("GetBucketWebsite", NoSuchWebsiteConfiguration)
_absent("GetBucketLifecycleConfiguration", NoSuchLifecycleConfiguration)
_absent("GetBucketReplication", ReplicationConfigurationNotFound)


def _account(store: Storage, request: S3Request) -> str:
    with store.database.reading() as session:
        return buckets.find(session, request.bucket or "").account


def _existing(store: Storage, request: S3Request) -> None:
    bucket, key = place(request)
    with store.database.reading() as session:
        existing(session, bucket, key, request.parameters.get("VersionId"), request.incoming.method)
