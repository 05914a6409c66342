"""What AWS promises about a packet, as plainly as it can be written. Pure, and knows nothing of any firewall.

``decide`` takes the first packet of a flow; replies belong to the flow and pass. It is the yardstick for the ruleset
(property tests compare the two) and the voice that tells a person what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from reading_room.dataplane.spec import (
    ALL_PROTOCOLS,
    LOCAL_CREDENTIALS_ADDRESS,
    LOCAL_ENDPOINT_ADDRESS,
    LOCAL_RESOLVER_ADDRESS,
    CidrPeer,
    Endpoint,
    GroupPeer,
    Interface,
    NetworkSpec,
    Peer,
    RouteTable,
    SecurityGroupRule,
    Vpc,
)

ICMP, TCP, UDP = 1, 6, 17
_ICMP_REQUESTS = (8, 13, 15, 17)
# Echo, timestamp, information, address mask: all other ICMP is an answer or an error, and starts nothing.
_LINK_LOCAL = IPv4Network("169.254.0.0/16")

Outcome = Literal[
    "delivered", "spoofed", "refused-egress", "refused-ingress", "unrouted", "ignored", "no-wire", "no-interface"
]
"""``unrouted`` is allowed by groups but taken by nobody; ``ignored`` goes to the router itself, which answers nobody.
``no-wire``: the sender has no container; ``no-interface``: there is no such sender."""


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a flow, at the interface that sends it.

    ``source`` is the interface's own address where it is empty. ``port`` is the destination port of TCP and UDP.
    """

    vpc_id: str
    interface_id: str
    destination: str
    protocol: int
    port: int = 0
    icmp_type: int = 8
    icmp_code: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """What decided: the ids of rules, tables, endpoints and lists, and a sentence for a person."""

    about: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a packet. ``delivered_to`` is an ``eni-…``, a ``vpce-…``, ``resolver`` or ``credentials``."""

    outcome: Outcome
    delivered_to: str = ""
    reasons: tuple[Reason, ...] = ()

    @property
    def delivered(self) -> bool:
        """Return whether the packet arrives."""
        return self.outcome == "delivered"

    @property
    def sentence(self) -> str:
        """Return the last reason's sentence: what decided in the end."""
        return self.reasons[-1].message if self.reasons else ""


def decide(spec: NetworkSpec, packet: Packet) -> Verdict:
    """Return what AWS promises for ``packet``, with every reason on the way."""
    vpc = next((each for each in spec.vpcs if each.vpc_id == packet.vpc_id), None)
    sender = _interface(vpc, packet.interface_id) if vpc else None
    if vpc is None or sender is None:
        message = f"{packet.vpc_id} has no interface {packet.interface_id} on this host"
        return Verdict("no-interface", "", (Reason((packet.interface_id,), message),))
    if sender.container_id is None:
        message = f"{sender.interface_id} is attached to nothing that could send"
        return Verdict("no-wire", "", (Reason((sender.interface_id,), message),))
    if packet.source and packet.source != sender.address:
        message = f"{packet.source} is not the address of {sender.interface_id}, which is {sender.address}"
        return Verdict("spoofed", "", (Reason((sender.interface_id,), message),))
    if service := _exempt(vpc, packet):
        return Verdict("delivered", service, (Reason((), f"security groups do not filter the {service} address"),))

    allowed = _groups_allow(spec, vpc, sender, packet, packet.destination, "egress")
    if isinstance(allowed, Verdict):
        return allowed
    receiver = next((each for each in vpc.interfaces if each.address == packet.destination), None)
    if receiver is not None and receiver.container_id is not None:
        admitted = _groups_allow(spec, vpc, receiver, packet, sender.address, "ingress")
        if isinstance(admitted, Verdict):
            return Verdict(admitted.outcome, "", (allowed, *admitted.reasons))
        return Verdict("delivered", receiver.interface_id, (allowed, admitted))
    endpoint, routed = _route(spec, vpc, sender, packet)
    if endpoint is not None:
        return Verdict("delivered", endpoint.endpoint_id, (allowed, routed))
    if packet.destination in _router_addresses(vpc):
        return Verdict(
            "ignored", "", (allowed, Reason((), f"{packet.destination} is the router, which answers nobody"))
        )
    return Verdict("unrouted", "", (allowed, routed))


def storage_path(spec: NetworkSpec, vpc_id: str, interface_id: str, port: int, address: str = "") -> Verdict:
    """Return whether an interface reaches S3 on a TCP port.

    ``address`` is the one that names of S3 resolve to. Where the caller does not know it, one network of the prefix
    lists that is reached is enough: a job is not refused for what may work. The lists are those of the VPC's S3
    endpoints, or all where it has none.
    """
    vpc = next((each for each in spec.vpcs if each.vpc_id == vpc_id), None)
    lists = {endpoint.prefix_list_id for endpoint in vpc.endpoints if endpoint.service == "s3"} if vpc else set()
    networks = [
        IPv4Network(cidr)
        for prefix_list in spec.prefix_lists
        if not lists or prefix_list.prefix_list_id in lists
        for cidr in prefix_list.cidrs
    ]
    # The second address, since a network's first is nobody's by custom.
    tried = [address] if address else [str(net[1] if net.num_addresses > 1 else net[0]) for net in networks]
    verdicts = [decide(spec, Packet(vpc_id, interface_id, each, TCP, port)) for each in tried]
    if not verdicts:
        return Verdict("unrouted", "", (Reason((vpc_id,), "the network knows no prefix list of S3"),))
    return next((verdict for verdict in verdicts if verdict.delivered), verdicts[0])


def _interface(vpc: Vpc, interface_id: str) -> Interface | None:
    return next((each for each in vpc.interfaces if each.interface_id == interface_id), None)


def _exempt(vpc: Vpc, packet: Packet) -> str:
    """Return the name of a service that groups do not filter, if the packet goes to one. The only place to say so."""
    if (packet.destination, packet.protocol, packet.port) == (LOCAL_CREDENTIALS_ADDRESS, TCP, 80):
        return "credentials"
    if packet.destination in _resolver(vpc) and packet.protocol in (TCP, UDP) and packet.port == 53:
        return "resolver"
    return ""


def _resolver(vpc: Vpc) -> tuple[str, ...]:
    return (str(IPv4Network(vpc.cidrs[0])[2]), LOCAL_RESOLVER_ADDRESS) if vpc.dns_support else ()


def _router_addresses(vpc: Vpc) -> set[str]:
    own = {str(IPv4Network(subnet.cidr)[1]) for subnet in vpc.subnets}
    return own | {LOCAL_CREDENTIALS_ADDRESS, LOCAL_ENDPOINT_ADDRESS, *_resolver(vpc)}


def _groups_allow(
    spec: NetworkSpec,
    vpc: Vpc,
    interface: Interface,
    packet: Packet,
    other: str,
    direction: Literal["egress", "ingress"],
) -> Reason | Verdict:
    """Return the first rule that allows, of all groups together, or the refusal."""
    groups = [group for group in vpc.groups if group.group_id in interface.group_ids]
    starts = packet.protocol != ICMP or packet.icmp_type in _ICMP_REQUESTS
    for group in groups if starts else ():
        for rule in group.egress if direction == "egress" else group.ingress:
            if _rule_covers(rule, packet) and _peer_has(spec, vpc, rule.peer, other):
                message = f"{rule.rule_id} of {group.group_id} allows it as {direction} of {interface.interface_id}"
                return Reason((rule.rule_id, group.group_id), message)
    names = ", ".join(group.group_id for group in groups) or "no group"
    toward = f"to {packet.destination}" if direction == "egress" else f"from {other}"
    message = (
        f"no {direction} rule of {names} ({interface.interface_id}) allows {_spoken(packet)} {toward}: "
        f"add one with AuthorizeSecurityGroup{direction.capitalize()}"
    )
    if not starts:
        message = f"ICMP type {packet.icmp_type} answers a flow and starts none"
    reason = Reason(tuple(group.group_id for group in groups), message)
    return Verdict("refused-egress" if direction == "egress" else "refused-ingress", "", (reason,))


def _rule_covers(rule: SecurityGroupRule, packet: Packet) -> bool:
    if rule.protocol == ALL_PROTOCOLS:
        return True
    if rule.protocol != packet.protocol:
        return False
    if packet.protocol == ICMP:
        return rule.from_port in (-1, packet.icmp_type) and rule.to_port in (-1, packet.icmp_code)
    return packet.protocol not in (TCP, UDP) or rule.from_port <= packet.port <= rule.to_port


def _peer_has(spec: NetworkSpec, vpc: Vpc, peer: Peer, address: str) -> bool:
    if isinstance(peer, CidrPeer):
        return IPv4Address(address) in IPv4Network(peer.cidr)
    if isinstance(peer, GroupPeer):
        return any(address in group.members for group in vpc.groups if group.group_id == peer.group_id)
    return any(IPv4Address(address) in IPv4Network(cidr) for cidr in _cidrs(spec, peer.prefix_list_id))


def _cidrs(spec: NetworkSpec, prefix_list_id: str) -> tuple[str, ...]:
    return next((each.cidrs for each in spec.prefix_lists if each.prefix_list_id == prefix_list_id), ())


def _route(spec: NetworkSpec, vpc: Vpc, sender: Interface, packet: Packet) -> tuple[Endpoint | None, Reason]:
    """Return the endpoint that the sender's route table leads to, if any, and why."""
    subnet = next(each for each in vpc.subnets if each.subnet_id == sender.subnet_id)
    table = next(each for each in vpc.route_tables if each.route_table_id == subnet.route_table_id)
    destination = IPv4Address(packet.destination)
    if any(destination in IPv4Network(cidr) for cidr in vpc.cidrs) or destination in _LINK_LOCAL:
        return None, Reason((vpc.vpc_id,), f"no attached interface of {vpc.vpc_id} has {packet.destination}")
    best = _longest(spec, vpc, table, destination)
    if best is None:
        return None, _no_route(spec, table, packet)
    via, target = best
    endpoint = next((each for each in vpc.endpoints if each.endpoint_id == target), None)
    if endpoint is None or endpoint.prefix_list_id != via:
        about = (table.route_table_id, via, target)
        return None, Reason(
            about, f"the route of {table.route_table_id} for {via} leads to {target}, which takes nothing"
        )
    about = (table.route_table_id, via, target)
    if packet.protocol != TCP or packet.port not in (80, 443):
        return None, Reason(about, f"{target} takes TCP to port 80 and 443, not {_spoken(packet)}")
    return endpoint, Reason(about, f"{table.route_table_id} sends {via} to {target}")


def _longest(spec: NetworkSpec, vpc: Vpc, table: RouteTable, destination: IPv4Address) -> tuple[str, str] | None:
    """Return destination and target of the route that wins: longest prefix, then written out, then prefix list."""
    candidates: list[tuple[int, int, str, str]] = []
    for route in table.routes:
        listed = route.destination.startswith("pl-")
        for cidr in _cidrs(spec, route.destination) if listed else (route.destination,):
            if destination in IPv4Network(cidr):
                candidates.append((IPv4Network(cidr).prefixlen, 0 if listed else 1, route.destination, route.target))
    named = {route.destination for route in table.routes}
    for endpoint in vpc.endpoints:
        if endpoint.kind == "public" and endpoint.prefix_list_id not in named:
            for cidr in _cidrs(spec, endpoint.prefix_list_id):
                if destination in IPv4Network(cidr):
                    length = IPv4Network(cidr).prefixlen
                    candidates.append((length, -1, endpoint.prefix_list_id, endpoint.endpoint_id))
    if not candidates:
        return None
    _, _, via, target = max(candidates, key=lambda each: each[:2])
    return via, target


def _no_route(spec: NetworkSpec, table: RouteTable, packet: Packet) -> Reason:
    destination = IPv4Address(packet.destination)
    for prefix_list in spec.prefix_lists:
        if any(destination in IPv4Network(cidr) for cidr in prefix_list.cidrs):
            listed = prefix_list.prefix_list_id
            message = (
                f"{table.route_table_id} has no route to {listed} (S3): "
                f"create a gateway endpoint associated with {table.route_table_id}"
            )
            return Reason((table.route_table_id, listed), message)
    return Reason((table.route_table_id,), f"{table.route_table_id} has no route to {packet.destination}")


def _spoken(packet: Packet) -> str:
    names = {TCP: "TCP", UDP: "UDP", ICMP: "ICMP"}
    name = names.get(packet.protocol, f"protocol {packet.protocol}")
    return f"{name} {packet.port}" if packet.protocol in (TCP, UDP) else name
