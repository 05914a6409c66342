"""The outcome of a call: the fullest value that it became, the reply, and the error if it failed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reading_room.aws.call import Call, IncomingRequest, OperationRequest, Reply, SignedRequest
from reading_room.aws.error_replies import refusal, with_request_id
from reading_room.aws.errors import AwsError
from reading_room.aws.identify import Service
from reading_room.aws.spelling import internal_failure, unavailable
from reading_room.full_disk import is_full
from reading_room.shortage import MESSAGE, is_shortage

log = logging.getLogger(__name__)

NO_SPACE = "The disk of this installation has no space for the data of the call."
Stage = IncomingRequest | SignedRequest | Call
"""What a request became before it ended."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended."""

    request: IncomingRequest
    service: Service
    stage: Stage
    reply: Reply
    output: Mapping[str, Any] | None = None
    error: AwsError | None = None
    """The error that the client gets."""
    fault: Exception | None = None
    """The exception behind ``error`` if it is a fault of the service."""

    @property
    def code(self) -> str:
        """The code of the error, ``-`` without one."""
        return "-" if self.error is None else self.error.code

    @property
    def operation(self) -> str | None:
        """The operation, if the request came so far."""
        if isinstance(self.stage, OperationRequest):
            return self.stage.operation.name
        return self.stage.operation if isinstance(self.stage, Call) else None

    @property
    def caller(self) -> SignedRequest | Call | None:
        """The value with the principal, if the request came so far."""
        return None if isinstance(self.stage, IncomingRequest) else self.stage

    @property
    def account(self) -> str | None:
        """The account of the key that signed the request; ``None`` for a request without a verified signature."""
        caller = self.caller
        return caller.principal.account if caller is not None and caller.access_key_id is not None else None


def failed(
    request: IncomingRequest,
    service: Service,
    stage: Stage,
    error: Exception,
    output: Mapping[str, Any] | None = None,
) -> Outcome:
    """Return the outcome of a call that ended with an exception."""
    fault: Exception | None = None
    if not isinstance(error, AwsError):
        called = service.name if service is not None else ""
        if is_full(error):
            log.error(
                "request %s found no space on the disk: %s",
                request.request_id,
                error,
                extra={"request_id": request.request_id},
            )
            error = unavailable(called, NO_SPACE)
        elif is_shortage(error):
            log.error(
                "request %s failed in a shortage: %s",
                request.request_id,
                error,
                extra={"request_id": request.request_id},
            )
            error = unavailable(called, MESSAGE)
        else:
            fault, error = error, internal_failure(called, request.request_id)
    reply = with_request_id(refusal(service, error, request.request_id), request)
    return Outcome(request, service, stage, reply, output, error, fault)
