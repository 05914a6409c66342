"""The operations of S3 Control that Terraform's provider needs: tags of buckets, and reading an account's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reading_room.s3 import buckets
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.errors import AccessDenied, MalformedXML
from reading_room.s3.operations.table import CONTROL_OPERATIONS, respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.tagging import BUCKET_TAGS, read_tag_set, tag_set
from reading_room.s3.unconfigured import NoAccountPublicAccessBlock


@s3_operation("ListTagsForResource", "AccountId", table=CONTROL_OPERATIONS)
def list_tags_for_resource(store: Storage, request: S3Request) -> S3Response:
    """Return the tags of a bucket, none for one without tags."""
    _check_account(request, request.account)
    with store.database.reading() as session:
        tags = buckets.find(session, request.bucket or "").tags
    return respond(request, {"Tags": tag_set(tags)})


@s3_operation("TagResource", "AccountId Tags", table=CONTROL_OPERATIONS)
def tag_resource(store: Storage, request: S3Request) -> S3Response:
    """Add tags to a bucket, in place of those with the same keys."""
    added = read_tag_set({"TagSet": request.parameters.get("Tags", [])}, BUCKET_TAGS)
    if not added:
        raise MalformedXML
    return _changed(store, request, lambda tags: {**tags, **added})


@s3_operation("UntagResource", "AccountId TagKeys", table=CONTROL_OPERATIONS)
def untag_resource(store: Storage, request: S3Request) -> S3Response:
    """Remove the tags with some keys from a bucket. Missing ones are no error."""
    removed = frozenset(request.parameters.get("TagKeys", []))
    return _changed(store, request, lambda tags: {key: value for key, value in tags.items() if key not in removed})


@s3_operation("GetAccountPublicAccessBlock", "AccountId", table=CONTROL_OPERATIONS)
def get_account_public_access_block(store: Storage, request: S3Request) -> S3Response:
    """Say that Block Public Access is not configured for the account; only buckets have it here."""
    _check_account(request, request.principal.account)
    raise NoAccountPublicAccessBlock(request.principal.account)


def _changed(
    store: Storage, request: S3Request, change: Callable[[Mapping[str, str]], Mapping[str, str]]
) -> S3Response:
    _check_account(request, request.account)
    with store.database.transaction() as session:
        row = buckets.find(session, request.bucket or "")
        tags = change(row.tags or {})
        row.tags = read_tag_set({"TagSet": tag_set(tags)}, BUCKET_TAGS) or None
    return respond(request, status=204)


def _check_account(request: S3Request, account: str) -> None:
    """Raise ``AccessDenied`` unless the request names the account that it is about."""
    if request.parameters.get("AccountId") != account:
        raise AccessDenied
