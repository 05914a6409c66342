"""Operations on DHCP options sets."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.vpc import lookup, tags
from reading_room.vpc.addressing import dhcp_options
from reading_room.vpc.identifiers import DHCP_OPTIONS, VPC
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing
from reading_room.vpc.pagination import Paging
from reading_room.vpc.tables import DhcpOptions

DHCP_FILTERS = {
    "dhcp-options-id": "DhcpOptionsId",
    "dhcpOptionsId": "DhcpOptionsId",
    "key": "DhcpConfigurations.Key",
    "value": "DhcpConfigurations.Values.Value",
    "owner-id": "OwnerId",
    "tag-key": "",
}


class DhcpOptionsOperations(Ec2Operations):
    """CreateDhcpOptions and related operations."""

    @ec2("CreateDhcpOptions", "DhcpConfigurations TagSpecifications", scope=about(created(DHCP_OPTIONS)))
    def create_dhcp_options(self, call: Call, request: Request) -> Response:
        """Create a set of DHCP options."""
        wanted = self.authorize_tags(call, request, DHCP_OPTIONS)
        with self.database.transaction() as session:
            row = dhcp_options.create(session, call.account, request["DhcpConfigurations"])
            tags.put(session, DHCP_OPTIONS, call.account, row.dhcp_options_id, wanted)
            return {"DhcpOptions": _views(session, [row])[0]}

    @ec2("DescribeDhcpOptions", "DhcpOptionsIds Filters MaxResults NextToken")
    def describe_dhcp_options(self, call: Call, request: Request) -> Response:
        """List DHCP options sets."""
        with self.database.reading() as session:
            rows = lookup.described(session, DHCP_OPTIONS, call.account, request.get("DhcpOptionsIds") or ())
            views = _views(session, rows)
        paging = Paging("DescribeDhcpOptions", "DhcpOptionsId", ids="DhcpOptionsIds")
        return shown(views, request, "DhcpOptions", DHCP_FILTERS, paging)

    @ec2(
        "AssociateDhcpOptions",
        "DhcpOptionsId VpcId",
        scope=about(existing(DHCP_OPTIONS, "DhcpOptionsId"), existing(VPC, "VpcId")),
    )
    def associate_dhcp_options(self, call: Call, request: Request) -> None:
        """Give a VPC another set, or none, for the containers that start from then on."""
        with self.database.transaction() as session:
            dhcp_options.associate(session, call.account, request["DhcpOptionsId"], request["VpcId"])

    @ec2("DeleteDhcpOptions", "DhcpOptionsId", scope=about(existing(DHCP_OPTIONS, "DhcpOptionsId")))
    def delete_dhcp_options(self, call: Call, request: Request) -> None:
        """Delete a set that no VPC uses."""
        with self.database.transaction() as session:
            dhcp_options.delete_set(session, call.account, request["DhcpOptionsId"])


def _views(session: Session, rows: list[DhcpOptions]) -> list[dict[str, Any]]:
    tagged = tags.of(session, [row.dhcp_options_id for row in rows])
    return [
        {
            "DhcpOptionsId": row.dhcp_options_id,
            "OwnerId": row.account,
            "DhcpConfigurations": [
                {"Key": key, "Values": [{"Value": item} for item in values]} for key, values in row.options.items()
            ],
            "Tags": tagged[row.dhcp_options_id],
        }
        for row in rows
    ]
