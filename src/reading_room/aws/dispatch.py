"""The second half of a call (validate, authorize, handle), for calls of clients and of the product itself."""

from __future__ import annotations

import time
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
        """``trail`` records the calls of the product itself, if ``gate`` admits them.

        The server admits and records the calls of clients.
        """
        self._gate = gate
        self.table = table
        self._authorizer = authorizer
        self._clock = clock
        self.trail = trail

    def act(self, call: Call) -> Mapping[str, Any]:
        """Run a call of the product itself, and record it. Raises ``AwsError``."""
        self._gate(call.service, call.operation, "")
        began = time.perf_counter()
        try:
            output = self.invoke(call)
        except AwsError as error:
            self.trail(record_of(call, self._clock(), error=error, seconds=time.perf_counter() - began))
            raise
        self.trail(record_of(call, self._clock(), output, seconds=time.perf_counter() - began))
        return output

    def invoke(self, call: Call) -> Mapping[str, Any]:
        """Run one call and return its output structure. Raises ``AwsError``.

        A ``DryRun`` of EC2 ends after the authorization, before the handler.

        Calls that the product makes as a role session also come here. So a missing permission of the role denies them
        exactly as it denies a client.
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
