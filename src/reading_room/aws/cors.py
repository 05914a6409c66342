"""The APIs for pages of other origins: exactly those of the web console, and no other page.

Rules of a bucket are S3's (``s3/cors.py``), and hold for all other origins. This stands around the whole application
at its doors, so that every answer passes it, an error's too; what the doors refuse by themselves asks it for the same
headers. Listeners inside VPCs are not behind it.

That a page may call gives it no right: its calls are signed like all others. Source: the Fetch standard, "CORS
protocol".
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
    """An application whose answers pages of some origins may read. For every other request it is as it was."""

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
            # The server below would say so in an answer of its own, which no page could read. It logs the error, and
            # ends the connection.
            if not begun:
                await _fail(send_readable)
            raise


def origin_in(headers: Headers, origins: Collection[str]) -> str | None:
    """Return which of ``origins`` a request's headers (names in lower case) say, ``None`` for none or several."""
    said = [value for name, value in headers if name == "origin"]
    return said[0] if len(said) == 1 and said[0] in origins else None


async def _allow(send: Send, origin: str, headers: Headers) -> None:
    """Answer a browser that asks whether a page may make a call. It proves no caller, and needs none."""
    asked = ",".join(value for name, value in headers if name == f"{_ASKING}headers").split(",")
    names = [name.strip() for name in asked]
    told = [
        ("access-control-allow-origin", origin),
        ("access-control-allow-methods", ", ".join(METHODS)),
        ("access-control-allow-headers", ", ".join(name for name in names if _TOKEN.fullmatch(name))),
        ("access-control-max-age", str(MAX_AGE_SECONDS)),
        ("vary", f"Origin, {_ASKING.title()}Method, {_ASKING.title()}Headers"),
    ]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told if value]
    await send({"type": "http.response.start", "status": 204, "headers": encoded})
    await send({"type": "http.response.body", "body": b""})


async def _fail(send: Send) -> None:
    """Answer as the server below answers for an application that failed."""
    body = b"Internal Server Error"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def readable(headers: Collection[tuple[bytes, bytes]], origin: str) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with all of them shown to a page of an origin.

    What a bucket's rules say to that origin is left out: they may forbid what the console may do, or allow it to send
    cookies, which it never does.
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
