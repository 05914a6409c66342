"""While an upgrade restarts one process after the other, agent and serve of two versions understand each other.

The newer version is this one with a member more in spec and report. It runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import reading_room
from reading_room.agent.channel import AgentChannel
from reading_room.agent.frames import Flows, FromAgent
from reading_room.agent.spec import HostReport
from reading_room.analysis.job_file import Ready
from reading_room.codec import DocumentError, decode, encode, later
from reading_room.containers.spec import ContainerState
from reading_room.hosts import reports
from reading_room.hosts.channel import AgentConnection
from reading_room.versions import DOCUMENTS, VERSION
from tests.worlds.agent import document
from tests.worlds.agent_messages import Received, flow
from tests.worlds.document_forms import forms, misunderstandings
from tests.worlds.waiting import DEADLINE, eventually

RECORDED = {
    int(path.stem.rpartition("_")[2]): path for path in Path(__file__).with_name("data").glob("documents_*.json")
}
PACKAGE = Path(next(iter(reading_room.__path__)))
TESTS = Path(__file__).resolve().parents[2]
NEWER = "99.0.0"
AGENT = """
import sys, os, threading
from pathlib import Path
from reading_room.agent.channel import AgentChannel
from reading_room.agent.spec import HostReport

woken = threading.Event()
agent = AgentChannel(Path(sys.argv[1]), os.geteuid(), None, woken.set)
print("ready", flush=True)
while agent.spec()[0] is None:
    woken.wait()
    woken.clear()
print(agent.spec()[0].sealed, flush=True)
agent.send_report(HostReport("local", 7, ("vpc-0a",), heat=40))
sys.stdin.read()
"""
SERVE = """
import sys, threading
from dataclasses import replace
from pathlib import Path
from reading_room.hosts.channel import AgentConnection
from tests.worlds.agent import document
from tests.worlds.agent_messages import Received

serve = AgentConnection(Path(sys.argv[1]), Received())
threading.Thread(target=serve.run, args=(threading.Event(),), daemon=True).start()
serve.send(document(generation=1))
sys.stdin.readline()
serve.send(replace(document(generation=2), sealed=True))
sys.stdin.read()
"""


@dataclass(frozen=True)
class Before:
    """A document of one version."""

    number: int


@dataclass(frozen=True)
class After:
    """The same document of a later version."""

    number: int
    text: str = later("")


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a version whose spec and report have a member more."""
    folder = tmp_path_factory.mktemp("newer")
    for place in (folder / "reading_room", folder / "reading_room" / "agent"):
        place.mkdir()
        for path in (PACKAGE / place.relative_to(folder / "reading_room")).iterdir():
            if path.name not in ("agent", "spec.py", "versions.py", "__pycache__"):
                (place / path.name).symlink_to(path)
    text = (PACKAGE / "versions.py").read_text()
    text = text.replace(f'VERSION = "{VERSION}"', f'VERSION = "{NEWER}"')
    text = text.replace(f"DOCUMENTS = {DOCUMENTS}\n", f"DOCUMENTS = {DOCUMENTS + 1}\n")
    (folder / "reading_room" / "versions.py").write_text(text)
    text = (PACKAGE / "agent" / "spec.py").read_text()
    for last, added in (
        ("    realtime: tuple[RealtimeSpec, ...] = ()\n", "    sealed: bool = later(False)\n"),
        ("    usage: HostUsage | None = None\n", "    heat: int = later(0)\n"),
    ):
        assert text.count(last) == 1
        text = text.replace(last, last + added)
    text = text.replace("\n@dataclass", "\nfrom reading_room.codec import later\n\n\n@dataclass", 1)
    (folder / "reading_room" / "agent" / "spec.py").write_text(text)
    return folder


@contextmanager
def running(newer: Path, script: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a script of the newer version, which ends when its input does."""
    environment = os.environ | {"PYTHONPATH": f"{newer}:{TESTS}"}
    argv = [sys.executable, "-c", script, str(path)]
    process = subprocess.Popen(argv, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.costs(3, reason="a process of another version is started")
def test_serve_reads_the_report_of_a_newer_agent_which_reads_its_spec(newer: Path, tmp_path: Path) -> None:
    heard, stop = Received(), threading.Event()
    serve = AgentConnection(tmp_path / "agent.sock", heard)
    serve.send(document())
    with running(newer, AGENT, tmp_path / "agent.sock") as agent:
        assert agent.stdout is not None
        assert agent.stdout.readline() == "ready\n"
        thread = threading.Thread(target=serve.run, args=(stop,))
        thread.start()
        assert agent.stdout.readline() == "False\n"
        eventually(lambda: heard.reports == [HostReport("local", 7, ("vpc-0a",))])
        assert [agent.program for agent in heard.agents] == [NEWER]
        stop.set()
        thread.join(DEADLINE)


@pytest.mark.costs(3, reason="a process of another version is started")
def test_an_agent_refuses_only_the_spec_of_a_newer_serve_that_asks_for_more(newer: Path, tmp_path: Path) -> None:
    """What is in force stays, and the reason says which process to restart."""
    agent = AgentChannel(tmp_path / "agent.sock", os.geteuid(), None, lambda: None)
    with running(newer, SERVE, tmp_path / "agent.sock") as serve:
        eventually(lambda: agent.spec() == (document(generation=1), ""))
        assert serve.stdin is not None
        serve.stdin.write("\n")
        serve.stdin.flush()
        eventually(lambda: bool(agent.spec()[1]))
    spec, fault = agent.spec()
    assert spec == document(generation=1)
    assert "'sealed'" in fault
    assert f"serve is version {NEWER}, and this agent is {VERSION}: restart the agent" in fault
    agent.close()


def test_a_member_of_a_later_version_is_written_only_if_it_says_something() -> None:
    assert decode(Before, encode(After(1))) == Before(1)
    assert decode(After, encode(Before(1))) == After(1)
    assert decode(After, encode(After(1, "more"))) == After(1, "more")
    with pytest.raises(DocumentError, match="'text'"):
        decode(Before, encode(After(1, "more")))
    assert decode(Before, encode(After(1, "more")), newer=True) == Before(1)
    with pytest.raises(DocumentError, match="'number'"):
        decode(After, b"{}", newer=True)


def changed(body: Any, change: Any) -> bytes:
    """Return a document of the agent with something changed in its body."""
    members = json.loads(encode(FromAgent(body)))
    change(members["body"])
    return json.dumps(members).encode()


def test_members_that_a_newer_agent_added_anywhere_in_a_report_are_ignored() -> None:
    state = ContainerState("job-1-1", "running", messages=(Ready(),))
    report = HostReport("local", 3, containers=(state,))
    document = changed(report, lambda body: body["containers"][0]["messages"][0].update(seconds=1.5))
    assert reports.read(document, newer=True) == (FromAgent(report), ())
    failed = reports.read(document)[0].body
    assert isinstance(failed, HostReport)
    assert failed.containers[0].phase == "exited"


def test_a_state_that_only_a_newer_agent_knows_does_not_end_a_job() -> None:
    """None of the report is used, as the job would be taken for failed or lost."""
    report = HostReport("local", 3, containers=(ContainerState("job-1-1", "running"),))
    with pytest.raises(DocumentError, match="phase"):
        reports.read(changed(report, lambda body: body["containers"][0].update(phase="moving")), newer=True)


def test_a_kind_of_flow_that_only_a_newer_agent_knows_is_left_out() -> None:
    message, faults = reports.read(
        changed(Flows((flow(1), flow(2))), lambda body: body["events"][0].update(action="SKIP")), newer=True
    )
    assert isinstance(message.body, Flows)
    assert message.body.events == (flow(2),)
    assert len(faults) == 1


def test_the_form_of_the_documents_is_the_recorded_one() -> None:
    """If this fails: raise ``versions.DOCUMENTS``, and record the form as ``tests/worlds/document_forms.py`` says."""
    assert max(RECORDED) == DOCUMENTS
    assert json.loads(RECORDED[DOCUMENTS].read_text()) == forms()


@pytest.mark.parametrize("number", sorted(RECORDED))
def test_this_version_and_an_earlier_one_understand_each_other(number: int) -> None:
    assert list(misunderstandings(json.loads(RECORDED[number].read_text()), forms())) == []


def test_a_change_that_breaks_an_upgrade_is_found() -> None:
    now = forms()
    spec = now["serve to agent"]["HostSpec"]
    for changes, found in (
        ({"color": "str"}, "HostSpec.color is new"),
        ({"host": "int"}, "HostSpec.host was str and is int"),
        ({"color?": "str"}, ""),
    ):
        after = now | {"serve to agent": now["serve to agent"] | {"HostSpec": spec | changes}}
        assert found in "".join(misunderstandings(now, after))
    fewer = {name: kind for name, kind in spec.items() if name != "host"}
    after = now | {"serve to agent": now["serve to agent"] | {"HostSpec": fewer}}
    assert list(misunderstandings(now, after)) == ["serve to agent: HostSpec.host is gone"]
