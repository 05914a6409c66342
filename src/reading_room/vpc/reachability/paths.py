"""Whether a path exists between two resources of a VPC, computed from a ``NetworkSpec``.

Like AWS's Reachability Analyzer, an analysis considers every header that the path leaves open, and finds the path if
one of them arrives. The bounds of rules and routes divide the values into intervals, so it is enough to try the first
value of each. ``semantics.decide`` judges each try, and the compiled rules must agree on the one that is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.routing import SERVICE_PORTS, longest, networks_of, table_of, unroutable
from reading_room.dataplane.rules.semantics import decide
from reading_room.dataplane.rules.trace import trace
from reading_room.dataplane.rules.verdicts import Hop, Inbound, Packet, Verdict
from reading_room.dataplane.spec import CidrPeer, Interface, NetworkSpec, PrefixListPeer, SecurityGroupRule, Vpc

ANY_PORT = (0, 65_535)
EPHEMERAL = (1024, 65_535)
"""The source ports that a NAT gateway uses."""
_ANALYSED = "analysed"
"""The container id that stands for the missing container of a detached interface."""
_NOBODY = "192.0.2.1"
"""An address outside every VPC that nobody uses; it is tried first because it is the plainest example."""
_BOUNDS = (_NOBODY, "1.0.0.0", "128.0.0.0", "169.255.0.0")
"""The other bounds follow the ranges that no router forwards."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header that a packet must have at one end of a path; empty addresses and full port ranges match any."""

    source: str = ""
    destination: str = ""
    source_ports: tuple[int, int] = ANY_PORT
    destination_ports: tuple[int, int] = ANY_PORT


@dataclass(frozen=True, slots=True)
class Path:
    """A path to analyse, from a resource (``eni-…``, ``igw-…``, ``vpce-…``) to another, or to an address alone."""

    source: str
    destination: str
    protocol: int
    at_source: Header = Header()
    at_destination: Header = Header()
    through: frozenset[str] = frozenset()
    """Ids of components that the path must go through."""
    around: frozenset[str] = frozenset()
    """Ids of components that it must not go through."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome for a packet that arrived, or else for the one that got furthest.

    ``forward`` and ``back`` are the components in the order in which the packet passes them. ``missed`` says why a
    packet arrived but does not match the path: ``destination``, ``source-address``, ``source-port``,
    ``destination-address``, or the id of a component that it should, or should not, have passed.
    """

    packet: Packet | Inbound
    verdict: Verdict
    forward: tuple[Hop, ...]
    back: tuple[Hop, ...]
    missed: str = ""

    @property
    def found(self) -> bool:
        """Return whether the path exists, in both directions."""
        return not self.missed and self.verdict.outcome in ("delivered", "left") and self.verdict.answered


class TooManyTries(Exception):
    """A path leaves too many combinations of addresses and ports open."""


class RulesDisagree(Exception):
    """The model of AWS and the compiled rules disagree about a packet; the message names both verdicts."""


def analyse(spec: NetworkSpec, path: Path, most_tries: int) -> Answer | None:
    """Return the answer for a path, or ``None`` if its source cannot send anything, like an endpoint.

    Detached interfaces count as attached, except for paths to an internet gateway. Raises ``RulesDisagree``, and
    ``TooManyTries`` if ``most_tries`` packets did not arrive: the path has to name a port or an address.
    """
    if not path.source.startswith("igw-") and not path.destination.startswith("igw-"):
        spec = as_attached(spec, {path.source, path.destination})
    best: Answer | None = None
    for number, packet in enumerate(_tries(spec, path)):
        if number >= most_tries:
            raise TooManyTries
        answer = answer_for(spec, packet, path)
        if answer.found:
            best = answer
            break
        if best is None or _depth(answer) > _depth(best):
            best = answer
    if best is not None:
        _confirm(spec, best)
    return best


def answer_for(spec: NetworkSpec, packet: Packet | Inbound, path: Path | None = None) -> Answer:
    """Return the outcome for one packet, hop by hop in both directions, and whether it matches ``path``."""
    verdict = decide(spec, packet)
    forward = _in_order(verdict.hops)
    if path is not None and path.destination.startswith("igw-"):
        # The path ends at the gateway, so later hops do not count.
        passed = next((at for at, hop in enumerate(forward) if hop.component_id == path.destination), None)
        if passed is not None:
            forward = forward[: passed + 1]
            verdict = replace(verdict, outcome="left", delivered_to="", answered=True)
    arrived = verdict.outcome in ("delivered", "left")
    back = _back(spec, packet, forward) if arrived else ()
    missed = _missed(path, forward) if path is not None and arrived else ""
    return Answer(packet, verdict, forward, back, missed)


def _depth(answer: Answer) -> tuple[bool, int]:
    return answer.verdict.outcome in ("delivered", "left"), len(answer.forward)


def _missed(path: Path, forward: tuple[Hop, ...]) -> str:
    passed = {name for hop in forward for name in (hop.component_id, hop.group_id) if name}
    end = forward[-1] if forward else None
    there = path.at_destination
    # The endpoint comes after its interface: a packet reaches both.
    if path.destination and path.destination not in {hop.component_id for hop in forward[1:]}:
        return "destination"
    if end is not None and there.source not in ("", end.source):
        return "source-address"
    if end is not None and there.destination not in ("", end.destination):
        return "destination-address"
    behind_nat = any(hop.kind == "nat-gateway" for hop in forward)
    if not _overlap(there.source_ports, EPHEMERAL if behind_nat else path.at_source.source_ports):
        return "source-port"
    return next(iter(sorted((path.through - passed) | (path.around & passed))), "")


def _confirm(spec: NetworkSpec, answer: Answer) -> None:
    """Raise ``RulesDisagree`` unless the compiled rules have the same outcome for the packet."""
    verdict = decide(spec, answer.packet)
    involved = {hop.vpc_id for hop in verdict.hops} | {answer.packet.vpc_id}
    if not involved - {""}:
        return
    compiled = compile_host(replace(spec, vpcs=tuple(vpc for vpc in spec.vpcs if vpc.vpc_id in involved)))
    there = trace(compiled, answer.packet)
    if (there.outcome, there.delivered_to) != (verdict.outcome, verdict.delivered_to):
        raise RulesDisagree(
            f"AWS promises {verdict.outcome} {verdict.delivered_to}".rstrip()
            + f", the compiled rules say {there.outcome} {there.delivered_to}".rstrip()
        )


# The packets to try


def _tries(spec: NetworkSpec, path: Path) -> Iterator[Packet | Inbound]:
    """Yield a packet for every interval into which rules and routes divide the values that the path leaves open."""
    vpc = vpc_of(spec, path.source)
    if vpc is None:
        return
    first, last = _common(path.at_source.destination_ports, path.at_destination.destination_ports)
    ports = [port for port in _port_bounds(spec, path, first) if first <= port <= last]
    source_port = path.at_source.source_ports[0] or 40_000
    sender = interface_of(vpc, path.source)
    destinations = _destinations(spec, vpc, path)
    for port in ports:
        for destination in destinations:
            if sender is not None:
                for source in (path.at_source.source,) if path.at_source.source else sender.addresses:
                    yield Packet(
                        vpc.vpc_id,
                        sender.interface_id,
                        destination,
                        path.protocol,
                        port,
                        source=source,
                        source_port=source_port,
                    )
            elif path.source.startswith("igw-"):
                for source in _outer_addresses(spec, vpc, path, path.at_source.source or path.at_destination.source):
                    yield Inbound(source, destination, path.protocol, port, source_port=source_port, vpc_id=vpc.vpc_id)


def vpc_of(spec: NetworkSpec, resource_id: str) -> Vpc | None:
    """Return the VPC of an interface, an internet gateway or an endpoint."""
    for vpc in spec.vpcs:
        endpoints = {each.endpoint_id for each in vpc.endpoints if each.endpoint_id.startswith("vpce-")}
        interfaces = {each.interface_id for each in vpc.interfaces}
        if resource_id and (resource_id == vpc.internet_gateway or resource_id in endpoints | interfaces):
            return vpc
    return None


def interface_of(vpc: Vpc, interface_id: str) -> Interface | None:
    """Return the interface of a VPC with this id."""
    return next((each for each in vpc.interfaces if each.interface_id == interface_id), None)


def destinations_of(spec: NetworkSpec, resource_id: str, *, public: bool = False) -> tuple[str, ...]:
    """Return the addresses at which an interface or an endpoint is reached; ``public``: from the internet."""
    vpc = vpc_of(spec, resource_id)
    if vpc is None:
        return ()
    interface = interface_of(vpc, resource_id)
    if interface is not None:
        outer = tuple(each.public for each in vpc.elastic_addresses if each.private in interface.addresses)
        return outer or (interface.address,) if public else interface.addresses
    endpoint = next((each for each in vpc.endpoints if each.endpoint_id == resource_id), None)
    if endpoint is None or endpoint.kind == "interface":
        return tuple(each.address for each in vpc.interfaces if each.endpoint_id == resource_id)
    return tuple(str(IPv4Network(cidr)[1]) for cidr in networks_of(spec, endpoint.prefix_list_id))


def _destinations(spec: NetworkSpec, vpc: Vpc, path: Path) -> tuple[str, ...]:
    if path.at_source.destination:
        return (path.at_source.destination,)
    inbound = path.source.startswith("igw-")
    if path.destination.startswith("igw-") and not path.at_destination.destination:
        return _outer_addresses(spec, vpc, path, "")
    if path.destination and not path.destination.startswith("igw-"):
        found = destinations_of(spec, path.destination, public=inbound)
        wanted = path.at_destination.destination
        return found if inbound or not wanted else (wanted,)
    return (path.at_destination.destination,)


def _outer_addresses(spec: NetworkSpec, vpc: Vpc, path: Path, given: str) -> tuple[str, ...]:
    """Return addresses outside a VPC: the given one, or the first of every interval between rules and routes."""
    if given:
        return (given,)
    networks = [rule.peer.cidr for rule in _rules(spec, path) if isinstance(rule.peer, CidrPeer)]
    lists = [rule.peer.prefix_list_id for rule in _rules(spec, path) if isinstance(rule.peer, PrefixListPeer)]
    for route in (route for table in vpc.route_tables for route in table.routes):
        (lists if route.destination.startswith("pl-") else networks).append(route.destination)
    networks += [cidr for listed in lists for cidr in networks_of(spec, listed)]
    bounds = {*_BOUNDS, *(str(IPv4Network(cidr)[0]) for cidr in networks)}
    bounds |= {str(IPv4Network(cidr).broadcast_address + 1) for cidr in vpc.cidrs}
    inside = [IPv4Network(cidr) for cidr in vpc.cidrs]
    outer = [
        each for each in bounds if not unroutable(each) and not any(IPv4Address(each) in network for network in inside)
    ]
    return tuple(sorted(outer, key=lambda each: (each != _NOBODY, IPv4Address(each))))


def _port_bounds(spec: NetworkSpec, path: Path, first: int) -> list[int]:
    """Return the first port of every interval between the rules of both ends, starting with the services' ports."""
    bounds = {first, *SERVICE_PORTS}
    for rule in _rules(spec, path):
        if rule.protocol == path.protocol:
            bounds.add(max(first, rule.from_port))
    return sorted(bounds, key=lambda port: (port not in SERVICE_PORTS, port))


def _rules(spec: NetworkSpec, path: Path) -> list[SecurityGroupRule]:
    """Return the rules that apply to a path: egress rules of its source and ingress rules of its destination."""
    found: list[SecurityGroupRule] = []
    for resource_id, egress in ((path.source, True), (path.destination, False)):
        vpc = vpc_of(spec, resource_id)
        for interface in vpc.interfaces if vpc is not None else ():
            if resource_id in (interface.interface_id, interface.endpoint_id):
                carried = [group for group in vpc.groups if group.group_id in interface.group_ids] if vpc else []
                found += [rule for group in carried for rule in (group.egress if egress else group.ingress)]
    return found


def _common(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return max(one[0], other[0]), min(one[1], other[1])


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    first, last = _common(one, other)
    return first <= last


def as_attached(spec: NetworkSpec, interface_ids: set[str]) -> NetworkSpec:
    """Return the network as if these interfaces were attached."""

    def attached(each: Interface) -> Interface:
        free = each.container_id is None and each.endpoint_id is None and each.nat_gateway_id is None
        return replace(each, container_id=_ANALYSED) if free and each.interface_id in interface_ids else each

    return replace(spec, vpcs=tuple(replace(vpc, interfaces=tuple(map(attached, vpc.interfaces))) for vpc in spec.vpcs))


# Both directions, hop by hop


def _in_order(hops: tuple[Hop, ...]) -> tuple[Hop, ...]:
    """Return the hops with each NAT gateway directly after the route that leads to it."""
    nats = {hop.component_id: hop for hop in hops if hop.kind == "nat-gateway"}
    ordered: list[Hop] = []
    for hop in hops:
        if hop.kind != "nat-gateway":
            ordered.append(hop)
        if hop.kind == "route-table" and hop.target in nats:
            ordered.append(nats[hop.target])
    return tuple(ordered)


def _back(spec: NetworkSpec, packet: Packet | Inbound, forward: tuple[Hop, ...]) -> tuple[Hop, ...]:
    """Return the hops of the return packets: those of the flow in reverse, with address translations undone.

    Groups allow return packets whatever their rules are. Return packets to the outside need a route of their own.
    """
    start = packet.source or (forward[0].source if forward else "")
    before = [(start, packet.destination), *((hop.source, hop.destination) for hop in forward)]
    hops: list[Hop] = []
    for at in range(len(forward) - 1, -1, -1):
        hop = forward[at]
        source, destination = before[at]
        if hop.kind == "route-table":
            continue
        if hop.kind == "internet-gateway" and hops and hops[-1].kind == "ingress":
            hops += _route_back(spec, hop, hops[0], packet)
        hops.append(replace(hop, source=destination, destination=source, rule_id=""))
    return tuple(hops)


def _route_back(spec: NetworkSpec, gateway: Hop, receiver: Hop, packet: Packet | Inbound) -> list[Hop]:
    """Return the hops of the route for return packets to an internet gateway."""
    vpc = next(each for each in spec.vpcs if each.vpc_id == gateway.vpc_id)
    interface = interface_of(vpc, receiver.component_id)
    if interface is None:
        return []
    subnet = next(each for each in vpc.subnets if each.subnet_id == interface.subnet_id)
    chosen = longest(spec, vpc, table_of(vpc, subnet), IPv4Address(gateway.source))
    if chosen is None:
        return []
    return [
        Hop(
            chosen.table.route_table_id,
            "route-table",
            vpc.vpc_id,
            gateway.destination,
            gateway.source,
            route=chosen.route.destination,
            target=chosen.route.target,
        )
    ]
