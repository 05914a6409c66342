"""The trail's record of a call that came from a client."""

from __future__ import annotations

import datetime as dt

from reading_room.aws.call import Call
from reading_room.aws.call_record import CallRecord, keys_of, records_output
from reading_room.aws.errors import UnknownOperation
from reading_room.aws.identify import claimed_operation
from reading_room.aws.models import ServedService
from reading_room.aws.outcome import Outcome


def record_of(outcome: Outcome, ended_at: dt.datetime, region: str, seconds: float = 0.0) -> CallRecord:
    """Return the record of a call that was answered within ``seconds``."""
    request, caller, operation = outcome.request, outcome.caller, _operation(outcome)
    return CallRecord(
        service="-" if outcome.service is None else outcome.service.name,
        operation=operation,
        request_id=request.request_id,
        ended_at=ended_at,
        region=region,
        path=request.path,
        principal=None if caller is None else caller.principal,
        access_key_id=None if caller is None else caller.access_key_id,
        user_agent=request.header("user-agent") or "",
        parameters=outcome.stage.parameters if isinstance(outcome.stage, Call) else None,
        output=outcome.output if records_output(operation) else None,
        error=outcome.error,
        host=request.header("host"),
        size=len(request.body),
        seconds=seconds,
        keys=keys_of(outcome.service.name, outcome.output) if isinstance(outcome.service, ServedService) else (),
    )


def _operation(outcome: Outcome) -> str:
    if isinstance(outcome.error, UnknownOperation):
        return (outcome.error.operation or "-")[:80]
    if outcome.operation is not None:
        return outcome.operation
    return claimed_operation(outcome.request, outcome.service) if isinstance(outcome.service, ServedService) else "-"
