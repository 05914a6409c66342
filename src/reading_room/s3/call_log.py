"""The lines that the log has of each S3 request."""

from __future__ import annotations

import logging
import time

from reading_room.aws.call import ANONYMOUS
from reading_room.full_disk import is_full
from reading_room.s3.call import AuthenticatedRequest, Outcome
from reading_room.shortage import is_shortage

log = logging.getLogger(__name__)


def log_fault(outcome: Outcome) -> None:
    """Log the fault of the service that a request met, if any. A full disk or a shortage needs no traceback."""
    fault = outcome.fault
    if fault is not None:
        known = is_full(fault) or is_shortage(fault)
        log.error(
            "request=%s failed: %s",
            outcome.request_id,
            fault,
            exc_info=None if known else fault,
            extra={"request_id": outcome.request_id},
        )


def log_unfinished(outcome: Outcome) -> None:
    """Log a request whose client went away."""
    log.info(
        "request=%s the connection ended before the body was complete",
        outcome.request_id,
        extra={"request_id": outcome.request_id},
    )


def log_call(outcome: Outcome, status: int, code: str, began: float) -> None:
    """Log a request that was answered. ``began`` is in seconds of ``time.perf_counter``."""
    if not log.isEnabledFor(logging.INFO):
        return
    identified, stage, caller = outcome.identified, outcome.stage, "-"
    if isinstance(stage, AuthenticatedRequest):
        caller = (stage.verified.principal if stage.verified is not None else ANONYMOUS).arn
    operation = "-" if identified is None else identified.operation
    seconds = time.perf_counter() - began
    log.info(
        "request=%s service=s3 operation=%s place=%r caller=%s status=%d code=%s ms=%.1f",
        *(outcome.request_id, operation, outcome.place, caller, status, code, seconds * 1000),
        extra={
            "request_id": outcome.request_id,
            "service": "s3",
            "operation": operation,
            "place": outcome.place,
            "caller": caller,
            "status": status,
            "code": code,
            "duration_seconds": round(seconds, 6),
        },
    )
