"""Copies inside the store: whole objects, and ranges of them as parts of an upload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import ANONYMOUS
from reading_room.aws.errors import AwsError
from reading_room.s3 import multipart
from reading_room.s3.addressing import parse_copy_source
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.body_errors import EntityTooLarge
from reading_room.s3.checksums import Digests, of_full_object
from reading_room.s3.errors import AccessDenied, InvalidArgument, InvalidRequest, MethodNotAllowed
from reading_room.s3.metadata import user_metadata
from reading_room.s3.object_lock import requested_lock
from reading_room.s3.operations.lifecycle import expiration
from reading_room.s3.operations.objects import (
    DEFAULT_CHECKSUM,
    SINGLE_PUT_LIMIT,
    check_access,
    known_algorithm,
    leased_version,
    place,
    plain_row,
    replace_object,
    set_access,
    set_tags,
)
from reading_room.s3.operations.parts import expected_part, part_row
from reading_room.s3.operations.stored import (
    ENCRYPTED,
    WRITE_PARAMETERS,
    check_write,
    checksum_members,
    copied_headers,
    kept_headers,
)
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.ranges import check_copy_source, parse_copy_range
from reading_room.s3.storage import Expected, Lease, Received, Storage
from reading_room.s3.tables import S3Object
from reading_room.s3.tagging import requested_tags
from reading_room.s3.versions import StoredVersion

_SOURCE_CONDITIONS = (
    "CopySource CopySourceIfMatch CopySourceIfNoneMatch CopySourceIfModifiedSince CopySourceIfUnmodifiedSince "
    "ExpectedSourceBucketOwner"
)


@s3_operation(
    "CopyObject", f"{_SOURCE_CONDITIONS} MetadataDirective TaggingDirective IfMatch IfNoneMatch {WRITE_PARAMETERS}"
)
def copy_object(store: Storage, request: S3Request) -> S3Response:
    """Copy an object within the store, with its metadata unless it is replaced, and without storage class and lock."""
    if request.principal == ANONYMOUS:
        raise AccessDenied("Anonymous users cannot copy objects. Please authenticate.")
    bucket, key = place(request)
    check_write(request, store.clock())
    check_access(store, request)
    directive = _directive(request.parameters, "metadata")
    tagging = _directive(request.parameters, "tagging")
    if tagging == "COPY" and "Tagging" in request.parameters:
        raise InvalidRequest("The x-amz-tagging header is only taken with the x-amz-tagging-directive REPLACE.")
    # For S3, an object changes if the request names any of these, even with the present values.
    named = {"StorageClass", "ServerSideEncryption"} & request.parameters.keys()
    source, lease = _leased_source(store, request)
    try:
        in_place = (source.bucket, source.key) == (bucket, key.encode()) and isinstance(source, S3Object)
        if in_place and not (directive == "REPLACE" or named):
            raise InvalidRequest(
                "This copy request is illegal because it is trying to copy an object to itself without changing the "
                "object's metadata, storage class, website redirect location or encryption attributes."
            )
        if source.size > SINGLE_PUT_LIMIT:
            raise InvalidRequest(
                "The specified copy source is larger than the maximum allowable size for a copy source: "
                f"{SINGLE_PUT_LIMIT}"
            )
        requested = request.parameters.get("ChecksumAlgorithm")
        algorithm = known_algorithm(requested or (source.checksum or {}).get("algorithm") or DEFAULT_CHECKSUM)
        received = copy_bytes(store, request.account, lease, 0, source.size, Expected(algorithm, store.fresh_key()))
    finally:
        lease.release()
    checksum = of_full_object(received.digests, algorithm)
    replaced = directive == "REPLACE"
    headers = kept_headers(request) if replaced else copied_headers(source.headers, request)
    metadata: Mapping[str, str] = user_metadata(request.parameters) if replaced else source.user_metadata
    row = plain_row(store, bucket, key, received, headers, metadata, checksum)
    set_tags(store, row, source.tags if tagging == "COPY" else requested_tags(request.parameters))
    row.lock = requested_lock(request.parameters, row.last_modified)
    with store.admitted(received.writer) as session:
        set_access(session, row, request)
        changed = replace_object(session, row, request.parameters)
    store.committed(received.writer, changed.freed)
    result = {"ETag": f'"{row.etag}"', "LastModified": row.last_modified, **checksum_members(checksum)}
    ids = {"CopySourceVersionId": store.shown_version(source), "VersionId": changed.version_id}
    return respond(request, {"CopyObjectResult": result, **ids, **ENCRYPTED, **expiration(store, row)})


@s3_operation("UploadPartCopy", f"{_SOURCE_CONDITIONS} CopySourceRange PartNumber UploadId")
def upload_part_copy(store: Storage, request: S3Request) -> S3Response:
    """Copy an object, or a range of one, into a part of an upload."""
    bucket, key = place(request)
    upload_id = request.parameters["UploadId"]
    with store.database.reading() as session:
        expected = expected_part(store, multipart.find(session, upload_id, bucket, key))
    source, lease = _leased_source(store, request)
    try:
        start, length = _copy_range(request.parameters, source)
        received = copy_bytes(store, request.account, lease, start, length, expected)
    finally:
        lease.release()
    part = part_row(store, request, received, expected.algorithm)
    with store.admitted(received.writer) as session:
        multipart.find(session, upload_id, bucket, key)
        freed = multipart.put_part(session, part)
    store.committed(received.writer, freed)
    result = {"ETag": f'"{part.etag}"', "LastModified": part.last_modified, **checksum_members(part.checksum)}
    return respond(request, {"CopyPartResult": result, "CopySourceVersionId": store.shown_version(source), **ENCRYPTED})


def _directive(parameters: Mapping[str, Any], what: str) -> str:
    directive = str(parameters.get(f"{what.title()}Directive", "COPY"))
    if directive not in ("COPY", "REPLACE"):
        raise InvalidArgument(f"x-amz-{what}-directive", directive, f"Unknown {what} directive.")
    return directive


def _leased_source(store: Storage, request: S3Request) -> tuple[StoredVersion, Lease]:
    bucket, key, version = parse_copy_source(request.parameters["CopySource"])
    try:
        found = leased_version(store, bucket, key, version, request.incoming.method)
    except MethodNotAllowed:
        raise InvalidRequest(
            "The source of a copy request may not specifically refer to a delete marker by version id."
        ) from None
    try:
        check_copy_source(request.parameters, found[0].etag, found[0].last_modified)
    except AwsError:
        found[1].release()
        raise
    return found


def _copy_range(parameters: Mapping[str, Any], source: StoredVersion) -> tuple[int, int]:
    header = parameters.get("CopySourceRange")
    if header is None:
        start, length = 0, source.size
    else:
        start, length = parse_copy_range(header, source.size)
    if length > SINGLE_PUT_LIMIT:
        raise EntityTooLarge(SINGLE_PUT_LIMIT)
    return start, length


def copy_bytes(store: Storage, account: str, lease: Lease, start: int, length: int, expected: Expected) -> Received:
    """Copy bytes to a new, sealed blob of an account. Raises ``InsufficientCapacity``."""
    store.space.check(account, length)
    writer = store.create(account, expected.key)
    digests = Digests((expected.algorithm,))
    try:
        for piece in lease.read(start, length):
            digests.update(piece)
            writer.write(piece)
        writer.seal()
    except BaseException:
        writer.discard()
        raise
    return Received(writer, digests)
