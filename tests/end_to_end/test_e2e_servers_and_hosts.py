"""Two ``serve`` on machines of their own and a joined host, which goes on with whichever leads, and loses nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.worlds.balancer import balancing
from tests.worlds.cluster import PATIENCE, SMALL_PARTS, Hall, Member
from tests.worlds.hosts import wireguard_go
from tests.worlds.two_servers import Patient, TwoServers, two_servers_and_hosts
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines"),
]
CONNECTED = "the host b is connected"


@dataclass
class Bed:
    """Machines ``a`` and ``c`` with a ``serve`` each, the joined host ``b``, and what an undisturbed job writes."""

    two: TwoServers
    hall: Hall
    wanted: bytes = b""

    @property
    def on_b(self) -> Mapping[str, Any]:
        """The network of a job whose containers are on the joined host, which is alone in its zone."""
        return {"SecurityGroupIds": [self.hall.network.group], "Subnets": [self.hall.network.subnets[1]]}

    def end(self, job: str) -> bytes:
        """Wait for the end of a job, and return its archive: it completed in its first attempt, on the joined host."""
        eventually(lambda: self.hall.over(job), PATIENCE, f"the end of {job}")
        found = self.hall.completed(self.hall.describe(job))
        assert (self.hall.attempts(job), self.hall.hosts_told(job)) == (1, {"b"}), self.hall.story(job)
        return found

    def insist_on_the_end(self, job: str, members: Mapping[int, Member]) -> None:
        """Assert that a job ends with the undisturbed bytes, and that it kept its containers."""
        assert self.end(job) == self.wanted
        assert self.hall.interfaces_told(job) == {each.interface_id for each in members.values()}

    def await_the_lead_of_the_first(self) -> None:
        """Wait until the first ``serve`` leads, and all hosts have leases, also its own."""
        eventually(lambda: self.two.leads(self.two.first.port), what="the first serve leads")
        assert self.two.machines is not None
        self.two.machines.await_leases()

    def epoch(self) -> int:
        """Return the epoch of the joined host's lease, which is another one if the lease has ended meanwhile."""
        with self.hall.product.database() as database:
            return int(database.execute("SELECT epoch FROM hosts WHERE host = 'b'").fetchone()[0])

    def connections(self) -> tuple[int, int]:
        """Return how often the joined host has connected to the first ``serve``, and to the second one."""
        first, second = (log.read_text().count(CONNECTED) for log in (self.two.first.log, self.two.log))
        return first, second


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Machines whose jobs have been seen to work. Calls go to both ``serve`` in turn."""
    wireguard_go()
    with (
        two_servers_and_hosts(tmp_path_factory.mktemp("machines"), **SMALL_PARTS) as two,
        two.at(two.first.port),
        balancing([two.first.port, two.port], two.at) as port,
    ):
        account = Patient(replace(two.first.endpoint(), url=f"http://127.0.0.1:{port}"))
        found = Bed(two, Hall(two.first, account=account))
        found.hall.write("in/", 400, files=2)
        found.wanted = found.end(found.hall.start_many("in/", 1, VpcConfig=found.on_b))
        yield found


@pytest.mark.costs(60, reason="a database, three serve and two hosts are started, and three jobs run")
def test_a_host_notices_no_end_of_another_serve_and_goes_on_with_the_next_leader(bed: Bed) -> None:
    before = bed.epoch(), bed.connections()
    with bed.hall.at_work("in/", VpcConfig=bed.on_b) as (job, members):
        bed.two.kill_second()
        bed.two.start_second()
        assert (bed.epoch(), bed.connections()) == before
        bed.two.kill_first()
        eventually(lambda: bed.two.leads(bed.two.port), what="the second serve leads")
        eventually(lambda: bed.connections()[1] > 0, what="the host at the second serve")
    bed.insist_on_the_end(job, members)
    assert bed.end(bed.hall.start_many("in/", 2, VpcConfig=bed.on_b)) == bed.wanted
    assert bed.epoch() == before[0]


@pytest.mark.chaos
@pytest.mark.costs(90, reason="the leader changes three times, and two jobs run")
def test_the_serve_beside_the_agent_leads_again_and_a_host_leaves_it_while_it_is_suspended(bed: Bed) -> None:
    bed.two.resume_first()
    bed.await_the_lead_of_the_first()
    epoch, (_, second) = bed.epoch(), bed.connections()
    with bed.hall.at_work("in/", VpcConfig=bed.on_b) as (job, members):
        suspended = bed.two.first_serve()
        os.kill(suspended, signal.SIGSTOP)
        try:
            eventually(lambda: bed.two.leads(bed.two.port), what="the second serve leads")
            eventually(lambda: bed.connections()[1] > second, what="the host at the second serve")
        finally:
            os.kill(suspended, signal.SIGCONT)
    bed.insist_on_the_end(job, members)
    bed.await_the_lead_of_the_first()
    assert bed.epoch() == epoch
    job = bed.hall.start_many("in/", 2)
    eventually(lambda: bed.hall.over(job), PATIENCE, f"the end of {job}")
    assert bed.hall.completed(bed.hall.describe(job)) == bed.wanted
