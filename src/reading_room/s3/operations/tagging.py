"""Tags of objects and buckets."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from reading_room.s3 import buckets
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.operations.objects import place
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.tagging import BUCKET_TAGS, OBJECT_TAGS, read_tag_set, tag_set
from reading_room.s3.unconfigured import NoSuchTagSet
from reading_room.s3.versions import StoredVersion, existing


@s3_operation("PutObjectTagging", "VersionId Tagging")
def put_object_tagging(store: Storage, request: S3Request) -> S3Response:
    """Replace the tags of an object."""
    tags = read_tag_set(request.parameters.get("Tagging"), OBJECT_TAGS)
    store.expect_tags()
    return respond(request, {"VersionId": _set_object_tags(store, request, tags)})


@s3_operation("GetObjectTagging", "VersionId")
def get_object_tagging(store: Storage, request: S3Request) -> S3Response:
    """Return an object's tags."""
    with store.database.reading() as session:
        row = _object(session, request)
        tags = row.tags
    return respond(request, {"TagSet": tag_set(tags), "VersionId": store.shown_version(row)})


@s3_operation("DeleteObjectTagging", "VersionId")
def delete_object_tagging(store: Storage, request: S3Request) -> S3Response:
    """Remove all tags of an object."""
    return respond(request, {"VersionId": _set_object_tags(store, request, {})})


@s3_operation("PutBucketTagging", "Tagging")
def put_bucket_tagging(store: Storage, request: S3Request) -> S3Response:
    """Replace the tags of a bucket."""
    tags = read_tag_set(request.parameters.get("Tagging"), BUCKET_TAGS)
    with store.database.transaction() as session:
        buckets.find(session, request.bucket or "").tags = tags
    return respond(request, status=204)


@s3_operation("GetBucketTagging")
def get_bucket_tagging(store: Storage, request: S3Request) -> S3Response:
    """Return a bucket's tags."""
    with store.database.reading() as session:
        tags = buckets.find(session, request.bucket or "").tags
    if not tags:
        raise NoSuchTagSet(request.bucket or "")
    return respond(request, {"TagSet": tag_set(tags)})


@s3_operation("DeleteBucketTagging")
def delete_bucket_tagging(store: Storage, request: S3Request) -> S3Response:
    """Remove all tags of a bucket."""
    with store.database.transaction() as session:
        buckets.find(session, request.bucket or "").tags = None
    return respond(request)


def _set_object_tags(store: Storage, request: S3Request, tags: Mapping[str, str]) -> str | None:
    """Set the tags of an object, and return the id of its version."""
    with store.database.transaction() as session:
        row = _object(session, request)
        row.tags = dict(tags) or None
        return store.shown_version(row)


def _object(session: Session, request: S3Request) -> StoredVersion:
    return existing(session, *place(request), request.parameters.get("VersionId"), request.incoming.method)
