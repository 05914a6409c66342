"""Random faults of three hosts and of the network between them: every job ends, and no packet is where it must not be.

``CHAOS_HOST_FAULTS=100 CHAOS_SEED=7 pytest -m chaos tests/chaos/test_chaos_hosts.py`` is the long run; it prints the
line for bench/RESULTS.md. The same seed gives the same plan.
"""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.host_fault_mix import HostMix
from tests.worlds.cluster import SMALL_PARTS
from tests.worlds.hosts import wireguard_go
from tests.worlds.machines import several_machines
from tests.worlds.two_servers import two_servers_and_hosts

FEW_FAULTS = 6


@pytest.mark.chaos
@pytest.mark.timeout(0)
@pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines")
@pytest.mark.parametrize("kind", ["encrypted", "plain", "two serve"])
def test_faults_of_hosts_lose_no_result_and_let_no_packet_through(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wireguard_go()
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10_000)
    faults = int(os.environ.get("CHAOS_HOST_FAULTS", str(FEW_FAULTS)))
    with capsys.disabled():
        print(f"\nCHAOS_SEED={seed} CHAOS_HOST_FAULTS={faults}", flush=True)  # noqa: T201
    # Two cores and no more: the containers of a job are spread over the hosts.
    settings = SMALL_PARTS | {"CORE_OVERCOMMIT": "1", "LOG_LEVEL": "debug"}
    with ExitStack() as stack:
        two = None
        if kind == "two serve":
            two = stack.enter_context(two_servers_and_hosts(tmp_path, ("b", "c"), "d", **settings))
            assert two.machines is not None
            machines = two.machines
        else:
            settings |= {"UNDERLAY": "plain"} if kind == "plain" else {}
            machines = stack.enter_context(several_machines(tmp_path, ("a", "b", "c"), **settings))
            machines.join()
        stack.enter_context(machines.entered("a"))
        mix = HostMix(machines, seed, kind == "plain", two)
        stack.callback(mix.watch.close)
        mix.prepare()
        tally = mix.run(faults, seconds=600 + 120.0 * faults)
    assert tally.faults.total() == faults
    with capsys.disabled():
        print(f"\n{tally.line()}", flush=True)  # noqa: T201
