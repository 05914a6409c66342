"""ListTagsForResource, TagResource and UntagResource, for jobs and custom models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.comprehend import tags
from reading_room.comprehend.conditions import named_resource, tag_context
from reading_room.comprehend.flywheels.flywheels import is_flywheel
from reading_room.comprehend.quotas import Quotas
from reading_room.database.engine import Database

if TYPE_CHECKING:
    from mypy_boto3_comprehend.type_defs import (
        ListTagsForResourceRequestTypeDef,
        TagResourceRequestTypeDef,
        UntagResourceRequestTypeDef,
    )


class TagOperations:
    """The operations on tags."""

    def __init__(self, database: Database, quotas: Quotas) -> None:
        self._database = database
        self._quotas = quotas

    @operation("comprehend", "ListTagsForResource", resources=named_resource)
    def list_tags(self, call: Call, request: ListTagsForResourceRequestTypeDef) -> Mapping[str, object]:
        """Return the tags of a resource, which no Describe call shows."""
        self._quotas.count(call.account, "ListTagsForResource")
        with self._database.reading() as session:
            found = tags.tags_of(session, call.account, request["ResourceArn"])
        listed = [{"Key": key, "Value": value} for key, value in found.items()]
        return {"ResourceArn": request["ResourceArn"], "Tags": listed}

    @operation("comprehend", "TagResource", resources=named_resource, context=tag_context)
    def tag(self, call: Call, request: TagResourceRequestTypeDef) -> None:
        """Add tags or replace their values."""
        self._quotas.count(call.account, "TagResource")
        of_flywheel = is_flywheel(request["ResourceArn"])
        new = tags.as_mapping([dict(tag) for tag in request["Tags"]], of_flywheel=of_flywheel)  # type: ignore[arg-type]
        with self._database.transaction() as session:
            tags.add(session, call.account, request["ResourceArn"], new)

    @operation("comprehend", "UntagResource", resources=named_resource, context=tag_context)
    def untag(self, call: Call, request: UntagResourceRequestTypeDef) -> None:
        """Remove tags."""
        self._quotas.count(call.account, "UntagResource")
        with self._database.transaction() as session:
            tags.remove(session, call.account, request["ResourceArn"], request["TagKeys"])
