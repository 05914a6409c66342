"""Errors of CloudWatch Logs, one class per AWS code."""

from __future__ import annotations

from typing import ClassVar, Literal

from reading_room.aws.errors import AwsError


class ResourceNotFoundException(AwsError):
    """A log group or stream does not exist."""

    code: ClassVar[str] = "ResourceNotFoundException"

    def __init__(self, kind: Literal["group", "stream"]) -> None:
        super().__init__(f"The specified log {kind} does not exist.")


class ResourceAlreadyExistsException(AwsError):
    """A log group or stream with this name exists."""

    code: ClassVar[str] = "ResourceAlreadyExistsException"

    def __init__(self, kind: Literal["group", "stream"]) -> None:
        super().__init__(f"The specified log {kind} already exists")


class InvalidParameterException(AwsError):
    """A parameter is invalid; ``fault`` says which and why."""

    code: ClassVar[str] = "InvalidParameterException"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class NameAndIdentifier(AwsError):
    """A log group is given by both ``logGroupName`` and ``logGroupIdentifier``."""

    code: ClassVar[str] = "ValidationException"

    def __init__(self) -> None:
        super().__init__("LogGroup name and LogGroup ARN are mutually exclusive parameters.")


class NoSuchExportTask(AwsError):
    """An export task does not exist."""

    code: ClassVar[str] = "ResourceNotFoundException"

    def __init__(self) -> None:
        super().__init__("The specified export task does not exist.")


class ExportIsOver(AwsError):
    """An export task that has ended cannot be cancelled."""

    code: ClassVar[str] = "InvalidOperationException"

    def __init__(self) -> None:
        super().__init__("The specified export task has already finished")


class ExportLimitExceeded(AwsError):
    """An account has an active export task, and the limit is one."""

    code: ClassVar[str] = "LimitExceededException"

    def __init__(self) -> None:
        super().__init__("Resource limit exceeded.")


class BucketRefused(AwsError):
    """A bucket does not allow the service or the caller what an export needs."""

    code: ClassVar[str] = "AccessDeniedException"

    def __init__(self, who: Literal["caller may not write", "service may not read", "service may not write"]) -> None:
        action = "GetBucketAcl" if who == "service may not read" else "PutObject"
        super().__init__(
            "Please ensure that the CreateExportTask caller has been granted s3:PutObject access to the bucket."
            if who == "caller may not write"
            else f"{action} call on the given bucket failed. "
            "Please check if CloudWatch Logs has been granted permission to perform this operation."
        )


class SystemTagKey(InvalidParameterException):
    """A tag key begins with ``aws:``, which is reserved for AWS."""

    def __init__(self) -> None:
        super().__init__("aws: prefixed tag key names are not allowed for external use.")


class InvalidFilterPattern(InvalidParameterException):
    """A filter pattern is invalid or not supported here."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"Invalid filter pattern: {fault}")


class InvalidToken(InvalidParameterException):
    """A ``nextToken`` was not issued by this service."""

    def __init__(self) -> None:
        super().__init__("The specified nextToken is invalid.")


class NoRoomForLogs(AwsError):
    """There is no room for log events."""

    code: ClassVar[str] = "ServiceUnavailableException"
    status: ClassVar[int] = 500

    @classmethod
    def of_account(cls, limit: int) -> NoRoomForLogs:
        """Return the error for an account whose events have reached the limit."""
        return cls(
            f"There is no room for these log events: an account may have {limit:,} bytes of them "
            "(READING_ROOM_LOG_BYTES_PER_ACCOUNT). Delete log groups or streams."
        )

    @classmethod
    def on_disk(cls, floor: int) -> NoRoomForLogs:
        """Return the error for a file system whose free space must not be used."""
        return cls(
            "There is no room for these log events: the disk of the service is full except for the "
            f"{floor:,} bytes to keep free (READING_ROOM_STORAGE_FREE)."
        )
