"""An installation of three hosts: a job on all of them, one of which is killed in the middle."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.worlds.cluster import SMALL_PARTS, Hall
from tests.worlds.hosts import wireguard_go
from tests.worlds.machines import several_machines
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.chaos,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines"),
]


@pytest.mark.costs(120, reason="three hosts are started, a lease must end, and a job begins again")
def test_a_job_on_three_hosts_survives_the_loss_of_one(tmp_path: Path) -> None:
    wireguard_go()
    # Two cores and no more: the containers of a job are spread over the hosts.
    settings = SMALL_PARTS | {"CORE_OVERCOMMIT": "1"}
    with several_machines(tmp_path, ("a", "b", "c"), **settings) as machines:
        machines.join()
        with machines.entered("a"):
            hall = Hall(machines.products["a"])
            hall.write("in/", 1_000, files=4)
            expected = hall.completed(hall.run("in/", "entities"))
            undisturbed = hall.start_many("in/", 3)
            assert hall.completed(hall.wait(undisturbed)) == expected
            told = hall.story(undisturbed)
            assert [host for host in ("local", "b", "c") if f"on host {host}" in told] == ["local", "b", "c"], told
            job = hall.start_many("in/", 3)
            eventually(lambda: hall.progress(job)[0], what="progress")
            machines.kill("c")
            assert hall.completed(hall.wait(job)) == expected
