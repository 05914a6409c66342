"""The whole way of a packet, component by component, with its addresses at each, and the reasons."""

from __future__ import annotations

import pytest

from reading_room.dataplane.rules.semantics import Inbound, Packet, Verdict, decide
from reading_room.dataplane.rules.verdicts import Hop
from tests.worlds.dataplane_far import far_network

SPEC = far_network()


def written(hop: Hop) -> str:
    """Return a hop as one line: component, VPC unless it is the first, addresses, and what decided."""
    vpc = "" if hop.vpc_id == "vpc-01" else f" of {hop.vpc_id}"
    details = (f"{hop.route} to {hop.target}" if hop.route else "", hop.allocation_id, hop.rule_id, hop.group_id)
    by = ", ".join(detail for detail in details if detail)
    refused = " refused" if hop.refused else ""
    return f"{hop.kind} {hop.component_id}{vpc}: {hop.source} > {hop.destination}{f' ({by})' if by else ''}{refused}"


def sent(number: int, destination: str, port: int, protocol: int = 6) -> Verdict:
    """Return the verdict on a packet of one of the interfaces."""
    return decide(SPEC, Packet("vpc-01", f"eni-{number:05d}", destination, protocol, port))


WAYS = {
    "to an interface endpoint of the same subnet": (
        sent(3, "10.0.2.8", 443),
        [
            "interface eni-00003: 10.0.2.5 > 10.0.2.8",
            "egress eni-00003: 10.0.2.5 > 10.0.2.8 (sgr-0all, sg-0job)",
            "ingress eni-0000e: 10.0.2.5 > 10.0.2.8 (sgr-0tls, sg-0guard)",
            "interface eni-0000e: 10.0.2.5 > 10.0.2.8",
            "endpoint vpce-02: 10.0.2.5 > 10.0.2.8",
        ],
        [
            "sgr-0all of sg-0job allows it as egress of eni-00003",
            "sgr-0tls of sg-0guard allows it as ingress of eni-0000e",
        ],
    ),
    "to an interface endpoint whose groups refuse": (
        sent(1, "10.0.2.8", 443),
        [
            "interface eni-00001: 10.0.1.5 > 10.0.2.8",
            "egress eni-00001: 10.0.1.5 > 10.0.2.8 (sgr-0all, sg-0job)",
            "ingress eni-0000e: 10.0.1.5 > 10.0.2.8 refused",
        ],
        [
            "sgr-0all of sg-0job allows it as egress of eni-00001",
            "no ingress rule of sg-0guard (eni-0000e) allows TCP 443 from 10.0.1.5: "
            "add one with AuthorizeSecurityGroupIngress",
        ],
    ),
    "by an Elastic IP to S3 beyond the internet gateway": (
        sent(1, "52.216.0.10", 443),
        [
            "interface eni-00001: 10.0.1.5 > 52.216.0.10",
            "egress eni-00001: 10.0.1.5 > 52.216.0.10 (sgr-0all, sg-0job)",
            "route-table rtb-01: 10.0.1.5 > 52.216.0.10 (0.0.0.0/0 to igw-01)",
            "internet-gateway igw-01: 198.51.100.11 > 52.216.0.10 (eipalloc-01)",
            "service far-s3: 198.51.100.11 > 52.216.0.10",
        ],
        [
            "sgr-0all of sg-0job allows it as egress of eni-00001",
            "rtb-01 sends 0.0.0.0/0 to igw-01",
            "igw-01 gives it 198.51.100.11 (eipalloc-01)",
        ],
    ),
    "by a NAT gateway out of the network": (
        sent(3, "203.0.113.9", 22),
        [
            "interface eni-00003: 10.0.2.5 > 203.0.113.9",
            "egress eni-00003: 10.0.2.5 > 203.0.113.9 (sgr-0all, sg-0job)",
            "route-table rtb-02: 10.0.2.5 > 203.0.113.9 (0.0.0.0/0 to nat-01)",
            "route-table rtb-03: 10.0.2.5 > 203.0.113.9 (0.0.0.0/0 to igw-01)",
            "nat-gateway nat-01: 198.51.100.1 > 203.0.113.9",
            "internet-gateway igw-01: 198.51.100.1 > 203.0.113.9",
        ],
        [
            "sgr-0all of sg-0job allows it as egress of eni-00003",
            "rtb-02 sends 0.0.0.0/0 to nat-01",
            "rtb-03 sends 0.0.0.0/0 to igw-01",
            "203.0.113.9 is not an address of a VPC here: what happens there depends on the uplink",
        ],
    ),
    "from VPC to VPC by two Elastic IPs": (
        sent(1, "198.51.100.111", 80),
        [
            "interface eni-00001: 10.0.1.5 > 198.51.100.111",
            "egress eni-00001: 10.0.1.5 > 198.51.100.111 (sgr-0all, sg-0job)",
            "route-table rtb-01: 10.0.1.5 > 198.51.100.111 (0.0.0.0/0 to igw-01)",
            "internet-gateway igw-01: 198.51.100.11 > 198.51.100.111 (eipalloc-01)",
            "internet-gateway igw-02 of vpc-02: 198.51.100.11 > 10.0.1.5 (eipalloc-11)",
            "ingress eni-00011 of vpc-02: 198.51.100.11 > 10.0.1.5 (sgr-1web, sg-0web)",
            "interface eni-00011 of vpc-02: 198.51.100.11 > 10.0.1.5",
        ],
        [
            "sgr-0all of sg-0job allows it as egress of eni-00001",
            "rtb-01 sends 0.0.0.0/0 to igw-01",
            "igw-01 gives it 198.51.100.11 (eipalloc-01)",
            "igw-02 leads 198.51.100.111 (eipalloc-11) to 10.0.1.5",
            "sgr-1web of sg-0web allows it as ingress of eni-00011",
        ],
    ),
    "by a private NAT gateway to another subnet": (
        sent(4, "10.0.2.5", 80),
        [
            "interface eni-00004: 10.0.4.5 > 10.0.2.5",
            "egress eni-00004: 10.0.4.5 > 10.0.2.5 (sgr-0all, sg-0job)",
            "route-table rtb-04: 10.0.4.5 > 10.0.2.5 (10.0.2.0/24 to nat-01)",
            "nat-gateway nat-01: 10.0.3.4 > 10.0.2.5",
            "ingress eni-00003: 10.0.3.4 > 10.0.2.5 (sgr-0nat, sg-0job)",
            "interface eni-00003: 10.0.3.4 > 10.0.2.5",
        ],
        [
            "sgr-0all of sg-0job allows it as egress of eni-00004",
            "rtb-04 sends 10.0.2.0/24 to nat-01",
            "sgr-0nat of sg-0job allows it as ingress of eni-00003",
        ],
    ),
    "to the resolver": (
        sent(1, "169.254.169.253", 53, 17),
        [
            "interface eni-00001: 10.0.1.5 > 169.254.169.253",
            "service resolver: 10.0.1.5 > 169.254.169.253",
        ],
        ["security groups do not filter the resolver address"],
    ),
    "from a stranger to an Elastic IP": (
        decide(SPEC, Inbound("203.0.113.9", "198.51.100.11", 6, 80)),
        [
            "internet-gateway igw-01: 203.0.113.9 > 10.0.1.5 (eipalloc-01)",
            "ingress eni-00001: 203.0.113.9 > 10.0.1.5 (sgr-0web, sg-0job)",
            "interface eni-00001: 203.0.113.9 > 10.0.1.5",
        ],
        [
            "igw-01 leads 198.51.100.11 (eipalloc-01) to 10.0.1.5",
            "sgr-0web of sg-0job allows it as ingress of eni-00001",
        ],
    ),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_way_has_every_component(name: str) -> None:
    verdict, hops, reasons = WAYS[name]
    assert [written(hop) for hop in verdict.hops] == hops
    assert [reason.message for reason in verdict.reasons] == reasons
