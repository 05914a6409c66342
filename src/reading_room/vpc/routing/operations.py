"""Operations on route tables, routes and associations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.vpc import idempotency, lookup, tags
from reading_room.vpc.errors import UnsupportedParameter
from reading_room.vpc.identifiers import ROUTE_TABLE, SUBNET, VPC
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, association, created, existing
from reading_room.vpc.pagination import Paging
from reading_room.vpc.routing import route_tables, routes
from reading_room.vpc.tables import Route, RouteTable, RouteTableAssociation

ROUTE_TABLE_FILTERS = {
    "association.gateway-id": "Associations.GatewayId",
    "association.route-table-association-id": "Associations.RouteTableAssociationId",
    "association.route-table-id": "Associations.RouteTableId",
    "association.subnet-id": "Associations.SubnetId",
    "association.main": "Associations.Main",
    "owner-id": "OwnerId",
    "route-table-id": "RouteTableId",
    "route.destination-cidr-block": "Routes.DestinationCidrBlock",
    "route.destination-ipv6-cidr-block": "Routes.DestinationIpv6CidrBlock",
    "route.destination-prefix-list-id": "Routes.DestinationPrefixListId",
    "route.egress-only-internet-gateway-id": "Routes.EgressOnlyInternetGatewayId",
    "route.gateway-id": "Routes.GatewayId",
    "route.instance-id": "Routes.InstanceId",
    "route.nat-gateway-id": "Routes.NatGatewayId",
    "route.transit-gateway-id": "Routes.TransitGatewayId",
    "route.origin": "Routes.Origin",
    "route.state": "Routes.State",
    "route.vpc-peering-connection-id": "Routes.VpcPeeringConnectionId",
    "tag-key": "",
    "vpc-id": "VpcId",
}
_ROUTE_PARAMETERS = " ".join(("RouteTableId", *routes.DESTINATIONS, *routes.TARGETS))
_TABLE = about(existing(ROUTE_TABLE, "RouteTableId"))
_LOCAL_ROUTE = {"GatewayId": routes.LOCAL, "Origin": "CreateRouteTable", "State": "active"}
_TARGET_MEMBERS = {
    "igw-": "GatewayId",
    "vpce-": "GatewayId",
    "nat-": "NatGatewayId",
    "eni-": "NetworkInterfaceId",
}


class RouteTableOperations(Ec2Operations):
    """CreateRouteTable and related operations."""

    @ec2(
        "CreateRouteTable",
        "VpcId ClientToken TagSpecifications",
        scope=about(created(ROUTE_TABLE), existing(VPC, "VpcId")),
    )
    def create_route_table(self, call: Call, request: Request) -> Response:
        """Create a route table."""
        wanted = self.authorize_tags(call, request, ROUTE_TABLE)
        token = {"ClientToken": request["ClientToken"]} if request.get("ClientToken") else {}
        with self.database.transaction() as session:
            earlier = idempotency.earlier(session, call.account, "CreateRouteTable", request)
            if earlier is not None:
                row = lookup.one(session, ROUTE_TABLE, call.account, earlier[0])
            else:
                vpc = lookup.one(session, VPC, call.account, request["VpcId"])
                row = route_tables.create(session, vpc, self.clock(), quotas=self.quotas)
                tags.put(session, ROUTE_TABLE, call.account, row.route_table_id, wanted)
                idempotency.remember(
                    session, call.account, "CreateRouteTable", request, [row.route_table_id], self.clock()
                )
            return {"RouteTable": route_table_views(session, [row])[0], **token}

    @ec2("DescribeRouteTables", "RouteTableIds Filters MaxResults NextToken")
    def describe_route_tables(self, call: Call, request: Request) -> Response:
        """List route tables with their routes and associations."""
        with self.database.reading() as session:
            rows = lookup.described(session, ROUTE_TABLE, call.account, request.get("RouteTableIds") or ())
            views = route_table_views(session, rows)
        paging = Paging("DescribeRouteTables", "RouteTableId", most=100, ids="RouteTableIds")
        return shown(views, request, "RouteTables", ROUTE_TABLE_FILTERS, paging)

    @ec2("DeleteRouteTable", "RouteTableId", scope=_TABLE)
    def delete_route_table(self, call: Call, request: Request) -> None:
        """Delete a route table."""
        with self.database.transaction() as session:
            route_tables.delete_route_table(session, call.account, request["RouteTableId"])

    @ec2("CreateRoute", _ROUTE_PARAMETERS, scope=_TABLE)
    def create_route(self, call: Call, request: Request) -> Response:
        """Add a route."""
        with self.database.transaction() as session:
            routes.create(session, call.account, request, quotas=self.quotas)
        return {"Return": True}

    @ec2("ReplaceRoute", f"{_ROUTE_PARAMETERS} LocalTarget", scope=_TABLE)
    def replace_route(self, call: Call, request: Request) -> None:
        """Give a route another target."""
        with self.database.transaction() as session:
            routes.replace(session, call.account, request)

    @ec2("DeleteRoute", " ".join(("RouteTableId", *routes.DESTINATIONS)), scope=_TABLE)
    def delete_route(self, call: Call, request: Request) -> None:
        """Remove a route."""
        with self.database.transaction() as session:
            routes.delete_route(session, call.account, request)

    @ec2(
        "AssociateRouteTable",
        "RouteTableId SubnetId",
        scope=about(existing(ROUTE_TABLE, "RouteTableId"), existing(SUBNET, "SubnetId")),
    )
    def associate_route_table(self, call: Call, request: Request) -> Response:
        """Associate a route table with a subnet."""
        if not request.get("SubnetId"):
            raise UnsupportedParameter("AssociateRouteTable", "GatewayId")
        with self.database.transaction() as session:
            row = route_tables.associate(session, call.account, request["RouteTableId"], request["SubnetId"])
            return {"AssociationId": row.association_id, "AssociationState": {"State": "associated"}}

    @ec2(
        "ReplaceRouteTableAssociation",
        "AssociationId RouteTableId",
        scope=about(existing(ROUTE_TABLE, "RouteTableId"), association("AssociationId")),
    )
    def replace_route_table_association(self, call: Call, request: Request) -> Response:
        """Replace the table of an association."""
        with self.database.transaction() as session:
            row = route_tables.replace(session, call.account, request["AssociationId"], request["RouteTableId"])
            return {"NewAssociationId": row.association_id, "AssociationState": {"State": "associated"}}

    @ec2("DisassociateRouteTable", "AssociationId", scope=about(association("AssociationId")))
    def disassociate_route_table(self, call: Call, request: Request) -> None:
        """Remove an association, so that the subnet uses the main table again."""
        with self.database.transaction() as session:
            route_tables.disassociate(session, call.account, request["AssociationId"])


def route_table_views(session: Session, rows: list[RouteTable]) -> list[dict[str, Any]]:
    """Return route tables as EC2 shows them: the VPC's own blocks first, then the other routes by destination."""
    ids = [row.route_table_id for row in rows]
    tagged = tags.of(session, ids)
    blocks = lookup.vpc_cidr_rows(session, [row.vpc_id for row in rows])
    found = lookup.grouped(session, Route, "route_table_id", ids, "destination")
    served = routes.networks_served(session, [route.target for listed in found.values() for route in listed])
    associations = lookup.grouped(session, RouteTableAssociation, "route_table_id", ids, "association_id")
    return [
        {
            "RouteTableId": row.route_table_id,
            "VpcId": row.vpc_id,
            "OwnerId": row.account,
            "Routes": _route_views(
                [block.cidr for block in blocks[row.vpc_id]], found[row.route_table_id], row, served
            ),
            "Associations": [_association_view(entry) for entry in associations[row.route_table_id]],
            "PropagatingVgws": [],
            "Tags": tagged[row.route_table_id],
        }
        for row in rows
    ]


def _route_views(
    blocks: list[str], found: list[Route], table: RouteTable, served: Mapping[str, str]
) -> list[dict[str, Any]]:
    views = {block: _LOCAL_ROUTE | {"DestinationCidrBlock": block} for block in blocks}
    for route in found:
        state = "active" if served.get(route.target) == table.vpc_id else "blackhole"
        destination = "DestinationPrefixListId" if route.destination.startswith("pl-") else "DestinationCidrBlock"
        member = next(member for prefix, member in _TARGET_MEMBERS.items() if route.target.startswith(prefix))
        views[route.destination] = {
            destination: route.destination,
            member: route.target,
            "Origin": route.origin,
            "State": state,
        }
    return list(views.values())


def _association_view(row: RouteTableAssociation) -> dict[str, Any]:
    view: dict[str, Any] = {
        "RouteTableAssociationId": row.association_id,
        "RouteTableId": row.route_table_id,
        "Main": row.subnet_id is None,
        "AssociationState": {"State": "associated"},
    }
    return view if row.subnet_id is None else view | {"SubnetId": row.subnet_id}
