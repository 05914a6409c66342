"""What can be wrong with a request's signature, in the words of each family of services.

``sigv4.py`` says what is wrong by calling a method of a ``Dialect``; the dialect says which code AWS has for it there.
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from reading_room.aws.errors import AwsError, MissingParameter

MAX_SKEW = dt.timedelta(minutes=15)
_MISMATCH = "The request signature we calculated does not match the signature you provided. "
_MISMATCH_TEXT = (
    _MISMATCH + "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)
_TWO_MECHANISMS = (
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or "
    "the Authorization header should be specified"
)
_UNKNOWN_TOKEN = "The security token included in the request is invalid."
_EXPIRED_TOKEN = "The security token included in the request is expired"


def amz_time(moment: dt.datetime) -> str:
    """Return a moment as signatures write it: ``20260101T000000Z``."""
    return moment.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What was signed, so that S3 can show it to the caller (it holds nothing that the caller did not send)."""

    access_key_id: str
    signature: str
    string_to_sign: str
    canonical_request: str


class UnrecognizedClientException(AwsError):
    """JSON: unknown access key or wrong session token."""

    code = "UnrecognizedClientException"

    def __init__(self) -> None:
        super().__init__(_UNKNOWN_TOKEN)


class InvalidSignatureException(AwsError):
    """JSON: the signature, its date or its scope is not right."""

    code = "InvalidSignatureException"


class ExpiredTokenException(AwsError):
    """JSON: the session has ended."""

    code = "ExpiredTokenException"

    def __init__(self) -> None:
        super().__init__(_EXPIRED_TOKEN)


class MissingAuthenticationTokenException(AwsError):
    """JSON: the request is not signed."""

    code = "MissingAuthenticationTokenException"

    def __init__(self) -> None:
        super().__init__("Missing Authentication Token")


class IncompleteSignatureException(AwsError):
    """JSON: the Authorization header cannot be read."""

    code = "IncompleteSignatureException"


class InvalidClientTokenId(AwsError):
    """Query: unknown access key or wrong session token."""

    code = "InvalidClientTokenId"
    status = 403

    def __init__(self) -> None:
        super().__init__(_UNKNOWN_TOKEN)


class SignatureDoesNotMatch(AwsError):
    """Query and S3: the signature is wrong; S3 shows what it computed it from."""

    code = "SignatureDoesNotMatch"
    status = 403


class ExpiredToken(AwsError):
    """Query: the session has ended."""

    code = "ExpiredToken"
    status = 403

    def __init__(self) -> None:
        super().__init__(_EXPIRED_TOKEN)


class S3ExpiredToken(AwsError):
    """S3: the session has ended."""

    code = "ExpiredToken"

    def __init__(self) -> None:
        super().__init__("The provided token has expired.")


class MissingAuthenticationToken(AwsError):
    """Query: the request is not signed."""

    code = "MissingAuthenticationToken"
    status = 403

    def __init__(self) -> None:
        super().__init__("Request is missing Authentication Token")


class IncompleteSignature(AwsError):
    """Query: the Authorization header cannot be read."""

    code = "IncompleteSignature"


class AuthFailure(AwsError):
    """EC2: the credentials, or the form of the signature, are not right."""

    code = "AuthFailure"
    status = 401

    def __init__(self, reason: str = "") -> None:
        text = "AWS was not able to validate the provided access credentials"
        super().__init__(f"{text}: {reason}" if reason else text)


class RequestExpired(AwsError):
    """EC2: the date is more than 15 minutes off, or the session has ended."""

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


class InvalidToken(AwsError):
    """S3: the session token is not the key's."""

    code = "InvalidToken"

    def __init__(self) -> None:
        super().__init__("The provided token is malformed or otherwise invalid.")


class RequestTimeTooSkewed(AwsError):
    """S3: the date is more than 15 minutes off."""

    code = "RequestTimeTooSkewed"
    status = 403

    def __init__(self, signed: dt.datetime, now: dt.datetime) -> None:
        extra = {
            "RequestTime": amz_time(signed),
            "ServerTime": now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "MaxAllowedSkewMilliseconds": str(int(MAX_SKEW.total_seconds() * 1000)),
        }
        super().__init__("The difference between the request time and the current time is too large.", extra)


class AuthorizationHeaderMalformed(AwsError):
    """S3: the Authorization header, or its scope, is not right."""

    code = "AuthorizationHeaderMalformed"

    def __init__(self, reason: str, extra: Mapping[str, str] | None = None) -> None:
        super().__init__(f"The authorization header is malformed; {reason}", extra)


class AuthorizationQueryParametersError(AwsError):
    """S3: the parameters of a presigned URL are not right."""

    code = "AuthorizationQueryParametersError"


class InvalidArgument(AwsError):
    """S3: a request is signed in its header and in its query."""

    code = "InvalidArgument"

    def __init__(self) -> None:
        super().__init__(_TWO_MECHANISMS, {"ArgumentName": "Authorization"})


class Dialect(ABC):
    """The failures of a signature. Each method returns the error to raise."""

    urls_must_end = False
    """Whether a presigned URL must say for how long it is good."""

    def two_mechanisms(self) -> AwsError:
        """Return the error for a request that is signed in two ways."""
        return self.malformed(_TWO_MECHANISMS, True)

    @abstractmethod
    def missing(self) -> AwsError:
        """Return the error for a request without a signature."""

    @abstractmethod
    def malformed(self, reason: str, presigned: bool) -> AwsError:
        """Return the error for a signature that cannot be read."""

    @abstractmethod
    def unknown_key(self, access_key_id: str) -> AwsError:
        """Return the error for an access key that does not exist."""

    @abstractmethod
    def mismatch(self, what: Mismatch) -> AwsError:
        """Return the error for a signature that is not the one computed."""

    @abstractmethod
    def skewed(self, signed: dt.datetime, now: dt.datetime) -> AwsError:
        """Return the error for a date more than ``MAX_SKEW`` from now."""

    @abstractmethod
    def url_expired(self, seconds: int, ended: dt.datetime, now: dt.datetime) -> AwsError:
        """Return the error for a presigned URL whose time is over."""

    @abstractmethod
    def expired_token(self) -> AwsError:
        """Return the error for a session that has ended."""

    @abstractmethod
    def wrong_token(self) -> AwsError:
        """Return the error for a session token that is not the key's."""

    @abstractmethod
    def wrong_scope(self, part: str, found: str, expected: str) -> AwsError:
        """Return the error for a credential scope of another region, service or date."""

    @abstractmethod
    def unsigned_headers(self, names: list[str]) -> AwsError:
        """Return the error for headers that must be signed and are not."""


def _skew_text(signed: dt.datetime, now: dt.datetime) -> str:
    if signed < now:
        edge = amz_time(now - MAX_SKEW)
        return f"Signature expired: {amz_time(signed)} is now earlier than {edge} ({amz_time(now)} - 15 min.)"
    edge = amz_time(now + MAX_SKEW)
    return f"Signature not yet current: {amz_time(signed)} is still later than {edge} ({amz_time(now)} + 15 min.)"


def _scope_text(part: str, found: str, expected: str) -> str:
    match part:
        case "region":
            return f"Credential should be scoped to a valid region, not '{found}'. Use '{expected}'."
        case "service":
            return f"Credential should be scoped to correct service: '{expected}'."
        case _:
            return (
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{found}' != '{expected}'."
            )


def _unsigned_text(names: list[str]) -> str:
    return f"{', '.join(repr(name) for name in names)} must be a 'SignedHeader' in the AWS Authorization."


class JsonDialect(Dialect):
    """Comprehend and Logs."""

    def missing(self) -> AwsError:
        return MissingAuthenticationTokenException()

    def malformed(self, reason: str, presigned: bool) -> AwsError:
        return IncompleteSignatureException(reason)

    def unknown_key(self, access_key_id: str) -> AwsError:
        return UnrecognizedClientException()

    def mismatch(self, what: Mismatch) -> AwsError:
        return InvalidSignatureException(_MISMATCH_TEXT)

    def skewed(self, signed: dt.datetime, now: dt.datetime) -> AwsError:
        return InvalidSignatureException(_skew_text(signed, now))

    def url_expired(self, seconds: int, ended: dt.datetime, now: dt.datetime) -> AwsError:
        text = f"Signature expired: {amz_time(now)} is later than {amz_time(ended)}"
        return InvalidSignatureException(text)

    def expired_token(self) -> AwsError:
        return ExpiredTokenException()

    def wrong_token(self) -> AwsError:
        return UnrecognizedClientException()

    def wrong_scope(self, part: str, found: str, expected: str) -> AwsError:
        return InvalidSignatureException(_scope_text(part, found, expected))

    def unsigned_headers(self, names: list[str]) -> AwsError:
        return InvalidSignatureException(_unsigned_text(names))


class QueryDialect(Dialect):
    """IAM and STS."""

    def missing(self) -> AwsError:
        return MissingAuthenticationToken()

    def malformed(self, reason: str, presigned: bool) -> AwsError:
        return IncompleteSignature(reason)

    def unknown_key(self, access_key_id: str) -> AwsError:
        return InvalidClientTokenId()

    def mismatch(self, what: Mismatch) -> AwsError:
        return SignatureDoesNotMatch(_MISMATCH_TEXT)

    def skewed(self, signed: dt.datetime, now: dt.datetime) -> AwsError:
        return SignatureDoesNotMatch(_skew_text(signed, now))

    def url_expired(self, seconds: int, ended: dt.datetime, now: dt.datetime) -> AwsError:
        text = f"Signature expired: {amz_time(now)} is later than {amz_time(ended)}"
        return SignatureDoesNotMatch(text)

    def expired_token(self) -> AwsError:
        return ExpiredToken()

    def wrong_token(self) -> AwsError:
        return InvalidClientTokenId()

    def wrong_scope(self, part: str, found: str, expected: str) -> AwsError:
        return SignatureDoesNotMatch(_scope_text(part, found, expected))

    def unsigned_headers(self, names: list[str]) -> AwsError:
        return SignatureDoesNotMatch(_unsigned_text(names))


class Ec2Dialect(Dialect):
    """EC2, which says little: nearly everything is AuthFailure."""

    def missing(self) -> AwsError:
        return MissingParameter("AWSAccessKeyId")

    def malformed(self, reason: str, presigned: bool) -> AwsError:
        return AuthFailure(reason)

    def unknown_key(self, access_key_id: str) -> AwsError:
        return AuthFailure()

    def mismatch(self, what: Mismatch) -> AwsError:
        return AuthFailure()

    def skewed(self, signed: dt.datetime, now: dt.datetime) -> AwsError:
        return RequestExpired()

    def url_expired(self, seconds: int, ended: dt.datetime, now: dt.datetime) -> AwsError:
        return RequestExpired()

    def expired_token(self) -> AwsError:
        return RequestExpired()

    def wrong_token(self) -> AwsError:
        return AuthFailure()

    def wrong_scope(self, part: str, found: str, expected: str) -> AwsError:
        return AuthFailure(_scope_text(part, found, expected))

    def unsigned_headers(self, names: list[str]) -> AwsError:
        return AuthFailure(_unsigned_text(names))


class S3Dialect(Dialect):
    """S3, which says most."""

    urls_must_end = True

    def two_mechanisms(self) -> AwsError:
        return InvalidArgument()

    def missing(self) -> AwsError:
        return AccessDenied("Access Denied")

    def malformed(self, reason: str, presigned: bool) -> AwsError:
        return AuthorizationQueryParametersError(reason) if presigned else AuthorizationHeaderMalformed(reason)

    def unknown_key(self, access_key_id: str) -> AwsError:
        return InvalidAccessKeyId(access_key_id)

    def mismatch(self, what: Mismatch) -> AwsError:
        extra = {
            "AWSAccessKeyId": what.access_key_id,
            "StringToSign": what.string_to_sign,
            "SignatureProvided": what.signature,
            "StringToSignBytes": what.string_to_sign.encode().hex(" "),
            "CanonicalRequest": what.canonical_request,
            "CanonicalRequestBytes": what.canonical_request.encode().hex(" "),
        }
        return SignatureDoesNotMatch(_MISMATCH + "Check your key and signing method.", extra)

    def skewed(self, signed: dt.datetime, now: dt.datetime) -> AwsError:
        return RequestTimeTooSkewed(signed, now)

    def url_expired(self, seconds: int, ended: dt.datetime, now: dt.datetime) -> AwsError:
        extra = {
            "X-Amz-Expires": str(seconds),
            "Expires": ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "ServerTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return AccessDenied("Request has expired", extra)

    def expired_token(self) -> AwsError:
        return S3ExpiredToken()

    def wrong_token(self) -> AwsError:
        return InvalidToken()

    def wrong_scope(self, part: str, found: str, expected: str) -> AwsError:
        extra = {"Region": expected} if part == "region" else {}
        reason = f"the {part} '{found}' is wrong; expecting '{expected}'"
        return AuthorizationHeaderMalformed(reason, extra)

    def unsigned_headers(self, names: list[str]) -> AwsError:
        text = "There were headers present in the request which were not signed"
        return AccessDenied(text, {"HeadersNotSigned": ", ".join(names)})


DIALECTS: Mapping[str, Dialect] = {
    "json": JsonDialect(),
    "query": QueryDialect(),
    "ec2": Ec2Dialect(),
    "rest-xml": S3Dialect(),
}
"""The dialect of each protocol."""
