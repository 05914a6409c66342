"""Error responses as S3 writes them, and the sending of every response."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging

from reading_room.aws.call import IncomingRequest
from reading_room.aws.errors import AwsError
from reading_room.aws.protocols import rest_xml
from reading_room.aws.receive import Receive, Send
from reading_room.full_disk import is_full
from reading_room.s3.backend import S3Response
from reading_room.s3.blobs import DamagedBlob, StorageAway
from reading_room.s3.call import Outcome, Stage, Stopped
from reading_room.s3.control import is_control, wrapped
from reading_room.s3.errors import DamagedObject, InsufficientCapacity, InternalError, NotModified, S3Error, Shortage
from reading_room.s3.requests import RequestBody
from reading_room.s3.streaming import ClientGone
from reading_room.shortage import MESSAGE, is_shortage

log = logging.getLogger(__name__)

_WATCHED = 8 * 1024 * 1024
"""Bytes of a response above which the client is watched while it is sent."""


def outcome_of(error: Exception, request: IncomingRequest | None) -> Outcome:
    """Return the outcome of a request that ended with an exception; ``request`` is ``None`` without a head."""
    request_id = request.request_id if request is not None else "-"
    stage: Stage | None = request
    if isinstance(error, Stopped):
        stage, error = error.stage, error.error
    if isinstance(error, ClientGone):
        return Outcome(request_id, stage, None, "RequestUnfinished")
    if isinstance(error, AwsError):
        return Outcome(request_id, stage, error_response(error, request, request_id), error.code, error)
    failure = _failure(error)
    return Outcome(request_id, stage, error_response(failure, request, request_id), failure.code, failure, error)


def _failure(error: Exception) -> AwsError:
    """Return the error that the client gets for a fault of the service."""
    if is_full(error):
        return InsufficientCapacity.of_disk(0)
    if is_shortage(error):
        return Shortage(MESSAGE)
    return DamagedObject() if isinstance(error, DamagedBlob) else InternalError()


def error_response(error: AwsError, request: IncomingRequest | None, request_id: str) -> S3Response:
    """Return an error as S3 writes it. HEAD and an object that was not modified get no body."""
    headers, body = rest_xml.serialize_error(error, request_id, host_id(request_id))
    own = tuple(error.headers.items()) if isinstance(error, S3Error) else ()
    region = error.extra.get("Region")
    if region is not None:
        own += (("x-amz-bucket-region", region),)
    if isinstance(error, NotModified):
        return S3Response(error.status, own)
    if request is not None and request.method == "HEAD":
        return S3Response(error.status, (("content-type", "application/xml"), *own))
    if request is not None and is_control(request.raw_path, dict(request.headers)):
        body = wrapped(body)
    plain = tuple((name, value) for name, value in headers if not name.startswith("x-amz-"))
    return S3Response(error.status, (*plain, *own), body)


def host_id(request_id: str) -> str:
    """Return the second identifier that S3 gives to each request."""
    return base64.b64encode(hashlib.sha256(request_id.encode()).digest()).decode()


async def deliver(
    outcome: Outcome, response: S3Response, body: RequestBody | None, send: Send, receive: Receive, *, head: bool
) -> str:
    """Read the rest of the request's ``body``, send the response, and return the error code for the log.

    A client that goes away before the end is no error.
    """
    try:
        keep = body is None or await body.finish()
        await send_response(send, receive, response, outcome.request_id, head=head, keep=keep)
    except (DamagedBlob, StorageAway) as error:
        # Half of the response is sent. Only the end of the connection can tell the client that it is incomplete.
        log.error("request=%s place=%r response cut off: %s", outcome.request_id, outcome.place, error)
        return InternalError.code
    except (ClientGone, OSError) as error:
        log.info("request=%s the client went away during the response: %s", outcome.request_id, error)
    return outcome.code


async def send_response(
    send: Send, receive: Receive, response: S3Response, request_id: str, *, head: bool, keep: bool
) -> None:
    """Send a response, up to its end or until the client goes away."""
    headers = [*response.headers, ("x-amz-request-id", request_id), ("x-amz-id-2", host_id(request_id))]
    if not keep:
        headers.append(("connection", "close"))
    has_length = any(name == "content-length" for name, _ in headers)
    if isinstance(response.body, bytes) and response.status not in (204, 304) and not has_length:
        headers.append(("content-length", str(len(response.body))))
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    if isinstance(response.body, bytes):
        await send({"type": "http.response.body", "body": b"" if head else response.body})
        return
    length = left = next((int(value) for name, value in headers if name == "content-length"), 0)
    gone = asyncio.create_task(_disconnected(receive)) if length > _WATCHED else None
    try:
        async for piece in response.body:
            if gone is not None and gone.done():
                return
            left -= len(piece)
            # The last piece says that it is the last: an empty one after it would wake every process on the way again.
            await send({"type": "http.response.body", "body": piece, "more_body": left != 0})
        if left or not length:
            await send({"type": "http.response.body", "body": b""})
    finally:
        if gone is not None:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
