"""Holder, agent and serve as separate systemd units: restarting agent and serve ends no job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.settings import Settings
from tests.worlds.place import Place
from tests.worlds.processes import slowed
from tests.worlds.units import UNITS, Units, unit
from tests.worlds.waiting import eventually, settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


def test_the_user_of_serve_has_the_same_id_in_sysusers_unit_and_settings() -> None:
    """systemd cannot start a unit with a user id that does not exist."""
    made = (UNITS / "sysusers.d" / "reading-room.conf").read_text().splitlines()[-1].split()
    number = str(Settings().service_uid)
    assert made[:3] == ["u", "reading-room", number]
    assert unit("serve")["User"] == unit("serve")["Group"] == [number]


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Units]:
    """Yield the product in units, started. Each test leaves it running, except the last one."""
    found = Units(tmp_path_factory.mktemp("units"))
    try:
        found.start()
        yield found
    finally:
        found.clear()


@pytest.mark.costs(5, reason="starts the product")
def test_up_and_a_second_holder_are_refused_while_the_units_run(units: Units) -> None:
    for command in ("up", "holder"):
        argv = [sys.executable, "-m", "reading_room", command, "--data", str(units.data)]
        variables = {f"READING_ROOM_{name}": value for name, value in units.settings.items()}
        refused = subprocess.run(
            argv, env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False
        )
        assert refused.returncode == 1
        assert f"in use by process {units.units['holder'].pid}" in refused.stderr


def test_when_the_holder_ends_the_agent_ends_its_containers(units: Units) -> None:
    place = Place(units)
    with place.running():
        units.units["holder"].kill()
        holder = units.holder()
        os.kill(holder.pid, signal.SIGKILL)
        # systemd ends the agent with the holder to which it is bound. The agent also ends by itself.
        assert units.units["agent"].wait(20) == 3
        for name in ("holder", "agent"):
            units.units.pop(name).wait(5)
            units.start_unit(name)
        units.up = units.units["holder"]


def readiness(units: Units) -> tuple[int, dict[str, Any]]:
    """Return the status of ``/_reading_room/ready`` and its report on each failing check."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{units.port}/_reading_room/ready", timeout=20) as answer:
            status, document = answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        status, document = error.code, json.load(error)
    return status, {name: check for name, check in document["checks"].items() if not check["ok"]}


@pytest.mark.costs(4, reason="restarts the agent")
def test_without_its_agent_the_service_is_live_but_not_ready_and_refuses_analyses_at_once(units: Units) -> None:
    eventually(lambda: readiness(units) == (200, {}), what="a service that is ready")
    units.stop_unit("agent")
    eventually(lambda: readiness(units)[0] == 503, what="a service that is not ready")
    _, failing = readiness(units)
    assert set(failing) == {"agent", "enforcement"}
    assert "start the agent" in failing["agent"]["remedy"]
    with urllib.request.urlopen(f"http://127.0.0.1:{units.port}/_reading_room/live", timeout=20) as answer:
        assert answer.status == 200
    # With an agent, the call would wait up to 50 s for a container.
    comprehend = units.account().client("comprehend", attempts=1)
    with pytest.raises(ClientError, match="the agent, which starts containers, is not running") as refused:
        comprehend.detect_sentiment(Text="It is good.", LanguageCode="en")
    assert refused.value.response["Error"]["Code"] == "ServiceUnavailable"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    units.start_unit("agent")
    eventually(lambda: readiness(units) == (200, {}), what="a service that is ready again")


@pytest.mark.costs(14, reason="restarts units of the product, and runs jobs")
def test_restarting_serve_and_agent_ends_no_job_and_stopping_the_holder_ends_everything(units: Units) -> None:
    place = Place(units)
    place.put("in/", 3)
    assert place.wait(place.start("in/"))["JobStatus"] == "COMPLETED"

    place.put("long/", 1_000)
    with place.held("long/") as (job, worker), slowed(worker):  # The work takes longer than the restarts.
        for name in ("serve", "agent", "serve"):
            units.stop_unit(name)
            units.start_unit(name)
            units.await_answer()
            assert place.describe(job)["JobStatus"] == "IN_PROGRESS"
            assert place.process(job) == worker, units.tail()
    assert place.wait(job)["JobStatus"] == "COMPLETED"

    for name in ("serve", "agent", "holder"):
        units.stop_unit(name)
    settled(lambda: {"processes": units.processes()})
    assert not (units.place.agent / "holder.json").exists()


def test_an_agent_without_a_holder_names_the_command_to_start_one(tmp_path: Path) -> None:
    from reading_room.cli import units as commands
    from reading_room.cli.folder import StartError
    from reading_room.settings import Settings

    with pytest.raises(StartError, match=r"start `.*reading-room holder --data .*` first, or use `.*up`"):
        commands.join(Settings.from_environment({}, data=tmp_path), seconds=0)
