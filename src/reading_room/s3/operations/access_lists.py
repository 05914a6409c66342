"""Access control lists of buckets and objects, and the ownership that decides whether they count."""

from __future__ import annotations

from sqlalchemy.orm import Session

from reading_room.s3 import buckets
from reading_room.s3.access_list_errors import AccessControlListNotSupported, InvalidBucketAclWithObjectOwnership
from reading_room.s3.access_list_requests import grants_to_put
from reading_room.s3.access_lists import Grants, as_document, loaded, private, stored
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.errors import MalformedXML
from reading_room.s3.object_access import access_in, access_of, with_access
from reading_room.s3.operations.objects import place
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.tables import S3Bucket
from reading_room.s3.unconfigured import OwnershipControlsNotFound
from reading_room.s3.versions import StoredVersion, existing
from reading_room.s3.written_access import check_enforced, check_public, users_of

_LIST = "ACL AccessControlPolicy GrantFullControl GrantRead GrantReadACP GrantWrite GrantWriteACP"


def grants_of(row: S3Bucket) -> Grants:
    """Return the access control list of a bucket. If its owner owns all objects, that is the owner's alone."""
    grants = buckets.setting(row, buckets.GRANTS)
    return private(row.account) if grants is None else loaded(grants)


@s3_operation("GetBucketAcl")
def get_bucket_acl(store: Storage, request: S3Request) -> S3Response:
    """Return the list of a bucket."""
    with store.database.reading() as session:
        row = buckets.find(session, request.bucket or "")
        return respond(request, as_document(row.account, grants_of(row)))


@s3_operation("PutBucketAcl", _LIST)
def put_bucket_acl(store: Storage, request: S3Request) -> S3Response:
    """Set the list of a bucket whose ownership lets lists count."""
    with store.database.transaction() as session:
        row = buckets.find(session, request.bucket or "")
        if buckets.ownership_of(row) == buckets.ENFORCED:
            raise AccessControlListNotSupported
        grants = grants_to_put(request.parameters, "bucket", row.account, row.account, users_of(session))
        check_public(grants, row)
        set_grants(row, grants)
    return respond(request)


def set_grants(row: S3Bucket, grants: Grants) -> None:
    """Set the list of a bucket."""
    if grants == private(row.account):
        buckets.remove_setting(row, buckets.GRANTS)
    else:
        buckets.set_setting(row, buckets.GRANTS, stored(grants))


@s3_operation("GetObjectAcl", "VersionId")
def get_object_acl(store: Storage, request: S3Request) -> S3Response:
    """Return the list of an object. If the bucket's owner owns all objects, it is that owner's alone."""
    with store.database.reading() as session:
        bucket, row = _found(session, request)
        if buckets.ownership_of(bucket) == buckets.ENFORCED:
            return respond(request, as_document(bucket.account, private(bucket.account)))
        access = access_in(row.headers)
        return respond(request, as_document(access.owner_in(bucket.account), access.grants_in(bucket.account)))


@s3_operation("PutObjectAcl", f"{_LIST} VersionId")
def put_object_acl(store: Storage, request: S3Request) -> S3Response:
    """Set the list of an object; its owner stays.

    If the bucket's owner owns all objects, only a list with full control for that owner alone is accepted.
    """
    with store.database.transaction() as session:
        bucket, row = _found(session, request)
        if buckets.ownership_of(bucket) == buckets.ENFORCED:
            account = bucket.account
            check_enforced(grants_to_put(request.parameters, "object", account, account, users_of(session)), bucket)
        else:
            owner = access_in(row.headers).owner_in(bucket.account)
            grants = grants_to_put(request.parameters, "object", owner, bucket.account, users_of(session))
            check_public(grants, bucket)
            row.headers = with_access(row.headers, access_of(owner, grants, bucket.account))
    return respond(request)


@s3_operation("GetBucketOwnershipControls")
def get_bucket_ownership_controls(store: Storage, request: S3Request) -> S3Response:
    """Return who owns the objects of a bucket."""
    with store.database.reading() as session:
        ownership = buckets.ownership_of(buckets.find(session, request.bucket or ""))
    if ownership is None:
        raise OwnershipControlsNotFound(request.bucket or "")
    return respond(request, {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}})


@s3_operation("PutBucketOwnershipControls", "OwnershipControls")
def put_bucket_ownership_controls(store: Storage, request: S3Request) -> S3Response:
    """Set who owns the objects of a bucket. While that is the bucket's owner, lists stay stored and do not count."""
    rules = request.parameters.get("OwnershipControls", {}).get("Rules", [])
    ownership = rules[0].get("ObjectOwnership") if len(rules) == 1 else None
    if ownership not in (buckets.ENFORCED, buckets.PREFERRED, buckets.WRITER):
        raise MalformedXML
    with store.database.transaction() as session:
        row = buckets.find(session, request.bucket or "")
        if ownership == buckets.ENFORCED and buckets.setting(row, buckets.GRANTS) is not None:
            raise InvalidBucketAclWithObjectOwnership
        set_ownership(row, ownership)
    return respond(request)


@s3_operation("DeleteBucketOwnershipControls")
def delete_bucket_ownership_controls(store: Storage, request: S3Request) -> S3Response:
    """Remove the ownership controls. From then on, writers own their objects."""
    with store.database.transaction() as session:
        buckets.set_setting(buckets.find(session, request.bucket or ""), buckets.OWNERSHIP, None)
    return respond(request)


def set_ownership(row: S3Bucket, ownership: str) -> None:
    """Set who owns the objects of a bucket."""
    if ownership == buckets.ENFORCED:
        buckets.remove_setting(row, buckets.OWNERSHIP)
    else:
        buckets.set_setting(row, buckets.OWNERSHIP, ownership)


def _found(session: Session, request: S3Request) -> tuple[S3Bucket, StoredVersion]:
    bucket, key = place(request)
    version, method = request.parameters.get("VersionId"), request.incoming.method
    return buckets.find(session, bucket), existing(session, bucket, key, version, method)
