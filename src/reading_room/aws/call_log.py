"""The lines that the log has of each call."""

from __future__ import annotations

import logging
import time

from reading_room.aws.call import IncomingRequest
from reading_room.aws.errors import UnknownOperation
from reading_room.aws.outcome import Outcome

log = logging.getLogger(__name__)


def log_unfinished(request: IncomingRequest) -> None:
    """Log a request whose client went away."""
    log.info(
        "request %s: the connection ended before the body was complete",
        request.request_id,
        extra={"request_id": request.request_id},
    )


def log_call(outcome: Outcome, began: float) -> None:
    """Log a call, and the fault behind its error. ``began`` is in seconds of ``time.perf_counter``."""
    request_id = outcome.request.request_id
    if outcome.fault is not None:
        log.error("request %s failed", request_id, exc_info=outcome.fault, extra={"request_id": request_id})
    if not log.isEnabledFor(logging.INFO):
        return
    service = "-" if outcome.service is None else outcome.service.name
    caller = "-" if outcome.caller is None else outcome.caller.principal.arn
    operation, status, code = _operation(outcome), outcome.reply.status, outcome.code
    seconds = time.perf_counter() - began
    log.info(
        "request=%s service=%s operation=%s caller=%s status=%d code=%s ms=%.1f",
        *(request_id, service, operation, caller, status, code, seconds * 1000),
        extra={
            "request_id": request_id,
            "service": service,
            "operation": operation,
            "caller": caller,
            "status": status,
            "code": code,
            "duration_seconds": round(seconds, 6),
        },
    )


def _operation(outcome: Outcome) -> str:
    if outcome.operation is not None:
        return outcome.operation
    # The log shows which missing operations clients call. The client chose the text, so it is quoted.
    return repr(outcome.error.operation)[:80] if isinstance(outcome.error, UnknownOperation) else "-"
