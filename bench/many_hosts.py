"""Growth with hosts: what the server does each turn for many hosts, in memory, without sockets and kernel.

``BENCH_HOSTS`` limits the number of hosts. Times are of the processor, since nothing waits. The figures go to
docs/growth.md.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import event

import reading_room.wiring.server  # noqa: F401 # declares every table
from bench.growth import PAGE
from bench.quality.page import replaced
from bench.report import Row, machine, median, record
from reading_room.agent.spec import HostReport, HostSpec
from reading_room.codec import encode
from reading_room.containers.spec import ContainerState
from reading_room.database.engine import Database
from reading_room.dataplane.memory import MemoryNetworkDriver
from reading_room.fleet.members import Fleet
from reading_room.hosts.desired import DesiredHosts
from reading_room.jobs.controller import JobController
from reading_room.jobs.memory import MemoryJobNetwork, MemoryOutputStore, MemoryStories
from reading_room.settings import Settings
from reading_room.vpc.addressing import dhcp_options, subnets
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.tables import NetworkInterface, Subnet
from reading_room.vpc.vpcs import vpcs
from reading_room.vpc.zones import zones_of
from tests.worlds.several_hosts import add_host, add_job
from tests.worlds.vpc import ACCOUNT, NOW, REGION

SIZES = ((2, 100, 10), (20, 1_000, 100), (60, 3_000, 300), (200, 10_000, 1_000))
"""Hosts, interfaces and VPCs."""
MOST = int(os.environ.get("BENCH_HOSTS", "200"))
ROUNDS = 3
HOSTS_OF_A_JOB = 5
"""On how many hosts the containers of a job, and so a VPC's, are."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one size took: processor seconds, statements and bytes."""

    unchanged: float
    changed: float
    statements: int
    largest: int
    total: int
    realized: float
    turn: float


def main() -> None:
    """Measure and record."""
    lines = [
        "| hosts | interfaces | VPCs | specs, unchanged | specs, one interface gone | statements | one host's document "
        "| all documents | one host's rules | turn of the jobs |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    rows = []
    for hosts, interfaces, networks in SIZES:
        if hosts > MOST:
            continue
        found = measure(hosts, interfaces, networks)
        lines.append(
            f"| {hosts} | {interfaces:,} | {networks:,} | {found.unchanged:.2f} s | {found.changed:.2f} s "
            f"| {found.statements} | {found.largest / 1000:,.0f} KB | {found.total / 1e6:.1f} MB "
            f"| {found.realized:.2f} s | {found.turn:.2f} s |"
        )
        what = f"all specs of {hosts} hosts with {interfaces:,} interfaces in {networks:,} VPCs"
        rows.append(Row(what, f"{found.unchanged:.2f} s, {found.statements} statements", "reported", "processor time"))
    text = "\n".join([*lines, "", f"{machine()}."])
    PAGE.write_text(replaced(PAGE.read_text(), "hosts", text))
    record("Many hosts", rows)


def measure(hosts: int, interfaces: int, networks: int) -> Figures:
    """Return the figures of one size."""
    database = Database.open(None)
    database.create_tables()
    names = [f"host-{number}" for number in range(1, hosts + 1)]
    with database.transaction() as session:
        for number, host in enumerate(names, 1):
            add_host(session, host, number)
        options = dhcp_options.default_set(session, ACCOUNT, REGION).dhcp_options_id
        quotas = replace(Quotas.of_profile("open"), vpcs=networks, interfaces=interfaces)
        each = interfaces // networks
        for number in range(networks):
            vpc = vpcs.create(session, ACCOUNT, "10.0.0.0/16", NOW, dhcp_options_id=options, quotas=quotas)
            subnet: Subnet = subnets.create(session, vpc, "10.0.0.0/24", zones_of(REGION)[0], NOW)
            spread = [names[(number * HOSTS_OF_A_JOB + place % HOSTS_OF_A_JOB) % hosts] for place in range(each)]
            add_job(session, secrets.token_hex(16), spread, subnet, quotas=quotas)
    desired = DesiredHosts(database=database, settings=Settings(), host=names[0], realtime=lambda _: ())
    specs = dict(desired.read())
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    unchanged = median([_seconds(desired.read) for _ in range(ROUNDS)])
    count = len(statements) // ROUNDS
    documents = {host: len(encode(spec)) for host, spec in specs.items()}
    changed = []
    for _ in range(ROUNDS):
        with database.transaction() as session:
            row = session.query(NetworkInterface).first()
            assert row is not None
            network_interfaces.remove(session, row, NOW)
        changed.append(_seconds(desired.read))
    sample = list(specs.values())[:: max(1, hosts // 10)]
    realized = median([_realized(spec) for spec in sample])
    turn = _turn(database, specs)
    database.close()
    return Figures(unchanged, median(changed), count, max(documents.values()), sum(documents.values()), realized, turn)


def _realized(spec: HostSpec) -> float:
    driver = MemoryNetworkDriver()
    namespaces = {each.container_id: 0 for each in spec.containers}
    seconds = _seconds(lambda: driver.realize(spec.network, namespaces))
    driver.close()
    return seconds


def _turn(database: Database, specs: dict[str, HostSpec]) -> float:
    """Return the processor time of a turn of the jobs, when all hosts report all containers as running."""
    network = MemoryJobNetwork()
    controller = JobController(
        database=database,
        settings=Settings(),
        clock=lambda: NOW,
        network=network,
        store=MemoryOutputStore(),
        denials=lambda arn: None,
        storyteller=MemoryStories(),
        members=Fleet(database).members,
    )
    for host, spec in specs.items():
        network.attached_ids.update(each.interface_id for each in spec.containers)
        states = tuple(ContainerState(each.container_id, "running", None) for each in spec.containers)
        present = tuple(each.interface_id for each in spec.containers)
        controller.report(HostReport(host, spec.generation, interfaces=present, containers=states))
    controller.turn()
    return median([_seconds(controller.turn) for _ in range(ROUNDS)])


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
