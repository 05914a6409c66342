"""PutResourcePolicy, DescribeResourcePolicy and DeleteResourcePolicy, for custom models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.comprehend.conditions import named_resource
from reading_room.comprehend.models import policies
from reading_room.comprehend.models.models import find
from reading_room.database.engine import Database

if TYPE_CHECKING:
    from mypy_boto3_comprehend.type_defs import (
        DeleteResourcePolicyRequestTypeDef,
        DescribeResourcePolicyRequestTypeDef,
        PutResourcePolicyRequestTypeDef,
    )


class ModelPolicyOperations:
    """The operations on models' resource policies."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @operation("comprehend", "PutResourcePolicy", resources=named_resource)
    def put(self, call: Call, request: PutResourcePolicyRequestTypeDef) -> Mapping[str, object]:
        """Set the policy of a model."""
        with self._database.transaction() as session:
            arn = find(session, call.account, request["ResourceArn"]).row.arn
            revision = policies.put(
                session,
                arn,
                request["ResourcePolicy"],
                request.get("PolicyRevisionId"),
                self._clock(),
                "ResourcePolicy",
            )
        return {"PolicyRevisionId": revision}

    @operation("comprehend", "DescribeResourcePolicy", resources=named_resource)
    def describe(self, call: Call, request: DescribeResourcePolicyRequestTypeDef) -> Mapping[str, object]:
        """Show the policy of a model; the response is empty if it has none."""
        with self._database.reading() as session:
            row = policies.of_model(session, find(session, call.account, request["ResourceArn"]).row.arn)
        if row is None:
            return {}
        return {
            "ResourcePolicy": row.policy,
            "CreationTime": row.created_at,
            "LastModifiedTime": row.modified_at,
            "PolicyRevisionId": row.revision,
        }

    @operation("comprehend", "DeleteResourcePolicy", resources=named_resource)
    def delete(self, call: Call, request: DeleteResourcePolicyRequestTypeDef) -> None:
        """Remove the policy of a model."""
        with self._database.transaction() as session:
            arn = find(session, call.account, request["ResourceArn"]).row.arn
            policies.delete(session, arn, request.get("PolicyRevisionId"))
