"""Operations on NAT gateways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.vpc import idempotency, tags
from reading_room.vpc.gateways import nat_gateway_addresses, nat_gateways
from reading_room.vpc.identifiers import ELASTIC_ADDRESS, NAT_GATEWAY, SUBNET
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing
from reading_room.vpc.pagination import Paging
from reading_room.vpc.tables import NatGateway

NAT_GATEWAY_FILTERS = {
    "nat-gateway-id": "NatGatewayId",
    "state": "State",
    "subnet-id": "SubnetId",
    "tag-key": "",
    "vpc-id": "VpcId",
}
_GATEWAY = existing(NAT_GATEWAY, "NatGatewayId")


class NatGatewayOperations(Ec2Operations):
    """CreateNatGateway and related operations."""

    @ec2(
        "CreateNatGateway",
        "AvailabilityMode SubnetId ConnectivityType AllocationId PrivateIpAddress SecondaryAllocationIds "
        "SecondaryPrivateIpAddresses SecondaryPrivateIpAddressCount ClientToken TagSpecifications",
        scope=about(
            created(NAT_GATEWAY),
            existing(SUBNET, "SubnetId"),
            existing(ELASTIC_ADDRESS, "AllocationId", "SecondaryAllocationIds"),
        ),
    )
    def create_nat_gateway(self, call: Call, request: Request) -> Response:
        """Create a NAT gateway; if it cannot work, its state shows that later."""
        to_tag = self.authorize_tags(call, request, NAT_GATEWAY)
        wanted = nat_gateways.requested(request)
        token = {"ClientToken": request["ClientToken"]} if request.get("ClientToken") else {}
        now = self.clock()
        with self.database.transaction() as session:
            earlier = idempotency.earlier(session, call.account, "CreateNatGateway", request)
            if earlier is not None:
                row = nat_gateways.one(session, call.account, earlier[0], now)
                return {"NatGateway": nat_gateway_views(session, [row])[0], **token}
            row = nat_gateways.create(session, call.account, wanted, now, quotas=self.quotas)
            tags.put(session, NAT_GATEWAY, call.account, row.nat_gateway_id, to_tag)
            idempotency.remember(session, call.account, "CreateNatGateway", request, [row.nat_gateway_id], now)
            return {"NatGateway": _new_view(nat_gateway_views(session, [row])[0], wanted), **token}

    @ec2("DescribeNatGateways", "NatGatewayIds Filter MaxResults NextToken")
    def describe_nat_gateways(self, call: Call, request: Request) -> Response:
        """List NAT gateways, including those that failed or were deleted within the last hour."""
        ids = request.get("NatGatewayIds") or ()
        with self.database.reading() as session:
            rows = nat_gateways.described(session, call.account, ids, self.clock())
            views = nat_gateway_views(session, rows)
        paging = Paging("DescribeNatGateways", "NatGatewayId", ids="NatGatewayIds")
        return shown(views, request, "NatGateways", NAT_GATEWAY_FILTERS, paging, parameter="Filter")

    @ec2("DeleteNatGateway", "NatGatewayId", scope=about(_GATEWAY))
    def delete_nat_gateway(self, call: Call, request: Request) -> Response:
        """Delete a NAT gateway."""
        with self.database.transaction() as session:
            nat_gateways.delete_gateway(session, call.account, request["NatGatewayId"], self.clock())
        return {"NatGatewayId": request["NatGatewayId"]}

    @ec2(
        "AssociateNatGatewayAddress",
        "NatGatewayId AllocationIds PrivateIpAddresses",
        scope=about(_GATEWAY, existing(ELASTIC_ADDRESS, "AllocationIds")),
    )
    def associate_nat_gateway_address(self, call: Call, request: Request) -> Response:
        """Associate Elastic IP addresses with a public gateway."""
        with self.database.transaction() as session:
            entries = nat_gateway_addresses.associate(
                session,
                call.account,
                request["NatGatewayId"],
                request["AllocationIds"],
                request.get("PrivateIpAddresses") or (),
                self.clock(),
                quotas=self.quotas,
            )
        # EC2's own answer comes before the gateway has the addresses.
        shown = ("AllocationId", "NetworkInterfaceId", *(["PrivateIp"] if request.get("PrivateIpAddresses") else []))
        promised = [{name: entry[name] for name in shown} for entry in entries]
        return _changed(request, promised, "associating")

    # The two calls that remove addresses do so at once, so MaxDrainDurationSeconds would have no effect.

    @ec2("DisassociateNatGatewayAddress", "NatGatewayId AssociationIds", scope=about(_GATEWAY))
    def disassociate_nat_gateway_address(self, call: Call, request: Request) -> Response:
        """Disassociate Elastic IP addresses from a public gateway."""
        with self.database.transaction() as session:
            entries = nat_gateway_addresses.disassociate(
                session, call.account, request["NatGatewayId"], request["AssociationIds"], self.clock()
            )
        return _changed(request, entries, "disassociating")

    @ec2(
        "AssignPrivateNatGatewayAddress",
        "NatGatewayId PrivateIpAddresses PrivateIpAddressCount",
        scope=about(_GATEWAY),
    )
    def assign_private_nat_gateway_address(self, call: Call, request: Request) -> Response:
        """Assign private addresses to a private gateway."""
        with self.database.transaction() as session:
            entries = nat_gateway_addresses.assign_private(
                session,
                call.account,
                request["NatGatewayId"],
                request.get("PrivateIpAddresses") or (),
                int(request.get("PrivateIpAddressCount") or 0),
                self.clock(),
                quotas=self.quotas,
            )
        return _changed(request, entries, "assigning")

    @ec2("UnassignPrivateNatGatewayAddress", "NatGatewayId PrivateIpAddresses", scope=about(_GATEWAY))
    def unassign_private_nat_gateway_address(self, call: Call, request: Request) -> Response:
        """Unassign private addresses from a private gateway."""
        with self.database.transaction() as session:
            entries = nat_gateway_addresses.unassign_private(
                session, call.account, request["NatGatewayId"], request["PrivateIpAddresses"], self.clock()
            )
        return _changed(request, entries, "unassigning")


def nat_gateway_views(session: Session, rows: list[NatGateway]) -> list[dict[str, Any]]:
    """Return NAT gateways as EC2 shows them."""
    tagged = tags.of(session, [row.nat_gateway_id for row in rows])
    views = []
    for row in rows:
        view: dict[str, Any] = {
            "NatGatewayId": row.nat_gateway_id,
            "VpcId": row.vpc_id,
            "SubnetId": row.subnet_id,
            "State": row.state,
            "ConnectivityType": row.connectivity,
            "AvailabilityMode": "zonal",
            "CreateTime": row.created_at,
            "NatGatewayAddresses": [
                {**entry, "IsPrimary": place == 0, "Status": "failed" if row.failure_code else "succeeded"}
                for place, entry in enumerate(row.addresses)
            ],
            "Tags": tagged[row.nat_gateway_id],
        }
        if row.failure_code is not None:
            view |= {"FailureCode": row.failure_code, "FailureMessage": row.failure_message}
        if row.state == "deleted":
            view["DeleteTime"] = row.ended_at
        views.append(view)
    return views


def _new_view(view: dict[str, Any], wanted: nat_gateways.Wanted) -> dict[str, Any]:
    """Return a gateway as the create call shows it, when EC2 has not yet given it its addresses."""
    hidden = ("FailureCode", "FailureMessage")
    promised = [
        {"AllocationId": allocation_id, "IsPrimary": place == 0, "Status": "associating"}
        for place, allocation_id in enumerate(wanted.allocations)
    ]
    kept = {name: value for name, value in view.items() if name not in hidden}
    return kept | {"State": "pending", "NatGatewayAddresses": promised}


def _changed(request: Request, entries: Sequence[dict[str, str]], status: str) -> Response:
    addresses = [{**entry, "IsPrimary": False, "Status": status} for entry in entries]
    return {"NatGatewayId": request["NatGatewayId"], "NatGatewayAddresses": addresses}
