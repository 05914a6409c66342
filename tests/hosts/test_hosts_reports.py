"""A bad value in a report affects only the container that it is about."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.agent.channel import AgentChannel
from reading_room.agent.frames import Flows, FromAgent
from reading_room.agent.spec import HostReport
from reading_room.analysis.job_file import Done, Failed, Progress, Ready
from reading_room.codec import DocumentError, encode
from reading_room.containers.spec import ContainerState
from reading_room.dataplane.spec import Problem
from reading_room.hosts.channel import AgentConnection
from reading_room.hosts.reports import read
from tests.worlds.agent_messages import Received, flow
from tests.worlds.waiting import DEADLINE, eventually

INNOCENT = ContainerState("job-1-1", "running", messages=(Ready(), Progress(3, 9)))
OTHER = ContainerState("job-2-1", "exited", 0, messages=(Ready(), Done(3, 0, 1, "ab" * 32)))
REPORT = HostReport("local", 3, ("vpc-0a",), ("eni-0a",), (INNOCENT, OTHER), problems=(Problem("x", "y"),))


def changed(body: Any, change: Any) -> bytes:
    """Return a document of the agent with something changed in its body."""
    members = json.loads(encode(FromAgent(body)))
    change(members["body"])
    return json.dumps(members).encode()


def test_a_document_that_can_be_read_has_no_fault() -> None:
    assert read(encode(FromAgent(REPORT))) == (FromAgent(REPORT), ())


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["messages"][1].update(documents=1 << 64),
        lambda state: state["messages"][1].update(documents="3"),
        lambda state: state["messages"].append({"type": "Failed", "code": "X", "message": "\ud800"}),
        lambda state: state.update(diagnostics="\udfff"),
        lambda state: state.update(phase="asleep"),
        lambda state: state.pop("exit_code"),
        lambda state: state.update(command="sh"),
    ],
)
def test_only_a_container_with_an_unreadable_state_has_failed(change: Any) -> None:
    document = changed(REPORT, lambda body: change(body["containers"][0]))
    message, (fault,) = read(document)
    assert isinstance(message.body, HostReport)
    failed, other = message.body.containers
    assert (failed.container_id, failed.phase, failed.exit_code) == ("job-1-1", "exited", 1)
    (said,) = failed.messages
    assert isinstance(said, Failed)
    assert "cannot be read" in said.message
    assert other == OTHER
    assert message.body.problems == REPORT.problems
    assert "container job-1-1 cannot be read" in fault


@pytest.mark.parametrize("odd", [7, None, {}, {"container_id": 1 << 70}, {"container_id": "\ud800"}])
def test_a_state_without_a_container_id_is_left_out(odd: Any) -> None:
    message, (fault,) = read(changed(REPORT, lambda body: body["containers"].append(odd)))
    assert message == FromAgent(REPORT)
    assert fault.startswith("one of the containers in its report cannot be read")


def test_a_problem_a_network_and_a_flow_that_cannot_be_read_are_left_out() -> None:
    message, faults = read(
        changed(
            REPORT, lambda body: (body["problems"].append(1), body["vpcs"].append(2), body["interfaces"].append({}))
        )
    )
    assert message == FromAgent(REPORT)
    assert len(faults) == 3
    flows = Flows((flow(1), flow(2)))
    message, faults = read(changed(flows, lambda body: body["events"].insert(1, {"bytes": 1 << 80})))
    assert message == FromAgent(flows)
    assert len(faults) == 1


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"body": 1}',
        b'{"body": {"type": "HostReport"}}',
        b'{"body": {"type": "Popen"}}',
        b"[" * 9999,
    ],
)
def test_a_malformed_document_of_an_agent_is_refused(document: bytes) -> None:
    with pytest.raises(DocumentError):
        read(document)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_no_value_in_place_of_a_container_makes_the_report_unreadable(value: Any) -> None:
    message, _ = read(changed(REPORT, lambda body: body["containers"].append(value)))
    assert isinstance(message.body, HostReport)
    assert message.body.containers[:2] == (INNOCENT, OTHER)


def test_a_bad_value_is_logged_and_the_connection_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    agent = AgentChannel(tmp_path / "agent.sock", os.geteuid(), None, lambda: None)
    received, stop = Received(), threading.Event()
    server = threading.Thread(target=AgentConnection(tmp_path / "agent.sock", received).run, args=(stop,))
    server.start()
    try:
        eventually(agent.connected)
        # Our agents never send such a value: only one that was taken over does.
        wide = ContainerState("job-3-1", "running", messages=(Ready(), Progress(1 << 64)))
        with caplog.at_level(logging.ERROR):
            agent.send_report(HostReport("local", 4, containers=(wide, OTHER)))
            eventually(lambda: bool(received.reports))
        assert received.reports[0].containers[1] == OTHER
        assert "container job-3-1 cannot be read" in caplog.text
        assert received.events == ["connected", "report"]
    finally:
        stop.set()
        server.join(DEADLINE)
        agent.close()
