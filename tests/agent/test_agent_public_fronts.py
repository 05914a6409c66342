"""The fronts of listen addresses outside of VPCs, as ``serve`` asks the agent for them: real processes and sockets."""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.agent.frames import connected
from reading_room.agent.fronts import FrontUsers
from reading_room.agent.public_fronts import SERVERS, PublicFronts
from reading_room.agent.public_listeners import DOCUMENT_LIMIT, SOCKET, FromServe, Replace, Started, Wanted
from reading_room.codec import decode, encode
from reading_room.hosts.front.records import FromFront, FromServer, Head, LaneOpened, Listen, read_head
from tests.worlds.waiting import DEADLINE, eventually

APIS = encode(FromServe(Wanted(("apis",))))


class Serve:
    """A ``serve`` that has connected to the agent."""

    def __init__(self, folder: Path) -> None:
        self.connection = connected(folder / SOCKET, socket.SOCK_SEQPACKET)
        self.connection.settimeout(DEADLINE)

    def started(self) -> tuple[str, socket.socket]:
        """Return the listener of the next front, and the channel to it."""
        document, descriptors, _, _ = socket.recv_fds(self.connection, DOCUMENT_LIMIT, 1)
        channel = socket.socket(fileno=descriptors[0])
        channel.settimeout(DEADLINE)
        return decode(Started, document).listener, channel

    def is_dropped(self) -> bool:
        """Wait for the end of the connection."""
        try:
            return self.connection.recv(1) == b""
        except ConnectionError:
            return True


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[PublicFronts]:
    """The part of an agent that starts them."""
    found = PublicFronts(tmp_path, os.geteuid(), None, FrontUsers(None))
    found.start()
    yield found
    found.close()


def asked(port: int) -> socket.socket:
    """Send a request; return the connection."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    connection.sendall(b"GET /a HTTP/1.1\r\nHost: here\r\n\r\n")
    return connection


def received(channel: socket.socket) -> Head:
    """Return the next request of a new lane, which is then closed."""
    message, descriptors, _, _ = socket.recv_fds(channel, 65_536, 1)
    assert decode(FromFront, message).body == LaneOpened()
    with socket.socket(fileno=descriptors[0]) as lane:
        lane.settimeout(DEADLINE)
        return read_head(lane.recv(65_536)[5:])


def listen(channel: socket.socket, sock: socket.socket) -> None:
    """Give a front a listening socket."""
    socket.send_fds(channel, [encode(FromServer(Listen(False, None, ())))], [sock.fileno()])


@pytest.mark.costs(4, reason="three processes are started, one after the other")
def test_a_front_serves_the_socket_of_serve_and_is_replaced_and_ended_with_it(agent: PublicFronts) -> None:
    serve = Serve(agent.folder)
    serve.connection.send(APIS)
    name, channel = serve.started()
    assert name == "apis"
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        listen(channel, sock)
        with asked(port):
            head = received(channel)
            assert (head.kind, head.client, head.path, head.address) == ("public", "127.0.0.1", "/a", "")
        (front,) = processes(agent)
        os.kill(front, signal.SIGKILL)
        assert channel.recv(1) == b""
        _, second = serve.started()
        listen(second, sock)
        with asked(port):
            assert received(second).path == "/a"
        serve.connection.send(encode(FromServe(Replace("apis"))))
        assert second.recv(1) == b""
        _, third = serve.started()
        listen(third, sock)
        with asked(port):
            assert received(third).path == "/a"
        (front,) = processes(agent)
    ended = os.pidfd_open(front)
    serve.connection.close()
    assert select.select([ended], [], [], DEADLINE)[0]
    os.close(ended)
    # Nothing listens there any more, so that the next serve can.
    socket.create_server(("127.0.0.1", port)).close()


def processes(agent: PublicFronts) -> list[int]:
    """Return the processes of the fronts that run."""
    places = [place for server in agent._servers for place in (server.places or {}).values()]
    return [place.front.process.pid for place in places if place.front is not None]


@pytest.mark.costs(4, reason="two processes are started")
def test_each_listener_has_a_front_without_rights(agent: PublicFronts) -> None:
    serve = Serve(agent.folder)
    serve.connection.send(encode(FromServe(Wanted(("apis", "metrics")))))
    channels = dict(serve.started() for _ in range(2))
    assert set(channels) == {"apis", "metrics"}
    for channel in channels.values():
        with socket.create_server(("127.0.0.1", 0)) as sock:
            listen(channel, sock)
            with asked(sock.getsockname()[1]):
                received(channel)
    for process in processes(agent):
        status = Path(f"/proc/{process}/status").read_text()
        assert "NoNewPrivs:\t1\n" in status
        assert "Seccomp:\t2\n" in status


@pytest.mark.parametrize(
    "document",
    [
        b"x",
        b"\xff",
        b"[" * 2_000,
        b" " * (DOCUMENT_LIMIT + 1),
        encode(FromServe(Wanted(("apis", "apis")))),
        encode(FromServe(Replace("apis"))),
        APIS.replace(b"apis", b"vpc-1"),
    ],
    ids=["no document", "no text", "deep", "long", "twice", "none to replace", "a VPC"],
)
def test_what_is_no_request_ends_only_its_connection(agent: PublicFronts, document: bytes) -> None:
    bad, good = Serve(agent.folder), Serve(agent.folder)
    bad.connection.send(document)
    assert bad.is_dropped()
    good.connection.send(APIS)
    assert good.started()[0] == "apis"


def test_descriptors_of_serve_are_not_taken(agent: PublicFronts) -> None:
    serve = Serve(agent.folder)
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            socket.send_fds(serve.connection, [APIS], [theirs.fileno()])
        serve.started()
        assert ours.recv(1) == b""


def test_more_servers_than_a_host_has_are_refused(agent: PublicFronts) -> None:
    servers = [Serve(agent.folder) for _ in range(SERVERS)]
    eventually(lambda: len(agent._servers) == SERVERS)
    assert Serve(agent.folder).is_dropped()
    servers[0].connection.close()
    eventually(lambda: len(agent._servers) < SERVERS)


def test_another_user_cannot_ask_for_fronts(tmp_path: Path) -> None:
    agent = PublicFronts(tmp_path, os.geteuid() + 1, None, FrontUsers(None))
    agent.start()
    assert stat.S_IMODE((tmp_path / SOCKET).stat().st_mode) == 0o600
    assert Serve(tmp_path).is_dropped()
    agent.close()
    assert not (tmp_path / SOCKET).exists()
