"""A VPC on several hosts: the tunnel to the others, and the sets that its rules look up.

The sender's host judges by the sender's groups and routes, and the receiver's host by the receiver's groups. Each knows
the members of every group on all hosts (``SecurityGroup.members``), so it can judge alone. What comes by the tunnel
must be from an address on another host and for an interface on this one; nothing that came by a tunnel leaves by it.

One host owns the VPC's internet gateway. The others send it what is for the outside, with the private source, and get
from it what comes in, with the public source. Endpoints are on every host, and so are the NAT gateways on the way to
them. Packets that pass a NAT gateway inside the VPC are translated by the receiver's host, which alone gets all flows
to its interfaces, and so never gives two of them the same addresses and ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile.names import INNER_KEY
from reading_room.dataplane.rules.compile.routes import Way
from reading_room.dataplane.rules.encryption import carried_mtu, tunnel_end
from reading_room.dataplane.rules.host import (
    MTU,
    LinkConfig,
    RemoteGateway,
    Translation,
    Tunnel,
    TunnelHost,
    TunnelRoute,
    Uplink,
    tunnel_device,
    tunnel_hop,
    tunnel_mac,
)
from reading_room.dataplane.rules.nftables import Count, Drop, Element, Equals, Field, KeyType, Lookup, NamedSet, Rule
from reading_room.dataplane.spec import TUNNEL_OVERHEAD, RouteTable, Underlay, Vpc

LEASE = "host_lease"
"""Set with one element, which lasts as long as the host's lease. Nothing passes without it."""
HERE = "to_here"
"""Set of the addresses of interfaces with a wire on this host."""

LED = "to_led"
"""Set of networks of source and destination between which routes lead to interfaces on this host (``eni-…``)."""
GATEWAY_BY = "gateway_by"
"""Set with the tunnel's device while another host owns the internet gateway."""
GATEWAY_MARK = "gateway_mark"
"""Map from the address family to the mark of flows that leave or come in by the internet gateway of another host."""

LEASE_KEY = "ipv4"
"""The key of the lease's element: the address family, which all packets of a VPC share."""
LEASE_ENDED = Rule(
    (Lookup((Field.FAMILY,), LEASE, negated=True),), (Count(), Drop()), "the lease of the host has ended"
)


def from_tunnel(device: str) -> Equals:
    """Return the match of packets that came by a tunnel."""
    return Equals(Field.INPUT_DEVICE, device)


def to_tunnel(device: str) -> Equals:
    """Return the match of packets that leave by a tunnel."""
    return Equals(Field.OUTPUT_DEVICE, device)


def tunnel_mtu(underlay: Underlay) -> int:
    """Return the longest packet in bytes that VPCs can send to other hosts."""
    return min(MTU, carried_mtu(underlay) - TUNNEL_OVERHEAD)


def tunnel(vpc: Vpc, underlay: Underlay) -> Tunnel:
    """Return a VPC's tunnel. Raises ``ValueError`` for an address on an unknown host."""
    others = {each.host: each for each in underlay.others}
    for placement in vpc.placements:
        if placement.host not in others:
            raise ValueError(f"{placement.address} is on {placement.host}, which is not a host that is known here")
    used = {placement.host for placement in vpc.placements}
    if vpc.gateway_host is not None:
        if vpc.gateway_host not in others:
            raise ValueError(f"the gateways are on {vpc.gateway_host}, which is not a host that is known here")
        used.add(vpc.gateway_host)
    return Tunnel(
        device=tunnel_device(vpc.vni),
        vni=vpc.vni,
        mac=tunnel_mac(underlay.here.number),
        underlay=tunnel_end(underlay.here),
        mtu=tunnel_mtu(underlay),
        hosts=tuple(
            sorted(
                TunnelHost(tunnel_hop(others[host].number), tunnel_mac(others[host].number), tunnel_end(others[host]))
                for host in used
            )
        ),
        routes=tuple(
            sorted(TunnelRoute(each.address, tunnel_hop(others[each.host].number)) for each in vpc.placements)
        ),
    )


def tunnel_sets(
    links: tuple[LinkConfig, ...], device: str, gateway: RemoteGateway | None, led: Iterable[tuple[str, str]]
) -> list[NamedSet]:
    """Return the sets that only a VPC with a tunnel has. ``led`` are the elements of ``LED``."""
    here = sorted(address for link in links for address in (link.address, *link.secondary))
    by = () if gateway is None else (Element((device,)),)
    mark = () if gateway is None else (Element((LEASE_KEY,), (str(gateway.number),)),)
    return [
        NamedSet(LEASE, (KeyType.FAMILY,), filled="lease"),
        NamedSet(HERE, (KeyType.ADDRESS,), tuple(Element((address,)) for address in here)),
        NamedSet(LED, INNER_KEY, tuple(map(Element, sorted(led))), interval=True),
        NamedSet(GATEWAY_BY, (KeyType.DEVICE,), by),
        NamedSet(GATEWAY_MARK, (KeyType.FAMILY,), mark, value=(KeyType.MARK,)),
    ]


def remote_gateway(vpc: Vpc, underlay: Underlay | None, out: Uplink | None) -> RemoteGateway | None:
    """Return the way to the host that owns the internet gateway; ``out`` is the uplink that it would have here."""
    if underlay is None or out is None or vpc.gateway_host is None:
        return None
    number = next(each.number for each in underlay.others if each.host == vpc.gateway_host)
    return RemoteGateway(tunnel_hop(number), number, out.routes)


def sent_to_gateway(
    gateway: RemoteGateway, ways: Iterable[Way], addresses: Mapping[str, Sequence[str]], elastic: Mapping[str, str]
) -> tuple[Translation, ...]:
    """Return the translations whose flows may continue by the gateway on another host.

    ``addresses`` maps route table ids to the addresses of interfaces on this host, ``elastic`` the private addresses
    with an Elastic IP among them.
    """
    found = []
    for way in ways:
        if way.taker.endpoint is None:
            there = addresses.get(way.table.route_table_id, ())
            sources = tuple(each for each in there if way.taker.nat is not None or each in elastic)
            found.append(Translation(sources, way.networks, (), mark=gateway.number))
    return (*found, Translation(tuple(sorted(elastic)), (), (), inbound=True, mark=gateway.number))


def elsewhere(vpc: Vpc, device: str, tables: Mapping[str, RouteTable]) -> tuple[list[Element], list[Element]]:
    """Return the elements of ``names.MARKS`` and ``names.ATTACHED`` for addresses on other hosts.

    ``tables`` maps a subnet's id to its route table. Raises ``ValueError`` for an address outside of every subnet.
    """
    marks, there = [], []
    for address in sorted(each.address for each in vpc.placements):
        subnet = next((each for each in vpc.subnets if parsed.address(address) in parsed.network(each.cidr)), None)
        if subnet is None:
            raise ValueError(f"{address}, on another host, is in no subnet of {vpc.vpc_id}")
        marks.append(Element((device, address), (str(tables[subnet.subnet_id].number),)))
        there.append(Element((address,)))
    return marks, there
