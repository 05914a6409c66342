"""The admission of calls: within the rate of the caller, and only while the trail can record them."""

from __future__ import annotations

from reading_room.aws.call import OperationRequest
from reading_room.aws.call_record import Gate
from reading_room.aws.throttling import Throttle


class Admission:
    """Counts calls and refused calls. Its methods may be called by any thread."""

    def __init__(self, throttle: Throttle, gate: Gate) -> None:
        self._throttle = throttle
        self._gate = gate

    def admit(self, request: OperationRequest) -> None:
        """Count a call. Raises the service's throttling error, and the error of the gate."""
        service, operation, principal = request.service.name, request.operation.name, request.principal
        if request.access_key_id is not None:
            self._throttle.admit(service, operation, principal.arn, principal.account)
        self._gate(service, operation, principal.account)

    def count_refusal(self, request: OperationRequest) -> None:
        """Count a call that was refused, if it has no signature. Raises the service's throttling error.

        Unsigned calls carry a secret of their own. Successful ones do not count, so that a client that guesses secrets
        does not block others.
        """
        if request.access_key_id is None:
            path = request.request.path
            self._throttle.admit_unsigned(request.service.name, path.source_ip or path.vpc_source_ip or "")
