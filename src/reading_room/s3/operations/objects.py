"""Reading and writing objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import ANONYMOUS
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.blobs import WITH_ITS_ROW
from reading_room.s3.checksums import ALGORITHMS, of_full_object
from reading_room.s3.errors import (
    InvalidPartNumber,
    InvalidRequest,
    NoSuchKey,
    NotImplementedHeader,
    PreconditionFailed,
)
from reading_room.s3.metadata import encode, user_metadata
from reading_room.s3.object_access import with_access
from reading_room.s3.object_lock import lock_members, requested_lock
from reading_room.s3.operations.lifecycle import expiration
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
from reading_room.s3.storage import Lease, LeasedStream, Received, Storage
from reading_room.s3.tables import S3Object, S3Upload, S3Version
from reading_room.s3.tagging import requested_tags
from reading_room.s3.version_errors import marker_refused
from reading_room.s3.versions import Changed, StoredVersion, current, missing, shown_id
from reading_room.s3.versions import replace as replace_version
from reading_room.s3.written_access import concerns_access, written_access

SINGLE_PUT_LIMIT = 5 * 1024**3
"""Bytes that one PutObject, UploadPart or CopyObject takes."""
DEFAULT_CHECKSUM = "CRC64NVME"
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


def replace_object(session: Session, row: S3Object, conditions: Mapping[str, Any]) -> Changed:
    """Store the row of an object as the newest version of its key.

    Raises ``NoSuchBucket``, and ``PreconditionFailed`` or ``NoSuchKey`` if IfMatch or IfNoneMatch do not hold.
    """
    return replace_version(session, row, lambda etag, key: check_write_conditions(etag, key, conditions))


def check_write_conditions(etag: str | None, key: str, conditions: Mapping[str, Any]) -> None:
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


def _needs_look(request: S3Request) -> bool:
    return _is_conditional(request) or concerns_access(request)


def _check_put(store: Storage, request: S3Request) -> None:
    check_write(request, store.clock())
    bucket, key = place(request)
    check_access(store, request)
    if _is_conditional(request):
        # This is checked again with the write of the row. The check here saves the client the upload.
        with store.database.reading() as session:
            found = current(session, bucket, key)
            check_write_conditions(found.etag if found is not None else None, key, request.parameters)


@s3_operation(
    "PutObject",
    f"IfMatch IfNoneMatch {WRITE_PARAMETERS}",
    stores_body=True,
    check=_check_put,
    looks=_needs_look,
)
def put_object(store: Storage, request: S3Request, received: Received) -> S3Response:
    """Store an object. The response means that bytes and row are on disk."""
    bucket, key = place(request)
    algorithm = written_algorithm(request)
    checksum = of_full_object(received.digests, algorithm)
    row = plain_row(store, bucket, key, received, kept_headers(request), user_metadata(request.parameters), checksum)
    set_tags(store, row, requested_tags(request.parameters))
    row.lock = requested_lock(request.parameters, row.last_modified)
    received.writer.seal()
    with store.admitted(received.writer) as session:
        set_access(session, row, request)
        changed = replace_object(session, row, request.parameters)
    store.committed(received.writer, changed.freed)
    result = {"ETag": f'"{row.etag}"', "VersionId": changed.version_id, **ENCRYPTED, **checksum_members(checksum)}
    result |= expiration(store, row)
    return respond(request, result)


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
    name = key.encode()
    return S3Object(
        bucket=bucket,
        key=name,
        size=received.digests.size,
        etag=received.digests.etag,
        sha256=received.digests.sha256,
        last_modified=store.clock(),
        headers=dict(headers),
        user_metadata=dict(user_metadata),
        checksum=checksum,
        segments=[[received.writer.blob_id if content is None else WITH_ITS_ROW, received.digests.size]],
        encryption=store.sealed_key(received.writer.key, bucket, name),
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


def check_access(store: Storage, request: S3Request) -> None:
    """Check the access control list of a write before it begins; ``set_access`` decides with the write of the row."""
    if concerns_access(request):
        with store.database.reading() as session:
            written_access(session, request)


def set_access(session: Session, row: S3Object | S3Upload, request: S3Request) -> None:
    """Set the owner and the grants of what a write makes. Raises the errors of ``written_access``."""
    if concerns_access(request):
        row.headers = with_access(row.headers, written_access(session, request))


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


def _leased(store: Storage, request: S3Request) -> tuple[StoredVersion, Lease]:
    bucket, key = place(request)
    return leased_version(store, bucket, key, request.parameters.get("VersionId"), request.incoming.method)


def leased_version(
    store: Storage, bucket: str, key: str, version: str | None, method: str
) -> tuple[StoredVersion, Lease]:
    """Return a version, or the current object of a key, with a lease on its bytes, for a request with a method.

    Raises ``NoSuchBucket``, ``NoSuchKey``, ``NoSuchVersion``, ``InvalidArgument``, and ``MethodNotAllowed`` for a
    delete marker.
    """
    found = store.lease(bucket, key, version)
    if found is None:
        with store.database.reading() as session:
            raise missing(session, bucket, key, version)
    row, lease = found
    if isinstance(row, S3Version) and row.is_delete_marker:
        lease.release()
        raise marker_refused(method, shown_id(row.version_id), row.last_modified)
    return row, lease


def _read(store: Storage, request: S3Request, row: StoredVersion) -> tuple[_Selection, S3Response]:
    parameters = request.parameters
    etag = ("etag", f'"{row.etag}"')
    check_read(parameters, row.etag, row.last_modified, dict([etag]))
    selection = _select(parameters, row)
    result: dict[str, Any] = {
        "ETag": f'"{row.etag}"',
        "LastModified": row.last_modified,
        "VersionId": store.shown_version(row),
        "AcceptRanges": "bytes",
        "ContentLength": selection.length,
        "Metadata": {name: encode(value) for name, value in row.user_metadata.items()},
        "PartsCount": selection.parts,
        "TagCount": len(row.tags) if row.tags else None,
        **lock_members(row.lock),
        **ENCRYPTED,
        **expiration(store, row),
    }
    if selection.status == 206:
        last = selection.start + selection.length - 1
        result["ContentRange"] = f"bytes {selection.start}-{last}/{row.size}"
    if parameters.get("ChecksumMode") == "ENABLED":
        result |= checksum_members(selection.checksum)
    return selection, respond(request, result, status=selection.status, headers=described(row, parameters))


def _select(parameters: Mapping[str, Any], row: StoredVersion) -> _Selection:
    number, header = parameters.get("PartNumber"), parameters.get("Range")
    if number is not None:
        if header is not None:
            raise InvalidRequest("Cannot specify both Range header and partNumber query parameter")
        return _select_part(number, row)
    found = parse_range(header, row.size) if header is not None else None
    return _Selection(0, row.size, checksum=row.checksum) if found is None else _Selection(*found, status=206)


def _select_part(number: int, row: StoredVersion) -> _Selection:
    count = len(row.segments)
    if not 1 <= number <= count:
        raise InvalidPartNumber(number, count)
    start = sum(size for _, size in row.segments[: number - 1])
    checksum = row.checksum
    if row.multipart and checksum is not None and row.part_checksums is not None:
        checksum = {**checksum, "value": row.part_checksums[number - 1]}
    parts = count if row.multipart else None
    return _Selection(start, row.segments[number - 1][1], 206 if row.size else 200, parts, checksum)


def place(request: S3Request) -> tuple[str, str]:
    """Return the bucket and the key of a request about an object."""
    assert request.bucket is not None
    assert request.key is not None
    return request.bucket, request.key
