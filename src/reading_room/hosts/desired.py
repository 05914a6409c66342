"""The whole spec of each host, read from the tables: the network, the jobs' containers, those started ahead.

Two engines always wait loaded. Engines that a job used recently join them, so that the second job of a kind starts as
fast as one of the usual kinds. At most two do, and only for a while, because each takes memory while it waits.

All hosts' specs come from one snapshot. With several hosts, what one of them does must sometimes wait for what others
have put into force (``confirmations.py``): a container starts when every host of its VPC knows its address; a released
address may be given away when no host has it any more; and the way out of a VPC moves when its owner has let it go.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import cast

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from reading_room.agent.spec import HostReport, HostSpec, StandbyCount
from reading_room.analysis.kind import EngineName
from reading_room.analysis.kinds import AHEAD
from reading_room.clock import Clock, system_clock
from reading_room.containers.spec import ContainerSpec, RealtimeSpec
from reading_room.database.engine import Database
from reading_room.dataplane.spec import NetworkSpec
from reading_room.fleet.members import Fleet
from reading_room.fleet.tables import ACTIVE
from reading_room.hosts.confirmations import Confirmations
from reading_room.jobs import desired as jobs
from reading_room.jobs.tables import JobRow
from reading_room.settings import Settings
from reading_room.vpc import network_spec
from reading_room.vpc.addressing import addresses
from reading_room.vpc.gateways import gateway_hosts
from reading_room.vpc.gateways.gateway_hosts import Owner
from reading_room.vpc.host_networks import HostNetworks

RECENT = dt.timedelta(minutes=15)
RECENT_AT_MOST = 2
"""The most engines that also wait loaded because a job was recently submitted for them, the most recent first."""
_Containers = Mapping[str, Sequence[ContainerSpec]]


class DesiredHosts:
    """Reads the spec of each host and numbers its changes."""

    def __init__(
        self,
        *,
        database: Database,
        settings: Settings,
        host: str,
        realtime: Callable[[str], tuple[RealtimeSpec, ...]],
        fleet: Fleet | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """``host`` is the only host while ``fleet`` has no others.

        ``realtime`` returns the containers of synchronous calls that a host should have.
        """
        self._database = database
        self._host = host
        self._realtime = realtime
        self._fleet = fleet or Fleet(database)
        self._limits = jobs.limits_from(settings)
        self._standby = settings.standby
        self._clock = clock
        self._numbers: dict[str, _Numbers] = {}
        self._together = _Together(database)
        self.taking: Sequence[str] = (host,)
        """The hosts that may get new containers, as of the last reading."""

    def behind(self, report: HostReport) -> bool:
        """Take a report; return whether its host has a higher generation, above which the next spec continues."""
        self._together.reported(report)
        return self._number(report.host).behind(report.generation)

    def taking_elsewhere(self) -> bool:
        """Return whether other hosts than that of ``serve`` may get new containers."""
        return any(host != self._host for host in self.taking)

    def waits(self) -> bool:
        """Return whether anything waits for hosts, so that a report is a reason to read the specs again."""
        return self._together.waits()

    def read(self) -> Mapping[str, HostSpec]:
        """Return the current spec of each host; the same objects as before for those for which nothing changed."""
        with self._database.reading() as session:
            members = self._fleet.members(session)
            several = HostNetworks(session, members) if members else None
            networks = {} if members else {self._host: network_spec.read(session)}
            containers: _Containers = jobs.by_host(session, self._limits, members)
            ahead = (*AHEAD, *_recently_used(session, self._clock()))
            held = addresses.held(session) if members else set()
        owners: Mapping[str, Owner] = {}
        epochs = {member.host: member.epoch for member in members}
        if several is not None:
            owners = self._together.owners(several)
            networks = several.specs(owners)
            containers = self._together.startable(containers, networks)
        specs = {
            host: self._number(host).numbered(
                HostSpec(
                    host=host,
                    generation=0,
                    network=network,
                    containers=tuple(containers.get(host, ())),
                    standby=tuple(StandbyCount(engine, self._standby) for engine in ahead),
                    realtime=self._realtime(host),
                    epoch=epochs.get(host, 0),
                )
            )
            for host, network in networks.items()
        }
        if several is not None:
            self.taking = [each.host for each in members if each.state == ACTIVE and each.leased]
            self._together.follow(specs, {member.host for member in members if not member.lost}, owners, held)
        return specs

    def begin(self) -> None:
        """Forget what this process knew when it led before: other leaders have sent specs since."""
        self._together = _Together(self._database)
        self._numbers = {}

    def _number(self, host: str) -> _Numbers:
        return self._numbers.setdefault(host, _Numbers())


class _Numbers:
    """The generations of one host's specs."""

    def __init__(self) -> None:
        # Milliseconds since 1970: after a restart, generations continue above every one that was ever sent, unless the
        # clock was set back. Then the agent's reports say above which one.
        self._generation = time.time_ns() // 1_000_000
        self._reported = 0
        self._last: HostSpec | None = None

    def behind(self, generation: int) -> bool:
        """Continue above a generation that the agent has reported; return whether that changes the spec."""
        self._reported = max(self._reported, generation)
        return generation > self._generation

    def numbered(self, spec: HostSpec) -> HostSpec:
        """Return the spec with its generation; the same object as before if nothing changed."""
        self._generation = max(self._generation, self._reported)
        if self._last is not None and replace(spec, generation=self._generation) == self._last:
            return self._last
        self._generation += 1
        self._last = replace(spec, generation=self._generation)
        return self._last


class _Together:
    """What waits until several hosts have put a spec into force."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._confirmations = Confirmations()
        self._leaving: dict[tuple[str, str, dt.datetime], Mapping[str, int]] = {}
        """The generations without each held address, by host."""
        self._moving: dict[tuple[str, int], Mapping[str, int]] = {}
        """The generations in which another host is the owner of a VPC's way out, by VPC and fence."""
        self._arriving: dict[str, Mapping[str, int]] = {}
        """The generations with the address of each container that is to be started."""
        self._started: set[str] | None = None
        """The containers that need not wait any more; ``None`` before the first reading."""

    def reported(self, report: HostReport) -> None:
        """Take a report."""
        self._confirmations.reported(report)

    def waits(self) -> bool:
        """Return whether anything waits for a report."""
        return bool(self._leaving or self._moving or self._arriving)

    def owners(self, networks: HostNetworks) -> Mapping[str, Owner]:
        """Write which owners of gateways change, and return all of them. Raises ``OwnerChanged``."""
        changes = networks.changed_owners()
        for vpc_id, owner in networks.owners.items():
            generations = self._moving.get((vpc_id, owner.fence))
            if owner.previous is None or generations is None or vpc_id in changes:
                continue
            if self._confirmations.in_force(vpc_id, generations, (owner.previous,)):
                changes[vpc_id] = Owner(owner.host, owner.fence + 1)
        if changes or networks.gone:
            with self._database.transaction() as session:
                gateway_hosts.write(session, changes, networks.gone)
        return {**networks.owners, **changes}

    def startable(self, containers: _Containers, networks: Mapping[str, NetworkSpec]) -> _Containers:
        """Return the containers whose addresses all other hosts of their VPCs know.

        Those of the first reading may run already, so they are not held back.
        """
        wanted = {each.container_id for of_host in containers.values() for each in of_host}
        if self._started is None:
            self._started = wanted
        self._started &= wanted
        hosts = {host: {vpc.vpc_id for vpc in network.vpcs} for host, network in networks.items()}
        found: dict[str, list[ContainerSpec]] = {}
        arriving: dict[str, Mapping[str, int]] = {}
        for host, of_host in containers.items():
            for each in of_host:
                if each.container_id not in self._started:
                    others = {other for other, vpcs in hosts.items() if other != host and each.vpc_id in vpcs}
                    generations = self._arriving.get(each.container_id, {})
                    known = generations and self._confirmations.in_force(each.vpc_id, generations, others)
                    if others and not known:
                        arriving[each.container_id] = generations  # ``follow`` adds those of a new one.
                        continue
                    self._started.add(each.container_id)
                found.setdefault(host, []).append(each)
        self._arriving = arriving
        return found

    def follow(
        self,
        specs: Mapping[str, HostSpec],
        hosts: Set[str],
        owners: Mapping[str, Owner],
        held: Set[tuple[str, str, dt.datetime]],
    ) -> None:
        """Remember which generations have what changed, and give away the addresses that no host has any more.

        ``hosts`` are those that are not lost.
        """
        self._confirmations.sent(specs.values())
        generations = {host: spec.generation for host, spec in specs.items()}
        self._arriving = {each: known or generations for each, known in self._arriving.items()}
        self._moving = {
            (vpc_id, owner.fence): self._moving.get((vpc_id, owner.fence), generations)
            for vpc_id, owner in owners.items()
            if owner.previous is not None
        }
        self._leaving = {each: self._leaving.get(each, generations) for each in held}
        free = [each for each, then in self._leaving.items() if self._confirmations.in_force(each[0], then, hosts)]
        if free:
            with self._database.transaction() as session:
                for vpc_id, address, released_at in free:
                    addresses.end_hold(session, vpc_id, address, released_at)
            for each in free:
                del self._leaving[each]


def _recently_used(session: Session, now: dt.datetime) -> tuple[EngineName, ...]:
    return tuple(cast(EngineName, engine) for engine in session.scalars(_RECENT, {"since": now - RECENT}))


_RECENT = (
    select(JobRow.engine)
    .where(JobRow.submitted_at > bindparam("since"), JobRow.engine.not_in(AHEAD))
    .group_by(JobRow.engine)
    .order_by(func.max(JobRow.submitted_at).desc(), JobRow.engine)
    .limit(RECENT_AT_MOST)
)
