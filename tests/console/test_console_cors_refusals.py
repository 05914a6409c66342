"""Refusals by the listener, before any API gets the request: only the console's pages can read them."""

from __future__ import annotations

import dataclasses
import http
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reading_room.aws.cors import CrossOrigin
from reading_room.hosts.http_listener import HEAD_BYTES, HttpListener
from reading_room.settings import Settings
from reading_room.wiring.sockets import open_listeners
from tests.worlds.aws_sockets import exchange, serving
from tests.worlds.console import ORIGIN
from tests.worlds.databases import SEALER
from tests.worlds.waiting import DEADLINE

FOREIGN = "https://other.example"
LONG = b"X-Long: " + b"a" * (HEAD_BYTES + 1) + b"\r\n"


@dataclasses.dataclass(frozen=True)
class Refusal:
    """An answer as a browser takes it apart."""

    status: int
    headers: dict[str, str]
    body: bytes

    def readable(self, origin: str = ORIGIN) -> bool:
        """Whether a page of an origin may read it, its headers too."""
        allowed = self.headers.get("access-control-allow-origin")
        if allowed is None:
            assert not any(name.startswith("access-control-") for name in self.headers)
            return False
        assert allowed == origin
        assert self.headers["vary"] == "Origin"
        assert {"content-type", "content-length"} <= set(self.headers["access-control-expose-headers"].split(", "))
        return True


def parted(received: bytes) -> Refusal:
    """Return the one answer that came."""
    head, _, body = received.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    pairs = [each.partition(": ")[::2] for each in lines]
    assert len(dict(pairs)) == len(pairs), f"said twice: {pairs}"
    found = Refusal(int(line.split(" ")[1]), dict(pairs), body)
    assert line == f"HTTP/1.1 {found.status} {http.HTTPStatus(found.status).phrase}"
    assert len(body) == int(found.headers.get("content-length", 0))
    return found


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request well, once it is here."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def failing(scope: Any, receive: Any, send: Any) -> None:
    """Fail with an unexpected error, after the head of the answer if the path says so."""
    if scope["path"] == "/late":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    raise RuntimeError("a bug, with a secret in it")


@pytest.fixture
def port() -> Iterator[int]:
    """A listener of the APIs, which the console's pages may use."""
    with serving(CrossOrigin(answering, {ORIGIN}), origins={ORIGIN}) as port:
        yield port


def request(*lines: bytes, origin: str = ORIGIN, method: str = "POST") -> bytes:
    """Return a request's head up to the given lines, which come behind its origin."""
    return f"{method} / HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\nAccept: */*\r\n".encode() + b"".join(lines)


REFUSED = {
    "a head that is too long": [LONG, b"\r\n"],
    "a head without an end": [LONG],
    "a header without a colon": [b"no colon\r\n\r\n"],
    "two lengths": [b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    "a chunk that is none": [b"Transfer-Encoding: chunked\r\n\r\nnone\r\n"],
}


@pytest.mark.parametrize("kind", REFUSED)
def test_only_the_page_can_read_that_its_request_is_malformed(port: int, kind: str) -> None:
    own = parted(exchange(port, request(*REFUSED[kind])))
    assert (own.status, own.headers["connection"]) == (400, "close")
    assert own.body in (b"Invalid HTTP request received.", b"The head of the request is too long.")
    assert own.readable()
    for origin in (FOREIGN, "null", f"{ORIGIN}0", ORIGIN.upper(), f"{ORIGIN}\r\nOrigin: {FOREIGN}"):
        other = parted(exchange(port, request(*REFUSED[kind], origin=origin)))
        assert (other.status, other.body) == (400, own.body)
        assert not other.readable()


@pytest.mark.parametrize(
    "sent",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\n" + LONG + b"Origin: " + ORIGIN.encode() + b"\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nOrigin: " + ORIGIN.encode() + b"\r\n\r\n",
        b"nonsense\r\nOrigin: " + ORIGIN.encode() + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nOrigin: " + ORIGIN.encode(),
    ],
    ids=["behind what is too long", "behind a long path", "behind a bad line", "cut off"],
)
def test_an_origin_that_was_not_read_is_not_guessed(port: int, sent: bytes) -> None:
    received = exchange(port, sent + (b"" if b"\r\n\r\n" in sent else b"\0\r\n\r\n"))
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"access-control-" not in received


def test_the_origin_of_one_request_is_not_that_of_the_next(port: int) -> None:
    for behind in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
            connection.sendall(request(b"\r\n", method="GET"))
            received = b""
            while not received.endswith(b"ok"):
                received += connection.recv(65_536)
            assert ORIGIN.encode() in received
            connection.sendall(behind)
            received = b""
            while data := connection.recv(65_536):
                received += data
        assert not parted(received).readable()


@pytest.fixture
def crowded() -> Iterator[int]:
    """A listener that has as many connections as it may."""
    with serving(CrossOrigin(answering, {ORIGIN}), origins={ORIGIN}, connections=1) as port:
        yield port


def test_only_the_page_can_read_that_there_are_too_many_connections(crowded: int) -> None:
    for method in ("GET", "POST"):
        own = parted(exchange(crowded, request(b"Content-Length: 0\r\n\r\n", method=method)))
        assert (own.status, own.body, own.headers["connection"]) == (503, b"Service Unavailable", "close")
        assert own.readable()
    other = parted(exchange(crowded, request(b"\r\n", method="GET", origin=FOREIGN)))
    assert other.status == 503
    assert not other.readable()


def test_a_preflight_request_is_answered_if_there_are_too_many_connections_and_keeps_none(crowded: int) -> None:
    """A browser hides why a preflight request was refused, so the call itself is refused instead."""
    preflight = parted(exchange(crowded, request(b"Access-Control-Request-Method: POST\r\n\r\n", method="OPTIONS")))
    assert (preflight.status, preflight.headers["connection"]) == (204, "close")
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    other = request(b"Access-Control-Request-Method: POST\r\n\r\n", method="OPTIONS", origin=FOREIGN)
    assert parted(exchange(crowded, other)).status == 503


@contextmanager
def logged_by_server() -> Iterator[list[logging.LogRecord]]:
    """Yield what uvicorn logs, from its own logger: another server of this process may have muted or detached it."""
    records: list[logging.LogRecord] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            """Keep the record."""
            records.append(record)

    handler = Listening()
    logger = logging.getLogger("uvicorn.error")
    level, disabled = logger.level, logger.disabled
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.disabled = False
    try:
        yield records
    finally:
        logger.setLevel(level)
        logger.disabled = disabled
        logger.removeHandler(handler)


def test_an_unexpected_error_is_readable_but_its_cause_is_not() -> None:
    with logged_by_server() as records, serving(CrossOrigin(failing, {ORIGIN}), origins={ORIGIN}) as port:
        own, other = (
            parted(exchange(port, request(b"\r\n", method="GET", origin=origin))) for origin in (ORIGIN, FOREIGN)
        )
        late = exchange(port, request(b"\r\n", method="GET").replace(b" / ", b" /late "))
    assert own.readable()
    assert not other.readable()
    for each in (own, other):
        assert (each.status, each.body) == (500, b"Internal Server Error")
        assert each.headers["connection"] == "close"
    # What has begun cannot be taken back: the connection ends before the answer does.
    assert late.startswith(b"HTTP/1.1 200 ")
    assert late.endswith(b"\r\n\r\n")
    assert [each.levelname for each in records] == ["ERROR"] * 3


def test_without_origins_a_listener_sends_no_cors_headers() -> None:
    with serving(answering) as port:
        received = exchange(port, request(LONG, b"\r\n"))
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"access-control-" not in received


def test_the_listeners_of_the_apis_let_only_the_consoles_origins_read(tmp_path: Path) -> None:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [sock.getsockname()[1] for sock in taken]
    for sock in taken:
        sock.close()
    settings = Settings(data=tmp_path, port=ports[0], console_port=ports[1])
    opened, _ = open_listeners(settings, answering, SEALER, lambda name: False)
    apis, console = (each.serving for each in opened)
    assert isinstance(apis, HttpListener)
    assert isinstance(console, HttpListener)
    own = {f"http://{host}:{ports[1]}" for host in ("localhost", "127.0.0.1", "[::1]")}
    try:
        assert apis.origins == own
        assert not console.origins
    finally:
        for sock in (apis._socket, console._socket):
            sock.close()
