"""Small random networks and packets for property tests, and one network written by hand.

Worlds are built from choices. Hypothesis makes the choices if failures should be shrunk, and a seeded generator, ten
times as fast, if thousands are needed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeVar

from hypothesis import strategies as st

from reading_room.dataplane.rules.semantics import Inbound, Packet
from reading_room.dataplane.spec import (
    CidrPeer,
    ElasticAddress,
    Endpoint,
    GroupPeer,
    Interface,
    NatGateway,
    NetworkSpec,
    Peer,
    PrefixList,
    PrefixListPeer,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
)

Item = TypeVar("Item")
S3 = "pl-0000s3"
OTHER = "pl-0000db"
API = "pl-0000ap"
CUSTOMERS = "pl-0cust0"
PREFIX_LISTS = (
    PrefixList(S3, ("52.216.0.0/15", "52.217.128.0/17", "3.5.0.0/24")),
    # Shares a network with the other list, and contains the VPC itself.
    PrefixList(OTHER, ("3.5.0.0/25", "52.0.0.0/8", "52.217.128.0/17", "10.0.0.0/8")),
    PrefixList(API, ("52.94.0.0/22",)),
    PrefixList(CUSTOMERS, ("203.0.113.0/25", "52.216.0.0/24", "10.0.2.0/24")),
)
ADDRESSES = (
    "10.0.1.5",
    "10.0.1.6",
    "10.0.1.7",
    "10.0.2.5",
    "10.0.2.6",
    "10.0.2.7",
    "10.0.2.8",
    "10.0.2.8",
    "10.0.3.4",
    "10.0.1.9",
    "10.0.1.1",
    "10.0.2.1",
    "10.0.0.2",
    "10.9.0.1",
    "52.216.0.10",
    "52.216.0.10",
    "52.217.200.1",
    "52.1.1.1",
    "52.94.0.10",
    "52.94.0.10",
    "3.5.0.1",
    "3.5.0.200",
    "192.0.2.7",
    "203.0.113.9",
    "203.0.113.200",
    "169.254.169.253",
    "169.254.170.1",
    "169.254.170.2",
    "169.254.169.254",
    "224.0.0.5",
)
PUBLIC = ("198.51.100.1", "198.51.100.11", "198.51.100.12", "198.51.100.101", "198.51.100.111", "198.51.100.112")
SERVICES = (
    *("52.216.0.10", "52.216.0.10", "52.94.0.10", "52.94.0.10", "3.5.0.1"),
    *("10.0.2.8", "10.0.1.8", "10.0.1.5", "10.0.2.5", "203.0.113.9"),
)
STRANGERS = ("203.0.113.9", "203.0.113.9", "192.0.2.7", "198.51.100.111")
FORGED = ("10.0.1.5", "0.1.2.3", "169.254.1.1", "224.0.0.5")
CIDRS = (
    "0.0.0.0/0",
    "0.0.0.0/0",
    "10.0.0.0/16",
    "10.0.1.0/24",
    "10.0.1.5/32",
    "10.0.3.0/24",
    "52.216.0.0/15",
    "52.216.0.0/24",
    "52.0.0.0/8",
    "3.5.0.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "169.254.0.0/16",
)
GROUPS = ("sg-0a", "sg-0b", "sg-0c")
PORTS = (0, 22, 53, 79, 80, 80, 81, 443, 443, 444, 8080, 20002, 20003, 23998, 65535)
TARGETS = ("blackhole", "igw-01", "igw-09", "vpce-01", "vpce-01", "vpce-02", "vpce-0if", "far-s3", "eni-10001")
NATS = ("nat-01", "nat-01", "nat-01", "nat-02", "nat-09")
DESTINATIONS = (
    *(S3, OTHER, CUSTOMERS, "0.0.0.0/0", "0.0.0.0/0"),
    *("52.216.0.0/24", "52.216.0.0/15", "52.217.0.0/16", "3.5.0.0/24", "52.0.0.0/8", "52.94.0.0/22"),
    *("198.51.100.0/24", "203.0.113.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24", "10.0.2.0/25"),
)


class Chooser(Protocol):
    """Makes the choices from which a world is built."""

    def pick(self, options: Sequence[Item]) -> Item:
        """Return one of the options."""
        ...

    def number(self, least: int, most: int) -> int:
        """Return a number between two, both included."""
        ...

    def some(self, options: Sequence[Item], most: int) -> list[Item]:
        """Return up to ``most`` of the options, each once."""
        ...


@dataclass
class Drawn:
    """Choices of hypothesis, which shrinks them."""

    draw: st.DrawFn

    def pick(self, options: Sequence[Item]) -> Item:
        """Return one of the options."""
        return self.draw(st.sampled_from(options))

    def number(self, least: int, most: int) -> int:
        """Return a number between two, both included."""
        return self.draw(st.integers(least, most))

    def some(self, options: Sequence[Item], most: int) -> list[Item]:
        """Return up to ``most`` of the options, each once."""
        return self.draw(st.lists(st.sampled_from(options), max_size=most, unique=True))


class Seeded:
    """Choices of a seeded generator, which is fast."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, options: Sequence[Item]) -> Item:
        """Return one of the options."""
        return self.random.choice(options)

    def number(self, least: int, most: int) -> int:
        """Return a number between two, both included."""
        return self.random.randint(least, most)

    def some(self, options: Sequence[Item], most: int) -> list[Item]:
        """Return up to ``most`` of the options, each once."""
        distinct = list(dict.fromkeys(options))
        return self.random.sample(distinct, self.random.randint(0, min(most, len(distinct))))


def yes(choose: Chooser) -> bool:
    """Toss a coin."""
    return choose.pick((True, False))


def any_rule(choose: Chooser, number: int) -> SecurityGroupRule:
    """Return one rule with an id of its own; its peers include unknown groups and lists."""
    protocol = choose.pick((-1, -1, 1, 6, 6, 6, 17, 47))
    first, last = -1, -1
    if protocol in (6, 17):
        first, last = sorted((choose.pick(PORTS), choose.pick(PORTS)))
    elif protocol == 1:
        first = choose.pick((-1, 8, 13, 3))
        last = choose.pick((-1, 0)) if first != -1 else -1
    kind = choose.number(0, 3)
    peer: Peer
    if kind == 0:
        peer = GroupPeer(choose.pick((*GROUPS, "sg-0gone")))
    elif kind == 1:
        peer = PrefixListPeer(choose.pick((S3, OTHER, CUSTOMERS, "pl-0gone")))
    else:
        peer = CidrPeer(choose.pick(CIDRS))
    return SecurityGroupRule(f"sgr-{number:04d}", protocol, first, last, peer)


def any_rules(choose: Chooser, ids: Iterator[int]) -> tuple[SecurityGroupRule, ...]:
    """Return up to four rules; half of the time one of them allows everything."""
    open_to_all = [SecurityGroupRule(f"sgr-{next(ids):04d}", -1, -1, -1, CidrPeer("0.0.0.0/0"))] * yes(choose)
    return (*open_to_all, *(any_rule(choose, next(ids)) for _ in range(choose.number(0, 3))))


def any_interfaces(choose: Chooser, prefix: str) -> list[Interface]:
    """Return four interfaces, some attached, some with a secondary address, and those of an interface endpoint."""
    places = {"1": "10.0.1.5", "2": "10.0.1.6", "3": "10.0.2.5", "4": "10.0.2.6"}
    extra = {"1": "10.0.1.7", "3": "10.0.2.7"}
    found = []
    for digit, address in places.items():
        interface_id = f"eni-{prefix}000{digit}"
        wired = choose.number(0, 3) > 0 or digit == "1"
        found.append(
            Interface(
                interface_id,
                "subnet-01" if address.startswith("10.0.1.") else "subnet-02",
                address,
                "02:00:00:00:00:01",
                tuple(choose.some(GROUPS, 3)) or (GROUPS[0],) * (choose.number(0, 3) > 0),
                f"container-{interface_id}" if wired else None,
                yes(choose),
                (extra[digit],) if digit in extra and yes(choose) else (),
            )
        )
    for digit, subnet, address in (("e", "subnet-02", "10.0.2.8"), ("f", "subnet-01", "10.0.1.8")):
        if digit == "e" or yes(choose):
            groups, logged = tuple(choose.some(GROUPS, 2)) or (GROUPS[0],), yes(choose)
            about = (f"eni-{prefix}000{digit}", subnet, address, "02:00:00:00:00:02", groups, None, logged)
            found.append(Interface(*about, endpoint_id="vpce-0if"))
    return found


def any_nats(choose: Chooser, prefix: str, public: str) -> list[NatGateway]:
    """Return up to two NAT gateways; ``public`` is the beginning of their public addresses."""
    found = []
    if choose.number(0, 3):
        private = ("10.0.3.4", "10.0.3.5") if yes(choose) else ("10.0.3.4",)
        outside = choose.pick(((), (f"{public}1",), (f"{public}1",), (f"{public}1", f"{public}2", f"{public}3")))
        found.append(
            NatGateway("nat-01", choose.pick(("subnet-03", "subnet-02")), f"eni-{prefix}00a1", private, outside)
        )
    if not choose.number(0, 2):
        outside = choose.pick(((), (f"{public}4",)))
        found.append(NatGateway("nat-02", "subnet-02", f"eni-{prefix}00a2", ("10.0.2.9",), outside))
    return found


def any_routes(choose: Chooser, number: int) -> tuple[Route, ...]:
    """Return a table's routes, usually with a default route; the third table's usually leads to an internet gateway."""
    routes = {destination: choose.pick((*TARGETS, *NATS)) for destination in choose.some(DESTINATIONS, 4)}
    if choose.number(0, 3):
        routes["0.0.0.0/0"] = choose.pick(
            ("igw-01", "igw-01", "igw-01", "nat-02") if number == 3 else ("igw-01", *NATS)
        )
    return tuple(Route(destination, target) for destination, target in routes.items())


def any_vpc(choose: Chooser, number: int) -> Vpc:
    """Return a VPC with every kind of part; VPCs of different numbers share all addresses except the public ones."""
    prefix, public = str(number), f"198.51.100.{number - 1}" if number > 1 else "198.51.100."
    ids = iter(range(number * 1000, number * 1000 + 999))
    interfaces = any_interfaces(choose, prefix)
    nats = any_nats(choose, prefix, f"{public}0" if number > 1 else public)
    groups = tuple(
        SecurityGroup(
            group_id,
            any_rules(choose, ids),
            any_rules(choose, ids),
            tuple(address for each in interfaces if group_id in each.group_ids for address in each.addresses),
        )
        for group_id in GROUPS
    )
    kinds: tuple[Literal["gateway", "public"], ...] = ("gateway", "gateway", "public")
    kind = choose.pick(kinds)
    endpoints = [
        Endpoint(f"vpce-{n:02d}", kind, "s3", choose.pick((S3, S3, OTHER)), n)
        for n in range(1, 1 + choose.number(0, 2))
    ]
    if choose.number(0, 3):
        endpoints.append(Endpoint("vpce-0if", "interface", choose.pick(("logs", "s3")), "", 7))
    if choose.number(0, 3):
        endpoints.append(Endpoint("far-s3", "far", "s3", S3, 1999))
        endpoints.append(Endpoint("far-api", "far", "api", choose.pick((API, API, OTHER)), 2000))
    tables = tuple(RouteTable(f"rtb-0{n}", n, any_routes(choose, n)) for n in (1, 2, 3))
    elastic = [
        ElasticAddress(f"eipalloc-{prefix}{n}", f"{public}1{n}", private)
        for n, private in enumerate(choose.some(("10.0.1.5", "10.0.1.7", "10.0.2.5", "10.0.2.6", "10.0.1.9"), 2), 1)
    ]
    return Vpc(
        vpc_id=f"vpc-0{number}",
        vni=number,
        cidrs=choose.pick((("10.0.0.0/16",), ("10.0.0.0/16", "10.9.0.0/24"))),
        dns_support=yes(choose),
        subnets=(
            Subnet("subnet-01", "10.0.1.0/24", choose.pick(("rtb-01", "rtb-01", "rtb-03"))),
            Subnet("subnet-02", "10.0.2.0/24", choose.pick(("rtb-01", "rtb-02", "rtb-03"))),
            Subnet("subnet-03", "10.0.3.0/24", choose.pick(("rtb-02", "rtb-03", "rtb-03", "rtb-03"))),
        ),
        route_tables=tables,
        groups=groups,
        endpoints=tuple(endpoints),
        interfaces=tuple(interfaces),
        internet_gateway="igw-01" if choose.number(0, 4) else None,
        elastic_addresses=tuple(elastic),
        nat_gateways=tuple(nats),
    )


def any_network(choose: Chooser) -> NetworkSpec:
    """Return one VPC, or two similar ones."""
    return NetworkSpec(tuple(any_vpc(choose, number) for number in range(1, choose.number(2, 3))), PREFIX_LISTS)


def any_packet(choose: Chooser, spec: NetworkSpec) -> Packet | Inbound:
    """Return the first packet of a flow from an interface, usually a valid one, or sometimes from the internet."""
    protocol = choose.pick((1, 6, 6, 6, 6, 6, 17, 47))
    port = choose.pick((*PORTS, 80, 443, 80, 443, 80, 443)) if protocol in (6, 17) else 0
    about = (protocol, port, choose.pick((8, 8, 13, 0, 3)), choose.pick((0, 0, 1)))
    source_port = choose.pick((0, 40_000, 45_000, 60_999))
    public = [each.public for vpc in spec.vpcs for each in vpc.elastic_addresses] or list(PUBLIC)
    if not choose.number(0, 4):
        source = choose.pick((*STRANGERS, *STRANGERS, *FORGED))
        if not choose.number(0, 5):
            vpc_id = choose.pick(("vpc-01", "vpc-02"))
            return Inbound(source, choose.pick((*ADDRESSES, *PUBLIC)), *about, source_port, vpc_id)
        return Inbound(source, choose.pick((*public, *public, *PUBLIC, "203.0.113.9")), *about, source_port)
    vpc = choose.pick(spec.vpcs)
    able = [each for each in vpc.interfaces if each.container_id] or list(vpc.interfaces)
    sender = choose.pick(able if choose.number(0, 15) else vpc.interfaces)
    source = choose.pick(("", *sender.addresses) if choose.number(0, 15) else ("10.0.1.6", "10.0.9.9"))
    destination = choose.pick((*ADDRESSES, *ADDRESSES, *PUBLIC, *public))
    if not choose.number(0, 2):
        about = (6, choose.pick((80, 443)), 8, 0)
        destination = choose.pick((*SERVICES, *public))
    elif not choose.number(0, 15):
        about = (choose.pick((6, 17)), 53, 8, 0)
        destination = choose.pick(("10.0.0.2", "169.254.169.253"))
    return Packet(vpc.vpc_id, sender.interface_id, destination, *about, source, source_port)


@st.composite
def networks(draw: st.DrawFn) -> NetworkSpec:
    """Draw a network that shrinks."""
    return any_network(Drawn(draw))


@st.composite
def traffic(draw: st.DrawFn) -> tuple[NetworkSpec, list[Packet | Inbound]]:
    """Draw a network and packets in it, which shrink."""
    spec = any_network(Drawn(draw))
    return spec, [any_packet(Drawn(draw), spec) for _ in range(8)]


def rule(rule_id: str, protocol: int, first: int, last: int, peer: Peer) -> SecurityGroupRule:
    """Return a rule from positional arguments."""
    return SecurityGroupRule(rule_id, protocol, first, last, peer)


def small_network(*, endpoint: bool = True, logged: bool = True) -> NetworkSpec:
    """Return one VPC: a job that may reach S3 and its own group on 8786, a web server for the job on 80, a stranger."""
    job = SecurityGroup(
        "sg-0job",
        (rule("sgr-0self", 6, 8786, 8786, GroupPeer("sg-0job")),),
        (
            rule("sgr-0s3", 6, 443, 443, PrefixListPeer(S3)),
            rule("sgr-0vpc", 6, 80, 81, CidrPeer("10.0.0.0/16")),
            rule("sgr-0all", 6, 8786, 8786, CidrPeer("0.0.0.0/0")),
        ),
        ("10.0.1.5", "10.0.1.6"),
    )
    web = SecurityGroup("sg-0web", (rule("sgr-0web", 6, 80, 80, GroupPeer("sg-0job")),), (), ("10.0.2.5",))
    routes = (Route(S3, "vpce-01"),) if endpoint else ()
    return NetworkSpec(
        (
            Vpc(
                "vpc-01",
                1,
                ("10.0.0.0/16",),
                True,
                (Subnet("subnet-01", "10.0.1.0/24", "rtb-01"), Subnet("subnet-02", "10.0.2.0/24", "rtb-02")),
                (RouteTable("rtb-01", 1, routes), RouteTable("rtb-02", 2, ())),
                (job, web),
                (Endpoint("vpce-01", "gateway", "s3", S3, 1),) if endpoint else (),
                (
                    Interface("eni-00001", "subnet-01", "10.0.1.5", "02:00:00:00:00:01", ("sg-0job",), "c1", logged),
                    Interface("eni-00002", "subnet-01", "10.0.1.6", "02:00:00:00:00:02", ("sg-0job",), "c2", logged),
                    Interface("eni-00003", "subnet-02", "10.0.2.5", "02:00:00:00:00:03", ("sg-0web",), "c3", logged),
                    Interface("eni-00004", "subnet-02", "10.0.2.6", "02:00:00:00:00:04", (), None),
                ),
            ),
        ),
        PREFIX_LISTS,
    )


TAKER = "eni-00003"
"""10.0.2.5 in the second subnet of the small network; its group accepts port 80 from the job's group."""


def led_network(*destinations: str, target: str = TAKER, endpoint: bool = False) -> NetworkSpec:
    """Return the small network with routes from the job's table to an interface; the job's group allows all egress."""
    spec = small_network(endpoint=endpoint)
    (vpc,) = spec.vpcs
    first, *others = vpc.route_tables
    table = replace(first, routes=(*first.routes, *(Route(each, target) for each in destinations)))
    job, *groups = vpc.groups
    job = replace(job, egress=(*job.egress, rule("sgr-0out", -1, -1, -1, CidrPeer("0.0.0.0/0"))))
    return replace(spec, vpcs=(replace(vpc, route_tables=(table, *others), groups=(job, *groups)),))
