"""The errors of signatures in the words of each family of services.

``sigv4.py`` calls a method of a ``Dialect`` for each kind of failure. The dialect returns AWS's error for it.
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from reading_room.aws.errors import AwsError, MissingParameter
from reading_room.aws.signature_errors import (
    ALGORITHM,
    MAX_SKEW,
    TWO_MECHANISMS,
    AccessDenied,
    AuthFailure,
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    IncompleteSignature,
    IncompleteSignatureException,
    InvalidAccessKeyId,
    InvalidArgument,
    InvalidAuthorization,
    InvalidClientTokenId,
    InvalidSignatureException,
    MissingAuthenticationToken,
    MissingAuthenticationTokenException,
    RequestExpired,
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
    UnrecognizedClientException,
    UnsupportedMechanism,
    amz_time,
    iso_time,
)

_MISMATCH = "The request signature we calculated does not match the signature you provided. "
_MISMATCH_TEXT = (
    _MISMATCH + "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The strings behind a wrong signature. S3 shows them to the caller, who sent all of their content."""

    access_key_id: str
    signature: str
    string_to_sign: str
    canonical_request: str


class Dialect(ABC):
    """The errors of signatures. Each method returns an error to raise."""

    urls_must_end = False
    """Whether a presigned URL must have an expiration."""

    def two_mechanisms(self) -> AwsError:
        """Return the error for a request that is signed in two ways."""
        return self.malformed(TWO_MECHANISMS, True)

    def unsupported(self, authorization: str) -> AwsError:
        """Return the error for an Authorization header that is not of Signature Version 4."""
        return self.malformed(f"Unsupported authorization type: use {ALGORITHM}", False)

    def invalid_date(self, written: str) -> AwsError:
        """Return the error for a malformed expiration of a presigned URL of Signature Version 2."""
        return self.malformed(f"Invalid date (should be seconds since epoch): {written}", True)

    def not_yet_valid(self, signed: dt.datetime, now: dt.datetime) -> AwsError:
        """Return the error for a presigned URL whose date is in the future."""
        return self.skewed(signed, now)

    @abstractmethod
    def missing(self) -> AwsError:
        """Return the error for a request without a signature."""

    @abstractmethod
    def malformed(self, reason: str, presigned: bool) -> AwsError:
        """Return the error for a malformed signature."""

    @abstractmethod
    def unknown_key(self, access_key_id: str) -> AwsError:
        """Return the error for an access key that does not exist."""

    @abstractmethod
    def mismatch(self, what: Mismatch) -> AwsError:
        """Return the error for a signature that differs from the computed one."""

    @abstractmethod
    def skewed(self, signed: dt.datetime, now: dt.datetime) -> AwsError:
        """Return the error for a date more than ``MAX_SKEW`` from now."""

    @abstractmethod
    def url_expired(self, seconds: int | None, ended: dt.datetime, now: dt.datetime) -> AwsError:
        """Return the error for an expired presigned URL. Version 2 has no ``seconds``."""

    @abstractmethod
    def wrong_scope(self, part: str, found: str, expected: str, presigned: bool) -> AwsError:
        """Return the error for a credential scope of another region, service or date."""

    @abstractmethod
    def unsigned_headers(self, names: list[str]) -> AwsError:
        """Return the error for unsigned headers that must be signed."""


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

    def url_expired(self, seconds: int | None, ended: dt.datetime, now: dt.datetime) -> AwsError:
        text = f"Signature expired: {amz_time(now)} is later than {amz_time(ended)}"
        return InvalidSignatureException(text)

    def wrong_scope(self, part: str, found: str, expected: str, presigned: bool) -> AwsError:
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

    def url_expired(self, seconds: int | None, ended: dt.datetime, now: dt.datetime) -> AwsError:
        text = f"Signature expired: {amz_time(now)} is later than {amz_time(ended)}"
        return SignatureDoesNotMatch(text)

    def wrong_scope(self, part: str, found: str, expected: str, presigned: bool) -> AwsError:
        return SignatureDoesNotMatch(_scope_text(part, found, expected))

    def unsigned_headers(self, names: list[str]) -> AwsError:
        return SignatureDoesNotMatch(_unsigned_text(names))


class Ec2Dialect(Dialect):
    """EC2, which has few errors: nearly every failure is an AuthFailure."""

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

    def url_expired(self, seconds: int | None, ended: dt.datetime, now: dt.datetime) -> AwsError:
        return RequestExpired()

    def wrong_scope(self, part: str, found: str, expected: str, presigned: bool) -> AwsError:
        return AuthFailure(_scope_text(part, found, expected))

    def unsigned_headers(self, names: list[str]) -> AwsError:
        return AuthFailure(_unsigned_text(names))


class S3Dialect(Dialect):
    """S3, which has the most detailed errors."""

    urls_must_end = True

    def two_mechanisms(self) -> AwsError:
        return InvalidArgument()

    def unsupported(self, authorization: str) -> AwsError:
        kind, space, _ = authorization.partition(" ")
        if not space:
            problem = "Authorization header is invalid -- one and only one ' ' (space) required"
            return InvalidAuthorization(problem, authorization)
        return UnsupportedMechanism() if kind == "AWS" else InvalidAuthorization("Unsupported Authorization Type", kind)

    def invalid_date(self, written: str) -> AwsError:
        return AccessDenied(f"Invalid date (should be seconds since epoch): {written}")

    def not_yet_valid(self, signed: dt.datetime, now: dt.datetime) -> AwsError:
        return AccessDenied("Request is not valid yet", {"X-Amz-Date": amz_time(signed), "ServerTime": iso_time(now)})

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

    def url_expired(self, seconds: int | None, ended: dt.datetime, now: dt.datetime) -> AwsError:
        given = {} if seconds is None else {"X-Amz-Expires": str(seconds)}
        return AccessDenied("Request has expired", {**given, "Expires": iso_time(ended), "ServerTime": iso_time(now)})

    def wrong_scope(self, part: str, found: str, expected: str, presigned: bool) -> AwsError:
        extra = {"Region": expected} if part == "region" else {}
        reason = f"the {part} '{found}' is wrong; expecting '{expected}'"
        if presigned:
            return AuthorizationQueryParametersError(f"Error parsing the X-Amz-Credential parameter; {reason}", extra)
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
