"""Network ACLs: only the default one of each VPC, which allows all traffic in both directions.

It has no row: its id and its associations are derived from the ids of the VPC and its subnets. An ACL that allows all
traffic affects no packet, so nothing has to be enforced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from reading_room.vpc import lookup
from reading_room.vpc.identifiers import VPC
from reading_room.vpc.not_found import MalformedId, NetworkAclNotFound
from reading_room.vpc.tables import Subnet, Vpc

_LAST_RULE = 32767


def views(session: Session, account: str, network_acl_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the network ACLs of an account as EC2 shows them. Raises ``NetworkAclNotFound`` for an unknown id."""
    rows: list[Vpc] = lookup.described(session, VPC, account, ())
    by_vpc = lookup.grouped(session, Subnet, "vpc_id", [row.vpc_id for row in rows], "subnet_id")
    found = {acl_id(row.vpc_id): _view(row, by_vpc[row.vpc_id]) for row in rows}
    for network_acl_id in network_acl_ids:
        if not network_acl_id.startswith("acl-"):
            raise MalformedId("InvalidNetworkAclId.Malformed", network_acl_id, "acl")
        if network_acl_id not in found:
            raise NetworkAclNotFound(network_acl_id)
    return [view for own, view in found.items() if not network_acl_ids or own in network_acl_ids]


def acl_id(vpc_id: str) -> str:
    """Return the id of a VPC's default network ACL."""
    return f"acl-{vpc_id.removeprefix('vpc-')}"


def _view(vpc: Vpc, subnets: Sequence[Subnet]) -> dict[str, Any]:
    own = acl_id(vpc.vpc_id)
    return {
        "NetworkAclId": own,
        "VpcId": vpc.vpc_id,
        "OwnerId": vpc.account,
        "IsDefault": True,
        "Associations": [
            {
                "NetworkAclAssociationId": f"aclassoc-{subnet.subnet_id.removeprefix('subnet-')}",
                "NetworkAclId": own,
                "SubnetId": subnet.subnet_id,
            }
            for subnet in subnets
        ],
        "Entries": [
            {
                "CidrBlock": "0.0.0.0/0",
                "Egress": egress,
                "Protocol": "-1",
                "RuleAction": action,
                "RuleNumber": number,
            }
            for egress in (True, False)
            for number, action in ((100, "allow"), (_LAST_RULE, "deny"))
        ],
        "Tags": [],
    }
