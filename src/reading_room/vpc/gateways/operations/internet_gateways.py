"""Operations on internet gateways."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.vpc import lookup, tags
from reading_room.vpc.gateways import internet_gateways
from reading_room.vpc.identifiers import INTERNET_GATEWAY, VPC
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing
from reading_room.vpc.pagination import Paging
from reading_room.vpc.tables import InternetGateway

INTERNET_GATEWAY_FILTERS = {
    "attachment.state": "Attachments.State",
    "attachment.vpc-id": "Attachments.VpcId",
    "internet-gateway-id": "InternetGatewayId",
    "owner-id": "OwnerId",
    "tag-key": "",
}
_BOTH = about(existing(INTERNET_GATEWAY, "InternetGatewayId"), existing(VPC, "VpcId"))


class InternetGatewayOperations(Ec2Operations):
    """CreateInternetGateway and related operations."""

    @ec2("CreateInternetGateway", "TagSpecifications", scope=about(created(INTERNET_GATEWAY)))
    def create_internet_gateway(self, call: Call, request: Request) -> Response:
        """Create a detached internet gateway."""
        wanted = self.authorize_tags(call, request, INTERNET_GATEWAY)
        with self.database.transaction() as session:
            row = internet_gateways.create(session, call.account, self.clock(), quotas=self.quotas)
            tags.put(session, INTERNET_GATEWAY, call.account, row.internet_gateway_id, wanted)
            return {"InternetGateway": internet_gateway_views(session, [row])[0]}

    @ec2("AttachInternetGateway", "InternetGatewayId VpcId", scope=_BOTH)
    def attach_internet_gateway(self, call: Call, request: Request) -> None:
        """Attach an internet gateway to a VPC."""
        with self.database.transaction() as session:
            internet_gateways.attach(session, call.account, request["InternetGatewayId"], request["VpcId"])

    @ec2("DetachInternetGateway", "InternetGatewayId VpcId", scope=_BOTH)
    def detach_internet_gateway(self, call: Call, request: Request) -> None:
        """Detach an internet gateway."""
        with self.database.transaction() as session:
            internet_gateways.detach(session, call.account, request["InternetGatewayId"], request["VpcId"])

    @ec2("DescribeInternetGateways", "InternetGatewayIds Filters MaxResults NextToken")
    def describe_internet_gateways(self, call: Call, request: Request) -> Response:
        """List internet gateways."""
        ids = request.get("InternetGatewayIds") or ()
        with self.database.reading() as session:
            rows = lookup.described(session, INTERNET_GATEWAY, call.account, ids)
            views = internet_gateway_views(session, rows)
        paging = Paging("DescribeInternetGateways", "InternetGatewayId", ids="InternetGatewayIds")
        return shown(views, request, "InternetGateways", INTERNET_GATEWAY_FILTERS, paging)

    @ec2(
        "DeleteInternetGateway",
        "InternetGatewayId",
        scope=about(existing(INTERNET_GATEWAY, "InternetGatewayId")),
    )
    def delete_internet_gateway(self, call: Call, request: Request) -> None:
        """Delete an internet gateway."""
        with self.database.transaction() as session:
            internet_gateways.delete_gateway(session, call.account, request["InternetGatewayId"])


def internet_gateway_views(session: Session, rows: list[InternetGateway]) -> list[dict[str, Any]]:
    """Return internet gateways as EC2 shows them: an attachment is ``available``."""
    tagged = tags.of(session, [row.internet_gateway_id for row in rows])
    return [
        {
            "InternetGatewayId": row.internet_gateway_id,
            "OwnerId": row.account,
            "Attachments": [] if row.vpc_id is None else [{"State": "available", "VpcId": row.vpc_id}],
            "Tags": tagged[row.internet_gateway_id],
        }
        for row in rows
    ]
