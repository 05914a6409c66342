"""Serving the sockets inside VPCs: facts from the socket, cutting at once, DNS over both transports."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from dnslib import DNSRecord
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reading_room.aws.call import NetworkPath, Reply
from reading_room.aws.receive import Standing, standing_of
from reading_room.clock import system_clock
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts import authority
from reading_room.hosts.http_listener import HttpListener, _Connection
from reading_room.hosts.listeners import VpcListeners, network_path
from reading_room.hosts.unfinished import Proof
from reading_room.jobs.part_requests import BODY_LIMIT
from reading_room.vpc.endpoints.resolver import ADDRESS, Found
from tests.worlds.databases import SEALER
from tests.worlds.fronts import Fronted
from tests.worlds.waiting import DEADLINE

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end."""
    return asyncio.run(asyncio.wait_for(work, DEADLINE))


def bound(kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A socket on a free port of loopback, as the agent would hand it over."""
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        sock.listen()
    return sock


def label(kind: Any, sock: socket.socket, endpoint: str | None = None, service: Any = "s3") -> ListenerLabel:
    """The label of a socket."""
    address, port = sock.getsockname()
    return ListenerLabel("vpc-1", kind, address, port, endpoint, service)


class S3:
    """An ASGI application that remembers where it was called from, and answers once it may ``go``."""

    def __init__(self) -> None:
        self.paths: list[NetworkPath] = []
        self.services: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.called = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["reading_room.path"])
        self.services.append(scope.get("reading_room.only"))
        self.called.set()
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


class Names:
    """A resolver that knows one address for every name, and is silent in ``vpc-silent``."""

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        return None if vpc_id == "vpc-silent" else Found(((ADDRESS, 5, "10.0.0.7"),))


class Credentials:
    """Credentials that echo requests, and expect bodies only at ``/parts``. Requests for ``slow`` wait."""

    def __init__(self) -> None:
        self.together = 0
        self.most = 0

    def expects(self, method: str, path: str, vpc_id: str, source_ip: str) -> bool:
        return path.endswith("/parts")

    def handle(self, method: str, path: str, vpc_id: str, source_ip: str, body: bytes = b"") -> Reply:
        self.together += 1
        self.most = max(self.most, self.together)
        if path == "/slow":
            time.sleep(0.05)
        self.together -= 1
        said = f"{method} {path} {vpc_id} {source_ip} {len(body)}"
        return Reply(200, (("content-type", "text/plain"),), said.encode())


@pytest.fixture
def s3() -> S3:
    """The application behind endpoints."""
    return S3()


@pytest.fixture
def api() -> S3:
    """The application behind endpoints of other services."""
    return S3()


@pytest.fixture
def credentials() -> Credentials:
    """The application at the credentials address."""
    return Credentials()


@pytest.fixture
def listeners(s3: S3, api: S3, credentials: Credentials, tmp_path: Path) -> Fronted:
    """Listeners that serve nothing yet."""
    made = authority.prepare(tmp_path / "a", "us-east-1", system_clock(), SEALER)
    return Fronted(
        VpcListeners(
            s3=s3,
            api=api,
            resolver=Names(),
            credentials=credentials,
            certificate=lambda endpoint: made.leaf.read().decode("ascii"),
        )
    )


def no_tls(endpoint: str | None) -> str:
    """Return no certificate, for tests that need none."""
    raise AssertionError(endpoint)


async def ask(port: int, request: bytes = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") -> bytes:
    """Send a request and return what is received until the answer ends or the connection is cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        return head + await reader.read(100)
    finally:
        writer.close()


def test_an_endpoint_listener_says_which_endpoint_and_address_whatever_a_client_sends(
    listeners: Fronted, s3: S3
) -> None:
    async def scenario() -> None:
        sock = bound()
        port = sock.getsockname()[1]
        await listeners.add(label("endpoint-http", sock, endpoint="vpce-1"), sock)
        forged = b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 9.9.9.9\r\naws:SourceVpce: vpce-other\r\n\r\n"
        assert (await ask(port, forged)).endswith(b"ok")

    run(scenario())
    assert s3.paths == [NetworkPath(secure=False, vpc_id="vpc-1", vpc_endpoint_id="vpce-1", vpc_source_ip="127.0.0.1")]


@pytest.mark.parametrize(
    ("says", "proof"),
    [
        (lambda standing: standing.names_key("AKIAEXAMPLE000000001"), Proof.KEY_NAMED),
        (lambda standing: standing.proves("000000000001"), Proof.ACCOUNT),
        (lambda standing: None, Proof.NOTHING),
    ],
    ids=["a key that exists", "a signature", "nothing"],
)
def test_a_front_learns_what_a_request_has_proven_while_its_body_is_awaited(
    credentials: Credentials, says: Callable[[Standing], None], proof: Proof
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        standing = standing_of(scope)
        if standing.awaits_body:
            says(standing)
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def scenario() -> None:
        fronted = Fronted(VpcListeners(s3=app, api=app, resolver=Names(), credentials=credentials, certificate=no_tls))
        sock = bound()
        port = sock.getsockname()[1]
        await fronted.add(label("endpoint-http", sock, "vpce-1"), sock)
        assert fronted.front is not None
        (listener,) = fronted.front._http.values()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post("/", 3, announced=10))
        while listener.unfinished.count(proof) != 1:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        writer.write(b"x" * 7)
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post("/", 3))
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
        writer.close()
        await fronted.close()

    run(scenario())


def test_a_public_address_has_a_source_address_and_no_vpc() -> None:
    public = ListenerLabel("vpc-1", "endpoint-https", "169.254.170.1", 20003, "far-s3", "s3", True)
    path = NetworkPath(source_ip="198.51.100.4", secure=True, router_vpc_id="vpc-1")
    assert network_path(public, "198.51.100.4", True) == path


def test_each_service_has_its_application_which_knows_the_endpoint(listeners: Fronted, s3: S3, api: S3) -> None:
    async def scenario() -> None:
        for service in ("s3", "logs", "api"):
            sock = bound()
            port = sock.getsockname()[1]
            await listeners.add(label("endpoint-http", sock, "vpce-1", service), sock)
            assert (await ask(port)).endswith(b"ok")

    run(scenario())
    assert s3.services == ["s3"]
    assert api.services == ["logs", "api"]


def test_removing_a_listener_cuts_its_connections_at_once(listeners: Fronted, s3: S3) -> None:
    async def scenario() -> None:
        sock = bound()
        port, given = sock.getsockname()[1], label("endpoint-http", sock, endpoint="vpce-1")
        await listeners.add(given, sock)
        s3.go.clear()
        waiting = asyncio.create_task(ask(port))
        await s3.called.wait()
        listeners.remove(given)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await waiting
        with pytest.raises(OSError):
            await ask(port)

    run(scenario())
    assert listeners.labels == set()


def test_a_front_without_its_agent_lets_accepted_requests_end(listeners: Fronted, s3: S3) -> None:
    async def scenario() -> bytes:
        sock = bound()
        port = sock.getsockname()[1]
        await listeners.add(label("endpoint-http", sock, endpoint="vpce-1"), sock)
        s3.go.clear()
        waiting = asyncio.create_task(ask(port))
        await s3.called.wait()
        assert listeners.front is not None
        draining = asyncio.create_task(listeners.front.drain(DEADLINE))
        await asyncio.sleep(0)
        with pytest.raises(OSError):
            await ask(port)
        s3.go.set()
        answer = await waiting
        await draining
        return answer

    assert run(scenario()).endswith(b"ok")


def test_requests_to_the_credentials_address_have_the_vpc_and_the_sender(listeners: Fronted) -> None:
    async def scenario() -> bytes:
        sock = bound()
        port = sock.getsockname()[1]
        await listeners.add(label("credentials", sock), sock)
        return await ask(port, b"GET /v2/credentials/x?y HTTP/1.1\r\nHost: 169.254.170.2\r\n\r\n")

    assert run(scenario()).endswith(b"GET /v2/credentials/x vpc-1 127.0.0.1 0")


async def at_credentials(listeners: Fronted, *requests: bytes) -> list[bytes]:
    """Send requests to the credentials address, all at once, and return the answers."""
    sock = bound()
    port, given = sock.getsockname()[1], label("credentials", sock)
    await listeners.add(given, sock)
    answers = await asyncio.gather(*(ask(port, request) for request in requests))
    listeners.remove(given)
    return answers


def post(path: str, size: int, announced: int | None = None) -> bytes:
    """A request with a body."""
    length = size if announced is None else announced
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode() + b"x" * size


def test_the_credentials_address_reads_bodies_where_one_is_expected(listeners: Fronted) -> None:
    chunked = b"POST /a/parts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
    whole, parts, ignored = run(at_credentials(listeners, post("/a/parts", BODY_LIMIT), chunked, post("/a/other", 3)))
    assert whole.endswith(f"POST /a/parts vpc-1 127.0.0.1 {BODY_LIMIT}".encode())
    assert parts.endswith(b"POST /a/parts vpc-1 127.0.0.1 5")
    assert ignored.endswith(b"POST /a/other vpc-1 127.0.0.1 0")


def test_a_body_that_is_too_large_is_refused_and_not_kept(listeners: Fronted) -> None:
    (answer,) = run(at_credentials(listeners, post("/a/parts", BODY_LIMIT + 1)))
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"Malformed" in answer


def test_a_body_that_does_not_come_is_refused_in_time(s3: S3, credentials: Credentials) -> None:
    listeners = Fronted(
        VpcListeners(s3=s3, api=s3, resolver=Names(), credentials=credentials, certificate=no_tls, body_seconds=0.01)
    )
    (answer,) = run(at_credentials(listeners, post("/a/parts", 3, announced=10)))
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"did not arrive" in answer


def test_one_address_is_answered_one_request_at_a_time(listeners: Fronted, credentials: Credentials) -> None:
    answers = run(at_credentials(listeners, *[b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"] * 6))
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    assert credentials.most == 1


def test_dns_answers_over_udp_and_tcp(listeners: Fronted) -> None:
    question = DNSRecord.question("s3.amazonaws.com").pack()

    async def scenario() -> list[bytes]:
        udp, tcp = bound(socket.SOCK_DGRAM), bound()
        ports = udp.getsockname()[1], tcp.getsockname()[1]
        await listeners.add(label("resolver-udp", udp), udp)
        await listeners.add(label("resolver-tcp", tcp), tcp)
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(("127.0.0.1", ports[0]))
            await loop.sock_sendall(client, question)
            answers = [await loop.sock_recv(client, 4096)]
        reader, writer = await asyncio.open_connection("127.0.0.1", ports[1])
        writer.write(len(question).to_bytes(2, "big") + question)
        size = int.from_bytes(await reader.readexactly(2), "big")
        answers.append(await reader.readexactly(size))
        writer.close()
        for each in list(listeners.labels):
            listeners.remove(each)
        return answers

    for packet in run(scenario()):
        answer = DNSRecord.parse(packet)
        assert answer.header.id == DNSRecord.parse(question).header.id
        assert [str(record.rdata) for record in answer.rr] == ["10.0.0.7"]


def test_draining_ends_idle_connections_and_waits_for_active_ones() -> None:
    app = S3()

    async def scenario() -> bytes:
        sock = bound()
        port = sock.getsockname()[1]

        async def with_path(scope: Any, receive: Any, send: Any) -> None:
            scope["reading_room.path"] = NetworkPath()
            await app(scope, receive, send)

        listener = HttpListener(with_path, sock)
        await listener.start()
        idle, _ = await asyncio.open_connection("127.0.0.1", port)
        app.go.clear()
        waiting = asyncio.create_task(ask(port))
        await app.called.wait()
        draining = asyncio.create_task(listener.drain(DEADLINE))
        assert await idle.read() == b""
        assert not draining.done()
        app.go.set()
        await draining
        return await waiting

    assert run(scenario()).endswith(b"ok")


def test_nothing_private_of_uvicorn_is_overridden() -> None:
    """A release of uvicorn may rename a private method, and an override that nothing calls would go unnoticed."""
    private = {name for name in vars(HttpToolsProtocol) if name.startswith("_") and not name.startswith("__")}
    assert len(private) > 3
    assert private & set(vars(_Connection)) == set()
