"""Answers for pages of other sites: those to preflight requests, and the headers that let a page read a response."""

from __future__ import annotations

from dataclasses import replace

from reading_room.aws.call import IncomingRequest
from reading_room.aws.errors import AwsError
from reading_room.s3.addressing import HostNames
from reading_room.s3.backend import Backend, S3Response
from reading_room.s3.call import PreflightRequest
from reading_room.s3.cors import CorsRequest, cors_headers, preflight_headers
from reading_room.s3.requests import header_map


def answer_preflight(request: PreflightRequest, backend: Backend) -> S3Response:
    """Answer a preflight request. It needs no caller. Blocking. Raises ``BadRequest`` and ``CorsForbidden``."""
    cors_request = CorsRequest.of_preflight(request.headers)
    bucket = request.address.bucket
    facts = backend.bucket(bucket) if bucket is not None else None
    rules = facts.cors if facts is not None else None
    return S3Response(200, preflight_headers(rules, cors_request, request.address.resource_type))


def with_cors_headers(
    response: S3Response, incoming: IncomingRequest, hosts: HostNames, backend: Backend
) -> S3Response:
    """Add the headers that let the page of ``Origin`` read a response, if the bucket's rules allow it. Blocking."""
    origin = incoming.header("origin")
    if origin is None or incoming.method == "OPTIONS":
        return response
    try:
        address = hosts.locate(incoming, header_map(incoming))
    except AwsError:
        return response
    facts = backend.bucket(address.bucket) if address.bucket is not None else None
    if facts is None:
        return response
    return replace(response, headers=(*response.headers, *cors_headers(facts.cors, origin, incoming.method)))
