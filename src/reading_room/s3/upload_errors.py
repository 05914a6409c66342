"""Errors of multipart uploads."""

from __future__ import annotations

from reading_room.s3.errors import S3Error


class EntityTooSmall(S3Error):
    """A part other than the last is smaller than 5 MiB."""

    code = "EntityTooSmall"
    status = 400

    def __init__(self, size: int, least: int, part_number: int, etag: str) -> None:
        extra = {"ProposedSize": str(size), "MinSizeAllowed": str(least), "PartNumber": str(part_number)}
        super().__init__("Your proposed upload is smaller than the minimum allowed size", {**extra, "ETag": etag})


class NoSuchUpload(S3Error):
    """The multipart upload does not exist, or no longer."""

    code = "NoSuchUpload"
    status = 404

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
            "aborted or completed.",
            {"UploadId": upload_id},
        )


class InvalidPart(S3Error):
    """CompleteMultipartUpload names a part that was not uploaded, or has another ETag."""

    code = "InvalidPart"
    status = 400

    def __init__(self, upload_id: str, part_number: int, etag: str) -> None:
        super().__init__(
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
            "specified entity tag may not match the part's entity tag.",
            {"UploadId": upload_id, "PartNumber": str(part_number), "ETag": etag},
        )


class InvalidPartOrder(S3Error):
    """The parts of CompleteMultipartUpload are not in ascending order."""

    code = "InvalidPartOrder"
    status = 400

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            {"UploadId": upload_id},
        )
