"""Peers that open connections and send nothing: none of them may use up the shared descriptors."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import uvloop

from reading_room.hosts.authority import prepare_certificates
from reading_room.hosts.front.listeners import server_context_of
from reading_room.hosts.http_listener import HEAD_SECONDS, HttpListener
from tests.worlds.databases import SEALER
from tests.worlds.waiting import DEADLINE, eventually_in_loop

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer everything."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def started(most: int | None = None, head_seconds: float = HEAD_SECONDS) -> tuple[HttpListener, int]:
    """Serve the application at a free port."""
    sock = socket.create_server(("127.0.0.1", 0))
    listener = HttpListener(application, sock, most_of_a_peer=most, head_seconds=head_seconds)
    await listener.start()
    return listener, sock.getsockname()[1]


async def opened(port: int, source: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection from an address of loopback."""
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Send a request and return whether it was answered."""
    try:
        writer.write(REQUEST)
        return (await asyncio.wait_for(reader.readuntil(b"ok"), DEADLINE)).startswith(b"HTTP/1.1 200")
    except (asyncio.IncompleteReadError, ConnectionError):
        return False


def test_the_connections_of_one_address_are_limited_and_others_are_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        listener, port = await started(3)
        held = [await opened(port) for _ in range(3)]
        assert await answered(*held[0])
        assert not await answered(*await opened(port))
        assert await answered(*await opened(port, "127.0.0.2"))
        held[1][1].close()
        await eventually_in_loop(lambda: listener._peers["127.0.0.1"] < 3)
        assert await answered(*await opened(port))
        listener.cut()

    asyncio.run(scenario())
    assert "refused a connection from 127.0.0.1, which already has 3 here" in caplog.text


@pytest.mark.parametrize("said", [b"", b"GET / HT", REQUEST + b"GET /"])
def test_a_request_must_arrive_in_time(said: bytes) -> None:
    """This includes a request that begins and does not continue."""

    async def scenario() -> None:
        listener, port = await started(head_seconds=0.05)
        reader, writer = await opened(port)
        writer.write(said)
        assert await asyncio.wait_for(ended(reader), DEADLINE)
        listener.cut()

    asyncio.run(scenario())


def test_a_connection_that_waits_between_two_requests_has_the_time_of_keeping_alive() -> None:
    async def scenario() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        listener = HttpListener(application, sock, head_seconds=0.05)
        reader, writer = await opened(sock.getsockname()[1])
        # It is sent before anything is accepted, so it is in time however long that takes.
        writer.write(REQUEST)
        await listener.start()
        assert b"ok" in await asyncio.wait_for(reader.readuntil(b"ok"), DEADLINE)
        silent, _ = await opened(sock.getsockname()[1])
        assert await asyncio.wait_for(ended(silent), DEADLINE)
        assert await answered(reader, writer)
        listener.cut()

    asyncio.run(scenario())


def test_a_process_without_descriptors_goes_on_when_it_has_some_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        listener, port = await started(None)
        loop = asyncio.get_running_loop()
        accept, failures = loop.sock_accept, [24, 24]

        async def failing(sock: socket.socket) -> Any:
            if failures:
                raise OSError(failures.pop(), "Too many open files")
            return await accept(sock)

        monkeypatch.setattr(loop, "sock_accept", failing)
        assert await answered(*await opened(port))
        assert await answered(*await opened(port))
        listener.cut()

    asyncio.run(scenario())
    assert "cannot accept a connection" in caplog.text


@pytest.mark.parametrize(
    "begun", [b"GET /", b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", REQUEST + b"GET / HTTP/1.1\r\nX: "]
)
def test_an_endless_head_is_cut_short(begun: bytes) -> None:
    """Neither its path nor its headers can fill the memory."""

    async def scenario() -> tuple[int, bytes]:
        listener, port = await started(None)
        reader, writer = await opened(port)
        writer.write(begun)
        sent = 0
        said = b""
        try:
            while sent < 1 << 26:
                writer.write(b"x" * 65_536)
                await writer.drain()
                sent += 65_536
        except ConnectionError:
            pass
        try:
            said = await asyncio.wait_for(reader.read(), DEADLINE)
        except ConnectionError:
            pass  # It was closed while more was on its way.
        listener.cut()
        return sent, said

    sent, said = asyncio.run(scenario())
    assert sent < 1 << 24
    assert b"ok" not in said.partition(b"400 Bad Request")[2]


def test_trailers_after_a_body_are_not_headers() -> None:
    seen: list[Any] = []

    async def late(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        seen.extend(name for name, _ in scope["headers"])
        await application(scope, receive, send)

    async def scenario() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        listener = HttpListener(late, sock)
        await listener.start()
        reader, writer = await opened(sock.getsockname()[1])
        writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        writer.write(b"X-Amz-Acl: public-read\r\n\r\n")
        assert b"ok" in await asyncio.wait_for(reader.readuntil(b"ok"), DEADLINE)
        listener.cut()

    asyncio.run(scenario())
    assert seen == [b"host", b"transfer-encoding"]


def test_malformed_requests_are_counted_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """A client that sends garbage controls neither the log's text nor its length."""

    async def scenario() -> None:
        listener, port = await started()
        threads = threading.active_count()
        for _ in range(5):
            reader, writer = await opened(port)
            writer.write(b"GARBAGE\r\n\r\n")
            assert b"400 Bad Request" in await asyncio.wait_for(reader.readuntil(b"\r\n"), DEADLINE)
        # Some processes that listen may start none.
        assert threading.active_count() == threads
        listener.cut()

    asyncio.run(scenario())
    lines = [record.getMessage() for record in caplog.records if "BadRequest" in record.getMessage()]
    assert sum(int(line.split()[0]) for line in lines) == 5
    reported = {line.partition(" ")[2] for line in lines}
    assert reported == {"requests from 127.0.0.1 refused with BadRequest in the last second"}
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


def test_thousands_of_silent_connections_do_not_shut_others_out() -> None:
    """The connection that has waited longest makes room; one that is being served stays."""
    going = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            await going.wait()
        await application(scope, receive, send)

    async def scenario() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        listener = HttpListener(slow, sock, waiting=20)
        await listener.start()
        port = sock.getsockname()[1]
        served = await opened(port)
        served[1].write(REQUEST.replace(b"/ ", b"/slow "))
        kept_alive = await opened(port)
        assert await answered(*kept_alive)
        silent = [await opened(port) for _ in range(200)]
        assert await answered(*await opened(port))
        assert len(listener._waiting) <= 20
        # The oldest of the silent ones are gone, and so is the one that was served and then stayed silent.
        assert await asyncio.wait_for(ended(silent[0][0]), DEADLINE)
        assert await asyncio.wait_for(ended(kept_alive[0]), DEADLINE)
        going.set()
        assert b"ok" in await asyncio.wait_for(served[0].readuntil(b"ok"), DEADLINE)
        listener.cut()

    asyncio.run(scenario())


async def ended(reader: asyncio.StreamReader) -> bool:
    """Wait until the other side has ended a connection."""
    try:
        await reader.read()
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("loop_factory", [None, uvloop.new_event_loop])
def test_handshakes_that_never_end_do_not_shut_others_out(tmp_path: Path, loop_factory: Any) -> None:
    made = prepare_certificates(tmp_path / "doors", ["127.0.0.1"], dt.datetime.now(dt.UTC), SEALER)
    trusting = ssl.create_default_context(cafile=str(made.certificate))

    async def scenario() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        listener = HttpListener(application, sock, server_context_of(made.leaf.read()), waiting=20)
        await listener.start()
        port = sock.getsockname()[1]
        silent = [await opened(port) for _ in range(100)]
        for _, writer in silent[50:]:
            writer.write(b"\x16\x03\x01\x02\x00\x01")  # The beginning of a handshake.
        assert await answered(*await asyncio.open_connection("127.0.0.1", port, ssl=trusting))
        assert len(listener._waiting) <= 20
        assert await asyncio.wait_for(ended(silent[0][0]), DEADLINE)
        listener.cut()
        await eventually_in_loop(lambda: not listener._waiting and not listener._peers)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())


def test_an_application_gets_the_version_of_tls(tmp_path: Path) -> None:
    made = prepare_certificates(tmp_path / "doors", ["127.0.0.1"], dt.datetime.now(dt.UTC), SEALER)
    seen: list[Any] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["scheme"], scope.get("extensions")))
        await application(scope, receive, send)

    async def scenario(tls: bool) -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        listener = HttpListener(look, sock, server_context_of(made.leaf.read()) if tls else None)
        await listener.start()
        trusting = ssl.create_default_context(cafile=str(made.certificate)) if tls else None
        # A client's own headers are not facts.
        reader, writer = await asyncio.open_connection("127.0.0.1", sock.getsockname()[1], ssl=trusting)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nForwarded: proto=https\r\n\r\n")
        assert b"ok" in await asyncio.wait_for(reader.readuntil(b"ok"), DEADLINE)
        listener.cut()

    asyncio.run(scenario(True))
    asyncio.run(scenario(False))
    assert seen == [("https", {"tls": {"tls_version": 0x0304}}), ("http", None)]


@pytest.mark.costs(1, reason="an interpreter starts")
def test_a_process_that_only_listens_loads_no_service_models() -> None:
    """A separate process may listen, and should be small."""
    program = "import sys, reading_room.hosts.http_listener; print('botocore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
