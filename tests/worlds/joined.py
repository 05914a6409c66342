"""A joined host in one event loop: an agent's channel, its link, and ``serve``'s listener, over TLS on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reading_room.agent.channel import AgentChannel
from reading_room.agent.spec import HostReport, HostSpec
from reading_room.aws.call import NetworkPath, Reply
from reading_room.certificate_parts import private_pem
from reading_room.clock import system_clock
from reading_room.dataplane.spec import ListenerLabel
from reading_room.fleet import certificates
from reading_room.fleet.certificates import SERVE_NAME, HostAuthority
from reading_room.hosts.authority import Authority
from reading_room.hosts.certificate_loading import load_certificate
from reading_room.hosts.front.channel import Channel
from reading_room.hosts.front.records import Certificate
from reading_room.hosts.joined_host import JoinedHost
from reading_room.hosts.joining.tls import client_context, server_context
from reading_room.hosts.link import session
from reading_room.hosts.link.connecting import LinkConfig
from reading_room.hosts.link.places import Places
from reading_room.hosts.link_listener import LinkListener
from reading_room.hosts.listeners import VpcListeners
from reading_room.vpc.endpoints.resolver import ADDRESS, Found
from tests.worlds.agent import document, interface, vpc
from tests.worlds.agent_messages import Received
from tests.worlds.waiting import DEADLINE, eventually_in_loop

HOST = "b"
CLIENT = "10.0.0.10"
ENDPOINT = ListenerLabel("vpc-0a", "endpoint-http", "169.254.170.1", 20_002, "vpce-0a")
SECURE = ListenerLabel("vpc-0a", "endpoint-https", "169.254.170.1", 20_003, "vpce-0a")
CREDENTIALS = ListenerLabel("vpc-0a", "credentials", "169.254.170.2", 80)
LABELS = (ENDPOINT, SECURE, CREDENTIALS)


@cache
def authority() -> HostAuthority:
    """Return the authority that all tests share."""
    return certificates.make(system_clock())


@cache
def certified(name: str) -> bytes:
    """Return a certificate of the host with that name, and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return authority().sign(key.public_key(), name, system_clock()).encode() + private_pem(key)


@cache
def link_context(name: str | None) -> ssl.SSLContext:
    """Return the context of a link, or of a host that has no certificate yet."""
    context = client_context(authority().pem)
    if name is not None:
        load_certificate(context, certified(name))
    return context


@cache
def _serve_context() -> ssl.SSLContext:
    return server_context(authority(), system_clock())


class Serve:
    """What ``serve`` has for joined hosts: a listener, a host, and applications that remember who called."""

    def __init__(
        self, port: int = 0, certificate: Callable[[str | None], str] = lambda _: "a certificate", **limits: Any
    ) -> None:
        self.paths: list[NetworkPath] = []
        self.bodies: list[int] = []
        self.credentials: list[tuple[str, str]] = []
        self.questions: list[tuple[bytes, str]] = []
        self.reported = True
        self.asked = asyncio.Event()
        """Set when the listener has looked whether hosts can join."""
        self.members = {HOST}
        self.elsewhere: str | None = None
        self.others: tuple[str, ...] = ()
        self.received = Received()
        self.go = asyncio.Event()
        self.go.set()
        self.listeners = VpcListeners(
            s3=self, api=self, resolver=self, credentials=self, certificate=certificate, know_seconds=0.2
        )
        self.spec: HostSpec | None = None
        self.host = JoinedHost(HOST, self.listeners, _Events(self), asyncio.get_running_loop(), self._send)
        sock = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self.port = int(sock.getsockname()[1])
        self.listener = LinkListener(
            sock,
            _serve_context(),
            self,
            self._joined,
            self.authority,
            leader=lambda: self.elsewhere,
            places=lambda: self.others,
            **limits,
        )
        self.listener.start()

    def send(self, spec: HostSpec) -> None:
        """Send the host this spec, now and whenever it connects."""
        self.spec = spec
        self._send()

    def _send(self) -> None:
        if self.spec is not None:
            self.host.send(self.spec)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _joined(self, name: str) -> JoinedHost:
        assert name == HOST
        return self.host

    def identify(self, certificate: bytes) -> str | None:
        (name,) = x509.load_der_x509_certificate(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(name.value) if name.value in self.members else None

    def authority(self) -> str:
        return "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

    def can_admit(self) -> bool:
        self.asked.set()
        return self.reported

    def admit(self, question: bytes, address: str) -> bytes:
        self.questions.append((question, address))
        return b"no"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["reading_room.path"])
        size = 0
        while True:
            message = await receive()
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        self.bodies.append(size)
        if scope["path"] == "/slow":
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        query = scope["query_string"]
        for _ in range(int(query) if query.isdigit() else 0):
            await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
        await send({"type": "http.response.body", "body": b"ok"})

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        return Found(((ADDRESS, 5, "10.0.0.7"),))

    def expects(self, *_: Any) -> bool:
        return False

    def handle(self, method: str, path: str, vpc_id: str, source_ip: str, body: bytes = b"") -> Reply:
        self.credentials.append((vpc_id, source_ip))
        return Reply(200, (), b"ok")

    async def close(self) -> None:
        self.listener.close()
        self.host.close()
        await eventually_in_loop(lambda: not self.host.connections)


class Answering(Serve):
    """A ``serve`` whose credentials a worker can use, and with certificates that containers trust."""

    def __init__(self, services: Authority) -> None:
        leaf = services.leaf.read().decode("ascii")
        super().__init__(certificate=lambda _: leaf)
        self._trusted = services.certificate.read_text()

    def authority(self) -> str:
        return self._trusted

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        return Found(((ADDRESS, 5, "52.216.0.10"),) if kind == ADDRESS else ())

    def handle(self, method: str, path: str, vpc_id: str, source_ip: str, body: bytes = b"") -> Reply:
        super().handle(method, path, vpc_id, source_ip, body)
        keys = {"AccessKeyId": "ASIAEXAMPLE000000001", "SecretAccessKey": "x" * 40, "Token": "t"}
        content = json.dumps(keys | {"Expiration": "2099-01-01T00:00:00Z"}).encode()
        return Reply(200, (("content-type", "application/json"), ("content-length", str(len(content)))), content)


class _Events(Received):
    """Events of the host's agent, whose listeners the server then answers."""

    def __init__(self, serve: Serve) -> None:
        super().__init__()
        serve.received = self
        self._serve = serve
        self._loop = asyncio.get_running_loop()

    def listeners(self, labels: Any) -> None:
        super().listeners(labels)
        self._loop.call_soon_threadsafe(self._serve.listeners.know, labels)


@dataclass
class Joined:
    """A joined host: its agent's channel and its link, which first connects to ``place``."""

    folder: Path
    place: str
    context: ssl.SSLContext = field(default_factory=lambda: link_context(HOST))
    certificates: list[Certificate] = field(default_factory=list)
    lost: int = 0
    quiet_seconds: float = 60.0
    """How long the leader may say nothing, as the ``serve`` of these tests does."""

    def __post_init__(self) -> None:
        self.start_agent()
        places = Places(self.place, self.folder / "places.json")
        trusted = self.folder / "authority.pem"
        config = LinkConfig(
            *(self.folder / "agent.sock", trusted, places, self.context, SERVE_NAME),
            answer_seconds=0.05,
            quiet_seconds=self.quiet_seconds,
            places_seconds=0.05,
        )
        self.link = asyncio.create_task(session.run(config))

    def start_agent(self) -> None:
        """Start an agent, which listens for the link."""
        self.agent = AgentChannel(self.folder / "agent.sock", os.geteuid(), None, lambda: None)
        self._living = True

    def end_agent(self) -> None:
        """End the agent, if it lives."""
        if self._living:
            self._living = False
            self.agent.close()

    def front(self, vpc_id: str = "vpc-0a") -> Channel:
        """Open a front of a VPC, whose channel the agent hands over."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        assert self.agent.send_front(vpc_id, theirs)
        return Channel(ours, self.certificates.append, self._lose)

    def _lose(self) -> None:
        self.lost += 1

    async def close(self) -> None:
        self.link.cancel()
        await asyncio.gather(self.link, return_exceptions=True)
        self.end_agent()


def spec(generation: int = 7, **changes: Any) -> HostSpec:
    """Return a spec for the host: one VPC, in which ``CLIENT`` has an interface."""
    return document(vpcs=(vpc((interface(address=CLIENT),), **changes),), host=HOST, generation=generation)


def worker_spec() -> HostSpec:
    """Return a spec with one container of a job, which reads from S3."""
    return document(vpcs=(vpc((interface(address=CLIENT),)),), host=HOST, standby=(), realtime=())


def report(generation: int = 7, **changes: Any) -> HostReport:
    """Return a report of the host."""
    return HostReport(HOST, generation, **changes)


def in_loop(scenario: Callable[[], Any]) -> Any:
    """Run a scenario in an event loop like that of ``serve``, and fail if it leaves a task."""

    async def run() -> Any:
        async with asyncio.timeout(DEADLINE):
            found = await scenario()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if left:
            await asyncio.wait(left, timeout=DEADLINE)
        assert [task for task in left if not task.done()] == []
        return found

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


async def spoken(serve: Serve, said: bytes, name: str | None = HOST) -> bytes:
    """Connect to ``serve`` with a certificate or without, send bytes, and return what comes until it ends."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", serve.port, ssl=link_context(name), server_hostname=SERVE_NAME
    )
    try:
        writer.write(said)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
