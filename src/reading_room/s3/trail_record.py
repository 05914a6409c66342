"""What the trail is told of an S3 request."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reading_room.aws.call import ANONYMOUS, IncomingRequest
from reading_room.aws.call_record import CallRecord, S3Details
from reading_room.aws.errors import AwsError
from reading_room.aws.sigv4 import Verified, query_pairs
from reading_room.s3.addressing import Address
from reading_room.s3.backends.backend import S3Response
from reading_room.s3.requests import header_map


@dataclass(slots=True)
class Facts:
    """What became known of a request, step by step."""

    operation: str = "-"
    address: Address | None = None
    authenticated: bool = False
    """Whether it is known who calls, be it nobody."""
    verified: Verified | None = None
    parameters: Mapping[str, Any] | None = None
    owner: str | None = None
    """The account of the bucket, once something of the request was allowed."""
    error: AwsError | None = None


def record_of(
    incoming: IncomingRequest,
    facts: Facts,
    response: S3Response,
    *,
    ended_at: dt.datetime,
    region: str,
    tls_version: str | None,
) -> CallRecord:
    """Return the record of a request that was answered."""
    headers = header_map(incoming)
    verified, address = facts.verified, facts.address
    principal = verified.principal if verified is not None else ANONYMOUS if facts.authenticated else None
    return CallRecord(
        service="s3",
        operation=facts.operation,
        request_id=incoming.request_id,
        ended_at=ended_at,
        region=region,
        path=incoming.path,
        principal=principal,
        access_key_id=verified.access_key_id if verified is not None else None,
        user_agent=headers.get("user-agent", ""),
        parameters=facts.parameters,
        error=facts.error,
        host=headers.get("host"),
        tls_version=tls_version,
        s3=S3Details(
            bucket=address.bucket if address is not None else None,
            key=address.key if address is not None else None,
            owner=facts.owner,
            query=dict(query_pairs(incoming.query_string)),
            headers=headers,
            signature_version=None if verified is None else "SigV4" if verified.amz_date else "SigV2",
            presigned=verified is not None and verified.presigned,
            received=_number(headers.get("content-length")),
            sent=len(response.body) if isinstance(response.body, bytes) else _length(response),
        ),
    )


def _length(response: S3Response) -> int:
    return next((_number(value) for name, value in response.headers if name == "content-length"), 0)


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 20 else 0
