"""Errors about Object Lock."""

from __future__ import annotations

from reading_room.s3.errors import AccessDenied, InvalidArgument, S3Error

BYPASS_HEADER = "x-amz-bypass-governance-retention"


class NoSuchObjectLockConfiguration(S3Error):
    """The version has no retention, or no legal hold."""

    code = "NoSuchObjectLockConfiguration"
    status = 404

    def __init__(self) -> None:
        super().__init__("The specified object does not have a ObjectLock configuration")


class InvalidRetentionPeriod(S3Error):
    """The default retention is too short or too long."""

    code = "InvalidRetentionPeriod"
    status = 400

    def __init__(self, too_short: bool) -> None:
        what = "must be a positive integer value" if too_short else "must not be longer than 100 years"
        super().__init__(f"Default retention period {what}.")


def protected() -> AccessDenied:
    """Return the error for a change that a lock forbids, whoever asks for it."""
    return AccessDenied("Access Denied because object protected by object lock.")


def nothing_to_bypass() -> InvalidArgument:
    """Return the error for a bypass of retention in a bucket without Object Lock."""
    return InvalidArgument(BYPASS_HEADER, "", f"{BYPASS_HEADER} is only applicable to Object Lock enabled buckets.")
