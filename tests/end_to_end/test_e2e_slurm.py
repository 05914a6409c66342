"""Jobs of two hosts that are nodes of Debian's Slurm: their containers run where Slurm gives them slots."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.worlds.cluster import SMALL_PARTS, Hall
from tests.worlds.hosts import wireguard_go
from tests.worlds.machines import Machines, two_machines
from tests.worlds.slurm_cluster import SlurmCluster, cluster, skip_without_slurm
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.chaos,
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines"),
    pytest.mark.costs(120, reason="two hosts and a Slurm are started, and jobs run"),
]
NODES = {"local": "a", "b": "b"}
"""The machine of each node; its name is the host's."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that every user may enter, as the one of slurmrestd's socket must be."""
    found = Path(tempfile.mkdtemp(prefix="reading-room-slurm-"))
    found.chmod(0o755)
    yield found
    shutil.rmtree(found)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Machines]:
    """Machine ``a`` in the zone ``us-east-1a``, which is the host ``local``, and ``b`` in ``us-east-1b``."""
    skip_without_slurm()
    wireguard_go()
    own = {"PLACEMENT": "slurm", "SLURM_SOCKET": str(folder / "rest" / "socket")}
    with two_machines(tmp_path_factory.mktemp("machines"), **SMALL_PARTS | own) as found:
        found.join()
        with found.entered("a"):
            yield found


@pytest.fixture(scope="module")
def hall(machines: Machines) -> Hall:
    """A place with a subnet in each zone."""
    found = Hall(machines.products["a"])
    found.write("in/", 200, files=2)
    return found


@pytest.fixture(scope="module")
def waiting(hall: Hall) -> str:
    """A job that was started before there was a Slurm."""
    job = hall.start("in/", "entities", VpcConfig=config(hall, 0))
    eventually(lambda: "The job waits: Slurm gives no slots now" in hall.story(job), what="the reason to wait")
    return job


@pytest.fixture(scope="module")
def slurm(machines: Machines, folder: Path, waiting: str) -> Iterator[SlurmCluster]:
    """A Slurm whose nodes are both hosts."""
    states = {node: machines.products[name].state for node, name in NODES.items()}
    user = int(machines.products["a"].settings["SERVICE_UID"])
    with cluster(folder, tuple(NODES), states, user) as found:
        yield found


@pytest.fixture(scope="module")
def result(hall: Hall, slurm: SlurmCluster, waiting: str) -> bytes:
    """What the job that had waited writes, on the host in its zone."""
    archive = hall.completed(hall.wait(waiting))
    assert hall.hosts_told(waiting) == {"local"}
    return archive


def config(hall: Hall, *subnets: int) -> dict[str, Any]:
    """Return the network of a job, with the first subnet (0), the second one (1), or both."""
    return {"SecurityGroupIds": [hall.network.group], "Subnets": [hall.network.subnets[each] for each in subnets]}


def nothing_is_held(slurm: SlurmCluster) -> bool:
    return slurm.jobs() == {}


def test_a_job_runs_in_its_zone_and_its_slot_is_given_back(hall: Hall, slurm: SlurmCluster, result: bytes) -> None:
    properties = hall.run("in/", "entities", VpcConfig=config(hall, 1))
    assert hall.completed(properties) == result
    assert hall.hosts_told(properties["JobId"]) == {"b"}
    eventually(lambda: nothing_is_held(slurm), what="the end of all slots")


def test_a_killed_serve_keeps_the_slots_of_its_jobs(hall: Hall, slurm: SlurmCluster, result: bytes) -> None:
    with hall.running(kind="entities", VpcConfig=config(hall, 1)) as (job, _):
        before = slurm.ids(f"job-{job}-1")
        assert len(before) == 1
        hall.product.kill("serve")
        hall.product.await_answer()
        other = hall.run("in/", "entities", VpcConfig=config(hall, 1))
        assert hall.completed(other) == result
        # If the machine is so busy that the host lost its lease meanwhile, the job has another attempt.
        eventually(lambda: set(slurm.jobs()) == {f"job-{job}-{hall.attempts(job)}"}, what="the slot of the job alone")
        assert slurm.ids(f"job-{job}-1") in (before, [])
    eventually(lambda: nothing_is_held(slurm), what="the end of all slots")
    assert set(slurm.states().values()) == {"IDLE"}


def test_a_job_spans_both_hosts_while_slurmctld_is_killed(hall: Hall, slurm: SlurmCluster, result: bytes) -> None:
    job = hall.start_many("in/", 3, VpcConfig=config(hall, 0, 1))
    eventually(lambda: hall.hosts_told(job) == {"local", "b"}, what="containers on both hosts")
    slurm.kill_controller()
    assert hall.completed(hall.wait(job)) == result
    slurm.start_controller()
    eventually(lambda: set(slurm.states().values()) == {"IDLE"}, what="a Slurm without slots")
    assert nothing_is_held(slurm)
