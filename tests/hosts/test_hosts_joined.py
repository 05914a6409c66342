"""A joined host and ``serve``: documents, fronts and lanes over TLS, and what each side refuses."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from reading_room.agent.frames import Greeting
from reading_room.aws.call import NetworkPath
from reading_room.codec import encode
from reading_room.hosts.certificate_loading import load_certificate
from reading_room.hosts.front.channel import Channel, Unavailable
from reading_room.hosts.front.lane import BODY, BODY_END, DATA, HEAD, LAST, REPLY, Lane
from reading_room.hosts.front.records import Head, write_head
from reading_room.hosts.link.documents import LaneReady, LaneTaken, Opening
from tests.worlds.agent_messages import flow
from tests.worlds.joined import (
    CLIENT,
    CREDENTIALS,
    ENDPOINT,
    HOST,
    LABELS,
    SECURE,
    Joined,
    Serve,
    certified,
    in_loop,
    report,
    spec,
    spoken,
)
from tests.worlds.waiting import eventually_in_loop

GET = Head("endpoint-http", ENDPOINT.address, ENDPOINT.port, CLIENT, 40_000, "GET", "/", "", (b"host", b"s3"))
AT_CREDENTIALS = dataclasses.replace(GET, kind="credentials", address=CREDENTIALS.address, port=CREDENTIALS.port)
Scenario = Callable[[Serve, Joined], Awaitable[Any]]


def joined(folder: Path, scenario: Scenario) -> Any:
    """Run a scenario with a ``serve`` and a host that is connected and has its spec and listeners."""

    async def run() -> Any:
        serve = Serve()
        host = Joined(folder, serve.place)
        try:
            serve.send(spec())
            await eventually_in_loop(lambda: host.agent.spec()[0] == spec())
            host.agent.send_listeners(LABELS)
            await eventually_in_loop(lambda: serve.listeners.labels == frozenset(LABELS))
            return await scenario(serve, host)
        finally:
            await host.close()
            await serve.close()

    return in_loop(run)


async def answer(front: Channel, head: Head = GET, *pieces: bytes) -> bytes | None:
    """Send a request over a new lane; return the answer's body, ``None`` if the front or the lane ends before."""
    try:
        lane = await front.open_lane()
    except Unavailable:
        return None
    try:
        await lane.send((HEAD, write_head(dataclasses.replace(head, body=bool(pieces)))))
        if pieces:
            await lane.send(*((BODY, piece) for piece in pieces), (BODY_END, b""))
        return await rest(lane)
    except ConnectionResetError:
        return None
    finally:
        lane.close()


async def rest(lane: Lane) -> bytes | None:
    """Return the body of the answer."""
    body = b""
    while (frame := await lane.next()) is not None:
        if frame[0] in (DATA, LAST):
            body += frame[1]
        if frame[0] == LAST:
            return body
        assert frame[0] in (REPLY, DATA)
    return None


def test_a_spec_goes_down_and_reports_and_flows_come_up(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> None:
        serve.send(spec(8))
        await eventually_in_loop(lambda: host.agent.spec()[0] == spec(8))
        event = dataclasses.replace(flow(1), interface_id="eni-00")
        host.agent.send_flows([event])
        host.agent.send_report(report(8, interfaces=("eni-00",)))
        await eventually_in_loop(lambda: serve.received.reports == [report(8, interfaces=("eni-00",))])
        assert serve.received.flow_events == [event]

    joined(tmp_path, scenario)
    assert (tmp_path / "authority.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_a_request_on_the_host_comes_by_the_vpc_endpoint_and_address_of_its_socket(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> list[bytes | None]:
        front = host.front()
        found = [await answer(front), await answer(front, GET, b"x" * 300_000, b"y")]
        found.append(await answer(front, AT_CREDENTIALS))
        assert (serve.bodies, serve.credentials) == ([0, 300_001], [("vpc-0a", CLIENT)])
        front.close()
        return found

    assert joined(tmp_path, scenario) == [b"ok"] * 3


def test_the_path_of_a_request_is_what_the_host_s_spec_says(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> list[NetworkPath]:
        front = host.front()
        await answer(front)
        front.close()
        return serve.paths

    path = NetworkPath(secure=False, vpc_id="vpc-0a", vpc_endpoint_id="vpce-0a", vpc_source_ip=CLIENT)
    assert joined(tmp_path, scenario) == [path]


def test_names_and_certificates_are_known_on_the_host(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> str:
        front = host.front()
        found = await front.ask("s3.amazonaws.com", 1)
        assert found.records is not None
        front.want_certificate(SECURE.endpoint_id)
        await eventually_in_loop(lambda: host.certificates)
        front.close()
        return found.records[0].value + host.certificates[0].pem

    assert joined(tmp_path, scenario) == "10.0.0.7" + "a certificate"


def test_many_lanes_at_once_each_get_a_connection(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> list[bytes | None]:
        front = host.front()
        slow = dataclasses.replace(GET, path="/slow")
        serve.go.clear()
        waiting = [asyncio.create_task(answer(front, slow)) for _ in range(12)]
        await eventually_in_loop(lambda: len(serve.paths) == len(waiting))
        serve.go.set()
        found = await asyncio.gather(*waiting)
        front.close()
        return found

    assert joined(tmp_path, scenario) == [b"ok"] * 12


@pytest.mark.costs(0.5, reason="8 MB pass through TLS")
def test_a_client_that_does_not_read_delays_only_itself(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> tuple[int, bytes | None]:
        front = host.front()
        lane = await front.open_lane()
        many = 128
        await lane.send((HEAD, write_head(dataclasses.replace(GET, query=str(many)))))
        await eventually_in_loop(lambda: serve.bodies)
        # Nothing takes the frames of this lane, so its 8 MB stay where they are.
        other = await answer(front)
        size = len(await rest(lane) or b"")
        lane.close()
        front.close()
        return size, other

    assert joined(tmp_path, scenario) == (128 * 65_536 + 2, b"ok")


def test_the_bytes_of_a_realtime_container_pass_both_ways(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> tuple[bytes, bytes]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        assert host.agent.send_realtime("rt-1", theirs)
        there = await eventually_in_loop(lambda: serve.received.sockets.get("rt-1"))
        there.setblocking(False)
        loop = asyncio.get_running_loop()
        with ours, there:
            await loop.sock_sendall(ours, b"ready")
            up = await loop.sock_recv(there, 9)
            await loop.sock_sendall(there, b"text")
            return up, await loop.sock_recv(ours, 9)

    assert joined(tmp_path, scenario) == (b"ready", b"text")


FORGED = {
    "an address that is not on the host": dataclasses.replace(GET, client="10.0.0.11"),
    "an endpoint that is not in the VPC": dataclasses.replace(GET, port=20_004),
    "credentials of an address elsewhere": dataclasses.replace(AT_CREDENTIALS, client="10.0.0.11"),
}


@pytest.mark.parametrize("head", FORGED.values(), ids=FORGED.keys())
def test_a_request_for_what_is_not_on_the_host_is_refused_and_logged(
    tmp_path: Path, head: Head, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(serve: Serve, host: Joined) -> tuple[bytes | None, bytes | None]:
        front = host.front()
        found = await answer(front, head), await answer(front)
        front.close()
        assert (len(serve.paths), serve.credentials) == (1, [])
        return found

    assert joined(tmp_path, scenario) == (None, b"ok")
    assert "its request is dropped" in caplog.text


def test_a_host_speaks_for_no_vpc_that_is_not_on_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(serve: Serve, host: Joined) -> None:
        front = host.front("vpc-0b")
        await eventually_in_loop(lambda: front.over)
        host.front().close()
        # A listener that the spec does not have is not answered, whatever the agent says.
        forged = dataclasses.replace(ENDPOINT, port=20_004)
        host.agent.send_listeners((*LABELS, forged, dataclasses.replace(ENDPOINT, vpc_id="vpc-0b")))
        host.agent.send_report(report())
        await eventually_in_loop(lambda: serve.received.reports)
        assert serve.received.known == LABELS

    joined(tmp_path, scenario)
    assert "speaks for vpc-0b, of which it has no part" in caplog.text


def test_what_leaves_the_spec_is_no_longer_answered(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> list[bytes | None]:
        front = host.front()
        found = [await answer(front)]
        serve.send(spec(8, endpoints=()))
        await eventually_in_loop(lambda: serve.listeners.labels == {CREDENTIALS})
        found.append(await answer(front))
        front.close()
        return found

    assert joined(tmp_path, scenario) == [b"ok", None]


def test_a_host_that_has_lost_its_lease_is_no_longer_answered(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> list[bytes | None]:
        front = host.front()
        found = [await answer(front)]
        serve.host.withdraw()
        await eventually_in_loop(lambda: not serve.listeners.labels)
        found.append(await answer(front))
        front.close()
        return found

    assert joined(tmp_path, scenario) == [b"ok", None]


def test_a_host_reports_only_its_own_interfaces_and_their_flows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(serve: Serve, host: Joined) -> None:
        own = dataclasses.replace(flow(1), interface_id="eni-00")
        other = dataclasses.replace(flow(2), interface_id="eni-99")
        elsewhere = dataclasses.replace(own, vpc_id="vpc-0b")
        host.agent.send_flows([own, other, elsewhere])
        host.agent.send_report(report(interfaces=("eni-00", "eni-99")))
        await eventually_in_loop(lambda: serve.received.reports)
        assert serve.received.flow_events == [own]
        assert serve.received.reports[0].interfaces == ("eni-00",)
        # Flows of an interface that has just left the spec still count, until a report says that it is gone.
        serve.send(dataclasses.replace(spec(8), network=dataclasses.replace(spec().network, vpcs=()), containers=()))
        host.agent.send_flows([own])
        host.agent.send_report(report(8))
        await eventually_in_loop(lambda: len(serve.received.reports) == 2)
        assert serve.received.flow_events == [own, own]
        host.agent.send_flows([own])
        host.agent.send_report(report(9))
        await eventually_in_loop(lambda: len(serve.received.reports) == 3)
        assert serve.received.flow_events == [own, own]

    joined(tmp_path, scenario)
    assert "eni-99, which is not placed on it" in caplog.text


def test_a_report_in_the_name_of_another_host_ends_the_conversation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(serve: Serve, host: Joined) -> None:
        host.agent.send_report(dataclasses.replace(report(), host="local"))
        await eventually_in_loop(lambda: "disconnected" in serve.received.events)
        await eventually_in_loop(lambda: serve.received.events.count("connected") == 2)
        assert serve.received.reports == []

    joined(tmp_path, scenario)
    assert "the host b reports as local" in caplog.text


def test_without_its_control_connection_a_host_gets_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(serve: Serve, host: Joined) -> bytes:
        await host.close()
        await eventually_in_loop(lambda: not serve.host.online)
        # A link that was taken over opens lanes all the same.
        said = [encode(Opening(Greeting(), LaneReady())), encode(LaneTaken("vpc-0a"))]
        head = write_head(GET)
        lane = HEAD + len(head).to_bytes(4, "big") + head
        return await spoken(serve, b"".join(len(each).to_bytes(4, "big") + each for each in said) + lane)

    assert joined(tmp_path, scenario) == b""
    assert "it is offline" in caplog.text


def test_without_serve_the_agent_has_no_server_and_everything_returns_with_it(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> bytes | None:
        front = host.front()
        assert await answer(front) == b"ok"
        await serve.close()
        await eventually_in_loop(lambda: front.over and not host.agent.connected())
        host.agent.send_flows([dataclasses.replace(flow(1), interface_id="eni-00")])
        again = Serve(serve.port)
        try:
            again.send(spec(8))
            await eventually_in_loop(host.agent.connected)
            assert host.agent.take_fresh()
            host.agent.send_flows([])
            host.agent.send_listeners(LABELS)
            second = host.front()
            await eventually_in_loop(lambda: again.received.flow_events)
            found = await answer(second)
            second.close()
            return found
        finally:
            await host.close()
            await again.close()

    assert joined(tmp_path, scenario) == b"ok"


def test_when_the_agent_ends_the_host_is_offline_until_the_next_one(tmp_path: Path) -> None:
    async def scenario(serve: Serve, host: Joined) -> None:
        host.end_agent()
        await eventually_in_loop(lambda: "disconnected" in serve.received.events)
        host.start_agent()
        await eventually_in_loop(lambda: serve.received.events.count("connected") == 2)
        await eventually_in_loop(lambda: host.agent.spec()[0] == spec())

    joined(tmp_path, scenario)


def test_a_host_that_does_not_belong_here_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        serve = Serve()
        serve.members.clear()
        host = Joined(tmp_path, serve.place)
        try:
            await eventually_in_loop(lambda: "does not accept this host: it does not belong" in caplog.text)
            assert not host.agent.connected()
        finally:
            await host.close()
            await serve.close()

    in_loop(run)


def test_a_link_does_not_tell_a_stranger_anything(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A server with a certificate of the installation that is not ``serve``'s, such as another host's."""

    async def run() -> None:
        stranger = socket.create_server(("127.0.0.1", 0))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_certificate(context, certified(HOST))
        told: list[bytes] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            told.append(await reader.read(1))

        server = await asyncio.start_server(talk, sock=stranger, ssl=context)
        host = Joined(tmp_path, f"127.0.0.1:{stranger.getsockname()[1]}")
        try:
            await eventually_in_loop(lambda: "certificate verify failed" in caplog.text)
            assert not any(told)
        finally:
            await host.close()
            server.close()

    in_loop(run)
