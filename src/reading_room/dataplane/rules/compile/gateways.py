"""Internet and NAT gateways: which packets leave the VPC, with which address, and which come in.

All addresses are in maps: those of NAT gateways by route table and destination, Elastic IPs by private address. A VPC
does not depend on anything beyond the uplink.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, collapse_addresses

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile import names
from reading_room.dataplane.rules.compile.base_chains import INNER_NAT, NOBODY
from reading_room.dataplane.rules.compile.routes import UNROUTABLE, InnerWay, Way
from reading_room.dataplane.rules.host import Translation, Uplink, UplinkRoutes
from reading_room.dataplane.rules.nftables import Element, Goto, Jump, KeyType, NamedSet
from reading_room.dataplane.spec import Vpc

NAT_PROTOCOLS = ("1", "6", "17")
"""ICMP, TCP and UDP: a NAT gateway translates nothing else."""
_FIRST, _LAST = 32_768, 60_999
"""The ports that Linux assigns to clients that do not choose one."""


def elastic_of(vpc: Vpc, attached: Iterable[str]) -> dict[str, str]:
    """Return the Elastic IPs by private address in use, or none without an internet gateway."""
    if vpc.internet_gateway is None:
        return {}
    there = set(attached)
    return {each.private: each.public for each in vpc.elastic_addresses if each.private in there}


def public_addresses(vpc: Vpc) -> tuple[str, ...]:
    """Return the VPC's public addresses, sorted, or none without an internet gateway."""
    if vpc.internet_gateway is None:
        return ()
    found = {each.public for each in vpc.elastic_addresses}
    return _sorted(found.union(*(nat.public for nat in vpc.nat_gateways)))


def uplink(vpc: Vpc, ways: Iterable[Way]) -> Uplink | None:
    """Return the wire to the host's uplink namespace, for a VPC with an internet gateway."""
    if vpc.internet_gateway is None:
        return None
    outside: dict[int, list[IPv4Network]] = {}
    for way in ways:
        if way.taker.endpoint is None:
            outside.setdefault(way.table.number, []).extend(parsed.network(each) for each in way.networks)
    routes = (
        UplinkRoutes(number, tuple(str(each) for each in collapse_addresses(found)))
        for number, found in sorted(outside.items())
    )
    return Uplink(public_addresses(vpc), tuple(routes))


def returns(vpc: Vpc) -> tuple[str, ...]:
    """Return the addresses that listeners see as peers although no link has them, sorted."""
    private = {address for nat in vpc.nat_gateways for address in nat.private}
    return _sorted(private.union(public_addresses(vpc)))


def gateway_sets(
    vpc: Vpc, ways: Sequence[Way], inner: Sequence[InnerWay], elastic: Mapping[str, str]
) -> list[NamedSet]:
    """Return the sets and maps of gateways. Each element names its gateway, ``eipalloc-…`` or subnet."""
    outside = [way for way in ways if way.taker.endpoint is None]
    closed = collapse_addresses(parsed.network(cidr) for cidr in (*vpc.cidrs, *UNROUTABLE))
    allocations = {each.private: each.allocation_id for each in vpc.elastic_addresses}
    address = (KeyType.ADDRESS,)
    return [
        _destinations(names.BY_INTERNET, (way for way in outside if way.taker.nat is None), vpc.internet_gateway or ""),
        _destinations(names.BY_NAT, (way for way in outside if way.taker.nat is not None)),
        NamedSet(names.NAT_PROTOCOLS, (KeyType.PROTOCOL,), tuple(Element((each,)) for each in NAT_PROTOCOLS)),
        NamedSet(names.SOURCE_NAT, names.ENDPOINT_KEY, tuple(_nat_elements(ways)), interval=True, value=address),
        NamedSet(names.INNER, names.INNER_KEY, tuple(map(_inner_element, inner)), interval=True, value="verdict"),
        NamedSet(
            names.SOURCE_INNER,
            (*names.INNER_KEY, KeyType.PORT),
            tuple(
                Element((way.source.cidr, way.destination.cidr, ports), (given,), way.nat.nat_gateway_id)
                for way in inner
                if way.nat is not None
                for ports, given in shares(way.nat.private)
            ),
            interval=True,
            value=address,
        ),
        NamedSet(
            names.SOURCE_ELASTIC,
            address,
            tuple(Element((each,), (elastic[each],), allocations[each]) for each in _sorted(elastic)),
            value=address,
        ),
        NamedSet(
            names.ELASTIC,
            address,
            tuple(Element((elastic[each],), (each,), allocations[each]) for each in _sorted(elastic)),
            value=address,
        ),
        NamedSet(names.FROM_ELASTIC, address, tuple(Element((each,)) for each in _sorted(elastic))),
        NamedSet(names.PUBLIC, address, tuple(Element((each,)) for each in public_addresses(vpc))),
        NamedSet(names.CLOSED, address, tuple(Element((str(each),)) for each in closed), interval=True),
    ]


def translations(
    ways: Iterable[Way],
    inner: Iterable[InnerWay],
    addresses: Mapping[str, Sequence[str]],
    elastic: Mapping[str, str],
    *,
    inbound: bool = True,
) -> tuple[Translation, ...]:
    """Return the translations whose flows may continue.

    ``addresses`` maps route table ids to the addresses of attached interfaces, ``elastic`` maps private addresses to
    Elastic IPs. ``inbound`` says whether packets from outside come in here.
    """
    found = []
    outside: dict[str, list[str]] = {private: [] for private in elastic}
    for way in ways:
        sources = tuple(addresses.get(way.table.route_table_id, ()))
        if way.taker.nat is not None:
            found.append(Translation(sources, way.networks, way.taker.addresses))
        elif way.taker.endpoint is None or way.taker.endpoint.kind == "far":
            for source in sources:
                if source in outside:
                    outside[source] += way.networks
    every = {address for each in addresses.values() for address in each}
    for pair in inner:
        if pair.nat is not None:
            network = parsed.network(pair.source.cidr)
            sources = _sorted(address for address in every if parsed.address(address) in network)
            found.append(Translation(sources, (pair.destination.cidr,), pair.nat.private))
    found += [
        Translation((private,), tuple(outside[private]), (elastic[private],), inbound=inbound)
        for private in _sorted(elastic)
    ]
    return tuple(found)


def shares(addresses: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield a span of source ports for each address of a NAT gateway. They share the ports of clients evenly."""
    step = (_LAST + 1 - _FIRST) // len(addresses)
    for number, address in enumerate(addresses):
        first = _FIRST + number * step if number else 0
        last = _FIRST + (number + 1) * step - 1 if number + 1 < len(addresses) else 65_535
        yield f"{first}-{last}", address


def _destinations(name: str, ways: Iterable[Way], comment: str = "") -> NamedSet:
    elements = [
        Element((str(way.table.number), network), None, way.taker.nat.nat_gateway_id if way.taker.nat else comment)
        for way in ways
        for network in way.networks
    ]
    return NamedSet(name, names.ROUTE_KEY, tuple(elements), interval=True)


def _nat_elements(ways: Iterable[Way]) -> Iterator[Element]:
    for way in ways:
        if way.taker.nat is not None:
            for network in way.networks:
                for ports, given in shares(way.taker.addresses):
                    yield Element((str(way.table.number), network, ports), (given,), way.taker.nat.nat_gateway_id)


def _inner_element(way: InnerWay) -> Element:
    key = (way.source.cidr, way.destination.cidr)
    if way.nat is None:
        return Element(key, Goto(NOBODY.name), way.destination.subnet_id)
    return Element(key, Jump(INNER_NAT.name), way.nat.nat_gateway_id)


def _sorted(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(addresses))
