"""Errors of a request's body: its length, its checksums, its framing and its transfer."""

from __future__ import annotations

from collections.abc import Mapping

from reading_room.s3.errors import S3Error


class BadDigest(S3Error):
    """The body does not have the checksum that its sender computed."""

    code = "BadDigest"
    status = 400

    def __init__(self, algorithm: str, extra: Mapping[str, str] | None = None) -> None:
        if algorithm == "MD5":
            super().__init__("The Content-MD5 you specified did not match what we received.", extra)
        else:
            super().__init__(f"The {algorithm} you specified did not match the calculated checksum.", extra)


class InvalidDigest(S3Error):
    """Content-MD5 is not the base64 of 16 bytes."""

    code = "InvalidDigest"
    status = 400

    def __init__(self, given: str) -> None:
        super().__init__("The Content-MD5 you specified was invalid.", {"Content-MD5": given})


class XAmzContentSHA256Mismatch(S3Error):
    """The body does not have the hash that was signed."""

    code = "XAmzContentSHA256Mismatch"
    status = 400

    def __init__(self, given: str, computed: str) -> None:
        super().__init__(
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            {"ClientComputedContentSHA256": given, "S3ComputedContentSHA256": computed},
        )


class ChunkSignatureDoesNotMatch(S3Error):
    """A chunk or the trailer of a signed stream has a wrong signature."""

    code = "SignatureDoesNotMatch"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method."
        )


class IncompleteBody(S3Error):
    """The body is shorter or longer than the headers say."""

    code = "IncompleteBody"
    status = 400

    def __init__(self) -> None:
        super().__init__("You did not provide the number of bytes specified by the Content-Length HTTP header.")


class InvalidChunk(S3Error):
    """The framing of an ``aws-chunked`` body is broken."""

    code = "IncompleteBody"
    status = 400

    def __init__(self, what: str) -> None:
        super().__init__(f"The request body terminated unexpectedly: of the aws-chunked body {what}.")


class InvalidChunkSize(S3Error):
    """A chunk of an ``aws-chunked`` body that is not the last one is too small; chunks are counted from 1."""

    code = "InvalidChunkSizeError"
    status = 403

    def __init__(self, following: int, size: int, least: int) -> None:
        super().__init__(
            f"Only the last chunk is allowed to have a size less than {least} bytes",
            {"Chunk": str(following), "BadChunkSize": str(size)},
        )


class MalformedTrailer(S3Error):
    """The trailer of an ``aws-chunked`` body is not the one that the headers announce."""

    code = "MalformedTrailerError"
    status = 400

    def __init__(self) -> None:
        super().__init__(
            "The request contained trailing data that was not well-formed or did not conform to our published schema."
        )


class MissingContentLength(S3Error):
    """A body has no declared length."""

    code = "MissingContentLength"
    status = 411

    def __init__(self) -> None:
        super().__init__("You must provide the Content-Length HTTP header.")


class EntityTooLarge(S3Error):
    """The body is larger than the operation accepts. ``limit`` is in bytes."""

    code = "EntityTooLarge"
    status = 400

    def __init__(self, limit: int) -> None:
        super().__init__("Your proposed upload exceeds the maximum allowed size", {"MaxSizeAllowed": str(limit)})


class MaxMessageLengthExceeded(S3Error):
    """An XML or policy body is too long."""

    code = "MaxMessageLengthExceeded"
    status = 400

    def __init__(self) -> None:
        super().__init__("Your request was too big.")


class RequestTimeout(S3Error):
    """The client stopped sending in the middle of its body."""

    code = "RequestTimeout"
    status = 400

    def __init__(self) -> None:
        super().__init__(
            "Your socket connection to the server was not read from or written to within the timeout period. Idle "
            "connections will be closed."
        )
