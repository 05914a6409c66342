"""Cross-origin access to the APIs, for the web console and for no other page.

The CORS rules of buckets are S3's (``s3/cors.py``), and apply to all other origins. This module wraps the whole
application at its listeners, so that every answer passes through it, errors included. Answers that the listeners give
themselves get the same headers from it. Listeners inside VPCs do not use it.

A page gets no permission from this: its calls are signed like all others. Source: the Fetch standard, "CORS protocol".
"""

from __future__ import annotations

import re
from collections.abc import Collection

from reading_room.aws.receive import AsgiApplication, Headers, Message, Receive, Scope, Send, read_headers

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
MAX_AGE_SECONDS = 600
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110)."""
_ASKING = "access-control-request-"
_OF_THE_CONNECTION = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"vary"})


class CrossOrigin:
    """Wraps an application so that pages of some origins may read its answers. Other requests pass unchanged."""

    def __init__(self, app: AsgiApplication, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI has it."""
        headers = read_headers(scope) if scope["type"] == "http" else ()
        origin = origin_in(headers, self._origins)
        if origin is None:
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and any(name == f"{_ASKING}method" for name, _ in headers):
            await _allow(send, origin, headers)
            return
        begun = False

        async def send_readable(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": readable(message["headers"], origin)}
            await send(message)

        try:
            await self._app(scope, receive, send_readable)
        except Exception:
            # The server would send an answer of its own, which no page could read. It still logs the error and ends
            # the connection.
            if not begun:
                await _fail(send_readable)
            raise


def origin_in(headers: Headers, origins: Collection[str]) -> str | None:
    """Return the origin in a request's headers (names in lower case) if it is one of ``origins``, else ``None``.

    A request with several ``Origin`` headers has none.
    """
    named = [value for name, value in headers if name == "origin"]
    return named[0] if len(named) == 1 and named[0] in origins else None


async def _allow(send: Send, origin: str, headers: Headers) -> None:
    """Answer a preflight request. It needs no caller."""
    requested = ",".join(value for name, value in headers if name == f"{_ASKING}headers").split(",")
    names = [name.strip() for name in requested]
    allowed = [
        ("access-control-allow-origin", origin),
        ("access-control-allow-methods", ", ".join(METHODS)),
        ("access-control-allow-headers", ", ".join(name for name in names if _TOKEN.fullmatch(name))),
        ("access-control-max-age", str(MAX_AGE_SECONDS)),
        ("vary", f"Origin, {_ASKING.title()}Method, {_ASKING.title()}Headers"),
    ]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in allowed if value]
    await send({"type": "http.response.start", "status": 204, "headers": encoded})
    await send({"type": "http.response.body", "body": b""})


async def _fail(send: Send) -> None:
    """Send the answer that the server sends for an application that failed."""
    body = b"Internal Server Error"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def readable(headers: Collection[tuple[bytes, bytes]], origin: str) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers, with those that let a page of an origin read all of them.

    The headers from the CORS rules of a bucket are removed: they might forbid what the console may do, or allow it to
    send cookies, which it never does.
    """
    kept = [(name, value) for name, value in headers if not name.lower().startswith(b"access-control-")]
    shown = dict.fromkeys(name.lower() for name, _ in kept if name.lower() not in _OF_THE_CONNECTION)
    vary = [value for name, value in kept if name.lower() == b"vary"]
    if not any(b"origin" in value.lower().replace(b" ", b"").split(b",") for value in vary):
        vary.append(b"Origin")
    return [
        *((name, value) for name, value in kept if name.lower() != b"vary"),
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", b", ".join(shown)),
        (b"vary", b", ".join(vary)),
    ]
