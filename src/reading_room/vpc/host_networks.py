"""The networks of several hosts, from one reading of the tables.

A VPC is present on the hosts with an interface of a container in it, and on the host that owns its internet gateway. On
each of them it is complete: groups with their members on all hosts, endpoints, and the interfaces without a container,
which endpoints and NAT gateways have. Addresses of containers on other hosts are placements. Interfaces on hosts that
are lost exist nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from reading_room.agent.network_check import MOST_MTU
from reading_room.dataplane import spec
from reading_room.fleet.members import Member
from reading_room.vpc.gateways import gateway_hosts
from reading_room.vpc.gateways.gateway_hosts import Owner
from reading_room.vpc.network_spec import Tables, read_interfaces, read_prefix_lists


class HostNetworks:
    """The tables, as ``specs`` needs them. ``members`` are all hosts, those that are lost among them."""

    def __init__(self, session: Session, members: Sequence[Member]) -> None:
        self._members = members
        self._known = {member.host: member for member in members if not member.lost}
        rows = [row for row in read_interfaces(session) if row.host is None or row.host in self._known]
        self._homes = {row.interface_id: row.host for row in rows}
        present: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            if row.host is not None:
                present[row.vpc_id].add(row.host)
        self._present: Mapping[str, Collection[str]] = present
        tables = Tables(session, sorted(present), rows)
        self._vpcs = [tables.vpc(vpc_id) for vpc_id in sorted(present)]
        self._prefix_lists = read_prefix_lists(session)
        self.owners = gateway_hosts.read(session)
        """The owners of the gateways, as they were read."""
        self.gone = self.owners.keys() - tables.vpc_ids
        """The VPCs among them that do not exist any more."""

    def host_of(self, interface_id: str) -> str | None:
        """Return the host of an interface; ``None`` if it is on none, or on every host of its VPC."""
        return self._homes.get(interface_id)

    def changed_owners(self) -> dict[str, Owner]:
        """Return the owners to write before ``specs`` may be called with them."""
        with_gateway = {vpc.vpc_id: self._present[vpc.vpc_id] for vpc in self._vpcs if vpc.internet_gateway is not None}
        return gateway_hosts.choose(with_gateway, self.owners, self._members)

    def specs(self, owners: Mapping[str, Owner]) -> dict[str, spec.NetworkSpec]:
        """Return the network of each host. One that is lost, or has not begun, is not among the others."""
        parts: dict[str, list[spec.Vpc]] = {member.host: [] for member in self._members}
        for vpc in self._vpcs:
            owner = owners.get(vpc.vpc_id) if vpc.internet_gateway is not None else None
            for host, part in self._parts(vpc, owner):
                parts[host].append(part)
        # One that has joined and never had a lease has nothing yet. The others could not prove that they reach it.
        begun = [member for member in self._known.values() if member.epoch or parts[member.host]]
        mtu = min((member.mtu for member in begun), default=MOST_MTU)
        places = [place_of(member) for member in begun]
        return {
            member.host: spec.NetworkSpec(
                vpcs=tuple(parts[member.host]),
                prefix_lists=self._prefix_lists,
                underlay=spec.Underlay(
                    place_of(member),
                    tuple(each for each in places if each.host != member.host),
                    min(mtu, member.mtu),
                ),
            )
            for member in self._members
        }

    def _parts(self, vpc: spec.Vpc, owner: Owner | None) -> list[tuple[str, spec.Vpc]]:
        hosts = set(self._present[vpc.vpc_id])
        if owner is not None and owner.host in self._known:
            hosts.add(owner.host)
        wired: dict[str, list[spec.Interface]] = defaultdict(list)
        everywhere: list[spec.Interface] = []
        placements: list[spec.Placement] = []
        for interface in vpc.interfaces:
            home = self._homes[interface.interface_id]
            if home is None:
                everywhere.append(interface)
            else:
                wired[home].append(interface)
                name = interface.interface_id
                placements.extend(spec.Placement(address, home, name) for address in interface.addresses)
        return [
            (
                host,
                replace(
                    vpc,
                    interfaces=tuple(sorted((*everywhere, *wired[host]), key=lambda each: each.interface_id)),
                    placements=tuple(each for each in placements if each.host != host),
                    gateway_host=None if owner is None else self._gateway_host(owner, host),
                ),
            )
            for host in sorted(hosts)
        ]

    def _gateway_host(self, owner: Owner, host: str) -> str | None:
        if host != owner.host:
            return owner.host if owner.host in self._known else None
        # The earlier owner may still act. Until it does not, this host sends it what is for the outside.
        return owner.previous if owner.previous in self._known else None


def place_of(member: Member) -> spec.HostPlace:
    """Return a host's place in the underlay."""
    return spec.HostPlace(member.host, member.number, member.underlay, member.tunnel_key, member.tunnel_port)
