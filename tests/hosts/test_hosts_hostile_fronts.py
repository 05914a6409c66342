"""What a front that was taken over can get from the server: nothing beyond its own VPC, whatever it sends."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import resource
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.call import NetworkPath, Reply
from reading_room.codec import DocumentError, decode, encode
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.front.lane import PIECE_LIMIT
from reading_room.hosts.front.records import (
    LANES,
    Asked,
    CertificateWanted,
    FromFront,
    FromServer,
    Head,
    LaneOpened,
    Told,
    read_head,
    read_reply,
    write_head,
    write_reply,
)
from reading_room.hosts.listeners import VpcListeners
from reading_room.vpc.endpoints.resolver import ADDRESS, Found
from tests.worlds.waiting import DEADLINE

OWN = ListenerLabel("vpc-1", "endpoint-https", "169.254.170.1", 20_001, "vpce-1")
OTHER = ListenerLabel("vpc-2", "endpoint-https", "169.254.170.1", 20_003, "vpce-2")
HEAD = Head(
    "endpoint-https", "169.254.170.1", 20_001, "10.0.0.7", 40_000, "GET", "/", "", (b"host", b"s3.amazonaws.com")
)


class Server:
    """A server that remembers the paths of requests, and the queries."""

    def __init__(self) -> None:
        self.paths: list[NetworkPath] = []
        self.requested: list[tuple[str, str]] = []
        self.certified: list[str | None] = []
        self.listeners = VpcListeners(
            s3=self, api=self, resolver=self, credentials=self, certificate=self.certificate, know_seconds=0.05
        )
        self.listeners.know([OWN, OTHER])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["reading_room.path"])
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        self.requested.append((vpc_id, name))
        return Found(((ADDRESS, 5, "10.0.0.7"),))

    def certificate(self, endpoint_id: str | None) -> str:
        self.certified.append(endpoint_id)
        return "a certificate"

    def expects(self, *_: Any) -> bool:
        raise AssertionError("nobody asks")

    def handle(self, *_: Any, body: bytes = b"") -> Reply:
        raise AssertionError("nobody asks")


class Front:
    """The other end of a channel, controlled by an attacker who took over a front."""

    def __init__(self, server: Server, vpc_id: str = "vpc-1") -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.setblocking(False)
        server.listeners.attach(vpc_id, theirs)

    async def say(self, body: Any) -> None:
        await asyncio.get_running_loop().sock_sendall(self.channel, encode(FromFront(body)))

    async def heard(self) -> Any:
        """Return the server's next message; ``None`` once the channel is over."""
        message = await asyncio.get_running_loop().sock_recv(self.channel, 65_536)
        return decode(FromServer, message).body if message else None

    async def lane(self) -> socket.socket:
        """Open a lane."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.channel, [encode(FromFront(LaneOpened()))], [theirs.fileno()])
        ours.setblocking(False)
        return ours


async def answered(lane: socket.socket, *frames: tuple[bytes, bytes]) -> bytes:
    """Send frames; return everything that is received until the answer or the lane ends."""
    loop = asyncio.get_running_loop()
    with lane:
        content = b"".join(kind + len(said).to_bytes(4, "big") + said for kind, said in frames)
        try:
            await loop.sock_sendall(lane, content)
            received = b""
            while piece := await loop.sock_recv(lane, 65_536):
                received += piece
                if received.endswith(b"ok"):
                    break
        except ConnectionError:
            return b""
        return received


def run(work: Callable[[Server], Awaitable[Any]]) -> tuple[Any, Server]:
    """Run a scenario against a server; return what it returned, and the server."""

    async def scenario() -> tuple[Any, Server]:
        server = Server()
        async with asyncio.timeout(DEADLINE):
            found = await work(server)
        server.listeners.close()
        return found, server

    return asyncio.run(scenario())


def test_a_request_comes_by_the_vpc_of_the_channel_and_the_endpoint_of_its_listener() -> None:
    async def scenario(server: Server) -> bytes:
        front = Front(server)
        return await answered(await front.lane(), (b"h", write_head(HEAD)))

    found, server = run(scenario)
    assert found.endswith(b"ok")
    assert server.paths == [
        NetworkPath(secure=True, vpc_id="vpc-1", vpc_endpoint_id="vpce-1", vpc_source_ip="10.0.0.7")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"port": OTHER.port},
        {"port": 80},
        {"kind": "credentials"},
        {"address": "10.0.0.9"},
        {"client": "not an address"},
        {"client": "::1"},
        {"method": "GET / HTTP/1.1\r\n"},
        {"method": ""},
        {"path": "/a\r\nb"},
        {"path": "/\xe9"},
        {"query": "a\x00b"},
        {"path": "/a\0b"},
        {"version": "2.0"},
        {"port": -1},
        {"tls": 1 << 40},
        {"headers": (b"host",)},
        {"headers": (b"", b"x")},
        {"headers": (b"host: a\r\nx", b"b")},
        {"headers": (b"host\r", b"b")},
        {"headers": (b"x", b"a\r\nauthorization: b")},
        {"headers": (b"x", b"a\nauthorization")},
        {"headers": (b"x", b"a\0b")},
        {"headers": (b"x", b"y") * 1_001},
    ],
    ids=str,
)
def test_a_head_that_its_listener_does_not_justify_ends_only_its_lane(
    changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(server: Server) -> tuple[bytes, bytes]:
        front = Front(server)
        bad = await answered(await front.lane(), (b"h", write_head(dataclasses.replace(HEAD, **changes))))
        return bad, await answered(await front.lane(), (b"h", write_head(HEAD)))

    with caplog.at_level(logging.ERROR):
        (bad, good), server = run(scenario)
    assert bad == b""
    assert good.endswith(b"ok")
    assert len(server.paths) == 1
    assert "the front of vpc-1" in caplog.text


@pytest.mark.parametrize(
    "frames",
    [
        [(b"h", b"")],
        [(b"h", b"GET\n/\0host\nhere")],
        [(b"h", b"\xff" * 100)],
        [(b"h", b"[" * 100_000)],
        [(b"z", b"")],
        [(b"r", write_head(HEAD))],
        [(b"h", write_head(dataclasses.replace(HEAD, body=True))), (b"h", write_head(HEAD))],
    ],
    ids=["empty", "too short", "no text", "deep", "unknown frame", "frame of the server's", "head within a body"],
)
def test_frames_that_are_no_request_end_only_their_lane(frames: list[tuple[bytes, bytes]]) -> None:
    async def scenario(server: Server) -> tuple[bytes, bytes]:
        front = Front(server)
        return await answered(await front.lane(), *frames), await answered(await front.lane(), (b"h", write_head(HEAD)))

    (bad, good), _ = run(scenario)
    assert bad == b""
    assert good.endswith(b"ok")


def test_a_frame_with_an_endless_length_is_refused() -> None:
    async def scenario(server: Server) -> bytes:
        lane = await Front(server).lane()
        with lane:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(lane, b"b" + (PIECE_LIMIT + 1).to_bytes(4, "big"))
            try:
                return await loop.sock_recv(lane, 100)
            except ConnectionError:
                return b""

    assert run(scenario)[0] == b""


def test_queries_are_resolved_in_the_vpc_of_the_channel() -> None:
    async def scenario(server: Server) -> Any:
        front = Front(server, "vpc-2")
        await front.say(Asked(7, "s3.amazonaws.com", ADDRESS))
        return await front.heard()

    answer, server = run(scenario)
    assert (answer.number, answer.records[0].value) == (7, "10.0.0.7")
    assert server.requested == [("vpc-2", "s3.amazonaws.com")]


@pytest.mark.parametrize("endpoint", ["vpce-2", None, "../authority"])
def test_a_front_only_gets_certificates_of_its_own_listeners(endpoint: str | None) -> None:
    async def scenario(server: Server) -> Any:
        front = Front(server)
        await front.say(CertificateWanted(endpoint))
        await front.say(CertificateWanted("vpce-1"))
        return await front.heard()

    answer, server = run(scenario)
    assert answer.endpoint_id == "vpce-1"
    assert server.certified == ["vpce-1"]


def test_a_request_through_a_listener_waits_until_the_agent_reports_the_listener() -> None:
    async def scenario(server: Server) -> tuple[Any, bytes]:
        server.listeners = VpcListeners(
            s3=server, api=server, resolver=server, credentials=server, certificate=server.certificate
        )
        front = Front(server)
        await front.say(CertificateWanted("vpce-1"))
        waiting = asyncio.create_task(answered(await front.lane(), (b"h", write_head(HEAD))))
        await asyncio.sleep(0)
        server.listeners.know([OWN])
        return await front.heard(), await waiting

    (certificate, answer), _ = run(scenario)
    assert certificate.endpoint_id == "vpce-1"
    assert answer.endswith(b"ok")


@pytest.mark.parametrize(
    "message",
    [
        b"x",
        b"{}",
        b"\xff\xfe",
        encode(FromFront(Asked(1, "a" * 300, ADDRESS))),
    ],
    ids=["no record", "empty", "no text", "a name that is too long"],
)
def test_a_malformed_message_ends_only_its_channel(message: bytes) -> None:
    async def scenario(server: Server) -> tuple[Any, bytes]:
        bad, good = Front(server), Front(server, "vpc-2")
        bad.channel.send(message)
        ended = await bad.heard()
        lane = await good.lane()
        return ended, await answered(lane, (b"h", write_head(dataclasses.replace(HEAD, port=OTHER.port))))

    (ended, served), server = run(scenario)
    assert ended is None
    assert served.endswith(b"ok")
    assert server.paths[0].vpc_endpoint_id == "vpce-2"


def test_a_lane_without_its_socket_is_dropped_and_the_front_is_still_answered() -> None:
    async def scenario(server: Server) -> tuple[bytes, bytes]:
        front = Front(server)
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        lane = await front.lane()
        # The server has no descriptor left, so the kernel delivers the message alone, and says so.
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
        try:
            refused = await answered(lane, (b"h", write_head(HEAD)))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        return refused, await answered(await front.lane(), (b"h", write_head(HEAD)))

    (refused, served), _ = run(scenario)
    assert refused == b""
    assert served.endswith(b"ok")


def test_the_lanes_of_a_front_are_limited_and_others_have_theirs() -> None:
    async def scenario(server: Server) -> tuple[bytes, bytes]:
        front, other = Front(server), Front(server, "vpc-2")
        held = []
        for _ in range(LANES):
            held.append(await front.lane())
            await asyncio.sleep(0)
        refused = await answered(await front.lane(), (b"h", write_head(HEAD)))
        served = await answered(await other.lane(), (b"h", write_head(dataclasses.replace(HEAD, port=OTHER.port))))
        for lane in held:
            lane.close()
        return refused, served

    (refused, served), _ = run(scenario)
    assert refused == b""
    assert served.endswith(b"ok")


def test_a_line_for_the_log_is_cut_and_says_whose_it_is(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(server: Server) -> Any:
        front = Front(server)
        await front.say(Told("x" * 50_000))
        await front.say(Asked(1, "a", ADDRESS))
        return await front.heard()

    run(scenario)
    (line,) = [record.getMessage() for record in caplog.records if "xxx" in record.getMessage()]
    assert line.startswith("the front of vpc-1")
    assert len(line) < 2_000


@given(st.binary(max_size=300))
def test_only_the_bytes_of_a_head_are_read_as_one(content: bytes) -> None:
    try:
        read_head(content)
    except DocumentError:
        return
    raise AssertionError(content)


@given(
    st.builds(
        Head,
        kind=st.sampled_from(["credentials", "endpoint-http", "endpoint-https", "public"]),
        address=st.text(max_size=20),
        port=st.integers(0, 65_535),
        client=st.one_of(st.ip_addresses().map(str), st.text(max_size=20)),
        client_port=st.integers(0, 65_535),
        method=st.one_of(st.just("GET"), st.text(max_size=10)),
        path=st.text(max_size=20),
        query=st.text(max_size=20),
        headers=st.lists(st.binary(max_size=10), max_size=6).map(tuple),
    )
)
def test_no_header_of_an_accepted_head_has_a_second_line(head: Head) -> None:
    try:
        found = read_head(write_head(head))
    except DocumentError:
        return
    texts = "".join((found.method, found.path, found.query)).encode("ascii") + b"".join(found.headers)
    assert not set(texts) & set(b"\r\n\0")


def test_a_head_is_read_as_it_was_written_and_more_members_of_a_later_version_are_ignored() -> None:
    head = dataclasses.replace(HEAD, query="a=b", tls=0x0304, body=True, waits=True, expects=True, version="1.0")
    written = (
        b"endpoint-https\n169.254.170.1\n20001\n10.0.0.7\n40000\nGET\n/\na=b\n1.0\n772\nbwe\0host\ns3.amazonaws.com"
    )
    assert write_head(head) == written
    assert read_head(written) == head
    assert read_head(written.replace(b"\0", b"\nanother\0")) == head
    assert read_head(write_head(dataclasses.replace(HEAD, headers=()))).headers == ()


def test_an_answer_is_read_as_it_was_written_and_no_header_has_a_second_line() -> None:
    headers = [(b"etag", b'"a"'), (b"x", b"")]
    assert write_reply(200, headers) == b'200\0etag\n"a"\nx\n'
    assert read_reply(write_reply(200, headers)) == (200, headers)
    assert read_reply(b"204\nanother\0") == (204, [])
    for value in (b"a\nset-cookie: b", b"a\0"):
        with pytest.raises(ValueError, match="more than a line"):
            write_reply(200, [(b"x", value)])
