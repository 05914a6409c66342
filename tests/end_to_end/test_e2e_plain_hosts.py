"""Two hosts whose packets to each other are not encrypted, because a setting says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.worlds.cluster import SMALL_PARTS, Hall
from tests.worlds.machines import two_machines

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.chaos,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines"),
]


@pytest.mark.costs(60, reason="two hosts are started, and two jobs run")
def test_a_job_spans_two_hosts_without_encryption(tmp_path: Path) -> None:
    with two_machines(tmp_path, **SMALL_PARTS | {"CORE_OVERCOMMIT": "1", "UNDERLAY": "plain"}) as machines:
        machines.join()
        assert "198.51.100.2" in machines.command("a", "host", "list")
        with machines.entered("a"):
            hall = Hall(machines.products["a"])
            hall.write("in/", 200, files=2)
            expected = hall.completed(hall.run("in/", "entities"))
            job = hall.start_many("in/", 2)
            assert hall.completed(hall.wait(job)) == expected
            told = hall.story(job)
            assert "on host local" in told, told
            assert "on host b" in told, told
