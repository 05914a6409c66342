"""A real agent and a real container on a joined host, whose requests ``serve`` answers on another one."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.aws.call import NetworkPath
from reading_room.clock import system_clock
from reading_room.containers.processes import descendants
from reading_room.fleet.certificates import SERVE_NAME
from reading_room.hosts import authority
from reading_room.hosts.link import session
from reading_room.hosts.link.connecting import LinkConfig
from reading_room.hosts.link.places import Places
from tests.worlds.databases import SEALER
from tests.worlds.joined import CLIENT, HOST, Answering, in_loop, link_context, worker_spec
from tests.worlds.processes import argv
from tests.worlds.waiting import DEADLINE, eventually, eventually_in_loop

pytestmark = [pytest.mark.network, pytest.mark.skipif(os.geteuid() != 0, reason="root's agent is started")]

HOLDER = Path(__file__).parents[1] / "worlds" / "container_holder.py"
PROGRAM = Path(__file__).with_name("agent_process.py")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Start an agent in a holder; its folder is also the link's."""
    folder = Path(tempfile.mkdtemp(prefix="joined-"))
    # An agent covers private folders, maybe this checkout's: its program must be elsewhere.
    program = folder / PROGRAM.name
    shutil.copyfile(PROGRAM, program)
    command = [sys.executable, str(HOLDER), str(folder), "root", str(program), str(folder), str(os.geteuid())]
    process = subprocess.Popen(command)

    def end() -> bool:
        # Not earlier: a process that leads to the agent has the same command line at first.
        for pid in descendants(process.pid):
            try:
                if argv(pid)[1:2] == [str(program)]:
                    os.kill(pid, signal.SIGTERM)
                    return True
            except OSError:
                continue  # It has ended between two looks.
        return False

    try:
        yield folder
    finally:
        eventually(end, what="the agent's process")
        process.wait(DEADLINE)
        shutil.rmtree(folder)


@pytest.mark.costs(6.5, reason="an agent and a container are started, which loads its engine")
def test_a_container_on_a_joined_host_reaches_s3_through_its_own_endpoint(folder: Path) -> None:
    made = authority.prepare(folder / "made", "us-east-1", system_clock(), SEALER)

    async def run() -> tuple[list[NetworkPath], list[tuple[str, str]]]:
        serve = Answering(made)
        config = LinkConfig(
            folder / "agent.sock",
            folder / "authority.pem",
            Places(serve.place, folder / "places.json"),
            link_context(HOST),
            SERVE_NAME,
        )
        link = asyncio.create_task(session.run(config))
        try:
            serve.send(worker_spec())
            await eventually_in_loop(lambda: serve.paths and serve.received.reports)
            assert serve.received.reports[-1].problems == ()
            return serve.paths, serve.credentials
        finally:
            link.cancel()
            await asyncio.gather(link, return_exceptions=True)
            await serve.close()

    paths, credentials = in_loop(run)
    assert set(paths) == {NetworkPath(secure=True, vpc_id="vpc-0a", vpc_endpoint_id="vpce-0a", vpc_source_ip=CLIENT)}
    assert set(credentials) == {("vpc-0a", CLIENT)}
