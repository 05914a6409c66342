"""The trail's record of an S3 request."""

from __future__ import annotations

import datetime as dt

from reading_room.aws.call import ANONYMOUS, IncomingRequest
from reading_room.aws.call_record import CallRecord, S3Details
from reading_room.aws.sigv4 import query_pairs
from reading_room.s3.backend import S3Response
from reading_room.s3.call import AuthenticatedRequest, Outcome, ParsedRequest
from reading_room.s3.requests import header_map


def record_of(
    incoming: IncomingRequest,
    outcome: Outcome,
    response: S3Response,
    ended_at: dt.datetime,
    region: str,
    tls_version: str | None,
    seconds: float,
) -> CallRecord:
    """Return the record of a request that was answered with a response within ``seconds``."""
    headers = header_map(incoming)
    stage, verified, identified = outcome.stage, outcome.verified, outcome.identified
    principal = verified.principal if verified is not None else None
    if principal is None and isinstance(stage, AuthenticatedRequest):
        principal = ANONYMOUS
    return CallRecord(
        service="s3",
        operation=identified.operation if identified is not None else "-",
        request_id=incoming.request_id,
        ended_at=ended_at,
        region=region,
        path=incoming.path,
        principal=principal,
        access_key_id=verified.access_key_id if verified is not None else None,
        user_agent=headers.get("user-agent", ""),
        parameters=stage.parameters if isinstance(stage, ParsedRequest) else None,
        error=outcome.error,
        host=headers.get("host"),
        tls_version=tls_version,
        s3=S3Details(
            bucket=identified.address.bucket if identified is not None else None,
            key=identified.address.key if identified is not None else None,
            owner=outcome.owner,
            query=dict(query_pairs(incoming.query_string)),
            headers=headers,
            signature_version=None if verified is None else "SigV4" if verified.amz_date else "SigV2",
            presigned=verified is not None and verified.presigned,
            received=_number(headers.get("content-length")),
            sent=len(response.body) if isinstance(response.body, bytes) else _length(response),
        ),
        seconds=seconds,
    )


def _length(response: S3Response) -> int:
    return next((_number(value) for name, value in response.headers if name == "content-length"), 0)


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 20 else 0
