"""Errors of a browser's form: its body, its policy, and its file."""

from __future__ import annotations

from reading_room.s3.errors import S3Error


class InvalidPolicyDocument(S3Error):
    """The policy of a browser's form cannot be read."""

    code = "InvalidPolicyDocument"
    status = 400

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid Policy: {reason}")


class FormNotAllowed(S3Error):
    """A browser's form breaks a condition of its policy."""

    code = "AccessDenied"
    status = 403

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid according to Policy: {reason}")


class MalformedPOSTRequest(S3Error):
    """The body of a browser's form is not well-formed ``multipart/form-data``."""

    code = "MalformedPOSTRequest"
    status = 400

    def __init__(self) -> None:
        super().__init__("The body of your POST request is not well-formed multipart/form-data.")


class FormTooLarge(S3Error):
    """The fields before the file are too long."""

    code = "MaxPostPreDataLengthExceeded"
    status = 400

    def __init__(self) -> None:
        super().__init__("Your POST request fields preceding the upload file were too large.")


class FileTooSmall(S3Error):
    """The file is shorter than the policy of the form requires."""

    code = "EntityTooSmall"
    status = 400

    def __init__(self, size: int, least: int) -> None:
        extra = {"ProposedSize": str(size), "MinSizeAllowed": str(least)}
        super().__init__("Your proposed upload is smaller than the minimum allowed size", extra)
