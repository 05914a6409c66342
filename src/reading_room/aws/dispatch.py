"""Validate, authorize, handle: the second half of a call, shared by the wire and by the service's own calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.call_record import Gate, Recorder, forget, let_in, record_of
from reading_room.aws.errors import AwsError, DryRunOperation
from reading_room.aws.operations import Authorizer, OperationTable
from reading_room.aws.spelling import unknown_operation
from reading_room.aws.validation import validate
from reading_room.clock import Clock, system_clock


class Dispatcher:
    """Runs calls against the table of operations."""

    def __init__(
        self,
        *,
        table: OperationTable,
        authorizer: Authorizer,
        clock: Clock = system_clock,
        trail: Recorder = forget,
        gate: Gate = let_in,
    ) -> None:
        """``trail`` takes the calls of the service itself, if ``gate`` lets them in.

        Those of clients are asked for, and recorded, where they came in.
        """
        self._gate = gate
        self.table = table
        self._authorizer = authorizer
        self._clock = clock
        self.trail = trail

    def act(self, call: Call) -> Mapping[str, Any]:
        """Run a call that the service makes itself, and record it. Raises ``AwsError``."""
        self._gate(call.service, call.operation, "")
        try:
            output = self.invoke(call)
        except AwsError as error:
            self.trail(record_of(call, self._clock(), error=error))
            raise
        self.trail(record_of(call, self._clock(), output))
        return output

    def invoke(self, call: Call) -> Mapping[str, Any]:
        """Run one call and return its output structure. Raises ``AwsError``.

        EC2's ``DryRun`` ends here, after the authorization and before anything is done.

        A call that the service makes as a role session goes through here too, so a permission that the role lacks
        denies it exactly as it denies a client.
        """
        bound = self.table.find(call.service, call.operation)
        if bound is None:
            raise unknown_operation(call.service, call.operation)
        validate(call)
        bound.refuse(call.parameters)
        self._authorizer.authorize(call, bound.facts)
        if call.service == "ec2" and call.parameters.get("DryRun"):
            raise DryRunOperation()
        return bound.handler(call, call.parameters) or {}
