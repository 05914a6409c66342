"""HTTP that two readers could read in two ways, or that never ends: refused at the listener, and others are served."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from reading_room.client import connect
from tests.worlds.aws import KEY, World, world
from tests.worlds.aws_sockets import exchange, serving, split

FORM = b"Action=DescribeVpcs&Version=2016-11-15"
SMUGGLED = b"Action=DeleteVpc&VpcId=vpc-1&Version=2016-11-15"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[World, int]]:
    """Yield the application and the port of its listener."""
    with world() as made, serving(made.app) as port:
        yield made, port


def head(body: bytes, target: str = "/", extra: bytes = b"", host: str = "127.0.0.1", method: str = "POST") -> bytes:
    """Return the signed head of a call, without the empty line at its end; ``extra`` is added unsigned."""
    request = AWSRequest(
        method,
        f"http://{host}/",
        headers={"Host": host, "Content-Type": "application/x-www-form-urlencoded"},
        data=body,
    )
    SigV4Auth(Credentials(KEY.access_key_id, KEY.secret_access_key), "ec2", "us-east-1").add_auth(request)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\r\n".join([*lines, ""]).encode() + extra


def call(body: bytes) -> bytes:
    """Return a whole signed call."""
    return head(body) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def names(made: World) -> list[str]:
    """Return the operations that were carried out since the last time, and forget them."""
    found = [each.operation for each in made.operations.calls]
    made.operations.calls.clear()
    return found


def answers(port: int) -> bool:
    """Say whether the server still serves calls."""
    client = connect(
        "sts", f"http://127.0.0.1:{port}", access_key_id=KEY.access_key_id, secret_access_key=KEY.secret_access_key
    )
    return client.get_caller_identity()["Arn"] == KEY.principal.arn


LENGTH = b"Content-Length: %d\r\n" % len(FORM)
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(FORM), FORM)


@pytest.mark.parametrize(
    "framed",
    [
        LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS,
        b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + CHUNKS,
        LENGTH + b"Content-Length: 0\r\n\r\n" + FORM,
        b"Content-Length: 0\r\n" + LENGTH + b"\r\n" + FORM,
        b"Content-Length: %d, %d\r\n\r\n" % (len(FORM), len(FORM)) + FORM,
        b"Content-Length: +%d\r\n\r\n" % len(FORM) + FORM,
        b"Content-Length: -1\r\n\r\n" + FORM,
        b"Content-Length: 0x26\r\n\r\n" + FORM,
        b"Content-Length: 3_8\r\n\r\n" + FORM,
        b"Content-Length: 18446744073709551654\r\n\r\n" + FORM,
        b"Content-Length : %d\r\n\r\n" % len(FORM) + FORM,
        b" Content-Length: %d\r\n\r\n" % len(FORM) + FORM,
        b"X-A: b\r\n Content-Length: %d\r\n\r\n" % len(FORM) + FORM,
        b"X-A: b\r\n\tc\r\n" + LENGTH + b"\r\n" + FORM,
        b"X-A: b\nContent-Length: 0\r\n" + LENGTH + b"\r\n" + FORM,
        b"X-A: b\rContent-Length: 0\r\n" + LENGTH + b"\r\n" + FORM,
        b"X-A: b\0c\r\n" + LENGTH + b"\r\n" + FORM,
        b"X\0A: b\r\n" + LENGTH + b"\r\n" + FORM,
        b"X A: b\r\n" + LENGTH + b"\r\n" + FORM,
        b": b\r\n" + LENGTH + b"\r\n" + FORM,
        b"no colon\r\n" + LENGTH + b"\r\n" + FORM,
        b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
        b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS,
        b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + FORM,
        b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS,
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + CHUNKS,
        b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS.replace(b"26", b"2_6", 1),
        b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS.replace(b"26", b"+26", 1),
        b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS.replace(b"26", b"0x26", 1),
        b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS.replace(b"26", b"10000000000000026", 1),
        b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS.replace(b"\r\n", b"\n"),
        LENGTH + b"\n" + FORM,
    ],
    ids=range(32),
)
def test_what_two_readers_would_frame_in_two_ways_carries_nothing_along(
    served: tuple[World, int], framed: bytes
) -> None:
    made, port = served
    names(made)
    received = exchange(port, head(FORM) + framed + call(SMUGGLED), answers=3)
    # Whatever is made of it, what follows is not carried out after something that was refused.
    statuses = [status for status, _ in split(received)]
    assert len(statuses) <= 1
    assert all(status == 400 for status in statuses), received
    assert names(made) == []
    assert answers(port)


def test_two_honest_calls_on_one_connection_are_two(served: tuple[World, int]) -> None:
    made, port = served
    names(made)
    received = exchange(port, call(FORM) + call(SMUGGLED), answers=2)
    assert [status for status, _ in split(received)] == [200, 200]
    assert names(made) == ["DescribeVpcs", "DeleteVpc"]


@pytest.mark.parametrize("target", ["http://127.0.0.1/", "HTTP://127.0.0.1", "https://127.0.0.1/"])
def test_a_target_may_name_the_host_that_was_signed(served: tuple[World, int], target: str) -> None:
    made, port = served
    names(made)
    received = exchange(port, head(FORM, target) + LENGTH + b"\r\n" + FORM)
    assert [status for status, _ in split(received)] == [200]
    assert names(made) == ["DescribeVpcs"]


@pytest.mark.parametrize(
    "target",
    ["http://evil.example/", "https://ec2.amazonaws.com:99/", "http://user@127.0.0.1/", "http:///", "http://[::1]/"],
)
def test_a_target_that_names_another_host_is_not_what_was_signed(served: tuple[World, int], target: str) -> None:
    made, port = served
    names(made)
    received = exchange(port, head(FORM, target) + LENGTH + b"\r\n" + FORM)
    assert [status for status, _ in split(received)] in ([400], [401])
    assert names(made) == []
    assert answers(port)


@pytest.mark.costs(0.06, reason="requests go to a real server")
@pytest.mark.parametrize(
    "sent",
    [
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /\r\n\r\n",
        b"get / http/1.1\r\nHost: x\r\n\r\n",
        b"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%zz?%zz=%f0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: \r\n\r\n",
        b"\r\n" * 10_000 + b"x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=range(17),
)
def test_odd_request_lines_are_refused_or_cut_and_never_break_the_server(
    served: tuple[World, int], sent: bytes
) -> None:
    made, port = served
    names(made)
    received = exchange(port, sent)
    assert not received or received.startswith(b"HTTP/1.1 ")
    # ``echo_store`` stands where S3 stands, and answers what identifies as S3's with 200.
    assert all(status in (200, 400, 403, 404, 405) for status, _ in split(received)), received
    assert names(made) == []
    assert answers(port)


@pytest.mark.parametrize(
    "extra",
    [
        b"X-A: " + b"a" * 70_000 + b"\r\n",
        b"".join(b"X-%d: a\r\n" % number for number in range(10_000)),
        b"Cookie: " + b"a=b; " * 20_000 + b"\r\n",
    ],
    ids=["one header", "many headers", "a cookie"],
)
def test_a_head_of_more_than_64_kb_is_refused(served: tuple[World, int], extra: bytes) -> None:
    made, port = served
    names(made)
    received = exchange(port, head(FORM, extra=extra) + LENGTH + b"\r\n" + FORM)
    assert not received or received.startswith(b"HTTP/1.1 400")
    assert names(made) == []
    assert answers(port)


def test_a_target_without_an_end_is_cut(served: tuple[World, int]) -> None:
    received = exchange(served[1], b"GET /" + b"a" * 200_000)
    assert not received or received.startswith(b"HTTP/1.1 400")
    assert answers(served[1])


@pytest.mark.costs(3, reason="thousands of connections are opened")
def test_thousands_of_half_open_connections_shut_nobody_out(served: tuple[World, int]) -> None:
    _, port = served
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Each connection has two descriptors here, as both its ends are in this process.
    count = min(10_000, (min(hard, 40_000) - 1000) // 2 if hard > 0 else 10_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 40_000)), hard))
    held: list[socket.socket] = []
    try:
        for number in range(count):
            connection = socket.socket()
            connection.bind((f"127.0.{number // 250 % 250}.{number % 250 + 1}", 0))
            connection.connect(("127.0.0.1", port))
            if number % 2:
                connection.send(b"POST / HTTP/1.1\r\nHost:")
            held.append(connection)
            if number % 1000 == 999:
                assert answers(port)
    finally:
        for connection in held:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert answers(port)
    assert len(held) == count


@pytest.mark.costs(0.3, reason="300 connections are held open")
def test_slow_clients_do_not_hold_up_others(served: tuple[World, int]) -> None:
    _, port = served

    async def scenario() -> None:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(300)]
        for number, (_, writer) in enumerate(slow):
            # In the middle of a line, of a head, of a body; and one that asks and does not read.
            whole = call(FORM)
            writer.write((b"PO", whole[:100], whole[:-5], whole * 50)[number % 4])
        assert await asyncio.to_thread(answers, port)
        for _, writer in slow:
            writer.close()

    asyncio.run(scenario())
    assert answers(port)
