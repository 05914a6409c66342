"""The parameters of requests and the output of calls, read and written in the protocol of the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call, OperationRequest, Reply
from reading_room.aws.protocols.by_name import PROTOCOLS


def parse(named: OperationRequest, region: str) -> Call:
    """Return the call that a request makes. Raises the service's error for parameters that cannot be read."""
    request, service, operation = named.request, named.service, named.operation
    return Call(
        service=service.name,
        operation=operation.name,
        parameters=PROTOCOLS[service.protocol].parse(operation, request),
        principal=named.principal,
        account=named.principal.account,
        region=region,
        path=request.path,
        request_id=request.request_id,
        access_key_id=named.access_key_id,
        user_agent=request.header("user-agent") or "",
    )


def serialize(named: OperationRequest, output: Mapping[str, Any]) -> Reply:
    """Return the reply with the output of an operation."""
    reply: Reply = PROTOCOLS[named.service.protocol].serialize(named.operation, output, named.request.request_id)
    return reply
