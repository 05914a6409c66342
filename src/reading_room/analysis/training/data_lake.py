"""Reading the data lake of a flywheel: its marker, and its datasets with the digests that they had at first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reading_room.analysis.job_file import Location
from reading_room.analysis.storage import InputObject, JobFailure, ObjectGone, Storage
from reading_room.analysis.training.sources import location_of

CHANGED = "DATA_LAKE_CHANGED"
"""The failure code of a lake in which something is missing or not as the flywheel wrote it."""
LAKE = "DataLake"
"""The member of a training's request that has the marker and the digests of a flywheel's datasets."""
MARKER_BYTES = 10_000


def training_storage(storage: Storage, request: Mapping[str, Any]) -> Storage:
    """Return the storage of a training's data. Raise ``JobFailure`` if it is a data lake that was changed."""
    lake = request.get(LAKE)
    if lake is None:
        return storage
    check_marker(storage, lake["Marker"])
    return PinnedStorage(storage, lake["Digests"])


def check_marker(storage: Storage, marker: Mapping[str, Any]) -> bytes:
    """Return the content of a marker (``S3Uri``) that has the digest ``Sha256``. Raise ``JobFailure``."""
    place = location_of(marker["S3Uri"])
    content = read_marker(storage, place)
    if hashlib.sha256(content).hexdigest() != marker["Sha256"]:
        raise JobFailure(
            CHANGED,
            f"{marker['S3Uri']} is not as the flywheel wrote it: the data lake was changed. Restore the object, or "
            "create another flywheel",
        )
    return content


def read_marker(storage: Storage, place: Location) -> bytes:
    """Return the bytes of a marker. Raise ``JobFailure`` if it is gone."""
    content = bytearray()
    try:
        for chunk in storage.read(place.bucket, place.key):
            content += chunk
            if len(content) > MARKER_BYTES:
                break
    except ObjectGone as error:
        raise JobFailure(
            CHANGED, f"s3://{place.bucket}/{place.key} is gone, without which the data lake cannot be used"
        ) from error
    return bytes(content)


class PinnedStorage:
    """A storage that reads only objects with known digests, by their URIs, each as a whole.

    An object that is missing or has other bytes fails the job (``DATA_LAKE_CHANGED``). Objects whose keys only begin
    like a known one are left out.
    """

    def __init__(self, storage: Storage, digests: Mapping[str, str]) -> None:
        """``digests`` are SHA-256 in hexadecimal."""
        self._storage = storage
        self._digests = digests

    def list_input(self, location: Location) -> Iterator[InputObject]:
        """Yield the object at a location."""
        for entry in self._storage.list_input(location):
            if entry.key == location.key:
                yield entry
                return
        raise self._changed(location, "is gone")

    def read(
        self, bucket: str, key: str, begin: int = 0, end: int | None = None, etag: str = "", *, exact: bool = True
    ) -> Iterator[bytes]:
        """Yield a whole object, and compare its digest at its end."""
        digest, place = hashlib.sha256(), Location(bucket, key)
        try:
            for chunk in self._storage.read(bucket, key):
                digest.update(chunk)
                yield chunk
        except ObjectGone as error:
            raise self._changed(place, "is gone") from error
        if digest.hexdigest() != self._digests.get(f"s3://{bucket}/{key}"):
            raise self._changed(place, "has other bytes")

    def probe_output(self, location: Location) -> None:
        """Check whether the output can be written."""
        self._storage.probe_output(location)

    def write(self, location: Location, path: Path) -> None:
        """Store a file."""
        self._storage.write(location, path)

    def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Remove objects."""
        self._storage.delete(bucket, keys)

    def _changed(self, place: Location, what: str) -> JobFailure:
        return JobFailure(
            CHANGED,
            f"s3://{place.bucket}/{place.key} {what} since the flywheel wrote it: restore it, or create the dataset "
            "again in another flywheel",
        )
