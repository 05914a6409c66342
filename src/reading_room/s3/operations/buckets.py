"""Buckets, their policies and Block Public Access."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from reading_room.arns import bucket_arn
from reading_room.aws.models import service_model
from reading_room.iam.policy.principals import canonical_user_id
from reading_room.s3 import buckets
from reading_room.s3.access_list_errors import (
    InvalidBucketAclWithBlockPublicAccessError,
    InvalidBucketAclWithObjectOwnership,
)
from reading_room.s3.access_list_requests import grants_in_headers
from reading_room.s3.access_lists import Grants, effective, private
from reading_room.s3.access_lists import is_public as grants_are_public
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.bucket_errors import IllegalLocationConstraint, InvalidLocationConstraint
from reading_room.s3.errors import (
    AccessDenied,
    InvalidArgument,
    MalformedXML,
    MethodNotAllowed,
    NotImplementedHeader,
    NotImplementedOperation,
)
from reading_room.s3.operations.access_lists import grants_of, set_grants, set_ownership
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.public_access import is_public
from reading_room.s3.storage import Storage
from reading_room.s3.unconfigured import NoSuchBucketPolicy, NoSuchPublicAccessBlockConfiguration
from reading_room.s3.written_access import users_of

_DIRECTORY_SUFFIX = "--x-s3"
"""How the names of directory buckets end."""


@s3_operation("ListBuckets", "MaxBuckets ContinuationToken Prefix BucketRegion")
def list_buckets(store: Storage, request: S3Request) -> S3Response:
    """List the buckets of the caller's account."""
    parameters = request.parameters
    limit = int(parameters.get("MaxBuckets", 10_000))
    if not 1 <= limit <= 10_000:
        raise InvalidArgument("max-buckets", str(limit), "Argument max-buckets must be an integer between 1 and 10000")
    account = request.principal.account
    rows = []
    region = parameters.get("BucketRegion", store.region)
    if region not in _regions() | {"us-east-1", store.region} or region == "EU":
        raise InvalidArgument("bucket-region", region, f"Argument value {region} is not a valid AWS Region")
    if region == store.region:
        with store.database.reading() as session:
            rows = list(
                buckets.owned_by(
                    session,
                    account,
                    prefix=parameters.get("Prefix", ""),
                    after=parameters.get("ContinuationToken", ""),
                    limit=limit + 1,
                )
            )
    page = rows[:limit]
    result: dict[str, Any] = {
        "Buckets": [{"Name": row.name, "CreationDate": row.created_at, "BucketRegion": row.region} for row in page],
        "Owner": {"ID": canonical_user_id(account)},
        "Prefix": parameters.get("Prefix"),
    }
    if len(rows) > limit:
        result["ContinuationToken"] = page[-1].name
    return respond(request, result)


@s3_operation("CreateBucket", "ACL CreateBucketConfiguration ObjectOwnership ObjectLockEnabledForBucket "
              "GrantFullControl GrantRead GrantReadACP GrantWrite GrantWriteACP")  # fmt: skip
def create_bucket(store: Storage, request: S3Request) -> S3Response:
    """Create a bucket in the caller's account."""
    assert request.bucket is not None
    parameters = request.parameters
    configuration = parameters.get("CreateBucketConfiguration", {})
    if {"Location", "Bucket"} & configuration.keys() or request.bucket.endswith(_DIRECTORY_SUFFIX):
        raise NotImplementedOperation("CreateDirectoryBucket")
    for name in configuration:
        if name != "LocationConstraint":
            raise NotImplementedHeader(name)
    _check_location(configuration.get("LocationConstraint") or None, store.region)
    ownership = parameters.get("ObjectOwnership", buckets.ENFORCED)
    if ownership not in (buckets.ENFORCED, buckets.PREFERRED, buckets.WRITER):
        problem = f"Invalid x-amz-object-ownership header: {ownership}"
        raise InvalidArgument("x-amz-object-ownership", ownership, problem)
    locked = bool(parameters.get("ObjectLockEnabledForBucket"))
    with store.database.transaction() as session:
        grants = _grants_of_new(session, request, ownership)
        account = request.principal.account
        row = buckets.create(session, request.bucket, account, store.region, store.clock(), locked=locked)
        if row is not None:
            set_ownership(row, ownership)
            set_grants(row, grants)
    return respond(request, {"Location": f"/{request.bucket}"})


def _grants_of_new(session: Session, request: S3Request, ownership: str) -> Grants:
    """Return the list of a new bucket. It must suit its ownership, and cannot be public: public access is blocked."""
    account = request.principal.account
    grants = grants_in_headers(request.parameters, "bucket", account, account, users_of(session)) or private(account)
    if ownership == buckets.ENFORCED and grants != private(account):
        raise InvalidBucketAclWithObjectOwnership
    if grants_are_public(grants):
        raise InvalidBucketAclWithBlockPublicAccessError
    return grants


@s3_operation("DeleteBucket")
def delete_bucket(store: Storage, request: S3Request) -> S3Response:
    """Delete an empty bucket, and abort its unfinished uploads."""
    with store.database.transaction() as session:
        freed = buckets.delete(session, request.bucket or "")
    store.forget(freed)
    return respond(request)


@s3_operation("HeadBucket")
def head_bucket(store: Storage, request: S3Request) -> S3Response:
    """Say that a bucket exists, and in which region."""
    with store.database.reading() as session:
        row = buckets.find(session, request.bucket or "")
    # S3 sends this content type here although there is no body.
    headers = (("content-type", "application/xml"),)
    return respond(request, {"BucketRegion": row.region, "AccessPointAlias": False}, headers=headers)


@s3_operation("GetBucketLocation")
def get_bucket_location(store: Storage, request: S3Request) -> S3Response:
    """Return the bucket's region; for us-east-1 it is empty."""
    with store.database.reading() as session:
        region = buckets.find(session, request.bucket or "").region
    return respond(request, {"LocationConstraint": "" if region == "us-east-1" else region})


@s3_operation("PutBucketPolicy", "Policy")
def put_bucket_policy(store: Storage, request: S3Request) -> S3Response:
    """Set the bucket's policy, which takes effect with the next request."""
    _owner_only(store, request)
    with store.database.transaction() as session:
        try:
            buckets.put_policy(session, request.bucket or "", request.parameters.get("Policy", ""))
        except AccessDenied:
            raise AccessDenied(
                f"User: {request.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "
                f'"{bucket_arn(request.bucket or "")}" because public policies are blocked by the BlockPublicPolicy '
                "block public access setting."
            ) from None
    return respond(request, status=204)


@s3_operation("GetBucketPolicy")
def get_bucket_policy(store: Storage, request: S3Request) -> S3Response:
    """Return the policy as it was put."""
    _owner_only(store, request)
    return respond(request, {"Policy": _policy(store, request)}, headers=(("content-type", "application/json"),))


@s3_operation("DeleteBucketPolicy")
def delete_bucket_policy(store: Storage, request: S3Request) -> S3Response:
    """Remove the policy. A missing policy is no error."""
    _owner_only(store, request)
    with store.database.transaction() as session:
        row = buckets.find(session, request.bucket or "")
        row.policy = row.pinned_policy = None
    return respond(request)


@s3_operation("GetBucketPolicyStatus")
def get_bucket_policy_status(store: Storage, request: S3Request) -> S3Response:
    """Say whether the policy or the access control list makes the bucket public.

    A bucket that has neither has no status.
    """
    with store.database.reading() as session:
        row = buckets.find(session, request.bucket or "")
        policy, grants = row.policy, effective(grants_of(row), row.public_access_block)
    public = grants_are_public(grants)
    if policy is None and not public:
        raise NoSuchBucketPolicy(request.bucket or "")
    return respond(request, {"PolicyStatus": {"IsPublic": public or (policy is not None and is_public(policy))}})


@s3_operation("GetPublicAccessBlock")
def get_public_access_block(store: Storage, request: S3Request) -> S3Response:
    """Return the four switches of Block Public Access."""
    with store.database.reading() as session:
        switches = buckets.find(session, request.bucket or "").public_access_block
    if switches is None:
        raise NoSuchPublicAccessBlockConfiguration(request.bucket or "")
    return respond(request, {"PublicAccessBlockConfiguration": switches})


@s3_operation("PutPublicAccessBlock", "PublicAccessBlockConfiguration")
def put_public_access_block(store: Storage, request: S3Request) -> S3Response:
    """Set the four switches. Those that the request does not name are off."""
    given = request.parameters.get("PublicAccessBlockConfiguration")
    if given is None:
        raise MalformedXML
    with store.database.transaction() as session:
        row = buckets.find(session, request.bucket or "")
        row.public_access_block = {name: bool(given.get(name, False)) for name in buckets.SWITCHES}
    return respond(request)


@s3_operation("DeletePublicAccessBlock")
def delete_public_access_block(store: Storage, request: S3Request) -> S3Response:
    """Turn the four switches off."""
    with store.database.transaction() as session:
        buckets.find(session, request.bucket or "").public_access_block = None
    return respond(request)


def _check_location(constraint: str | None, region: str) -> None:
    """Check the region of a new bucket. Clients select us-east-1 by naming no region."""
    if constraint is not None and constraint not in _regions() - {"us-east-1"}:
        raise InvalidLocationConstraint(constraint)
    if {None: "us-east-1", "EU": "eu-west-1"}.get(constraint, constraint) != region:
        raise IllegalLocationConstraint(constraint or "unspecified")


def _regions() -> frozenset[str]:
    """Return the location constraints of S3's model."""
    shape = service_model("s3").shape_for("BucketLocationConstraint")
    return frozenset(getattr(shape, "enum", ()))


def _policy(store: Storage, request: S3Request) -> str:
    with store.database.reading() as session:
        policy = buckets.find(session, request.bucket or "").policy
    if policy is None:
        raise NoSuchBucketPolicy(request.bucket or "")
    return policy


def _owner_only(store: Storage, request: S3Request) -> None:
    """Raise ``MethodNotAllowed`` unless the caller is of the bucket's account: policies cannot allow others this."""
    if request.principal.account != request.account:
        raise MethodNotAllowed(request.incoming.method, "BUCKETPOLICY")
