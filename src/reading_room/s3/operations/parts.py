"""Multipart uploads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import ANONYMOUS
from reading_room.iam.policy.principals import canonical_user_id
from reading_room.s3 import buckets, multipart
from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.checksums import ALGORITHMS, encode
from reading_room.s3.errors import AccessDenied, InvalidArgument, InvalidRequest
from reading_room.s3.metadata import user_metadata
from reading_room.s3.object_lock import check_setting, requested_lock
from reading_room.s3.operations.keys import key_encoder, page_size
from reading_room.s3.operations.lifecycle import abortion, expiration
from reading_room.s3.operations.objects import (
    DEFAULT_CHECKSUM,
    known_algorithm,
    place,
    replace_object,
    set_access,
)
from reading_room.s3.operations.stored import (
    ENCRYPTED,
    WRITE_PARAMETERS,
    check_write,
    checksum_members,
    kept_headers,
    storage_class_of,
)
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Expected, Received, Storage
from reading_room.s3.tables import S3Object, S3Part, S3Upload
from reading_room.s3.tagging import requested_tags
from reading_room.s3.versions import current


@s3_operation("CreateMultipartUpload", f"ChecksumType {WRITE_PARAMETERS}")
def create_multipart_upload(store: Storage, request: S3Request) -> S3Response:
    """Begin a multipart upload."""
    if request.principal == ANONYMOUS:
        raise AccessDenied("Anonymous users cannot initiate multipart uploads. Please authenticate.")
    bucket, key = place(request)
    check_write(request, store.clock())
    # Without space the error comes now, not after the work: a job begins its upload before it reads its input.
    store.space.check(request.account, 1)
    requested = request.parameters.get("ChecksumAlgorithm")
    algorithm = known_algorithm(requested) if requested is not None else None
    encryption = store.sealed_key(store.fresh_key(), bucket, key.encode())
    now = store.clock()
    lock = requested_lock(request.parameters, now)
    with store.database.transaction() as session:
        check_setting(buckets.find(session, bucket).object_lock, lock)
        upload_id = multipart.create(
            session,
            bucket,
            key,
            initiator=request.principal.arn,
            headers=kept_headers(request),
            user_metadata=user_metadata(request.parameters),
            algorithm=algorithm,
            checksum_type=request.parameters.get("ChecksumType"),
            tags=requested_tags(request.parameters),
            lock=lock,
            now=now,
            encryption=encryption,
        )
        upload = multipart.find(session, upload_id, bucket, key)
        set_access(session, upload, request)
        aborted = abortion(store, upload)
        result: dict[str, Any] = {"Bucket": bucket, "Key": key, "UploadId": upload_id, **ENCRYPTED}
        if algorithm is not None:
            result |= {"ChecksumAlgorithm": algorithm, "ChecksumType": upload.checksum_type}
    return respond(request, result | aborted)


def expected_part(store: Storage, upload: S3Upload) -> Expected:
    """Return the algorithm of the checksum of an upload's parts, and their key. Raises ``DamagedBlob``."""
    return Expected(upload.checksum_algorithm or DEFAULT_CHECKSUM, store.key_of(upload))


def _check_part(store: Storage, request: S3Request) -> Expected:
    """Check the upload and the part's number, and return what is expected of the part."""
    bucket, key = place(request)
    number = request.parameters["PartNumber"]
    if not 1 <= number <= multipart.MOST_PARTS:
        raise InvalidArgument(
            "partNumber", str(number), "Part number must be an integer between 1 and 10000, inclusive"
        )
    with store.database.reading() as session:
        return expected_part(store, multipart.find(session, request.parameters["UploadId"], bucket, key))


@s3_operation("UploadPart", "PartNumber UploadId", stores_body=True, check=_check_part)
def upload_part(store: Storage, request: S3Request, received: Received) -> S3Response:
    """Store a part in place of an earlier one with its number."""
    bucket, key = place(request)
    received.writer.seal()
    with store.admitted(received.writer) as session:
        upload = multipart.find(session, request.parameters["UploadId"], bucket, key)
        part = part_row(store, request, received, upload.checksum_algorithm or DEFAULT_CHECKSUM)
        checksum = part.checksum
        etag = part.etag
        freed = multipart.put_part(session, part)
    store.committed(received.writer, freed)
    return respond(request, {"ETag": f'"{etag}"', **ENCRYPTED, **checksum_members(checksum)})


def part_row(store: Storage, request: S3Request, received: Received, algorithm: str) -> S3Part:
    """Return the row of a part whose bytes are in ``received``."""
    number = request.parameters["PartNumber"]
    if not 1 <= number <= multipart.MOST_PARTS:
        raise InvalidArgument(
            "partNumber", str(number), "Part number must be an integer between 1 and 10000, inclusive"
        )
    return S3Part(
        upload_id=request.parameters["UploadId"],
        part_number=number,
        blob=received.writer.blob_id,
        size=received.digests.size,
        etag=received.digests.etag,
        last_modified=store.clock(),
        checksum={"algorithm": algorithm, "value": encode(received.digests.digest(algorithm))},
    )


@s3_operation("CompleteMultipartUpload", "MultipartUpload UploadId ChecksumType MpuObjectSize IfMatch IfNoneMatch")
def complete_multipart_upload(store: Storage, request: S3Request) -> S3Response:
    """Make an object from the listed parts. A repeated request for the same object gets the same response."""
    bucket, key = place(request)
    upload_id = request.parameters["UploadId"]
    freed: list[str] = []
    with store.database.transaction() as session:
        row = current(session, bucket, key)
        if row is None or row.upload_id != upload_id:
            upload = multipart.find(session, upload_id, bucket, key)
            row, freed = _completed(store, request, session, upload)
            if row.tags:
                store.expect_tags()
        etag, checksum, expires = row.etag, row.checksum, expiration(store, row)
        version_id = row.version_id
    store.forget(freed)
    host = request.incoming.header("host") or "s3.amazonaws.com"
    location = f"http{'s' if request.incoming.path.secure else ''}://{host}{request.incoming.raw_path}"
    result = {"Bucket": bucket, "Key": key, "ETag": f'"{etag}"', "Location": location, "VersionId": version_id}
    return respond(request, {**result, **ENCRYPTED, **checksum_members(checksum), **expires})


def _completed(store: Storage, request: S3Request, session: Session, upload: S3Upload) -> tuple[S3Object, list[str]]:
    """Return the object of a completed upload, and the blobs that no row names any more."""
    parameters = request.parameters
    given = next((v for a in ALGORITHMS if (v := parameters.get(f"Checksum{a}")) is not None), None)
    if "MultipartUpload" not in parameters:
        raise InvalidRequest("You must specify at least one part")
    listed: list[Mapping[str, Any]] = parameters["MultipartUpload"].get("Parts", [])
    if parameters.get("ChecksumType") not in (None, upload.checksum_type):
        raise InvalidRequest(
            f"The upload was created using the {upload.checksum_type} checksum mode. The complete request must use the "
            "same checksum mode."
        )
    completed = multipart.complete(session, upload, listed, given, store.clock())
    size, expected = completed.row.size, parameters.get("MpuObjectSize")
    if expected is not None and int(expected) != size:
        raise InvalidRequest(
            f"The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {size}"
        )
    return completed.row, [*completed.unused, *replace_object(session, completed.row, parameters).freed]


@s3_operation("AbortMultipartUpload", "UploadId")
def abort_multipart_upload(store: Storage, request: S3Request) -> S3Response:
    """Abort an upload and delete its parts."""
    bucket, key = place(request)
    with store.database.transaction() as session:
        freed = multipart.abort(session, multipart.find(session, request.parameters["UploadId"], bucket, key))
    store.forget(freed)
    return respond(request)


@s3_operation("ListParts", "UploadId MaxParts PartNumberMarker")
def list_parts(store: Storage, request: S3Request) -> S3Response:
    """List the parts of an unfinished upload."""
    bucket, key = place(request)
    limit = page_size(request.parameters, "MaxParts", "max-parts")
    marker = int(request.parameters.get("PartNumberMarker", 0))
    with store.database.reading() as session:
        upload = multipart.find(session, request.parameters["UploadId"], bucket, key)
        rows = multipart.parts(session, upload.upload_id, after=marker, limit=limit + 1)
    page = rows[:limit]
    owner = {"ID": canonical_user_id(request.account)}
    result: dict[str, Any] = {
        "Bucket": bucket,
        "Key": key,
        "UploadId": upload.upload_id,
        "PartNumberMarker": marker,
        "MaxParts": limit,
        "IsTruncated": len(rows) > limit,
        "Initiator": {"ID": upload.initiator, "DisplayName": upload.initiator},
        "Owner": owner,
        "StorageClass": storage_class_of(upload.headers),
        "ChecksumAlgorithm": upload.checksum_algorithm,
        "ChecksumType": upload.checksum_type,
        "Parts": [_part(row) for row in page],
        **abortion(store, upload),
    }
    if page:
        result["NextPartNumberMarker"] = page[-1].part_number
    return respond(request, result)


def _part(row: S3Part) -> dict[str, Any]:
    return {
        "PartNumber": row.part_number,
        "LastModified": row.last_modified,
        "ETag": f'"{row.etag}"',
        "Size": row.size,
        **checksum_members(row.checksum),
    }


@s3_operation("ListMultipartUploads", "Prefix KeyMarker UploadIdMarker MaxUploads EncodingType")
def list_multipart_uploads(store: Storage, request: S3Request) -> S3Response:
    """List the unfinished uploads of a bucket."""
    assert request.bucket is not None
    parameters = request.parameters
    limit = page_size(parameters, "MaxUploads", "max-uploads")
    after = (parameters.get("KeyMarker", ""), parameters.get("UploadIdMarker", ""))
    prefix = parameters.get("Prefix", "")
    with store.database.reading() as session:
        account = buckets.find(session, request.bucket).account
        rows = multipart.uploads_of(session, request.bucket, prefix=prefix, after=after, limit=limit + 1)
    page = rows[:limit]
    encode_key = key_encoder(parameters)
    owner = {"ID": canonical_user_id(account)}
    result: dict[str, Any] = {
        "Bucket": request.bucket,
        "KeyMarker": encode_key(after[0]),
        "UploadIdMarker": after[1],
        "Prefix": encode_key(prefix),
        "EncodingType": parameters.get("EncodingType"),
        "MaxUploads": limit,
        "IsTruncated": len(rows) > limit,
        "Uploads": [
            {
                "UploadId": row.upload_id,
                "Key": encode_key(row.key.decode()),
                "Initiated": row.initiated,
                "StorageClass": storage_class_of(row.headers),
                "Owner": owner,
                "Initiator": {"ID": row.initiator, "DisplayName": row.initiator},
                "ChecksumAlgorithm": row.checksum_algorithm,
                "ChecksumType": row.checksum_type,
            }
            for row in page
        ],
    }
    if len(rows) > limit and page:
        result |= {"NextKeyMarker": encode_key(page[-1].key.decode()), "NextUploadIdMarker": page[-1].upload_id}
    return respond(request, result)
