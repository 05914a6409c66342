"""A joined host whose holder, agent and link are separate systemd units."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.worlds.cluster import SMALL_PARTS, Hall
from tests.worlds.machines import two_machines
from tests.worlds.processes import has_spoken, slowed, worker_below
from tests.worlds.units import JOINED, Units
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.chaos,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines"),
]


@pytest.mark.costs(60, reason="two hosts are started, and units are restarted while a job runs")
def test_a_job_completes_while_agent_and_link_of_its_host_are_restarted(tmp_path: Path) -> None:
    with two_machines(tmp_path, **SMALL_PARTS) as machines:
        units = Units(tmp_path / "b", JOINED, machines.inside("b"), REGION="eu-west-1")
        machines.products["b"] = units
        machines.start()
        machines.join_host()
        units.start_units()
        machines.await_leases()
        with machines.entered("a"):
            hall = Hall(machines.products["a"])
            hall.write("in/", 400)
            network = {"SecurityGroupIds": [hall.network.group], "Subnets": [hall.network.subnets[1]]}
            job = hall.start("in/", "entities", VpcConfig=network)

            def worker() -> int | None:
                running = [each for each in units.records().values() if each and job in (each.container_id or "")]
                workers = [worker_below(each.pid) for each in running if each.phase == "running"]
                return next((each for each in workers if each is not None and has_spoken(each)), None)

            with slowed(eventually(worker, what=f"work on the job {job}")):
                for name in ("agent", "link"):
                    units.stop_unit(name)
                    units.start_unit(name)
            hall.completed(hall.wait(job))
            assert "on host b" in hall.story(job)
