"""The scratch VPC of the proof between hosts: one interface on each host, and one port that a group allows. Pure.

Its VNI and addresses are used for nothing else. The driver adds it to what the server wants, and compiles and realizes
it as any other VPC, so that the proof meets the rules that jobs will meet.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from reading_room.dataplane.spec import (
    LAST_VNI,
    GroupPeer,
    Interface,
    Placement,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Underlay,
    Vpc,
)

VPC_ID = "vpc-fffffffffffffffff"
CONTAINER = "proof-between-hosts"
ALLOWED, REFUSED, CLOSED = 7001, 7002, 7003
"""Two TCP ports at which every host listens, the first of them allowed, and an allowed UDP port without a socket."""
_GROUP, _SUBNET, _TABLE = "sg-fffffffffffffffff", "subnet-fffffffffffffffff", "rtb-fffffffffffffffff"
_CIDR, _FIRST = "10.240.0.0/19", int(IPv4Address("10.240.0.4"))
_TCP, _UDP, _ICMP = 6, 17, 1


def proof_address(number: int) -> str:
    """Return the address of a host's interface in the scratch VPC."""
    return str(IPv4Address(_FIRST + number))


def scratch_vpc(underlay: Underlay) -> Vpc:
    """Return a host's part of the scratch VPC."""
    here = underlay.here
    addresses = sorted(proof_address(each.number) for each in (here, *underlay.others))
    allowed = ((_TCP, ALLOWED, ALLOWED), (_UDP, CLOSED, CLOSED), (_ICMP, -1, -1))
    rules, everything = (
        tuple(
            SecurityGroupRule(f"sgr-{first + n:017x}", protocol, low, high, GroupPeer(_GROUP))
            for n, (protocol, low, high) in enumerate(which)
        )
        for first, which in ((0, allowed), (16, ((-1, -1, -1),)))
    )
    number = here.number
    return Vpc(
        vpc_id=VPC_ID,
        vni=LAST_VNI,
        cidrs=(_CIDR,),
        dns_support=False,
        subnets=(Subnet(_SUBNET, _CIDR, _TABLE),),
        route_tables=(RouteTable(_TABLE, 1, ()),),
        groups=(SecurityGroup(_GROUP, rules, everything, tuple(addresses)),),
        endpoints=(),
        interfaces=(
            Interface(
                interface_id=f"eni-ffffffffffff{number:05x}",
                subnet_id=_SUBNET,
                address=proof_address(number),
                mac=f"02:00:00:02:{number // 256:02x}:{number % 256:02x}",
                group_ids=(_GROUP,),
                container_id=CONTAINER,
            ),
        ),
        placements=tuple(Placement(proof_address(each.number), each.host) for each in underlay.others),
    )
