"""Object Lock: the default retention of buckets, and the retention and legal holds of versions."""

from __future__ import annotations

from sqlalchemy.orm import Session

from reading_room.s3 import buckets
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.errors import MalformedXML
from reading_room.s3.lock_errors import NoSuchObjectLockConfiguration
from reading_room.s3.object_lock import changed_hold, changed_retention, check_setting, read_setting, until_of
from reading_room.s3.operations.objects import place
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.unconfigured import ObjectLockConfigurationNotFound
from reading_room.s3.version_errors import InvalidBucketState
from reading_room.s3.versions import ENABLED, StoredVersion, existing


@s3_operation("PutObjectLockConfiguration", "ObjectLockConfiguration")
def put_object_lock_configuration(store: Storage, request: S3Request) -> S3Response:
    """Set the default retention, which holds for later writes. It turns Object Lock on, which cannot be undone."""
    with store.database.transaction() as session:
        row = buckets.find(session, request.bucket or "")
        if row.versioning != ENABLED:
            raise InvalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
        row.object_lock = read_setting(request.parameters.get("ObjectLockConfiguration") or {})
    return respond(request)


@s3_operation("GetObjectLockConfiguration")
def get_object_lock_configuration(store: Storage, request: S3Request) -> S3Response:
    """Return whether a bucket has Object Lock, with its default retention."""
    with store.database.reading() as session:
        setting = buckets.find(session, request.bucket or "").object_lock
    if setting is None:
        raise ObjectLockConfigurationNotFound(request.bucket or "")
    rule = {"Rule": {"DefaultRetention": setting}} if setting else {}
    return respond(request, {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **rule}})


@s3_operation("PutObjectRetention", "Retention VersionId BypassGovernanceRetention")
def put_object_retention(store: Storage, request: S3Request) -> S3Response:
    """Set the retention of a version, or remove it. Nobody shortens retention in compliance mode."""
    retention = request.parameters.get("Retention")
    if retention is None:
        raise MalformedXML
    bypass = bool(request.parameters.get("BypassGovernanceRetention"))
    with store.database.transaction() as session:
        row = _lockable(session, request)
        row.lock = changed_retention(row.lock, retention, store.clock(), bypass=bypass)
    return respond(request)


@s3_operation("GetObjectRetention", "VersionId")
def get_object_retention(store: Storage, request: S3Request) -> S3Response:
    """Return the retention of a version, also one that has ended."""
    with store.database.reading() as session:
        lock = _lockable(session, request).lock or {}
    if "mode" not in lock:
        raise NoSuchObjectLockConfiguration
    return respond(request, {"Retention": {"Mode": lock["mode"], "RetainUntilDate": until_of(lock)}})


@s3_operation("PutObjectLegalHold", "LegalHold VersionId")
def put_object_legal_hold(store: Storage, request: S3Request) -> S3Response:
    """Set or lift the legal hold of a version."""
    with store.database.transaction() as session:
        row = _lockable(session, request)
        row.lock = changed_hold(row.lock, request.parameters.get("LegalHold"))
    return respond(request)


@s3_operation("GetObjectLegalHold", "VersionId")
def get_object_legal_hold(store: Storage, request: S3Request) -> S3Response:
    """Return whether a version has a legal hold."""
    with store.database.reading() as session:
        lock = _lockable(session, request).lock or {}
    if "hold" not in lock:
        raise NoSuchObjectLockConfiguration
    return respond(request, {"LegalHold": {"Status": lock["hold"]}})


def _lockable(session: Session, request: S3Request) -> StoredVersion:
    """Return the version that a request names. Raises ``InvalidRequest`` for a bucket without Object Lock."""
    bucket, key = place(request)
    check_setting(buckets.find(session, bucket).object_lock, True)
    return existing(session, bucket, key, request.parameters.get("VersionId"), request.incoming.method)
