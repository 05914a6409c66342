"""The settings of buckets and objects that cannot be changed here and have the values of a new bucket.

Terraform reads all of them after each change. A change to a setting's present value succeeds.
"""

from __future__ import annotations

from reading_room.s3 import buckets
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.errors import MalformedXML, NotImplementedOperation, NotImplementedParameter
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.unconfigured import (
    NoSuchWebsiteConfiguration,
    NotConfigured,
    ReplicationConfigurationNotFound,
)


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


@s3_operation("GetBucketRequestPayment")
def get_bucket_request_payment(store: Storage, request: S3Request) -> S3Response:
    """Return that the owner pays."""
    _account(store, request)
    return respond(request, {"Payer": "BucketOwner"})


@s3_operation("PutBucketRequestPayment", "RequestPaymentConfiguration")
def put_bucket_request_payment(store: Storage, request: S3Request) -> S3Response:
    """Accept that the owner pays, the present value; refuse that the requester does."""
    payer = request.parameters.get("RequestPaymentConfiguration", {}).get("Payer")
    if payer not in ("BucketOwner", "Requester"):
        raise MalformedXML
    _account(store, request)
    if payer == "Requester":
        raise NotImplementedOperation(request.operation)
    return respond(request)


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
_absent("GetBucketReplication", ReplicationConfigurationNotFound)


def _account(store: Storage, request: S3Request) -> str:
    with store.database.reading() as session:
        return buckets.find(session, request.bucket or "").account
