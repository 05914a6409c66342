"""The listener for hosts: what it answers to a connection before it knows whose it is."""

from __future__ import annotations

import asyncio
import socket

import pytest

from reading_room.agent.frames import Greeting
from reading_room.codec import encode
from reading_room.hosts.link.documents import Control, Opening
from tests.worlds.joined import Serve, in_loop, spoken


@pytest.mark.parametrize(
    "said",
    [b"", b"\0\0", b"\0\0\x20\0" + b"x" * 10, b"\0\0\0\x02{}", b"\0\0\0\x01", b"GET / HTTP/1.1\r\n\r\n"],
    ids=["nothing", "part of a length", "too long", "another document", "part of a document", "HTTP"],
)
def test_a_connection_that_does_not_say_what_it_is_for_ends_in_time(said: bytes) -> None:
    async def run() -> bytes:
        serve = Serve(opening_seconds=0.05)
        try:
            return await spoken(serve, said)
        finally:
            await serve.close()

    assert in_loop(run) == b""


def test_a_host_without_a_certificate_can_only_ask_one_question() -> None:
    async def run() -> tuple[bytes, list[tuple[bytes, str]]]:
        serve = Serve()
        try:
            opening = encode(Opening(Greeting(), Control()))
            said = len(opening).to_bytes(4, "big") + opening
            return await spoken(serve, said * 2, name=None), serve.questions
        finally:
            await serve.close()

    opening = encode(Opening(Greeting(), Control()))
    assert in_loop(run) == (b"\0\0\0\x02no", [(opening, "127.0.0.1")])


@pytest.mark.parametrize("reports", [True, False])
def test_a_new_host_waits_a_little_for_the_report_of_the_servers_own_host(reports: bool) -> None:
    """Hosts that are set up together join while the agent beside ``serve`` starts."""

    async def run() -> tuple[int, bytes]:
        serve = Serve(report_seconds=60.0 if reports else 0.05)
        serve.reported = False
        try:
            answer = asyncio.create_task(spoken(serve, b"\0\0\0\x02{}", name=None))
            await serve.asked.wait()
            before = len(serve.questions)
            serve.reported = reports
            return before, await answer
        finally:
            await serve.close()

    assert in_loop(run) == (0, b"\0\0\0\x02no")


def test_without_tls_nobody_is_heard() -> None:
    async def run() -> None:
        serve = Serve(handshake_seconds=0.5)
        try:
            with socket.create_connection(("127.0.0.1", serve.port)) as plain:
                plain.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(plain, b"GET / HTTP/1.1\r\n\r\n")
                while await loop.sock_recv(plain, 100):
                    pass
        except ConnectionError:
            pass
        finally:
            await serve.close()
        assert serve.received.events == []

    in_loop(run)
