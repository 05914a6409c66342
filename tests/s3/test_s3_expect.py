"""Clients that wait for ``100 Continue`` before they send a body, even an empty one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from reading_room.aws.receive import SMALL_BODY
from tests.worlds.s3_served import Served, served_world


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a world behind a socket, with a bucket."""
    with served_world(tmp_path_factory.mktemp("s3")) as served:
        served.world.s3.create_bucket(Bucket="waiting")
        yield served


def line(connection: socket.socket) -> bytes:
    """Read a line from a connection."""
    found = bytearray()
    while not found.endswith(b"\r\n"):
        piece = connection.recv(1)
        assert piece, bytes(found)
        found += piece
    return bytes(found[:-2])


def head(connection: socket.socket) -> list[bytes]:
    """Read the head of an answer and return its lines."""
    lines: list[bytes] = []
    while found := line(connection):
        lines.append(found)
    return lines


def send_head(served: Served, connection: socket.socket, key: str, body: bytes) -> None:
    """Send the head of a presigned PUT with ``Expect: 100-continue``."""
    url = served.client().generate_presigned_url("put_object", Params={"Bucket": "waiting", "Key": key})
    parts = urlsplit(url)
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n"
    connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())


def test_empty_and_other_bodies_are_requested_with_100_continue(served: Served) -> None:
    where = urlsplit(served.http)
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        for body in (b"", b"bytes", b""):
            send_head(served, connection, "k", body)
            assert head(connection) == [b"HTTP/1.1 100 Continue"]
            connection.sendall(body)
            assert head(connection)[0] == b"HTTP/1.1 200 OK"
            assert served.world.s3.get_object(Bucket="waiting", Key="k")["Body"].read() == body


def refused_head(length: int) -> bytes:
    """Return the head of an unsigned PUT that announces so many bytes and waits."""
    head = f"PUT /waiting/k HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n"
    return f"{head}Expect: 100-continue\r\n\r\n".encode()


def test_a_refused_large_body_is_not_requested(served: Served) -> None:
    where = urlsplit(served.http)
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(refused_head(SMALL_BODY + 1))
        lines = head(connection)
        assert (lines[0], b"connection: close" in lines) == (b"HTTP/1.1 403 Forbidden", True)


def test_a_small_body_is_requested_before_anything_is_checked_and_its_refusal_keeps_the_connection(
    served: Served,
) -> None:
    where = urlsplit(served.http)
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(refused_head(SMALL_BODY))
        assert head(connection) == [b"HTTP/1.1 100 Continue"]
        connection.sendall(bytes(SMALL_BODY))
        lines = head(connection)
        assert (lines[0], b"connection: close" in lines) == (b"HTTP/1.1 403 Forbidden", False)
        length = next(int(each.split()[1]) for each in lines if each.lower().startswith(b"content-length"))
        while length:
            length -= len(connection.recv(length))
        send_head(served, connection, "k", b"bytes")
        assert head(connection) == [b"HTTP/1.1 100 Continue"]
        connection.sendall(b"bytes")
        assert head(connection)[0] == b"HTTP/1.1 200 OK"
