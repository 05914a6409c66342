"""The versioning of buckets, and the listing of versions."""

from __future__ import annotations

from typing import Any

from reading_room.s3 import buckets
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.errors import AccessDenied, InvalidArgument, MalformedXML
from reading_room.s3.operations.keys import entry_of, key_encoder, owner_of, page_size
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.version_errors import IllegalVersioningConfiguration, InvalidBucketState
from reading_room.s3.versions import ENABLED, SUSPENDED, shown_id
from reading_room.s3.versions_listing import ListedVersion, list_versions, marker_place


@s3_operation("PutBucketVersioning", "VersioningConfiguration")
def put_bucket_versioning(store: Storage, request: S3Request) -> S3Response:
    """Enable or suspend versioning. MFA delete is refused, because nobody has such a device here."""
    given = request.parameters.get("VersioningConfiguration")
    if given is None:
        raise MalformedXML
    status = given.get("Status")
    if status not in (None, ENABLED, SUSPENDED) or given.get("MFADelete") not in (None, "Enabled", "Disabled"):
        raise MalformedXML
    if given.get("MFADelete") == "Enabled":
        raise AccessDenied("Mfa Authentication must be used for this request")
    if status is None:
        raise IllegalVersioningConfiguration
    with store.database.transaction() as session:
        row = buckets.find(session, request.bucket or "")
        if status == SUSPENDED and row.object_lock is not None:
            raise InvalidBucketState(
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
            )
        row.versioning = status
    return respond(request)


@s3_operation("GetBucketVersioning")
def get_bucket_versioning(store: Storage, request: S3Request) -> S3Response:
    """Return whether versioning is enabled or suspended; nothing if it was never set."""
    with store.database.reading() as session:
        status = buckets.find(session, request.bucket or "").versioning
    return respond(request, {"Status": status})


@s3_operation("ListObjectVersions", "Prefix Delimiter KeyMarker VersionIdMarker MaxKeys EncodingType")
def list_object_versions(store: Storage, request: S3Request) -> S3Response:
    """List the versions and delete markers of a bucket. In one that never had versioning, each object is ``null``."""
    assert request.bucket is not None
    parameters = request.parameters
    key_marker, version_marker = parameters.get("KeyMarker", ""), parameters.get("VersionIdMarker")
    if version_marker is not None and not key_marker:
        problem = "A version-id marker cannot be specified without a key marker."
        raise InvalidArgument("version-id-marker", version_marker, problem)
    prefix, delimiter = parameters.get("Prefix", ""), parameters.get("Delimiter", "")
    limit = page_size(parameters, "MaxKeys", "maxKeys")
    encode_key = key_encoder(parameters)
    with store.database.reading() as session:
        bucket = buckets.find(session, request.bucket)
        account, enforced = bucket.account, buckets.ownership_of(bucket) == buckets.ENFORCED
        after = marker_place(session, request.bucket, key_marker, version_marker)
        listing = list_versions(session, request.bucket, prefix=prefix, delimiter=delimiter, after=after, limit=limit)
    owner = owner_of(account, enforced=enforced)
    result: dict[str, Any] = {
        "Name": request.bucket,
        "Prefix": encode_key(prefix),
        "KeyMarker": encode_key(key_marker),
        "VersionIdMarker": version_marker or "",
        "MaxKeys": limit,
        "EncodingType": parameters.get("EncodingType"),
        "IsTruncated": listing.truncated,
        "Versions": [],
        "DeleteMarkers": [],
        "CommonPrefixes": [{"Prefix": encode_key(common)} for common in listing.prefixes],
    }
    if delimiter:
        result["Delimiter"] = encode_key(delimiter)
    for row, is_latest in zip(listing.versions, listing.latest, strict=True):
        facts = {"VersionId": shown_id(row.version_id), "IsLatest": is_latest}
        if row.is_delete_marker:
            named = {"Key": encode_key(row.key.decode()), "LastModified": row.last_modified, "Owner": owner(row)}
            result["DeleteMarkers"].append(named | facts)
        else:
            result["Versions"].append(entry_of(row, encode_key, owner) | facts)
    if listing.truncated and isinstance(listing.last, ListedVersion):
        result |= {
            "NextKeyMarker": encode_key(listing.last.key.decode()),
            "NextVersionIdMarker": shown_id(listing.last.version_id),
        }
    elif listing.truncated and isinstance(listing.last, str):
        result["NextKeyMarker"] = encode_key(listing.last)
    return respond(request, result)
