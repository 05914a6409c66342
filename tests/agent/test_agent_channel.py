"""The channel between the agent and the server, with real sockets."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.agent.channel import FLOWS_PER_FRAME, AgentChannel
from reading_room.agent.frames import FRAME_LIMIT, FrameReader, Greeting, Lease, LeaseRequest, read_greeting, send_frame
from reading_room.agent.spec import HostReport
from reading_room.codec import encode
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.channel import AgentConnection
from tests.worlds.agent import document
from tests.worlds.agent_messages import Received, flow
from tests.worlds.threads import refuse_first_starts
from tests.worlds.waiting import DEADLINE, eventually

MORE_THAN_A_FRAME = FLOWS_PER_FRAME + 1


class Conversation:
    """Both ends, connected."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.woken = threading.Event()
        self.agent = AgentChannel(path, os.geteuid(), None, self.woken.set)
        self.observed = Received()
        self.server = AgentConnection(path, self.observed)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.server.run, args=(self.stop,))
        self.thread.start()

    def close(self) -> None:
        self.stop.set()
        self.thread.join(DEADLINE)
        self.agent.close()
        assert not self.thread.is_alive()


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Conversation]:
    conversation = Conversation(tmp_path / "agent.sock")
    yield conversation
    conversation.close()


def label(number: int) -> ListenerLabel:
    return ListenerLabel("vpc-0a", "endpoint-http", "169.254.170.1", 20_000 + number, "vpce-0a")


def test_the_agent_gets_the_newest_spec_and_the_server_the_report(talk: Conversation) -> None:
    talk.server.send(document(generation=1))
    talk.server.send(document(generation=2))
    eventually(lambda: talk.agent.spec()[0] == document(generation=2))
    assert talk.woken.is_set()
    talk.agent.send_report(HostReport("local", 2))
    eventually(lambda: talk.observed.reports == [HostReport("local", 2)])


def test_a_spec_that_was_sent_is_not_sent_again(talk: Conversation) -> None:
    talk.server.send(document())
    eventually(lambda: talk.agent.spec()[0] is not None)
    first = talk.agent.spec()[0]
    talk.server.send(document())
    talk.agent.send_report(HostReport("local", 7))
    eventually(lambda: bool(talk.observed.reports))
    assert talk.agent.spec()[0] is first


def test_a_request_for_a_lease_is_answered_beside_the_spec(talk: Conversation) -> None:
    """Without a spec, and also after one, which stays."""
    eventually(talk.agent.connected)
    talk.agent.ask_for_lease(LeaseRequest(5, 0, held=True))
    eventually(lambda: talk.agent.take_leases() == (Lease(5, 10, 0),))
    talk.server.send(document())
    eventually(lambda: talk.agent.spec()[0] is not None)
    talk.agent.ask_for_lease(LeaseRequest(6, 0, held=False))
    eventually(lambda: talk.agent.take_leases() == (Lease(6, 10, 1),))
    assert talk.agent.spec() == (document(), "")


@pytest.mark.costs(0.3, reason="more flows than one frame takes are sent")
def test_flows_arrive_before_the_report_of_the_same_turn(talk: Conversation) -> None:
    eventually(talk.agent.connected)
    talk.agent.send_flows([flow(number) for number in range(MORE_THAN_A_FRAME)])
    talk.agent.send_report(HostReport("local", 1))
    eventually(lambda: "report" in talk.observed.events)
    assert len(talk.observed.flow_events) == MORE_THAN_A_FRAME
    assert talk.observed.flow_events[-1] == flow(MORE_THAN_A_FRAME - 1)


@pytest.mark.costs(0.3, reason="more flows than one frame takes are sent")
def test_the_sender_of_flows_is_called_when_the_server_has_them(talk: Conversation) -> None:
    eventually(talk.agent.connected)
    observed: list[int] = []
    talk.agent.send_flows([flow(number) for number in range(MORE_THAN_A_FRAME)], lambda: observed.append(1))
    eventually(lambda: bool(observed))
    eventually(lambda: len(talk.observed.flow_events) == MORE_THAN_A_FRAME)
    assert observed == [1]


def test_flows_without_a_server_are_sent_to_the_next_one(tmp_path: Path) -> None:
    agent = AgentChannel(tmp_path / "agent.sock", os.geteuid(), None, lambda: None)
    agent.send_flows([flow(1)])
    observed, stop = Received(), threading.Event()
    server = threading.Thread(target=AgentConnection(tmp_path / "agent.sock", observed).run, args=(stop,))
    server.start()
    eventually(agent.connected)
    agent.send_flows([])
    eventually(lambda: observed.flow_events == [flow(1)])
    stop.set()
    server.join(5)
    agent.close()


def test_the_list_of_listeners_is_sent_whole_and_again_only_when_it_changed(talk: Conversation) -> None:
    eventually(talk.agent.connected)
    talk.agent.send_listeners([label(number) for number in range(450)])
    eventually(lambda: len(talk.observed.known or ()) == 450)
    talk.agent.send_listeners([label(number) for number in range(450)])
    talk.agent.send_listeners([label(2), label(3)])
    eventually(lambda: talk.observed.known == (label(2), label(3)))
    assert talk.observed.events.count("listeners") == 2


def test_an_empty_list_of_listeners_is_a_list(talk: Conversation) -> None:
    eventually(talk.agent.connected)
    talk.agent.send_listeners([])
    eventually(lambda: "listeners" in talk.observed.events)
    assert talk.observed.known == ()


def test_the_channel_to_a_front_travels_with_the_vpc_that_the_agent_made_it_for(talk: Conversation) -> None:
    eventually(talk.agent.connected)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    assert talk.agent.send_front("vpc-0a", theirs)
    eventually(lambda: "vpc-0a" in talk.observed.fronts)
    with ours, talk.observed.fronts["vpc-0a"] as received:
        received.send(b"hello")
        assert ours.recv(5) == b"hello"


def test_the_end_of_a_realtime_container_travels_with_its_id(talk: Conversation) -> None:
    eventually(talk.agent.connected)
    ours, theirs = socket.socketpair()
    assert talk.agent.send_realtime("rt-1", ours)
    eventually(lambda: "rt-1" in talk.observed.sockets)
    theirs.sendall(b"ready")
    assert talk.observed.sockets["rt-1"].recv(5) == b"ready"
    theirs.close()
    talk.observed.sockets["rt-1"].close()


def test_after_a_reconnection_everything_is_sent_again(talk: Conversation) -> None:
    talk.server.send(document())
    eventually(talk.agent.connected)
    talk.agent.send_listeners([label(1)])
    eventually(lambda: talk.observed.known == (label(1),))
    talk.agent.close()
    eventually(lambda: talk.observed.events[-1] == "disconnected")
    talk.agent = AgentChannel(talk.path, os.geteuid(), None, lambda: None)
    eventually(talk.agent.connected)
    assert talk.agent.take_fresh()
    eventually(lambda: talk.agent.spec()[0] == document())
    talk.agent.send_listeners([label(1)])
    eventually(lambda: talk.observed.events.count("listeners") == 2)


@pytest.mark.parametrize("name", ["agent-channel", "agent-write"])
def test_a_thread_that_cannot_start_ends_only_a_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """On either side, lack of memory is no reason to stay alone for ever."""
    refused = refuse_first_starts(monkeypatch, name)
    conversation = Conversation(tmp_path / "agent.sock")
    conversation.server.send(document(generation=1))
    eventually(lambda: conversation.agent.spec()[0] == document(generation=1))
    conversation.agent.send_report(HostReport("local", 1))
    eventually(lambda: conversation.observed.reports == [HostReport("local", 1)])
    assert refused == set()
    conversation.close()


def test_a_new_server_replaces_the_one_before(talk: Conversation) -> None:
    eventually(talk.agent.take_fresh)
    observed, stop = Received(), threading.Event()
    second = threading.Thread(target=AgentConnection(talk.path, observed).run, args=(stop,))
    talk.stop.set()
    talk.thread.join(DEADLINE)
    second.start()
    try:
        # ``connected`` may still be about the previous one, whose end the agent has not read yet.
        eventually(talk.agent.take_fresh)
        talk.agent.send_report(HostReport("local", 1))
        eventually(lambda: bool(observed.reports))
    finally:
        stop.set()
        second.join(5)


def test_another_user_id_is_turned_away(tmp_path: Path) -> None:
    agent = AgentChannel(tmp_path / "agent.sock", os.geteuid() + 1, None, lambda: None)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(tmp_path / "agent.sock"))
        assert stranger.recv(1) == b""
    assert not agent.connected()
    agent.close()


def test_only_its_owner_may_open_the_socket(tmp_path: Path) -> None:
    agent = AgentChannel(tmp_path / "agent.sock", os.geteuid(), None, lambda: None)
    assert stat.S_IMODE((tmp_path / "agent.sock").stat().st_mode) == 0o600
    agent.close()


def test_a_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    conversation = Conversation(folder / "agent.sock")
    eventually(conversation.agent.connected)
    conversation.close()


def test_a_stop_right_after_the_connection_ends_it_as_well(tmp_path: Path) -> None:
    """This is before ``connected`` is called."""
    stop = threading.Event()

    class Stopped(AgentConnection):
        def _connect(self) -> socket.socket:
            connection = super()._connect()
            (watcher,) = (each for each in threading.enumerate() if each.name == "agent-stop")
            stop.set()
            watcher.join()
            return connection

    agent = AgentChannel(tmp_path / "agent.sock", os.geteuid(), None, lambda: None)
    thread = threading.Thread(target=Stopped(tmp_path / "agent.sock", Received()).run, args=(stop,), daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    agent.close()


def test_a_malformed_document_is_a_fault_and_the_previous_spec_stays(talk: Conversation) -> None:
    talk.server.send(document())
    eventually(lambda: talk.agent.spec()[0] is not None)
    talk.stop.set()
    talk.thread.join(DEADLINE)
    with socket.socket(socket.AF_UNIX) as hijacked:
        hijacked.connect(str(talk.path))
        send_frame(hijacked, encode(Greeting()))
        send_frame(hijacked, b'{"kind":"spec","body":{"command":"/bin/sh"}}')
        eventually(lambda: talk.agent.spec()[1] != "")
    assert talk.agent.spec()[0] == document()
    assert "HostSpec" in talk.agent.spec()[1]


@pytest.mark.parametrize(
    "sent", [(FRAME_LIMIT + 1).to_bytes(4, "big"), b"\x00\x00\x00\x05ab", b"\x00", b"\x00\x00\x00\x02{}"]
)
def test_a_frame_that_is_too_large_cut_or_no_greeting_ends_only_the_connection(talk: Conversation, sent: bytes) -> None:
    talk.stop.set()
    talk.thread.join(DEADLINE)
    with socket.socket(socket.AF_UNIX) as hijacked:
        hijacked.connect(str(talk.path))
        eventually(talk.agent.connected)
        hijacked.sendall(sent)
        hijacked.shutdown(socket.SHUT_WR)
        hijacked.settimeout(DEADLINE)
        reader = FrameReader(hijacked, take_descriptors=False)
        while (greeting := reader.read()) is not None:
            assert read_greeting(greeting) == Greeting()
    eventually(lambda: not talk.agent.connected())
    assert talk.agent.spec() == (None, "")


def test_descriptors_that_a_server_sends_are_not_taken(talk: Conversation) -> None:
    talk.stop.set()
    talk.thread.join(DEADLINE)
    before = len(os.listdir("/proc/self/fd"))
    with socket.socket(socket.AF_UNIX) as hijacked, open("/dev/null") as something:
        hijacked.connect(str(talk.path))
        eventually(talk.agent.connected)
        send_frame(hijacked, encode(Greeting()))
        socket.send_fds(hijacked, [b"\x00\x00\x00\x02{}"], [something.fileno()] * 50)
        eventually(lambda: talk.agent.spec()[1] != "")
        assert len(os.listdir("/proc/self/fd")) < before + 10


def test_a_server_that_does_not_read_never_holds_up_the_agent(talk: Conversation) -> None:
    eventually(talk.agent.take_fresh)
    talk.stop.set()
    talk.thread.join(DEADLINE)
    with socket.socket(socket.AF_UNIX) as stalled:
        stalled.connect(str(talk.path))
        eventually(talk.agent.take_fresh)
        # More than a socket holds: a caller that waited until it is read would wait for ever.
        for _ in range(3):
            talk.agent.send_flows([flow(number) for number in range(2_000)])
            talk.agent.send_report(HostReport("local", 1, interfaces=("eni-0a",) * 10_000))
