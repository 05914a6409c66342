"""No engine phones home: a container of each one, loaded and left alone, sends nothing and writes no file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from reading_room.analysis.kind import ENGINES
from tests.worlds.container_entry import run_in_container
from tests.worlds.containers import OWN_KIND, DriverWorld, leftovers
from tests.worlds.processes import worker_below

pytestmark = [pytest.mark.network, pytest.mark.timeout(400)]

LOOK_UP = """
import socket
try:
    socket.getaddrinfo("example.com", 443)
except OSError:
    pass
open("/tmp/kept", "w").close()
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DriverWorld]:
    """Containers of all engines at once, each in a network that leads out, and a witness in each network."""
    folder = tmp_path_factory.mktemp("world")
    world = DriverWorld(folder, OWN_KIND, probe=False)
    try:
        world.call("watch", engines=list(ENGINES))
        yield world
    finally:
        world.close()
    assert leftovers(folder) == set()


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(10, marks=pytest.mark.costs(60, reason="every engine is loaded, and watched for ten seconds")),
        pytest.param(120, marks=pytest.mark.chaos),
    ],
)
def test_no_engine_sends_anything_or_writes_a_file(world: DriverWorld, seconds: int) -> None:
    world.until(lambda: all(state["messages"] for state in world.call("states")))
    # The time is what is tested: that nothing happens in it.
    time.sleep(seconds)
    assert {state["phase"] for state in world.call("states")} == {"starting"}
    assert world.call("seen") == {}
    assert world.call("written") == {}


def test_the_watch_sees_a_name_that_is_looked_up_and_a_file_that_is_written(world: DriverWorld) -> None:
    record = next(record for record in world.records() if record["engine"] == "dominant-language")
    worker = worker_below(record["pid"])
    assert worker is not None
    run_in_container(worker, LOOK_UP, as_job=os.geteuid() == 0)
    (packets,) = world.call("seen").values()
    assert any(b"example".hex() in packet for packet in packets)
    ((file,),) = world.call("written").values()
    assert file.endswith("/tmp/kept")
