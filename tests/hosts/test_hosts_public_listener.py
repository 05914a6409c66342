"""A listen address outside of VPCs behind its front: what passes, what ends, and what a hostile front gets."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reading_room.aws.receive import network_path
from reading_room.cli.running import free_port
from reading_room.codec import decode, encode
from reading_room.hosts.front.listeners import FrontListeners
from reading_room.hosts.front.records import (
    Certificate,
    CertificateWanted,
    FromFront,
    FromServer,
    Head,
    LaneOpened,
    Listen,
    read_head,
    write_head,
)
from reading_room.hosts.listen_addresses import ListenAddress
from reading_room.hosts.public_listener import PublicListener
from reading_room.settings import Settings
from reading_room.wiring.sockets import open_listeners
from tests.worlds.aws_sockets import connect_front
from tests.worlds.databases import SEALER
from tests.worlds.waiting import DEADLINE

HEAD = Head("public", "", 0, "198.51.100.7", 40_000, "GET", "/", "", (b"host", b"reading.example.com"))
REQUEST = b"GET /a?b=c HTTP/1.1\r\nHost: reading.example.com\r\n\r\n"


class App:
    """An application that remembers scopes, and answers once it may ``go``."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.called = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        self.called.set()
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


class World:
    """A listener of a ``serve``, by default at an address that other machines can connect to."""

    def __init__(self, host: str = "192.0.2.1", *, secure: bool = False, certificate: str | None = None) -> None:
        self.app = App()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.listener = PublicListener(ListenAddress(host, self.port, secure), self.app, self.socket, certificate)
        self.replaced = 0
        self.listener.replace = self._replace

    def _replace(self) -> None:
        self.replaced += 1

    def front(self) -> FrontListeners:
        """Return a front that serves the listener."""
        made = FrontListeners(attach_seconds=1)
        connect_front(self.listener, made)
        return made

    def taken_over(self) -> TakenOver:
        """Return a front whose program is an attacker's."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.attach(theirs)
        return TakenOver(ours)

    async def asking(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a request; return the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(REQUEST)
        return reader, writer

    async def answer(self) -> bytes:
        """Return the answer to a request, up to its body."""
        reader, writer = await self.asking()
        answer = await reader.readuntil(b"ok")
        writer.close()
        return answer


class TakenOver:
    """The channel in the hands of an attacker."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        channel.setblocking(False)

    def say(self, message: bytes, *sent: socket.socket) -> None:
        socket.send_fds(self.channel, [message], [each.fileno() for each in sent])

    async def heard(self) -> Any:
        """Return the server's next message; ``None`` once the channel is over."""
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(self.channel, 65_536, 4)
            except BlockingIOError:
                await asyncio.sleep(0)
                continue
            for each in descriptors:
                socket.close(each)
            return decode(FromServer, message).body if message else None

    async def asks(self, head: Head) -> bytes:
        """Send a request over a new lane; return what comes back until the answer or the lane ends."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                self.say(encode(FromFront(LaneOpened())), theirs)
            content, received = write_head(head), b""
            await loop.sock_sendall(ours, b"h" + len(content).to_bytes(4, "big") + content)
            try:
                while not received.endswith(b"ok") and (piece := await loop.sock_recv(ours, 65_536)):
                    received += piece
            except ConnectionError:
                return b""
            return received


@asynccontextmanager
async def open_world(**options: Any) -> AsyncIterator[World]:
    world = World(**options)
    await world.listener.start()
    yield world
    await world.listener.drain(0)


def run(work: Callable[[World], Awaitable[None]], **options: Any) -> None:
    """Run a scenario."""

    async def scenario() -> None:
        before = asyncio.all_tasks()
        async with asyncio.timeout(DEADLINE), open_world(**options) as world:
            await work(world)
        others = asyncio.all_tasks() - before
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run(scenario())


def test_a_request_has_the_clients_address_from_its_front_and_all_else_from_the_socket() -> None:
    async def scenario(world: World) -> None:
        world.front()
        assert (await world.answer()).startswith(b"HTTP/1.1 200")
        (scope,) = world.app.scopes
        assert (scope["path"], scope["query_string"]) == ("/a", b"b=c")
        assert scope["server"] == ("127.0.0.1", world.port)
        path = network_path(scope)
        assert (path.source_ip, path.secure, path.vpc_id, path.vpc_endpoint_id) == ("127.0.0.1", False, None, None)

    run(scenario, host="127.0.0.1")


def test_a_request_that_has_arrived_as_a_whole_is_one_message() -> None:
    async def scenario(world: World) -> None:
        front = FrontListeners()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        front.attach(theirs)
        socket.send_fds(ours, [encode(FromServer(Listen(False, None, ())))], [world.socket.fileno()])
        _, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(b"PUT /a HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nbody")
        _, descriptors, _, _ = await asyncio.to_thread(socket.recv_fds, ours, 65_536, 1)
        with ours, socket.socket(fileno=descriptors[0]) as lane:
            lane.settimeout(DEADLINE)
            message = await asyncio.to_thread(lane.recv, 65_536)
        assert read_head(message[5 : 5 + int.from_bytes(message[1:5], "big")]).waits is False
        assert message.endswith(b"b\0\0\0\4bodye\0\0\0\0")

    run(scenario, host="127.0.0.1")


def test_connections_wait_until_there_is_a_front() -> None:
    async def scenario(world: World) -> None:
        waiting = asyncio.create_task(world.answer())
        await asyncio.sleep(0)
        world.front()
        assert (await waiting).endswith(b"ok")

    run(scenario, host="127.0.0.1")


def test_when_a_front_is_gone_requests_in_progress_end_and_the_next_front_serves() -> None:
    async def scenario(world: World) -> None:
        world.app.go.clear()
        front = world.front()
        reader, _ = await world.asking()
        await world.app.called.wait()
        assert front.public is not None
        front.public.cut()  # As the kernel does when the process ends.
        assert front._relay.channel is not None
        front._relay.channel.close()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
        world.app.go.set()
        world.front()
        assert (await world.answer()).endswith(b"ok")
        assert not world.replaced  # The agent has seen the end of the process by itself.

    run(scenario, host="127.0.0.1")


def test_when_the_server_is_gone_its_front_keeps_no_port() -> None:
    async def scenario(world: World) -> None:
        front = world.front()
        await world.answer()
        world.socket.close()
        for end in list(world.listener._fronts):
            end.close()
        await front.lost.wait()
        with socket.create_server(("127.0.0.1", world.port)):
            pass

    run(scenario, host="127.0.0.1")


def test_a_drained_listener_finishes_the_requests_in_progress_and_accepts_no_more() -> None:
    async def scenario(world: World) -> None:
        world.app.go.clear()
        world.front()
        reader, _ = await world.asking()
        await world.app.called.wait()
        draining = asyncio.create_task(world.listener.drain(DEADLINE))
        await asyncio.sleep(0)
        world.app.go.set()
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        await draining
        with pytest.raises(ConnectionRefusedError):
            await world.answer()

    run(scenario, host="127.0.0.1")


def test_a_new_certificate_is_given_to_the_front() -> None:
    async def scenario(world: World) -> None:
        front = world.taken_over()
        assert await front.heard() == Certificate(None, "the first")
        assert await front.heard() == Listen(True, None, ())
        world.listener.renew("the second")
        assert await front.heard() == Certificate(None, "the second")

    run(scenario, secure=True, certificate="the first")


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "endpoint-https"},
        {"kind": "endpoint-http"},
        {"kind": "credentials"},
        {"client": "127.0.0.1"},
        {"client": "::1"},
        {"client": "::ffff:127.0.0.1"},
        {"client": "not an address"},
        {"client": "10.0.0.1/8"},
        {"method": "GET / HTTP/1.1\r\n"},
        {"path": "/a\r\nb"},
        {"headers": (b"x", b"a\r\nauthorization: b")},
    ],
    ids=str,
)
def test_a_head_that_a_public_front_cannot_have_got_ends_only_its_lane(
    changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(world: World) -> None:
        front = world.taken_over()
        assert await front.asks(dataclasses.replace(HEAD, **changes)) == b""
        assert (await front.asks(HEAD)).endswith(b"ok")
        assert len(world.app.scopes) == 1
        assert f"the front of {world.listener.address.url}" in caplog.text

    with caplog.at_level(logging.ERROR):
        run(scenario)


def test_no_record_names_another_listener_a_scheme_or_a_vpc() -> None:
    async def scenario(world: World) -> None:
        front = world.taken_over()
        claims = (b"host", b"metrics", b"x-amz-source-vpce", b"vpce-1", b"x-forwarded-for", b"10.0.0.1")
        await front.asks(dataclasses.replace(HEAD, address="127.0.0.1", port=1, headers=claims, tls=0x0304))
        (scope,) = world.app.scopes
        assert scope["server"] == ("127.0.0.1", world.port)
        path = network_path(scope)
        assert (path.source_ip, path.secure, path.vpc_id) == ("198.51.100.7", False, None)

    run(scenario)


@pytest.mark.parametrize("message", [b"x", b"{}", b"\xff\xfe", b"[" * 10_000], ids=["x", "empty", "no text", "deep"])
def test_a_malformed_message_ends_only_its_channel_and_its_front_is_replaced(message: bytes) -> None:
    async def scenario(world: World) -> None:
        bad = world.taken_over()
        await bad.heard()
        bad.say(message)
        assert await bad.heard() is None
        assert world.replaced == 1
        assert (await world.taken_over().asks(HEAD)).endswith(b"ok")

    run(scenario)


def test_a_public_front_gets_no_certificate_of_an_endpoint(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(world: World) -> None:
        front = world.taken_over()
        await front.heard()
        front.say(encode(FromFront(CertificateWanted("vpce-1"))))
        assert (await front.asks(HEAD)).endswith(b"ok")
        assert "which it does not serve" in caplog.text

    run(scenario)


@pytest.mark.parametrize(
    ("given", "fronted"),
    [
        ({}, set()),
        ({"fronts": "all"}, {"apis", "apis-https", "console"}),
        ({"host": "0.0.0.0", "tls": "own"}, {"apis", "console"}),
    ],
    ids=["on loopback", "all", "beyond loopback"],
)
def test_addresses_that_other_machines_can_connect_to_have_a_front_and_others_if_asked(
    tmp_path: Path, given: dict[str, Any], fronted: set[str]
) -> None:
    settings = Settings(data=tmp_path, port=free_port(), console_port=free_port(), tls_port=free_port(), **given)
    opened, _ = open_listeners(settings, App(), SEALER, lambda name: False)
    for each in opened:
        each.serving._socket.close()
    assert {each.name for each in opened} == {"apis", "apis-https", "console"}
    assert {each.name for each in opened if isinstance(each.serving, PublicListener)} == fronted
