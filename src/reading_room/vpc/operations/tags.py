"""Operations on tags."""

from __future__ import annotations

from reading_room.aws.call import Call
from reading_room.vpc import filters, pagination, tags
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.scope import about, anything, request_tags_of

TAG_FILTERS = {
    "key": "Key",
    "resource-id": "ResourceId",
    "resource-type": "ResourceType",
    "value": "Value",
}
_SCOPE = about(anything("Resources"), request_tags_of("Tags"))


class TagOperations(Ec2Operations):
    """CreateTags and related operations."""

    @ec2("CreateTags", "Resources Tags", scope=_SCOPE)
    def create_tags(self, call: Call, request: Request) -> None:
        """Set tags of resources."""
        with self.database.transaction() as session:
            tags.create(session, call.account, request["Resources"], request["Tags"])

    @ec2("DeleteTags", "Resources Tags", scope=_SCOPE)
    def delete_tags(self, call: Call, request: Request) -> None:
        """Remove tags of resources."""
        with self.database.transaction() as session:
            tags.remove(session, call.account, request["Resources"], request.get("Tags"))

    @ec2("DescribeTags", "Filters MaxResults NextToken")
    def describe_tags(self, call: Call, request: Request) -> Response:
        """List tags."""
        with self.database.reading() as session:
            views = [
                {
                    "ResourceId": row.resource_id,
                    "ResourceType": row.resource_type,
                    "Key": row.key,
                    "Value": row.value,
                    "Place": f"{row.resource_id}\n{row.key}",
                }
                for row in tags.all_of(session, call.account)
            ]
        wanted = []
        for entry in request.get("Filters") or ():
            name = str(entry.get("Name", ""))
            # Here "tag:KEY" matches the tag of the view itself, not the resource's other tags.
            if name.startswith("tag:") and len(name) > 4:
                wanted.append({"Name": "key", "Values": [_literal(name[4:])]})
                wanted.append({"Name": "value", "Values": entry.get("Values", ())})
            else:
                wanted.append(entry)
        passing = filters.matching(views, wanted, TAG_FILTERS)
        page, token = pagination.page(passing, request, pagination.Paging("DescribeTags", "Place"))
        return {"Tags": [{key: view[key] for key in view if key != "Place"} for view in page], **token}


def _literal(text: str) -> str:
    return "".join(f"\\{character}" if character in "*?\\" else character for character in text)
