"""Two VPCs written by hand with every kind of gateway, and a sweep of packets through them."""

from __future__ import annotations

from dataclasses import replace

from reading_room.dataplane.rules.semantics import Inbound, Packet
from reading_room.dataplane.spec import (
    CidrPeer,
    ElasticAddress,
    Endpoint,
    GroupPeer,
    Interface,
    NatGateway,
    NetworkSpec,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)
from tests.worlds.dataplane import API, PREFIX_LISTS, S3, rule


def far_network() -> NetworkSpec:
    """Return two VPCs with every gateway, equal addresses, and groups that allow more than routes do.

    In the first, ``eni-00001`` (Elastic IP on its primary address) and ``eni-00002`` (none) are in a public subnet,
    ``eni-00003`` in one behind a public NAT gateway, ``eni-00004`` in one behind a private NAT gateway, whose routes
    to the third's subnet lead through the public one. NAT gateways reach S3 by a gateway endpoint. The third's subnet
    has a dead route for the public one, and holds an interface endpoint of ``logs``. In the
    second VPC both interfaces have Elastic IPs, but one has no way back.
    """
    everything = rule("sgr-0all", -1, -1, -1, CidrPeer("0.0.0.0/0"))
    job = SecurityGroup(
        "sg-0job",
        (
            rule("sgr-0nat", 6, 80, 8080, CidrPeer("10.0.3.0/24")),
            rule("sgr-0self", -1, -1, -1, GroupPeer("sg-0job")),
            rule("sgr-0web", 6, 80, 80, CidrPeer("203.0.113.0/24")),
        ),
        (everything,),
        ("10.0.1.5", "10.0.1.7", "10.0.1.6", "10.0.2.5", "10.0.4.5"),
    )
    guard = SecurityGroup(
        "sg-0guard",
        (
            rule("sgr-0tls", 6, 443, 8080, CidrPeer("10.0.2.0/23")),
            rule("sgr-0ping", 1, 8, -1, GroupPeer("sg-0job")),
            rule("sgr-0gre", 47, -1, -1, GroupPeer("sg-0job")),
        ),
        (),
        ("10.0.2.8",),
    )
    mac, groups = "02:00:00:00:00:01", ("sg-0job",)
    first = Vpc(
        "vpc-01",
        1,
        ("10.0.0.0/16",),
        True,
        tuple(Subnet(f"subnet-0{n}", f"10.0.{n}.0/24", f"rtb-0{n}") for n in (1, 2, 3, 4)),
        (
            RouteTable("rtb-01", 1, (Route("0.0.0.0/0", "igw-01"),)),
            RouteTable(
                "rtb-02",
                2,
                (Route("0.0.0.0/0", "nat-01"), Route("10.0.1.0/24", "blackhole"), Route("192.0.2.0/25", "blackhole")),
            ),
            RouteTable("rtb-03", 3, (Route("0.0.0.0/0", "igw-01"), Route(S3, "vpce-01"))),
            RouteTable("rtb-04", 4, (Route("0.0.0.0/0", "nat-02"), Route("10.0.2.0/24", "nat-01"))),
        ),
        (job, guard),
        (
            Endpoint("vpce-01", "gateway", "s3", S3, 1),
            Endpoint("vpce-02", "interface", "logs", "", 2),
            Endpoint("far-s3", "far", "s3", S3, 1999),
            Endpoint("far-api", "far", "api", API, 2000),
        ),
        (
            Interface("eni-00001", "subnet-01", "10.0.1.5", mac, groups, "c1", True, ("10.0.1.7",)),
            Interface("eni-00002", "subnet-01", "10.0.1.6", mac, groups, "c2", True),
            Interface("eni-00003", "subnet-02", "10.0.2.5", mac, groups, "c3", True),
            Interface("eni-00004", "subnet-04", "10.0.4.5", mac, groups, "c4", False),
            Interface("eni-0000e", "subnet-02", "10.0.2.8", mac, ("sg-0guard",), None, True, endpoint_id="vpce-02"),
            Interface(
                "eni-000a1", "subnet-03", "10.0.3.4", mac, (), None, True, ("10.0.3.5",), nat_gateway_id="nat-01"
            ),
            Interface("eni-000a2", "subnet-03", "10.0.3.9", mac, (), None, nat_gateway_id="nat-02"),
        ),
        internet_gateway="igw-01",
        elastic_addresses=(ElasticAddress("eipalloc-01", "198.51.100.11", "10.0.1.5"),),
        nat_gateways=(
            NatGateway("nat-01", "subnet-03", "eni-000a1", ("10.0.3.4", "10.0.3.5"), ("198.51.100.1", "198.51.100.2")),
            NatGateway("nat-02", "subnet-03", "eni-000a2", ("10.0.3.9",)),
        ),
    )
    web = SecurityGroup(
        "sg-0web",
        (
            rule("sgr-1web", 6, 80, 80, CidrPeer("198.51.100.0/24")),
            rule("sgr-1net", 6, 80, 80, CidrPeer("203.0.113.0/24")),
        ),
        (replace(everything, rule_id="sgr-1all"),),
        ("10.0.1.5", "10.0.2.5"),
    )
    second = Vpc(
        "vpc-02",
        2,
        ("10.0.0.0/16",),
        True,
        (Subnet("subnet-11", "10.0.1.0/24", "rtb-11"), Subnet("subnet-12", "10.0.2.0/24", "rtb-12")),
        (RouteTable("rtb-11", 1, (Route("0.0.0.0/0", "igw-02"),)), RouteTable("rtb-12", 2, ())),
        (web,),
        (),
        (
            Interface("eni-00011", "subnet-11", "10.0.1.5", mac, ("sg-0web",), "c11", True),
            Interface("eni-00012", "subnet-12", "10.0.2.5", mac, ("sg-0web",), "c12", True),
        ),
        internet_gateway="igw-02",
        elastic_addresses=(
            ElasticAddress("eipalloc-11", "198.51.100.111", "10.0.1.5"),
            ElasticAddress("eipalloc-12", "198.51.100.112", "10.0.2.5"),
        ),
    )
    return NetworkSpec((first, second), PREFIX_LISTS)


def sweep(spec: NetworkSpec) -> list[Packet | Inbound]:
    """Return packets from every attached address to everywhere, and from outside to every public address."""
    kinds = ((6, 80), (6, 443), (6, 8080), (17, 443), (1, 0), (47, 0))
    private = [address for vpc in spec.vpcs[:1] for each in vpc.interfaces for address in each.addresses]
    public = [each.public for vpc in spec.vpcs for each in vpc.elastic_addresses]
    public += [address for vpc in spec.vpcs for nat in vpc.nat_gateways for address in nat.public]
    elsewhere: tuple[str, ...] = (
        "52.216.0.10",
        "3.5.0.9",
        "52.94.0.10",
        "1.1.1.1",
        "192.0.2.7",
        "203.0.113.9",
        "224.0.0.5",
    )
    elsewhere = (*elsewhere, "10.0.2.1", "169.254.170.1")
    found: list[Packet | Inbound] = [
        Packet(vpc.vpc_id, each.interface_id, destination, protocol, port, source=source, source_port=source_port)
        for vpc in spec.vpcs
        for each in vpc.interfaces
        if each.container_id
        for source in each.addresses
        for destination in (*private, *public, *elsewhere)
        for protocol, port in kinds
        for source_port in ((40_000, 60_000) if protocol == 6 else (40_000,))
        if destination not in each.addresses
    ]
    found += [
        Inbound(source, destination, protocol, port, vpc_id=vpc_id)
        for source in ("203.0.113.9", "10.0.1.9", "0.1.2.3", "224.0.0.5")
        for destination in (*public, "10.0.1.5")
        for protocol, port in kinds
        for vpc_id in ("", "vpc-01")
    ]
    return found
