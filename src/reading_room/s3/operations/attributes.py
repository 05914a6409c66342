"""GetObjectAttributes: the attributes of an object, and those of the parts that made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.s3.backend import S3Request, S3Response
from reading_room.s3.errors import InvalidArgument, InvalidRequest
from reading_room.s3.operations.keys import page_size
from reading_room.s3.operations.objects import place
from reading_room.s3.operations.stored import checksum_members, storage_class_of
from reading_room.s3.operations.table import respond, s3_operation
from reading_room.s3.storage import Storage
from reading_room.s3.versions import StoredVersion, existing

_NAMES = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")


@s3_operation("GetObjectAttributes", "VersionId MaxParts PartNumberMarker ObjectAttributes")
def get_object_attributes(store: Storage, request: S3Request) -> S3Response:
    """Return the attributes that the request names."""
    bucket, key = place(request)
    parameters = request.parameters
    names = [name for name in parameters.get("ObjectAttributes", []) if name]
    if not names:
        raise InvalidRequest(
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty"
        )
    for name in names:
        if name not in _NAMES:
            raise InvalidArgument("x-amz-object-attributes", name, "Invalid attribute name specified.")
    with store.database.reading() as session:
        row = existing(session, bucket, key, parameters.get("VersionId"), request.incoming.method)
    known: dict[str, Any] = {
        "ETag": row.etag,
        "Checksum": checksum_members(row.checksum) or None,
        "ObjectParts": _parts(row, parameters) if row.multipart else None,
        "StorageClass": storage_class_of(row.headers),
        "ObjectSize": row.size,
    }
    shown = {"LastModified": row.last_modified, "VersionId": store.shown_version(row)}
    return respond(request, shown | {name: known[name] for name in names})


def _parts(row: StoredVersion, parameters: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"TotalPartsCount": len(row.segments)}
    if row.part_checksums is None or row.checksum is None:
        return result  # Like S3, list the parts only if each of them has a checksum.
    limit = page_size(parameters, "MaxParts", "max-parts")
    marker = int(parameters.get("PartNumberMarker", 0))
    if marker < 0:
        raise InvalidArgument("part-number-marker", str(marker), "Argument part-number-marker must not be negative")
    member = f"Checksum{row.checksum['algorithm']}"
    facts = list(zip(row.segments, row.part_checksums, strict=True))
    page = [
        {"PartNumber": number, "Size": segment[1], member: checksum}
        for number, (segment, checksum) in enumerate(facts[marker : marker + limit], start=marker + 1)
    ]
    truncated = marker + len(page) < len(facts)
    result |= {"PartNumberMarker": marker, "MaxParts": limit, "IsTruncated": truncated, "Parts": page}
    if page:
        result["NextPartNumberMarker"] = page[-1]["PartNumber"]
    return result
