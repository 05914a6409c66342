"""The processes that read what VPCs send: their users, their permissions, and their lives."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room import landlock
from reading_room.agent.fronts import IDLE_SECONDS, FrontProcesses, FrontUsers
from reading_room.codec import decode
from reading_room.containers.users import UserIds
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.front.records import FromFront, Head, LaneOpened, read_head
from tests.worlds.waiting import DEADLINE, eventually

REQUEST = b"GET /bucket/key?list-type=2 HTTP/1.1\r\nHost: s3.amazonaws.com\r\nX-Told: 1\r\n\r\n"


class World:
    """Fronts, and a server that only receives."""

    def __init__(self, users: UserIds | None = None) -> None:
        self.seconds = 1000.0
        self.fronts = FrontProcesses(FrontUsers(users), clock=lambda: self.seconds)
        self.channels: dict[str, socket.socket] = {}
        self.listeners: dict[ListenerLabel, socket.socket] = {}

    def listen(self, vpc_id: str) -> int:
        """Open a listener of a VPC; return its port."""
        sock = socket.create_server(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        self.listeners[ListenerLabel(vpc_id, "endpoint-http", "127.0.0.1", port, "vpce-1")] = sock
        return port

    def arrange(self, *vpcs: str, fresh: bool = False) -> None:
        """Take a turn."""
        self.fronts.arrange(set(vpcs), self.listeners)
        self.fronts.attach(self._take, fresh=fresh)

    def _take(self, vpc_id: str, end: socket.socket) -> bool:
        end.settimeout(DEADLINE)
        self.channels[vpc_id] = end
        return True

    def received(self, vpc_id: str) -> tuple[Head, socket.socket]:
        """Return the next request of a new lane, and the lane."""
        message, descriptors, _, _ = socket.recv_fds(self.channels[vpc_id], 65_536, 1)
        assert decode(FromFront, message).body == LaneOpened()
        lane = socket.socket(fileno=descriptors[0])
        lane.settimeout(DEADLINE)
        frame = lane.recv(65_536)
        assert frame[:1] == b"h"
        return read_head(frame[5:]), lane

    def close(self) -> None:
        """End everything."""
        self.fronts.close()
        for sock in (*self.channels.values(), *self.listeners.values()):
            sock.close()


@pytest.fixture
def world() -> Iterator[World]:
    """Fronts of this user."""
    made = World()
    yield made
    made.close()


def asking(port: int) -> socket.socket:
    """Send a request; return the connection."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    connection.sendall(REQUEST)
    return connection


@pytest.mark.costs(3, reason="a process is started and loads what it needs")
def test_a_front_passes_requests_on_as_records_and_returns_the_answers(world: World) -> None:
    port = world.listen("vpc-1")
    world.arrange("vpc-1")
    with asking(port) as client:
        head, lane = world.received("vpc-1")
        assert (head.method, head.path, head.query) == ("GET", "/bucket/key", "list-type=2")
        assert (head.client, head.port, head.body) == ("127.0.0.1", port, False)
        assert (b"x-told", b"1") in zip(head.headers[::2], head.headers[1::2], strict=True)
        reply = b"404\0content-length\n4"
        with lane:
            lane.sendall(b"r" + len(reply).to_bytes(4, "big") + reply + b"l" + (4).to_bytes(4, "big") + b"none")
            assert client.recv(100).startswith(b"HTTP/1.1 404")


@pytest.mark.costs(3, reason="a process is started and loads what it needs")
def test_a_front_that_ends_is_replaced_and_its_vpc_served_again(world: World) -> None:
    port = world.listen("vpc-1")
    world.arrange("vpc-1")
    with asking(port):
        world.received("vpc-1")[1].close()
    first = world.fronts.processes()["vpc-1"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: [each for each in world.fronts.descriptors() if _readable(each)])
    world.arrange("vpc-1")
    assert world.fronts.processes()["vpc-1"] != first
    with asking(port):
        world.received("vpc-1")[1].close()


@pytest.mark.costs(3, reason="two processes are started")
def test_every_vpc_has_its_own_front(world: World) -> None:
    first, second = world.listen("vpc-1"), world.listen("vpc-2")
    world.arrange("vpc-1", "vpc-2")
    assert len(set(world.fronts.processes().values())) == 2
    for vpc_id, port in (("vpc-2", second), ("vpc-1", first)):
        with asking(port):
            head, lane = world.received(vpc_id)
            lane.close()
            assert head.port == port


@pytest.mark.costs(3, reason="a process is started and loads what it needs")
def test_a_front_outlives_its_containers_for_a_while_and_then_ends(world: World) -> None:
    world.listen("vpc-1")
    world.arrange("vpc-1")
    world.arrange()
    assert set(world.fronts.processes()) == {"vpc-1"}
    world.seconds += IDLE_SECONDS + 1
    world.arrange()
    assert world.fronts.processes() == {}
    eventually(lambda: not _turned(world))


@pytest.mark.costs(3, reason="a process is started and loads what it needs")
def test_a_front_has_no_rights_and_only_the_calls_that_it_needs(world: World) -> None:
    port = world.listen("vpc-1")
    world.arrange("vpc-1")
    with asking(port):
        world.received("vpc-1")[1].close()
    status = Path(f"/proc/{world.fronts.processes()['vpc-1']}/status").read_text()
    assert "NoNewPrivs:\t1\n" in status
    assert "Seccomp:\t2\n" in status


def everybody_may_run(program: Path) -> bool:
    """Return whether everybody can reach a program: the agent makes it reachable for its children, a test does not."""
    return all(folder.stat().st_mode & 0o001 for folder in program.resolve().parents)


@pytest.mark.skipif(os.geteuid() != 0, reason="user ids are root's to give")
@pytest.mark.skipif(not everybody_may_run(Path(sys.executable)), reason="this Python is in a folder of root's own")
@pytest.mark.costs(3, reason="two processes are started")
def test_fronts_have_their_own_user_ids(request: pytest.FixtureRequest) -> None:
    users = UserIds(61_500, 60)
    world = World(users)
    request.addfinalizer(world.close)
    world.arrange("vpc-1", "vpc-2")
    ids = [Path(f"/proc/{pid}").stat().st_uid for pid in world.fronts.processes().values()]
    assert len(set(ids)) == 2
    assert set(ids) <= set(users.fronts)


@pytest.mark.skipif(os.geteuid() != 0, reason="user ids are root's to give")
@pytest.mark.skipif(not everybody_may_run(Path(sys.executable)), reason="this Python is in a folder of root's own")
@pytest.mark.costs(3, reason="a process is started")
def test_a_vpc_without_a_user_id_for_its_front_has_a_problem_and_others_go_on(
    request: pytest.FixtureRequest,
) -> None:
    world = World(UserIds(61_600, 6))
    request.addfinalizer(world.close)
    world.arrange("vpc-1")
    world.seconds += 10
    world.arrange("vpc-1", "vpc-2")
    assert set(world.fronts.processes()) == {"vpc-1"}
    assert set(world.fronts.problems()) == {"vpc-2"}


needs_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
FORBIDDEN = """
import errno, os, socket
from reading_room.hosts.front.process import give_up_rights
give_up_rights()
def attempt():
    WHAT
try:
    attempt()
except OSError as error:
    os._exit(7 if error.errno in (errno.EPERM, errno.EACCES) else 8)
os._exit(0)
"""


@pytest.mark.costs(1, reason="a process is started")
@pytest.mark.parametrize(
    "what",
    [
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 0)",
        "os.mkdir('/tmp/made-by-a-front')",
        "os.unlink('/tmp/nothing-there')",
        "os.chmod('/tmp', 0o1777)",
        "os.setuid(0)",
        pytest.param("open('/etc/passwd')", marks=needs_landlock),
        pytest.param("open('/proc/self/environ')", marks=needs_landlock),
        pytest.param("os.listdir('/')", marks=needs_landlock),
    ],
)
def test_calls_that_a_front_does_not_need_are_refused(what: str) -> None:
    ended = subprocess.run([sys.executable, "-c", FORBIDDEN.replace("WHAT", what)], check=False)
    assert ended.returncode == 7, what


def _readable(descriptor: int) -> Any:
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return poll.poll(0)


def _turned(world: World) -> Any:
    """Take a turn; return the processes that still exist."""
    world.arrange()
    return world.fronts.descriptors()
