"""Session tokens: a temporary key signs only with its own token, and until its session expires."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Callable, Mapping

from reading_room.aws.errors import AwsError
from reading_room.aws.signature_errors import (
    AuthFailure,
    InvalidClientTokenId,
    RequestExpired,
    UnrecognizedClientException,
)

_EXPIRED_TOKEN = "The security token included in the request is expired"


class ExpiredTokenException(AwsError):
    """JSON: the session has expired."""

    code = "ExpiredTokenException"

    def __init__(self) -> None:
        super().__init__(_EXPIRED_TOKEN)


class ExpiredToken(AwsError):
    """Query: the session has expired."""

    code = "ExpiredToken"
    status = 403

    def __init__(self) -> None:
        super().__init__(_EXPIRED_TOKEN)


class S3ExpiredToken(AwsError):
    """S3: the session has expired."""

    code = "ExpiredToken"

    def __init__(self) -> None:
        super().__init__("The provided token has expired.")


class InvalidToken(AwsError):
    """S3: the session token is not the key's."""

    code = "InvalidToken"

    def __init__(self) -> None:
        super().__init__("The provided token is malformed or otherwise invalid.")


WRONG_TOKEN: Mapping[str, Callable[[], AwsError]] = {
    "json": UnrecognizedClientException,
    "query": InvalidClientTokenId,
    "ec2": AuthFailure,
    "rest-xml": InvalidToken,
}
"""The error of each protocol for a session token that is not the key's. Only S3 has one of its own."""
EXPIRED_SESSION: Mapping[str, Callable[[], AwsError]] = {
    "json": ExpiredTokenException,
    "query": ExpiredToken,
    "ec2": RequestExpired,
    "rest-xml": S3ExpiredToken,
}
"""The error of each protocol for a session that has expired."""


def check_session_token(
    given: str | None, expected: str | None, expires_at: dt.datetime | None, now: dt.datetime, protocol: str
) -> None:
    """Check that a request's session token is that of its key, and that the session has not expired.

    ``expected`` and ``expires_at`` are ``None`` for a long-term key, which must come without a token. Raises the error
    of the service's protocol.
    """
    # Text from the wire may have bytes that are not UTF-8.
    if not hmac.compare_digest((expected or "").encode(), (given or "").encode("utf-8", "surrogateescape")):
        raise WRONG_TOKEN[protocol]()
    if expires_at is not None and expires_at <= now:
        raise EXPIRED_SESSION[protocol]()
