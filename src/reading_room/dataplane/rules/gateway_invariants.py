"""Invariants of a router's gateways, a part of ``invariants.py``. Pure.

Most checks serve one promise: nothing leaves by the uplink with a private source, nothing comes in for a private
destination, and nobody gets somebody else's address.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from ipaddress import IPv4Network, collapse_addresses

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile import names
from reading_room.dataplane.rules.compile.base_chains import INNER_NAT, NOBODY
from reading_room.dataplane.rules.compile.routes import UNROUTABLE
from reading_room.dataplane.rules.host import RouterConfig
from reading_room.dataplane.rules.nftables import Element, Goto, Jump
from reading_room.dataplane.spec import Vpc


def check_gateways(router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    """Yield a sentence for each problem. A ruleset that lacks a set is skipped, since ``invariants.py`` reports it."""
    sets = {each.name: each.elements for each in router.ruleset.sets}
    if any(name not in sets for name in (names.BY_INTERNET, names.BY_NAT, names.SOURCE_NAT, names.INNER, names.CLOSED)):
        return
    yield from _check_uplink(router, vpc, sets)
    yield from _check_elastic(router, vpc, sets)
    yield from _check_sources(router, vpc, sets)
    yield from _check_inner(vpc, sets)


def _public(vpc: Vpc) -> set[str]:
    """Return the VPC's current public addresses."""
    if vpc.internet_gateway is None:
        return set()
    return {each.public for each in vpc.elastic_addresses}.union(*(nat.public for nat in vpc.nat_gateways))


def _check_uplink(router: RouterConfig, vpc: Vpc, sets: dict[str, tuple[Element, ...]]) -> Iterator[str]:
    """Yield the problems with packets that may leave or come in."""
    public = _public(vpc)
    out = router.uplink or router.remote_gateway
    if (out is None) != (vpc.internet_gateway is None):
        yield "it has an uplink without an internet gateway, or the gateway without it"
    elsewhere = vpc.internet_gateway is not None and vpc.gateway_host is not None
    if (router.remote_gateway is not None) != elsewhere or (router.uplink is not None and elsewhere):
        yield "its internet gateway is on another host than that of the VPC"
    leaving = set(router.uplink.public) if router.uplink else set()
    if (not elsewhere and leaving != public) or {each.key[0] for each in sets[names.PUBLIC]} != public:
        yield "the public addresses that may leave are not those of its Elastic IPs and NAT gateways"
    closed = [parsed.network(cidr) for cidr in (*vpc.cidrs, *UNROUTABLE)]
    if [each.key[0] for each in sets[names.CLOSED]] != [str(each) for each in collapse_addresses(closed)]:
        yield "packets from outside could have a source of the VPC's own"
    judged: dict[str, list[IPv4Network]] = {}
    for element in (*sets[names.BY_INTERNET], *sets[names.BY_NAT]):
        network = parsed.network(element.key[1])
        judged.setdefault(element.key[0], []).append(network)
        if any(network.overlaps(each) for each in closed):
            yield f"{network} is inside the VPC and cannot leave it"
    routes = out.routes if out else ()
    routed = {str(each.number): [parsed.network(network) for network in each.networks] for each in routes}
    if {mark: list(collapse_addresses(found)) for mark, found in judged.items()} != routed:
        yield "what routing sends to the uplink is not what the ruleset lets go there"
    if stray := sorted(judged.keys() - {str(table.number) for table in vpc.route_tables}):
        yield f"route tables that do not exist send packets out: {', '.join(stray)}"
    private = {address for nat in vpc.nat_gateways for address in nat.private}
    if set(router.returns) != public | private:
        yield "answers to translated senders would not find their way"


def _check_elastic(router: RouterConfig, vpc: Vpc, sets: dict[str, tuple[Element, ...]]) -> Iterator[str]:
    """Yield the problems with Elastic IPs: each must belong to one attached address, in both directions."""
    attached = {address for link in router.links for address in (link.address, *link.secondary)}
    if router.tunnel is not None and vpc.gateway_host is None:
        attached.update(route.address for route in router.tunnel.routes)
    wanted = {(each.private, each.public) for each in vpc.elastic_addresses if each.private in attached}
    if vpc.internet_gateway is None:
        wanted = set()
    if len({private for private, _ in wanted}) < len(wanted) or len({public for _, public in wanted}) < len(wanted):
        yield "two Elastic IPs have one address"
    if {(each.key[0], _address(each)) for each in sets[names.SOURCE_ELASTIC]} != wanted:
        yield "an interface would leave with an Elastic IP that is not its own"
    if {(_address(each), each.key[0]) for each in sets[names.ELASTIC]} != wanted:
        yield "an Elastic IP would lead to an interface that does not have it"
    if {each.key[0] for each in sets[names.FROM_ELASTIC]} != {private for private, _ in wanted}:
        yield "an interface without an Elastic IP could pass the internet gateway"


def _check_sources(router: RouterConfig, vpc: Vpc, sets: dict[str, tuple[Element, ...]]) -> Iterator[str]:
    """Yield the problems with the addresses that NAT gateways give."""
    nats = {nat.nat_gateway_id: nat for nat in vpc.nat_gateways}
    given: dict[tuple[str, str], set[str]] = {}
    spans: dict[tuple[str, ...], list[str]] = {}
    for element in sets[names.SOURCE_NAT]:
        nat = nats.get(element.comment)
        spans.setdefault(element.key[:2], []).append(element.key[2])
        given.setdefault((element.key[0], element.key[1]), set()).add(_address(element))
        if nat is None or _address(element) not in (*nat.private, *nat.public):
            yield f"{element.key[1]} would leave with {_address(element)}, which {element.comment} does not have"
    for element in sets[names.SOURCE_INNER]:
        spans.setdefault(element.key[:2], []).append(element.key[2])
    for key, ports in spans.items():
        if not _every_port(ports):
            yield f"a NAT gateway would not translate every source port from {key[0]} to {key[1]}"
    public = _public(vpc)
    for element in sets[names.BY_NAT]:
        if not given.get((element.key[0], element.key[1]), {""}) <= public:
            yield f"{element.key[1]} would leave by {element.comment} without a public address"
    far = {endpoint.endpoint_id for endpoint in vpc.endpoints if endpoint.kind == "far"}
    outside: dict[str, list[IPv4Network]] = {}
    for element in sets[names.BY_NAT]:
        outside.setdefault(element.key[0], []).append(parsed.network(element.key[1]))
    for element in sets[names.ENDPOINTS]:
        network = parsed.network(element.key[1])
        if element.comment in far and not any(network.subnet_of(each) for each in outside.get(element.key[0], ())):
            yield f"{element.comment} would see a private source from {network}"


def _check_inner(vpc: Vpc, sets: dict[str, tuple[Element, ...]]) -> Iterator[str]:
    """Yield the problems with routes more specific than local: from subnet to subnet, to nobody or a NAT gateway."""
    blocks = {subnet.cidr for subnet in vpc.subnets}
    nats = {nat.nat_gateway_id: nat for nat in vpc.nat_gateways}
    passing = set()
    for element in sets[names.INNER]:
        if not blocks.issuperset(element.key) or element.key[0] == element.key[1]:
            yield f"{' to '.join(element.key)} is not from one subnet to another"
        if element.value == Jump(INNER_NAT.name):
            passing.add(element.key)
        elif element.value != Goto(NOBODY.name):
            yield f"{' to '.join(element.key)} would be decided by a route alone"
    translated = set()
    for element in sets[names.SOURCE_INNER]:
        nat = nats.get(element.comment)
        translated.add(element.key[:2])
        if nat is None or _address(element) not in nat.private:
            yield f"{' to '.join(element.key[:2])} would arrive from an address that {element.comment} does not have"
    if passing != translated:
        yield "a NAT gateway inside the VPC would pass packets with their own source, or translate what it must not"


def _every_port(spans: list[str]) -> bool:
    """Return whether spans of ports cover all ports, each once."""
    ends = sorted((int(span.split("-")[0]), int(span.split("-")[-1])) for span in spans)
    follow = all(last + 1 == first for (_, last), (first, _) in itertools.pairwise(ends))
    return follow and (ends[0][0], ends[-1][1]) == (0, 65_535)


def _address(element: Element) -> str:
    return element.value[0] if isinstance(element.value, tuple) else ""
