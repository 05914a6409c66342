"""Errors as replies, in the protocol that the client reads."""

from __future__ import annotations

from dataclasses import replace

from reading_room.aws.call import IncomingRequest, Reply
from reading_room.aws.errors import AwsError
from reading_room.aws.identify import Service, UnknownService
from reading_room.aws.models import ServedService, service_model
from reading_room.aws.protocols import json, query
from reading_room.aws.protocols.by_name import PROTOCOLS


def refusal(service: Service, error: AwsError, request_id: str) -> Reply:
    """Return an error as the client of a service (not S3), or of one that is not served here, can read it."""
    if isinstance(service, ServedService):
        protocol, model = PROTOCOLS[service.protocol], service_model(service.name)
    elif isinstance(service, UnknownService) and service.style == "json":
        protocol, model = json, service_model("logs")
    else:
        protocol, model = query, service_model("sts")
    reply: Reply = protocol.serialize_error(model, error, request_id)
    return reply


def with_request_id(reply: Reply, request: IncomingRequest) -> Reply:
    """Add the header of the request's id, unless the protocol did."""
    if any(name == "x-amzn-requestid" for name, _ in reply.headers):
        return reply
    return replace(reply, headers=(*reply.headers, ("x-amzn-requestid", request.request_id)))


def closing(reply: Reply) -> Reply:
    """End the connection after a reply: the rest of a body that was not read would pass for the next request."""
    return replace(reply, headers=(*reply.headers, ("connection", "close")))
