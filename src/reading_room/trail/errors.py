"""CloudTrail's errors, one class per AWS code."""

from __future__ import annotations

from typing import ClassVar

from reading_room.aws.errors import AwsError


class InvalidLookupAttributes(AwsError):
    """LookupEvents has more than one attribute, or a value that is invalid for its key."""

    code: ClassVar[str] = "InvalidLookupAttributesException"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


class InvalidTimeRange(AwsError):
    """The start of a time range is after its end."""

    code: ClassVar[str] = "InvalidTimeRangeException"

    def __init__(self) -> None:
        super().__init__("The start time must be before the end time.")


class InvalidNextToken(AwsError):
    """LookupEvents did not issue this token, or issued it for another request."""

    code: ClassVar[str] = "InvalidNextTokenException"

    def __init__(self) -> None:
        super().__init__("The token is not valid, or the request differs from the one that it was issued for.")
