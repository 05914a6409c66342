"""An S3 request on its way through the steps: each step makes a fuller, frozen value of the one before.

``IncomingRequest`` → ``IdentifiedRequest`` → ``AuthenticatedRequest`` → ``ParsedRequest`` → ``AuthorizedRequest``, and
at the end an ``Outcome``. A step in the wrong order does not type-check. A step that fails raises ``Stopped``, which
has the fullest value that the request became, for the log and the trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from botocore.model import OperationModel

from reading_room.aws.call import IncomingRequest
from reading_room.aws.errors import AwsError
from reading_room.aws.sigv4 import Verified
from reading_room.s3.addressing import Address
from reading_room.s3.authorization import Caller
from reading_room.s3.backend import Deletion, S3Request, S3Response
from reading_room.s3.errors import AccessDenied
from reading_room.s3.post_form import Form
from reading_room.s3.streaming import UploadBody


@dataclass(frozen=True, slots=True)
class PreflightRequest:
    """A browser's question whether a page may make a call. It has no caller."""

    address: Address
    headers: Mapping[str, str]

    @property
    def operation(self) -> str:
        """The name of the operation in the log and the trail."""
        return "PreflightRequest"

    @property
    def place(self) -> str:
        """The bucket, for the log."""
        return self.address.bucket or ""


@dataclass(frozen=True, slots=True)
class IdentifiedRequest:
    """A request whose operation and address are known. Its signature is not verified yet."""

    incoming: IncomingRequest
    """The request; for a form, the PutObject of the same meaning."""
    model: OperationModel
    address: Address
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By name, in lower case, with those that a presigned URL has in its query."""
    tls_version: str | None
    form: Form | None = None

    @property
    def operation(self) -> str:
        """The AWS name of the operation."""
        return self.model.name

    @property
    def place(self) -> str:
        """Bucket and key, for the log."""
        return f"{self.address.bucket or ''}/{self.address.key or ''}"


@dataclass(frozen=True, slots=True)
class AuthenticatedRequest:
    """An identified request whose signature was verified; ``verified`` is ``None`` for an anonymous request."""

    request: IdentifiedRequest
    verified: Verified | None


@dataclass(frozen=True, slots=True)
class ParsedRequest(AuthenticatedRequest):
    """An authenticated request with its parameters, and the caller with the condition keys of the request."""

    parameters: Mapping[str, Any]
    caller: Caller


@dataclass(frozen=True, slots=True)
class AuthorizedRequest(ParsedRequest):
    """A request that its caller may make."""

    owner: str
    """The account of the bucket, or of the caller if there is no bucket yet."""
    refused: Mapping[Deletion, AwsError]
    """The keys and versions of DeleteObjects that the caller may not delete."""

    @property
    def allows_something(self) -> bool:
        """Whether the caller may do any part of the request. DeleteObjects succeeds even if every key is refused."""
        return not self.refused or any(
            (entry.get("Key"), entry.get("VersionId") or None) not in self.refused
            for entry in self.parameters["Delete"]["Objects"]
        )

    def to_backend(self, body: UploadBody) -> S3Request:
        """Return the request as the backend takes it."""
        request = self.request
        return S3Request(
            model=request.model,
            bucket=request.address.bucket,
            key=request.address.key,
            parameters=self.parameters,
            principal=self.caller.principal,
            account=self.owner,
            now=request.incoming.received_at,
            incoming=request.incoming,
            body=body if request.model.has_streaming_input else None,
            refused=self.refused,
        )


Stage = IncomingRequest | PreflightRequest | IdentifiedRequest | AuthenticatedRequest
"""What a request became before it ended. The last member includes the two fuller values."""


class Stopped(Exception):
    """A step failed with ``error``; ``stage`` is the fullest value that the request had become."""

    def __init__(self, stage: Stage, error: Exception) -> None:
        super().__init__(str(error))
        self.stage = stage
        self.error = error


class stopping_at:
    """A context in which an exception becomes ``Stopped`` at a stage, unless an inner context made it so before."""

    __slots__ = ("_stage",)

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, Stopped):
            raise Stopped(self._stage, error) from error


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended."""

    request_id: str
    """``-`` if not even its head could be read."""
    stage: Stage | None
    """The fullest value that the request became; ``None`` without a head."""
    response: S3Response | None
    """``None`` if the client went away before its request was complete."""
    code: str = "-"
    """The code of the error, for the log."""
    error: AwsError | None = None
    """The error that the client gets."""
    fault: Exception | None = None
    """The exception behind ``error`` if it is a fault of the service."""

    @property
    def identified(self) -> IdentifiedRequest | PreflightRequest | None:
        """The identified request, if the request came so far."""
        if isinstance(self.stage, AuthenticatedRequest):
            return self.stage.request
        return None if isinstance(self.stage, IncomingRequest) else self.stage

    @property
    def place(self) -> str:
        """The bucket and the key, for the log; ``-`` if they are not known."""
        return "-" if self.identified is None else self.identified.place

    @property
    def verified(self) -> Verified | None:
        """The verified signature, if the request came so far and had one."""
        return self.stage.verified if isinstance(self.stage, AuthenticatedRequest) else None

    @property
    def owner(self) -> str | None:
        """The account of the bucket, if any of the request was allowed."""
        stage = self.stage
        if not isinstance(stage, AuthorizedRequest):
            return None
        return stage.owner if stage.verified is not None or stage.allows_something else None

    @property
    def was_allowed(self) -> bool:
        """Whether any of the request was allowed. A preflight request was if it succeeded."""
        if isinstance(self.stage, PreflightRequest):
            return self.code == "-"
        return self.owner is not None and self.code != AccessDenied.code
