"""Operations on prefix lists: AWS's own, and those that customers manage."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from reading_room.arns import ec2_arn
from reading_room.aws.call import Call
from reading_room.vpc import idempotency, lookup, tags
from reading_room.vpc.addressing import customer_prefix_lists, prefix_lists
from reading_room.vpc.errors import InvalidParameterValue, UnsupportedParameter
from reading_room.vpc.identifiers import PREFIX_LIST
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing
from reading_room.vpc.pagination import Paging
from reading_room.vpc.tables import PrefixList

PREFIX_LIST_FILTERS = {
    "owner-id": "OwnerId",
    "prefix-list-id": "PrefixListId",
    "prefix-list-name": "PrefixListName",
    "tag-key": "",
}
_LIST = about(existing(PREFIX_LIST, "PrefixListId"))


class PrefixListOperations(Ec2Operations):
    """CreateManagedPrefixList and related operations."""

    @ec2(
        "CreateManagedPrefixList",
        "PrefixListName Entries MaxEntries AddressFamily ClientToken TagSpecifications",
        scope=about(created(PREFIX_LIST)),
    )
    def create_managed_prefix_list(self, call: Call, request: Request) -> Response:
        """Create a prefix list."""
        wanted = self.authorize_tags(call, request, PREFIX_LIST)
        family = request["AddressFamily"]
        if family == "IPv6":
            raise UnsupportedParameter("CreateManagedPrefixList", "AddressFamily=IPv6")
        if family != "IPv4":
            raise InvalidParameterValue("addressFamily", family, "Expecting IPv4 or IPv6.")
        with self.database.transaction() as session:
            earlier = idempotency.earlier(session, call.account, "CreateManagedPrefixList", request)
            if earlier is not None:
                row = lookup.one(session, PREFIX_LIST, call.account, earlier[0])
                return {"PrefixList": _views(session, call.region, [row])[0]}
            row = customer_prefix_lists.create(
                session,
                call.account,
                request["PrefixListName"],
                request["MaxEntries"],
                request.get("Entries") or (),
                self.clock(),
                quotas=self.quotas,
            )
            tags.put(session, PREFIX_LIST, call.account, row.prefix_list_id, wanted)
            idempotency.remember(
                session, call.account, "CreateManagedPrefixList", request, [row.prefix_list_id], self.clock()
            )
            # EC2 creates a list in the background and says so; ours exists when the call returns.
            return {"PrefixList": _views(session, call.region, [row])[0] | {"State": "create-in-progress"}}

    @ec2(
        "ModifyManagedPrefixList",
        "PrefixListId CurrentVersion PrefixListName AddEntries RemoveEntries MaxEntries",
        scope=_LIST,
    )
    def modify_managed_prefix_list(self, call: Call, request: Request) -> Response:
        """Change a prefix list. A change of its entries makes a new version."""
        with self.database.transaction() as session:
            row = customer_prefix_lists.modify(
                session,
                call.account,
                request["PrefixListId"],
                name=request.get("PrefixListName"),
                max_entries=request.get("MaxEntries"),
                add=request.get("AddEntries") or (),
                remove=request.get("RemoveEntries") or (),
                current_version=request.get("CurrentVersion"),
                quotas=self.quotas,
            )
            row.state = "modify-complete"
            session.flush()
            return {"PrefixList": _views(session, call.region, [row])[0] | {"State": "modify-in-progress"}}

    @ec2("DeleteManagedPrefixList", "PrefixListId", scope=_LIST)
    def delete_managed_prefix_list(self, call: Call, request: Request) -> Response:
        """Delete a prefix list that nothing uses."""
        with self.database.transaction() as session:
            row = customer_prefix_lists.delete_list(session, call.account, request["PrefixListId"])
            return {"PrefixList": _views(session, call.region, [row])[0] | {"State": "delete-in-progress"}}

    @ec2("DescribeManagedPrefixLists", "PrefixListIds Filters MaxResults NextToken")
    def describe_managed_prefix_lists(self, call: Call, request: Request) -> Response:
        """List prefix lists, including AWS's own."""
        ids = request.get("PrefixListIds") or ()
        aws = [entry for entry in prefix_lists.lists_of(call.region) if not ids or entry.prefix_list_id in ids]
        own = [each for each in ids if not prefix_lists.known(each)]
        with self.database.reading() as session:
            rows = lookup.described(session, PREFIX_LIST, call.account, own) if own or not ids else []
            views = [*(_aws_view(call.region, entry) for entry in aws), *_views(session, call.region, rows)]
        paging = Paging("DescribeManagedPrefixLists", "PrefixListId", least=1, most=100)
        return shown(views, request, "PrefixLists", PREFIX_LIST_FILTERS, paging)

    @ec2("GetManagedPrefixListEntries", "PrefixListId TargetVersion MaxResults NextToken", scope=_LIST)
    def get_managed_prefix_list_entries(self, call: Call, request: Request) -> Response:
        """List the networks of one version of a prefix list."""
        wanted = request["PrefixListId"]
        with self.database.reading() as session:
            if prefix_lists.known(wanted):
                views = [
                    {"Cidr": cidr}
                    for entry in prefix_lists.lists_of(call.region)
                    if entry.prefix_list_id == wanted
                    for cidr in entry.cidrs
                ]
            else:
                row = lookup.one(session, PREFIX_LIST, call.account, wanted)
                entries = customer_prefix_lists.entries_of(session, row, request.get("TargetVersion"))
                views = [
                    {"Cidr": entry.cidr, **({"Description": entry.description} if entry.description else {})}
                    for entry in entries
                ]
        return shown(views, request, "Entries", {}, Paging("GetManagedPrefixListEntries", "Cidr", least=1, most=100))

    @ec2("GetManagedPrefixListAssociations", "PrefixListId MaxResults NextToken", scope=_LIST)
    def get_managed_prefix_list_associations(self, call: Call, request: Request) -> Response:
        """List the security groups and route tables that use a prefix list."""
        with self.database.reading() as session:
            customer_prefix_lists.require(session, call.account, request["PrefixListId"])
            users = customer_prefix_lists.users_of(session, call.account, request["PrefixListId"])
        views = [{"ResourceId": user, "ResourceOwner": call.account} for user in users]
        paging = Paging("GetManagedPrefixListAssociations", "ResourceId", most=255)
        return shown(views, request, "PrefixListAssociations", {}, paging)


def _views(session: Session, region: str, rows: list[PrefixList]) -> list[dict[str, Any]]:
    tagged = tags.of(session, [row.prefix_list_id for row in rows])
    return [
        {
            "PrefixListId": row.prefix_list_id,
            "PrefixListName": row.name,
            "PrefixListArn": ec2_arn(region, row.account, PREFIX_LIST.word, row.prefix_list_id),
            "AddressFamily": "IPv4",
            "State": row.state,
            "MaxEntries": row.max_entries,
            "Version": row.version,
            "OwnerId": row.account,
            "Tags": tagged[row.prefix_list_id],
        }
        for row in rows
    ]


def _aws_view(region: str, entry: prefix_lists.ManagedPrefixList) -> dict[str, Any]:
    return {
        "PrefixListId": entry.prefix_list_id,
        "PrefixListName": entry.name,
        "PrefixListArn": ec2_arn(region, "aws", PREFIX_LIST.word, entry.prefix_list_id),
        "AddressFamily": entry.family,
        "State": "create-complete",
        "OwnerId": prefix_lists.PREFIX_LIST_OWNER,
        "Tags": [],
    }
