"""DeleteObject and DeleteObjects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.errors import AwsError
from reading_room.s3 import buckets
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.errors import InvalidArgument, MalformedXML, NotImplementedHeader, PreconditionFailed
from reading_room.s3.lock_errors import nothing_to_bypass
from reading_room.s3.object_lock import check_deletion
from reading_room.s3.operations.objects import check_write_conditions, place
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.ranges import matches
from reading_room.s3.storage import Storage
from reading_room.s3.version_errors import NoSuchVersion
from reading_room.s3.versions import NULL, Changed, delete_current, delete_version, rank_of

_MOST = 1000


@s3_operation("DeleteObject", "VersionId IfMatch BypassGovernanceRetention")
def delete_object(store: Storage, request: S3Request) -> S3Response:
    """Delete an object or a version of one. A missing one is no error, unless the request has a condition."""
    bucket, key = place(request)
    parameters = request.parameters
    with store.database.transaction() as session:
        bypass = _bypass(session, request)
        check = partial(_check_condition, key=key, parameters=parameters)
        changed = _delete(session, store, bucket, key, parameters.get("VersionId"), check, bypass=bypass)
    store.forget(changed.freed)
    return respond(request, {"VersionId": changed.version_id, "DeleteMarker": changed.is_delete_marker or None})


def _check_condition(etag: str | None, key: str, parameters: Mapping[str, Any]) -> None:
    if etag is None and parameters.get("IfMatch", "").strip() == "*":
        # With an ETag, the second of two concurrent deletions gets the error that the object is gone.
        raise PreconditionFailed("If-Match")
    check_write_conditions(etag, key, parameters)


@s3_operation("DeleteObjects", "Delete BypassGovernanceRetention")
def delete_objects(store: Storage, request: S3Request) -> S3Response:
    """Delete up to 1,000 objects and versions in one transaction. Those that policies deny are reported and stay."""
    entries = request.parameters.get("Delete", {}).get("Objects", [])
    if not entries or len(entries) > _MOST or not all(entry.get("Key") for entry in entries):
        raise MalformedXML
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    freed: list[str] = []
    with store.database.transaction() as session:
        bypass = _bypass(session, request)
        for entry in entries:
            key, version = entry["Key"], entry.get("VersionId") or None
            named = {"Key": key, "VersionId": version}
            try:
                if (refusal := request.refused.get((key, version))) is not None:
                    raise refusal
                changed = _delete_entry(session, store, request.bucket or "", entry, bypass=bypass)
            except AwsError as error:
                errors.append({**named, "Code": error.code, "Message": error.message})
                continue
            freed += changed.freed
            deleted.append(named | _marker_members(changed))
    store.forget(freed)
    quiet = request.parameters["Delete"].get("Quiet", False)
    return respond(request, {"Deleted": [] if quiet else deleted, "Errors": errors})


def _marker_members(changed: Changed) -> dict[str, Any]:
    if not changed.is_delete_marker:
        return {}
    return {"DeleteMarker": True, "DeleteMarkerVersionId": changed.version_id}


def _bypass(session: Session, request: S3Request) -> bool:
    """Say whether a request bypasses retention in governance mode, which only some callers may (``actions.py``)."""
    bypass = request.parameters.get("BypassGovernanceRetention")
    if buckets.find(session, request.bucket or "").object_lock is None and bypass is not None:
        raise nothing_to_bypass()
    return bool(bypass)


def _delete_entry(session: Session, store: Storage, bucket: str, entry: Mapping[str, Any], *, bypass: bool) -> Changed:
    key, version = entry["Key"], entry.get("VersionId") or None
    if version is not None and version != NULL and rank_of(version) is None:
        raise NoSuchVersion(key, version)
    for condition in ("LastModifiedTime", "Size"):
        if condition in entry:
            raise NotImplementedHeader(condition)

    def check(etag: str | None) -> None:
        if (match := entry.get("ETag")) is not None and (etag is None or not matches(match, etag)):
            raise PreconditionFailed("If-Match")

    try:
        return _delete(session, store, bucket, key, version, check, bypass=bypass)
    except InvalidArgument:
        # A bucket without versioning has no such version.
        raise NoSuchVersion(key, version or "") from None


def _delete(
    session: Session,
    store: Storage,
    bucket: str,
    key: str,
    version: str | None,
    check: Callable[[str | None], None],
    *,
    bypass: bool,
) -> Changed:
    """Delete the object of a key, or a version of it. ``check`` gets the ETag of what is deleted, or ``None``.

    Raises ``AccessDenied`` for a version that is locked. A delete marker may hide one, since it deletes nothing.
    """
    now = store.clock()
    if version is None:
        return delete_current(session, bucket, key, now, lambda etag, _: check(etag))

    def check_version(found: Any) -> None:
        check(None if found is None else found.etag)
        if found is not None:
            check_deletion(found.lock, now, bypass=bypass)

    return delete_version(session, bucket, key, version, check_version)
