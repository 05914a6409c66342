"""Routes to interfaces that receive packets for other addresses, because their source and destination check is off.

Such a packet keeps its addresses, so its destination does not tell routing which interface gets it. The ruleset gives
it the mark of the interface, and a policy rule before the main table leads that mark to a routing table with one route,
by the interface's link. The interface's groups judge it like any packet that leaves by that link. Packets from the
interface itself are not affected: ``if_mark`` lets it send only from its own addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile import names
from reading_room.dataplane.rules.compile.routes import InnerInterfaceWay, InterfaceWay
from reading_room.dataplane.rules.host import Through, Translation, link_name
from reading_room.dataplane.rules.nftables import Element, KeyType, NamedSet
from reading_room.dataplane.spec import Interface

FIRST_MARK = 1 << 31
"""The first mark of interfaces. The marks of route tables are below it."""


def mark_of(interface: Interface) -> int:
    """Return the mark of an interface: its address with the first bit set. Two addresses may have the same mark.

    ``interface_invariants.py`` refuses a VPC in which two interfaces would share a mark.
    """
    return FIRST_MARK | int(parsed.address(interface.address))


def through(ways: Iterable[InterfaceWay], inner: Iterable[InnerInterfaceWay]) -> tuple[Through, ...]:
    """Return the interfaces that routes lead to, each with its mark, sorted."""
    every: list[InterfaceWay | InnerInterfaceWay] = [*ways, *inner]
    takers = {each.interface.interface_id: each.interface for each in every}
    found = (Through(mark_of(each), link_name(each.interface_id), each.address) for each in takers.values())
    return tuple(sorted(found, key=lambda each: (each.number, each.device)))


def led(
    ways: Iterable[InterfaceWay], inner: Iterable[InnerInterfaceWay], addresses: Mapping[str, Sequence[str]]
) -> tuple[Translation, ...]:
    """Return the translations whose flows may continue although they get no answers.

    ``addresses`` maps route table ids to the addresses of attached interfaces.
    """
    found = [
        Translation(tuple(addresses.get(way.table.route_table_id, ())), way.networks, (), mark=mark_of(way.interface))
        for way in ways
    ]
    every = sorted({address for each in addresses.values() for address in each})
    for way in inner:
        network = parsed.network(way.source.cidr)
        sources = tuple(address for address in every if parsed.address(address) in network)
        found.append(Translation(sources, way.networks, (), mark=mark_of(way.interface)))
    return tuple(found)


def interface_sets(ways: Iterable[InterfaceWay], inner: Iterable[InnerInterfaceWay]) -> list[NamedSet]:
    """Return the two maps from destinations to marks. Each element names its interface."""
    outside = [
        Element((str(way.table.number), network), (str(mark_of(way.interface)),), way.interface.interface_id)
        for way in ways
        for network in way.networks
    ]
    inside = [
        Element((way.source.cidr, network), (str(mark_of(way.interface)),), way.interface.interface_id)
        for way in inner
        for network in way.networks
    ]
    mark = (KeyType.MARK,)
    return [
        NamedSet(names.BY_INTERFACE, names.ROUTE_KEY, tuple(outside), interval=True, value=mark),
        NamedSet(names.INNER_INTERFACE, names.INNER_KEY, tuple(inside), interval=True, value=mark),
    ]
