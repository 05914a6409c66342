"""Ambiguous or endless HTTP: the listener refuses it and keeps serving other clients."""

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
    """Serve the application; yield it and the port of its listener."""
    with world() as made, serving(made.app) as port:
        yield made, port


def head(body: bytes, target: str = "/", extra: bytes = b"", host: str = "127.0.0.1", method: str = "POST") -> bytes:
    """Return the signed head of a call without the final empty line; ``extra`` is appended unsigned."""
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
    """Return a complete signed call."""
    return head(body) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def take_operations(made: World) -> list[str]:
    """Return the operations that were carried out since the last call of this function."""
    found = [each.operation for each in made.operations.calls]
    made.operations.calls.clear()
    return found


def is_serving(port: int) -> bool:
    """Return whether the server still answers calls."""
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
def test_ambiguous_framing_is_refused_and_smuggles_no_request(served: tuple[World, int], framed: bytes) -> None:
    made, port = served
    take_operations(made)
    received = exchange(port, head(FORM) + framed + call(SMUGGLED), answers=3)
    # The request may be refused or dropped, but nothing after it on the connection may be carried out.
    statuses = [status for status, _ in split(received)]
    assert len(statuses) <= 1
    assert all(status == 400 for status in statuses), received
    assert take_operations(made) == []
    assert is_serving(port)


def test_two_valid_calls_on_one_connection_are_both_carried_out(served: tuple[World, int]) -> None:
    made, port = served
    take_operations(made)
    received = exchange(port, call(FORM) + call(SMUGGLED), answers=2)
    assert [status for status, _ in split(received)] == [200, 200]
    assert take_operations(made) == ["DescribeVpcs", "DeleteVpc"]


@pytest.mark.parametrize("target", ["http://127.0.0.1/", "HTTP://127.0.0.1", "https://127.0.0.1/"])
def test_a_target_may_name_the_signed_host(served: tuple[World, int], target: str) -> None:
    made, port = served
    take_operations(made)
    received = exchange(port, head(FORM, target) + LENGTH + b"\r\n" + FORM)
    assert [status for status, _ in split(received)] == [200]
    assert take_operations(made) == ["DescribeVpcs"]


@pytest.mark.parametrize(
    "target",
    ["http://evil.example/", "https://ec2.amazonaws.com:99/", "http://user@127.0.0.1/", "http:///", "http://[::1]/"],
)
def test_a_target_that_names_another_host_is_refused(served: tuple[World, int], target: str) -> None:
    made, port = served
    take_operations(made)
    received = exchange(port, head(FORM, target) + LENGTH + b"\r\n" + FORM)
    assert [status for status, _ in split(received)] in ([400], [401])
    assert take_operations(made) == []
    assert is_serving(port)


@pytest.mark.costs(0.06, reason="sends requests to a real server")
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
def test_odd_request_lines_are_refused_or_cut_off_and_never_break_the_server(
    served: tuple[World, int], sent: bytes
) -> None:
    made, port = served
    take_operations(made)
    received = exchange(port, sent)
    assert not received or received.startswith(b"HTTP/1.1 ")
    # ``echo_store`` takes the place of S3 and answers requests that look like S3's with 200.
    assert all(status in (200, 400, 403, 404, 405) for status, _ in split(received)), received
    assert take_operations(made) == []
    assert is_serving(port)


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
    take_operations(made)
    received = exchange(port, head(FORM, extra=extra) + LENGTH + b"\r\n" + FORM)
    assert not received or received.startswith(b"HTTP/1.1 400")
    assert take_operations(made) == []
    assert is_serving(port)


def test_an_endless_target_is_cut_off(served: tuple[World, int]) -> None:
    received = exchange(served[1], b"GET /" + b"a" * 200_000)
    assert not received or received.startswith(b"HTTP/1.1 400")
    assert is_serving(served[1])


@pytest.mark.costs(3, reason="opens thousands of connections")
def test_thousands_of_half_open_connections_do_not_lock_others_out(served: tuple[World, int]) -> None:
    _, port = served
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Each connection takes two descriptors, because both of its ends are in this process.
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
                assert is_serving(port)
    finally:
        for connection in held:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert is_serving(port)
    assert len(held) == count


@pytest.mark.costs(0.3, reason="holds 300 connections open")
def test_slow_clients_do_not_delay_others(served: tuple[World, int]) -> None:
    _, port = served

    async def scenario() -> None:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(300)]
        for number, (_, writer) in enumerate(slow):
            # They stop in a line, in a head or in a body, or send many requests and read no answers.
            whole = call(FORM)
            writer.write((b"PO", whole[:100], whole[:-5], whole * 50)[number % 4])
        assert await asyncio.to_thread(is_serving, port)
        for _, writer in slow:
            writer.close()

    asyncio.run(scenario())
    assert is_serving(port)
