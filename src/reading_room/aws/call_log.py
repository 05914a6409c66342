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
    log.info("request %s: the connection ended before the body was complete", request.request_id)


def log_call(outcome: Outcome, began: float) -> None:
    """Log a call, and the fault behind its error. ``began`` is in seconds of ``time.perf_counter``."""
    request, service, caller = outcome.request, outcome.service, outcome.caller
    if outcome.fault is not None:
        log.error("request %s failed", request.request_id, exc_info=outcome.fault)
    log.info(
        "request=%s service=%s operation=%s caller=%s status=%d code=%s ms=%.1f",
        request.request_id,
        "-" if service is None else service.name,
        _operation(outcome),
        "-" if caller is None else caller.principal.arn,
        outcome.reply.status,
        outcome.code,
        (time.perf_counter() - began) * 1000,
    )


def _operation(outcome: Outcome) -> str:
    if outcome.operation is not None:
        return outcome.operation
    # The log shows which missing operations clients call. The client chose the text, so it is quoted.
    return repr(outcome.error.operation)[:80] if isinstance(outcome.error, UnknownOperation) else "-"
