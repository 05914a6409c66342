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
    """A log group or stream of this name exists."""

    code: ClassVar[str] = "ResourceAlreadyExistsException"

    def __init__(self, kind: Literal["group", "stream"]) -> None:
        super().__init__(f"The specified log {kind} already exists")


class InvalidParameterException(AwsError):
    """A parameter that cannot be; ``fault`` says which and why."""

    code: ClassVar[str] = "InvalidParameterException"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class InvalidFilterPattern(InvalidParameterException):
    """A filter pattern that is none, or of a form that is not supported here."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"Invalid filter pattern: {fault}")


class InvalidToken(InvalidParameterException):
    """A ``nextToken`` that this service never gave out."""

    def __init__(self) -> None:
        super().__init__("The specified nextToken is invalid.")
