"""Routes to interfaces that receive packets for other addresses, because their source and destination check is off.

Such a packet keeps its addresses, so its destination does not tell routing which interface gets it. The ruleset gives
it the mark of the interface, and a policy rule before the main table leads that mark to a routing table with one route:
by the interface's link, or by the tunnel to its host, where the same happens again. The interface's groups judge it
like any packet that leaves by that link. Packets from the interface itself are not affected: ``if_mark`` lets it send
only from its own addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile import names
from reading_room.dataplane.rules.compile.routes import InnerInterfaceWay, InterfaceWay, Receiver
from reading_room.dataplane.rules.host import Through, Translation, link_name
from reading_room.dataplane.rules.nftables import Element, KeyType, NamedSet
from reading_room.dataplane.spec import Vpc

FIRST_MARK = 1 << 31
"""The first mark of interfaces. The marks of route tables are below it."""
NO_HOPS: Mapping[str, str] = {}


def mark_of(receiver: Receiver) -> int:
    """Return the mark of an interface: its address with the first bit set. Two addresses may have the same mark.

    ``interface_invariants.py`` refuses a VPC in which two interfaces would share a mark.
    """
    return FIRST_MARK | int(parsed.address(receiver.address))


def through(
    ways: Iterable[InterfaceWay],
    inner: Iterable[InnerInterfaceWay],
    device: str = "",
    hops: Mapping[str, str] = NO_HOPS,
) -> tuple[Through, ...]:
    """Return the interfaces that routes lead to, each with its mark, sorted.

    ``device`` is the tunnel to other hosts, if there is one, and ``hops`` maps their names to the next hops in it.
    """
    every: list[InterfaceWay | InnerInterfaceWay] = [*ways, *inner]
    return tuple(sorted({_through(each.receiver, device, hops) for each in every}))


def _through(receiver: Receiver, device: str, hops: Mapping[str, str]) -> Through:
    if receiver.host:
        return Through(mark_of(receiver), device, hops[receiver.host])
    return Through(mark_of(receiver), link_name(receiver.interface_id), receiver.address)


def led_here(vpc: Vpc, ways: Iterable[InterfaceWay], inner: Iterable[InnerInterfaceWay]) -> set[tuple[str, str]]:
    """Return the networks of source and destination between which routes lead to interfaces on this host."""
    found = {(way.source.cidr, network) for way in inner if not way.receiver.host for network in way.networks}
    for way in ways:
        if not way.receiver.host:
            using = (each.cidr for each in vpc.subnets if each.route_table_id == way.table.route_table_id)
            found.update((cidr, network) for cidr in using for network in way.networks)
    return found


def led(
    ways: Iterable[InterfaceWay], inner: Iterable[InnerInterfaceWay], addresses: Mapping[str, Sequence[str]]
) -> tuple[Translation, ...]:
    """Return the translations whose flows may continue although they get no answers.

    ``addresses`` maps route table ids to the addresses of attached interfaces, those on other hosts included.
    """
    found = [
        Translation(tuple(addresses.get(way.table.route_table_id, ())), way.networks, (), mark=mark_of(way.receiver))
        for way in ways
    ]
    every = sorted({address for each in addresses.values() for address in each})
    for way in inner:
        network = parsed.network(way.source.cidr)
        sources = tuple(address for address in every if parsed.address(address) in network)
        found.append(Translation(sources, way.networks, (), mark=mark_of(way.receiver)))
    return tuple(found)


def interface_sets(ways: Iterable[InterfaceWay], inner: Iterable[InnerInterfaceWay]) -> list[NamedSet]:
    """Return the two maps from destinations to marks. Each element names its interface."""
    outside = [
        Element((str(way.table.number), network), (str(mark_of(way.receiver)),), way.receiver.interface_id)
        for way in ways
        for network in way.networks
    ]
    inside = [
        Element((way.source.cidr, network), (str(mark_of(way.receiver)),), way.receiver.interface_id)
        for way in inner
        for network in way.networks
    ]
    mark = (KeyType.MARK,)
    return [
        NamedSet(names.BY_INTERFACE, names.ROUTE_KEY, tuple(outside), interval=True, value=mark),
        NamedSet(names.INNER_INTERFACE, names.INNER_KEY, tuple(inside), interval=True, value=mark),
    ]
