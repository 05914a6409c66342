"""Results of path analyses as EC2 shows them: components with headers, and explanations with AWS's codes.

The codes are those of the Reachability Analyzer guide, "Explanation codes". The default network ACLs and local routes,
which decide nothing here, are inserted where AWS shows them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reading_room.arns import ec2_arn
from reading_room.dataplane.rules.routing import table_of
from reading_room.dataplane.rules.verdicts import TCP, Hop, Packet
from reading_room.dataplane.spec import (
    ALL_PROTOCOLS,
    CidrPeer,
    GroupPeer,
    NetworkSpec,
    Route,
    SecurityGroupRule,
    Subnet,
    Vpc,
)
from reading_room.vpc.groups.network_acls import acl_id
from reading_room.vpc.identifiers import kind_of
from reading_room.vpc.reachability.paths import ANY_PORT, Answer, interface_of

View = dict[str, Any]
_TRANSLATING = ("internet-gateway", "nat-gateway")
_PLACED = ("interface", "ingress", "egress", "nat-gateway")
_NO_ACL_RULE = 100


@dataclass(frozen=True, slots=True)
class Region:
    """The region and account in the ARNs of components."""

    region: str
    account: str

    def component(self, identifier: str) -> View:
        """Return the id and ARN of a component."""
        word = "network-acl" if identifier.startswith("acl-") else kind_of(identifier).word
        return {"Id": identifier, "Arn": ec2_arn(self.region, self.account, word, identifier)}


def components(region: Region, spec: NetworkSpec, answer: Answer, *, back: bool = False) -> list[View]:
    """Return the components of one direction, in order."""
    hops = answer.back if back else answer.forward
    builder = _Components(region, spec, answer, back)
    before: Hop | None = None
    for hop in hops:
        if hop.kind != "service":
            builder.add(hop, before)
        before = hop
    return builder.finished(hops)


@dataclass(slots=True)
class _Components:
    """The components of a packet's path so far, and the subnet that the packet is in."""

    region: Region
    spec: NetworkSpec
    answer: Answer
    back: bool
    views: list[View] = field(default_factory=list)
    at: Subnet | None = None
    left: bool = False
    """Whether the packet has already left ``at``."""

    def add(self, hop: Hop, before: Hop | None) -> None:
        """Add a hop, preceded by the network ACLs and local routes that the packet passed."""
        vpc = next(each for each in self.spec.vpcs if each.vpc_id == hop.vpc_id)
        subnet = _subnet_of(vpc, hop)
        if hop.kind in ("route-table", "internet-gateway"):
            self.leave(vpc, None)
        elif subnet is not None and (subnet != self.at or self.left):
            if self.at is not None and not self.left:
                self.leave(vpc, self.at)
            # A packet does not enter the subnet in which the path starts.
            if self.views:
                self.put(self.acl(vpc, egress=False))
            self.at, self.left = subnet, False
        if hop.refused:
            return  # This is not a component of a path; the explanation names it.
        view = self.view(vpc, hop)
        if subnet is not None and hop.kind == "interface":
            view["Subnet"] = self.region.component(subnet.subnet_id)
        if hop.kind in ("interface", *_TRANSLATING):
            view["Vpc"] = self.region.component(vpc.vpc_id)
        if hop.kind in _TRANSLATING:
            view |= self.translation(hop, before)
        self.put(view)

    def put(self, view: View) -> None:
        """Append a component with the next sequence number."""
        self.views.append({"SequenceNumber": len(self.views) + 1, **view})

    def leave(self, vpc: Vpc, local: Subnet | None) -> None:
        """Add the network ACL of the subnet, and its local route if the packet goes to another subnet."""
        if self.at is None:
            return
        if not self.left:
            self.put(self.acl(vpc, egress=True))
        self.left = True
        if local is not None:
            route = {
                "DestinationCidr": vpc.cidrs[0],
                "GatewayId": "local",
                "Origin": "createroutetable",
                "State": "active",
            }
            table = table_of(vpc, local).route_table_id
            self.put({"Component": self.region.component(table), "RouteTableRoute": route})

    def acl(self, vpc: Vpc, *, egress: bool) -> View:
        """Return the VPC's default network ACL, which allows all traffic."""
        rule = {
            "Cidr": "0.0.0.0/0",
            "Egress": egress,
            "Protocol": "all",
            "RuleAction": "allow",
            "RuleNumber": _NO_ACL_RULE,
        }
        return {"Component": self.region.component(acl_id(vpc.vpc_id)), "AclRule": rule}

    def view(self, vpc: Vpc, hop: Hop) -> View:
        """Return a hop as a component."""
        if hop.kind in ("egress", "ingress"):
            return self.group(vpc, hop)
        if hop.kind == "route-table":
            route = next(
                (each for each in _routes(vpc, hop.component_id) if each.destination == hop.route),
                Route(hop.route, hop.target),
            )
            return {"Component": self.region.component(hop.component_id), "RouteTableRoute": route_view(route)}
        return {"Component": self.region.component(hop.component_id)}

    def group(self, vpc: Vpc, hop: Hop) -> View:
        """Return the group whose rule allowed the packet; return packets need no rule."""
        rules = {rule.rule_id: rule for group in vpc.groups for rule in (*group.egress, *group.ingress)}
        view: View = {"Component": self.region.component(hop.group_id)}
        if hop.rule_id:
            view["SecurityGroupRule"] = rule_view(rules[hop.rule_id], hop.kind)
            rule = self.region.component(hop.rule_id)
            view["AdditionalDetails"] = [{"AdditionalDetailType": "SECURITY_GROUP_RULE", "Component": rule}]
        return view

    def translation(self, hop: Hop, before: Hop | None) -> View:
        """Return the headers before and after a gateway; the one after has only what changed."""
        packet = self.answer.packet
        if before is None:
            last = self.answer.forward[-1]
            source, destination = (packet.source, packet.destination)
            if self.back:
                source, destination = last.destination, last.source
        else:
            source, destination = before.source, before.destination
        behind: View = {}
        if hop.source != source:
            behind["SourceAddresses"] = [f"{hop.source}/32"]
        if hop.destination != destination:
            behind["DestinationAddresses"] = [f"{hop.destination}/32"]
        return {"InboundHeader": self.header(source, destination), **({"OutboundHeader": behind} if behind else {})}

    def header(self, source: str, destination: str) -> View:
        """Return a packet's header with these addresses."""
        port = {"From": self.answer.packet.port, "To": self.answer.packet.port}
        anything = {"From": ANY_PORT[0], "To": ANY_PORT[1]}
        return {
            "SourceAddresses": [f"{source}/32"],
            "SourcePortRanges": [port if self.back else anything],
            "DestinationAddresses": [f"{destination}/32"],
            "DestinationPortRanges": [anything if self.back else port],
            "Protocol": str(self.answer.packet.protocol),
        }

    def finished(self, hops: tuple[Hop, ...]) -> list[View]:
        """Return the components, the first with the outgoing header and the last with the arriving one."""
        shown = [hop for hop in hops if hop.kind != "service"]
        if shown and "InboundHeader" not in self.views[0]:
            self.views[0]["OutboundHeader"] = self.header(shown[0].source, shown[0].destination)
        if shown and "InboundHeader" not in self.views[-1]:
            self.views[-1]["InboundHeader"] = self.header(shown[-1].source, shown[-1].destination)
        return self.views


def explanations(region: Region, spec: NetworkSpec, path_destination: str, answer: Answer) -> list[View]:
    """Return why there is no path: one explanation with AWS's code and the ids of the components that decided.

    In the ``NetworkSpec`` a route to an interface is a blackhole; ``at_interface`` corrects its explanation.
    """
    vpc = next((each for each in spec.vpcs if each.vpc_id in _vpc_ids(answer)), None)
    base: View = {} if vpc is None else {"Vpc": region.component(vpc.vpc_id)}
    if vpc is None:
        return [{"ExplanationCode": "NO_POSSIBLE_DESTINATION"}]
    return [base | _explanation(region, vpc, path_destination, answer)]


def _vpc_ids(answer: Answer) -> set[str]:
    return {hop.vpc_id for hop in answer.forward[-1:]} or {answer.packet.vpc_id}


def _explanation(region: Region, vpc: Vpc, destination: str, answer: Answer) -> View:
    verdict, last = answer.verdict, answer.forward[-1] if answer.forward else None
    name = region.component
    about = verdict.reasons[-1].about if verdict.reasons else ()
    gateway = {"InternetGateway": name(vpc.internet_gateway)} if vpc.internet_gateway else {}
    match verdict.outcome:
        case "refused-egress" | "refused-ingress":
            direction = verdict.outcome.removeprefix("refused-")
            interface = next(hop.component_id for hop in reversed(answer.forward) if hop.refused)
            groups = [name(each) for each in about]
            return {
                "ExplanationCode": "ENI_SG_RULES_MISMATCH",
                "Direction": direction,
                "NetworkInterface": name(interface),
                "SecurityGroups": groups,
                **({"SecurityGroup": groups[0]} if len(groups) == 1 else {}),
            }
        case "spoofed" if isinstance(answer.packet, Packet):
            return {
                "ExplanationCode": "ENI_SOURCE_DEST_CHECK_RESTRICTION",
                "Direction": "egress",
                "NetworkInterface": name(about[0]),
                "Address": answer.packet.source,
            }
        case "spoofed" if answer.packet.destination not in _public(vpc):
            code = "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"
            return {"ExplanationCode": code, "Address": answer.packet.destination, **gateway}
        case "spoofed":
            return {"ExplanationCode": "GATEWAY_REJECTS_SPOOFED_TRAFFIC", "Address": answer.packet.source, **gateway}
        case "unanswered":
            endpoint = {"VpcEndpoint": name(about[0])}
            return {"ExplanationCode": "PROTOCOL_RESTRICTION", **_services(), **endpoint}
        case "no-wire" if destination.startswith("igw-"):
            return {
                "ExplanationCode": "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
                "NetworkInterface": name(about[0]),
                **gateway,
            }
        case "no-wire":
            return {"ExplanationCode": "BAD_STATE_ATTACHMENT", "NetworkInterface": name(about[0])}
        case "forwarded":
            # The interface accepts the packet, but its container forwards nothing.
            nowhere = {"ExplanationCode": "NO_POSSIBLE_DESTINATION", "NetworkInterface": name(about[0])}
            return nowhere | {"Address": answer.packet.destination}
        case "unrouted":
            return _unrouted(region, vpc, destination, answer)
        case "delivered" | "left" if not verdict.answered:
            return _no_route(region, about[0], about[1]) | {"Direction": "egress", "Address": verdict.source}
        case "delivered" | "left":
            return _missed(region, vpc, destination, answer, last)
        case _:
            return {"ExplanationCode": "NO_POSSIBLE_DESTINATION", "Address": answer.packet.destination}


def _public(vpc: Vpc) -> set[str]:
    """Return the public addresses that a VPC's internet gateway translates."""
    return {each.public for each in vpc.elastic_addresses}.union(*(nat.public for nat in vpc.nat_gateways))


def _unrouted(region: Region, vpc: Vpc, destination: str, answer: Answer) -> View:
    """Explain a packet that the groups allowed but nothing accepted."""
    name = region.component
    about = answer.verdict.reasons[-1].about if answer.verdict.reasons else ()
    first = about[0] if about else ""
    if first.startswith("rtb-") and len(about) == 3:
        return _dead_end(region, vpc, about)
    if first.startswith("rtb-"):
        return _no_route(region, first, destination)
    if first.startswith("igw-") and isinstance(answer.packet, Packet):
        sent = answer.forward[-1]
        if sent.kind != "internet-gateway":
            return {
                "ExplanationCode": "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
                "InternetGateway": name(first),
                "Address": sent.source,
            }
    if first.startswith("igw-") or (not first and vpc.internet_gateway):
        return {
            "ExplanationCode": "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
            "InternetGateway": name(first or str(vpc.internet_gateway)),
            "Address": answer.packet.destination,
        }
    return {"ExplanationCode": "NO_POSSIBLE_DESTINATION", "Address": answer.packet.destination}


def _dead_end(region: Region, vpc: Vpc, about: tuple[str, ...]) -> View:
    """Explain a chosen route whose target accepts no packets."""
    table, route, target = about
    view: View = {
        "RouteTable": region.component(table),
        "RouteTableRoute": route_view(Route(route, target)),
    }
    if target == "blackhole":
        return view | {"ExplanationCode": "BAD_STATE_ROUTE"}
    if target.startswith("vpce-"):
        code = "VPCE_GATEWAY_PROTOCOL_RESTRICTION"
        return view | {"ExplanationCode": code, "VpcEndpoint": region.component(target), **_services()}
    nat = next((each.nat_gateway_id for each in vpc.nat_gateways if not each.public), "")
    gateway = {"NatGateway": region.component(nat)} if nat else {}
    return view | {"ExplanationCode": "NO_POSSIBLE_DESTINATION", **gateway}


def at_interface(region: Region, explanation: View, interface_id: str) -> View:
    """Return the explanation of a route to an interface, which accepts only packets for its own addresses."""
    route = {**explanation["RouteTableRoute"], "NetworkInterfaceId": interface_id, "State": "active"}
    return explanation | {
        "ExplanationCode": "ENI_SOURCE_DEST_CHECK_RESTRICTION",
        "Direction": "ingress",
        "NetworkInterface": region.component(interface_id),
        "RouteTableRoute": route,
    }


def _missed(region: Region, vpc: Vpc, destination: str, answer: Answer, last: Hop | None) -> View:
    """Explain a packet that arrived but does not match the path."""
    name = region.component
    nat = next((hop for hop in reversed(answer.forward) if hop.kind == "nat-gateway"), None)
    by_nat = {"NatGateway": name(nat.component_id)} if nat is not None else {}
    match answer.missed:
        case "destination":
            table = next((hop for hop in answer.forward if hop.kind == "route-table"), None)
            if table is None:
                return {"ExplanationCode": "NO_POSSIBLE_DESTINATION", "Destination": name(destination)}
            return _no_route(region, table.component_id, destination)
        case "source-address" if nat is not None:
            return {"ExplanationCode": "NGW_SOURCE_ADDRESS_REASSIGN", "Address": nat.source, **by_nat}
        case "source-address" | "destination-address":
            about = {"NetworkInterface": name(last.component_id)} if last and last.kind == "interface" else {}
            field_name = answer.missed
            return {"ExplanationCode": "ENI_ADDRESS_RESTRICTION", "PacketField": field_name, **about}
        case "source-port":
            return {"ExplanationCode": "REMAP_EPHEMERAL_PORT", "PacketField": "source-port", **by_nat}
        case component:
            return {"ExplanationCode": "COMPONENT_FILTER_RESTRICTION", "Component": name(component)}


def _no_route(region: Region, route_table_id: str, destination: str) -> View:
    view: View = {"ExplanationCode": "NO_ROUTE_TO_DESTINATION", "RouteTable": region.component(route_table_id)}
    return view | ({"Destination": region.component(destination)} if destination else {})


def _services() -> View:
    ports = [{"From": port, "To": port} for port in (80, 443)]
    return {"Protocols": ["tcp"], "PortRanges": ports}


def route_view(route: Route) -> View:
    """Return a route as an analysis shows it."""
    members = {"nat-": "NatGatewayId", "eni-": "NetworkInterfaceId"}
    target = next((name for prefix, name in members.items() if route.target.startswith(prefix)), "GatewayId")
    place = "DestinationPrefixListId" if route.destination.startswith("pl-") else "DestinationCidr"
    lost = route.target == "blackhole"
    return {
        place: route.destination,
        **({} if lost else {target: route.target}),
        "Origin": "createroute",
        "State": "blackhole" if lost else "active",
    }


def rule_view(rule: SecurityGroupRule, direction: str) -> View:
    """Return a group's rule as an analysis shows it, without the rule's id."""
    view: View = {"Direction": direction}
    if isinstance(rule.peer, CidrPeer):
        view["Cidr"] = rule.peer.cidr
    elif isinstance(rule.peer, GroupPeer):
        view["SecurityGroupId"] = rule.peer.group_id
    else:
        view["PrefixListId"] = rule.peer.prefix_list_id
    if rule.protocol == ALL_PROTOCOLS:
        return view | {"Protocol": "all"}
    protocol = "tcp" if rule.protocol == TCP else "udp"
    return view | {"Protocol": protocol, "PortRange": {"From": rule.from_port, "To": rule.to_port}}


def _routes(vpc: Vpc, route_table_id: str) -> tuple[Route, ...]:
    return next((table.routes for table in vpc.route_tables if table.route_table_id == route_table_id), ())


def _subnet_of(vpc: Vpc, hop: Hop) -> Subnet | None:
    """Return the subnet of a component, or ``None`` if it is in none."""
    if hop.kind not in _PLACED:
        return None
    interface = interface_of(vpc, hop.component_id)
    nat = next((each for each in vpc.nat_gateways if each.nat_gateway_id == hop.component_id), None)
    subnet_id = interface.subnet_id if interface is not None else nat.subnet_id if nat is not None else ""
    return next((each for each in vpc.subnets if each.subnet_id == subnet_id), None)
