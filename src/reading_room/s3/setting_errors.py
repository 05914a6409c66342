"""Errors of tags and of the rules of cross-origin resource sharing."""

from __future__ import annotations

from reading_room.s3.errors import S3Error


class BadRequest(S3Error):
    """A preflight request lacks a header that it must have."""

    code = "BadRequest"
    status = 400


class InvalidTag(S3Error):
    """A tag breaks the rules for tags."""

    code = "InvalidTag"
    status = 400

    def __init__(self, problem: str, key: str, value: str | None = None) -> None:
        super().__init__(problem, {"TagKey": key} | ({} if value is None else {"TagValue": value}))


class TooManyTags(S3Error):
    """An object or a bucket has more tags than S3 allows."""

    code = "BadRequest"
    status = 400

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"{what} cannot be greater than {most}")


class CorsForbidden(S3Error):
    """The bucket's CORS rules do not allow this page to make this call."""

    code = "AccessForbidden"
    status = 403

    def __init__(self, reason: str, method: str, resource_type: str) -> None:
        super().__init__(f"CORSResponse: {reason}", {"Method": method, "ResourceType": resource_type})
