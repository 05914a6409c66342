"""An installation of two hosts, from the token to the removal, with real processes on both."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.worlds.machines import two_machines
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines")]


@pytest.mark.costs(15, reason="two hosts are started, and six commands are run")
def test_a_second_host_joins_holds_a_lease_and_is_cut_off_when_it_is_removed(tmp_path: Path) -> None:
    with two_machines(tmp_path) as machines:
        machines.start()
        token = machines.command("a", "host", "token")
        joined = machines.command("b", "host", "join", "--name", "b", "--zone", "us-east-1b", given=token)
        assert "b has joined as host 2 in us-east-1b, with the address 192.0.2.2" in joined
        machines.run_host()

        def leases() -> dict[str, str]:
            rows = [line.split() for line in machines.command("a", "host", "list").splitlines()[1:]]
            return {row[1]: row[8] for row in rows if len(row) > 8}

        eventually(lambda: leases() == {"local": "held", "b": "held"})
        machines.command("a", "host", "remove", "b", "--force")
        log = machines.products["a"].log
        eventually(lambda: "the host b does not belong to the installation any more" in log.read_text())
        eventually(lambda: "does not accept this host" in machines.products["b"].log.read_text())
