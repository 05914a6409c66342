"""Two hosts with a wrong clock, an hour away, a lost database and a promoted one: nothing is lost or done twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from reading_room.cli.running import free_port
from reading_room.containers.processes import descendants, start_time
from tests.worlds import postgresql, wall_clock
from tests.worlds.cluster import PATIENCE, SMALL_PARTS, Hall
from tests.worlds.hosts import wireguard_go
from tests.worlds.machines import Machines, two_machines
from tests.worlds.processes import argv, kill
from tests.worlds.product import Product
from tests.worlds.waiting import eventually, settled

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.chaos,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines"),
    pytest.mark.skipif(not wall_clock.can_be_moved(), reason="the clock of processes can be moved on x86-64 only"),
]
MINUTES, HOUR = 240, 3600


@dataclass
class Bed:
    """Two machines, of which ``a`` has a database server beside it, and what an undisturbed job writes."""

    machines: Machines
    server: postgresql.Server
    hall: Hall
    second_port: int
    """Where a replica may listen: the products know it as another place of their database."""
    stack: ExitStack
    wanted: bytes = b""

    def processes(self) -> list[int]:
        """Return every process of both machines, with the server of the database."""
        ours = [pid for product in self.machines.products.values() for pid in product.processes()]
        return [*ours, self.server.process.pid, *descendants(self.server.process.pid)]

    def start(self, containers: int = 2) -> str:
        """Start a job: in two containers, one is on each host."""
        return self.hall.start_many("in/", containers)

    def insist_on_the_end(self, job: str) -> None:
        """Assert that a job completed with the undisturbed bytes, and that no flow record was delivered twice."""
        assert self.hall.completed(self.hall.wait(job)) == self.wanted
        settled(self.hall.left, PATIENCE)
        records = Counter(self.hall.flow_lines())
        assert [line for line, count in records.items() if count > 1 and not line.endswith("NODATA")] == []

    def epoch(self, host: str) -> int:
        """Return the epoch of a host's lease."""
        with self.hall.product.database() as database:
            return int(database.execute("SELECT epoch FROM hosts WHERE host = ?", (host,)).fetchone()[0])

    def running_on(self, host: str) -> list[str]:
        """Return the containers that run jobs on a host."""
        records = Product.records(self.machines.products[host]).values()
        return [
            str(each.container_id)
            for each in records
            if each is not None and each.kind == "job" and each.phase == "running" and start_time(each.pid) is not None
        ]


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Machines whose jobs have been seen to work."""
    wireguard_go()
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: as root, scripts/setup unpacks it into .venv")
    settings = SMALL_PARTS | {"CORE_OVERCOMMIT": "1"}
    with ExitStack() as stack:
        machines = stack.enter_context(two_machines(tmp_path_factory.mktemp("machines"), **settings))
        stack.enter_context(machines.entered("a"))
        port = free_port()
        server = postgresql.Server(
            programs, listen_addresses="127.0.0.1", port=str(port), synchronous_commit="on", fsync="on"
        )
        stack.callback(server.close)
        second = free_port()
        places = f"host=127.0.0.1:{port}&host=127.0.0.1:{second}&connect_timeout=3"
        url = f"postgresql+psycopg://{postgresql.USER}@/{server.new()}?{places}"
        machines.products["a"].settings["DATABASE"] = url
        machines.join()
        found = Bed(machines, server, Hall(machines.products["a"]), second, stack)
        found.hall.write("in/", 400, files=2)
        found.wanted = found.hall.completed(found.hall.wait(found.start(1)))
        yield found


@pytest.mark.costs(120, reason="two hosts and a database are started, and three jobs run")
@pytest.mark.parametrize("seconds", [-MINUTES, MINUTES], ids=["behind", "ahead"])
def test_a_host_whose_clock_is_minutes_wrong_keeps_its_lease_and_does_its_part(bed: Bed, seconds: int) -> None:
    there = bed.machines.products["b"]
    before = bed.epoch("b")
    with wall_clock.moved(there.processes, seconds):
        bed.insist_on_the_end(bed.start())
    assert bed.epoch("b") == before
    # WireGuard refuses greetings with an earlier time than before, so the other host has to begin.
    for pid in there.processes():
        if argv(pid)[1:3] == ["-f", "wg0"]:
            kill(pid)
    bed.insist_on_the_end(bed.start())


@pytest.mark.costs(60, reason="a lease must end, and two jobs run")
def test_a_host_that_comes_back_after_an_hour_ends_what_it_had_and_takes_new_containers(bed: Bed) -> None:
    with bed.hall.at_work("in/") as (job, _):
        assert bed.running_on("b")
        before, stopped = bed.epoch("b"), bed.machines.pause("b")
    try:
        bed.hall.completed(bed.hall.wait(job))
        assert bed.running_on("b"), "nobody has told the host"
        with wall_clock.moved(bed.processes, HOUR):
            bed.machines.resume(stopped)
            eventually(lambda: not bed.running_on("b"), PATIENCE, "the end of what the host had")
            eventually(lambda: bed.epoch("b") >= before + 2 and bed.machines.all_leased(), PATIENCE, "another lease")
            bed.insist_on_the_end(job)
            bed.insist_on_the_end(bed.start())
    finally:
        bed.machines.resume(stopped)
    bed.insist_on_the_end(bed.start())


@pytest.mark.costs(60, reason="leases must end, and a job begins again")
def test_a_database_that_is_away_for_longer_than_a_lease_costs_attempts_and_nothing_else(bed: Bed) -> None:
    with bed.hall.at_work("in/") as (job, _):
        assert bed.running_on("a")
        assert bed.running_on("b")
        bed.server.stop()
    try:
        for host in ("a", "b"):
            eventually(partial(_idle, bed, host), PATIENCE, f"the end of the containers on {host}")
    finally:
        bed.server.start()
    bed.insist_on_the_end(job)
    bed.insist_on_the_end(bed.start())


@pytest.mark.costs(120, reason="a replica is made and promoted, and two jobs run")
def test_a_replica_that_is_promoted_has_everything_and_jobs_go_on(bed: Bed) -> None:
    replica = bed.server.replica(bed.second_port)
    bed.stack.callback(replica.close)
    kept: list[str] = []
    with ThreadPoolExecutor(1) as writer, bed.hall.at_work("in/") as (job, _):
        written = writer.submit(_write_until_refused, bed.hall, kept)
        eventually(lambda: len(kept) >= 10, PATIENCE, "objects that are acknowledged")
        bed.server.stop()
        replica.promote()
        bed.server = replica
        written.result(PATIENCE)
    bed.insist_on_the_end(job)
    listed = bed.hall.account.s3.list_objects_v2(Bucket=bed.hall.bucket, Prefix="kept/")["Contents"]
    assert {each["Key"] for each in listed} >= set(kept)
    bed.insist_on_the_end(bed.start())


def _write_until_refused(hall: Hall, kept: list[str]) -> None:
    """Write up to a thousand objects, and note those that are acknowledged, until one is not."""
    s3 = hall.account.client("s3", attempts=1)
    for number in range(1000):
        key = f"kept/{number}"
        try:
            s3.put_object(Bucket=hall.bucket, Key=key, Body=b"acknowledged")
        except (BotoCoreError, ClientError):
            return
        kept.append(key)


def _idle(bed: Bed, host: str) -> bool:
    return not bed.running_on(host)
