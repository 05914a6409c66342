"""The service and the operation of a request, before anything in it is verified.

The service follows from the head: the credential scope that the client signed for, the JSON target, the host name, the
query, in this order. A form without any of them names its service in its body. Every other request is for S3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reading_room.aws.call import IncomingRequest, OperationRequest, SignedRequest
from reading_room.aws.errors import AwsError, InvalidAction, UnknownOperation, UnknownOperationException
from reading_room.aws.models import SERVED, ServedService, operation_model
from reading_room.aws.protocols import forms
from reading_room.aws.protocols.by_name import PROTOCOLS
from reading_room.aws.sigv4 import query_pairs
from reading_room.aws.spelling import unknown_operation

_SCOPE = re.compile(r"Credential=[^/,\s]*/[^/,\s]*/[^/,\s]*/([^/,\s]+)/aws4_request")
_HOST = re.compile(
    r"(?:^|\.)(comprehend|kms|logs|cloudtrail|ec2|iam|organizations|sts|reading-room)(?:[.-][a-z0-9-]+)?"
    r"\.amazonaws\.com$"
)
_BY_TARGET = {prefix: served for served in SERVED.values() for prefix in served.target_prefixes}
_BY_VERSION = {served.version: served for served in SERVED.values() if served.version}


@dataclass(frozen=True, slots=True)
class UnknownService:
    """A service that AWS may have and this product does not; ``style`` is the form of error that its client reads."""

    name: str
    style: Literal["json", "query"]


Service = ServedService | UnknownService | None
"""The service of a request. ``None`` stands for a form without a signature, which names it in its body."""


def identify(method: str, query_string: str, headers: Sequence[tuple[str, str]]) -> Service:
    """Return the service that the head of a request names. ``headers`` have lower-case names."""
    first = dict(reversed(headers))
    query = dict(reversed(query_pairs(query_string)))
    target = first.get("x-amz-target")
    is_form = first.get("content-type", "").split(";")[0].strip().lower() == forms.FORM
    signed_for = _signed_for(first.get("authorization", ""), query.get("X-Amz-Credential", ""))
    if signed_for is not None:
        return SERVED.get(signed_for) or UnknownService(signed_for, "query" if is_form else "json")
    if target is not None:
        prefix = target.rpartition(".")[0] or target
        return _BY_TARGET.get(prefix) or UnknownService(prefix, "json")
    host = _HOST.search(first.get("host", "").partition(":")[0].lower())
    if host is not None:
        return SERVED[host[1]]
    if "Action" in query:
        return service_of_version(query.get("Version"))
    if is_form and method == "POST":
        return None
    return SERVED["s3"]


def service_at(only: str | None, service: Service) -> Service:
    """Return the service of a request at a listener, by the service that its head names.

    ``only`` is what the listener serves (``receive.ONLY_KEY``): one service, ``api`` for all but S3, ``None`` for all.
    At a listener of one service a request for another fails as at AWS, by its signature's scope or its operation.
    """
    if only is None:
        return service
    if only != "api":
        return SERVED[only]
    return UnknownService("s3", "query") if service == SERVED["s3"] else service


def service_of_form(request: IncomingRequest) -> ServedService | UnknownService:
    """Return the service that a form names. Raises ``MalformedQueryString``."""
    return service_of_version(forms.read(request).get("Version"))


def name_of(service: Service) -> str:
    """Return the name of a service that is served here, else nothing: clients choose the names of the others."""
    return service.name if isinstance(service, ServedService) else ""


def with_operation(signed: SignedRequest, service: ServedService) -> OperationRequest:
    """Find the operation that a request names. Raises the service's error for one that its model lacks."""
    name = PROTOCOLS[service.protocol].operation_name(signed.request, service)
    operation = operation_model(service.name, name)
    if operation is None:
        raise unknown_operation(service.name, name)
    return OperationRequest(signed.request, signed.principal, signed.access_key_id, service, operation)


def claimed_operation(request: IncomingRequest, service: ServedService) -> str:
    """Return the operation that an unauthenticated request names, ``-`` if it cannot be read."""
    try:
        return str(PROTOCOLS[service.protocol].operation_name(request, service))[:80]
    except AwsError:
        return "-"


def unknown_service(request: IncomingRequest, service: UnknownService) -> UnknownOperation:
    """Return the error for a request to a service that is not served here."""
    if service.style == "json":
        return UnknownOperationException(service.name, request.header("x-amz-target"))
    return InvalidAction(service.name, forms.read(request).get("Action"))


def service_of_version(version: str | None) -> ServedService | UnknownService:
    """Return the query service whose API has that version."""
    return _BY_VERSION.get(version or "") or UnknownService(f"version {version}", "query")


def _signed_for(authorization: str, credential: str) -> str | None:
    found = _SCOPE.search(authorization)
    if found is not None:
        return found[1]
    parts = credential.split("/")
    return parts[3] if len(parts) == 5 and parts[3] else None
