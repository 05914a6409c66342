"""Small networks and packets, at random, for the property tests; and one network by hand."""

from __future__ import annotations

from typing import Literal

from hypothesis import strategies as st

from reading_room.dataplane.semantics import Packet
from reading_room.dataplane.spec import (
    CidrPeer,
    Endpoint,
    GroupPeer,
    Interface,
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

S3 = "pl-0000s3"
OTHER = "pl-0000db"
PREFIX_LISTS = (
    PrefixList(S3, ("52.216.0.0/15", "52.217.128.0/17", "3.5.0.0/24")),
    # Shares a network with the other list, and holds the VPC itself.
    PrefixList(OTHER, ("3.5.0.0/25", "52.0.0.0/8", "52.217.128.0/17", "10.0.0.0/8")),
)
ADDRESSES = (
    "10.0.1.5",
    "10.0.1.6",
    "10.0.2.5",
    "10.0.2.6",
    "10.0.1.9",
    "10.0.1.1",
    "10.0.0.2",
    "10.9.0.1",
    "52.216.0.10",
    "52.217.200.1",
    "52.1.1.1",
    "3.5.0.1",
    "3.5.0.200",
    "198.51.100.7",
    "169.254.169.253",
    "169.254.170.1",
    "169.254.170.2",
    "169.254.169.254",
)
CIDRS = (
    "0.0.0.0/0",
    "10.0.0.0/16",
    "10.0.1.0/24",
    "10.0.1.5/32",
    "52.216.0.0/15",
    "52.216.0.0/24",
    "52.0.0.0/8",
    "3.5.0.0/24",
    "169.254.0.0/16",
)
GROUPS = ("sg-0a", "sg-0b", "sg-0c")
PORTS = (0, 22, 53, 79, 80, 81, 443, 444, 8080, 20002, 20003, 65535)


def peers() -> st.SearchStrategy[Peer]:
    """Return peers of every kind, unknown groups and lists among them."""
    return st.one_of(
        st.sampled_from(CIDRS).map(CidrPeer),
        st.sampled_from((*GROUPS, "sg-0gone")).map(GroupPeer),
        st.sampled_from((S3, OTHER, "pl-0gone")).map(PrefixListPeer),
    )


@st.composite
def rules(draw: st.DrawFn, number: int) -> SecurityGroupRule:
    """Return one rule with an id of its own."""
    protocol = draw(st.sampled_from((-1, 1, 6, 6, 6, 17, 47)))
    first, last = -1, -1
    if protocol in (6, 17):
        first, last = sorted((draw(st.sampled_from(PORTS)), draw(st.sampled_from(PORTS))))
    elif protocol == 1:
        first = draw(st.sampled_from((-1, 8, 13, 3)))
        last = draw(st.sampled_from((-1, 0))) if first != -1 else -1
    return SecurityGroupRule(f"sgr-{number:04d}", protocol, first, last, draw(peers()))


@st.composite
def networks(draw: st.DrawFn) -> NetworkSpec:
    """Return a VPC with up to four interfaces, three groups, two route tables and two endpoints."""
    number = iter(range(10_000))
    chosen = {
        f"eni-{index:05d}": (
            draw(st.lists(st.sampled_from(GROUPS), max_size=3, unique=True)),
            draw(st.booleans()) or index == 1,
            draw(st.booleans()),
        )
        for index in (1, 2, 3, 4)
    }
    places = {"eni-00001": "10.0.1.5", "eni-00002": "10.0.1.6", "eni-00003": "10.0.2.5", "eni-00004": "10.0.2.6"}
    interfaces = tuple(
        Interface(
            interface_id=each,
            subnet_id="subnet-01" if places[each].startswith("10.0.1.") else "subnet-02",
            address=places[each],
            mac="02:00:00:00:00:01",
            group_ids=tuple(groups),
            container_id=f"container-{each}" if wired else None,
            logged=logged,
        )
        for each, (groups, wired, logged) in chosen.items()
    )
    groups = tuple(
        SecurityGroup(
            group_id,
            tuple(draw(rules(next(number))) for _ in range(draw(st.integers(0, 4)))),
            tuple(draw(rules(next(number))) for _ in range(draw(st.integers(0, 4)))),
            tuple(each.address for each in interfaces if group_id in each.group_ids),
        )
        for group_id in GROUPS
    )
    kinds: tuple[Literal["gateway", "public"], ...] = ("gateway", "gateway", "public")
    kind = draw(st.sampled_from(kinds))
    endpoints = tuple(
        Endpoint(f"vpce-{n:02d}", kind, "s3", draw(st.sampled_from((S3, S3, OTHER))), n)
        for n in range(1, 1 + draw(st.integers(0, 2)))
    )
    targets = ("blackhole", "igw-01", "vpce-01", "vpce-02")
    destinations = (
        S3,
        OTHER,
        "52.216.0.0/24",
        "52.216.0.0/15",
        "52.217.0.0/16",
        "3.5.0.0/24",
        "0.0.0.0/0",
        "52.0.0.0/8",
    )
    tables = tuple(
        RouteTable(
            f"rtb-{n:02d}",
            n,
            tuple(
                Route(destination, draw(st.sampled_from(targets)))
                for destination in draw(st.lists(st.sampled_from(destinations), max_size=4, unique=True))
            ),
        )
        for n in (1, 2)
    )
    return NetworkSpec(
        (
            Vpc(
                vpc_id="vpc-01",
                vni=1,
                cidrs=("10.0.0.0/16",),
                dns_support=draw(st.booleans()),
                subnets=(Subnet("subnet-01", "10.0.1.0/24", "rtb-01"), Subnet("subnet-02", "10.0.2.0/24", "rtb-02")),
                route_tables=tables,
                groups=groups,
                endpoints=endpoints,
                interfaces=interfaces,
            ),
        ),
        PREFIX_LISTS,
    )


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    """Return the first packet of a flow from one of the interfaces."""
    protocol = draw(st.sampled_from((1, 6, 6, 6, 17, 47)))
    return Packet(
        vpc_id="vpc-01",
        interface_id=draw(st.sampled_from(("eni-00001", "eni-00001", "eni-00002", "eni-00003"))),
        destination=draw(st.sampled_from(ADDRESSES)),
        protocol=protocol,
        port=draw(st.sampled_from(PORTS)) if protocol in (6, 17) else 0,
        icmp_type=draw(st.sampled_from((8, 8, 13, 0, 3))),
        icmp_code=draw(st.sampled_from((0, 0, 1))),
        source=draw(st.sampled_from(("", "", "", "", "10.0.1.6", "10.0.9.9"))),
    )


def rule(rule_id: str, protocol: int, first: int, last: int, peer: Peer) -> SecurityGroupRule:
    """Return a rule, positionally."""
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
