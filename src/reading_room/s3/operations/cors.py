"""The CORS rules of a bucket."""

from __future__ import annotations

from reading_room.s3 import buckets
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.cors import check_rules
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.unconfigured import NoSuchCORSConfiguration


@s3_operation("PutBucketCors", "CORSConfiguration")
def put_bucket_cors(store: Storage, request: S3Request) -> S3Response:
    """Replace the rules. The new ones take effect with the next request."""
    rules = request.parameters.get("CORSConfiguration", {}).get("CORSRules", [])
    check_rules(rules)
    with store.database.transaction() as session:
        buckets.find(session, request.bucket or "").cors = rules
    return respond(request)


@s3_operation("GetBucketCors")
def get_bucket_cors(store: Storage, request: S3Request) -> S3Response:
    """Return the rules as they were put."""
    with store.database.reading() as session:
        rules = buckets.find(session, request.bucket or "").cors
    if not rules:
        raise NoSuchCORSConfiguration(request.bucket or "")
    return respond(request, {"CORSRules": rules})


@s3_operation("DeleteBucketCors")
def delete_bucket_cors(store: Storage, request: S3Request) -> S3Response:
    """Remove the rules."""
    with store.database.transaction() as session:
        buckets.find(session, request.bucket or "").cors = None
    return respond(request)
