"""Operations on VPCs, their blocks, attributes and network ACLs."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import Authorizer
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.database.kept import Kept
from reading_room.vpc import lookup, tags
from reading_room.vpc.addressing import dhcp_options
from reading_room.vpc.errors import ExactlyOneOf, InvalidParameterValue
from reading_room.vpc.groups import network_acls
from reading_room.vpc.identifiers import VPC
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing, value, vpc_of_block
from reading_room.vpc.pagination import Paging
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.tables import Tag, Vpc, VpcCidr
from reading_room.vpc.vpcs import bootstrap, cidr_blocks, vpcs

VPC_FILTERS = {
    "cidr": "CidrBlock",
    "cidrBlock": "CidrBlock",
    "cidr-block": "CidrBlock",
    "cidr-block-association.cidr-block": "CidrBlockAssociationSet.CidrBlock",
    "cidr-block-association.association-id": "CidrBlockAssociationSet.AssociationId",
    "cidr-block-association.state": "CidrBlockAssociationSet.CidrBlockState.State",
    "dhcp-options-id": "DhcpOptionsId",
    "dhcpOptionsId": "DhcpOptionsId",
    "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
    "ipv6-cidr-block-association.ipv6-pool": "Ipv6CidrBlockAssociationSet.Ipv6Pool",
    "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
    "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
    "is-default": "IsDefault",
    "isDefault": "IsDefault",
    "owner-id": "OwnerId",
    "state": "State",
    "tag-key": "",
    "vpc-id": "VpcId",
    "vpcId": "VpcId",
}
NETWORK_ACL_FILTERS = {
    "association.association-id": "Associations.NetworkAclAssociationId",
    "association.network-acl-id": "Associations.NetworkAclId",
    "association.subnet-id": "Associations.SubnetId",
    "default": "IsDefault",
    "entry.cidr": "Entries.CidrBlock",
    "entry.icmp.code": "Entries.IcmpTypeCode.Code",
    "entry.icmp.type": "Entries.IcmpTypeCode.Type",
    "entry.ipv6-cidr": "Entries.Ipv6CidrBlock",
    "entry.port-range.from": "Entries.PortRange.From",
    "entry.port-range.to": "Entries.PortRange.To",
    "entry.protocol": "Entries.Protocol",
    "entry.rule-action": "Entries.RuleAction",
    "entry.egress": "Entries.Egress",
    "entry.rule-number": "Entries.RuleNumber",
    "network-acl-id": "NetworkAclId",
    "owner-id": "OwnerId",
    "tag-key": "",
    "vpc-id": "VpcId",
}
ATTRIBUTES = {
    "EnableDnsSupport": "enable_dns_support",
    "EnableDnsHostnames": "enable_dns_hostnames",
    "EnableNetworkAddressUsageMetrics": "enable_network_address_usage_metrics",
}


class VpcOperations(Ec2Operations):
    """CreateVpc and related operations."""

    def __init__(self, database: Database, clock: Clock, authorizer: Authorizer, quotas: Quotas = Quotas()) -> None:
        super().__init__(database, clock, authorizer, quotas)
        self._views = Kept[str, list[dict[str, Any]]](database, Vpc, VpcCidr, Tag)
        """All VPCs of an account. Clients ask for them again and again, and they seldom change."""

    @ec2("CreateVpc", "CidrBlock InstanceTenancy TagSpecifications", scope=about(created(VPC)))
    def create_vpc(self, call: Call, request: Request) -> Response:
        """Create a VPC."""
        wanted = self.authorize_tags(call, request, VPC)
        with self.database.transaction() as session:
            vpc = vpcs.create(
                session,
                call.account,
                request.get("CidrBlock"),
                self.clock(),
                dhcp_options_id=dhcp_options.default_set(session, call.account, call.region).dhcp_options_id,
                tenancy=request.get("InstanceTenancy", "default"),
                quotas=self.quotas,
            )
            tags.put(session, VPC, call.account, vpc.vpc_id, wanted)
            # EC2 creates a VPC in the background and says so; ours exists when the call returns.
            return {"Vpc": vpc_views(session, [vpc])[0] | {"State": "pending"}}

    @ec2("CreateDefaultVpc", scope=about(created(VPC)))
    def create_default_vpc(self, call: Call, request: Request) -> Response:
        """Create the default VPC again after it has been deleted."""
        with self.database.transaction() as session:
            vpc = bootstrap.create_default_vpc(session, call.account, call.region, now=self.clock(), quotas=self.quotas)
            return {"Vpc": vpc_views(session, [vpc])[0]}

    @ec2("DescribeVpcs", "VpcIds Filters MaxResults NextToken")
    def describe_vpcs(self, call: Call, request: Request) -> Response:
        """List VPCs."""
        if request.get("VpcIds"):
            with self.database.reading() as session:
                views = vpc_views(session, lookup.some(session, VPC, call.account, request["VpcIds"]))
        else:
            views = self._views.get(call.account, self._views_of) or []
        return shown(views, request, "Vpcs", VPC_FILTERS, Paging("DescribeVpcs", "VpcId", ids="VpcIds"))

    def _views_of(self, account: str) -> list[dict[str, Any]] | None:
        """Return all VPCs of an account, or ``None`` if it has none."""
        with self.database.reading() as session:
            return vpc_views(session, lookup.described(session, VPC, account, ())) or None

    @ec2("DeleteVpc", "VpcId", scope=about(existing(VPC, "VpcId")))
    def delete_vpc(self, call: Call, request: Request) -> None:
        """Delete a VPC."""
        with self.database.transaction() as session:
            vpcs.delete_vpc(session, call.account, request["VpcId"])

    @ec2(
        "DescribeVpcAttribute",
        "VpcId Attribute",
        scope=about(existing(VPC, "VpcId"), value("ec2:Attribute", "Attribute")),
    )
    def describe_vpc_attribute(self, call: Call, request: Request) -> Response:
        """Show one attribute of a VPC."""
        member = request["Attribute"][0].upper() + request["Attribute"][1:]
        with self.database.reading() as session:
            vpc: Vpc = lookup.one(session, VPC, call.account, request["VpcId"])
            return {"VpcId": vpc.vpc_id, member: {"Value": getattr(vpc, ATTRIBUTES[member])}}

    @ec2(
        "ModifyVpcAttribute",
        "VpcId EnableDnsSupport EnableDnsHostnames EnableNetworkAddressUsageMetrics",
        scope=about(existing(VPC, "VpcId")),
    )
    def modify_vpc_attribute(self, call: Call, request: Request) -> None:
        """Set one attribute of a VPC."""
        given = [member for member in ATTRIBUTES if member in request]
        if len(given) != 1:
            raise ExactlyOneOf(tuple(ATTRIBUTES))
        wanted = bool(request[given[0]].get("Value", False))
        with self.database.transaction() as session:
            vpcs.modify(session, call.account, request["VpcId"], ATTRIBUTES[given[0]], wanted)

    @ec2(
        "AssociateVpcCidrBlock",
        "VpcId CidrBlock",
        scope=about(existing(VPC, "VpcId")),
    )
    def associate_vpc_cidr_block(self, call: Call, request: Request) -> Response:
        """Add a block to a VPC."""
        with self.database.transaction() as session:
            row = cidr_blocks.associate(
                session, call.account, request["VpcId"], request.get("CidrBlock"), quotas=self.quotas
            )
            return {"VpcId": row.vpc_id, "CidrBlockAssociation": _block_view(row, "associating")}

    @ec2("DisassociateVpcCidrBlock", "AssociationId", scope=about(vpc_of_block("AssociationId")))
    def disassociate_vpc_cidr_block(self, call: Call, request: Request) -> Response:
        """Remove a block from its VPC."""
        with self.database.transaction() as session:
            row = cidr_blocks.disassociate(session, call.account, request["AssociationId"])
            return {"VpcId": row.vpc_id, "CidrBlockAssociation": _block_view(row, "disassociating")}

    @ec2("ModifyVpcTenancy", "VpcId InstanceTenancy", scope=about(existing(VPC, "VpcId")))
    def modify_vpc_tenancy(self, call: Call, request: Request) -> Response:
        """Give a VPC default tenancy, so that jobs may run in it."""
        if request["InstanceTenancy"] != "default":
            raise InvalidParameterValue("instanceTenancy", request["InstanceTenancy"], "Expecting default.")
        with self.database.transaction() as session:
            vpcs.make_tenancy_default(session, call.account, request["VpcId"])
        return {"ReturnValue": True}

    @ec2("DescribeNetworkAcls", "NetworkAclIds Filters MaxResults NextToken")
    def describe_network_acls(self, call: Call, request: Request) -> Response:
        """List network ACLs: each VPC has only its default one, which allows all traffic."""
        with self.database.reading() as session:
            views = network_acls.views(session, call.account, request.get("NetworkAclIds") or ())
        paging = Paging("DescribeNetworkAcls", "NetworkAclId", ids="NetworkAclIds")
        return shown(views, request, "NetworkAcls", NETWORK_ACL_FILTERS, paging)


def vpc_views(session: Session, rows: list[Vpc]) -> list[dict[str, Any]]:
    """Return VPCs as EC2 shows them."""
    ids = [row.vpc_id for row in rows]
    tagged = tags.of(session, ids)
    blocks = lookup.vpc_cidr_rows(session, ids)
    return [
        {
            "VpcId": row.vpc_id,
            "OwnerId": row.account,
            "State": "available",
            "CidrBlock": blocks[row.vpc_id][0].cidr,
            "DhcpOptionsId": row.dhcp_options_id,
            "InstanceTenancy": row.tenancy,
            "IsDefault": row.is_default,
            "CidrBlockAssociationSet": [_block_view(block, "associated") for block in blocks[row.vpc_id]],
            "Ipv6CidrBlockAssociationSet": [],
            "Tags": tagged[row.vpc_id],
        }
        for row in rows
    ]


def _block_view(row: VpcCidr, state: str) -> dict[str, Any]:
    return {"AssociationId": row.association_id, "CidrBlock": row.cidr, "CidrBlockState": {"State": state}}
