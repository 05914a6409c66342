"""An installation of two hosts, from the token to the removal, with real processes on both."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.worlds.machines import two_machines
from tests.worlds.place import Place
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines")]


@pytest.mark.costs(15, reason="two hosts are started, and a job runs")
def test_a_second_host_joins_runs_a_job_and_is_cut_off_when_it_is_removed(tmp_path: Path) -> None:
    with two_machines(tmp_path) as machines:
        machines.start()
        token = machines.command("a", "host", "token")
        joined = machines.command("b", "host", "join", "--name", "b", "--zone", "us-east-1b", given=token)
        assert "b has joined as host 2 in us-east-1b, with the address 192.0.2.2" in joined
        machines.run_host()

        with machines.entered("a"):
            place = Place(machines.products["a"])
            room = place.account.client("reading-room")

            def leased() -> set[str]:
                return {host["Host"] for host in room.describe_hosts()["Hosts"] if "LeaseUntil" in host}

            eventually(lambda: leased() == {"local", "b"})
            place.put("texts/", 5)
            # The second subnet is in the zone of the second host.
            job = place.start("texts/", VpcConfig=place.network.config() | {"Subnets": [place.network.subnets[1]]})
            assert place.wait(job)["JobStatus"] == "COMPLETED"
            assert "on host b" in place.story(job)
            assert len(place.results(place.describe(job))) == 5
            room.remove_host(Host="b", Force=True)
        log = machines.products["a"].log
        eventually(lambda: "the host b does not belong to the installation any more" in log.read_text())
        eventually(lambda: "does not accept this host" in machines.products["b"].log.read_text())
