"""The whole agent with a real network and real containers: started, killed, taken over, ended; as root and not."""

from __future__ import annotations

import ctypes
import os
import platform
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from reading_room.agent.frames import Greeting, Lease, LeaseRequest
from reading_room.agent.holder import subordinate_ids
from reading_room.agent.spec import HostReport, HostSpec, StandbyCount
from reading_room.containers.processes import descendants, start_time
from reading_room.dataplane.spec import FlowEvent, ListenerLabel
from reading_room.hosts.channel import AgentConnection
from tests.worlds.agent import container, document, interface, vpc
from tests.worlds.container_driver_process import AUTHORITY
from tests.worlds.waiting import DEADLINE, eventually, settled

pytestmark = pytest.mark.network

HOLDER = Path(__file__).parents[1] / "worlds" / "container_holder.py"
PROGRAM = Path(__file__).with_name("agent_process.py")
AHEAD = (StandbyCount("dominant-language", 1),)
SET_THREADS_USER = {"x86_64": 117, "aarch64": 147}


def empty(generation: int, **changes: object) -> HostSpec:
    """Return a spec for the VPC without anything in it."""
    return document(
        generation=generation, vpcs=(vpc(()),), containers=(), **({"standby": (), "realtime": ()} | changes)
    )


class Server:
    """The server's end, for the user that the agent allows; it remembers the agent's messages."""

    def __init__(self, folder: Path, user: int) -> None:
        self.reports: list[HostReport] = []
        self.labels: tuple[ListenerLabel, ...] = ()
        self.sockets: list[socket.socket] = []
        self.flow_events: list[FlowEvent] = []
        self.stop = threading.Event()
        self.connection = AgentConnection(folder / "agent.sock", self)
        self.thread = threading.Thread(target=self._run, args=(user,))
        self.thread.start()

    def _run(self, user: int) -> None:
        if user != os.geteuid():
            # The effective user id of this thread alone: it is what the agent sees of its peer.
            assert ctypes.CDLL(None).syscall(SET_THREADS_USER[platform.machine()], -1, user, -1) == 0
        self.connection.run(self.stop)

    def connected(self, agent: Greeting) -> None: ...

    def disconnected(self) -> None: ...

    def report(self, report: HostReport) -> None:
        self.reports.append(report)

    def flows(self, events: Sequence[FlowEvent]) -> None:
        self.flow_events.extend(events)

    def listeners(self, labels: Sequence[ListenerLabel]) -> None:
        self.labels = tuple(labels)

    def front(self, vpc_id: str, sock: socket.socket) -> None:
        """Close this end, so that requests for credentials fail at once. A job of these tests has none."""
        sock.close()

    def lease(self, request: LeaseRequest) -> Lease | None: ...

    def realtime(self, container_id: str, sock: socket.socket) -> None:
        self.sockets.append(sock)

    def until(self, condition: Callable[[HostReport], bool]) -> HostReport:
        """Wait for a report; return it."""

        def newest() -> HostReport | None:
            return next((report for report in self.reports[-1:] if condition(report)), None)

        try:
            return eventually(newest)
        except AssertionError as error:
            raise AssertionError(f"the last report: {self.reports[-1:]}") from error

    def close(self) -> None:
        self.stop.set()
        self.thread.join(DEADLINE)
        for each in self.sockets:
            each.close()


class World:
    """An agent in a holder, and its server."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.user = os.geteuid() if kind == "root" or os.geteuid() else pwd.getpwnam("daemon").pw_uid
        self.folder = Path(tempfile.mkdtemp(prefix="agent-"))
        (self.folder / "authority.pem").write_text(AUTHORITY)
        os.chown(self.folder / "authority.pem", self.user, -1)
        # An agent covers private folders, maybe this checkout's: the next one's program must be elsewhere.
        self.program = self.folder / PROGRAM.name
        shutil.copyfile(PROGRAM, self.program)
        self.start()
        self.server = Server(self.folder, self.user)

    def start(self) -> None:
        command = [sys.executable, str(HOLDER), str(self.folder), self.kind, str(self.program), str(self.folder)]
        self.process = subprocess.Popen([*command, str(self.user)])

    def agent(self) -> int:
        """Return the agent's own process."""

        def found() -> int | None:
            for pid in descendants(self.process.pid):
                if str(self.program) in Path(f"/proc/{pid}/cmdline").read_bytes().decode():
                    return pid
            return None

        return eventually(found, what="the agent's process")

    def kill(self) -> None:
        """Kill the agent as a crash would; the holder stays."""
        (self.folder / "keep-holder").touch()
        os.kill(self.agent(), signal.SIGKILL)
        self.process.wait(DEADLINE)
        (self.folder / "keep-holder").unlink()

    def close(self) -> None:
        if self.process.poll() is None:
            os.kill(self.agent(), signal.SIGTERM)
            self.process.wait(DEADLINE)
        self.server.close()
        shutil.rmtree(self.folder)


ROOT = os.geteuid() == 0
KINDS = ("root", "rootless", "subordinate") if ROOT else ("subordinate" if subordinate_ids() else "rootless",)


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Start an agent of each kind that this user can start."""
    started = World(request.param)
    yield started
    started.close()


@pytest.mark.costs(4.5, reason="an agent is killed and started again, with a container that runs on")
def test_a_job_gets_its_interface_survives_the_agent_and_leaves_with_its_spec(world: World) -> None:
    server = world.server
    server.connection.send(empty(7, standby=AHEAD))
    server.until(lambda report: report.standby == AHEAD)
    server.connection.send(document(generation=8, standby=AHEAD, realtime=()))
    report = server.until(lambda report: report.generation == 8 and bool(report.containers))
    assert report.problems == ()
    assert report.interfaces == ("eni-00",)
    assert [(state.phase, state.started_ahead) for state in report.containers] == [("running", True)]
    assert {label.kind for label in server.labels} >= {"resolver-udp", "credentials", "endpoint-https"}
    world.kill()
    server.reports.clear()
    world.start()
    report = server.until(lambda report: report.generation == 8)
    assert [(state.phase, state.started_ahead) for state in report.containers] == [("running", True)]
    assert report.interfaces == ("eni-00",)
    assert report.problems == ()
    server.connection.send(empty(9))
    report = server.until(lambda report: report.generation == 9 and not report.interfaces)
    assert report.containers == ()
    assert report.standby == ()


@pytest.mark.costs(6.5, reason="a container is started, which loads its engine before it stops")
def test_a_job_that_is_stopped_before_its_time_ends(world: World) -> None:
    server = world.server
    server.connection.send(document(generation=8, standby=(), realtime=()))
    server.until(lambda report: any(state.phase == "running" for state in report.containers))
    server.connection.send(document(generation=9, standby=(), realtime=(), containers=(container(stop=True),)))
    report = server.until(lambda report: any(state.phase == "exited" for state in report.containers))
    assert report.containers[0].exit_code in (0, 1)


def test_a_document_that_breaks_an_invariant_changes_nothing(world: World) -> None:
    server = world.server
    server.connection.send(empty(7))
    server.until(lambda report: report.generation == 7 and bool(report.vpcs))
    server.connection.send(document(generation=8, vpcs=(vpc((interface(address="10.0.0.1"),)),)))
    report = server.until(lambda report: bool(report.refused))
    assert (report.generation, report.vpcs, report.interfaces) == (7, ("vpc-0a",), ())


def test_a_terminated_agent_ends_everything(world: World) -> None:
    server = world.server
    server.connection.send(document(generation=8, standby=AHEAD))
    server.until(lambda report: bool(report.standby) and bool(report.realtime) and bool(report.containers))
    below = descendants(world.agent())
    assert len(below) > 10
    os.kill(world.agent(), signal.SIGTERM)
    assert world.process.wait(DEADLINE) == 0
    settled(lambda: {"processes": [pid for pid in below if start_time(pid)]})


def test_the_agent_ends_with_its_holder(world: World) -> None:
    world.server.connection.send(document(generation=8, standby=AHEAD, realtime=()))
    world.server.until(lambda report: bool(report.containers))
    below = descendants(world.agent())
    (holder,) = (pid for pid in descendants(world.process.pid) if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(holder, signal.SIGKILL)
    assert world.process.wait(DEADLINE) == 3
    settled(lambda: {"processes": [pid for pid in below if start_time(pid)]})
