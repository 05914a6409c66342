"""The proof, with real packets and before any job runs, that this machine enforces the network.

The driver that jobs will use creates a scratch VPC with two interfaces in empty namespaces. A connection that a group
allows must open, one that no group allows must not, and the refused packet must appear in the flow events. Afterwards
everything is removed. If any of this fails, no container may start.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from reading_room.dataplane.linux.driver import LinuxNetworkDriver
from reading_room.dataplane.linux.failures import FAILURES, explain
from reading_room.dataplane.linux.namespaces import inside, new_namespace
from reading_room.dataplane.spec import (
    CidrPeer,
    GroupPeer,
    Interface,
    NetworkSpec,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
)

VPC_ID = "vpc-00000000000000000"
GROUP = "sg-00000000000000000"
FROM, TO = "10.255.0.4", "10.255.0.5"
NUMBERS = (1, 2)
ALLOWED, REFUSED = 7001, 7002
PATIENCE = 2.0
"""Seconds to wait for an expected event."""
SILENCE = 0.1
"""Seconds after which a connection counts as dropped; an accepted one opens in well under a millisecond."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The result, and a sentence for everything that was tried. The last line of a failed proof says what is wrong."""

    passed: bool
    lines: tuple[str, ...]


def _scratch() -> NetworkSpec:
    """Return the scratch VPC, in which members of the group reach each other at one port."""
    rules = (SecurityGroupRule("sgr-00000000000000000", 6, ALLOWED, ALLOWED, GroupPeer(GROUP)),)
    everything = (SecurityGroupRule("sgr-00000000000000001", -1, -1, -1, CidrPeer("0.0.0.0/0")),)
    interfaces = tuple(
        Interface(
            interface_id=f"eni-{number:017x}",
            subnet_id="subnet-00000000000000000",
            address=address,
            mac=f"02:00:00:00:00:{number:02x}",
            group_ids=(GROUP,),
            container_id=f"proof-{number}",
            logged=True,
        )
        for number, address in zip(NUMBERS, (FROM, TO), strict=True)
    )
    return NetworkSpec(
        (
            Vpc(
                vpc_id=VPC_ID,
                vni=1,
                cidrs=("10.255.0.0/24",),
                dns_support=False,
                subnets=(Subnet("subnet-00000000000000000", "10.255.0.0/24", "rtb-00000000000000000"),),
                route_tables=(RouteTable("rtb-00000000000000000", 1, ()),),
                groups=(SecurityGroup(GROUP, rules, everything, (FROM, TO)),),
                endpoints=(),
                interfaces=interfaces,
            ),
        ),
        (),
    )


def prove(runtime_dir: Path) -> Proof:
    """Test the machine in a new directory under ``runtime_dir``, and clean up. This takes less than a second."""
    lines: list[str] = []
    try:
        directory = Path(tempfile.mkdtemp(prefix="proof-", dir=runtime_dir))
    except OSError as error:
        return Proof(False, (f"the runtime directory cannot be used: {error}",))
    namespaces: dict[str, int] = {}
    passed = False
    try:
        driver = LinuxNetworkDriver(directory)
        try:
            passed = _try(driver, namespaces, lines)
        finally:
            leftovers = driver.remove_everything()
            driver.close()
        if leftovers:
            passed = False
            lines += [f"the scratch VPC could not be removed: {each.message}" for each in leftovers]
    except FAILURES as error:
        passed = False
        lines.append(explain(error))
    finally:
        for descriptor in namespaces.values():
            os.close(descriptor)
        shutil.rmtree(directory, ignore_errors=True)
    return Proof(passed, tuple(lines))


def _try(driver: LinuxNetworkDriver, namespaces: dict[str, int], lines: list[str]) -> bool:
    """Create the scratch VPC and send the packets. Append the results to ``lines``; return whether they are right."""
    spec = _scratch()
    for number in NUMBERS:
        namespaces[f"proof-{number}"] = new_namespace()
    report = driver.realize(spec, namespaces)
    if report.problems:
        lines += [problem.message for problem in report.problems]
        return False
    here, there = namespaces.values()
    with inside(there):
        servers = [socket.create_server((TO, port), backlog=8) for port in (ALLOWED, REFUSED)]
    try:
        if not _opens(here, ALLOWED, PATIENCE):
            lines.append(f"a connection that a group allows ({FROM} to {TO}:{ALLOWED}) did not open")
            return False
        lines.append(f"a connection that a group allows opened ({FROM} to {TO}:{ALLOWED})")
        if _opens(here, REFUSED, SILENCE):
            lines.append(f"a connection that no group allows ({FROM} to {TO}:{REFUSED}) opened: rules are not enforced")
            return False
        lines.append(f"a connection that no group allows was dropped ({FROM} to {TO}:{REFUSED})")
    finally:
        for server in servers:
            server.close()
    return _logged(driver, lines)


def _opens(namespace: int, port: int, seconds: float) -> bool:
    with inside(namespace):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    with client:
        client.settimeout(seconds)
        try:
            client.connect((TO, port))
        except OSError:
            return False
    return True


def _logged(driver: LinuxNetworkDriver, lines: list[str]) -> bool:
    """Wait for the refused packet's event; return whether it came."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        for event in driver.flows():
            if event.action == "REJECT" and (event.destination, event.destination_port) == (TO, REFUSED):
                lines.append(f"the dropped packet is in the flow log (REJECT at {event.interface_id})")
                return True
        time.sleep(0.005)
    lines.append("the dropped packet did not appear in the flow log (NFLOG is not delivered in this namespace)")
    return False
