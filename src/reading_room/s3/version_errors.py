"""Errors about versions of objects."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime

from reading_room.s3.errors import InvalidArgument, MethodNotAllowed, NoSuchKey, S3Error

MARKER_HEADER = "x-amz-delete-marker"
VERSION_HEADER = "x-amz-version-id"


class NoSuchVersion(S3Error):
    """The key has no version with this id."""

    code = "NoSuchVersion"
    status = 404

    def __init__(self, key: str, version: str) -> None:
        super().__init__("The specified version does not exist.", {"Key": key, "VersionId": version})


class IllegalVersioningConfiguration(S3Error):
    """PutBucketVersioning does not name a status."""

    code = "IllegalVersioningConfigurationException"
    status = 400

    def __init__(self) -> None:
        super().__init__("The Versioning element must be specified")


class InvalidBucketState(S3Error):
    """The versioning of a bucket does not allow a change of its settings; ``problem`` is S3's own text."""

    code = "InvalidBucketState"
    status = 409

    def __init__(self, problem: str) -> None:
        super().__init__(problem)


def invalid_version(version: str, argument: str = "versionId") -> InvalidArgument:
    """Return the error for a text that cannot be the id of a version."""
    return InvalidArgument(argument, version, "Invalid version id specified")


def deleted_key(key: str, marker: str) -> NoSuchKey:
    """Return the error for a key whose newest version is a delete marker with this id."""
    error = NoSuchKey(key)
    error.headers = {MARKER_HEADER: "true", VERSION_HEADER: marker}
    return error


def marker_refused(method: str, marker: str, made_at: dt.datetime) -> MethodNotAllowed:
    """Return the error for a delete marker that was named where only an object will do."""
    error = MethodNotAllowed(method, "DeleteMarker")
    moment = format_datetime(made_at.replace(microsecond=0), usegmt=True)
    error.headers = {MARKER_HEADER: "true", VERSION_HEADER: marker, "allow": "DELETE", "last-modified": moment}
    return error
