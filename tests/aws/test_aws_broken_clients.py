"""A real server on the loopback address that keeps serving in spite of misbehaving clients."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from reading_room.aws import receive
from reading_room.client import connect
from tests.worlds.aws import KEY, World, world
from tests.worlds.aws_sockets import exchange, serving
from tests.worlds.waiting import DEADLINE, eventually

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Comprehend_20171127.DetectEntities\r\n"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[World, int]]:
    """Serve the application; yield it and the port of the server."""
    with world() as made:
        config = uvicorn.Config(made.app, log_config=None, lifespan="on")
        server = uvicorn.Server(config)
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        eventually(lambda: server.started)
        yield made, listener.getsockname()[1]
        server.should_exit = True
        thread.join(DEADLINE)


def is_serving(port: int) -> bool:
    """Return whether the server still answers calls."""
    client = connect(
        "sts",
        f"http://127.0.0.1:{port}",
        access_key_id=KEY.access_key_id,
        secret_access_key=KEY.secret_access_key,
    )
    return client.get_caller_identity()["Arn"] == KEY.principal.arn


def test_the_sdk_works_over_http(served: tuple[World, int]) -> None:
    assert is_serving(served[1])


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: 100\r\n\r\n{",
        HEAD + b"Content-Length: 5\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}",
        HEAD,
        b"\x16\x03\x01\x02\x00",
        b"",
    ],
    ids=["half a body", "a length too long", "half a chunk", "half a head", "TLS", "nothing"],
)
def test_the_server_keeps_serving_when_a_client_disconnects(served: tuple[World, int], sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served[1])) as connection:
        connection.sendall(sent)
    assert is_serving(served[1])


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
    ],
)
def test_bad_framing_is_refused_or_closes_the_connection(served: tuple[World, int], sent: bytes) -> None:
    answer = exchange(served[1], sent)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert is_serving(served[1])


def test_a_body_above_the_limit_is_refused_and_the_connection_closed(served: tuple[World, int]) -> None:
    size = receive.BODY_LIMIT + 1
    answer = exchange(served[1], HEAD + b"Content-Length: %d\r\n\r\n" % size, b"x" * size)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"RequestEntityTooLargeException" in answer
    assert b"connection: close" in answer.lower()


def test_a_client_with_expect_100_continue_is_refused_before_it_sends_the_body(served: tuple[World, int]) -> None:
    head = HEAD + b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n"
    answer = exchange(served[1], head)
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.costs(0.05, reason="sends megabytes until the server cuts the connection")
def test_an_endless_body_is_cut_off(served: tuple[World, int]) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    answer = exchange(served[1], HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 80)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413")
    assert is_serving(served[1])


def test_a_body_that_arrives_too_slowly_times_out() -> None:
    with world(body_seconds=0.01) as made, serving(made.app) as port:
        answer = exchange(port, HEAD + b"Content-Length: 10\r\n\r\n{")
    assert b"RequestTimeout" in answer
    assert b"not received within 0.01 seconds" in answer


def test_pipelined_requests_are_both_answered(served: tuple[World, int]) -> None:
    request = HEAD + b"Content-Length: 2\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", served[1]), timeout=DEADLINE) as connection:
        connection.sendall(request + request)
        received = b""
        while received.count(b'MissingAuthenticationTokenException"') < 2:
            data = connection.recv(65536)
            assert data
            received += data
    assert received.count(b"HTTP/1.1 400") == 2
