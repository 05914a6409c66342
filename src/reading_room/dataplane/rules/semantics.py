"""AWS's rules about a packet, written as plainly as possible, without any firewall. Pure.

``decide`` takes the first packet of a flow. Replies belong to the flow, and pass if there is a way back. Property tests
compare the ruleset with ``decide``, and its reasons tell users what is missing. Routes are in ``routing.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.routing import (
    Way,
    far_service,
    follow,
    holds,
    longest,
    resolver_addresses,
    router_addresses,
    table_of,
    unroutable,
)
from reading_room.dataplane.rules.verdicts import ICMP as ICMP
from reading_room.dataplane.rules.verdicts import TCP as TCP
from reading_room.dataplane.rules.verdicts import UDP as UDP
from reading_room.dataplane.rules.verdicts import Hop as Hop
from reading_room.dataplane.rules.verdicts import Inbound as Inbound
from reading_room.dataplane.rules.verdicts import Outcome as Outcome
from reading_room.dataplane.rules.verdicts import Packet as Packet
from reading_room.dataplane.rules.verdicts import Reason as Reason
from reading_room.dataplane.rules.verdicts import Verdict as Verdict
from reading_room.dataplane.rules.verdicts import spoken
from reading_room.dataplane.spec import (
    ALL_PROTOCOLS,
    LOCAL_CREDENTIALS_ADDRESS,
    CidrPeer,
    ElasticAddress,
    GroupPeer,
    Interface,
    NetworkSpec,
    Peer,
    SecurityGroupRule,
    Subnet,
    Vpc,
)

_ICMP_REQUESTS = (8, 13, 15, 17)
# Echo, timestamp, information, address mask: all other ICMP is an answer or an error, and starts no flow.
_CLIENT_PORTS = range(32_768, 61_000)


def decide(spec: NetworkSpec, packet: Packet | Inbound) -> Verdict:
    """Return the verdict on ``packet`` by AWS's rules, with all reasons and hops."""
    if isinstance(packet, Inbound):
        named = next((each for each in spec.vpcs if each.vpc_id == packet.vpc_id), None)
        entered = named if packet.vpc_id else _owner(spec, packet.destination)
        return _Journey(spec, packet, packet.source, packet.destination).arrive(entered)
    vpc = next((each for each in spec.vpcs if each.vpc_id == packet.vpc_id), None)
    sender = next((each for each in vpc.interfaces if each.interface_id == packet.interface_id), None) if vpc else None
    if vpc is None or sender is None:
        message = f"{packet.vpc_id} has no interface {packet.interface_id} on this host"
        return Verdict("no-interface", "", (Reason((packet.interface_id,), message),))
    if sender.container_id is None:
        message = f"{sender.interface_id} is attached to nothing that could send"
        return Verdict("no-wire", "", (Reason((sender.interface_id,), message),))
    if packet.source and packet.source not in sender.addresses:
        own = ", ".join(sender.addresses)
        message = f"{packet.source} is not an address of {sender.interface_id}, which has {own}"
        return Verdict("spoofed", "", (Reason((sender.interface_id,), message),))
    return _Journey(spec, packet, packet.source or sender.address, packet.destination).set_out(vpc, sender)


def storage_path(spec: NetworkSpec, vpc_id: str, interface_id: str, port: int, address: str = "") -> Verdict:
    """Return whether an interface reaches S3 on a TCP port.

    ``address`` is the one that names of S3 resolve to. If the caller does not know it, it is enough that one network of
    the prefix lists is reached, so that no job is refused that might work. The lists are those of the VPC's S3
    endpoints, or all lists if it has none.
    """
    vpc = next((each for each in spec.vpcs if each.vpc_id == vpc_id), None)
    ours = [each for each in vpc.endpoints if each.service == "s3" and each.prefix_list_id] if vpc else []
    lists = {endpoint.prefix_list_id for endpoint in ours}
    networks = [
        parsed.network(cidr)
        for prefix_list in spec.prefix_lists
        if not lists or prefix_list.prefix_list_id in lists
        for cidr in prefix_list.cidrs
    ]
    # The second address, since a network's first one is usually not assigned.
    tried = [address] if address else [str(net[1] if net.num_addresses > 1 else net[0]) for net in networks]
    verdicts = [decide(spec, Packet(vpc_id, interface_id, each, TCP, port)) for each in tried]
    if not verdicts:
        return Verdict("unrouted", "", (Reason((vpc_id,), "the network knows no prefix list of S3"),))
    return next((verdict for verdict in verdicts if verdict.delivered), verdicts[0])


@dataclass(slots=True)
class _Journey:
    """One packet on its way: its current addresses, and what has happened so far."""

    spec: NetworkSpec
    packet: Packet | Inbound
    source: str
    destination: str
    reasons: list[Reason] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)

    def ends(
        self, outcome: Outcome, reason: Reason | None = None, *, to: str = "", seen: bool = False, answered: bool = True
    ) -> Verdict:
        """Return the verdict; ``seen`` says that the packet arrived somewhere, so that its source was seen."""
        if reason is not None:
            self.reasons.append(reason)
        source = self.source if seen else ""
        return Verdict(outcome, to, tuple(self.reasons), tuple(self.hops), source, answered)

    def hop(
        self,
        component_id: str,
        kind: Literal["interface", "route-table", "internet-gateway", "nat-gateway", "endpoint", "service"],
        vpc: Vpc,
        *,
        route: str = "",
        target: str = "",
        allocation_id: str = "",
    ) -> None:
        """Record a component that the packet passed."""
        about = (component_id, kind, vpc.vpc_id, self.source, self.destination)
        self.hops.append(Hop(*about, route=route, target=target, allocation_id=allocation_id))

    def set_out(self, vpc: Vpc, sender: Interface) -> Verdict:
        """Leave the sender: pass its groups, then follow its route table."""
        if not isinstance(self.packet, Packet):
            raise TypeError("only a packet of an interface leaves one")
        self.hop(sender.interface_id, "interface", vpc)
        if service := _exempt(vpc, self.packet):
            self.hop(service, "service", vpc)
            reason = Reason((), f"security groups do not filter the {service} address")
            return self.ends("delivered", reason, to=service, seen=True)
        if refusal := self._groups(vpc, sender, self.destination, "egress"):
            return refusal
        way = follow(self.spec, vpc, _subnet(vpc, sender), self.packet)
        for chosen in way.chosen:
            route = chosen.route
            self.hop(chosen.table.route_table_id, "route-table", vpc, route=route.destination, target=route.target)
        if way.kind == "nobody":
            if not way.closed and self.destination in router_addresses(vpc):
                return self._ignored()
            self.reasons += way.reasons
            return self.ends("unrouted")
        if way.kind == "local":
            return self._stay(vpc, way)
        self.reasons += way.reasons
        if way.kind == "interface" and way.interface is not None:
            return self._forward(vpc, way.interface)
        if way.kind == "endpoint" and way.endpoint is not None:
            self._pass_nats(vpc, way)
            self.hop(way.endpoint.endpoint_id, "endpoint", vpc)
            return self.ends("delivered", to=way.endpoint.endpoint_id, seen=True)
        return self._leave(vpc, way)

    def _stay(self, vpc: Vpc, way: Way) -> Verdict:
        """Arrive inside the VPC."""
        self.reasons += way.reasons
        self._pass_nats(vpc, way)
        receiver = next((each for each in vpc.interfaces if self.destination in each.addresses), None)
        if receiver is not None and _listens(vpc, receiver):
            return self._serve(vpc, receiver)
        if receiver is not None and receiver.container_id is not None:
            return self._groups(vpc, receiver, self.source, "ingress") or self._deliver(vpc, receiver)
        if self.destination in router_addresses(vpc):
            return self._ignored()
        message = f"no attached interface of {vpc.vpc_id} has {self.destination}"
        return self.ends("unrouted", Reason((vpc.vpc_id,), message))

    def _forward(self, vpc: Vpc, taker: Interface) -> Verdict:
        """Arrive at an interface that receives packets for other addresses, if its groups allow it, and end there."""
        if refusal := self._groups(vpc, taker, self.source, "ingress"):
            return refusal
        if self.destination in taker.addresses:
            return self._deliver(vpc, taker)
        self.hop(taker.interface_id, "interface", vpc)
        message = f"{taker.interface_id} takes it, but no container forwards packets for another address"
        return self.ends("forwarded", Reason((taker.interface_id,), message), to=taker.interface_id, seen=True)

    def _deliver(self, vpc: Vpc, receiver: Interface) -> Verdict:
        self.hop(receiver.interface_id, "interface", vpc)
        return self.ends("delivered", to=receiver.interface_id, seen=True)

    def _serve(self, vpc: Vpc, receiver: Interface) -> Verdict:
        """Arrive at an interface endpoint."""
        endpoint_id = receiver.endpoint_id or ""
        if refusal := self._groups(vpc, receiver, self.source, "ingress"):
            return refusal
        self.hop(receiver.interface_id, "interface", vpc)
        if self.packet.protocol != TCP or self.packet.port not in (80, 443):
            about = (endpoint_id, receiver.interface_id)
            message = f"{endpoint_id} takes TCP to port 80 and 443, not {spoken(self.packet)}"
            return self.ends("unanswered", Reason(about, message))
        self.hop(endpoint_id, "endpoint", vpc)
        return self.ends("delivered", to=endpoint_id, seen=True)

    def _pass_nats(self, vpc: Vpc, way: Way) -> None:
        """Take the address of each NAT gateway: private ones, except for the last one of a way to the internet."""
        for nat in way.nats:
            outside = way.kind == "internet" and nat is way.nats[-1]
            self.source = _shared(nat.public if outside else nat.private, self.packet)
            self.hop(nat.nat_gateway_id, "nat-gateway", vpc)

    def _leave(self, vpc: Vpc, way: Way) -> Verdict:
        """Leave by the internet gateway: to a service, to another VPC's public address, or to the internet."""
        gateway = vpc.internet_gateway or ""
        allocation = ""
        if way.nats:
            self._pass_nats(vpc, way)
        else:
            elastic = _elastic(vpc, private=self.source)
            if elastic is None:
                message = f"{self.source} has no Elastic IP, and {gateway} passes nothing without: use AssociateAddress"
                return self.ends("unrouted", Reason((gateway,), message))
            self.source, allocation = elastic.public, elastic.allocation_id
            self.reasons.append(Reason((allocation, gateway), f"{gateway} gives it {elastic.public} ({allocation})"))
        self.hop(gateway, "internet-gateway", vpc, allocation_id=allocation)
        if far := far_service(self.spec, vpc, self.packet):
            self.hop(far.endpoint_id, "service", vpc)
            return self.ends("delivered", to=far.endpoint_id, seen=True)
        beyond = _owner(self.spec, self.destination)
        if beyond is None:
            message = f"{self.destination} is not an address of a VPC here: what happens there depends on the uplink"
            return self.ends("left", Reason((gateway,), message), seen=True)
        return self.arrive(beyond)

    def arrive(self, vpc: Vpc | None) -> Verdict:
        """Come in by the internet gateway of ``vpc``, if the VPC and its gateway exist."""
        if vpc is None or vpc.internet_gateway is None:
            return self.ends("unrouted", Reason((), f"{self.destination} is not a public address of a VPC here"))
        gateway = vpc.internet_gateway
        if _owner(self.spec, self.destination) is not vpc:
            message = f"{gateway} takes nothing for {self.destination}, which is not a public address of {vpc.vpc_id}"
            return self.ends("spoofed", Reason((gateway,), message))
        if unroutable(self.source) or any(parsed.address(self.source) in parsed.network(cidr) for cidr in vpc.cidrs):
            message = f"{self.source} is not an address that packets from outside {vpc.vpc_id} can have"
            return self.ends("spoofed", Reason((gateway,), message))
        if not _starts(self.packet):
            return self.ends("refused-ingress", _answers_only(self.packet))
        elastic = next((each for each in vpc.elastic_addresses if each.public == self.destination), None)
        attached = (each for each in vpc.interfaces if each.container_id is not None)
        receiver = next((each for each in attached if elastic and elastic.private in each.addresses), None)
        if elastic is None or receiver is None:
            message = f"{self.destination} is not translated to an attached interface of {vpc.vpc_id}"
            return self.ends("unrouted", Reason((gateway,), message))
        public, self.destination = self.destination, elastic.private
        message = f"{gateway} leads {public} ({elastic.allocation_id}) to {elastic.private}"
        self.reasons.append(Reason((elastic.allocation_id, gateway), message))
        self.hop(gateway, "internet-gateway", vpc, allocation_id=elastic.allocation_id)
        if refusal := self._groups(vpc, receiver, self.source, "ingress"):
            return refusal
        self.hop(receiver.interface_id, "interface", vpc)
        table = table_of(vpc, _subnet(vpc, receiver))
        back = longest(self.spec, vpc, table, parsed.address(self.source))
        answered = back is not None and back.route.target == gateway
        reason = None
        if not answered:
            message = f"{table.route_table_id} does not send answers to {self.source} to {gateway}: add a route"
            reason = Reason((table.route_table_id, gateway), message)
        return self.ends("delivered", reason, to=receiver.interface_id, seen=True, answered=answered)

    def _ignored(self) -> Verdict:
        return self.ends("ignored", Reason((), f"{self.destination} is the router, which does not answer"))

    def _groups(
        self, vpc: Vpc, interface: Interface, other: str, direction: Literal["egress", "ingress"]
    ) -> Verdict | None:
        """Record the first rule of any group that allows the packet, or return the refusal."""
        packet = self.packet
        groups = [group for group in vpc.groups if group.group_id in interface.group_ids]
        about = (interface.interface_id, direction, vpc.vpc_id, self.source, self.destination)
        for group in groups if _starts(packet) else ():
            for rule in group.egress if direction == "egress" else group.ingress:
                if _rule_covers(rule, packet) and _peer_has(self.spec, vpc, rule.peer, other):
                    message = f"{rule.rule_id} of {group.group_id} allows it as {direction} of {interface.interface_id}"
                    self.reasons.append(Reason((rule.rule_id, group.group_id), message))
                    self.hops.append(Hop(*about, rule.rule_id, group.group_id))
                    return None
        self.hops.append(Hop(*about, refused=True))
        outcome: Outcome = "refused-egress" if direction == "egress" else "refused-ingress"
        if not _starts(packet):
            return self.ends(outcome, _answers_only(packet))
        names = ", ".join(group.group_id for group in groups) or "no group"
        toward = f"to {other}" if direction == "egress" else f"from {other}"
        message = (
            f"no {direction} rule of {names} ({interface.interface_id}) allows {spoken(packet)} {toward}: "
            f"add one with AuthorizeSecurityGroup{direction.capitalize()}"
        )
        return self.ends(outcome, Reason(tuple(group.group_id for group in groups), message))


def _subnet(vpc: Vpc, interface: Interface) -> Subnet:
    return next(each for each in vpc.subnets if each.subnet_id == interface.subnet_id)


def _listens(vpc: Vpc, interface: Interface) -> bool:
    """Return whether an interface endpoint listens at the interface."""
    return any(each.kind == "interface" and each.endpoint_id == interface.endpoint_id for each in vpc.endpoints)


def _elastic(vpc: Vpc, private: str) -> ElasticAddress | None:
    return next((each for each in vpc.elastic_addresses if each.private == private), None)


def _owner(spec: NetworkSpec, public: str) -> Vpc | None:
    """Return the VPC that has a public address."""
    for vpc in spec.vpcs:
        elastic = {each.public for each in vpc.elastic_addresses}
        if vpc.internet_gateway and public in elastic.union(*(nat.public for nat in vpc.nat_gateways)):
            return vpc
    return None


def _shared(addresses: tuple[str, ...], packet: Packet | Inbound) -> str:
    """Return a NAT gateway's address for a packet: the addresses share the ports of clients evenly."""
    port = packet.icmp_type << 8 | packet.icmp_code if packet.protocol == ICMP else packet.source_port
    each = len(_CLIENT_PORTS) // len(addresses)
    return addresses[min(max(port - _CLIENT_PORTS.start, 0) // each, len(addresses) - 1)]


def _exempt(vpc: Vpc, packet: Packet) -> str:
    """Return the name of the service if groups do not filter the packet. All such exemptions are here."""
    if (packet.destination, packet.protocol, packet.port) == (LOCAL_CREDENTIALS_ADDRESS, TCP, 80):
        return "credentials"
    if packet.destination in resolver_addresses(vpc) and packet.protocol in (TCP, UDP) and packet.port == 53:
        return "resolver"
    return ""


def _starts(packet: Packet | Inbound) -> bool:
    return packet.protocol != ICMP or packet.icmp_type in _ICMP_REQUESTS


def _answers_only(packet: Packet | Inbound) -> Reason:
    return Reason((), f"ICMP type {packet.icmp_type} belongs to an earlier flow and starts none")


def _rule_covers(rule: SecurityGroupRule, packet: Packet | Inbound) -> bool:
    if rule.protocol == ALL_PROTOCOLS:
        return True
    if rule.protocol != packet.protocol:
        return False
    if packet.protocol == ICMP:
        return rule.from_port in (-1, packet.icmp_type) and rule.to_port in (-1, packet.icmp_code)
    return packet.protocol not in (TCP, UDP) or rule.from_port <= packet.port <= rule.to_port


def _peer_has(spec: NetworkSpec, vpc: Vpc, peer: Peer, address: str) -> bool:
    if isinstance(peer, CidrPeer):
        return parsed.address(address) in parsed.network(peer.cidr)
    if isinstance(peer, GroupPeer):
        return any(address in group.members for group in vpc.groups if group.group_id == peer.group_id)
    return holds(spec, peer.prefix_list_id, address)
