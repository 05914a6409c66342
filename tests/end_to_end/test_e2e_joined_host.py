"""``host run``: the processes of a joined host, whose ``serve`` is here in the test."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.aws.call import NetworkPath
from reading_room.cli.claiming import claim
from reading_room.clock import system_clock
from reading_room.hosts import authority
from reading_room.hosts.joining.host_folder import HostFolder, Joined
from tests.worlds import joined
from tests.worlds.databases import SEALER
from tests.worlds.joined import CLIENT, HOST, Answering, in_loop, worker_spec
from tests.worlds.processes import kill
from tests.worlds.product import Product
from tests.worlds.waiting import eventually, eventually_in_loop

pytestmark = pytest.mark.e2e


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Product]:
    """A host, not started yet, that has claimed its data folder."""
    found = Product(tmp_path)
    claim(found.read_settings())
    yield found
    found.clear()


def run(host: Product) -> None:
    """Start the host."""
    host.launch_as([sys.executable, "-m", "reading_room", "host", "run", "--data", str(host.data)])


def join(host: Product, place: str) -> None:
    """Write what ``host join`` writes."""
    folder = HostFolder.of(host.data)
    certificate = joined.authority().sign(folder.key().public_key(), HOST, system_clock())
    record = Joined(HOST, 2, "us-east-1a", "us-east-1", "192.0.2.2", place, joined.authority().fingerprint)
    folder.keep(record, certificate, joined.authority().pem)
    if os.geteuid() == 0:
        for path in (folder.path, *folder.path.iterdir()):
            os.chown(path, host.uids[0], host.uids[0])


@pytest.mark.costs(10, reason="a host is started, with a container that loads its engine, and its link twice")
def test_a_joined_host_runs_a_job_of_a_serve_elsewhere(host: Product, tmp_path: Path) -> None:
    made = authority.prepare(tmp_path / "services", "us-east-1", system_clock(), SEALER)

    async def scenario() -> list[NetworkPath]:
        serve = Answering(made)
        try:
            join(host, serve.place)
            run(host)
            serve.send(worker_spec())
            await eventually_in_loop(lambda: serve.paths and serve.received.reports)
            assert host.stdout == [f"ready {HOST}\n".encode()]
            assert serve.received.reports[-1].problems == ()
            await asyncio.to_thread(kill, await asyncio.to_thread(host.child, "link"))
            await eventually_in_loop(lambda: serve.received.events.count("connected") == 2)
            await asyncio.to_thread(host.stop)
            return serve.paths
        finally:
            await serve.close()

    paths: Any = in_loop(scenario)
    assert set(paths) == {NetworkPath(secure=True, vpc_id="vpc-0a", vpc_endpoint_id="vpce-0a", vpc_source_ip=CLIENT)}
    eventually(lambda: not host.processes())


def test_a_host_that_has_not_joined_does_not_run(host: Product) -> None:
    run(host)
    assert host.up is not None
    assert host.up.wait(60) == 1
    assert "has not joined an installation: run `reading-room host join` first" in host.tail()
