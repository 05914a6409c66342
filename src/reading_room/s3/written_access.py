"""The owner and the grants of the object that a write makes, by the ownership that its bucket has."""

from __future__ import annotations

from sqlalchemy.orm import Session

from reading_room.iam import accounts
from reading_room.s3 import buckets
from reading_room.s3.access_list_errors import AccessControlListNotSupported
from reading_room.s3.access_list_requests import Exists, grants_in_headers, names_list
from reading_room.s3.access_lists import Grants, canonical_id, is_public, private
from reading_room.s3.backend import S3Request
from reading_room.s3.errors import AccessDenied
from reading_room.s3.object_access import ObjectAccess, access_of
from reading_room.s3.tables import S3Bucket

_FULL = "bucket-owner-full-control"


def concerns_access(request: S3Request) -> bool:
    """Say whether a write might make an object with another owner than the bucket's, or with grants."""
    caller = request.principal
    foreign = caller.kind != "service" and caller.account != request.account
    return foreign or names_list(request.parameters)


def written_access(session: Session, request: S3Request) -> ObjectAccess:
    """Return the access of the object that a write makes.

    Raises ``AccessControlListNotSupported``, ``AccessDenied`` for a public list while BlockPublicAcls is on, and the
    errors of ``grants_in_headers``.
    """
    bucket = buckets.find(session, request.bucket or "")
    named = request.parameters.get("ACL")
    if buckets.ownership_of(bucket) == buckets.ENFORCED:
        own = request.principal.account == bucket.account
        # For its own account, a private list grants what that account has anyway.
        if named != _FULL and not (named == "private" and own) and names_list(request.parameters):
            grants = grants_in_headers(request.parameters, "object", bucket.account, bucket.account, users_of(session))
            check_enforced(grants if named is None else None, bucket)
        return ObjectAccess()
    writer = bucket.account if request.principal.kind == "service" else request.principal.account
    preferred = buckets.ownership_of(bucket) == buckets.PREFERRED and named == _FULL
    owner = bucket.account if preferred else writer
    grants = grants_in_headers(request.parameters, "object", owner, bucket.account, users_of(session))
    if grants is not None:
        check_public(grants, bucket)
    return access_of(owner, grants, bucket.account)


def check_enforced(grants: Grants | None, bucket: S3Bucket) -> None:
    """Raise ``AccessControlListNotSupported`` unless grants give the bucket's owner full control and nothing else."""
    if grants != private(bucket.account):
        raise AccessControlListNotSupported


def check_public(grants: Grants, bucket: S3Bucket) -> None:
    """Raise ``AccessDenied`` for a public list while BlockPublicAcls is on."""
    if is_public(grants) and (bucket.public_access_block or {}).get("BlockPublicAcls"):
        raise AccessDenied


def users_of(session: Session) -> Exists:
    """Return the function that says whether an account of this installation has a canonical user id."""

    known: set[str] = set()

    def exists(canonical: str) -> bool:
        if not known:
            known.update(canonical_id(each.account) for each in accounts.every(session))
        return canonical in known

    return exists
