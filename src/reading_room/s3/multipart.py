"""Multipart uploads, as functions on a database session.

Completing an upload copies no bytes: the segments of the object are the blobs of the parts, in order.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from reading_room.ids import upload_id as new_upload_id
from reading_room.s3 import checksums
from reading_room.s3.body_errors import BadDigest
from reading_room.s3.errors import InvalidRequest, MalformedXML
from reading_room.s3.tables import S3Object, S3Part, S3Upload
from reading_room.s3.upload_errors import EntityTooSmall, InvalidPart, InvalidPartOrder, NoSuchUpload

LEAST_PART = 5 * 1024 * 1024
"""Bytes that every part but the last must have."""
MOST_PARTS = 10_000


def find(session: Session, upload_id: str, bucket: str, key: str) -> S3Upload:
    """Return an upload of this key. Raises ``NoSuchUpload``."""
    row = session.get(S3Upload, upload_id)
    if row is None or row.bucket != bucket or row.key != key.encode():
        raise NoSuchUpload(upload_id)
    return row


def create(
    session: Session,
    bucket: str,
    key: str,
    *,
    initiator: str,
    headers: Mapping[str, str],
    user_metadata: Mapping[str, str],
    algorithm: str | None,
    checksum_type: str | None,
    tags: Mapping[str, str],
    lock: Mapping[str, str] | None = None,
    now: dt.datetime,
    encryption: dict[str, str] | None = None,
) -> str:
    """Begin an upload and return its id. Raises ``InvalidRequest`` for a checksum type that the algorithm lacks."""
    if checksum_type not in (None, checksums.FULL_OBJECT, checksums.COMPOSITE):
        raise InvalidRequest("Value for x-amz-checksum-type header is invalid.")
    if algorithm is None and checksum_type is not None:
        raise InvalidRequest(
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
        )
    if algorithm is None:
        algorithm = "CRC64NVME"
    kind = checksum_type or (checksums.FULL_OBJECT if algorithm == "CRC64NVME" else checksums.COMPOSITE)
    is_sum_of_parts = algorithm.startswith("CRC")
    if (kind == checksums.FULL_OBJECT and not is_sum_of_parts) or (
        kind == checksums.COMPOSITE and algorithm == "CRC64NVME"
    ):
        raise InvalidRequest(
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        )
    upload_id = new_upload_id()
    session.add(
        S3Upload(
            upload_id=upload_id,
            bucket=bucket,
            key=key.encode(),
            initiated=now,
            initiator=initiator,
            headers=dict(headers),
            user_metadata=dict(user_metadata),
            checksum_algorithm=algorithm,
            checksum_type=kind,
            tags=dict(tags) or None,
            encryption=encryption,
            lock=dict(lock or {}) or None,
        )
    )
    return upload_id


def put_part(session: Session, part: S3Part) -> list[str]:
    """Store a part in place of an earlier one with its number. Return the blobs that no row names any more."""
    old = session.get(S3Part, (part.upload_id, part.part_number))
    freed = [old.blob] if old is not None else []  # before the merge, which writes into the same row
    session.merge(part)
    return freed


def parts(session: Session, upload_id: str, *, after: int = 0, limit: int = MOST_PARTS) -> Sequence[S3Part]:
    """Return the parts of an upload in the order of their numbers."""
    query = select(S3Part).where(S3Part.upload_id == upload_id, S3Part.part_number > after)
    return session.scalars(query.order_by(S3Part.part_number).limit(limit)).all()


def abort(session: Session, upload: S3Upload) -> list[str]:
    """Remove an upload and its parts. Return the blobs that no row names any more."""
    blobs = [part.blob for part in parts(session, upload.upload_id)]
    session.execute(delete(S3Part).where(S3Part.upload_id == upload.upload_id))
    session.delete(upload)
    return blobs


def abort_all(session: Session, bucket: str) -> list[str]:
    """Remove every upload of a bucket with its parts. Return the blobs that no row names any more."""
    of_bucket = S3Part.upload_id.in_(select(S3Upload.upload_id).where(S3Upload.bucket == bucket))
    blobs = list(session.scalars(select(S3Part.blob).where(of_bucket)))
    session.execute(delete(S3Part).where(of_bucket))
    session.execute(delete(S3Upload).where(S3Upload.bucket == bucket))
    return blobs


@dataclass(frozen=True, slots=True)
class Completed:
    """The object of a completed upload, and the parts that were uploaded but not listed."""

    row: S3Object
    unused: list[str]


def complete(
    session: Session, upload: S3Upload, listed: Sequence[Mapping[str, Any]], given: str | None, now: dt.datetime
) -> Completed:
    """Make the object from the listed parts and remove the upload.

    ``listed`` are the ``Part`` structures of the request; ``given`` is the checksum of the object that the request
    states. Raises ``MalformedXML``, ``InvalidPartOrder``, ``InvalidPart``, ``EntityTooSmall`` and ``BadDigest``.
    """
    if not listed or len(listed) > MOST_PARTS:
        raise MalformedXML
    have = {part.part_number: part for part in parts(session, upload.upload_id)}
    chosen: list[S3Part] = []
    for entry in listed:
        number, etag = entry.get("PartNumber"), entry.get("ETag")
        if number is None or etag is None:
            raise MalformedXML
        if chosen and number <= chosen[-1].part_number:
            raise InvalidPartOrder(upload.upload_id)
        part = have.get(number)
        if part is None or part.etag != etag.strip('"') or not _checksum_agrees(part, entry):
            raise InvalidPart(upload.upload_id, number, etag)
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size < LEAST_PART:
            raise EntityTooSmall(part.size, LEAST_PART, part.part_number, part.etag)
    checksum = _checksum_of(upload, chosen)
    if given is not None and (checksum is None or given != checksum["value"]):
        raise BadDigest(upload.checksum_algorithm or "checksum")
    digest = hashlib.md5(b"".join(bytes.fromhex(p.etag) for p in chosen), usedforsecurity=False).hexdigest()
    row = S3Object(
        bucket=upload.bucket,
        key=upload.key,
        size=sum(part.size for part in chosen),
        etag=f"{digest}-{len(chosen)}",
        sha256=None,
        last_modified=now,
        headers=upload.headers,
        user_metadata=upload.user_metadata,
        checksum=checksum,
        segments=[[part.blob, part.size] for part in chosen],
        encryption=upload.encryption,
        content=None,
        multipart=True,
        upload_id=upload.upload_id,
        tags=upload.tags,
        lock=upload.lock,
        part_checksums=[part.checksum["value"] for part in chosen if part.checksum] if checksum is not None else None,
    )
    used = {part.blob for part in chosen}
    return Completed(row, [blob for blob in abort(session, upload) if blob not in used])


def uploads_of(
    session: Session, bucket: str, *, prefix: str = "", after: tuple[str, str] = ("", ""), limit: int = 1000
) -> Sequence[S3Upload]:
    """Return unfinished uploads in the order of key and id, after the given key (and id, if it is not empty)."""
    query = select(S3Upload).where(S3Upload.bucket == bucket)
    if prefix:
        query = query.where(S3Upload.key >= prefix.encode())
    key, upload_id = after
    if key and upload_id:
        query = query.where(tuple_(S3Upload.key, S3Upload.upload_id) > (key.encode(), upload_id))
    elif key:
        query = query.where(S3Upload.key > key.encode())
    rows = session.scalars(query.order_by(S3Upload.key, S3Upload.upload_id).limit(limit)).all()
    return [row for row in rows if row.key.startswith(prefix.encode())]


def _checksum_agrees(part: S3Part, entry: Mapping[str, Any]) -> bool:
    for algorithm in checksums.ALGORITHMS:
        stated = entry.get(f"Checksum{algorithm}")
        if stated is not None and (part.checksum is None or part.checksum != {"algorithm": algorithm, "value": stated}):
            return False
    return True


def _checksum_of(upload: S3Upload, chosen: Sequence[S3Part]) -> dict[str, str] | None:
    algorithm, kind = upload.checksum_algorithm, upload.checksum_type
    stored = [(part.checksum, part.size) for part in chosen]
    if algorithm is None or kind is None:
        return None
    values = [(c["value"], size) for c, size in stored if c is not None and c["algorithm"] == algorithm]
    if len(values) != len(chosen):
        return None
    if kind == checksums.FULL_OBJECT:
        value = checksums.combined(algorithm, values)
    else:
        value = checksums.composite(algorithm, [value for value, _ in values])
    return {"algorithm": algorithm, "value": value, "type": kind}
