"""Reading, writing, copying and deleting objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

from sqlalchemy import Table, and_, bindparam, select
from sqlalchemy.orm import Session

from reading_room.aws.call import ANONYMOUS
from reading_room.aws.errors import AwsError
from reading_room.database.engine import note_write
from reading_room.database.functions import dialect_name, insert_for
from reading_room.s3 import buckets
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.blobs import WITH_ITS_ROW
from reading_room.s3.checksums import ALGORITHMS, of_full_object
from reading_room.s3.errors import (
    InvalidArgument,
    InvalidPartNumber,
    InvalidRequest,
    MalformedXML,
    NoSuchBucket,
    NoSuchKey,
    NoSuchVersion,
    NotImplementedHeader,
    PreconditionFailed,
)
from reading_room.s3.metadata import encode, user_metadata
from reading_room.s3.operations.stored import (
    ENCRYPTED,
    OVERRIDE_PARAMETERS,
    WRITE_PARAMETERS,
    check_write,
    checksum_members,
    described,
    kept_headers,
)
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.ranges import check_read, matches, parse_range
from reading_room.s3.storage import Lease, LeasedStream, Received, Storage, blob_names, blobs_of
from reading_room.s3.tables import S3Bucket, S3Object
from reading_room.s3.tagging import requested_tags

SINGLE_PUT_LIMIT = 5 * 1024**3
"""Bytes that one PutObject, UploadPart or CopyObject takes."""
DEFAULT_CHECKSUM = "CRC64NVME"
ONLY_VERSION = "null"
"""S3's name for the only version of an object in an unversioned bucket."""
_READ_PARAMETERS = (
    "IfMatch IfNoneMatch IfModifiedSince IfUnmodifiedSince Range PartNumber VersionId ChecksumMode "
    + OVERRIDE_PARAMETERS
)


def written_algorithm(request: S3Request) -> str:
    """Return the checksum algorithm that a write names or uses, or S3's default."""
    if request.body is not None and request.body.expectation.algorithms:
        return request.body.expectation.algorithms[0]
    return known_algorithm(request.parameters.get("ChecksumAlgorithm", DEFAULT_CHECKSUM))


def known_algorithm(name: str) -> str:
    """Return the name of a checksum algorithm as it is stored. Raises ``InvalidRequest`` for an unknown one."""
    if name.upper() not in ALGORITHMS:
        raise InvalidRequest(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            f"[{', '.join(ALGORITHMS)}]"
        )
    return name.upper()


def current(session: Session, bucket: str, key: str) -> S3Object | None:
    """Return the object of a key, or ``None``."""
    return session.get(S3Object, (bucket, key.encode()))


_TABLE = cast(Table, S3Object.__table__)
_BEFORE = (
    select(S3Object.etag, S3Object.segments)
    .select_from(S3Bucket)
    .outerjoin(S3Object, and_(S3Object.bucket == S3Bucket.name, S3Object.key == bindparam("key")))
    .where(S3Bucket.name == bindparam("bucket"))
)


@cache
def _write(dialect: str) -> Any:
    """Return the statement that stores the row of an object."""
    plain = insert_for(dialect)(_TABLE)
    return plain.on_conflict_do_update(
        index_elements=["bucket", "key"],
        set_={column.name: plain.excluded[column.name] for column in _TABLE.columns if not column.primary_key},
    )


def replace_object(session: Session, row: S3Object, conditions: Mapping[str, Any]) -> list[str]:
    """Store the row of an object in place of the one before. Return the blobs that no row names any more.

    Two statements do this without an entity of the session, because a small write consists of little else; the
    session's own way to run them would take half as long again. Raises ``NoSuchBucket``, and ``PreconditionFailed`` or
    ``NoSuchKey`` if IfMatch or IfNoneMatch do not hold.
    """
    connection = session.connection()
    before = connection.execute(_BEFORE, {"bucket": row.bucket, "key": row.key}).one_or_none()
    if before is None:
        raise NoSuchBucket(row.bucket)
    _check_write_conditions(before.etag, row.key.decode(), conditions)
    kept = {blob for blob, _ in row.segments}
    connection.execute(
        _write(dialect_name(session)), {name: value for name, value in vars(row).items() if not name.startswith("_")}
    )
    note_write(session, S3Object)
    return [blob for blob in blob_names(before.segments or ()) if blob not in kept]


def _check_write_conditions(etag: str | None, key: str, conditions: Mapping[str, Any]) -> None:
    """Check the conditions of a write against the ETag of the present object; ``etag`` is ``None`` without one."""
    if {"IfMatch", "IfNoneMatch"} <= conditions.keys():
        raise NotImplementedHeader("If-Match,If-None-Match")
    if (none_match := conditions.get("IfNoneMatch")) is not None:
        if none_match != "*":
            raise NotImplementedHeader("If-None-Match")
        if etag is not None:
            raise PreconditionFailed("If-None-Match")
    if (match := conditions.get("IfMatch")) is not None:
        if etag is None:
            raise NoSuchKey(key)
        if not matches(match, etag):
            raise PreconditionFailed("If-Match")


def _is_conditional(request: S3Request) -> bool:
    return bool({"IfMatch", "IfNoneMatch"} & request.parameters.keys())


def _check_put(store: Storage, request: S3Request) -> None:
    check_write(request)
    bucket, key = place(request)
    if _is_conditional(request):
        # This is checked again with the write of the row. The check here saves the client the upload.
        with store.database.reading() as session:
            found = current(session, bucket, key)
            _check_write_conditions(found.etag if found is not None else None, key, request.parameters)


@s3_operation(
    "PutObject",
    f"IfMatch IfNoneMatch {WRITE_PARAMETERS}",
    stores_body=True,
    check=_check_put,
    looks=_is_conditional,
)
def put_object(store: Storage, request: S3Request, received: Received) -> S3Response:
    """Store an object. The response means that bytes and row are on disk."""
    bucket, key = place(request)
    algorithm = written_algorithm(request)
    checksum = of_full_object(received.digests, algorithm)
    row = plain_row(store, bucket, key, received, kept_headers(request), user_metadata(request.parameters), checksum)
    set_tags(store, row, requested_tags(request.parameters))
    received.writer.seal()
    with store.admitted(received.writer) as session:
        freed = replace_object(session, row, request.parameters)
    store.committed(received.writer, freed)
    return respond(request, {"ETag": f'"{row.etag}"', **ENCRYPTED, **checksum_members(checksum)})


def plain_row(
    store: Storage,
    bucket: str,
    key: str,
    received: Received,
    headers: Mapping[str, str],
    user_metadata: Mapping[str, str],
    checksum: dict[str, str],
) -> S3Object:
    """Return the row of an object whose body was received into one blob; a small body is stored in the row itself."""
    content = received.writer.take_small()
    return S3Object(
        bucket=bucket,
        key=key.encode(),
        size=received.digests.size,
        etag=received.digests.etag,
        sha256=received.digests.sha256,
        last_modified=store.clock(),
        headers=dict(headers),
        user_metadata=dict(user_metadata),
        checksum=checksum,
        segments=[[received.writer.blob_id if content is None else WITH_ITS_ROW, received.digests.size]],
        content=content,
        multipart=False,
        # These are named because a merge keeps the values of the earlier row for the columns that are not.
        upload_id=None,
        tags=None,
        part_checksums=None,
    )


def set_tags(store: Storage, row: S3Object, tags: Mapping[str, str] | None) -> None:
    """Set the tags of a row that is not stored yet."""
    if tags:
        store.expect_tags()
        row.tags = dict(tags)


@dataclass(frozen=True, slots=True)
class _Selection:
    """The bytes that a read selects."""

    start: int
    length: int
    status: int = 200
    parts: int | None = None
    checksum: Mapping[str, str] | None = None
    """The checksum of the selected bytes, if it is known."""


@s3_operation("GetObject", _READ_PARAMETERS)
def get_object(store: Storage, request: S3Request) -> S3Response:
    """Read an object, or a range or part of it."""
    if request.principal == ANONYMOUS and any(name.startswith("Response") for name in request.parameters):
        raise InvalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
    row, lease = _leased(store, request)
    try:
        selection, response = _read(store, request, row)
        return replace(response, body=LeasedStream(store, lease, selection.start, selection.length))
    except BaseException:
        lease.release()
        raise


@s3_operation("HeadObject", _READ_PARAMETERS)
def head_object(store: Storage, request: S3Request) -> S3Response:
    """Describe an object as GetObject does, without its bytes."""
    row, lease = _leased(store, request)
    lease.release()
    return _read(store, request, row)[1]


def _leased(store: Storage, request: S3Request) -> tuple[S3Object, Lease]:
    bucket, key = place(request)
    check_version(request.parameters.get("VersionId"))
    found = store.lease(bucket, key)
    if found is None:
        raise NoSuchKey(key)
    return found


def _read(store: Storage, request: S3Request, row: S3Object) -> tuple[_Selection, S3Response]:
    parameters = request.parameters
    etag = ("etag", f'"{row.etag}"')
    check_read(parameters, row.etag, row.last_modified, dict([etag]))
    selection = _select(parameters, row)
    result: dict[str, Any] = {
        "ETag": f'"{row.etag}"',
        "LastModified": row.last_modified,
        "AcceptRanges": "bytes",
        "ContentLength": selection.length,
        "Metadata": {name: encode(value) for name, value in row.user_metadata.items()},
        "PartsCount": selection.parts,
        "TagCount": len(row.tags) if row.tags else None,
        **ENCRYPTED,
    }
    if selection.status == 206:
        last = selection.start + selection.length - 1
        result["ContentRange"] = f"bytes {selection.start}-{last}/{row.size}"
    if parameters.get("ChecksumMode") == "ENABLED":
        result |= checksum_members(selection.checksum)
    return selection, respond(request, result, status=selection.status, headers=described(row, parameters))


def _select(parameters: Mapping[str, Any], row: S3Object) -> _Selection:
    number, header = parameters.get("PartNumber"), parameters.get("Range")
    if number is not None:
        if header is not None:
            raise InvalidRequest("Cannot specify both Range header and partNumber query parameter")
        return _select_part(number, row)
    found = parse_range(header, row.size) if header is not None else None
    return _Selection(0, row.size, checksum=row.checksum) if found is None else _Selection(*found, status=206)


def _select_part(number: int, row: S3Object) -> _Selection:
    count = len(row.segments)
    if not 1 <= number <= count:
        raise InvalidPartNumber(number, count)
    start = sum(size for _, size in row.segments[: number - 1])
    checksum = row.checksum
    if row.multipart and checksum is not None and row.part_checksums is not None:
        checksum = {**checksum, "value": row.part_checksums[number - 1]}
    parts = count if row.multipart else None
    return _Selection(start, row.segments[number - 1][1], 206 if row.size else 200, parts, checksum)


def check_version(version: str | None) -> None:
    """Raise ``InvalidArgument`` unless the version is the only one of an object in an unversioned bucket."""
    if version not in (None, ONLY_VERSION):
        raise InvalidArgument("versionId", version, "Invalid version id specified")


@s3_operation("DeleteObject", "VersionId IfMatch BypassGovernanceRetention")
def delete_object(store: Storage, request: S3Request) -> S3Response:
    """Delete an object. A missing object is no error, unless the request has a condition.

    There is no object lock here, so BypassGovernanceRetention has nothing to bypass.
    """
    bucket, key = place(request)
    check_version(request.parameters.get("VersionId"))
    with store.database.transaction() as session:
        row = current(session, bucket, key)
        if row is None and request.parameters.get("IfMatch", "").strip() == "*":
            # With an ETag, the second of two concurrent deletions gets the error that the object is gone.
            raise PreconditionFailed("If-Match")
        _check_write_conditions(row.etag if row is not None else None, key, request.parameters)
        freed = []
        if row is not None:
            freed = blobs_of([row])
            session.delete(row)
    store.forget(freed)
    return respond(request)


@s3_operation("DeleteObjects", "Delete BypassGovernanceRetention")
def delete_objects(store: Storage, request: S3Request) -> S3Response:
    """Delete up to 1,000 objects in one transaction. Those that policies deny are reported and stay."""
    entries = request.parameters.get("Delete", {}).get("Objects", [])
    if not entries or len(entries) > 1000 or not all(entry.get("Key") for entry in entries):
        raise MalformedXML
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    freed: list[str] = []
    with store.database.transaction() as session:
        buckets.find(session, request.bucket or "")
        for entry in entries:
            key = entry["Key"]
            named = {"Key": key, "VersionId": entry.get("VersionId")}
            row = current(session, request.bucket or "", key)
            refusal = request.refused.get(key) or _delete_refusal(entry, row)
            if refusal is not None:
                errors.append({**named, "Code": refusal.code, "Message": refusal.message})
                continue
            if row is not None:
                freed += blobs_of([row])
                session.delete(row)
                session.flush()
            deleted.append(named)
    store.forget(freed)
    quiet = request.parameters["Delete"].get("Quiet", False)
    return respond(request, {"Deleted": [] if quiet else deleted, "Errors": errors})


def _delete_refusal(entry: Mapping[str, Any], row: S3Object | None) -> AwsError | None:
    try:
        if (version := entry.get("VersionId")) not in (None, ONLY_VERSION):
            raise NoSuchVersion(entry["Key"], version)
        for condition in ("LastModifiedTime", "Size"):
            if condition in entry:
                raise NotImplementedHeader(condition)
        if (match := entry.get("ETag")) is not None and (row is None or not matches(match, row.etag)):
            raise PreconditionFailed("If-Match")
    except AwsError as error:
        return error
    return None


def place(request: S3Request) -> tuple[str, str]:
    """Return the bucket and the key of a request about an object."""
    assert request.bucket is not None
    assert request.key is not None
    return request.bucket, request.key
