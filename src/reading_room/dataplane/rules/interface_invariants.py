"""Invariants of routes to interfaces that receive packets for other addresses, a part of ``invariants.py``. Pure.

Most checks serve one promise: such a packet goes only to the interface that the route names, and passes its groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile import names
from reading_room.dataplane.rules.compile.base_chains import NOBODY
from reading_room.dataplane.rules.compile.interfaces import FIRST_MARK, mark_of
from reading_room.dataplane.rules.compile.routes import UNROUTABLE, receivers
from reading_room.dataplane.rules.host import RouterConfig, Through, link_name
from reading_room.dataplane.rules.nftables import Element, Goto
from reading_room.dataplane.rules.routing import kept_addresses
from reading_room.dataplane.spec import Vpc

_OTHERS = (names.BY_INTERNET, names.BY_NAT, names.ENDPOINTS, names.FAR)


def check_interfaces(router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    """Yield a sentence for each problem. A ruleset that lacks a set is skipped, since ``invariants.py`` reports it."""
    sets = {each.name: each.elements for each in router.ruleset.sets}
    if any(name not in sets for name in (names.BY_INTERFACE, names.INNER_INTERFACE, names.INNER, *_OTHERS)):
        return
    elements = (*sets[names.BY_INTERFACE], *sets[names.INNER_INTERFACE])
    yield from _check_takers(router, vpc, elements)
    yield from _check_outside(vpc, sets)
    yield from _check_inside(vpc, sets)


def _check_takers(router: RouterConfig, vpc: Vpc, elements: tuple[Element, ...]) -> Iterator[str]:
    """Yield the problems with the interfaces, their marks and their links."""
    named = {route.target for table in vpc.route_tables for route in table.routes}
    able = {interface: each for interface, each in receivers(vpc).items() if interface in named}
    hops = {route.address: route.hop for route in router.tunnel.routes} if router.tunnel else {}
    wanted = set()
    for element in elements:
        receiver = able.get(element.comment)
        if receiver is None:
            yield f"{element.key[1]} would go to {element.comment}, to which no route leads, or which has no wire"
            continue
        if receiver.host:
            device = router.tunnel.device if router.tunnel else ""
            wanted.add(Through(mark_of(receiver), device, hops.get(receiver.address, "")))
        else:
            wanted.add(Through(mark_of(receiver), link_name(receiver.interface_id), receiver.address))
        if element.value != (str(mark_of(receiver)),):
            yield f"{element.key[1]} would go to another interface than {element.comment}"
    if set(router.through) != wanted or len(router.through) != len(wanted):
        yield "routing would lead packets to other interfaces than the ruleset does"
    shared = [mark for mark, times in Counter(each.number for each in router.through).items() if times > 1]
    if shared or any(each.number < FIRST_MARK for each in router.through):
        yield "two interfaces that routes lead to would share a mark, or have that of a route table"


def _check_outside(vpc: Vpc, sets: dict[str, tuple[Element, ...]]) -> Iterator[str]:
    """Yield the problems with destinations outside the VPC: each has no other target, and its table exists."""
    tables = {str(table.number) for table in vpc.route_tables}
    closed = [parsed.network(cidr) for cidr in (*vpc.cidrs, *UNROUTABLE)]
    taken = [(each.key[0], parsed.network(each.key[1])) for name in _OTHERS for each in sets[name]]
    for element in sets[names.BY_INTERFACE]:
        network = parsed.network(element.key[1])
        if element.key[0] not in tables:
            yield f"{network} is sent to {element.comment} by a route table that does not exist ({element.key[0]})"
        if any(network.overlaps(each) for each in closed):
            yield f"{network} is inside the VPC and cannot be sent to {element.comment} by a route of the outside"
        if any(mark == element.key[0] and network.overlaps(each) for mark, each in taken):
            yield f"{network} would go to {element.comment} and to somebody else"


def _check_inside(vpc: Vpc, sets: dict[str, tuple[Element, ...]]) -> Iterator[str]:
    """Yield the problems with routes more specific than local: packets that they do not lead on must be dropped."""
    subnets = {subnet.cidr: parsed.network(subnet.cidr) for subnet in vpc.subnets}
    kept = [parsed.address(each) for each in kept_addresses(vpc)]
    dropped = {each.key for each in sets[names.INNER] if each.value == Goto(NOBODY.name)}
    for element in sets[names.INNER_INTERFACE]:
        source, network = element.key[0], parsed.network(element.key[1])
        whole = next((cidr for cidr, each in subnets.items() if network.subnet_of(each)), "")
        if (source, whole) not in dropped:
            yield f"{source} to {network} is not from one subnet to another whose rest is dropped"
        if any(each in network for each in kept):
            yield f"{network} holds addresses of the VPC itself, which no route leads to {element.comment}"
