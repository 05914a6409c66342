"""The errors of signatures. ``signature_dialects.py`` maps them to services."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from reading_room.aws.errors import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW = dt.timedelta(minutes=15)
TWO_MECHANISMS = (
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or "
    "the Authorization header should be specified"
)
_UNKNOWN_TOKEN = "The security token included in the request is invalid."


def amz_time(moment: dt.datetime) -> str:
    """Return a time in the form of signatures: ``20260101T000000Z``."""
    return moment.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")


def iso_time(moment: dt.datetime) -> str:
    """Return a time in the form of S3's errors: ``2026-01-01T00:00:00Z``."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class UnrecognizedClientException(AwsError):
    """JSON: unknown access key or wrong session token."""

    code = "UnrecognizedClientException"

    def __init__(self) -> None:
        super().__init__(_UNKNOWN_TOKEN)


class InvalidSignatureException(AwsError):
    """JSON: the signature, its date or its scope is wrong."""

    code = "InvalidSignatureException"


class MissingAuthenticationTokenException(AwsError):
    """JSON: the request is not signed."""

    code = "MissingAuthenticationTokenException"

    def __init__(self) -> None:
        super().__init__("Missing Authentication Token")


class IncompleteSignatureException(AwsError):
    """JSON: the Authorization header is malformed."""

    code = "IncompleteSignatureException"


class InvalidClientTokenId(AwsError):
    """Query: unknown access key or wrong session token."""

    code = "InvalidClientTokenId"
    status = 403

    def __init__(self) -> None:
        super().__init__(_UNKNOWN_TOKEN)


class SignatureDoesNotMatch(AwsError):
    """Query and S3: the signature is wrong. S3 shows the strings that it computed the signature from."""

    code = "SignatureDoesNotMatch"
    status = 403


class MissingAuthenticationToken(AwsError):
    """Query: the request is not signed."""

    code = "MissingAuthenticationToken"
    status = 403

    def __init__(self) -> None:
        super().__init__("Request is missing Authentication Token")


class IncompleteSignature(AwsError):
    """Query: the Authorization header is malformed."""

    code = "IncompleteSignature"


class AuthFailure(AwsError):
    """EC2: the credentials are wrong, or the signature is malformed."""

    code = "AuthFailure"
    status = 401

    def __init__(self, reason: str = "") -> None:
        text = "AWS was not able to validate the provided access credentials"
        super().__init__(f"{text}: {reason}" if reason else text)


class RequestExpired(AwsError):
    """EC2: the date is more than 15 minutes off, or the session has expired."""

    code = "RequestExpired"

    def __init__(self) -> None:
        super().__init__("Request has expired.")


class AccessDenied(AwsError):
    """S3: no signature, an expired presigned URL, or headers that should have been signed."""

    code = "AccessDenied"
    status = 403


class InvalidAccessKeyId(AwsError):
    """S3: unknown access key."""

    code = "InvalidAccessKeyId"
    status = 403

    def __init__(self, access_key_id: str) -> None:
        text = "The AWS Access Key Id you provided does not exist in our records."
        super().__init__(text, {"AWSAccessKeyId": access_key_id})


class RequestTimeTooSkewed(AwsError):
    """S3: the date is more than 15 minutes off."""

    code = "RequestTimeTooSkewed"
    status = 403

    def __init__(self, signed: dt.datetime, now: dt.datetime) -> None:
        extra = {
            "RequestTime": amz_time(signed),
            "ServerTime": iso_time(now),
            "MaxAllowedSkewMilliseconds": str(int(MAX_SKEW.total_seconds() * 1000)),
        }
        super().__init__("The difference between the request time and the current time is too large.", extra)


class AuthorizationHeaderMalformed(AwsError):
    """S3: the Authorization header is malformed, or its scope is wrong."""

    code = "AuthorizationHeaderMalformed"

    def __init__(self, reason: str, extra: Mapping[str, str] | None = None) -> None:
        super().__init__(f"The authorization header is malformed; {reason}", extra)


class UnsupportedMechanism(AwsError):
    """S3: the Authorization header is of Signature Version 2."""

    code = "InvalidRequest"

    def __init__(self) -> None:
        super().__init__("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")


class InvalidAuthorization(AwsError):
    """S3: the kind of the Authorization header is unknown."""

    code = "InvalidArgument"

    def __init__(self, problem: str, value: str) -> None:
        super().__init__(problem, {"ArgumentName": "Authorization", "ArgumentValue": value})


class AuthorizationQueryParametersError(AwsError):
    """S3: the parameters of a presigned URL are wrong."""

    code = "AuthorizationQueryParametersError"


class InvalidArgument(AwsError):
    """S3: a request is signed in its header and in its query."""

    code = "InvalidArgument"

    def __init__(self) -> None:
        super().__init__(TWO_MECHANISMS, {"ArgumentName": "Authorization"})
